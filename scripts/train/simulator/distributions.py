"""What may be drawn: the ranges of all twelve stages, and the distributions of training and of testing.

Numbers in pixels are those of 35 mm film scanned 2048 wide (10.7 um to a pixel) and are scaled by the film;
areas and lengths of dirt are in um, fitted to ten annotated scans of 36 x 24 mm at 7 um.
"""

from __future__ import annotations

from dataclasses import dataclass

from .chance import EVEN, ODD, Comb, Range

__all__ = [
    "BENCH",
    "CLASSES",
    "DISTRIBUTIONS",
    "OTHER",
    "RANGES",
    "SPECKS",
    "STAGES",
    "TRAIN",
    "Distribution",
    "Specks",
]

CLASSES = ("dirt", "sparkle", "hair", "stain", "scratch", "wire", "tear", "splice", "missing", "dropout")
"""Order of the masks. dirt is dark, sparkle bright (dirt on the negative); dropout is of tape."""

STAGES = (
    "weave",
    "flicker",
    "optics",
    "fade",
    "grain",
    "dirt",
    "lines",
    "wires",
    "stains",
    "breaks",
    "video",
    "scanner",
)

RANGES = {
    "weave": Range(0.3, 1.5),
    "roll": Range(0.02, 0.2),
    "flicker": Range(0.01, 0.06),
    "flicker gamma": Range(0.002, 0.03),
    "flicker field": Range(0.0, 0.03),
    "vignette": Range(0.0, 0.25),
    "softness": Range(0.4, 1.8),
    "halation": Range(0.02, 0.15),
    "generation contrast": Range(1.1, 1.3),
    "fade red": Range(0.25, 0.85),
    "fade green": Range(0.8, 1.0),
    "fade blue": Range(0.5, 1.0),
    "fade crosstalk": Range(0.0, 0.15),
    "grain": Range(2 / 255, 18 / 255, log=True),
    "grain size": Range(0.5, 1.4),
    "severity": Range(0.02, 1.0, log=True),
    "dirt size": Range(0.75, 2.2, log=True),
    "dirt edge": Range(0.4, 1.2),
    "dirt depth": Range(0.4, 1.0),
    "clustering": Range(0.2, 1.6),
    "white share": Range(0.05, 0.9),
    "line width": Range(0.8, 4.0, log=True),
    "line depth": Range(0.05, 0.4),
    "line jitter": Range(0.3, 1.5),
    "wire width": Range(1.0, 6.0, log=True),
    "wire depth": Range(0.05, 0.5),
    "stain size": Range(0.1, 0.4),
    "stain depth": Range(0.05, 0.4),
    "tear height": Range(0.05, 0.6),
    "jump": Range(2.0, 20.0, log=True),
    "compression": Range(0.25, 3.0, log=True),
    "chroma width": Range(1.0, 4.0),
}
"""One value for each sample."""


@dataclass(frozen=True)
class Specks:
    """One kind of small damage: how many to a mm2 at severity 1, how many shares of it, and its gamma fit."""

    per_mm2: float
    gathering: float
    shape: float
    scale: float
    by_area: bool
    """Sizes are areas in um2, or else lengths in um."""
    opacity: tuple[float, float] = (0.3, 1.0)
    steady: float = 0.0
    """Share that stays for the whole shot: what hangs in the gate."""


SPECKS = {
    "dust": Specks(0.92, 2.16, 6.14, 10.9 * 49, True),
    "dirt": Specks(0.326, 2.77, 2.31, 70.9 * 49, True),
    "hair-short": Specks(0.162, 4.61, 3.4, 12.7 * 7, False),
    "hair-long": Specks(0.048, 4.0, 4.3, 28.0 * 7, False, steady=0.1),
}


@dataclass(frozen=True)
class Distribution:
    """A named way to draw damage.

    Args:
        comb: Which values of the ranges it draws; combs of training and of testing do not touch.
        shapes: "scans" (real overlays, "ragged" where there are none), "ragged" or "jagged" (drawn ones).
        half: Which half of the files of overlays it takes.
        chances: How probable each class is.
    """

    name: str
    comb: Comb
    shapes: str
    half: int
    chances: tuple[float, ...] = (0.8, 0.5, 0.5, 0.25, 0.45, 0.25, 0.08, 0.06, 0.06, 0.05)


TRAIN = Distribution("train", EVEN, "scans", 0)
BENCH = Distribution("bench", ODD, "scans", 1)
OTHER = Distribution("other", ODD, "jagged", 1)
DISTRIBUTIONS = {each.name: each for each in (TRAIN, BENCH, OTHER)}
