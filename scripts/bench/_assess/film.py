"""What time does to film, by the simulator: scene, amount, seed -> damaged scene and the true amount."""

from __future__ import annotations

from unittest import mock

import cv2
import numpy as np
import torch
from simulator import Film, ageing, atlas_for, distributions, lines, simulate, specks
from simulator.chance import WHOLE, Dice
from simulator.layers import Layer, composed
from simulator.tools import blur

from .scenes import FILM, Damaged, amounts, dice

__all__ = [
    "blurred",
    "copied",
    "dirty",
    "faded",
    "flickered",
    "grained",
    "grained_of_size",
    "haloed",
    "mixed",
    "rolled",
    "scratched",
    "stained",
    "woven",
]

LASTS = 0.5
"""Share of the shot, and of the height, of a scratch that is counted."""
_SHORT = range(2, 11)
"""Frames that a stain lasts which is to be found: one that is always there is taken for the scene."""


def flickered(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    if not amount:
        return scene, 0.0
    with amounts(flicker=amount, flicker_gamma=amount / 3, flicker_field=0.0, vignette=0.0):
        own = dice(seed, "flicker")  # the simulator draws its path of gains first
        gains = own.walk(len(scene), 0.6, own.draw(distributions.RANGES["flicker"]))
        return ageing.flickering(dice(seed, "flicker"), [scene])[0], 100 * float(gains.std())


def woven(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    if not amount:
        return scene, 0.0
    with amounts(weave=amount, roll=0.05 * amount):
        own = dice(seed, "weave")  # the simulator draws its paths first; a jump, if any, comes after
        spread = own.draw(distributions.RANGES["weave"]) * FILM.scale
        paths = own.walk(len(scene), 0.7, spread), own.walk(len(scene), 0.7, 0.8 * spread)
        return ageing.weaving(dice(seed, "weave"), FILM, scene), float(np.hypot(*(path.std() for path in paths)))


def rolled(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """Turned to and fro by so many degrees."""
    if not amount:
        return scene, 0.0
    from simulator.tools import moved

    path = dice(seed, "roll").walk(len(scene), 0.7, amount)
    still = np.zeros(len(scene))
    return moved(scene, still, still, path), float(path.std())


def _pieces(masks: torch.Tensor) -> int:
    return sum(cv2.connectedComponents(mask)[0] - 1 for mask in masks.numpy().astype(np.uint8))


def dirty(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    if not amount:
        return scene, 0.0
    with amounts(severity=amount, dirt_size=1.2, dirt_depth=0.8):
        film = Film("35mm", float(scene.shape[-1]) * 1.5)
        atlas = atlas_for(distributions.BENCH, None)
        found = simulate(scene, seed, atlas=atlas, classes=("dirt",), stages=("dirt",), hard=(), film=film)
    return found.damaged, _pieces(found.masks[0]) / len(scene)


def mixed(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """Dirt of which that share is on the negative, so white."""
    with amounts(severity=0.6, dirt_size=1.2, dirt_depth=0.8, white_share=amount):
        film = Film("35mm", float(scene.shape[-1]) * 1.5)
        classes = [name for name, share in (("dirt", 1 - amount), ("sparkle", amount)) if share]
        atlas = atlas_for(distributions.BENCH, None)
        found = simulate(scene, seed, atlas=atlas, classes=classes, stages=("dirt",), hard=(), film=film)
    dark, white = (_pieces(found.masks[n]) for n in (0, 1))
    return found.damaged, white / max(dark + white, 1)


def scratched(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    made, _ = woven(scene, 0.4, seed)  # a scratch stays with the film; where nothing moves nobody could tell
    assert isinstance(made, torch.Tensor)
    size, own = (len(made), *made.shape[-2:]), dice(seed, "scratch")
    layers, part = [], 0
    while len(layers) < amount:  # lines that last: what crosses a few frames or a few rows counts as none
        layer, part = lines._scratch(own.part(part), FILM, size, made, (2.0, 0.2, 0.6)), part + 1
        life = float((layer.alpha.amax((1, 2)) > 0.2).float().mean())
        if life >= LASTS and _height(layer.alpha) >= LASTS:
            layers.append(layer)
    return composed(made, layers), amount


def _height(alpha: torch.Tensor) -> float:
    """Share of the height that a line has, where it has one."""
    there = alpha.amax(2) > 0.2
    return float(there.float().mean(1)[there.any(1)].mean()) if bool(there.any()) else 0.0


def stained(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """So many stains that come and go within the clip; true is the share of all pixels in per cent."""
    size, own = (len(scene), *scene.shape[-2:]), dice(seed, "stain")
    film, atlas = Film("35mm", float(scene.shape[-1])), atlas_for(distributions.BENCH, None)
    layers: list[Layer] = []
    with amounts(stain_size=0.25, stain_depth=0.3), mock.patch.object(specks, "_life", _briefly):
        while len(layers) < amount:
            layers += specks.stain_layers(own.part(len(layers)), atlas, film, size, scene.device)
    out = composed(scene, layers[: int(amount)])
    return out, 100 * float(((out - scene).abs().amax(1) > 2 / 255).float().mean())


def _briefly(own: Dice, frames: int) -> tuple[int, int]:
    """First frame of a stain and the one after its last, both within the clip."""
    first, length = int(own.rng.integers(3, frames - 8)), int(own.rng.choice(_SHORT))
    return first, min(first + length, frames - 3)


def grained(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    return _grained(scene, amount, 0.6, seed) if amount else scene, amount


def grained_of_size(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """Grain of 8 levels that a Gaussian of ``amount`` pixels softened."""
    return _grained(scene, 8, amount, seed), amount


def _grained(scene: torch.Tensor, amount: float, size: float, seed: int) -> torch.Tensor:
    with amounts(grain=amount / 255, grain_size=size):
        return ageing.grainy(dice(seed, "grain"), FILM, [scene], mono=False)[0]


def blurred(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    return blur(scene, amount), amount


def haloed(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """Light of that share of the highlights around them."""
    halo = ageing._halo(scene, Film("35mm", float(scene.shape[-1]) * 2)) * amount
    return (scene + halo * (1 - scene)).clamp(0, 1), amount


def copied(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """So many generations, as the simulator copies: softer, contrastier, and each with grain of its own."""
    out = scene
    for turn in range(int(amount)):
        out = ((blur(out, 0.5) - 0.45) * 1.2 + 0.45).clamp(0, 1)
        out = _grained(out, 2.5, 0.6, seed + turn)
    return out, amount


def faded(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """``amount`` is the share of the cyan dye that is lost; the others lose less."""
    if not amount:
        return scene, 0.0
    kept = {"fade_red": 1 - amount, "fade_green": 1 - 0.25 * amount, "fade_blue": 1 - 0.5 * amount}
    with amounts(**kept, fade_crosstalk=0.08):
        made = ageing.faded(Dice(WHOLE, seed, "fade"), [scene])[0]
    return made, amount
