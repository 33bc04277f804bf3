"""The trained network as a file that numpy can run, and back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from vsfilmrestore.models.safetensors import read_tensors

from .network import Reader

__all__ = ["export", "load"]


def export(net: Reader, file: Path) -> None:
    """Write its tensors as safetensors, 32-bit floats, whole or not at all."""
    header: dict[str, object] = {}
    parts: list[bytes] = []
    reached = 0
    for name, value in sorted(net.state_dict().items()):
        data = np.ascontiguousarray(value.detach().numpy(), "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [reached, reached + len(data)]}
        parts.append(data)
        reached += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    part = file.with_suffix(".part")
    part.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))
    part.replace(file)


def load(file: Path) -> Reader:
    """The network that `export` wrote: a training may begin with it."""
    net = Reader()
    net.load_state_dict({name: torch.from_numpy(value) for name, value in read_tensors(file).items()})
    return net
