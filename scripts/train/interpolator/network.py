"""The network: it chooses among what guesses at the motion show, mends one of them, and adds what none shows."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F  # noqa: N812
from learning import Weights
from torch import nn
from unet import block, twice, weights_of

from vsfilmrestore.filters._between_motion import GUESSES

__all__ = ["FLOW_UNIT", "MAPS", "OUT", "PICTURES", "SMALL", "VIEWS", "BlendNet", "blended", "prior", "sampled"]

VIEWS = 2 * GUESSES + 2
"""Pictures to choose from: left and right by each guess, then left and right as they are."""
PICTURES = VIEWS
SMALL = 4 * GUESSES
"""Planes of half the size: two of each motion, two of what it lays down."""
FLOW_UNIT = 32.0
"""Pixels of motion that count as 1."""
OUT = VIEWS + 4 + 1
"""Weights, what is added to the first motion on the left and on the right, and what is added to the picture."""
MAPS = 16
"""Maps of the file: `OUT`, and nothing."""
REACH = 2.0
"""Pixels that 1 of what is added to a motion means."""
GAIN = 0.25
WIDE = (24, 40, 48, 48)


class BlendNet(nn.Module):
    """A U-Net on pictures folded to half their size.

    Args:
        normed: Whether its convolutions are normalised; those of an export are no more.
    """

    def __init__(self, *, normed: bool = True) -> None:
        super().__init__()
        a, b, c, d = WIDE
        self.enter = block(4 * PICTURES + SMALL + 1, a, 2, normed=normed)
        self.down = block(a, b, 2, 2, normed=normed)
        self.deep = block(b, c, 2, 2, normed=normed)
        self.deeper = block(c, d, 2, 2, normed=normed)
        self.lift = block(d + c, c, 2, normed=normed)
        self.rise = block(c + b, b, 2, normed=normed)
        self.leave = block(b + a, a, 2, normed=normed)
        self.head = nn.Conv2d(a, 4 * OUT, 3, 1, 1)
        nn.init.normal_(self.head.weight, 0, 1e-3)
        nn.init.zeros_(self.head.bias)

    @classmethod
    def of(cls, weights: Weights) -> Self:
        """The network that has these weights."""
        net = cls(normed=any(name.endswith("running_mean") for name in weights))
        net.load_state_dict(weights)
        return net

    @classmethod
    def begun(cls, file: Path) -> Self:
        """The network that was exported: a training may begin with it."""
        net = cls(normed=False)
        net.load_state_dict(dict(zip(net.state_dict(), weights_of(file), strict=True)))
        return net

    def forward(self, views: torch.Tensor, small: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """Weights before softmax, motion to add, picture to add: ``[B, OUT, H, W]``.

        Args:
            views: ``[B, VIEWS, H, W]``, 0..1.
            small: ``[B, SMALL, H/2, W/2]``: motions in `FLOW_UNIT`, what is laid down.
            time: ``[B]``.
        """
        folded = F.pixel_unshuffle(views - 0.5, 2)
        plane = (time - 0.5)[:, None, None, None].expand(-1, 1, *small.shape[2:])
        half = self.enter(torch.cat([folded, small, plane], 1))
        quarter = self.down(half)
        eighth = self.deep(quarter)
        deepest = self.deeper(eighth)
        eighth = self.lift(torch.cat([eighth, twice(deepest)], 1))
        quarter = self.rise(torch.cat([quarter, twice(eighth)], 1))
        half = self.leave(torch.cat([half, twice(quarter)], 1))
        return F.pixel_shuffle(self.head(half), 2)


def prior(time: torch.Tensor) -> torch.Tensor:
    """What is added to the weights before softmax, ``[B, VIEWS, 1, 1]``: the nearer side and motion count more."""
    least = torch.full_like(time, 1e-3)
    sides = torch.stack([torch.maximum(1 - time, least).log(), torch.maximum(time, least).log()], 1)
    lower = torch.tensor([0.0] + [1.5] * (GUESSES - 1) + [3.0])
    return (sides[:, None] - lower[None, :, None]).reshape(len(time), VIEWS, 1, 1)


def sampled(picture: torch.Tensor, flow: torch.Tensor, corner: torch.Tensor) -> torch.Tensor:
    """A crop of pictures, moved: ``[B, 1, h, w]``.

    Args:
        picture: ``[B, 1, H, W]``, larger than the crop.
        flow: ``[B, 2, h, w]``: how far from each pixel of the crop its value is taken.
        corner: ``[B, 2]``: column and row of the crop's first pixel.
    """
    height, width = picture.shape[2:]
    x = torch.arange(flow.shape[3])[None, None] + corner[:, 0, None, None] + flow[:, 0]
    y = torch.arange(flow.shape[2])[None, :, None] + corner[:, 1, None, None] + flow[:, 1]
    at = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)
    return F.grid_sample(picture, at, mode="bicubic", padding_mode="border", align_corners=False)


def blended(
    out: torch.Tensor, views: torch.Tensor, left: torch.Tensor, right: torch.Tensor, time: torch.Tensor
) -> torch.Tensor:
    """The picture between: ``views`` with the first two replaced by ``left`` and ``right``, weighed, and the rest."""
    weights = (out[:, :VIEWS] + prior(time)).softmax(1)
    chosen = weights[:, :1] * left + weights[:, 1:2] * right + (weights[:, 2:] * views[:, 2:]).sum(1, keepdim=True)
    return chosen + GAIN * out[:, VIEWS + 4 :]
