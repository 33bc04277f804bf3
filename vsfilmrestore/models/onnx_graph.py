"""What an ONNX file says of itself, read without running it."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.errors import InputError, InstallationError
from vsfilmrestore.models.card import is_plain_name

__all__ = ["Graph", "Port", "read_graph"]

_LARGEST: Final = 2 << 30  # what a protobuf message may be
_DEEPEST: Final = 16
_SMALL: Final = 1024  # tensors that may say something about shapes
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

    ``skeleton`` is the model without its weights, for following shapes.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    opset: int
    external: tuple[str, ...]
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
    held = {tensor.name for tensor in model.graph.initializer}
    inputs = tuple(_port(each) for each in model.graph.input if each.name not in held)
    opset = max((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), default=0)
    outputs, external = tuple(map(_port, model.graph.output)), _beside(path, model)
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) > _SMALL:
            for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "external_data"):
                tensor.ClearField(field)
            tensor.ClearField("data_location")
    return Graph(inputs, outputs, opset, external, model)


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


def _beside(path: Path, model: Any) -> tuple[str, ...]:
    """Names of files with tensors; each must lie in the folder of the model and nowhere else."""
    found: dict[str, None] = {}
    for tensor in _tensors(path, model):
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
            found[place] = None
    return tuple(found)


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
