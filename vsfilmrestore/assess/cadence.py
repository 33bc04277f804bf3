"""How often a new picture comes, which frames are doubled beyond that, and where time jumps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vsfilmrestore.assess.passing import FrameFacts

__all__ = ["Cadence", "cadence_of"]

type Flags = npt.NDArray[np.bool_]

_REPEAT: Final = 0.22
"""A frame differs by less than this share of what is usual from the one before if it repeats it."""
_NOISE: Final = 0.12
"""Mean difference, 8-bit levels, of two scans of one frame without grain or flicker: less is no motion."""
_MOVES: Final = 0.35
"""Usual difference from which on it can be told at all whether pictures are new."""
_SHOWN: Final = 0.03
"""Spread of a picture, 0..1, that shows something: the black of a fade repeats itself."""
_CYCLES: Final = (2, 3, 4, 5, 6, 8, 10, 12, 24, 25)
_REGULAR: Final = 0.8
"""Share of the frames of a cycle that must agree with it."""
_FEWEST: Final = 12
_JUMP: Final = (1.6, 4.0)
_STEADY: Final = 0.25


class Cadence(NamedTuple):
    """The cadence of a shot.

    Attributes:
        word: ``every frame``, ``on twos``, ``on threes``, ``16 in 24`` …, ``uneven`` or ``still``; '' where the shot
            is too short.
        share: Share of frames that bring a new picture.
        doubles: Frames, counted from the first of the shot, that repeat the one before and should not.
        jumps: Frames before which others are missing.
        confidence: 0..1.
    """

    word: str
    share: float
    doubles: list[int]
    jumps: list[int]
    confidence: float


def cadence_of(facts: Sequence[FrameFacts]) -> Cadence:
    """The cadence of the frames of one shot."""
    steps = np.nan_to_num(np.array([fact.fresh for fact in facts][1:]))
    if len(steps) < _FEWEST:
        return Cadence("", 1.0, [], [], 0.0)
    usual = float(np.quantile(steps, 0.75))
    if usual < _MOVES:
        return Cadence("still", 1.0, [], [], 0.2)
    near = _usual_nearby(steps)
    repeats = (steps < np.maximum(_REPEAT * near, _NOISE)) & (near > _MOVES)
    shown = np.array([fact.look.spread > _SHOWN for fact in facts[1:]])
    repeats, moving = repeats & shown, (near > _MOVES) & shown
    share = 1 - float(repeats[moving].mean()) if moving.any() else 1.0
    confidence = min(len(steps) / 24, 1.0) * float(moving.mean())
    pattern = _pattern(repeats, moving)
    if pattern is not None:
        return Cadence(pattern[0], share, [], [], confidence)
    if share > 0.8:
        doubles = [int(n) + 1 for n in np.flatnonzero(repeats)]
        return Cadence("every frame", share, doubles, _jumps(facts, steps, repeats), confidence)
    return Cadence("uneven", share, [], [], 0.5 * confidence)


def _usual_nearby(steps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What steps with a new picture are like around each step: the upper quartile of 13."""
    padded = np.pad(steps, 6, mode="reflect" if len(steps) > 6 else "edge")
    return np.asarray(np.quantile(np.lib.stride_tricks.sliding_window_view(padded, 13), 0.75, axis=1))


def _pattern(repeats: Flags, moving: Flags) -> tuple[str, Flags] | None:
    """The shortest cycle of repeats that most moving frames keep; its words and where repeats are expected."""
    best: tuple[float, int, Flags] | None = None
    for cycle in _CYCLES:
        if len(repeats) < 2.5 * cycle or moving.sum() < 2 * cycle:
            continue
        phase = np.arange(len(repeats)) % cycle
        rate = np.array(
            [repeats[moving & (phase == p)].mean() if (moving & (phase == p)).any() else 0 for p in range(cycle)]
        )
        expected = rate > 0.5
        if not expected.any() or expected.all():
            continue
        agree = float((repeats == expected[phase])[moving].mean())
        certain = float(repeats[moving & expected[phase]].mean())
        if agree > _REGULAR + 0.05 and certain > _REGULAR and (best is None or agree > best[0] + 0.02):
            best = agree, cycle, expected
    if best is None:
        return None
    _, cycle, expected = best
    return _words(cycle, int(expected.sum())), expected[np.arange(len(repeats)) % cycle]


def _words(cycle: int, repeated: int) -> str:
    new = cycle - repeated
    if new == 1:
        return {2: "on twos", 3: "on threes", 4: "on fours"}.get(cycle, f"1 in {cycle}")
    if cycle in (3, 6, 12):
        return f"{new * 24 // cycle} in 24"
    return f"{new} in {cycle}"


def _jumps(facts: Sequence[FrameFacts], steps: npt.NDArray[np.float64], repeats: Flags) -> list[int]:
    """Frames that have moved twice as far as those around, all alike, with no copy beside that explains it."""
    speed = np.array([fact.speed[0] for fact in facts[1:]])
    sure = np.array([fact.sure for fact in facts[1:]])
    found = []
    for n in range(4, len(steps) - 4):
        around = np.r_[n - 4 : n, n + 1 : n + 5]
        usual = float(np.median(speed[around]))
        spread = float(np.abs(speed[around] - usual).max())
        if usual < 0.5 or spread > _STEADY * usual or repeats[n - 2 : n + 3].any() or not sure[around].all():
            continue
        low, high = _JUMP
        if low * usual < speed[n] < high * usual and steps[n] > 1.25 * float(np.max(steps[around])):
            found.append(n + 1)
    return found
