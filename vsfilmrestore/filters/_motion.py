"""Motion between a frame and its neighbours: vectors, compensated neighbours, how far to trust them.

A neighbour is named by its distance in frames: -1 is the frame before, +2 the second one after. Where it lies beyond
the end of the clip, or beyond a cut, the frame itself stands in for it: whoever compares with it sees no difference
and does nothing. `mirrored` gives the ends of a clip neighbours instead.

::

    moved = estimate(clip, (-1, 1)).compensate(clip)
    before, after = moved[-1], moved[1]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import vapoursynth as vs
from vsutil import join, plane, split

__all__ = ["NO_CUTS", "Motion", "analysis_luma", "estimate", "match_level", "mirrored"]

core = vs.core

NO_CUTS: Final = 255.0
"""For ``cut_error``: never take a frame for the other side of a cut."""

_BLOCK_AREA: Final = 64
"""The plug-in counts block errors for 8x8 blocks of 8 bits, whatever the real size and depth."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Motion from each frame to its neighbours; made by `estimate`.

    The plug-in reads the first frame of a clip and its neighbour while the graph is built. All that is made here
    therefore begins with blank frames, which are cut off again: building asks nothing of the source. They are as many
    for all neighbours, so that all share the pyramids of the picture: those cost more than the search.

    Attributes:
        luma: What was looked at: GRAY16, grown to hold a block.
        distances: Neighbours, in frames.
        block: Side of the blocks searched, in pixels.
        refined: Whether they were split once.
        width: Width of the clips the vectors are for.
        height: Their height.
        cut_error: A block whose mean absolute difference (8-bit levels) exceeds this is lost.
        cut_share: Percentage of lost blocks above which the neighbour is taken for another scene.
    """

    luma: vs.VideoNode
    distances: tuple[int, ...]
    block: int
    refined: bool
    width: int
    height: int
    cut_error: float
    cut_share: float
    _led: Mapping[int, vs.VideoNode]

    @property
    def vectors(self) -> dict[int, vs.VideoNode]:
        """Vector clips by distance, for other functions of the plug-in. Building them reads the first frame."""
        return _search(self.luma, self.distances, self.block, self.refined)

    def compensate(self, clip: vs.VideoNode) -> dict[int, vs.VideoNode]:
        """All neighbours by their distance, moved onto each frame; format, size and properties of ``clip``.

        Args:
            clip: Any constant format, of the size the vectors were made for.
        """
        work, back = _workable(clip)
        led = _led_by_blank(_cover(work, self.block), self._lead)
        fine = self.block // 2 if self.refined else self.block
        pyramid = core.mvu.Super(led, blksize=[fine], overlap=[fine // 2], onelevel=True)
        found = {}
        for distance, vectors in self._led.items():
            moved = core.mvu.Compensate(
                led,
                pyramid,
                vectors,
                thsad=_BLOCK_AREA * 255,  # even a poor block is better than the damaged one; callers judge by error()
                thscd1=self._lost,
                thscd2=self.cut_share,
            )
            moved = back(_uncover(moved[self._lead :], clip.width, clip.height)).std.CopyFrameProps(clip)
            first = min(max(-distance, 0), clip.num_frames)  # their neighbour is a blank frame, or none
            found[distance] = clip if first == clip.num_frames else clip[:first] + moved[first:] if first else moved
        return found

    def error(self, distance: int, full: float = 32.0) -> vs.VideoNode:
        """How badly the neighbour fits, blockwise: GRAY16, white from ``full`` 8-bit levels up.

        A cut and the ends of the clip, where the neighbour is missing, are white all over.
        """
        vectors = self._led[distance]
        mask = core.mvu.SADMask(vectors, ml=full, gamma=1.0, scval=255, thscd1=self._lost, thscd2=self.cut_share)
        return self._own(mask, distance)

    def occlusion(self, distance: int, full: float = 16.0) -> vs.VideoNode:
        """Where vectors of adjoining blocks diverge, so that something is covered or uncovered: GRAY16, as `error`."""
        vectors = self._led[distance]
        mask = core.mvu.OcclusionMask(vectors, ml=full, gamma=1.0, scval=255, thscd1=self._lost, thscd2=self.cut_share)
        return self._own(mask, distance)

    def _own(self, mask: vs.VideoNode, distance: int) -> vs.VideoNode:
        """The mask of a led clip, cut to size and length."""
        mask = _uncover(mask[self._lead :], self.width, self.height)
        missing = min(abs(distance), mask.num_frames)
        white = core.std.BlankClip(mask, length=missing, color=65535, keep=True)
        if missing == mask.num_frames:
            return white
        return white + mask[missing:] if distance < 0 else mask[:-missing] + white

    @property
    def _lead(self) -> int:
        return _lead(self.distances)

    @property
    def _lost(self) -> int:
        return round(min(self.cut_error, 255.0) * _BLOCK_AREA)


def estimate(
    clip: vs.VideoNode,
    distances: Sequence[int] = (-1, 1),
    *,
    block: int = 16,
    refine: bool = False,
    prefilter: bool = True,
    cut_error: float = 25.0,
    cut_share: float = 50.0,
) -> Motion:
    """Motion from each frame of ``clip`` to the neighbours at ``distances``.

    Args:
        clip: Any constant format and size.
        distances: Neighbours, in frames.
        block: Side of the blocks matched, in pixels; neighbouring blocks overlap by half.
        refine: Split the blocks and match once more.
        prefilter: Look at a median of the picture, so that grain and small dirt do not pull the vectors.
        cut_error: See `Motion`. The plug-in's own default, 6 levels, takes grain of 8 levels for a cut.
        cut_share: See `Motion`.
    """
    luma = _cover(analysis_luma(clip), block)
    if prefilter:
        luma = luma.zsmooth.Median(radius=2)
    led = _search(_led_by_blank(luma, _lead(distances)), distances, block, refine)
    return Motion(luma, tuple(distances), block, refine, clip.width, clip.height, cut_error, cut_share, led)


def _search(luma: vs.VideoNode, distances: Sequence[int], block: int, refine: bool) -> dict[int, vs.VideoNode]:
    pyramid = core.mvu.Super(luma, blksize=[block], overlap=[block // 2])
    vectors = {d: _one(core.mvu.Analyse(pyramid, delta=d)) for d in distances}
    if not refine:
        return vectors
    fine = core.mvu.Super(luma, blksize=[block // 2], overlap=[block // 4])
    return {d: _one(core.mvu.Recalculate(fine, [found], thsad=_BLOCK_AREA)) for d, found in vectors.items()}


def _lead(distances: Sequence[int]) -> int:
    """Blank frames needed: the first one and its neighbours, if they come later."""
    return 1 + max(0, *distances)


def _led_by_blank(clip: vs.VideoNode, frames: int) -> vs.VideoNode:
    return core.std.BlankClip(clip, length=frames, keep=True) + clip


def analysis_luma(clip: vs.VideoNode) -> vs.VideoNode:
    """Brightness of any clip as GRAY16, for looking only; its scale is the clip's own."""
    if clip.format.color_family == vs.RGB:
        # No matrix has to be known, and a curve such as a log one stays what it is.
        planes = [_depth16(part) for part in split(clip)]
        return core.akarin.Expr(planes, "x y y + + z + 4 /")
    return _depth16(plane(clip, 0))


def match_level(moved: vs.VideoNode, clip: vs.VideoNode, radius: int = 24) -> vs.VideoNode:
    """``moved`` with the local mean level of ``clip``, so that flicker between the two is no difference.

    Args:
        moved: A compensated neighbour, integer or 32-bit float.
        clip: The frame it was moved onto, same format.
        radius: Means are taken over squares of ``2 * radius + 1`` luma pixels.
    """
    fmt = clip.format
    planes = [
        _match_plane(m, c, max(radius >> (fmt.subsampling_w if i else 0), 1))
        for i, (m, c) in enumerate(zip(split(moved), split(clip), strict=True))
    ]
    return join(planes, fmt.color_family).std.CopyFrameProps(moved)


def _match_plane(moved: vs.VideoNode, clip: vs.VideoNode, radius: int) -> vs.VideoNode:
    radius = min(radius, (min(clip.width, clip.height) - 1) // 2)
    if radius < 1:
        return moved
    small = 2 if radius >= 8 and min(clip.width, clip.height) >= 32 else 1
    there, here = (_levels(plane, small) for plane in (moved, clip))
    # Dirt must not count as a change of level, or a speck would get a halo: differences are cut off, and cut off
    # closer once most of the change is known.
    first = _mean(core.akarin.Expr([here, there], "x y - -32 max 32 min"), radius // small)
    rest = _mean(core.akarin.Expr([here, there, first], "x y - z - -6 max 6 min"), radius // small)
    change = core.akarin.Expr([first, rest], "x y +")
    if small > 1:
        change = change.resize.Bilinear(clip.width, clip.height)
    return core.akarin.Expr([moved, change], f"x y {_level(clip)} * +")


def _level(clip: vs.VideoNode) -> float:
    """One 8-bit level in the clip's own units."""
    return 1 / 255 if clip.format.sample_type == vs.FLOAT else 1 << (clip.format.bits_per_sample - 8)


def _levels(plane: vs.VideoNode, small: int) -> vs.VideoNode:
    """The plane in 8-bit levels as GRAYS, so many times smaller."""
    if small > 1:
        plane = plane.resize.Bilinear(-(-plane.width // small), -(-plane.height // small))
    return core.akarin.Expr([plane], f"x {1 / _level(plane)} *", format=vs.GRAYS)


def _mean(plane: vs.VideoNode, radius: int) -> vs.VideoNode:
    return plane.std.BoxBlur(hradius=radius, hpasses=1, vradius=radius, vpasses=1)


def mirrored(clip: vs.VideoNode, frames: int) -> vs.VideoNode:
    """The clip with ``frames`` mirrored frames at each end; a clip that is too short repeats its end frames."""
    last = clip.num_frames - 1
    head = [min(i, last) for i in range(frames, 0, -1)]
    tail = [max(last - i, 0) for i in range(1, frames + 1)]
    ends = [core.std.Splice([clip[i] for i in part]) for part in (head, tail)]
    return core.std.Splice([ends[0], clip, ends[1]]) if frames else clip


def _depth16(plane: vs.VideoNode) -> vs.VideoNode:
    if plane.format.sample_type == vs.FLOAT:
        return core.akarin.Expr([_single(plane)], "x 65535 *", format=vs.GRAY16)
    scale = 1 << (16 - plane.format.bits_per_sample)
    return plane if scale == 1 else core.akarin.Expr([plane], f"x {scale} *", format=vs.GRAY16)


def _one(clips: vs.VideoNode | list[vs.VideoNode]) -> vs.VideoNode:
    """The plug-in's types allow a list; one delta and one vector clip give one clip."""
    return clips if isinstance(clips, vs.VideoNode) else clips[0]


def _single(clip: vs.VideoNode) -> vs.VideoNode:
    """Half floats as 32-bit ones."""
    fmt = clip.format
    if fmt.sample_type != vs.FLOAT or fmt.bits_per_sample == 32:
        return clip
    return clip.resize.Point(format=fmt.replace(bits_per_sample=32).id)


def _cover(clip: vs.VideoNode, block: int) -> vs.VideoNode:
    """The clip, grown at its right and lower edge to hold at least one block."""
    right, bottom = (max(block - side, 0) for side in (clip.width, clip.height))
    return clip.std.AddBorders(right=right, bottom=bottom) if right or bottom else clip


def _uncover(clip: vs.VideoNode, width: int, height: int) -> vs.VideoNode:
    return clip if (clip.width, clip.height) == (width, height) else clip.std.CropAbs(width, height)


def _workable(clip: vs.VideoNode) -> tuple[vs.VideoNode, Callable[[vs.VideoNode], vs.VideoNode]]:
    """The clip in a format the plug-in takes, and the way back."""
    fmt = clip.format
    if fmt.sample_type == vs.FLOAT and fmt.bits_per_sample == 16:
        work, back = _workable(_single(clip))
        return work, lambda moved: back(moved).resize.Point(format=fmt.id)
    if fmt.color_family == vs.RGB:  # the plug-in looks at names only: red, green and blue pass as luma and chroma
        disguise = core.std.ShufflePlanes(clip, [0, 1, 2], vs.YUV)
        return disguise, lambda moved: core.std.ShufflePlanes(moved, [0, 1, 2], vs.RGB)
    if max(fmt.subsampling_w, fmt.subsampling_h) > 1:
        full = clip.resize.Bilinear(format=fmt.replace(subsampling_w=0, subsampling_h=0).id)
        return full, lambda moved: moved.resize.Bilinear(format=fmt.id)
    return clip, lambda moved: moved
