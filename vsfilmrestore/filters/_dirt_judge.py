"""Both witnesses heard: what a speck measures, and what a network says of its pixels.

Logistic regressions, fitted by scripts/train/dirt.py to the network that they belong to: one for specks that stand out
from both neighbours, one for pieces that the network marks, whatever their measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._dirt_sight import LEVEL
from vsfilmrestore.filters._dirt_specks import FEATURES, Specks, likelihood

__all__ = [
    "ALIKE",
    "Apart",
    "heard",
    "lighter",
    "likely_piece",
    "likely_speck",
    "stands_apart",
    "verdict",
    "with_measures",
]

type Reals = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]
type Levels = npt.NDArray[np.float32]

_WEIGHTS: Final = (0.068, 0.527, 0.366)
_CONSTANT: Final = -0.361
"""What is `heard` alone."""
_SPECK: Final = (
    -0.249,
    0.125,
    0.131,
    0.182,
    -0.271,
    -0.507,
    -0.316,
    0.790,
    -0.033,
    0.137,
    0.443,
    0.434,
    -0.204,
    -0.229,
    0.782,
    -0.221,
)
_SPECK_CONSTANT: Final = 1.655
"""A speck that stands out from both neighbours, by all of `with_measures`."""
_PIECE: Final = (
    -0.451,
    0.158,
    0.361,
    0.685,
    0.355,
    -0.569,
    -0.448,
    0.624,
    0.004,
    0.147,
    0.409,
    0.932,
    -0.121,
    -0.664,
    1.324,
    0.253,
)
_PIECE_CONSTANT: Final = 3.349
"""A piece that the network marks."""
ALIKE: Final = len(FEATURES) + 5
"""Where in all that is known stands how alike the pixels of a speck are: 0, or less where light and dark are mixed."""
_LEAST: Final = 0.002
"""Nothing is surer than this, nor less sure."""
_FAINT: Final = 0.25
"""Levels; fainter differences are all alike."""


class Apart(NamedTuple):
    """How each pixel differs from its four neighbours, in levels of 8 bits.

    Attributes:
        three: By how much it lies beyond three of them: dirt that two frames share does.
        middle: How far above the middle of all four it is.
    """

    three: Levels
    middle: Levels


def stands_apart(now: npt.NDArray[np.uint16], moved: Sequence[npt.NDArray[np.uint16]]) -> Apart:
    """Compare the luma of a frame with that of its four neighbours, moved onto it; 16 bits."""
    a, b, c, d = moved
    low, high = np.maximum(np.minimum(a, b), np.minimum(c, d)), np.minimum(np.maximum(a, b), np.maximum(c, d))
    first, second = np.minimum(low, high), np.maximum(low, high)
    three = (np.maximum(now, second) - second) + (first - np.minimum(now, first))  # one is 0, and nothing is below it
    middle = now.astype(np.int32) - (first.astype(np.int32) + second) // 2
    return Apart(*(np.multiply(each, 1 / LEVEL, dtype=np.float32) for each in (three, middle)))


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


def with_measures(found: Specks, known: Reals, apart: Apart, shared: Flags) -> Reals:
    """All that is known of each speck, [speck, 16].

    Its measures, what is `heard` of it, how far it lies beyond three neighbours and from the middle of all, how alike
    its pixels are in that, and how much of it is ``shared``: marked by the other witness too.
    """
    at = np.flatnonzero(found.labels)
    owner, count = found.labels.ravel()[at], len(found.features)

    def mean(values: npt.NDArray[Any]) -> Reals:
        return np.bincount(owner, values.ravel()[at].astype(np.float64), count) / np.maximum(found.area, 1)

    whole, parts = np.abs(mean(apart.middle)), mean(np.abs(apart.middle))
    alike = np.log((whole + _FAINT) / (parts + _FAINT))
    more = np.stack([_log(mean(apart.three)), _log(whole), alike, mean(shared)], 1)
    return np.hstack([found.features, known, more])


def lighter(found: Specks, apart: Apart) -> Flags:
    """Whether each speck is brighter than the middle of its neighbours."""
    bright: Flags = np.bincount(found.labels.ravel(), apart.middle.ravel(), len(found.area)) > 0
    return bright


def likely_speck(known: Reals) -> Reals:
    """How likely each speck that stands out is dirt, in log odds, from `with_measures`."""
    odds: Reals = known @ np.array(_SPECK) + _SPECK_CONSTANT
    return odds


def likely_piece(known: Reals) -> Reals:
    """How likely each piece that the network marks is dirt, in log odds, from `with_measures`."""
    odds: Reals = known @ np.array(_PIECE) + _PIECE_CONSTANT
    return odds


def verdict(known: Reals) -> Reals:
    """How likely each speck is dirt, in log odds, from what is `heard` alone."""
    odds: Reals = known @ np.array(_WEIGHTS) + _CONSTANT
    return odds


def _log(levels: Reals) -> Reals:
    found: Reals = np.log(np.maximum(levels, _FAINT))
    return found


def _log_odds(p: Reals) -> Reals:
    p = p.clip(_LEAST, 1 - _LEAST)
    odds: Reals = np.log(p / (1 - p))
    return odds
