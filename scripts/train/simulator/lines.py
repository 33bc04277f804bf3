"""Vertical scratches and stunt wires."""

from __future__ import annotations

import numpy as np
import torch

from .chance import Dice
from .distributions import RANGES
from .film import Film
from .layers import Layer
from .tools import GAMMA, blur, field, grid, tensor

__all__ = ["scratch_layers", "strung", "wire_layers"]

_SINGLE = 0.3
_TONES = ((0.15, 0.3, 1.0), (0.2, 1.0, 0.3), (0.9, 1.0, 0.2))
"""What is scratched off of each dye where not all layers are gone: such lines are blue, green or yellow."""
_MIDDLE = 0.4


def _thinning(depth: float) -> float:
    """The share of density to take so that a middle tone rises by ``depth``."""
    return float(1 - np.log(min(_MIDDLE + depth, 0.98)) / np.log(_MIDDLE))


def _covering(depth: float) -> float:
    """The opacity of white that does the same."""
    return float(((_MIDDLE + depth) ** GAMMA - _MIDDLE**GAMMA) / (1 - _MIDDLE**GAMMA))


def _ridge(distance: torch.Tensor, width: float) -> torch.Tensor:
    """A bar with soft edges, 0..1, and exactly 0 outside; one thinner than a pixel is paler, not thinner."""
    alpha = ((max(width, 1.0) + 1) / 2 - distance.abs()).clamp(0, 1)
    return alpha * min(width, 1.0)


def scratch_layers(dice: Dice, film: Film, size: tuple[int, int, int], like: torch.Tensor) -> list[Layer]:
    """One to six lines: where the film was dragged over something, so at much the same place frame after frame."""
    width, depth = dice.draw(RANGES["line width"]), dice.draw(RANGES["line depth"])
    jitter = dice.draw(RANGES["line jitter"]) * film.scale
    whole = size[2] / film.width
    count = 1 + int(dice.rng.binomial(5, min(0.15 + 0.4 * whole, 1)))
    return [_scratch(dice.part(n), film, size, like, (width * film.scale, depth, jitter)) for n in range(count)]


def _scratch(
    dice: Dice, film: Film, size: tuple[int, int, int], like: torch.Tensor, drawn: tuple[float, float, float]
) -> Layer:
    frames, height, width = size
    thickness, depth, jitter = drawn
    y, x = grid(like)
    path = float(dice.between(0.03, 0.97)) * width + dice.walk(frames, 0.7, jitter)
    path = path + 3 * film.scale * np.sin(np.arange(frames) * dice.between(0.02, 0.2) + dice.between(0, 6.28))
    wobble = np.cumsum(dice.rng.normal(0, 0.35, frames * 9)).reshape(frames, 9) * min(film.scale, 2)
    lean = torch.nn.functional.interpolate(
        tensor(wobble - wobble[:, :1], like)[:, None], height, mode="linear", align_corners=True
    )[:, 0, :, None]
    distance = x[None] - tensor(path, like)[:, None, None] - lean
    alpha = _ridge(distance, thickness * float(dice.between(0.7, 1.4)))
    alpha = alpha * _gate(dice, frames, y) * _wear(dice, size, like)
    dark = dice.happens(0.5)
    if dark:
        level = (1 - depth) ** GAMMA
        return Layer("scratch", alpha, (level, level, level))
    tone = _TONES[int(dice.rng.integers(3))] if dice.happens(_SINGLE) else (1.0, 1.0, 1.0)
    return Layer("scratch", alpha * _thinning(depth), tone, mode="thins")


def _gate(dice: Dice, frames: int, y: torch.Tensor) -> torch.Tensor:
    """From which row to which, and in which frames: lines run on over frames, and end in one of them."""
    height = len(y)
    length = float(dice.between(0.1, 1.0)) if dice.happens(0.4) else 2.0
    top = float(dice.between(-0.1, 1.0)) * height if length < 1 else -1.0
    rows = ((y >= top) & (y < top + length * height)).float()
    life = int(np.exp(dice.between(np.log(5), np.log(500))))
    first = int(dice.rng.integers(-life + 2, max(frames - 1, 1)))
    frame = torch.arange(frames, device=y.device)
    there = ((frame >= first) & (frame < first + life)).float()
    return rows[None] * there[:, None, None]


def _wear(dice: Dice, size: tuple[int, int, int], like: torch.Tensor) -> torch.Tensor:
    """How deep it is along its way; broken in places."""
    noise = field(dice.noise((1, size[0], max(size[1] // 6, 2)), like.device), (size[0], size[1]))[0]
    floor = float(dice.between(-0.6, 0.9))
    return (0.75 + 0.35 * noise).clamp(max(floor, 0.0), 1.0)[:, :, None]


def strung(
    dice: Dice, film: Film, size: tuple[int, int, int], like: torch.Tensor, thickness: float, moving: float
) -> torch.Tensor:
    """Opacity of a rope or wire that sags between two points of which one moves; T, H, W."""
    frames, height, width = size
    y, x = grid(like)
    time = np.arange(frames)
    angle = dice.between(0, np.pi) if dice.happens(0.5) else np.pi / 2 + dice.rng.normal(0, 0.25)
    place = dice.between(0.2, 0.8, 2)
    speed = dice.rng.normal(0, moving, 2) * min(width, height)
    cx = place[0] * width + speed[0] * time + dice.walk(frames, 0.8, 0.4 * moving * 20)
    cy = place[1] * height + speed[1] * time
    swing = angle + np.cumsum(dice.rng.normal(0, moving * 0.3, frames))
    cos, sin = (tensor(f(swing), like)[:, None, None] for f in (np.cos, np.sin))
    u = x[None] - tensor(cx, like)[:, None, None]
    v = y[None] - tensor(cy, like)[:, None, None]
    along, across = cos * u + sin * v, cos * v - sin * u
    span = float(dice.between(0.8, 3.0)) * max(height, width)
    sag = float(dice.between(-0.12, 0.12)) * span if dice.happens(0.5) else 0.0
    across = across - sag * (2 * along / span) ** 2
    alpha = _ridge(across, thickness)
    end = float(dice.between(-0.3, 0.4)) * max(height, width) if dice.happens(0.5) else np.inf
    return alpha * (along < end) * (along > -span)


def wire_layers(dice: Dice, film: Film, size: tuple[int, int, int], like: torch.Tensor) -> list[Layer]:
    """One to three wires, parallel or not, on a moving anchor, motion-blurred, there for the whole shot."""
    thickness = dice.draw(RANGES["wire width"]) * min(max(film.scale, 0.35), 2)
    depth = dice.draw(RANGES["wire depth"])
    layers = []
    for n in range(int(dice.rng.integers(1, 4))):
        own = dice.part(n)
        alpha = strung(own, film, size, like, thickness, moving=0.02)
        smear = float(own.between(0.0, 1.2))
        alpha = blur(alpha[None], smear, 0.0)[0]
        if own.happens(0.5):
            level = (1 - depth) ** GAMMA
            layers.append(Layer("wire", alpha, (level, level, level)))
        else:
            layers.append(Layer("wire", alpha * _covering(depth), (0.9, 0.9, 0.9), mode="covers"))
    return layers
