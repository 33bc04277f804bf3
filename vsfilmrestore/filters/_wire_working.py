"""Wires are looked for in a picture no larger than that takes: they are measured by the picture's width.

The curves that are found there are laid over the whole picture, and how far a wire reaches is told by its own pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._dirt_sight import to16
from vsfilmrestore.filters._motion import analysis_luma
from vsfilmrestore.filters._wire_measured import Looked
from vsfilmrestore.filters._wire_sight import least_of, motion_behind
from vsfilmrestore.filters._wire_strands import Strand, places

__all__ = ["WORKING", "laid_over", "working"]

type Reals = npt.NDArray[Any]

WORKING: Final = 1600
"""Pixels that a picture is wide at most in which wires are looked for."""


def working(looked: Looked) -> Looked:
    """The same, no wider than `WORKING`: by the same factor in both directions, a last part row made of its edge."""
    clip = looked.clip
    if clip.width <= WORKING:
        return looked
    scale, rows = clip.width / WORKING, 1 << clip.format.subsampling_h
    height = math.ceil(round(clip.height / scale, 3) / rows) * rows
    # Frames that are marked as fields would be made smaller field by field, and nothing but looking is done here.
    whole = to16(clip).std.RemoveFrameProps("_FieldBased")
    small = whole.resize.Bicubic(WORKING, height, src_height=height * scale)
    thickness, length = least_of(looked.thickness / scale, looked.length / scale)
    return Looked(small, motion_behind(analysis_luma(small), thickness), thickness, length, looked.level)


def laid_over(
    strand: Strand, along: Reals, told: Sequence[Reals], scale: float
) -> tuple[Strand, Reals, Sequence[Reals]]:
    """A strand in a picture so many times as large, places along it one pixel apart, and what is told of each there.

    Args:
        strand: As far as the outermost pixels that it covers.
        along: Places along it.
        told: Of each of these.
        scale: 1 or more.
    """
    if scale == 1:
        return strand, along, told
    larger = _enlarged(strand, scale)
    there = places(larger)
    return larger, there, [np.interp(there / scale, along, each).astype(np.float32) for each in told]


def _enlarged(strand: Strand, scale: float) -> Strand:
    x, y = (scale * (place + 0.5) - 0.5 for place in (strand.x, strand.y))
    beyond = (scale - 1) / 2
    return strand._replace(
        x=x, y=y, place=scale * strand.place, bow=strand.bow / scale,
        start=scale * strand.start - beyond, end=scale * strand.end + beyond,
    )  # fmt: skip
