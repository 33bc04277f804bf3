"""The filter that makes grain of a given spectrum of white noise: a sum of Gaussians of either sign.

Gaussians are separable, so a few of them cost little; their sum follows any smooth spectrum. Where the picture was made
larger, frequencies are lowered as much, and nothing lies beyond those that the smaller picture had.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._grain_form import BANDS, CENTRES

__all__ = ["TAPS", "gaussian_taps", "spectrum_taps", "tap"]

TAPS: Final = (6, 6, 8, 10, 14)
"""Samples each side that each of the parts spreads over."""
_SIZES: Final = (0.0, 0.5, 0.9, 1.6, 3.2)
_GRID: Final = 24
_CALM: Final = 1e-5
_TURNS: Final = 4
"""How often a fit is corrected by what it lacks in each band."""
_LEAST: Final = 1e-4

type Reals = npt.NDArray[np.float64]


def tap(part: int, axis: str, n: int) -> str:
    """Property: weight of the samples ``n`` away along ``x`` or ``y`` in one of the Gaussians."""
    return f"_k{part}{axis}{n}"


def spectrum_taps(spectrum: Sequence[float], stretch: float = 1.0, scale: float = 1.0) -> dict[str, float]:
    """Properties of a filter that gives white noise of variance 1 a spectrum, and keeps its variance.

    Args:
        spectrum: Power in each ring of `_grain_form`.
        stretch: Extent along x over that along y.
        scale: Size of the picture over that of the picture it was measured in.
    """
    parts, waves, radius, inside = _basis(round(min(max(scale, 0.1), 8.0), 2), round(min(max(stretch, 0.5), 2.0), 2))
    told = np.maximum(np.asarray(spectrum, np.float64), _LEAST)
    band = np.minimum((radius * 2 * BANDS).astype(np.intp), BANDS - 1)[inside]
    counts = np.bincount(band, minlength=BANDS)
    seen = counts > 0
    wanted = np.exp(np.interp(radius, CENTRES, np.log(told)) / 2) * inside
    square = np.linalg.inv(waves.T @ waves + _CALM * len(waves) * np.eye(waves.shape[1])) @ waves.T
    shares = square @ wanted
    for _ in range(_TURNS):
        made = np.bincount(band, ((waves @ shares) ** 2)[inside], BANDS) / np.maximum(counts, 1)
        even = float((made * counts).sum() / (told * counts).sum())
        short = np.where(seen, np.sqrt((told * even + _LEAST) / (made + _LEAST)), 1.0)
        wanted = wanted * np.clip(np.interp(radius, CENTRES, short), 0.7, 1.4)
        shares = square @ wanted
    shares /= max(float(np.sqrt(np.mean((waves @ shares) ** 2))), 1e-9)
    return _props(shares, parts)


def gaussian_taps(along_x: Reals, along_y: Reals) -> dict[str, float]:
    """Properties of a filter of one Gaussian: its weights on one side along x and along y, from the centre."""
    parts = [(np.zeros(n + 1), np.zeros(n + 1)) for n in TAPS]
    for side, weights in zip(parts[0], (along_x, along_y), strict=True):
        side[: len(weights)] = weights
    return _props(np.eye(len(TAPS))[0], parts)


def _props(shares: Reals, parts: Sequence[tuple[Reals, Reals]]) -> dict[str, float]:
    props: dict[str, float] = {}
    for part, ((x, y), share) in enumerate(zip(parts, shares, strict=True)):
        props |= {tap(part, "x", n): float(value * share) for n, value in enumerate(x)}
        props |= {tap(part, "y", n): float(value) for n, value in enumerate(y)}
    return props


@lru_cache(maxsize=64)
def _basis(scale: float, stretch: float) -> tuple[list[tuple[Reals, Reals]], Reals, Reals, npt.NDArray[np.bool_]]:
    """Weights of the parts; what each leaves of the waves of a grid (waves, parts); of these waves the frequency in the

    picture that was measured, and whether that picture could hold them.
    """
    root = stretch**0.5
    parts = [
        (_side(size * scale * root, scale, most), _side(size * scale / root, scale, most))
        for size, most in zip(_SIZES, TAPS, strict=True)
    ]
    at = (np.arange(_GRID) + 0.5) / _GRID - 0.5
    u, v = at[None] * np.ones((_GRID, 1)), at[:, None] * np.ones((1, _GRID))
    waves = [_wave(x, u) * _wave(y, v) for x, y in parts]
    radius = np.hypot(u * root, v / root) * scale
    inside = (np.maximum(abs(u), abs(v)) * scale <= 0.5).ravel()
    return parts, np.stack([wave.ravel() for wave in waves], 1), radius.ravel(), inside


def _side(size: float, scale: float, most: int) -> Reals:
    """One side, from the centre, of a Gaussian after the enlargement of a single sample."""
    wide = 2 * most
    n = np.arange(-wide, wide + 1)
    reach = max(3 * scale, 1.0)
    single = np.sinc(n / max(scale, 1.0)) * np.where(abs(n) < reach, np.cos(np.pi * n / (2 * reach)) ** 2, 0)
    whole = np.convolve(single, np.exp(-(n**2) / (2 * max(size, 0.15) ** 2)), "same")[wide : wide + most + 1]
    return np.asarray(whole / (whole[0] + 2 * whole[1:].sum()))


def _wave(side: Reals, at: Reals) -> Reals:
    n = np.arange(1, len(side))
    return np.asarray(side[0] + 2 * (side[1:] * np.cos(2 * np.pi * at[..., None] * n)).sum(-1))
