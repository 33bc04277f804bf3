"""The network that reads a fade off statistics, in torch; `vsfilmrestore.filters._fade_network` runs it without.

Each frame's statistics go through two layers; their mean, spread, largest and smallest over the frames go through two
more. So any number of frames of a reel is one question, whatever their order. What an answer makes of the pixels is
looked at again, and the next answer mends it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from vsfilmrestore.filters._fade_colour import to_density
from vsfilmrestore.filters._fade_network import ANSWERS, FIXES, LOOKS, SMALLEST, composed, mended, refined
from vsfilmrestore.filters._fade_statistics import AGAIN, FEATURES, Statistics, common_range, features, second_look

__all__ = ["Reader", "Solved", "solve"]

_FIRST, _SECOND = 64, 96
_JITTER, _JITTER_AGAIN = 0.1, 0.03
"""Noise that is put on statistics in a training, lest single pictures are known by them."""
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
        self.set1 = nn.Linear(4 * _FIRST + 7, _SECOND)
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
        seen = self._shaken((told - self.middle) / self.width, _JITTER)
        each = torch.tanh(self.frame2(self.drop(torch.tanh(self.frame1(seen)))))
        spread = (each.var(1, correction=0) + SMALLEST).sqrt()
        count = torch.full_like(each[:, 0, :1], float(each.shape[1])).log() / 3
        pooled = torch.cat([each.mean(1), spread, each.amax(1), each.amin(1), seen[:, 0, -6:], count], -1)
        thought = torch.tanh(self.set2(self.drop(torch.tanh(self.set1(pooled)))))
        return self.out(thought), thought

    def again(self, told: torch.Tensor, thought: torch.Tensor) -> torch.Tensor:
        """(sets, AGAIN) to (sets, FIXES)."""
        both = torch.cat([self._shaken(told, _JITTER_AGAIN), thought], -1)
        return torch.as_tensor(self.fix(torch.tanh(self.again2(self.drop(torch.tanh(self.again1(both)))))))

    def _shaken(self, values: torch.Tensor, noise: float) -> torch.Tensor:
        return values + noise * torch.randn_like(values) if self.training else values


def solve(net: Reader, told: Statistics, pixels: torch.Tensor) -> list[Solved]:
    """What undoes the fade, by the first answer and after each further look.

    Args:
        net: The network.
        told: Statistics of some frames of each reel.
        pixels: (sets, pixels, 3), some pixels of these frames.
    """
    scale, shift = common_range(told, _XP)
    answer, thought = net.first(features(told, scale, shift, _XP))
    solved: list[Solved] = [composed(answer, scale, shift, _XP)]
    density = to_density(pixels, _XP)
    for _ in range(LOOKS):
        fix = net.again(second_look(mended(density, solved[-1], _XP), _XP), thought)
        solved.append(refined(solved[-1], fix, _XP))
    return solved
