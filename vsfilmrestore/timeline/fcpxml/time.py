"""Time as FCPXML writes it: exact seconds, frame rates, conformed rates and time maps.

What Final Cut Pro does is taken from Apple's FCPXML reference (Timing Attributes, conform-rate, timeMap) and from its
own exports. The shape of a smoothed speed transition (``smooth2`` with ``inTime`` and ``outTime``) is told nowhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Final

from vsfilmrestore.media.timecode import exact_rate, nominal_rate
from vsfilmrestore.timeline._xml import Node

__all__ = ["TimeMap", "conformed", "format_rate", "parts", "seconds", "time_map", "written_rate"]

_TIME: Final = re.compile(r"\s*([+-]?\d{1,20}(?:\.\d{1,15})?)(?:/(\d{1,20}))?\s*s?\s*")
_LONGEST: Final = 10_000_000
_NAMED_RATE: Final = re.compile(r"\d([pi])(2398|24|25|2997|30|4795|48|50|5994|60|90|100|120)(?!\d)")
_FILM, _VIDEO = frozenset({24, 48}), frozenset({25, 50})
_NTSC: Final = Fraction(1001, 1000)


@lru_cache(maxsize=4096)
def seconds(text: str) -> Fraction:
    """A time such as ``1001/30000s``, ``0s`` or ``3.5s``, exact.

    Raises:
        ValueError: Not a time, or beyond all time lines.
    """
    match = _TIME.fullmatch(text)
    if not match or (match[2] and not int(match[2])):
        raise ValueError(f"'{text[:40]}' is not a time in seconds")
    below = int(match[2] or 1)
    value = Fraction(match[1]) / below if "." in match[1] else Fraction(int(match[1]), below)
    if abs(value) > _LONGEST:
        raise ValueError(f"'{text[:40]}' is longer than any time line")
    return value


def parts(text: str) -> int:
    """Into how many parts a second is divided in a time as `seconds` reads it: 24000 in ``48048/24000s``."""
    match = _TIME.fullmatch(text)
    if not match:
        return 1
    digits = len(match[1].partition(".")[2])
    return max(int(match[2] or 1), 1) * int("1" + "0" * digits)


def written_rate(text: str) -> Fraction | None:
    """A rate as ``srcFrameRate`` has it (23.98, 25), None if it is none."""
    try:
        rate = exact_rate(Fraction(text))
    except (ValueError, ZeroDivisionError):
        return None
    return rate if 1 <= rate <= 1000 else None


def format_rate(node: Node) -> Fraction | None:
    """Frames per second of a ``format``, by its frame duration, else its name; None for stills and sound.

    Raises:
        ValueError: A frame duration that is none.
    """
    written = node.get("frameDuration")
    if written:
        duration = seconds(written)
        if not Fraction(1, 1000) <= duration <= 1:
            raise ValueError(f"a frame cannot last '{written}'")
        return exact_rate(1 / duration)
    match = _NAMED_RATE.search(node.get("name"))
    if match is None:
        return None
    digits = match[2] if len(match[2]) < 4 else f"{match[2][:2]}.{match[2][2:]}"
    rate = exact_rate(Fraction(digits))
    return rate / 2 if match[1] == "i" and nominal_rate(rate) > 30 else rate


def conformed(media: Fraction, line: Fraction) -> tuple[Fraction, bool]:
    """How Final Cut Pro plays media whose rate it conforms to the time line.

    23.98, 24, 25 and 50 play frame for frame in one another; otherwise an NTSC rate in a whole one plays as if it were
    whole, and the other way round. That 23.98 plays as 24 in 59.94 too is how real exports count.

    Returns:
        Seconds of media in a second of the time line, and whether that is known rather than concluded.
    """
    m, t = nominal_rate(media), nominal_rate(line)
    if (m in _FILM and t in _VIDEO) or (m in _VIDEO and t in _FILM):
        return line * (2 if m >= 48 else 1) / (2 if t >= 48 else 1) / media, True
    related = m == t or m == 2 * t or t == 2 * m
    ntsc = media.denominator != 1, line.denominator != 1
    if ntsc == (True, False):
        return _NTSC, related or (m in _FILM and not t % 30)
    if ntsc == (False, True):
        return 1 / _NTSC, related
    if ntsc == (True, True) and m in _FILM and not t % 30:
        return _NTSC, True
    if ntsc == (True, True) and t in _FILM and not m % 30:
        return 1 / _NTSC, False
    return Fraction(1), True


@dataclass(frozen=True, slots=True)
class TimeMap:
    """Which time of its content a clip shows at each time of its own, in seconds.

    Attributes:
        knots: (time of the clip, time of its content); straight between them.
        unknown: Stretches of the clip's time in which Final Cut Pro rounds the corner in a way nobody has written down.
        bare: Whether smoothing is asked for at a corner, but no time for it is given.
    """

    knots: tuple[tuple[Fraction, Fraction], ...]
    unknown: tuple[tuple[Fraction, Fraction], ...] = ()
    bare: bool = False


def time_map(node: Node) -> TimeMap | None:
    """The map a ``timeMap`` holds, None if it is empty.

    Raises:
        ValueError: A single point, or times that do not rise.
    """
    points = node.all("timept")
    knots = [(seconds(point.get("time")), seconds(point.get("value"))) for point in points]
    if not knots:
        return None
    if len(knots) == 1:
        raise ValueError("a time map needs two points or more")
    if any(b[0] <= a[0] for a, b in pairwise(knots)):
        raise ValueError("the times of a time map must rise")
    unknown, bare = [], False
    for i in range(1, len(knots) - 1):
        if points[i].get("interp", "smooth2") == "linear" or _slope(*knots[i - 1 : i + 1]) == _slope(*knots[i : i + 2]):
            continue
        stretch = _rounded(points[i], *(knot[0] for knot in knots[i - 1 : i + 2]))
        bare |= stretch is None
        unknown += [stretch] if stretch else []
    return TimeMap(tuple(knots), tuple(unknown), bare)


def _slope(a: tuple[Fraction, Fraction], b: tuple[Fraction, Fraction]) -> Fraction:
    return (b[1] - a[1]) / (b[0] - a[0])


def _rounded(point: Node, before: Fraction, time: Fraction, after: Fraction) -> tuple[Fraction, Fraction] | None:
    """The stretch in which the corner at a point is rounded off; None if no time for it is given."""
    if point.get("interp") == "smooth":
        return before, after
    into, out = (seconds(point.get(name, "0s")) for name in ("inTime", "outTime"))
    return (time - abs(into), time + abs(out)) if into or out else None
