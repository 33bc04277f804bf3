"""The network: convolutions over blocks of rows and columns, which see far along a line and not far beside it."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

__all__ = ["AROUND", "INPUTS", "LineNet", "prepared"]

AROUND = 4
INPUTS = 1 + 4 * AROUND
"""The frame, its neighbours -4 to 4, and the same moved onto it; levels from 0 to 1."""
NEAR = 41
"""Columns whose mean is taken off."""
WIDE = (5, 61)
"""Blocks and columns over which the usual height of what stands out is measured."""
CREST = (5, 9)
"""The same for the highest nearby."""
FLOOR = 0.25 / 255
SHARE = 0.1
"""Of the highest nearby: heights are told in units of what is usual, or of this, where that is more."""
_LAYERS = (((1, 5), (1, 1)), ((3, 3), (1, 1)), ((3, 3), (2, 1)), ((3, 3), (4, 1)), ((3, 3), (8, 1)), ((3, 5), (1, 1)),
           ((3, 3), (4, 2)))  # fmt: skip
"""Kernel and dilation of each, blocks and columns."""


class LineNet(nn.Module):
    """B, 17, blocks, width to B, 3, blocks, width: what a line adds, how sure it is that it adds something, the unit.

    The first and the last are of levels from 0 to 1, the second is from 0 to 1.
    """

    def __init__(self, wide: int = 32) -> None:
        super().__init__()
        count = INPUTS + 2
        self.layers = nn.ModuleList()
        for kernel, dilation in _LAYERS:
            pad = tuple(d * (k // 2) for k, d in zip(kernel, dilation, strict=True))
            self.layers.append(nn.Conv2d(count, wide, kernel, 1, pad, dilation))
            count = wide
        self.head = nn.Conv2d(wide, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What comes out as it is shipped."""
        told, unit = self.told(x)
        return torch.cat((told[:, :1] * unit, torch.sigmoid(told[:, 1:]), unit), 1)

    def told(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What a line adds, in units, and the log odds of it; the unit."""
        y, unit = prepared(x)
        for n, layer in enumerate(self.layers):
            z = F.relu(layer(y))
            y = z if n == 0 else y + z
        return self.head(y), unit


def prepared(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What the first layer gets, and the unit of it."""
    high = x - F.avg_pool2d(x, (1, NEAR), 1, (0, NEAR // 2), count_include_pad=False)
    size = high[:, :1].abs()
    usual = F.avg_pool2d((size + 1e-8).sqrt(), WIDE, 1, (WIDE[0] // 2, WIDE[1] // 2), count_include_pad=False) ** 2
    most = F.max_pool2d(size, CREST, 1, (CREST[0] // 2, CREST[1] // 2))
    unit = torch.maximum(usual, SHARE * most) + FLOOR
    lying, moved = high[:, : 1 + 2 * AROUND], high[:, 1 + 2 * AROUND :]
    scale = torch.cat((torch.log(unit * 255) / 2, torch.log(unit / (usual + FLOOR)) / 2), 1)
    return torch.cat((lying / unit, (high[:, :1] - moved) / unit, scale), 1), unit
