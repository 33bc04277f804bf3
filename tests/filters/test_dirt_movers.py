"""What remove_dirt takes for something that moves, and what it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.filters._dirt_fall import falling
from vsfilmrestore.filters._dirt_movers import without_movers
from vsfilmrestore.filters._dirt_sight import Sight
from vsfilmrestore.filters._dirt_specks import FEATURES, Specks
from vsfilmrestore.filters._motion import mirrored
from vsfilmrestore.filters.remove_dirt import true_to_ends

core = vs.core

SIZE = 120, 400


def clip_of(frames: npt.NDArray[np.unsignedinteger[Any]], fmt: int = vs.GRAY16) -> vs.VideoNode:
    count, height, width = frames.shape
    blank = core.std.BlankClip(width=width, height=height, format=fmt, length=count, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f.copy()
        np.copyto(np.asarray(out[0]), frames[n])
        return out

    return core.std.ModifyFrame(blank, blank, fill)


def still(count: int = 3) -> npt.NDArray[np.uint16]:
    """Equal frames of soft noise."""
    rng = np.random.default_rng(1)
    picture = 20000 + 400 * rng.normal(0, 1, SIZE)
    return np.stack([picture] * count).astype(np.uint16)


def left(frames: npt.NDArray[np.uint16], background: npt.NDArray[np.uint16], where: npt.NDArray[np.bool_]) -> bool:
    """Whether a speck of the middle frame stays marked; the neighbours as moved are the background."""
    moved, middle = clip_of(background), len(frames) // 2
    marks = np.zeros(frames.shape, np.uint8)
    marks[middle] = where * 255
    mask = clip_of(marks, vs.GRAY8)
    mask = mask.std.SetFrameProps(PlaneStatsDiff=0.1)
    result = without_movers(mask, Sight(clip_of(frames), [moved] * 4))
    return bool(np.asarray(result.get_frame(middle)[0])[where].any())


def block(y: int, x: int, side: int = 6) -> npt.NDArray[np.bool_]:
    where = np.zeros(SIZE, bool)
    where[y : y + side, x : x + side] = True
    return where


def test_a_speck_that_comes_and_goes_on_is_none() -> None:
    frames, background = still(), still()
    for n in range(3):
        frames[n][block(60, 200 + 15 * (n - 1))] = 50000
    assert not left(frames, background, block(60, 200))


@pytest.mark.parametrize("farther", [(), (-2,), (2,), (-2, 2)])
def test_likes_in_both_neighbours_are_others_unless_one_lies_farther_on(farther: tuple[int, ...]) -> None:
    """Its way bends, as that of a bird and of two likes by chance may."""
    frames, background = still(5), still(5)
    for step in (-1, 0, 1, *farther):
        frames[2 + step][block(60 + 3 * step + 3 * step**2, 200 + 15 * step)] = 50000
    frames[0][:8], frames[4][:8] = 30000, 30000  # frames of their own, and not others shown again
    assert left(frames, background, block(60, 200)) == (not farther)


def test_likes_in_both_neighbours_on_a_straight_way_are_no_chance() -> None:
    frames, background = still(5), still(5)
    for step in (-1, 0, 1):
        frames[2 + step][block(60 + 3 * step, 200 + 15 * step)] = 50000
    frames[0][:8], frames[4][:8] = 30000, 30000
    assert not left(frames, background, block(60, 200))


def test_what_goes_on_out_of_the_picture_comes_from_somewhere() -> None:
    frames, background = still(5), still(5)
    for step in (-1, 0, 1):
        frames[2 + step][block(60 + 3 * step**2, 360 + 22 * step)] = 50000
    frames[0][:8], frames[4][:8] = 30000, 30000
    assert not left(frames, background, block(60, 360))


@pytest.mark.parametrize("grain", [0, 100])
def test_a_frame_shown_again_does_not_tell_what_lies_farther_on(grain: int) -> None:
    frames, background = still(5), still(5)
    frames += np.random.default_rng(3).integers(0, grain + 1, frames.shape, np.uint16)
    for n, step in enumerate((-1, -1, 0, 1, 1)):
        frames[n][block(60 + 3 * step**2, 200 + 15 * step)] = 50000
    assert not left(frames, background, block(60, 200))


@pytest.mark.parametrize(("side", "stays"), [(6, False), (2, True)])
def test_where_much_flies_no_speck_is_told_from_it_but_dots_do_not_count(side: int, stays: bool) -> None:
    frames, background = still(), still()
    where = block(90, 300)
    frames[1][where] = 5000
    for k in range(5):
        where |= block(20 + 15 * k, 60 + 30 * k, side)
        for n in range(3):
            frames[n][block(20 + 15 * k, 60 + 30 * k + 12 * (n - 1), side)] = 50000
    assert left(frames, background, where) == stays


@pytest.mark.parametrize("lasts", [True, False])
def test_what_comes_in_at_an_edge_does_not_lie_at_one_place_before_and_after(lasts: bool) -> None:
    frames, background = still(), still()
    frames[1][block(0, 200)] = 50000
    frames[0][block(12, 190)] = 49500 if lasts else 20000
    frames[2][block(12, 190)] = 50300
    assert left(frames, background, block(0, 200)) == lasts


def test_a_speck_of_one_frame_stays_marked() -> None:
    frames, background = still(), still()
    frames[1][block(60, 200)] = 50000
    assert left(frames, background, block(60, 200))


def test_what_lies_still_beside_a_speck_is_not_its_way() -> None:
    """Patches like it on both sides, in all frames; one neighbour has the left one better, the other the right one."""
    frames, background = still(), still()
    for x, values in ((185, (50000, 49500, 49000)), (215, (49000, 49500, 50000))):
        for n, value in enumerate(values):
            frames[n][block(60, x)] = value
        background[:, block(60, x)] = 49500
    frames[1][block(60, 200)] = 50000
    assert left(frames, background, block(60, 200))


def test_something_large_that_tumbles_is_no_dirt() -> None:
    """It flies further than specks are looked for, and looks otherwise in each frame."""
    frames, background = still(), still()
    rng = np.random.default_rng(2)
    for n in range(3):
        here = block(40, 180 + 45 * (n - 1), 30)
        frames[n][here] = (20000 + rng.uniform(0, 1, here.sum()) ** 2 * 40000).astype(np.uint16)
    assert not left(frames, background, block(40, 180, 30))
    frames[0], frames[2] = background[0], background[2]
    assert left(frames, background, block(40, 180, 30))


def test_where_much_moves_nothing_is_told_from_it() -> None:
    frames, background = still(), still()
    where = np.zeros(SIZE, bool)
    for row in range(10, 110, 20):
        where |= block(row, 200)
        for n in range(3):
            frames[n][block(row, 200 + 15 * (n - 1))] = 30000 + 200 * row
    lone = block(60, 320)
    frames[1][lone] = 50000
    assert not left(frames, background, where | lone)
    assert left(frames, background, block(10, 200) | lone)


TUMBLING = (4, 20, 55000), (8, 8, 60000), (15, 5, 52000), (6, 14, 48000), (10, 9, 42000)
"""Height, width and brightness of a thing in five frames: nothing like each other, but about as much."""


def tumbles(frames: npt.NDArray[np.uint16], steps: tuple[int, ...], bend: int = 0) -> npt.NDArray[np.bool_]:
    """Draw it into five frames, and tell where it is in the middle one."""
    frames[0][:8], frames[4][:8] = 30000, 30000  # frames of their own, and not others shown again
    for step, (high, wide, value) in zip(range(-2, 3), TUMBLING, strict=True):
        y, x = 50 + 12 * step + bend * abs(step), 190 + 34 * step
        box = np.s_[y - high // 2 : y + high - high // 2, x - wide // 2 : x + wide - wide // 2]
        if step in steps:
            frames[step + 2][box] = value
        if step == 0:
            where = np.zeros(SIZE, bool)
            where[box] = True
    return where


@pytest.mark.parametrize("steps", [(-1, 0, 1), (0, 1, 2), (-2, -1, 0)])
def test_what_tumbles_on_a_straight_way_is_no_dirt(steps: tuple[int, ...]) -> None:
    frames = still(5)
    assert not left(frames, still(5), tumbles(frames, steps))


def test_what_flies_past_light_and_dark_is_no_dirt() -> None:
    frames, ground = still(5), still(5)
    where = tumbles(frames, (-1, 0, 1))
    darker = 2 * ground[2].astype(np.int32) - frames[2]
    frames[2] = np.where(where, darker.clip(0, 65535), frames[2])
    assert not left(frames, ground, where)


@pytest.mark.parametrize(("steps", "bend"), [((-1, 0), 0), ((0, 1), 0), ((-2, 0, 1), 0), ((-1, 0, 1), 20)])
def test_as_much_that_lies_on_no_straight_way_is_dirt(steps: tuple[int, ...], bend: int) -> None:
    frames = still(5)
    assert left(frames, still(5), tumbles(frames, steps, bend))


def test_where_dirt_is_dense_three_on_a_straight_way_are_chance() -> None:
    frames = still(5)
    where = tumbles(frames, (-1, 0, 1))
    for n in (1, 3):
        for k in range(24):
            y, x = 6 + 100 * (k % 2) + n, 8 + 16 * k
            frames[n][y : y + 4 + k % 5, x : x + 11 - k % 5] = 52000
    assert left(frames, still(5), where)


def specks_of(angles: list[float], light: bool = True) -> Specks:
    """Lines of 13 pixels in some directions, in degrees."""
    labels = np.zeros((400, 60), np.int32)
    for number, angle in enumerate(np.radians(angles), 1):
        along = np.arange(-6, 7)
        y, x = 20 * number + np.rint(along * np.sin(angle)), 30 + np.rint(along * np.cos(angle))
        labels[y.astype(int), x.astype(int)] = number
    area = np.bincount(labels.ravel()).astype(float)
    return Specks(labels, np.ones((len(area), len(FEATURES))), area, area, np.full(len(area), light))


@pytest.mark.parametrize("light", [True, False])
def test_many_lines_in_one_direction_fall(light: bool) -> None:
    fall = [80.0, 82, 84, 86, 88, 90, 92, 94, 85]
    assert falling(specks_of([*fall, 10.0], light)).tolist() == [False] + [True] * 9 + [False]
    assert not falling(specks_of(fall[:6], light)).any()  # few may be hairs


def test_lines_in_all_directions_do_not_fall() -> None:
    assert not falling(specks_of(list(np.arange(0.0, 180, 10)))).any()


def test_a_frame_is_not_its_own_second_neighbour() -> None:
    """The second frame of a clip has one frame before it; what lies two before is not the mirrored frame itself."""
    frames = [core.std.BlankClip(width=32, height=32, format=vs.GRAY16, length=1, color=100 * n) for n in range(6)]
    clip = mirrored(core.std.Splice(frames), 3)

    def filled(value: int) -> vs.VideoNode:
        return core.std.BlankClip(clip, color=value)

    seen = true_to_ends(Sight(clip, [filled(k) for k in (1, 2, 3, 4)]))

    def values(number: int) -> list[int]:
        return [int(np.asarray(seen.moved[number].get_frame(n)[0])[0, 0]) for n in range(3, 9)]

    assert values(0) == [1, 2, 1, 1, 1, 1]
    assert values(1) == [2] * 6
    assert values(2) == [3] * 6
    assert values(3) == [4, 4, 4, 4, 3, 4]
