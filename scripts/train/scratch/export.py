"""From what was trained to what is shipped: an ONNX file, its graph written node by node."""

from __future__ import annotations

from pathlib import Path

from torch import nn
from unet import LayerGraph

from .network import AROUND, CREST, FLOOR, NEAR, SHARE, WIDE, LineNet

__all__ = ["NAMES", "export"]

NAMES = ("frame", *(f"{kind}{n}" for kind in ("lying", "moved") for n in range(2 * AROUND)))
"""Names of the inputs: the frame, its neighbours from the first to the last, the same moved onto it."""


def export(net: LineNet, file: Path) -> None:
    """Write the network: tensors of 1, 1, blocks, width in, ``lines`` of 1, 3, blocks, width out; 32-bit floats."""
    graph = _Graph()
    seen, unit = _prepared(graph)
    for n, layer in enumerate(net.layers):
        assert isinstance(layer, nn.Conv2d)
        new = graph.add("Relu", graph.convolution(seen, layer))
        seen = graph.add("Add", seen, new) if n else new
    head = graph.convolution(seen, net.head)
    added, sure = (graph.part(head, n, n + 1) for n in range(2))
    parts = [graph.add("Mul", added, unit), graph.add("Sigmoid", sure), unit]
    graph.end("Concat", *parts, output="lines", axis=1)
    graph.write(file, "linenet", NAMES, "lines", 3, ("blocks", "width"))


def _prepared(graph: _Graph) -> tuple[str, str]:
    """`network.prepared`."""
    every = graph.add("Concat", *NAMES, axis=1)
    high = graph.add("Sub", every, graph.mean(every, (1, NEAR)))
    count = 1 + 2 * AROUND
    here = graph.part(high, 0, 1)
    size = graph.add("Abs", here)
    root = graph.mean(graph.add("Sqrt", graph.add("Add", size, graph.constant("tiny", 1e-8))), WIDE)
    usual = graph.add("Mul", root, root)
    pads = [side // 2 for side in CREST] * 2
    most = graph.add("MaxPool", size, kernel_shape=list(CREST), pads=pads, strides=[1, 1])
    floor = graph.constant("floor", FLOOR)
    unit = graph.add("Add", graph.add("Max", usual, graph.add("Mul", most, graph.constant("share", SHARE))), floor)
    lying = graph.add("Div", graph.part(high, 0, count), unit)
    apart = graph.add("Div", graph.add("Sub", here, graph.part(high, count, len(NAMES))), unit)
    half = graph.constant("half", 0.5)
    first = graph.add("Mul", graph.add("Log", graph.add("Mul", unit, graph.constant("levels", 255.0))), half)
    beside = graph.add("Log", graph.add("Div", unit, graph.add("Add", usual, floor)))
    return graph.add("Concat", lying, apart, first, graph.add("Mul", beside, half), axis=1), unit


class _Graph(LayerGraph):
    """What this network is made of."""

    def mean(self, x: str, kernel: tuple[int, int]) -> str:
        """Means of what lies around, of the picture alone."""
        pads = [side // 2 for side in kernel] * 2
        return self.add("AveragePool", x, kernel_shape=list(kernel), pads=pads, strides=[1, 1])
