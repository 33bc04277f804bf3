"""What is looked at for stains: a small picture without subsampling, and its detail alone."""

from __future__ import annotations

from typing import Final

import vapoursynth as vs

from vsfilmrestore.filters._exposure import BLACK

__all__ = ["analysis", "flat"]

core = vs.core

_WIDTH: Final = 640
"""The analysis picture is about so wide; stains are broad."""


def analysis(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip as float without subsampling, about `_WIDTH` wide."""
    fmt = core.query_video_format(clip.format.color_family, vs.FLOAT, 32, 0, 0).id
    times = max(round(clip.width / _WIDTH), 1)
    return clip.resize.Bilinear(clip.width // times, clip.height // times, format=fmt)


def flat(small: vs.VideoNode) -> vs.VideoNode:
    """Detail alone, for motion: neither stains nor flicker pull the vectors."""
    if small.format.color_family == vs.RGB:
        luma = core.akarin.Expr(small.std.SplitPlanes(), "x y y + + z + 4 /")
    else:
        luma = small.std.ShufflePlanes(0, vs.GRAY)
    light = core.akarin.Expr([luma], f"x 0 max {BLACK} + log")
    around = light.std.BoxBlur(hradius=12, hpasses=1, vradius=12, vpasses=1)
    return core.akarin.Expr([light, around], "x y - 0.25 * 0.5 + 65535 * 0 max 65535 min", format=vs.GRAY16)
