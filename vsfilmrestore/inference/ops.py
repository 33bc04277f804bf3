"""What is done to pictures between networks, alike for arrays in memory and for tensors on a device.

Everything that has the same name in NumPy and torch is written as it is; these are the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["NUMPY", "NumpyOps", "Ops", "TorchOps"]

_CHUNK: Final = 1 << 17
"""Values that are worked on at a time: several arrays of them stay in a core's cache."""


class Ops(Protocol):
    """Operations on planes ``[height, width]`` of 32-bit floats."""

    def empty(self, shape: tuple[int, ...], like: Any) -> Any:
        """32-bit floats, not set, where ``like`` lies."""
        ...

    def where(self, condition: Any, yes: Any, no: Any) -> Any: ...

    def clip(self, values: Any, low: float | None, high: float | None) -> Any: ...

    def log10(self, values: Any) -> Any: ...

    def take(self, plane: Any, places: npt.NDArray[np.intp], axis: int) -> Any: ...

    def ends(self, plane: Any) -> tuple[float, float] | None:
        """Least and largest value; None where finding out would wait for the device."""
        ...

    def rows(self, plane: Any) -> Iterator[slice]:
        """Rows to work on at a time."""
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

    def take(self, plane: Any, places: npt.NDArray[np.intp], axis: int) -> Any:
        return np.take(plane, places, axis=axis)

    def ends(self, plane: Any) -> tuple[float, float] | None:
        return float(plane.min()), float(plane.max())

    def rows(self, plane: Any) -> Iterator[slice]:
        height, width = plane.shape[-2:]
        step = max(1, _CHUNK // max(width, 1))
        return (slice(row, row + step) for row in range(0, height, step))


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

    def take(self, plane: Any, places: npt.NDArray[np.intp], axis: int) -> Any:
        return plane.index_select(axis, self._torch.from_numpy(places).to(plane.device))

    def ends(self, plane: Any) -> tuple[float, float] | None:
        return None

    def rows(self, plane: Any) -> Iterator[slice]:
        return iter((slice(None),))
