"""Networks of the sizes people use, with random weights: for measuring speed and parity, not for looking at."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file

from vsfilmrestore.models.contract import Contract

__all__ = ["NETWORKS", "DustUNet", "export", "make", "picture", "save"]

type Picture = npt.NDArray[np.float32]


def picture(channels: int, height: int, width: int, seed: int = 0) -> Picture:
    """``[1, channels, height, width]``: slopes, edges and grain, 0..1."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    values = np.random.default_rng(seed)
    planes = []
    for channel in range(channels):
        slopes = 0.5 + 0.2 * np.sin(x / (23 + 9 * channel)) + 0.15 * np.cos(y / 17)
        edges = 0.2 * (((x // 16) + (y // 24) + channel) % 2) - 0.1
        planes.append(slopes + edges + values.normal(scale=0.02, size=slopes.shape))
    return np.clip(np.stack(planes), 0, 1)[None].astype(np.float32)


def save(path: Path, tensors: Mapping[str, Any]) -> Path:
    """Write tensors as ``.safetensors``."""
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path


def compact(wide: int, layers: int, scale: int) -> Any:
    """SRVGGNetCompact, as in Real-ESRGAN's small networks."""
    from spandrel.architectures.Compact import Compact

    module = Compact(num_feat=wide, num_conv=layers, upscale=scale).eval()
    _enliven(module, module.body[-1])
    return module


def span(wide: int, scale: int) -> Any:
    """SPAN."""
    from spandrel.architectures.SPAN import SPAN

    module = SPAN(num_in_ch=3, num_out_ch=3, feature_channels=wide, upscale=scale).eval()
    _enliven(module, module.upsampler[0], ground=0.5)
    return module


def dncnn() -> Any:
    """DnCNN, grey, 17 layers."""
    from spandrel.architectures.DnCNN import DnCNN

    module = DnCNN(in_nc=1, out_nc=1, nc=64, nb=17, act_mode="R").eval()
    _enliven(module, module.model[-1])
    return module


def _enliven(module: Any, last: Any, ground: float = 0.0) -> None:
    """Scale a network's last layer so that it makes a picture of a picture, or a change one sees."""
    seen: list[Any] = []
    hook = last.register_forward_hook(lambda part, given, made: seen.append(made))
    with torch.no_grad():
        module(torch.from_numpy(picture(last.out_channels if last.out_channels == 1 else 3, 64, 64)))
        hook.remove()
        gain = 0.1 / float(seen[0].std())
        last.weight *= gain
        last.bias.copy_((last.bias - seen[0].mean()) * gain + ground)


NETWORKS = {
    "Compact 64x16 x2": lambda: compact(64, 16, 2),
    "Compact 64x16 x1": lambda: compact(64, 16, 1),
    "Compact 24x8 x1": lambda: compact(24, 8, 1),
    "SPAN 48 x2": lambda: span(48, 2),
    "SPAN 48 x1": lambda: span(48, 1),
    "DnCNN 17 grey": dncnn,
}
"""By name: architecture, channels and layers, scale."""


def make(name: str) -> Any:
    """One of `NETWORKS`, the same each time, ready to run."""
    torch.manual_seed(0)
    return NETWORKS[name]()


def export(module: Any, channels: int, path: Path, *, half: bool = False) -> Path:
    """The same network as ONNX, any height and width.

    By tracing: PyTorch's newer exporter wants another package, and gives the same graph for such networks.
    """
    import warnings

    names = {"input_names": ["input"], "output_names": ["output"]}
    axes = {"input": {2: "h", 3: "w"}, "output": {2: "H", 3: "W"}}
    example = torch.from_numpy(picture(channels, 32, 48))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if half:
            module, example = module.half(), example.half()
        torch.onnx.export(module, (example,), str(path), dynamic_axes=axes, opset_version=17, dynamo=False, **names)
        if half:
            module.float()
    return path


class _Block(torch.nn.Module):
    """Two convolutions, each followed by ReLU and batch normalisation, at the places its file names."""

    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        layers: list[Any] = []
        for channels in (given, made):
            layers += [torch.nn.ReflectionPad2d(1), torch.nn.Conv2d(channels, made, 3), torch.nn.ReLU()]
            layers += [torch.nn.BatchNorm2d(made)]
        self.block = torch.nn.Sequential(*layers)

    def forward(self, x: Any) -> Any:
        return self.block(x)


class _Up(torch.nn.Module):
    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        self.up = torch.nn.ConvTranspose2d(given, made, 2, stride=2)
        self.conv_block = _Block(given, made)

    def forward(self, x: Any, beside: Any) -> Any:
        return self.conv_block(torch.cat([self.up(x), beside], 1))


class _UNet(torch.nn.Module):
    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.down_path = torch.nn.ModuleList(_Block(a, b) for a, b in [(3, widths[0]), *pairs])
        self.up_path = torch.nn.ModuleList(_Up(b, a) for a, b in reversed(pairs))
        self.last = torch.nn.Conv2d(widths[0], 1, 1)

    def forward(self, x: Any) -> Any:
        kept = []
        for place, block in enumerate(self.down_path):
            x = block(x)
            if place < len(self.down_path) - 1:
                kept.append(x)
                x = torch.nn.functional.max_pool2d(x, 2)
        for up, beside in zip(self.up_path, reversed(kept), strict=True):
            x = up(x, beside)
        return self.last(x)


class DustUNet:
    """The tensors of a U-Net with four levels, known by their names: an architecture as packages bring them.

    How its blocks pad is not in the file; here they mirror. For parity that is the same in both runtimes.
    """

    name, task = "U-Net", "dirt"

    def fits(self, shapes: Mapping[str, tuple[int, ...]]) -> bool:
        return {"down_path.0.block.1.weight", "up_path.0.up.weight", "last.weight"} <= set(shapes)

    def contract(self, shapes: Mapping[str, tuple[int, ...]]) -> Contract:
        return Contract(out_channels=1, colour="data", multiple=8)

    def build(self, shapes: Mapping[str, tuple[int, ...]]) -> Any:
        return _UNet([shapes[f"down_path.{level}.block.1.weight"][0] for level in range(4)])
