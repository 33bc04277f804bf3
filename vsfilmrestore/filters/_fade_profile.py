"""What undoes a fade: one matrix over densities and a curve for each colour, as numbers and as text.

Dyes that fade unevenly take a share of each layer's density away, and what is left absorbs a little of every colour;
both is undone by a matrix of 3x3 with an offset (3x4) over densities, what bends on top of it by curves that always
rise. The same few numbers hold for a whole reel, so they can be measured once and told to each shot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters._fade_colour import from_density, to_density

__all__ = ["BEND", "IDENTITY", "KNOTS", "NUMBERS", "FadeProfile", "bend", "corrected", "read_profile"]

KNOTS: Final = (0.25, 0.8, 1.6)
"""Densities at which a curve may change its slope."""
BEND: Final = 0.15
"""How far around a knot the slope changes, in density."""
NUMBERS: Final = 24
"""Numbers of a profile: rows of the matrix, each with its offset (12), slopes of the curves (3 times 4)."""

_FORM: Final = "fade1"
_MOST_GAIN: Final = 12.0
_MOST_OFFSET: Final = 3.0
_SLOPES: Final = (0.2, 5.0)

type Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FadeProfile:
    """A correction in density, the same for all pixels.

    Attributes:
        matrix: Three rows of four numbers: new density = row[:3] · density + row[3].
        slopes: Three rows of four: slope of the colour's curve below, between and above `KNOTS`; all above 0.
    """

    matrix: tuple[tuple[float, ...], ...]
    slopes: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, numbers: npt.ArrayLike) -> FadeProfile:
        """From its 24 numbers."""
        flat = np.asarray(numbers, np.float64).reshape(2, 3, 4)
        matrix, slopes = (tuple(tuple(float(v) for v in row) for row in part) for part in flat)
        return cls(matrix, slopes)

    @property
    def numbers(self) -> Floats:
        """Its 24 numbers in a row."""
        return np.array([*self.matrix, *self.slopes], np.float64).ravel()

    @property
    def text(self) -> str:
        """What the setting ``profile`` takes: ``fade1:1.91,0.02,…``, five digits a number."""
        return f"{_FORM}:" + ",".join(f"{number:.5g}" for number in self.numbers)

    def apply(self, picture: npt.NDArray[Any]) -> Floats:
        """A picture, display-like from 0 to 1, its last axis red, green and blue; corrected, unclipped above."""
        flat = self.numbers.reshape(2, 3, 4)
        colours = np.asarray(picture, np.float64)
        return np.asarray(corrected(colours.reshape(-1, 3), flat[0], flat[1])).reshape(colours.shape)


def corrected(picture: Any, matrix: Any, slopes: Any, xp: Any = np) -> Any:
    """The correction in numpy or torch; matrix and slopes of (..., 3, 4) go with pictures of (..., n, 3)."""
    density = to_density(picture, xp)
    density = xp.matmul(density, xp.swapaxes(matrix[..., :3], -1, -2)) + matrix[..., None, :, 3]
    return from_density(bend(density, slopes[..., None, :, :], xp), xp)


def bend(density: Any, slopes: Any, xp: Any = np) -> Any:
    """The curves: they go through 0 and change their slope softly at `KNOTS`."""
    bent = density * slopes[..., 0]
    for i, knot in enumerate(KNOTS):
        start = (math.sqrt(knot * knot + BEND * BEND) - knot) / 2
        over = density - knot
        hinge = (over + xp.sqrt(over * over + BEND * BEND)) / 2 - start
        bent = bent + (slopes[..., i + 1] - slopes[..., i]) * hinge
    return bent


IDENTITY: Final = FadeProfile.of([*np.eye(3, 4).ravel(), *np.ones(12)])
"""Leaves all colours as they are."""


def read_profile(text: str) -> FadeProfile:
    """The profile that `FadeProfile.text` wrote.

    Raises:
        UsageError: It is none, or its numbers are not those of a correction.
    """
    head, _, tail = text.strip().partition(":")
    try:
        numbers = [float(word) for word in tail.replace(";", ",").split(",")]
    except ValueError:
        numbers = []
    if head != _FORM or len(numbers) != NUMBERS:
        raise UsageError(
            f"profile must be '{_FORM}:' and {NUMBERS} numbers with commas between them, not {text[:40]!r}",
            hint="'vsfilmrestore fade INPUT' measures one",
        )
    profile = FadeProfile.of(numbers)
    if not _sound(profile.numbers.reshape(2, 3, 4)):
        raise UsageError("profile holds numbers that no correction of fade has", hint="Measure it again")
    return profile


def _sound(parts: Floats) -> bool:
    matrix, slopes = parts
    if not np.isfinite(parts).all() or np.abs(matrix[:, :3]).max() > _MOST_GAIN:
        return False
    within = _SLOPES[0] <= slopes.min() and slopes.max() <= _SLOPES[1]
    return bool(within and np.abs(matrix[:, 3]).max() <= _MOST_OFFSET and np.linalg.det(matrix[:, :3]) > 1e-3)
