"""From what was trained to what is shipped: an ONNX file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from .network import SpotNet

__all__ = ["EXTRA", "export", "trained"]

EXTRA = ("before2", "before1", "after1", "after2", "colour")
"""Names of the inputs beside the frame itself."""


class _Apart(nn.Module):
    """The network with a tensor of its own for each input."""

    def __init__(self, net: SpotNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, *planes: torch.Tensor) -> torch.Tensor:
        return self.net(torch.cat(planes, 1))


def trained(folder: Path) -> SpotNet:
    """The network of a training, with the weights that are kept."""
    state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
    net = SpotNet()
    net.load_state_dict(state["kept"])
    return net.eval()


def export(net: SpotNet, file: Path) -> None:
    """Write the network: six tensors of B, 1, H, W in, B, 3, H, W out; 32-bit floats, any size that 8 divides."""
    import onnx

    names = ["frame", *EXTRA]
    example = tuple(torch.zeros(1, 1, 64, 64) for _ in names)
    axes = {name: {2: "height", 3: "width"} for name in (*names, "maps")}
    part = file.with_suffix(".part.onnx")
    torch.onnx.export(
        _Apart(net), example, str(part), input_names=names, output_names=["maps"], dynamic_axes=axes,
        opset_version=17, dynamo=False,
    )  # fmt: skip
    model = onnx.load(str(part))
    del model.metadata_props[:]
    model.producer_name, model.producer_version, model.doc_string = "vsfilmrestore", "", ""
    onnx.checker.check_model(model)
    onnx.save(model, str(part))
    part.replace(file)
