"""Facts of a media file out of its container, by PyAV: no frame is decoded, no index made.

Timecode is looked for where containers keep it: a tmcd track (MOV), the material package (MXF), TIMECODE tags (MKV,
AVI). The reel name likewise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av

from vsfilmrestore.errors import MediaError
from vsfilmrestore.media.colour import UNSPECIFIED, ColourTags
from vsfilmrestore.media.model import Probe
from vsfilmrestore.media.timecode import exact_rate, parse_timecode

__all__ = ["ContainerFacts", "probe_file", "read_container"]

_REEL_KEYS: Final = ("reel_name", "reel", "tape", "tape_name", "com.apple.quicktime.reel", "reelname")
_TICKS: Final = 3
"""How far above the frame rate a rate of frames is one of ticks."""
_TELLS_LENGTH: Final = frozenset({"matroska", "webm", "mov", "mp4", "mxf", "avi"})


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """What a media file tells of itself.

    Attributes:
        width: Of the coded picture.
        height: Of the coded picture.
        rates: Frame rates it can be read as, the likeliest first.
        length: Frames, None if not told.
        exact: Whether ``length`` is a count.
        own: Whether the length is that of the video track (else of the longest track).
        trusted: Whether the length stands in a header (else it was guessed from the bit rate).
        timecode: '' if none.
        reel: '' if none.
        sample_aspect: Width of a pixel over its height.
        colour: Tags as told.
        audio_tracks: How many there are.
        alpha: Whether the pictures have a channel of transparency.
        seconds: How long the container says it is, None if it does not.
    """

    width: int
    height: int
    rates: tuple[Fraction, ...]
    length: int | None
    exact: bool
    own: bool
    trusted: bool
    timecode: str
    reel: str
    sample_aspect: Fraction
    colour: ColourTags
    audio_tracks: int
    alpha: bool = False
    seconds: Fraction | None = None


def read_container(path: Path) -> ContainerFacts:
    """Facts of a media file's first picture track.

    Raises:
        MediaError: No such file, not a media file, truncated before its index, or without pictures.
    """
    _check_there(path)
    try:
        with av.open(str(path)) as container:
            return _facts(path, container)
    except (av.FFmpegError, OSError, UnicodeError) as error:
        raise MediaError(
            "the file cannot be read; it is not a media file, or it was cut off before its end was written",
            file=path,
            hint="Copy it again, or play it to see whether it is whole",
        ) from error


def probe_file(path: Path) -> Probe:
    """`Probe` of a media file.

    Raises:
        MediaError: As `read_container`.
    """
    facts = read_container(path)
    start, has_timecode, drop, remarks = start_count(facts.timecode, facts.rates[0])
    return Probe(
        path=path,
        kind="file",
        name=path.stem,
        width=facts.width,
        height=facts.height,
        rate=facts.rates[0],
        length=facts.length or 0,
        exact=facts.exact,
        start=start,
        has_timecode=has_timecode,
        drop=drop,
        reel=facts.reel,
        first_number=0,
        sample_aspect=facts.sample_aspect,
        log=False,
        has_audio=facts.audio_tracks > 0,
        colour=facts.colour,
        remarks=remarks,
    )


def start_count(timecode: str, rate: Fraction) -> tuple[int, bool, bool, tuple[str, ...]]:
    """Frame count, whether there is one, whether it is drop frame, and remarks, of a container's timecode."""
    if not timecode:
        return 0, False, False, ()
    drop = rate in (Fraction(30000, 1001), Fraction(60000, 1001)) and timecode[-3:-2] in (";", ",", ".")
    try:
        return parse_timecode(timecode, rate, drop=drop), True, drop, ()
    except ValueError as error:
        return 0, False, False, (f"the file's timecode is not used: {error}",)


def _check_there(path: Path) -> None:
    if not path.exists():
        raise MediaError("there is no such file", file=path)
    if not path.is_file():
        raise MediaError("this is not a file", file=path)
    if path.stat().st_size == 0:
        raise MediaError("the file is empty", file=path)


def _facts(path: Path, container: Any) -> ContainerFacts:
    # A cover picture is no film.
    streams = [s for s in container.streams.video if not _is_cover(s)]
    if not streams:
        cut = "no pictures, or it was cut off before its end was written"
        held = "sound only" if container.streams.audio else cut
        raise MediaError(f"the file holds {held}", file=path)
    stream = streams[0]
    context = stream.codec_context
    if not context or not context.width or not context.height:
        raise MediaError("the file's pictures are of a kind that cannot be decoded, or it is truncated", file=path)
    rates = _rates(stream)
    if not rates:
        raise MediaError("the file tells no frame rate", file=path)
    length, exact, own = _length(container, stream, rates[0])
    tags = list(_all_tags(container, stream))
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    return ContainerFacts(
        width=context.width,
        height=context.height,
        rates=rates,
        length=length,
        exact=exact,
        own=own,
        trusted=bool(_TELLS_LENGTH.intersection(container.format.name.split(","))),
        timecode=_first(tags, ("timecode",)),
        reel=_first(tags, _REEL_KEYS),
        sample_aspect=aspect if aspect > 0 else Fraction(1),
        colour=_colour(context),
        audio_tracks=len(container.streams.audio),
        alpha=_has_alpha(context) or _first([stream.metadata], ("alpha_mode",)) == "1",
        seconds=Fraction(container.duration, av.time_base) if container.duration else None,
    )


def _has_alpha(context: Any) -> bool:
    return bool(context.format) and any(part.is_alpha for part in context.format.components)


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _rates(stream: Any) -> tuple[Fraction, ...]:
    told = (stream.guessed_rate, stream.average_rate, stream.base_rate)
    sane = [exact_rate(Fraction(r)) for r in told if r and 0 < r <= 1000]
    return tuple(dict.fromkeys(sane))


def _length(container: Any, stream: Any, rate: Fraction) -> tuple[int | None, bool, bool]:
    """Frames, whether they were counted, and whether they are the video track's own."""
    # An AVI may count the ticks of its clock for frames.
    if stream.frames and (stream.average_rate or 0) <= _TICKS * rate:
        return int(stream.frames), True, True
    if stream.duration and stream.time_base:
        return round(stream.duration * stream.time_base * rate), False, True
    if seconds := _seconds(_first([stream.metadata], ("duration",))):
        return round(seconds * rate), False, True
    if container.duration:
        own = not container.streams.audio  # the container's duration is that of its longest track
        return round(Fraction(container.duration, av.time_base) * rate), False, own
    return None, False, False


def _seconds(text: str) -> Fraction | None:
    """``HH:MM:SS.fraction`` of a Matroska tag."""
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return None


def _all_tags(container: Any, stream: Any) -> Iterator[Mapping[str, str]]:
    yield stream.metadata
    yield from (s.metadata for s in container.streams.data)
    yield container.metadata


def _first(tags: list[Mapping[str, str]], keys: tuple[str, ...]) -> str:
    for mapping in tags:
        lower = {k.lower(): v for k, v in mapping.items()}
        for key in keys:
            if text := str(lower.get(key, "")).strip():
                return text
    return ""


def _colour(context: Any) -> ColourTags:
    def told(value: object) -> int | None:
        number = int(value) if isinstance(value, int) else UNSPECIFIED
        return None if number == UNSPECIFIED or number < 0 else number

    full = {1: False, 2: True}.get(int(context.color_range or 0))
    rgb = bool(context.format and context.format.is_rgb)
    return ColourTags(
        matrix=0 if rgb else told(context.colorspace),
        transfer=told(context.color_trc),
        primaries=told(context.color_primaries),
        full_range=True if rgb and full is None else full,
    )
