"""The network: a U-Net on half-size planes that adds to the average along motion what this lacks.

All it sees is counted in standard deviations of the noise, and so is what it adds: whether noise is strong or weak
makes no difference to it, only how much stands out from it. What it adds is nothing before it has learned.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from unet import block, unet

__all__ = ["AROUND", "BEND", "INPUTS", "SEEN", "GrainNet", "bent", "prepared"]

INPUTS = 6
"""The frame, its average, the neighbours before and after moved onto it, what is left of the noise, the noise."""
SEEN = 7
"""What the first layer gets, see `prepared`."""
AROUND = 17
"""Side of the square whose mean the average is held against; pixels."""
BEND = 8.0
"""What stands out by more standard deviations says ever less."""


class GrainNet(nn.Module):
    """B, 6, H, W to B, 1, H, W: the plane without grain. Height and width are multiples of 8."""

    def __init__(self, wide: tuple[int, int, int] = (32, 56, 72)) -> None:
        super().__init__()
        a, b, c = wide
        self.enter = block(SEEN * 4, a, 2, normed=False)
        self.down = block(a, b, 2, stride=2, normed=False)
        self.deep = block(b, c, 2, stride=2, normed=False)
        self.rise = block(b + c, b, 2, normed=False)
        self.leave = block(a + b, a, 2, normed=False)
        self.head = nn.Conv2d(a, 4, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        if self.head.bias is not None:
            nn.init.zeros_(self.head.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The plane without grain."""
        return x[:, 1:2] + self.added(x).float() * x[:, 5:6]

    def added(self, x: torch.Tensor) -> torch.Tensor:
        """What is added to the average, in standard deviations of the noise."""
        half = unet(self, F.pixel_unshuffle(prepared(x), 2))
        return F.pixel_shuffle(self.head(half), 2)


def prepared(x: torch.Tensor) -> torch.Tensor:
    """What the first layer gets: the average's detail, what the others differ from it by, noise left, noise, level."""
    frame, mean, before, after, left, sigma = x.split(1, 1)
    around = F.avg_pool2d(mean, AROUND, 1, AROUND // 2, count_include_pad=False)
    apart = [
        bent((other - base) / sigma) for other, base in ((mean, around), (frame, mean), (before, mean), (after, mean))
    ]
    return torch.cat((*apart, left, sigma * 8, mean - 0.5), 1)


def bent(x: torch.Tensor) -> torch.Tensor:
    """Straight near nought, and never beyond `BEND`."""
    return x / (1 + x.abs() / BEND)
