"""How crisp a frame is: what its steepest edges have of the finest detail, beside coarser detail.

Half a pixel of softness tells whether a kernel or a network enlarges a picture best, and seven pixels in a row of a
network cannot see it: it takes the edges of the whole frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

__all__ = ["CRISP", "crispness_of", "with_crispness"]

core = vs.core

CRISP: Final = "_VsfrCrisp"
"""Property: how crisp the frame is, 0..1."""
_SIDES: Final = (1280, 720)
"""Of the middle of the frame, which is looked at."""
_FINE, _COARSE, _SLOPE = 0.6, 1.6, 1.0
"""Sigmas: what the first takes away is fine, what the second takes besides is coarse; slopes are seen so soft."""
_FEW: Final = 0.1
_STEEPEST: Final = 0.02
"""Share of the pixels that are looked at."""
_BAR, _SLANTED = 0.5, 0.25
"""Lines, more than the first of which slopes by more than the second of what the steepest do, are where bars end."""
_NOTHING: Final = 0.2 / 255

type Floats = npt.NDArray[np.float32]


def crispness_of(picture: Floats) -> float:
    """0 to 1, of luma from 0 to 1 in its own pixels: 0 of flat ones, about 0.5 of soft film, 0.8 of sharp drawings."""
    import cv2

    fine, coarse, seen = (cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in (_FINE, _COARSE, _SLOPE))
    slopes = np.hypot(cv2.Sobel(seen, cv2.CV_32F, 1, 0), cv2.Sobel(seen, cv2.CV_32F, 0, 1))
    for lines in _bars(slopes):
        slopes[lines] = 0
    steep = slopes >= max(_least(slopes), 1e-6)
    if not steep.any():
        return 0.0
    high, middle = (float(np.abs(detail[steep]).mean()) for detail in (picture - fine, fine - coarse))
    return min(high / (middle + _NOTHING), 1.0)


def with_crispness(luma: vs.VideoNode) -> vs.VideoNode:
    """GRAYS from 0 to 1 with the crispness of each frame in its properties."""
    width, height = (min(side, most) for side, most in zip((luma.width, luma.height), _SIDES, strict=True))
    middle = luma.std.CropAbs(width, height, (luma.width - width) // 2, (luma.height - height) // 2)
    blank = core.std.BlankClip(luma, format=vs.GRAY8, width=16, height=16, keep=True)

    def tell(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        frame = f[0].copy()
        frame.props[CRISP] = crispness_of(np.asarray(f[1][0]))
        return frame

    return luma.std.CopyFrameProps(core.std.ModifyFrame(blank, [blank, middle], tell), props=[CRISP])


def _bars(slopes: Floats) -> list[tuple[Any, ...]]:
    """Rows and columns at which bars end, and those beside them."""
    import cv2

    slanted = slopes >= max(_least(slopes) * _SLANTED, 1e-6)
    ends = [(slanted.mean(axis) > _BAR).astype(np.uint8) for axis in (1, 0)]
    # Many such lines are no bars: then the whole picture slopes.
    few = [each * (each.mean() < _FEW) for each in ends]
    rows, columns = (cv2.dilate(each[None], np.ones((1, 5), np.uint8))[0] > 0 for each in few)
    return [(rows,), (slice(None), columns)]


def _least(slopes: Floats) -> float:
    """Slope that the steepest have."""
    count = max(round(slopes.size * _STEEPEST), 1)
    return float(np.partition(slopes, slopes.size - count, axis=None)[-count])
