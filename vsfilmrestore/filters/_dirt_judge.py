"""Both witnesses heard: what a speck measures, and what a network says of its pixels.

Two logistic regressions, fitted by scripts/train/dirt.py to the network that they belong to: one over three numbers,
one over all measures of a speck besides. What counts is their mean: the second tells more apart, the first errs less
far on pictures unlike those they were fitted to.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._dirt_specks import Specks, likelihood

__all__ = ["heard", "judged", "verdict", "with_measures"]

type Reals = npt.NDArray[np.float64]

_WEIGHTS: Final = (0.0746, 0.3169, 0.4772)
_CONSTANT: Final = -0.1043
_FULL: Final = (-0.371, 0.171, 0.112, 0.025, -0.429, -0.587, -0.426, 0.717, -0.056, 0.035, 0.393, 0.342)
_FULL_CONSTANT: Final = 1.055
"""The second regression: over `FEATURES` and what is `heard`."""
_LEAST: Final = 0.002
"""Nothing is surer than this, nor less sure."""


def heard(found: Specks, sure: npt.NDArray[np.floating[Any]]) -> Reals:
    """What is known of each speck, [speck, 3]: log odds by its measures, of its surest pixel and on the average.

    Args:
        found: The specks of a frame.
        sure: What the network says of each pixel, 0..1, H x W.
    """
    count = len(found.features)
    at = np.flatnonzero(found.labels)
    owner, odds = found.labels.ravel()[at], _log_odds(sure.ravel()[at].astype(np.float64))
    most = np.full(count, _log_odds(np.zeros(1))[0])
    np.maximum.at(most, owner, odds)
    mean = np.bincount(owner, odds, count) / np.maximum(found.area, 1)
    return np.stack([likelihood(found.features).clip(-12, 12), most, mean], 1)


def with_measures(found: Specks, known: Reals) -> Reals:
    """The measures of each speck and what is `heard` of it, [speck, 12]."""
    return np.hstack([found.features, known])


def judged(found: Specks, known: Reals) -> Reals:
    """How likely each speck is dirt, in log odds, by both regressions."""
    full: Reals = with_measures(found, known) @ np.array(_FULL) + _FULL_CONSTANT
    return (verdict(known) + full) / 2


def verdict(known: Reals) -> Reals:
    """How likely each speck is dirt, in log odds, from what is `heard` alone."""
    odds: Reals = known @ np.array(_WEIGHTS) + _CONSTANT
    return odds


def _log_odds(p: Reals) -> Reals:
    p = p.clip(_LEAST, 1 - _LEAST)
    odds: Reals = np.log(p / (1 - p))
    return odds
