"""Pictures between two frames, by motion from both sides, and how far to trust them.

::

    gap = Between(clip)            # between every frame and the one after it
    gap = Between.of(left, right)  # between two clips, frame by frame
    gap.at(0.5)                    # half-way; each frame carries the share of pixels that were lost as LOST
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Self

import vapoursynth as vs

from vsfilmrestore.filters._motion import NO_CUTS, analysis_luma, estimate

__all__ = ["LOST", "Between", "neighbour", "workable"]

core = vs.core

LOST: Final = "_VsfrLost"
"""Property: share of pixels, 0..1, for which the two frames do not arrive at the same picture half-way."""

_LOST_LEVEL: Final = 12 * 257
"""Pixels whose two half-way pictures differ by more than this, of 65535, are lost."""

_CALM: Final = (3 * 257, 8 * 257)
"""Below the first difference of the two frames nothing moves and they are averaged; above the second motion rules."""

_SURE: Final[dict[str, Any]] = {"thscd1": 64 * 255, "thscd2": 100.0}
"""Let the plug-in always follow the vectors: silently it would return its input. We judge by `LOST`."""


class Between:
    """What lies between each frame of a clip and the next one; behind the last frame it is that frame itself.

    The frame before and the one after these two are looked at as well, for what is hidden.

    Args:
        clip: Any constant format and size.
    """

    def __init__(self, clip: vs.VideoNode) -> None:
        self._clip = clip
        self._step = 1
        block = 8 if min(clip.width, clip.height) < 120 else 16 if clip.width < 1600 else 32
        self._size: dict[str, Any] = {"blksize": [block], "overlap": [block // 2]}
        grown = _grown(clip, 2 * block)
        self._work, self._back = workable(grown)
        self._pyramid = core.mvu.Super(self._work, **self._size)
        self._luma = analysis_luma(grown)
        motion = estimate(grown, (-1, 1), block=block, cut_error=NO_CUTS, cut_share=100.0)
        self._backward, self._forward = motion.vectors[1], motion.vectors[-1]

    @classmethod
    def of(cls, left: vs.VideoNode, right: vs.VideoNode) -> Self:
        """Between the frames of equal number of two clips of one format, size and length, and nothing else."""
        # The plug-in fills what is hidden in one frame with the motion of the pair before or behind: each frame is
        # there twice, so that these are pairs without motion and not frames of another place.
        gap = cls(core.std.Interleave([left, left, right, right]))
        gap._step = 4
        return gap

    def at(self, time: float) -> vs.VideoNode:
        """The picture at a time between the frame, 0, and the next, 1; frame properties are those of the frame."""
        following = neighbour(self._work, 1)
        moved = core.mvu.FlowInter(self._work, self._pyramid, [self._backward, self._forward], time=100 * time, **_SURE)
        blend = core.akarin.Expr([self._work, following], f"x {1 - time} * y {time} * +")
        still = core.akarin.Expr([moved, blend, self._planes(self._moving)], "x z * y 1 z - * +")
        return self._cut(self._back(still), self._clip)

    def blend(self, time: float) -> vs.VideoNode:
        """The two frames dissolved into one another."""
        mixed = core.akarin.Expr([self._work, neighbour(self._work, 1)], f"x {1 - time} * y {time} * +")
        return self._cut(self._back(mixed), self._clip)

    def judged(self, clip: vs.VideoNode) -> vs.VideoNode:
        """``clip``, as long as what `at` returns, with `LOST` on each frame."""
        half = self._disagreement
        mask = core.akarin.Expr([half], f"x {_LOST_LEVEL} > 255 0 ?", format=vs.GRAY8).std.PlaneStats()
        mask = mask.std.SelectEvery(self._step, 1) if self._step > 1 else mask
        return core.akarin.PropExpr([clip, mask], lambda: {LOST: "y.PlaneStatsAverage"})

    @property
    def disagreement(self) -> vs.VideoNode:
        """GRAY16: how far the two half-way pictures differ."""
        return self._cut(self._disagreement, self._luma)

    @property
    def _disagreement(self) -> vs.VideoNode:
        pyramid = core.mvu.Super(self._luma, **self._size)
        from_left = neighbour(core.mvu.Flow(self._luma, pyramid, self._forward, time=50, **_SURE), 1)
        from_right = core.mvu.Flow(self._luma, pyramid, self._backward, time=50, **_SURE)
        smooth = [side.std.BoxBlur(hradius=2, vradius=2) for side in (from_left, from_right)]
        return core.akarin.Expr(smooth, "x y - abs")

    @property
    def _moving(self) -> vs.VideoNode:
        """GRAYS of the picture, 0 where nothing moves to 1 where something does."""
        luma = self._luma.std.Median().std.BoxBlur(hradius=1, vradius=1)
        change = (
            core.akarin.Expr([luma, neighbour(luma, 1)], "x y - abs").std.Maximum().std.BoxBlur(hradius=2, vradius=2)
        )
        low, high = _CALM
        return core.akarin.Expr([change], f"x {low} - {high - low} / 0 1 clamp", format=vs.GRAYS)

    def _planes(self, weight: vs.VideoNode) -> vs.VideoNode:
        fmt = self._work.format
        if fmt.num_planes == 1:
            return weight
        chroma = weight
        if fmt.subsampling_w or fmt.subsampling_h:
            chroma = weight.resize.Bilinear(weight.width >> fmt.subsampling_w, weight.height >> fmt.subsampling_h)
        return core.std.ShufflePlanes([weight, chroma, chroma], [0, 0, 0], vs.YUV)

    def _cut(self, made: vs.VideoNode, like: vs.VideoNode) -> vs.VideoNode:
        """Back to the picture's own size, one frame for each pair."""
        right, bottom = made.width - self._clip.width, made.height - self._clip.height
        if right or bottom:
            made = made.std.Crop(right=right, bottom=bottom)
        made = made.std.CopyFrameProps(like)
        return made.std.SelectEvery(self._step, 1) if self._step > 1 else made


def workable(clip: vs.VideoNode) -> tuple[vs.VideoNode, Callable[[vs.VideoNode], vs.VideoNode]]:
    """The clip in a format that the motion plug-in takes, and the way back to its own."""
    fmt = clip.format
    if fmt.color_family == vs.RGB:
        # The same planes under another name: nothing is converted.
        single = _single(clip)
        named = single.std.ShufflePlanes([1, 2, 0], vs.YUV)
        return named, lambda made: _as(made.std.ShufflePlanes([2, 0, 1], vs.RGB), fmt.id)
    widest = max(fmt.subsampling_w, fmt.subsampling_h)
    if widest > 1:
        full = _single(clip).resize.Bilinear(format=_single(clip).format.replace(subsampling_w=0, subsampling_h=0).id)
        return full, lambda made: made.resize.Bilinear(format=fmt.id)
    return _single(clip), lambda made: _as(made, fmt.id)


def neighbour(clip: vs.VideoNode, distance: int) -> vs.VideoNode:
    """The clip ``distance`` frames later; the end frames repeat."""
    last = clip.num_frames - 1
    count = min(abs(distance), last)
    if not count:
        return clip
    if distance < 0:
        return clip[0] * count + clip[: last + 1 - count]
    return clip[count:] + clip[last] * count


def _as(clip: vs.VideoNode, format_id: int) -> vs.VideoNode:
    return clip if clip.format.id == format_id else clip.resize.Point(format=format_id)


def _single(clip: vs.VideoNode) -> vs.VideoNode:
    if clip.format.sample_type != vs.FLOAT or clip.format.bits_per_sample == 32:
        return clip
    return clip.resize.Point(format=clip.format.replace(bits_per_sample=32).id)


def _grown(clip: vs.VideoNode, least: int) -> vs.VideoNode:
    """The clip with its right and lower edge grown to ``least`` pixels a side."""
    fmt = clip.format
    right = max(least - clip.width, 0) + (1 << fmt.subsampling_w) - 1 >> fmt.subsampling_w << fmt.subsampling_w
    bottom = max(least - clip.height, 0) + (1 << fmt.subsampling_h) - 1 >> fmt.subsampling_h << fmt.subsampling_h
    return clip.std.AddBorders(right=right, bottom=bottom) if right or bottom else clip
