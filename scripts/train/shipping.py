"""From what was trained to what is shipped: graphs of ONNX written node by node, and the card beside a file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["Graph", "stamp"]

OPSET = 17


class Graph:
    """Nodes and weights as they come."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node; the name of what comes out of it."""
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def end(self, kind: str, *inputs: str, output: str, **attributes: Any) -> None:
        """The last node, and the name of what comes out of the whole."""
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))

    def tensor(self, name: str, values: np.ndarray) -> str:
        """Weights under a name."""
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def constant(self, name: str, value: float) -> str:
        """One number."""
        return self.tensor(name, np.array(value, np.float32))

    def write(
        self,
        file: Path,
        name: str,
        inputs: Sequence[str],
        output: str,
        channels: int,
        sides: tuple[str, str],
        made: tuple[str, str] | None = None,
    ) -> None:
        """Check the whole and write it: inputs of 1, 1, *sides and one output of as many channels, 32-bit floats.

        ``made`` names the sides of the output where they are others.
        """
        ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1, *sides]) for n in inputs]
        out = helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, channels, *(made or sides)])
        graph = helper.make_graph(self.nodes, name, ends, [out], self.weights)
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8, producer_name="vsfilmrestore")
        onnx.checker.check_model(model, full_check=True)
        part = file.with_suffix(".part")
        onnx.save(model, str(part))
        part.replace(file)


def stamp(file: Path) -> None:
    """Write size and checksum of a file into the card beside it, if there is one."""
    card, content = file.with_suffix(".toml"), file.read_bytes()
    if not card.exists():
        return
    text = re.sub(r"(?m)^size = \d+$", f"size = {len(content)}", card.read_text("utf-8"), count=1)
    digest = hashlib.sha256(content).hexdigest()
    text = re.sub(r'(?m)^sha256 = "[0-9a-f]{64}"$', f'sha256 = "{digest}"', text, count=1)
    part = card.with_suffix(".part")
    part.write_text(text, "utf-8")
    part.replace(card)
