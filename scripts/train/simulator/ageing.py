"""Stages that change the whole picture: weave, flicker, optics and generations, dye fade, grain.

They take a stack of pictures (clean and damaged) and do the same to all: where these agree, they go on agreeing.
"""

from __future__ import annotations

import numpy as np
import torch

from .chance import Dice
from .distributions import RANGES
from .film import Film
from .tools import blur, field, luma, moved, tensor, to_display, to_light

__all__ = ["faded", "flickering", "grainy", "softened", "weaving"]


def weaving(dice: Dice, film: Film, stack: torch.Tensor) -> torch.Tensor:
    """Gate weave, T, C, H, W with whatever channels: AR(1) shifts, a little roll, rarely a jump."""
    frames = len(stack)
    spread = dice.draw(RANGES["weave"]) * film.scale
    dx, dy = dice.walk(frames, 0.7, spread), dice.walk(frames, 0.7, spread * 0.8)
    if dice.happens(0.08):
        dy[int(dice.rng.integers(frames))] += dice.rng.choice([-1, 1]) * dice.between(3, 10) * film.scale
    roll = dice.walk(frames, 0.7, dice.draw(RANGES["roll"]))
    return moved(stack, dx, dy, roll)


def flickering(dice: Dice, pictures: list[torch.Tensor]) -> list[torch.Tensor]:
    """Exposure that differs from frame to frame, unevenly over the frame, and a vignette."""
    frames, _, height, width = pictures[0].shape
    like = pictures[0]
    gain = 1 + dice.walk(frames, 0.6, dice.draw(RANGES["flicker"]))
    gamma = 1 + dice.walk(frames, 0.6, dice.draw(RANGES["flicker gamma"]))
    uneven = field(dice.noise((frames, 3, 3), like.device), (height, width)) * dice.draw(RANGES["flicker field"])
    y = torch.linspace(-1, 1, height, device=like.device)[:, None]
    x = torch.linspace(-1, 1, width, device=like.device)[None]
    corner = 1 - dice.draw(RANGES["vignette"]) * ((x**2 + y**2) / 2) ** 1.5
    factor = tensor(gain, like)[:, None, None, None] * (1 + uneven[:, None]) * corner
    power = tensor(gamma, like)[:, None, None, None]
    return [(each.clamp(0, 1) ** power * factor).clamp(0, 1) for each in pictures]


def softened(dice: Dice, film: Film, stack: torch.Tensor, pictures: int) -> torch.Tensor:
    """The lens of the camera and each printing: blur of all channels, halation and contrast of the pictures alone."""
    stack = blur(stack, dice.draw(RANGES["softness"]) * min(film.scale, 2.5))
    glow = dice.draw(RANGES["halation"]) if dice.happens(0.5) else 0.0
    generations = int(dice.rng.choice(3, p=[0.5, 0.35, 0.15]))
    if glow:
        halo = _halo(stack[:, :3], film) * glow
        body = stack[:, : 3 * pictures]
        body = (body + halo.repeat(1, pictures, 1, 1) * (1 - body)).clamp(0, 1)
        stack = torch.cat((body, stack[:, 3 * pictures :]), 1)
    for _ in range(generations):
        contrast = dice.draw(RANGES["generation contrast"])
        stack = blur(stack, 0.5 * min(film.scale, 2.5))
        body = ((stack[:, : 3 * pictures] - 0.45) * contrast + 0.45).clamp(0, 1)
        stack = torch.cat((body, stack[:, 3 * pictures :]), 1)
    return stack


def _halo(picture: torch.Tensor, film: Film) -> torch.Tensor:
    """Light that comes back from the base: red first, around what is brightest in the undamaged picture."""
    bright = ((luma(picture) - 0.75) * 4).clamp(0, 1)
    return blur(bright, min(8 * film.scale, 12)) * tensor((1.0, 0.35, 0.1), picture)[:, None, None]


def faded(dice: Dice, pictures: list[torch.Tensor]) -> list[torch.Tensor]:
    """Dyes that lost density, one spilling into the other, over stained base: D' = M D + stain, D = -log10 light.

    One film in seven has the blue cast instead: the yellow dye went first.
    """
    red, green, blue = (dice.draw(RANGES[f"fade {name}"]) for name in ("red", "green", "blue"))
    if dice.happens(0.15):
        red, blue = blue, red
    cross = dice.draw(RANGES["fade crosstalk"])
    mix = np.diag([red, green, blue]) + cross * 0.5 * (np.ones((3, 3)) - np.eye(3)) * np.array([0.3, 0.6, 0.3])
    like = pictures[0]
    matrix = tensor(mix, like)
    stain = tensor([dice.between(0, 0.03), dice.between(0, 0.10), dice.between(0.02, 0.18)], like)
    size = (like.shape[-2], like.shape[-1])
    uneven = 1 + 0.04 * field(dice.noise((1, 3, 3), like.device), size)[None]
    out = []
    for each in pictures:
        density = -torch.log10(to_light(each).clamp(min=1e-3))
        density = torch.einsum("ij,tjhw->tihw", matrix, density) * uneven + stain[:, None, None]
        out.append(to_display(10**-density))
    return out


def grainy(dice: Dice, film: Film, pictures: list[torch.Tensor], mono: bool) -> list[torch.Tensor]:
    """Grain, new in each frame, soft, strongest in the middle tones; the same in all pictures."""
    like = pictures[0]
    sigma = dice.draw(RANGES["grain"])
    size = max(dice.draw(RANGES["grain size"]) * film.scale, 0.3)
    shape = (len(like), 1 if mono else 3, *like.shape[-2:])
    noise = blur(dice.noise(shape, like.device), size)
    # A Gaussian of this width leaves 1 / (2 sqrt(pi) size) of white noise; below half a pixel it hardly blurs.
    noise = noise * max(2 * np.sqrt(np.pi) * size, 1.0)
    return [(each + sigma * noise * (4 * each * (1 - each)).clamp(min=0.06).sqrt()).clamp(0, 1) for each in pictures]
