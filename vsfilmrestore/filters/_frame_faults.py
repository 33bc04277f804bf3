"""Which frames are spoilt: frozen, blank, flashed or torn, told by a few numbers of each frame and its neighbours.

The judges at the top are plain functions of numbers; `measured` and `find_tears` fetch the numbers from pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._motion import analysis_luma
from vsfilmrestore.filters._torn import Sides, torn_area

__all__ = [
    "AROUND",
    "TORN",
    "Look",
    "Tears",
    "find_tears",
    "is_blank",
    "is_flash",
    "is_frozen",
    "is_rolled",
    "measured",
    "read_look",
]

core = vs.core

AROUND: Final = 4
"""Ordinary steps that are looked at before and after a freeze."""

TORN: Final = "_VsfrTorn"
"""Property: share of a frame that is torn, 0..1."""

_WAYS: Final = ((1, 1), (1, 2), (2, 1))
"""Frames to the left and right that a torn one is seen between: a tear may go through two in a row."""

_LEAST: Final = 32
"""Small pictures with a side below this are not searched for tears."""

_FEWEST: Final = 3
"""Ordinary steps that tell what is usual."""
_STILL: Final = 0.0012
"""Steps below this are the noise of a still picture."""

_COLUMNS: Final = 12
_LEAST_ROLL: Final = 0.12
"""Share of the height from which a shift is a roll; less is a jump, or the shake of a camera."""
_FITTING: Final = 0.92
"""Share of the rows that must fit once a frame is rolled back: all but the frame line and what is beside it."""

_MEAN, _SQUARE, _STEP = "_VsfrMean", "_VsfrSquare", "_VsfrStep"


class Look(NamedTuple):
    """A frame in three numbers, all 0..1."""

    mean: float
    """Mean brightness."""
    spread: float
    """Standard deviation of the brightness."""
    step: float
    """Mean absolute difference from the frame before."""
    real: bool = True
    """Whether there is a frame before it; what was mirrored at the end of a shot tells nothing of its steps."""


def is_frozen(looks: Sequence[Look], at: int, longest: int, strength: float) -> bool:
    """Whether the frame is a copy that took the place of a lost one.

    A lost frame leaves a jump beside the copy: motion in a single step that ordinary frames take several for. A copy
    without it is intended, as in drawings held for two frames or a film stretched from 18 to 24 frames per second.

    Args:
        looks: The frame with at least ``AROUND + longest + 1`` frames on either side.
        at: Index of the frame in ``looks``.
        longest: Copies in a row that can be replaced.
        strength: 0..1.
    """
    return any(
        _is_freeze(looks, at - offset, length, strength) for length in range(1, longest + 1) for offset in range(length)
    )


def _is_freeze(looks: Sequence[Look], start: int, length: int, strength: float) -> bool:
    end = start + length
    around = (*looks[start - AROUND : start], *looks[end + 1 : end + 1 + AROUND])
    ordinary = [look.step for look in around if look.real]
    if len(ordinary) < _FEWEST or not all(look.real for look in looks[start : end + 1]):
        return False
    usual = median(ordinary)
    if usual < _STILL or min(ordinary) < 0.35 * usual:
        return False  # a still shot, or copies are its habit
    # A step over twice the way differs less than twice as much: detail that has gone cannot go further.
    leap = max((1.35 + 0.2 * (length - 1) + 0.1 * (1 - strength)) * usual, 1.1 * looks[start - 1].step)
    leap = max(leap, 1.1 * looks[end + 1].step)
    rest = (0.05 + 0.2 * strength) * usual
    steps = [look.step for look in looks[start : end + 1]]
    if max(steps[:-1]) < rest and steps[-1] > leap:
        return True
    # Copies of the frame behind them are rarer: they must stand out more, among steps that are all known.
    return len(ordinary) == 2 * AROUND and max(steps[1:]) < rest and steps[0] > 1.25 * leap


def is_blank(looks: Sequence[Look], at: int, longest: int, strength: float) -> bool:
    """Whether the frame is one empty field between pictures; the black of a fade is not.

    Args:
        looks: The frame with at least ``longest + 2`` frames on either side.
        at: Index of the frame in ``looks``.
        longest: Blank frames in a row that can be replaced.
        strength: 0..1.
    """
    contrast = min(max(look.spread for look in side) for side in (looks[:at], looks[at + 1 :]))
    limit = (0.05 + 0.2 * strength) * contrast
    if contrast < 0.03 or looks[at].spread > limit:
        return False
    left = next((i for i in range(at - 1, at - longest - 1, -1) if looks[i].spread > limit), None)
    right = next((i for i in range(at + 1, at + longest + 1) if looks[i].spread > limit), None)
    if left is None or right is None or right - left - 1 > longest:
        return False
    return _steady(looks[left - 1], looks[left]) and _steady(looks[right + 1], looks[right])


def _steady(further: Look, nearer: Look) -> bool:
    return abs(further.spread - nearer.spread) < 0.25 * further.spread


def is_flash(looks: Sequence[Look], at: int, strength: float) -> bool:
    """Whether a single frame is much brighter than both its neighbours, which are alike."""
    before, frame, after = looks[at - 1 : at + 2]
    rise = frame.mean - max(before.mean, after.mean)
    return rise > 0.18 - 0.12 * strength and abs(before.mean - after.mean) < rise / 3


def is_rolled(pictures: Sequence[npt.NDArray[Any]]) -> bool:
    """Whether a frame shows what its neighbours do, rolled up or down, so that the frame line is in the picture.

    Args:
        pictures: Small greyscale pictures, 0..65535, an odd number; the frame is the one in the middle. One of the two
            next to it may be rolled as well if there are five.
    """
    at = len(pictures) // 2
    small = [_coarse(picture) for picture in pictures]
    pairs = [(left, right) for left in range(1, at + 1) for right in range(1, at + 1) if left + right < at + 2]
    return any(_is_roll(small[at - left], small[at], small[at + right]) for left, right in pairs)


def _coarse(picture: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Rows as they are, columns in twelve means: a roll goes up and down only. 0..1."""
    columns = min(_COLUMNS, picture.shape[1])
    width = picture.shape[1] // columns * columns
    means = picture[:, :width].reshape(len(picture), columns, -1).mean(axis=2)
    return np.asarray(means / 65535, dtype=np.float64)


def _is_roll(before: npt.NDArray[np.float64], frame: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> bool:
    around = (before + after) / 2
    apart, off = float(np.abs(before - after).mean()), float(np.abs(frame - around).mean())
    if off < 0.03 or off < 3 * apart:
        return False
    height = len(frame)
    least = max(round(_LEAST_ROLL * height), 2)
    rolled = (np.abs(np.roll(frame, way, axis=0) - around).mean(axis=1) for way in range(least, height - least + 1))
    best = min(float(np.sort(rows)[: round(_FITTING * height)].mean()) for rows in rolled)
    here = float(np.sort(np.abs(frame - around).mean(axis=1))[: round(_FITTING * height)].mean())
    return best < 0.35 * here and best < 2 * apart + 0.02


def measured(clip: vs.VideoNode) -> vs.VideoNode:
    """A small picture of each frame that carries the numbers of its `Look`."""
    small = _small(analysis_luma(clip), 160)
    flat = core.akarin.Expr([small], "x 65535 /", format=vs.GRAYS)
    square = core.akarin.Expr([flat], "x x *").std.PlaneStats()
    stats = small.std.PlaneStats(neighbour(small, -1))
    numbers = {_MEAN: "x.PlaneStatsAverage", _STEP: "x.PlaneStatsDiff", _SQUARE: "y.PlaneStatsAverage"}
    return core.akarin.PropExpr([stats, square], lambda: numbers)


def read_look(frame: vs.VideoFrame, *, real: bool) -> Look:
    """The numbers that `measured` left on a frame; ``real`` as in `Look`."""
    mean, square, step = (float(frame.props[name]) for name in (_MEAN, _SQUARE, _STEP))  # type: ignore[arg-type]
    return Look(mean, max(square - mean * mean, 0.0) ** 0.5, step, real)


class Tears(NamedTuple):
    """Large areas that are destroyed in one frame, or in two in a row."""

    small: vs.VideoNode
    """GRAY8 of the size that was looked at, 255 where destroyed; `TORN` is the share of it."""
    area: vs.VideoNode
    """The same of the picture's size."""


def find_tears(clip: vs.VideoNode, strength: float, ends: int) -> Tears:
    """Where a frame is torn or burnt.

    Small marks are left to the filter for dirt, changes of light that keep the drawing to the one for flicker.

    Args:
        clip: Any constant format.
        strength: 0..1.
        ends: Frames at either end that do not count: there the clip is mirrored.
    """
    small = core.akarin.Expr([_small(analysis_luma(clip), 320)], "x 257 /", format=vs.GRAY8)
    blank = core.std.BlankClip(small, color=0, keep=True).std.SetFrameProps(**{TORN: 0.0})
    views = [neighbour(small, distance) for distance in range(-2, 3)]
    last = clip.num_frames - ends - 1

    def look(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        pictures = [np.ascontiguousarray(view[0]) for view in f[1:]]
        ways = [(left, right) for left, right in _WAYS if ends <= n - left and n + right <= last]
        area = torn_area(pictures[2], [_sides(pictures, *way) for way in ways], strength)
        if area is None:
            return f[0]
        torn = f[0].copy()
        np.copyto(np.asarray(torn[0]), area.astype(np.uint8) * 255)
        torn.props[TORN] = float(area.mean())
        return torn

    torn = core.std.ModifyFrame(blank, [blank, *views], look) if min(small.width, small.height) >= _LEAST else blank
    return Tears(torn, torn.resize.Bilinear(clip.width, clip.height).std.Binarize(64))


def _sides(pictures: Sequence[npt.NDArray[np.uint8]], left: int, right: int) -> Sides:
    """What is around the third of five pictures, so many to the left and right."""
    between = [*pictures[3 - left : 2], *pictures[3 : 2 + right]]
    return Sides(pictures[2 - left], pictures[2 + right], left, right, between)


def _small(clip: vs.VideoNode, width: int) -> vs.VideoNode:
    scale = max(clip.width / width, 1.0)
    # Never thinner than 16 pixels, whatever the shape of the picture.
    width, height = (min(max(round(side / scale), 16), max(side, 16)) for side in (clip.width, clip.height))
    return clip.resize.Bilinear(width, height)
