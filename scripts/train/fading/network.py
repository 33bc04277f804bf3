"""The network that reads a fade off statistics, in torch; `vsfilmrestore.filters._fade_network` runs it without.

Each frame's statistics go through two layers; their mean, largest and smallest over the frames go through two more.
So any number of frames of a reel is one question, whatever their order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from vsfilmrestore.filters._fade_network import ANSWERS, composed
from vsfilmrestore.filters._fade_statistics import FEATURES, Statistics, common_range, features

__all__ = ["Reader", "solve"]

_FIRST, _SECOND = 64, 96


class Reader(nn.Module):
    """Statistics of some frames to what undoes their fade."""

    def __init__(self) -> None:
        super().__init__()
        self.middle: torch.Tensor
        self.width: torch.Tensor
        self.register_buffer("middle", torch.zeros(FEATURES))
        self.register_buffer("width", torch.ones(FEATURES))
        self.frame1 = nn.Linear(FEATURES, _FIRST)
        self.frame2 = nn.Linear(_FIRST, _FIRST)
        self.set1 = nn.Linear(3 * _FIRST + 7, _SECOND)
        self.set2 = nn.Linear(_SECOND, _SECOND)
        self.out = nn.Linear(_SECOND, ANSWERS)
        with torch.no_grad():
            self.out.weight.mul_(0.1)
            self.out.bias.zero_()
        self.drop = nn.Dropout(0.1)

    def forward(self, told: torch.Tensor) -> torch.Tensor:
        """(sets, frames, FEATURES) to (sets, ANSWERS)."""
        seen = (told - self.middle) / self.width
        each = torch.tanh(self.frame2(self.drop(torch.tanh(self.frame1(seen)))))
        count = torch.full_like(each[:, 0, :1], float(each.shape[1])).log() / 3
        ends = seen[:, 0, -6:]
        pooled = torch.cat([each.mean(1), each.amax(1), each.amin(1), ends, count], -1)
        return self.out(torch.tanh(self.set2(self.drop(torch.tanh(self.set1(pooled))))))


def solve(net: Reader, told: Statistics) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Matrix (sets, 3, 4), slopes (sets, 3, 4) and the two other answers (sets, 2) for sets of frames."""
    xp: Any = torch
    scale, shift = common_range(told, xp)
    answer = net(features(told, scale, shift, xp))
    return composed(answer, scale, shift, xp)
