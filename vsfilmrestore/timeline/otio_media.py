"""What an OTIO clip tells of its media: which file, which reel, and how its frames are counted.

Hosts differ. Resolve counts from 0 where there is no timecode, although the files are numbered from 1001; Hiero counts
the clip from 0 and the media from its first file number or timecode; others count both in timecode.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any, Final

import opentimelineio as otio

from vsfilmrestore.media.timecode import exact_rate
from vsfilmrestore.timeline.layers import whole
from vsfilmrestore.timeline.model import FrameRange, SourceKey

__all__ = ["OWN", "Media", "exact", "media_of", "own_metadata", "rate_of"]

OWN: Final = "vsfilmrestore"
"""Our namespace in OTIO metadata."""

_LARGEST: Final = 1e12
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
    fraction = Fraction(value)
    near = whole(fraction)
    return Fraction(near) if abs(fraction - near) < Fraction(1, 1000) else fraction.limit_denominator(1_000_000)


def rate_of(time: Any) -> Fraction:
    """Exact rate of a RationalTime.

    Raises:
        ValueError: Not above 0, or out of all bounds.
    """
    rate = exact_rate(float(time.rate)) if isfinite(time.rate) and time.rate > 0 else Fraction(0)
    if not Fraction(1, 100) <= rate <= 1_000_000:
        raise ValueError(f"{time.rate} is not a frame rate")
    return rate


def own_metadata(thing: Any) -> dict[str, Any]:
    """What we wrote into an object's metadata ourselves, {} if nothing."""
    own = thing.metadata.get(OWN)
    return dict(own) if isinstance(own, Mapping) else {}


def media_of(clip: Any) -> Media:
    """The media of a clip.

    Raises:
        ValueError: Times that are no times.
    """
    reference = clip.media_reference
    used = clip.trimmed_range().start_time
    known = reference.available_range
    rate = rate_of(known.start_time) if known is not None else rate_of(used)
    if isinstance(reference, otio.schema.ImageSequenceReference) and reference.rate > 0 and known is None:
        rate = exact_rate(float(reference.rate))
    low = exact(used.value) * rate / rate_of(used)
    available = _available(known, rate)
    timed, low, available = _counting(low, available, _first_number(reference))
    own = own_metadata(clip)
    if isinstance(own.get("has_timecode"), bool):
        timed = own["has_timecode"]
    elif available is None:
        # Nothing tells what is counted: an hour of leader is rarer than timecode.
        timed = low >= 3600 * rate
    source = SourceKey(
        name=str(own.get("source_name") or reference.name or clip.name or ""),
        reel=_reel(clip, reference),
        url=_url(reference),
        start=0,
        rate=rate,
        has_timecode=timed,
        available=available,
        drop=bool(own.get("source_drop", False)),
    )
    return Media(source, low)


def _available(known: Any, rate: Fraction) -> FrameRange | None:
    if known is None:
        return None
    first = whole(exact(known.start_time.value))
    length = whole(exact(known.duration.value) * rate / rate_of(known.duration))
    return FrameRange(first, first + length) if length > 0 else None


def _counting(
    low: Fraction, available: FrameRange | None, first_number: int | None
) -> tuple[bool, Fraction, FrameRange | None]:
    """Whether the clip counts timecode, and its in point and media brought to one counting."""
    if available is None or available.start <= 0:
        return False, low, available
    if low + 1 <= available.start and low < len(available):
        low += available.start
    if available.start == first_number:
        return False, low - available.start, FrameRange(0, len(available))
    return True, low, available


def _first_number(reference: Any) -> int | None:
    return int(reference.start_frame) if isinstance(reference, otio.schema.ImageSequenceReference) else None


def _url(reference: Any) -> str:
    if isinstance(reference, otio.schema.ImageSequenceReference):
        base = reference.target_url_base.replace("\\", "/")
        slash = "/" if base and not base.endswith("/") else ""
        padding = f"%0{reference.frame_zero_padding}d" if reference.frame_zero_padding else "%d"
        return f"{base}{slash}{reference.name_prefix}{padding}{reference.name_suffix}"
    return str(getattr(reference, "target_url", "") or "")


def _reel(clip: Any, reference: Any) -> str:
    for thing in (clip, reference):
        for place in _REEL_PLACES:
            value: Any = thing.metadata
            for key in place:
                value = value.get(key) if isinstance(value, Mapping) else None
            if isinstance(value, str) and value.strip():
                return value.strip()
    return ""
