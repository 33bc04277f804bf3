"""U-Nets on planes folded to half their size: what those of several trainings have alike, and how they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import onnx
import torch
import torch.nn.functional as F  # noqa: N812
from onnx import numpy_helper
from shipping import Graph
from torch import nn

__all__ = ["LayerGraph", "UNet", "block", "numbers_of", "twice", "unet", "weights_of"]


class UNet(Protocol):
    """What `unet` and `LayerGraph.unet` go through: three sizes, each a half of the one before."""

    enter: nn.Sequential
    down: nn.Sequential
    deep: nn.Sequential
    rise: nn.Sequential
    leave: nn.Sequential


def block(before: int, after: int, count: int, stride: int = 1, *, normed: bool = True) -> nn.Sequential:
    """Convolutions, of which the first may halve the size, each normalised and with what is below 0 cut off."""
    layers: list[nn.Module] = []
    for n in range(count):
        layers.append(nn.Conv2d(after if n else before, after, 3, 1 if n else stride, 1, bias=not normed))
        layers += [nn.BatchNorm2d(after)] if normed else []
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def twice(x: torch.Tensor) -> torch.Tensor:
    """Each pixel four times."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def unet(net: UNet, half: torch.Tensor) -> torch.Tensor:
    """Down to an eighth of the size and up again, from planes of half the size to such planes."""
    half = net.enter(half)
    quarter = net.down(half)
    eighth = net.deep(quarter)
    quarter = net.rise(torch.cat((quarter, twice(eighth)), 1))
    return torch.as_tensor(net.leave(torch.cat((half, twice(quarter)), 1)))


def numbers_of(file: Path) -> dict[str, torch.Tensor]:
    """All numbers of a network that `LayerGraph` wrote, by their names, in the order they were written."""
    stored = onnx.load(str(file)).graph.initializer
    return {each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in stored}


def weights_of(file: Path) -> list[torch.Tensor]:
    """The weights and the bias of each convolution in turn, as `LayerGraph.convolution` wrote them, normalised."""
    return [value for name, value in numbers_of(file).items() if name.startswith(("weight", "bias"))]


class LayerGraph(Graph):
    """A graph of ONNX that is made of layers of torch."""

    def once(self, name: str, values: np.ndarray) -> str:
        """Numbers that are used more than once."""
        return name if any(each.name == name for each in self.weights) else self.tensor(name, values)

    def part(self, x: str, first: int, stop: int) -> str:
        """Some of the channels."""
        n = len(self.weights)
        ends = [self.tensor(f"{word}{n}", np.array([at], np.int64)) for word, at in (("from", first), ("to", stop))]
        return self.add("Slice", x, *ends, self.tensor(f"axis{n}", np.array([1], np.int64)))

    def folded(self, name: str, x: str, channels: int) -> str:
        """pixel_unshuffle: SpaceToDepth orders its channels otherwise, a convolution orders them as one likes."""
        kernel = np.zeros((4 * channels, 1, 2, 2), np.float32)
        for place in range(4 * channels):
            kernel[place, 0, place % 4 // 2, place % 2] = 1
        return self.add("Conv", x, self.tensor(name, kernel), kernel_shape=[2, 2], strides=[2, 2], group=channels)

    def twice(self, x: str) -> str:
        """Each pixel four times."""
        modes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.add("Resize", x, "", self.once("twice", np.array([1, 1, 2, 2], np.float32)), **modes)

    def convolution(self, x: str, layer: nn.Conv2d, norm: nn.BatchNorm2d | None = None, most: int | None = None) -> str:
        """A convolution with the normalisation that follows it; of all its channels or the first ``most``."""
        weight, bias = layer.weight.detach(), layer.bias
        shift = torch.zeros(len(weight)) if bias is None else bias.detach()
        if norm is not None:
            assert norm.running_mean is not None
            assert norm.running_var is not None
            scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
            weight = weight * scale[:, None, None, None]
            shift = (shift - norm.running_mean) * scale + norm.bias.detach()
        n = len(self.weights)
        names = self.tensor(f"weight{n}", weight[:most].numpy()), self.tensor(f"bias{n}", shift[:most].numpy())
        sides = {"kernel_shape": list(layer.kernel_size), "dilations": list(layer.dilation)}
        pads = [int(side) for side in layer.padding] * 2
        return self.add("Conv", x, *names, pads=pads, strides=list(layer.stride), **sides)

    def block(self, layers: nn.Sequential, x: str) -> str:
        """What `block` makes."""
        for layer, following in zip(layers, [*layers[1:], None], strict=True):
            if isinstance(layer, nn.Conv2d):
                norm = following if isinstance(following, nn.BatchNorm2d) else None
                x = self.add("Relu", self.convolution(x, layer, norm))
        return x

    def joined(self, layers: nn.Sequential, large: str, small: str) -> str:
        """A block that gets planes, and those of half their size made as large."""
        return self.block(layers, self.add("Concat", large, self.twice(small), axis=1))

    def unet(self, net: UNet, half: str) -> str:
        """`unet`."""
        half = self.block(net.enter, half)
        quarter = self.block(net.down, half)
        quarter = self.joined(net.rise, quarter, self.block(net.deep, quarter))
        return self.joined(net.leave, half, quarter)
