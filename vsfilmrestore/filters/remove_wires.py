"""Stunt wires: thin long lines that the crew wanted nobody to see."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Final, Literal, NamedTuple

import vapoursynth as vs
from vsutil import join, plane

from vsfilmrestore.filters._between import neighbour, workable
from vsfilmrestore.filters._detector import AUTO
from vsfilmrestore.filters._dirt_sight import DISTANCES
from vsfilmrestore.filters._motion import Motion, analysis_luma, mirrored
from vsfilmrestore.filters._ridges import Line, beside, find_lines
from vsfilmrestore.filters._wire_learned import DETECTOR, learned_wires
from vsfilmrestore.filters._wire_lines import Wires, about, known_again, together, widened
from vsfilmrestore.filters._wire_path import wires_along
from vsfilmrestore.filters._wire_sight import LENGTH, WIDEST, length_in, motion_behind, thickness_in, wire_sight
from vsfilmrestore.filters.masks import apply_repair, mask_for_planes
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["remove_wires"]

core = vs.core

_RADIUS: Final = 3
_SUPPORT: Final = 0.25
"""Share of a line that must be seen to move against the background where one was asked to look; elsewhere it is all."""


@restoration_filter(
    short="wires",
    order=70,
    needs=("mvu", "zsmooth", "akarin"),
    radius=_RADIUS,
    network=DETECTOR.require,
    weights=DETECTOR.weights,
)
def remove_wires(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    only: Regions = (),
    path: Annotated[
        str, Setting("points along a wire in pixels, joined by straight lines: 900,0 980,400 1000,700")
    ] = "",
    polarity: Annotated[
        Literal["dark", "bright", "both"], Setting("whether wires are darker or brighter than what is behind them")
    ] = "both",
    width: Annotated[float, Setting("greatest width of a wire, in pixels of a 2048 wide scan", 1, 24)] = WIDEST,
    min_length: Annotated[float, Setting("least length of a wire, in pixels of a 2048 wide scan", 40, 4000)] = LENGTH,
    still: Annotated[
        bool | None, Setting("also lines that stand still before the background, in only or anywhere")
    ] = None,
    model: Annotated[
        str, Setting('network that finds wires; auto takes our own where networks can be run, "" measures lines')
    ] = AUTO,
    protect: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Find wires and put back what is behind them; all pixels off the wires stay bit-identical.

    A line must move against the background, so that masts, horizons and eyelids stay; within ``only`` less proof will
    do, elsewhere it must also be seen again in a neighbouring frame. Ropes and wires that move with the set stay. Along
    a ``path``, or with ``still``, no such proof is asked for. What is behind a wire comes from neighbouring frames
    where motion shows it, else from both sides of the wire. Grain comes along in either case.

    Args:
        clip: Any constant format.
        strength: Dose; more finds fainter wires.
        only: Areas in which to look.
        path: A rough one does: in a band around it, the line that stands out best from end to end is taken for the
            wire, moving or not. With keys at two frames or more it follows a wire that moves.
        polarity: Naming it halves the work and the doubt.
        width: Wider lines are left.
        min_length: Shorter lines are left.
        still: Force the choice.
        protect: Areas that stay as they are.
        show: Look at the repair.

    Raises:
        vapoursynth.Error: ``path`` cannot be read.

    Source:
        Oriented line and side means after C. Steger, An Unbiased Detector of Curvilinear Structures (1998), in whole
        pixels and 16 directions.
    """
    thickness = thickness_in(width, clip.width)
    points, band = _points(path), 4 * thickness + 4
    regions = [*only, *(_band(*ends, band) for ends in pairwise(points) if ends[0] != ends[1])]
    if strength == 0:
        return clip
    source, clip = clip, mirrored(clip, _RADIUS)
    motion = motion_behind(analysis_luma(clip), thickness)
    looked = _Looked(clip, motion, thickness, length_in(min_length, clip.width), (14 - 11 * strength) * 257)
    signs = {"dark": (-1,), "bright": (1,), "both": (-1, 1)}[polarity]
    found: dict[int, list[Wires]] = {sign: [] for sign in signs}
    if points:
        drawn = wires_along(analysis_luma(clip), points, band, thickness, looked.level)
        found = {sign: [about(drawn[sign], thickness)] for sign in signs}
    if only or not points:
        network = "" if still else DETECTOR.chosen(model)
        told = _told(looked, network, strength, bool(only)) if network else {}
        for sign in signs:
            found[sign].append(told[sign] if network else _measured(looked, sign, bool(only), still))
    repaired, masks = clip, []
    for sign, wires in found.items():
        lines, mask = together(wires)
        filled = _filled(clip, motion, lines, sign, thickness)
        repaired = core.akarin.Expr([repaired, filled, mask_for_planes(mask, clip)], "z y x ?")
        masks.append(mask)
    mask = masks[0] if len(masks) == 1 else core.akarin.Expr(masks, "x y max")
    inner = slice(_RADIUS, _RADIUS + source.num_frames)
    return apply_repair("remove_wires", source, repaired[inner], mask[inner], protect=protect, only=regions, show=show)


def _points(path: str) -> list[tuple[float, float]]:
    """The points of a path as it is written."""
    points = []
    for word in path.split():
        match = re.fullmatch(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)", word)
        if match is None:
            raise ValueError(f"path must look like '900,0 980,400', not {word!r}")
        points.append((float(match[1]), float(match[2])))
    if len(points) == 1:
        raise ValueError("path needs two points or more")
    return points


def _band(start: tuple[float, float], end: tuple[float, float], half: float) -> tuple[tuple[float, float], ...]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    dx, dy = dx / length * half, dy / length * half
    (x0, y0), (x1, y1) = start, end  # lengthened by as much, so that bands overlap in a bend
    x0, y0, x1, y1 = x0 - dx, y0 - dy, x1 + dx, y1 + dy
    return ((x0 - dy, y0 + dx), (x1 - dy, y1 + dx), (x1 + dy, y1 - dx), (x0 + dy, y0 - dx))


class _Looked(NamedTuple):
    """What is looked at, and for what: greatest width and least length in pixels, least contrast from 0 to 65535."""

    clip: vs.VideoNode
    motion: Motion
    thickness: float
    length: float
    level: float


def _told(looked: _Looked, model: str, strength: float, confined: bool) -> dict[int, Wires]:
    """Wires by the word of a network, of either polarity."""
    clip, motion, thickness, length, _ = looked
    return learned_wires(wire_sight(clip, motion), model, length, thickness, strength, confined=confined)


def _measured(looked: _Looked, sign: int, confined: bool, still: bool | None) -> Wires:
    """Wires by what they measure: long lines that move against the background, or any where ``still`` says so."""
    clip, motion, thickness, length, level = looked
    luma = analysis_luma(clip)
    moving = None if still else _moving(luma, motion, sign, level)
    if moving is not None and not confined:
        moving = _between_two(moving, luma)
    lines = find_lines(luma, sign, thickness, length, level, moving, _SUPPORT if confined else None)
    return about(lines if still or confined else known_again(lines), thickness)


def _moving(luma: vs.VideoNode, motion: Motion, sign: int, level: float) -> vs.VideoNode:
    """GRAY8, 255 where the past and the future both show the same background without the line."""
    soft = [_soft(view) for view in (luma, *(motion.compensate(luma, d) for d in DISTANCES))]
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


def _filled(clip: vs.VideoNode, motion: Motion, lines: Sequence[Line], sign: int, thickness: float) -> vs.VideoNode:
    """The clip with what is behind the lines: from other frames where they agree on it, else from both sides."""
    work, back = workable(clip)
    across = _across(work, [Line(line.angle, widened(line.mask, thickness)) for line in lines], thickness)
    behind = _behind(work, [motion.compensate(work, d) for d in DISTANCES], sign)
    seen = _seen(clip, motion, analysis_luma(across), sign)
    chosen = core.akarin.Expr([across, behind, mask_for_planes(seen, work)], "z y x ?")
    return back(chosen).std.CopyFrameProps(clip)


def _across(clip: vs.VideoNode, lines: Sequence[Line], thickness: float) -> vs.VideoNode:
    """On each line the mean of what lies beyond both its sides."""
    fmt = clip.format
    planes = []
    for i in range(fmt.num_planes):
        shift = (fmt.subsampling_w, fmt.subsampling_h) if i else (0, 0)
        masks = [plane(mask_for_planes(line.mask, clip), i) for line in lines]
        planes.append(core.akarin.Expr([plane(clip, i), *masks], _across_expr(lines, thickness, shift)))
    return join(planes, fmt.color_family)


def _across_expr(lines: Sequence[Line], thickness: float, shift: tuple[int, int]) -> str:
    """Sum over the directions a pixel lies in, and their number."""
    total, count = "0", "0"
    for number, line in enumerate(lines, 1):
        # Far enough that from one rim of the line the other side's sample clears the other rim.
        (x0, y0), (x1, y1) = beside(line.angle, thickness + 3)
        a = f"src0[{round(x0 / 2 ** shift[0])},{round(y0 / 2 ** shift[1])}]"
        b = f"src0[{round(x1 / 2 ** shift[0])},{round(y1 / 2 ** shift[1])}]"
        total += f" src{number} {a} {b} + 2 / 0 ? +"
        count += f" src{number} 1 0 ? +"
    return f"{total} S! {count} C! C@ 0 > S@ C@ / src0 ?"


_SECOND: Final = {
    -1: "x y max M! z a max N! M@ N@ min x y min z a min max max",
    1: "x y min M! z a min N! M@ N@ max x y max z a max min min",
}
"""The second largest, or smallest, of four."""

_MIDDLE: Final = "x y + z + a + x y max z a max max - x y min z a min min - 2 /"
"""Mean of the two in the middle."""


def _behind(clip: vs.VideoNode, views: Sequence[vs.VideoNode], sign: int) -> vs.VideoNode:
    """Of four views the one with least of the line: not the extreme, for that would pick grain."""
    is_yuv = clip.format.num_planes == 3 and clip.format.color_family == vs.YUV
    return core.akarin.Expr(views, [_SECOND[sign], _MIDDLE, _MIDDLE] if is_yuv else [_SECOND[sign]])


def _seen(clip: vs.VideoNode, motion: Motion, across: vs.VideoNode, sign: int) -> vs.VideoNode:
    """GRAY8, 255 where the views agree, and show something else than the line."""
    luma = analysis_luma(clip)
    views = [motion.compensate(luma, d) for d in DISTANCES]
    behind = _behind(luma, views, sign)
    middle = core.akarin.Expr(views, _MIDDLE)
    clear = f"y x - {-sign} * z x - {-sign} * 0.5 * > y a - abs {12 * 257} < and 255 0 ?"
    return core.akarin.Expr([luma, behind, across, middle], clear, format=vs.GRAY8)
