"""From what was trained to what is shipped: an ONNX file, its graph written node by node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from shipping import Graph
from torch import nn

from vsfilmrestore.filters._between_motion import GUESSES

from .network import MAPS, OUT, SMALL, VIEWS, BlendNet
from .training import STATE

__all__ = ["INPUTS", "export", "trained"]

FOLDED = SMALL // 4
"""Planes of full size that hold those of half the size, four in each."""
INPUTS = (
    "left1",
    *(f"{side}{n}" for n in range(1, GUESSES + 1) for side in ("left", "right") if (side, n) != ("left", 1)),
    "left",
    "right",
    *(f"motion{n}" for n in range(1, FOLDED + 1)),
    "time",
)
"""Names of the inputs: what is seen by each guess, left and right as they are, motions, the time."""


def trained(folder: Path) -> BlendNet:
    """The network of a training, with the weights that are kept."""
    state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
    net = BlendNet()
    net.load_state_dict(state["kept"])
    return net.eval()


def export(net: BlendNet, file: Path) -> None:
    """Write the network: planes of 1, 1, H, W in, one of 1, 1, 4H, 4W out, in which a pixel is a square of 16 maps."""
    graph = _Graph()
    half = graph.block(net.enter, _seen(graph))
    quarter = graph.block(net.down, half)
    eighth = graph.block(net.deep, quarter)
    deepest = graph.block(net.deeper, eighth)
    eighth = graph.block(net.lift, graph.add("Concat", eighth, graph.twice(deepest), axis=1))
    quarter = graph.block(net.rise, graph.add("Concat", quarter, graph.twice(eighth), axis=1))
    half = graph.block(net.leave, graph.add("Concat", half, graph.twice(quarter), axis=1))
    # CRD is the order of torch's pixel_shuffle.
    full = graph.add("DepthToSpace", graph.convolution(half, net.head), blocksize=2, mode="CRD")
    weights = graph.add("Softmax", graph.add("Add", graph.part(full, 0, VIEWS), _prior(graph)), axis=1)
    rest = graph.part(full, VIEWS, OUT)
    nothing = graph.add("Mul", graph.part(full, 0, MAPS - OUT), graph.constant("nothing", 0.0))
    maps = graph.add("Concat", weights, rest, nothing, axis=1)
    graph.end("DepthToSpace", maps, output="maps", blocksize=4, mode="CRD")
    graph.write(file, "between", INPUTS, "maps", 1, ("height", "width"), ("height4", "width4"))


def _seen(graph: _Graph) -> str:
    """Pictures around 0, motions and time, all folded to half the size."""
    middle = graph.constant("middle", 0.5)
    pictures = [graph.add("Sub", name, middle) for name in INPUTS[:VIEWS]]
    return graph.add(
        "Concat",
        graph.folded("pictures", graph.add("Concat", *pictures, axis=1), VIEWS),
        graph.folded("motions", graph.add("Concat", *INPUTS[VIEWS : VIEWS + FOLDED], axis=1), FOLDED),
        graph.add("AveragePool", graph.add("Sub", "time", middle), kernel_shape=[2, 2], strides=[2, 2]),
        axis=1,
    )


def _prior(graph: _Graph) -> str:
    """`network.prior`."""
    least, one = graph.constant("least", 1e-3), graph.constant("one", 1.0)
    sides = [graph.add("Log", graph.add("Max", each, least)) for each in (graph.add("Sub", one, "time"), "time")]
    lower = np.repeat([0.0] + [1.5] * (GUESSES - 1) + [3.0], 2).astype(np.float32)[None, :, None, None]
    return graph.add("Sub", graph.add("Concat", *sides * (VIEWS // 2), axis=1), graph.tensor("lower", lower))


class _Graph(Graph):
    """What this network is made of."""

    def part(self, x: str, first: int, stop: int) -> str:
        """Some of the channels."""
        n = len(self.weights)
        ends = [self.tensor(f"{word}{n}", np.array([value], np.int64)) for word, value in
                (("first", first), ("stop", stop), ("axis", 1))]  # fmt: skip
        return self.add("Slice", x, *ends)

    def folded(self, name: str, x: str, channels: int) -> str:
        """pixel_unshuffle: SpaceToDepth orders its channels otherwise, a convolution orders them as one likes."""
        kernel = np.zeros((4 * channels, 1, 2, 2), np.float32)
        for place in range(4 * channels):
            kernel[place, 0, place % 4 // 2, place % 2] = 1
        return self.add("Conv", x, self.tensor(name, kernel), kernel_shape=[2, 2], strides=[2, 2], group=channels)

    def twice(self, x: str) -> str:
        """Each pixel four times."""
        if all(each.name != "twice" for each in self.weights):
            self.tensor("twice", np.array([1, 1, 2, 2], np.float32))
        modes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.add("Resize", x, "", "twice", **modes)

    def convolution(self, x: str, layer: nn.Conv2d, norm: nn.BatchNorm2d | None = None) -> str:
        """A convolution of the network, with the normalisation that follows it."""
        weight = layer.weight.detach()
        shift = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach()
        if norm is not None:
            assert norm.running_mean is not None
            assert norm.running_var is not None
            scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
            weight = weight * scale[:, None, None, None]
            shift = (shift - norm.running_mean) * scale + norm.bias.detach()
        n = len(self.weights)
        names = self.tensor(f"weight{n}", weight.numpy()), self.tensor(f"bias{n}", shift.numpy())
        return self.add("Conv", x, *names, kernel_shape=[3, 3], pads=[1] * 4, strides=list(layer.stride))

    def block(self, layers: nn.Sequential, x: str) -> str:
        """Convolutions with their normalisations, each with what is below 0 cut off."""
        for layer, norm in zip(layers[::3], layers[1::3], strict=True):
            assert isinstance(layer, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            x = self.add("Relu", self.convolution(x, layer, norm))
        return x
