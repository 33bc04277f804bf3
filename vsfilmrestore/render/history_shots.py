"""Shots of a render, and the choice of some of their frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from vsfilmrestore.errors import UsageError
from vsfilmrestore.render.pieces import Piece

__all__ = ["Choice", "HistoryShot", "frame_ranges", "shots_of"]


@dataclass(frozen=True, slots=True)
class HistoryShot:
    """A shot of the latest render.

    Attributes:
        index: Place in the reel.
        id: Its id, with a number where several are alike.
        name: Its name.
        first: Its first record frame.
        stop: Record frame after its last.
        pieces: What it was rendered as, in order.
    """

    index: int
    id: str
    name: str
    first: int
    stop: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Some repairs.

    Attributes:
        shots: Places of the shots in the reel; None: all.
        frames: First and last frames of ranges; counted from 0 in each shot where shots are named, else in the reel.
        kind: Name of a filter, '' for all.
    """

    shots: tuple[int, ...] | None = None
    frames: tuple[tuple[int, int], ...] | None = None
    kind: str = ""

    def shows(self, shot: HistoryShot, record: int) -> bool:
        """Whether it is about a record frame of a shot."""
        if self.shots is not None and shot.index not in self.shots:
            return False
        at = record if self.shots is None else record - shot.first
        return self.frames is None or any(first <= at <= last for first, last in self.frames)


def shots_of(pieces: Sequence[Piece]) -> tuple[HistoryShot, ...]:
    """The shots that pieces make, in order."""
    runs = [tuple(run) for _, run in groupby(pieces, lambda piece: piece.index)]
    often = Counter(run[0].shot for run in runs)
    seen: Counter[str] = Counter()
    shots = []
    for run in runs:
        id_, factor = run[0].shot, run[0].factor
        seen[id_] += 1
        unique = f"{id_}#{seen[id_]}" if often[id_] > 1 else id_
        shots.append(
            HistoryShot(run[0].index, unique, run[0].name, run[0].first // factor, run[-1].stop // factor, run)
        )
    return tuple(shots)


def frame_ranges(text: str) -> tuple[tuple[int, int], ...]:
    """First and last frames of ``12``, ``12-30`` or several of these with commas.

    Raises:
        UsageError: It is none of that.
    """
    found = []
    for word in text.split(","):
        first, dash, last = word.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(f"--frames must be numbers or ranges such as 12,30-47, not '{text}'")
        ends = int(first), int(last or first)
        if ends[1] < ends[0]:
            raise UsageError(f"--frames names {ends[1]} after {ends[0]}")
        found.append(ends)
    return tuple(found)
