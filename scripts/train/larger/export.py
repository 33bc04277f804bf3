"""From what was trained to what is shipped: an ONNX file for each head, the graph written node by node."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from torch import nn
from unet import LayerGraph

from .kernels import enlarging
from .network import LEAK, MOST, LargerNet

__all__ = ["NAMES", "export"]

NAMES = ("frame", "blur", "crisp")
"""Names of the inputs: luma, the blur that is to go over `samples.BLURS`, how crisp the frame is."""


def export(net: LargerNet, file: Path, head: Literal["large", "same"]) -> None:
    """Write the network: three tensors of 1, 1, height, width in, ``picture`` of 1, 1, ... out; 32-bit floats."""
    graph = _Graph()
    seen = graph.body(net)
    if head == "same":
        graph.end("Add", "frame", graph.convolution(seen, net.same), output="picture")
    else:
        change = graph.add("Mul", graph.convolution(seen, net.large), graph.share(net))
        added = graph.add("Add", graph.plain(), change)
        graph.end("DepthToSpace", added, output="picture", blocksize=2, mode="CRD")
    made = ("height x 2", "width x 2") if head == "large" else None
    graph.write(file, "film2x" if head == "large" else "deblur", NAMES, "picture", 1, ("height", "width"), made)


class _Graph(LayerGraph):
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

    def share(self, net: LargerNet) -> str:
        """`LargerNet.share`."""
        gain = net.gain.detach().numpy()
        parts = zip(NAMES[1:], gain[1:], strict=True)
        blur, crisp = (self.add("Mul", name, self.constant(f"by {name}", by)) for name, by in parts)
        told = self.add("Add", self.add("Add", blur, crisp), self.constant("start", gain[0]))
        return self.add("Clip", told, self.constant("none", 0.0), self.constant("most", MOST))

    def plain(self) -> str:
        """A plain enlargement, four channels for one."""
        pads = self.tensor("pads", np.array([0, 0, 3, 3, 0, 0, 3, 3], np.int64))
        wide = self.add("Pad", "frame", pads, mode="edge")
        return self.add("Conv", wide, self.tensor("plain", enlarging()[:, None]), kernel_shape=[7, 7])
