"""What the network for scratches sees: a frame averaged in blocks of rows, and its neighbours as they lie and moved.

A scratch stays where it is on the film while the scene moves, so neighbours are given twice: as they lie, where the
line is found again at its place, and moved onto the frame by how the scene moves across, where the scene is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

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
    here = _slope(mean)
    return np.stack([_moved(other, _motion(here, _slope(other))) for other in others])


def _motion(here: Reals, there: Reals) -> Reals:
    """By how many pixels what is here lies further to the right there, in each block and column."""
    import cv2  # on first use: it is large, and a plan needs none of it

    reach = np.arange(-_SCENE, _SCENE + 1)
    width = here.shape[1]
    wide = np.pad(there, ((0, 0), (_SCENE, _SCENE)), mode="reflect" if width > _SCENE else "edge")
    cost: Reals = np.stack(
        [
            cv2.blur(
                np.minimum(np.abs(here - wide[:, _SCENE + s : _SCENE + s + width]), _WIDE) + 1e-3 * abs(s),
                _ALIKE,
                borderType=cv2.BORDER_REFLECT,
            )
            for s in reach.tolist()
        ]
    )
    cost = cost**2
    best = cost.argmin(0)
    middle = best.clip(1, len(reach) - 2)[None]
    low, top, high = (np.take_along_axis(cost, middle + d, 0)[0] for d in (-1, 0, 1))
    bend = low - 2 * top + high
    part = np.where((bend > 1e-9) & (middle[0] == best), 0.5 * (low - high) / np.maximum(bend, 1e-9), 0)
    return np.asarray(best - _SCENE + part.clip(-0.5, 0.5), np.float32)


def _moved(other: Reals, motion: Reals) -> Reals:
    import cv2  # on first use: it is large, and a plan needs none of it

    rows, width = other.shape
    x = np.arange(width, dtype=np.float32)[None] + motion
    y = np.repeat(np.arange(rows, dtype=np.float32)[:, None], width, 1)
    return np.asarray(cv2.remap(other.astype(np.float32), x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))


def _slope(mean: Reals) -> Reals:
    """Differences across: they do not know how bright a frame is."""
    slope = np.zeros(mean.shape, np.float32)
    slope[:, 1:-1] = (mean[:, 2:] - mean[:, :-2]) / 2
    return slope
