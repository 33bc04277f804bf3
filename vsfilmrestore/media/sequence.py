"""Image sequences as a VapourSynth source.

Opening lists the folder and reads the first and the last header: no index, whatever the length. Frames are decoded on
request, several at once: each of K lanes is one ``std.ModifyFrame`` (which VapourSynth runs one call at a time), the
lanes are interleaved, and OpenImageIO and numpy let go of the interpreter's lock while they work.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import vapoursynth as vs

from vsfilmrestore.errors import MediaError, MissingFrameError
from vsfilmrestore.media import props
from vsfilmrestore.media.audio import cut_audio, wav_beside
from vsfilmrestore.media.colour import LOG_BLACK
from vsfilmrestore.media.files import open_audio
from vsfilmrestore.media.headers import Header, Layout, read_header, read_picture
from vsfilmrestore.media.model import DEFAULT_RATE, Gap, Media, Probe, SourceOptions
from vsfilmrestore.media.naming import FileSequence, find_sequence, ranges_text
from vsfilmrestore.media.timecode import format_timecode, parse_timecode

__all__ = ["MOST_LANES", "open_sequence", "probe_sequence"]

core = vs.core

MOST_LANES = 16
"""Frames decoded at once at most; more only fight for memory bandwidth."""
_MOST_TRIED = 100
"""Files whose header is tried at either end of a sequence."""


@dataclass(frozen=True, slots=True)
class _Facts:
    files: FileSequence
    header: Header
    rate: Fraction
    first: int
    last: int
    start: int
    has_timecode: bool
    drop: bool
    remarks: tuple[str, ...]
    rate_told: bool
    unreadable: frozenset[int] = frozenset()


def open_sequence(path: Path, options: SourceOptions) -> Media:
    """Open the image sequence that a folder, one of its files or a pattern names.

    Raises:
        MissingFrameError: Files are missing and ``options.gap`` is "error"; names them.
        MediaError: No or several sequences, a first or last file that is no picture, sizes that differ.
    """
    facts = _facts(path, options)
    gap: Gap = "hold" if options.tolerant and options.gap == "error" else options.gap
    absent = [number for number in facts.files.missing(facts.first, facts.last) if number not in facts.unreadable]
    if absent and gap == "error":
        raise _hole(facts, absent)
    _check_last(facts)
    video = _node(facts, "hold" if gap == "error" else gap)
    audio, more = _audio(facts, video, options)
    gaps = (*_stand_ins(absent, "missing", gap), *_stand_ins(facts.unreadable, "unreadable", gap))
    return Media(
        path=path,
        kind="sequence",
        video=video,
        audio=audio,
        rate=facts.rate,
        start=facts.start,
        has_timecode=facts.has_timecode,
        drop=facts.drop,
        reel=facts.header.reel,
        first_number=facts.first,
        log=facts.header.colour.log,
        sample_aspect=facts.header.sample_aspect,
        colour=facts.header.colour,
        name=facts.files.name,
        remarks=facts.remarks + gaps + more,
        rate_told=facts.rate_told,
    )


_STAND_IN: dict[str, str] = {"hold": "held from the frame before", "black": "black"}


def _stand_ins(numbers: Collection[int], word: str, gap: Gap) -> tuple[str, ...]:
    """A sentence that names frames and what stands in their place; none without them."""
    if not numbers:
        return ()
    many = f"1 {word} frame is" if len(numbers) == 1 else f"{len(numbers)} {word} frames are"
    return (f"{many} {_STAND_IN.get(gap, _STAND_IN['hold'])}: {ranges_text(sorted(numbers))}",)


def probe_sequence(path: Path, options: SourceOptions | None = None) -> Probe:
    """What the names and the first header tell.

    Raises:
        MediaError: As `open_sequence`, holes excepted.
    """
    facts = _facts(path, options or SourceOptions())
    return Probe(
        path=path,
        kind="sequence",
        name=facts.files.name,
        width=facts.header.layout.width,
        height=facts.header.layout.height,
        rate=facts.rate,
        length=facts.last - facts.first + 1,
        exact=True,
        start=facts.start,
        has_timecode=facts.has_timecode,
        drop=facts.drop,
        reel=facts.header.reel,
        first_number=facts.first,
        sample_aspect=facts.header.sample_aspect,
        log=facts.header.colour.log,
        has_audio=wav_beside(facts.files) is not None,
        colour=facts.header.colour,
        remarks=facts.remarks,
        rate_told=facts.rate_told,
    )


def _facts(path: Path, options: SourceOptions) -> _Facts:
    files = find_sequence(path)
    first = files.numbers[0] if options.first is None else options.first
    last = files.numbers[-1] if options.last is None else options.last
    at = bisect.bisect_left(files.numbers, first)
    if at == len(files.numbers) or files.numbers[at] > last:
        span = ranges_text([files.numbers[0]]) + "-" + ranges_text([files.numbers[-1]])
        raise MissingFrameError(
            f"none of the frames {first}-{last} is there, the sequence has {span}", file=files.folder / files.pattern
        )
    files, unreadable = _readable(files, first, last, options)
    at = min(bisect.bisect_left(files.numbers, first), len(files.numbers) - 1)
    header = read_header(files.path(files.numbers[at]))
    remarks = [f"channel {c} is not carried" for c in header.dropped]
    rate = options.rate or header.rate
    told = rate is not None
    if rate is None:
        rate = DEFAULT_RATE
        remarks.append(f"the headers tell no frame rate, {DEFAULT_RATE} was assumed")
    start, has_timecode, drop, doubt = _start(header.timecode, rate, files.numbers[at] - first)
    remarks += doubt
    return _Facts(files, header, rate, first, last, start, has_timecode, drop, tuple(remarks), told, unreadable)


def _readable(
    files: FileSequence, first: int, last: int, options: SourceOptions
) -> tuple[FileSequence, frozenset[int]]:
    """The sequence without the files that are known to be unreadable or, if tolerant, prove so at its ends."""
    within = [number for number in files.numbers if first <= number <= last]
    bad = set(options.unreadable).intersection(within)
    left = [number for number in within if number not in bad]
    if options.tolerant:
        for side in (left, left[::-1]):
            bad.update(_unreadable_until(files, side[:_MOST_TRIED]))
    if not bad or len(bad) == len(within):
        return files, frozenset()
    return replace(files, numbers=tuple(number for number in files.numbers if number not in bad)), frozenset(bad)


def _unreadable_until(files: FileSequence, numbers: list[int]) -> list[int]:
    """The numbers before the first whose header can be read; none where that is true of all."""
    for n, number in enumerate(numbers):
        try:
            read_header(files.path(number))
        except MediaError:
            continue
        return numbers[:n]
    return []


def _start(timecode: str, rate: Fraction, ahead: int) -> tuple[int, bool, bool, tuple[str, ...]]:
    """Start timecode from the first header found, which stands ``ahead`` frames after the first frame."""
    if not timecode:
        return 0, False, False, ()
    drop = ";" in timecode and rate in (Fraction(30000, 1001), Fraction(60000, 1001))
    try:
        return parse_timecode(timecode, rate, drop=drop) - ahead, True, drop, ()
    except ValueError as error:
        return 0, False, False, (f"the timecode of the first frame is not used: {error}",)


def _hole(facts: _Facts, absent: list[int]) -> MissingFrameError:
    one = facts.files.path(absent[0]).name
    names = one if len(absent) == 1 else f"{ranges_text(absent)}, the first is {one}"
    return MissingFrameError(
        f"{len(absent)} of {facts.last - facts.first + 1} frames are missing: {names}",
        file=facts.files.folder / facts.files.pattern,
        frame=absent[0],
        hint="Put the files back, or open with the gap policy hold or black",
    )


def _check_last(facts: _Facts) -> None:
    """A sequence that changes its size somewhere mostly differs at its end: tell at once, not hours later."""
    at = bisect.bisect_right(facts.files.numbers, facts.last) - 1
    path = facts.files.path(facts.files.numbers[at])
    layout = read_header(path).layout
    if layout != facts.header.layout:
        raise MediaError(
            f"the picture is {layout} where the sequence began with {facts.header.layout}",
            file=path,
            hint="Open the parts one by one, by their first and last frame",
        )


def _node(facts: _Facts, gap: Gap) -> vs.VideoNode:
    layout, length = facts.header.layout, facts.last - facts.first + 1
    lanes = max(1, min(core.num_threads, MOST_LANES, length))
    each = -(-length // lanes)
    blank = core.std.BlankClip(
        format=layout.format.id,
        width=layout.width,
        height=layout.height,
        length=each,
        fpsnum=facts.rate.numerator,
        fpsden=facts.rate.denominator,
        color=_black(layout, facts.header.colour.log),
        keep=True,
    )
    reader = _reader(facts, gap)
    parts = [core.std.ModifyFrame(blank, blank, _lane(reader, lane, lanes, length)) for lane in range(lanes)]
    woven = core.std.Interleave(parts) if lanes > 1 else parts[0]
    timed = core.std.AssumeFPS(woven, fpsnum=facts.rate.numerator, fpsden=facts.rate.denominator)
    return timed[:length] if timed.num_frames != length else timed


type _Reader = Callable[[int, vs.VideoFrame], vs.VideoFrame]


class _Selector(Protocol):
    # VapourSynth hands its arguments over by these names.
    def __call__(self, n: int, f: vs.VideoFrame) -> vs.VideoFrame: ...


def _lane(reader: _Reader, lane: int, lanes: int, length: int) -> _Selector:
    def selector(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = n * lanes + lane
        return reader(frame, f) if frame < length else f

    return selector


def _black(layout: Layout, log: bool) -> list[float]:
    """Black in code values: film base on a log scan."""
    share = LOG_BLACK / 1023 if log else 0.0
    value = share if layout.bits == 32 else round(share * ((1 << layout.bits) - 1))
    return [value] * layout.format.num_planes


def _reader(facts: _Facts, gap: Gap) -> _Reader:
    """Frame n of the output, from its file alone: nothing is kept from frame to frame."""
    numbers = facts.files.numbers

    def read(n: int, blank: vs.VideoFrame) -> vs.VideoFrame:
        number = facts.first + n
        at = bisect.bisect_right(numbers, number) - 1
        missing = at < 0 or numbers[at] != number
        if missing and gap == "black":
            frame = blank.copy()
            _write_props(frame, facts, n, None, None)
            return frame
        # The gap at the very start has nothing before it to hold.
        path = facts.files.path(numbers[max(at, 0)])
        frame, header = read_picture(path, facts.header.layout)
        frame.props.update(blank.props)
        _write_props(frame, facts, n, path, None if missing else header)
        return frame

    return read


def _write_props(frame: vs.VideoFrame, facts: _Facts, n: int, path: Path | None, header: Header | None) -> None:
    """Properties of frame n; no own header: a stand-in for a missing frame."""
    told = header or facts.header
    frame.props.update(told.colour.props())
    frame.props["_Matrix"] = 2 if told.layout.grey else 0
    frame.props["_FieldBased"] = 0
    frame.props["_SARNum"], frame.props["_SARDen"] = told.sample_aspect.numerator, told.sample_aspect.denominator
    frame.props[props.SOURCE_FRAME] = facts.first + n
    if path is not None:
        frame.props[props.SOURCE_FILE] = path.name
    if reel := told.reel or facts.header.reel:
        frame.props[props.REEL] = reel
    if header is None:
        frame.props[props.MISSING] = 1
    elif header.keycode:
        frame.props[props.KEYCODE] = header.keycode
    if header is not None and header.timecode:
        # A drop-frame flag has no meaning at other rates.
        frame.props[props.TIMECODE] = header.timecode if facts.drop else header.timecode.replace(";", ":")
    elif facts.has_timecode:
        frame.props[props.TIMECODE] = format_timecode(facts.start + n, facts.rate, drop=facts.drop)


def _audio(facts: _Facts, video: vs.VideoNode, options: SourceOptions) -> tuple[vs.AudioNode | None, tuple[str, ...]]:
    wav = wav_beside(facts.files) if options.audio else None
    if wav is None:
        return None, ()
    sound = open_audio(wav, options)
    if sound is None:
        return None, (f"{wav.name} lies beside the sequence but holds no sound",)
    # The sound starts with the first file there is, whatever part of the sequence is wanted.
    lead = facts.first - facts.files.numbers[0]
    sound = cut_audio(sound, lead, lead + video.num_frames - 1, facts.rate)
    return sound, (f"sound is taken from {wav.name}",)
