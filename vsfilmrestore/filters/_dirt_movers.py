"""Specks that come from somewhere and go on: ice, birds, balls. They are no dirt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._dirt_sight import Sight, shifted

__all__ = ["without_movers"]

core = vs.core

type Levels = npt.NDArray[np.float32]

_FASTEST: Final = 0.06
"""Specks are looked for in the neighbours within this share of the picture's width."""
_LIKE: Final = 0.35
"""What is left of a speck when its like in a neighbour is taken away, as a share of its energy."""


def without_movers(mask: vs.VideoNode, seen: Sight) -> vs.VideoNode:
    """A mask of specks, without those that are on their way across the picture.

    Args:
        mask: GRAY8. Its frames carry ``PlaneStatsDiff``, how much both neighbours differ.
        seen: The clip it is of.
    """
    luma, _, before, after, _ = seen.lumas
    reach = max(round(_FASTEST * mask.width), 16)

    def still(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        return _without_movers(f[0], f[1:], reach)

    return core.std.ModifyFrame(mask, [mask, luma, shifted(luma, -1), shifted(luma, 1), before, after], still)


def _without_movers(chosen: vs.VideoFrame, pictures: Sequence[vs.VideoFrame], reach: int) -> vs.VideoFrame:
    """The mask without specks that come in, or are on their way, across the picture: those are ice, birds, balls.

    Args:
        chosen: The mask.
        pictures: Luma of this frame, of both neighbours as they are, and of both as moved onto this frame.
        reach: Longest way of a mover from frame to frame, in pixels.
    """
    import cv2  # on first use: it is large, and a plan needs none of it

    out = chosen.copy()
    mask = np.asarray(out[0])
    height, width = mask.shape
    now, before, after, *moved = (np.asarray(picture[0]) for picture in pictures)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    for label in range(1, count):
        left, top, across, down = (int(n) for n in stats[label, :4])
        right, bottom = left + across, top + down
        one_side = chosen.props["PlaneStatsDiff"] == 0 or min(left, top, width - right, height - bottom) <= 2
        box = np.s_[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1]
        speck = now[box].astype(np.float32)
        behind = (moved[0][box].astype(np.float32) + moved[1][box]) / 2
        like = _LIKE / 2 if one_side else _LIKE
        ways = [_way(speck, behind, picture, box, reach, like) for picture in (before, after)]
        if _is_mover(ways, one_side):
            mask[labels == label] = 0
    return out


def _way(
    speck: Levels, behind: Levels, picture: npt.NDArray[np.uint16], box: tuple[slice, slice], reach: int, like: float
) -> npt.NDArray[np.float64] | None:
    """The way (x, y) from a speck to its like in a neighbouring picture; None where it has no like."""
    import cv2  # on first use: it is large, and a plan needs none of it

    top, left = max(box[0].start - reach, 0), max(box[1].start - reach, 0)
    around = picture[top : box[0].stop + reach, left : box[1].stop + reach].astype(np.float32)
    misfit = cv2.matchTemplate(around, speck, cv2.TM_SQDIFF)
    least, _, (x, y), _ = cv2.minMaxLoc(misfit)
    if least > like * float(((speck - behind) ** 2).sum()):
        return None
    return np.array([left + x - box[1].start, top + y - box[0].start], np.float64)


def _is_mover(ways: Sequence[npt.NDArray[np.float64] | None], one_side: bool) -> bool:
    """Whether the ways to both neighbours go on; one of them is enough for what may come in there."""
    come, gone = ways
    if come is None or gone is None:
        return one_side and not (come is None and gone is None)
    step = float(np.hypot(*(gone - come))) / 2
    return one_side or float(np.hypot(*(gone + come))) / 2 <= 2 + 0.35 * step
