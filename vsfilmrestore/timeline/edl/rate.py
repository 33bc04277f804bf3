"""The clock of an edit decision list: which rate it counts at, and its timecodes as frame counts.

Record and source need not count alike: a tape may be drop frame where the record is not, and media of another rate
count their own frames. A source whose frame numbers do not exist at the record rate is of another rate; which one is
seen from the lengths of its edits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import nominal_rate, parse_timecode, rate_text
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.edl.lines import EditLine, RawEdl
from vsfilmrestore.timeline.edl.speed import follows, motion_of

__all__ = ["RATE_GUESSED", "Clock", "SourceSpan"]

RATE_GUESSED: Final = "the list does not tell its frame rate"
"""How the remark on a guessed rate begins; of no interest once a medium tells the same."""

_WHOLE_RATES: Final = (24, 25, 30, 48, 50, 60, 100, 120)
_HOURS_22: Final = 22 * 3600
_HARDLY: Final = 1e-4
# Reel names that many media share.
_NO_REEL: Final = frozenset({"", "AX"})


class SourceSpan(NamedTuple):
    """Source in and out of an edit as frame counts.

    Attributes:
        start: First frame.
        stop: Frame after the last; below `start` where the list plays backwards.
        rate: Rate they count at.
        drop: Whether they count drop frame.
    """

    start: int
    stop: int
    rate: Fraction
    drop: bool


class Clock:
    """Turns the timecodes of one list into frame counts.

    Args:
        edl: The list.
        rate: Exact rate; None guesses it from the highest frame number and the frame code mode.
        path: For messages.
        remarks: Told of a guess, of media at other rates, and of drop frame where there is none.
    """

    def __init__(self, edl: RawEdl, rate: Fraction | None, path: Path, remarks: Remarks) -> None:
        self._path = path
        self._remarks = remarks
        edits = [edit for event in edl.events for edit in event.edits if edit.has_video]
        self._marked = any(_marked(edit.record) for edit in edits)
        if self._marked and edl.drop is False:
            remarks.add("record timecode is written as drop frame under FCM: NON-DROP FRAME; counted as drop frame")
        drop = bool(edl.drop) or self._marked
        self.known = rate is not None
        plain = [edit for event in edl.events if not event.motions for edit in event.edits if edit.has_video]
        speeds = {motion.fps.lstrip("+-") for event in edl.events for motion in event.motions}
        self.rate = rate if rate is not None else _guessed(edits, plain, drop, _normal(speeds), remarks)
        if drop and nominal_rate(self.rate) % 30:
            remarks.add(f"there is no drop frame at {rate_text(self.rate)} fps; counted without")
        self.drop = drop and nominal_rate(self.rate) % 30 == 0
        self._foreign = self._told_by_speed(edl) | _foreign(edits, plain, self.rate)

    def _told_by_speed(self, edl: RawEdl) -> dict[str | int, Fraction]:
        """Rates of media that an ``M2`` line tells: Avid gives media of 24 fps the speed 24.0 on a record of 30.

        The same line means a slower speed where the media count as the record does. The lengths decide, but for those
        that are alike on both sides, which some programs write beside any speed.
        """
        own: set[str | int] = set()
        other: dict[str | int, Fraction] = {}
        for event in edl.events:
            for edit in event.edits:
                motion = motion_of(event, edit) if edit.has_video else None
                rate = Fraction(motion.fps) if motion else Fraction(0)
                if rate not in _WHOLE_RATES or rate == nominal_rate(self.rate):
                    continue
                step = rate / nominal_rate(self.rate)
                like = _like(int(rate), self.rate)
                if self._shows(edit, self.rate, step):
                    own.add(_medium(edit))
                elif self._shows(edit, like, step) and not self._shows(edit, self.rate, None):
                    other[_medium(edit)] = like
        return {medium: rate for medium, rate in other.items() if medium not in own}

    def _shows(self, edit: EditLine, rate: Fraction, step: Fraction | None) -> bool:
        """Whether the source side counted at a rate is as long as the record side at a speed (None: as many frames)."""
        source = [_count(text, rate, drop=False) for text in edit.source]
        record = [_count(text, self.rate, drop=self.drop) for text in edit.record]
        if None in source or None in record:
            return False
        (a, b), (c, d) = source, record
        if step is None:
            return b - a == d - c  # type: ignore[operator]
        return d > c and follows(b - a, d - c, step)  # type: ignore[operator]

    def record(self, text: str, line: int) -> int:
        """Frame count of a record timecode."""
        return self._count(text, line, self.rate, self.drop)

    def source(self, edit: EditLine) -> SourceSpan:
        """Source in and out of an edit.

        Raises:
            TimelineError: A timecode that does not exist.
        """
        rate = self._foreign.get(_medium(edit), self.rate)
        if rate != self.rate:
            self._remarks.add(f"source timecode counts at {rate_text(rate)} fps; its media is read in time", edit.line)
        drop = self._source_drop(edit, rate)
        start, stop = (self._count(text, edit.line, rate, drop) for text in edit.source)
        if stop < start and start >= _HOURS_22 * nominal_rate(rate) and stop < 2 * 3600 * nominal_rate(rate):
            self._remarks.add("source timecode runs over midnight", edit.line)
            stop += _day(rate, drop=drop)
        return SourceSpan(start, stop, rate, drop)

    def _source_drop(self, edit: EditLine, rate: Fraction) -> bool:
        if nominal_rate(rate) % 30:
            return False
        if _marked(edit.source):
            return True
        if not edit.drop:
            return False
        if self._marked:
            self._remarks.add("source timecode is written without the ';' of the record; counted non-drop", edit.line)
            return False
        if any(
            _count(text, rate, drop=False) is not None and _count(text, rate, drop=True) is None for text in edit.source
        ):
            self._remarks.add(
                "source timecode that drop frame leaves out, under FCM: DROP FRAME; counted non-drop", edit.line
            )
            return False
        return True

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
        """Record frames of 24 hours."""
        return _day(self.rate, drop=self.drop)

    def is_late(self, count: int) -> bool:
        """Whether a count lies in the last two hours of the day."""
        return count >= _HOURS_22 * nominal_rate(self.rate)

    def _count(self, text: str, line: int, rate: Fraction, drop: bool) -> int:
        try:
            return parse_timecode(text, rate, drop=drop)
        except ValueError as error:
            hint = "Give the right frame rate with --rate" if "exist" in str(error) else None
            raise TimelineError(str(error), file=self._path, line=line, hint=hint) from None


def _marked(texts: Iterable[str]) -> bool:
    return any(mark in text for text in texts for mark in ";,")


def _count(text: str, rate: Fraction, *, drop: bool) -> int | None:
    try:
        return parse_timecode(text, rate, drop=drop)
    except ValueError:
        return None


def _day(rate: Fraction, *, drop: bool) -> int:
    nominal = nominal_rate(rate)
    return 24 * 3600 * nominal - drop * (nominal // 15) * 24 * 54


def _frame_numbers(texts: Iterable[str]) -> Iterator[int]:
    for text in texts:
        yield int(text.replace(";", ":").replace(".", ":").replace(",", ":").rsplit(":", 1)[1])


def _least_rate(highest: int) -> int:
    return next((rate for rate in _WHOLE_RATES if highest < rate), 24)


def _normal(speeds: set[str]) -> int:
    """The rate that ``M2`` lines of normal speed tell, such as -025.0; 0 if there is none."""
    told = {Fraction(speed) for speed in speeds}
    return next((rate for rate in _WHOLE_RATES if rate in told), 0)


def _guessed(edits: list[EditLine], plain: list[EditLine], drop: bool, normal: int, remarks: Remarks) -> Fraction:
    """The rate of a list that does not tell, from the highest frame number it writes.

    Media of a higher rate may have written that on the source side. So it was if the lengths fit better then, or as
    well, and chance alone would hardly keep the record side's numbers so low.
    """
    highest = max((n for edit in edits for n in _frame_numbers(edit.counts)), default=0)
    on_record = max((n for edit in edits for n in _frame_numbers(edit.record)), default=0)
    whole, lower = _least_rate(highest), _least_rate(on_record)
    if lower != whole:
        less, more = (_misfits(edits, plain, Fraction(rate)) for rate in (lower, whole))
        places = len({text for edit in edits for text in edit.record})
        if less < more or (less == more and (lower / whole) ** places < _HARDLY):
            whole, highest = lower, on_record
    drop = drop or any(edit.drop for edit in edits)
    if drop and whole <= 60:
        rate = Fraction(30_000, 1001) if whole <= 30 else Fraction(60_000, 1001)
        why = "it counts drop frame"
    elif normal == 25 and whole == 24:
        rate, why = Fraction(25), "its M2 lines speak of 25"
    else:
        rate, why = Fraction(whole), f"its highest frame number is {highest}"
    remarks.add(f"{RATE_GUESSED}; taken as {rate_text(rate)} fps, as {why} (--rate sets it)")
    return rate


def _misfits(edits: list[EditLine], plain: list[EditLine], rate: Fraction) -> int:
    foreign = _foreign(edits, plain, rate)
    return sum(not _fits(edit, foreign.get(_medium(edit), rate), rate) for edit in plain)


def _medium(edit: EditLine) -> str | int:
    """What tells the medium of an edit from others: its reel, or where that says nothing, its line."""
    reel = edit.reel.upper()
    return edit.line if reel in _NO_REEL else reel


def _foreign(edits: list[EditLine], plain: list[EditLine], rate: Fraction) -> dict[str | int, Fraction]:
    """Rates of the media whose frame numbers do not exist at the record rate."""
    highest: dict[str | int, int] = defaultdict(int)
    for edit in edits:
        highest[_medium(edit)] = max(highest[_medium(edit)], *_frame_numbers(edit.source))
    wanted = {medium: number for medium, number in highest.items() if number >= nominal_rate(rate)}
    by_medium: dict[str | int, list[EditLine]] = defaultdict(list)
    for edit in plain if wanted else ():
        by_medium[_medium(edit)].append(edit)
    found = {}
    for medium, number in wanted.items():
        rates = [_like(whole, rate) for whole in _WHOLE_RATES if whole > number]
        if rates:
            found[medium] = max(rates, key=lambda r: sum(_fits(edit, r, rate) for edit in by_medium[medium]))
    return found


def _like(whole: int, rate: Fraction) -> Fraction:
    """A rate of the same family: beside 23.976, 30 is 29.97."""
    return Fraction(whole * 1000, 1001) if rate.denominator == 1001 and whole % 6 == 0 else Fraction(whole)


def _fits(edit: EditLine, rate: Fraction, record_rate: Fraction) -> bool:
    """Whether source and record of an edit take the same time, but for a frame."""
    a, b = (_count(text, rate, drop=False) for text in edit.source)
    c, d = (_count(text, record_rate, drop=False) for text in edit.record)
    if a is None or b is None or c is None or d is None:
        return False
    return abs((b - a) - (d - c) * rate / record_rate) <= max(Fraction(1), rate / record_rate)
