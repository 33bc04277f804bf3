"""One OTIO clip as a piece of its medium: counting, speed and rates brought together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import Any, Final

from vsfilmrestore.media.timecode import nominal_rate, rate_text
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.layers import Piece
from vsfilmrestore.timeline.model import FrameRange
from vsfilmrestore.timeline.otio.curve import Path, path_of
from vsfilmrestore.timeline.otio.json import metadata_of
from vsfilmrestore.timeline.otio.media import Media, media_of, own_metadata
from vsfilmrestore.timeline.otio.own import own_curve, own_fraction, own_speed
from vsfilmrestore.timeline.otio.time import motion_of

__all__ = ["Placed", "is_premiere", "place_clip"]

_ZERO: Final = Fraction(0)


@dataclass(frozen=True, slots=True)
class Placed:
    """A clip laid from record time 0 on.

    Attributes:
        piece: What it shows.
        media: Its medium, as the file counts it.
        ahead: Where a speed curve counts from: record frames between the first frame of the retimed medium and the
            clip; 0 without a curve.
    """

    piece: Piece
    media: Media
    ahead: Fraction = _ZERO


def is_premiere(root: Any) -> bool:
    """Whether Premiere wrote the file."""
    return any("PremierePro_OTIO" in metadata_of(thing) for thing in (root, getattr(root, "tracks", root)))


def place_clip(clip: Any, length: Fraction, rate: Fraction, remarks: Remarks, *, premiere: bool) -> Placed:
    """A clip with media as a piece from time 0 on.

    Args:
        clip: An OTIO clip.
        length: Record frames it takes.
        rate: Exact record rate.
        remarks: Told of rates, stills and doubtful in points.
        premiere: Whether Premiere wrote it, which counts reversed clips from the end of the media.

    Raises:
        ValueError: Times that are no times, or speeds that are not told.
    """
    media = media_of(clip, remarks)
    own = own_metadata(clip)
    if own.get("source_rate") != str(media.source.rate):  # else we wrote it, and mean it as it stands
        media = replace(media, source=replace(media.source, rate=_rate(media.source.rate, rate, remarks)))
    motion = motion_of(clip, remarks)
    piece = _piece(clip, media, length)
    curve = own_curve(own, clip.trimmed_range())
    if curve is not None:
        bent = _along(piece, curve, rate)
        return Placed(replace(bent, speed=own_fraction(own.get("speed", 1))), media)
    if motion.keys is not None:
        path = path_of(motion.keys, clip.name, rate, media.source.rate)
        first = _first_place(clip, media)
        ahead = _start_of(path, clip, media.low - first, rate / media.source.rate)
        return Placed(_along(piece, path.curve(ahead, length, first), rate), media, ahead)
    speed = own_speed(own, motion.speed)
    if speed == 1 and _is_still(media, length):
        remarks.add("stills are held for the length of their clips")
        speed, media = _ZERO, replace(media, low=Fraction(_known(media).start))
    step = speed * media.source.rate / rate
    if speed < 0 and premiere and media.source.available is not None:
        media = replace(media, low=_from_the_end(clip, media, length * -step, remarks))
    if media.low < 0:
        raise ValueError(f"'{clip.name}' starts before the first frame of its media")
    return Placed(replace(piece, low=media.low, step=step, speed=speed), media)


def _rate(source: Fraction, record: Fraction, remarks: Remarks) -> Fraction:
    if source == record:
        return source
    if nominal_rate(source) == nominal_rate(record):
        remarks.add(f"media at {rate_text(source)} fps is played frame for frame")
        return record
    remarks.add(f"media at {rate_text(source)} fps is played in time")
    return source


def _piece(clip: Any, media: Media, length: Fraction) -> Piece:
    own = own_metadata(clip)
    comments = own.get("comments")
    texts = comments if isinstance(comments, Iterable) and not isinstance(comments, str) else ()
    return Piece(
        clip.name or media.source.label,
        _ZERO,
        length,
        media.source,
        event=str(own.get("event", "")),
        comments=tuple(str(text) for text in texts),
        colour=_colour(clip, own),
    )


def _colour(clip: Any, own: Mapping[str, Any]) -> str:
    """The label of a clip: ours, the one of an FCP 7 XML, or OTIO's own."""
    held: Any = metadata_of(clip).get("fcp_xml")
    labels = held.get("labels") if isinstance(held, Mapping) else None
    label = labels.get("label2") if isinstance(labels, Mapping) else None
    for name in (own.get("colour"), label):
        if isinstance(name, str) and name:
            return name
    colour = getattr(clip, "color", None)
    if colour is None:
        return ""
    parts = (min(max(round(part * 255), 0), 255) for part in (colour.r, colour.g, colour.b))
    return str(colour.name) or "#" + "".join(f"{part:02x}" for part in parts)


def _along(piece: Piece, curve: Curve, rate: Fraction) -> Piece:
    assert piece.source is not None
    bent = replace(piece, curve=curve)
    low, _ = bent.span()
    if low < 0:
        raise ValueError(f"the speed curve of '{piece.name}' leads before the first frame of its media")
    step = (curve.at(piece.stop) - curve.at(_ZERO)) / piece.stop
    return replace(bent, low=low, step=step, speed=step * rate / piece.source.rate)


def _known(media: Media) -> FrameRange:
    known = media.source.available
    return known if known is not None else FrameRange(floor(media.low), floor(media.low) + 1)


def _is_still(media: Media, length: Fraction) -> bool:
    return media.source.available is not None and len(media.source.available) == 1 < length


def _from_the_end(clip: Any, media: Media, run: Fraction, remarks: Remarks) -> Fraction:
    """In point of a clip Premiere plays backwards: its offset counts from the last frame of the media."""
    known = _known(media)
    low = known.stop - (media.low - known.start) - run
    if low < known.start:
        return media.low
    if low != media.low:
        remarks.add(
            f"'{clip.name}' plays backwards: Premiere counts where it begins from the end of its media; "
            "compare its first frame with the cut"
        )
    return low


def _first_place(clip: Any, media: Media) -> int:
    known = media.source.available
    if known is not None:
        return known.start
    if media.source.has_timecode:
        raise ValueError(f"'{clip.name}' has a speed curve, but the file does not tell where its media begins")
    return 0


def _start_of(path: Path, clip: Any, low: Fraction, records: Fraction) -> Fraction:
    """Where on a speed curve a clip begins, in record frames.

    The in point stands in the file as a place in the medium or as a time of the retimed medium; where the two are not
    the same, the key frames of Resolve's zoom, which start at the front of the retimed medium, tell which is meant.
    """
    time = low * records
    if abs(path.at(time) - low) < Fraction(1, 2):
        return time
    front = _zoom_front(clip)
    if front is not None:
        near_time = abs(time - front) <= 1
        found = path.time_of(low, Fraction(max(front - 1, 0)), Fraction(front + 1))
        if near_time and found is None:
            return time
        if found is not None and not near_time:
            return found
    raise ValueError(f"'{clip.name}' has a speed curve, and the file does not tell where on it the clip begins")


def _zoom_front(clip: Any) -> int | None:
    """Record frames of the retimed medium before the clip, by the first key of its (mostly unused) zoom."""
    for effect in clip.effects:
        host = metadata_of(effect).get("Resolve_OTIO")
        if not isinstance(host, Mapping) or host.get("Name") != "Dynamic Zoom":
            continue
        for parameter in host.get("Parameters") or ():
            keys = parameter.get("Key Frames") if isinstance(parameter, Mapping) else None
            if isinstance(keys, Mapping) and keys and all(str(key).lstrip("-").isdecimal() for key in keys):
                return max(-min(int(str(key)[:10]) for key in keys), 0)
    return None
