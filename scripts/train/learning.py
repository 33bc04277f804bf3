"""What all trainings do alike: a rate that rises and falls, weights that follow, a state that outlives a cut."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import nn

__all__ = ["Weights", "follow", "rate", "save"]

type Weights = dict[str, torch.Tensor]


def rate(highest: float, step: int, steps: int, rise: float) -> float:
    """The learning rate of a step: it rises for a share of the steps and falls to nothing along a cosine."""
    risen = min(1.0, (step + 1) / (rise * steps))
    return highest * risen * (0.5 + 0.5 * math.cos(math.pi * step / steps)) + 1e-6


def follow(kept: Weights, net: nn.Module, share: float) -> None:
    """Move the weights that are kept towards those that learn; ``share`` of them stays."""
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                kept[name].lerp_(value, 1 - share)


def save(file: Path, net: nn.Module, optimiser: torch.optim.Optimizer, kept: Weights, step: int) -> None:
    """Write the state of a training, whole or not at all."""
    part = file.with_suffix(".part")
    torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "kept": kept, "step": step}, part)
    part.replace(file)
