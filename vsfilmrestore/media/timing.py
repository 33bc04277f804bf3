"""Pictures that come at no constant rate: what rate they are best given, and which of them is shown when.

A telephone takes pictures when it has time, a screen is filmed when it changes, and a damaged file has lost some. The
times of the pictures tell where each belongs::

    times      0   42      125  167        250          milliseconds
    at 24      A   B   B   C    D    D     E            a picture stays until the next one comes
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median_low
from typing import Final

import vapoursynth as vs

from vsfilmrestore.media.stand_ins import runs
from vsfilmrestore.media.timecode import exact_rate

__all__ = ["Course", "believable", "course_at", "sensible_rate", "steady_rate"]

_SLACK: Final = 1.0
"""Frames by which a picture may be late before it is left out: jitter costs none."""
_LOSS: Final = 5
"""Places with repeated pictures that weigh as much as one picture left out, which was filmed and would be lost."""
_OFF: Final = 2
"""The same, of a frame by which a picture is off its time."""
_ALIKE: Final = 0.05
"""Share of the pictures by which two rates may differ and are as good."""
_NEAR: Final = 0.02
_SLOWEST, _FASTEST = 5, 120
_SLIDES: Final = 24
"""Slowest rate of what changes so seldom that its times tell no rate; sound is to stay in step with it."""
_RARELY: Final = 0.02
_ABOVE: Final = 1.5
"""How far above the usual pace of a film a rate that its file tells may be: some tell that of their clock."""
_LONGEST: Final = 600.0
"""Seconds that one picture may stay; times that ask for more are broken."""
_WHOLE: Final = 24 * 3600.0
"""Seconds of a film; longer ones of varying rate would be little but repeated frames."""
_LOOKED_AT: Final = 6000
_FEW: Final = 20
"""Frames for each place where pictures are missing, at least, in a film that is steady otherwise."""
_STANDARD: Final = tuple(
    Fraction(word)
    for word in (
        *("5", "6", "8", "10", "12", "25/2", "15", "16", "18", "20", "24000/1001", "24", "25", "30000/1001", "30"),
        *("48000/1001", "48", "50", "60000/1001", "60", "100", "120000/1001", "120"),
    )
)


@dataclass(frozen=True, slots=True)
class Course:
    """Pictures put where their times say, at a constant rate.

    Attributes:
        rate: Frames per second.
        dropped: Pictures that are not shown, as others came at the same moment; rising.
        held: Frames, as counted in the result, that show the picture before once more; rising.
        length: Frames of the result.
        off: How far the pictures shown are from their times, in frames, all together.
    """

    rate: Fraction
    dropped: tuple[int, ...]
    held: tuple[int, ...]
    length: int
    off: float

    @property
    def gaps(self) -> bool:
        """Whether pictures are missing in a few places of a film that is steady otherwise."""
        return not self.dropped and len(runs(self.held)) * _FEW <= self.length

    def of(self, clip: vs.VideoNode) -> vs.VideoNode:
        """The frames of a clip in this course; they are shared, not copied."""
        if self.dropped:
            clip = clip.std.DeleteFrames(list(self.dropped))
        # Frames to repeat are counted in what is left: so many frames were held before.
        again = [frame - n - 1 for n, frame in enumerate(self.held)]
        clip = clip.std.DuplicateFrames(again) if again else clip
        return clip.std.AssumeFPS(fpsnum=self.rate.numerator, fpsden=self.rate.denominator)


def steady_rate(times: Sequence[float], rates: Iterable[Fraction]) -> Fraction | None:
    """The first of ``rates`` that puts every picture within half a frame of its time, or None.

    One frame dropped at the start, and times rounded to milliseconds, are still constant.

    Args:
        times: Of two pictures or more, in milliseconds.
        rates: Frames per second.
    """
    for rate in dict.fromkeys(rates):
        step = 1000 / float(rate)
        off = [time - n * step for n, time in enumerate(times)]
        if max(off) - min(off) <= 1.02 * step + 1:
            return rate
    return None


def believable(times: Sequence[float]) -> bool:
    """Whether times rise, no picture stays longer than ten minutes, and all of them take no more than a day."""
    rising = all(0 <= b - a <= 1000 * _LONGEST for a, b in pairwise(times))
    return rising and 0 < times[-1] - times[0] <= 1000 * _WHOLE


def sensible_rate(times: Sequence[float], told: Sequence[Fraction]) -> Fraction:
    """A rate that the file tells, where it fits; else the usual one that shows nearly every picture and repeats few.

    Args:
        times: Of two pictures or more, in milliseconds, `believable`.
        told: Rates that the file tells, the likeliest first.
    """
    seen = times[:_LOOKED_AT]
    usual = 1000 / median_low(b - a for a, b in pairwise(seen) if b > a)
    for rate in told:
        if rate in _STANDARD and float(rate) <= _ABOVE * usual and _lost(seen, rate) <= _RARELY:
            return rate
    near = sorted(_STANDARD, key=lambda rate: abs(float(rate) / usual - 1))
    slowest = _SLOWEST if usual >= _SLOWEST else _SLIDES
    rates = [rate for rate in near if slowest <= rate <= _FASTEST]
    if abs(float(near[0]) / usual - 1) > _NEAR and slowest <= usual <= _FASTEST:
        rates.append(exact_rate(round(usual, 3)))
    costs = {rate: _cost(course_at(seen, rate)) for rate in rates}
    best = min(costs.values())
    return next(rate for rate, cost in costs.items() if cost <= best + _ALIKE * len(seen))


def _lost(times: Sequence[float], rate: Fraction) -> float:
    """Share of pictures that are not shown."""
    return len(course_at(times, rate).dropped) / len(times)


def _cost(course: Course) -> float:
    return len(runs(course.held)) + _LOSS * len(course.dropped) + _OFF * course.off


def course_at(times: Sequence[float], rate: Fraction) -> Course:
    """Where pictures go at a rate: each to the nearest frame that is free and hardly late, else nowhere.

    Args:
        times: In milliseconds, rising.
        rate: Frames per second.
    """
    step = 1000 / float(rate)
    dropped: list[int] = []
    held: list[int] = []
    last, off = -1, 0.0
    for number, time in enumerate(times):
        wanted = (time - times[0]) / step
        place = max(last + 1, round(wanted))
        if place - wanted > _SLACK:
            dropped.append(number)
            continue
        held.extend(range(last + 1, place))
        last = place
        off += abs(place - wanted)
    return Course(rate, tuple(dropped), tuple(held), last + 1, off)
