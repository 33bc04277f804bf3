"""From pictures of 0 to 1 to the numbers a network was trained on, and back.

Whatever a contract says of colours, range, mean and deviation is one matrix and one offset: what the network gets is
``matrix @ picture + offset``. What it gives is written likewise, by the same two unless the contract tells otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.models.contract import Contract

__all__ = ["Encoding", "encoding_of"]

_JPEG: Final = ((0.299, 0.587, 0.114), (-0.168735892, -0.331264108, 0.5), (0.5, -0.418687589, -0.081312411))
"""Y'CbCr of R'G'B'. Source: ITU-T T.871, section 7."""

type _Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How pictures are written for a network, and how it writes them.

    Attributes:
        matrix: ``[channels, channels]``.
        offset: ``[channels]``.
        out_matrix: The same for what comes out.
        out_offset: The same for what comes out.
        span: Black and white of what comes out with other channels than went in.
    """

    matrix: _Floats
    offset: _Floats
    out_matrix: _Floats
    out_offset: _Floats
    span: tuple[float, float]

    @property
    def plain(self) -> bool:
        """Whether the network gets pictures as they are."""
        return _is_plain(self.matrix, self.offset)

    @property
    def plain_out(self) -> bool:
        """Whether the network gives pictures as they are."""
        return _is_plain(self.out_matrix, self.out_offset)

    @property
    def gain(self) -> float:
        """How much roundings of the network's numbers grow in the picture, against those just below 1; at least 1."""
        there = _growth(self.matrix, self.offset)
        if np.array_equal(self.matrix, self.out_matrix) and np.array_equal(self.offset, self.out_offset):
            return max(1.0, there)
        return max(1.0, there + _growth(self.out_matrix, self.out_offset))  # two grids of numbers round twice

    def write(self, planes: Sequence[Array], target: Array) -> None:
        """Write a picture, planes of 32-bit floats, into ``[channels, height, width]``."""
        for row, weights, shift in zip(target, self.matrix, self.offset, strict=True):
            np.copyto(row, _mixed(planes, weights, shift), casting="same_kind")

    def read(self, pictures: Array) -> Array:
        """What a network gave, ``[frames, channels, height, width]``, as pictures of 0 to 1."""
        channels = len(self.out_offset)
        if self.plain_out:
            return pictures
        if pictures.shape[1] != channels:
            low, high = self.span
            return (pictures.astype(np.float32) - np.float32(low)) / np.float32(high - low)
        inverse = np.linalg.inv(self.out_matrix)
        result = np.empty(pictures.shape, np.float32)
        for picture, target in zip(pictures, result, strict=True):
            for row, weights in zip(target, inverse, strict=True):
                np.copyto(row, _mixed(picture, weights, -float(weights @ self.out_offset)))
        return result


def _is_plain(matrix: _Floats, offset: _Floats) -> bool:
    return not offset.any() and np.array_equal(matrix, np.eye(len(offset)))


def _growth(matrix: _Floats, offset: _Floats) -> float:
    most = offset + np.maximum(matrix, 0).sum(axis=1)
    least = offset + np.minimum(matrix, 0).sum(axis=1)
    largest = 2 ** np.ceil(np.log2(np.maximum(np.abs(most), np.abs(least))))  # steps grow at powers of two
    return float((np.abs(np.linalg.inv(matrix)) @ largest).max())


def _mixed(planes: Sequence[Array], weights: _Floats, shift: float) -> Array:
    """A weighted sum; one plane that counts whole is handed on as it is."""
    used = [(plane, np.float32(weight)) for plane, weight in zip(planes, weights, strict=True) if weight]
    (plane, weight), *rest = used
    if weight == 1 and not rest and not shift:
        return plane
    total = np.multiply(plane, weight, dtype=np.float32)
    for plane, weight in rest:
        total += plane * weight
    if shift:
        total += np.float32(shift)
    return total


@cache
def encoding_of(contract: Contract) -> Encoding:
    """What a contract says of the numbers in its pictures."""
    matrix, offset = _ranged(contract, contract.low, contract.high)
    if contract.mean:
        offset = offset - np.array(contract.mean)
    if contract.std:
        matrix, offset = matrix / np.array(contract.std)[:, None], offset / np.array(contract.std)
    out = (matrix, offset)
    if (contract.out_low, contract.out_high) != (None, None):
        out = _ranged(contract, *contract.out_range)
    return Encoding(matrix, offset, *out, contract.out_range)


def _ranged(contract: Contract, low: float, high: float) -> tuple[_Floats, _Floats]:
    matrix, offset = np.eye(contract.channels), np.zeros(contract.channels)
    if contract.colour == "yuv":
        matrix, offset = np.array(_JPEG), np.array([0, 0.5, 0.5])
    if contract.order == "bgr":
        matrix, offset = matrix[::-1], offset[::-1]
    return matrix * (high - low), offset * (high - low) + low
