"""Dust, dirt, hair and stains: how many, how large, where, for how long, how dark."""

from __future__ import annotations

import numpy as np
import torch

from .chance import Dice
from .distributions import RANGES, SPECKS, Specks
from .film import Film
from .layers import Layer
from .shapes import Atlas, Pool
from .stamp import Stamps, stamped
from .tools import blur

__all__ = ["dirt_layers", "hair_layers", "stain_layers"]

_TWO_FRAMES, _TINTED = 0.17, 0.1
_DYES = ((0.25, 1.0, 1.0), (1.0, 0.25, 1.0), (1.0, 1.0, 0.25))
"""A cyan, a magenta and a yellow spot: more of one dye."""


def _places(dice: Dice, count: int, size: tuple[int, int], clustering: float) -> tuple[np.ndarray, np.ndarray]:
    """Positions in clusters: drawn from a smooth random density of 6 x 6 cells, margins included."""
    weights = np.exp(dice.rng.standard_normal((6, 6)) * clustering).ravel()
    cell = dice.rng.choice(36, count, p=weights / weights.sum())
    row, column = np.divmod(cell, 6)
    y = (row + dice.rng.random(count)) / 6 * (size[0] + 16) - 8
    x = (column + dice.rng.random(count)) / 6 * (size[1] + 16) - 8
    return x, y


def _sides(dice: Dice, kind: Specks, pool: Pool, which: np.ndarray, film: Film) -> np.ndarray:
    """Side of the square that holds each shape, in pixels of the scan."""
    drawn = dice.rng.gamma(kind.shape, kind.scale, len(which))
    micrometres = np.sqrt(drawn / pool.fill[which]) if kind.by_area else drawn
    return micrometres / 1000 * film.px_per_mm


def scattered(
    dice: Dice,
    name: str,
    pool: Pool,
    film: Film,
    size: tuple[int, int, int],
    amount: float,
    clustering: float,
    growth: float = 1.0,
) -> Stamps:
    """All of one kind in a clip; each frame has its own, apart from what is copied or hangs in the gate.

    Args:
        amount: 1 for as many as on the scans that were counted, which were dirty ones.
        growth: How much larger than on those scans; specks grow with each copying.
    """
    kind = SPECKS[name]
    area = (size[1] + 16) * (size[2] + 16) / film.px_per_mm**2
    gather = dice.rng.gamma(kind.gathering, 1 / kind.gathering, size[0])
    counts = np.minimum(dice.rng.poisson(kind.per_mm2 * area * amount * gather), 4000)
    frame = np.repeat(np.arange(size[0]), counts)
    which = dice.rng.integers(len(pool), size=len(frame))
    x, y = _places(dice, len(frame), size[1:], clustering)
    opacity = dice.between(*kind.opacity, len(frame))
    angle = dice.between(0, 2 * np.pi, len(frame))
    found = Stamps(frame, x, y, _sides(dice, kind, pool, which, film) * growth, angle, opacity, which)
    return _lasting(dice, found, size[0], kind.steady)


def _lasting(dice: Dice, stamps: Stamps, frames: int, steady: float) -> Stamps:
    """Some are in two frames (copied with the film), some in all."""
    fate = dice.rng.random(len(stamps))
    twice = np.flatnonzero((fate < _TWO_FRAMES) & (stamps.frame + 1 < frames))
    all_along = np.flatnonzero(fate > 1 - steady)
    others = np.concatenate((np.arange(len(stamps)), twice, np.repeat(all_along, frames)))
    frame = stamps.frame[others]
    frame[len(stamps) : len(stamps) + len(twice)] += 1
    frame[len(stamps) + len(twice) :] = np.tile(np.arange(frames), len(all_along))
    return stamps.chosen(others).at(frame)


def _at_least_one(dice: Dice, stamps: Stamps, pool: Pool, size: tuple[int, int, int], px: float) -> Stamps:
    """A class that is asked for occurs: one shape of the usual size where chance brought none."""
    if len(stamps):
        return stamps
    x, y = dice.between(0.2, 0.8, 2)
    frame, which = int(dice.rng.integers(size[0])), int(dice.rng.integers(len(pool)))
    values = (frame, x * size[2], y * size[1], max(px, 2.5), dice.between(0, 6.28), 0.9, which)
    return Stamps(*(np.array([value]) for value in values))


def dirt_layers(
    dice: Dice, atlas: Atlas, film: Film, size: tuple[int, int, int], device: torch.device, white: bool, share: float
) -> list[Layer]:
    """Dust and dirt: dark ones that lie on the print, or white ones, printed from the negative.

    Args:
        share: Of the dirt of this film, how much has this colour.
    """
    amount = dice.part("severity").draw(RANGES["severity"]) * share
    clustering = dice.part("clustering").draw(RANGES["clustering"])
    growth = dice.part("size").draw(RANGES["dirt size"])
    alphas, tinted = torch.zeros(size, device=device), torch.zeros(size, device=device)
    for name in ("dust", "dirt"):
        own, pool = dice.part(name), atlas[name]
        stamps = scattered(own, name, pool, film, size, amount, clustering, growth)
        if name == "dirt":
            stamps = _at_least_one(own, stamps, pool, size, 0.1 * film.px_per_mm)
        colour = own.rng.random(len(stamps)) < _TINTED * (not white)
        alphas = torch.maximum(alphas, stamped(pool, stamps.chosen(~colour), size, device))
        tinted = torch.maximum(tinted, stamped(pool, stamps.chosen(colour), size, device))
    soft = dice.part("edge").draw(RANGES["dirt edge"]) * min(max(film.scale, 0.4), 2)
    alphas, tinted = blur(torch.stack((alphas, tinted)), soft) * dice.part("depth").draw(RANGES["dirt depth"])
    if white:
        level = float(dice.between(0.02, 0.2))
        return [Layer("sparkle", alphas, (level, level, level), mode="lifts")]
    dark = float(dice.between(0.0, 0.12))
    layers = [Layer("dirt", alphas, (dark, dark, dark))]
    if bool(tinted.any()):
        layers.append(Layer("dirt", tinted, _DYES[int(dice.rng.integers(3))]))
    return layers


def hair_layers(
    dice: Dice, atlas: Atlas, film: Film, size: tuple[int, int, int], device: torch.device, white: bool
) -> list[Layer]:
    """Short and long hairs and threads; one in ten of the long ones hangs in the gate for the whole shot."""
    amount = dice.part("severity").draw(RANGES["severity"])
    alpha = torch.zeros(size, device=device)
    for name in ("hair-short", "hair-long"):
        own, pool = dice.part(name), atlas[name]
        stamps = scattered(own, name, pool, film, size, amount, 0.6)
        if name == "hair-short":
            stamps = _at_least_one(own, stamps, pool, size, 0.4 * film.px_per_mm)
        alpha = torch.maximum(alpha, stamped(pool, stamps, size, device))
    alpha = blur(alpha[None], dice.part("edge").draw(RANGES["dirt edge"]) * 0.6 * min(max(film.scale, 0.4), 2))[0]
    alpha = alpha * dice.part("depth").draw(RANGES["dirt depth"])
    if white:
        return [Layer("hair", alpha, (0.1, 0.1, 0.1), mode="lifts")]
    return [Layer("hair", alpha, (0.03, 0.03, 0.03))]


def stain_layers(dice: Dice, atlas: Atlas, film: Film, size: tuple[int, int, int], device: torch.device) -> list[Layer]:
    """Stains and mould: large, semi-transparent, there for several frames, drifting and fading."""
    layers = []
    depth = dice.draw(RANGES["stain depth"])
    extent = dice.draw(RANGES["stain size"]) * film.width
    for n in range(int(dice.rng.integers(1, 4))):
        own = dice.part(n)
        pool = atlas["stain" if own.happens(0.6) else "mould"]
        first, last = _life(own, size[0])
        frames = np.arange(first, last)
        steps = np.zeros(len(frames)) + own.between(0.6, 1)
        once = np.ones(len(frames))
        where = own.between(0.1, 0.9, 2)
        stamps = Stamps(
            frames,
            where[0] * size[2] + np.cumsum(own.rng.normal(0, 0.3, len(frames))) * film.scale,
            where[1] * size[1] + np.cumsum(own.rng.normal(0, 0.3, len(frames))) * film.scale,
            once * extent,
            once * own.between(0, 6.28),
            np.clip(steps * (1 + own.walk(len(frames), 0.8, 0.15)), 0.1, 1) * depth,
            np.full(len(frames), own.rng.integers(len(pool))),
        )
        alpha = blur(stamped(pool, stamps, size, device)[None], 0.004 * extent + 0.4)[0]
        tone = own.between(0.0, 0.5, 3) if own.happens(0.5) else np.full(3, own.between(0.0, 0.3))
        bright = own.happens(0.3)
        colour = tuple(float(1 - 0.3 * value if bright else value) for value in tone)
        layers.append(Layer("stain", alpha, (colour[0], colour[1], colour[2]), mode="covers" if bright else "shades"))
    return layers


def _life(dice: Dice, frames: int) -> tuple[int, int]:
    """Persistence of 1 to 30 frames, some of which fall into the clip."""
    length = int(dice.rng.integers(1, 31))
    first = int(dice.rng.integers(-length + 1, frames))
    return max(first, 0), min(first + length, frames)
