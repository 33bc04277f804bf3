"""Lines that waver: where they run in the frames around, each of which they cross otherwise.

The film runs past what scratches it, and a line that wavers goes on from the lower edge of a frame to the upper edge of
the next. A thing of the scene does not: it comes again in its own shape, at the place where it has moved to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._scratch_search import Maps, Run, Verdict, verdict

__all__ = ["WELL", "courses", "judged"]

type Reals = npt.NDArray[Any]

WELL: Final = 0.75
"""A line that less of the frames around know again may waver."""
_WHOLE: Final = 0.85
"""Share of the height that a line must run through."""
_PLAIN: Final = 0.7
"""Score from which on it is plain enough to be followed."""
_TURN: Final = 0.15
"""What a step aside from block to block costs its way, as a share of its height."""
_FOUND: Final = 0.5
"""Share of its height at which it is found again."""
_END: Final = 2
"""Blocks that tell where it enters and leaves a frame."""
_BENT: Final = 1.0
"""Pixels by which it must lie elsewhere where it leaves a frame than where it entered, on the average,"""
_JOINS: Final = 0.5
"""of which this share at most may be between where it leaves a frame and where it enters the next;"""
_CHANGES: Final = 0.5
"""and by which its shape must change from frame to frame."""


def judged(run: Run, maps: Maps, around: Sequence[Maps]) -> Verdict:
    """What a frame and those around it say of a line, be it one that wavers."""
    found = verdict(run, maps, around)
    if found.known < WELL and (seen := courses(run, maps, around)):
        return verdict(run, maps, around, seen)
    return found


class _Way(NamedTuple):
    """The columns of a line in the blocks of a frame, and whether it is high enough there to be the same."""

    x: Reals
    found: bool


def courses(run: Run, maps: Maps, around: Sequence[Maps]) -> list[Run] | None:
    """A line as each of the frames around has it, at the same place on the whole; None of one that does not waver.

    Args:
        run: The line.
        maps: Of its frame.
        around: Of as many frames before as after it, the first first.
    """
    if len(run.x) < _WHOLE * len(maps.mean) or run.score < _PLAIN:
        return None
    half = len(around) // 2
    before = list(_followed(run, maps, around[:half][::-1]))
    after = list(_followed(run, maps, around[half:]))
    own = _Way(run.x.astype(float), True)
    if not (_goes_on([*before[::-1], own]) or _goes_on([own, *after])):
        return None
    return [_bent(run, way) for way in (*before[::-1], *after)]


def _followed(run: Run, maps: Maps, frames: Sequence[Maps]) -> Iterator[_Way]:
    """Where the line is in frames, each beside the one before."""
    heights = run.strip(maps.crest(run.bright, run.scale), np.array([0]))[:, 0]
    height = max(min(float(heights.mean()), 1.5 * float(np.median(heights))), 0.1)
    far = max(round(maps.mean.shape[1] / 64), 6) + int(np.ptp(run.x)) // 2 + 1
    span = np.arange(-far, far + 1)
    middle = float(run.x.mean())
    for frame in frames:
        straight = replace(run, x=np.full(len(run.x), round(middle), np.intp))
        crest = np.minimum(straight.strip(frame.crest(run.bright, run.scale), span), 1.5 * heights[:, None] + 0.2)
        way = _highest(crest / height)
        found = float(crest[np.arange(len(way)), way].mean()) > _FOUND * height
        x = straight.x + span[way].astype(float)
        middle = float(x.mean()) if found else middle
        yield _Way(x, found)


def _highest(gain: Reals) -> npt.NDArray[np.intp]:
    """The way down through what speaks for a line that gathers most of it, (blocks,)."""
    total, steps = gain[0], []
    for row in gain[1:]:
        wide = np.pad(total, 1, constant_values=-np.inf)
        ways = np.stack([wide[1:-1], wide[:-2] - _TURN, wide[2:] - _TURN])
        best = ways.argmax(0)
        steps.append(np.array([0, -1, 1])[best])
        total = row + ways.max(0)
    at = [int(total.argmax())]
    for step in steps[::-1]:
        at.append(at[-1] + int(step[at[-1]]))
    return np.array(at[::-1], np.intp)


def _goes_on(ways: Sequence[_Way]) -> bool:
    """Whether a line goes on from each of these frames to the next, and in another shape."""
    if not all(way.found for way in ways):
        return False
    tops, ends = (np.array([float(way.x[part].mean()) for way in ways]) for part in (slice(_END), slice(-_END, None)))
    bent = float(np.abs(ends - tops).mean())
    joins = float(np.abs(tops[1:] - ends[:-1]).mean())
    shapes = [way.x - way.x.mean() for way in ways]
    changes = float(np.mean([np.sqrt(np.mean((b - a) ** 2)) for a, b in pairwise(shapes)]))
    return bent >= _BENT and joins <= _JOINS * bent and changes >= _CHANGES


def _bent(run: Run, way: _Way) -> Run:
    """The line in the shape that a frame has of it."""
    if not way.found:
        return run
    aside = way.x - run.x
    return replace(run, x=run.x + np.rint(aside - aside.mean()).astype(np.intp))
