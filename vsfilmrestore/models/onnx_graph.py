"""What an ONNX file says of itself, read without running it."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.errors import InputError, InstallationError, ModelError
from vsfilmrestore.models.card import is_plain_name

__all__ = ["Graph", "Port", "check_sizes", "read_graph"]

_LARGEST: Final = 2 << 30  # what a protobuf message may be
_DEEPEST: Final = 16
_SMALL: Final = 1024  # tensors that may say something about shapes
_EXTERNAL: Final = 1
_BITS: Final = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 16: 16} | {
    17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4
}  # fmt: skip
"""Bits of an element by its type; others are not looked at."""
_KINDS: Final = {1: "fp32", 10: "fp16", 11: "fp64", 16: "bf16", 6: "int32", 7: "int64", 2: "uint8", 9: "bool"}


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: name, type (``fp32``, ``fp16`` ...), and lengths, None where any length goes."""

    name: str
    kind: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Inputs (those a user gives), outputs, opset of the standard operators, files with tensors beside it.

    ``unknown`` is the first operator that the standard does not have and the file does not bring, '' if there is none;
    ``skeleton`` is the model without its weights, for following shapes.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    opset: int
    external: tuple[str, ...]
    unknown: str
    skeleton: Any

    def shapes_for(self, sizes: dict[str, tuple[int, ...]]) -> tuple[Port, ...] | None:
        """Outputs for inputs of these shapes, as far as they can be followed; None if the shapes do not fit."""
        onnx = _onnx()
        model = onnx.ModelProto()
        model.CopyFrom(self.skeleton)
        for port in model.graph.input:
            for dim, length in zip(port.type.tensor_type.shape.dim, sizes.get(port.name, ()), strict=False):
                dim.dim_value = length
        for port in model.graph.output:
            port.type.tensor_type.ClearField("shape")
        try:
            found = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        except Exception:  # noqa: BLE001 - the library raises whatever it likes; it does not fit is all we want to know
            return None
        return tuple(map(_port, found.graph.output))


def read_graph(path: Path) -> Graph:
    """Read a model's description. Tensors in files beside it are not read.

    Raises:
        InputError: Truncated, no ONNX, too large, or tensors that lie elsewhere than beside it.
        InstallationError: The package onnx is missing.
    """
    onnx = _onnx()
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError("is larger than 2 GB, which no ONNX file can be", file=path)
        model = onnx.load_model(str(path), format="protobuf", load_external_data=False)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from None
    except InputError:
        raise
    except Exception:  # noqa: BLE001 - protobuf has several kinds of decoding errors
        raise InputError("is truncated, or no ONNX file", file=path, hint="Fetch it again") from None
    if not model.graph.node or not model.graph.input or not model.graph.output:
        raise InputError("is truncated, or no ONNX model", file=path, hint="Fetch it again")
    tensors = tuple(_tensors(path, model))
    held = {tensor.name for tensor in model.graph.initializer}
    inputs = tuple(_port(each) for each in model.graph.input if each.name not in held)
    opset = max((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), default=0)
    outputs, external = tuple(map(_port, model.graph.output)), _beside(path, tensors)
    check_sizes(path, tensors)
    _check_order(path, model.graph)
    unknown = _unknown(onnx, model)
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) > _SMALL:
            for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "external_data"):
                tensor.ClearField(field)
            tensor.ClearField("data_location")
    return Graph(inputs, outputs, opset, external, unknown, model)


def _check_order(path: Path, graph: Any) -> None:
    """Everything that is wanted was given before, as the format demands."""
    given = {each.name for each in (*graph.input, *graph.initializer)}
    given |= {each.values.name for each in graph.sparse_initializer}
    wanted = [(node.input, node.output) for node in graph.node] + [([each.name for each in graph.output], [])]
    for names, made in wanted:
        lost = [name for name in names if name and name not in given]
        if lost:
            message = f"contradicts itself: nothing gives '{lost[0][:80]}' before it is wanted"
            raise InputError(message, file=path, hint="Export it again")
        given.update(made)


def _unknown(onnx: Any, model: Any) -> str:
    own = {(each.domain, each.name) for each in model.functions}
    for node in model.graph.node:
        standard = node.domain in ("", "ai.onnx")
        if (node.domain, node.op_type) not in own and standard and not onnx.defs.has(node.op_type):
            return str(node.op_type)[:80]
    return ""


def check_sizes(path: Path, tensors: Iterable[Any]) -> None:
    """Hold what tensors say of their size against what the file holds.

    Raises:
        ModelError: A tensor is larger or smaller than its shape.
    """
    for tensor in tensors:
        bits = _BITS.get(tensor.data_type)
        if bits is None or tensor.data_location == _EXTERNAL or tensor.external_data or not tensor.HasField("raw_data"):
            continue
        if min(tensor.dims, default=0) < 0 or (math.prod(tensor.dims) * bits + 7) // 8 != len(tensor.raw_data):
            raise ModelError(
                f"has tensor '{tensor.name[:80]}' whose size does not fit its shape", file=path, hint="Fetch it again"
            )


def _onnx() -> Any:
    try:
        importlib.import_module("onnx.shape_inference")
        return importlib.import_module("onnx")
    except ImportError:
        hint = "pip install 'vsfilmrestore[onnx]'"
        raise InstallationError("the package onnx is needed to look into .onnx files", hint=hint) from None


def _port(value: Any) -> Port:
    tensor = value.type.tensor_type
    shape = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in tensor.shape.dim)
    return Port(value.name, _KINDS.get(tensor.elem_type, "other"), shape)


def _beside(path: Path, tensors: Iterable[Any]) -> tuple[str, ...]:
    """Names of files with tensors; each must lie in the folder of the model and nowhere else."""
    found: dict[str, None] = {}
    for tensor in tensors:
        places = [entry.value for entry in tensor.external_data if entry.key == "location"]
        if not places and (tensor.external_data or tensor.data_location == 1):
            raise InputError(f"keeps tensor '{tensor.name[:80]}' in a file it does not name", file=path)
        for place in places:
            if not is_plain_name(place):
                raise InputError(
                    f"wants tensors from '{place[:80]}', outside its own folder",
                    file=path,
                    hint="Save it again with its data beside it, if you trust it",
                )
            _check_reach(path, path.parent / place, tensor)
            found[place] = None
    return tuple(found)


def _check_reach(path: Path, beside: Path, tensor: Any) -> None:
    """That a file beside the model, where it is there, holds what is wanted of it."""
    told = {entry.key: entry.value for entry in tensor.external_data}
    try:
        start, length = int(told.get("offset", 0)), int(told.get("length", 0))
    except ValueError:
        raise InputError(f"has damaged references to '{beside.name}'", file=path, hint="Fetch it again") from None
    if min(start, length) < 0 or (beside.is_file() and start + length > beside.stat().st_size):
        raise InputError(f"wants more from '{beside.name}' than it holds", file=path, hint="Fetch both again")


def _tensors(path: Path, model: Any) -> Iterator[Any]:
    yield from _graph_tensors(path, model.graph, 0)
    for function in model.functions:
        yield from _node_tensors(path, function.node, 0)
    for training in model.training_info:
        for graph in (training.initialization, training.algorithm):
            yield from _graph_tensors(path, graph, 0)


def _graph_tensors(path: Path, graph: Any, depth: int) -> Iterator[Any]:
    if depth > _DEEPEST:
        raise InputError("nests its graphs deeper than any network needs", file=path)
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _node_tensors(path, graph.node, depth)


def _node_tensors(path: Path, nodes: Any, depth: int) -> Iterator[Any]:
    for node in nodes:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            if attribute.HasField("g"):
                yield from _graph_tensors(path, attribute.g, depth + 1)
            for graph in attribute.graphs:
                yield from _graph_tensors(path, graph, depth + 1)
