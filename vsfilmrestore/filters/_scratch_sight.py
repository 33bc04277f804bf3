"""What the network for scratches sees: a frame averaged in blocks of rows, and its neighbours as they lie and moved.

A scratch stays where it is on the film while the scene moves, so neighbours are given twice: as they lie, where the
line is found again at its place, and moved onto the frame by how the scene moves across, where the scene is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._scratch_search import slope_of

__all__ = ["moved_onto"]

type Reals = npt.NDArray[Any]

_SCENE: Final = 8
"""Pixels that the scene is followed to either side."""
_ALIKE: Final = (61, 15)
"""Columns and blocks over which the scene moves as one."""
_WIDE: Final = 6.0
"""Slopes that differ by more levels differ no more: a strong line does not lead the scene."""


def moved_onto(mean: Reals, others: Sequence[Reals]) -> Reals:
    """Neighbours moved across onto a frame, (neighbours, blocks, width).

    Args:
        mean: The frame, averaged in blocks of rows, (blocks, width), in 8-bit levels.
        others: Its neighbours, likewise.
    """
    here = slope_of(mean)
    return np.stack([_moved(other, _motion(here, slope_of(other))) for other in others])


def _motion(here: Reals, there: Reals) -> Reals:
    """By how many pixels what is here lies further to the right there, in each block and column."""
    import cv2  # on first use: it is large, and a plan needs none of it

    reach = np.arange(-_SCENE, _SCENE + 1)
    width = here.shape[1]
    wide = np.pad(there, ((0, 0), (_SCENE, _SCENE)), mode="reflect" if width > _SCENE else "edge")
    cost = np.empty((len(reach), *here.shape), np.float32)
    for s, out in zip(reach.tolist(), cost, strict=True):
        apart: Reals = cv2.absdiff(here, wide[:, _SCENE + s : _SCENE + s + width])
        np.minimum(apart, _WIDE, out=apart)
        apart += 1e-3 * abs(s)
        cv2.blur(apart, _ALIKE, dst=out, borderType=cv2.BORDER_REFLECT)
    cost *= cost
    best = _least(cost)
    middle = best.clip(1, len(reach) - 2)
    places = middle.ravel().astype(np.intp) * here.size + np.arange(here.size)
    low, top, high = (cost.ravel().take(places + d * here.size).reshape(here.shape) for d in (-1, 0, 1))
    bend = low - 2 * top + high
    part = np.where((bend > 1e-9) & (middle == best), 0.5 * (low - high) / np.maximum(bend, 1e-9), 0)
    return np.asarray(best.astype(np.intp) - _SCENE + part.clip(-0.5, 0.5), np.float32)


def _least(cost: Reals) -> npt.NDArray[np.uint8]:
    """Where along the first axis, of at most 256, the first of the least is: ``argmin(0)`` in a fifth of the time."""
    least, best = cost[0].copy(), np.zeros(cost.shape[1:], np.uint8)
    for place, each in enumerate(cost[1:], 1):
        less = (each < least).view(np.uint8)
        less *= np.uint8(place)
        np.maximum(best, less, out=best)
        np.minimum(least, each, out=least)
    return best


def _moved(other: Reals, motion: Reals) -> Reals:
    import cv2  # on first use: it is large, and a plan needs none of it

    rows, width = other.shape
    x = np.arange(width, dtype=np.float32)[None] + motion
    y = np.repeat(np.arange(rows, dtype=np.float32)[:, None], width, 1)
    return np.asarray(cv2.remap(other.astype(np.float32), x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))
