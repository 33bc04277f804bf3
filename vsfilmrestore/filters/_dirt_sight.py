"""What is looked at for dirt: a frame, its neighbours moved onto it, and how its colours differ from theirs."""

from __future__ import annotations

from typing import Final, NamedTuple

import vapoursynth as vs
from vsutil import split

from vsfilmrestore.filters._motion import analysis_luma, estimate, match_level

__all__ = ["DISTANCES", "LEVEL", "Sight", "blurred", "from16", "sight", "to16"]

core = vs.core

DISTANCES: Final = (-2, -1, 1, 2)
"""Neighbours, in frames."""
LEVEL: Final = 256
"""One 8-bit level in the 16-bit working clip."""
_COLOUR_STEPS: Final = 4
"""Steps of `Sight.colour` in an 8-bit level."""


class Sight(NamedTuple):
    """A clip and its neighbours, frame upon frame.

    Attributes:
        work: The clip with 16 bits.
        moved: Its neighbours at `DISTANCES`, moved onto each frame and of its level.
    """

    work: vs.VideoNode
    moved: list[vs.VideoNode]

    @property
    def lumas(self) -> list[vs.VideoNode]:
        """Brightness of the clip and of its neighbours, GRAY16."""
        return [analysis_luma(clip) for clip in (self.work, *self.moved)]

    @property
    def noise(self) -> list[vs.VideoNode]:
        """By how much the nearer neighbours differ on the local average, one clip a plane."""
        pairs = zip(*map(split, self.moved[1:3]), strict=True)
        return [blurred(core.akarin.Expr(list(pair), "x y - abs"), 8, 2) for pair in pairs]

    @property
    def colour(self) -> vs.VideoNode:
        """How far colour lies beyond that of both neighbours, whatever the brightness: GRAY8, full size."""
        work, before, after = self.work, *self.moved[1:3]
        out = "x y z max - y z min x - max"
        steps = f"{_COLOUR_STEPS / LEVEL} *"
        match work.format.color_family:
            case vs.GRAY:
                return core.std.BlankClip(work, format=vs.GRAY8, keep=True)
            case vs.RGB:
                pairs = [[_against_green(clip, n) for clip in (work, before, after)] for n in (0, 2)]
            case _:
                pairs = [list(planes) for planes in zip(*map(split, (work, before, after)), strict=True)][1:]
        maps = [core.akarin.Expr(pair, f"{out} {steps}", format=vs.GRAY8) for pair in pairs]
        larger = core.akarin.Expr(maps, "x y max")
        return larger if larger.width == work.width else larger.resize.Bilinear(work.width, work.height)


def _against_green(clip: vs.VideoNode, plane: int) -> vs.VideoNode:
    """Half the difference of red or blue to green, 32768 where there is none."""
    planes = split(clip)
    return core.akarin.Expr([planes[plane], planes[1]], "x y - 2 / 32768 +")


def sight(clip: vs.VideoNode) -> Sight:
    """Look at a clip of any constant format; nothing is read."""
    work = to16(clip)
    motion = estimate(work, DISTANCES)
    return Sight(work, [match_level(each, work) for each in motion.compensate(work).values()])


def blurred(plane: vs.VideoNode, radius: int, passes: int = 1) -> vs.VideoNode:
    """Box mean, its radius no more than the plane is wide."""
    across, down = (min(radius, (side - 1) // 2) for side in (plane.width, plane.height))
    passes_h, passes_v = passes if across else 0, passes if down else 0
    if not passes_h and not passes_v:
        return plane
    return plane.std.BoxBlur(hradius=across, hpasses=passes_h, vradius=down, vpasses=passes_v)


def to16(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip with 16 bits a sample, whatever range it uses."""
    fmt = clip.format
    target = fmt.replace(sample_type=vs.INTEGER, bits_per_sample=16)
    if fmt.id == target.id:
        return clip
    if fmt.sample_type == vs.INTEGER:
        return core.akarin.Expr([clip], f"x {1 << (16 - fmt.bits_per_sample)} *", format=target.id)
    centre = " 0.5 +" if fmt.color_family == vs.YUV else ""
    return core.akarin.Expr([_whole_float(clip)], _each(fmt, "x 65535 *", f"x{centre} 65535 *"), format=target.id)


def from16(work: vs.VideoNode, like: vs.VideoNode) -> vs.VideoNode:
    """The way back from `to16`."""
    fmt = like.format
    if fmt.id == work.format.id:
        return work
    if fmt.sample_type == vs.INTEGER:
        return core.akarin.Expr([work], f"x {1 << (16 - fmt.bits_per_sample)} /", format=fmt.id)
    centre = " 0.5 -" if fmt.color_family == vs.YUV else ""
    single = fmt.replace(bits_per_sample=32)
    back = core.akarin.Expr([work], _each(fmt, "x 65535 /", f"x 65535 /{centre}"), format=single.id)
    return back if fmt.bits_per_sample == 32 else back.resize.Point(format=fmt.id)


def _each(fmt: vs.VideoFormat, luma: str, chroma: str) -> list[str]:
    return [luma] if fmt.num_planes == 1 else [luma, chroma]


def _whole_float(clip: vs.VideoNode) -> vs.VideoNode:
    fmt = clip.format
    return clip if fmt.bits_per_sample == 32 else clip.resize.Point(format=fmt.replace(bits_per_sample=32).id)
