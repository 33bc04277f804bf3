"""Detail of a face brought out: eyelashes, hair, skin. Nothing is invented: what is there gets more contrast.

Two bands of detail, as fine as the face's own blur, are lifted as far as they stand out from its noise; grain is
neither taken out nor lifted. No pixel goes far beyond what lies around it, so that edges get no halos.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from vsfilmrestore.inference.runtimes.base import Array

__all__ = ["detailed"]

_GAINS: Final = (1.0, 0.5)
"""How much the finer and the coarser band are lifted at full strength."""
_WINDOW: Final = 2.0
"""Sigma of the window over which signal is told from noise, in those of the band."""
_DOUBT: Final = 2.0
"""Detail is what has more than so many times the variance of noise; grain is coarser than noise that is measured."""
_BEYOND: Final = 0.15
"""How far beyond its surroundings a pixel may go, in their spread."""


def detailed(luma: Array, blur: float, noise: float) -> Array:
    """Luma with more detail.

    Args:
        luma: ``[height, width]``, 0..1.
        blur: Sigma of its blur in pixels.
        noise: Standard deviation of its noise, 0..1.
    """
    plane = np.ascontiguousarray(luma, np.float32)
    fine = float(np.clip(0.8 * blur, 0.6, 4.0))
    soft, softer = cv2.GaussianBlur(plane, (0, 0), fine), cv2.GaussianBlur(plane, (0, 0), 2 * fine)
    bands = (plane - soft, _left_of_one(fine)), (soft - softer, _left_of_two(fine, 2 * fine))
    made = plane.copy()
    for (band, share), gain in zip(bands, _GAINS, strict=True):
        power = cv2.GaussianBlur(band * band, (0, 0), _WINDOW * fine)
        doubt = _DOUBT * share * noise * noise
        made += gain * band * np.maximum(power - doubt, 0) / np.maximum(power, 1e-9)
    return _limited(plane, made, fine)


def _left_of_one(sigma: float) -> float:
    """Variance of white noise in a picture less its Gaussian blur."""
    return max(1 - 1 / (np.pi * sigma * sigma) + 1 / (4 * np.pi * sigma * sigma), 0.2)


def _left_of_two(one: float, two: float) -> float:
    """Variance of white noise in the difference of two blurs."""
    a, b = one * one, two * two
    return float((1 / a + 1 / b - 4 / (a + b)) / (4 * np.pi))


def _limited(plane: Array, made: Array, fine: float) -> Array:
    side = 2 * max(1, round(fine)) + 1
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    low, high = cv2.erode(plane, window), cv2.dilate(plane, window)
    beyond = _BEYOND * (high - low)
    return np.asarray(np.clip(made, low - beyond, high + beyond))
