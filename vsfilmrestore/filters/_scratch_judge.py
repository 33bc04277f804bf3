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
    0.196, 0.276, -0.106, -0.065, -0.527, 0.585, -0.999, -0.453, 1.311, 0.248, -1.062, 0.404, 0.826, 0.342,
    0.325, -1.275, -0.196, 0.368, -2.13, 0.719, -0.158, -0.568, 0.401, -0.805, -1.138, -1.659, -0.144, -4.172,
)  # fmt: skip
_CONSTANT: Final = -0.846
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
