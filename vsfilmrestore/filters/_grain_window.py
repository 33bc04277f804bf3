"""What a measure in blocks does to a spectrum: the window that the blocks are seen through blurs it.

Grain that is made of a blurred spectrum, and measured, would be blurred twice: too little of what is strongest.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._grain_form import BANDS, CENTRES, COUNTS, SIDE, WINDOW

__all__ = ["unblurred"]

_GRID: Final = 128
_STEP: Final = 1 / 80
_FINE: Final = 57
"""Rings of this grid, and how wide each is in cycles a sample."""
_TURNS: Final = 4
_LEAST: Final = 1e-4

type Reals = npt.NDArray[np.float64]


def unblurred(spectrum: Sequence[float]) -> tuple[float, ...]:
    """The spectrum of grain that is measured as ``spectrum``, power in each ring of `_grain_form`; of variance 1.

    Source: L. Lucy, "An iterative technique for the rectification of observed distributions", AJ 79, 1974: what is
    short of what was measured is given more.
    """
    told = np.maximum(np.asarray(spectrum, np.float64), _LEAST)
    blur, radius = _blur()
    wanted = told
    for _ in range(_TURNS):
        short = told / (blur @ np.exp(np.interp(radius, CENTRES, np.log(wanted))))
        # What is short in one ring alone cannot be told through the window, and is not made good.
        wanted = wanted * np.interp(CENTRES, radius, (short @ blur) / blur.sum(0))
    return tuple(map(float, wanted * COUNTS.sum() / (wanted * COUNTS).sum()))


@lru_cache(maxsize=1)
def _blur() -> tuple[Reals, Reals]:
    """What is measured in each ring of power 1 in each fine ring (BANDS, fine rings), and the radius of these."""
    fine = np.minimum(_radius(_GRID) / _STEP, _FINE - 1).astype(np.intp)
    ring = np.minimum(_radius(SIDE) * 2 * BANDS, BANDS - 1).astype(np.intp)
    counts = np.bincount(ring.ravel()[1:])
    # Samples so far apart are both seen through the window as often as this.
    shared = np.correlate(WINDOW, WINDOW, "full") / (WINDOW**2).sum()
    lags = np.arange(1 - SIDE, SIDE)
    seen = []
    for n in range(_FINE):
        common = np.fft.ifft2(fine == n).real[np.ix_(lags, lags)] * np.outer(shared, shared)
        folded = np.zeros((SIDE, SIDE))
        np.add.at(folded, np.ix_(lags % SIDE, lags % SIDE), common)
        seen.append(np.bincount(ring.ravel()[1:], np.fft.fft2(folded).real.ravel()[1:]) / counts)
    return np.array(seen).T, np.asarray((np.arange(_FINE) + 0.5) * _STEP, np.float64)


def _radius(count: int) -> Reals:
    """Cycles a sample of each of so many times so many waves."""
    return np.asarray(np.hypot(np.fft.fftfreq(count)[:, None], np.fft.fftfreq(count)[None]))
