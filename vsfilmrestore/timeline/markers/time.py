"""Times in marker lists as record frames of the cut they belong to."""

from __future__ import annotations

import re
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import nominal_rate, parse_timecode
from vsfilmrestore.timeline.model import FrameRange, Marker, Reel

__all__ = ["MarkerClock", "is_timecode"]

_TIMECODE: Final = re.compile(r"\d{1,2}(?:[:;.,]\d{1,2}){2}[:;.,]\d{1,3}")
_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?")
_FRAMES: Final = re.compile(r"\d{1,9}")
_SECONDS: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*s(?:ec(?:onds?)?)?", re.IGNORECASE)


def is_timecode(text: str) -> bool:
    """Whether a word is written as ``HH:MM:SS:FF``, with any of the usual separators."""
    return _TIMECODE.fullmatch(text.strip()) is not None


class MarkerClock:
    """Counts the times of one marker list at the rate of a cut.

    A list that does not say how it counts counts as the cut does; ``;`` before the frames always means drop frame.
    Times of a clock (``HH:MM:SS.mmm``, ``MM:SS.mmm``, ``HH:MM:SS``) are read as timecode whose last second is split.

    Attributes:
        drop: How timecodes with ``:`` are counted; a reader may set it from what its list says.
    """

    def __init__(self, reel: Reel, path: Path) -> None:
        self._reel = reel
        self._path = path
        self._nominal = nominal_rate(reel.rate)
        self.drop = reel.drop

    def record(self, text: str, line: int) -> int:
        """Frame count from 00:00:00:00 of a record time.

        Raises:
            TimelineError: With line and time, when it is none, or does not exist at the rate of the cut.
        """
        return self._count(text.strip(), line)

    def place(self, text: str, line: int) -> int:
        """Record frame of the reel, from 0; below 0 before its start."""
        return self.record(text, line) - self._reel.start

    def frame(self, text: str, line: int) -> int:
        """Record frame of the reel that is given as a number, from 0."""
        if not _FRAMES.fullmatch(text):
            raise self._fail(f"'{text[:40]}' is not the number of a frame", text, line, "Count from 0, without a sign")
        return int(text)

    def length(self, text: str, line: int) -> int:
        """Frames of a duration: a count of frames, a timecode, a clock time, or seconds (``1.5 s``)."""
        text = text.strip()
        if _FRAMES.fullmatch(text):
            return int(text)
        if match := _SECONDS.fullmatch(text):
            return floor(Fraction(match[1]) * self._reel.rate)
        try:
            return self._count(text, line)
        except TimelineError:
            # A duration may be a number that drop frame leaves out.
            return self._count(text.replace(";", ":"), line, drop=False)

    def marker(self, name: str, note: str, colour: str, start: int, length: int, line: int) -> Marker:
        """A marker on record frames of the reel; one of no length stands on one frame."""
        return Marker(name, note, colour, FrameRange(start, start + max(1, length)), str(self._path), line)

    def _count(self, text: str, line: int, *, drop: bool | None = None) -> int:
        if drop is None:
            drop = (self.drop or bool(re.search("[;,]", text))) and self._nominal % 30 == 0
        if match := _CLOCK.fullmatch(text):
            text, drop = self._split_second(match), False
        try:
            return parse_timecode(text, self._reel.rate, drop=drop)
        except ValueError as error:
            hint = "Markers and cut must have one rate" if is_timecode(text) else "Write it as HH:MM:SS:FF"
            raise self._fail(str(error), text, line, hint) from None

    def _fail(self, message: str, text: str, line: int, hint: str) -> TimelineError:
        timecode = text if is_timecode(text) else None
        return TimelineError(message, file=self._path, line=line, timecode=timecode, hint=hint)

    def _split_second(self, match: re.Match[str]) -> str:
        frames = floor(Fraction(f"0.{match[4] or 0}") * self._nominal)
        return f"{match[1] or 0}:{match[2]}:{match[3]}:{frames:02d}"
