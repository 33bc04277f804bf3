"""What the comment lines below an event tell: names, files, stills, settings, locators."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline.edl.lines import Comment
from vsfilmrestore.timeline.grammar import find_settings
from vsfilmrestore.timeline.model import FrameRange, Marker

__all__ = ["EventNotes", "RecordClock", "event_notes", "locator", "overlooked"]

_STARS: Final = re.compile(r"^[*\s]+")
_FIELD: Final = re.compile(
    r"(FROM CLIP NAME|TO CLIP NAME|SOURCE FILE|FROM CLIP|TO CLIP|FROM FILE|TO FILE|REEL|TAPE)\s*:\s*(.*)", re.IGNORECASE
)
# Final Cut cuts long reel names short and says so; Flame and Smoke name files in lines of their own.
_RENAMED: Final = re.compile(r"FINAL CUT PRO REEL\s*:\s*(\S.*?)\s+REPLACED BY\s*:\s*(\S.*)", re.IGNORECASE)
_DISCREET: Final = re.compile(r"DLEDL\s*:\s*(?:EDIT\s*:\s*\d+\s+)?(?:FILENAME|PATH)\s*:\s*(\S.*)", re.IGNORECASE)
_RAMP: Final = re.compile(r"TIME[ -]?(?:WARP|REMAP)|VARIABLE SPEED|VARI-?SPEED|SPEED[ -]RAMP", re.IGNORECASE)
_NOTHING: Final = re.compile(r"\(?(?:NULL|NONE|N/A)\)?", re.IGNORECASE)
_SETTINGS: Final = re.compile(r"(?:[A-Z][A-Z ]{0,30}:\s*)?VSFR\b", re.IGNORECASE)
_WORD: Final = re.compile(r"\bVSFR\b", re.IGNORECASE)
_LOC: Final = re.compile(r"LOC\s*:\s*(\d{1,2}(?:[:;.,]\d{1,3}){3})(?:\s+(\S+))?\s*(.*)", re.IGNORECASE)


@dataclass(slots=True)
class EventNotes:
    """The comments of one event, understood.

    Attributes:
        names: Clip name of the outgoing side and of the incoming one, '' if not told. A plain cut has the first.
        files: File of the outgoing side and of the incoming one; a path is preferred to a bare name.
        reels: Full reel names where the event's own were cut short, in the order written.
        renamed: Full reel names by the short ones in the list, upper case.
        still: Whether a freeze frame or a still is spoken of.
        ramp: Whether a time warp or a ramp is spoken of.
        settings: The words after ``VSFR``, with their lines.
        fades: Whether the event is a transition.
        comments: All lines as written, but for names, files and settings, which have their own places in the model.
    """

    names: list[str] = field(default_factory=lambda: ["", ""])
    files: list[str] = field(default_factory=lambda: ["", ""])
    reels: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    fades: bool = False
    still: bool = False
    ramp: bool = False
    settings: list[Comment] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def name(self, incoming: bool) -> str:
        """Clip name of one side of a transition."""
        return self.names[1] if incoming else self.names[0]

    def reel(self, short: str, incoming: bool) -> str:
        """Full reel name of one side of a transition, '' if not told; the only name of a plain cut is its own."""
        if not self.fades:
            return self.reels[0] if self.reels else ""
        begins = [reel for reel in self.reels if short and reel.upper().startswith(short.upper().rstrip("."))]
        if len(begins) == 1:
            return begins[0]
        if len(self.reels) > 1:
            return self.reels[-1] if incoming else self.reels[0]
        return self.reels[0] if self.reels and incoming else ""


def event_notes(comments: list[Comment], *, fades: bool) -> EventNotes:
    """Understand the comments of an event.

    Args:
        comments: In the order written.
        fades: Whether the event is a transition, with an outgoing and an incoming side.
    """
    notes = EventNotes(fades=fades)
    sources: list[str] = []
    for comment in comments:
        text = _STARS.sub("", comment.text).strip()
        if match := _FIELD.fullmatch(text):
            _take_field(notes, sources, " ".join(match[1].upper().split()), match[2].strip())
        elif match := _RENAMED.fullmatch(text):
            notes.renamed[match[2].strip().upper()] = match[1].strip()
        elif match := _DISCREET.fullmatch(text):
            notes.files[0] = notes.files[0] or match[1].strip()
        elif _SETTINGS.match(text):
            notes.settings.append(Comment(comment.line, find_settings(text) or ""))
        else:
            notes.comments.append(comment.text)
            notes.ramp = notes.ramp or bool(_RAMP.search(text))
            notes.still = notes.still or "FREEZE FRAME" in text.upper() or "CLIP IS A STILL" in text.upper()
    if sources:
        sides = [sources[0], sources[-1]] if fades and len(sources) > 1 else ["" if fades else sources[0], sources[0]]
        notes.files = [path or source for path, source in zip(notes.files, sides, strict=True)]
    return notes


def _take_field(notes: EventNotes, sources: list[str], key: str, value: str) -> None:
    if not value or _NOTHING.fullmatch(value):
        return
    if key == "SOURCE FILE":
        sources.append(value)
    elif key in {"REEL", "TAPE"}:
        notes.reels.append(value)
    else:
        side = 1 if key.startswith("TO") else 0
        target = notes.names if key.endswith("NAME") else notes.files
        target[side] = target[side] or value


def overlooked(comment: str) -> bool:
    """Whether a comment has the word of settings where none are read: within its text."""
    return _WORD.search(comment) is not None and _LOC.fullmatch(_STARS.sub("", comment).strip()) is None


class RecordClock(Protocol):
    """Counts record timecodes."""

    def record(self, text: str, line: int) -> int:
        """Frame count of a record timecode."""


def locator(comment: Comment, clock: RecordClock, start: int, path: Path) -> Marker | None:
    """The marker of a ``* LOC: TIMECODE COLOUR text`` line; None for other comments.

    Args:
        comment: The line.
        clock: The clock of the list; a locator stands at a record timecode.
        start: Record timecode of the reel's first frame.
        path: For the marker's origin.

    Raises:
        TimelineError: A locator with settings at a timecode that does not exist. One without is left out.
    """
    match = _LOC.fullmatch(_STARS.sub("", comment.text).strip())
    if match is None:
        return None
    colour, text = match[2] or "", match[3].strip()
    if colour.upper() == "VSFR":
        colour, text = "", f"{colour} {text}"
    try:
        at = clock.record(match[1], comment.line) - start
    except TimelineError:
        if find_settings(text) is None:
            return None
        raise
    return Marker(text, "", colour.upper(), FrameRange(at, at + 1), str(path), comment.line)
