"""What our own writer keeps in OTIO metadata beside what OTIO has fields for, read back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from vsfilmrestore.media.timecode import exact_rate, nominal_rate
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.layers import Piece
from vsfilmrestore.timeline.model import FrameRange, SourceKey

__all__ = ["own_curve", "own_fraction", "own_outgoing", "own_speed"]

_FRACTION: Final = re.compile(r"^-?\d{1,30}(?:/\d{1,30})?$")
_MOST_KNOTS: Final = 2_000_000


def own_fraction(value: object) -> Fraction:
    """A number as we write it, ``24000/1001``.

    Raises:
        ValueError: It is none, or one that would fill the memory.
    """
    text = str(value)
    if not _FRACTION.match(text) or text.endswith("/0"):
        raise ValueError(f"'{text[:40]}' is not a number")
    return Fraction(text)


def own_speed(own: Mapping[str, Any], told: Fraction) -> Fraction:
    """The exact speed of a clip we wrote, as long as it is the one the clip's effects tell."""
    try:
        speed = own_fraction(own.get("speed"))
    except (ValueError, ZeroDivisionError):
        return told
    return speed if abs(speed - told) < Fraction(1, 10**6) else told


def own_curve(own: Mapping[str, Any], used: Any) -> Curve | None:
    """The curve of a clip we wrote; None where there is none, or the clip was trimmed since."""
    held = own.get("curve")
    if not isinstance(held, Mapping):
        return None
    if (held.get("start"), held.get("duration")) != (used.start_time.value, used.duration.value):
        return None
    return _curve(held.get("knots"))


def own_outgoing(own: Mapping[str, Any], start: Fraction, stop: Fraction, rate: Fraction) -> Piece | None:
    """What fades away over some record frames, where we wrote it into a transition."""
    held = own.get("outgoing")
    if not isinstance(held, Mapping):
        return None
    try:
        source = _source(held.get("source"))
        speed, phase = own_fraction(held["speed"]), own_fraction(held["phase"])
    except (KeyError, ValueError, TypeError, ZeroDivisionError):
        return None
    name, curve = str(held.get("name", "")), _curve(held.get("knots"))
    if source is None:
        return Piece(name, start, stop)
    step = speed * source.rate / rate
    return Piece(name, start, stop, source, source.start + phase, step, speed, curve=curve)


def _curve(knots: Any) -> Curve | None:
    try:
        points = [(own_fraction(time), own_fraction(place)) for time, place in list(knots)[:_MOST_KNOTS]]
        return Curve(tuple(points)) if len(points) > 1 and all(a < b for (a, _), (b, _) in pairwise(points)) else None
    except (ValueError, TypeError, ZeroDivisionError):
        return None


def _source(held: Any) -> SourceKey | None:
    if not isinstance(held, Mapping):
        return None
    known = held.get("available")
    span = [int(frame) for frame in known] if isinstance(known, Iterable) else []
    rate = exact_rate(own_fraction(held["rate"]))
    return SourceKey(
        name=str(held["name"]),
        reel=str(held["reel"]),
        url=str(held["url"]),
        start=int(held["start"]),
        rate=rate,
        has_timecode=bool(held["has_timecode"]),
        available=FrameRange(span[0], span[1]) if len(span) == 2 else None,
        drop=bool(held["drop"]) and nominal_rate(rate) % 30 == 0,
    )
