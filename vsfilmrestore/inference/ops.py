"""What is done to pictures between networks, alike for arrays in memory and for tensors on a device.

Everything that has the same name in NumPy and torch is written as it is; these are the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["NUMPY", "NumpyOps", "Ops", "TorchOps"]

type Places = npt.NDArray[np.intp]

_CHUNK: Final = 1 << 18
"""Values that are worked on at a time: several arrays of them stay in a core's cache."""


class Ops(Protocol):
    """Operations on planes ``[height, width]`` of 32-bit floats."""

    def empty(self, shape: tuple[int, ...], like: Any) -> Any:
        """32-bit floats, not set, where ``like`` lies."""
        ...

    def where(self, condition: Any, yes: Any, no: Any) -> Any: ...

    def clip(self, values: Any, low: float | None, high: float | None) -> Any: ...

    def log10(self, values: Any) -> Any: ...

    def padded(self, plane: Any, head: Places, tail: Places, axis: int) -> Any:
        """The plane with copies of its rows (or columns) at those places in front and behind."""
        ...

    def contiguous(self, plane: Any) -> Any: ...

    def weighted(self, planes: Sequence[Any], weights: Sequence[float]) -> Any:
        """Their weighted sum."""
        ...

    def own(self, planes: Sequence[Any]) -> list[Any]:
        """32-bit floats that may be written over, of what a network made."""
        ...

    def ends(self, plane: Any) -> tuple[float, float] | None:
        """Least and largest value; None where finding out would wait for the device."""
        ...

    def rows(self, plane: Any, multiple: int = 1) -> Iterator[slice]:
        """Rows to work on at a time, so many or a multiple of it."""
        ...


class NumpyOps:
    """On arrays."""

    def empty(self, shape: tuple[int, ...], like: Any) -> Any:
        return np.empty(shape, np.float32)

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        return np.where(condition, yes, no)

    def clip(self, values: Any, low: float | None, high: float | None) -> Any:
        return np.clip(values, low, high)

    def log10(self, values: Any) -> Any:
        return np.log10(values)

    def padded(self, plane: Any, head: Places, tail: Places, axis: int) -> Any:
        parts = [np.take(plane, head, axis=axis), plane, np.take(plane, tail, axis=axis)]
        return np.concatenate(parts, axis=axis) if len(head) or len(tail) else plane

    def contiguous(self, plane: Any) -> Any:
        return np.ascontiguousarray(plane)

    def weighted(self, planes: Sequence[Any], weights: Sequence[float]) -> Any:
        total = planes[0] * np.float32(weights[0])
        part = np.empty_like(total)
        for plane, weight in zip(planes[1:], weights[1:], strict=True):
            np.multiply(plane, np.float32(weight), out=part)
            total += part
        return total

    def own(self, planes: Sequence[Any]) -> list[Any]:
        return [
            plane if plane.dtype == np.float32 and plane.flags.writeable else plane.astype(np.float32)
            for plane in planes
        ]

    def ends(self, plane: Any) -> tuple[float, float] | None:
        import cv2

        low, high, _, _ = cv2.minMaxLoc(plane)
        return low, high

    def rows(self, plane: Any, multiple: int = 1) -> Iterator[slice]:
        height, width = plane.shape[-2:]
        step = max(1, _CHUNK // max(width, 1)) // multiple * multiple or multiple
        return (slice(row, min(row + step, height)) for row in range(0, height, step))


NUMPY: Final = NumpyOps()


class TorchOps:
    """On tensors, wherever they lie."""

    def __init__(self) -> None:
        import torch

        self._torch = torch

    def empty(self, shape: tuple[int, ...], like: Any) -> Any:
        return self._torch.empty(shape, dtype=self._torch.float32, device=like.device)

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        return self._torch.where(condition, yes, no)

    def clip(self, values: Any, low: float | None, high: float | None) -> Any:
        return self._torch.clamp(values, low, high)

    def log10(self, values: Any) -> Any:
        return self._torch.log10(values)

    def padded(self, plane: Any, head: Places, tail: Places, axis: int) -> Any:
        ends = [plane.index_select(axis, self._torch.from_numpy(places).to(plane.device)) for places in (head, tail)]
        return self._torch.cat([ends[0], plane, ends[1]], axis)

    def contiguous(self, plane: Any) -> Any:
        return plane

    def weighted(self, planes: Sequence[Any], weights: Sequence[float]) -> Any:
        total = planes[0] * weights[0]
        for plane, weight in zip(planes[1:], weights[1:], strict=True):
            total.add_(plane, alpha=weight)
        return total

    def own(self, planes: Sequence[Any]) -> list[Any]:
        return [plane.to(self._torch.float32, copy=True) for plane in planes]

    def ends(self, plane: Any) -> tuple[float, float] | None:
        return None

    def rows(self, plane: Any, multiple: int = 1) -> Iterator[slice]:
        return iter((slice(0, plane.shape[-2]),))
