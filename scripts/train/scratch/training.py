"""Training in slices: what was reached is kept on the disk, and the next slice goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from learning import Course, kept_in, learn

from .network import AROUND, INPUTS, LineNet
from .samples import SIZES

__all__ = ["Plan", "loss_of", "reached", "train", "trained"]

_LINE, _NOTHING = 0.75 / 255, 0.25 / 255
"""What adds more is a line, what adds less is none, and what lies between counts neither way."""
_SEEN = 1 / 255
_TALL = 0.35
"""Share of the batches that are cut from tall clips."""


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        steps: Batches in all.
        size: Stacks in a batch.
        rate: Highest learning rate; it rises for 2 % of the steps and falls to nothing along a cosine.
        name: Of the file that holds its state.
    """

    name: str
    steps: int
    size: int
    rate: float


def loss_of(net: LineNet, batch: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
    """What a mistake costs: in what a line adds, in units of the network, and in whether there is one."""
    true = batch[:, INPUTS:]
    with torch.autocast("cpu", torch.bfloat16):
        told, unit = net.told(batch[:, :INPUTS])
    told, aim = told.float(), true / unit.float()
    weight = 1 + 4 * (true.abs() > _SEEN).float()
    wrong = F.smooth_l1_loss(told[:, :1], aim, beta=1.0, reduction="none")
    added = (wrong * weight).sum() / weight.sum()
    line = (true.abs() > _LINE).float()
    counts = (1 + 2 * line) * (1 - ((true.abs() > _NOTHING) & (line == 0)).float())
    doubt = F.binary_cross_entropy_with_logits(told[:, 1:], line, reduction="none")
    sure = (doubt * counts).sum() / counts.sum()
    return 2 * added + 0.5 * sure, {"added": added.item(), "sure": sure.item()}


def train(
    plan: Plan, parts: Sequence[Path], folder: Path, minutes: float, say: Callable[[str], None], start: str = ""
) -> bool:
    """Go on for so many minutes, or to the end of the plan; whether the end was reached.

    Args:
        plan: How to train.
        parts: Files of `samples.make`, without the number of the size.
        folder: Where the state of the training lies.
        minutes: How long to go on.
        say: Is told how it goes.
        start: Name of a training that has ended, whose network goes on to learn.
    """
    torch.manual_seed(0)
    net = trained(folder, start).train() if start else LineNet()
    stacks = [_loaded(parts, k) for k in range(len(SIZES))]
    course = Course(steps=plan.steps, rate=plan.rate, rise=0.02, keep=0.995, told=200)
    return learn(
        net,
        torch.optim.AdamW(net.parameters(), plan.rate, weight_decay=1e-4),
        course,
        folder / f"{plan.name}.pt",
        minutes,
        lambda step: loss_of(net, _batch(stacks, step, plan.size)),
        say,
    )


def trained(folder: Path, name: str) -> LineNet:
    """The network of a training, with the weights that are kept."""
    net = LineNet()
    net.load_state_dict(kept_in(folder / f"{name}.pt"))
    return net.eval()


def reached(net: LineNet, part: Path) -> str:
    """How well lines are told in samples that the network never saw."""
    before = after = 0.0
    there = found = none = false = 0
    for k in range(len(SIZES)):
        for stack in _loaded([part], k):
            batch = torch.from_numpy(stack)[None] / 255
            with torch.no_grad():
                told = net(batch[:, :INPUTS])
            true = batch[:, INPUTS:]
            before, after = before + float((true**2).sum()), after + float(((true - told[:, :1]) ** 2).sum())
            line, sure = true.abs() > _LINE, told[:, 1:2] > 0.5
            there, found = there + int(line.sum()), found + int((line & sure).sum())
            none, false = none + int((~line).sum()), false + int((~line & sure).sum())
    left, right, wrong = after / max(before, 1e-9), found / max(there, 1), false / max(none, 1)
    return f"left of the lines' energy {left:.3f}; blocks of lines found {right:.3f}, of others {wrong:.5f}"


def _loaded(parts: Sequence[Path], size: int) -> np.ndarray:
    return np.concatenate([np.load(part.with_name(f"{part.stem}.{size}.npy")) for part in parts])


def _batch(stacks: Sequence[np.ndarray], step: int, size: int) -> torch.Tensor:
    """Stacks in any mirror image, backwards, and some as negatives; levels from 0 to 1."""
    rng = np.random.default_rng([step, 9])
    tall = rng.random() < _TALL
    chosen = stacks[int(tall)]
    batch = chosen[rng.integers(len(chosen), size=size * 3 // 4 if tall else size)]
    if rng.random() < 0.5:
        batch = batch[..., ::-1]
    if rng.random() < 0.5:
        batch = batch[:, :, ::-1]
    if rng.random() < 0.5:
        count = 2 * AROUND
        batch = batch[:, [0, *range(count, 0, -1), *range(2 * count, count, -1), INPUTS]]
    if rng.random() < 0.3:
        batch = np.concatenate([255 - batch[:, :INPUTS], -batch[:, INPUTS:]], 1)
    return torch.from_numpy(np.ascontiguousarray(batch)) / 255
