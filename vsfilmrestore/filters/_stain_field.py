"""How much light a stain took or gave at each pixel, from the steps by which it came and went.

What is estimated is smooth up to the stain's own edges: the grain of the frames it is estimated from stays out of it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._stain_light import density, light_of
from vsfilmrestore.filters._stain_match import Pair
from vsfilmrestore.filters._stain_steps import CELL

__all__ = ["Side", "add_field", "smoothed", "surroundings"]

type Array = npt.NDArray[Any]
type Flags = npt.NDArray[np.bool_]
type Box = tuple[slice, slice]

_REACH: Final = 3
"""Cells around a stain into which its soft edge may go."""
_SEEN: Final = (0.35, 1.0)
"""Levels below which nothing is done, and above which all is."""
_MOST: Final = 1.2
_GRAINLESS: Final = 1.0


class Side(NamedTuple):
    """A frame and its neighbour without the stain, in the frame's light: [plane, y, x]."""

    here: Array
    lit: Array


def add_field(out: Array, pair: Pair, came: Side, went: Side, part: float, gain: float, toned: int) -> None:
    """Add a stain's field to ``out``, [plane, y, x]: logarithms, above 0 for a bright stain; differences in chroma.

    Args:
        out: Changed in place; the first ``toned`` planes are light, the others colour differences.
        pair: The stain, with its box in cells.
        came: At its first frame.
        went: At its last one.
        part: How far the frame lies from the first (0) to the last (1).
        gain: How much stronger it is than that.
        toned: 3 for RGB, else 1.
    """
    box, region = surroundings(pair, out.shape[1:])
    grow = gain * (1 + (pair.swell - 1) * part)
    sign = np.float32(1 if pair.bright else -1)
    scale: Array | None = None
    weights: list[Array] = []
    for p in range(len(out)):
        sides = [(side.here[p][box], side.lit[p][box]) for side in (came, went)]
        if p < toned:
            under = [density(lit, pair.bright) for _, lit in sides]
            steps = [density(here, pair.bright) - lit for (here, _), lit in zip(sides, under, strict=True)]
            weights = [np.exp(2 * lit) for lit in under]
        else:
            assert scale is not None  # luma comes first
            steps = [here * scale - lit for here, lit in sides]
        first, last = (smoothed(step, region, weight) for step, weight in zip(steps, weights, strict=True))
        last = last / np.float32(pair.swell)
        field = _agreed(first, last, part) * np.float32(grow)
        if p < toned:
            field = np.clip(field, -_MOST, 0)
            field *= _seen(np.abs(light_of(density(sides[0][1], pair.bright) + field, pair.bright) - sides[0][1]) * 255)
            field *= region
            out[p][box] += sign * -field
            if p == 0:
                scale = np.exp(-field / np.float32(gain))
        else:
            out[p][box] += field * _seen(np.abs(field) * 255) * region


def surroundings(pair: Pair, shape: tuple[int, ...]) -> tuple[Box, Array]:
    """The pixels around a stain, and how much they belong to it, falling softly to 0 at their edge."""
    import cv2  # on first use: it is large, and a plan needs none of it

    top, left, bottom, right = pair.box
    cells = cv2.dilate(np.pad(pair.cells.astype(np.float32), _REACH), np.ones((3, 3), np.uint8))
    cells = cv2.dilate(cells, np.ones((3, 3), np.uint8))
    full = cv2.resize(cells, None, fx=CELL, fy=CELL, interpolation=cv2.INTER_NEAREST)
    full = cv2.GaussianBlur(full, (0, 0), CELL / 2, borderType=cv2.BORDER_REPLICATE)
    first = (top - _REACH) * CELL, (left - _REACH) * CELL
    stop = min((bottom + _REACH) * CELL, shape[0]), min((right + _REACH) * CELL, shape[1])
    begin = max(first[0], 0), max(first[1], 0)
    inner = full[begin[0] - first[0] : stop[0] - first[0], begin[1] - first[1] : stop[1] - first[1]]
    return (slice(begin[0], stop[0]), slice(begin[1], stop[1])), np.asarray(inner, np.float32)


def smoothed(step: Array, region: Array, weight: Array) -> Array:
    """The step without grain: specks out, then smoothed over what differs by no more than grain does.

    Args:
        step: A difference of logarithms, or of colour.
        region: How much each pixel belongs to the stain.
        weight: How much each pixel tells; grain hides more where light, or the distance to white, is small.
    """
    import cv2  # on first use: it is large, and a plan needs none of it

    known: npt.NDArray[np.float32] = np.asarray(weight, np.float32) + np.float32(1e-3)
    calm = known * np.asarray(cv2.medianBlur(np.ascontiguousarray(step, np.float32), 5), np.float32)
    step = np.asarray(
        cv2.GaussianBlur(calm, (0, 0), _GRAINLESS) / cv2.GaussianBlur(known, (0, 0), _GRAINLESS), np.float32
    )
    rough = np.abs(step - cv2.GaussianBlur(step, (0, 0), 2.5))[region > 0.5]
    spread = 1.5 * float(np.median(rough)) + 1e-4 if rough.size else 1e-4
    return np.asarray(cv2.bilateralFilter(step, 13, 4 * spread, 4.0), np.float32)


def _agreed(first: Array, last: Array, part: float) -> Array:
    """Between both, but no stronger than the weaker one by more than a little, and 0 where they contradict."""
    weaker = np.minimum(np.abs(first), np.abs(last))
    blend = first * np.float32(1 - part) + last * np.float32(part)
    most = np.float32(1.3) * weaker + np.float32(0.006)
    return np.where(first * last > 0, np.clip(blend, -most, most), np.float32(0))


def _seen(levels: Array) -> Array:
    x = np.clip((levels - _SEEN[0]) / (_SEEN[1] - _SEEN[0]), 0, 1)
    return np.asarray(x * x * (3 - 2 * x), np.float32)
