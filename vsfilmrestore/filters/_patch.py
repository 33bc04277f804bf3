"""A patch made elsewhere takes on the level of the picture around it."""

from __future__ import annotations

from typing import Final

import vapoursynth as vs
from vsutil import join, split

from vsfilmrestore.filters.masks import mask_for_planes

__all__ = ["fit_patch"]

core = vs.core

_NEAR, _FAR = 12, 64
_LIMIT: Final = 0.06
"""Larger differences around the patch, in shares of full scale, are moved detail and not a change of level."""


def fit_patch(clip: vs.VideoNode, patch: vs.VideoNode, mask: vs.VideoNode) -> vs.VideoNode:
    """``patch`` with the slow difference to ``clip``, as seen outside of ``mask``, carried into it.

    Args:
        clip: The picture; any constant format.
        patch: Same format and size.
        mask: GRAY8, 0 where ``clip`` is sound.
    """
    guarded = mask_for_planes(mask.std.Maximum().std.Maximum(), clip)
    planes = [_fit_plane(*parts) for parts in zip(split(clip), split(patch), split(guarded), strict=True)]
    return join(planes, clip.format.color_family).std.CopyFrameProps(clip)


def _fit_plane(clip: vs.VideoNode, patch: vs.VideoNode, mask: vs.VideoNode) -> vs.VideoNode:
    fmt = clip.format
    limit = _LIMIT * (1.0 if fmt.sample_type == vs.FLOAT else (1 << fmt.bits_per_sample) - 1)
    change = core.akarin.Expr([clip, patch, mask], f"z 0 x y - {-limit} {limit} clamp ?", format=vs.GRAYS)
    weight = core.akarin.Expr([mask], "x 0 1 ?", format=vs.GRAYS)
    near = [_blur(part, _NEAR) for part in (change, weight)]
    far = [_blur(part, _FAR) for part in (change, weight)]
    # Close to the edge its own surroundings count; deep inside, where there are none, the wider ones.
    return core.akarin.Expr([patch, *near, *far], "x y 0.02 a * + z 0.02 b * + 0.0001 + / +", format=fmt.id)


def _blur(clip: vs.VideoNode, radius: int) -> vs.VideoNode:
    across, down = (max(min(radius, (side - 1) // 2), 0) for side in (clip.width, clip.height))
    if not across or not down:
        return clip
    return clip.std.BoxBlur(hradius=across, hpasses=2, vradius=down, vpasses=2)
