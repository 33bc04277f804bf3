"""Wires that were found: the lines they lie on, and all pixels of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._ridges import Line

__all__ = ["TRAVEL", "Wires", "about", "known_again", "middle", "together", "widened"]

core = vs.core

TRAVEL: Final = 16
"""Pixels that a wire may move from frame to frame to be known again."""


class Wires(NamedTuple):
    """Wires of one polarity.

    Attributes:
        lines: By direction.
        mask: GRAY8, 255 on all that is to be replaced.
    """

    lines: list[Line]
    mask: vs.VideoNode


def about(lines: list[Line], thickness: float) -> Wires:
    """Wires of which only the middle was found."""
    return Wires(lines, widened(middle(lines), thickness))


def together(found: Sequence[Wires]) -> Wires:
    """Wires of one polarity from several searches, one at least."""
    names = " ".join(f"src{i}" for i in range(len(found))) + " max" * (len(found) - 1)
    mask = core.akarin.Expr([wires.mask for wires in found], names)
    return Wires([line for wires in found for line in wires.lines], mask)


def middle(lines: Sequence[Line]) -> vs.VideoNode:
    """GRAY8: all lines together."""
    names = " ".join(f"src{i}" for i in range(len(lines)))
    return core.akarin.Expr([line.mask for line in lines], names + " max" * (len(lines) - 1))


def known_again(lines: Sequence[Line]) -> list[Line]:
    """Lines that run close by in the frame before or after."""
    near = mask = middle(lines)
    for _ in range(TRAVEL):
        near = near.std.Maximum()
    # At an end, where a neighbour is the frame itself, the other one must know it.
    last = mask.num_frames - 1
    blank = core.std.BlankClip(mask, length=1, keep=True)
    before = neighbour(near, -1) if last < 1 else blank + near[:last]
    after = neighbour(near, 1) if last < 1 else near[1:] + blank
    return [Line(line.angle, core.akarin.Expr([line.mask, before, after], "y z max x 0 ?")) for line in lines]


def widened(mask: vs.VideoNode, thickness: float) -> vs.VideoNode:
    """The middle of wires, made as wide as they may be."""
    for _ in range(1 + round(thickness / 4)):
        mask = mask.std.Maximum()
    return mask
