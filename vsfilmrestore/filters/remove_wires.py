"""Stunt wires: thin long lines that the crew wanted nobody to see."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Final, Literal

import vapoursynth as vs

from vsfilmrestore.filters._detector import AUTO
from vsfilmrestore.filters._motion import analysis_luma, mirrored
from vsfilmrestore.filters._wire_fill import MIDDLE, Views, filled
from vsfilmrestore.filters._wire_learned import DETECTOR, by_sign, learned_wires
from vsfilmrestore.filters._wire_measured import Looked, measured_wires
from vsfilmrestore.filters._wire_path import wires_along
from vsfilmrestore.filters._wire_sight import LENGTH, WIDEST, length_in, motion_behind, thickness_in
from vsfilmrestore.filters.masks import apply_repair, mask_for_planes
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["remove_wires"]

core = vs.core

_RADIUS: Final = 5


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
    do, elsewhere it must also be seen again in neighbouring frames, where it is followed. Ropes and wires that move
    with the set stay. Along a ``path``, or with ``still``, no such proof is asked for. What is behind a wire comes from
    neighbouring frames where motion shows it, else from both sides of the wire. Grain, and what shows through a thin
    wire, stay.

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
    looked = Looked(clip, motion, thickness, length_in(min_length, clip.width), (14 - 11 * strength) * 257)
    signs = {"dark": (-1,), "bright": (1,), "both": (-1, 1)}[polarity]
    found: dict[int, list[vs.VideoNode]] = {sign: [] for sign in signs}
    if points:
        luma = analysis_luma(clip)
        behind = core.akarin.Expr(list(motion.compensate(luma).values()), MIDDLE)
        told = by_sign(luma, wires_along(luma, behind, points, band, thickness), thickness)
        found = {sign: [told[sign]] for sign in signs}
    network = "" if still else DETECTOR.chosen(model)
    if network and (only or not points):
        told = learned_wires(looked, network, strength, confined=bool(regions))
        found = {sign: [*masks, told[sign]] for sign, masks in found.items()}
    elif only or not points:
        for sign, masks in found.items():
            masks.append(measured_wires(looked, sign, confined=bool(only), still=still))
    wires = {sign: _together(masks) for sign, masks in found.items()}
    # Whoever draws a path wants the wire gone, and of one that is followed as a whole no stub may be left.
    repaired, mask = _mended(looked, wires, gated=not points and not network)
    inner = slice(_RADIUS, _RADIUS + source.num_frames)
    return apply_repair("remove_wires", source, repaired[inner], mask[inner], protect=protect, only=regions, show=show)


def _mended(looked: Looked, wires: Mapping[int, vs.VideoNode], *, gated: bool) -> tuple[vs.VideoNode, vs.VideoNode]:
    """The clip without wires, and what was replaced; ``gated``: only where that is surely better than the wire."""
    clip = looked.clip
    views, repaired, replaced = Views.of(clip, looked.motion), clip, []
    for sign, mask in wires.items():
        there = mask.std.PlaneStats()
        behind, better = filled(views, mask, sign)
        kept = core.akarin.Expr([mask, better], "x y min") if gated else mask
        mended = core.akarin.Expr([repaired, behind, mask_for_planes(kept, clip)], "z y x ?")
        # Most frames have no wire, and nothing is to be made for these.
        repaired, kept = (
            core.akarin.Select([plain, other], [there], "x.PlaneStatsMax 0 >")
            for plain, other in ((repaired, mended), (mask, kept))
        )
        replaced.append(kept)
    return repaired, _together(replaced)


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


def _together(masks: Sequence[vs.VideoNode]) -> vs.VideoNode:
    return masks[0] if len(masks) == 1 else core.akarin.Expr(masks, "x y max")
