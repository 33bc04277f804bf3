"""Final Cut Pro 7 XML as a document: numbers, rates and flags with line numbers, and elements shared by ``id``.

Element names and rules follow Apple's "Final Cut Pro XML Interchange Format" (version 5, 2010): a rate that an element
does not tell is that of the element around it, and an element that is told once may later be named by its ``id`` alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.media.timecode import exact_rate, nominal_rate, parse_timecode, rate_text
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._xml import Node

__all__ = ["Document", "Timecode", "precision"]

_NUMBER: Final = re.compile(r"[+-]?(\d{1,15})(?:\.(\d{1,20}))?(?:[eE]([+-]?\d{1,2}))?")
_LARGEST: Final = 10**9
# What makes an element a telling of its own, not just a name for one told elsewhere.
_TELLS: Final[dict[str, frozenset[str]]] = {
    "file": frozenset({"pathurl", "mediaSource"}),
    "sequence": frozenset({"media"}),
    "clipitem": frozenset({"file", "sequence", "multiclip"}),
    "clip": frozenset({"media", "file"}),
    "multiclip": frozenset({"angle"}),
}


@dataclass(frozen=True, slots=True)
class Timecode:
    """The timecode of the first frame of a file or sequence.

    Attributes:
        frame: As a frame count.
        drop: Whether it is drop frame.
        reel: Reel name, '' if none.
    """

    frame: int
    drop: bool
    reel: str


class Document:
    """A parsed file.

    Attributes:
        path: The file.
        root: Its root element.
        tellers: Its files, sequences and clips, in the order of the file.
        remarks: What was tolerated.
    """

    def __init__(self, path: Path, root: Node, remarks: Remarks) -> None:
        self.path = path
        self.root = root
        self.remarks = remarks
        self._told: dict[tuple[str, str], Node] = {}
        self._joined: dict[int, Node] = {}
        self._taken_for: dict[Fraction, Fraction] = {}
        self.tellers = [node for node in root.walk() if node.tag in _TELLS]
        for node in self.tellers:
            if name := node.get("id"):
                best = self._told.get((node.tag, name))
                if best is None or (not _tells(best) and len(node.children) > len(best.children)):
                    self._told[node.tag, name] = node

    def take_rate(self, told: Fraction, meant: Fraction) -> None:
        """From now on, elements that tell one rate are taken to mean another."""
        self._taken_for[told] = meant

    def fail(self, message: str, node: Node | None = None, *, hint: str | None = None) -> TimelineError:
        """An error that stands at an element."""
        return TimelineError(message, file=self.path, line=None if node is None else node.line, hint=hint)

    def named(self, tag: str, name: str) -> Node | None:
        """The element that was told under an ``id``."""
        return self._told.get((tag, name))

    def full(self, node: Node) -> Node:
        """An element with what an earlier one of the same ``id`` told; the element itself if it tells all."""
        told = self._told.get((node.tag, node.get("id")))
        if told is None or told is node or _tells(node):
            return node
        if not node.children:
            return told
        if id(node) not in self._joined:
            own = {child.tag for child in node.children}
            children = node.children + [child for child in told.children if child.tag not in own]
            attributes = told.attributes | node.attributes
            self._joined[id(node)] = Node(node.tag, attributes, node.line, node.text, children)
        return self._joined[id(node)]

    def number(self, node: Node, path: str, most: int = _LARGEST) -> Fraction | None:
        """A number below an element, up to ``most``; None where there is none.

        Raises:
            TimelineError: It is not a number, or beyond all bounds.
        """
        found = node.first(path)
        if found is None or not found.text:
            return None
        value = _number(found.text)
        if value is None or abs(value) > most:
            raise self.fail(f"'{found.text[:40]}' is no number for <{found.tag}>", found)
        return value

    def flag(self, node: Node, path: str, default: bool) -> bool:
        """A yes or no below an element."""
        text = node.value(path).upper()
        return default if text not in {"TRUE", "FALSE", "1", "0"} else text in {"TRUE", "1"}

    def rate(self, node: Node) -> Fraction | None:
        """The exact rate an element tells itself; None where it tells none (a title has a rate of 0).

        Raises:
            TimelineError: It is not a frame rate.
        """
        element = node.first("rate")
        base = self.number(element, "timebase") if element is not None else None
        if element is None or not base:
            return None
        if not Fraction(1, 2) <= base <= 1000:
            raise self.fail(f"{element.value('timebase')[:40]} is not a frame rate", element)
        rate = exact_rate(base)
        if self.flag(element, "ntsc", False) and rate.denominator == 1:
            if rate.numerator % 6:
                self.remarks.add(f"there is no NTSC rate of {rate_text(rate)} fps; read as it stands", element.line)
            else:
                rate *= Fraction(1000, 1001)
        return self._taken_for.get(rate, rate)

    def timecode(self, node: Node, rate: Fraction, *, drop: bool | None = None) -> Timecode | None:
        """The timecode of an element's first frame, counted at its rate; None where it tells none it can have.

        Args:
            node: A file or sequence.
            rate: Its rate.
            drop: Whether it is drop frame, where that is known better than by ``displayformat``.
        """
        told = [code for code in node.all("timecode") if code.value("source", "source").lower() == "source"]
        element = next(iter(told or node.all("timecode")), None)
        if element is None:
            return None
        own = self.rate(element) or rate
        if drop is None:
            drop = element.value("displayformat").upper() == "DF" or (
                not element.value("displayformat") and ";" in element.value("string")
            )
        drop = drop and nominal_rate(own) % 30 == 0
        frame = self._start(element, own, drop)
        if frame is None:
            return None
        if nominal_rate(own) != nominal_rate(rate):
            self.remarks.add(
                f"timecode at {rate_text(own)} fps on media at {rate_text(rate)} fps; taken as the same time",
                element.line,
            )
            frame = frame * nominal_rate(rate) / nominal_rate(own)
            drop = drop and nominal_rate(rate) % 30 == 0
        return Timecode(int(frame), drop, element.value("reel/name"))

    def _start(self, element: Node, rate: Fraction, drop: bool) -> Fraction | None:
        frame = self.number(element, "frame")
        if frame is not None and frame >= 0:
            return frame
        text = element.value("string")
        try:
            return Fraction(parse_timecode(text, rate, drop=drop)) if text else None
        except ValueError as error:
            self.remarks.add(f"{error}; counted without timecode", element.line)
            return None


@lru_cache(maxsize=4096)
def _number(text: str) -> Fraction | None:
    return Fraction(text) if _NUMBER.fullmatch(text) else None


def _tells(node: Node) -> bool:
    return any(child.tag in _TELLS[node.tag] for child in node.children)


def precision(text: str) -> Fraction:
    """Half a unit of the last digit of a number: how far it may lie from what its writer meant."""
    match = _NUMBER.fullmatch(text)
    exponent = int(match[3] or 0) - len(match[2] or "") if match else 0
    return Fraction(10) ** exponent / 2
