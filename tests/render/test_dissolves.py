"""Transitions are made of restored frames: each side by its own recipe, from its own source, in its own walls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.cli.main import main
from vsfilmrestore.media.source import open_media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.decide import Part
from vsfilmrestore.render.mixing import mixed
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.render.walls import WalledStep, behind_walls
from vsfilmrestore.timeline.model import FrameRange

core = vs.core

type Planes = list[npt.NDArray[np.float64]]

EDL = """TITLE: TWO TAKES
FCM: NON-DROP FRAME

001  R1       V     C        01:00:00:04 01:00:00:20 01:00:00:00 01:00:00:16
* FROM CLIP NAME: old
* COMMENT: VSFR none dust=0.6 flicker=0.5
002  R1       V     C        01:00:00:20 01:00:00:20 01:00:00:16 01:00:00:16
002  R2       V     {kind}    008 01:00:00:10 01:00:01:10 01:00:00:16 01:00:01:16
* FROM CLIP NAME: old
* TO CLIP NAME: new
* COMMENT: VSFR none grain=0.3 dust=0.3
"""


@pytest.fixture
def two_takes(tmp_path: Path, movie: Callable[..., None]) -> Path:
    """Folder with ``R1.mkv`` and ``R2.mkv``, which shows other pictures."""
    movie(tmp_path / "R1.mkv", 40, audio=False)
    movie(tmp_path / "R2.mkv", 48, audio=False)
    return tmp_path


def opened(folder: Path, kind: str = "D") -> Reel:
    (folder / "cut.edl").write_text(EDL.format(kind=kind.ljust(4)))
    return Reel.open(folder / "cut.edl", media=folder)


def planes(frame: vs.VideoFrame) -> Planes:
    return [np.asarray(frame[p]).astype(np.float64) for p in range(frame.format.num_planes)]


def by_hand(take: vs.VideoNode, recipe: Recipe, first: int) -> vs.VideoNode:
    """A take restored alone, all of it."""
    steps = [WalledStep(s.reach, s.apply, s.filter.one_sided, s.filter.depends == "number") for s in recipe]
    return behind_walls(take, (0, 0), steps, first)


def same(have: vs.VideoNode, want: vs.VideoNode) -> None:
    assert have.num_frames == want.num_frames
    for n, (frame, other) in enumerate(zip(have.frames(), want.frames(), strict=True)):
        for mine, theirs in zip(planes(frame), planes(other), strict=True):
            assert np.array_equal(mine, theirs), f"frame {n}"


def test_a_dissolve_is_mixed_of_restored_frames_of_both_takes(two_takes: Path) -> None:
    reel = opened(two_takes)
    r1, r2 = (open_media(two_takes / f"{name}.mkv").video for name in ("R1", "R2"))
    a = by_hand(r1[4:28], reel["old"].recipe, 4)  # with the eight frames beyond its cut
    b = by_hand(r2[10:34], reel["new"].recipe, 10)
    mixture = core.akarin.Expr([b[:8], a[16:]], "x N 1 + * y 8 N - * + 9 /")
    same(reel.restored(), a[:16] + mixture + b[8:])
    plain = core.akarin.Expr([r2[10:18], r1[20:28]], "x N 1 + * y 8 N - * + 9 /")
    same(reel.source(), r1[4:20] + plain + r2[18:34])


def test_nothing_of_one_take_shows_in_the_other(two_takes: Path) -> None:
    """Each side looks round itself by three frames, and sees its own take alone."""
    reel = opened(two_takes)
    seen: dict[str, set[int]] = {}

    def told(name: str) -> Callable[[vs.VideoNode], vs.VideoNode]:
        def function(clip: vs.VideoNode) -> vs.VideoNode:
            seen.setdefault(name, set()).add(clip.num_frames)
            return clip.std.Invert()

        return function

    reel["old"].script, reel["new"].script = told("old"), told("new")
    restored = reel.restored()
    list(restored.frames())
    assert seen == {"old": {16, 24}, "new": {24}}  # the frames that fade out come with the shot they go on from
    same(restored, reel.source().std.Invert())


def test_the_fading_side_goes_on_as_its_shot_ended(two_takes: Path) -> None:
    reel = opened(two_takes)
    plain, changed = Recipe(), Recipe.preset("none").with_(grain=0.5)
    reel["new"].recipe = plain
    old = reel["old"].decision
    parts = (Part(FrameRange(0, 8), changed), Part(FrameRange(8, 16), plain))
    reel.decisions[0] = replace(old, parts=parts)
    same(reel.restored()[8:], reel.source()[8:])
    with pytest.raises(AssertionError):
        same(reel.restored()[:8], reel.source()[:8])


def test_a_shot_that_begins_untouched_is_still_restored_after(two_takes: Path) -> None:
    text = EDL.format(kind="D   ").replace(
        "* COMMENT: VSFR none dust=0.6 flicker=0.5\n", "* COMMENT: VSFR none grain=0.5\n"
    )
    (two_takes / "cut.edl").write_text(text)
    (two_takes / "m.csv").write_text("Name,Start,End\nVSFR off,01:00:00:00,01:00:00:05\n")
    reel = Reel.open(two_takes / "cut.edl", media=two_takes, markers=two_takes / "m.csv")
    off, on = reel["old"].decision.parts
    assert (bool(off.recipe), bool(on.recipe)) == (False, True)
    cut = len(off.frames)
    same(reel.restored()[:cut], reel.source()[:cut])
    with pytest.raises(AssertionError):
        same(reel.restored()[cut:16], reel.source()[cut:16])


GREY = core.std.BlankClip(format=vs.GRAY8, width=40, height=20, length=9, keep=True)


@pytest.mark.parametrize(
    ("kind", "new_at", "old_at"),
    [
        ("wipe 001", (10, 2), (10, 37)),
        ("wipe 002", (2, 20), (17, 20)),
        ("wipe 003", (2, 2), (17, 37)),
        ("wipe 004", (2, 37), (17, 2)),
        ("wipe 005", (17, 37), (2, 2)),
        ("wipe 006", (17, 2), (2, 37)),
        ("wipe 021", (10, 20), (10, 2)),
        ("wipe 022", (10, 20), (2, 20)),
        ("wipe 041", (1, 1), (18, 38)),
        ("wipe 042", (1, 38), (18, 1)),
        ("wipe 101", (10, 20), (1, 1)),
        ("wipe 119", (10, 20), (0, 0)),
    ],
)
def test_wipes_show_the_new_where_they_should(kind: str, new_at: tuple[int, int], old_at: tuple[int, int]) -> None:
    new, old = GREY.std.BlankClip(color=200, keep=True), GREY.std.BlankClip(color=50, keep=True)
    clip = mixed(kind, new, old, 0, 9)
    half = np.asarray(clip.get_frame(4)[0])
    assert (half[new_at], half[old_at]) == (200, 50)
    shares = [(np.asarray(frame[0]).astype(float).mean() - 50) / 150 for frame in clip.frames(close=True)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.25
    assert 0.5 < shares[-1] < 1


def test_half_a_plain_wipe_is_half_the_picture(two_takes: Path) -> None:
    new, old = GREY.std.BlankClip(color=200, keep=True), GREY.std.BlankClip(color=50, keep=True)
    frame = np.asarray(mixed("wipe 001", new, old, 0, 9).get_frame(4)[0])
    assert (frame[:, :20] == 200).all()
    assert (frame[:, 20:] == 50).all()
    reel = opened(two_takes, "W001")
    assert not any("transition" in remark for remark in reel.remarks)
    source = reel.source()
    r1, r2 = (open_media(two_takes / f"{name}.mkv").video for name in ("R1", "R2"))
    fourth, a, b = (planes(clip.get_frame(n)) for clip, n in ((source, 19), (r1, 23), (r2, 13)))
    edge = round(192 * 4 / 9)
    for plane, old_, new_, width in zip(fourth, a, b, (1, 2, 2), strict=True):
        assert np.array_equal(plane[:, : edge // width - 2], new_[:, : edge // width - 2])
        assert np.array_equal(plane[:, edge // width + 2 :], old_[:, edge // width + 2 :])


def test_other_wipes_are_dissolves_and_said_so(two_takes: Path) -> None:
    reel = opened(two_takes, "W037")
    assert "a transition of the kind 'wipe 037': made as a dissolve" in reel.remarks
    same(reel.source(), opened(two_takes).source())


FADES = """TITLE: FADES
FCM: NON-DROP FRAME

001  BL       V     C        00:00:00:00 00:00:00:00 01:00:00:00 01:00:00:00
001  R1       V     D    004 01:00:00:04 01:00:00:16 01:00:00:00 01:00:00:12
* TO CLIP NAME: in
002  R1       V     C        01:00:00:16 01:00:00:16 01:00:00:12 01:00:00:12
002  BL       V     D    004 00:00:00:00 00:00:00:08 01:00:00:12 01:00:00:20
* FROM CLIP NAME: in
"""


def test_fades_from_and_to_black(two_takes: Path) -> None:
    (two_takes / "cut.edl").write_text(FADES)
    reel = Reel.open(two_takes / "cut.edl", media=two_takes, preset="none")
    r1 = open_media(two_takes / "R1.mkv").video
    night = core.std.BlankClip(r1, color=[64, 512, 512], length=8, keep=True)
    fading = core.akarin.Expr([r1[4:8], night[:4]], "x N 1 + * y 4 N - * + 5 /")
    leaving = core.akarin.Expr([night[:4], r1[16:20]], "x N 1 + * y 4 N - * + 5 /")
    same(reel.source(), fading + r1[8:16] + leaving + night[:4])
    assert reel.rate == Fraction(24)


def test_a_render_has_the_same_frames_and_knows_both_sides(two_takes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reel = opened(two_takes)
    command = ["restore", str(two_takes / "cut.edl"), "--media", str(two_takes), "--project", str(two_takes / "p")]
    command += ["-o", str(two_takes / "out.mkv"), "--progress", "jsonl"]
    assert main(command) == 0
    same(open_media(two_takes / "out.mkv").video, reel.restored())
    capsys.readouterr()
    text = (two_takes / "cut.edl").read_text()
    (two_takes / "cut.edl").write_text(text.replace("dust=0.6 flicker=0.5", "grain=0.4"))
    assert main(command) == 0
    same(open_media(two_takes / "out.mkv").video, Reel.open(two_takes / "cut.edl", media=two_takes).restored())
    made = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    worked = {(event["first"], event["stop"]) for event in made if event["event"] == "shot"}
    assert (16, 24) in worked  # the dissolve shows the old shot, too
    assert all(stop <= 24 for _, stop in worked)
