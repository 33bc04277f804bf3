"""Faded reels to learn from: statistics of their frames, and pixels before and after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._fade_colour import to_density
from vsfilmrestore.filters._fade_statistics import statistics_of

from .film import Film
from .reels import Sights, looked, thumb

__all__ = ["FRAMES", "make_lessons"]

FRAMES = 25
"""Frames of each reel."""
_PIXELS = 20
_UNFADED = 0.18
_GRAIN = 0.012


class Fades(Protocol):
    """A faded stock."""

    def fade(self, picture: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Pictures as the scan of the faded reel shows them."""

    def fresh(self, picture: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Pictures as the print showed them when it was new."""


type Lessons = dict[str, npt.NDArray[np.float32]]


def lesson(
    sights: Sights, seed: int, stock: Callable[[np.random.Generator], Fades] = Film.drawn
) -> tuple[Lessons, Any]:
    """One reel: `Statistics` of its frames, ``seen`` and ``wanted`` pixels of each, and whether it is faded."""
    rng = np.random.default_rng([seed, 11])
    clean = looked(rng, sights.reel(rng, FRAMES))
    film = None if rng.random() < _UNFADED else stock(rng)
    if film is None:
        faded = clean
    else:
        faded, clean = film.fade(clean), film.fresh(clean)
    grain = rng.standard_normal(faded.shape, np.float32) * np.float32(rng.uniform(0, _GRAIN))
    scanned = np.round(np.clip(faded + grain, 0, 1) * 255) / 255
    told = statistics_of(to_density(thumb(scanned).reshape(FRAMES, -1, 3)))
    small, truth = faded.reshape(FRAMES, -1, 3), clean.reshape(FRAMES, -1, 3)
    places = rng.integers(small.shape[1], size=_PIXELS)
    found = {name: value.astype(np.float32) for name, value in told._asdict().items()}
    found |= {"seen": small[:, places].astype(np.float32), "wanted": truth[:, places].astype(np.float32)}
    found["faded"] = np.float32(film is not None) * np.ones(1, np.float32)
    return found, film


def make_lessons(sights: Sights | None, count: int, first: int, file: Path | None = None) -> Lessons:
    """Many reels in a row; from the file if they are there already."""
    if file is not None and file.exists():
        with np.load(file) as held:
            return {name: held[name] for name in held.files}
    if sights is None:
        raise ValueError("pictures are needed where no lessons lie")
    each = [lesson(sights, first + i)[0] for i in range(count)]
    joined = {name: np.stack([one[name] for one in each]) for name in each[0]}
    if file is not None:
        part = file.with_suffix(".part.npz")
        np.savez(part, **joined)  # type: ignore[arg-type]
        part.replace(file)
    return joined
