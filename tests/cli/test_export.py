"""The timeline back to the editor: relinked to what was rendered, in every format, and read again."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import opentimelineio as otio
import pytest

from vsfilmrestore import timeline
from vsfilmrestore.cli.main import main
from vsfilmrestore.timeline import FrameRange
from vsfilmrestore.timeline.writer import WRITERS

PROJECT = """
[source]
input = "../fades.edl"
rate = "24"

[recipe]
preset = "none"

[output]
output = "../out/restored tone.mkv"
"""

FADING = """TITLE: FADES
FCM: NON-DROP FRAME

001  R1       V     C        01:00:00:00 01:00:00:10 01:00:00:00 01:00:00:10
* FROM CLIP NAME: one
* ASC_SOP (1 1 1)(0 0 0)(1 1 1)
* LOC: 01:00:00:04 RED look here
002  R1       V     C        01:00:00:10 01:00:00:10 01:00:00:10 01:00:00:10
002  R1       V     D    004 01:00:01:00 01:00:01:10 01:00:00:10 01:00:00:20
* FROM CLIP NAME: one
* TO CLIP NAME: two
* COMMENT: VSFR dust=0.3
003  R1       V     C        01:00:00:00 01:00:02:00 01:00:01:00 01:00:02:00
M2   R1       048.0          01:00:00:00
* FROM CLIP NAME: fast
"""


@pytest.fixture
def project(small_reel: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with its output: a dissolve, a hole of four frames, a shot at double speed."""
    monkeypatch.chdir(small_reel)
    (small_reel / "fades.edl").write_text(FADING)
    (small_reel / "p").mkdir()
    (small_reel / "p" / "project.toml").write_text(PROJECT)
    (small_reel / "out").mkdir()
    (small_reel / "scans" / "R1.mkv").rename(small_reel / "out" / "restored tone.mkv")
    return small_reel / "p"


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_relinked_timeline_opens_again(project: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"restored{suffix}"
    assert main(["export", "p", "-o", str(out)]) == 0
    reel = timeline.read(out, rate=24)
    assert [(shot.record.start, shot.record.stop) for shot in reel.shots] == [(0, 10), (10, 20), (20, 24), (24, 48)]
    assert [shot.source is None for shot in reel.shots] == [False, False, True, False]
    assert reel.timecode(0) == "01:00:00:00"
    for shot in reel.shots:
        assert shot.transition is None, "the dissolve is in the picture"
        if shot.source is not None:
            shown = [shot.source_frame(n, reel.rate) for n in range(shot.record.start, shot.record.stop)]
            assert shown == list(range(86_400 + shot.record.start, 86_400 + shot.record.stop))
            assert shot.id.endswith(f"@{reel.timecode(shot.record.start)}")
            assert shot.source.label.replace("_", " ") == "restored tone"
            if suffix != ".edl":
                assert shot.source.available == FrameRange(86_400, 86_448)
                assert unquote(shot.source.url).endswith("out/restored tone.mkv")
    assert [shot.name for shot in reel.shots if shot.source] == ["one", "two", "fast"]
    words = {(m.frames.start, word) for m in reel.markers for word in f"{m.name} {m.note}".split()}
    assert {(4, "look"), (4, "here"), (10, "dissolve"), (10, "restored")} <= words
    assert any(note.text == "dust=0.3" for note in reel.shots[1].notes)


def test_comments_tell_where_a_shot_came_from(project: Path, tmp_path: Path) -> None:
    assert main(["export", "p", "-o", str(tmp_path / "x.edl")]) == 0
    text = (tmp_path / "x.edl").read_text()
    assert "M2" not in text
    for line in (
        "* ASC_SOP (1 1 1)(0 0 0)(1 1 1)",
        "* LOC: 01:00:00:04 RED look here",
        "* TRANSITION: dissolve, 4 frames, in the restored picture",
        "* ORIGINAL SOURCE: R1 01:00:01:00 - 01:00:01:10",
        "* ORIGINAL SPEED: 200 %, in the restored picture",
        "* FROM CLIP NAME: fast",
    ):
        assert line in text, text


def test_treated_shots_are_marked(project: Path, tmp_path: Path) -> None:
    assert main(["export", "p", "-o", str(tmp_path / "x.otio")]) == 0
    data = otio.adapters.read_from_file(str(tmp_path / "x.otio"))
    one, two, fast = data.find_clips()
    assert (len(one.markers), len(fast.markers)) == (0, 0)
    done = next(marker for marker in two.markers if marker.color == "GREEN")
    assert done.name.startswith("VSFR none dust=0.3")
    assert done.comment == "restored: remove_dirt strength 0.3"
    own = two.metadata["vsfilmrestore"]
    assert own["original"]["id"] == "R1@01:00:01:00"
    assert own["original"]["transition"] == {"kind": "dissolve", "frames": 4}
    assert own["settings"][0]["steps"]["remove_dirt"]["strength"] == 0.3
    assert own["origins"]["remove_dirt.strength"] == "fades.edl:12 (note)"
    assert fast.metadata["vsfilmrestore"]["original"]["speed"] == "2"
    assert set(two.metadata) == {"vsfilmrestore"}


def test_older_hosts(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "p", "-o", str(tmp_path / "x.otio"), "--otio-schema", "0.14"]) == 0
    assert '"Clip.1"' in (tmp_path / "x.otio").read_text()
    assert '"Clip.2"' not in (tmp_path / "x.otio").read_text()
    assert len(timeline.read(tmp_path / "x.otio").shots) == 4
    assert main(["export", "p", "-o", str(tmp_path / "y.otio"), "--otio-schema", "9"]) == 2
    assert "there is no OpenTimelineIO schema '9'. Known are 0.14" in capsys.readouterr().err
    assert main(["export", "p", "-o", str(tmp_path / "y.edl"), "--otio-schema", "0.15"]) == 2


def test_a_cut_in_another_format_keeps_its_media(small_reel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small_reel / "fades.edl").write_text(FADING)
    assert main(["export", str(small_reel / "fades.edl"), "--rate", "24", "-o", str(small_reel / "x.otio")]) == 0
    reel = timeline.read(small_reel / "x.otio")
    assert reel.shots[1].transition is not None
    assert reel.shots[3].speed == 2
    assert "its own media" in capsys.readouterr().out


def test_the_cut_of_a_project_as_it_was(project: Path, tmp_path: Path) -> None:
    assert main(["export", "p", "--original", "-o", str(tmp_path / "x.otio")]) == 0
    assert timeline.read(tmp_path / "x.otio").shots[3].speed == 2


def test_a_render_of_another_cut_is_refused(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project.parent / "fades.edl").write_text(
        FADING.replace("01:00:02:00 01:00:01:00 01:00:02:00", "01:00:02:04 01:00:01:00 01:00:02:02")
    )
    assert main(["export", "p", "-o", str(tmp_path / "x.otio")]) == 3
    assert "holds 48 frames, where the cut has 50" in capsys.readouterr().err
    assert not (tmp_path / "x.otio").exists()


@pytest.mark.slow
def test_rendered_and_exported(small_reel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_reel)
    words = ["render", "cut.edl", "--media", "scans", "-o", "dpx", "--project", "p", "--preset", "none"]
    assert main([*words, "--progress", "none"]) == 0
    assert main(["export", "p", "-o", "x.otio"]) == 0
    clip = otio.adapters.read_from_file("x.otio").find_clips()[0]
    assert (clip.media_reference.start_frame, clip.media_reference.frame_zero_padding) == (86_400, 7)
    reel = timeline.read("x.otio")
    assert [shot.id for shot in reel.shots] == ["dpx@01:00:00:00", "dpx@01:00:00:20", "dpx@01:00:01:08"]
    assert main(["render", "x.otio", "--media", "dpx", "-o", "again", "--preset", "none", "--progress", "none"]) == 0


def test_nothing_rendered_yet(
    small_reel: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(small_reel)
    assert main(["export", "cut.edl", "-o", "x.wav"]) == 2
    assert main(["export", "scans/R1.mkv", "-o", "x.otio"]) == 2
    assert main(["export", "cut.edl", "-o", "cut.edl"]) == 6
    assert main(["export", "cut.edl", "--restored", "no.mov", "-o", "x.otio"]) == 3
    assert "there is no such file" in capsys.readouterr().err


def test_any_medium_can_be_named_as_the_restored_one(small_reel: Path) -> None:
    out = small_reel / "x.fcpxml"
    words = ["export", str(small_reel / "cut.edl"), "--rate", "24", "--restored", str(small_reel / "scans" / "R1.mkv")]
    assert main([*words, "-o", str(out)]) == 0
    assert 'src="file://' in out.read_text()


def test_the_medium_tells_the_rate_where_the_cut_does_not(small_reel: Path) -> None:
    """Frame numbers up to 20 could be of any rate."""
    out = small_reel / "x.otio"
    words = ["export", str(small_reel / "cut.edl"), "--restored", str(small_reel / "scans" / "R1.mkv")]
    assert main([*words, "-o", str(out)]) == 0
    assert timeline.read(out).rate == 24
