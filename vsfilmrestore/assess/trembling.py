"""Flicker and weave of a shot: the rough part of the curves that the steps from frame to frame add up to.

What is trend and what is wobble is told as the filters tell it (`filters._trend`), in windows that overlap, so that
shots of any length cost the same per frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.assess.passing import FrameFacts
from vsfilmrestore.filters._trend import doubt_jumps, jitter, roughness, smooth_step, stretch, trend

__all__ = ["Tremble", "flicker_of", "weave_of"]

type Curve = npt.NDArray[np.float64]

_WINDOW: Final = 48
_EDGE: Final = 8
"""Frames at either end of a window that the next one knows better."""
_FEWEST: Final = 5
_FLASH: Final = 3.0
_LEAST_FLICKER: Final = 0.002
"""Least spread of the light, in natural logarithms, and"""
_LEAST_WEAVE: Final = 0.004
"""of the place, in small pixels, that a trend is drawn through."""
_ROUGH: Final = (0.7, 1.3)
"""Roughness from which on a rest is wobble, none to all. A hand-held camera swings, a gate jitters."""
_OWN: Final = (0.35, 0.3)
"""Share of the picture that moves on its own from which on the rest tells little; and how much more until nothing."""
_STRAY: Final = 5.0
"""A frame that strays by more medians counts as one that strays by so many."""
_NEEDED: Final = 24
"""Frames that make a measure certain."""


@dataclass(frozen=True, slots=True)
class Tremble:
    """A curve that trembles.

    Attributes:
        wobble: Stray of each frame; not a number where it is unknown.
        rms: Of the strays.
        confidence: How far it can be trusted, 0..1.
    """

    wobble: Curve
    rms: float
    confidence: float


def flicker_of(facts: Sequence[FrameFacts]) -> Tremble:
    """Brightness that trembles, in per cent; ``facts`` are of one shot."""
    steps = np.array([fact.gain for fact in facts])
    joined = np.array([fact.joined for fact in facts])
    rest = _rest(steps[:, None], joined, _LEAST_FLICKER, _FLASH)
    error = float(np.median([fact.gain_error for fact in facts[1:]])) if len(facts) > 1 else 9.0
    return _told(100 * np.expm1(rest[:, 0]), len(facts), error, joined, 0.02)


def weave_of(facts: Sequence[FrameFacts], scale: float) -> tuple[Tremble, Tremble, Tremble]:
    """Stray to the right, downwards (pixels of the source) and turn (degrees); ``facts`` are of one shot.

    Args:
        facts: Of all frames of the shot.
        scale: Pixels of the source to one of the small picture.
    """
    steps = np.array([fact.shift for fact in facts])
    joined = np.array([fact.sure for fact in facts])
    place = _rest(steps[:, :2], joined, _LEAST_WEAVE, 6.0)
    turn = _rest(steps[:, 2:], joined, 0.002, 6.0)
    speed = float(np.median([fact.speed[1] for fact in facts])) if len(facts) else 0.0
    doubt = 0.02 + 0.02 * speed
    own = 1 - smooth_step(float(np.median([fact.own for fact in facts])), *_OWN) if len(facts) else 0.0
    tells = [_told(place[:, axis] * scale, len(facts), doubt, joined, 0.1) for axis in (0, 1)]
    across, down, roll = (
        replace(tell, confidence=round(tell.confidence * own, 3))
        for tell in (*tells, _told(turn[:, 0], len(facts), doubt, joined, 0.1))
    )
    return across, down, roll


def _told(wobble: Curve, count: int, error: float, joined: npt.NDArray[np.bool_], limit: float) -> Tremble:
    known = wobble[np.isfinite(wobble)]
    if known.size:  # one frame that jumped at a splice, or was lit by a flash, is no tremble
        most = _STRAY * max(float(np.median(np.abs(known))), 1e-6)
        known = known.clip(-most, most)
    rms = float(np.sqrt(np.mean(known**2))) if known.size else 0.0
    share = float(joined[1:].mean()) if count > 1 else 0.0
    sure = min(count / _NEEDED, 1.0) * share * (1 - smooth_step(error, limit, 4 * limit))
    return Tremble(wobble, rms, round(sure, 3))


def _rest(steps: Curve, joined: npt.NDArray[np.bool_], least: float, jump: float) -> Curve:
    """What a shot's curves have beyond their trend; not a number where too little is known."""
    out = np.full(steps.shape, np.nan)
    begin = 0
    while begin < len(steps):
        part = slice(begin, _end(joined, begin))
        if part.stop - part.start >= _FEWEST:
            curve = np.cumsum(np.where(np.arange(part.start, part.stop)[:, None] > part.start, steps[part], 0), axis=0)
            out[part] = _in_windows(curve, least, jump)
        begin = part.stop
    return out


def _end(joined: npt.NDArray[np.bool_], begin: int) -> int:
    """Where the stretch that begins here ends."""
    known = joined.copy()
    known[begin] = True
    return int(stretch(known, begin).stop)


def _in_windows(curve: Curve, least: float, jump: float) -> Curve:
    rest = np.zeros_like(curve)
    start = 0
    while True:
        stop = min(start + _WINDOW, len(curve))
        if stop - start < _WINDOW // 2 and start:  # too short to stand alone
            start = max(stop - _WINDOW, 0)
        inner = start + _EDGE if start else 0
        window = _wobble(curve[start:stop], least, jump)
        rest[inner:stop] = window[inner - start :]
        if stop == len(curve):
            return rest
        start = stop - 2 * _EDGE


def _wobble(curve: Curve, least: float, jump: float) -> Curve:
    """The rest of one window, as far as it is rough."""
    rest = np.empty_like(curve)
    for column in range(curve.shape[1]):
        line = curve[:, column]
        spread = max(jitter(line), least)
        rest[:, column] = line - trend(line, spread, doubt_jumps(line, jump * spread))
    rough = smooth_step(roughness(rest), _ROUGH[0], _ROUGH[1] - _ROUGH[0])
    return np.asarray(rest * rough)
