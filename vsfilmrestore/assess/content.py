"""What a shot shows: motion, faces, whether it is drawn; and what kind of shot it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.assess.passing import FrameFacts
from vsfilmrestore.assess.samples import Sample
from vsfilmrestore.errors import VsfrError
from vsfilmrestore.filters._face_finder import FaceFinder, face_blur, face_finder

__all__ = ["drawn_of", "faces_of", "kind_of", "motion_of"]

type Floats = npt.NDArray[np.float32]

_STILL: Final = 0.12
"""Per cent of the width a frame: less is no motion."""
_PAN: Final = 0.15
_FAST: Final = 2.5
_SMALLEST_FACE: Final = 12.0
_SHARP, _SOFT = 0.8, 4.0
"""Blur, in pixels, of a face that shows all its detail, and of one that shows none."""

_BLACK: Final = 24.0
_WHITE: Final = 225.0
_FLAT: Final = 4.0
"""Spread of luma, 8-bit levels, of a picture that shows nothing."""


def motion_of(facts: Sequence[FrameFacts], width: int) -> dict[str, float | str]:
    """``motion``, ``motion.speed`` and ``motion.camera``; ``width`` of the small pictures in pixels."""
    told = [fact for fact in facts if fact.sure]
    if not told:
        fast = len(facts) > 2 and float(np.nanmedian([fact.fresh for fact in facts])) > 4
        return {"motion": "fast"} if fast else {}
    percent = 100 / width
    speed = float(np.quantile([fact.speed[0] for fact in told], 0.75)) * percent
    shifts = np.array([fact.shift[:2] for fact in told])
    camera = float(np.median(np.hypot(*_smooth(shifts).T))) * percent
    found: dict[str, float | str] = {"motion.speed": min(speed, 100.0), "motion.camera": min(camera, 100.0)}
    if len(told) < 0.5 * len(facts) or speed > _FAST:
        word = "fast"
    elif camera > _PAN:
        word = "pan"
    else:
        word = "still" if speed < _STILL else "some"
    return found | {"motion": word}


def _smooth(shifts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Means over seven frames: what goes to and fro is gone, what goes on stays."""
    if len(shifts) < 7:
        return np.asarray(shifts.mean(axis=0, keepdims=True))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(shifts, 7, axis=0).mean(axis=2))


@lru_cache(maxsize=1)
def _finder() -> FaceFinder | None:
    try:
        return face_finder()
    except VsfrError:
        return None


def faces_of(pictures: Sequence[Floats], scale: float) -> dict[str, float]:
    """``faces.*`` of a shot; nothing where this machine cannot find faces.

    Args:
        pictures: R'G'B' ``[row, column, colour]``.
        scale: Pixels of the source to one of theirs.
    """
    finder = _finder()
    if finder is None:
        return {}
    most, size, sharp = 0, 0.0, 0.0
    for picture in pictures:
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1))
        faces = finder(planes, _SMALLEST_FACE)
        most = max(most, len(faces))
        for face in faces:
            size = max(size, float(face.height) * scale)
            blur = face_blur(planes[1], face)
            sharp = max(sharp, float(np.clip((_SOFT - blur) / (_SOFT - _SHARP), 0, 1)))
    sure = 0.9 if finder.kind == "yunet" else 0.5
    return {"faces.number": float(most), "faces.size": size, "faces.sharpness": sharp, "confidence.faces": sure}


def drawn_of(pictures: Sequence[Floats], samples: Sequence[Sample], cadence: str) -> float:
    """How sure it is that pictures are drawn: large even areas, sharp lines, few tones; on twos speaks for it too."""
    told = [_drawn(picture) for picture in pictures]
    sure = float(np.median(told)) if told else 0.0
    return min(sure * (1.25 if cadence.startswith("on ") else 1.0), 1.0)


def _drawn(picture: Floats) -> float:
    """Share of the picture in areas of one colour, and how abruptly these end."""
    import cv2

    scale = 320 / max(picture.shape[:2])
    small: Any = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    small = cv2.medianBlur(np.rint(small * 255).astype(np.uint8), 3).astype(np.float32)
    step = np.hypot(*(cv2.Sobel(small, cv2.CV_32F, *way, scale=0.125) for way in ((1, 0), (0, 1)))).max(axis=2)
    if float(small.mean(axis=2).std()) < 12:
        return 0.0
    even = float((step < 1.5).mean())
    ramps = float(((step > 2) & (step < 7)).mean())
    edges = float((step > 12).mean())
    flat = np.clip((even - 0.45) / 0.3, 0, 1)
    abrupt = np.clip((edges / max(ramps, 1e-3) - 0.15) / 0.35, 0, 1)
    lively = np.clip(float((small.max(axis=2) - small.min(axis=2)).mean() - 18) / 30, 0, 1)
    return float(flat * abrupt * (0.4 + 0.6 * lively))


def kind_of(facts: Sequence[FrameFacts], pictures: Sequence[Floats]) -> str:
    """``kind``: what the shot shows."""
    mean = float(np.median([fact.average for fact in facts]))
    spread = 255 * float(np.median([fact.look.spread for fact in facts]))
    if spread < _FLAT and mean < _BLACK:
        return "black"
    if spread < _FLAT and mean > _WHITE:
        return "white"
    still = float(np.nanmedian([fact.ydif for fact in facts])) < 1.0 if len(facts) > 1 else True
    if pictures and still and all(_is_bars(picture) for picture in pictures):
        return "bars"
    if pictures and all(_is_countdown(picture) for picture in pictures):
        return "countdown"
    if spread < 1.5 * _FLAT and _blinks(facts):
        return "leader"
    if pictures and still and all(_is_title(picture) for picture in pictures):
        return "title"
    return "picture"


def _blinks(facts: Sequence[FrameFacts]) -> bool:
    """Whether levels jump from frame to frame, as the ends of a roll do."""
    return len(facts) > 4 and float(np.std(np.diff([fact.average for fact in facts]))) > 6


def _is_bars(picture: Floats) -> bool:
    """Colour bars: in the upper half every column is of one colour, there are five or more colours and sharp steps."""
    top = picture[picture.shape[0] // 10 : picture.shape[0] // 2]
    if float(top.std(axis=0).mean()) > 0.03:
        return False
    means = top.mean(axis=0)
    steps = np.abs(np.diff(means, axis=0)).max(axis=1)
    inside = float((steps > 0.08).mean())
    changes = int(((steps[1:] > 0.08) & (steps[:-1] <= 0.08)).sum())
    rich = float((means.max(axis=1) - means.min(axis=1)).mean())
    return inside < 0.15 and 4 <= changes <= 12 and rich > 0.25


def _is_countdown(picture: Floats) -> bool:
    """A countdown: circles about the middle of the frame, on an even ground."""
    import cv2

    grey = picture.mean(axis=2)
    height, width = grey.shape
    scale = 160 / width
    small = cv2.resize(grey, (160, max(round(height * scale), 1)), interpolation=cv2.INTER_AREA)
    edges = cv2.Canny(np.rint(small * 255).astype(np.uint8), 60, 160)
    rows, columns = edges.shape
    if not 0.005 < float((edges > 0).mean()) < 0.2:
        return False
    y, x = np.nonzero(edges)
    best = 0.0
    for dy in range(-4, 5, 2):
        for dx in range(-4, 5, 2):
            far = np.hypot(y - rows / 2 - dy, x - columns / 2 - dx)
            counts, places = np.histogram(far, bins=np.arange(rows * 0.22, rows * 0.5, 1.0))
            if counts.size:
                # A full circle has 2 pi r pixels, or two rims of as many.
                best = max(best, float((counts / (2 * np.pi * (places[:-1] + 0.5))).max()))
    return best > 0.6


def _is_title(picture: Floats) -> bool:
    """Writing on an even ground: two tones, the lighter or darker one in many small pieces in rows."""
    import cv2

    grey = picture.mean(axis=2)
    scale = 480 / grey.shape[1]
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tones = np.rint(small * 255).astype(np.uint8)
    _, mask = cv2.threshold(tones, 0, 255, cv2.THRESH_OTSU)
    share = float((mask > 0).mean())
    mask = mask if share < 0.5 else 255 - mask
    ground = tones[mask == 0]
    if not 0.005 < min(share, 1 - share) < 0.25 or float(ground.std()) > 16:
        return False
    if float(tones[mask > 0].mean()) - float(ground.mean()) < 45 and share < 0.5:
        return False
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    tall = stats[1:, cv2.CC_STAT_HEIGHT]
    letters = (tall >= 4) & (tall < 0.2 * len(small)) & (stats[1:, cv2.CC_STAT_WIDTH] < 0.2 * small.shape[1])
    return int(letters.sum()) >= 8 and float(stats[1:, cv2.CC_STAT_AREA][letters].sum()) > 0.6 * float((mask > 0).sum())
