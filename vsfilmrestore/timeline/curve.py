"""Speed that changes along a clip: where in the source each moment lies."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

__all__ = ["Curve"]


@dataclass(frozen=True, slots=True)
class Curve:
    """Places in a source over time, straight between its knots.

    ::

        place                       .--*      Beyond its first and last knot it runs on as between the two there.
          |                 .--*--'           A curve that is smooth in the cut list has a knot at each record frame.
          |         *--''                     It may hold, and turn back.
          +----------------------------- time

    Attributes:
        knots: (time in record frames, place in source frames), at least two, times rising.
    """

    knots: tuple[tuple[Fraction, Fraction], ...]

    def __post_init__(self) -> None:
        if len(self.knots) < 2 or any(b[0] <= a[0] for a, b in pairwise(self.knots)):
            raise ValueError("a time curve needs two knots or more, one after the other")

    def at(self, time: Fraction | int) -> Fraction:
        """The place at a time."""
        i = bisect_right(self.knots, time, key=lambda knot: knot[0])
        i = min(max(i, 1), len(self.knots) - 1)
        (t0, p0), (t1, p1) = self.knots[i - 1], self.knots[i]
        return p0 + (p1 - p0) * (time - t0) / (t1 - t0)

    def moments(self, count: int) -> list[int]:
        """Those of the times ``0 .. count - 1`` among which its lowest and its highest place are."""
        beside = {near for time, _ in self.knots if 0 < time < count for near in (floor(time), ceil(time))}
        return sorted({0, count - 1} | {time for time in beside if time < count})

    def moved(self, by: Fraction) -> Curve:
        """The same curve that begins ``by`` later (earlier below 0)."""
        return Curve(tuple((time + by, place) for time, place in self.knots))

    def stretched(self, factor: Fraction) -> Curve:
        """All times multiplied; below 0 the curve runs backwards.

        Raises:
            ValueError: The factor is 0.
        """
        knots = [(time * factor, place) for time, place in self.knots]
        return Curve(tuple(knots if factor > 0 else reversed(knots)))
