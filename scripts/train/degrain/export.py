"""From what was trained to what is shipped and back: an ONNX file, its graph written node by node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from unet import LayerGraph, weights_of

from vsfilmrestore.filters._noise_fused import CLIPS

from .network import AROUND, BEND, SEEN, GrainNet

__all__ = ["begun", "export"]


def export(net: GrainNet, file: Path) -> None:
    """Write the network: ``frame`` and `CLIPS` of 1, 1, H, W in, ``clean`` out; 32-bit floats, sizes 8 divides."""
    graph = _Graph()
    half = graph.unet(net, graph.folded("fold", _prepared(graph), SEEN))
    # CRD is the order of torch's pixel_shuffle.
    added = graph.add("DepthToSpace", graph.convolution(half, net.head), blocksize=2, mode="CRD")
    graph.end("Add", "mean", graph.add("Mul", added, "sigma"), output="clean")
    graph.write(file, "grainnet", ["frame", *CLIPS], "clean", 1, ("height", "width"))


def begun(file: Path) -> GrainNet:
    """The network that `export` wrote: a training may begin with it."""
    net = GrainNet()
    net.load_state_dict(dict(zip(net.state_dict(), weights_of(file), strict=True)))
    return net


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


class _Graph(LayerGraph):
    """What this network is made of."""

    def bent(self, x: str) -> str:
        """`network.bent`."""
        bend, one = self.once("bend", np.array(BEND, np.float32)), self.once("one", np.array(1, np.float32))
        return self.add("Div", x, self.add("Add", self.add("Div", self.add("Abs", x), bend), one))
