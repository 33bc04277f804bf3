"""Another fading, for tests alone: dyes as absorption spectra, a projector's light, a scanner's filters.

Nothing here is a matrix over densities. Three dyes with side absorptions of their own are laid so thick that the
unfaded print shows the picture exactly. Then each loses dye, thin layers a greater share of it than thick ones; its
absorption moves a little; a product of its decay stains the gelatine as a spectrum; the scanner's filters are broad.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._fade_colour import from_density, to_density

__all__ = ["SpectralFilm"]

type Floats = npt.NDArray[np.float64]

_WAVES = np.arange(400.0, 701.0, 10.0)
_THICKEST = 3.4


def _bell(centre: float, width: float) -> Floats:
    return np.exp(-0.5 * ((_WAVES - centre) / width) ** 2)


@dataclass(frozen=True)
class SpectralFilm:
    """One reel of a stock.

    Attributes:
        dyes: 3, waves: absorption of cyan, magenta and yellow when fresh, 1 at its peak.
        faded: The same of what is left.
        kept: Share of each dye that is left where it lies thick.
        thin: Exponent by which thin layers lose more; 1 for all alike.
        stain: Density of the stain over the waves.
        filters: 3, waves: what the scanner sees as red, green and blue; each sums to 1.
        exposure: Of the scan, in density.
    """

    dyes: Floats
    faded: Floats
    kept: Floats
    thin: float
    stain: Floats
    filters: Floats
    exposure: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> SpectralFilm:
        """A stock by chance."""
        moved = rng.normal(0, 6, 3)
        side = rng.uniform(0.03, 0.16, 4)
        dyes = _dyes(np.array([650.0, 545.0, 445.0]) + moved, rng.uniform(0.9, 1.1, 3), side)
        faded = _dyes(np.array([650.0, 545.0, 445.0]) + moved + rng.normal(0, 3, 3), np.ones(3), side * 1.15)
        kept = np.array([rng.uniform(0.28, 0.78), rng.uniform(0.82, 1.0), rng.uniform(0.55, 0.98)])
        if rng.random() < 0.15:
            kept = np.array([rng.uniform(0.82, 1.0), rng.uniform(0.85, 1.0), rng.uniform(0.4, 0.75)])
        stain = rng.uniform(0.02, 0.16) * np.exp(-(_WAVES - 400) / rng.uniform(60, 140))
        filters = np.stack([_bell(c, rng.uniform(14, 22)) for c in (640, 545, 455)])
        filters /= filters.sum(1, keepdims=True)
        return cls(dyes, faded, kept, float(rng.uniform(1, 1.12)), stain, filters, float(rng.uniform(-0.06, 0.05)))

    def fade(self, picture: npt.NDArray[np.floating]) -> Floats:
        """Pictures, (…, height, width, 3) from 0 to 1, as the scan of the faded reel shows them."""
        amounts = self._laid(to_density(np.asarray(picture, np.float64)).reshape(-1, 3))
        left = self.kept * amounts * (np.clip(amounts, 0, None) / 2 + 1e-3) ** (self.thin - 1)
        seen = self._seen(left, self.faded, self.stain) + self.exposure - self._seen(np.zeros((1, 3)), self.faded, 0)
        return np.clip(from_density(seen), 0, 1).reshape(picture.shape)

    def fresh(self, picture: npt.NDArray[np.floating]) -> Floats:
        """Pictures as the print showed them when it was new: colours that its dyes cannot make are near to those."""
        amounts = self._laid(to_density(np.asarray(picture, np.float64)).reshape(-1, 3))
        seen = self._seen(amounts, self.dyes, 0)
        return np.clip(from_density(seen), 0, 1).reshape(picture.shape)

    def _seen(self, amounts: Floats, dyes: Floats, stain: Floats | float) -> Floats:
        """Densities that the scanner sees through dyes."""
        light = 10 ** -(amounts @ dyes + stain)
        return -np.log10(np.clip(light @ self.filters.T, 1e-9, None))

    def _laid(self, density: Floats) -> Floats:
        """How thick the fresh dyes must lie to show densities: Newton's method on the scanner's own equations."""
        peak = self.filters @ self.dyes.T
        amounts = np.clip(density @ np.linalg.inv(peak).T, -0.2, _THICKEST)
        pairs = (self.filters[:, None] * self.dyes[None]).reshape(9, -1).T
        for _ in range(4):
            light = 10 ** -(amounts @ self.dyes)
            through = light @ self.filters.T
            wrong = -np.log10(through) - density
            slope = (light @ pairs).reshape(-1, 3, 3) / through[..., None]
            amounts = np.clip(amounts - np.linalg.solve(slope, wrong[..., None])[..., 0], -0.3, _THICKEST + 1)
        return amounts


def _dyes(peaks: Floats, widths: Floats, side: Floats) -> Floats:
    cyan = _bell(peaks[0], 48 * widths[0]) + side[0] * _bell(540, 50) + side[1] * _bell(430, 40)
    magenta = _bell(peaks[1], 34 * widths[1]) + side[2] * _bell(440, 40)
    yellow = _bell(peaks[2], 38 * widths[2]) + side[3] * 0.5 * _bell(545, 40)
    return np.stack([cyan, magenta, yellow])
