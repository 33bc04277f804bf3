"""How far colour lies beside the picture: measured once for a shot, on frames spread over it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from vsutil import split

__all__ = ["ACROSS", "DOWN", "chroma_offset", "luma_for_chroma", "measured_shift"]

core = vs.core

ACROSS: Final = "_VsfrChromaAcross"
"""By how many pixels of the picture colour lies to the right of it."""
DOWN: Final = "_VsfrChromaDown"
_FRAMES: Final = 7
_FARTHEST: Final = 8
"""Samples of chroma: farther off nothing is looked for."""
_BETTER: Final = 0.03
"""By how much edges of colour must fit edges of luma better there than where they are."""
_LEAST_FIT: Final = 0.15
_LEAST: Final = 0.35
"""Shorter ways, in samples of chroma, are none: that is as near as they are measured."""

type Array = npt.NDArray[Any]


def measured_shift(clip: vs.VideoNode) -> vs.VideoNode:
    """One tiny frame that tells how far colour lies beside the picture (`ACROSS`, `DOWN`); it is made once.

    Args:
        clip: A shot, YUV.
    """
    picks = np.unique(np.linspace(0, clip.num_frames - 1, _FRAMES + 2).round().astype(int)[1:-1])
    fmt = clip.format
    across, down = 1 << fmt.subsampling_w, 1 << fmt.subsampling_h
    seen = core.std.ShufflePlanes([luma_for_chroma(clip), *_as_floats(clip)[1:]], [0, 0, 0], vs.YUV)
    blank = core.std.BlankClip(width=16, height=16, format=vs.GRAYS, length=1, keep=True)

    def measure(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        pictures = [[np.asarray(frame[p]) for p in range(3)] for frame in f[1:]]
        right, below = chroma_offset(pictures)
        out.props[ACROSS], out.props[DOWN] = right * across, below * down
        return out

    return core.std.ModifyFrame(blank, [blank, *(seen[int(pick)] for pick in picks)], measure)


def luma_for_chroma(clip: vs.VideoNode) -> vs.VideoNode:
    """Luma where samples of chroma lie, GRAYS from 0 to 1 by the code values' whole range.

    Samples of chroma lie with the left ones of luma, in the middle of two rows, as MPEG-2 has it and nearly all tapes
    are kept.
    """
    fmt = clip.format
    luma = _as_floats(clip)[0]
    left = -0.5 if fmt.subsampling_w == 1 else 0.0
    return luma.resize.Bilinear(clip.width >> fmt.subsampling_w, clip.height >> fmt.subsampling_h, src_left=left)


def _as_floats(clip: vs.VideoNode) -> list[vs.VideoNode]:
    fmt = clip.format
    whole = 1.0 if fmt.sample_type == vs.FLOAT else float((1 << fmt.bits_per_sample) - 1)
    return [core.akarin.Expr([plane], f"x {whole} /", format=vs.GRAYS).std.RemoveFrameProps() for plane in split(clip)]


def chroma_offset(pictures: list[list[Array]]) -> tuple[float, float]:
    """How far colour lies to the right of luma and below it, in samples; 0 where the evidence is weak.

    Edges of colour lie where edges of luma are; where those of all pictures fit best, there colour belongs.

    Args:
        pictures: Luma and both planes of chroma of each, all of one size, black 0 and white 1.
    """
    return _offset(pictures, 1), _offset(pictures, 0)


def _offset(pictures: list[list[Array]], axis: int) -> float:
    reach = min(_FARTHEST, pictures[0][0].shape[axis] // 8)
    if reach < 2:
        return 0.0
    ways = np.arange(-reach, reach + 1)
    common, luma_power, chroma_power = np.zeros(len(ways)), 1e-12, 1e-12
    for luma, *chroma in pictures:
        light = _edges([luma], axis)
        colour = _edges(chroma, axis)
        inner = [slice(None)] * 2
        inner[axis] = slice(reach, light.shape[axis] - reach)
        middle = light[tuple(inner)]
        middle = middle - middle.mean()
        luma_power += float((middle * middle).sum())
        for place, way in enumerate(ways):
            moved = [slice(None)] * 2
            moved[axis] = slice(reach + way, light.shape[axis] - reach + way)
            common[place] += float((middle * colour[tuple(moved)]).sum())
        own = colour[tuple(inner)]
        chroma_power += float(((own - own.mean()) ** 2).sum())
    fit = common / np.sqrt(luma_power * chroma_power)
    best = int(np.argmax(fit))
    if fit[best] < _LEAST_FIT or fit[best] - fit[reach] < _BETTER or best in (0, len(ways) - 1):
        return 0.0
    bend = fit[best - 1] - 2 * fit[best] + fit[best + 1]
    way = float(ways[best] + (0.5 * (fit[best - 1] - fit[best + 1]) / bend if bend < 0 else 0.0))
    return way if abs(way) >= _LEAST else 0.0


def _edges(planes: list[Array], axis: int) -> Array:
    """How steep a picture is along an axis, blurred a little, so that noise has no say; the strongest count alike."""
    import cv2  # on first use: it is large, and a plan needs none of it

    total = np.zeros(planes[0].shape, np.float32)
    for plane in planes:
        soft = cv2.GaussianBlur(np.asarray(plane, np.float32), (0, 0), 1.0)
        total += np.abs(np.gradient(soft, axis=axis))
    top = float(np.quantile(total, 0.98))
    floor = 2 * float(np.median(total))
    return np.asarray(np.clip(total - floor, 0, max(top - floor, 1e-6)))
