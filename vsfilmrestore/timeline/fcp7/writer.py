"""A `Reel` as Final Cut Pro 7 XML (xmeml 5), the form that Premiere, Resolve, Hiero and Avid's importers share.

Structure and element names follow Apple's "Final Cut Pro XML Interchange Format" (2010). One sequence, one video track;
``in`` and ``out`` count from the first frame of the file at the speed of the clip; markers likewise.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import floor
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import format_timecode, nominal_rate, rate_text
from vsfilmrestore.timeline._writing import (
    Extras,
    Losses,
    MediaKey,
    as_timeline_marker,
    extents,
    file_url,
    is_locator,
    last_name,
    media_key,
    placed_marks,
    runs_on,
)
from vsfilmrestore.timeline.fcp7.remap import Played, number, played, time_remap
from vsfilmrestore.timeline.model import FrameRange, Reel, SettingNote, Shot, SourceKey

__all__ = ["fcp7_text"]

_NUMBER: Final = re.compile(r"%0?(\d*)d|(#+)")
_CONTROL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOTE_PLACES: Final = (
    "logginginfo/lognote",
    "comments/mastercomment1",
    "comments/mastercomment2",
    "comments/mastercomment3",
    "comments/mastercomment4",
    "comments/clipcommenta",
    "comments/clipcommentb",
)
_RGB: Final = {
    "RED": (255, 0, 0),
    "GREEN": (0, 255, 0),
    "BLUE": (0, 0, 255),
    "YELLOW": (255, 255, 0),
    "CYAN": (0, 255, 255),
    "MAGENTA": (255, 0, 255),
    "PINK": (255, 128, 192),
    "PURPLE": (128, 0, 255),
    "ORANGE": (255, 128, 0),
    "WHITE": (255, 255, 255),
    "BLACK": (0, 0, 0),
}


def fcp7_text(reel: Reel, extras: Extras | None = None) -> tuple[str, tuple[str, ...]]:
    """The text of the XML, and what it could not hold.

    Args:
        reel: The cut.
        extras: Sizes of pictures, and numbers of stills.

    Raises:
        TimelineError: The reel or a source runs at a rate that the format cannot write.
    """
    writer = _Fcp7Writer(reel, extras or Extras())
    root = writer.root()
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n{body}\n', writer.losses.sentences()


class _Fcp7Writer:
    def __init__(self, reel: Reel, extras: Extras) -> None:
        self._reel = reel
        self._extras = extras
        self.losses = Losses()
        self._placed = placed_marks(reel)
        self._extents = extents(reel, self.losses)
        self._files: dict[MediaKey, str] = {}

    def root(self) -> Element:
        reel = self._reel
        root = Element("xmeml", version="5")
        sequence = SubElement(root, "sequence", id="sequence-1")
        _text(sequence, "name", reel.name)
        _text(sequence, "duration", len(reel))
        self._rate(sequence, reel.rate)
        self._timecode(sequence, reel.start, reel.rate, reel.drop)
        video = SubElement(SubElement(sequence, "media"), "video")
        self._format(SubElement(video, "format"))
        track = SubElement(video, "track")
        for i, shot in enumerate(reel.shots):
            if shot.transition is not None:
                self._transition(track, i, shot)
            if shot.source is not None:
                self._clip(track, i, shot, shot.source)
            else:
                self._placed.timeline.extend(as_timeline_marker(mark) for mark in self._placed.clips[i])
        _text(track, "enabled", "TRUE")
        for marker in sorted(self._placed.timeline, key=lambda marker: marker.frames):
            if marker.frames.start < 0:
                self.losses.add(f"the marker '{marker.name}' stands before the first frame; left out")
                continue
            self._marker(sequence, marker.name, marker.note, marker.colour, marker.frames)
        return root

    def _rate(self, parent: Element, rate: Fraction) -> None:
        ntsc = rate == Fraction(nominal_rate(rate) * 1000, 1001)
        if not ntsc and rate.denominator != 1:
            message = f"Final Cut Pro 7 XML cannot say {rate_text(rate)} fps"
            raise TimelineError(message, file=self._reel.file or None, hint="Write OTIO or FCPXML instead")
        element = SubElement(parent, "rate")
        _text(element, "timebase", nominal_rate(rate))
        _text(element, "ntsc", "TRUE" if ntsc else "FALSE")

    def _timecode(self, parent: Element, frame: int, rate: Fraction, drop: bool, reel: str = "") -> None:
        element = SubElement(parent, "timecode")
        self._rate(element, rate)
        _text(element, "string", format_timecode(frame, rate, drop=drop))
        _text(element, "frame", frame)
        _text(element, "displayformat", "DF" if drop else "NDF")
        if reel:
            _text(SubElement(element, "reel"), "name", reel)

    def _format(self, parent: Element, url: str | None = None) -> None:
        """Size and shape of a medium; of the first one known for the sequence."""
        known = self._extras.media
        facts = next(iter(known.values()), None) if url is None else known.get(url)
        element = SubElement(parent, "samplecharacteristics")
        if url is None:
            self._rate(element, self._reel.rate)
        if facts is None:
            if url is None:
                self.losses.add("the cut does not tell the size of its pictures; the sequence has none")
            return
        _text(element, "width", facts.width)
        _text(element, "height", facts.height)
        _text(element, "anamorphic", "FALSE")
        _text(element, "pixelaspectratio", _aspect(facts.sample_aspect, facts.height))
        _text(element, "fielddominance", "none")

    def _clip(self, track: Element, i: int, shot: Shot, source: SourceKey) -> None:
        after = self._reel.shots[i + 1] if i + 1 < len(self._reel.shots) else None
        tail = self._tail(shot, after)
        known = self._extents[media_key(source)]
        run = played(shot, source, known, self._reel.rate, tail)
        item = SubElement(track, "clipitem", id=f"clipitem-{i + 1}")
        _text(item, "name", shot.name)
        _text(item, "enabled", "TRUE")
        _text(item, "duration", number(run.duration))
        self._rate(item, self._reel.rate)
        _text(item, "start", shot.record.start if shot.transition is None else -1)
        _text(item, "end", -1 if tail else shot.record.stop)
        if run.first.denominator != 1:
            self.losses.add("media of another rate begins between two frames of the sequence", shot.name)
        _text(item, "in", number(run.first))
        _text(item, "out", number(run.first + len(shot.record) + tail))
        self._file(item, source, known)
        if run.remap is not None:
            time_remap(SubElement(item, "filter"), run.remap)
        self._marks(item, i, shot, run)
        self._notes(item, shot, self._placed.texts[i])
        if shot.colour:
            _text(SubElement(item, "labels"), "label2", shot.colour)

    def _tail(self, shot: Shot, after: Shot | None) -> int:
        """Record frames for which a shot runs on below the next one."""
        if after is None or after.transition is None or after.transition.outgoing.source is None:
            return 0
        return after.transition.length

    def _transition(self, track: Element, i: int, shot: Shot) -> None:
        assert shot.transition is not None
        frames = shot.transition.outgoing.record
        if not runs_on(self._reel.shots[i - 1] if i else None, shot, self._reel.rate):
            self.losses.add("what fades away is not the shot before, which the format cannot say", shot.name)
        element = SubElement(track, "transitionitem")
        _text(element, "start", frames.start)
        _text(element, "end", frames.stop)
        black = shot.transition.outgoing.source is None
        _text(element, "alignment", "start-black" if black else "end-black" if shot.source is None else "start")
        self._rate(element, self._reel.rate)
        effect = SubElement(element, "effect")
        dissolve = shot.transition.kind == "dissolve"
        _text(effect, "name", "Cross Dissolve" if dissolve else shot.transition.kind)
        _text(effect, "effectid", "Cross Dissolve" if dissolve else shot.transition.kind)
        _text(effect, "effecttype", "transition")
        _text(effect, "effectcategory", "Dissolve" if dissolve else "Wipe")
        _text(effect, "mediatype", "video")

    def _file(self, parent: Element, source: SourceKey, known: FrameRange) -> None:
        key = media_key(source)
        if key in self._files:
            SubElement(parent, "file", id=self._files[key])
            return
        self._files[key] = f"file-{len(self._files) + 1}"
        file = SubElement(parent, "file", id=self._files[key])
        url = self._stills(source)
        _text(file, "name", source.name or last_name(url) or source.label)
        if url:
            address = file_url(url)
            _text(file, "pathurl", re.sub(r"^file:///", "file://localhost/", address))
        self._rate(file, source.rate)
        _text(file, "duration", len(known))
        if source.has_timecode and not known.start:
            self.losses.add("timecode that starts at 00:00:00:00 is read as none", source.label)
        if source.has_timecode:
            self._timecode(file, known.start, source.rate, source.drop, source.reel)
        elif source.reel:
            self.losses.add(f"the reel name '{source.reel}' goes with timecode, which its medium has not")
        self._format(SubElement(SubElement(file, "media"), "video"), source.url)

    def _stills(self, source: SourceKey) -> str:
        """Stills named as Resolve does: ``scan.[0086400-0086447].dpx``."""
        facts = self._extras.media.get(source.url)
        number = _NUMBER.search(last_name(source.url))
        if number is None or facts is None or facts.first_number is None or source.available is None:
            return source.url
        digits = len(number[2]) if number[2] else int(number[1] or 1)
        first, last = facts.first_number, facts.first_number + len(source.available) - 1
        return _NUMBER.sub(f"[{first:0{digits}d}-{last:0{digits}d}]", source.url)

    def _marks(self, item: Element, i: int, shot: Shot, run: Played) -> None:
        for mark in self._placed.clips[i]:
            ahead = (mark.frames.start if mark.frames else mark.at) - shot.record.start + floor(run.first)
            length = len(mark.frames) if mark.frames else 1
            self._marker(item, mark.name, mark.note, mark.colour, FrameRange(ahead, ahead + length))

    def _marker(self, parent: Element, name: str, note: str, colour: str, frames: FrameRange) -> None:
        marker = SubElement(parent, "marker")
        _text(marker, "name", name)
        _text(marker, "comment", note)
        if rgb := _RGB.get(colour.upper()):
            element = SubElement(marker, "color")
            for channel, value in zip(("alpha", "red", "green", "blue"), (0, *rgb), strict=True):
                _text(element, channel, value)
        elif colour:
            self.losses.add(f"the marker colour '{colour}' has no place in the format")
        _text(marker, "in", frames.start)
        _text(marker, "out", frames.stop if len(frames) > 1 else -1)

    def _notes(self, item: Element, shot: Shot, notes: list[SettingNote]) -> None:
        comments = "\n".join(text for text in shot.comments if not is_locator(text) and "VSFR" not in text.upper())
        texts = [f"VSFR {note.text}" for note in notes if note.frames is None]
        for note in notes:
            if note.frames is not None:
                self.losses.add(f"'VSFR {note.text}' is for a part of the shot, which a note cannot say", shot.name)
        if comments:
            texts.insert(0, comments)
        for place, text in zip(_NOTE_PLACES, texts, strict=False):
            group, _, name = place.partition("/")
            parent = item.find(group)
            _text(SubElement(item, group) if parent is None else parent, name, text)
        if len(texts) > len(_NOTE_PLACES):
            self.losses.add("more notes than the format has places for", shot.name)


def _text(parent: Element, name: str, value: str | int) -> None:
    SubElement(parent, name).text = _CONTROL.sub("", str(value))


def _aspect(sample: Fraction, height: int) -> str:
    if sample == 1:
        return "square"
    return "PAL-601" if height == 576 else "NTSC-601" if height in (480, 486) else "square"
