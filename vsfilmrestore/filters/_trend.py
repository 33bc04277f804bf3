"""What is meant and what is wobble, in a curve over the frames of a shot.

A camera moves in long pieces of even speed and a lab times a print in long, even steps; weave and flicker change from
frame to frame. The meant part is found by l1 trend filtering (Kim, Koh, Boyd and Gorinevsky 2009): the curve of few
bends that lies close. What is left is wobble only if it is rough; a smooth remainder is the hand of the operator.

Curves are numpy arrays of a few dozen numbers; row i is frame i of the window.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["doubt_jumps", "jitter", "roughness", "smooth_step", "stretch", "trend"]

type Curve = npt.NDArray[np.float64]

_STIFF: Final = 10.0
"""A wobble with a period of up to about 2 pi sqrt(10) = 20 frames is kept out of the trend."""
_ROUNDS: Final = 12
_SHARP: Final = 16.0
"""Bends of this many spreads cost half: a camera that starts at once is not rounded off."""
_JITTER: Final = 0.79
"""Median size of the second difference of an AR(1) wobble of correlation 0.7 and unit spread."""
_RAMP: Final = 0.6


def stretch(joined: npt.NDArray[np.bool_], at: int) -> slice:
    """The rows around ``at`` without a break; ``joined[i]`` says whether row i continues row i - 1."""
    breaks = np.flatnonzero(~joined)
    before, after = breaks[breaks <= at], breaks[breaks > at]
    return slice(int(before[-1]) if before.size else 0, int(after[0]) if after.size else len(joined))


def jitter(curve: Curve) -> float:
    """Spread of the frame-to-frame wobble, whatever the trend; a few jumps do not count. 0 for less than 3 rows."""
    return float(np.median(np.abs(np.diff(curve, 2)))) / _JITTER if len(curve) > 2 else 0.0


def doubt_jumps(curve: Curve, reach: float) -> Curve:
    """Weights 0..1 for `trend`: half for a row that lies ``reach`` off the median of the five around it."""
    padded = np.pad(curve, 2, mode="reflect") if len(curve) > 2 else np.pad(curve, 2, mode="edge")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    return np.asarray(1.0 / (1.0 + ((curve - middle) / reach) ** 4))


def trend(curve: Curve, spread: float, weights: Curve | None = None) -> Curve:
    """The curve without wobble of the given ``spread``; ``weights`` 0..1 say how much each row counts."""
    size = len(curve)
    if size < 3 or spread <= 0:
        return curve.copy()
    bend = np.diff(np.eye(size), 2, axis=0)
    trust = np.diag(np.ones(size) if weights is None else np.maximum(weights, 1e-3))
    pull = trust @ curve
    soft = 0.02 * spread
    ease = np.full(size - 2, 1.0 / soft)
    line = curve
    for _ in range(_ROUNDS):
        line = np.linalg.solve(trust + (_STIFF * spread) * (bend.T * ease) @ bend, pull)
        bends = np.abs(bend @ line)
        ease = 1.0 / (np.hypot(bends, soft) * (1 + bends / (_SHARP * spread)))
    return line


def roughness(rest: Curve) -> float:
    """Energy of the bends over energy of the steps, all columns together.

    2 to 3 for the wobble of a gate (3 - r for an AR(1) of correlation r), 4 for plain alternation, under 1 for anything
    that takes ten frames or more to swing.
    """
    steps = float(np.sum(np.diff(rest, axis=0) ** 2))
    bends = float(np.sum(np.diff(rest, 2, axis=0) ** 2))
    count = len(rest)
    return bends / steps * (count - 1) / (count - 2) if steps > 0 and count > 2 else 0.0


def smooth_step(value: float, start: float, width: float = _RAMP) -> float:
    """0 up to ``start``, 1 from ``start + width`` on, without a kink between."""
    u = min(max((value - start) / width, 0.0), 1.0)
    return u * u * (3 - 2 * u)
