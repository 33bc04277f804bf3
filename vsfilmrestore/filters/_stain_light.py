"""What stains do to light, as something that adds up.

A dark stain multiplies the light of the picture, a bright one covers part of it with white: it multiplies the distance
to white, in linear light. Either is a sum in the logarithm.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._exposure import BLACK

__all__ = ["GAMMA", "density", "light_of"]

type Array = npt.NDArray[Any]

GAMMA: Final = 2.2
"""Of the display: linear light is a sample to its power."""


def density(values: Array, bright: bool) -> Array:
    """What adds up: the logarithm of light, or of the distance to white in linear light."""
    import cv2  # on first use: it is large, and a plan needs none of it

    shown = np.maximum(np.asarray(values, np.float32), 0)
    light = np.maximum(1 - cv2.pow(shown, GAMMA).reshape(shown.shape), 0) if bright else shown
    return np.asarray(cv2.log(light + np.float32(BLACK)), np.float32).reshape(shown.shape)


def light_of(values: Array, bright: bool) -> Array:
    """The way back from `density`."""
    light = np.exp(values) - np.float32(BLACK)
    return np.asarray(np.clip(1 - light, 0, 1) ** (1 / GAMMA) if bright else light, np.float32)
