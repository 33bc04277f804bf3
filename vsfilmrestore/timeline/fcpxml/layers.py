"""Storylines in front of one another: from what each shows to what is seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.fcpxml.play import Run, played
from vsfilmrestore.timeline.layers import Fade, Piece, between, overlay
from vsfilmrestore.timeline.model import Strength

__all__ = ["BENEATH", "NOBODY", "Laid", "Layers", "Mark", "cut_out", "played_laid"]

BENEATH: Final = -2
"""Owner of a piece that stands for whatever lies beneath: a storyline that fades in fades in over that."""

NOBODY: Final = -3
"""Owner of settings that are for no shot."""

_SLIVER: Final = Fraction(1, 1000)
_DEEPEST: Final = 16


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker, keyword or note in the time of the sequence it stands in.

    Attributes:
        start: Where it begins.
        stop: Where it ends.
        texts: What it says.
        colour: Of a marker, as Final Cut Pro shows it.
        line: Line in the file.
        point: Whether it is a plain marker, without a length.
        strength: Of the settings in it.
        owners: Clips it speaks of; none: the time line.
        shown: Whether it is a marker, not a keyword or note.
    """

    start: Fraction
    stop: Fraction
    texts: tuple[str, ...]
    colour: str
    line: int
    point: bool = True
    strength: Strength = Strength.CLIP_MARKER
    owners: tuple[int, ...] = ()
    shown: bool = True


@dataclass(slots=True)
class Laid:
    """Pieces in order, without overlaps, and the marks that stand over them."""

    pieces: list[Piece] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


def cut_out(pieces: Iterable[Piece], start: Fraction, stop: Fraction, remarks: Remarks) -> list[Piece]:
    """What of some pieces lies between two times."""
    inside = [piece for piece in pieces if piece.start < stop and piece.stop > start]
    return [between(piece, max(piece.start, start), min(piece.stop, stop), remarks) for piece in inside]


def played_laid(laid: Laid, run: Run, remarks: Remarks) -> Laid:
    """Pieces and marks over a run of a time map."""
    marks = []
    for mark in laid.marks:
        if mark.start >= run.high or mark.stop <= run.low:
            continue
        ends = [run.back(min(max(at, run.low), run.high)) for at in (mark.start, mark.stop)]
        times = sorted(time for time in ends if time is not None)
        if times:
            marks.append(replace(mark, start=times[0], stop=times[-1]))
    return Laid(played(laid.pieces, run, remarks), marks)


class Layers:
    """All that is on in a sequence, by layer: a path of lanes, each counted from the clip it is connected to."""

    def __init__(self, remarks: Remarks) -> None:
        self.marks: list[Mark] = []
        self._remarks = remarks
        self._pieces: defaultdict[tuple[int, ...], list[Piece]] = defaultdict(list)
        self._reveals: defaultdict[tuple[int, ...], list[Fade]] = defaultdict(list)
        self._blacks: list[Piece] = []

    def add(self, path: tuple[int, ...], pieces: Iterable[Piece]) -> None:
        """Put pieces on a layer. Black ones go beneath all, as nothing is known of how they cover pictures."""
        for piece in pieces:
            if piece.stop - piece.start < _SLIVER:
                continue
            black = piece.source is None and piece.fade is None
            layer = self._blacks if black else self._pieces[_rank(path)]
            if layer and piece.start < layer[-1].stop:
                if not black:
                    self._remarks.add(f"'{piece.name}' overlaps another clip of its storyline and hides it", piece.line)
                layer[:] = overlay(layer, [piece], self._remarks)
            else:
                layer.append(piece)

    def reveal(self, path: tuple[int, ...], fade: Fade) -> None:
        """Something on a layer fades away over what lies beneath."""
        self._reveals[_rank(path)].append(fade)

    def flat(self) -> Laid:
        """What is seen."""
        seen = self._blacks
        for rank in sorted(self._pieces.keys() | self._reveals.keys()):
            upper = [_over(piece, seen) for piece in self._pieces[rank]]
            seen = overlay(seen, upper, self._remarks)
            for fade in self._reveals[rank]:
                seen = self._revealed(seen, fade)
        return Laid(seen, self.marks)

    def _revealed(self, seen: list[Piece], fade: Fade) -> list[Piece]:
        start, stop = fade.outgoing.start, fade.outgoing.stop
        under = next((piece for piece in seen if piece.start <= start < piece.stop), None)
        if under is None:
            after = min((piece.start for piece in seen if piece.start > start), default=stop)
            black = Piece("black", start, min(stop, after), line=fade.outgoing.line, fade=fade)
            return sorted([*seen, black], key=lambda piece: piece.start)
        rest = replace(between(under, start, under.stop, self._remarks), fade=fade)
        before = [between(under, under.start, start, self._remarks)] if under.start < start else []
        return sorted([*(piece for piece in seen if piece is not under), *before, rest], key=lambda piece: piece.start)


def _rank(path: tuple[int, ...]) -> tuple[int, ...]:
    return (*path, *(0,) * (_DEEPEST - len(path)))


def _over(piece: Piece, seen: list[Piece]) -> Piece:
    """A piece that fades in over what lies beneath, told what that is."""
    if piece.fade is None or piece.fade.outgoing.owner != BENEATH:
        return piece
    start, stop = piece.fade.outgoing.start, piece.fade.outgoing.stop
    under = next((lower for lower in seen if lower.start <= start < lower.stop and lower.source), None)
    outgoing = replace(under, fade=None).over(start, stop) if under else replace(piece.fade.outgoing, owner=-1)
    return replace(piece, fade=replace(piece.fade, outgoing=outgoing))
