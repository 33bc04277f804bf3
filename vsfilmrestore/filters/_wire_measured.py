"""Wires by what they measure: long thin lines that move against what is behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._motion import Motion, analysis_luma
from vsfilmrestore.filters._ridges import Line, find_lines

__all__ = ["TRAVEL", "Looked", "beside_frames", "measured_wires", "whole"]

core = vs.core

TRAVEL: Final = 16
"""Pixels that a wire may move from frame to frame to be known again."""
_SUPPORT: Final = 0.25
"""Share of a line that must be seen to move against the background where one was asked to look; elsewhere it is all."""


class Looked(NamedTuple):
    """What is looked at, and for what: greatest width and least length in pixels, least contrast from 0 to 65535."""

    clip: vs.VideoNode
    motion: Motion
    thickness: float
    length: float
    level: float


def measured_wires(looked: Looked, sign: int, *, confined: bool, still: bool | None) -> vs.VideoNode:
    """GRAY8 mask of wires.

    Args:
        looked: What is looked at.
        sign: -1 for wires darker than what is behind, 1 for brighter ones.
        confined: Whether only places are looked at where a wire is known to be: less must be seen to move.
        still: Whether lines need not move.
    """
    clip, motion, thickness, length, level = looked
    luma = analysis_luma(clip)
    moving = None if still else _moving(luma, motion, sign, level)
    if moving is not None and not confined:
        moving = _between_two(moving, luma)
    lines = find_lines(luma, sign, thickness, length, level, moving, _SUPPORT if confined else None)
    return whole(lines if still or confined else _known_again(lines), thickness)


def whole(lines: Sequence[Line], thickness: float) -> vs.VideoNode:
    """GRAY8: lines of which only the middle was found, made as wide as wires may be."""
    mask = _middle(lines)
    for _ in range(1 + round(thickness / 4)):
        mask = mask.std.Maximum()
    return mask


def beside_frames(mask: vs.VideoNode) -> tuple[vs.VideoNode, vs.VideoNode]:
    """A mask in the frame before and in the one after; nothing before the first and after the last."""
    last = mask.num_frames - 1
    if last < 1:
        return mask, mask
    blank = core.std.BlankClip(mask, length=1, keep=True)
    return blank + mask[:last], mask[1:] + blank


def _middle(lines: Sequence[Line]) -> vs.VideoNode:
    names = " ".join(f"src{i}" for i in range(len(lines)))
    return core.akarin.Expr([line.mask for line in lines], names + " max" * (len(lines) - 1))


def _known_again(lines: Sequence[Line]) -> list[Line]:
    """Lines that run close by in the frame before or after."""
    near = _middle(lines)
    for _ in range(TRAVEL):
        near = near.std.Maximum()
    before, after = beside_frames(near)
    return [Line(line.angle, core.akarin.Expr([line.mask, before, after], "y z max x 0 ?")) for line in lines]


def _moving(luma: vs.VideoNode, motion: Motion, sign: int, level: float) -> vs.VideoNode:
    """GRAY8, 255 where the past and the future both show the same background without the line."""
    soft = [_soft(view) for view in (luma, *motion.compensate(luma).values())]
    past, future = ("y z min", "a b min") if sign > 0 else ("y z max", "a b max")
    gained = "x P@ F@ max -" if sign > 0 else "P@ F@ min x -"
    return core.akarin.Expr(
        soft,
        f"{past} P! {future} F! {gained} G! G@ {level / 2} > P@ F@ - abs G@ 0.5 * < and 255 0 ?",
        format=vs.GRAY8,
    )


def _between_two(mask: vs.VideoNode, luma: vs.VideoNode) -> vs.VideoNode:
    """Nothing at the ends of a shot, where past and future are one mirrored frame: that they agree says nothing."""
    differ = neighbour(luma, -1).std.PlaneStats(neighbour(luma, 1))
    nothing = core.std.BlankClip(mask, keep=True)
    return core.akarin.Select([nothing, mask], [differ], "x.PlaneStatsDiff 0 >")


def _soft(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.std.Convolution([1, 2, 1, 2, 4, 2, 1, 2, 1])
