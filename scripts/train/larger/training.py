"""Training in slices: what was reached is kept on the disk, and the next slice goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from learning import Course, kept_in, learn
from optimiser import Optimiser

from vsfilmrestore.filters._crispness import crispness_of

from .export import begun
from .kernels import halving
from .network import LargerNet
from .samples import Lesson, Stills, lesson

__all__ = ["Plan", "left_of", "reached", "train", "trained"]

_STATE = "larger.pt"
_NOTHING = 0.3 / 255
"""An error that is as good as none: that of rounding to 8 bits."""
_EDGE = 6
"""Pixels at the edge of a crop that count for nothing: there the network sees what no picture has."""


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        steps: Batches in all.
        size: Crops in a batch.
        side: Of a small crop, in pixels.
        rate: Highest learning rate; it rises for 2 % of the steps and falls to nothing along a cosine.
        begun: A network of ours to begin with; without it all is learned anew.
    """

    steps: int
    size: int
    side: int
    rate: float
    begun: Path | None = None


def left_of(net: LargerNet, batch: Lesson) -> torch.Tensor:
    """What a mistake costs: how much is left of that of a plain enlargement, for each crop.

    So a picture that is nearly right counts as much as one that is quite soft.
    """
    wrong = _apart(net(batch.seen.contiguous(memory_format=torch.channels_last)), batch.large)
    with torch.no_grad():
        plain = _apart(net.enlarged(batch.seen), batch.large)
    return wrong / (plain + _NOTHING)


def _apart(made: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    off = (made - true)[..., 2 * _EDGE : -2 * _EDGE, 2 * _EDGE : -2 * _EDGE]
    return (off.square().mean((1, 2, 3)) + 1e-8).sqrt()


def train(plan: Plan, stills: Stills, folder: Path, minutes: float, say: Callable[[str], None]) -> bool:
    """Go on for so many minutes, or to the end of the plan; whether the end was reached.

    Args:
        plan: How to train.
        stills: Photographs to learn from.
        folder: Where the state of the training lies.
        minutes: How long to go on.
        say: Is told how it goes.
    """
    torch.manual_seed(0)
    net = begun(plan.begun) if plan.begun else LargerNet()
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def cost(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        batch = lesson(stills, step, plan.size, plan.side)
        with torch.autocast("cpu", torch.bfloat16):
            loss = left_of(net, batch).mean()
        return loss, {"left of the error": loss.item()}

    course = Course(steps=plan.steps, rate=plan.rate, rise=0.02, told=200)
    optimiser = Optimiser(net.parameters(), {"lr": plan.rate})
    return learn(net, optimiser, course, folder / _STATE, minutes, cost, say)


def trained(folder: Path) -> LargerNet:
    """The network of a training, with the weights that are kept."""
    net = LargerNet()
    net.load_state_dict(kept_in(folder / _STATE))
    return net.eval()


def reached(net: LargerNet, stills: Stills) -> str:
    """How near enlargements of photographs come that the network never saw, beside those of a bicubic kernel."""
    ours, plain = [], []
    taps = torch.from_numpy(halving("bicubic"))
    for still in stills:
        true = torch.from_numpy(still[: still.shape[0] & ~1, : still.shape[1] & ~1].astype(np.float32) / 255)
        x = F.pad(true[None, None], (5, 5, 5, 5), mode="reflect")
        x = F.conv2d(x, taps[None, None, None], stride=(1, 2))
        x = F.conv2d(x, taps[None, None, :, None], stride=(2, 1))
        x = (x * 255).round().clamp(0, 255) / 255
        with torch.no_grad():
            crisp = torch.full_like(x, crispness_of(x[0, 0].numpy()))
            made = net(torch.cat((x, torch.zeros_like(x), crisp), 1))
        bicubic = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
        ours.append(_decibels(made[0, 0].numpy(), true.numpy()))
        plain.append(_decibels(bicubic[0, 0].numpy(), true.numpy()))
    return f"photographs never seen, clean: {np.mean(ours):.2f} dB; bicubic {np.mean(plain):.2f} dB"


def _decibels(made: np.ndarray, true: np.ndarray) -> float:
    return cv2.PSNR(made[8:-8, 8:-8].clip(0, 1).astype(np.float64), true[8:-8, 8:-8].astype(np.float64), 1.0)
