"""From a cut list and a scan to restored shots on disk."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import vapoursynth as vs

from tests.conftest import EDL
from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import OutputError, ProjectError, RenderError, UsageError
from vsfilmrestore.media.out.framemd5 import read_framemd5
from vsfilmrestore.media.out.profiles import PROFILES
from vsfilmrestore.media.source import open_media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.executor import render
from vsfilmrestore.render.job import open_project, open_reel
from vsfilmrestore.render.ledger import Ledger
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel import Reel

core = vs.core


@pytest.fixture
def project(small_reel: Path) -> Project:
    given = {"media": [str(small_reel / "scans")], "markers": small_reel / "markers.edl"}
    return open_project(small_reel / "cut.edl", small_reel / "p", given)


@pytest.fixture
def quick(small_reel: Path) -> Project:
    """The same cut with one step that takes no time, for what does not depend on what is done to pictures."""
    (small_reel / "plain.edl").write_text(EDL.replace("* COMMENT: VSFR dust=0.4\n", ""))
    given = {"media": [str(small_reel / "scans")], "preset": "none", "steps": {"deflicker": 0.5}}
    return open_project(small_reel / "plain.edl", small_reel / "p", given)


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pictures(clip: vs.VideoNode) -> Iterator[bytes]:
    for frame in clip.frames(close=True):
        yield b"".join(np.ascontiguousarray(np.asarray(frame[p])).tobytes() for p in range(frame.format.num_planes))


def test_a_cut_list_and_a_scan_in_restored_shots_out(project: Project, small_reel: Path) -> None:
    reel = open_reel(project)
    assert [shot.shot.name for shot in reel] == ["opening", "fight-03", "end"]
    out = small_reel / "out.mkv"
    done = render(reel, project, out, PROFILES["ffv1"])
    assert [piece.stop for piece in done.pieces] == [20, 32, 48]
    film = open_media(out)
    assert (film.rate, film.timecode(0), len(film)) == (Fraction(24), "01:00:00:00", 48)
    assert list(pictures(film.video)) == list(pictures(reel.restored()))
    assert not list(small_reel.glob(".*")), "a half-written file is left"


def test_framemd5_beside_the_output_describes_its_pictures(quick: Project, small_reel: Path) -> None:
    reel = open_reel(quick)
    out = small_reel / "out.mkv"
    render(reel, quick, out, PROFILES["ffv1"])
    listed = [entry.md5 for entry in read_framemd5(small_reel / "out.mkv.framemd5")]
    made = [hashlib.md5(picture, usedforsecurity=False).hexdigest() for picture in pictures(reel.restored())]
    assert listed == made


def test_sound_comes_out_to_the_sample(quick: Project, small_reel: Path) -> None:
    out = small_reel / "out.mkv"
    render(open_reel(quick), quick, out, PROFILES["ffv1"])
    before, after = (open_media(path).audio for path in (small_reel / "scans" / "R1.mkv", out))
    assert before is not None
    assert after is not None
    assert before.num_samples == after.num_samples == 96000

    def samples(node: vs.AudioNode) -> bytes:
        return b"".join(np.asarray(frame[c]).tobytes() for frame in node.frames() for c in range(node.num_channels))

    assert samples(before) == samples(after)


def test_a_marker_list_changes_its_shot_only(project: Project) -> None:
    reel = open_reel(project)
    assert "deflicker" in reel["opening"].recipe.as_dict()
    assert "deflicker" not in reel["end"].recipe.as_dict()
    assert reel["opening"].recipe.as_dict()["remove_dirt"]["strength"] == 0.4
    assert reel["opening"].decision.origins["remove_dirt.strength"].startswith("cut.edl:6")


def test_shots_are_found_by_name_id_and_event(project: Project) -> None:
    reel = open_reel(project)
    assert reel["fight-03"] == reel["R1@01:00:00:20"] == reel[2] == reel["002"]
    with pytest.raises(UsageError, match="there is no shot 'fight-04'; did you mean 'fight-03'"):
        reel["fight-04"]


def test_a_second_render_does_nothing_again(quick: Project, small_reel: Path) -> None:
    out = small_reel / "out.mkv"
    first = render(open_reel(quick), quick, out, PROFILES["ffv1"])
    before = sha(out)
    second = render(open_reel(quick), quick, out, PROFILES["ffv1"])
    assert (first.reused, second.reused) == (0, 48)
    assert sha(out) == before


def test_a_changed_shot_alone_is_rendered_again(quick: Project, small_reel: Path) -> None:
    out = small_reel / "out.mkv"
    render(open_reel(quick), quick, out, PROFILES["ffv1"])
    shots = {"R1@01:00:00:20": "flicker=0.9"}
    changed = replace(quick, settings=replace(quick.settings, shots=shots))
    assert render(open_reel(changed), changed, out, PROFILES["ffv1"]).reused == 48 - 12


def test_a_lost_or_cut_off_segment_is_made_again(quick: Project, small_reel: Path) -> None:
    out = small_reel / "out.mkv"
    done = render(open_reel(quick), quick, out, PROFILES["ffv1"])
    before = sha(out)
    (quick.folder / done.pieces[0].path).unlink()
    with open(quick.folder / done.pieces[2].path, "r+b") as file:
        file.truncate(1000)
    assert render(open_reel(quick), quick, out, PROFILES["ffv1"]).reused == 12
    assert sha(out) == before


def test_a_segment_that_lost_a_bit_makes_no_film(quick: Project, small_reel: Path) -> None:
    out = small_reel / "out.mkv"
    done = render(open_reel(quick), quick, out, PROFILES["ffv1"])
    before = sha(out)
    segment = quick.folder / done.pieces[1].path
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    with pytest.raises(OutputError, match="has changed on the disk") as told:
        render(open_reel(quick), quick, out, PROFILES["ffv1"])
    assert segment.name in str(told.value)
    assert sha(out) == before
    segment.unlink()
    render(open_reel(quick), quick, out, PROFILES["ffv1"])
    assert sha(out) == before


def test_two_renders_of_one_project_do_not_meet(project: Project, small_reel: Path) -> None:
    with Ledger(project.ledger), pytest.raises(ProjectError, match="by another process"):
        render(open_reel(project), project, small_reel / "out.mkv", PROFILES["ffv1"])


def test_stills_bear_timecode_numbers_and_resume(quick: Project, small_reel: Path) -> None:
    folder = small_reel / "dpx"
    first = render(open_reel(quick), quick, folder, PROFILES["dpx10"])
    files = sorted(folder.glob("*.dpx"))
    assert len(files) == 48
    assert files[0].name == "dpx.0086400.dpx"
    back = open_media(folder)
    assert back.timecode(0) == "01:00:00:00"
    assert list(pictures(back.video)) == list(pictures(first_prepared(open_reel(quick))))
    files[3].unlink()
    again = render(open_reel(quick), quick, folder, PROFILES["dpx10"])
    assert (first.reused, again.reused) == (0, 28)
    assert len(list(folder.glob("*.dpx"))) == 48


def test_a_rescanned_still_is_rendered_again(small_reel: Path) -> None:
    scan = small_reel / "scan"
    film = open_project(small_reel / "scans" / "R1.mkv", small_reel / "q", {"preset": "none", "cuts": [20, 32]})
    render(open_reel(film), film, scan, PROFILES["dpx10"])
    stills = open_project(scan, small_reel / "r", {"preset": "none", "cuts": [20, 32]})
    out = small_reel / "out.mkv"
    assert render(open_reel(stills), stills, out, PROFILES["ffv1"]).reused == 0
    os.utime(sorted(scan.glob("*.dpx"))[25], (1, 1))
    assert render(open_reel(stills), stills, out, PROFILES["ffv1"]).reused == 48 - 12


def first_prepared(reel: Reel) -> vs.VideoNode:
    from vsfilmrestore.media.out.prepare import prepare

    return prepare(reel.restored(), PROFILES["dpx10"])


@pytest.mark.parametrize(("name", "profile"), [("out.mov", "prores_hq"), ("out.mp4", "h264")])
def test_movies_for_editors(quick: Project, small_reel: Path, name: str, profile: str) -> None:
    out = small_reel / name
    render(open_reel(quick), quick, out, PROFILES[profile])
    with av.open(str(out)) as container:
        assert container.streams.video[0].frames == 48
        assert container.streams.audio[0].rate == 48000
    film = open_media(out)
    assert film.timecode(0) == "01:00:00:00"


def test_the_frame_that_fails_is_named(project: Project, small_reel: Path) -> None:
    reel = open_reel(project)

    def fail(n: int, f: Any) -> Any:
        if n == 5:
            raise ValueError("a cosmic ray")
        return f

    def script(clip: vs.VideoNode) -> vs.VideoNode:
        return core.std.ModifyFrame(clip, clip, fail)

    reel.shot("fight-03")(script)
    with pytest.raises(RenderError) as caught:
        render(reel, project, small_reel / "out.mkv", PROFILES["ffv1"])
    assert str(caught.value) == "shot fight-03, frame 25: a cosmic ray"
    assert not (small_reel / "out.mkv").exists()


def test_vspipe_gives_the_frames_that_render_writes(project: Project, small_reel: Path) -> None:
    render(open_reel(project), project, small_reel / "out.mkv", PROFILES["ffv1"])
    script = small_reel / "reel.vpy"
    script.write_text(
        "import vsfilmrestore as fr\n"
        'reel = fr.Reel.open("cut.edl", media="scans/", markers="markers.edl")\n'
        "reel.restored().set_output(0)\nreel.source().set_output(1)\n"
    )
    done = subprocess.run([vspipe(), "-c", "y4m", str(script), "-"], capture_output=True, check=True, cwd=small_reel)
    header, _, rest = done.stdout.partition(b"\n")
    assert header.startswith(b"YUV4MPEG2")
    size = 192 * 144 * 3
    frames = [rest[i + 6 : i + 6 + size] for i in range(0, len(rest), size + 6)]
    assert frames == list(pictures(open_media(small_reel / "out.mkv").video))


EXAMPLE = """import vsfilmrestore as fr
reel = fr.Reel.open("cut.edl", media="scans/", markers="markers.edl")
@reel.shot("fight-03")
def fight(clip):
    clip = fr.remove_wires(clip, only=[(900, 0, 1100, 1080)])
    return fr.interpolate(clip, fps=48)
reel["opening"].recipe = fr.Recipe.preset("archive").with_(deflicker=0.8)
reel.restored().set_output(0)
reel.source().set_output(1)
"""


@pytest.mark.slow
def test_an_editors_script_runs_in_vspipe(small_reel: Path) -> None:
    script = small_reel / "reel.vpy"
    script.write_text(EXAMPLE)
    sizes = []
    for output in ("0", "1"):
        command = [vspipe(), "-c", "y4m", "-o", output, str(script), "-"]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        header, _, rest = done.stdout.partition(b"\n")
        sizes.append((header.split(b" F")[1].split(b" ")[0], len(rest) // (192 * 144 * 3 + 6)))
    assert sizes == [(b"48:1", 96), (b"24:1", 48)]


def vspipe() -> str:
    return str(Path(sys.executable).with_name("vspipe.exe" if os.name == "nt" else "vspipe"))


def test_a_reel_is_the_same_whoever_asks(small_reel: Path) -> None:
    reel = Reel.open(small_reel / "cut.edl", media=small_reel / "scans", preset=Recipe())
    reel["end"].recipe = Recipe.preset("archive")
    source, restored = list(pictures(reel.source())), list(pictures(reel.restored()))
    assert source[20:32] == restored[20:32]
    assert source[32:] != restored[32:]
    assert list(pictures(reel["end"].restored())) == restored[32:]


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
@pytest.mark.slow
def test_killed_at_any_moment_a_render_goes_on_to_the_same_bytes(project: Project, small_reel: Path) -> None:
    calm = small_reel / "calm.mkv"
    undisturbed = replace(project, folder=small_reel / "q")
    render(open_reel(project), undisturbed, calm, PROFILES["ffv1"])
    command = [sys.executable, "-m", "vsfilmrestore", "render", str(small_reel / "cut.edl")]
    command += ["--project", str(project.folder), "-o", str(small_reel / "out.mkv"), "--progress", "none"]
    chance = random.Random(7)
    for _ in range(4):
        victim = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(1.0, 4.0))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    assert main(command[3:]) == 0
    assert (small_reel / "out.mkv.framemd5").read_text() == (small_reel / "calm.mkv.framemd5").read_text()
    assert sha(small_reel / "out.mkv") == sha(calm)
