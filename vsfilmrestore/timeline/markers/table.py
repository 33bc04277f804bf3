"""Marker lists as tables: CSV or text with a header line, from Premiere, Resolve's edit index, or a spreadsheet.

::

    timecode,duration,name,note,colour
    01:00:08:00,24,dirt,VSFR heavy dust=0.8,Yellow

Separated by comma, semicolon or tab. Columns may stand in any order, under the names that programs give them, and may
be missing but for the time: ``timecode`` (or ``record in``, ``in``, ``start``, ``position``) or ``frame``, which counts
from 0 at the first frame of the cut. The end is given as ``duration`` or as ``record out`` (the frame after the last).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.markers.time import MarkerClock
from vsfilmrestore.timeline.model import Marker

__all__ = ["is_table", "table_markers"]

type _Row = tuple[int, list[str]]


def _words(text: str) -> list[str]:
    return text.split()


# Names of columns without spaces and signs, the better first: an edit index has columns of the source, too.
_START: Final = _words(
    "recordin recin recordtc recordtimecode recordstart timelinein timelinetc timelinetimecode sequencetimecode "
    "mastertimecode timecode timecodein tc tcin markerposition position markerstart starttimecode starttc in start "
    "begin starttime time entree debut einstieg entrada"
)
_STOP: Final = _words(
    "recordout recout recordend timelineout timecodeout tcout markerend endtimecode endtc out end stop endtime sortie "
    "ausstieg salida"
)
_FRAME: Final = _words("frame recordframe startframe framenumber timelineframe")
_DURATION: Final = _words("duration markerduration dur length durationframes dauer duree duracion")
_NAME: Final = _words("markername name marker title label subject markierungsname nomdumarqueur nombredelmarcador")
_NOTE: Final = _words(
    "note notes markernote markernotes comment comments markercomment description text message body remark remarks "
    "beschreibung kommentar commentaire descripcion"
)
_COLOUR: Final = _words("markercolour markercolor colour color farbe couleur")
_HEADER_WITHIN: Final = 20
# What tells an edit index, whose rows are clips as well as markers.
_INDEX: Final = {"reel", "recordin", "recordout"}
_KEYWORDS: Final = "markerkeywords"
_ACCENTS: Final = str.maketrans("éèêóáí", "eeeoai")


def is_table(lines: list[str]) -> bool:
    """Whether one of the first lines names the columns of a marker table."""
    return _header(lines) is not None


def table_markers(lines: list[str], clock: MarkerClock, path: Path, remarks: Remarks) -> list[Marker]:
    """The markers of a table.

    Args:
        lines: The list, by lines; one of the first is the header.
        clock: Of the cut.
        path: For messages.
        remarks: Told of rows left out.

    Raises:
        TimelineError: With line and time, where that cannot be read; no header or no marker in the table.
    """
    found = _header(lines)
    if found is None:
        hint = "Begin the table with a line such as timecode,duration,name,note,colour"
        raise TimelineError("no column of this table tells the time of the markers", file=path, line=1, hint=hint)
    at, separator, titles = found
    columns = _Columns(titles)
    markers = []
    for line, row in _rows(lines, at, separator, path):
        if not any(row):
            continue
        if columns.index and not columns.is_marker(row):
            remarks.add("row of a clip without a marker; skipped", line)
        elif not (columns.first(row, _START) or columns.first(row, _FRAME)):
            remarks.add("row without a time; skipped", line)
        else:
            markers.append(_marker(columns, row, line, clock, remarks))
    if not markers:
        raise TimelineError("there is no marker in this list", file=path)
    return markers


class _Columns:
    """Cells of a row by what they mean."""

    def __init__(self, titles: list[str]) -> None:
        self._at: dict[str, int] = {}
        for i, title in enumerate(titles):
            self._at.setdefault(title, i)
        self.index = self._at.keys() >= _INDEX

    def first(self, row: list[str], names: list[str]) -> str:
        """The cell under the best of some names; '' if there is none, or nothing in it."""
        column = next((self._at[name] for name in names if name in self._at), None)
        return "" if column is None or column >= len(row) else row[column]

    def all(self, row: list[str], names: list[str]) -> list[str]:
        """What stands in the cells under any of some names, in the order of the columns."""
        columns = sorted(self._at[name] for name in names if name in self._at)
        return [row[i] for i in columns if i < len(row) and row[i]]

    def is_marker(self, row: list[str]) -> bool:
        """Whether a row of an edit index carries a marker: a note, a colour or keywords."""
        return bool(self.first(row, ["notes"]) or self.first(row, _COLOUR) or self.first(row, [_KEYWORDS]))


def _marker(columns: _Columns, row: list[str], line: int, clock: MarkerClock, remarks: Remarks) -> Marker:
    start = columns.first(row, _START)
    frame = columns.first(row, _FRAME) if not start or start.isdigit() else ""
    at = clock.frame(frame or start, line) if frame or start.isdigit() else clock.place(start, line)
    duration, stop = columns.first(row, _DURATION), columns.first(row, _STOP)
    length = 1
    if duration:
        length = clock.length(duration, line)
    elif stop:
        length = (clock.frame(stop, line) if stop.isdigit() else clock.place(stop, line)) - at
        if length < 0:
            remarks.add("a marker that ends before it starts; taken as one frame", line)
    note = "\n".join(dict.fromkeys(columns.all(row, _NOTE)))
    colour = columns.first(row, _COLOUR).removeprefix("ResolveColor")
    return clock.marker(columns.first(row, _NAME), note, colour, at, length, line)


def _header(lines: list[str]) -> tuple[int, str, list[str]] | None:
    """Index of the header line, what separates its columns, and their names in simple form."""
    shown = ((i, line) for i, line in enumerate(lines) if line.strip())
    for i, line in islice(shown, _HEADER_WITHIN):
        separator = max("\t;,", key=line.count)
        titles = [_simple(title) for title in line.split(separator)]
        known = set(titles)
        if known & {*_START, *_FRAME} and known & {*_NAME, *_NOTE, *_COLOUR, *_STOP, *_DURATION}:
            return i, separator, titles
    return None


def _simple(title: str) -> str:
    return re.sub(r"[^a-z0-9]", "", title.lower().translate(_ACCENTS))


def _rows(lines: list[str], header: int, separator: str, path: Path) -> Iterator[_Row]:
    """Rows below the header, with the lines they begin on; a quoted cell may hold line ends."""
    reader = csv.reader((line + "\n" for line in lines[header + 1 :]), delimiter=separator)
    line = header + 2
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise TimelineError(f"this row cannot be read: {error}", file=path, line=line) from None
        if row is None:
            return
        yield line, [cell.strip() for cell in row]
        line = header + 2 + reader.line_num
