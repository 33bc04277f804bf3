"""From what was trained to what is shipped: an ONNX file, its graph written node by node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from .network import AROUND, CREST, FLOOR, NEAR, SHARE, WIDE, LineNet

__all__ = ["NAMES", "export"]

NAMES = ("frame", *(f"{kind}{n}" for kind in ("lying", "moved") for n in range(2 * AROUND)))
"""Names of the inputs: the frame, its neighbours from the first to the last, the same moved onto it."""
OPSET = 17


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
    graph.nodes.append(helper.make_node("Concat", parts, ["lines"], axis=1))
    model = graph.model()
    onnx.checker.check_model(model, full_check=True)
    part = file.with_suffix(".part")
    onnx.save(model, str(part))
    part.replace(file)


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


class _Graph:
    """Nodes and weights as they come."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node; the name of what comes out of it."""
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def tensor(self, name: str, values: np.ndarray) -> str:
        """Weights under a name."""
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def constant(self, name: str, value: float) -> str:
        """One number."""
        return self.tensor(name, np.array(value, np.float32))

    def part(self, x: str, first: int, stop: int) -> str:
        """Some channels."""
        n = len(self.weights)
        ends = [self.tensor(f"{word}{n}", np.array([at], np.int64)) for word, at in (("from", first), ("to", stop))]
        return self.add("Slice", x, *ends, self.tensor(f"axis{n}", np.array([1], np.int64)))

    def mean(self, x: str, kernel: tuple[int, int]) -> str:
        """Means of what lies around, of the picture alone."""
        pads = [side // 2 for side in kernel] * 2
        return self.add("AveragePool", x, kernel_shape=list(kernel), pads=pads, strides=[1, 1])

    def convolution(self, x: str, layer: nn.Conv2d) -> str:
        """A convolution of the network."""
        assert layer.bias is not None
        n = len(self.weights)
        names = [self.tensor(f"weight{n}", layer.weight.detach().numpy())]
        names.append(self.tensor(f"bias{n}", layer.bias.detach().numpy()))
        pads = [int(side) for side in layer.padding] * 2
        sides = {"kernel_shape": list(layer.kernel_size), "dilations": list(layer.dilation)}
        return self.add("Conv", x, *names, pads=pads, strides=[1, 1], **sides)

    def model(self) -> onnx.ModelProto:
        """The whole."""
        ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1, "blocks", "width"]) for n in NAMES]
        out = helper.make_tensor_value_info("lines", TensorProto.FLOAT, [1, 3, "blocks", "width"])
        graph = helper.make_graph(self.nodes, "linenet", ends, [out], self.weights)
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=8, producer_name="vsfilmrestore")
