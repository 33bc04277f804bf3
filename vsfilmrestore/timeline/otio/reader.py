"""OpenTimelineIO files: all video tracks, nests and speeds laid flat into shots.

The library reads the file; places and lengths are worked out here in fractions, because the library counts in floating
point and looks past time effects. Gaps and disabled clips are see-through: what lies on lower tracks shows, else black.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any, Final

import opentimelineio as otio

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import exact_rate, nominal_rate, rate_text
from vsfilmrestore.timeline._choice import chosen
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.grammar import is_key
from vsfilmrestore.timeline.layers import Fade, Piece, between, overlay, shots_of, whole
from vsfilmrestore.timeline.model import FrameRange, Marker, Reel, SettingNote, Strength
from vsfilmrestore.timeline.notes import marker_settings, metadata_settings, setting_note, with_markers
from vsfilmrestore.timeline.otio.clip import is_premiere, place_clip
from vsfilmrestore.timeline.otio.json import OTIO_ERRORS, load_otio, metadata_of
from vsfilmrestore.timeline.otio.marks import ClipMark, clip_marks, counts_record, marker_colour, marker_texts
from vsfilmrestore.timeline.otio.media import exact, own_metadata, rate_of
from vsfilmrestore.timeline.otio.own import own_fraction, own_outgoing
from vsfilmrestore.timeline.otio.time import retimed, speed_of
from vsfilmrestore.timeline.see_through import seen_through

__all__ = ["read_otio", "reel_of"]

_ZERO: Final = Fraction(0)
_SLOWEST: Final = 5
_FASTEST: Final = 1000


def read_otio(path: Path, rate: Fraction | None = None, sequence: str = "") -> Reel:
    """Read an ``.otio`` file: a timeline, or a single stack, track or clip.

    Args:
        path: The file.
        rate: Exact rate, where the file's own is only nearly right (24 for 23.976); None takes the file's.
        sequence: Name or number of the timeline, of a file with several; '' for the only one.

    Raises:
        TimelineError: With the file, and the line where it is not even JSON.
    """
    remarks = Remarks()
    return reel_of(path, load_otio(path, remarks), rate, remarks, sequence)


def reel_of(path: Path, root: Any, rate: Fraction | None, remarks: Remarks, sequence: str = "") -> Reel:
    """The shots of an OTIO object.

    Args:
        path: The file it came from.
        root: A timeline, or a single stack, track or clip.
        rate: As for `read_otio`.
        remarks: What was tolerated so far.
        sequence: As for `read_otio`.

    Raises:
        TimelineError: It cannot be laid out as shots.
    """
    try:
        return _Reader(path, root, rate, remarks, sequence).reel()
    except RecursionError:
        raise TimelineError("the timeline is nested too deeply", file=path) from None
    except ValueError as error:
        raise TimelineError(str(error), file=path) from None
    except OTIO_ERRORS as error:
        message = f"the timeline does not hold together ({str(error).strip() or type(error).__name__})"
        raise TimelineError(message, file=path) from None


@dataclass(frozen=True, slots=True)
class _Mark:
    """A marker of a track or stack, in that one's time."""

    start: Fraction
    stop: Fraction
    texts: tuple[str, ...]
    colour: str


@dataclass(slots=True)
class _Laid:
    """A part of the timeline laid flat, from its time 0 on."""

    length: Fraction
    pieces: list[Piece] = field(default_factory=list)
    marks: list[_Mark] = field(default_factory=list)

    def moved(self, by: Fraction) -> _Laid:
        if not by:
            return self
        marks = [replace(mark, start=mark.start + by, stop=mark.stop + by) for mark in self.marks]
        return _Laid(self.length, [piece.shifted(by) for piece in self.pieces], marks)


class _Reader:
    def __init__(self, path: Path, root: Any, rate: Fraction | None, remarks: Remarks, wanted: str) -> None:
        self._path = path
        self._remarks = remarks
        self._root = self._timeline(root, wanted)
        own = _record_rate(self._root)
        if rate is not None and nominal_rate(rate) != nominal_rate(own):
            message = f"the cut runs at {rate_text(own)} fps, not at {rate_text(rate)}"
            raise TimelineError(message, file=path, hint="Leave --rate out")
        self._own_rate = own
        self._rate = own if rate is None else rate
        self._premiere = is_premiere(self._root)
        self._clips: dict[int, list[ClipMark]] = {}
        self._notes: dict[int, list[str]] = {}
        self._hidden_start = _ZERO
        self._record_marks: list[_Mark] = []

    def _timeline(self, root: Any, wanted: str) -> Any:
        if isinstance(root, otio.schema.SerializableCollection):
            timelines = [item for item in root if isinstance(item, otio.schema.Timeline)]
            if not timelines:
                raise TimelineError("the file holds 0 timelines; we need one", file=self._path)
            root = chosen(timelines, [each.name for each in timelines], wanted, self._path, word="timeline")
        elif wanted:
            chosen([root], [root.name], wanted, self._path, word="timeline")
        if not isinstance(root, otio.schema.Timeline | otio.core.Item):
            raise TimelineError(f"a {type(root).__name__} is not a timeline", file=self._path)
        return root

    def reel(self) -> Reel:
        root = self._root
        timed = isinstance(root, otio.schema.Timeline)
        laid = self._item(root.tracks if timed else root)
        if not any(piece.source for piece in laid.pieces):
            raise TimelineError("no video track holds a clip with media; there are no shots in it", file=self._path)
        begin = root.global_start_time if timed else None
        start = whole(self._frames(begin) if begin is not None else self._hidden_start)
        if start < 0:
            raise ValueError("the timeline starts before timecode 00:00:00:00")
        shell = Reel(root.name or self._path.stem, self._rate, (), start, self._drop(root), str(self._path))
        pieces = self._settled(shell, laid)
        shots = shots_of(pieces, 0, self._remarks, stop=whole(laid.length))
        by = Fraction(-start)
        laid.marks += [replace(mark, start=mark.start + by, stop=mark.stop + by) for mark in self._record_marks]
        markers = self._markers(laid.marks, start, whole(laid.length))
        reel = replace(shell, shots=shots, remarks=self._remarks.sentences())
        return with_markers(reel, markers)

    def _drop(self, root: Any) -> bool:
        if nominal_rate(self._rate) % 30 or self._rate.denominator == 1:
            return False
        own = own_metadata(root).get("drop")
        if isinstance(own, bool):
            return own
        fcp = metadata_of(root).get("fcp_xml") or {}
        shown = str((fcp.get("timecode") or {}).get("displayformat", "")) if hasattr(fcp, "get") else ""
        if shown in {"DF", "NDF"}:
            return shown == "DF"
        self._remarks.add(f"record timecode counted as drop frame, as is the rule at {rate_text(self._rate)} fps")
        return True

    def _frames(self, time: Any) -> Fraction:
        """Record frames of a RationalTime.

        Whole frames of 23.976 are as many of 24: a medium that counts alike is played frame for frame.
        """
        own, value = rate_of(time), exact(time.value)
        if own == self._own_rate or (nominal_rate(own) == nominal_rate(self._own_rate) and value.denominator == 1):
            return value
        return value * self._rate / own

    def _item(self, item: Any) -> _Laid:
        """What an item shows, trimmed to its source range and with its speed, from time 0 on."""
        if isinstance(item, otio.schema.Clip):
            return self._clip(item)
        if isinstance(item, otio.schema.Gap):
            return _Laid(self._length(item), marks=self._empty_marks(item))
        if isinstance(item, otio.schema.Track):
            laid = self._track(item)
        elif isinstance(item, otio.schema.Stack):
            laid = self._stack(item)
        else:
            raise ValueError(f"'{item.name}' is a {type(item).__name__}, which we cannot place on the timeline")
        return self._nested(item, laid)

    def _length(self, item: Any) -> Fraction:
        length = self._frames(item.trimmed_range().duration)
        if length < 0:
            raise ValueError(f"'{item.name}' has a length below 0")
        return length

    def _nested(self, item: Any, laid: _Laid) -> _Laid:
        laid.marks += [self._mark(marker) for marker in item.markers]
        speed = speed_of(item, self._remarks)
        used = item.source_range
        first = self._frames(used.start_time) if used is not None else _ZERO
        length = self._frames(used.duration) if used is not None else laid.length
        if length < 0:
            raise ValueError(f"'{item.name}' has a length below 0")
        if not getattr(item, "enabled", True):
            return _Laid(length)
        if first < 0 and length == laid.length and isinstance(item, otio.schema.Track):
            # The CMX adapter hides the record timecode of a track's first frame here.
            self._hidden_start, first = -first, _ZERO
        laid = laid.moved(-first)
        reach = length * abs(speed) if speed else length
        pieces = [
            between(piece, max(piece.start, _ZERO), min(piece.stop, reach), self._remarks)
            for piece in laid.pieces
            if piece.start < reach and piece.stop > 0
        ]
        if speed != 1:
            pieces = retimed(pieces, length, speed, self._remarks)
            marks = [mark for mark in laid.marks if marker_settings(*mark.texts)]
            if marks:
                self._remarks.add(f"settings in markers inside '{item.name}', which has a speed, are ignored")
            return _Laid(length, pieces)
        marks = [mark for mark in laid.marks if mark.start < length and mark.stop > 0] if used else laid.marks
        return _Laid(length, pieces, marks)

    def _stack(self, stack: Any) -> _Laid:
        children = list(stack)
        pictures = [child for child in children if not _is_sound(child)]
        laid = _Laid(_ZERO)
        for child in pictures:
            upper = self._item(child)
            if laid.pieces:
                upper.pieces = seen_through(laid.pieces, upper.pieces, self._remarks)
            laid.pieces = overlay(laid.pieces, upper.pieces, self._remarks)
            laid.marks += upper.marks
            laid.length = max(laid.length, upper.length)
        return laid

    def _track(self, track: Any) -> _Laid:
        laid = _Laid(_ZERO)
        fades: list[tuple[Any, Fraction]] = []
        for child in track:
            if isinstance(child, otio.schema.Transition):
                fades.append((child, laid.length))
                continue
            part = self._item(child).moved(laid.length)
            laid.pieces += part.pieces
            laid.marks += part.marks
            laid.length += part.length
        for transition, cut in fades:
            self._fade(laid, transition, cut)
        return laid

    def _fade(self, laid: _Laid, transition: Any, cut: Fraction) -> None:
        before_cut, after_cut = self._frames(transition.in_offset), self._frames(transition.out_offset)
        if before_cut < 0 or after_cut < 0:
            raise ValueError(f"the transition '{transition.name}' has an offset below 0")
        start, stop = max(cut - before_cut, _ZERO), min(cut + after_cut, laid.length)
        pieces = laid.pieces
        i = bisect_left(pieces, cut, key=lambda piece: piece.start)
        old = pieces[i - 1] if i > 0 and pieces[i - 1].stop == cut else None
        new = pieces[i] if i < len(pieces) and pieces[i].start == cut else None
        if old is not None or new is not None:
            start, stop = max(start, cut - _room(new, head=True)), min(stop, cut + _room(old, head=False))
            if stop - start < before_cut + after_cut:
                self._remarks.add(f"the transition '{transition.name}' has too little media or track; shortened")
        if stop <= start or (old is None and new is None):
            self._remarks.add(f"the transition '{transition.name}' joins nothing; ignored")
            return
        if old is not None and old.start > start:
            raise ValueError(f"the transition '{transition.name}' is longer than the clip before it, '{old.name}'")
        black = Piece("black", start, stop)
        own = own_metadata(transition)
        outgoing = own_outgoing(own, start, stop, self._rate) or replace(old or black, fade=None).over(start, stop)
        incoming = new.over(start, new.stop) if new else replace(black, stop=max(stop, cut))
        kind = str(own.get("kind") or _fade_kind(transition))
        kept = [old.over(old.start, start)] if old is not None and old.start < start else []
        pieces[i - (old is not None) : i + (new is not None)] = [*kept, replace(incoming, fade=Fade(kind, outgoing))]

    def _clip(self, clip: Any) -> _Laid:
        length = self._length(clip)
        if not getattr(clip, "enabled", True) or not length:
            return _Laid(length)
        reference = clip.media_reference
        if isinstance(reference, otio.schema.GeneratorReference):
            self._remarks.add(
                f"the generator '{clip.name or reference.generator_kind}' is not made; black where nothing else is"
            )
            return _Laid(length, [Piece(clip.name or "generator", _ZERO, length)], self._empty_marks(clip))
        placed = place_clip(clip, length, self._rate, self._remarks, premiere=self._premiere)
        owner = len(self._clips)
        self._record_marks += [self._mark(marker) for marker in clip.markers if counts_record(marker)]
        self._clips[owner] = clip_marks(clip, placed)
        self._notes[owner] = metadata_settings(metadata_of(clip))
        return _Laid(length, [replace(placed.piece, owner=owner)])

    def _empty_marks(self, item: Any) -> list[_Mark]:
        """The markers of an item without media, in its own record time."""
        first = self._frames(item.trimmed_range().start_time)
        marks: list[_Mark] = []
        for marker in item.markers:
            mark = self._mark(marker)
            # The CMX adapter's locators stand at a record timecode wherever they are.
            (self._record_marks if counts_record(marker) else marks).append(mark)
        return [replace(mark, start=mark.start - first, stop=mark.stop - first) for mark in marks]

    def _mark(self, marker: Any) -> _Mark:
        start = self._frames(marker.marked_range.start_time)
        length = self._frames(marker.marked_range.duration)
        return _Mark(start, start + max(length, Fraction(1)), marker_texts(marker), marker_colour(marker))

    def _markers(self, marks: list[_Mark], start: int, length: int) -> list[Marker]:
        result = []
        for mark in marks:
            frames = _frames_of((mark.start, mark.stop))
            if frames.start >= max(length, start):
                # Some hosts count timeline markers in record timecode, others from the first frame.
                frames = FrameRange(frames.start - start, frames.stop - start)
            notes = "\n".join(dict.fromkeys(text for text in mark.texts[1:] if text))
            result.append(Marker(mark.texts[0], notes, mark.colour, frames, str(self._path)))
        return result

    def _settled(self, shell: Reel, laid: _Laid) -> list[Piece]:
        """The final pieces with the settings of their clips; other clip markers join the timeline's."""
        seen: set[tuple[int, int]] = set()
        pieces = []
        for piece in laid.pieces:
            notes = [self._note(shell, piece, text, Strength.NOTE, None) for text in self._notes.get(piece.owner, ())]
            for i, mark in enumerate(self._clips.get(piece.owner, ())):
                shown = _shown(piece, mark)
                if shown is None:
                    continue
                seen.add((piece.owner, i))
                frames = _frames_of(shown)
                if mark.point and mark.frames is not None:
                    frames = FrameRange(frames.start, frames.start + 1)
                text = marker_settings(*mark.texts)
                if text is None:
                    marked = _Mark(Fraction(frames.start), Fraction(frames.stop), mark.texts, mark.colour)
                    laid.marks.append(marked)
                else:
                    whole_shot = mark.point and not is_key(text)
                    notes.append(self._note(shell, piece, text, mark.strength, None if whole_shot else frames))
            order = list(Strength)
            notes.sort(key=lambda note: order.index(note.strength))
            pieces.append(replace(piece, notes=tuple(notes)))
        for owner, marks in self._clips.items():
            for i, mark in enumerate(marks):
                if (owner, i) not in seen and (text := marker_settings(*mark.texts)) is not None:
                    self._remarks.add(
                        f"the clip marker 'VSFR {text}' stands outside the part of its clip in use; ignored"
                    )
        return pieces

    def _note(self, shell: Reel, piece: Piece, text: str, strength: Strength, frames: FrameRange | None) -> SettingNote:
        record = FrameRange(whole(piece.start), max(whole(piece.start), whole(piece.stop)))
        part = frames.overlap(record) if frames else None
        at = part.start if part else record.start
        limit = None if part == record else part
        return setting_note(text, strength, str(self._path), timecode=shell.timecode(at), frames=limit)


def _shown(piece: Piece, mark: ClipMark) -> tuple[Fraction, Fraction] | None:
    """The record times a clip's marker stands on, None where its frames are not seen."""
    if mark.frames is None:
        return piece.start, piece.stop
    if mark.record is None:
        return piece.record_frames(*mark.frames)
    first, last = piece.start + mark.record[0], min(piece.start + mark.record[1], piece.stop)
    return (first, last) if first < last else None


def _frames_of(times: tuple[Fraction, Fraction]) -> FrameRange:
    first = floor(times[0])
    return FrameRange(first, max(ceil(times[1]), first + 1))


def _room(piece: Piece | None, *, head: bool) -> Fraction:
    """Record frames for which there is media before a piece (or after it), as far as the cut list tells."""
    plenty = Fraction(10**9)
    if piece is None or piece.source is None or piece.step == 0:
        return plenty
    known, step = piece.source.available, abs(piece.step)
    if head == (piece.step > 0):
        return max(_ZERO, piece.low - (known.start if known else 0)) / step
    return max(_ZERO, known.stop - piece.low - (piece.stop - piece.start) * step) / step if known else plenty


def _fade_kind(transition: Any) -> str:
    """``dissolve``, or what the host calls any other kind."""
    kind, name = str(transition.transition_type or ""), str(transition.name or "")
    if not kind or "dissolve" in kind.lower():
        return "dissolve"
    return name if kind.startswith("Custom") and name else kind


def _is_sound(child: Any) -> bool:
    return isinstance(child, otio.schema.Track) and "audio" in str(child.kind or "").lower()


def _record_rate(root: Any) -> Fraction:
    """The rate of a timeline: as it says, else of its start timecode, else that of most of its items."""
    own = own_metadata(root).get("rate")
    if isinstance(own, str):
        return exact_rate(own_fraction(own))
    if isinstance(root, otio.schema.Timeline) and root.global_start_time is not None:
        told = rate_of(root.global_start_time)
        if _SLOWEST <= told <= _FASTEST:  # else it counts seconds, or parts of them
            return told
    rates: Counter[Fraction] = Counter()
    _count_rates(root.tracks if isinstance(root, otio.schema.Timeline) else root, rates)
    if not any(rates.values()):
        raise ValueError("nothing in the timeline has a frame rate")
    return rates.most_common(1)[0][0]


def _count_rates(item: Any, rates: Counter[Fraction]) -> None:
    if isinstance(item, otio.schema.Transition) or _is_sound(item):
        return
    used = item.source_range
    if used is None and isinstance(item, otio.schema.Clip):
        used = item.media_reference.available_range
    if used is not None:
        told = rate_of(used.duration)
        rates[told] += _SLOWEST <= told <= _FASTEST
    if isinstance(item, otio.core.Composition):
        for child in item:
            _count_rates(child, rates)
