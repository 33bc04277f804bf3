"""Clips of FCPXML in their parent's time, and the storylines they make with transitions.

::

    parent's time    offset          offset + duration        Each clip has a time of its own, in which its contents,
          -----------|--------------------|----               its markers and what is connected to it are placed:
    own time         start                                    own = start + (parent - offset) * gear

A gear other than 1 is a conformed rate. All times here are in frames of the record rate, exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from vsfilmrestore.media.timecode import rate_text
from vsfilmrestore.timeline._xml import Node
from vsfilmrestore.timeline.fcpxml.media import Document, label
from vsfilmrestore.timeline.fcpxml.time import conformed, written_rate

__all__ = ["ANCHORED", "Item", "Storylines", "Turn", "is_seen", "lane_of"]

_CLIPS: Final = ("asset-clip", "clip", "video", "ref-clip", "sync-clip", "mc-clip", "audition", "gap", "title")
_CONTENTS: Final = (*_CLIPS, "audio", "spine", "transition")
ANCHORED: Final = (*_CLIPS, "spine")
"""Elements that may be connected to a clip and show pictures."""

_ZERO: Final = Fraction(0)


@dataclass(frozen=True, slots=True)
class Item:
    """A clip in its parent's time.

    Attributes:
        node: The clip; of an audition the chosen one.
        offset: Where it begins.
        stop: Where it ends.
        start: Its own time there.
        gear: How much of its own time passes in a frame of its parent's.
        lane: Above (1, 2, …) or below (-1, …) the clip it is connected to; 0: in the storyline itself.
    """

    node: Node
    offset: Fraction
    stop: Fraction
    start: Fraction
    gear: Fraction = Fraction(1)
    lane: int = 0

    def at(self, own: Fraction) -> Fraction:
        """The parent's time at one of its own."""
        ahead = own - self.start
        return self.offset + (ahead if self.gear == 1 else ahead / self.gear)

    def own(self, time: Fraction) -> Fraction:
        """Its own time at one of the parent's."""
        ahead = time - self.offset
        return self.start + (ahead if self.gear == 1 else ahead * self.gear)

    def moved(self, offset: Fraction, stop: Fraction) -> Item:
        """The same clip elsewhere."""
        return replace(self, offset=offset, stop=stop)


@dataclass(slots=True)
class Turn:
    """A transition between two neighbours of a storyline, by their numbers; None at its ends."""

    node: Node
    start: Fraction
    stop: Fraction
    cut: Fraction
    old: int | None
    new: int | None

    @property
    def kind(self) -> str:
        name = self.node.get("name")
        return "dissolve" if not name or "dissolve" in name.lower() else name


class Storylines:
    """Reads clips and storylines of a document.

    Args:
        document: The file.
        rate: Its record rate as it is written.
    """

    def __init__(self, document: Document, rate: Fraction) -> None:
        self._doc, self._own = document, rate
        self._lines: dict[tuple[int, Fraction], tuple[list[Item], list[Turn]]] = {}

    def frames(self, node: Node, name: str, default: Fraction = _ZERO) -> Fraction:
        """A time of an element in frames of the record rate; the default is in frames."""
        return self._doc.time(node, name) * self._own if node.get(name).strip() else default

    def storyline(self, parent: Node, first: Fraction, rate: Fraction) -> tuple[list[Item], list[Turn]]:
        """The clips and transitions in a spine, an angle or a clip; items connected to it are left out."""
        key = (id(parent), rate)
        if key in self._lines:
            return self._lines[key]
        items: list[Item] = []
        turns: list[Turn] = []
        at = first
        for node in parent.all(*_CONTENTS):
            if lane_of(self._doc, node):
                continue
            if node.tag == "transition":
                self._turn(node, items, turns, at)
                continue
            item = self.item(node, at, rate)
            if turns and turns[-1].new is None and turns[-1].old == (len(items) - 1 if items else None):
                turns[-1].new, turns[-1].cut = len(items), item.offset
            items.append(item)
            at = item.stop
        self._lines[key] = items, turns
        return items, turns

    def _turn(self, node: Node, items: list[Item], turns: list[Turn], at: Fraction) -> None:
        if node.all("filter-audio") and not node.all("filter-video"):
            return
        length = self.frames(node, "duration")
        if length < 0:
            raise self._doc.error("a transition has a duration below 0", node)
        start = self.frames(node, "offset", at - length / 2)
        turns.append(Turn(node, start, start + length, at, len(items) - 1 if items else None, None))

    def item(self, node: Node, at: Fraction, rate: Fraction) -> Item:
        """A clip in its parent's time; ``at`` is where it stands unless it says otherwise."""
        offset, lane = self.frames(node, "offset", at), lane_of(self._doc, node)
        if node.tag == "audition":
            chosen = next(iter(node.all(*_CONTENTS)), None)
            if chosen is None:
                raise self._doc.error("an audition without clips", node)
            node = chosen
        start, known = self._content(node)
        length = self.frames(node, "duration", known)
        if length < 0:
            raise self._doc.error(f"{label(node)} has a duration below 0", node)
        return Item(node, offset, offset + length, start, self._gear(node, rate), lane)

    def _content(self, node: Node) -> tuple[Fraction, Fraction]:
        """Own start and duration of a clip, the latter as far as its media tell: for clips that leave them out."""
        if node.get("start") and node.get("duration"):
            return self.frames(node, "start"), _ZERO
        first, length = _ZERO, _ZERO
        if node.tag in {"asset-clip", "ref-clip", "mc-clip"} and node.get("ref"):
            found = self._doc.resource(node)
            inner = next(iter(found.all("sequence", "multicam")), found)
            first = self.frames(inner, "start" if found.tag == "asset" else "tcStart")
            length = self.frames(inner, "duration")
        elif node.tag == "spine":
            items, _ = self.storyline(node, _ZERO, self._doc.rate(node) or self._own)
            length = max((item.stop for item in items), default=_ZERO)
        start = self.frames(node, "start", first)
        return start, max(length - (start - first), _ZERO)

    def _gear(self, node: Node, rate: Fraction) -> Fraction:
        rule = node.first("conform-rate")
        if rule is None or rule.get("scaleEnabled") == "0":
            return Fraction(1)
        media = written_rate(rule.get("srcFrameRate")) or self._media_rate(node)
        if media is None:
            return Fraction(1)
        gear, known = conformed(media, rate)
        if not known:
            pair = f"{rate_text(media)} fps media in {rate_text(rate)} fps"
            self._doc.remarks.add(
                f"{pair}: how Final Cut Pro conforms that is not written down; check long clips", rule.line
            )
        return gear

    def _media_rate(self, node: Node) -> Fraction | None:
        found = self._doc.resource(node) if node.get("ref") else node
        inner = next(iter(found.all("sequence", "multicam")), found)
        return self._doc.rate(inner)


def is_seen(document: Document, node: Node) -> bool:
    """Whether a clip shows pictures: some hold only sound."""
    if node.tag in {"audio", "caption"} or node.get("srcEnable") == "audio":
        return False
    if node.tag in {"asset-clip", "video"} and document.resource(node).tag == "asset":
        return document.medium(node) is not None
    if node.tag in {"clip", "sync-clip", "spine", "gap"}:
        return any(is_seen(document, child) for child in node.all(*ANCHORED))
    return True


def lane_of(document: Document, node: Node) -> int:
    """The lane of a clip: 0 in the storyline itself.

    Raises:
        TimelineError: It is no number.
    """
    text = node.get("lane", "0")
    try:
        return max(min(int(text), 10_000), -10_000)
    except ValueError:
        raise document.error(f"'{text[:40]}' is not a lane", node) from None
