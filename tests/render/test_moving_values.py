"""Values that move along a shot, down to the pictures; and pictures of shots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import vapoursynth as vs

from vsfilmrestore.media.source import Media, open_media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.render.thumbs import write_thumbnails

MARKERS = """TITLE: SMALL REEL

001  001      V     C        01:00:00:21 01:00:00:22 01:00:00:21 01:00:00:22
VSFR key grain=0 |C:ResolveColorBlue |M:a |D:1
002  001      V     C        01:00:01:05 01:00:01:06 01:00:01:05 01:00:01:06
VSFR key grain=1 |C:ResolveColorBlue |M:b |D:1
"""


def luma(clip: vs.VideoNode, n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    with clip.get_frame(n) as frame:
        return np.asarray(frame[0]).astype(np.int64)


def opened(folder: Path, preset: Recipe) -> Reel:
    (folder / "keys.edl").write_text(MARKERS)
    return Reel.open(folder / "cut.edl", media=folder / "scans", markers=folder / "keys.edl", preset=preset)


def test_each_frame_is_as_if_its_value_stood_for_the_whole_shot(small_reel: Path) -> None:
    reel = opened(small_reel, Recipe())
    moved, source = reel.shots[1].restored(), reel.shots[1].source()
    parts = reel.decisions[1].parts
    assert [len(part.frames) for part in parts] == [2, 1, 1, 1, 1, 1, 1, 1, 3]
    changes = []
    for part in parts:
        n = part.frames.start - 20
        constant = Recipe().with_(grain=part.recipe.steps[0].complete["strength"])
        reel.shots[1].recipe = constant
        assert np.array_equal(luma(moved, n), luma(reel.shots[1].restored(), n))
        changes.append(float(np.abs(luma(moved, n) - luma(source, n)).mean()))
    assert changes[0] == 0
    assert changes == sorted(changes)
    assert changes[-1] > 2 * changes[2] > 0


def test_a_picture_of_each_shot_once(small_reel: Path) -> None:
    asked: list[Path] = []

    def opener(path: Path) -> Media:
        asked.append(path)
        return open_media(path)

    reel = opened(small_reel, Recipe())
    pictures, remarks = write_thumbnails(reel.plan, small_reel / "thumbs", opener)
    assert remarks == []
    assert len({picture for picture in pictures if picture}) == 3
    assert len(asked) == 1
    assert all(oiio.ImageBuf(str(picture)).spec().width == 320 for picture in pictures)
    again, _ = write_thumbnails(reel.plan, small_reel / "thumbs", opener)
    assert (again, len(asked)) == (pictures, 1)
    assert not list((small_reel / "thumbs").glob(".*"))


def test_a_medium_that_does_not_open_has_no_picture(small_reel: Path) -> None:
    reel = opened(small_reel, Recipe())
    (small_reel / "scans" / "R1.mkv").write_bytes(b"nothing of use")
    pictures, remarks = write_thumbnails(reel.plan, small_reel / "thumbs", open_media)
    assert pictures == [None, None, None]
    assert len(remarks) == 1
    assert "R1.mkv" in remarks[0]
