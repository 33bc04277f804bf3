"""Markers on OTIO clips: each host keeps their texts in its own place and counts their frames its own way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from vsfilmrestore.timeline.grammar import find_settings
from vsfilmrestore.timeline.model import Strength
from vsfilmrestore.timeline.notes import metadata_settings
from vsfilmrestore.timeline.otio.clip import Placed
from vsfilmrestore.timeline.otio.json import metadata_of
from vsfilmrestore.timeline.otio.media import exact, own_metadata, rate_of

__all__ = ["ClipMark", "clip_marks", "counts_record", "marker_colour", "marker_texts"]


@dataclass(frozen=True, slots=True)
class ClipMark:
    """A marker on a clip.

    Attributes:
        texts: Name, then comments.
        colour: As the host calls it.
        frames: Media frames it covers, in the counting of the clip's in point; None: the whole clip.
        point: Whether it is a plain marker that speaks for the whole shot.
        strength: Where the text stood at first; other than a clip marker where we wrote it ourselves.
        record: Record frames it covers from the clip's first one on, where we wrote so and media frames do not tell.
    """

    texts: tuple[str, ...]
    colour: str
    frames: tuple[Fraction, Fraction] | None
    point: bool
    strength: Strength
    record: tuple[int, int] | None = None


def marker_texts(marker: Any) -> tuple[str, ...]:
    """Name and comments of a marker: Resolve keeps its note in metadata, the FCP 7 adapter its comment."""
    texts = [marker.name or "", marker.comment or ""]
    for host, key in (("Resolve_OTIO", "Note"), ("fcp_xml", "comment")):
        held = metadata_of(marker).get(host)
        if isinstance(held, Mapping) and isinstance(held.get(key), str):
            texts.append(held[key])
    known = {find_settings(text) for text in texts}
    texts += [f"VSFR {words}" for words in metadata_settings(metadata_of(marker)) if words not in known]
    return tuple(dict.fromkeys(texts))


def marker_colour(marker: Any) -> str:
    """The colour of a marker, as the host that set it calls it."""
    own = own_metadata(marker).get("colour")
    return own if isinstance(own, str) else str(marker.color or "")


def clip_marks(clip: Any, placed: Placed) -> list[ClipMark]:
    """The markers of a clip, brought to media frames.

    Args:
        clip: An OTIO clip.
        placed: What it shows.
    """
    return [_clip_mark(clip, marker, placed) for marker in clip.markers if not counts_record(marker)]


def counts_record(marker: Any) -> bool:
    """Whether a clip's marker stands at a record timecode: the CMX adapter's locators do."""
    return "cmx_3600" in metadata_of(marker)


def _clip_mark(clip: Any, marker: Any, placed: Placed) -> ClipMark:
    marked, piece = marker.marked_range, placed.piece
    assert piece.source is not None
    texts, colour = marker_texts(marker), marker_colour(marker)
    rate = piece.source.rate
    length = exact(marked.duration.value) * rate / rate_of(marked.duration)
    own = own_metadata(marker)
    try:
        strength = Strength(str(own.get("strength", Strength.CLIP_MARKER)))
    except ValueError:
        strength = Strength.CLIP_MARKER
    uneven = piece.curve is not None or piece.step == 0
    record = own.get("record")
    if uneven and isinstance(record, Iterable) and not isinstance(record, str):
        span = [int(frame) for frame in record if isinstance(frame, int)]
        if len(span) == 2 and 0 <= span[0] < span[1]:
            return ClipMark(texts, colour, (Fraction(0), Fraction(0)), False, strength, (span[0], span[1]))
    whole_clip = str(metadata_of(marker).get("applieswhole", "0")) in {"1", "True"}
    if whole_clip or (not length and not marked.start_time.value) or (piece.step == 0 and piece.curve is None):
        return ClipMark(texts, colour, None, True, strength)
    used = clip.trimmed_range().start_time
    # Frames from the clip's in point, in media frames, at normal speed.
    ahead = exact(marked.start_time.value) * rate / rate_of(marked.start_time)
    ahead -= exact(used.value) * rate / rate_of(used)
    low = placed.media.low + ahead
    size = max(length, Fraction(1))
    if "Resolve_OTIO" in metadata_of(marker) and (piece.speed != 1 or piece.curve is not None):
        low, size = _resolve_place(clip, marker, placed, size)
    return ClipMark(texts, colour, (low, low + size), length <= 1, strength)


def _resolve_place(clip: Any, marker: Any, placed: Placed, size: Fraction) -> tuple[Fraction, Fraction]:
    """Resolve counts a retimed clip's markers in the retimed clip, from the first frame of the media."""
    piece, known = placed.piece, placed.media.source.available
    assert piece.source is not None
    at = exact(marker.marked_range.start_time.value) * piece.source.rate / rate_of(marker.marked_range.start_time)
    known_start = clip.media_reference.available_range
    first = exact(known_start.start_time.value) if known_start is not None else Fraction(0)
    if piece.curve is not None:
        records = abs(piece.step / piece.speed) if piece.speed else Fraction(1)
        begin = (at - first) / records - placed.ahead
        places = piece.curve.at(begin), piece.curve.at(begin + size / records)
        return min(places), max(abs(places[1] - places[0]), Fraction(1))
    base = Fraction(known.start) if known is not None else first
    speed = piece.speed
    ahead, size = (at - first) * abs(speed), size * abs(speed)
    if speed > 0:
        return base + ahead, size
    stop = Fraction(known.stop) if known is not None else base
    return stop - ahead - size, size
