"""From what was trained to what is shipped: an ONNX file, its graph written node by node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from shipping import Graph
from torch import nn

from .network import FLOOR, GAIN, NOISE, RATIO, SEEN, SpotNet
from .training import STATE

__all__ = ["EXTRA", "between", "export", "trained"]

EXTRA = ("before2", "before1", "after1", "after2", "colour")
"""Names of the inputs beside ``frame``."""


def trained(folder: Path, name: str = STATE) -> SpotNet:
    """The network of a training, with the weights that are kept."""
    state = torch.load(folder / name, map_location="cpu", weights_only=True)
    net = SpotNet()
    net.load_state_dict(state["kept"])
    return net.eval()


def between(first: SpotNet, second: SpotNet) -> SpotNet:
    """The network halfway between two of which one was trained on from the other.

    It has most of what was gained and loses less of what the first knew (M. Wortsman et al., "Robust fine-tuning of
    zero-shot models", 2022).
    """
    net, other = SpotNet(), second.state_dict()
    net.load_state_dict(
        {
            name: (value + other[name]) / 2 if value.is_floating_point() else value
            for name, value in first.state_dict().items()
        }
    )
    return net.eval()


def export(net: SpotNet, file: Path) -> None:
    """Write the network: six tensors of 1, 1, H, W in, ``damage`` of 1, 1, H, W out; 32-bit floats, sizes 8 divides.

    Which neighbours show best what is beneath helps to learn; the middle of all four repairs as well, so it stays here.
    """
    graph = _Graph()
    seen = _prepared(graph)
    half = graph.block(net.enter, _folded(graph, seen))
    quarter = graph.block(net.down, half)
    eighth = graph.block(net.deep, quarter)
    quarter = graph.block(net.rise, graph.add("Concat", quarter, graph.twice(eighth), axis=1))
    half = graph.block(net.leave, graph.add("Concat", half, graph.twice(quarter), axis=1))
    # CRD is the order of torch's pixel_shuffle.
    full = graph.add("DepthToSpace", graph.convolution(half, net.head, most=4), blocksize=2, mode="CRD")
    graph.end("Sigmoid", full, output="damage")
    graph.write(file, "spotnet", ["frame", *EXTRA], "damage", 1, ("height", "width"))


def _prepared(graph: _Graph) -> str:
    """`network.prepared`."""
    gain, ratio = graph.constant("gain", GAIN), graph.constant("most", RATIO)
    centred = graph.add("Sub", "frame", graph.constant("middle", 0.5))
    apart = [graph.add("Mul", graph.add("Sub", "frame", name), gain) for name in EXTRA[:4]]
    between = graph.add("Sub", "before1", "after1")
    noise = graph.add(
        "AveragePool", graph.add("Abs", between), kernel_shape=[NOISE] * 2, pads=[NOISE // 2] * 4, strides=[1, 1]
    )
    highest, lowest = (graph.add(kind, "before1", "after1") for kind in ("Max", "Min"))
    above = graph.add("Relu", graph.add("Sub", "frame", highest))
    below = graph.add("Relu", graph.add("Sub", lowest, "frame"))
    against = graph.add("Div", graph.add("Sub", above, below), graph.add("Add", noise, graph.constant("floor", FLOOR)))
    cut = graph.add("Clip", against, graph.constant("least", -RATIO), ratio)
    parts = [*apart, graph.add("Mul", between, gain), EXTRA[4], graph.add("Mul", noise, gain)]
    return graph.add("Concat", centred, *parts, graph.add("Div", cut, ratio), axis=1)


def _folded(graph: _Graph, seen: str) -> str:
    """pixel_unshuffle: SpaceToDepth orders its channels otherwise, a convolution orders them as one likes."""
    kernel = np.zeros((4 * SEEN, SEEN, 2, 2), np.float32)
    for channel in range(SEEN):
        for row in range(2):
            for column in range(2):
                kernel[channel * 4 + row * 2 + column, channel, row, column] = 1
    return graph.add("Conv", seen, graph.tensor("fold", kernel), kernel_shape=[2, 2], strides=[2, 2])


class _Graph(Graph):
    """What this network is made of."""

    def twice(self, x: str) -> str:
        """Each pixel four times."""
        name = "twice"
        if all(each.name != name for each in self.weights):
            self.tensor(name, np.array([1, 1, 2, 2], np.float32))
        modes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.add("Resize", x, "", name, **modes)

    def convolution(self, x: str, layer: nn.Conv2d, norm: nn.BatchNorm2d | None = None, most: int | None = None) -> str:
        """A convolution of the network, with the normalisation that follows it; the first ``most`` channels."""
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
        return self.add("Conv", x, *names, kernel_shape=[3, 3], pads=[1] * 4, strides=list(layer.stride))

    def block(self, layers: nn.Sequential, x: str) -> str:
        """Convolutions with their normalisations, each with what is below 0 cut off."""
        for layer, norm in zip(layers[::3], layers[1::3], strict=True):
            assert isinstance(layer, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            x = self.add("Relu", self.convolution(x, layer, norm))
        return x
