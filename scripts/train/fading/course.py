"""The training: CIEDE2000 of the corrected reel falls."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vsfilmrestore.filters._fade_colour import delta_e, lab
from vsfilmrestore.filters._fade_profile import corrected
from vsfilmrestore.filters._fade_statistics import Statistics, common_range, features

from .lessons import FRAMES
from .network import Reader, solve

__all__ = ["errors", "train"]

_COUNTS = (1, 2, 4, 8, 12, 25, 25)
_XP: Any = torch


def batch_of(lessons: dict[str, torch.Tensor], which: torch.Tensor, frames: torch.Tensor) -> Statistics:
    """Statistics of some frames of some reels."""
    return Statistics(*(lessons[name][which][:, frames] for name in Statistics._fields))


def errors(net: Reader, lessons: dict[str, torch.Tensor], which: torch.Tensor, frames: torch.Tensor) -> Any:
    """CIEDE2000 of every pixel of the reels (reels, pixels), corrected by what some of their frames tell."""
    matrix, slopes, rest = solve(net, batch_of(lessons, which, frames))
    seen, wanted = lessons["seen"][which].flatten(1, 2), lessons["wanted"][which].flatten(1, 2)
    made = corrected(seen, matrix, slopes, _XP)
    made = made - 0.98 * torch.relu(made - 1)  # above white: shown as white, with a slope left to learn from
    return delta_e(lab(made, _XP), lab(wanted, _XP), _XP), rest


def train(
    lessons: dict[str, torch.Tensor],
    state: Path,
    *,
    steps: int,
    rate: float = 2e-3,
    size: int = 24,
    minutes: float = 60,
    say: Callable[[str], None] = print,
) -> Reader | None:
    """Train, or go on; None where the time was over before the end."""
    torch.manual_seed(1)
    net = Reader()
    told = Statistics(*(lessons[name][:200] for name in Statistics._fields))
    seen = features(told, *common_range(told, _XP), _XP).flatten(0, 1)
    net.middle.copy_(seen.mean(0))
    net.width.copy_(seen.std(0) + 0.05)
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=3e-3)
    first = 0
    if state.exists():
        held = torch.load(state, weights_only=True)
        net.load_state_dict(held["net"])
        optimiser.load_state_dict(held["optimiser"])
        first = int(held["step"])
    began, lost = time.monotonic(), 0.0
    for step in range(first, steps):
        rng = np.random.default_rng([step, 3])
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 200) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-6
        which = torch.from_numpy(rng.choice(len(lessons["seen"]), size, replace=False))
        frames = torch.from_numpy(rng.permutation(FRAMES)[: rng.choice(_COUNTS)].copy())
        loss = _loss(net, lessons, which, frames)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        lost = 0.99 * lost + 0.01 * float(loss.detach())
        over = time.monotonic() - began > 60 * minutes
        if step % 500 == 499 or over:
            say(f"{step + 1}/{steps}: {lost / (1 - 0.99 ** (step - first + 1)):.3f}")
        if step % 1000 == 999 or over:
            _save(state, net, optimiser, step + 1)
        if over and step + 1 < steps:
            return None
    return net.eval()


def _loss(net: Reader, lessons: dict[str, torch.Tensor], which: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
    off, rest = errors(net, lessons, which, frames)
    each = off.mean(1)
    faded = lessons["faded"][which][:, 0]
    sure = nn.functional.binary_cross_entropy_with_logits(rest[:, 1], faded)
    guess = (rest[:, 0] - each.detach().log()).abs().mean()
    root = (off**2).mean(1).sqrt()
    return (0.6 * each + 0.4 * root).mean() + 0.2 * guess + 0.3 * sure


def _save(state: Path, net: Reader, optimiser: torch.optim.Optimizer, step: int) -> None:
    part = state.with_suffix(".part")
    torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step}, part)
    part.replace(state)
