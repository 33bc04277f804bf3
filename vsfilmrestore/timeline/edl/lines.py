"""The lines of a CMX3600, File32 or File128 edit decision list, taken apart but not yet understood.

::

    TITLE: REEL 3
    FCM: NON-DROP FRAME
    004  A192C008_160909_R1BY V C        19:26:32:20 19:26:32:21 01:00:50:18 01:00:51:23    an edit
    M2   A192C008_160909_R1BY       000.0                19:26:32:20                        its speed, in fps
    * FROM CLIP NAME:  V1A-6A                                                               what else is known

Edits with one event number belong together: a dissolve is a cut (what fades away) and a ``D`` line (what fades in).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline._remarks import Remarks

__all__ = ["Comment", "EditLine", "Event", "Motion", "RawEdl", "parse_lines"]

_LONGEST: Final = 400
_TC: Final = r"\d{1,2}[:;.,]\d{1,2}[:;.,]\d{1,2}[:;.,]\d{1,3}"
# V, A, A2, AA/V, B; GVG and Sony also write 12V or 1.
_CHANNEL: Final = r"(?:NONE|[1-4]{1,4}V?|(?:V\d{0,2}|A\d{0,2}|B)(?:/?(?:V\d{0,2}|A\d{0,2}))*)"
_WIPE: Final = r"W\s?\d{1,3}[A-Z]?"
_KEY: Final = r"K\s?[BO]?"
_TRANSITION: Final = rf"(?:C|D|{_WIPE}|{_KEY})"
# What switchers add: the edge of a wipe, (F) for a key that fades.
_EXTRA: Final = r"(?:\s+\(?[A-Z0-9=%+-]{1,8}\)?){1,4}?"


def _edit_form(kind: str, extra: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?P<number>\d{{1,6}}[A-Z]?)\s+(?:(?P<reel>\S.*?)\s+)??(?P<channel>{_CHANNEL})\s+(?P<kind>{kind})"
        rf"(?:\s+(?P<length>\d{{1,4}}))?{extra}\s+(?P<a>{_TC})\s+(?P<b>{_TC})\s+(?P<c>{_TC})\s+(?P<d>{_TC})(?:\s+.*)?",
        re.IGNORECASE,
    )


_EDITS: Final = (_edit_form(_TRANSITION, ""), _edit_form(f"(?:{_WIPE}|{_KEY})", _EXTRA))
# What can only be the remains of an edit: a number, then a channel and a transition, or two timecodes.
_BROKEN: Final = re.compile(
    rf"\d{{1,6}}[A-Z]?\s+(?:\S.*?\s+{_CHANNEL}\s+{_TRANSITION}(?:\s|$)|.*{_TC}\s+{_TC})", re.IGNORECASE
)
_MOTION: Final = re.compile(
    rf"M2\s+(?P<reel>.*?)\s*(?P<fps>[+-]?\s?\d{{1,4}}(?:[.,]\d{{1,9}})?)\s+(?P<tc>{_TC})(?:\s.*)?", re.IGNORECASE
)
_SHORT_MOTION: Final = re.compile(
    r"M2\s+(?:(?P<reel>\S.*?)\s+)?(?P<fps>[+-]?\s?\d{1,4}(?:[.,]\d{1,9})?)(?P<tc>)", re.IGNORECASE
)
_TITLE: Final = re.compile(r"TITLE\s*:\s*(.*)", re.IGNORECASE)
_FCM: Final = re.compile(r"(?:\*\s*)?FCM\s*:\s*(.*)", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"(FROM|TO|KEY)\s+CLIP\s+NAME\s*:|FINAL CUT PRO REEL\s*:|DLEDL\s*:|EFFECTS? NAME\b|(ASC_|CDL_|SOURCE FILE)|VSFR\b",
    re.IGNORECASE,
)
# Known lines that tell nothing about pictures.
_IDLE: Final = re.compile(
    r"AUD\b|SPLIT\b|REM\b|GPI\b|M1\b|BLEND\b|FINAL CUT PRO|>|;|%|\$|-|=|#|SOURCE TABLE|\x1a",
    re.IGNORECASE,
)


# Lines by which lists of Avid (older and newer) and Final Cut are known.
_HOUSE: Final = re.compile(
    r">>> SOURCE\s|\*\s*BLEND,|\* COMMENT:\s*$|(?:\*\s*)?FINAL CUT PRO REEL\s*:|TITLE: {3}\S.* $", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Comment:
    """A line that began with ``*`` or could have."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Motion:
    """An ``M2`` line: frames per second as written, and the timecode the motion starts from."""

    line: int
    reel: str
    fps: str
    timecode: str


@dataclass(frozen=True, slots=True)
class EditLine:
    """One edit as written. Times are text; `drop` is the frame code mode (FCM) in force, None if none was given."""

    line: int
    number: str
    reel: str
    channel: str
    kind: str
    length: int | None
    source: tuple[str, str]
    record: tuple[str, str]
    drop: bool | None

    @property
    def has_video(self) -> bool:
        """Whether pictures are edited; ``B`` is both."""
        return "V" in self.channel or self.channel == "B"

    @property
    def counts(self) -> tuple[str, str, str, str]:
        """All four timecodes as written."""
        return *self.source, *self.record

    @property
    def track(self) -> int:
        """Video track, from 1."""
        match = re.search(r"V(\d+)", self.channel)
        return int(match.group(1)) if match else 1


@dataclass(slots=True)
class Event:
    """The edits of one event number, with all that stood below them."""

    number: str
    edits: list[EditLine] = field(default_factory=list)
    motions: list[Motion] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    def takes(self, edit: EditLine) -> bool:
        """Whether another line is a part of this event. Below comments only a fade's second line still is."""
        if edit.number != self.number:
            return False
        return not (self.comments or self.motions) or edit.kind != "C" or not edit.has_video


@dataclass(slots=True)
class RawEdl:
    """A whole list: its title, the frame code mode above the first event, events, and comments before them.

    `house` is true where a line stands as only Avid and Final Cut write it.
    """

    title: str = ""
    house: bool = False
    drop: bool | None = None
    events: list[Event] = field(default_factory=list)
    header: list[Comment] = field(default_factory=list)


def parse_lines(lines: list[str], path: Path, remarks: Remarks) -> RawEdl:
    """Take the lines of a list apart.

    Raises:
        TimelineError: A line is the remains of an edit.
    """
    edl = RawEdl()
    drop: bool | None = None
    for number, raw in enumerate(lines, 1):
        text = raw.strip()
        if not text:
            continue
        edl.house = edl.house or (len(raw) <= _LONGEST and _HOUSE.match(raw) is not None)
        if edit := _edit(text, number, drop):
            if not edl.events or not edl.events[-1].takes(edit):
                edl.events.append(Event(edit.number))
            edl.events[-1].edits.append(edit)
        elif match := _FCM.fullmatch(text):
            drop = _mode(match.group(1), number, remarks)
            if not edl.events:
                edl.drop = drop
        elif match := _TITLE.fullmatch(text):
            edl.title = edl.title or match.group(1).strip()
        else:
            _other(text, number, edl, path, remarks)
    return edl


def _edit(text: str, number: int, drop: bool | None) -> EditLine | None:
    if len(text) > _LONGEST or not text[0].isdigit():
        return None
    text = " ".join(text.split())
    match = next((match for form in _EDITS if (match := form.fullmatch(text))), None)
    if match is None:
        return None
    part = match.group
    kind = "".join(part("kind").upper().split())
    kind = kind.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") if kind[0] == "W" else kind
    length = int(part("length")) if part("length") else None
    return EditLine(
        number,
        part("number"),
        part("reel") or "",
        part("channel").upper(),
        kind,
        length,
        (part("a"), part("b")),
        (part("c"), part("d")),
        drop,
    )


def _motion(match: re.Match[str], number: int) -> Motion:
    fps = match["fps"].replace(" ", "").replace(",", ".")
    return Motion(number, (match["reel"] or "").strip(), fps, match["tc"])


def _mode(text: str, number: int, remarks: Remarks) -> bool | None:
    words = text.upper().replace("-", " ").split()
    if "DROP" not in words:
        remarks.add(f"frame code mode '{text.strip()}' is not known; ignored", number)
        return None
    return "NON" not in words


def _other(text: str, number: int, edl: RawEdl, path: Path, remarks: Remarks) -> None:
    event = edl.events[-1] if edl.events else None
    start = " ".join(text[:_LONGEST].split())
    if match := _MOTION.fullmatch(start) or _SHORT_MOTION.fullmatch(start):
        if event is None:
            remarks.add("an M2 line before the first event; ignored", number)
            return
        event.motions.append(_motion(match, number))
    elif text.upper().startswith("M2") and not text[2:3].isalnum():
        raise TimelineError("this M2 line cannot be read", file=path, line=number, hint="Write: M2 REEL 024.0 TIMECODE")
    elif text.startswith("*") or _NAMED.match(text):
        (event.comments if event else edl.header).append(Comment(number, text))
    elif _BROKEN.match(start):
        hint = "Write: number, reel, V, C, two source and two record timecodes"
        raise TimelineError(f"this event cannot be read: '{text[:60]}'", file=path, line=number, hint=hint)
    elif not _IDLE.match(text):
        remarks.add("not a line of an edit decision list; ignored", number)
