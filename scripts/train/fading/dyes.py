"""Another stock to learn from: what each colour of a scanner sees are bands, in which all three dyes absorb.

A dye takes its side absorption with it when it goes, and what takes its place absorbs a little more on its sides. Part
of the loss is the same for all layers, so thin ones lose most of their dye. A scanner sees the middle of a colour, its
edges, and a little of its neighbours; a stain falls off from blue to red. Each is a formula of its own, none is that of
`Film`, and none that of `SpectralFilm`, which is for tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._fade_colour import from_density, to_density

from .film import drawn_losses

__all__ = ["Dyes"]

type Floats = npt.NDArray[np.floating]

_BANDS = 9
"""Three of each colour, from red to blue."""
_ROUNDS = 4
_EVEN = 0.1


@dataclass(frozen=True)
class Dyes:
    """One reel of a stock.

    Attributes:
        fresh_bands: 3x9: what cyan, magenta and yellow absorb in each band.
        faded_bands: The same of what is left.
        seen_bands: 9x3: how much of each band red, green and blue of the scanner are.
        kept: Share of each dye that is left, but for what all layers lose.
        thin: Share that the thinnest layers of each dye lose besides.
        depth: Thick layers lose no more besides than ones of this density would at that share.
        stain: Density of the stain in each band.
        stray: Stray light, as a share of white.
        exposure: Of the scan, in density, for each colour.
        contrast: Of the print or dupe.
    """

    fresh_bands: Floats
    faded_bands: Floats
    seen_bands: Floats
    kept: Floats
    thin: Floats
    depth: float
    stain: Floats
    stray: float
    exposure: Floats
    contrast: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Dyes:
        """A stock by chance."""
        own, side = _bands(rng)
        seen = np.kron(np.eye(3), np.ones((3, 1))) * np.tile([1.0, 0, 1.0], 3)[:, None] * rng.uniform(0.1, 0.35, (9, 3))
        seen += np.kron(np.eye(3), np.array([[0.0], [1.0], [0.0]]))
        seen += rng.uniform(0, 0.02, (9, 3))
        seen /= seen.sum(0)
        stain = rng.uniform(0.01, 0.15) * rng.uniform(0.6, 0.85) ** np.arange(_BANDS)[::-1]
        exposure = rng.uniform(-0.08, 0.06) + rng.normal(0, 0.015, 3)
        if rng.random() < 0.3:  # whoever scanned it balanced the whites
            exposure = exposure - rng.uniform(0.4, 1) * (stain @ seen)
        return cls(
            own + side,
            own + side * rng.uniform(1.0, 1.3),
            seen,
            drawn_losses(rng),
            rng.uniform(0, 0.45) * rng.uniform(0.5, 1, 3) * (rng.random() >= _EVEN),
            float(np.exp(rng.uniform(np.log(0.2), np.log(1.5)))),
            stain,
            max(0.0, float(rng.uniform(-0.002, 0.002))),
            exposure,
            float(np.exp(rng.normal(0, 0.04))),
        )

    def fade(self, picture: Floats) -> Floats:
        """Pictures, (…, 3) from 0 to 1, as the scan of the faded reel shows them."""
        layers = self._laid(picture)
        thick = np.clip(layers, 0, None)
        gone = self.thin * (thick + self.depth - np.hypot(thick, self.depth))
        light = 10 ** -self._seen((self.kept * (layers - gone)).astype(picture.dtype), self.faded_bands, self.stain)
        seen = -np.log10((light + self.stray) / (1 + self.stray)) + self.exposure
        return np.asarray(np.clip(from_density(seen), 0, 1), picture.dtype)

    def fresh(self, picture: Floats) -> Floats:
        """Pictures as the print showed them when it was new: colours that its dyes cannot make are near to those."""
        seen = self._seen(self._laid(picture), self.fresh_bands)
        return np.asarray(np.clip(from_density((seen - 0.7) / self.contrast + 0.7), 0, 1), picture.dtype)

    def _laid(self, picture: Floats) -> Floats:
        """How thick the dyes lie, nearly: by rounds of what is still missing."""
        wanted = (to_density(picture) - 0.7) * self.contrast + 0.7
        through = np.linalg.inv(self.fresh_bands @ self.seen_bands).astype(picture.dtype)
        layers = wanted @ through
        for _ in range(_ROUNDS):
            layers = np.clip(layers + (wanted - self._seen(layers, self.fresh_bands)) @ through, -0.3, 4.5)
        return np.asarray(layers, picture.dtype)

    def _seen(self, layers: Floats, bands: Floats, stain: Floats | float = 0.0) -> Floats:
        light = 10 ** -(layers @ bands.astype(layers.dtype) + np.asarray(stain, layers.dtype))
        return np.asarray(-np.log10(light @ self.seen_bands.astype(layers.dtype)))


def _bands(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """What dyes absorb in their own colour, and on the sides: less, the farther."""
    own, side = np.zeros((3, _BANDS)), np.zeros((3, _BANDS))
    for dye in range(3):
        own[dye, 3 * dye : 3 * dye + 3] = rng.uniform(0.5, 1), 1.0, rng.uniform(0.5, 1)
        far = np.abs(np.arange(_BANDS) - (3 * dye + 1)) - 1.0
        for colour in {0, 1, 2} - {dye}:
            part = slice(3 * colour, 3 * colour + 3)
            side[dye, part] = rng.uniform(0.02, 0.18) * rng.uniform(0.75, 1) ** (far[part] - 1)
    return own, side
