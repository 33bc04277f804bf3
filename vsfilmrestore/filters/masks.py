"""Masks: regions, the choice between source and repair, and the record of what was changed.

A mask is a GRAY8 clip of the picture's size, 255 where a pixel may change and 0 where it keeps its bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.media.props import changed_prop, mask_prop

__all__ = ["apply_repair", "confine", "mask_for_planes", "region_inside", "region_mask"]

core = vs.core

_DIFF_GAIN: Final = 4


def apply_repair(
    name: str,
    clip: vs.VideoNode,
    repaired: vs.VideoNode,
    mask: vs.VideoNode,
    *,
    protect: Sequence[Any] = (),
    only: Sequence[Any] = (),
    show: str = "",
) -> vs.VideoNode:
    """Close a repair: ``repaired`` where the mask says so, elsewhere the source bit for bit.

    The mask and the changed share travel on as the properties `mask_prop` and `changed_prop` of ``name``.

    Args:
        name: Name of the filter.
        clip: The source.
        repaired: Same format and size as the source.
        mask: GRAY8 mask of the picture's size; every value above 0 counts as changed.
        protect: Regions that stay as they are.
        only: Regions outside which all stays as it is.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.
    """
    mask = confine(mask.std.BinarizeMask(1), protect=protect, only=only)
    chosen = core.akarin.Expr([clip, repaired, mask_for_planes(mask, clip)], "z y x ?").std.CopyFrameProps(clip)
    chosen = _record(name, chosen, mask)
    match show:
        case "mask":
            return _as_picture(mask, chosen)
        case "diff":
            return _difference(clip, chosen)
        case "overlay":
            return _overlay(clip, chosen, mask)
        case _:
            return chosen


def confine(mask: vs.VideoNode, *, protect: Sequence[Any] = (), only: Sequence[Any] = ()) -> vs.VideoNode:
    """The mask without the protected regions and within the only ones."""
    if only:
        mask = core.akarin.Expr([mask, region_mask(mask, only)], "x y min")
    if protect:
        mask = core.akarin.Expr([mask, region_mask(mask, protect)], "y 0 x ?")
    return mask


def region_mask(clip: vs.VideoNode, regions: Sequence[Any]) -> vs.VideoNode:
    """Static GRAY8 mask, 255 inside the regions: rectangles ``(l, t, r, b)`` or polygons ``((x, y), …)``.

    Coordinates are pixels, or per cent of the width or height as text (``"12.5%"``). A pixel belongs to a region when
    its centre does.
    """
    inside = np.zeros((clip.height, clip.width), dtype=bool)
    for region in regions:
        inside |= region_inside(region, clip.width, clip.height)
    picture = inside.astype(np.uint8) * 255
    blank = core.std.BlankClip(clip, format=vs.GRAY8, length=1, keep=True)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), picture)
        return frame

    still = core.std.ModifyFrame(blank, blank, draw)
    return still.std.Loop(clip.num_frames) if clip.num_frames > 1 else still


def region_inside(region: Sequence[Any], width: int, height: int) -> npt.NDArray[np.bool_]:
    """The pixels of a picture that belong to a region, see `region_mask`."""
    if len(region) == 4 and isinstance(region[0], float | int | str):
        left, right = (_pixels(x, width) for x in (region[0], region[2]))
        top, bottom = (_pixels(y, height) for y in (region[1], region[3]))
        points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    else:
        points = [(_pixels(x, width), _pixels(y, height)) for x, y in region]
    x = np.arange(width)[None, :] + 0.5
    y = np.arange(height)[:, None] + 0.5
    inside = np.zeros((height, width), dtype=bool)
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        if y0 == y1:
            continue  # a level edge is never crossed by a level ray
        crosses = (y0 > y) != (y1 > y)
        inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def _pixels(coordinate: float | str, size: int) -> float:
    return float(coordinate.rstrip("%")) * size / 100 if isinstance(coordinate, str) else float(coordinate)


def mask_for_planes(mask: vs.VideoNode, clip: vs.VideoNode) -> vs.VideoNode:
    """The mask as an 8-bit clip with the planes of ``clip``: a chroma sample counts when any of its pixels does."""
    fmt = clip.format
    if fmt.num_planes == 1:
        return mask
    chroma = mask
    for _ in range(fmt.subsampling_w):
        chroma = _halve(chroma, chroma.width // 2, chroma.height)
    for _ in range(fmt.subsampling_h):
        chroma = _halve(chroma, chroma.width, chroma.height // 2)
    return core.std.ShufflePlanes([mask, chroma, chroma], [0, 0, 0], fmt.color_family)


def _halve(mask: vs.VideoNode, width: int, height: int) -> vs.VideoNode:
    across = width < mask.width
    grown = mask.std.Maximum(coordinates=[0, 0, 0, 0, 1, 0, 0, 0] if across else [0, 0, 0, 0, 0, 0, 1, 0])
    # Half a pixel back: the point kernel then takes the first of each pair, which now holds the larger of both.
    return grown.resize.Point(width, height, src_left=-0.5 if across else 0, src_top=0 if across else -0.5)


def _record(name: str, clip: vs.VideoNode, mask: vs.VideoNode) -> vs.VideoNode:
    share = mask.std.PlaneStats()
    clip = core.akarin.PropExpr([clip, share], lambda: {changed_prop(name): "y.PlaneStatsAverage"})
    return clip.std.ClipToProp(mask, mask_prop(name))


def _grey_levels(clip: vs.VideoNode) -> tuple[float, float]:
    """Neutral value of a colour-difference plane, and the value of white, in the clip's own units."""
    fmt = clip.format
    if fmt.sample_type == vs.FLOAT:
        return 0.0, 1.0
    return float(1 << (fmt.bits_per_sample - 1)), float((1 << fmt.bits_per_sample) - 1)


def _as_picture(mask: vs.VideoNode, like: vs.VideoNode) -> vs.VideoNode:
    neutral, white = _grey_levels(like)
    planes = mask_for_planes(mask, like)
    exprs = [f"x {white} 0 ?"]
    if like.format.color_family == vs.YUV:
        exprs += [f"{neutral}", f"{neutral}"]
    return core.akarin.Expr([planes, like], exprs, format=like.format.id).std.CopyFrameProps(like)


def _difference(clip: vs.VideoNode, changed: vs.VideoNode) -> vs.VideoNode:
    neutral, white = _grey_levels(clip)
    exprs = [f"y x - {_DIFF_GAIN} * {neutral or white / 2} +"]
    if clip.format.color_family == vs.YUV:
        exprs += [f"y x - {_DIFF_GAIN} * {neutral} +"] * 2
    return core.akarin.Expr([clip, changed], exprs).std.CopyFrameProps(changed)


def _overlay(clip: vs.VideoNode, changed: vs.VideoNode, mask: vs.VideoNode) -> vs.VideoNode:
    neutral, white = _grey_levels(clip)
    planes = mask_for_planes(mask, clip)
    full = f"y x {white} + 2 / x ?"
    none = "y x 2 / x ?"
    match clip.format.color_family:
        case vs.RGB:
            exprs = [full, none, none]
        case vs.GRAY:
            exprs = [full]
        case _:  # red: little blue difference, much red difference
            span = 0.5 if clip.format.sample_type == vs.FLOAT else neutral
            exprs = ["x", f"y {neutral - 0.3 * span} x ?", f"y {neutral + 0.9 * span} x ?"]
    return core.akarin.Expr([clip, planes], exprs).std.CopyFrameProps(changed)
