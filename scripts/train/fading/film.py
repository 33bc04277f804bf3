"""A faded film stock: dyes lost, side absorptions, stain, curves and a scanner's view, drawn by a seed.

What a print shows is taken for densities of its three dyes; each fades by a share of its own, thin layers by more than
thick ones; what is left absorbs a little of the other colours, and a stain lies over all. The scanner sees part of each
colour where its dye is weaker, so less of thick layers, and a little stray light. Numbers follow what scans of real
prints show: red keeps 33 to 56 % of its density range where green and blue keep nearly all; about one reel in seven
goes blue instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._fade_colour import from_density, to_density
from vsfilmrestore.filters._fade_profile import bend

__all__ = ["Film", "Scanner", "drawn_losses"]

type Floats = npt.NDArray[np.floating]

_BLUE = 0.15
_MILD = 0.12
_EVEN = 0.25
"""Share of the stocks that fade alike where they are thin and thick."""
_LAYERS = np.linspace(-1, 6, 561)
"""How thick layers are looked up at, in density at the peak of their dye."""


@dataclass(frozen=True)
class Scanner:
    """What becomes of density as a scanner sees it.

    Attributes:
        broad: Share of each filter that lies where its dye is weaker.
        weaker: How much of its density a dye has there.
        stray: Stray light, as a share of white.
    """

    broad: Floats
    weaker: Floats
    stray: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Scanner:
        """A scanner by chance."""
        broad = np.clip(rng.uniform(0, 0.5) + rng.normal(0, 0.1, 3), 0, 0.6)
        weaker = np.clip(rng.uniform(0.6, 0.95) + rng.normal(0, 0.05, 3), 0.5, 1)
        return cls(broad, weaker, max(0.0, rng.uniform(-0.003, 0.003)))

    def layers(self, density: Floats) -> Floats:
        """How thick layers are that it sees as densities; without stray light."""
        seen = [np.interp(density[..., i], self._seen(_LAYERS, i), _LAYERS) for i in range(3)]
        return np.stack(seen, -1).astype(density.dtype)

    def sees(self, layers: Floats) -> Floats:
        """Densities of layers, with stray light."""
        seen = np.stack([self._seen(layers[..., i], i) for i in range(3)], -1)
        return -np.log10((10**-seen + self.stray) / (1 + self.stray)) if self.stray else seen

    def _seen(self, layers: Floats, colour: int) -> Floats:
        broad, weaker = float(self.broad[colour]), float(self.weaker[colour])
        return np.asarray(-np.log10((1 - broad) * 10**-layers + broad * 10 ** (-weaker * layers)))


@dataclass(frozen=True)
class Film:
    """One reel of a stock.

    Attributes:
        kept: Share of red, green and blue density that is left.
        crosstalk: 3x3: what each colour gains of the density of the others.
        stain: Density that lies over all.
        slopes: Slopes of the stock's curves, see `vsfilmrestore.filters._fade_profile.bend`.
        contrast: Of the print or dupe.
        exposure: Of the scan, in density, for each colour.
        field: Six numbers of a slow change over the picture: share of density and of stain.
        thin: Share that the thinnest layers of each dye lose besides.
        depth: How thick a layer is that loses a third of that.
        scanner: What sees it.
    """

    kept: Floats
    crosstalk: Floats
    stain: Floats
    slopes: Floats
    contrast: float
    exposure: Floats
    field: Floats
    thin: Floats
    depth: float
    scanner: Scanner

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Film:
        """A stock by chance."""
        kept = drawn_losses(rng)
        # Below 0: side absorption that went with a lost dye.
        crosstalk = rng.uniform(-0.06, 0.15, (3, 3)) * rng.random((3, 3)) * (1 - np.eye(3))
        stain = rng.uniform((0, 0, 0.02), (0.03, 0.10, 0.18)) * rng.uniform(0.3, 1)
        slopes = np.exp(rng.normal(0, 0.05, 4)[None] + rng.normal(0, 0.08, (3, 4)))
        exposure = rng.uniform(-0.08, 0.06) + rng.normal(0, 0.02, 3)
        if rng.random() < 0.4:  # whoever scanned it balanced the whites
            exposure = exposure - rng.uniform(0.4, 1) * stain
        contrast, field = float(np.exp(rng.normal(0, 0.05))), rng.normal(0, 0.015, 6)
        thin = rng.uniform(0, 0.3) * rng.uniform(0.5, 1, 3) * (rng.random() >= _EVEN)
        return cls(
            kept,
            crosstalk,
            stain,
            slopes,
            contrast,
            exposure,
            field,
            thin,
            float(rng.uniform(0.3, 1.2)),
            Scanner.drawn(rng),
        )

    def fade(self, picture: Floats) -> Floats:
        """Pictures, (…, height, width, 3) from 0 to 1 as displayed, as the scan of the faded reel shows them."""
        precise = picture.dtype
        density = bend((to_density(picture) - 0.7) * self.contrast + 0.7, self.slopes.astype(precise))
        layers = self.scanner.layers(density)
        layers = layers * (1 - self.thin.astype(precise) * np.exp(-np.clip(layers, 0, None) / self.depth))
        through = ((np.eye(3) + self.crosstalk) * self.kept).astype(precise)
        share, stain = self._field(*picture.shape[-3:-1])
        laid = (self.stain * (1 + 4 * stain)[..., None] + self.exposure).astype(precise)
        seen = self.scanner.sees(layers @ through.T * (1 + share).astype(precise)[..., None]) + laid
        return np.clip(from_density(seen), 0, 1).astype(precise)

    def fresh(self, picture: Floats) -> Floats:
        """Pictures as the print showed them when it was new."""
        return picture

    def _field(self, height: int, width: int) -> list[Floats]:
        y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
        a = self.field
        return [a[0] * x + a[1] * y + a[2] * (x * x + y * y - 0.7), a[3] * x + a[4] * y + a[5] * (x * x - 0.35)]


def drawn_losses(rng: np.random.Generator) -> Floats:
    """Share of red, green and blue density that is left."""
    blue = rng.random() < _BLUE
    kept = _blue(rng) if blue else _magenta(rng)
    return 1 - (1 - kept) * rng.uniform(0.2, 0.6) if rng.random() < _MILD else kept


def _magenta(rng: np.random.Generator) -> Floats:
    """The cyan dye goes first."""
    return np.array([rng.uniform(0.25, 0.85), rng.uniform(0.8, 1.0), rng.uniform(0.5, 1.0)])


def _blue(rng: np.random.Generator) -> Floats:
    """The yellow dye goes first."""
    return np.array([rng.uniform(0.8, 1.0), rng.uniform(0.8, 1.0), rng.uniform(0.35, 0.8)])
