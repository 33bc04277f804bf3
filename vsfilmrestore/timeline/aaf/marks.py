"""Markers, comments and label colours of an AAF.

Markers stand in event slots, of the composition or of a clip's own mob; an Avid keeps their colour and text in lists of
tagged values. Comments are tagged values of the mob or of the clip as it stands in the sequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

from vsfilmrestore.timeline.aaf.file import attributes, count, items, kind_of, nested, rate_of, ratio, text

__all__ = ["Mark", "colour_of", "comments_of", "marks_of"]

_LISTS: Final = ("UserComments", "ComponentAttributeList", "MobAttributeList")
_COLOURS: Final = ("_COLOR_R", "_COLOR_G", "_COLOR_B")
_MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker: its times in frames of what it stands on, its texts, and its colour as the program calls it."""

    start: Fraction
    stop: Fraction
    texts: tuple[str, ...]
    colour: str

    def moved(self, by: Fraction) -> Mark:
        """The same mark later."""
        return replace(self, start=self.start + by, stop=self.stop + by)

    def scaled(self, factor: Fraction) -> Mark:
        """The same mark in frames of another rate."""
        return replace(self, start=self.start * factor, stop=self.stop * factor)


def marks_of(mob: Any, rate: Fraction) -> list[Mark]:
    """The markers of a mob, each once, in frames at a rate.

    Raises:
        ValueError: A place is no number, or there are too many.
    """
    found: dict[Mark, None] = {}
    for slot in items(mob, "Slots"):
        if kind_of(slot) != "EventMobSlot":
            continue
        factor = ratio(rate, rate_of(slot))
        segment = nested(slot, "Segment")
        events = items(segment, "Components") if kind_of(segment) == "Sequence" else [segment]
        for event in events:
            if "Marker" in kind_of(event):
                found[_mark(event).scaled(factor)] = None
    if len(found) > _MOST:
        raise ValueError("the file holds too many markers")
    return list(found)


def _mark(event: Any) -> Mark:
    start = Fraction(count(event, "Position"))
    told = attributes(event, "CommentMarkerAttributeList", "UserComments")
    length = told.get("_ATN_CRM_LENGTH", 0)
    frames = max(count(event, "Length", 1), length if isinstance(length, int) else 1, 1)
    texts = [text(event, "Comment"), told.get("_ATN_CRM_COM"), told.get("Comment")]
    said = dict.fromkeys(each.strip() for each in texts if isinstance(each, str) and each.strip())
    name = told.get("_ATN_CRM_LABEL") or told.get("_ATN_CRM_NAME")
    colour = told.get("_ATN_CRM_COLOR")
    return Mark(
        start,
        start + frames,
        (name.strip() if isinstance(name, str) else "", *said),
        colour.strip() if isinstance(colour, str) else _hex(event),
    )


def _hex(event: Any) -> str:
    found = event.get("CommentMarkerColor", None, allkeys=False)
    value = found.value if found is not None else None
    if not isinstance(value, Mapping):
        return ""
    return _rgb(value.get(name) for name in ("red", "green", "blue"))


def _rgb(parts: Iterable[object]) -> str:
    """Parts of 16 bits as ``#rrggbb``, '' if they are none."""
    numbers = [part for part in parts if isinstance(part, int) and 0 <= part <= 0xFFFF]
    return "#" + "".join(f"{number >> 8:02x}" for number in numbers) if len(numbers) == 3 else ""


def comments_of(*things: Any) -> dict[str, Any]:
    """Comments and attributes of a clip or a mob by name; the first thing that has one wins."""
    found: dict[str, Any] = {}
    for thing in things:
        found = {**attributes(thing, *_LISTS), **found}
    return found


def colour_of(told: Mapping[str, Any]) -> str:
    """The label colour among the attributes of a clip as ``#rrggbb``, '' if it has none."""
    return _rgb(told.get(name) for name in _COLOURS)
