"""How much evidence a speck of its kind needs."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Dose"]

type Reals = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]

_THIN: Final = 5.0
"""A hair is so many times longer than wide."""
_HAIR: Final = 8
"""Pixels; what is shorter is no hair."""


class Dose(NamedTuple):
    """Strengths by kind.

    Attributes:
        strength: How little evidence is enough, 0..1.
        sparkle: Share of it for bright specks.
        hair: Share of it for long thin ones.
        longest: Longest side of a speck in pixels.
        polarity: ``dark``, ``bright`` or ``both``.
    """

    strength: float
    sparkle: float
    hair: float
    longest: float
    polarity: str

    def of(self, light: Flags, length: Reals, area: Reals) -> Reals:
        """Strength for each speck; 0 for those that are to stay.

        Args:
            light: Whether it is brighter than what is beneath.
            length: Longest side of its box in pixels.
            area: Its pixels.
        """
        hair = (length >= _HAIR) & (length**2 >= _THIN * area)
        strength = self.strength * np.where(light, self.sparkle, 1.0) * np.where(hair, self.hair, 1.0)
        stays = length > self.longest
        if self.polarity != "both":
            stays |= light != (self.polarity == "bright")
        return np.where(stays, 0.0, strength)
