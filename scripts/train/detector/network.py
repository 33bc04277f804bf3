"""The network: a U-Net of a quarter of a million parameters on half-size planes.

It sees a frame and its four neighbours, each moved onto the frame, and says for each pixel how likely it is damage that
lies on this frame alone, and which neighbours show best what is beneath.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from unet import block, unet

__all__ = ["FLOOR", "GAIN", "INPUTS", "NOISE", "RATIO", "SEEN", "SpotNet", "fill", "prepared", "weights_of"]

INPUTS = 6
"""Luma of the frame and of its neighbours -2, -1, 1, 2 from 0 to 1; how far chroma stands out, from 0 to 1."""
SEEN = 9
"""What the first layer gets, see `prepared`."""
GAIN = 4.0
"""Differences between a frame and its neighbours are small beside the picture itself."""
NOISE = 17
"""Side of the square over which the neighbours' difference is averaged; pixels."""
FLOOR = 2 / 255
"""Noise that is always there."""
RATIO = 6.0
"""Standing out by more times the noise says no more."""


class SpotNet(nn.Module):
    """B, 6, H, W to B, 3, H, W: damage, share of the frame before, share of the nearer neighbours; all from 0 to 1.

    Height and width are multiples of 8.
    """

    def __init__(self, wide: tuple[int, int, int] = (24, 40, 64)) -> None:
        super().__init__()
        a, b, c = wide
        self.enter = block(SEEN * 4, a, 2)
        self.down = block(a, b, 3, stride=2)
        self.deep = block(b, c, 4, stride=2)
        self.rise = block(b + c, b, 2)
        self.leave = block(a + b, a, 2)
        self.head = nn.Conv2d(a, 3 * 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The three maps."""
        return torch.sigmoid(self.logits(x))

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """The three maps before the sigmoid."""
        half = unet(self, F.pixel_unshuffle(prepared(x), 2))
        return F.pixel_shuffle(self.head(half), 2)


def prepared(x: torch.Tensor) -> torch.Tensor:
    """What the first layer gets: differences, and how far the frame stands out beside the noise."""
    now, moved, colour = x[:, :1], x[:, 1:5], x[:, 5:]
    before, after = moved[:, 1:2], moved[:, 2:3]
    apart = before - after
    noise = F.avg_pool2d(apart.abs(), NOISE, 1, NOISE // 2, count_include_pad=False)
    above, below = now - torch.maximum(before, after), torch.minimum(before, after) - now
    ratio = ((F.relu(above) - F.relu(below)) / (noise + FLOOR)).clamp(-RATIO, RATIO) / RATIO
    return torch.cat((now - 0.5, (now - moved) * GAIN, apart * GAIN, colour, noise * GAIN, ratio), 1)


def weights_of(maps: torch.Tensor) -> torch.Tensor:
    """What each neighbour -2, -1, 1, 2 counts for, from the two shares: B, 2, H, W to B, 4, H, W."""
    before, near = maps[:, :1], maps[:, 1:2]
    after, far = 1 - before, 1 - near
    return torch.cat((before * far, before * near, after * near, after * far), 1)


def fill(x: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """What to put in the place of damage: B, 1, H, W."""
    return (weights_of(maps[:, 1:]) * x[:, 1:5]).sum(1, keepdim=True)
