"""A `Reel` as a CMX3600 list with long reel names (File128)."""

from __future__ import annotations

from collections import defaultdict
from math import ceil
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import format_timecode, nominal_rate, rate_text
from vsfilmrestore.timeline._writing import Losses, Placed, is_locator, placed_marks, plain_path
from vsfilmrestore.timeline.model import Marker, Reel, SettingNote, Shot, SourceKey
from vsfilmrestore.timeline.notes import marker_settings

__all__ = ["edl_text"]

_LONGEST_REEL: Final = 128


def edl_text(reel: Reel) -> tuple[str, tuple[str, ...]]:
    """The text of an EDL, and what it could not hold.

    Events are numbered anew. Settings of a whole shot become ``* COMMENT: VSFR …``, markers ``* LOC: …``.

    Raises:
        TimelineError: A source counts at another rate than the reel, of which an EDL has only one; or a speed that
            changes along a shot.
    """
    writer = _EdlWriter(reel)
    lines = [f"TITLE: {_line(reel.name)}", f"FCM: {'DROP FRAME' if reel.drop else 'NON-DROP FRAME'}"]
    for i in range(len(reel.shots)):
        lines += writer.event(i)
    return "\n".join(lines) + "\n", writer.losses.sentences()


class _EdlWriter:
    def __init__(self, reel: Reel) -> None:
        self._reel = reel
        self._digits = 3 if len(reel.shots) < 1000 else 6
        self._number = 0
        self.losses = Losses()
        self._placed: Placed = placed_marks(reel)
        self._markers = self._by_event()

    def _is_hole(self, i: int) -> bool:
        shot = self._reel.shots[i]
        return shot.source is None and shot.transition is None and 0 < i < len(self._reel.shots) - 1

    def _by_event(self) -> dict[int, list[Marker]]:
        """The markers by the event they are written under: that of their shot, or the last one before."""
        result: dict[int, list[Marker]] = defaultdict(list)
        events = [i for i in range(len(self._reel.shots)) if not self._is_hole(i)]
        for marker in self._placed.timeline:
            at = marker.frames.start
            home = [i for i in events if self._reel.shots[i].record.start <= at]
            if self._reel.start + at < 0:
                self.losses.add(f"the marker '{_line(marker.name)}' stands before timecode 00:00:00:00; left out")
            elif events:
                result[home[-1] if home else events[0]].append(marker)
        return result

    def event(self, i: int) -> list[str]:
        if self._is_hole(i):
            return []
        shot = self._reel.shots[i]
        self._number += 1
        lines, sides = [], [shot]
        if shot.transition is None:
            lines.append(self._edit(shot, "C", len(shot.record)))
        else:
            fading = shot.transition.outgoing
            lines.append(self._edit(fading, "C", 0))
            lines.append(self._edit(shot, f"{self._kind(shot)} {shot.transition.length:03d}", len(shot.record)))
            sides = [fading, shot]
        for side in sides:
            lines += self._motion(side)
        lines += self._names(sides)
        lines += [_comment(text) for text in shot.comments if not is_locator(text) and "VSFR" not in text.upper()]
        lines += self._locators(i)
        return lines + [text for note in self._placed.texts[i] if (text := self._setting(shot, note))]

    def _kind(self, shot: Shot) -> str:
        assert shot.transition is not None
        kind = shot.transition.kind
        if kind == "dissolve":
            return "D"
        number = kind.split()[-1]
        if kind.startswith("wipe") and number.isdecimal():
            return f"W{int(number) % 1000:03d}"
        self.losses.add(f"the transition '{kind}' is written as a dissolve", shot.name)
        return "D"

    def _edit(self, shot: Shot, kind: str, length: int) -> str:
        rate, record = self._reel.rate, shot.record
        first = self._reel.timecode(record.start)
        last = self._reel.timecode(record.start + length)
        source = "00:00:00:00", format_timecode(length, rate)
        if shot.source is not None:
            source = self._source(shot, shot.source, length)
        number = f"{self._number:0{self._digits}d}"
        return f"{number}  {self._column(shot):<32} V     {kind:<8} {source[0]} {source[1]} {first} {last}"

    def _source(self, shot: Shot, source: SourceKey, length: int) -> tuple[str, str]:
        self._check(shot, source)
        start = self._first(shot, source)
        # Backwards as Avid writes it: down from the in point, whatever the out point.
        stop = start + max(ceil(length * shot.speed), min(length, 1))
        first, last = (format_timecode(at, source.rate, drop=source.drop) for at in (start, stop))
        return first, last

    def _first(self, shot: Shot, source: SourceKey) -> int:
        """The first source frame shown."""
        return shot.source_at(0, self._reel.rate) if shot.speed < 0 else source.start

    def _check(self, shot: Shot, source: SourceKey) -> None:
        if nominal_rate(source.rate) != nominal_rate(self._reel.rate):
            raise TimelineError(
                f"its source counts {rate_text(source.rate)} fps and the reel {rate_text(self._reel.rate)}; "
                "an EDL has only one rate",
                shot=shot.name,
                hint="Write OTIO instead",
            )
        if shot.curve is not None:
            message = "its speed changes along the shot, which an EDL cannot say"
            raise TimelineError(message, shot=shot.name, hint="Write OTIO or FCPXML instead")
        if source.rate != self._reel.rate:
            self.losses.add("media of another rate that counts alike are played frame for frame by an EDL", shot.name)
        if shot.phase:
            self.losses.add("starts between two source frames, which an EDL cannot say", shot.name)
        if not source.has_timecode:
            self.losses.add("counted from the first frame of the file, which an EDL writes as timecode", shot.name)
        if source.available is not None:
            self.losses.add("an EDL does not tell how long its media are")

    def _motion(self, shot: Shot) -> list[str]:
        if shot.source is None or shot.speed == 1:
            return []
        first = self._first(shot, shot.source)
        start = format_timecode(first, shot.source.rate, drop=shot.source.drop)
        fps = shot.speed * nominal_rate(self._reel.rate)
        text = f"{float(fps):06.1f}" if (fps * 10).denominator == 1 else f"{float(fps):.6f}"
        return [f"M2   {self._column(shot):<32} {text:>8} {start}"]

    def _names(self, sides: list[Shot]) -> list[str]:
        lines = []
        for shot, side in zip(sides, ("FROM", "TO") if len(sides) > 1 else ("FROM",), strict=True):
            if shot.source is not None and (name := _line(shot.name or shot.source.name)):
                lines.append(f"* {side} CLIP NAME: {name}")
        files = [_file(shot) for shot in sides]
        if all(files) or files[-1]:
            lines += [f"* SOURCE FILE: {name}" for name in files if name]
        elif files[0]:
            lines.append(f"* FROM FILE: {files[0]}")
        source = sides[-1].source
        if source is not None and source.reel and self._column(sides[-1]) != source.reel:
            lines.append(f"* REEL: {_line(source.reel)}")
        return lines

    def _column(self, shot: Shot) -> str:
        if shot.source is None:
            return "BL"
        return "_".join(shot.source.reel.split())[:_LONGEST_REEL] or "AX"

    def _setting(self, shot: Shot, note: SettingNote) -> str:
        if note.frames is not None:
            at = self._reel.timecode(note.frames.start)
            self.losses.add(f"'VSFR {note.text}' at {at} is for a part of the shot; an EDL cannot say so", shot.name)
            return ""
        return f"* COMMENT: VSFR {_line(note.text)}"

    def _locators(self, i: int) -> list[str]:
        shot, lines = self._reel.shots[i], []
        for mark in self._placed.clips[i]:
            if mark.frames is not None:
                text = marker_settings(mark.name, mark.note)
                at = self._reel.timecode(mark.frames.start)
                self.losses.add(f"'VSFR {text}' at {at} is for a part of the shot; an EDL cannot say so", shot.name)
                continue
            lines += self._marker(mark.name, mark.note, mark.colour, mark.at)
        for marker in self._markers[i]:
            settings = marker_settings(marker.name, marker.note)
            if len(marker.frames) > 1 and settings is not None:
                at = self._reel.timecode(marker.frames.start)
                self.losses.add(f"'VSFR {settings}' at {at} is for a part of the shot; an EDL cannot say so", shot.name)
                continue
            if len(marker.frames) > 1:
                self.losses.add("markers have no length in an EDL; they stand on their first frame")
            lines += self._marker(marker.name, marker.note, marker.colour, marker.frames.start)
        return lines

    def _marker(self, name: str, note: str, colour: str, at: int) -> list[str]:
        head = f"* LOC: {self._reel.timecode(at)} {'_'.join(colour.upper().split()) or 'WHITE'}"
        settings = marker_settings(name, note)
        if settings is None:
            texts = [" ".join(dict.fromkeys(text for part in (name, note) if (text := _line(part))))]
        else:
            # Words for people beside the settings get a line of their own, or they would be read as settings.
            rest = [text for part in (name, note) if (text := _line(part)) and marker_settings(text) is None]
            texts = [f"VSFR {_line(settings)}", *(text for text in rest if text not in settings)]
        if name and note and len(texts) == 1 and name != note:
            self.losses.add("name and note of a marker are one text in an EDL")
        return [f"{head} {text}".rstrip() for text in texts]


def _file(shot: Shot) -> str:
    if shot.source is None:
        return ""
    if shot.source.url:
        return _line(plain_path(shot.source.url))
    return _line(shot.source.name) if shot.source.name != shot.name else ""


def _comment(text: str) -> str:
    text = _line(text)
    return text if text.startswith("*") else f"* {text}"


def _line(text: str) -> str:
    return " ".join(text.split())
