"""Resizing by whole factors as VapourSynth's resizer does it, on arrays and on tensors.

Used between networks that are run as one, where no clip exists that the resizer could be given. For whole factors
every pixel (or every n-th) has the same weights: a resize is a few shifted sums. Beyond its ends a picture is mirrored,
the end pixel included. Kernels: R. G. Keys, "Cubic convolution interpolation for digital image processing", 1981
(bicubic); P. Dersch's Panorama Tools (spline36), as zimg has both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.inference.ops import Ops

__all__ = ["Chroma", "enlarged"]

_CENTRED_ACROSS: Final = (1, 3, 5)
_TOP: Final = (2, 3)
_BOTTOM: Final = (4, 5)


@dataclass(frozen=True, slots=True)
class _Resize:
    """``up`` pixels out for ``down`` pixels in, along one side.

    Attributes:
        phases: For each of the ``up`` pixels: where its first weight lies, and its weights.
    """

    up: int
    down: int
    phases: tuple[tuple[int, tuple[float, ...]], ...]

    def along(self, ops: Ops, plane: Any, axis: int) -> Any:
        """Resize a plane ``[height, width]`` along an axis; its side is a multiple of ``down``."""
        size = plane.shape[axis]
        count = size // self.down
        head = max(0, -min(first for first, _ in self.phases))
        tail = max(0, max(first + len(weights) for first, weights in self.phases) + self.down * (count - 1) - size)
        wide = ops.padded(plane, _mirrored(-head, 0, size), _mirrored(size, size + tail, size), axis)
        # What lies apart by as many pixels as go in is read together: side by side it is read fast.
        sets = [ops.contiguous(wide[_part(axis, start, None, self.down)]) for start in range(self.down)]
        shape = list(plane.shape)
        shape[axis] = count * self.up
        result = ops.empty(tuple(shape), plane)
        for phase, (first, weights) in enumerate(self.phases):
            places = [divmod(head + first + i, self.down) for i in range(len(weights))]
            parts = [sets[rest][_part(axis, start, start + count, 1)] for start, rest in places]
            result[_part(axis, phase, None, self.up)] = ops.weighted(parts, weights)
        return result


def _mirrored(start: int, stop: int, size: int) -> npt.NDArray[np.intp]:
    """Which pixels stand at places beyond the ends."""
    place = np.abs(np.arange(start, stop) + 0.5)
    place = np.minimum(place, 2 * size - place)
    inside: npt.NDArray[np.intp] = np.clip(place, 0, size - 0.5).astype(np.intp)
    return inside


def _part(axis: int, start: int, stop: int | None, step: int) -> tuple[slice, slice]:
    part = slice(start, stop, step)
    return (part, slice(None)) if axis == 0 else (slice(None), part)


@cache
def _resize(kernel: str, up: int, down: int, shift: float) -> _Resize:
    """Weights of a kernel; ``shift`` moves what is read, in pixels going in."""
    shape, support = _KERNELS[kernel]
    reach, narrow = support * max(1.0, down / up), min(1.0, up / down)
    phases = []
    for phase in range(up):
        centre = (phase + 0.5) * down / up + shift
        first, last = math.floor(centre - reach), math.ceil(centre + reach)
        weights = [shape((i + 0.5 - centre) * narrow) for i in range(first, last)]
        inside = [i for i, weight in enumerate(weights) if weight]
        weights = weights[inside[0] : inside[-1] + 1]
        phases.append((first + inside[0], tuple(weight / sum(weights) for weight in weights)))
    return _Resize(up, down, tuple(phases))


def _bicubic(x: float) -> float:
    x = abs(x)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def _spline36(x: float) -> float:
    x = abs(x)
    if x < 1:
        return ((13 / 11 * x - 453 / 209) * x - 3 / 209) * x + 1
    if x < 2:
        x -= 1
        return ((-6 / 11 * x + 270 / 209) * x - 156 / 209) * x
    x -= 2
    return ((1 / 11 * x - 45 / 209) * x + 26 / 209) * x if x < 1 else 0.0


_KERNELS: Final[dict[str, tuple[Callable[[float], float], int]]] = {
    "bicubic": (_bicubic, 2),
    "spline36": (_spline36, 3),
}


def enlarged(ops: Ops, plane: Any, scale: int) -> Any:
    """A plane ``[height, width]`` of so many times the size, by spline36."""
    resize = _resize("spline36", scale, 1, 0.0)
    return resize.along(ops, resize.along(ops, plane, 1), 0)


@dataclass(frozen=True, slots=True)
class Chroma:
    """How chroma is brought to fewer samples and back, by bicubic.

    Attributes:
        across: Pixels for each sample along the width, as a power of two.
        down: The same along the height.
        place: Where samples lie, H.273's chroma location (``_ChromaLocation``).
    """

    across: int
    down: int
    place: int = 0

    def held(self, ops: Ops, plane: Any) -> Any:
        """What is left of a full plane once it was stored with fewer samples."""
        return self.full(ops, self.few(ops, plane))

    def few(self, ops: Ops, plane: Any) -> Any:
        """A full plane with as few samples as are stored."""
        if self.across:
            plane = _resize("bicubic", 1, 1 << self.across, self._ahead(1) * (1 << self.across)).along(ops, plane, 1)
        if self.down:
            plane = _resize("bicubic", 1, 1 << self.down, self._ahead(0) * (1 << self.down)).along(ops, plane, 0)
        return plane

    def full(self, ops: Ops, plane: Any) -> Any:
        """Stored samples as a full plane."""
        if self.down:
            plane = _resize("bicubic", 1 << self.down, 1, -self._ahead(0)).along(ops, plane, 0)
        if self.across:
            plane = _resize("bicubic", 1 << self.across, 1, -self._ahead(1)).along(ops, plane, 1)
        return plane

    def larger(self, ops: Ops, plane: Any, scale: int) -> Any:
        """Stored samples as those of a picture of so many times the size, by spline36."""
        across, down = ((1 - 1 / scale) * -self._ahead(axis) for axis in (1, 0))
        plane = _resize("spline36", scale, 1, across).along(ops, plane, 1)
        return _resize("spline36", scale, 1, down).along(ops, plane, 0)

    def _ahead(self, axis: int) -> float:
        """How far a sample lies behind the middle of its pixels, in samples."""
        off = 0.5 - 0.5 / (1 << (self.across if axis else self.down))
        if axis:
            return 0.0 if self.place in _CENTRED_ACROSS else -off
        return -off if self.place in _TOP else off if self.place in _BOTTOM else 0.0
