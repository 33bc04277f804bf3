"""From what was trained to what is shipped and back: the graph of ONNX, written node by node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn
from unet import LayerGraph, numbers_of, weights_of

from .kernels import enlarging
from .network import LEAK, MOST, LargerNet

__all__ = ["NAMES", "begun", "export"]

NAMES = ("frame", "blur", "crisp")
"""Names of the inputs: luma, the blur that is to go over `samples.BLURS`, how crisp the frame is."""


def export(net: LargerNet, file: Path) -> None:
    """Write the network: three tensors of 1, 1, height, width in, ``picture`` of 1, 1, ... out; 32-bit floats."""
    graph = _Graph()
    seen = graph.body(net)
    change = graph.add("Mul", graph.convolution(seen, net.large), graph.share(net))
    added = graph.add("Add", graph.plain(), change)
    graph.end("DepthToSpace", added, output="picture", blocksize=2, mode="CRD")
    graph.write(file, "film2x", NAMES, "picture", 1, ("height", "width"), ("height x 2", "width x 2"))


def begun(file: Path) -> LargerNet:
    """The network that `export` wrote: a training may begin with it."""
    net, found = LargerNet(), numbers_of(file)
    names = [name for name in net.state_dict() if name != "gain"]
    gain = torch.stack([found[name].reshape(()) for name in ("start", *(f"by {name}" for name in NAMES[1:]))])
    net.load_state_dict({"gain": gain, **dict(zip(names, weights_of(file), strict=True))})
    return net


class _Graph(LayerGraph):
    """What this network is made of."""

    def body(self, net: LargerNet) -> str:
        """`LargerNet.added`, up to the last layer."""
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
