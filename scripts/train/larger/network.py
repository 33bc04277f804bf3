"""The network: convolutions at the small size, and a plain enlargement under what they add."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from .kernels import enlarging

__all__ = ["INPUTS", "LargerNet"]

INPUTS = 3
"""Luma, the blur that is to go, how crisp the frame is."""
LEAK = 0.1
MOST = 2.0
"""Of the change that the layers foretell, at most so many times is made."""


class LargerNet(nn.Module):
    """B, 3, height, width to the picture of twice the size; luma from 0 to 1."""

    def __init__(self, wide: int = 48, deep: int = 6) -> None:
        super().__init__()
        counts = [INPUTS, *[wide] * (deep + 1)]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(counts))
        self.gain = nn.Parameter(torch.tensor([1.0, 0.0, 0.0]))
        self.large = nn.Conv2d(wide, 4, 3, padding=1)
        self.register_buffer("plain", torch.from_numpy(enlarging())[:, None], persistent=False)
        nn.init.normal_(self.large.weight, 0, 1e-3)
        assert self.large.bias is not None
        nn.init.zeros_(self.large.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The larger picture."""
        return self.enlarged(x) + F.pixel_shuffle(self.added(x).float(), 2)

    @torch.autocast("cpu", enabled=False)
    def enlarged(self, x: torch.Tensor) -> torch.Tensor:
        """The plain enlargement, never in half precision."""
        assert isinstance(self.plain, torch.Tensor)
        return F.pixel_shuffle(F.conv2d(F.pad(x[:, :1], (3, 3, 3, 3), mode="replicate"), self.plain), 2)

    def added(self, x: torch.Tensor) -> torch.Tensor:
        """What is added to the plain enlargement, four pixels for one."""
        y = torch.cat((x[:, :1] - 0.5, x[:, 1:]), 1)
        first = y = F.leaky_relu(self.layers[0](y), LEAK)
        for layer in list(self.layers)[1:]:
            y = F.leaky_relu(layer(y), LEAK)
        return torch.as_tensor(self.large(y + first) * self.share(x))

    def share(self, x: torch.Tensor) -> torch.Tensor:
        """How much of what is found is added, by how crisp the frame is and how much blur is to go: B, 1, ..."""
        start, blur, crisp = self.gain.unbind()
        return (start + blur * x[:, 1:2] + crisp * x[:, 2:3]).clamp(0, MOST)
