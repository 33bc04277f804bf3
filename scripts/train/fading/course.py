"""The training: CIEDE2000 of the corrected reel falls."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from learning import rate as rate_of
from torch import nn

from vsfilmrestore.filters._fade_colour import delta_e, lab
from vsfilmrestore.filters._fade_profile import corrected
from vsfilmrestore.filters._fade_statistics import Statistics, common_range, features

from .lessons import FRAMES, LOOKED
from .network import Reader, Solved, solve

__all__ = ["answers", "errors", "train"]

_COUNTS = (1, 2, 3, 6, 12, 25, 25, 25)
_TWICE = 6
"""So few frames or fewer: as many others of the reel are asked, too, and are to tell the same."""
_SOME, _FEW = 120, 30
_LOOKED = 400
"""Pixels of a reel that are looked at again, at most."""
_APART = 0.15
_SEED = 1
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
    rate: float = 3e-3,
    size: int = 64,
    minutes: float = 60,
    say: Callable[[str], None] = print,
) -> Reader | None:
    """Train, or go on; None where the time was over before the end."""
    torch.manual_seed(_SEED)
    net = Reader()
    told = Statistics(*(lessons[name][:200] for name in Statistics._fields))
    seen = features(told, *common_range(told, _XP), _XP).flatten(0, 1)
    net.middle.copy_(seen.mean(0))
    net.width.copy_(seen.std(0) + 0.05)
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-2)
    first = _held(state, net, optimiser)
    began, lost = time.monotonic(), 0.0
    for step in range(first, steps):
        for group in optimiser.param_groups:
            group["lr"] = rate_of(rate, step, steps, 0.04)
        loss = _loss(net, lessons, np.random.default_rng([step, 3, _SEED]), min(size, len(lessons["seen"])))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        lost = 0.99 * lost + 0.01 * float(loss.detach())
        over = time.monotonic() - began > 60 * minutes
        if step % 500 == 499 or over:
            say(f"{step + 1}/{steps}: {lost / (1 - 0.99 ** (step - first + 1)):.3f}")
        if step % 500 == 499 or over or step + 1 == steps:
            _save(state, net, optimiser, step + 1)
        if over and step + 1 < steps:
            return None
    return net.eval()


def _loss(net: Reader, lessons: Tensors, rng: np.random.Generator, size: int) -> torch.Tensor:
    which = torch.from_numpy(rng.choice(len(lessons["seen"]), size, replace=False))
    count = int(rng.choice(_COUNTS))
    order = torch.from_numpy(rng.permutation(FRAMES))
    pixels = torch.from_numpy(rng.permutation(lessons["seen"].shape[1])[:_SOME].copy())
    one, made = _side(net, lessons, which, order[:count], pixels)
    if count > _TWICE:
        return one
    other, again = _side(net, lessons, which, order[count : 2 * count], pixels)
    return (one + other) / 2 + _APART * _off(made, again).mean()


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


def _held(state: Path, net: Reader, optimiser: torch.optim.Optimizer) -> int:
    """Take up a state; the step it was left at."""
    if not state.exists():
        return 0
    held = torch.load(state, weights_only=True)
    net.load_state_dict(held["net"])
    optimiser.load_state_dict(held["optimiser"])
    return int(held["step"])


def _save(state: Path, net: Reader, optimiser: torch.optim.Optimizer, step: int) -> None:
    part = state.with_suffix(".part")
    torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step}, part)
    part.replace(state)
