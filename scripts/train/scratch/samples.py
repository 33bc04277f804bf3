"""What the network for scratches learns from: film with lines, averaged in blocks of rows as the filter sees it.

The simulator ages a clip; lines of its kinds are then drawn on it several times over. Photographs get posts and grooves
now and then, and some cameras stand still: such things must be left. A second lesson has many more: door frames, bars
of windows, rain, ropes, things that pass before them, and often no line at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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

__all__ = ["AROUND", "HARD", "KEPT", "LINES", "SIZES", "Lesson", "Posts", "clips_of", "make"]

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
_BARS = 0.25
"""Share of the photographs of the hard lesson with bars side by side."""


@dataclass(frozen=True)
class Lesson:
    """What samples hold that lines must be told from.

    Attributes:
        posts: Share of the photographs that have some.
        most: Posts, edges and grooves in a photograph.
        edges: Share of these that lie along an edge, as those of doors do.
        still: Share of the cameras that stand still.
        clean: Share of the clips that have no lines.
        props: Props and how often they are there; as chance brings them where none is named.
        seed: Of its first clip.
    """

    posts: float
    most: int
    edges: float
    still: float
    clean: float
    props: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0


LINES = Lesson(0.5, 11, 0.0, 0.35, 0.125)
HARD = Lesson(0.9, 45, 0.5, 0.5, 0.5, {"rain": 0.3, "ropes": 0.25, "hair": 0.1, "letters": 0.05}, seed=2_000_000)


class Posts(Pictures):
    """Pictures with posts and grooves in some, and some cameras that stand still."""

    def __init__(self, folder: Path, lesson: Lesson = LINES) -> None:
        super().__init__(folder)
        self.lesson = lesson

    def _still(self, dice: Dice) -> torch.Tensor:
        picture = super()._still(dice)
        own = dice.part("posts")
        if not own.happens(self.lesson.posts):
            return picture
        picture = picture.clone()
        for n in range(int(own.rng.integers(1, self.lesson.most + 1))):
            self._set_up(own.part(n), picture)
        if self.lesson.edges and own.happens(_BARS):
            self._bar(own.part("bars"), picture)
        return picture.clamp(0, 1)

    def _set_up(self, post: Dice, picture: torch.Tensor) -> None:
        """Draw a post or a groove, maybe along an edge that goes on to its right."""
        height, width = picture.shape[-2:]
        x = torch.arange(width)
        place = float(post.between(0, width))
        near = torch.exp(-0.5 * ((x - place) / float(np.exp(post.between(-0.7, 1.3)))) ** 2)
        top = float(post.between(-0.5, 0.7)) * height
        tall = float(post.between(0.1, 1.5)) * height
        rows = slice(max(int(top), 0), max(int(top + tall), 0))
        picture[..., rows, :] += float(post.between(-0.35, 0.35)) * near
        if post.happens(self.lesson.edges):
            beyond = torch.sigmoid((x - place) / float(post.between(0.3, 1.0))) * (x < place + post.between(5, 80))
            picture[..., rows, :] += float(post.between(-0.3, 0.3)) * beyond

    @staticmethod
    def _bar(bars: Dice, picture: torch.Tensor) -> None:
        """Draw bars at even distances, as of a window or a fence."""
        height, width = picture.shape[-2:]
        x = torch.arange(width)
        step, thick = float(bars.between(9, 50)), float(np.exp(bars.between(-0.5, 1.0)))
        across = (x - float(bars.between(0, step)) + step / 2) % step - step / 2
        top = float(bars.between(-0.3, 0.5)) * height
        rows = slice(max(int(top), 0), max(int(top + float(bars.between(0.4, 1.5)) * height), 0))
        picture[..., rows, :] += float(bars.between(-0.35, 0.35)) * torch.exp(-0.5 * (across / thick) ** 2)

    def _travel(
        self, dice: Dice, picture: torch.Tensor, frames: int, size: tuple[int, int], speed: float
    ) -> torch.Tensor:
        still = dice.part("still").happens(self.lesson.still)
        seen = super()._travel(dice, picture, 1 if still else frames, size, speed)
        return seen.expand(frames, -1, -1, -1)


def make(pictures: Posts, file: Path, first: int, count: int) -> None:
    """Make the samples of ``count`` clips from seed ``first`` on, a file for each size.

    Each holds N, 2 * (1 + 2 * AROUND), blocks, width: the frame, its neighbours, those moved onto it, what lines add
    to the frame; in 8-bit levels.
    """
    for k, size in enumerate(SIZES):
        mine = [seed for seed in range(first, first + count) if (seed % 3 == 2) == bool(k)]
        stacks = [stack for seed in mine for stack in _stacks(pictures, seed, size)]
        np.save(file.with_name(f"{file.stem}.{k}.npy"), np.stack(stacks))


def _stacks(pictures: Posts, seed: int, size: tuple[int, int]) -> Iterator[Reals]:
    for before, after in clips_of(pictures, seed, size):
        mean, true = ([_mean(frame) for frame in frames] for frames in (after, after - before))
        for n in KEPT:
            others = [mean[n + d] for d in range(-AROUND, AROUND + 1) if d]
            yield np.stack([mean[n], *others, *moved_onto(mean[n], others), true[n]]).astype(np.float32)


def clips_of(pictures: Posts, seed: int, size: tuple[int, int]) -> Iterator[tuple[Reals, Reals]]:
    """A plane of a clip without lines and with them, `DRAWN` times: (`FRAMES`, height, width), in 8-bit levels."""
    lesson = pictures.lesson
    rng = np.random.default_rng([seed, 3])
    pace = int(rng.choice([1, 1, 1, 2, 3]))
    try:
        scene = pictures.clip(seed, FRAMES * pace, size)[::pace]
    except ValueError:
        scene = pictures.clip(seed + 1_000_000, FRAMES, size)
    film = next(film for n in range(99) if (film := Film.drawn(Dice(TRAIN.comb, seed, "film", n))).width <= 2200)
    stages = [name for name, chance in _AGEING.items() if rng.random() < chance]
    props = [name for name, chance in lesson.props.items() if rng.random() < chance] if lesson.props else None
    clean = simulate(scene, seed, TRAIN, classes=[], stages=stages, film=film, hard=props).clean
    for n in range(DRAWN):
        damaged = _lined(clean, film, Dice(TRAIN.comb, seed, "lines", n), lesson.clean)
        plane = _plane(rng)
        step = 1.0 if rng.random() < 0.7 else 4.0
        before, after = (np.rint(step * plane(each).double().numpy()).astype(np.float32) for each in (clean, damaged))
        yield before / np.float32(step), after / np.float32(step)


def _lined(clean: torch.Tensor, film: Film, dice: Dice, none: float) -> torch.Tensor:
    """Lines on a clip, unless it has none. Half are on black-and-white film; some came softer from the negative."""
    if dice.happens(none):
        return clean
    layers: list[Layer] = scratch_layers(dice, film, (clean.shape[0], *clean.shape[2:]), clean)
    if dice.happens(0.5):
        layers = [layer.grey() for layer in layers]
    if dice.happens(0.4):
        soft = float(dice.between(0.3, 1.2))
        layers = [layer.with_alpha(blur(layer.alpha[None], soft, 0.0)[0]) for layer in layers]
    return composed(clean, layers)


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
