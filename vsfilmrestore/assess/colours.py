"""Colour of a shot: grey, tinted or in colour; what has faded; how a tape carries its colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.assess.samples import Sample, middle_of
from vsfilmrestore.filters._fade_estimate import estimate_fade, look_at

__all__ = ["colour_of", "fade_of", "looks_of", "tape_colour_of"]

type Floats = npt.NDArray[np.float32]

_GREY: Final = 1.6
"""Mean distance from neutral, 8-bit levels, up to which a picture is grey."""
_FREE: Final = 2.2
"""Spread of the colour, 8-bit levels, that brightness does not explain, up to which it is a tint."""
_BINS: Final = 12
_LOOK: Final = (40, 30)
_SPAN: Final = 6
"""Pixels to either side that the colour may stand off luma."""
_AREA: Final = 25
"""Samples across that the detail of the colour is compared with."""
_FAINT: Final = 0.3
_EDGES: Final = 3.0
"""Mean step of the colour, 8-bit levels, on its steepest places, that tells where it stands."""


def colour_of(samples: Sequence[Sample]) -> tuple[str, float]:
    """``colour`` and ``cast.size``: grey, tinted or colour, and how far the picture's grey is from neutral."""
    if len(samples[0].raw) < 3:
        return "grey", 0.0
    told = [_colour(sample) for sample in samples]
    far, free, cast = (float(np.median(each)) for each in zip(*told, strict=True))
    if far < _GREY:
        return "grey", cast
    return ("tinted" if free < _FREE else "colour"), cast


def _colour(sample: Sample) -> tuple[float, float, float]:
    """Mean distance from neutral; spread within bins of brightness; distance of what is least coloured."""
    u, v = (_small(plane) - 128 for plane in sample.raw[1:3])
    luma = _small(sample.raw[0], u.shape)
    far = np.hypot(u, v)
    order = np.argsort(luma.ravel())
    spread = []
    for part in np.array_split(order, _BINS):
        if len(part) > 8:
            spread.append(float(np.hypot(u.ravel()[part].std(), v.ravel()[part].std())))
    middle = (luma > np.quantile(luma, 0.2)) & (luma < np.quantile(luma, 0.95))
    cast = float(np.hypot(np.median(u[middle]), np.median(v[middle]))) if middle.any() else 0.0
    return float(far.mean()), float(np.median(spread)) if spread else 0.0, cast


def _small(plane: Floats, shape: tuple[int, ...] | None = None) -> Floats:
    import cv2

    height, width = shape or (min(96, plane.shape[0]), min(128, plane.shape[1]))
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def looks_of(pictures: Sequence[Floats]) -> list[Floats]:
    """Pictures as the estimate of fade sees them: `filters._fade_estimate.look_at`; too small ones are left out."""
    return [look_at(each) for each in pictures if each.shape[0] >= _LOOK[1] and each.shape[1] >= _LOOK[0]]


def fade_of(looks: Sequence[Floats]) -> dict[str, float | str]:
    """``fade.*`` and ``cast.intent`` of the shots of one reel, from the looks of all of them."""
    if not looks:
        return {}
    found = estimate_fade(looks)
    left = [1 - share for share in found.amounts]
    told: dict[str, float | str] = dict(zip(("fade.red", "fade.green", "fade.blue"), left, strict=True))
    told |= {"fade.delta_e": found.delta_e if found.faded else 0.0, "fade.confidence": found.confidence}
    return told | {"confidence.fade": found.confidence, "cast.intent": found.intent}


def tape_colour_of(samples: Sequence[Sample]) -> dict[str, float]:
    """``chroma.delay`` and ``chroma.bandwidth``: what analogue tape does to colour."""
    if len(samples[0].raw) < 3:
        return {}
    told = [each for each in map(_tape, samples) if each is not None]
    if not told:
        return {}
    delay, band = (float(np.median(each)) for each in zip(*told, strict=True))
    return {"chroma.delay": delay, "chroma.bandwidth": band}


def _tape(sample: Sample) -> tuple[float, float] | None:
    import cv2

    chroma = [middle_of(plane) for plane in sample.raw[1:3]]
    height, width = chroma[0].shape
    whole = middle_of(sample.raw[0])
    luma = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    ratio = sample.raw[0].shape[1] / sample.raw[1].shape[1]
    edges = [_steps(np.asarray(each)) for each in (luma, *chroma)]
    colour = np.maximum(edges[1], edges[2])
    steep = colour > max(float(np.quantile(colour, 0.97)), 0.5)
    if steep.sum() < 200 or float(colour[steep].mean()) < _EDGES:
        return None
    return _delay(edges[0], colour) * ratio, _bandwidth(np.asarray(luma, np.float32), chroma)


def _steps(plane: Floats) -> Floats:
    import cv2

    return np.abs(np.asarray(cv2.Sobel(cv2.GaussianBlur(plane, (0, 0), 1.0), cv2.CV_32F, 1, 0, scale=0.125)))


def _delay(luma: Floats, colour: Floats) -> float:
    """By how many samples the edges of the colour stand to the right of those of luma; 0 where they do not match."""
    inner = slice(_SPAN, -_SPAN)
    if colour.shape[1] < 4 * _SPAN:
        return 0.0
    want = luma[:, inner] - luma[:, inner].mean()
    fits = []
    for shift in range(-_SPAN, _SPAN + 1):
        seen = np.roll(colour, -shift, axis=1)[:, inner]
        seen = seen - seen.mean()
        fits.append(float((want * seen).sum() / (np.linalg.norm(want) * np.linalg.norm(seen) + 1e-9)))
    best = int(np.argmax(fits))
    if fits[best] < 0.25 or not 0 < best < 2 * _SPAN:
        return 0.0
    low, top, high = fits[best - 1 : best + 2]
    bend = low - 2 * top + high
    return best - _SPAN + (0.5 * (low - high) / bend if bend < 0 else 0.0)


def _bandwidth(luma: Floats, chroma: Sequence[Floats]) -> float:
    """How fine the detail of the colour is across, against that of luma: 1 as fine, tape about a third."""
    fine = _fineness(luma)
    return float(np.clip(max(map(_fineness, chroma)) / max(fine, 1e-6), 0, 1))


def _fineness(plane: Floats) -> float:
    """Steps from sample to sample against how far the samples lie from their surroundings, both rms."""
    import cv2

    calm = cv2.GaussianBlur(plane, (0, 0), sigmaX=0.5, sigmaY=1.5)
    local = calm - cv2.blur(calm, (_AREA, 1))
    power = float(np.sqrt((local**2).mean()))
    return float(np.sqrt((np.diff(calm, axis=1) ** 2).mean())) / power if power > _FAINT else 0.0
