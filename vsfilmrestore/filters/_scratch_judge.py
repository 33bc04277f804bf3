"""What is a scratch among the lines of which a network thinks so: logistic regression over what is known of each.

Its weights are fitted by scripts/train/lines.py to the network that they belong to.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._scratch_evidence import Known

__all__ = ["terms_of", "verdict_on"]

type Reals = npt.NDArray[Any]

_WEIGHTS: Final = (
    0.434, -0.633, 0.116, -0.227, -0.732, 0.834, -0.857, -0.44, 1.551, 0.182, -1.558, 0.51, 0.613, 0.218,
    0.329, -1.053, -0.217, 0.391, -2.778, 0.647, -0.34, -0.788, 0.495, -0.609, -0.627, -1.639, -1.213, -4.049,
)  # fmt: skip
_CONSTANT: Final = -0.660
_MUCH: Final = 1.2
"""Logarithm of pixels from which on moving far speaks rather against a line."""
_LEAST: Final = 0.002
"""Nothing is surer than this, nor less sure."""


def terms_of(known: Known, sure: float) -> Reals:
    """What the regression is over, (28,).

    Args:
        known: What is known of a line.
        sure: How sure the network is of its blocks, on the average, 0..1.
    """
    p = min(max(sure, _LEAST), 1 - _LEAST)
    beside, picture = known["with beside"], known["with picture"]
    return np.array([
        *known.values(), math.log(p / (1 - p)), min(beside, picture), max(beside, picture),
        known["surely apart"] * known["score"], beside * known["whole"],
        *(max(known[name] - _MUCH, 0.0) for name in ("from beside", "from picture", "moves", "leaps")),
    ])  # fmt: skip


def verdict_on(known: Known, sure: float) -> float:
    """How likely a line is a scratch, in log odds."""
    return float(terms_of(known, sure) @ np.array(_WEIGHTS)) + _CONSTANT
