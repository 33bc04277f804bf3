"""Film damage, simulated: clean and damaged clips with masks, for training and for tests.

    atlas = atlas_for(TRAIN, Path("overlays"))
    sample = simulate(clip, seed=3, distribution=TRAIN, atlas=atlas)

torch is needed. See docs/simulator.md for what is simulated, with numbers and sources.
"""

from .distributions import BENCH, CLASSES, DISTRIBUTIONS, OTHER, RANGES, STAGES, TRAIN, Distribution
from .film import GAUGES, Film
from .pictures import Pictures
from .props import PROPS
from .run import Sample, batch, simulate
from .shapes import Atlas, atlas_for

__all__ = [
    "BENCH",
    "CLASSES",
    "DISTRIBUTIONS",
    "GAUGES",
    "OTHER",
    "PROPS",
    "RANGES",
    "STAGES",
    "TRAIN",
    "Atlas",
    "Distribution",
    "Film",
    "Pictures",
    "Sample",
    "atlas_for",
    "batch",
    "simulate",
]
