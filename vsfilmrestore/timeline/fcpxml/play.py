"""Pieces played through a time map: the same pictures faster, slower, backwards, held, or at a speed that changes.

::

    place in what is played        runs: stretches over which the place only rises, only falls, or holds
      |        ___
      |      /|   |\\
      |    /  |   |  \\             Each piece seen in a run becomes one piece of the outer time line; where the speed
      |  /    |   |    \\           changes inside it, that piece has a curve.
      +---------------------- outer time
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.layers import Piece, between

__all__ = ["Run", "played", "runs", "turning"]

type Knot = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch over which a place only rises, only falls, or holds.

    Attributes:
        knots: (outer time, place), from its first to its last moment.
        way: 1 for forwards, -1 for backwards, 0 for a hold.
    """

    knots: tuple[Knot, ...]
    way: int

    @property
    def low(self) -> Fraction:
        """The lowest place."""
        return min(self.knots[0][1], self.knots[-1][1])

    @property
    def high(self) -> Fraction:
        """The highest place."""
        return max(self.knots[0][1], self.knots[-1][1])

    @property
    def slope(self) -> Fraction | None:
        """The speed, None if it changes."""
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(self.knots)]
        return slopes[0] if slopes.count(slopes[0]) == len(slopes) else None

    def back(self, place: Fraction) -> Fraction | None:
        """The outer time at which a place comes up; None if it does not."""
        if not self.way:
            return self.knots[0][0] if place == self.low else None
        if not self.low <= place <= self.high:
            return None
        turned = [(p, t) for t, p in self.knots]
        return Curve(tuple(turned if self.way > 0 else reversed(turned))).at(place)


def runs(curve: Curve, start: Fraction, stop: Fraction) -> list[Run]:
    """The runs of a curve over some of its time."""
    times = [start, *(time for time, _ in curve.knots if start < time < stop), stop]
    found: list[Run] = []
    for a, b in pairwise((time, curve.at(time)) for time in times):
        way = (b[1] > a[1]) - (b[1] < a[1])
        if found and found[-1].way == way:
            found[-1] = Run((*found[-1].knots, b), way)
        else:
            found.append(Run((a, b), way))
    return found


def played(pieces: Sequence[Piece], run: Run, remarks: Remarks) -> list[Piece]:
    """What of some pieces is seen over a run, on the outer time line.

    Args:
        pieces: In order, in the time of the run's places.
        run: One of `runs`.
        remarks: Told of transitions lost.
    """
    if not run.way:
        return [_held(piece, run) for piece in pieces if piece.start <= run.low < piece.stop]
    seen = [piece for piece in pieces if piece.start < run.high and piece.stop > run.low]
    cuts = [between(piece, max(piece.start, run.low), min(piece.stop, run.high), remarks) for piece in seen]
    slope = run.slope
    if slope == 1:
        by = run.knots[0][0] - run.knots[0][1]
        return [cut.shifted(by) for cut in cuts]
    if any(cut.fade for cut in cuts):
        remarks.add("transitions inside a nest with a speed are made cuts")
    result = [_bent(cut, run) if slope is None else _stretched(cut, run, slope) for cut in cuts]
    return result if run.way > 0 else result[::-1]


def turning(piece: Piece, stretches: Sequence[Run]) -> Piece:
    """One medium over several runs, as one piece: forwards, held and backwards by turns.

    Args:
        piece: The medium in the time of the runs' places.
        stretches: All runs, in order.
    """
    start, stop = stretches[0].knots[0][0], stretches[-1].knots[-1][0]
    inner = _places(piece)
    knots: list[Knot] = []
    for run in stretches:
        # Backwards, a frame shows what ends with it. Only whole frames from the start on are ever looked at.
        late = 1 if run.way < 0 else 0
        outer = Curve(run.knots)
        first, last = (ceil(time - start) for time in (run.knots[0][0], run.knots[-1][0]))
        times = {Fraction(first), Fraction(last - 1), *(time - start - late for time, _ in run.knots)}
        inside = sorted(time for time in times if first <= time <= last - 1)
        knots += [(time, inner.at(outer.at(start + time + late))) for time in inside]
    length = max(stop - start, Fraction(1))
    average = (knots[-1][1] - knots[0][1]) / length / piece.step if piece.step else Fraction(0)
    if len(knots) == 1:
        knots.append((knots[0][0] + 1, knots[0][1]))
    return replace(piece, start=start, stop=stop, curve=Curve(tuple(knots)), speed=piece.speed * average)


def _ends(cut: Piece, run: Run) -> Knot:
    a, b = run.back(cut.start), run.back(cut.stop)
    assert a is not None
    assert b is not None
    return min(a, b), max(a, b)


def _held(piece: Piece, run: Run) -> Piece:
    place = floor(_places(piece).at(run.low))
    zero = Fraction(0)
    return replace(
        piece,
        start=run.knots[0][0],
        stop=run.knots[-1][0],
        low=Fraction(place),
        step=zero,
        speed=zero,
        curve=None,
        fade=None,
    )


def _stretched(cut: Piece, run: Run, slope: Fraction) -> Piece:
    start, stop = _ends(cut, run)
    curve = cut.curve and cut.curve.stretched(1 / slope)
    if curve and slope < 0:
        curve = curve.moved(stop - start - 1)  # the frame that was the first is the last now
    return replace(cut, start=start, stop=stop, step=cut.step * slope, speed=cut.speed * slope, curve=curve, fade=None)


def _bent(cut: Piece, run: Run) -> Piece:
    start, stop = _ends(cut, run)
    plain = replace(cut, start=start, stop=stop, fade=None)
    if not cut.step and cut.curve is None:
        return plain
    inner, outer = _places(cut), Curve(run.knots)
    corners: Iterable[Fraction | None] = (run.back(place) for place, _ in inner.knots)
    times = {start, stop, *(time for time, _ in run.knots), *(time for time in corners if time is not None)}
    knots = tuple((time - start, inner.at(outer.at(time))) for time in sorted(times) if start <= time <= stop)
    curve = Curve(knots)
    if run.way < 0:
        curve = curve.moved(Fraction(-1))  # backwards, a frame shows what ends with it
    average = (cut.stop - cut.start) / (stop - start) * run.way
    return replace(plain, curve=curve, speed=cut.speed * average)


def _places(piece: Piece) -> Curve:
    """Places in the medium over the time a piece is in."""
    if piece.curve is not None:
        return piece.curve.moved(piece.start)
    top = piece.low + (piece.stop - piece.start) * abs(piece.step)
    ends = (piece.low, top) if piece.step >= 0 else (top, piece.low)
    return Curve(((piece.start, ends[0]), (piece.stop, ends[1])))
