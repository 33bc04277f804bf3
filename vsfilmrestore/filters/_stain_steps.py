"""Where a frame differs from its neighbours by something broad and smooth that leaves the detail as it is.

A stain comes in one frame and is gone in another: a *step* on, and the same step off at the same place of the film.
A step is measured between a frame and one neighbour, moved onto it and brought to its light, on a small analysis
picture and in cells of `CELL` of its pixels. Differences are told in 8-bit levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._exposure import BLACK, LEVEL, field_basis
from vsfilmrestore.filters._stain_relight import light_step

__all__ = ["CELL", "Step", "cells_of", "looked_at", "measure_step", "picture_of", "relit"]

core = vs.core

type Array = npt.NDArray[np.float32]
type Flags = npt.NDArray[np.bool_]

CELL: Final = 4
"""Side of a cell, in pixels of the analysis picture."""
_COLUMNS: Final = 24


class Step(NamedTuple):
    """What differs between a frame and one neighbour.

    Attributes:
        change: [row, column], in cells: by how many levels of luma the frame is above its neighbour.
        misfit: [row, column]: how much of the detail does not fit, in levels.
        joined: False where the neighbour shows another scene, or is missing.
    """

    change: Array
    misfit: Array
    joined: bool


def picture_of(frame: vs.VideoFrame) -> Array:
    """The planes of an analysis picture, [plane, y, x]; luma or green etc. 0..1, colour differences around 0."""
    return np.stack([np.asarray(frame[p]) for p in range(frame.format.num_planes)]).astype(np.float32, copy=False)


def looked_at(picture: Array, rgb: bool) -> Array:
    """The planes with luma in the first place."""
    if not rgb:
        return picture
    red, green, blue = picture
    luma = (red + 2 * green + blue) / 4
    return np.stack([luma, (blue - luma) / 2, (red - luma) / 2])


def measure_step(here: Array, there: Array, rgb: bool) -> Step:
    """Compare a picture with its moved neighbour."""
    lit, joined = relit(here, there, rgb)
    difference = (looked_at(here, rgb)[0] - looked_at(lit, rgb)[0]) * np.float32(255)
    change = cells_of(difference)
    rough = difference - _full(change, difference.shape)
    return Step(_soft(change, 1.1), _soft(cells_of(np.abs(rough)), 1.5), joined)


def relit(here: Array, there: Array, rgb: bool) -> tuple[Array, bool]:
    """The neighbour in the light of the frame: gain, gamma and smooth fields of the whole picture."""
    import cv2  # on first use: it is large, and a plan needs none of it

    toned = range(3) if rgb else range(1)
    lit, joined = there.copy(), True
    height, width = here.shape[1:]
    size = _COLUMNS, max(4, round(_COLUMNS * height / width))
    for p in toned:
        grids = [cv2.resize(picture[p], size, interpolation=cv2.INTER_AREA).astype(float) for picture in (there, here)]
        row, good = light_step(grids[0], grids[1])
        joined &= good
        field = np.tensordot(row[2:], field_basis(size[1], size[0]), 1) + row[0]
        gain = cv2.resize(field.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        tone = cv2.log(np.maximum(there[p], 0) + np.float32(BLACK))
        change = gain + np.float32(row[1]) * (tone - np.float32(LEVEL))
        lit[p] = cv2.exp(tone + change) - np.float32(BLACK)
    for p in range(len(toned), len(here)):
        lit[p] += np.float32(np.median((here[p] - there[p])[::4, ::4]))
    return lit, joined


def cells_of(plane: Array) -> Array:
    import cv2  # on first use: it is large, and a plan needs none of it

    height, width = plane.shape
    size = max(width // CELL, 1), max(height // CELL, 1)
    part = plane[: size[1] * CELL, : size[0] * CELL]
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.float32)


def _full(cells: Array, shape: Sequence[int]) -> Array:
    import cv2  # on first use: it is large, and a plan needs none of it

    return np.asarray(cv2.resize(cells, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def _soft(plane: Array, sigma: float) -> Array:
    import cv2  # on first use: it is large, and a plan needs none of it

    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)
