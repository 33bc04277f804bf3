"""What whole levels do to grain: they add noise of their own to strong grain, and leave little of weak grain.

Source: grain and rounding as a gain and what is added, after J. Bussgang, MIT RLE technical report 216, 1952.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._grain_form import COUNTS, PlaneGrain

__all__ = ["level_of", "unrounded"]

_MOST: Final = 6
"""Grain of 1.5 levels never goes further than so many."""
_LEAST: Final = 0.05
"""Share of the power in each ring that is kept: there is no less noise than that of rounding."""

type Reals = npt.NDArray[np.float64]


def level_of(clip: vs.VideoNode) -> float:
    """The step from one value to the next, in 8-bit levels; 0 for floats."""
    fmt = clip.format
    return 0.0 if fmt.sample_type == vs.FLOAT else 255 / ((1 << fmt.bits_per_sample) - 1)


def unrounded(grain: PlaneGrain, level: float) -> PlaneGrain:
    """The grain that is as told after it was added to whole values and rounded.

    Args:
        grain: As it shall be.
        level: See `level_of`.
    """
    wanted = np.asarray(grain.curve, np.float64) ** 2
    if not level or not wanted.any():
        return grain
    strength, shown = _before(wanted / level**2)
    added = float((wanted - shown * level**2).mean())
    spectrum = np.asarray(grain.spectrum, np.float64) * wanted.mean()
    spectrum = np.maximum(spectrum - added, _LEAST * spectrum)
    spectrum /= max(float((spectrum * COUNTS).sum() / COUNTS.sum()), 1e-12)
    return replace(grain, curve=tuple(map(float, strength * level)), spectrum=tuple(map(float, spectrum)))


def _before(wanted: Reals) -> tuple[Reals, Reals]:
    """Strength of grain whose variance is ``wanted`` when rounded to whole numbers, and how much of that is grain."""
    weak = wanted < _VARIANCES[-1]
    strength = np.where(weak, np.interp(wanted, _VARIANCES, _STRENGTHS), np.sqrt(np.maximum(wanted - 1 / 12, 0)))
    return strength, np.where(weak, np.interp(wanted, _VARIANCES, _SHOWN), wanted - 1 / 12)


def _rounded(strength: float) -> tuple[float, float]:
    """Variance of rounded grain, and how much of it goes with the grain."""
    edges = [(n + 0.5) / strength for n in range(_MOST)]
    variance = sum((2 * n + 1) * math.erfc(edge / math.sqrt(2)) for n, edge in enumerate(edges))
    gain = sum(2 * math.exp(-(edge**2) / 2) / math.sqrt(2 * math.pi) for edge in edges)
    return variance, gain**2


_WEAK: Final = np.linspace(0.1, 1.5, 141)
_TABLE: Final = np.array([_rounded(each) for each in _WEAK])
_STRENGTHS: Final = np.concatenate([[0.0], _WEAK])
_VARIANCES, _SHOWN = np.concatenate([[[0.0, 0.0]], _TABLE]).T
