"""What the network for scratches learns from: film with lines, averaged in blocks of rows as the filter sees it.

The simulator ages a clip; lines of its kinds are then drawn on it several times over. Photographs get posts and grooves
now and then, and some cameras stand still: such things must be left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from simulator import TRAIN, Film, Pictures, simulate
from simulator.chance import Dice
from simulator.layers import Layer, composed
from simulator.lines import scratch_layers
from simulator.tools import blur

from vsfilmrestore.filters._scratch_search import blocks_of
from vsfilmrestore.filters._scratch_sight import moved_onto

__all__ = ["AROUND", "KEPT", "SIZES", "Posts", "make"]

type Reals = npt.NDArray[np.float32]

AROUND = 4
"""Neighbours on each side."""
FRAMES = 11
KEPT = (4, 5, 6)
"""Frames of a clip that have all their neighbours."""
DRAWN = 2
"""Times that lines are drawn on a clip."""
SIZES = ((228, 160), (480, 96))
"""Height and width; every third clip is a tall one."""
_WEIGHTS = (0.2126, 0.7152, 0.0722)
_AGEING = {"weave": 0.7, "flicker": 0.5, "optics": 0.6, "grain": 0.75, "fade": 0.15}


class Posts(Pictures):
    """Pictures with posts and grooves in some, and some cameras that stand still."""

    def _still(self, dice: Dice) -> torch.Tensor:
        picture = super()._still(dice)
        own = dice.part("posts")
        if not own.happens(0.5):
            return picture
        picture = picture.clone()
        height, width = picture.shape[-2:]
        x = torch.arange(width)
        for n in range(int(own.rng.integers(1, 12))):
            post = own.part(n)
            near = torch.exp(-0.5 * ((x - float(post.between(0, width))) / float(np.exp(post.between(-0.7, 1.3)))) ** 2)
            top = float(post.between(-0.5, 0.7)) * height
            tall = float(post.between(0.1, 1.5)) * height
            rows = slice(max(int(top), 0), max(int(top + tall), 0))
            picture[..., rows, :] += float(post.between(-0.35, 0.35)) * near
        return picture.clamp(0, 1)

    def _travel(
        self, dice: Dice, picture: torch.Tensor, frames: int, size: tuple[int, int], speed: float
    ) -> torch.Tensor:
        still = dice.part("still").happens(0.35)
        seen = super()._travel(dice, picture, 1 if still else frames, size, speed)
        return seen.expand(frames, -1, -1, -1)


def make(pictures: Pictures, file: Path, first: int, count: int) -> None:
    """Make the samples of ``count`` clips from seed ``first`` on, a file for each size.

    Each holds N, 2 * (1 + 2 * AROUND), blocks, width: the frame, its neighbours, those moved onto it, what lines add
    to the frame; in 8-bit levels.
    """
    for k, size in enumerate(SIZES):
        mine = [seed for seed in range(first, first + count) if (seed % 3 == 2) == bool(k)]
        stacks = [stack for seed in mine for stack in _stacks(pictures, seed, size)]
        np.save(file.with_name(f"{file.stem}.{k}.npy"), np.stack(stacks))


def _stacks(pictures: Pictures, seed: int, size: tuple[int, int]) -> Iterator[Reals]:
    rng = np.random.default_rng([seed, 3])
    pace = int(rng.choice([1, 1, 1, 2, 3]))
    try:
        scene = pictures.clip(seed, FRAMES * pace, size)[::pace]
    except ValueError:
        scene = pictures.clip(seed + 1_000_000, FRAMES, size)
    film = next(film for n in range(99) if (film := Film.drawn(Dice(TRAIN.comb, seed, "film", n))).width <= 2200)
    stages = [name for name, chance in _AGEING.items() if rng.random() < chance]
    clean = simulate(scene, seed, TRAIN, classes=[], stages=stages, film=film).clean
    for n in range(DRAWN):
        damaged = _lined(clean, film, Dice(TRAIN.comb, seed, "lines", n))
        yield from _seen(clean, damaged, rng)


def _lined(clean: torch.Tensor, film: Film, dice: Dice) -> torch.Tensor:
    """Lines on a clip; one in eight has none. Half are on black-and-white film; some came softer from the negative."""
    if dice.happens(0.125):
        return clean
    layers: list[Layer] = scratch_layers(dice, film, (clean.shape[0], *clean.shape[2:]), clean)
    if dice.happens(0.5):
        layers = [layer.grey() for layer in layers]
    if dice.happens(0.4):
        soft = float(dice.between(0.3, 1.2))
        layers = [layer.with_alpha(blur(layer.alpha[None], soft, 0.0)[0]) for layer in layers]
    return composed(clean, layers)


def _seen(clean: torch.Tensor, damaged: torch.Tensor, rng: np.random.Generator) -> Iterator[Reals]:
    plane = _plane(rng)
    step = 1.0 if rng.random() < 0.7 else 4.0
    coded = (step * plane(each).double().numpy() for each in (clean, damaged))
    before, after = (np.rint(each).astype(np.float32) / step for each in coded)
    mean, true = ([_mean(frame) for frame in frames] for frames in (after, after - before))
    for n in KEPT:
        others = [mean[n + d] for d in range(-AROUND, AROUND + 1) if d]
        yield np.stack([mean[n], *others, *moved_onto(mean[n], others), true[n]]).astype(np.float32)


def _plane(rng: np.random.Generator) -> Callable[[torch.Tensor], torch.Tensor]:
    """One of the planes that films come in, in 8-bit levels: mostly luma, else one of red, green, blue or chroma."""
    kind, which = rng.random(), int(rng.integers(3))
    weights = torch.tensor(_WEIGHTS)[None, :, None, None]

    def plane(clip: torch.Tensor) -> torch.Tensor:
        luma: torch.Tensor = (clip * weights).sum(1)
        if kind < 0.65:
            return 16 + 219 * luma
        return 255 * clip[:, which] if kind < 0.8 else 128 + 224 * (clip[:, 2 * (which % 2)] - luma) / 1.7

    return plane


def _mean(frame: Reals) -> Reals:
    return np.asarray(cv2.resize(frame, (frame.shape[1], blocks_of(len(frame))), interpolation=cv2.INTER_AREA))
