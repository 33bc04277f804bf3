"""Grain, blur, halation and what copying has cost: from full-size samples of a shot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.assess.frame_geometry import Borders
from vsfilmrestore.assess.samples import Sample, middle_of
from vsfilmrestore.filters._blur_measure import blur_of
from vsfilmrestore.filters._grain_signature import GrainMeter, GrainSignature

__all__ = ["material_of"]

type Floats = npt.NDArray[np.float32]

_SMALLEST: Final = 64
_BRIGHT: Final = 0.85
_NEAR, _FAR = 3, 40
"""Distances from a highlight, in pixels of a picture 1024 wide, between which light may bleed."""
_SAME: Final = 0.25
"""Levels by which frames that are copies of one another differ."""


def material_of(runs: Sequence[Sequence[Sample]], borders: Borders) -> dict[str, float]:
    """``grain.*``, ``blur.sigma``, ``halation``, ``generation`` and their confidences."""
    found: dict[str, float] = {}
    inner = [[borders.within(sample.luma) for sample in run] for run in runs]
    if min(inner[0][0].shape) < _SMALLEST:
        return found
    found |= _grain(runs, inner, borders)
    blur = blur_of([middle_of(run[len(run) // 2]) for run in inner])
    found |= {"blur.sigma": blur.sigma, "confidence.blur": blur.confidence}
    middles = [run[len(run) // 2] for run in inner]
    found["halation"] = _halation(middles)
    found["generation"] = _generation(middles, found)
    return found


def _grain(runs: Sequence[Sequence[Sample]], inner: Sequence[Sequence[Floats]], borders: Borders) -> dict[str, float]:
    luma, chroma = GrainMeter("grey"), 0.0
    groups = 0
    for run, lumas in zip(runs, inner, strict=True):
        parts = [middle_of(each).clip(0, 1) for each in lumas]
        moving = [part for n, part in enumerate(parts) if n == len(parts) // 2 or _apart(part, parts[len(parts) // 2])]
        if len(moving) < 2:
            continue
        luma.add([[part] for part in moving])
        chroma = max(chroma, _chroma_noise(run, borders))
        groups += 1
    if not groups:
        return {"confidence.grain": 0.0}
    told: GrainSignature = luma.signature()
    sure = min(0.4 + 0.2 * groups, 1.0)
    return {"grain.sigma": told.sigma, "grain.size": told.size, "grain.chroma": chroma, "confidence.grain": sure}


def _apart(a: Floats, b: Floats) -> bool:
    return float(np.abs(a[::4, ::4] - b[::4, ::4]).mean()) * 255 > _SAME / 4


def _chroma_noise(run: Sequence[Sample], borders: Borders) -> float:
    """Standard deviation of what neighbouring frames differ by in colour, in the quieter half of small blocks."""
    if len(run) < 2 or len(run[0].raw) < 3:
        return 0.0
    sides = []
    for plane in (1, 2):
        a, b = (middle_of(sample.raw[plane]) for sample in (run[0], run[1]))
        rows, columns = (side // 8 * 8 for side in a.shape)
        if min(rows, columns) < 16:
            return 0.0
        apart = (a - b)[:rows, :columns].reshape(rows // 8, 8, columns // 8, 8)
        blocks = apart.var(axis=(1, 3)) / 2
        sides.append(float(np.quantile(blocks, 0.25)) ** 0.5)
    return float(np.mean(sides))


def _halation(pictures: Sequence[Floats]) -> float:
    """Light around highlights, as a share of their height above what lies far from them."""
    import cv2

    shares = []
    for picture in pictures:
        unit = max(picture.shape[1] / 1024, 0.25)
        bright = (picture > _BRIGHT).astype(np.uint8)
        if not 0.0005 < float(bright.mean()) < 0.25:
            continue
        distance = cv2.distanceTransform(1 - bright, cv2.DIST_L2, 3) / unit
        steep = cv2.GaussianBlur(picture, (0, 0), 1.5 * unit)
        near, far = ((distance > a) & (distance < b) for a, b in ((_NEAR, 8), (_FAR, 2 * _FAR)))
        if near.sum() < 200 or far.sum() < 200:
            continue
        middle = (distance > 10) & (distance < 20)
        low = float(np.median(steep[far]))
        fall = float(np.median(steep[middle])) - low if middle.any() else 0.0
        shares.append(min(max(fall, 0.0) / max(_BRIGHT - low, 0.1), 1.0))
    return float(np.median(shares)) if shares else 0.0


def _generation(pictures: Sequence[Floats], known: dict[str, float]) -> float:
    """How much a picture looks copied: shadows and lights crushed together, edges soft, grain coarse; 0..1."""
    crushed = float(np.median([_crushed(picture) for picture in pictures]))
    soft = min(max((known.get("blur.sigma", 0.0) - 0.6) / 1.4, 0.0), 1.0) * known.get("confidence.blur", 0.0)
    coarse = min(max((known.get("grain.size", 0.0) - 1.6) / 2.0, 0.0), 1.0)
    coarse *= min(known.get("grain.sigma", 0.0) / 4, 1.0)
    return float(np.clip((crushed + soft + coarse) / 1.8, 0, 1)) if crushed + soft > 0.3 else 0.0


def _crushed(picture: Floats) -> float:
    """Share of the pixels that lie at the very ends of the scale the picture uses, 0 to 0.3 told as 0..1."""
    small: Any = picture[::2, ::2]
    low, high = np.quantile(small, (0.002, 0.998))
    span = float(high - low)
    if span < 0.3:
        return 0.0
    ends = float((small < low + 0.03 * span).mean() + (small > high - 0.03 * span).mean())
    return min(max(ends - 0.04, 0.0) / 0.3, 1.0)
