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
_GLOW: Final = 6.0
"""Reach of halation, in pixels of a picture 1024 wide: a Gaussian's sigma."""
_AROUND: Final = 2.5
"""Its surroundings, that much wider."""
_LIGHT: Final = 0.75
"""Luma from which on light comes back from the base,"""
_SHADE: Final = 0.6
"""and up to which it can be seen beside it."""
_LIT: Final = 0.03
_RED_OVER_GREEN: Final = 0.65
"""How much more of the light comes back in red than in green: halation is red first."""
_FEWEST: Final = 60
_RED, _GREEN = 1.5748 + 0.4681, 0.1873
"""Red less green, of the colour differences (ITU-R BT.709)."""
_GREY: Final = 0.004
"""Mean of the colour differences up to which a picture is grey."""
_CLEAR: Final = 0.3
"""Uncertainty of the share from which on a picture tells nothing."""
_ALIKE: Final = 25
"""Pixels beside one another that tell no more than one."""
_SAME: Final = 0.25
"""Levels by which frames that are copies of one another differ."""


def material_of(runs: Sequence[Sequence[Sample]], borders: Borders) -> dict[str, float]:
    """``grain.*``, ``blur.sigma``, ``halation``, ``generation`` and their confidences."""
    found: dict[str, float] = {}
    inner = [[borders.within(sample.luma) for sample in run] for run in runs]
    if min(inner[0][0].shape) < _SMALLEST:
        return found
    found |= _grain(runs, inner)
    blur = blur_of([middle_of(run[len(run) // 2]) for run in inner])
    found |= {"blur.sigma": blur.sigma, "confidence.blur": blur.confidence}
    middles = [run[len(run) // 2] for run in inner]
    found["halation"] = _halation([run[len(run) // 2] for run in runs])
    found["generation"] = _generation(middles, found)
    return found


def _grain(runs: Sequence[Sequence[Sample]], inner: Sequence[Sequence[Floats]]) -> dict[str, float]:
    luma, chroma = GrainMeter("grey"), 0.0
    groups = 0
    for run, lumas in zip(runs, inner, strict=True):
        parts = [middle_of(each).clip(0, 1) for each in lumas]
        moving = [part for n, part in enumerate(parts) if n == len(parts) // 2 or _apart(part, parts[len(parts) // 2])]
        if len(moving) < 2:
            continue
        luma.add([[part] for part in moving])
        chroma = max(chroma, _chroma_noise(run))
        groups += 1
    if not groups:
        return {"confidence.grain": 0.0}
    told: GrainSignature = luma.signature()
    sure = min(0.4 + 0.2 * groups, 1.0)
    return {"grain.sigma": told.sigma, "grain.size": told.size, "grain.chroma": chroma, "confidence.grain": sure}


def _apart(a: Floats, b: Floats) -> bool:
    return float(np.abs(a[::4, ::4] - b[::4, ::4]).mean()) * 255 > _SAME / 4


def _chroma_noise(run: Sequence[Sample]) -> float:
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


def _halation(samples: Sequence[Sample]) -> float:
    """Red light around highlights, as a share of theirs; 0 of grey pictures, where nothing tells it from the scene.

    What is redder beside a highlight than a little farther off, in proportion to the light that reaches it and apart
    from what is lighter there.
    """
    shares = [share for share in map(_red_light, samples) if share is not None]
    return float(np.clip(np.median(shares), 0, 1)) if shares else 0.0


def _red_light(sample: Sample) -> float | None:
    import cv2

    if len(sample.raw) < 3:
        return None
    blue, red = ((middle_of(plane) - 128) / np.float32(224) for plane in sample.raw[1:3])
    if float(np.abs(red).mean() + np.abs(blue).mean()) < _GREY:
        return None
    height, width = red.shape
    luma = cv2.resize(middle_of(sample.luma), (width, height), interpolation=cv2.INTER_AREA)
    light = np.clip((luma - _LIGHT) * 4, 0, 1)
    sigma = _GLOW * sample.luma.shape[1] / 1024 * width / middle_of(sample.luma).shape[1]
    glow = cv2.GaussianBlur(light, (0, 0), sigma)
    shade = (luma < _SHADE).astype(np.float32)
    near = (shade > 0) & (glow > _LIT)
    if int(near.sum()) < _FEWEST:
        return None
    around = np.maximum(cv2.GaussianBlur(shade, (0, 0), _AROUND * sigma), 1e-3)
    parts = (glow * (1 - luma), luma, _RED * red + _GREEN * blue)
    beyond = [(part - cv2.GaussianBlur(part * shade, (0, 0), _AROUND * sigma) / around)[near] for part in parts]
    return _share_of(*beyond)


def _share_of(glow: Floats, luma: Floats, redness: Floats) -> float | None:
    """By how much the picture is redder where the glow is, for one that is no lighter; None where that is unsure."""
    sides: Any = np.stack([glow, luma], axis=1)
    share, *_ = np.linalg.lstsq(sides, redness, rcond=None)
    left = redness - sides @ share
    free = glow - luma * float(glow @ luma) / max(float(luma @ luma), 1e-9)
    error = (float((left * left).mean()) * _ALIKE / max(float(free @ free), 1e-9)) ** 0.5
    return float(share[0]) / _RED_OVER_GREEN if error < _CLEAR else None


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
