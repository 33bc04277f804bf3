"""The scan of a finished film with its cut list: shots from the scan, nothing in its picture made twice."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore import timeline
from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import MediaError, TimelineError, UsageError
from vsfilmrestore.media.source import open_media
from vsfilmrestore.render.job import open_project, open_reel
from vsfilmrestore.render.link_facts import Facts
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.render.scan import Scan

core = vs.core
RATE = Fraction(24)

EDL = """TITLE: FILM
FCM: NON-DROP FRAME

001  A004     V     C        11:20:00:04 11:20:00:16 01:00:00:00 01:00:00:12
* FROM CLIP NAME: a
* COMMENT: VSFR none grain=0.5
002  A004     V     C        11:20:00:16 11:20:00:16 01:00:00:12 01:00:00:12
002  B017     V     D    008 03:00:10:00 03:00:10:14 01:00:00:12 01:00:01:02
* FROM CLIP NAME: a
* TO CLIP NAME: b
* COMMENT: VSFR none dust=0.4
003  C002     V     C        07:00:00:00 07:00:00:20 01:00:01:06 01:00:01:16
M2   C002       048.0                    07:00:00:00
* FROM CLIP NAME: c
* COMMENT: VSFR off
"""


@pytest.fixture
def film(tmp_path: Path, movie: Callable[..., None]) -> Path:
    """Folder with ``film.mkv``, 48 frames from 01:00:00:00, and ``cut.edl`` of its first 40."""
    movie(tmp_path / "film.mkv")
    (tmp_path / "cut.edl").write_text(EDL)
    return tmp_path


def same(have: vs.VideoNode, want: vs.VideoNode) -> None:
    assert have.num_frames == want.num_frames
    for n, (frame, other) in enumerate(zip(have.frames(), want.frames(), strict=True)):
        for plane in range(frame.format.num_planes):
            assert np.array_equal(np.asarray(frame[plane]), np.asarray(other[plane])), f"frame {n}"


def test_every_shot_is_the_scan_at_its_record_timecode(film: Path) -> None:
    reel = Reel.open(film / "cut.edl", scan=film / "film.mkv")
    same(reel.source(), open_media(film / "film.mkv").video[:40])
    assert [(shot.name, shot.id) for shot in reel] == [
        ("a", "film@01:00:00:00"),
        ("b", "film@01:00:00:12"),
        ("not in the cut", "film@01:00:01:02"),
        ("c", "film@01:00:01:06"),
    ]
    told = "\n".join(reel.remarks)
    assert "1 transition in the picture of the scan: settings are cross-faded over them" in told
    assert "1 shot of another speed: in the picture of the scan, not made again" in told
    assert "1 stretch that the cut leaves black: taken from the scan" in told
    assert reel.audio().num_samples == 40 * 2000  # type: ignore[union-attr]


def test_a_baked_dissolve_fades_the_settings_and_not_the_picture(film: Path) -> None:
    reel = Reel.open(film / "cut.edl", scan=film / "film.mkv")
    whole = open_media(film / "film.mkv").video
    a, b = reel["a"].recipe, reel["b"].recipe
    reel["b"].recipe = a
    same(reel.source()[12:20], whole[12:20])
    alone = Reel.open(film / "cut.edl", scan=film / "film.mkv")
    alone["a"].script = lambda clip: clip.akarin.Expr("x 40 +")
    alone["b"].script = lambda clip: clip.akarin.Expr("x 80 -")
    mixture = core.akarin.Expr([whole[12:20]], "x 80 - N 1 + * x 40 + 8 N - * + 9 /")
    same(alone.restored()[:26], whole[:12].akarin.Expr("x 40 +") + mixture + whole[20:26].akarin.Expr("x 80 -"))
    assert (a.key(), b.key()) == (alone["a"].recipe.key(), alone["b"].recipe.key())


def test_one_setting_on_both_sides_of_a_baked_dissolve_leaves_what_it_leaves(film: Path) -> None:
    (film / "cut.edl").write_text(
        EDL.replace("VSFR none grain=0.5", "VSFR off").replace("VSFR none dust=0.4", "VSFR off")
    )
    reel = Reel.open(film / "cut.edl", scan=film / "film.mkv", preset="none")
    same(reel.restored(), open_media(film / "film.mkv").video[:40])


def test_a_cut_list_that_counts_as_the_film_does_needs_no_option(film: Path) -> None:
    """Record and source timecode are the same; the dissolve is baked, both of its sides are the same frames."""
    (film / "cut.edl").write_text(
        "TITLE: FILM\n001  FILM V C 01:00:00:00 01:00:00:12 01:00:00:00 01:00:00:12\n"
        "002  FILM V C 01:00:00:12 01:00:00:12 01:00:00:12 01:00:00:12\n"
        "002  FILM V D 008 01:00:00:12 01:00:01:12 01:00:00:12 01:00:01:12\n"
    )
    reel = Reel.open(film / "cut.edl", media=film, preset="none")
    same(reel.restored(), open_media(film / "film.mkv").video[:36])
    first, second = reel.bound
    assert (first.handles, second.handles) == ((0, 0), (0, 0))  # no shot looks into the other, but for the fade
    assert second.fades_over is not None
    assert second.fades_over.handles == (12, 0)


def test_no_wall_is_crossed(film: Path) -> None:
    reel = Reel.open(film / "cut.edl", scan=film / "film.mkv", handles=5)
    assert [item.handles for item in reel.bound] == [(0, 0)] * 3 + [(0, 5)]  # beyond the end lies the scan's own tail
    reel = Reel.open(film / "cut.edl", scan=film / "film.mkv")
    assert [item.handles for item in reel.bound] == [(0, 0)] * 4


def test_the_command_line_and_the_project_know_the_scan(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = film / "p"
    assert main(["plan", str(film / "cut.edl"), "--scan", str(film / "film.mkv"), "--project", str(folder)]) == 0
    assert "the scan" in capsys.readouterr().out
    project = Project.open(folder)
    assert project.settings.scan == "../film.mkv"
    same(open_reel(project).source(), open_media(film / "film.mkv").video[:40])
    out = film / "out.mkv"
    assert main(["restore", str(folder), "-o", str(out), "--progress", "none"]) == 0
    made = open_media(out)
    assert (len(made), made.timecode(0)) == (40, "01:00:00:00")
    assert main(["export", str(folder), "-o", str(film / "back.otio")]) == 0
    back = timeline.read(film / "back.otio")
    assert [shot.name for shot in back.shots] == ["a", "b", "not in the cut", "c"]  # nothing is black that is not
    assert all(shot.source and shot.source.name == "out.mkv" for shot in back.shots)
    assert main(["export", str(folder), "--original", "-o", str(film / "as_read.otio")]) == 0
    assert [shot.source and shot.source.reel for shot in timeline.read(film / "as_read.otio").shots][1:3] == [
        "B017",
        None,
    ]
    assert main(["plan", str(film / "cut.edl"), "--scan", str(film / "film.mkv"), "--media", str(film)]) == 2
    assert main(["plan", str(film / "film.mkv"), "--scan", str(film / "film.mkv")]) == 2


def test_a_scan_that_is_not_there_is_planned_and_named(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(film / "cut.edl"), "--scan", str(film / "gone.mkv")]) == 0
    assert "gone.mkv is not there" in capsys.readouterr().out
    with pytest.raises(MediaError, match=r"1 medium is missing\. Name it with --scan"):
        Reel.open(film / "cut.edl", scan=film / "gone.mkv")


def test_a_scan_that_is_too_short_is_refused(film: Path, movie: Callable[..., None]) -> None:
    movie(film / "short.mkv", 30)
    with pytest.raises(TimelineError, match=r"shots cannot be made|holds 0 to 29"):
        Reel.open(film / "cut.edl", scan=film / "short.mkv")


def test_a_project_of_a_stranger_runs_no_script_as_scan(film: Path) -> None:
    (film / "film.vpy").write_text("raise SystemExit\n")
    open_project(film / "cut.edl", film / "p", {"scan": str(film / "film.vpy")})
    with pytest.raises(UsageError, match="scripts run only when you name them"):
        open_project(film / "p", None, {})


def test_a_script_may_be_the_scan(film: Path) -> None:
    (film / "film.vpy").write_text(
        "import vapoursynth as vs\n"
        "vs.core.std.BlankClip(format=vs.YUV420P8, width=64, height=48, length=40, fpsnum=24, fpsden=1).set_output()\n"
    )
    reel = Reel.open(film / "cut.edl", scan=film / "film.vpy")
    assert [item.first for item in reel.bound] == [0, 12, 26, 30]


def scan(start: int = 86400, length: int = 40, rate: Fraction = RATE) -> Scan:
    return Scan(Path("film.mov"), start, length, rate, drop=False)


def facts(**values: object) -> Facts:
    told: dict[str, object] = {"path": Path("film.mov"), "kind": "file", "rate": RATE, "length": 40} | values
    return Facts(**told)  # type: ignore[arg-type]


def test_a_scan_without_timecode_begins_with_the_cut() -> None:
    found = scan().told(facts())
    assert (found.start, found.has_timecode) == (86400, True)
    assert found.remarks == ("film.mov tells no timecode; its first frame is taken for the first of the cut",)


def test_a_timecode_that_begins_at_nought_and_cannot_be_meant() -> None:
    found = scan().told(facts(has_timecode=True))
    assert found.start == 86400
    assert "counts from 00:00:00:00 and ends before 01:00:00:00" in found.remarks[0]
    assert scan(start=20).told(facts(has_timecode=True)).start == 0


def test_numbers_of_stills_that_count_timecode() -> None:
    found = scan().told(facts(kind="sequence", first_number=86300, length=200, rate_told=False))
    assert (found.start, found.has_timecode) == (86300, True)
    assert (
        "film.mov holds 100 frames before and 60 frames after the cut, which are not part of the reel" in found.remarks
    )
    assert scan().told(facts(kind="sequence", first_number=1001)).start == 86400


def test_a_scan_without_timecode_at_another_rate_is_played_frame_for_frame() -> None:
    found = scan(start=57600, rate=Fraction(16)).told(facts(rate=Fraction(24)))
    assert (found.rate, found.start) == (16, 57600)
    assert "runs at 24 fps, the cut at 16; it is played frame for frame" in found.remarks[0]
