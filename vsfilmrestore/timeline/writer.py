"""Cut lists out: a `Reel` as an EDL or an OTIO file that editing programs and our own readers open again.

What a format cannot say is returned as remarks, never dropped in silence.
"""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from vsfilmrestore.errors import OutputError, TimelineError
from vsfilmrestore.media.timecode import format_timecode, nominal_rate, rate_text
from vsfilmrestore.timeline.model import Reel, SettingNote, Shot, SourceKey, Strength
from vsfilmrestore.timeline.otio_writer import otio_text

__all__ = ["edl_text", "otio_text", "write_edl", "write_otio"]

_MARKERS: Final = (Strength.CLIP_MARKER, Strength.TIMELINE_MARKER)


def write_edl(reel: Reel, path: str | Path) -> tuple[str, ...]:
    """Write a reel as an EDL (File128); see `edl_text`.

    Raises:
        OutputError: The file cannot be written.
        TimelineError: The reel has sources that an EDL cannot count.
    """
    text, remarks = edl_text(reel)
    _write(Path(path), text)
    return remarks


def write_otio(reel: Reel, path: str | Path) -> tuple[str, ...]:
    """Write a reel as OpenTimelineIO; see `otio_text`.

    Raises:
        OutputError: The file cannot be written.
    """
    text, remarks = otio_text(reel)
    _write(Path(path), text)
    return remarks


def _write(path: Path, text: str) -> None:
    temporary = None
    try:
        with NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise OutputError(f"cannot be written: {error.strerror or error}", file=path) from None


def edl_text(reel: Reel) -> tuple[str, tuple[str, ...]]:
    """The text of an EDL, and what it could not hold.

    Events are numbered anew. Settings of a whole shot become ``* COMMENT: VSFR …``, those of markers ``* LOC: …``.

    Raises:
        TimelineError: A source counts at another rate than the reel; an EDL has only one.
    """
    writer = _EdlWriter(reel)
    lines = [f"TITLE: {_line(reel.name)}", f"FCM: {'DROP FRAME' if reel.drop else 'NON-DROP FRAME'}"]
    for i, shot in enumerate(reel.shots):
        hole = shot.source is None and shot.transition is None and 0 < i < len(reel.shots) - 1
        if not hole:
            lines += writer.event(shot)
    return "\n".join(lines) + "\n", tuple(writer.remarks)


class _EdlWriter:
    def __init__(self, reel: Reel) -> None:
        self._reel = reel
        self._digits = 3 if len(reel.shots) < 1000 else 6
        self._number = 0
        self.remarks: list[str] = []

    def event(self, shot: Shot) -> list[str]:
        self._number += 1
        lines, sides = [], [shot]
        if shot.transition is None:
            lines.append(self._edit(shot, "C", len(shot.record)))
        else:
            fading = shot.transition.outgoing
            kind = "D" if shot.transition.kind == "dissolve" else f"W{shot.transition.kind.split()[-1].zfill(3)[:3]}"
            lines.append(self._edit(fading, "C", 0))
            lines.append(self._edit(shot, f"{kind} {shot.transition.length:03d}", len(shot.record)))
            sides = [fading, shot]
        for side in sides:
            lines += self._motion(side)
        lines += self._names(sides)
        lines += [text for text in shot.comments if "VSFR" not in text.upper()]
        return lines + [text for note in shot.notes if (text := self._setting(shot, note))]

    def _edit(self, shot: Shot, kind: str, length: int) -> str:
        rate, record = self._reel.rate, shot.record
        first = self._reel.timecode(record.start)
        last = self._reel.timecode(record.start + length)
        source = "00:00:00:00", format_timecode(length, rate)
        if shot.source is not None:
            source = self._source(shot, shot.source, length)
        number = f"{self._number:0{self._digits}d}"
        return f"{number}  {_reel_column(shot):<32} V     {kind:<8} {source[0]} {source[1]} {first} {last}"

    def _source(self, shot: Shot, source: SourceKey, length: int) -> tuple[str, str]:
        if nominal_rate(source.rate) != nominal_rate(self._reel.rate):
            raise TimelineError(
                f"its source counts {rate_text(source.rate)} fps and the reel {rate_text(self._reel.rate)}; "
                "an EDL has only one rate",
                shot=shot.name,
                hint="Write OTIO instead",
            )
        if shot.phase:
            self.remarks.append(f"{shot.name}: starts between two source frames, which an EDL cannot say")
        start = source.start
        if length == 0 and shot.speed < 0:
            # The outgoing side of a transition has no length; played backwards, its in point is its highest frame.
            start = shot.source_at(0, self._reel.rate) + 1
        stop = start + max(ceil(length * abs(shot.speed)), min(length, 1))
        first, last = (format_timecode(at, source.rate, drop=source.drop) for at in (start, stop))
        return first, last

    def _motion(self, shot: Shot) -> list[str]:
        if shot.source is None or shot.speed == 1:
            return []
        start = format_timecode(shot.source.start, shot.source.rate, drop=shot.source.drop)
        fps = shot.speed * nominal_rate(self._reel.rate)
        text = f"{float(fps):06.1f}" if (fps * 10).denominator == 1 else f"{float(fps):.6f}"
        return [f"M2   {_reel_column(shot):<32} {text:>8} {start}"]

    def _names(self, sides: list[Shot]) -> list[str]:
        lines = []
        for shot, side in zip(sides, ("FROM", "TO") if len(sides) > 1 else ("FROM",), strict=True):
            if shot.source is not None and (name := _line(shot.source.name or shot.name)):
                lines.append(f"* {side} CLIP NAME: {name}")
        urls = [_line(shot.source.url) if shot.source is not None else "" for shot in sides]
        if any(urls):
            lines += [f"* SOURCE FILE: {url}" for url in urls]
        source = sides[-1].source
        if source is not None and source.reel and _reel_column(sides[-1]) != source.reel:
            lines.append(f"* REEL: {_line(source.reel)}")
        return lines

    def _setting(self, shot: Shot, note: SettingNote) -> str:
        if note.frames is not None:
            at = self._reel.timecode(note.frames.start)
            self.remarks.append(
                f"{shot.name}: 'VSFR {note.text}' at {at} is for a part of the shot; an EDL cannot say so"
            )
            return ""
        if note.strength in _MARKERS:
            return f"* LOC: {self._reel.timecode(shot.record.start)} WHITE VSFR {_line(note.text)}"
        return f"* COMMENT: VSFR {_line(note.text)}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _reel_column(shot: Shot) -> str:
    if shot.source is None:
        return "BL"
    return "_".join(shot.source.reel.split()) or "AX"
