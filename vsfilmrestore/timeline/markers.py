"""Marker lists beside a cut: what DaVinci Resolve exports as "Timeline Markers to EDL".

::

    001  001      V     C        01:00:08:00 01:00:08:01 01:00:08:00 01:00:08:01
    VSFR heavy dust=0.8 |C:ResolveColorYellow |M:Marker 1 |D:24

The note may be empty or run over several lines; ``C`` is the colour, ``M`` the name, ``D`` the length in frames. Two
markers may stand on one frame.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import nominal_rate, parse_timecode
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._text import lines_of, read_text
from vsfilmrestore.timeline.model import FrameRange, Marker, Reel
from vsfilmrestore.timeline.notes import with_markers

__all__ = ["MARKER_READERS", "join_marker_list", "read_resolve_markers"]

_TC: Final = r"\d{1,2}(?:[:;.,]\d{1,3}){3}"
_EVENT: Final = re.compile(rf"\d{{1,6}}\s+\S+\s+\S+\s+C\s+{_TC}\s+{_TC}\s+({_TC})\s+{_TC}", re.IGNORECASE)
_TAGS: Final = re.compile(r"\|C:\s*([^|]*?)\s*\|M:\s*([^|]*?)\s*\|D:\s*(\d+)\s*$", re.IGNORECASE)
_FCM: Final = re.compile(r"FCM\s*:\s*(NON[- ])?DROP FRAME", re.IGNORECASE)
_HEAD: Final = re.compile(r"(TITLE|FCM)\s*:", re.IGNORECASE)


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
    markers = reader(path, reel, remarks)
    return with_markers(reel, markers, remarks=[f"{path}: {sentence}" for sentence in remarks.sentences()])


def read_resolve_markers(path: Path, reel: Reel, remarks: Remarks) -> list[Marker]:
    """The markers of a Resolve marker EDL, in record frames of the reel.

    Raises:
        TimelineError: The file cannot be read, holds no marker, or a timecode does not exist at the reel's rate.
    """
    markers: list[Marker] = []
    drop = reel.drop
    at: tuple[int, int] | None = None
    note: list[str] = []
    for number, raw in enumerate(lines_of(read_text(path, remarks)), 1):
        text = raw.strip()
        if match := _EVENT.match(" ".join(text[:400].split())):
            if at is not None:
                remarks.add("marker without its second line; ignored", at[1])
            at, note = (_count(match[1], reel, drop, path, number) - reel.start, number), []
        elif at is None:
            if (mode := _FCM.fullmatch(text)) and nominal_rate(reel.rate) % 30 == 0:
                # A list counts as it says, whatever the cut does: an OTIO file does not even say.
                drop = not mode[1]
            elif text and not _HEAD.match(text):
                remarks.add("not a line of a marker list; ignored", number)
        elif tags := _TAGS.search(text):
            note.append(text[: tags.start()])
            length = max(1, int(tags[3][:9]))
            colour = tags[1].removeprefix("ResolveColor")
            joined = "\n".join(part.strip() for part in note if part.strip())
            markers.append(Marker(tags[2], joined, colour, FrameRange(at[0], at[0] + length), str(path), at[1]))
            at, note = None, []
        else:
            note.append(text)
    if at is not None:
        remarks.add("marker without its second line; ignored", at[1])
    if not markers:
        raise TimelineError("there is no marker in this list", file=path)
    return markers


def _count(text: str, reel: Reel, drop: bool, path: Path, line: int) -> int:
    try:
        return parse_timecode(text, reel.rate, drop=drop)
    except ValueError as error:
        raise TimelineError(str(error), file=path, line=line, hint="Markers and cut must have one rate") from None


MARKER_READERS: Final[dict[str, Callable[[Path, Reel, Remarks], list[Marker]]]] = {".edl": read_resolve_markers}
"""Reader of a marker list by suffix, lower case."""
