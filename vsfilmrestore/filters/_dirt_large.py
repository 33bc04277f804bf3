"""What lies beneath large dirt, which leads the search for motion astray: it is led by what is around instead."""

from __future__ import annotations

from typing import Final

import vapoursynth as vs
from vsutil import join, split

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._dirt_sight import DISTANCES, LEVEL, Sight, blurred
from vsfilmrestore.filters._motion import analysis_luma, estimate
from vsfilmrestore.filters.masks import mask_for_planes

__all__ = ["about_large", "behind_large", "with_rims"]

core = vs.core

_HALF: Final = 6
"""Pixels: where dirt goes on to all sides by so many, the blocks of the usual search may show nothing else."""
_AROUND: Final = 12
"""Pixels around such a piece that are moved as what lies beneath it, so that both fit together."""
_BLOCK: Final = 64
"""Side of the blocks that are searched instead, in pixels."""
_RIMS: Final = 6
"""Pixels around dirt that its rim may lie on."""
_SMOOTH: Final = 24
"""Pixels over which the luma around dirt is carried on beneath it, where the search must find no edges."""
_LEVEL: Final = 12, 48
"""Pixels around dirt that tell its level; the more where too few of the nearer ones are no dirt."""
_ENOUGH: Final = 0.3
"""Share of the nearer ones that is enough."""
_RIM: Final = 2
"""Levels by which the rim of a large piece stands out at least,"""
_FIT: Final = 2.0
"""and how many times the mean difference around it."""


def about_large(mask: vs.VideoNode) -> vs.VideoNode:
    """GRAY8, 255 in and about large pieces of a mask, fading at the edge."""
    for _ in range(_HALF):
        mask = mask.std.Minimum()
    for _ in range(_HALF + _AROUND):
        mask = mask.std.Maximum()
    return blurred(mask, _AROUND // 2)


def behind_large(seen: Sight, mask: vs.VideoNode, where: vs.VideoNode) -> Sight:
    """The clip with neighbours that are moved, in and about large pieces of dirt, as what lies around those.

    Frames without such a piece keep the neighbours they have, and nothing is searched for them.

    Args:
        seen: The clip and its neighbours.
        mask: GRAY8, where dirt is.
        where: What `about_large` tells of it.
    """
    told, weights = where.std.PlaneStats(), split(mask_for_planes(where, seen.work))
    beside = mask_for_planes(core.akarin.Expr([where, mask.std.Maximum()], "x y + 0 255 ?"), seen.work)
    hidden = _hidden(analysis_luma(seen.work), mask)

    def moved(distance: int, usual: vs.VideoNode) -> vs.VideoNode:
        other = _levelled(_as_around(seen.work, hidden, distance), seen.work, beside)
        parts = zip(split(usual), split(other), weights, strict=True)
        mixed = join([core.akarin.Expr(list(part), "x y x - z 255 / * +") for part in parts], usual.format.color_family)

        def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:  # the names n and f are VapourSynth's
            return mixed if f.props["PlaneStatsMax"] else usual

        return core.std.FrameEval(usual, choose, prop_src=told, clip_src=[mixed, usual])

    return Sight(seen.work, [moved(*each) for each in zip(DISTANCES, seen.moved, strict=True)])


def with_rims(mask: vs.VideoNode, behind: Sight, where: vs.VideoNode) -> vs.VideoNode:
    """A mask whose large pieces go on as far as they stand out from what lies beneath them.

    Where both neighbours are one frame, mirrored at a cut, they do not: what comes in there stands out as well.

    Args:
        mask: GRAY8, where dirt is. Its frames carry ``PlaneStatsDiff``, how much both neighbours differ.
        behind: What `behind_large` makes of the clip.
        where: What `about_large` tells of the mask.
    """
    clips = behind.work, *behind.moved[1:3], mask_for_planes(where, behind.work)
    apart = [_apart(*parts) for parts in zip(*map(split, clips), strict=True)]
    size = mask.width, mask.height
    full = [each if (each.width, each.height) == size else each.resize.Point(*size) for each in apart]
    weak = core.akarin.Expr([*full, where], f"{'x y max z max a' if len(full) == 3 else 'x y'} min")
    grown = core.akarin.Expr([mask, where], "x y min")
    for _ in range(_AROUND):
        grown = core.akarin.Expr([grown.std.Maximum(), weak, grown], "x y min z max")
    whole = core.akarin.Expr([mask, grown.std.Maximum()], "x y 127 > 255 0 ? max")

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:  # the names n and f are VapourSynth's
        return whole if f.props["PlaneStatsMax"] and f.props["PlaneStatsDiff"] else mask

    return core.std.FrameEval(mask, choose, prop_src=where.std.PlaneStats(), clip_src=[whole, mask])


def _apart(now: vs.VideoNode, before: vs.VideoNode, after: vs.VideoNode, where: vs.VideoNode) -> vs.VideoNode:
    """GRAY8, 255 where a plane lies beyond both neighbours by more than they fit it around."""
    misfit = core.akarin.Expr([now, before, after, where], "a 0 x y z + 2 / - abs ?", format=vs.GRAYS)
    share = core.akarin.Expr([where], "x 0 1 ?", format=vs.GRAYS)
    fits = [blurred(each, _SMOOTH, 2) for each in (misfit, share)]
    over = f"x y z max - y z min x - max a b 1e-3 max / {_FIT} * {_RIM * LEVEL} + > 255 0 ?"
    return core.akarin.Expr([now, before, after, *fits], over, format=vs.GRAY8)


def _hidden(luma: vs.VideoNode, mask: vs.VideoNode) -> vs.VideoNode:
    """The luma with what is around dirt carried on beneath it, without any detail."""
    wide = mask
    for _ in range(_RIMS):
        wide = wide.std.Maximum()
    kept = core.akarin.Expr([luma, wide], "y 0 x ?", format=vs.GRAYS)
    share = core.akarin.Expr([wide], "x 0 1 ?", format=vs.GRAYS)
    parts = [blurred(each, _SMOOTH, 2) for each in (kept, share)]
    return core.akarin.Expr([luma, wide, *parts], "y z a 1e-4 max / x ?", format=vs.GRAY16)


def _as_around(work: vs.VideoNode, hidden: vs.VideoNode, distance: int) -> vs.VideoNode:
    """A neighbour moved onto each frame as that frame moves without its dirt.

    Each frame is followed by its neighbour in one clip: dirt is hidden in the one and the other is as it is.
    """
    luma = analysis_luma(work)
    pairs = [core.std.Interleave([one, neighbour(other, distance)]) for one, other in ((hidden, luma), (work, work))]
    motion = estimate(pairs[0], (1,), block=_BLOCK, cut_error=48.0)
    return motion.compensate(pairs[1])[1][::2]


def _levelled(moved: vs.VideoNode, work: vs.VideoNode, beside: vs.VideoNode) -> vs.VideoNode:
    """A neighbour with the level of the frame around its dirt."""
    planes = [_plane_levelled(*parts) for parts in zip(split(moved), split(work), split(beside), strict=True)]
    return join(planes, work.format.color_family)


def _plane_levelled(moved: vs.VideoNode, work: vs.VideoNode, beside: vs.VideoNode) -> vs.VideoNode:
    misfit = core.akarin.Expr([work, moved, beside], "z 255 = x y - 0 ?", format=vs.GRAYS)
    share = core.akarin.Expr([beside], "x 255 = 1 0 ?", format=vs.GRAYS)
    near, far = ([blurred(each, radius, 2) for each in (misfit, share)] for radius in _LEVEL)
    mean = f"z {_ENOUGH} / 1 min S! y z 1e-6 max / S@ * a b 1e-6 max / 1 S@ - * +"
    return core.akarin.Expr([moved, *near, *far], f"{mean} x +", format=moved.format.id)
