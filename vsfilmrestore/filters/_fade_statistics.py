"""What tells of a fade in a frame: statistics of its densities, poolable over a reel.

Scaling and shifting the colours scales and shifts every statistic in a known way. So the frames of a set are first
brought to one common range, the same for all of them, and what is learned is learned there.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["AGAIN", "FEATURES", "Statistics", "common_range", "features", "second_look", "statistics_of"]

_SHARES: Final = (0.01, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99)
_BANDS: Final = 6
_RANGE: Final = 1.8
"""Range of densities that each colour is brought to, about what an unfaded film has."""
_CLEAR: Final = 0.06
_LEAST: Final = 0.12
"""No range is taken for smaller: nothing can be told of a picture without contrast."""
_UNTOLD: Final = 0.05**2
"""Where colours differ less from green than this, squared, how red and blue go together is noise."""
FEATURES: Final = 3 * len(_SHARES) + 5 * _BANDS + 6 + 6
"""Numbers that go into the estimate for each frame."""

_LEVELS: Final = (0.1, 0.3, 0.6, 1.0, 1.5, 2.1)
_LEVEL: Final = 0.2
_NEUTRAL: Final = (0.06, 0.2)
_QUANTILES: Final = (0.02, 0.25, 0.5, 0.75, 0.98)
AGAIN: Final = len(_LEVELS) * (2 * (len(_NEUTRAL) + 1) + len(_NEUTRAL) + 3) + 5 * len(_QUANTILES)
"""Numbers of the second look."""

type Array = Any


class Statistics(NamedTuple):
    """Of each frame of a set; numpy arrays (torch tensors in a training), frames first."""

    quantiles: Array
    """n, 9, 3: densities below which 1, 5, 15, 30, 50, 70, 85, 95 and 99 % of the pixels lie."""
    spread: Array
    """n, 3, 3: covariance of the colours."""
    bands: Array
    """n, 6, 3: mean of each colour among pixels of equal rank in green, from thin to dense."""
    scatter: Array
    """n, 6, 3, 3: covariance of the colours within each band."""


def statistics_of(density: npt.NDArray[Any]) -> Statistics:
    """Statistics of frames.

    Args:
        density: n, pixels, 3; at least 64 pixels.
    """
    count, pixels = density.shape[:2]
    ranked = np.sort(density, 1)
    places = (np.array(_SHARES) * (pixels - 1)).round().astype(int)
    order = np.argsort(density[:, :, 1], 1, kind="stable")
    sorted_ = np.take_along_axis(density, order[:, :, None], 1)
    each = pixels // _BANDS
    banded = sorted_[:, : each * _BANDS].reshape(count, _BANDS, each, 3)
    means = banded.mean(2)
    off = banded - means[:, :, None]
    centred = density - density.mean(1, keepdims=True)
    return Statistics(
        ranked[:, places],
        np.einsum("npi,npj->nij", centred, centred) / pixels,
        means,
        np.einsum("nbpi,nbpj->nbij", off, off) / each,
    )


def common_range(told: Statistics, xp: Any = np) -> tuple[Array, Array]:
    """Scale and shift, three each, that bring the frames of a set to the common range. Leading axes are kept."""
    low, high = told.quantiles[..., 0, :].mean(-2), told.quantiles[..., -1, :].mean(-2)
    scale = _RANGE / xp.clip(high - low, _LEAST, None)
    return scale, _CLEAR - low * scale


def features(told: Statistics, scale: Array, shift: Array, xp: Any = np) -> Array:
    """What goes into the estimate, ``FEATURES`` numbers for each frame.

    Args:
        told: Statistics; (..., n, …).
        scale: (..., 3), see `common_range`.
        shift: (..., 3).
        xp: Library of the arrays.
    """
    wide, moved = scale[..., None, None, :], shift[..., None, None, :]
    quantiles, bands = told.quantiles * wide + moved, told.bands * wide + moved
    product = scale[..., :, None] * scale[..., None, :]
    spread, scatter = told.spread * product[..., None, :, :], told.scatter * product[..., None, None, :, :]
    sides = [xp.sqrt(spread[..., i, i] + 1e-6) for i in range(3)]
    alike = [spread[..., i, j] / (sides[i] * sides[j]) for i, j in ((0, 1), (1, 2), (0, 2))]
    off = [
        xp.sqrt(xp.clip(scatter[..., i, i] + scatter[..., 1, 1] - 2 * scatter[..., i, 1], 0.0, None) + 1e-6)
        for i in (0, 2)
    ]
    both = scatter[..., 0, 2] - scatter[..., 0, 1] - scatter[..., 1, 2] + scatter[..., 1, 1]
    ends = xp.concatenate([xp.log(scale), shift], -1)
    per_frame = [
        quantiles[..., 1],
        3 * (quantiles[..., 0] - quantiles[..., 1]),
        3 * (quantiles[..., 2] - quantiles[..., 1]),
        3 * (bands[..., 0] - bands[..., 1]),
        3 * (bands[..., 2] - bands[..., 1]),
        *(3 * side for side in off),
        both / (off[0] * off[1] + _UNTOLD),
        xp.stack([*sides, *(10 * (one - 0.9) for one in alike)], -1),
    ]
    told_all = xp.concatenate(per_frame, -1)
    return xp.concatenate([told_all, ends[..., None, :] + 0 * told_all[..., :6]], -1)


def second_look(density: Array, xp: Any = np) -> Array:
    """What pixels tell once they are nearly right: where the greys lie. They are what most scenes have in common.

    Args:
        density: (sets, pixels, 3), corrected by a first estimate.
        xp: Library of the array.

    Returns:
        (sets, AGAIN): how far near-greys are from grey at some levels, how many there are, along which line colours
        lie there, and quantiles.
    """
    levels = xp.asarray(_LEVELS, dtype=density.dtype)
    near = xp.exp(-(((density.mean(-1)[..., None] - levels) / _LEVEL) ** 2) / 2)
    off = [density[..., i] - density[..., 1] for i in (0, 2)]
    far = off[0] ** 2 + off[1] ** 2
    greys = [1 + 0 * far, *(xp.exp(-far / (2 * width**2)) for width in _NEUTRAL)]
    weighted = [grey * side for grey in greys for side in (1 + 0 * far, *off)]
    sums = xp.matmul(xp.stack([*weighted, off[0] ** 2, off[1] ** 2, off[0] * off[1]], 1), near) / density.shape[1]
    mass = sums[:, : len(weighted) : 3] + 1e-4
    told = [(4 * sums[:, i : len(weighted) : 3] / mass).reshape(len(density), -1) for i in (1, 2)]
    told.append((xp.log(mass[:, 1:]) / 3).reshape(len(density), -1))
    told.append((6 * sums[:, len(weighted) :] / mass[:, :1]).reshape(len(density), -1))
    colours = xp.stack([*(density[..., i] for i in range(3)), *off], -1)
    order = xp.argsort(colours, 1)
    for share in _QUANTILES:
        place = order[:, round(share * (colours.shape[1] - 1))]
        ranked = [colours[xp.arange(len(colours)), place[:, i], i] for i in range(colours.shape[2])]
        told.append(xp.stack(ranked, -1))
    return xp.concatenate(told, -1)
