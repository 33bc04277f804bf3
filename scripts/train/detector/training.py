"""Training in slices: what was reached is kept on the disk, and the next slice goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from learning import Course, ahead, learn

from .crops import Batch, Crops
from .network import SpotNet, fill

__all__ = ["STATE", "Plan", "loss_of", "train", "weight_of"]

STATE = "state.pt"
_VISIBLE = 12 / 255
"""A mistake of as much costs the full price."""


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        steps: Batches in all.
        size: Crops in a batch.
        rate: Highest learning rate; it rises for 3 % of the steps and falls to nothing along a cosine.
        device: ``cpu`` or ``cuda``.
    """

    steps: int
    size: int
    rate: float
    device: str = "cpu"


def loss_of(logits: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
    """What a mistake costs: by how much it shows, and a little for being wrong at all.

    Damage found wrongly puts the neighbours' mean in the place of the clean pixel; damage that is missed stays.
    """
    now = batch.seen[:, :1]
    with torch.no_grad():
        weight = weight_of(batch)
        near = F.max_pool2d(batch.damage, 3, 1, 1)
    told = F.binary_cross_entropy_with_logits(logits[:, :1], batch.damage, weight, reduction="sum") / weight.sum()
    maps = torch.sigmoid(logits)
    made = fill(batch.seen, maps)
    wrong = ((made - batch.clean) ** 2 + 1e-6).sqrt()
    filled = (wrong * near).sum() / (near.sum() + 1)
    p = maps[:, :1]
    left = (now - batch.clean).abs()
    price = ((p * wrong.detach().clamp(max=0.5) + (1 - p) * left) * batch.counts).mean()
    total = 4 * told + 4 * filled + 25 * price
    return total, {"told": told.item(), "fill": filled.item(), "price": price.item()}


def weight_of(batch: Batch) -> torch.Tensor:
    """What a mistake at each pixel costs, B, 1, H, W."""
    now = batch.seen[:, :1]
    guess = batch.seen[:, 1:5].sort(1).values[:, 1:3].mean(1, keepdim=True)
    false = 0.3 + ((guess - batch.clean).abs() / _VISIBLE).clamp(max=2)
    missed = 0.3 + ((now - batch.clean).abs() / _VISIBLE).clamp(max=3)
    return torch.where(batch.damage > 0, missed, false) * batch.counts


def train(
    plan: Plan,
    crops: Crops,
    folder: Path,
    minutes: float,
    say: Callable[[str], None],
    start: SpotNet | None = None,
    name: str = STATE,
) -> bool:
    """Go on for so many minutes, or to the end of the plan; whether the end was reached.

    Args:
        plan: How to train.
        crops: What to learn from.
        folder: Where the state is kept between slices.
        minutes: Length of this slice.
        say: Told what was reached, line by line.
        start: What a training begins with that is not under way; a network that knows nothing where it is left out.
        name: Of the file with the state.
    """
    torch.manual_seed(0)
    net = (start or SpotNet()).to(plan.device, memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(net.parameters(), plan.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    with ahead(lambda step: crops.batch(step, plan.size, plan.device)) as batches:

        def cost(step: int) -> tuple[torch.Tensor, dict[str, float]]:
            batch = batches(step)
            with torch.autocast(plan.device, torch.bfloat16):
                logits = net.logits(batch.seen.contiguous(memory_format=torch.channels_last))
            return loss_of(logits.float(), batch)

        course = Course(steps=plan.steps, rate=plan.rate)
        return learn(net, optimiser, course, folder / name, minutes, cost, say)
