"""Both witnesses heard: what a speck measures, and what a network says of its pixels.

Logistic regression over three numbers, fitted by scripts/train/dirt.py to the network that it belongs to.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._dirt_specks import Specks, likelihood

__all__ = ["heard", "verdict"]

type Reals = npt.NDArray[np.float64]

_WEIGHTS: Final = (0.0746, 0.3169, 0.4772)
_CONSTANT: Final = -0.1043
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


def verdict(known: Reals) -> Reals:
    """How likely each speck is dirt, in log odds, from what is `heard`."""
    odds: Reals = known @ np.array(_WEIGHTS) + _CONSTANT
    return odds


def _log_odds(p: Reals) -> Reals:
    p = p.clip(_LEAST, 1 - _LEAST)
    odds: Reals = np.log(p / (1 - p))
    return odds
