"""What an OTIO clip tells of its media: which file, which reel, and how its frames are counted.

How hosts count is told in `timeline.otio.count`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import Any, Final

import opentimelineio as otio

from vsfilmrestore.media.timecode import exact_rate, nominal_rate
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.layers import whole
from vsfilmrestore.timeline.model import FrameRange, SourceKey
from vsfilmrestore.timeline.otio.count import Counted, counted
from vsfilmrestore.timeline.otio.json import metadata_of

__all__ = ["OWN", "Media", "exact", "media_of", "own_metadata", "rate_of"]

OWN: Final = "vsfilmrestore"
"""Our namespace in OTIO metadata."""

_LARGEST: Final = 1e12
_NOISE: Final = Fraction(1, 500)
_ROUNDED: Final = Fraction(1, 1010)  # less than what 1.001 makes of a frame
_PADDING: Final = re.compile(r"(?P<marks>\{:0?\d{0,2}d?\}|@+)(?=[^/]*$)")
_RANGE: Final = re.compile(r"(\d{1,9})-\d{1,9}(?P<marks>@+|#+)")
_REEL_PLACES: Final = (
    (OWN, "reel"),
    ("cmx_3600", "reel"),
    ("fcp_xml", "timecode", "reel", "name"),
    ("fcp_xml", "file", "timecode", "reel", "name"),
    ("Resolve_OTIO", "Reel Name"),
    ("Resolve_OTIO", "Reel"),
    ("ALE", "Tape"),
    ("ALE", "Reel"),
    ("AAF", "SourceMobAttribute", "TapeID"),
    ("foundry.source.reelID",),
    ("media.exr.reelName",),
    ("media.input.reelname",),
    ("reel_name",),
    ("reel",),
)


@dataclass(frozen=True, slots=True)
class Media:
    """The medium of a clip (its `start` is not used) and the clip's in point in it, exact, in source frames."""

    source: SourceKey
    low: Fraction


def exact(value: float) -> Fraction:
    """A number of the file as a fraction, free of the noise of sums in floating point.

    Raises:
        ValueError: Not a number, or beyond all frame counts.
    """
    if not isfinite(value) or abs(value) > _LARGEST:
        raise ValueError(f"{value} is not a time")
    if value == int(value):
        return Fraction(int(value))
    fraction = Fraction(value)
    near = whole(fraction)
    return Fraction(near) if abs(fraction - near) < _ROUNDED else fraction.limit_denominator(1_000_000)


def rate_of(time: Any) -> Fraction:
    """Exact rate of a RationalTime.

    Raises:
        ValueError: Not above 0, or out of all bounds.
    """
    return _rate(float(time.rate))


@lru_cache(maxsize=64)
def _rate(value: float) -> Fraction:
    rate = exact_rate(value) if isfinite(value) and value > 0 else Fraction(0)
    if not Fraction(1, 100) <= rate <= 1_000_000:
        raise ValueError(f"{value} is not a frame rate")
    return rate


def _rate_in(span: Any) -> Fraction:
    """The rate of a TimeRange. A start of 0 may be counted in anything: programs leave it at 1 a second."""
    return rate_of(span.start_time if span.start_time.value or not span.duration.value else span.duration)


def own_metadata(thing: Any) -> dict[str, Any]:
    """What we wrote into an object's metadata ourselves, {} if nothing."""
    own = metadata_of(thing).get(OWN)
    return dict(own) if isinstance(own, Mapping) else {}


def media_of(clip: Any, remarks: Remarks) -> Media:
    """The media of a clip.

    Args:
        clip: An OTIO clip.
        remarks: Told where clip and media cannot be brought together.

    Raises:
        ValueError: Times that are no times.
    """
    reference = clip.media_reference
    used = clip.trimmed_range()
    known = reference.available_range
    rate = _rate_in(used if known is None else known)
    if _is_sequence(reference) and reference.rate > 0 and known is None:
        rate = exact_rate(float(reference.rate))
    available = _available(known, rate)
    length = max(1, whole(exact(used.duration.value) * rate / rate_of(used.duration)))
    told = Counted(_in_point(used.start_time, rate, reference), available)
    own = own_metadata(clip)
    if isinstance(own.get("has_timecode"), bool):
        count = replace(told, timecode=own["has_timecode"])
    else:
        count = counted(told, length, rate, _first_number(reference), _hiero_timecode(reference))
    if available is not None and count.available is None:
        remarks.add(f"'{clip.name}' uses none of the frames the file says its media has; handles are unknown")
    source = SourceKey(
        name=str(own.get("source_name") or reference.name or clip.name or ""),
        reel=_reel(clip, reference),
        url=_url(reference),
        start=0,
        rate=rate,
        has_timecode=count.timecode,
        available=count.available,
        drop=bool(own.get("source_drop", False)) and nominal_rate(rate) % 30 == 0,
    )
    return Media(source, count.low)


def _in_point(used: Any, rate: Fraction, reference: Any) -> Fraction:
    """The clip's in point in source frames, free of rounding noise.

    Where clip and media differ only by the factor 1.001, hosts that count frames write whole numbers, and those that
    count time do not; Hiero always counts time.
    """
    own, value = rate_of(used), exact(used.value)
    low = value * rate / own
    if own != rate and nominal_rate(own) == nominal_rate(rate) and value.denominator == 1:
        low = low if _hiero(reference) else value
    return Fraction(whole(low)) if abs(low - whole(low)) < _NOISE else low


def _available(known: Any, rate: Fraction) -> FrameRange | None:
    if known is None:
        return None
    first = whole(exact(known.start_time.value))
    length = whole(exact(known.duration.value) * rate / rate_of(known.duration))
    return FrameRange(first, first + length) if length > 0 else None


def _is_sequence(reference: Any) -> bool:
    return isinstance(reference, otio.schema.ImageSequenceReference)


def _first_number(reference: Any) -> int | None:
    """Number of the first file of an image sequence; None for movies."""
    if _is_sequence(reference):
        return int(reference.start_frame)
    name = _target(reference).replace("\\", "/").rsplit("/", 1)[-1]
    if match := _RANGE.search(name):
        return int(match[1])
    if _PADDING.search(name) and reference.available_range is not None:
        # xStudio and others name the files by a pattern, and count the media by the files' numbers.
        return whole(exact(reference.available_range.start_time.value))
    return None


def _hiero(reference: Any) -> bool:
    return "foundry.source.starttime" in metadata_of(reference)


def _hiero_timecode(reference: Any) -> int | None:
    """Hiero counts a sequence by the files' numbers, and keeps the timecode of the first one beside it."""
    told = metadata_of(reference)
    number, timecode = (str(told.get(f"foundry.source.{key}", "")) for key in ("starttime", "timecode"))
    if not re.fullmatch(r"\d{1,9}", timecode) or not re.fullmatch(r"\d{1,9}", number):
        return None
    return int(timecode) if int(timecode) > int(number) else None


def _url(reference: Any) -> str:
    if not _is_sequence(reference):
        url = _target(reference)
        head, slash, name = url.rpartition("/")
        return head + slash + _PADDING.sub(_as_percent, _RANGE.sub(_as_percent, name))
    base = reference.target_url_base.replace("\\", "/")
    slash = "/" if base and not base.endswith("/") else ""
    padding = f"%0{reference.frame_zero_padding}d" if reference.frame_zero_padding else "%d"
    return f"{base}{slash}{reference.name_prefix}{padding}{reference.name_suffix}"


def _target(reference: Any) -> str:
    """The path of a medium, also of one the host has lost but still names."""
    url = getattr(reference, "target_url", "")
    resolve = metadata_of(reference).get("Resolve_OTIO")
    lost = resolve.get("Media Url") if isinstance(resolve, Mapping) else None
    return next((str(text) for text in (url, lost, metadata_of(reference).get("original_target_url")) if text), "")


def _as_percent(match: re.Match[str]) -> str:
    """``%04d`` for the ways of other programs: ``{:04d}``, ``1001-1100@@@@``, ``1001-1100#`` (four digits)."""
    marks = match["marks"]
    if marks.startswith("{"):
        digits = int(re.sub(r"\D", "", marks) or 0)
    else:
        digits = 4 * len(marks) if match.re is _RANGE and marks[0] == "#" else len(marks)
    return f"%0{digits}d" if digits > 1 else "%d"


def _reel(clip: Any, reference: Any) -> str:
    for told in (metadata_of(clip), metadata_of(reference)):
        for place in _REEL_PLACES:
            value: Any = told
            for key in place:
                value = value.get(key) if isinstance(value, Mapping) else None
            if isinstance(value, str) and value.strip():
                return value.strip()
    return ""
