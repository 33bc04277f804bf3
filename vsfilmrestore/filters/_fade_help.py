"""Help for the estimate from a person: a picture that looks right, or a place that is known to be grey.

Source of the match: F. Pitié, A. Kokaram, "The linear Monge-Kantorovitch linear colour mapping for example-based
colour transfer", CVMP 2007; here over densities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters._fade_colour import to_density
from vsfilmrestore.filters._fade_profile import FadeProfile, bend

__all__ = ["matched", "with_greys"]

_NEAR: Final = 0.15
"""Greys whose densities differ less tell no gain."""
_LEAST: Final = 1e-4

type Floats = npt.NDArray[np.float64]


def matched(looks: Sequence[npt.NDArray[Any]], reference: npt.NDArray[Any]) -> FadeProfile:
    """A profile that gives faded frames the colours of a picture: mean and covariance of its densities.

    Args:
        looks: Frames of the faded reel, as `look_at` gives them; best of what the reference shows.
        reference: A look of a picture with the colours that are wanted.
    """
    mean, spread = _moments(np.concatenate([look.reshape(-1, 3) for look in looks]))
    wanted, wide = _moments(reference.reshape(-1, 3))
    root = _root(spread)
    back = np.linalg.inv(root)
    through = back @ _root(root @ wide @ root) @ back
    offset = wanted - through @ mean
    return FadeProfile.of(np.concatenate([np.column_stack([through, offset]).ravel(), np.ones(12)]))


def _moments(pixels: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    density = to_density(np.asarray(pixels, np.float64))
    return density.mean(0), np.cov(density.T) + _LEAST * np.eye(3)


def _root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(np.clip(values, _LEAST**2, None)) @ vectors.T)


def with_greys(profile: FadeProfile, greys: Sequence[npt.ArrayLike]) -> FadeProfile:
    """The profile, changed so that colours which are known to be grey become grey.

    One grey shifts red and blue; several of different densities also change their gain.

    Args:
        profile: What was estimated.
        greys: Colours (3) of the faded picture, 0..1, display-like.

    Raises:
        UsageError: A grey is black or burnt out, so that nothing can be told from it.
    """
    picked = np.array([np.asarray(grey, np.float64) for grey in greys]).reshape(-1, 3)
    if picked.min() < 0.004 or picked.max() > 0.996:
        raise UsageError("a grey that was picked is black or white in one colour; pick one between")
    matrix, slopes = profile.numbers.reshape(2, 3, 4).copy()
    before = to_density(picked) @ matrix[:, :3].T + matrix[:, 3]
    wanted = bend(before, slopes).mean(1)
    for colour in range(3):
        aim = np.array([_straight(value, slopes[colour]) for value in wanted])
        gain, shift = _line(before[:, colour], aim)
        matrix[colour] *= gain
        matrix[colour, 3] += shift
    return FadeProfile.of(np.concatenate([matrix.ravel(), slopes.ravel()]))


def _straight(value: float, slopes: Floats) -> float:
    """The density that a curve brings to a value."""
    low, high = -3.0, 9.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if bend(np.float64(middle), slopes) < value else (low, middle)
    return (low + high) / 2


def _line(values: Floats, wanted: Floats) -> tuple[float, float]:
    if np.ptp(values) < _NEAR:
        return 1.0, float((wanted - values).mean())
    gain = float(np.clip(np.polyfit(values, wanted, 1)[0], 0.5, 2.0))
    return gain, float((wanted - gain * values).mean())
