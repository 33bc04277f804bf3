"""Faded reels to learn from: statistics of their frames, and pixels before and after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._fade_colour import delta_e, lab, to_density
from vsfilmrestore.filters._fade_statistics import statistics_of

from .dyes import Dyes
from .film import Film
from .reels import Sights, looked, thumb

__all__ = ["FRAMES", "LOOKED", "lesson", "make_lessons"]

FRAMES = 60
"""Frames of each reel."""
LOOKED = 40
"""Pixels of each frame that are looked at again."""
_PIXELS = 10
_OTHERS = 25
_UNFADED = 0.22
_NOTHING = 2.5
"""A fade of less CIEDE2000 is none."""
_GRAIN = 0.006


class Fades(Protocol):
    """A faded stock."""

    def fade(self, picture: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Pictures as the scan of the faded reel shows them."""

    def fresh(self, picture: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Pictures as the print showed them when it was new."""


def any_stock(rng: np.random.Generator) -> Fades:
    """A stock of one of the two simulators."""
    return (Film if rng.random() < 0.5 else Dyes).drawn(rng)


type Lessons = dict[str, npt.NDArray[np.float32]]


def lesson(sights: Sights, seed: int, stock: Callable[[np.random.Generator], Fades] = any_stock) -> tuple[Lessons, Any]:
    """One reel.

    Returns:
        `Statistics` of its frames; pixels of them to ``look`` at; pixels ``seen`` and ``wanted``, of the frames and of
        anything else on the same stock; whether it is ``faded``. And the stock.
    """
    rng = np.random.default_rng([seed, 11])
    reel, scene = sights.reel(rng, FRAMES)
    clean, others = looked(rng, thumb(reel), scene), sights.colours(rng, _OTHERS)
    film = None if rng.random() < _UNFADED else stock(rng)
    faded, others_faded = clean, others
    if film is not None:
        faded, clean, others_faded, others = film.fade(clean), film.fresh(clean), film.fade(others), film.fresh(others)
    grain = rng.standard_normal(faded.shape, np.float32) * np.float32(rng.uniform(0, _GRAIN))
    small = np.clip(faded + grain, 0, 1).reshape(FRAMES, -1, 3)
    told = statistics_of(to_density(small))
    places = rng.integers(faded[0].size // 3, size=_PIXELS)
    found = {name: value.astype(np.float32) for name, value in told._asdict().items()}
    found["look"] = _spread(rng, small).astype(np.float32)
    for name, frames, rest in (("seen", faded, others_faded), ("wanted", clean, others)):
        pixels = frames.reshape(FRAMES, -1, 3)[:, places].reshape(-1, 3)
        found[name] = np.concatenate([pixels, rest.reshape(-1, 3)]).astype(np.float32)
    far = delta_e(lab(np.clip(found["seen"], 0, 1)), lab(np.clip(found["wanted"], 0, 1))).mean()
    found["faded"] = np.full(1, far > _NOTHING, np.float32)
    return found, film


def _spread(rng: np.random.Generator, small: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Some pixels of each frame, one of each stretch from thin to dense, in any order."""
    order = np.argsort(small[..., 1], 1)
    stretch = rng.permuted(np.arange(LOOKED)[None].repeat(len(small), 0), axis=1)
    places = ((stretch + rng.random(stretch.shape)) * small.shape[1] / LOOKED).astype(int)
    picked = np.take_along_axis(order, places, 1)
    return np.take_along_axis(small, picked[..., None], 1)


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
