"""What a trained network makes of reels it never saw."""

from __future__ import annotations

from enum import Enum

import numpy as np
import torch

from .course import answers, errors
from .dyes import Dyes
from .film import Film
from .lessons import FRAMES, lesson
from .network import Reader
from .reels import Sights
from .spectral import SpectralFilm

__all__ = ["Stock", "told"]


class Stock(Enum):
    """Simulators of fade."""

    FILM = "film"
    DYES = "dyes"
    SPECTRAL = "spectral"

    def drawn(self, rng: np.random.Generator) -> Film | Dyes | SpectralFilm:
        """A stock by chance."""
        return _FAMILIES[self].drawn(rng)


_FAMILIES: dict[Stock, type[Film | Dyes | SpectralFilm]] = {
    Stock.FILM: Film,
    Stock.DYES: Dyes,
    Stock.SPECTRAL: SpectralFilm,
}


def told(net: Reader, sights: Sights, stock: Stock, first: int, reels: int) -> str:
    """A line: CIEDE2000 left by 1, 4, 25 and all frames of each reel."""
    each = [lesson(sights, first + i, stock.drawn)[0] for i in range(reels)]
    lessons = {name: torch.from_numpy(np.stack([one[name] for one in each])) for name in each[0]}
    faded = lessons["faded"][:, 0] > 0
    said = []
    with torch.no_grad():
        for frames in (1, 4, 25, FRAMES):
            solved = answers(net, lessons, torch.arange(reels), torch.arange(frames))[-1]
            off = errors(solved, lessons, torch.arange(reels)).mean(1)
            said.append(f"{frames} frames {off[faded].mean():.2f} (unfaded {off[~faded].mean():.2f})")
    return f"{stock.value}, pictures held back: CIEDE2000 left by " + ", ".join(said)
