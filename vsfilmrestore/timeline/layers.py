"""Tracks, nests and overlaps laid flat: from pieces of media on an exact time line to shots that touch.

::

    V2            |--- C ---|                      |------|--- C ---|---|----|
    V1   |------ A -----|-- B --|    ->            |  A   |    C    | B |gap |     Reel.shots

Times are fractions of record frames, because nested and mixed-rate items need not begin on whole ones; only the
finished shots are whole frames. A piece keeps its exact place in the media wherever it is cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor

from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.model import FrameRange, SettingNote, Shot, SourceKey, Transition

__all__ = ["Fade", "Piece", "between", "overlay", "shots_of", "whole"]

_SNAP = Fraction(1, 1000)
_NOISE = Fraction(1, 1010)  # media of a rate that differs by 1.001 has places 1/1001 beside whole frames


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one medium (or black) on the record time line.

    Attributes:
        name: Name for the shot.
        start: First record frame, exact.
        stop: Record frame after the last, exact.
        source: The medium; its `start` is not used yet. None is black.
        low: Place in the medium of the lowest frame shown, in source frames, exact.
        step: Source frames per record frame, rates included; below 0 plays backwards.
        speed: The same without the rates, as the shot will have it.
        curve: Speed that changes: places in the medium over record frames from ``start``. `low`, `step` and `speed`
            are not used to find frames then; `speed` is the average, for tables.
        event: Event number of an EDL.
        line: Line it was read from.
        fade: How it fades in.
        comments: Lines of an EDL under the event.
        notes: Settings for all of it.
        owner: Which clip of the cut list it is a part of; any number that tells clips apart.
    """

    name: str
    start: Fraction
    stop: Fraction
    source: SourceKey | None = None
    low: Fraction = Fraction(0)
    step: Fraction = Fraction(1)
    speed: Fraction = Fraction(1)
    event: str = ""
    line: int | None = None
    fade: Fade | None = None
    comments: tuple[str, ...] = ()
    notes: tuple[SettingNote, ...] = field(default=())
    owner: int = -1
    curve: Curve | None = None
    colour: str = ""

    def over(self, start: Fraction, stop: Fraction) -> Piece:
        """The same medium over other record frames: shorter, or on into its handles. The fade is left as it is."""
        if start == self.start and stop == self.stop:
            return self
        if self.curve is not None:
            return replace(self, start=start, stop=stop, curve=self.curve.moved(self.start - start))
        moved = start - self.start if self.step >= 0 else self.stop - stop
        return replace(self, start=start, stop=stop, low=self.low + moved * abs(self.step))

    def shifted(self, by: Fraction) -> Piece:
        """The same piece earlier or later on the record side."""
        if not by:
            return self
        fade = self.fade and replace(self.fade, outgoing=self.fade.outgoing.shifted(by))
        return replace(self, start=self.start + by, stop=self.stop + by, fade=fade)

    def record_frames(self, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction] | None:
        """The record times at which the media frames from ``low`` up to ``high`` are seen; None if they are not."""
        if self.curve is not None:
            places = enumerate(self._places())
            shown = [k for k, place in places if low <= place < high]
            return (self.start + shown[0], min(self.start + shown[-1] + 1, self.stop)) if shown else None
        if self.step == 0:
            return (self.start, self.stop) if low <= self.low < high else None
        if self.step > 0:
            ends = self.start + (low - self.low) / self.step, self.start + (high - self.low) / self.step
        else:
            ends = self.stop + (high - self.low) / self.step, self.stop + (low - self.low) / self.step
        first, last = max(ends[0], self.start), min(ends[1], self.stop)
        return (first, last) if first < last else None

    def span(self) -> tuple[Fraction, Fraction]:
        """The lowest and the highest place in the medium shown at a whole frame of the piece."""
        if self.curve is not None:
            places = [self.curve.at(k) for k in self.curve.moments(max(ceil(self.stop - self.start), 1))]
            return min(places), max(places)
        return self.low, self.low + (self.stop - self.start - 1) * abs(self.step)

    def _places(self) -> Iterator[Fraction]:
        assert self.curve is not None
        for k in range(max(ceil(self.stop - self.start), 1)):
            yield self.curve.at(k)


@dataclass(frozen=True, slots=True)
class Fade:
    """A transition into a piece: its kind, and what fades away over which record frames."""

    kind: str
    outgoing: Piece


def whole(value: Fraction) -> int:
    """The nearest whole number."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def overlay(lower: Sequence[Piece], upper: Sequence[Piece], remarks: Remarks) -> list[Piece]:
    """The upper pieces in front of the lower ones. Both are in record order without overlaps, and so is the result."""
    if not upper or not lower:
        return list(upper or lower)
    result = list(upper)
    i = 0
    for piece in lower:
        while i < len(upper) and upper[i].stop <= piece.start:
            i += 1
        at, j = piece.start, i
        while j < len(upper) and upper[j].start < piece.stop:
            if at < upper[j].start:
                result.append(between(piece, at, upper[j].start, remarks))
            at = max(at, upper[j].stop)
            j += 1
        if at < piece.stop:
            result.append(between(piece, at, piece.stop, remarks))
    result.sort(key=lambda piece: piece.start)
    return result


def between(piece: Piece, start: Fraction, stop: Fraction, remarks: Remarks) -> Piece:
    """A piece cut down to some of its record frames. A fade that loses its start is dropped, with a remark."""
    if start == piece.start and stop == piece.stop:
        return piece
    cut = piece.over(start, stop)
    if piece.fade is not None and start > piece.start:
        if start < piece.fade.outgoing.stop:
            remarks.add(f"the {piece.fade.kind} into '{piece.name}' is half hidden; made a cut", piece.line)
        cut = replace(cut, fade=None)
    return cut


def shots_of(pieces: Iterable[Piece], start: int, remarks: Remarks, *, stop: int | None = None) -> tuple[Shot, ...]:
    """Shots without holes from pieces in record order without overlaps.

    Args:
        pieces: On the record time line in frames from anywhere.
        start: The place on that time line that becomes record frame 0.
        remarks: Told of frames rounded and transitions shortened.
        stop: Where the reel ends, black from the last piece on; None: with the last piece.
    """
    shots: list[Shot] = []
    at = 0
    for piece in pieces:
        begin, end = _first_frame(piece.start) - start, _first_frame(piece.stop) - start
        begin = max(begin, at)
        if end <= begin:
            remarks.add(f"'{piece.name}' is shorter than a frame; skipped", piece.line)
            continue
        if begin > at:
            shots.append(_gap(at, begin))
        shots.append(_shot(piece.shifted(Fraction(-start)), FrameRange(begin, end), remarks))
        at = end
    if stop is not None and stop - start > at:
        shots.append(_gap(at, stop - start))
    return tuple(shots)


def _first_frame(time: Fraction) -> int:
    """The first whole frame from a time on: a frame shows what is on at its start."""
    return ceil(time - _SNAP)


def _gap(start: int, stop: int) -> Shot:
    return Shot("gap", FrameRange(start, stop), None)


def _shot(piece: Piece, record: FrameRange, remarks: Remarks) -> Shot:
    shown = piece.over(Fraction(record.start), Fraction(record.stop))
    source, phase = _source(shown)
    return Shot(
        name=piece.name or (source.label if source else "gap"),
        record=record,
        source=source,
        speed=piece.speed,
        event=piece.event,
        notes=piece.notes,
        handles=_handles(shown),
        transition=_transition(piece, record, remarks),
        comments=piece.comments,
        phase=phase,
        curve=shown.curve,
        colour=piece.colour,
        line=piece.line,
    )


def _source(piece: Piece) -> tuple[SourceKey | None, Fraction]:
    if piece.source is None:
        return None, Fraction(0)
    if piece.curve is not None:
        return replace(piece.source, start=floor(piece.span()[0])), Fraction(0)
    low = piece.low
    if abs(low - whole(low)) < _NOISE:
        low = Fraction(whole(low))
    first = floor(low)
    return replace(piece.source, start=first), low - first


def _handles(piece: Piece) -> tuple[int, int]:
    if piece.source is None or piece.source.available is None:
        return (0, 0)
    low, high = piece.span()
    known = piece.source.available
    return max(0, floor(low) - known.start), max(0, known.stop - floor(high) - 1)


def _transition(piece: Piece, record: FrameRange, remarks: Remarks) -> Transition | None:
    if piece.fade is None:
        return None
    stop = _first_frame(piece.fade.outgoing.stop)
    if stop > record.stop:
        remarks.add(f"the {piece.fade.kind} into '{piece.name}' is longer than the shot; shortened", piece.line)
    frames = FrameRange(record.start, min(stop, record.stop)) if stop > record.start else None
    if frames is None:
        return None
    return Transition(piece.fade.kind, _shot(replace(piece.fade.outgoing, fade=None), frames, remarks))
