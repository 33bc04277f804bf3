"""The network that reads a fade off statistics, in torch; `vsfilmrestore.filters._fade_network` runs it without.

Each frame's statistics go through two layers; their mean, largest and smallest over the frames go through two more.
So any number of frames of a reel is one question, whatever their order. What the first answer makes of the pixels is
looked at again, and a second answer mends it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from vsfilmrestore.filters._fade_colour import to_density
from vsfilmrestore.filters._fade_network import ANSWERS, FIXES, composed, refined
from vsfilmrestore.filters._fade_profile import bend
from vsfilmrestore.filters._fade_statistics import AGAIN, FEATURES, Statistics, common_range, features, second_look

__all__ = ["Reader", "Solved", "solve"]

_FIRST, _SECOND = 64, 96
_XP: Any = torch

type Solved = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Matrix (sets, 3, 4), slopes (sets, 3, 4) and the two other answers (sets, 2) for sets of frames."""


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
        self.again1 = nn.Linear(AGAIN + _SECOND, _SECOND)
        self.again2 = nn.Linear(_SECOND, _SECOND)
        self.fix = nn.Linear(_SECOND, FIXES)
        with torch.no_grad():
            for last in (self.out, self.fix):
                last.weight.mul_(0.1)
                last.bias.zero_()
        self.drop = nn.Dropout(0.1)

    def first(self, told: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(sets, frames, FEATURES) to (sets, ANSWERS), and what stood before it."""
        seen = (told - self.middle) / self.width
        each = torch.tanh(self.frame2(self.drop(torch.tanh(self.frame1(seen)))))
        count = torch.full_like(each[:, 0, :1], float(each.shape[1])).log() / 3
        pooled = torch.cat([each.mean(1), each.amax(1), each.amin(1), seen[:, 0, -6:], count], -1)
        thought = torch.tanh(self.set2(self.drop(torch.tanh(self.set1(pooled)))))
        return self.out(thought), thought

    def second(self, told: torch.Tensor, thought: torch.Tensor) -> torch.Tensor:
        """(sets, AGAIN) to (sets, FIXES)."""
        both = torch.cat([told, thought], -1)
        return self.fix(torch.tanh(self.again2(self.drop(torch.tanh(self.again1(both))))))


def solve(net: Reader, told: Statistics, pixels: torch.Tensor) -> tuple[Solved, Solved]:
    """What undoes the fade, by the first answer and by both.

    Args:
        net: The network.
        told: Statistics of some frames of each reel.
        pixels: (sets, pixels, 3), some pixels of these frames.
    """
    scale, shift = common_range(told, _XP)
    answer, thought = net.first(features(told, scale, shift, _XP))
    first = composed(answer, scale, shift, _XP)
    matrix, slopes, _ = first
    density = torch.matmul(to_density(pixels, _XP), matrix[..., :3].swapaxes(1, 2)) + matrix[:, None, :, 3]
    fix = net.second(second_look(bend(density, slopes[:, None], _XP), _XP), thought)
    return first, refined(first, fix, _XP)
