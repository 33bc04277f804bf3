"""Regions cut out upright in one size, and what was made of them laid back.

A region is cut out by a similarity (turned, scaled and moved, never sheared) that brings its landmarks nearest to where
the network expects them; without landmarks the square around its box is taken. Pictures that get smaller on the way are
blurred first by what would alias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from vsfilmrestore.inference.regions import Region
from vsfilmrestore.inference.runtimes.base import Array

__all__ = ["FFHQ", "Placed", "feathered", "place"]

FFHQ: Final = ((0.377, 0.469), (0.623, 0.469), (0.501, 0.613), (0.393, 0.725), (0.612, 0.725))
"""Where eyes, tip of the nose and corners of the mouth lie in pictures of the FFHQ data set, in shares of the side.
Source: Karras, Laine, Aila, "A Style-Based Generator Architecture for Generative Adversarial Networks", 2019."""
_LEAST: Final = 4.0
"""Sides of regions, in pixels: there is nothing to see in smaller ones."""
_SENSIBLE: Final = (1.2, 3.0)
"""How much larger than its box the square that the landmarks ask for may be: landmarks of turned heads lie on a heap.
Upright faces of YuNet ask for 1.6."""
_MARGIN: Final = 3
_ROUND: Final = 4
"""Power of the superellipse that masks are: 2 is a circle, the largest a square."""

type _Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a region's square lies in the picture.

    Attributes:
        matrix: From pixels of the square to pixels of the picture, ``[2, 3]``; here the middles of pixels are whole
            numbers, while regions begin at the edge of the first one.
        side: Side of the square, in its own pixels.
    """

    matrix: _Matrix
    side: int

    @property
    def scale(self) -> float:
        """Pixels of the picture per pixel of the square."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    def bounds(self, height: int, width: int) -> tuple[slice, slice]:
        """The rows and columns of a picture that the square covers; empty where it lies outside."""
        last = self.side - 0.5
        corners = self.matrix @ np.array([[-0.5, last, -0.5, last], [-0.5, -0.5, last, last], [1, 1, 1, 1]])
        (left, top), (right, bottom) = np.floor(corners.min(axis=1)), np.ceil(corners.max(axis=1)) + 1
        return _within(top, bottom, height), _within(left, right, width)

    def cut(self, planes: Sequence[Array]) -> Array:
        """The square out of a picture of ``[height, width]`` planes: ``[planes, side, side]``, mirrored beyond it."""
        height, width = planes[0].shape
        rows, columns = self.bounds(height, width)
        edge = _MARGIN + round(3 * self.scale)
        rows, columns = _wider(rows, edge, height), _wider(columns, edge, width)
        matrix = self.matrix - np.array([[0, 0, columns.start], [0, 0, rows.start]])
        parts = [np.ascontiguousarray(plane[rows, columns], np.float32) for plane in planes]
        return np.stack([_warped(part, matrix, (self.side, self.side), self.scale, mirror=True) for part in parts])

    def lay(self, square: Array, size: tuple[int, int]) -> Array:
        """A square, perhaps larger by a whole factor, in the picture: ``[planes, *size of bounds]``, 0 beyond it."""
        rows, columns = self.bounds(*size)
        factor = square.shape[-1] / self.side
        grown = np.array([[1 / factor, 0, (1 / factor - 1) / 2], [0, 1 / factor, (1 / factor - 1) / 2], [0, 0, 1]])
        matrix = self.matrix @ grown - np.array([[0, 0, columns.start], [0, 0, rows.start]])
        back = cv2.invertAffineTransform(matrix)
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        parts = [np.ascontiguousarray(part, np.float32) for part in square]
        return np.stack([_warped(part, back, shape, factor / self.scale, mirror=False) for part in parts])


def place(
    region: Region,
    side: int,
    *,
    points: Sequence[tuple[float, float]] = FFHQ,
    enlarge: float = 1.5,
) -> Placed | None:
    """Where a region's square lies.

    Args:
        region: The region.
        side: Side of the square the network gets.
        points: Where the network expects the landmarks, in shares of the side; () goes by boxes alone.
        enlarge: Side of the square over the longer side of the box, where landmarks are not gone by.

    Returns:
        None where the region is too small to be anything.
    """
    longer = max(region.width, region.height)
    if not longer >= _LEAST:
        return None
    if points and len(points) == len(region.points):
        matrix = _similarity(np.array(points) * side - 0.5, np.array(region.points) - 0.5)
        if matrix is not None and _sensible(matrix, region, side):
            return Placed(matrix, side)
    scale = longer * enlarge / side
    middle = region.left + region.width / 2 - 0.5, region.top + region.height / 2 - 0.5
    half = (side - 1) / 2 * scale
    return Placed(np.array([[scale, 0, middle[0] - half], [0, scale, middle[1] - half]]), side)


def _similarity(start: _Matrix, goal: _Matrix) -> _Matrix | None:
    """Least squares. Source: Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", IEEE PAMI 13(4), 1991; in the plane, with complex numbers and no mirroring, it is one division."""
    a, b = (points[:, 0] + 1j * points[:, 1] for points in (start, goal))
    spread = np.sum(np.abs(a - a.mean()) ** 2)
    if spread == 0:
        return None
    turn = np.sum(np.conj(a - a.mean()) * (b - b.mean())) / spread
    move = b.mean() - turn * a.mean()
    return np.array([[turn.real, -turn.imag, move.real], [turn.imag, turn.real, move.imag]])


def _sensible(matrix: _Matrix, region: Region, side: int) -> bool:
    """Whether the square lies around the box."""
    reach = float(np.hypot(matrix[0, 0], matrix[1, 0])) * side
    longer = max(region.width, region.height)
    middle = matrix @ np.array([(side - 1) / 2, (side - 1) / 2, 1])
    off = np.hypot(middle[0] - region.left - region.width / 2, middle[1] - region.top - region.height / 2)
    return _SENSIBLE[0] * longer <= reach <= _SENSIBLE[1] * longer and off <= longer


def feathered(side: int, share: float) -> Array:
    """A mask ``[side, side]``: a square with round corners, 1 within, falling to 0 over a share of the side."""
    along = np.abs((2 * np.arange(side) + 1) / side - 1) ** _ROUND
    far = (along[:, None] + along[None, :]) ** (1 / _ROUND)
    rise = np.clip((1 - far) / max(2 * share, 1e-6), 0, 1)
    return np.asarray(rise * rise * (3 - 2 * rise), np.float32)


def _warped(plane: Array, matrix: _Matrix, size: tuple[int, int], step: float, *, mirror: bool) -> Array:
    """What lies at ``matrix @ (x, y)`` for each pixel of the result; ``step``: pixels from one to the next."""
    border = cv2.BORDER_REFLECT_101 if mirror else cv2.BORDER_CONSTANT
    if step > 1:
        # A Gaussian that leaves of the pixels' own blur (0.5) what it is once they are ``step`` apart.
        sigma = 0.5 * np.sqrt(step * step - 1)
        plane = cv2.GaussianBlur(plane, (0, 0), sigma, borderType=border)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(plane, matrix, size[::-1], flags=flags, borderMode=border, borderValue=0)


def _within(start: float, stop: float, length: int) -> slice:
    first = int(np.clip(start, 0, length))
    return slice(first, int(np.clip(stop, first, length)))


def _wider(part: slice, by: int, length: int) -> slice:
    return slice(max(part.start - by, 0), min(part.stop + by, length))
