"""Fades of an upper track into and out of nothing: what lies beneath shows through them.

::

    V2      gap |~~~ C ---|~~~ gap           the first ~~~ is a dissolve from A to C, not from black;
    V1   ------ A ----------- B ----         the second one is a dissolve from C to B
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline.layers import Fade, Piece

__all__ = ["seen_through"]


def seen_through(lower: Sequence[Piece], upper: Sequence[Piece], remarks: Remarks) -> list[Piece]:
    """The upper pieces, with the lower ones in place of the black they fade from or to.

    Both are in record order without overlaps, and so is the result. Black pieces without a fade are left out: what
    lies beneath shows.

    Args:
        lower: What lies beneath.
        upper: The pieces of an upper track.
        remarks: Told of black left out, and of fades shortened because there is a cut beneath them.
    """
    starts = [piece.start for piece in lower]
    limits = [*(piece.start for piece in upper[1:]), None]
    result: list[Piece] = []
    for piece, limit in zip(upper, limits, strict=False):
        if piece.source is not None:
            result.append(_faded_in(lower, starts, piece, remarks))
        elif piece.fade is None or piece.fade.outgoing.source is None:
            remarks.add(f"'{piece.name}' over other pictures is not made", piece.line)
        else:
            result += _faded_out(lower, starts, piece, limit, remarks)
    return result


def _faded_in(lower: Sequence[Piece], starts: list[Fraction], piece: Piece, remarks: Remarks) -> Piece:
    if piece.fade is None or piece.fade.outgoing.source is not None:
        return piece
    black = piece.fade.outgoing
    beneath = next(_beneath(lower, starts, black.start, black.stop), None)
    if beneath is None or beneath.start > black.start:
        return piece
    outgoing = replace(beneath.over(black.start, min(beneath.stop, black.stop)), fade=None)
    _tell_cut(outgoing.stop < black.stop, piece, remarks)
    return replace(piece, fade=replace(piece.fade, outgoing=outgoing))


def _faded_out(
    lower: Sequence[Piece], starts: list[Fraction], piece: Piece, limit: Fraction | None, remarks: Remarks
) -> Iterator[Piece]:
    """What shows from the fade of a black piece on: the lower pieces, the first with the fade into it.

    The last one goes on to its end, or to the next upper piece (``limit``), so that it stays one shot.
    """
    assert piece.fade is not None
    fade, at = piece.fade, piece.start
    for beneath in _beneath(lower, starts, piece.start, piece.stop):
        if at < beneath.start:
            yield replace(piece, start=at, stop=beneath.start, fade=_until(fade, at, beneath.start))
            fade = replace(fade, outgoing=replace(fade.outgoing, stop=at))
        begin, stop = max(at, beneath.start), beneath.stop
        if stop >= piece.stop:
            stop = stop if limit is None else min(stop, limit)
        yield replace(beneath.over(begin, stop), fade=_until(fade, begin, stop))
        _tell_cut(begin > piece.start or stop < fade.outgoing.stop, piece, remarks)
        fade, at = replace(fade, outgoing=replace(fade.outgoing, stop=begin)), stop
    if at < piece.stop:
        yield replace(piece, start=at, fade=_until(fade, at, piece.stop))


def _until(fade: Fade, start: Fraction, stop: Fraction) -> Fade | None:
    """The fade where it begins with a piece, cut off at the piece's end; None elsewhere."""
    if fade.outgoing.start != start or fade.outgoing.stop <= start:
        return None
    return replace(fade, outgoing=fade.outgoing.over(start, min(fade.outgoing.stop, stop)))


def _tell_cut(cut: bool, piece: Piece, remarks: Remarks) -> None:
    if cut:
        remarks.add(f"there is a cut beneath the fade of '{piece.name}'; the fade ends at it", piece.line)


def _beneath(lower: Sequence[Piece], starts: list[Fraction], start: Fraction, stop: Fraction) -> Iterator[Piece]:
    """The lower pieces over some record frames, cut down to them at their front."""
    i = max(bisect_right(starts, start) - 1, 0)
    while i < len(lower) and lower[i].start < stop:
        piece = lower[i]
        if piece.stop > start and piece.source is not None:
            yield piece if piece.start >= start else piece.over(start, piece.stop)
        i += 1
