"""A `Reel` as FCPXML 1.10: a library with one event and one project, all times exact fractions of a second.

Element order follows the FCPXML 1.10 DTD. A transition of Final Cut Pro is centred on its cut, so the cut is written in
the middle of each transition and both clips run on below it; read again, the shot starts with its transition as before.

::

    shots    |---- A ----|------ B ------|        spine    |------ A -----|----- B -----|
                         |~~~~~|                                       |~~~~~|
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.timeline._writing import (
    Extras,
    Losses,
    MediaKey,
    as_timeline_marker,
    extents,
    file_url,
    is_locator,
    media_key,
    placed_marks,
    runs_on,
)
from vsfilmrestore.timeline.model import FrameRange, Marker, Reel, SettingNote, Shot, SourceKey

__all__ = ["fcpxml_text"]

_DISSOLVE: Final = "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265"
_REEL: Final = "com.apple.proapps.studio.reel"
_GAP_START: Final = 3600
_PARTS: Final = 24_000
_MAP_PARTS: Final = 10**9
_MOST_PARTS: Final = 2**31 - 1
_CONTROL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def fcpxml_text(reel: Reel, extras: Extras | None = None) -> tuple[str, tuple[str, ...]]:
    """The text of the XML, and what it could not hold.

    Args:
        reel: The cut.
        extras: Sizes of pictures.

    Raises:
        TimelineError: A shot plays forwards and backwards by turns.
    """
    writer = _FcpxmlWriter(reel, extras or Extras())
    root = writer.root()
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n\n{body}\n', writer.losses.sentences()


@dataclass(frozen=True, slots=True)
class _Item:
    """A shot as it stands in the spine.

    Attributes:
        shot: The shot.
        frames: Record frames from cut to cut.
        local: Time of the item's own clock at its first frame, in seconds.
    """

    shot: Shot
    frames: FrameRange
    local: Fraction


class _FcpxmlWriter:
    def __init__(self, reel: Reel, extras: Extras) -> None:
        self._reel = reel
        self._extras = extras
        self.losses = Losses()
        self._placed = placed_marks(reel)
        self._extents = extents(reel, self.losses)
        self._resources = Element("resources")
        self._formats: dict[tuple[Fraction, str], str] = {}
        self._assets: dict[MediaKey, str] = {}
        self._effects: dict[str, str] = {}
        self._count = 0

    def root(self) -> Element:
        reel = self._reel
        root = Element("fcpxml", version="1.10")
        root.append(self._resources)
        event = SubElement(SubElement(root, "library"), "event", name=_clean(reel.name) or "cut")
        project = SubElement(event, "project", name=_clean(reel.name))
        first = next((shot.source.url for shot in reel.shots if shot.source is not None), "")
        sequence = SubElement(
            project,
            "sequence",
            format=self._format(reel.rate, first),
            duration=_time(Fraction(len(reel)) / reel.rate),
            tcStart=_time(Fraction(reel.start) / reel.rate),
            tcFormat="DF" if reel.drop else "NDF",
        )
        spine = SubElement(sequence, "spine")
        cuts = self._cuts()
        for i, shot in enumerate(reel.shots):
            if shot.transition is not None:
                self._transition(spine, i, shot)
            self._item(spine, i, shot, FrameRange(cuts[i], cuts[i + 1]))
        return root

    def _cuts(self) -> list[int]:
        """Record frames of the cuts, one more than there are shots."""
        starts = []
        for i, shot in enumerate(self._reel.shots):
            half = shot.transition.length // 2 if shot.transition is not None and i else 0
            starts.append(shot.record.start + half)
        return [*starts, len(self._reel)]

    def _id(self) -> str:
        self._count += 1
        return f"r{self._count}"

    def _format(self, rate: Fraction, url: str) -> str:
        facts = self._extras.media.get(url)
        key = rate, f"{facts.width}x{facts.height}" if facts else ""
        if key not in self._formats:
            self._formats[key] = self._id()
            element = SubElement(
                self._resources, "format", id=self._formats[key], frameDuration=_time(1 / rate, whole=False)
            )
            if facts is not None:
                element.set("width", str(facts.width))
                element.set("height", str(facts.height))
            else:
                self.losses.add("the cut does not tell the size of its pictures; the formats have none")
        return self._formats[key]

    def _asset(self, source: SourceKey) -> str:
        key = media_key(source)
        if key not in self._assets:
            known = self._extents[key]
            if source.has_timecode and not known.start:
                self.losses.add("timecode that starts at 00:00:00:00 is read as none", source.label)
            form = self._format(source.rate, source.url)
            self._assets[key] = self._id()
            asset = SubElement(
                self._resources,
                "asset",
                id=self._assets[key],
                name=_clean(source.name or source.label),
                start=_time(Fraction(known.start) / source.rate),
                duration=_time(Fraction(len(known)) / source.rate),
                hasVideo="1",
                format=form,
            )
            if not source.url:
                self.losses.add("no path is known; the file is looked for by its name", source.name or source.label)
            SubElement(asset, "media-rep", kind="original-media", src=_address(source))
            if source.reel:
                metadata = SubElement(asset, "metadata")
                SubElement(metadata, "md", key=_REEL, value=_clean(source.reel))
        return self._assets[key]

    def _item(self, spine: Element, i: int, shot: Shot, frames: FrameRange) -> None:
        rate = self._reel.rate
        offset, duration = _time(self._record(frames.start)), _time(len(frames) / rate)
        if shot.source is None:
            item = _Item(shot, frames, Fraction(_GAP_START))
            gap = SubElement(
                spine, "gap", name=_clean(shot.name), offset=offset, start=f"{_GAP_START}s", duration=duration
            )
            self._marks(gap, i, item)
            return
        clip = SubElement(spine, "asset-clip", ref=self._asset(shot.source), offset=offset, name=_clean(shot.name))
        timing, local = self._timing(shot, shot.source, frames)
        item = _Item(shot, frames, local)
        clip.set("start", _time(local) if (local * self._reel.rate).denominator == 1 else _fine_time(local))
        clip.set("duration", duration)
        clip.set("tcFormat", "DF" if shot.source.drop else "NDF")
        more = self._note(clip, shot, self._placed.texts[i])
        clip.extend(timing)
        self._marks(clip, i, item)
        for text in more:
            SubElement(clip, "keyword", start=_time(local), duration=duration, value=_clean(text))

    def _record(self, frame: int) -> Fraction:
        """Time of a record frame on the sequence's clock."""
        return Fraction(self._reel.start + frame) / self._reel.rate

    def _timing(self, shot: Shot, source: SourceKey, frames: FrameRange) -> tuple[list[Element], Fraction]:
        """Elements that tell the speed, and the clip's time at its first frame."""
        rate = self._reel.rate
        elements = []
        if source.rate != rate:
            elements.append(Element("conform-rate", scaleEnabled="0", srcFrameRate=rate_text(source.rate)))
        head = frames.start - shot.record.start
        if shot.curve is None and shot.speed == 1:
            return elements, (source.start + shot.phase) / source.rate + head / rate
        knots = _knots(shot, source, rate, frames.stop - shot.record.start)
        ahead = -min(Fraction(0), knots[0][0])
        ahead = Fraction(-(-ahead // 1))
        element = Element("timeMap")
        for time, place in knots:
            if place < 0:
                self.losses.add("its speed reaches before the first frame of its media", shot.name)
            SubElement(
                element,
                "timept",
                time=_mapped_time(time + ahead, rate),
                value=_mapped_time(place, source.rate),
                interp="linear",
            )
        return [*elements, element], (head + ahead) / rate

    def _transition(self, spine: Element, i: int, shot: Shot) -> None:
        assert shot.transition is not None
        rate, frames, kind = self._reel.rate, shot.transition.outgoing.record, shot.transition.kind
        if not runs_on(self._reel.shots[i - 1] if i else None, shot, rate):
            self.losses.add("what fades away is not the shot before, which FCPXML cannot say", shot.name)
        name = "Cross Dissolve" if kind == "dissolve" else kind
        element = SubElement(
            spine,
            "transition",
            name=_clean(name),
            offset=_time(self._record(frames.start)),
            duration=_time(len(frames) / rate),
        )
        if kind == "dissolve":
            SubElement(element, "filter-video", ref=self._effect(name), name=name)
        else:
            self.losses.add(f"the transition '{kind}' is named, but Final Cut Pro has to be told which one it is")

    def _effect(self, name: str) -> str:
        if name not in self._effects:
            self._effects[name] = self._id()
            SubElement(self._resources, "effect", id=self._effects[name], name=name, uid=_DISSOLVE)
        return self._effects[name]

    def _note(self, clip: Element, shot: Shot, notes: list[SettingNote]) -> list[str]:
        """Write the note; what must stand apart from it is returned: two settings in one note would be read as one."""
        lines = [text for text in shot.comments if not is_locator(text) and "VSFR" not in text.upper()]
        texts = []
        for note in notes:
            if note.frames is None:
                texts.append(f"VSFR {note.text}")
            else:
                self.losses.add(f"'VSFR {note.text}' is for a part of the shot, which a note cannot say", shot.name)
        if lines or texts:
            SubElement(clip, "note").text = _clean("\n".join([*lines, *texts[:1]]))
        if shot.colour:
            self.losses.add(f"the clip colour '{shot.colour}' has no place in FCPXML", shot.name)
        return texts[1:]

    def _marks(self, parent: Element, i: int, item: _Item) -> None:
        marks = [as_timeline_marker(mark) for mark in self._placed.clips[i]]
        last = i == len(self._reel.shots) - 1
        for marker in self._placed.timeline:
            at = marker.frames.start
            if item.frames.start <= at < item.frames.stop or (last and at >= item.frames.stop) or (i == 0 and at < 0):
                self.losses.add("markers of the timeline stand on clips")
                marks.append(marker)
        for marker in sorted(marks, key=lambda marker: marker.frames):
            self._marker(parent, marker, item)

    def _marker(self, parent: Element, marker: Marker, item: _Item) -> None:
        if marker.colour:
            self.losses.add("markers have no colour in FCPXML")
        local = item.local + (marker.frames.start - item.frames.start) / self._reel.rate
        element = SubElement(
            parent,
            "marker",
            start=_time(local),
            duration=_time(len(marker.frames) / self._reel.rate),
            value=_clean(marker.name),
        )
        if marker.note:
            element.set("note", _clean(marker.note))


def _knots(shot: Shot, source: SourceKey, rate: Fraction, stop: int) -> list[tuple[Fraction, Fraction]]:
    """(Record frames from the shot's first, source frames) over all that is shown, straight between."""
    if shot.curve is None:
        step = shot.speed * source.rate / rate
        low = source.start + shot.phase
        # A map tells ends, not frames: backwards, the first frame shown is the one before its first place.
        first = low if step >= 0 else low - len(shot.record) * step
        return [(Fraction(0), first), (Fraction(stop), first + stop * step)]
    rises = [b[1] - a[1] for a, b in pairwise(shot.curve.knots)]
    if min(rises) < 0 < max(rises):
        message = "it plays forwards and backwards by turns, which FCPXML cannot say to the frame"
        raise TimelineError(message, shot=shot.name, hint="Write OTIO instead")
    # Likewise, and all of it a frame later.
    curve = shot.curve.moved(Fraction(1)) if min(rises) < 0 else shot.curve
    knots = list(curve.knots)
    if knots[0][0] > 0:
        knots.insert(0, (Fraction(0), curve.at(0)))
    if knots[-1][0] < stop:
        knots.append((Fraction(stop), curve.at(stop)))
    return knots


def _address(source: SourceKey) -> str:
    """Final Cut Pro takes only whole addresses; a bare name is put at the top, to be found again by name."""
    address = file_url(source.url or source.name or source.label)
    return address if "://" in address else f"file:///{address}"


def _fine_time(seconds: Fraction) -> str:
    """A time in parts of a second so small that nobody takes it for one that was rounded."""
    more = -(-_PARTS // seconds.denominator)
    return f"{seconds.numerator * more}/{seconds.denominator * more}s"


def _mapped_time(frames: Fraction, rate: Fraction) -> str:
    """A time of a speed; one within a frame is so fine that it is not taken for a rounded one.

    FCPXML has 32 bits for the parts of a second. What needs more is rounded up, so that a frame just begun stays begun.
    """
    seconds = frames / rate
    if frames.denominator == 1:
        return _time(seconds)
    if seconds.denominator > _MOST_PARTS:
        return f"{ceil(seconds * _MOST_PARTS)}/{_MOST_PARTS}s"
    more = -(-_MAP_PARTS // seconds.denominator)
    return f"{seconds.numerator * more}/{seconds.denominator * more}s"


def _time(seconds: Fraction, *, whole: bool = True) -> str:
    if seconds.denominator == 1 and whole:
        return f"{seconds.numerator}s"
    return f"{seconds.numerator}/{seconds.denominator}s"


def _clean(text: str) -> str:
    return _CONTROL.sub("", text)
