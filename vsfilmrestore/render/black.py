"""Black, as the pictures around it have it."""

from __future__ import annotations

import vapoursynth as vs

from vsfilmrestore.media.colour import write_colour
from vsfilmrestore.media.model import Media

__all__ = ["black"]

core = vs.core


def black(like: Media | None, length: int) -> vs.VideoNode:
    """Frames of black.

    Args:
        like: A medium to take format, size and colour from. Its black is code value 16 of 8 bit (64 of 10) where it is
            of limited range, which colour-difference pictures are unless they say otherwise, and 0 elsewhere.
        length: How many.
    """
    if like is None:
        return core.std.BlankClip(length=length, keep=True)
    form, full = like.video.format, like.colour.full_range
    limited = form.color_family == vs.YUV if full is None else not full
    luma: float = 0
    if limited and form.color_family != vs.RGB and form.sample_type == vs.INTEGER:
        luma = 16 << (form.bits_per_sample - 8)
    chroma: float = 0 if form.sample_type == vs.FLOAT else 1 << (form.bits_per_sample - 1)
    colour = [luma, chroma, chroma] if form.color_family == vs.YUV else [luma] * form.num_planes
    blank = core.std.BlankClip(like.video, length=length, color=colour, keep=True)
    return write_colour(blank, like.colour)
