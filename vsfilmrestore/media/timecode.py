"""Frame counts and timecode, in integers and fractions only.

Any positive rate counts (16 and 18 fps silents too). Drop frame follows SMPTE ST 12-1: at 29.97 the numbers 00 and 01
are left out at the start of each minute that ten does not divide, at 59.94 the numbers 00 to 03.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final

__all__ = ["exact_rate", "format_timecode", "nominal_rate", "parse_timecode", "rate_text"]

_TIMECODE: Final = re.compile(r"^\s*(\d{1,3})[:;.,](\d{1,2})[:;.,](\d{1,2})([:;.,])(\d{1,3})\s*$")
_NTSC_TOLERANCE: Final = Fraction(1, 200)


def exact_rate(rate: float | str | Fraction) -> Fraction:
    """Snap a rate as people and files write it to the exact fraction.

    ``23.976``, ``23.98`` and ``24000/1001`` all become ``Fraction(24000, 1001)``; 29.97 and 59.94 likewise; whole
    rates stay whole.

    Raises:
        ValueError: The rate is not a positive number.
    """
    value = Fraction(str(rate)) if isinstance(rate, float) else Fraction(rate)
    if value <= 0:
        raise ValueError(f"a frame rate must be above 0, not {rate}")
    return _snapped(value)


@lru_cache(maxsize=256)
def _snapped(value: Fraction) -> Fraction:
    nearest = round(value)
    if nearest and abs(value - nearest) < Fraction(1, 10**6):
        return Fraction(nearest)
    up = -(-value.numerator // value.denominator)
    ntsc = Fraction(up * 1000, 1001)
    if up % 6 == 0 and abs(value - ntsc) < _NTSC_TOLERANCE:
        return ntsc
    return value.limit_denominator(100_000)


def nominal_rate(rate: Fraction) -> int:
    """Frames that timecode counts in one of its seconds: 24 for 23.976, 30 for 29.97."""
    return max(1, round(rate))


def rate_text(rate: Fraction) -> str:
    """The rate as people write it: ``24``, ``23.976``, ``29.97``."""
    if rate.denominator == 1:
        return str(rate.numerator)
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def _dropped_per_minute(rate: Fraction) -> int:
    nominal = nominal_rate(rate)
    if nominal % 30:
        raise ValueError(f"drop-frame timecode exists at 29.97 and 59.94 fps only, not at {rate_text(rate)}")
    return nominal // 15


def parse_timecode(text: str, rate: Fraction, *, drop: bool | None = None) -> int:
    """Count of frames from 00:00:00:00 to the timecode.

    Args:
        text: ``HH:MM:SS:FF``; a ``;`` (or ``,``) before the frames means drop frame unless ``drop`` says otherwise.
        rate: Exact rate, see `exact_rate`.
        drop: Force drop (True) or non-drop (False) counting, whatever the separator.

    Raises:
        ValueError: Not a timecode, a field beyond its range, or a number that drop frame leaves out.
    """
    match = _TIMECODE.match(text)
    if not match:
        raise ValueError(f"'{text}' is not a timecode (HH:MM:SS:FF)")
    hours, minutes, seconds, frames = (int(match.group(i)) for i in (1, 2, 3, 5))
    nominal = nominal_rate(rate)
    if minutes > 59 or seconds > 59 or frames >= nominal:
        raise ValueError(f"timecode '{text}' does not exist at {rate_text(rate)} fps")
    if drop is None:
        drop = match.group(4) in ";," and nominal % 30 == 0 and rate.denominator != 1
    total_minutes = hours * 60 + minutes
    count = (total_minutes * 60 + seconds) * nominal + frames
    if drop:
        dropped = _dropped_per_minute(rate)
        if seconds == 0 and frames < dropped and minutes % 10:
            raise ValueError(f"timecode '{text}' is left out by drop-frame counting")
        count -= dropped * (total_minutes - total_minutes // 10)
    return count


def format_timecode(count: int, rate: Fraction, *, drop: bool = False) -> str:
    """Timecode of a frame count; the inverse of `parse_timecode`. Wraps at 24 hours."""
    nominal = nominal_rate(rate)
    separator = ":"
    if drop:
        dropped = _dropped_per_minute(rate)
        per_ten = nominal * 600 - dropped * 9
        per_minute = nominal * 60 - dropped
        tens, rest = divmod(count % (per_ten * 144), per_ten)
        count = count % (per_ten * 144) + dropped * 9 * tens
        if rest >= nominal * 60:
            count += dropped * (1 + (rest - nominal * 60) // per_minute)
        separator = ";"
    count %= nominal * 86_400
    seconds, frames = divmod(count, nominal)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    width = 3 if nominal > 100 else 2
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{separator}{frames:0{width}d}"
