"""remove_dirt where bright things flicker otherwise than what is around them: light is no dirt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.filters._dirt_learned import DETECTOR
from vsfilmrestore.filters._dirt_light import without_light
from vsfilmrestore.filters._dirt_sight import Sight
from vsfilmrestore.filters._model import can_run
from vsfilmrestore.filters.deflicker import deflicker
from vsfilmrestore.filters.remove_dirt import remove_dirt
from vsfilmrestore.filters.repair_frames import repair_frames
from vsfilmrestore.filters.stabilize import stabilize

core = vs.core

type Picture = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]

SIZE = 96, 128
PAPER = np.s_[30:62, 40:80]
GRAIN = 1.5


def clip_of(picture: Picture, fmt: int = vs.GRAY16) -> vs.VideoNode:
    """One frame of levels of 8 bits."""
    scale = 256 if fmt == vs.GRAY16 else 1
    blank = core.std.BlankClip(width=SIZE[1], height=SIZE[0], format=fmt, length=1, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f.copy()
        plane = np.asarray(out[0])
        np.copyto(plane, np.rint(picture * scale).clip(0, 256 * scale - 1).astype(plane.dtype))
        return out

    return core.std.ModifyFrame(blank, blank, fill)


def desk() -> Picture:
    """Written paper on a dark, grained desk."""
    rng = np.random.default_rng(2)
    out = rng.normal(0, 1, SIZE)
    for shift in (1, 2):
        out = (out + np.roll(out, shift, 0) + np.roll(out, shift, 1)) / 3
    out = 60 + 8 * out / out.std()
    out[PAPER] += 120
    out[34:58:6, 44:76] -= 50
    return np.asarray(out)


def grained(picture: Picture, seed: int) -> Picture:
    return picture + np.random.default_rng(seed).normal(0, GRAIN, SIZE)


def kept(now: Picture, piece: Flags) -> bool:
    """Whether a piece of a frame stays marked as dirt, beside neighbours as the desk is."""
    views = [clip_of(grained(desk(), seed)) for seed in range(4)]
    found = without_light(clip_of(piece * 255.0, vs.GRAY8), Sight(clip_of(grained(now, 9)), views))
    left = np.asarray(found.get_frame(0)[0]) > 0
    assert not left.any() or np.array_equal(left, piece)
    return bool(left.any())


def paper() -> Flags:
    piece = np.zeros(SIZE, bool)
    piece[PAPER] = True
    return piece


@pytest.mark.parametrize("light", [0.9, 1.1])
def test_paper_that_is_lit_otherwise_is_no_dirt(light: float) -> None:
    now = np.where(desk() > 100, desk() * light, desk())
    assert not kept(now, paper())


@pytest.mark.parametrize(("alpha", "value"), [(0.15, 0), (0.3, 0), (0.2, 255), (1.0, 20)])
def test_dirt_through_which_paper_shows_is_dirt(alpha: float, value: float) -> None:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    for row, column in ((46, 60), (46, 78), (20, 20)):  # on the paper, over its edge, beside it
        piece = np.hypot(y - row, x - column) < 9
        assert kept(np.where(piece, desk() * (1 - alpha) + value * alpha, desk()), piece)


def test_small_pieces_are_not_looked_at() -> None:
    piece = np.zeros(SIZE, bool)
    piece[40:47, 50:57] = True
    assert kept(np.where(piece, desk() * 0.9, desk()), piece)


def test_frames_without_dirt_pass_as_they_are() -> None:
    assert not kept(desk(), np.zeros(SIZE, bool))


@pytest.mark.slow
@pytest.mark.footage
@pytest.mark.skipif(not can_run(DETECTOR.own), reason="networks cannot be run here: pip install vsfilmrestore[onnx]")
def test_a_face_that_flickers_in_a_real_film_keeps_its_bits(footage: Callable[[str], Path]) -> None:
    """His forehead is darker for one frame, and a book on the wall lighter for another; a blot is none of these."""
    film = core.bs.VideoSource(str(footage("clips/film_within_our_gates_1920.mkv")), cachemode=0, showprogress=False)
    steady = deflicker(stabilize(repair_frames(film, 0.6), 1.0), 1.0)
    found = remove_dirt(steady, 0.6, show="mask")

    def pixels(n: int, box: tuple[slice, slice]) -> int:
        return int((np.asarray(found.get_frame(n)[0])[box] > 0).sum())

    assert pixels(27, np.s_[56:88, 226:250]) == 0
    assert pixels(15, np.s_[186:218, 388:417]) == 0
    assert pixels(30, np.s_[67:87, 202:221]) > 200
