"""Marker lists beside a cut, told apart by what is in them.

========================================  ============================  ======================================
DaVinci Resolve, "Timeline Markers to EDL"  ``.edl``                      `markers.edl`
locators of an EDL (Avid, Nucoda)           ``.edl``                      `markers.edl`
Avid markers and locators                   ``.txt``                      `markers.avid`
Premiere "Export Markers", tables           ``.csv .txt .tsv .tab``       `markers.table`
========================================  ============================  ======================================

Their times are record timecodes of the cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import format_timecode, nominal_rate
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._text import lines_of, read_text
from vsfilmrestore.timeline.markers.avid import avid_markers
from vsfilmrestore.timeline.markers.edl import read_edl_markers
from vsfilmrestore.timeline.markers.table import is_table, table_markers
from vsfilmrestore.timeline.markers.time import MarkerClock
from vsfilmrestore.timeline.model import FrameRange, Marker, Reel
from vsfilmrestore.timeline.notes import with_markers

__all__ = ["MARKER_READERS", "join_marker_list", "read_text_markers"]

_HALF_AN_HOUR: Final = 1800


def join_marker_list(reel: Reel, path: str | Path) -> Reel:
    """The reel with the markers of a list joined to its shots.

    Raises:
        TimelineError: The list cannot be read, or the settings in a marker do not parse.
    """
    path = Path(path)
    reader = MARKER_READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(MARKER_READERS))
        raise TimelineError(f"'{path.suffix}' is not a marker list we read ({known})", file=path)
    remarks = Remarks()
    markers = _from_zero(reader(path, reel, remarks), reel, remarks)
    return with_markers(reel, markers, remarks=[f"{path}: {sentence}" for sentence in remarks.sentences()])


def read_text_markers(path: Path, reel: Reel, remarks: Remarks) -> list[Marker]:
    """The markers of a text: a table with a header, an Avid list, or one of the `markers.edl` under another suffix.

    Raises:
        TimelineError: The file cannot be read, holds no marker, or a time does not exist at the reel's rate.
    """
    text = read_text(path, remarks)
    lines, clock = lines_of(text), MarkerClock(reel, path)
    if is_table(lines):
        return table_markers(lines, clock, path, remarks)
    if "|C:" in text or "LOC:" in text.upper():
        return read_edl_markers(path, reel, remarks)
    if path.suffix.lower() == ".csv" and "\t" not in text:
        return table_markers(lines, clock, path, remarks)
    return avid_markers(lines, clock, path, remarks)


def _from_zero(markers: list[Marker], reel: Reel, remarks: Remarks) -> list[Marker]:
    """Markers of a list that counts from 00:00:00:00 beside a cut that starts at its first hour or later.

    That is seen by this: none of them stands over the cut as they are, each does when counted from its first frame.
    """
    late = reel.start >= _HALF_AN_HOUR * nominal_rate(reel.rate)
    if not (late and markers and all(0 <= marker.frames.start + reel.start < len(reel) for marker in markers)):
        return markers
    if any(marker.frames.stop > 0 for marker in markers):
        return markers
    start = format_timecode(reel.start, reel.rate, drop=reel.drop)
    remarks.add(f"its timecodes count from 00:00:00:00, not from {start}; taken from the first frame of the cut")
    return [replace(marker, frames=_moved(marker.frames, reel.start)) for marker in markers]


def _moved(frames: FrameRange, by: int) -> FrameRange:
    return FrameRange(frames.start + by, frames.stop + by)


MARKER_READERS: Final[dict[str, Callable[[Path, Reel, Remarks], list[Marker]]]] = {
    ".edl": read_edl_markers,
    ".txt": read_text_markers,
    ".csv": read_text_markers,
    ".tsv": read_text_markers,
    ".tab": read_text_markers,
}
"""Reader of a marker list by suffix, lower case."""
