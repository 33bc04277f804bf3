"""What a model made of a picture, held to that picture: brought back to its size it shows the same.

Whatever invented detail is laid over a picture, the mean of the pixels that stand for one pixel of the source must be
that pixel; where it is not, the difference goes back into the result, again and again. Pictures come to their size in
more than one way, which shows where there is detail: there a share of the detail is no difference.

Source: Irani and Peleg, "Improving resolution by image registration", CVGIP 53(3), 1991.
"""

from __future__ import annotations

from typing import Final

import vapoursynth as vs
from vsutil import join, split

from vsfilmrestore.filters._blur import softened

__all__ = ["DETAIL", "LEVELS", "astray", "locked"]

core = vs.core

LEVELS: Final = 1.0
"""The result, brought back, may be so many levels of eight bits away from the source, …"""
DETAIL: Final = 0.25
"""… and besides so much of the detail there: of the most that a pixel near by stands out from those around it."""
_ROUNDS: Final = 6


def locked(source: vs.VideoNode, made: vs.VideoNode, plain: vs.VideoNode, soft: vs.VideoNode | None) -> vs.VideoNode:
    """What a model made, held to the source.

    Args:
        source: The clip it was made of.
        made: Of the same format, and a whole number of times its size.
        plain: The source enlarged by a kernel, of the size of ``made``.
        soft: A clip whose properties tell what softness the model took out (see `_blur.softened`): luma that is
            brought back may then lie anywhere between the source and what gives the source once it is softened
            again. None where the model took out none.

    Returns:
        ``made``, bit for bit where it needs no correction.
    """
    fmt = source.format
    planes = []
    for n, (own, model, kernel) in enumerate(zip(split(source), split(made), split(plain), strict=True)):
        chroma = fmt.color_family == vs.YUV and n > 0
        # Coarse chroma may stand beside the pixels it belongs to; the kernel knows where.
        coarse = chroma and fmt.subsampling_w + fmt.subsampling_h > 0
        aim = _means(_codes(kernel), own) if coarse else _codes(own)
        planes.append(_plane(aim, model, None if chroma else soft))
    return (join(planes, fmt.color_family) if len(planes) > 1 else planes[0]).std.CopyFrameProps(made)


def astray(source: vs.VideoNode, made: vs.VideoNode, soft: vs.VideoNode | None = None) -> vs.VideoNode:
    """GRAYS: by how many times its tolerance luma (or the first colour) is away from the source once brought back."""
    own, model = split(source)[0], split(made)[0]
    aim = _codes(own)
    return core.akarin.Expr([_away(aim, _codes(model), soft), _tolerance(aim, model)], "x abs y /")


def _plane(aim: vs.VideoNode, made: vs.VideoNode, soft: vs.VideoNode | None) -> vs.VideoNode:
    """One plane, brought back to ``aim``."""
    held, tolerance, fmt = _codes(made), _tolerance(aim, made), made.format
    within = f"0 {(1 << fmt.bits_per_sample) - 1} clip" if fmt.sample_type == vs.INTEGER else ""
    for n in range(_ROUNDS):
        away = _away(aim, held, soft)
        exact = n >= _ROUNDS - 2  # Each pixel of the source stands for its own block alone.
        if exact:
            straight = core.akarin.Expr([aim, _means(held, aim)], "x y -")
            away = core.akarin.Expr([away, tolerance, straight], "x abs y > z 0 ?")
        rest = core.akarin.Expr([away, tolerance], "x abs y - 0 max x 0 < -1 1 ? *")
        kernel = rest.resize.Point if exact else rest.resize.Bilinear
        held = core.akarin.Expr([held, kernel(made.width, made.height)], f"x y + {within}")
    if fmt.sample_type == vs.INTEGER:
        return core.akarin.Expr([held], "x", format=fmt.id)
    return held if fmt.bits_per_sample == 32 else held.resize.Point(format=fmt.id)


def _away(aim: vs.VideoNode, large: vs.VideoNode, soft: vs.VideoNode | None) -> vs.VideoNode:
    """What a picture lacks once it is brought back, as it is or softened again, whichever is less; 0 between both."""
    small = _means(large, aim)
    if soft is None:
        return core.akarin.Expr([aim, small], "x y -")
    again = softened(small.std.CopyFrameProps(soft))
    nearer = "x y - A! x z - B! A@ B@ * 0 > A@ abs B@ abs < A@ B@ ? 0 ?"
    return core.akarin.Expr([aim, small, again], nearer)


def _codes(plane: vs.VideoNode) -> vs.VideoNode:
    """Code values as GRAYS, whatever they mean."""
    if plane.format.sample_type == vs.INTEGER:
        return core.akarin.Expr([plane], "x", format=vs.GRAYS)
    return plane if plane.format.bits_per_sample == 32 else plane.resize.Point(format=vs.GRAYS)


def _tolerance(aim: vs.VideoNode, made: vs.VideoNode) -> vs.VideoNode:
    """How far each pixel may be away, in code values of the format of ``made``."""
    fmt = made.format
    level = 1 / 255 if fmt.sample_type == vs.FLOAT else float(1 << (fmt.bits_per_sample - 8))
    radius = 1 if min(aim.width, aim.height) > 2 else 0
    around = aim.std.BoxBlur(hradius=radius, vradius=radius) if radius else aim
    detail = core.akarin.Expr([aim, around], "x y - abs").std.Maximum()
    return core.akarin.Expr([detail], f"x {DETAIL} * {LEVELS * level!r} +")


def _means(large: vs.VideoNode, like: vs.VideoNode) -> vs.VideoNode:
    """Means of the blocks of pixels that stand for one."""
    across, down = large.width // like.width, large.height // like.height
    for sides, at in ((across, "x[{},0]:m"), (down, "x[0,{}]:m")):
        if sides > 1:
            rest = " ".join(f"{at.format(n)} +" for n in range(1, sides))
            large = core.akarin.Expr([large], f"x {rest} {sides} /")
    # So far back that the point kernel takes the first of each block, which now holds the mean of all.
    return large.resize.Point(like.width, like.height, src_left=(1 - across) / 2, src_top=(1 - down) / 2)
