"""Where repairs left too little grain: the masks that travel with the frames, and how much grain is there already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.media.props import MASK_PREFIX

__all__ = ["changed_areas", "missing"]

core = vs.core

_SPOT, _LEAST, _AROUND = 3, 8, 6
"""Radius of the squares in which detail is measured, of those the least of them is sought in, and smoothed over."""
_MUCH: Final = 1e6
_EVEN: Final = 1e-12


def changed_areas(clip: vs.VideoNode) -> vs.VideoNode:
    """GRAY8, 255 where any repair changed a frame of the clip, by the masks in its properties."""
    blank = core.std.BlankClip(clip, format=vs.GRAY8, keep=True)

    def draw(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        frame = f[0].copy()
        masks = [held for name, held in f[1].props.items() if name.startswith(MASK_PREFIX)]
        target = np.asarray(frame[0])
        for mask in masks:
            if isinstance(mask, vs.VideoFrame):
                np.maximum(target, _sized(np.asarray(mask[0]), target.shape), out=target)
        return frame

    return core.std.ModifyFrame(blank, [blank, clip], draw)


def _sized(mask: npt.NDArray[np.uint8], shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """The mask of a picture that was made larger or smaller since."""
    if mask.shape == shape:
        return mask
    rows, columns = (np.arange(new) * old // new for new, old in zip(shape, mask.shape, strict=True))
    return np.asarray(mask[rows][:, columns])


def missing(plane: vs.VideoNode, grain: vs.VideoNode, mask: vs.VideoNode) -> vs.VideoNode:
    """GRAYS: the share of ``grain``, 0..1, that the plane lacks within the mask; 0 outside it.

    Args:
        plane: Any format.
        grain: GRAYS, what grain is wanted everywhere.
        mask: GRAY8 of the plane's size.
    """
    full = 1.0 if plane.format.sample_type == vs.FLOAT else float((1 << plane.format.bits_per_sample) - 1)
    if plane.format.sample_type == vs.FLOAT and plane.format.bits_per_sample == 16:
        plane = plane.resize.Point(format=vs.GRAYS)
    there = _fine(core.akarin.Expr([plane], f"x {full} /", format=vs.GRAYS), mask)
    wanted = _fine(grain, mask)
    return core.akarin.Expr([there, wanted, mask], f"z 1 x y {_EVEN} + / - 0 max sqrt 0 ?", format=vs.GRAYS)


def _fine(levels: vs.VideoNode, mask: vs.VideoNode) -> vs.VideoNode:
    """Mean square of fine detail within the mask, where there is least of it around: what lies over all is grain."""
    detail = core.akarin.Expr([levels, _mean(levels, 1), mask], "z x y - dup * 0 ?", format=vs.GRAYS)
    share = core.akarin.Expr([mask], "x 0 > 1 0 ?", format=vs.GRAYS)
    means = [_mean(each, _SPOT) for each in (detail, share)]
    least = core.akarin.Expr([*means, mask], f"z x y {_EVEN} + / {_MUCH} ?")
    for _ in range(_LEAST):
        least = least.std.Minimum()
    inside = core.akarin.Expr([least, mask], "y x 0 ?")
    return core.akarin.Expr([_mean(inside, _AROUND), _mean(share, _AROUND)], f"x y {_EVEN} + /")


def _mean(clip: vs.VideoNode, radius: int) -> vs.VideoNode:
    radius = min(radius, (min(clip.width, clip.height) - 1) // 2)
    return clip.std.BoxBlur(hradius=radius, vradius=radius) if radius > 0 else clip
