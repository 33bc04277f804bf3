"""From what was trained to what is shipped: an ONNX file, its graph written node by node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from shipping import Graph
from torch import nn

from vsfilmrestore.filters._noise_fused import CLIPS

from .network import AROUND, BEND, SEEN, GrainNet

__all__ = ["export"]


def export(net: GrainNet, file: Path) -> None:
    """Write the network: ``frame`` and `CLIPS` of 1, 1, H, W in, ``clean`` out; 32-bit floats, sizes 8 divides."""
    graph = _Graph()
    half = graph.block(net.enter, graph.folded(_prepared(graph)))
    quarter = graph.block(net.down, half)
    eighth = graph.block(net.deep, quarter)
    quarter = graph.block(net.rise, graph.add("Concat", quarter, graph.twice(eighth), axis=1))
    half = graph.block(net.leave, graph.add("Concat", half, graph.twice(quarter), axis=1))
    # CRD is the order of torch's pixel_shuffle.
    added = graph.add("DepthToSpace", graph.convolution(half, net.head), blocksize=2, mode="CRD")
    graph.end("Add", "mean", graph.add("Mul", added, "sigma"), output="clean")
    graph.write(file, "grainnet", ["frame", *CLIPS], "clean", 1, ("height", "width"))


def _prepared(graph: _Graph) -> str:
    """`network.prepared`."""
    around = graph.add(
        "AveragePool", "mean", kernel_shape=[AROUND] * 2, pads=[AROUND // 2] * 4, strides=[1, 1], count_include_pad=0
    )
    pairs = (("mean", around), ("frame", "mean"), ("before", "mean"), ("after", "mean"))
    apart = [graph.bent(graph.add("Div", graph.add("Sub", *pair), "sigma")) for pair in pairs]
    noise = graph.add("Mul", "sigma", graph.constant("noise", 8.0))
    level = graph.add("Sub", "mean", graph.constant("middle", 0.5))
    return graph.add("Concat", *apart, "left", noise, level, axis=1)


class _Graph(Graph):
    """What this network is made of."""

    def once(self, name: str, values: np.ndarray) -> str:
        """Numbers that are used more than once."""
        return name if any(each.name == name for each in self.weights) else self.tensor(name, values)

    def bent(self, x: str) -> str:
        """`network.bent`."""
        bend, one = self.once("bend", np.array(BEND, np.float32)), self.once("one", np.array(1, np.float32))
        return self.add("Div", x, self.add("Add", self.add("Div", self.add("Abs", x), bend), one))

    def folded(self, seen: str) -> str:
        """pixel_unshuffle: SpaceToDepth orders its channels otherwise, a convolution orders them as one likes."""
        kernel = np.zeros((4 * SEEN, SEEN, 2, 2), np.float32)
        for channel in range(SEEN):
            for place in range(4):
                kernel[channel * 4 + place, channel, place // 2, place % 2] = 1
        return self.add("Conv", seen, self.tensor("fold", kernel), kernel_shape=[2, 2], strides=[2, 2])

    def twice(self, x: str) -> str:
        """Each pixel four times."""
        name = self.once("twice", np.array([1, 1, 2, 2], np.float32))
        modes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.add("Resize", x, "", name, **modes)

    def convolution(self, x: str, layer: nn.Conv2d) -> str:
        """A convolution of the network."""
        assert layer.bias is not None
        n = len(self.weights)
        names = [self.tensor(f"weight{n}", layer.weight.detach().numpy())]
        names.append(self.tensor(f"bias{n}", layer.bias.detach().numpy()))
        return self.add("Conv", x, *names, kernel_shape=[3, 3], pads=[1] * 4, strides=list(layer.stride))

    def block(self, layers: nn.Sequential, x: str) -> str:
        """Convolutions, each with what is below 0 cut off."""
        for layer in layers[::2]:
            assert isinstance(layer, nn.Conv2d)
            x = self.add("Relu", self.convolution(x, layer))
        return x
