"""AAF files, as Avid, Premiere, Resolve and Flame export them: the sequence's picture tracks laid flat into shots.

The library pyaaf2 reads the objects; what they show is worked out here, in fractions.

==============  ======================================================================================
container       the compound file, looked over before the library trusts it
file            opening it, and asking objects carefully
media           from a clip along the chain of mobs to name, file, reel and timecode
time, curve     speeds, and curves of speed
layout, laid    segments, tracks, effects, transitions and nests laid flat
marks           markers, comments, colours
==============  ======================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import format_timecode, nominal_rate, rate_text
from vsfilmrestore.timeline._choice import chosen
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.aaf.file import count, items, kind_of, nested, open_aaf, rate_of, text
from vsfilmrestore.timeline.aaf.laid import Laid, laid_over
from vsfilmrestore.timeline.aaf.layout import Layout
from vsfilmrestore.timeline.aaf.marks import Mark, marks_of
from vsfilmrestore.timeline.aaf.media import Clock, is_picture, timecode_of
from vsfilmrestore.timeline.layers import Piece, shots_of, whole
from vsfilmrestore.timeline.model import FrameRange, Marker, Reel, SettingNote, Strength
from vsfilmrestore.timeline.notes import marker_settings, setting_note, with_markers

__all__ = ["read_aaf"]

_TOP: Final = "Usage_TopLevel"
_LONGEST: Final = 100 * 3600 * 120


def read_aaf(path: Path, rate: Fraction | None = None, sequence: str = "") -> Reel:
    """Read the sequence of an ``.aaf`` file.

    Args:
        path: The file.
        rate: Exact rate, where the file's own is only nearly right (24 for 23.976); None takes the file's.
        sequence: Name or number of the sequence, of a file with several; '' for the only one.

    Raises:
        TimelineError: With the file, and the record timecode where it is about one place.
        InstallationError: The library pyaaf2 is missing.
    """
    with open_aaf(path) as file:
        return _Reader(path, file, rate, sequence).reel()


class _Reader:
    def __init__(self, path: Path, file: Any, rate: Fraction | None, wanted: str) -> None:
        self._path = path
        self._remarks = Remarks()
        self._mobs = {str(mob.mob_id): mob for mob in file.content.mobs}
        self._sequence = self._top(wanted)
        self._slots = self._pictures()
        self._rate = self._record_rate(rate)
        clock = self._clock()
        self._start = clock.start if clock else 0
        self._drop = bool(clock and clock.drop and clock.fps % 30 == 0)
        self._layout = Layout(self._mobs, self._rate, self._remarks)

    def _top(self, wanted: str) -> Any:
        """The sequence: the one named, else the one that says it is one, else the only one no other refers to."""
        compositions = {key: mob for key, mob in self._mobs.items() if kind_of(mob) == "CompositionMob"}
        if not compositions:
            raise TimelineError("the file holds no sequence, only clips", file=self._path)
        top = {key: mob for key, mob in compositions.items() if text(mob, "UsageCode") == _TOP} or compositions
        if len(top) > 1:
            used = {key for mob in compositions.values() for key in _references(mob)}
            top = {key: mob for key, mob in top.items() if key not in used} or top
        if wanted:
            top |= compositions  # a part of another may be meant
        mobs = list(top.values())
        return chosen(mobs, [text(mob, "Name") for mob in mobs], wanted, self._path)

    def _pictures(self) -> list[Any]:
        slots = [s for s in items(self._sequence, "Slots") if kind_of(s) == "TimelineMobSlot" and is_picture(s)]
        if not slots:
            message = "the sequence has no picture track; there are no shots in it"
            raise TimelineError(message, file=self._path)
        return sorted(slots, key=lambda slot: count(slot, "PhysicalTrackNumber", 1))

    def _record_rate(self, rate: Fraction | None) -> Fraction:
        own = rate_of(self._slots[0])
        if rate is not None and nominal_rate(rate) != nominal_rate(own):
            message = f"the cut runs at {rate_text(own)} fps, not at {rate_text(rate)}"
            raise TimelineError(message, file=self._path, hint="Leave --rate out")
        return own if rate is None else rate

    def _clock(self) -> Clock | None:
        """Timecode of the sequence: that of the first timecode track that counts at its rate."""
        found: list[tuple[int, int, Clock]] = []
        for slot in items(self._sequence, "Slots"):
            if kind_of(slot) != "TimelineMobSlot" or kind_of(nested(slot, "Segment")) not in {"Timecode", "Sequence"}:
                continue
            clock = timecode_of(slot)
            if clock is not None and clock.fps == nominal_rate(self._rate) and clock.start >= 0:
                found.append((count(slot, "PhysicalTrackNumber", 1), len(found), clock))
        if not found:
            self._remarks.add("the sequence has no timecode; counted from 00:00:00:00")
        return min(found)[2] if found else None

    def reel(self) -> Reel:
        laid = self._flat()
        if not any(piece.source for piece in laid.pieces):
            raise TimelineError("no picture track holds a clip with media; there are no shots in it", file=self._path)
        if laid.length > _LONGEST:
            raise TimelineError("the sequence is longer than a hundred hours", file=self._path)
        length = whole(laid.length)
        name = text(self._sequence, "Name") or self._path.stem
        shell = Reel(name, self._rate, (), self._start, self._drop, str(self._path))
        for piece in laid.pieces:
            self._check_media(piece)
        pieces = [self._settled(shell, piece, laid.marks) for piece in laid.pieces]
        shots = shots_of(pieces, 0, self._remarks, stop=length)
        reel = replace(shell, shots=shots, remarks=self._remarks.sentences())
        return with_markers(reel, self._markers(laid.marks))

    def _flat(self) -> Laid:
        laid = Laid(Fraction(0))
        for slot in self._slots:
            try:
                upper = self._layout.slot(slot)
            except TimelineError as error:
                if error.file is not None:
                    raise
                at = None if error.frame is None else self._timecode(error.frame)
                raise TimelineError(error.message, file=self._path, timecode=at, hint=error.hint) from None
            laid.pieces = laid_over(laid.pieces, upper.pieces, self._remarks)
            laid.marks += upper.marks
            laid.length = max(laid.length, upper.length)
        laid.marks += marks_of(self._sequence, self._rate)
        return laid

    def _timecode(self, frame: int) -> str:
        return format_timecode(self._start + frame, self._rate, drop=self._drop)

    def _check_media(self, piece: Piece) -> None:
        """Tell of a clip that shows more than there is, as far as the file knows its medium."""
        known = piece.source.available if piece.source else None
        if known is not None:
            low, high = piece.span()
            if floor(low) < known.start or floor(high) >= known.stop:
                self._remarks.add(f"'{piece.name}' shows frames beyond the {len(known)} that its media has")

    def _settled(self, shell: Reel, piece: Piece, marks: list[Mark]) -> Piece:
        """The piece with the settings of its clip; the clip's other markers join those of the sequence."""
        if piece.fade is not None:
            # What fades away shows markers of its own clip, too, but its settings are those of the shot it belongs to.
            self._add_marks(piece.fade.outgoing, marks)
        if piece.owner < 0:
            return piece
        owner = self._layout.owners[piece.owner]
        shown = FrameRange(whole(piece.start), max(whole(piece.start), whole(piece.stop)))
        notes = [self._note(shell, shown, words, Strength.NOTE, None) for words in owner.notes]
        for mark in owner.marks:
            words = marker_settings(*mark.texts)
            frames = _shown(piece, mark)
            if frames is not None and words is not None:
                point = mark.stop - mark.start <= max(abs(piece.step), Fraction(1))
                note = self._note(shell, shown, words, Strength.CLIP_MARKER, frames)
                notes.append(replace(note, frames=None) if point else note)
        self._add_marks(piece, marks)
        order = list(Strength)
        return replace(piece, notes=tuple(sorted(notes, key=lambda note: order.index(note.strength))))

    def _add_marks(self, piece: Piece, marks: list[Mark]) -> None:
        if piece.owner < 0:
            return
        for mark in self._layout.owners[piece.owner].marks:
            frames = _shown(piece, mark)
            if frames is not None and marker_settings(*mark.texts) is None:
                marks.append(replace(mark, start=Fraction(frames.start), stop=Fraction(frames.stop)))

    def _note(
        self, shell: Reel, shown: FrameRange, words: str, strength: Strength, frames: FrameRange | None
    ) -> SettingNote:
        part = frames.overlap(shown) if frames else None
        at = part.start if part else shown.start
        limit = None if part == shown else part
        return setting_note(words, strength, str(self._path), timecode=shell.timecode(at), frames=limit)

    def _markers(self, marks: Iterable[Mark]) -> list[Marker]:
        """Markers for the reel, one where an Avid keeps the same on the clip and on the sequence."""
        found: dict[Marker, None] = {}
        for mark in marks:
            start = floor(mark.start)
            frames = FrameRange(start, max(ceil(mark.stop), start + 1))
            notes = "\n".join(mark.texts[1:])
            found[Marker(mark.texts[0], notes, mark.colour, frames, str(self._path))] = None
        return list(found)


def _shown(piece: Piece, mark: Mark) -> FrameRange | None:
    """The record frames at which the place of a clip's marker is seen."""
    times = piece.record_frames(mark.start, mark.stop)
    if times is None:
        return None
    start = ceil(times[0])
    return FrameRange(start, max(floor(times[1]), start + 1))


def _references(mob: Any) -> set[str]:
    """The mobs that the clips of a mob refer to."""
    found: set[str] = set()
    todo = [nested(slot, "Segment") for slot in items(mob, "Slots")]
    steps = 0
    while todo:
        part, steps = todo.pop(), steps + 1
        if steps > 200_000:
            raise ValueError("the cut has too many parts")
        if kind_of(part) == "SourceClip":
            found.add(str(part.mob_id))
        for key in ("Components", "InputSegments", "Slots", "Choices"):
            todo += items(part, key)
        todo += [each for key in ("Selected", "InputSegment") if (each := nested(part, key)) is not None]
    return found
