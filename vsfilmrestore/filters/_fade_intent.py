"""Casts that may be wanted: tinted silents, nights, sunsets, drawings. They are recognised and left.

Fade is told from these by what dyes do: a faded dye is thin everywhere, in blacks most of all. Light of a low sun or
of the moon colours what it falls on and leaves blacks black.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._fade_colour import lab
from vsfilmrestore.filters._fade_statistics import Statistics

__all__ = ["Intent", "Signs", "intent_of", "signs_of"]

_HUES: Final = 24
_CELL: Final = 10.0
_FEW: Final = 6
_DARK: Final = 18.0
_SAME: Final = 0.5

type Intent = Literal["none", "monochrome", "tinted", "night", "sunset", "drawn"]
type Floats = npt.NDArray[np.float64]


class Signs(NamedTuple):
    """What speaks for a cast that is wanted; medians over the frames."""

    chroma: float
    """95th percentile of the chroma (CIE Lab)."""
    free: float
    """Density by which red and blue vary where green does not: 0 where a picture has one hue."""
    hue: float
    """How far its colours have one hue: 1 for one, 0 for all alike."""
    dark: float
    """Share of the pixels that are nearly black."""
    flat: float
    """Share of the pixels that have one of the six commonest colours."""
    smooth: float
    """Share of the places whose right neighbour has the same colour."""
    warm: tuple[float, float]
    """Light in red over that in green, and over that in blue."""
    red_blacks: float
    """How dense blacks are in red over how dense they are in green: well below 1 where the cyan dye has faded."""


def signs_of(pictures: Floats, told: Statistics) -> Signs:
    """Measure what casts are recognised by.

    Args:
        pictures: n, height, width, 3, from 0 to 1.
        told: Statistics of their densities.
    """
    colours = lab(np.clip(pictures, 0, 1))
    light = (np.clip(pictures, 0, 1) ** 2.2).mean((1, 2)) + 1e-4
    blacks = told.quantiles[:, -1]
    chroma = np.hypot(colours[..., 1], colours[..., 2])
    return Signs(
        float(np.median(np.quantile(chroma, 0.95, axis=(1, 2)))),
        float(np.median(_free(told))),
        float(np.median(np.hypot(*colours[..., 1:].sum((1, 2)).T) / (chroma.sum((1, 2)) + 1e-6))),
        float(np.median((colours[..., 0] < _DARK).mean((1, 2)))),
        float(np.median([_common(each) for each in colours])),
        float(np.median([_smooth(each) for each in colours])),
        (float(np.median(light[:, 0] / light[:, 1])), float(np.median(light[:, 0] / light[:, 2]))),
        float(np.median(blacks[:, 0] / np.maximum(blacks[:, 1], 0.1))),
    )


def _free(told: Statistics) -> Floats:
    """Root of the variance of red and blue that green does not explain, within bands of green; for each frame."""
    green = told.scatter[..., 1, 1] + 1e-6
    left = [told.scatter[..., i, i] - told.scatter[..., i, 1] ** 2 / green for i in (0, 2)]
    return np.asarray(np.sqrt(np.clip(left[0] + left[1], 0, None).mean(1)))


def _common(colours: Floats) -> float:
    cells = np.round(colours.reshape(-1, 3) / _CELL).astype(int)
    _, counts = np.unique(cells, axis=0, return_counts=True)
    return float(np.sort(counts)[-_FEW:].sum() / len(cells))


def _smooth(colours: Floats) -> float:
    return float((np.abs(np.diff(colours, axis=1)).max(-1) < _SAME).mean())


_GREY: Final = 4.0
_FREE: Final = 0.045
_ONE_HUE: Final = 0.93
_NIGHT: Final = 0.7
_FLAT: Final = 0.85
_SMOOTH: Final = 0.6
_OVER_GREEN, _OVER_BLUE, _BLACK = 1.35, 2.4, 0.85


def intent_of(signs: Signs) -> tuple[Intent, str]:
    """What cast the signs speak for, and why; ``none`` and '' for none."""
    if signs.chroma < _GREY:
        return "monochrome", "the picture has no colours"
    if signs.dark > _NIGHT:
        return "night", f"{signs.dark:.0%} of the picture are nearly black"
    if signs.free < _FREE and signs.hue > _ONE_HUE:
        return "tinted", "all tones have one hue, as of a tinted or toned print"
    if signs.flat > _FLAT and signs.smooth > _SMOOTH:
        return "drawn", f"{signs.flat:.0%} of the picture are six flat colours, as in a drawing"
    if signs.warm[0] > _OVER_GREEN and signs.warm[1] > _OVER_BLUE and signs.red_blacks > _BLACK:
        return "sunset", "its light is warm and its blacks are dense in red, as in a low sun or by a fire"
    return "none", ""
