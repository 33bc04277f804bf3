"""How much steeper copying made the tones of a shot.

Pictures alone tell little of it: a scene may be harsh of itself. So the evidence asked for is what copies of copies
have and scenes seldom do: many pixels crowd near black *and* near white. Where it is weak nothing is told, which is to
say in most shots; of those that were copied once, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["MOST_CONTRAST", "contrast_of", "curve_of"]

MOST_CONTRAST: Final = 1.5
"""Told at most."""
_ENDS: Final = 0.07
"""Share of the tones at each end in which copies crowd."""
_USUAL: Final = 0.06
"""Share of the pixels of a scene that lies at the fuller, and half as much at the emptier of both ends, at most."""
_STEEP: Final = 2.2
"""How much steeper the tones are for each share of the pixels that crowds beyond that."""
_CURVES: Final = np.linspace(0.01, 3, 300)

type Floats = npt.NDArray[np.float32]


def contrast_of(frames: Floats | Iterable[Floats]) -> float:
    """Slope of the tones in the middle over what it was before copying; 1 where nothing is told.

    Args:
        frames: Luma, black 0 and white 1: ``[row, column]``, or several of them; they may have been made smaller.
    """
    pictures = [frames] if isinstance(frames, np.ndarray) and frames.ndim == 2 else list(frames)
    return float(np.median([_contrast(picture) for picture in pictures])) if pictures else 1.0


def curve_of(contrast: float) -> float:
    """The g of the tone curve tanh(g x) / tanh(g) from -1 to 1 with so steep a middle; 0 for one that is straight."""
    if contrast <= 1.005:
        return 0.0
    return float(np.interp(contrast, _CURVES / np.tanh(_CURVES), _CURVES))


def _contrast(picture: Floats) -> float:
    low, high = (float(np.mean(end)) for end in (picture < _ENDS, picture > 1 - _ENDS))
    crowd = min(max(low, high) - _USUAL, 2 * (min(low, high) - _USUAL / 2))
    return float(np.clip(1 + _STEEP * crowd, 1, MOST_CONTRAST))
