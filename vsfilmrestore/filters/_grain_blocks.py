"""Blocks of two frames of which one is moved onto the other: what they differ by is grain.

Motion is followed in whole samples, for what lies in between is smoother than grain is. A flow is smooth: a search for
blocks that are alike would find such grain as is alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._grain_form import BANDS, SIDE

__all__ = [
    "FITTED",
    "Corner",
    "cut",
    "flow_between",
    "levels",
    "pairs_of",
    "places",
    "quiet",
    "stretch_of",
    "texture",
    "unmoved",
]

type Plane = npt.NDArray[Any]
type Reals = npt.NDArray[np.float64]
type Corner = tuple[int, int]

FITTED: Final = np.array([0.84, 0.97] + [1.0] * (BANDS - 2))
"""What is left in each ring of the power of grain by `unmoved`, for part of it fits slopes: the mean of
grain of 0 to 2 pixels simulated on frames of four films.
"""


_FLAT: Final = 0.4
"""Share of the blocks, the flattest ones, that are taken to show grain alone."""
_LOUD: Final = 2.5
"""Blocks with so many times the usual variance hold more than grain."""


def levels(plane: Plane, white: int = 0) -> npt.NDArray[np.float32]:
    """Samples from 0 to 1; integers of which ``white``, or else the highest of their type, is 1."""
    scale = (white or np.iinfo(plane.dtype).max) if np.issubdtype(plane.dtype, np.integer) else 1.0
    return np.asarray(plane, np.float32) / np.float32(scale)


def flow_between(now: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Motion from one plane to another in pixels: H, W, 2, at a size of at most 640 pixels."""
    import cv2

    small = min(1.0, 640 / max(now.shape))
    size = (max(round(now.shape[1] * small), 16), max(round(now.shape[0] * small), 16))
    pair = [
        (cv2.GaussianBlur(cv2.resize(x, size, interpolation=cv2.INTER_AREA), (0, 0), 1.5) * 255).clip(0, 255)
        for x in (now, other)
    ]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    blank = np.zeros((size[1], size[0], 2), np.float32)
    flow = search.calc(pair[0].astype(np.uint8), pair[1].astype(np.uint8), blank)
    return np.asarray(flow * (np.array(now.shape[::-1], np.float32) / np.array(size, np.float32)), np.float32)


def places(tall: int, wide: int, most: int) -> list[Corner]:
    """Corners of about ``most`` blocks spread over a plane; of fewer in a small one."""
    step = max(SIDE // 2, math.ceil(math.sqrt(tall * wide / most)))
    return [(y, x) for y in range(0, tall - SIDE + 1, step) for x in range(0, wide - SIDE + 1, step)]


def pairs_of(
    flow: npt.NDArray[np.float32], corners: Sequence[Corner], size: Corner, ratio: tuple[float, float]
) -> list[tuple[Corner, Corner]]:
    """Corners of blocks in one plane and in the other, of those that are inside both.

    Args:
        flow: Of `flow_between`.
        corners: Of the blocks in the one.
        size: Height and width of the planes.
        ratio: Those of the planes the flow is of, over them.
    """
    shifts = [_shift(flow, at, size, ratio) for at in corners]
    pairs = [(at, (at[0] + dy, at[1] + dx)) for at, (dy, dx) in zip(corners, shifts, strict=True)]
    tall, wide = size
    return [(a, b) for a, b in pairs if 0 <= b[0] <= tall - SIDE and 0 <= b[1] <= wide - SIDE]


def _shift(flow: npt.NDArray[np.float32], at: Corner, size: Corner, ratio: tuple[float, float]) -> Corner:
    """Whole samples a block has moved by: samples in between would be smoother than the grain is."""
    rows, columns = (
        slice(a * n // s, max((a + SIDE) * n // s, a * n // s + 1))
        for a, n, s in zip(at, flow.shape[:2], size, strict=True)
    )
    across, down = np.median(flow[rows, columns].reshape(-1, 2), axis=0)
    return round(float(down) / ratio[0]), round(float(across) / ratio[1])


def cut(plane: Plane, corners: Iterable[Corner]) -> Reals:
    """Blocks of a plane: N, SIDE, SIDE."""
    return np.stack([plane[y : y + SIDE, x : x + SIDE] for y, x in corners]).astype(np.float64)


def texture(blocks: Reals) -> Reals:
    """Variance of the coarse detail of each block."""
    return np.asarray(blocks.reshape(-1, 8, SIDE // 8, 8, SIDE // 8).mean((2, 4)).var((1, 2)))


def quiet(texture: Reals, variance: Reals) -> npt.NDArray[np.bool_]:
    """The flattest of some blocks, without those that moved otherwise than was thought.

    Args:
        texture: Of each block, as `texture` tells it.
        variance: Of what it differs by.
    """
    flat = texture <= np.quantile(texture, _FLAT)
    return np.asarray(flat & (variance <= _LOUD * np.median(variance[flat])))


def unmoved(apart: Reals, both: Reals) -> Reals:
    """Differences without what a shift by less than a sample, or a change of the light, makes of the picture.

    Such a shift adds the picture's slopes, a change of light the picture itself. These come from a smoothed picture,
    or else they would fit grain.
    """
    smooth = both
    for axis in (1, 2):
        for _ in range(2):
            before, after = (np.roll(smooth, n, axis) for n in (1, -1))
            smooth = (before + 2 * smooth + after) / 4
    causes = [np.ones_like(smooth), smooth, *np.gradient(smooth, axis=(1, 2))]
    flat = np.stack([cause.reshape(len(both), -1) for cause in causes], 2)
    square = flat.transpose(0, 2, 1) @ flat
    square += 1e-6 * np.trace(square, axis1=1, axis2=2)[:, None, None] * np.eye(len(causes))
    shares = np.linalg.solve(square, flat.transpose(0, 2, 1) @ apart.reshape(len(both), -1, 1))
    return np.asarray(apart - (flat @ shares)[..., 0].reshape(apart.shape))


def stretch_of(along_x: float, along_y: float) -> float:
    """Extent along x over that along y, from how much adjoining samples have in common."""
    sides = [math.sqrt(-1 / math.log(min(max(c, 0.02), 0.98))) for c in (along_x, along_y)]
    return min(max(sides[0] / sides[1], 0.5), 2.0)
