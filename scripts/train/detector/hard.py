"""Samples of what a detector of dirt mistakes most: fast motion, blurred drawings, weather and glints, small scans."""

from __future__ import annotations

from itertools import count

import cv2
import numpy as np
import torch
from simulator import Atlas, Distribution, Film, Pictures, Sample, simulate
from simulator.chance import Dice

__all__ = ["hard_sample"]

_PACES = (1, 2, 3, 4)
_PROPS = ("rain", "snow", "shiny", "sparks", "birds")
_STAGED, _BLURRED, _HELD, _SMALL, _VIDEO = 0.55, 0.25, 0.12, 0.5, 0.35
"""Shares of samples with a prop, out of focus, animated on twos, of a small scan, and not aged."""
_SMALL_SCAN = 1100
_DAMAGE = ("dirt", "lines", "wires", "stains")
_AGEING = ("weave", "flicker", "optics", "grain")


def hard_sample(
    pictures: Pictures, seed: int, distribution: Distribution, atlas: Atlas, frames: int, size: tuple[int, int]
) -> Sample:
    """A damaged clip; every eighth one without damage."""
    rng = np.random.default_rng((seed, 99))
    scene = _scene(pictures, seed, rng, frames, size)
    hard = [str(rng.choice(_PROPS))] if rng.random() < _STAGED else None
    stages = {*_DAMAGE, "scanner"} if rng.random() < _VIDEO else {*_DAMAGE, *_AGEING, "scanner"}
    classes = () if seed % 8 == 7 else None
    film = _small(distribution, seed) if rng.random() < _SMALL else None
    return simulate(scene, seed, distribution, atlas=atlas, classes=classes, stages=stages, hard=hard, film=film)


def _scene(pictures: Pictures, seed: int, rng: np.random.Generator, frames: int, size: tuple[int, int]) -> torch.Tensor:
    """T, 3, H, W."""
    pace = _PACES[seed % len(_PACES)]
    try:
        scene = pictures.clip(seed, frames * pace, size)[::pace]
    except ValueError:
        scene = pictures.clip(seed + 1_000_000, frames, size)
    if rng.random() < _HELD:
        scene = scene[(np.arange(frames) + int(rng.integers(2))) // 2 * 2 % frames]
    if rng.random() < _BLURRED:
        sigma = float(rng.uniform(0.8, 2.5))
        soft = [cv2.GaussianBlur(each.permute(1, 2, 0).numpy(), (0, 0), sigma) for each in scene]
        scene = torch.from_numpy(np.stack(soft)).permute(0, 3, 1, 2)
    return scene.contiguous()


def _small(distribution: Distribution, seed: int) -> Film:
    drawn = (Film.drawn(Dice(distribution.comb, seed, "small film", n)) for n in count())
    return next(film for film in drawn if film.width <= _SMALL_SCAN)
