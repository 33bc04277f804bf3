"""Training: what a mistake costs, which crops are learned from, how near the network comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from learning import Course, kept_in, learn
from optimiser import Optimiser

from .export import begun
from .network import GrainNet
from .samples import CHANNELS

__all__ = ["Plan", "loss_of", "reached", "train", "trained"]

_STATE = "state.pt"
_VISIBLE = 1.5 / 255
"""Mistakes are counted in the noise and as much again: nobody sees a quarter of a level."""


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        steps: Batches in all.
        size: Crops in a batch.
        side: Side of a crop in pixels, a multiple of 8.
        rate: Highest learning rate; it rises for 3 % of the steps and falls to nothing along a cosine.
        begun: A network of ours to begin with; without it all is learned anew.
    """

    steps: int
    size: int
    side: int
    rate: float
    begun: Path | None = None


def loss_of(net: GrainNet, batch: torch.Tensor) -> torch.Tensor:
    """What a mistake costs: its square up to about the noise, then itself."""
    seen, clean = batch[:, :-1], batch[:, -1:]
    with torch.autocast("cpu", torch.bfloat16):
        added = net.added(seen.contiguous(memory_format=torch.channels_last))
    sigma = seen[:, 5:6]
    wrong = (seen[:, 1:2] + added.float() * sigma - clean) / (sigma + _VISIBLE)
    return ((wrong * 2) ** 2 + 1).sqrt().mean() - 1


def train(plan: Plan, parts: Sequence[Path], folder: Path, minutes: float, say: Callable[[str], None]) -> bool:
    """Go on for so many minutes, or to the end of the plan; whether the end was reached.

    Args:
        plan: How to train.
        parts: Files of `samples.make`; each is as likely as any other.
        folder: Where the state of the training lies.
        minutes: How long to go on.
        say: Is told how it goes.
    """
    torch.manual_seed(0)
    net = begun(plan.begun) if plan.begun else GrainNet()
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    stacks = [np.load(part, mmap_mode="r") for part in parts]

    def cost(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        loss = loss_of(net, _batch(stacks, plan, step))
        return loss, {"loss": loss.item()}

    optimiser = Optimiser(net.parameters(), {"lr": plan.rate})
    return learn(net, optimiser, Course(steps=plan.steps, rate=plan.rate), folder / _STATE, minutes, cost, say)


def _batch(stacks: Sequence[npt.NDArray[np.uint16]], plan: Plan, number: int) -> torch.Tensor:
    """Crops, mirrored, turned, now and then a negative; a batch follows from its number alone."""
    rng = np.random.default_rng((1, number))
    crops = torch.from_numpy(np.stack([_crop(stacks, plan.side, rng) for _ in range(plan.size)]))
    turned = torch.from_numpy(rng.random((plan.size, 1, 1, 1)) < 0.3)
    pictures = torch.where(turned, 1 - crops, crops)
    # The noise is never measured quite right.
    error = torch.from_numpy(np.exp(rng.normal(0, 0.1, (plan.size, 1, 1, 1))).astype(np.float32))
    return torch.cat((pictures[:, :4], crops[:, 4:5], crops[:, 5:6] * error, pictures[:, 6:]), 1)


def _crop(stacks: Sequence[npt.NDArray[np.uint16]], side: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    part = stacks[int(rng.integers(len(stacks)))]
    n, top, left = (int(rng.integers(limit)) for limit in (len(part), *(s - side + 1 for s in part.shape[2:])))
    crop = np.rot90(part[n, :, top : top + side, left : left + side], int(rng.integers(4)), (1, 2))
    crop = crop[:, :, ::-1] if rng.random() < 0.5 else crop
    crop = crop[[0, 1, 3, 2, *range(4, CHANNELS)]] if rng.random() < 0.5 else crop
    return crop.astype(np.float32) / 65535


def trained(folder: Path) -> GrainNet:
    """The network of a training, with the weights that are kept."""
    net = GrainNet()
    net.load_state_dict(kept_in(folder / _STATE))
    return net.eval()


def reached(net: GrainNet, part: Path) -> str:
    """PSNR over a file of samples: as they are, averaged, and after the network; the mean over samples."""
    gains = []
    with torch.no_grad():
        for stack in np.load(part, mmap_mode="r"):
            x = torch.from_numpy(stack.astype(np.float32) / 65535)[None]
            clean = x[:, -1:]
            made = (x[:, :1], x[:, 1:2], net(x[:, :-1]))
            gains.append([-10 * float(torch.log10(((m - clean) ** 2).mean() + 1e-7)) for m in made])
    return "grainy {:.2f}, averaged {:.2f}, after the network {:.2f} dB".format(*np.mean(gains, 0))
