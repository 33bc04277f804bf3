"""From what was trained to what is shipped: an ONNX file for each head, the graph written node by node."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper
from shipping import OPSET, Graph
from torch import nn

from .kernels import enlarging
from .network import LEAK, LargerNet

__all__ = ["NAMES", "export"]

NAMES = ("frame", "blur", "noise")
"""Names of the inputs: luma, the blur that is to go over `samples.BLURS`, the grain that is to go times 32."""


def export(net: LargerNet, file: Path, head: Literal["large", "same"]) -> None:
    """Write the network: three tensors of 1, 1, height, width in, ``picture`` of 1, 1, ... out; 32-bit floats."""
    graph = _Graph()
    seen = graph.body(net)
    if head == "same":
        graph.end("Add", "frame", graph.convolution(seen, net.same), output="picture")
    else:
        added = graph.add("Add", graph.plain(), graph.convolution(seen, net.large))
        graph.end("DepthToSpace", added, output="picture", blocksize=2, mode="CRD")
    graph.finish(file, "film2x" if head == "large" else "deblur", 2 if head == "large" else 1)


class _Graph(Graph):
    """What this network is made of."""

    def body(self, net: LargerNet) -> str:
        """`LargerNet.told`, up to the heads."""
        luma = self.add("Sub", "frame", self.constant("grey", 0.5))
        seen = self.add("Concat", luma, *NAMES[1:], axis=1)
        first = ""
        for layer in net.layers:
            assert isinstance(layer, nn.Conv2d)
            seen = self.add("LeakyRelu", self.convolution(seen, layer), alpha=LEAK)
            first = first or seen
        return self.add("Add", seen, first)

    def plain(self) -> str:
        """A plain enlargement, four channels for one."""
        pads = self.tensor("pads", np.array([0, 0, 3, 3, 0, 0, 3, 3], np.int64))
        wide = self.add("Pad", "frame", pads, mode="edge")
        return self.add("Conv", wide, self.tensor("plain", enlarging()[:, None]), kernel_shape=[7, 7])

    def convolution(self, x: str, layer: nn.Conv2d) -> str:
        """A convolution of the network."""
        assert layer.bias is not None
        n = len(self.weights)
        names = [self.tensor(f"weight{n}", layer.weight.detach().numpy())]
        names.append(self.tensor(f"bias{n}", layer.bias.detach().numpy()))
        return self.add("Conv", x, *names, kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    def finish(self, file: Path, name: str, scale: int) -> None:
        """Check the whole and write it."""
        small, large = ["height", "width"], [f"{side} x {scale}" if scale > 1 else side for side in ("height", "width")]
        ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1, *small]) for n in NAMES]
        out = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 1, *large])
        graph = helper.make_graph(self.nodes, name, ends, [out], self.weights)
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8, producer_name="vsfilmrestore")
        onnx.checker.check_model(model, full_check=True)
        part = file.with_suffix(".part")
        onnx.save(model, str(part))
        part.replace(file)
