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
_MAYBE: Final = 0.42
"""The same where repeats come regularly, which tells by itself: grain and coding make copies of a frame differ."""
_DOUBLE: Final = 0.35
"""The same against the middle step around, where single frames are doubled and most are not."""
_BESIDE: Final = 3
"""Frames on each side of which one must bring what is usual: where motion begins or ends nothing is repeated."""
_NOISE: Final = 0.12
"""Mean difference, 8-bit levels, of two scans of one frame without grain or flicker: less is no motion."""
_MOVES: Final = 0.35
"""Usual difference from which on it can be told at all whether pictures are new."""
_SHOWN: Final = 0.03
"""Spread of a picture, 0..1, that shows something: the black of a fade repeats itself."""
_CYCLES: Final = (2, 3, 4, 5, 6, 8, 10, 12, 24, 25)
_REGULAR: Final = 0.8
"""Share of the frames of a cycle that must agree with it."""
_EVENLY: Final = (0.5, 0.92)
"""Share of new pictures of a film that was spread over more frames than it has, in no short cycle."""
_RUNS: Final = 4
"""Repeats from which on it can be told whether they are spread evenly."""
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
        repeats: All frames that repeat the one before.
    """

    word: str
    share: float
    doubles: list[int]
    jumps: list[int]
    confidence: float
    repeats: list[int]


def cadence_of(facts: Sequence[FrameFacts]) -> Cadence:
    """The cadence of the frames of one shot."""
    steps = np.nan_to_num(np.array([fact.fresh for fact in facts][1:]))
    if len(steps) < _FEWEST:
        return Cadence("", 1.0, [], [], 0.0, [])
    usual = float(np.quantile(steps, 0.75))
    if usual < _MOVES:
        return Cadence("still", 1.0, [], [], 0.2, [])
    near = _usual_nearby(steps)
    shown = np.array([fact.look.spread > _SHOWN for fact in facts[1:]])
    moving = (near > _MOVES) & shown
    repeats, maybe = (moving & (steps < np.maximum(share * near, _NOISE)) for share in (_REPEAT, _MAYBE))
    confidence = min(len(steps) / 24, 1.0) * float(moving.mean())
    for seen in (maybe, repeats):
        word = _pattern(seen, moving) or _evenly(seen, moving)
        if word:
            return Cadence(word, 1 - float(seen[moving].mean()), [], [], confidence, _places(seen))
    share = 1 - float(repeats[moving].mean()) if moving.any() else 1.0
    if share > 0.8:
        found = _places(repeats & (steps < _DOUBLE * _median_nearby(steps)))  # a jolt beside makes no copy
        return Cadence("every frame", share, found, _jumps(facts, steps, repeats), confidence, found)
    return Cadence("uneven", share, [], [], 0.5 * confidence, _places(repeats))


def _places(repeats: Flags) -> list[int]:
    return [int(n) + 1 for n in np.flatnonzero(repeats)]


def _usual_nearby(steps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What steps with a new picture are like around each step: the upper quartile of 13, or less on one side of it."""
    padded = np.pad(steps, 6, mode="reflect" if len(steps) > 6 else "edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 13)
    beside = np.lib.stride_tricks.sliding_window_view(np.pad(steps, _BESIDE), 2 * _BESIDE + 1)
    sides = beside[:, :_BESIDE].max(axis=1), beside[:, _BESIDE + 1 :].max(axis=1)
    return np.asarray(np.minimum(np.quantile(around, 0.75, axis=1), np.minimum(*sides)))


def _median_nearby(steps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    padded = np.pad(steps, 6, mode="reflect" if len(steps) > 6 else "edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 13), axis=1))


def _pattern(repeats: Flags, moving: Flags) -> str:
    """The shortest cycle of repeats that most moving frames keep, in words; '' for none."""
    best: tuple[float, int, int] | None = None
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
            best = agree, cycle, int(expected.sum())
    return _words(best[1], best[2]) if best else ""


def _evenly(repeats: Flags, moving: Flags) -> str:
    """Whether repeats are spread as evenly as can be, as of 18.6 pictures a second in 24: in words; '' if they are not.

    From one repeat to the next it is always as many frames, or one more.
    """
    places = np.flatnonzero(repeats)
    if len(places) < _RUNS or moving.mean() < _REGULAR:
        return ""
    gaps = np.diff(places)
    share = 1 - 1 / float(gaps.mean())
    if gaps.max() == gaps.min():
        return ""  # that is a cycle, or few frames of one
    if gaps.max() - gaps.min() > 1 or not _EVENLY[0] < share < _EVENLY[1]:
        return ""
    first, last = int(places[0]), len(repeats) - 1 - int(places[-1])
    return f"{round(24 * share)} in 24" if max(first, last) <= gaps.max() else ""


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
