"""Streaks of tape within remove_dirt: rows that are lost in part, and what only looks like them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.filters.remove_dirt import remove_dirt
from vsfilmrestore.media.props import mask_prop

core = vs.core

type Frames = npt.NDArray[np.uint8]

HEIGHT, WIDTH, FRAMES = 96, 200, 7


def scene(pan: int = 1) -> Frames:
    """A camera that moves over a soft picture with grain: [frame, y, x]."""
    rng = np.random.default_rng(3)
    wide = rng.normal(0, 1, (HEIGHT, WIDTH + 40))
    for shift in (1, 2, 3, 4):
        wide = (wide + np.roll(wide, shift, 0) + np.roll(wide, shift, 1) + np.roll(wide, (shift, shift), (0, 1))) / 4
    wide = 110 + 20 * wide / wide.std()
    frames = [wide[:, n * pan : n * pan + WIDTH] + rng.normal(0, 1.5, (HEIGHT, WIDTH)) for n in range(FRAMES)]
    return np.rint(np.clip(frames, 0, 255)).astype(np.uint8)


def clip_of(frames: Frames) -> vs.VideoNode:
    blank = core.std.BlankClip(width=WIDTH, height=HEIGHT, format=vs.GRAY8, length=len(frames), keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f.copy()
        np.copyto(np.asarray(out[0]), frames[n])
        return out

    return core.std.ModifyFrame(blank, blank, fill)


def found(frames: Frames, frame: int = 3, **settings: Any) -> npt.NDArray[np.bool_]:
    result = remove_dirt(clip_of(frames), model="", **settings).get_frame(frame)
    return np.array(result.props[mask_prop("remove_dirt")][0]) > 0  # type: ignore[index]


def streak(frames: Frames, value: int = 235, rows: slice = slice(40, 41), columns: slice = slice(30, 150)) -> Frames:
    out = frames.copy()
    out[3][rows, columns] = value
    return out


@pytest.mark.parametrize("value", [20, 235])
@pytest.mark.parametrize("rows", [1, 2])
def test_rows_that_are_lost_come_back(value: int, rows: int) -> None:
    clean = scene()
    frames = streak(clean, value, slice(40, 40 + rows))
    mask = found(frames)
    assert mask[40 : 40 + rows, 30:150].mean() > 0.97
    assert mask[:36].sum() + mask[46:].sum() == 0
    mended = np.asarray(remove_dirt(clip_of(frames), model="").get_frame(3)[0]).astype(float)
    assert np.abs(mended - clean[3])[40 : 40 + rows, 30:150].mean() < 5


def test_a_streak_that_fades_is_followed_to_its_end() -> None:
    frames = scene()
    fall = np.linspace(1, 0.25, 120)
    row = frames[3][40, 30:150]
    frames[3][40, 30:150] = row * (1 - fall) + 245 * fall
    assert found(frames)[40, 30:150].mean() > 0.95


def test_a_streak_goes_on_where_it_is_now_darker_now_lighter() -> None:
    frames = streak(scene(), columns=slice(30, 90))
    frames[3][40, 90:97] = 20
    assert found(frames, polarity="bright")[40, 30:97].all()  # a dark speck of its own would stay


def test_streaks_have_a_dose_of_their_own() -> None:
    frames = streak(scene())
    assert not found(frames, streak=0.0).any()
    assert not found(frames, polarity="dark")[40, 30:150].any()
    assert found(frames, polarity="bright")[40, 30:150].mean() > 0.97


def test_other_frames_stay() -> None:
    frames = streak(scene())
    assert not any(found(frames, n).any() for n in (1, 2, 4, 5))


def test_woven_fields_are_no_streaks() -> None:
    """Every second row of a frame is that of the next: nothing of it is lost."""
    frames = scene(pan=6)
    frames[3][1::2] = frames[4][1::2]
    assert not found(frames, strength=1.0).any()


def test_a_thin_line_that_moves_is_no_streak() -> None:
    frames = scene()
    for n in range(FRAMES):
        frames[n][20 + 9 * n, 30:150] = 235
    assert not found(frames)[47, 30:150].any()
