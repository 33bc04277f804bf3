"""Places within a shot as a sidecar names them, and as record frames counted from the shot's first.

A whole number is such a frame itself. Text is a place in the source, its timecode or (where it carries none) the number
of its frame: that stays right when the shot is moved or trimmed in a re-cut.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil

from vsfilmrestore.media.timecode import format_timecode, parse_timecode
from vsfilmrestore.timeline.model import FrameRange, Shot, SourceKey

__all__ = ["Place", "moment_of", "moment_text", "range_of", "range_texts"]

type Place = int | str


def moment_of(shot: Shot, place: Place, rate: Fraction) -> int:
    """Record frame, counted from the shot's first, that a place is first seen at; outside the shot where it is not.

    Raises:
        ValueError: It is no timecode or number, or the shot shows one source frame only.
    """
    if isinstance(place, int):
        return place
    wanted = _source_frame(shot, place)
    if shot.curve is not None:
        shown = [shot.source_at(k, rate) for k in range(len(shot.record))]
        return min(range(len(shown)), key=lambda k: abs(shown[k] - wanted))
    if shot.speed == 0:
        raise ValueError("a freeze frame shows one source frame only; count frames from the start of the shot instead")
    return _first_past(shot, wanted, rate)


def range_of(shot: Shot, first: Place | None, stop: Place | None, rate: Fraction) -> FrameRange | None:
    """Record frames, counted from the shot's first, from one place up to before another; None where the shot has none.

    Source places are counted in the order of the source, whichever way the shot plays. Where a place is missing
    nothing limits that side.

    Raises:
        ValueError: A place is no timecode or number, or the second is not after the first.
    """
    low, high = 0, len(shot.record)
    if isinstance(first, int):
        low = max(low, first)
    if isinstance(stop, int):
        high = min(high, stop)
    lowest = _source_frame(shot, first) if isinstance(first, str) else None
    highest = _source_frame(shot, stop) - 1 if isinstance(stop, str) else None
    for ends in ((first, stop), (lowest, highest)):
        if isinstance(ends[0], int) and isinstance(ends[1], int) and ends[0] > ends[1]:
            raise ValueError(f"a range must end after it starts, not at {stop} before {first}")
    if lowest is not None or highest is not None:
        shown = _showing(shot, lowest, highest, rate)
        low, high = max(low, shown.start), min(high, shown.stop)
    return FrameRange(low, high) if low < high else None


def moment_text(shot: Shot, moment: int, rate: Fraction) -> Place:
    """The place of a record frame counted from the shot's first: text, where that leads back to it."""
    if shot.source is None:
        return moment
    text = _text(shot.source, shot.source_at(moment, rate))
    return text if _leads(lambda: moment_of(shot, text, rate), moment) else moment


def range_texts(shot: Shot, frames: FrameRange, rate: Fraction) -> tuple[Place, Place]:
    """The places of some record frames counted from the shot's first: texts, where those lead back to them."""
    if shot.source is None:
        return frames.start, frames.stop
    ends = shot.source_at(frames.start, rate), shot.source_at(frames.stop - 1, rate)
    texts = _text(shot.source, min(ends)), _text(shot.source, max(ends) + 1)
    same = _leads(lambda: range_of(shot, *texts, rate), frames)
    return texts if same else (frames.start, frames.stop)


def _leads(where: Callable[[], object], wanted: object) -> bool:
    try:
        return where() == wanted
    except ValueError:
        return False


def _showing(shot: Shot, lowest: int | None, highest: int | None, rate: Fraction) -> FrameRange:
    """Record frames from the first to the last that shows one of the source frames."""
    if shot.curve is not None or shot.speed == 0:
        shown = [shot.source_at(k, rate) for k in range(len(shot.record))]
        hits = [k for k, n in enumerate(shown) if (lowest is None or n >= lowest) and (highest is None or n <= highest)]
        return FrameRange(hits[0], hits[-1] + 1) if hits else FrameRange(0, 0)
    ahead = (lowest, None if highest is None else highest + 1)
    if shot.speed < 0:
        ahead = (highest, None if lowest is None else lowest - 1)
    low, high = (None if n is None else _first_past(shot, n, rate) for n in ahead)
    length = len(shot.record)
    low, high = max(0, low or 0), length if high is None else min(high, length)
    return FrameRange(low, max(low, high))


def _first_past(shot: Shot, wanted: int, rate: Fraction) -> int:
    """First record frame at which a shot of even speed has come to a source frame; it may lie outside the shot."""
    assert shot.source is not None
    step = shot.speed * shot.source.rate / rate
    ahead = wanted - shot.source.start - shot.phase
    if step > 0:
        return ceil(ahead / step)
    return len(shot.record) - ceil((ahead + 1) / -step)


def _source_frame(shot: Shot, text: str) -> int:
    if shot.source is None:
        raise ValueError("a gap has no source; count frames from its start instead")
    text = text.strip()
    if shot.source.has_timecode:
        return parse_timecode(text, shot.source.rate, drop=shot.source.drop)
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"'{text}' is no frame number, and this source has no timecode") from None


def _text(source: SourceKey, frame: int) -> str:
    if frame < 0 or not source.has_timecode:
        return str(frame)
    return format_timecode(frame, source.rate, drop=source.drop)
