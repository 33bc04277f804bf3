"""Kernels that make pictures smaller or softer, as rows of taps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

__all__ = ["HALVES", "enlarging", "gaussian", "halving"]

HALVES: Final = ("area", "bicubic", "lanczos", "spline")
"""How a picture was brought to half its size."""
_REACH: Final = 12
"""Taps of a kernel that halves; shorter ones have zeros at their ends."""


def halving(name: str) -> np.ndarray:
    """Twelve taps on pixels of twice the size, the place of the new pixel between the sixth and the seventh."""
    at = (np.arange(_REACH) - (_REACH - 1) / 2) / 2
    taps = _SHAPES[name](at)
    return (taps / taps.sum()).astype(np.float32)


def enlarging() -> np.ndarray:
    """4, 7, 7: Lanczos with three lobes, to twice the size; the pixels of each square row by row."""
    at = np.arange(-3, 4)
    rows = [_lanczos(at - shift) for shift in (-0.25, 0.25)]
    rows = [row / row.sum() for row in rows]
    return np.stack([np.outer(down, across) for down in rows for across in rows]).astype(np.float32)


def gaussian(sigma: float, radius: int) -> np.ndarray:
    """Taps of a blur, each the mean over its pixel; sigma in pixels, 0 leaves all as it is."""
    at = np.arange(-radius, radius + 1, dtype=np.float64)
    if sigma < 0.05:
        return (at == 0).astype(np.float32)
    fine = (np.arange(-4, 5) / 9)[None] + at[:, None]
    taps = np.exp(-0.5 * (fine / sigma) ** 2).mean(1)
    return (taps / taps.sum()).astype(np.float32)


def _area(x: np.ndarray) -> np.ndarray:
    return (np.abs(x) < 0.5).astype(np.float64)


def _bicubic(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _lanczos(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


def _spline(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    y, z = x - 1, x - 2
    parts = (
        ((13 / 11 * x - 453 / 209) * x - 3 / 209) * x + 1,
        ((-6 / 11 * y + 270 / 209) * y - 156 / 209) * y,
        ((1 / 11 * z - 45 / 209) * z + 26 / 209) * z,
    )
    return np.where(x < 1, parts[0], np.where(x < 2, parts[1], np.where(x < 3, parts[2], 0.0)))


_SHAPES: Final[dict[str, Callable[[np.ndarray], np.ndarray]]] = {
    "area": _area, "bicubic": _bicubic, "lanczos": _lanczos, "spline": _spline,
}  # fmt: skip
