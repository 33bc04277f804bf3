"""From what was trained to what is shipped: an ONNX file, its graph written node by node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from learning import kept_in
from unet import LayerGraph

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
    return BlendNet.of(kept_in(folder / STATE)).eval()


def export(net: BlendNet, file: Path) -> None:
    """Write the network: planes of 1, 1, H, W in, one of 1, 1, 4H, 4W out, in which a pixel is a square of 16 maps."""
    graph = LayerGraph()
    half = graph.block(net.enter, _seen(graph))
    quarter = graph.block(net.down, half)
    eighth = graph.block(net.deep, quarter)
    deepest = graph.block(net.deeper, eighth)
    eighth = graph.joined(net.lift, eighth, deepest)
    quarter = graph.joined(net.rise, quarter, eighth)
    half = graph.joined(net.leave, half, quarter)
    # CRD is the order of torch's pixel_shuffle.
    full = graph.add("DepthToSpace", graph.convolution(half, net.head), blocksize=2, mode="CRD")
    weights = graph.add("Softmax", graph.add("Add", graph.part(full, 0, VIEWS), _prior(graph)), axis=1)
    rest = graph.part(full, VIEWS, OUT)
    nothing = graph.add("Mul", graph.part(full, 0, MAPS - OUT), graph.constant("nothing", 0.0))
    maps = graph.add("Concat", weights, rest, nothing, axis=1)
    graph.end("DepthToSpace", maps, output="maps", blocksize=4, mode="CRD")
    graph.write(file, "between", INPUTS, "maps", 1, ("height", "width"), ("height4", "width4"))


def _seen(graph: LayerGraph) -> str:
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


def _prior(graph: LayerGraph) -> str:
    """`network.prior`."""
    least, one = graph.constant("least", 1e-3), graph.constant("one", 1.0)
    sides = [graph.add("Log", graph.add("Max", each, least)) for each in (graph.add("Sub", one, "time"), "time")]
    lower = np.repeat([0.0] + [1.5] * (GUESSES - 1) + [3.0], 2).astype(np.float32)[None, :, None, None]
    return graph.add("Sub", graph.add("Concat", *sides * (VIEWS // 2), axis=1), graph.tensor("lower", lower))
