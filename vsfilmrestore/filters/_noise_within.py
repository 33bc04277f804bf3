"""How much noise a single frame can hold at most, however fast the picture in it moves.

The spectrum of a picture falls as a power of the frequency, that of noise and grain is level at first, and falls as a
Gaussian. Whatever else is in a block adds to the noise, so the least that many blocks hold is looked at, in each band
of frequencies by itself, and told apart into these two.

Source: noise as the least of block spectra, after N. Ponomarenko et al., "An automatic approach to lossy compression of
AVIRIS images", IGARSS 2007; spectra of pictures: D. Field, JOSA A 4(12), 1987; quantiles of chi-squared: E. Wilson and
M. Hilferty, PNAS 17, 1931.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["ROUNDING", "Bands", "noise_of", "share_within"]

type Reals = npt.NDArray[Any]

_SIDE: Final = 16
_MOST: Final = 3000
"""Blocks of a plane that are looked at."""
_FEWEST: Final = 40
_EDGES: Final = (1.5, 3.0, 4.5, 6.0, 8.0, 10.0, 12.5, 15.5, 23.0)
"""Bands of the blocks' cosine transforms, in half cycles a block. What is below the first is the picture's."""
_QUANTILE: Final = 0.1
_NORMAL: Final = -1.2816
"""That quantile of the normal distribution."""
_SIZES: Final = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0)
"""Sizes of grain that are thought of: the standard deviation of the Gaussian that makes it of white noise."""
_FALLS: Final = (3.0, 3.5, 4.0, 4.5, 5.0, 5.5)
"""Powers of the frequency that pictures fall with."""
_UNSURE: Final = 0.01
"""Mean square of the relative errors by which one answer may be worse than the best. Where one with less than half of
the best one's noise is among these, the least is taken: harm counts more than noise that is left.
"""
ROUNDING: Final = 0.1 / 255**2
"""Power below which spectra are those of rounding."""


@dataclass(frozen=True)
class Bands:
    """Bands of frequencies, and what noise and pictures have in them.

    Attributes:
        counts: Frequencies in each band.
        noise: Sizes, bands: mean power of noise of variance 1.
        picture: Powers, bands: mean power of a picture that has 1 in the first.
    """

    counts: Reals
    noise: Reals
    picture: Reals

    @classmethod
    def of(cls, frequency: Reals, band: Reals, weight: Reals) -> Bands:
        """Bands by the frequency of each bin in cycles a sample, its band (below 0: none) and how often it counts."""
        seen = band >= 0
        counts = np.bincount(band[seen], weight[seen])

        def means(power: Reals) -> Reals:
            return np.asarray(np.bincount(band[seen], (power * weight)[seen]) / counts)

        shapes = [np.exp(-4 * np.pi**2 * size**2 * frequency**2) for size in _SIZES]
        falls = [means(np.maximum(frequency, 1e-3) ** -fall) for fall in _FALLS]
        noise = [means(shape) * weight.sum() / (shape * weight).sum() for shape in shapes]
        return cls(counts, np.stack(noise), np.stack([fall / fall[0] for fall in falls]))


def noise_of(blocks: Reals, bands: Bands, rounding: float, freedom: float = 1.0) -> tuple[float, float]:
    """Variance and size of the noise in blocks.

    Args:
        blocks: Blocks, bands: power.
        bands: What these are.
        rounding: Power up to which spectra tell nothing, as `ROUNDING` does of shares of full scale.
        freedom: Independent values that each frequency of a block counts for.
    """
    spread = 2 / (9 * np.maximum(bands.counts * freedom, 1.0))
    least = np.quantile(blocks, _QUANTILE, axis=0) / np.maximum(1 - spread + _NORMAL * np.sqrt(spread), 0.1) ** 3
    # All errors are relative ones; the many frequencies of high bands tell little more than the few of low ones.
    weight = np.sqrt(bands.counts) / (least + rounding) ** 2
    noise, picture = bands.noise[:, None], bands.picture[None] * least[0]
    both = (weight * noise * picture).sum(2)
    squares = (weight * noise**2).sum(2), (weight * picture**2).sum(2)
    told = (weight * noise * least).sum(2), (weight * picture * least).sum(2)
    whole = np.maximum(squares[0] * squares[1] - both**2, 1e-12 * squares[0] * squares[1])
    shares = (told[0] * squares[1] - told[1] * both) / whole, (told[1] * squares[0] - told[0] * both) / whole
    # One alone, where the other would be less than nothing.
    first = np.where(shares[1] < 0, told[0] / squares[0], np.maximum(shares[0], 0))
    second = np.where(shares[0] < 0, told[1] / squares[1], np.maximum(shares[1], 0))
    wrong = (weight * (first[..., None] * noise + second[..., None] * picture - least) ** 2).sum(2)
    best = int(wrong.argmin())
    likely = np.where(wrong <= wrong.min() + _UNSURE * np.sqrt(bands.counts).sum(), first, np.inf)
    if likely.min() < first.flat[best] / 2:
        best = int(likely.argmin())
    size, fall = np.unravel_index(best, wrong.shape)
    # The bands in which noise is most tell how much it is; that its spectrum is no Gaussian does little there.
    made, rest = first[size, fall] * bands.noise[size], second[size, fall] * picture[0, fall]
    clear = made > 2 * rest
    if not clear.any():
        return float(first[size, fall]), _SIZES[size]
    variance = float((bands.counts * least)[clear].sum() / (bands.counts * bands.noise[size])[clear].sum())
    return variance, _SIZES[size]


def share_within(plane: Reals, knots: Sequence[float], curve: Sequence[float]) -> float:
    """Share of the variances of a curve of noise that a plane can hold; above 1 where it can hold more.

    Args:
        plane: H, W from 0 to 1.
        knots: Levels at which the curve is known.
        curve: Standard deviations, of which some are not 0.
    """
    tall, wide = plane.shape
    if tall * wide < _FEWEST * _SIDE**2:
        return 1.0
    step = max(_SIDE, math.ceil(math.sqrt(tall * wide / _MOST)))
    blocks = np.lib.stride_tricks.sliding_window_view(plane, (_SIDE, _SIDE))[::step, ::step].reshape(-1, _SIDE, _SIDE)
    level, power = _transformed(blocks)
    usual = np.interp(level, knots, curve) ** 2
    alive = (power[:, 0] > 0) & (usual > 0)
    if alive.sum() < _FEWEST:
        return 1.0
    usual = usual[alive]
    variance, _ = noise_of(power[alive] / usual[:, None], _COSINE_BANDS, ROUNDING / float(np.median(usual)))
    return variance


def _cosines() -> Reals:
    n = np.arange(_SIDE)
    waves = np.cos(np.pi * (n[None] + 0.5) * n[:, None] / _SIDE) * math.sqrt(2 / _SIDE)
    waves[0] /= math.sqrt(2)
    return np.asarray(waves, np.float32)


_WAVES: Final = _cosines()
_RADIUS: Final = np.hypot(np.arange(_SIDE)[:, None], np.arange(_SIDE)[None]).ravel()
_BAND: Final = np.digitize(_RADIUS, _EDGES) - 1
_COSINE_BANDS: Final = Bands.of(_RADIUS / (2 * _SIDE), _BAND, np.ones_like(_RADIUS))


def _transformed(blocks: Reals) -> tuple[Reals, Reals]:
    """Mean of each block, and its mean power in each band."""
    at = np.linspace(-1, 1, _SIDE, dtype=np.float32)
    slopes = [(blocks * ramp).mean((1, 2), keepdims=True) / (ramp**2).mean() * ramp for ramp in (at[None], at[:, None])]
    square = ((_WAVES @ (blocks - slopes[0] - slopes[1]) @ _WAVES.T) ** 2).reshape(len(blocks), -1)
    power = np.stack([square[:, band == _BAND].mean(1) for band in range(len(_EDGES) - 1)], 1)
    return blocks.mean((1, 2)), power
