"""Dot crawl and rainbows: what composite video leaves of colour in luma, and of luma in colour."""

from __future__ import annotations

from typing import Annotated, Any, Final

import vapoursynth as vs
from vsutil import join, split

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._motion import mirrored
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["remove_dot_crawl"]

core = vs.core

_REACH: Final = 2
_SMALLEST: Final = 16
_LEAST: Final = 1.0
"""Levels of 8 bits by which samples must swing, on the average of a window."""
_CLEAR: Final = 3.5
"""How many times as large as what does not repeat the swing must be, at no strength; less at full strength."""
_EASIER: Final = 1.2
_MEAN: Final = 0.4
"""Share of the swing of luma that may be left in its mean over a window: lamps that flash leave all of it."""


@restoration_filter(short="crawl", order=14, needs=("akarin",), radius=_REACH)
def remove_dot_crawl(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    luma: Annotated[float, Setting("share of the strength for dots in luma along edges of colour", 0, 1)] = 1.0,
    rainbows: Annotated[float, Setting("share of the strength for false colour over fine detail", 0, 1)] = 1.0,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Take dot crawl and rainbows of composite video out of what stands still.

    The colour carrier of NTSC turns by half from frame to frame, that of PAL by half in two frames. What it left in the
    picture therefore swings to and fro, and a mean over one swing is without it. A sample is averaged where it and its
    surroundings do just that over five frames, and nothing else happens there; all others keep their bits. What moves
    cannot be told from what swings, and is left. Put it before all that changes single frames, behind `deinterlace`.

    Args:
        clip: Any constant format, frames of composite video in their order; RGB is left alone.
        strength: How little evidence is enough.
        luma: A dose of its own for luma.
        rainbows: A dose of its own for colour.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.

    Source: the three-dimensional comb filter; ITU-R BT.1700 for the phases of the carriers.
    """
    if strength == 0:
        return clip
    fmt = clip.format
    doses = [luma * strength, rainbows * strength, rainbows * strength][: fmt.num_planes]
    sides = [min(part.width, part.height) for part in split(clip)] if fmt.color_family != vs.RGB else []
    none = core.std.BlankClip(clip, format=vs.GRAY8, keep=True)
    if not sides or min(sides) < _SMALLEST:
        return apply_repair("remove_dot_crawl", clip, clip, none, show=show)
    half = fmt.sample_type == vs.FLOAT and fmt.bits_per_sample == 16
    work = mirrored(clip.resize.Point(format=fmt.replace(bits_per_sample=32).id) if half else clip, _REACH)
    parts = [
        _combed(plane, dose, flat=place == 0)
        for place, (plane, dose) in enumerate(zip(split(work), doses, strict=True))
    ]
    own = slice(_REACH, _REACH + clip.num_frames)
    repaired = join([part for part, _ in parts], fmt.color_family)[own] if len(parts) > 1 else parts[0][0][own]
    repaired = repaired.resize.Point(format=fmt.id) if half else repaired
    masks = [mask.resize.Point(clip.width, clip.height)[own] for _, mask in parts]
    mask = core.akarin.Expr(masks, "x y max z max") if len(masks) == 3 else masks[0]
    return apply_repair(
        "remove_dot_crawl", clip, repaired.std.CopyFrameProps(clip), mask, protect=protect, only=only, show=show
    )


def _combed(plane: vs.VideoNode, dose: float, *, flat: bool) -> tuple[vs.VideoNode, vs.VideoNode]:
    """A plane without what swings, and a GRAY8 mask of where it did."""
    taps = [neighbour(plane, distance) for distance in (-2, -1, 0, 1, 2)]  # x y z a b
    if dose == 0:
        return plane, core.std.BlankClip(plane, format=vs.GRAY8, keep=True)
    whole = 1.0 if plane.format.sample_type == vs.FLOAT else float((1 << plane.format.bits_per_sample) - 1)
    ways = [_swing(taps, whole, dose, flat, *way) for way in (_EACH_FRAME, _EVERY_OTHER)]
    made = core.akarin.Expr([plane, *(each for way in ways for each in way)], "z 0 > y b 0 > a x ? ?")
    return made, core.akarin.Expr([mask for _, mask in ways], "x y max")


_EACH_FRAME: Final = ("z y a + 2 / -", "x z - abs z b - abs max y a - abs max", "y z 2 * + a + 4 /")
_EVERY_OTHER: Final = ("z x b + 2 / -", "x b - abs y a + z - x b + 2 / - 2 / abs 2 * max", "x z 2 * + b + 4 /")
"""For carriers that turn by half from frame to frame, and in two: by how much a sample stands off the others, what of
it does not repeat, and its mean over a swing."""


def _swing(
    taps: list[vs.VideoNode], whole: float, dose: float, flat: bool, off: str, rest: str, mean: str
) -> tuple[vs.VideoNode, vs.VideoNode]:
    level = whole / 255
    single: Any = {"format": vs.GRAYS}
    swing = core.akarin.Expr(taps, f"{off} {level} /", **single)
    size = core.akarin.Expr([swing], "x abs").std.BoxBlur(hradius=2, vradius=1)
    noise = core.akarin.Expr(taps, f"{rest} {level} /", **single).std.BoxBlur(hradius=2, vradius=1)
    broad = swing.std.BoxBlur(hradius=4, vradius=4)
    clear = f"x {_CLEAR - _EASIER * dose} y * {_LEAST} + >"
    alike = f" z abs x {_MEAN} * < and" if flat else ""
    mask = core.akarin.Expr([size, noise, broad], f"{clear}{alike} 255 0 ?", format=vs.GRAY8)
    mask = mask.std.Maximum(coordinates=[0, 0, 0, 1, 1, 0, 0, 0])
    return core.akarin.Expr(taps, mean), mask
