"""Colour as fade needs it: densities of a display-like picture, and how far two colours are apart to the eye.

Written once for two libraries: ``xp`` is numpy, or torch where a training wants the slopes as well.

Sources: G. Sharma, W. Wu, E. Dalal, "The CIEDE2000 color-difference formula", Color Research and Application 30
(2005); IEC 61966-2-1 for the matrix to XYZ (D65).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

__all__ = ["DARKEST", "GAMMA", "delta_e", "from_density", "lab", "to_density"]

GAMMA: Final = 2.2
"""Exponent from display values to light: what a display-like curve is near to, with no linear toe to divide by."""
DARKEST: Final = 0.002
"""Light that is added before the logarithm: film and scanners see none darker (density 2.7)."""

_TO_XYZ: Final = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_WHITE: Final = (0.95047, 1.0, 1.08883)
_TINY: Final = 1e-9
_BRIGHTEST: Final = 2.0
"""Hundred times white."""

type Array = Any
"""Of numpy or of torch; the last axis holds the three colours."""


def to_density(picture: Array, xp: Any = np) -> Array:
    """Density of a display-like picture: 0 for white, 2.7 for no light at all; below 0 above white."""
    light = xp.clip(picture, 0.0, None) ** GAMMA
    return -xp.log10((light + DARKEST) / (1 + DARKEST))


def from_density(density: Array, xp: Any = np) -> Array:
    """The inverse of `to_density`."""
    light = (1 + DARKEST) * 10 ** xp.clip(-density, None, _BRIGHTEST) - DARKEST
    return xp.clip(light, 1e-12, None) ** (1 / GAMMA)


def lab(picture: Array, xp: Any = np) -> Array:
    """CIE L*a*b* (D65) of a picture from 0 to 1, read as sRGB."""
    curved = ((xp.clip(picture, 0.04045, None) + 0.055) / 1.055) ** 2.4
    light = xp.where(picture <= 0.04045, picture / 12.92, curved)
    r, g, b = (light[..., i] for i in range(3))
    scaled = [(m[0] * r + m[1] * g + m[2] * b) / w for m, w in zip(_TO_XYZ, _WHITE, strict=True)]
    edge = 6 / 29
    x, y, z = (xp.where(v > edge**3, xp.clip(v, edge**3, None) ** (1 / 3), v / (3 * edge**2) + 4 / 29) for v in scaled)
    return xp.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def delta_e(first: Array, second: Array, xp: Any = np) -> Array:
    """CIEDE2000 between pictures of L*a*b* values; one number less on the last axis."""
    l1, a1, b1 = (first[..., i] for i in range(3))
    l2, a2, b2 = (second[..., i] for i in range(3))
    chroma = (_length(a1, b1, xp) + _length(a2, b2, xp)) / 2
    seventh = chroma**7
    grow = 1.5 - 0.5 * xp.sqrt(seventh / (seventh + 25.0**7) + _TINY)
    a1, a2 = a1 * grow, a2 * grow
    c1, c2 = _length(a1, b1, xp), _length(a2, b2, xp)
    h1, h2 = _hue(a1, b1, xp), _hue(a2, b2, xp)
    turn = h2 - h1
    turn = turn - 2 * math.pi * xp.round(turn / (2 * math.pi))
    middle = h1 + turn / 2  # a hue counts modulo a turn
    dl, dc, dh = l2 - l1, c2 - c1, 2 * xp.sqrt(c1 * c2 + _TINY) * xp.sin(turn / 2)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    weight = (
        1
        - 0.17 * xp.cos(middle - math.pi / 6)
        + 0.24 * xp.cos(2 * middle)
        + 0.32 * xp.cos(3 * middle + math.pi / 30)
        - 0.20 * xp.cos(4 * middle - 63 * math.pi / 180)
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / xp.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * weight
    degrees = xp.where(middle < 0, middle + 2 * math.pi, middle) * (180 / math.pi)
    rotation = (math.pi / 3) * xp.exp(-(((degrees - 275) / 25) ** 2))
    seventh = mean_c**7
    both = -2 * xp.sqrt(seventh / (seventh + 25.0**7) + _TINY) * xp.sin(rotation)
    l_, c_, h_ = dl / s_l, dc / s_c, dh / s_h
    return xp.sqrt(xp.clip(l_**2 + c_**2 + h_**2 + both * c_ * h_, 0.0, None) + _TINY)


def _length(a: Array, b: Array, xp: Any) -> Array:
    return xp.sqrt(a * a + b * b + _TINY)


def _hue(a: Array, b: Array, xp: Any) -> Array:
    """Angle; a grey has one too, so that slopes stay finite."""
    return xp.arctan2(b, xp.where(xp.abs(a) + xp.abs(b) < 1e-4, a + 1e-4, a))
