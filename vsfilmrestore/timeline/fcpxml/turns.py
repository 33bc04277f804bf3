"""Transitions of FCPXML storylines: between two clips, into a storyline and out of it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Final

from vsfilmrestore.timeline.fcpxml.items import Item, Storylines, Turn
from vsfilmrestore.timeline.fcpxml.layers import Mark
from vsfilmrestore.timeline.fcpxml.marks import marks_of
from vsfilmrestore.timeline.fcpxml.media import Document, label
from vsfilmrestore.timeline.layers import Piece, whole

__all__ = ["Turns"]

_ZERO: Final = Fraction(0)
_HOUR: Final = 3600
_NEAR: Final = Fraction(1, 20)


class Turns:
    """Puts transitions in their place.

    Args:
        document: The file.
        lines: Its storylines.
        rate: Its record rate.
    """

    def __init__(self, document: Document, lines: Storylines, rate: Fraction) -> None:
        self._remarks, self._lines, self._rate = document.remarks, lines, rate

    def joined(self, turns: Sequence[Turn], placed: Sequence[Item], by: Fraction, *, top: bool) -> list[Turn]:
        """Transitions in their place, moved by some time: never beyond their clips, nor over one another."""
        moved = [self._placed(turn, placed, by, top=top) for turn in turns]
        for a, b in pairwise(moved):
            if a.new is not None and a.new == b.old and b.start < a.stop:
                b.start = min(a.stop, b.cut)
                a.stop = min(a.stop, b.start)
                self._remarks.add("transitions that overlap are shortened", b.node.line)
        for turn in moved:
            if turn.start >= turn.stop:
                self._remarks.add(f"{label(turn.node)} joins nothing; ignored", turn.node.line)
        return [turn for turn in moved if turn.start < turn.stop]

    def _placed(self, turn: Turn, placed: Sequence[Item], by: Fraction, *, top: bool) -> Turn:
        start, stop = turn.start + by, turn.stop + by
        if top:
            start, stop = Fraction(whole(start)), Fraction(whole(stop))
        old = placed[turn.old] if turn.old is not None else None
        new = placed[turn.new] if turn.new is not None else None
        if old and new and old.stop != new.offset:
            old, new = (old, None) if start <= old.stop else (None, new)
        cut = new.offset if new else old.stop if old else start
        low, high = old.offset if old else cut, new.stop if new else cut
        if not low <= start <= cut <= stop <= high:
            start, stop = min(max(start, low), cut), max(min(stop, high), cut)
            self._remarks.add(f"{label(turn.node)} reaches beyond its clips; shortened", turn.node.line)
        return Turn(turn.node, start, stop, cut, turn.old if old else None, turn.new if new else None)

    def marks(self, turn: Turn) -> list[Mark]:
        """Markers on a transition. They count from an hour, as in Final Cut Pro's exports, or from its start."""
        for origin in (_HOUR * self._rate, turn.start, _ZERO):
            item = Item(turn.node, turn.start, turn.stop, origin)
            found = marks_of(item.node, self._lines.frames, item.at, [])
            if inside := [mark for mark in found if turn.start <= mark.start < turn.stop]:
                return inside
        return []

    def trim(self, turn: Turn, old: Sequence[Piece], new: Sequence[Piece]) -> None:
        """Shorten a transition that lasts longer than there is media, told what both sides show, handles included."""
        before = turn.start, turn.stop
        if new and turn.start < turn.cut:
            turn.start = min(turn.cut, turn.start + ceil(_missing(new[0], head=True) - _NEAR))
        if old and turn.stop > turn.cut:
            turn.stop = max(turn.cut, turn.stop - ceil(_missing(old[-1], head=False) - _NEAR))
        if before != (turn.start, turn.stop):
            self._remarks.add(f"{label(turn.node)} has too little media; shortened", turn.node.line)


def _missing(piece: Piece, *, head: bool) -> Fraction:
    """Record frames for which there is no media before (or at the end of) a piece, as far as the cut list tells."""
    if piece.source is None or piece.source.available is None or piece.step == 0 or piece.curve is not None:
        return _ZERO
    known, step = piece.source.available, abs(piece.step)
    if head == (piece.step > 0):
        return max(_ZERO, known.start - piece.low) / step
    return max(_ZERO, piece.low + (piece.stop - piece.start) * step - known.stop) / step
