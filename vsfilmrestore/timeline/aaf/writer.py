"""A `Reel` as AAF, for Avid, Resolve, Premiere and Flame: one composition with a picture track, timecode and markers.

Speeds are Avid's motion control with the places in the media key by key (``PARAM_SPEED_OFFSET_MAP_U``), which says
constant speeds, freezes, reverse and curves alike. A transition is a piece of both its clips, as AAF wants it. The
library is pyaaf2, the extra ``[aaf]``.
"""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.errors import InstallationError, OutputError, TimelineError
from vsfilmrestore.media.out.atomic import fsync_folder, output_error, part_path
from vsfilmrestore.media.timecode import nominal_rate
from vsfilmrestore.timeline._writing import (
    Extras,
    Losses,
    as_timeline_marker,
    extents,
    is_locator,
    media_key,
    placed_marks,
    runs_on,
)
from vsfilmrestore.timeline.aaf.mobs import SLOT, Definitions, Mobs, edit_rate, make
from vsfilmrestore.timeline.curve import Curve
from vsfilmrestore.timeline.model import Marker, Reel, SettingNote, Shot, SourceKey

__all__ = ["save_aaf"]

_PICTURES: Final = 2
_MARKERS: Final = 1002
_LARGEST: Final = 2**31 - 1
_FINE: Final = 10**6
_RGB: Final = {
    "RED": (52428, 13107, 13107),
    "GREEN": (13107, 52428, 13107),
    "BLUE": (13107, 13107, 52428),
    "CYAN": (13107, 52428, 52428),
    "MAGENTA": (52428, 13107, 52428),
    "YELLOW": (52428, 52428, 13107),
    "BLACK": (0, 0, 0),
    "WHITE": (65535, 65535, 65535),
}


def save_aaf(reel: Reel, path: Path, extras: Extras | None = None) -> tuple[str, ...]:
    """Write a reel as AAF; the file appears whole or not at all.

    Args:
        reel: The cut.
        path: The file.
        extras: Sizes of pictures.

    Returns:
        What AAF could not hold.

    Raises:
        InstallationError: pyaaf2 is missing.
        TimelineError: A curve of speed has places too fine for the format.
        OutputError: The file cannot be written.
    """
    try:
        import aaf2
    except ImportError:
        message = "AAF files need the library pyaaf2, which is not installed"
        raise InstallationError(message, file=path, hint='Run: pip install "vsfilmrestore[aaf]"') from None
    part = part_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aaf2.open(str(part), "w") as file:
            writer = _AafWriter(file, reel, extras or Extras())
            writer.composition()
        with open(part, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, OutputError):
            raise output_error(path, error) from None
        raise
    fsync_folder(path.parent)
    return writer.losses.sentences()


class _AafWriter:
    def __init__(self, file: Any, reel: Reel, extras: Extras) -> None:
        self._file, self._reel = file, reel
        self.losses = Losses()
        self._placed = placed_marks(reel)
        self._extents = extents(reel, self.losses)
        self._mobs = Mobs(file, self._extents, extras, self.losses)
        self._definitions = Definitions(file)

    def composition(self) -> None:
        """Write it all."""
        reel = self._reel
        mob = make(self._file, "CompositionMob", reel.name or "cut")
        mob.usage = "Usage_TopLevel"
        self._file.content.mobs.append(mob)
        clock = mob.create_timeline_slot(edit_rate(reel.rate), 1)
        clock.segment = make(self._file, "Timecode", nominal_rate(reel.rate), drop=reel.drop, length=max(len(reel), 1))
        clock.segment.start = reel.start
        clock["PhysicalTrackNumber"].value = 1
        track = mob.create_empty_sequence_slot(edit_rate(reel.rate), _PICTURES, "picture")
        track.name = "V1"
        track["PhysicalTrackNumber"].value = 1
        for i, shot in enumerate(reel.shots):
            if shot.transition is not None:
                self._transition(track.segment, i, shot)
            self._part(track.segment, i, shot)
        track.segment.length = len(reel)
        self._markers(mob)

    def _part(self, sequence: Any, i: int, shot: Shot) -> None:
        after = self._reel.shots[i + 1] if i + 1 < len(self._reel.shots) else None
        tail = after.transition.length if after is not None and after.transition is not None else 0
        length = len(shot.record) + tail
        if shot.source is None:
            sequence.components.append(make(self._file, "Filler", "picture", length))
            self._placed.timeline.extend(as_timeline_marker(mark) for mark in self._placed.clips[i])
            return
        if self._placed.clips[i]:
            self.losses.add("markers of clips stand on the sequence", shot.name)
            self._placed.timeline.extend(as_timeline_marker(mark) for mark in self._placed.clips[i])
        sequence.components.append(self._clip(i, shot, shot.source, length))

    def _clip(self, i: int, shot: Shot, source: SourceKey, length: int) -> Any:
        rate = self._reel.rate
        share, first = rate / source.rate, self._extents[media_key(source)].start
        if share != 1 and nominal_rate(rate) == nominal_rate(source.rate):
            # Rates that count alike are played frame for frame: in time, it is a speed.
            self.losses.add("media of another rate that counts alike are played at a speed", shot.name)
            share, straight = Fraction(1), False
        else:
            straight = shot.curve is None and shot.speed == 1
        if straight:
            start = _whole_start((source.start + shot.phase - first) * share, share, length)
            if start is not None:
                return self._source_clip(i, shot, source, start, length)
            message = "media of another rate begins between two frames of the sequence; its speed has keys"
            self.losses.add(message, shot.name)
        knots = [(time, (place - first) * share) for time, place in _knots(shot, source, rate, length)]
        low = max(0, floor(min(place for _, place in knots)))
        span = max(1, floor(max(place for _, place in knots)) + 1 - low)
        knots = _fitted([(time, place - low) for time, place in knots], length, shot)
        group = make(self._file, "OperationGroup", self._definitions.motion(), length, "picture")
        group.segments.append(self._source_clip(i, shot, source, low, span))
        average = abs(shot.speed) or Fraction(1, max(length, 1))
        group.parameters.append(
            make(
                self._file,
                "ConstantValue",
                self._definitions.speed_ratio(),
                _rational((1 / average).limit_denominator(_FINE)),
            )
        )
        places = make(self._file, "VaryingValue", self._definitions.offsets(), self._definitions.linear())
        group.parameters.append(places)
        for time, place in knots:
            places["PointList"].append(self._key(places, time, place))
        return group

    def _key(self, parameter: Any, time: Fraction, place: Fraction) -> Any:
        point = make(self._file, "ControlPoint")
        point["Time"].value = _rational(time)
        value = point["Value"]
        value.add_pid_entry()
        value.data = value.typedef.encode(_rational(place), parameter.typedef)
        value.mark_modified()
        return point

    def _source_clip(self, i: int, shot: Shot, source: SourceKey, start: int, length: int) -> Any:
        clip = self._mobs.master(source, shot.name or source.name).create_source_clip(SLOT, start, length, "picture")
        for name, text in self._texts(shot, self._placed.texts[i]):
            clip["UserComments"].append(make(self._file, "TaggedValue", name, text))
        if shot.colour:
            self.losses.add(f"the clip colour '{shot.colour}' is not written", shot.name)
        return clip

    def _texts(self, shot: Shot, notes: list[SettingNote]) -> list[tuple[str, str]]:
        """Comments of a clip: each setting by itself, two in one text would be read as one."""
        lines = [text for text in shot.comments if not is_locator(text) and "VSFR" not in text.upper()]
        texts = [("Comments", "\n".join(lines))] if lines else []
        for note in notes:
            if note.frames is not None:
                self.losses.add(f"'VSFR {note.text}' is for a part of the shot, which a note cannot say", shot.name)
                continue
            texts.append(("Comment" if not texts else f"Comment {len(texts) + 1}", f"VSFR {note.text}"))
        return texts

    def _transition(self, sequence: Any, i: int, shot: Shot) -> None:
        assert shot.transition is not None
        fading, n = shot.transition.outgoing, shot.transition.length
        before = self._reel.shots[i - 1] if i else None
        if before is None:
            sequence.components.append(make(self._file, "Filler", "picture", n))
        if not runs_on(before, shot, self._reel.rate):
            self.losses.add("what fades away is not the shot before, which AAF cannot say", shot.name)
        transition = make(self._file, "Transition", "picture", n)
        transition.cutpoint = 0 if fading.source is None else n // 2
        transition["OperationGroup"].value = self._effect(shot.transition.kind, n)
        sequence.components.append(transition)

    def _effect(self, kind: str, length: int) -> Any:
        number = kind.removeprefix("wipe ").strip()
        if not kind.startswith("wipe") or not number.isdecimal():
            if kind != "dissolve":
                self.losses.add(f"the transition '{kind}' is written as a dissolve")
            return make(self._file, "OperationGroup", self._definitions.dissolve(), length, "picture")
        group = make(self._file, "OperationGroup", self._definitions.wipe(), length, "picture")
        group.parameters.append(make(self._file, "ConstantValue", self._definitions.wipe_number(), int(number)))
        return group

    def _markers(self, mob: Any) -> None:
        markers = sorted(self._placed.timeline, key=lambda marker: marker.frames)
        if not markers:
            return
        slot = make(self._file, "EventMobSlot")
        slot.slot_id, slot.edit_rate = _MARKERS, edit_rate(self._reel.rate)
        slot["PhysicalTrackNumber"].value = 1
        sequence = make(self._file, "Sequence", "DescriptiveMetadata")
        slot.segment = sequence
        mob.slots.append(slot)
        for marker in markers:
            sequence.components.append(self._marker(marker))

    def _marker(self, marker: Marker) -> Any:
        made = make(self._file, "DescriptiveMarker")
        made["Position"].value = marker.frames.start
        made["Comment"].value = marker.note or marker.name
        made["DescribedSlots"].value = {_PICTURES}
        tags: list[tuple[str, str | int]] = [("_ATN_CRM_COM", marker.note or marker.name)]
        if marker.note and marker.name:
            tags.append(("_ATN_CRM_LABEL", marker.name))
        if marker.colour:
            tags.append(("_ATN_CRM_COLOR", marker.colour.capitalize()))
        if len(marker.frames) > 1:
            tags.append(("_ATN_CRM_LENGTH", len(marker.frames)))
        made["CommentMarkerAttributeList"].value = [
            make(self._file, "TaggedValue", name, value) for name, value in tags
        ]
        if rgb := _RGB.get(marker.colour.upper()):
            made["CommentMarkerColor"].value = dict(zip(("red", "green", "blue"), rgb, strict=True))
        return made


def _whole_start(start: Fraction, share: Fraction, length: int) -> int | None:
    """The whole sequence frame at which a clip of constant rate shows the same frames as from an exact place.

    Args:
        start: The place, in sequence frames of the medium.
        share: Sequence frames per source frame.
        length: Frames of the clip.

    Returns:
        None if there is none: source frames are then missed or shown again at other places.
    """
    if share == 1:
        return floor(start)
    for whole in (floor(start), ceil(start)):
        if all(floor((whole + k) / share) == floor((start + k) / share) for k in range(length)):
            return whole
    return None


def _knots(shot: Shot, source: SourceKey, rate: Fraction, length: int) -> list[tuple[Fraction, Fraction]]:
    """(Record frames from the shot's first, source frames) over its length, straight between; within the shot only."""
    if shot.curve is None:
        step = shot.speed * source.rate / rate
        low = source.start + shot.phase
        first = low if step >= 0 else low - (len(shot.record) - 1) * step
        return [(Fraction(0), first), (Fraction(length), first + length * step)]
    inner = [(time, place) for time, place in shot.curve.knots if 0 < time < length]
    ends = [(Fraction(time), shot.curve.at(time)) for time in (0, length)]
    return [ends[0], *inner, ends[1]]


def _fitted(knots: list[tuple[Fraction, Fraction]], length: int, shot: Shot) -> list[tuple[Fraction, Fraction]]:
    """The same places in numbers of 32 bits, with every frame where it was.

    Raises:
        TimelineError: There are no such numbers.
    """
    if all(_fits(number) for knot in knots for number in knot):
        return knots
    rough = [(time.limit_denominator(_FINE), _rounded_up(place)) for time, place in knots]
    exact, written = Curve(tuple(knots)), Curve(tuple(rough))
    if any(floor(exact.at(k)) != floor(written.at(k)) for k in range(length)):
        message = "its speed has places too fine for AAF"
        raise TimelineError(message, shot=shot.name, hint="Write OTIO or FCPXML instead")
    return rough


def _fits(value: Fraction) -> bool:
    return abs(value.numerator) <= _LARGEST and value.denominator <= _LARGEST


def _rounded_up(value: Fraction) -> Fraction:
    """Never down: a place on a whole frame stays on it."""
    if _fits(value):
        return value
    fine = _LARGEST // (floor(abs(value)) + 2)
    return Fraction(-(-value * fine // 1), fine)


def _rational(value: Fraction) -> str:
    """A number of the format: two whole numbers."""
    return f"{value.numerator}/{value.denominator}"
