"""Pieces that are no dirt but another light: the picture shows through whole, and differs by how bright it is."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._dirt_sight import LEVEL, Sight

__all__ = ["without_light"]

core = vs.core

type Levels = npt.NDArray[np.floating[Any]]
type Flags = npt.NDArray[np.bool_]
type Box = tuple[slice, slice]

_LEAST: Final = 60
"""Pixels; in smaller pieces there is too little to compare."""
_RIM: Final = 2
"""Pixels at the edge of a piece in which the picture is not compared: dirt fades out there."""
_INSIDE: Final = 30
"""Pixels within that edge that are enough to compare."""
_RING: Final = 6
"""Pixels around a piece that tell what becomes of the same brightness beside it."""
_FINE: Final = 3.0
"""What is finer than a Gaussian of so many pixels is compared."""
_SOFT: Final = 1.5
"""Over a Gaussian of so many pixels the difference is told: grain and small misfits of the motion are no part of it."""
_SHOWS: Final = 0.9
"""Least correlation of what is fine in a piece with both neighbours."""
_FOLLOWS: Final = 0.6
"""Least share of the difference, in a piece and around it, that follows from the brightness alone. Of dirt laid on real
film so thinly that the picture shows, nearly all had less than 0.4; of faces and paper that flickered, 0.74 and more.
"""


def without_light(mask: vs.VideoNode, seen: Sight) -> vs.VideoNode:
    """A mask of dirt without pieces that are the light of bright things, which flickers otherwise than the rest.

    Args:
        mask: GRAY8, where dirt is.
        seen: The clip it is of.
    """
    luma, _, before, after, _ = seen.lumas

    def left(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        found = np.asarray(f[0][0])
        return _without_light(f[0], [np.asarray(frame[0]) for frame in f[1:]]) if found.any() else f[0]

    return core.std.ModifyFrame(mask, [mask, luma, before, after], left)


def _without_light(mask: vs.VideoFrame, pictures: list[npt.NDArray[np.uint16]]) -> vs.VideoFrame:
    import cv2  # on first use: it is large, and a plan needs none of it

    count, labels, stats, _ = cv2.connectedComponentsWithStats(np.asarray(mask[0]), connectivity=8)
    margin = _RING + round(2 * _FINE)
    light = []
    for label in range(1, count):
        left, top, across, down, area = (int(n) for n in stats[label])
        box = np.s_[max(top - margin, 0) : top + down + margin, max(left - margin, 0) : left + across + margin]
        if area >= _LEAST and _is_light(labels[box] == label, *(each[box] / LEVEL for each in pictures)):
            light.append(label)
    if not light:
        return mask
    out = mask.copy()
    np.asarray(out[0])[np.isin(labels, light)] = 0
    return out


def _is_light(piece: Flags, now: Levels, before: Levels, after: Levels) -> bool:
    """Whether a piece is another light; the frame and its neighbours moved onto it, in levels of 8 bits."""
    import cv2  # on first use: it is large, and a plan needs none of it

    at = piece.astype(np.uint8)
    inside = cv2.erode(at, np.ones((2 * _RIM + 1,) * 2, np.uint8)) > 0
    if inside.sum() < _INSIDE:
        return False
    fine = [(each - cv2.GaussianBlur(each, (0, 0), _FINE))[inside] for each in (now, before, after)]
    if min(_correlation(fine[0], other) for other in fine[1:]) < _SHOWS:
        return False
    around = cv2.dilate(at, np.ones((2 * _RING + 1,) * 2, np.uint8)) > 0
    behind = (before + after) / 2
    soft = [np.asarray(cv2.GaussianBlur(each, (0, 0), _SOFT), np.float64)[around] for each in (behind, now - behind)]
    return _explained(soft[1], by=soft[0]) >= _FOLLOWS


def _correlation(one: Levels, other: Levels) -> float:
    """Of two pictures whose mean is nearly 0."""
    return float((one * other).sum() / max(float(np.sqrt((one * one).sum() * (other * other).sum())), 1e-6))


def _explained(values: Levels, by: Levels) -> float:
    """Share of the variance of some values that is a parabola over others."""
    x = (by - by.mean()) / max(float(by.std()), 1e-3)
    terms = np.stack([np.ones_like(x), x, x * x], 1)
    rest = values - terms @ np.linalg.lstsq(terms, values, rcond=None)[0]
    return 1 - float(rest.var()) / max(float(values.var()), 1e-6)
