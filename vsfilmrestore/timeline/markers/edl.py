"""Marker lists in the clothes of an edit decision list.

What DaVinci Resolve exports as "Timeline Markers to EDL"::

    001  001      V     C        01:00:08:00 01:00:08:01 01:00:08:00 01:00:08:01
    VSFR heavy dust=0.8 |C:ResolveColorYellow |M:Marker 1 |D:24

The note may be empty or run over several lines; ``C`` is the colour, ``M`` the name, ``D`` the length in frames. Two
markers may stand on one frame. A list without such lines may have locators (Avid, Nucoda), with or without events::

    * LOC: 01:00:08:00 YELLOW  VSFR heavy dust=0.8
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import nominal_rate
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._text import lines_of, read_text
from vsfilmrestore.timeline.edl.lines import Comment
from vsfilmrestore.timeline.edl.notes import locator
from vsfilmrestore.timeline.markers.time import MarkerClock
from vsfilmrestore.timeline.model import Marker, Reel

__all__ = ["read_edl_markers"]

_TC: Final = r"\d{1,2}(?:[:;.,]\d{1,3}){3}"
_EVENT: Final = re.compile(rf"\d{{1,6}}\s+\S+\s+\S+\s+C\s+{_TC}\s+{_TC}\s+({_TC})\s+{_TC}", re.IGNORECASE)
_TAGS: Final = re.compile(r"\|C:\s*([^|]*?)\s*\|M:\s*([^|]*?)\s*\|D:\s*(\d+)\s*$", re.IGNORECASE)
_FCM: Final = re.compile(r"FCM\s*:\s*(NON[- ])?DROP FRAME", re.IGNORECASE)
_HEAD: Final = re.compile(r"(TITLE|FCM)\s*:", re.IGNORECASE)
_LONGEST: Final = 400


def read_edl_markers(path: Path, reel: Reel, remarks: Remarks) -> list[Marker]:
    """The markers of a Resolve marker EDL, or the locators of any other, in record frames of the reel.

    Raises:
        TimelineError: The file cannot be read, holds no marker, or a timecode does not exist at the reel's rate.
    """
    lines = lines_of(read_text(path, remarks))
    clock = MarkerClock(reel, path)
    if any(_TAGS.search(line) for line in lines):
        markers = _Resolve(clock, reel, remarks).read(lines)
    else:
        markers = _locators(lines, clock, reel, path)
    if not markers:
        raise TimelineError("there is no marker in this list", file=path)
    return markers


class _Resolve:
    def __init__(self, clock: MarkerClock, reel: Reel, remarks: Remarks) -> None:
        self._clock = clock
        self._reel = reel
        self._remarks = remarks
        self._at: tuple[int, int] | None = None
        self._note: list[str] = []

    def read(self, lines: list[str]) -> list[Marker]:
        markers = []
        for number, raw in enumerate(lines, 1):
            text = raw.strip()
            if match := _EVENT.match(" ".join(text[:_LONGEST].split())):
                self._close()
                self._at, self._note = (self._clock.place(match[1], number), number), []
            elif self._at is None:
                self._outside(text, number)
            elif tags := _TAGS.search(text):
                self._note.append(text[: tags.start()])
                markers.append(self._marker(self._at, tags))
                self._at = None
            else:
                self._note.append(text)
        self._close()
        return markers

    def _marker(self, at: tuple[int, int], tags: re.Match[str]) -> Marker:
        note = "\n".join(part.strip() for part in self._note if part.strip())
        colour = tags[1].removeprefix("ResolveColor")
        return self._clock.marker(tags[2], note, colour, at[0], int(tags[3][:9]), at[1])

    def _outside(self, text: str, number: int) -> None:
        if (mode := _FCM.fullmatch(text)) and nominal_rate(self._reel.rate) % 30 == 0:
            # A list counts as it says, whatever the cut does: an OTIO file does not even say.
            self._clock.drop = not mode[1]
        elif text and not _HEAD.match(text):
            self._remarks.add("not a line of a marker list; ignored", number)

    def _close(self) -> None:
        if self._at is not None:
            self._remarks.add("marker without its second line; ignored", self._at[1])


def _locators(lines: list[str], clock: MarkerClock, reel: Reel, path: Path) -> list[Marker]:
    found = []
    for number, raw in enumerate(lines, 1):
        text = raw.strip()
        if (mode := _FCM.fullmatch(text)) and nominal_rate(reel.rate) % 30 == 0:
            clock.drop = not mode[1]
        elif text.startswith("*"):
            found.append(locator(Comment(number, text), clock, reel.start, path))
    return [marker for marker in found if marker is not None]
