"""Whether a stain stays where it is on the film while the scene moves on, as nothing in the scene does.

Seen from a frame, a stain on the next one lies where the scene has carried it: a neighbour that was moved along shows
it twice, once on each side of the way. A shadow that lies on the scene was carried along with it and shows nothing.
Motion that follows an outline instead of the scene beneath it tells of neither, and is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._stain_match import Looks, wider

__all__ = ["film_odds"]

type Array = npt.NDArray[Any]
type Flags = npt.NDArray[np.bool_]

_FRAMES: Final = 5
"""Frames that are looked at: where it lies on the film tells less and less about a scene that moves on."""
_SHARED: Final = 15.0
"""Cells that share their noise."""
_LEAST: Final = 0.3
"""Levels of noise at the least."""
_MOST: Final = 8.0
"""Log odds that are believed at the most."""
_MOVES: Final = 0.3
"""Cells by which a scene moves at the least if it tells anything."""
_FOLLOWS: Final = 0.3
"""By how much of the way around it the way inside may differ."""


def film_odds(run: Sequence[Looks], ends: bool, change: Array, box: tuple[int, int, int, int], cells: Flags) -> float:
    """Log odds that something lies on the film rather than in the scene; 0 where the scene stands still.

    Args:
        run: The frames that show it, from its step on.
        ends: Whether they run backwards in time.
        change: The step, in levels.
        box: Where it is.
        cells: Which cells of the box are stained.
    """
    view = wider(box, change.shape)
    inside = np.zeros(change.shape, bool)
    inside[box[0] : box[2], box[1] : box[3]] = cells
    near = _near(inside)
    seen = (change * near)[view].ravel()
    energy = float(seen @ seen) + 1e-6
    gained, left, count = 0.0, 0.0, 0
    for this, following in pairwise(run[: _FRAMES + 1]):
        for look, after in ((this, not ends), (following, ends)):
            way = look.ways[int(after)]
            if not _follows(way, inside, view):
                continue
            twice = change - _carried(change, way)
            real = _real(twice[view], near[view])
            twice = (change * near - _carried(change * near, way))[view].ravel() * real
            step = (look.go if after else look.come)[view].ravel()
            step, twice = (each - (each @ seen) / energy * seen for each in (step, twice))
            gained += 2 * float(step @ twice) - float(twice @ twice)
            left += float(step @ step) - max(float(step @ twice), 0.0) ** 2 / (float(twice @ twice) + 1e-6)
            count += len(step)
    if not count:
        return 0.0
    noise = max(left / count, _LEAST**2) * _SHARED
    return float(np.clip(gained / (2 * noise), -_MOST, _MOST))


def _real(twice: Array, near: Array) -> float:
    """How much of what should be seen is no grain of the frame that tells how it looks."""
    beside = near < 0.1
    if not beside.any():
        return 0.0
    grain = float((twice[beside] ** 2).mean())
    return max(1 - grain / (float((twice[~beside] ** 2).mean()) + 1e-6), 0.0)


def _near(inside: Flags) -> Array:
    """A window around a stain that cuts nothing off its soft edges."""
    import cv2  # on first use: it is large, and a plan needs none of it

    near = cv2.dilate(inside.astype(np.float32), np.ones((7, 7), np.uint8))
    return np.asarray(cv2.GaussianBlur(near, (0, 0), 1.5), np.float32)


def _follows(way: Array, inside: Flags, view: tuple[slice, slice]) -> bool:
    """Whether the motion inside is that of the scene around it."""
    around = np.zeros_like(inside)
    around[view] = True
    around &= ~inside
    if not around.any():
        return False
    ring, inner = (np.array([np.median(part[where]) for part in way]) for where in (around, inside))
    far = float(np.hypot(*ring))
    return far > _MOVES and float(np.hypot(*(inner - ring))) < _FOLLOWS * far


def _carried(shape: Array, way: Array) -> Array:
    """What a neighbour shows at each cell once it was moved along, if the shape lies there on the film."""
    import cv2  # on first use: it is large, and a plan needs none of it

    down, across = np.indices(shape.shape, np.float32)
    there = across + way[0], down + way[1]
    return np.asarray(cv2.remap(np.asarray(shape, np.float32), *there, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE))
