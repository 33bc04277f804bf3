"""Edit decision lists (CMX3600, File32, File128) as every editing program writes them.

Tolerant, and saying so: each thing that is not by the book but has one sensible meaning is taken and noted in
`Reel.remarks` with its line; what has no such meaning is an error with its line.

The record side rules. Shots follow from record timecodes; source out points only serve to check speeds. Source: CMX
3600 practice as described in SMPTE 258M, and the lists of real features.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import floor
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._text import lines_of, read_text
from vsfilmrestore.timeline.edl.lines import EditLine, Event, Motion, parse_lines
from vsfilmrestore.timeline.edl.notes import EventNotes, event_notes, locator, overlooked
from vsfilmrestore.timeline.edl.rate import Clock, SourceSpan
from vsfilmrestore.timeline.edl.speed import check_told, goes_down, motion_of, step_of, told_step
from vsfilmrestore.timeline.layers import Fade, Piece, overlay, shots_of, whole
from vsfilmrestore.timeline.model import Reel, SourceKey, Strength
from vsfilmrestore.timeline.notes import setting_note, with_markers

__all__ = ["read_edl"]

_BLACK: Final = frozenset({"BL", "BLK", "BLACK"})
_RESOLVE_MARKER: Final = re.compile(r"\|C:ResolveColor\w+\s*\|M:")


def read_edl(path: Path, rate: Fraction | None = None) -> Reel:
    """Read an edit decision list.

    Args:
        path: The list.
        rate: Exact frame rate; lists do not have one, None guesses it (see `Reel.rate_known`).

    Raises:
        TimelineError: With file and line.
    """
    remarks = Remarks()
    text = read_text(path, remarks)
    if text.lstrip()[:1] in "{<":
        raise TimelineError("this is not an edit decision list, whatever its name", file=path, line=1)
    if match := _RESOLVE_MARKER.search(text):
        line = len(lines_of(text[: match.start()]))
        hint = "Give it with --markers, beside the cut"
        raise TimelineError("this is a list of markers, not of shots", file=path, line=line, hint=hint)
    return _Reader(path, rate, remarks).reel(lines_of(text))


@dataclass(frozen=True, slots=True)
class _Cut:
    """An edit line in frame counts."""

    edit: EditLine
    start: int
    stop: int
    source: SourceSpan

    @property
    def length(self) -> int:
        return self.stop - self.start


class _Reader:
    def __init__(self, path: Path, rate: Fraction | None, remarks: Remarks) -> None:
        self._path = path
        self._rate = rate
        self._remarks = remarks
        self._tracks: dict[int, list[Piece]] = defaultdict(list)
        self._owner = 0
        self._goes_down = False
        self._renamed: dict[str, str] = {}

    def reel(self, lines: list[str]) -> Reel:
        edl = parse_lines(lines, self._path, self._remarks)
        edits = [edit for event in edl.events for edit in event.edits]
        if not edits:
            raise TimelineError("there is no event in this list", file=self._path)
        if not any(edit.has_video for edit in edits):
            raise TimelineError("this list edits only sound; there are no shots in it", file=self._path)
        self._goes_down = goes_down(edl)
        self._clock = Clock(edl, self._rate, self._path, self._remarks)
        for comment in edl.header:
            if overlooked(comment.text):
                self._remarks.add("settings above the first event belong to no shot; ignored", comment.line)
        for event in edl.events:
            self._event(event)
        pieces = self._flat()
        start = whole(pieces[0].start)
        shots = shots_of(pieces, start, self._remarks)
        for shot in shots:
            if shot.source is None and not shot.event:
                self._remarks.add("hole in the record side; black", self._line_after(pieces, shot.record.stop + start))
        clock = self._clock
        remarks = self._remarks.sentences()
        name = edl.title or self._path.stem
        reel = Reel(name, clock.rate, shots, start, clock.drop, str(self._path), remarks, rate_known=clock.known)
        comments = edl.header + [comment for event in edl.events for comment in event.comments]
        found = (locator(comment, clock, start, self._path) for comment in comments)
        return with_markers(reel, [marker for marker in found if marker is not None])

    @staticmethod
    def _line_after(pieces: list[Piece], start: int) -> int | None:
        return next((piece.line for piece in pieces if piece.start == start), None)

    def _fail(self, message: str, line: int | None, hint: str | None = None) -> TimelineError:
        return TimelineError(message, file=self._path, line=line, hint=hint)

    def _event(self, event: Event) -> None:
        cuts = []
        for edit in event.edits:
            if not edit.has_video:
                self._remarks.add("sound-only event; skipped", edit.line)
            elif edit.kind in {"K", "KO"}:
                self._remarks.add("what is keyed over the picture is not composed; skipped", edit.line)
            else:
                if edit.kind == "KB":
                    self._remarks.add("only the background of the key is shown", edit.line)
                cuts.append(_Cut(edit, *self._clock.span(edit), self._clock.source(edit)))
        fades = any(cut.edit.kind[0] in "DW" for cut in cuts)
        notes = event_notes(event.comments, fades=fades)
        self._tell(event, notes)
        for i, cut in enumerate(cuts):
            if cut.edit.kind[0] in "DW":
                self._fade(cut, cuts[i - 1] if i else None, event, notes)
            elif cut.length:
                piece = self._piece(cut, event, notes, incoming=False)
                last = not fades and i == len(cuts) - 1
                self._tracks[cut.edit.track].append(self._noted(piece, notes) if last else piece)
            elif not (i + 1 < len(cuts) and cuts[i + 1].edit.kind[0] in "DW"):
                self._remarks.add("event without a frame; skipped", cut.edit.line)
                self._tracks[0].append(self._piece(cut, event, notes, incoming=False))

    def _tell(self, event: Event, notes: EventNotes) -> None:
        line = event.edits[0].line
        if notes.ramp:
            self._remarks.add("a comment speaks of speed that changes; a list can tell only one speed", line)
        for comment in event.comments:
            if comment.text in notes.comments and overlooked(comment.text):
                hint = "write '* COMMENT: VSFR …'"
                self._remarks.add(f"settings within a comment are not read; {hint}", comment.line)
        if any(not edit.reel for edit in event.edits if edit.has_video):
            self._remarks.add("event without a reel name", line)

    def _fade(self, cut: _Cut, before: _Cut | None, event: Event, notes: EventNotes) -> None:
        edit = cut.edit
        incoming = self._noted(self._piece(cut, event, notes, incoming=True), notes)
        if not cut.length:
            self._remarks.add("event without a frame; skipped", edit.line)
            return
        if not edit.length:
            self._remarks.add("transition without a length; made a cut", edit.line)
        else:
            outgoing = self._outgoing(cut, before, event, notes)
            start = Fraction(cut.start)
            kind = "dissolve" if edit.kind == "D" else f"wipe {edit.kind[1:].zfill(3)}"
            incoming = replace(incoming, fade=Fade(kind, outgoing.over(start, start + edit.length)))
        self._tracks[edit.track].append(incoming)

    def _outgoing(self, cut: _Cut, before: _Cut | None, event: Event, notes: EventNotes) -> Piece:
        track = self._tracks[cut.edit.track]
        last = track[-1] if track and track[-1].stop == cut.start else self._overlapped(cut)
        if before is None:
            stray = self._tracks[0][-1] if self._tracks[0] else None
            if last is None or (stray is not None and stray.start == cut.start):
                where = f"; event {stray.event} on line {stray.line} may be meant" if stray else ""
                raise self._fail(
                    f"event {cut.edit.number} is a transition that does not tell what fades away{where}",
                    cut.edit.line,
                    "Write a cut of no length with the same event number above it",
                )
            self._remarks.add("transition of one line; the shot before runs on under it", cut.edit.line)
            return last
        if before.length:
            return track[-1]
        piece = self._piece(before, event, notes, incoming=False)
        if last is not None and _runs_on(last, piece):
            return last
        return piece

    def _overlapped(self, cut: _Cut) -> Piece | None:
        """The shot before, where a system lets it run on to the end of the transition on the record side."""
        track, length = self._tracks[cut.edit.track], cut.edit.length or 0
        if not track or not track[-1].start < cut.start < track[-1].stop <= cut.start + length:
            return None
        self._remarks.add(
            "the shot before runs on under the transition on the record side; cut where it starts", cut.edit.line
        )
        track[-1] = track[-1].over(track[-1].start, Fraction(cut.start))
        return track[-1]

    def _piece(self, cut: _Cut, event: Event, notes: EventNotes, *, incoming: bool) -> Piece:
        edit = cut.edit
        self._owner += 1
        start, stop = Fraction(cut.start), Fraction(cut.stop)
        name = notes.name(incoming)
        black = edit.reel.upper() in _BLACK
        if incoming and not name and event.edits[0].reel.upper() in _BLACK:
            name = notes.names[0]
        if black:
            return Piece("black", start, stop, event=edit.number, line=edit.line, owner=self._owner)
        step = self._step(cut, motion_of(event, edit), notes)
        low = Fraction(cut.source.start)
        if step < 0:
            low = self._lowest(cut, step)
        if low < 0:
            raise self._fail(f"event {edit.number} plays backwards past the start of its source", edit.line)
        source = SourceKey(
            name=name,
            reel=self._reel_name(edit.reel, notes, incoming),
            url=notes.files[1 if incoming else 0],
            start=0,
            rate=cut.source.rate,
            drop=cut.source.drop,
        )
        speed = step * self._clock.rate / source.rate
        comments = tuple(notes.comments) if incoming or edit is event.edits[-1] else ()
        label = name or source.label
        return Piece(
            label, start, stop, source, low, step, speed, edit.number, edit.line, None, comments, owner=self._owner
        )

    def _lowest(self, cut: _Cut, step: Fraction) -> Fraction:
        """The lowest place of an edit played backwards."""
        first, n, line = Fraction(cut.source.start), cut.length, cut.edit.line
        lowest = first - floor((n - 1) * -step) if n else first - step
        if cut.source.stop - cut.source.start < max(Fraction(2), n * -step / 2) or (self._goes_down and lowest >= 0):
            self._remarks.add("played backwards from the source in point, which is its highest frame", line)
            return lowest
        self._remarks.add("played backwards from the source out point", line)
        return first

    def _noted(self, piece: Piece, notes: EventNotes) -> Piece:
        rate, drop = self._clock.rate, self._clock.drop
        timecode = Reel("", rate, (), whole(piece.start), drop).timecode(0)
        found = tuple(
            setting_note(note.text, Strength.NOTE, str(self._path), line=note.line, timecode=timecode)
            for note in notes.settings
        )
        return replace(piece, notes=found, comments=tuple(notes.comments))

    def _step(self, cut: _Cut, motion: Motion | None, notes: EventNotes) -> Fraction:
        """Source frames per record frame."""
        n, line = cut.length, cut.edit.line
        length = cut.source.stop - cut.source.start
        if motion is not None:
            step = told_step(motion, self._clock.rate, length, n, self._remarks)
            check_told(length, n, step, line, self._remarks)
            return step
        ratio = cut.source.rate / self._clock.rate
        found = step_of(length, n, ratio, line, self._remarks, still=notes.still)
        if found is None:
            raise self._fail(
                f"event {cut.edit.number} has {length} source frames for {n} record frames, and no M2 line tells a "
                "speed",
                line,
                "Correct its timecodes, or add its M2 line",
            )
        return found

    def _reel_name(self, reel: str, notes: EventNotes, incoming: bool) -> str:
        """The full name of a reel that the event had to cut short."""
        self._renamed.update(notes.renamed)
        return self._renamed.get(reel.upper()) or notes.reel(reel, incoming) or reel

    def _flat(self) -> list[Piece]:
        result: list[Piece] = []
        for track in sorted(key for key in self._tracks if key > 0):
            pieces = self._ordered(self._tracks[track])
            if track > 1 and result:
                self._remarks.add(f"pictures of video track {track} cover those below")
            result = overlay(result, pieces, self._remarks)
        if not result:
            raise self._fail("no event in this list has a frame", None)
        return result

    def _ordered(self, pieces: list[Piece]) -> list[Piece]:
        pieces = self._over_midnight(pieces)
        ordered = sorted(pieces, key=lambda piece: piece.start)
        if ordered != pieces:
            self._remarks.add("events are not in record order; sorted")
        result: list[Piece] = []
        for piece in ordered:
            if result and piece.start < result[-1].stop:
                self._trim(result, piece)
            result.append(piece)
        return result

    def _trim(self, result: list[Piece], piece: Piece) -> None:
        last = result[-1]
        if last.stop - piece.start > 1 or piece.start - last.start < 1:
            raise self._fail(
                f"event {piece.event} starts on the record side {last.stop - piece.start} frames before event "
                f"{last.event} (line {last.line}) ends",
                piece.line,
                "Correct the record timecodes, or give the list without its upper tracks",
            )
        self._remarks.add("starts one frame before the event above it ends; that one is shortened", piece.line)
        result[-1] = last.over(last.start, piece.start)

    def _over_midnight(self, pieces: list[Piece]) -> list[Piece]:
        clock = self._clock
        wrapped = [
            a for a, b in pairwise(pieces) if clock.is_late(whole(a.start)) and b.start < a.start - clock.day // 2
        ]
        if not wrapped or not clock.is_late(whole(pieces[0].start)):
            return pieces
        self._remarks.add("record timecode runs over midnight", wrapped[0].line)
        return [piece if clock.is_late(whole(piece.start)) else piece.shifted(Fraction(clock.day)) for piece in pieces]


def _runs_on(last: Piece, piece: Piece) -> bool:
    """Whether a piece that starts where another ends shows the next frames of the same source."""
    if last.source is None or piece.source is None:
        return last.source is None and piece.source is None
    if last.source.reel != piece.source.reel or last.step < 0:
        return False
    return abs(last.over(last.stop, last.stop + 1).low - piece.low) <= max(Fraction(1), abs(last.step)) - Fraction(1, 2)
