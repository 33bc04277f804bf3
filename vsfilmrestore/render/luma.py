"""Mean luma of each frame before and after, noted down while a reel is rendered: what the report's curves are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import vapoursynth as vs

from vsfilmrestore.media.out.prepare import with_matrix
from vsfilmrestore.render.graph import GraphShot, source_node

__all__ = ["luma_of", "with_luma"]

core = vs.core

_BEFORE, _AFTER = "_VsfrLumaBefore", "_VsfrLumaAfter"
_WIDTH, _HEIGHT = 160, 120
"""Samples a frame: some 20,000 tell its mean within a twentieth of a step of 8 bits, whatever its grain."""


def with_luma(clip: vs.VideoNode, shots: Sequence[GraphShot], rate: Fraction) -> vs.VideoNode:
    """The restored reel with the mean luma of each frame, and of the source's frame beside it, as properties.

    Args:
        clip: The restored reel, of any format.
        shots: What it was made of.
        rate: Rate of the record side.
    """
    factor = max(1, clip.num_frames // max(1, sum(_length(shot) for shot in shots)))
    before = source_node([_small_shot(shot) for shot in shots], rate)
    if factor > 1:
        before = core.std.Interleave([before] * factor)
    measured = [before.std.PlaneStats(), _small(clip).std.PlaneStats()]
    told = {_BEFORE: "y.PlaneStatsAverage 65535 * 256 /", _AFTER: "z.PlaneStatsAverage 65535 * 256 /"}
    return core.akarin.PropExpr([clip, *measured], lambda: told)


def luma_of(props: Mapping[str, Any]) -> tuple[float, float] | None:
    """Mean luma before and after, on the scale of 8 bits; None where it was not measured."""
    before, after = props.get(_BEFORE), props.get(_AFTER)
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return None
    return round(before, 3), round(after, 3)


def _length(shot: GraphShot) -> int:
    return len(shot.frames) if shot.part is None else shot.part[1] - shot.part[0]


def _small_shot(shot: GraphShot) -> GraphShot:
    over = None if shot.fades_over is None else _small_shot(shot.fades_over)
    return replace(shot, take=_small(shot.take), fades_over=over)


def _small(clip: vs.VideoNode) -> vs.VideoNode:
    """Luma of pixels spread over the picture, RGB and float as 16..235. Fields are no matter to a mean."""
    clip = clip.std.GPUDownload() if clip.gpu_resident else clip
    clip = clip.std.SetFieldBased(0)
    if clip.format.color_family == vs.RGB:
        return clip.resize.Point(_WIDTH, _HEIGHT, format=vs.GRAY16, matrix=1)
    return with_matrix(clip).resize.Point(_WIDTH, _HEIGHT, format=vs.GRAY16)
