"""The training: CIEDE2000 of the corrected reel falls. What is kept is the mean of the last weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from learning import Course, kept_in, learn
from optimiser import Optimiser
from torch import nn

from vsfilmrestore.filters._fade_colour import delta_e, lab
from vsfilmrestore.filters._fade_profile import corrected
from vsfilmrestore.filters._fade_statistics import Statistics, common_range, features

from .export import load
from .lessons import FRAMES, LOOKED
from .network import Reader, Solved, solve

__all__ = ["answers", "errors", "shown", "train"]

_COUNTS = (1, 2, 4, 8, 12, 25, 25, 25, 40, FRAMES, FRAMES)
_TWICE = 6
"""So few frames or fewer: as many others of the reel are asked, too, and are to tell the same."""
_SOME, _FEW = 120, 30
_LOOKED = 800
"""Pixels of a reel that are looked at again, at most."""
_APART = 0.15
_REPEATED = 0.3
"""Share of the longer questions that show few frames, each several times."""
_SEED = 1
_KEEP = 0.995
"""Of the kept weights what stays with each step."""
_XP: Any = torch

type Tensors = dict[str, torch.Tensor]


def answers(net: Reader, lessons: Tensors, which: torch.Tensor, frames: torch.Tensor) -> list[Solved]:
    """What some frames of some reels tell, with each look."""
    told = Statistics(*(lessons[name][which][:, frames] for name in Statistics._fields))
    some = min(LOOKED, _LOOKED // len(frames))
    return solve(net, told, lessons["look"][which][:, frames, :some].flatten(1, 2))


def errors(solved: Solved, lessons: Tensors, which: torch.Tensor, pixels: torch.Tensor | None = None) -> torch.Tensor:
    """CIEDE2000 of pixels of reels (reels, pixels), all frames alike."""
    return _off(*_made(solved, lessons, which, pixels))


def _made(
    solved: Solved, lessons: Tensors, which: torch.Tensor, pixels: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels of reels, corrected and as they were, as L*a*b*."""
    seen, wanted = lessons["seen"][which], lessons["wanted"][which]
    if pixels is not None:
        seen, wanted = seen[:, pixels], wanted[:, pixels]
    made = corrected(seen, solved[0], solved[1], _XP)
    made = made - 0.98 * torch.relu(made - 1)  # above white: shown as white, with a slope left to learn from
    return lab(made, _XP), lab(wanted, _XP)


def _off(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(delta_e(first, second, _XP))


def train(
    lessons: Tensors,
    state: Path,
    *,
    steps: int,
    rate: float = 1.2e-3,
    size: int = 64,
    begun: Path | None = None,
    minutes: float = 60,
    say: Callable[[str], None] = print,
) -> Reader | None:
    """Train, or go on; None where the time was over before the end.

    Args:
        lessons: Of `make_lessons`.
        state: File of the state.
        steps: Batches.
        rate: The highest learning rate.
        size: Reels in a batch.
        begun: What `export` wrote, to begin with; without it all is learned anew.
        minutes: How long to go on.
        say: Is told how it goes.
    """
    torch.manual_seed(_SEED)
    net = load(begun) if begun else _new(lessons)

    def cost(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        rng = np.random.default_rng([step, 3, _SEED])
        loss = _loss(net, lessons, rng, min(size, len(lessons["seen"])))
        return loss, {"lost": float(loss.detach())}

    course = Course(steps=steps, rate=rate, rise=0.04, keep=_KEEP, steep=5.0)
    if not learn(net, Optimiser(net.parameters(), {"lr": rate}), course, state, minutes, cost, say):
        return None
    net.load_state_dict(kept_in(state))
    return net.eval()


def _new(lessons: Tensors) -> Reader:
    """A network that knows no more than what statistics are usual."""
    net = Reader()
    told = Statistics(*(lessons[name][:200] for name in Statistics._fields))
    seen = features(told, *common_range(told, _XP), _XP).flatten(0, 1)
    net.middle.copy_(seen.mean(0))
    net.width.copy_(seen.std(0) + 0.05)
    return net


def _loss(net: Reader, lessons: Tensors, rng: np.random.Generator, size: int) -> torch.Tensor:
    which = torch.from_numpy(rng.choice(len(lessons["seen"]), size, replace=False))
    count = int(rng.choice(_COUNTS))
    order = torch.from_numpy(shown(rng, count))
    pixels = torch.from_numpy(rng.permutation(lessons["seen"].shape[1])[:_SOME].copy())
    one, made = _side(net, lessons, which, order[:count], pixels)
    if count > _TWICE:
        return one
    other, again = _side(net, lessons, which, order[count : 2 * count], pixels)
    return (one + other) / 2 + _APART * _off(made, again).mean()


def shown(rng: np.random.Generator, count: int) -> npt.NDArray[np.integer]:
    """Which frames are shown: different ones, or few of them again and again, as a film of few scenes has them."""
    order = rng.permutation(FRAMES)
    if count <= _TWICE or rng.random() >= _REPEATED:
        return order
    few = int(np.exp(rng.uniform(np.log(2), np.log(count))))
    return np.asarray(order[rng.integers(few, size=count)])


def _side(
    net: Reader, lessons: Tensors, which: torch.Tensor, frames: torch.Tensor, pixels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """What some frames lose, and what is made of the pixels."""
    *before, last = answers(net, lessons, which, frames)
    early = sum(errors(each, lessons, which, pixels[:_FEW]).mean() for each in before) / len(before)
    made, wanted = _made(last, lessons, which, pixels)
    after = _off(made, wanted)
    each = after.mean(1)
    root = (after**2).mean(1).sqrt()
    guess = (last[2][:, 0] - each.detach().log()).abs().mean()
    sure = nn.functional.binary_cross_entropy_with_logits(last[2][:, 1], lessons["faded"][which][:, 0])
    return (0.6 * each + 0.4 * root).mean() + 0.4 * early + 0.2 * guess + 0.3 * sure, made
