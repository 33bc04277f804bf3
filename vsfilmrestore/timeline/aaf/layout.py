"""Segments of an AAF laid flat: what each part of a composition shows, in frames of its slot.

::

    NestedScope   slot 2  |-ScopeReference-|-- C --|-ScopeReference-|      slot 2 shows slot 1 where it refers to it;
                  slot 1  |--------- A --------|-------- B ---------|      the last slot is what is seen

    Sequence      |------- A -------|                                      a transition is a piece of both: the parts
                           |--- B ---------|                               beside it overlap by its length
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.aaf.file import count, items, kind_of, nested, rate_of, ratio, text
from vsfilmrestore.timeline.aaf.laid import Laid, fade_kind, laid_over
from vsfilmrestore.timeline.aaf.marks import Mark, colour_of, comments_of, marks_of
from vsfilmrestore.timeline.aaf.media import PULLDOWN, Media, MediaFinder, is_picture, slot_of
from vsfilmrestore.timeline.aaf.time import changes_time, map_of, retimed
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.layers import Fade, Piece
from vsfilmrestore.timeline.notes import marker_settings, metadata_settings

__all__ = ["Layout", "Owner"]

_DEEPEST: Final = 60
_MOST_PARTS: Final = 200_000
_MOST_PIECES: Final = 80_000
_ZERO: Final = Fraction(0)
_CLIPS: Final = ("Usage_SubClip", "Usage_AdjustedClip")


@dataclass(frozen=True, slots=True)
class Owner:
    """A clip of the file: settings in its comments, and its own markers in frames of its medium."""

    notes: tuple[str, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class _Scope:
    """Slots below the one at hand, and the scope around them at the time where this one begins in it."""

    slots: list[Laid]
    outer: _Scope | None
    at: Fraction
    loose: bool = False


@dataclass(frozen=True, slots=True)
class _Here:
    """Where in the composition a part stands."""

    rate: Fraction
    scope: _Scope | None
    at: Fraction
    record: Fraction
    depth: int = 0
    nests: tuple[str, ...] = ()

    def later(self, by: Fraction) -> _Here:
        return replace(self, at=self.at + by, record=self.record + by)

    def inside(self, scope: _Scope) -> _Here:
        return replace(self, scope=scope, at=_ZERO, depth=self.depth + 1)


class Layout:
    """Lays compositions flat.

    Args:
        mobs: The mobs of the file by identity, as text.
        rate: Record rate.
        remarks: Told of what is tolerated.
    """

    def __init__(self, mobs: dict[str, Any], rate: Fraction, remarks: Remarks) -> None:
        self._mobs, self._rate, self._remarks = mobs, rate, remarks
        self._media = MediaFinder(mobs, rate, remarks)
        self._nests: dict[tuple[str, int], tuple[Laid, Fraction]] = {}
        self._mob_marks: dict[str, tuple[Mark, ...]] = {}
        self._mob_told: dict[str, dict[str, Any]] = {}
        self._picture_slots: dict[tuple[str, Any], Any] = {}
        self._parts = self._pieces = 0
        self.owners: list[Owner] = []

    def slot(self, slot: Any) -> Laid:
        """What a slot of the composition shows, in record frames.

        Raises:
            TimelineError: A part of it has no sensible meaning; without a file, its `frame` set to the record frame.
            ValueError: A value in the file is none.
        """
        rate = rate_of(slot)
        here = _Here(rate, None, _ZERO, _ZERO)
        return self._segment(nested(slot, "Segment"), here).scaled(ratio(self._rate, rate))

    def _segment(self, segment: Any, here: _Here) -> Laid:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise ValueError("the cut has too many parts")
        if here.depth > _DEEPEST:
            raise ValueError("the cut is nested too deeply")
        here = replace(here, depth=here.depth + 1)
        length = Fraction(count(segment, "Length")) if segment is not None else _ZERO
        if length < 0:
            raise ValueError(f"a {kind_of(segment)} has a length below 0")
        match kind_of(segment):
            case "Sequence":
                laid = self._sequence(segment, here)
            case "SourceClip":
                laid = self._clip(segment, length, here)
            case "OperationGroup":
                laid = self._effect(segment, length, here)
            case "NestedScope":
                laid = self._scope(items(segment, "Slots"), here, length)
            case "ScopeReference":
                laid = self._reference(segment, length, here)
            case "Selector":
                laid = self._segment(nested(segment, "Selected"), here)
            case "EssenceGroup":
                laid = self._segment(next(iter(items(segment, "Choices")), None), here)
            case "Pulldown":
                laid = self._pulldown(segment, length, here)
            case "Filler" | "NoneType":
                laid = Laid(length)
            case kind:
                self._remarks.add(f"a {kind} in a picture track is skipped")
                laid = Laid(length)
        self._pieces += len(laid.pieces)
        if self._pieces > _MOST_PIECES:
            raise ValueError("the cut has too many parts")
        return laid

    def _sequence(self, sequence: Any, here: _Here) -> Laid:
        parts: list[tuple[Fraction, Laid]] = []
        fades: list[tuple[int, Fraction, Fraction, Any]] = []
        at = _ZERO
        for part in items(sequence, "Components"):
            if kind_of(part) == "Transition":
                length = Fraction(count(part, "Length"))
                if length < 0 or length > at:
                    raise TimelineError("a transition is longer than what is before it", frame=_frame(here, at))
                fades.append((len(parts), at - length, at, part))
                at -= length
                continue
            laid = self._segment(part, here.later(at))
            parts.append((at, laid.moved(at)))
            at += laid.length
        pieces = [part.pieces for _, part in parts]
        for number, start, stop, transition in fades:
            self._fade(pieces, number, start, stop, transition)
        flat = [piece for part in pieces for piece in part]
        marks = [mark for _, part in parts for mark in part.marks]
        return Laid(at, flat, marks)

    def _fade(self, parts: list[list[Piece]], number: int, start: Fraction, stop: Fraction, transition: Any) -> None:
        """Give what the part after a transition shows its fade, and end the part before it where it starts."""
        old = parts[number - 1] if number else []
        on = [piece for piece in old if piece.stop > start]
        if number:
            parts[number - 1] = [
                piece if piece.stop <= start else piece.over(piece.start, start) for piece in old if piece.start < start
            ]
        if stop <= start:
            return
        new = parts[number] if number < len(parts) else []
        if len(on) > 1:
            self._remarks.add("a transition out of several clips at once fades out the first of them only")
        outgoing = on[0].over(start, stop) if on else Piece("black", start, stop)
        first = new[0] if new and new[0].start < stop else None
        if first is None and not on:
            return
        fade = Fade(fade_kind(transition), replace(outgoing, fade=None))
        if first is None:
            new.insert(0, Piece("black", start, stop, fade=fade))
        else:
            new[0] = replace(first.over(start, first.stop), fade=fade)
        if number >= len(parts):
            parts.append(new)

    def _scope(self, slots: Sequence[Any], here: _Here, length: Fraction | None = None) -> Laid:
        """Tracks over one another: the last is what is seen; where it has nothing, what is below shows."""
        scope = _Scope([], here.scope, here.at)
        marks: list[Mark] = []
        for slot in slots:
            laid = self._segment(slot, here.inside(scope))
            below = scope.slots[-1].pieces if scope.slots else []
            marks += laid.marks
            scope.slots.append(Laid(laid.length, laid_over(below, laid.pieces, self._remarks)))
        if not scope.slots:
            return Laid(length or _ZERO)
        longest = max(slot.length for slot in scope.slots)
        return Laid(longest if length is None else length, scope.slots[-1].pieces, marks)

    def _reference(self, segment: Any, length: Fraction, here: _Here) -> Laid:
        scope, at = here.scope, here.at
        outward, back = count(segment, "RelativeScope"), count(segment, "RelativeSlot")
        if outward < 0 or back < 1:
            raise ValueError("a reference to another track is damaged")
        while scope is not None and outward > 0:
            at, outward = at + scope.at, outward - 1
            scope = scope.outer
        while scope is not None and scope.loose and back > len(scope.slots):
            at += scope.at
            scope = scope.outer
        if scope is None or back > len(scope.slots):
            return Laid(length)
        laid = scope.slots[-back].window(at, length, self._remarks)
        return Laid(length, laid.pieces)

    def _effect(self, group: Any, length: Fraction, here: _Here) -> Laid:
        inputs = items(group, "InputSegments")
        operation = nested(group, "Operation")
        name = text(operation, "Name") or "unnamed"
        if not inputs:
            self._remarks.add(f"the effect '{name}' has no input; black where nothing else is")
            return Laid(length)
        if changes_time(group):
            return self._retimed(group, inputs[0], length, here)
        scope = _Scope([], here.scope, here.at, loose=True)
        for segment in inputs:
            scope.slots.append(self._segment(segment, here.inside(scope)))
        nest = count(operation, "NumberInputs") < 0
        if nest:
            seen = len(inputs) - 1
        else:
            self._remarks.add("picture effects of the cut are left to the editing program")
            seen = min(max(count(operation, "Bypass", 0), 0), len(inputs) - 1)
        if not scope.slots[seen].pieces:
            seen = next((i for i, laid in enumerate(scope.slots) if laid.pieces), seen)
        laid = scope.slots[seen].window(_ZERO, length, self._remarks)
        pieces = self._below(scope.slots[:seen], laid.pieces, length)
        return Laid(length, self._told(pieces, group, None), laid.marks)

    def _below(self, lower: list[Laid], pieces: list[Piece], length: Fraction) -> list[Piece]:
        """Pieces of a nest over the tracks below, which show where it has nothing."""
        for laid in reversed(lower):
            pieces = laid_over(laid.window(_ZERO, length, self._remarks).pieces, pieces, self._remarks)
        return pieces

    def _retimed(self, group: Any, segment: Any, length: Fraction, here: _Here) -> Laid:
        laid = self._segment(segment, here)
        if not laid.pieces:
            return Laid(length)
        name = laid.pieces[0].name
        if any(marker_settings(*mark.texts) for mark in laid.marks):
            self._remarks.add(f"settings in markers inside '{name}', which has a speed, are ignored")
        try:
            places = map_of(group, int(length), int(laid.length), self._remarks, name)
            pieces = retimed(laid.pieces, length, places, self._remarks)
        except ValueError as error:
            hint = "Render the effect to a file in the editing program and put that into the cut"
            raise TimelineError(f"'{name}': {error}", frame=_frame(here, _ZERO), hint=hint) from None
        return Laid(length, self._told(pieces, group, None))

    def _pulldown(self, segment: Any, length: Fraction, here: _Here) -> Laid:
        laid = self._segment(nested(segment, "InputSegment"), here)
        kind, way = text(segment, "PulldownKind"), text(segment, "PulldownDirection")
        frames = PULLDOWN.get(kind, Fraction(1))
        step = 1 / frames if way.startswith("Film") else frames
        if step == 1:
            return laid.window(_ZERO, length, self._remarks)
        self._remarks.add(f"a pulldown ({kind}) is played in time")
        places = Curve(((_ZERO, _ZERO), (Fraction(1), step)))
        return Laid(length, retimed(laid.pieces, length, places, self._remarks))

    def _clip(self, clip: Any, length: Fraction, here: _Here) -> Laid:
        identity = str(clip.mob_id)
        mob = self._mobs.get(identity)
        if mob is None:
            return self._unknown(clip, identity, length)
        slot = self._picture_slot(identity, mob, clip.slot_id)
        if slot is None:
            self._remarks.add(f"a clip of '{text(mob, 'Name')}' refers to no picture; black where nothing else is")
            return Laid(length)
        start = Fraction(count(clip, "StartTime"))
        if kind_of(mob) == "CompositionMob":
            laid = self._nest(mob, slot, start, length, here)
            marks = laid.marks
            named = mob if text(mob, "UsageCode") in _CLIPS else None
            return Laid(length, self._told(laid.pieces, clip, named), marks)
        if not length:
            return Laid(length)
        return Laid(length, [self._piece(clip, mob, slot, start, length, here)])

    def _picture_slot(self, identity: str, mob: Any, number: Any) -> Any:
        """The slot of a mob with a number, if it holds pictures; else None."""
        if (identity, number) not in self._picture_slots:
            slot = slot_of(mob, number)
            fits = slot is not None and kind_of(slot) == "TimelineMobSlot" and is_picture(slot)
            self._picture_slots[identity, number] = slot if fits else None
        return self._picture_slots[identity, number]

    def _unknown(self, clip: Any, identity: str, length: Fraction) -> Laid:
        if set(identity.rsplit(":", 1)[-1]) <= set("0."):
            return Laid(length)
        self._remarks.add(f"the file does not hold the media {identity}; black where nothing else is")
        return Laid(length)

    def _piece(self, clip: Any, mob: Any, slot: Any, start: Fraction, length: Fraction, here: _Here) -> Piece:
        slot_rate = rate_of(slot)
        factor = ratio(slot_rate, here.rate)
        media = self._media.media(mob, slot, start * factor)
        if media.source.rate != self._rate:
            self._remarks.add(f"media at {float(media.source.rate):.6g} fps is played in time")
        low, step = media.zero + start * factor * media.step, factor * media.step
        if media.still:
            known = media.source.available
            low, step = Fraction(known.start if known else 0), _ZERO
        elif low < 0:
            raise TimelineError(f"'{media.source.name}' starts before the first frame of its media", frame=_frame(here))
        identity = str(clip.mob_id)
        if identity not in self._mob_told:
            self._mob_told[identity] = comments_of(mob)
        told = self._mob_told[identity] | comments_of(clip)
        self.owners.append(Owner(tuple(metadata_settings(told)), self._marks(mob, slot_rate, media)))
        return Piece(
            media.source.name or media.source.label,
            _ZERO,
            length,
            media.source,
            low,
            step,
            _ZERO if media.still else Fraction(1),
            owner=len(self.owners) - 1,
            colour=colour_of(told),
        )

    def _marks(self, mob: Any, rate: Fraction, media: Media) -> tuple[Mark, ...]:
        """The markers of a clip's own mob, in frames of its medium."""
        identity = str(mob.mob_id)
        if identity not in self._mob_marks:
            self._mob_marks[identity] = tuple(marks_of(mob, rate))
        marks = self._mob_marks[identity]
        return tuple(mark.scaled(media.step).moved(media.zero) for mark in marks) if media.step else ()

    def _nest(self, mob: Any, slot: Any, start: Fraction, length: Fraction, here: _Here) -> Laid:
        identity = str(mob.mob_id)
        if identity in here.nests:
            raise ValueError(f"the sequence '{text(mob, 'Name')}' is nested in itself")
        key = identity, count(slot, "SlotID")
        if key not in self._nests:
            rate = rate_of(slot)
            inside = _Here(rate, None, _ZERO, here.record - start, here.depth, (*here.nests, identity))
            laid = self._segment(nested(slot, "Segment"), inside)
            laid = Laid(laid.length, laid.pieces, laid.marks + marks_of(mob, rate))
            self._nests[key] = (laid, rate)
        laid, rate = self._nests[key]
        start += count(slot, "Origin") * ratio(here.rate, rate)
        return laid.scaled(ratio(here.rate, rate)).window(start, length, self._remarks)

    def _told(self, pieces: list[Piece], thing: Any, mob: Any) -> list[Piece]:
        """Pieces with what their effect or their subclip says on them: colour, comments, name."""
        told = comments_of(thing, mob) if mob is not None else comments_of(thing)
        notes, colour = tuple(metadata_settings(told)), colour_of(told)
        name = text(mob, "Name") if mob is not None else ""
        if not (notes or colour or name):
            return pieces
        result = []
        for piece in pieces:
            owner = piece.owner
            if notes and owner >= 0:
                self.owners.append(Owner(self.owners[owner].notes + notes, self.owners[owner].marks))
                owner = len(self.owners) - 1
            result.append(replace(piece, owner=owner, colour=colour or piece.colour, name=name or piece.name))
        return result


def _frame(here: _Here, by: Fraction = _ZERO) -> int:
    return max(0, int(here.record + by))
