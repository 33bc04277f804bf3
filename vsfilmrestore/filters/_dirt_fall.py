"""Rain, sparks and whatever else falls: many specks of a frame drawn out in one direction. They are no dirt."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._dirt_specks import Specks

__all__ = ["falling"]

type Flags = npt.NDArray[np.bool_]
type Reals = npt.NDArray[np.floating[Any]]

_LONG: Final = 3.0
"""Times as long as wide, from which on the direction of a speck is known."""
_DRAWN: Final = 1.8
"""The same where the direction of the others is known already."""
_AREA: Final = 6
_MANY: Final = 8
_MOST: Final = 0.6
"""Share of the long specks of a frame that must agree."""
_NEAR: Final = 12.0
"""Degrees from a direction within which they agree."""


def falling(found: Specks) -> Flags:
    """For each speck, whether it goes with a direction that most long ones of its kind, dark or bright, have."""
    stretch, angle = _directions(found)
    result = np.zeros(len(stretch), bool)
    for light in (False, True):
        kind = (found.light == light) & (found.area >= _AREA)
        kind[0] = False
        long = kind & (stretch >= _LONG)
        if long.sum() < _MANY:
            continue
        agree = (_between(angle[long][:, None], angle[long]) <= _NEAR).sum(1)
        if agree.max() >= max(_MANY, _MOST * long.sum()):
            common = angle[long][agree.argmax()]
            result |= kind & (stretch >= _DRAWN) & (_between(angle, common) <= 1.5 * _NEAR)
    return result


def _between(a: Reals, b: Reals) -> Reals:
    """Degrees between two directions of lines."""
    apart: Reals = np.abs((a - b + 90) % 180 - 90)
    return apart


def _directions(found: Specks) -> tuple[Reals, Reals]:
    """How many times longer than wide each speck is, and its direction in degrees, from its second moments."""
    width, count = found.labels.shape[1], len(found.area)
    at = np.flatnonzero(found.labels)
    owner = found.labels.ravel()[at]
    y, x = np.divmod(at, width)

    def mean(values: Reals) -> Reals:
        return np.bincount(owner, values, count) / np.maximum(found.area, 1)

    dx, dy = x - mean(x)[owner], y - mean(y)[owner]
    xx, yy, xy = mean(dx * dx) + 1 / 12, mean(dy * dy) + 1 / 12, mean(dx * dy)
    root = np.hypot(xx - yy, 2 * xy)
    stretch = np.sqrt((xx + yy + root) / np.maximum(xx + yy - root, 1 / 6))
    return stretch, np.degrees(0.5 * np.arctan2(2 * xy, xx - yy))
