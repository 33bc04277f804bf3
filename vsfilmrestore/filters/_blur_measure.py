"""How soft the pictures of a shot are, told by their sharpest edges.

A step that was softened by a Gaussian of sigma s has, seen through another of sigma a, a slope in proportion to
1 / sqrt(s² + a²). The slopes through two of them tell s, whatever the height of the step. Lines, textures and ramps are
told from steps by the height that the slope and s foretell. A scene has soft edges of its own, so the sharpest of
many count; grain is kept out by the height that an edge needs.

Source: Zhuo and Sim, "Defocus map estimation from a single image", Pattern Recognition 44(9), 2011, for the ratio;
Immerkær, "Fast noise variance estimation", CVIU 64(2), 1996, for the grain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["MOST", "Blur", "blur_of", "grain_of"]

MOST: Final = 3.0
"""Largest sigma that is told, in pixels."""
_NEAR, _FAR = 1.0, 2.0
"""Sigmas of the two Gaussians that edges are seen through."""
_STEEP: Final = 2.0
"""Edges whose slope along one axis is so many times that along the other are taken."""
_OVER_GRAIN: Final = 20.0
"""An edge's slope stands so far above that of the grain."""
_LEAST: Final = 0.02
"""And is at least so steep, in full scales a pixel."""
_ALIKE: Final = (0.8, 1.3)
"""The height of a step over what its slope foretells."""
_FAR_SIDE: Final = 6
"""Pixels on each side over which the height of a step is taken."""
_SHARPEST: Final = 0.35
"""Share of the edges that count as the sharpest: the estimate is the sharpness at its end."""
_AROUND: Final = (0.2, 0.5)
"""How far apart the edges here are tells how far they agree."""
_SHARP: Final = 0.05
"""Squared sigma found in photographs that nobody would call soft."""
_CROWDED: Final = 0.09
"""The softer a picture, the more do its edges run into one another and seem steeper: by this share of the square."""
_FEWEST, _PLENTY = 30, 500
"""Fewer edges tell nothing, more than that no more."""
_BLOCK: Final = 16

type Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Blur:
    """How soft a shot is.

    Attributes:
        sigma: Of the Gaussian that softened it, in pixels; 0 where it is sharp, or where nothing tells.
        confidence: 0..1: how far there are edges enough, and how far these agree. Below 0.3 do nothing by it.
        edges: How many edges were looked at.
        grain: Standard deviation of the grain as a share of full scale.
    """

    sigma: float
    confidence: float
    edges: int
    grain: float


def blur_of(frames: Floats | Iterable[Floats]) -> Blur:
    """The softness of a shot, from one or several of its frames.

    Args:
        frames: Luma, black 0 and white 1: ``[row, column]``, or several of them, which need not be of one size. They
            must have the pixels of the clip: what was made smaller is sharper.
    """
    pictures = [frames] if isinstance(frames, np.ndarray) and frames.ndim == 2 else list(frames)
    pictures = [np.ascontiguousarray(picture, np.float32) for picture in pictures]
    grains = [grain_of(picture) for picture in pictures]
    found = [_edges(picture, grain) for picture, grain in zip(pictures, grains, strict=True)]
    squares = np.concatenate(found) if found else np.zeros(0)
    grain = float(np.median(grains)) if grains else 0.0
    if len(squares) < _FEWEST:
        return Blur(0.0, 0.0, len(squares), grain)
    low, at, high = np.quantile(squares, (_AROUND[0], _SHARPEST, _AROUND[1]))
    square = max(float(at) - _SHARP, 0.0)
    sigma = min((square * (1 + _CROWDED * square)) ** 0.5, MOST)
    return Blur(sigma, _confidence(len(squares), float(high - low), square), len(squares), grain)


def grain_of(picture: Floats) -> float:
    """Standard deviation of the grain of a picture in its quietest blocks, as a share of full scale."""
    import cv2

    if min(picture.shape) < 2 * _BLOCK:
        return 0.0
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
    fine = cv2.filter2D(picture, cv2.CV_32F, mask)[1:-1, 1:-1]
    rows, columns = (side // _BLOCK for side in fine.shape)
    blocks = fine[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK)
    return float(np.sqrt(np.quantile((blocks**2).mean((1, 3)), 0.2)))


def _confidence(count: int, spread: float, square: float) -> float:
    """From the number of edges, and from how near the sharpest of them lie together."""
    enough = min(count / _PLENTY, 1.0) ** 0.5
    return float(enough * np.clip(1.4 - 0.6 * spread / (square + 0.4), 0, 1))


def _edges(picture: Floats, grain: float) -> npt.NDArray[np.float64]:
    """Squared sigmas of the steps of a picture; below 0 where one is steeper than a step can be."""
    if min(picture.shape) < 4 * _FAR_SIDE:
        return np.zeros(0)
    return np.concatenate([_upright(picture, grain), _upright(np.ascontiguousarray(picture.T), grain)])


def _upright(picture: Floats, grain: float) -> npt.NDArray[np.float64]:
    """The same of steps that rise or fall along a row."""
    near, near_down, soft = _slopes(picture, _NEAR)
    far = np.abs(_slopes(picture, _FAR)[0])
    along = np.abs(near)
    # White grain of 1 has slopes of 1 / (sqrt(8 pi) a²) through a Gaussian derivative.
    needed = max(_LEAST, _OVER_GRAIN * grain / (np.sqrt(8 * np.pi) * _NEAR**2))
    crest = (along > needed) & (along > _STEEP * np.abs(near_down))
    crest[:, 1:-1] &= (along[:, 1:-1] >= along[:, :-2]) & (along[:, 1:-1] > along[:, 2:])
    crest[:, :_FAR_SIDE] = crest[:, -_FAR_SIDE:] = False
    rows, columns = np.nonzero(crest)
    if not len(rows):
        return np.zeros(0)
    first, second = _top(along, rows, columns), _top(far, rows, columns)
    ratio = np.square(first / np.maximum(second, 1e-9))
    square = (_FAR**2 - ratio * _NEAR**2) / np.maximum(ratio - 1, 1e-3)
    height = np.abs(soft[rows, columns + _FAR_SIDE] - soft[rows, columns - _FAR_SIDE])
    told = first * np.sqrt(2 * np.pi * np.clip(square + _NEAR**2, 0.2, None))
    step = (height > _ALIKE[0] * told) & (height < _ALIKE[1] * told) & (square < MOST**2)
    tilt = np.square(near[rows, columns]) + np.square(near_down[rows, columns])
    straight = np.square(near[rows, columns]) / np.maximum(tilt, 1e-12)
    return np.asarray((square * straight)[step], np.float64)


def _slopes(picture: Floats, sigma: float) -> tuple[Floats, Floats, Floats]:
    """Slopes along rows and columns through a Gaussian, and the picture through it."""
    import cv2

    reach = int(np.ceil(4 * sigma))
    at = np.arange(-reach, reach + 1, dtype=np.float64)
    bell = np.exp(-0.5 * (at / sigma) ** 2)
    bell /= bell.sum()
    slope = at * bell
    slope /= (at * slope).sum()

    def through(row: npt.NDArray[np.float64], column: npt.NDArray[np.float64]) -> Any:
        return cv2.sepFilter2D(picture, cv2.CV_32F, row, column, borderType=cv2.BORDER_REFLECT_101)

    return through(slope, bell), through(bell, slope), through(bell, bell)


def _top(values: Floats, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Height of the parabola through three neighbours of a row."""
    left, here, right = (values[rows, columns + shift].astype(np.float64) for shift in (-1, 0, 1))
    bend = left - 2 * here + right
    return here - np.where(bend < -1e-12, (left - right) ** 2 / (8 * np.minimum(bend, -1e-12)), 0)
