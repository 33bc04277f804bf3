"""Markers, labels and notes of Final Cut Pro 7 XML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from vsfilmrestore.timeline._xml import Node
from vsfilmrestore.timeline.fcp7.xml import Document
from vsfilmrestore.timeline.grammar import find_settings
from vsfilmrestore.timeline.model import SettingNote, Strength

__all__ = ["Mark", "comments_of", "label_of", "marks_of", "notes_of"]

# Premiere's marker colours as it writes them, and those of Final Cut Pro.
_COLOURS: Final[dict[str, tuple[int, int, int]]] = {
    "Green": (0, 160, 0),
    "Red": (210, 44, 54),
    "Purple": (175, 139, 177),
    "Orange": (233, 111, 36),
    "Yellow": (208, 161, 43),
    "White": (255, 255, 255),
    "Blue": (66, 141, 252),
    "Cyan": (25, 244, 214),
    "Magenta": (255, 0, 255),
    "Pink": (255, 128, 192),
    "Black": (0, 0, 0),
}
_PURE: Final[dict[tuple[int, int, int], str]] = {
    (255, 0, 0): "Red",
    (0, 255, 0): "Green",
    (0, 0, 255): "Blue",
    (255, 255, 0): "Yellow",
    (0, 255, 255): "Cyan",
    (128, 0, 255): "Purple",
    (255, 128, 0): "Orange",
}
_NOTES: Final = ("comments", "logginginfo")


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker in the time of a sequence.

    Attributes:
        start: Its place.
        stop: Where it ends; for a plain marker a frame later.
        name: Its name.
        note: Its comment.
        colour: Its colour by name.
        line: Line of the file.
        owner: Of which clip it is a marker, -1 for one of a sequence.
        point: Whether it is a plain marker without a length.
    """

    start: Fraction
    stop: Fraction
    name: str
    note: str
    colour: str
    line: int
    owner: int = -1
    point: bool = True

    def moved(self, by: Fraction) -> Mark:
        """The same marker elsewhere."""
        return replace(self, start=self.start + by, stop=self.stop + by)

    def scaled(self, factor: Fraction) -> Mark:
        """The same marker in a time that runs faster or slower; a plain one keeps its frame."""
        start = self.start * factor
        return replace(self, start=start, stop=start + 1 if self.point else self.stop * factor)


def marks_of(doc: Document, node: Node, owner: int = -1) -> Iterator[Mark]:
    """The markers of a sequence or clip, in its own frames.

    Raises:
        TimelineError: A marker's place is no number.
    """
    for marker in node.all("marker"):
        start = doc.number(marker, "in")
        if start is None:
            continue
        stop = doc.number(marker, "out")
        point = stop is None or stop <= start + 1
        end = start + 1 if point or stop is None else stop
        name, note = marker.value("name"), marker.value("comment")
        yield Mark(start, end, name, note, _colour(doc, marker), marker.line, owner, point)


def _colour(doc: Document, marker: Node) -> str:
    packed = doc.number(marker, "pproColor", most=2**32)
    if packed is not None:
        return _nearest((int(packed) & 255, int(packed) >> 8 & 255, int(packed) >> 16 & 255))
    element = marker.first("color")
    if element is None:
        return ""
    red, green, blue = (int(doc.number(element, name) or 0) for name in ("red", "green", "blue"))
    return _nearest((red, green, blue))


def _nearest(rgb: tuple[int, int, int]) -> str:
    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(rgb, _COLOURS[name], strict=True))

    return _PURE.get(rgb) or min(_COLOURS, key=distance)


def label_of(clip: Node) -> str:
    """The label colour of a clip as the editing program calls it, '' if none."""
    return clip.value("labels/label2") or clip.value("labels/label")


def _texts(clip: Node) -> Iterator[Node]:
    for place in _NOTES:
        element = clip.first(place)
        if element is not None:
            yield from (child for child in element if child.text)


def notes_of(doc: Document, clip: Node) -> tuple[SettingNote, ...]:
    """The settings in the comments and log notes of a clip; whether they parse is for later."""
    found = ((find_settings(node.text), node.line) for node in _texts(clip))
    notes = {text: SettingNote(text, Strength.NOTE, str(doc.path), line) for text, line in found if text is not None}
    return tuple(notes.values())


def comments_of(clip: Node) -> tuple[str, ...]:
    """All else that people wrote about a clip, and its colour decision, as lines below an event of an EDL."""
    lines = [
        f"* COMMENT: {' '.join(node.text.split())}"
        for node in _texts(clip)
        if node.tag not in {"good", "originalvideofilename", "originalaudiofilename"}
        and find_settings(node.text) is None
    ]
    for name in ("asc_sop", "asc_sat"):
        if text := clip.value(f"colorinfo/{name}"):
            lines.append(f"* {name.upper()} {' '.join(text.split())}")
    return tuple(dict.fromkeys(lines))
