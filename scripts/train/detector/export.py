"""From what was trained to what is shipped: an ONNX file, its graph written node by node."""

from __future__ import annotations

from pathlib import Path

from learning import kept_in
from unet import LayerGraph

from .network import FLOOR, GAIN, NOISE, RATIO, SEEN, SpotNet
from .training import STATE

__all__ = ["EXTRA", "between", "export", "trained"]

EXTRA = ("before2", "before1", "after1", "after2", "colour")
"""Names of the inputs beside ``frame``."""


def trained(folder: Path, name: str = STATE) -> SpotNet:
    """The network of a training, with the weights that are kept."""
    net = SpotNet()
    net.load_state_dict(kept_in(folder / name))
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
    graph = LayerGraph()
    half = graph.unet(net, graph.folded("fold", _prepared(graph), SEEN))
    # CRD is the order of torch's pixel_shuffle.
    full = graph.add("DepthToSpace", graph.convolution(half, net.head, most=4), blocksize=2, mode="CRD")
    graph.end("Sigmoid", full, output="damage")
    graph.write(file, "spotnet", ["frame", *EXTRA], "damage", 1, ("height", "width"))


def _prepared(graph: LayerGraph) -> str:
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
