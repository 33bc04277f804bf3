"""The clock of an edit decision list: which rate it counts at, and its timecodes as frame counts."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import nominal_rate, parse_timecode, rate_text
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.edl_lines import EditLine, RawEdl

__all__ = ["Clock"]

_WHOLE_RATES: Final = (24, 25, 30, 48, 50, 60, 100, 120)
_HOURS_22: Final = 22 * 3600


class Clock:
    """Turns the timecodes of one list into frame counts.

    Args:
        edl: The list.
        rate: Exact rate; None guesses it from the highest frame number and the frame code mode.
        path: For messages.
        remarks: Told of a guess and of drop frame where there is none.
    """

    def __init__(self, edl: RawEdl, rate: Fraction | None, path: Path, remarks: Remarks) -> None:
        self._path = path
        self._remarks = remarks
        edits = [edit for event in edl.events for edit in event.edits if edit.has_video]
        marked = any(";" in text or "," in text for edit in edits for text in edit.record)
        if marked and edl.drop is False:
            remarks.add("record timecode is written as drop frame under FCM: NON-DROP FRAME; counted as drop frame")
        drop = bool(edl.drop) or marked
        self.known = rate is not None
        self.rate = rate if rate is not None else _guessed(edits, drop, remarks)
        if drop and nominal_rate(self.rate) % 30:
            remarks.add(f"there is no drop frame at {rate_text(self.rate)} fps; counted without")
        self.drop = drop and nominal_rate(self.rate) % 30 == 0
        self._day = 24 * 3600 * nominal_rate(self.rate)

    def record(self, text: str, line: int) -> int:
        """Frame count of a record timecode."""
        return self._count(text, line, self.drop)

    def source_drop(self, edit: EditLine) -> bool:
        """Whether the source of an edit counts drop frame."""
        if nominal_rate(self.rate) % 30:
            return False
        return any(mark in text for mark in ";," for text in edit.source) or bool(edit.drop)

    def source(self, edit: EditLine) -> tuple[int, int]:
        """Frame counts of an edit's source in and out."""
        drop = self.source_drop(edit)
        return self._count(edit.source[0], edit.line, drop), self._count(edit.source[1], edit.line, drop)

    def span(self, edit: EditLine) -> tuple[int, int]:
        """Frame counts of an edit's record in and out; out is after in, over midnight if need be.

        Raises:
            TimelineError: The event ends before it starts.
        """
        start, stop = (self.record(text, edit.line) for text in edit.record)
        if stop < start and self.is_late(start) and not self.is_late(stop):
            stop += self.day
            self._remarks.add("record timecode runs over midnight", edit.line)
        if stop < start:
            raise TimelineError(
                f"event {edit.number} ends on the record side ({edit.record[1]}) before it starts ({edit.record[0]})",
                file=self._path,
                line=edit.line,
            )
        return start, stop

    @property
    def day(self) -> int:
        """Frame numbers of 24 hours."""
        per_day = self._day
        return (
            per_day - (per_day // nominal_rate(self.rate) // 60 * 9 // 10) * (nominal_rate(self.rate) // 15) * self.drop
        )

    def is_late(self, count: int) -> bool:
        """Whether a count lies in the last two hours of the day."""
        return count >= _HOURS_22 * nominal_rate(self.rate)

    def _count(self, text: str, line: int, drop: bool) -> int:
        try:
            return parse_timecode(text, self.rate, drop=drop)
        except ValueError as error:
            hint = "Give the right frame rate with --rate" if "exist" in str(error) else None
            raise TimelineError(str(error), file=self._path, line=line, hint=hint) from None


def _frame_numbers(edits: list[EditLine]) -> Iterator[int]:
    for edit in edits:
        for text in (*edit.source, *edit.record):
            yield int(text.replace(";", ":").replace(".", ":").replace(",", ":").rsplit(":", 1)[1])


def _guessed(edits: list[EditLine], drop: bool, remarks: Remarks) -> Fraction:
    highest = max(_frame_numbers(edits), default=0)
    whole = next((rate for rate in _WHOLE_RATES if highest < rate), 24)
    drop = drop or any(edit.drop for edit in edits)
    if drop and whole <= 60:
        rate = Fraction(30_000, 1001) if whole <= 30 else Fraction(60_000, 1001)
        why = "it counts drop frame"
    else:
        rate, why = Fraction(whole), f"its highest frame number is {highest}"
    remarks.add(f"the list does not tell its frame rate; taken as {rate_text(rate)} fps, as {why} (--rate sets it)")
    return rate
