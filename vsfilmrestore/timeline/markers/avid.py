"""Marker lists that Avid Media Composer exports as text; older versions called them locators.

::

    Anna <tab> 01:00:08:00 <tab> V1 <tab> red <tab> VSFR heavy dust=0.8 <tab> 24

User or marker name, timecode, track, colour, comment, length in frames. Older lists have no length; some programs put
spaces for the tabs, leave the user out, or add columns; a comment may run over several lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.markers.time import MarkerClock, is_timecode
from vsfilmrestore.timeline.model import Marker

__all__ = ["avid_markers"]

_TRACK: Final = re.compile(r"[A-Z]{1,3}\d{0,3}", re.IGNORECASE)
_COLOUR: Final = re.compile(r"[A-Z][A-Z _-]{1,20}", re.IGNORECASE)
_LENGTH: Final = re.compile(r"\d{1,9}")
_SPACED: Final = re.compile(
    r"(?P<name>\S.{0,80}?)??\s*\b(?P<at>\d\d(?::\d\d){2}[:;]\d{2,3})\s+(?P<track>[VADT][A-Z]?\d{0,3})\s+"
    r"(?:(?P<colour>red|green|blue|cyan|magenta|yellow|black|white|denim|pink|violet|plum|orange|gold|forest|purple"
    r"|grey|gray)\b)?\s*(?P<note>.*)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Entry:
    line: int
    name: str
    at: str
    colour: str = ""
    note: list[str] = field(default_factory=list)
    length: str = ""


def avid_markers(lines: list[str], clock: MarkerClock, path: Path, remarks: Remarks) -> list[Marker]:
    """The markers of an Avid list.

    Args:
        lines: The list, by lines.
        clock: Of the cut.
        path: For messages.
        remarks: Told of lines that are no markers.

    Raises:
        TimelineError: With line and timecode, where that does not exist; no marker in the list.
    """
    entries: list[_Entry] = []
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        if entry := _tabbed(raw, number) or _spaced(raw, number):
            entries.append(entry)
        elif entries and not entries[-1].length:
            _wrapped(entries[-1], raw)
        else:
            remarks.add("not a line of a marker list; ignored", number)
    if not entries:
        hint = "Give the markers as Resolve's marker EDL, Avid's text or a CSV with a header: timecode,name,note"
        raise TimelineError("there is no marker in this list", file=path, hint=hint)
    return [_marker(entry, clock) for entry in entries]


def _marker(entry: _Entry, clock: MarkerClock) -> Marker:
    note = "\n".join(part for part in entry.note if part)
    length = int(entry.length or 1)
    return clock.marker(entry.name, note, entry.colour, clock.place(entry.at, entry.line), length, entry.line)


def _tabbed(raw: str, number: int) -> _Entry | None:
    fields = [part.strip() for part in raw.split("\t")]
    at = next((i for i, part in enumerate(fields[:3]) if is_timecode(part)), None)
    if at is None or len(fields) < 2:
        return None
    entry = _Entry(number, " ".join(fields[:at]), fields[at])
    rest = fields[at + 1 :]
    if rest and (not rest[0] or _TRACK.fullmatch(rest[0])):
        rest = rest[1:]
    if rest and (not rest[0] or _COLOUR.fullmatch(rest[0])) and len(rest) > 1:
        entry.colour, rest = rest[0], rest[1:]
    entry.note = rest[:1]
    entry.length = next((part for part in rest[1:] if _LENGTH.fullmatch(part)), "")
    return entry


def _spaced(raw: str, number: int) -> _Entry | None:
    match = _SPACED.fullmatch(raw.strip())
    if match is None:
        return None
    return _Entry(number, (match["name"] or "").strip(), match["at"], match["colour"] or "", [match["note"].strip()])


def _wrapped(entry: _Entry, raw: str) -> None:
    """A further line of a comment; the last one carries the length."""
    text, *rest = (part.strip() for part in raw.split("\t"))
    entry.note.append(text)
    entry.length = next((part for part in rest if _LENGTH.fullmatch(part)), "")
