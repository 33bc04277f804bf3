"""Parts of an AAF laid flat: moved, cut, brought to another rate; and what its transitions are called."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.aaf.file import fraction, items, kind_of, nested, text
from vsfilmrestore.timeline.aaf.marks import Mark
from vsfilmrestore.timeline.layers import Piece, between, overlay
from vsfilmrestore.timeline.see_through import seen_through

__all__ = ["Laid", "fade_kind", "laid_over"]


@dataclass(slots=True)
class Laid:
    """A part laid flat, from its time 0 on: pieces in order without overlaps, and marks."""

    length: Fraction
    pieces: list[Piece] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def moved(self, by: Fraction) -> Laid:
        """The same later."""
        if not by:
            return self
        return Laid(self.length, [piece.shifted(by) for piece in self.pieces], [mark.moved(by) for mark in self.marks])

    def window(self, start: Fraction, length: Fraction, remarks: Remarks) -> Laid:
        """What is on from a time on, for a length."""
        stop = start + length
        pieces = [
            between(piece, max(piece.start, start), min(piece.stop, stop), remarks)
            for piece in self.pieces
            if piece.start < stop and piece.stop > start
        ]
        marks = [mark for mark in self.marks if mark.start < stop and mark.stop > start]
        return Laid(length, pieces, marks).moved(-start)

    def scaled(self, factor: Fraction) -> Laid:
        """The same in frames of another rate."""
        if factor == 1:
            return self
        pieces = [_scaled(piece, factor) for piece in self.pieces]
        return Laid(self.length * factor, pieces, [mark.scaled(factor) for mark in self.marks])


def laid_over(lower: list[Piece], upper: list[Piece], remarks: Remarks) -> list[Piece]:
    """A track over what lies beneath, which also shows through fades from and to nothing."""
    return overlay(lower, seen_through(lower, upper, remarks) if lower else upper, remarks)


def _scaled(piece: Piece, factor: Fraction) -> Piece:
    fade = piece.fade and replace(piece.fade, outgoing=_scaled(piece.fade.outgoing, factor))
    start, stop, step = piece.start * factor, piece.stop * factor, piece.step / factor
    # Backwards, the lowest place is that of the last frame, which is of another length now.
    low = piece.low if step >= 0 else piece.low + abs(piece.step) - abs(step)
    curve = piece.curve and piece.curve.stretched(factor)
    return replace(piece, start=start, stop=stop, step=step, low=low, curve=curve, fade=fade)


def fade_kind(transition: Any) -> str:
    """What the model calls a transition: a dissolve (fades from and to black, too), a numbered wipe, or its name."""
    group = nested(transition, "OperationGroup")
    name = text(nested(group, "Operation"), "Name")
    plain = name.lower().removesuffix("_2")
    if not plain or "dissolve" in plain or plain.replace(" ", "") in {"fadeup", "fadedown", "fade"}:
        return "dissolve"
    if "wipe" in plain:
        for parameter in items(group, "Parameters"):
            label = text(parameter.parameterdef, "Name").lower().replace(" ", "")
            if "wipenumber" in label and kind_of(parameter) == "ConstantValue":
                return f"wipe {int(fraction(parameter['Value'].value)):03d}"
    return plain
