"""Speed curves of DaVinci Resolve in OTIO: a ``TimeEffect`` with key frames in its metadata.

Resolve writes ``Key Frames`` as rows ``[time, place, smooth, in x, in y, out x, out y]``, in seconds: the time from the
first frame of the retimed medium, the place from the first frame of the medium. The last four, offsets from the key,
are the handles of a cubic Bézier curve; those of the first and the last key are not used. Times and handles were
compared with renders of Resolve 21: the segments of a stepped ramp match frame for frame.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, isfinite
from typing import Any, Final

from vsfilmrestore.media.timecode import nominal_rate
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.otio.json import metadata_of

__all__ = ["Keys", "Path", "path_of", "resolve_keys"]

_MOST: Final = 10_000
_LONGEST: Final = 100_000
_LONGEST_SMOOTH: Final = 20_000
_ROOM: Final = 250
_WHOLE: Final = Fraction(1, 50)
_NEAR: Final = 1e-6
_STILL: Final = (0.0,) * 7

type Keys = tuple[tuple[float, ...], ...]
type Point = tuple[float, float]


def resolve_keys(effect: Any, name: str) -> Keys | None:
    """The key frames of a time effect, None if it has none.

    Raises:
        ValueError: They are no rows of numbers, or their times do not rise.
    """
    held = metadata_of(effect).get("Resolve_OTIO")
    rows = held.get("Key Frames") if isinstance(held, Mapping) else None
    if not isinstance(rows, Iterable) or isinstance(rows, str | Mapping):
        return None
    keys = tuple(_row(row) for row in rows)
    if not keys:
        return None
    if not 2 <= len(keys) <= _MOST or not all(keys) or any(b[0] <= a[0] for a, b in pairwise(keys)):
        raise ValueError(f"the key frames of the speed curve of '{name}' are not as Resolve writes them")
    return keys


def _row(row: Any) -> tuple[float, ...]:
    """Time, place, smooth and two handles; () if it is no key."""
    if not isinstance(row, Iterable) or isinstance(row, str | Mapping):
        return ()
    values = [float(value) if isinstance(value, int | float) else float("nan") for value in row]
    if len(values) not in {2, 3, 7} or not all(isfinite(value) and abs(value) < 1e7 for value in values):
        return ()
    return (*values, *[0.0] * (7 - len(values)))


@dataclass(frozen=True, slots=True)
class Segment:
    """The way from one key to the next; ``handles`` are absolute points, None where it is straight."""

    start: tuple[Fraction, Fraction]
    stop: tuple[Fraction, Fraction]
    handles: tuple[Point, Point] | None = None

    def at(self, time: Fraction) -> Fraction:
        (t0, p0), (t1, p1) = self.start, self.stop
        if self.handles is None or not t0 < time < t1:
            return p0 + (p1 - p0) * (time - t0) / (t1 - t0)
        low, high, wanted = 0.0, 1.0, float(time)
        xs = float(t0), self.handles[0][0], self.handles[1][0], float(t1)
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if _bezier(xs, middle) < wanted else (low, middle)
        ys = float(p0), self.handles[0][1], self.handles[1][1], float(p1)
        return _snapped(Fraction(_bezier(ys, low)), Fraction(1, 10**5))


def _bezier(points: Sequence[float], u: float) -> float:
    v = 1 - u
    return points[0] * v**3 + 3 * points[1] * v * v * u + 3 * points[2] * v * u * u + points[3] * u**3


@dataclass(frozen=True, slots=True)
class Path:
    """A whole speed curve: places in the medium over times of the retimed medium, both in frames from its first one."""

    segments: tuple[Segment, ...]

    def at(self, time: Fraction) -> Fraction:
        """The place at a time; beyond the ends it runs on as in the first and last segment."""
        i = bisect_right(self.segments, time, key=lambda segment: segment.start[0]) - 1
        return self.segments[max(i, 0)].at(time)

    def time_of(self, place: Fraction, low: Fraction, high: Fraction) -> Fraction | None:
        """A time between two at which a place is reached, None if it is not."""
        rises = self.at(high) >= self.at(low)
        if not min(self.at(low), self.at(high)) <= place <= max(self.at(low), self.at(high)):
            return None
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if (self.at(middle) < place) == rises else (low, middle)
        return _snapped(high, Fraction(1, 1000))

    def curve(self, start: Fraction, length: Fraction, first: int) -> Curve:
        """The curve of a clip: times from its first frame, places counted from ``first`` on.

        Raises:
            ValueError: The clip is too long.
        """
        if length > _LONGEST:
            raise ValueError(f"a clip of {ceil(length)} frames is too long for a speed curve")
        knots = {time - start: place for segment in self.segments for time, place in (segment.start, segment.stop)}
        for segment in self.segments:
            if segment.handles is None:
                continue
            begin = max(floor(segment.start[0] - start) + 1, -_ROOM)
            end = min(ceil(segment.stop[0] - start), ceil(length) + _ROOM)
            if end - begin > _LONGEST_SMOOTH:
                raise ValueError(f"{end - begin} frames are too many for an eased speed curve")
            knots |= {Fraction(k): segment.at(k + start) for k in range(begin, end)}
        return Curve(tuple((time, knots[time] + first) for time in sorted(knots)))


def path_of(keys: Keys, name: str, record_rate: Fraction, media_rate: Fraction) -> Path:
    """The curve of a clip by its keys.

    Args:
        keys: As `resolve_keys` found them.
        name: The clip, for messages.
        record_rate: Frames per second of the timeline.
        media_rate: Frames per second of the medium.

    Raises:
        ValueError: The handles lead back in time, or stand on a key that is said to have none.
    """
    seconds = _seconds(keys, record_rate)
    x, y = record_rate * seconds, media_rate * seconds
    points = [(_frames(key[0], x), _frames(key[1], y)) for key in keys]
    segments = []
    for i, (start, stop) in enumerate(pairwise(points)):
        after = keys[i] if i > 0 else _STILL
        before = keys[i + 1] if i + 2 < len(points) else _STILL
        handles = (
            (float(start[0]) + after[5] * float(x), float(start[1]) + after[6] * float(y)),
            (float(stop[0]) + before[3] * float(x), float(stop[1]) + before[4] * float(y)),
        )
        bent = _bends(start, stop, handles)
        if bent and not all(float(start[0]) - _NEAR <= handle[0] <= float(stop[0]) + _NEAR for handle in handles):
            raise ValueError(f"the speed curve of '{name}' leads back in time")
        if bent and any(any(key[3:]) and not key[2] for key in (after, before)):
            raise ValueError(f"the speed curve of '{name}' has handles on a key that is not smooth")
        segments.append(Segment(start, stop, handles if bent else None))
    return Path(tuple(segments))


def _bends(start: tuple[Fraction, Fraction], stop: tuple[Fraction, Fraction], handles: Iterable[Point]) -> bool:
    """Whether a handle is off the straight way from start to stop."""
    run, rise = float(stop[0] - start[0]), float(stop[1] - start[1])
    return any(
        abs((px - float(start[0])) * rise - (py - float(start[1])) * run) > 1e-4 * max(run, 1.0) for px, py in handles
    )


def _seconds(keys: Keys, rate: Fraction) -> Fraction:
    """Length of a second of the keys: a true one, or one of timecode where only that puts the keys on whole frames."""
    nominal = Fraction(nominal_rate(rate)) / rate
    return nominal if not _on_frames(keys, rate) and _on_frames(keys, rate * nominal) else Fraction(1)


def _on_frames(keys: Keys, rate: Fraction) -> bool:
    times = [Fraction(key[0]) * rate for key in keys]
    return all(abs(time - round(time)) < _WHOLE for time in times)


def _frames(value: float, rate: Fraction) -> Fraction:
    return _snapped(Fraction(value) * rate, Fraction(1, 1000))


def _snapped(value: Fraction, near: Fraction) -> Fraction:
    return Fraction(round(value)) if abs(value - round(value)) < near else value.limit_denominator(1_000_000)
