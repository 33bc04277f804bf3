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

from vsfilmrestore.filters._between import Between, neighbour
from vsfilmrestore.filters._motion import NO_CUTS, analysis_luma, estimate

__all__ = [
    "AROUND",
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

_DRAWN: Final = 0.015
"""Deviation from which a neighbourhood has a drawing that can be lost."""

_GROWTH: Final = 40
"""Steps of two pixels of the small picture that a tear grows from its seeds; they are never far."""

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


def is_frozen(looks: Sequence[Look], at: int, longest: int, strength: float) -> bool:
    """Whether the frame is a copy that took the place of a lost one.

    A lost frame leaves a jump behind the copy: motion in a single step that ordinary frames take several for. A copy
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
    ordinary = [look.step for look in (*looks[start - AROUND : start], *looks[end + 1 : end + 1 + AROUND])]
    usual = median(ordinary)
    if usual < 0.004 or min(ordinary) < 0.35 * usual:
        return False  # a still shot, or copies are its habit
    still = max(look.step for look in looks[start:end]) < (0.05 + 0.2 * strength) * usual
    # A step over twice the way differs less than twice as much: detail that has gone cannot go further.
    return still and looks[end].step > (1.3 + 0.25 * (length - 1) + 0.4 * (1 - strength)) * usual


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


def read_look(frame: vs.VideoFrame) -> Look:
    """The numbers that `measured` left on a frame."""
    mean, square, step = (float(frame.props[name]) for name in (_MEAN, _SQUARE, _STEP))  # type: ignore[arg-type]
    return Look(mean, max(square - mean * mean, 0.0) ** 0.5, step)


class Tears(NamedTuple):
    """Large areas that are in one frame only; GRAY8, 255 where destroyed."""

    seeds: vs.VideoNode
    """Small picture of what neither neighbour has, where the two agree."""
    gone: vs.VideoNode
    """Small picture of where such a place had a drawing that is gone."""
    kept: vs.VideoNode
    """Small picture of what is as unlike the neighbours, but by its light alone: the drawing is still there."""
    area: vs.VideoNode
    """Mask of the picture's size: the seeds, grown over all that is unlike the neighbours and joined to them."""


def find_tears(clip: vs.VideoNode, strength: float) -> Tears:
    """Where a frame is torn or burnt.

    Small marks are left to the filter for dirt, changes of light that keep the drawing to the one for flicker.
    """
    small = _small(analysis_luma(clip), 320)
    gap = Between.of(neighbour(small, -1), neighbour(small, 1))
    motion = estimate(small, (-1, 1), block=8, cut_error=NO_CUTS, cut_share=100.0)
    views = [gap.at(0.5), motion.compensate(small, -1), motion.compensate(small, 1)]
    soft = [_soft(view) for view in (small, *views)]
    away = core.akarin.Expr(soft, "x y - abs x z - abs min x a - abs min")
    agreed = _soft(gap.disagreement.std.Maximum())
    likeness = _likeness(small, views[0])
    level = round((40 - 24 * strength) * 257)
    parts = [away, agreed, *likeness]
    outlier = f"x {level} > y 3 * x < and"
    sure = core.akarin.Expr(parts, f"{outlier} z 0.6 < and 255 0 ?", format=vs.GRAY8)
    gone = core.akarin.Expr(parts, f"{outlier} z 0.6 < a {_DRAWN} > and and 255 0 ?", format=vs.GRAY8)
    kept = core.akarin.Expr(parts, f"{outlier} z 0.6 > and 255 0 ?", format=vs.GRAY8)
    seeds = _repeat(_repeat(sure, 4, grow=False), 4, grow=True)
    # Part of a white hole may have found another white place in a neighbour: what lies between them is not fooled.
    loose = core.akarin.Expr(
        [away, likeness[0], *soft[:2], agreed],
        f"x {level // 2} > y 0.6 < x {level} > or and z a - abs D! D@ {level} > b 3 * D@ < and or 255 0 ?",
        format=vs.GRAY8,
    )
    area = _joined(seeds, _repeat(loose, 1, grow=True))
    area = _repeat(_repeat(area, 4, grow=True), 2, grow=False)
    return Tears(seeds, gone, kept, area.resize.Bilinear(clip.width, clip.height).std.Binarize(64))


def _joined(seeds: vs.VideoNode, within: vs.VideoNode) -> vs.VideoNode:
    """The parts of a mask that touch the seeds, and the seeds."""
    mask = seeds
    for _ in range(_GROWTH):
        mask = core.akarin.Expr([mask.std.Maximum().std.Maximum(), within, seeds], "x y min z max")
    return mask


def _likeness(one: vs.VideoNode, other: vs.VideoNode) -> tuple[vs.VideoNode, vs.VideoNode]:
    """GRAYS: local correlation of two pictures, -1..1, near 0 where one is smooth; local deviation of the other."""
    a, b = (core.akarin.Expr([clip], "x 65535 /", format=vs.GRAYS) for clip in (one, other))
    products = [a, b, *(core.akarin.Expr([a, b], e) for e in ("x x *", "y y *", "x y *"))]
    means = [_wide(p) for p in products]
    correlation = "b x y * - z x x * - 0.00001 + a y y * - 0.00001 + * sqrt /"
    return core.akarin.Expr(means, correlation), core.akarin.Expr(means, "a y y * - 0 max sqrt")


def _wide(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.std.BoxBlur(hradius=min(4, (clip.width - 1) // 2), vradius=min(4, (clip.height - 1) // 2))


def _soft(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.std.BoxBlur(hradius=1, vradius=1)


def _repeat(mask: vs.VideoNode, times: int, *, grow: bool) -> vs.VideoNode:
    for _ in range(times):
        mask = mask.std.Maximum() if grow else mask.std.Minimum()
    return mask


def _small(clip: vs.VideoNode, width: int) -> vs.VideoNode:
    scale = max(clip.width / width, 1.0)
    # Never thinner than 16 pixels, whatever the shape of the picture.
    width, height = (min(max(round(side / scale), 16), max(side, 16)) for side in (clip.width, clip.height))
    return clip.resize.Bilinear(width, height)
