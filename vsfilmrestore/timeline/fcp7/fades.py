"""Transitions of Final Cut Pro 7 XML: between two clips of a track, or between a clip and what lies beneath.

::

    A    |----------~~~|             The incoming clip shows from the start of the transition on; what goes on of the
    B               |~~~-------|     outgoing one fades away over it. Each side comes from its own media.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._xml import Node
from vsfilmrestore.timeline.fcp7.xml import Document
from vsfilmrestore.timeline.layers import Fade, Piece

__all__ = ["Change", "Item", "change_of", "fade"]

_PLENTY: Final = Fraction(10**9)


@dataclass(slots=True)
class Item:
    """A clip or generator on its track.

    Attributes:
        start: Where it begins, its part of a transition included.
        stop: Where it ends, likewise.
        pieces: What it shows there, in order.
    """

    start: Fraction
    stop: Fraction
    pieces: list[Piece] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Change:
    """A transition.

    Attributes:
        start: Where it begins.
        stop: Where it ends.
        kind: ``dissolve``, ``wipe 001`` or the name of something else.
        black: Which side is nothing: ``start`` where it fades in from nothing, ``end`` where it fades out, '' neither.
        line: Line of the file.
    """

    start: Fraction
    stop: Fraction
    kind: str
    black: str
    line: int


def change_of(doc: Document, node: Node) -> Change | None:
    """A ``transitionitem``; None, with a remark, if it has no length.

    Raises:
        TimelineError: Its start or end is no number.
    """
    start, stop = doc.number(node, "start"), doc.number(node, "end")
    if start is None or stop is None or stop <= start:
        doc.remarks.add("a transition without a length is ignored", node.line)
        return None
    alignment = node.value("alignment").lower()
    black = alignment.removesuffix("-black") if alignment in {"start-black", "end-black"} else ""
    return Change(start, stop, _kind(doc, node), black, node.line)


def _kind(doc: Document, node: Node) -> str:
    effect = node.first("effect")
    if effect is None:
        return "dissolve"
    name, code = effect.value("name") or effect.value("effectid"), doc.number(effect, "wipecode")
    words = f"{name} {effect.value('effectid')} {effect.value('effectcategory')}".lower()
    if "dip to" in words:
        return name.lower()
    if "dissolve" in words or not name:
        return "dissolve"
    return f"wipe {int(code):03d}" if code and code > 0 else name.lower()


def fade(change: Change, before: Item | None, after: Item | None, remarks: Remarks) -> list[Piece]:
    """Joins two items by a transition: cuts off the first, lets the second begin early.

    Args:
        change: The transition.
        before: The item that fades out; None is nothing.
        after: The item that fades in; None is nothing.
        remarks: Told of transitions that cannot be made as they stand.

    Returns:
        Black that one of the two fades into.
    """
    before = before if before and before.pieces and change.black != "start" else None
    after = after if after and after.pieces and change.black != "end" else None
    start, stop = _room(change, before, after)
    if stop <= start or (before is None and after is None):
        remarks.add(f"a transition ({change.kind}) joins nothing; ignored", change.line)
        return []
    if (start, stop) != (change.start, change.stop):
        remarks.add(f"a transition ({change.kind}) has too little media or track; shortened", change.line)
    old = None if before is None else _leave(before, start, stop, change, remarks)
    black = Piece("black", start, stop, line=change.line)
    outgoing = replace(old or black, fade=None).over(start, stop)
    made = Fade(change.kind, outgoing)
    if after is None:
        return [replace(black, fade=made)]
    return _enter(after, start, stop, made, black)


def _room(change: Change, before: Item | None, after: Item | None) -> tuple[Fraction, Fraction]:
    """Where the transition can be: where both sides have media, and their clip on the track."""
    start, stop = change.start, change.stop
    if before is not None:
        tail = before.pieces[-1]
        start = max(start, before.start)
        stop = min(stop, max(before.stop, tail.stop + _media_left(tail, head=False)))
        if before.stop < start:
            return start, start
    if after is not None:
        head = after.pieces[0]
        stop = min(stop, after.stop)
        start = max(start, min(after.start, head.start - _media_left(head, head=True)))
        if after.start > stop:
            return start, start
    return start, stop


def _media_left(piece: Piece, *, head: bool) -> Fraction:
    """Frames of the timeline for which there is media before a piece (or after it), as far as the file tells."""
    known = piece.source.available if piece.source is not None else None
    if known is None or piece.curve is not None or piece.step == 0:
        return _PLENTY
    step = abs(piece.step)
    if head == (piece.step > 0):
        return max(Fraction(0), piece.low - known.start) / step
    return max(Fraction(0), known.stop - piece.low - (piece.stop - piece.start) * step) / step


def _leave(item: Item, start: Fraction, stop: Fraction, change: Change, remarks: Remarks) -> Piece | None:
    """Cuts an item off where it begins to fade; what is seen of it then."""
    if item.stop < stop and item.pieces[-1].stop == item.stop:
        last = item.pieces[-1]
        item.pieces[-1] = last.over(last.start, stop)
    seen = [piece for piece in item.pieces if piece.start < stop and piece.stop > start]
    if len(seen) > 1:
        remarks.add("there is a cut under a transition; the picture before it runs on", change.line)
    item.pieces = [
        piece if piece.stop <= start else piece.over(piece.start, start) for piece in item.pieces if piece.start < start
    ]
    item.stop = start
    return seen[0] if seen and seen[0].source is not None else None


def _enter(item: Item, start: Fraction, stop: Fraction, made: Fade, black: Piece) -> list[Piece]:
    """Lets an item begin with the fade; black where it shows nothing yet."""
    first = item.pieces[0]
    if first.start == item.start and first.start > start:
        item.pieces[0] = first.over(start, first.stop)
    item.start = start
    item.pieces = [
        piece if piece.start >= start else piece.over(start, piece.stop) for piece in item.pieces if piece.stop > start
    ]
    first = item.pieces[0]
    if first.start > start:
        return [replace(black, stop=min(stop, first.start), fade=made)]
    item.pieces[0] = replace(first, fade=made)
    return []
