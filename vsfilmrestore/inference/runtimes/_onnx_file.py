"""Reading ``.onnx`` files that may come from anywhere.

A file is read once: what is checked is what is run. Weights that lie outside the file are only taken from plain files
in the same folder or below it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vsfilmrestore.errors import InstallationError, ModelError
from vsfilmrestore.inference._machine import total_memory
from vsfilmrestore.models.onnx_graph import check_sizes
from vsfilmrestore.models.onnx_wide import CannotWidenError, holds_half, widened
from vsfilmrestore.models.safety import plain_bytes

if TYPE_CHECKING:
    import onnx

__all__ = ["OnnxFile", "in_32_bits", "read_onnx", "stays_in_16_bits"]

log = logging.getLogger(__name__)

_EXTERNAL: Final = 1
_GRAPH, _GRAPHS, _TENSOR, _TENSORS = 5, 10, 4, 9
_BESIDE: Final = "Save it with its weights beside it, or in one file"
_PROBE: Final = 64
_MOST_NODES: Final = 100_000
_BYTES: Final = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """What was read.

    Attributes:
        data: The bytes of the file.
        weights: Bytes of all weights.
        external: Whether weights lie in other files.
        per_pixel: Bytes of intermediate results per pixel of the picture, None where the graph does not tell.
        half: Whether 16-bit floats occur in it.
    """

    data: bytes
    weights: int
    external: bool
    per_pixel: float | None
    half: bool = False


def read_onnx(path: Path, sha256: str) -> OnnxFile:
    """Read and check a file.

    Raises:
        ModelError: It is missing, cut short, not the file that was meant, or points outside its folder.
        InstallationError: The package ``onnx`` is missing.
    """
    try:
        import onnx
    except ImportError:
        raise InstallationError(
            "networks need the packages onnx and onnxruntime", hint='Install them: pip install "vsfilmrestore[onnx]"'
        ) from None
    data = plain_bytes(path)
    found = hashlib.sha256(data).hexdigest()
    if sha256 and found != sha256.lower():
        raise ModelError(
            f"is not the file that was meant: its sha256 begins with {found[:12]}, not with {sha256[:12].lower()}",
            file=path,
            hint="Fetch it again",
        )
    try:
        model = onnx.load_model_from_string(data)
    except Exception:  # noqa: BLE001 - the parser's own error class differs between its builds
        raise ModelError("is not an ONNX file, or is cut short", file=path, hint="Fetch it again") from None
    if not model.graph.node:
        raise ModelError("is not an ONNX file, or is cut short", file=path, hint="Fetch it again")
    tensors = list(_tensors(model))
    check_sizes(path, tensors)
    outside = [tensor for tensor in tensors if tensor.data_location == _EXTERNAL]
    weights = len(data) + sum(_external_size(path, tensor) for tensor in outside)
    peak, pixels = (0, 0) if outside else _peak_of_probe(model)
    if peak > total_memory():
        raise ModelError(
            f"wants {peak / 1e9:,.0f} GB for a picture of {pixels} pixels, more than this machine has",
            file=path,
            hint="Its file may be damaged; take a smaller network",
        )
    return OnnxFile(data, weights, bool(outside), peak / pixels if peak else None, holds_half(model))


def in_32_bits(file: OnnxFile, path: Path, *, border: bool = True) -> OnnxFile | None:
    """The same network in 32 bits, weights and all in one; None where it has no 16-bit floats or has to keep them.

    Args:
        file: What was read.
        path: From where.
        border: Whether inputs and outputs stay what they are.
    """
    import onnx
    from onnx.external_data_helper import load_external_data_for_model

    if not file.half:
        return None
    try:
        model = onnx.load_model_from_string(file.data)
        if file.external:  # its places were checked when it was read
            load_external_data_for_model(model, str(path.parent))
        made = widened(model, border=border)
        data = made.SerializeToString()
    except CannotWidenError as error:
        stays_in_16_bits(path, str(error))
        return None
    except Exception as error:  # noqa: BLE001 - the format's own limit of 2 GB, and what libraries say of it, differ
        stays_in_16_bits(path, " ".join(str(error).split())[:200])
        return None
    peak, pixels = _peak_of_probe(made)
    return OnnxFile(data, len(data), False, peak / pixels if peak else None, holds_half(made))


@cache
def stays_in_16_bits(path: Path, why: str) -> None:
    """Say, once, that a network keeps its 16 bits on a processor."""
    log.warning("%s: runs in 16 bits here, which other devices round otherwise (%s)", path, why)


def _tensors(model: onnx.ModelProto) -> Iterator[Any]:
    graphs: list[Any] = [model.graph]
    nodes: list[Any] = [node for function in model.functions for node in function.node]
    while graphs or nodes:
        while graphs:
            graph = graphs.pop()
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
            nodes.extend(graph.node)
        for attribute in (a for node in nodes for a in node.attribute):
            graphs.extend([attribute.g] if attribute.type == _GRAPH else attribute.graphs)
            yield from [attribute.t] if attribute.type == _TENSOR else attribute.tensors
        nodes = []


def _external_size(path: Path, tensor: Any) -> int:
    told = {entry.key: entry.value for entry in tensor.external_data}
    location = told.get("location", "")
    folder = path.parent.resolve()
    place = (path.parent / location).resolve()
    if not location or Path(location).is_absolute() or "\\" in location or not place.is_relative_to(folder):
        raise ModelError(f"wants weights from outside its folder ('{location[:80]}')", file=path, hint=_BESIDE)
    try:
        size = place.stat().st_size
        offset, length = int(told.get("offset", 0)), int(told.get("length", 0))
    except OSError:
        raise ModelError(f"wants weights from '{location}', which is not beside it", file=path, hint=_BESIDE) from None
    except ValueError:
        raise ModelError(f"has damaged references to '{location}'", file=path) from None
    if not place.is_file() or offset < 0 or length < 0 or offset + length > size:
        raise ModelError(f"wants more from '{location}' than it holds", file=path, hint="Fetch both again")
    return length or size - offset


def _peak_of_probe(model: onnx.ModelProto) -> tuple[int, int]:
    """Most bytes that are alive at a time while the graph is run on a small picture, and its pixels; (0, 0) if untold.

    Its operators' own scratch is not in it. Source: the shapes ONNX's shape inference finds, and the order of nodes.
    """
    import onnx

    if len(model.graph.node) > _MOST_NODES:
        return 0, 0
    try:
        probe = onnx.ModelProto()
        probe.CopyFrom(model)
        pixels = _fix_sizes(probe)
        sizes = _sizes(onnx.shape_inference.infer_shapes(probe, data_prop=True).graph)
    except Exception:  # noqa: BLE001 - an estimate; what is wrong with the graph is told when it is loaded
        return 0, 0
    if pixels == 0 or not any(output in sizes for node in model.graph.node for output in node.output):
        return 0, 0
    return _peak(model.graph, sizes), pixels


def _fix_sizes(model: onnx.ModelProto) -> int:
    """Give the inputs a size; returns the pixels of the picture."""
    weights = {tensor.name for tensor in model.graph.initializer}
    pixels = 0
    for value in model.graph.input:
        dims = value.type.tensor_type.shape.dim
        if value.name in weights:
            continue
        for place, dim in enumerate(dims):
            if not dim.dim_value:
                spatial = place >= len(dims) - 2 and len(dims) > 2
                dim.dim_value = _PROBE if spatial else 1
        if len(dims) > 3:
            pixels = max(pixels, dims[-1].dim_value * dims[-2].dim_value)
    for value in (*model.graph.output, *model.graph.value_info):
        value.type.tensor_type.ClearField("shape")
    return pixels


def _sizes(graph: Any) -> dict[str, int]:
    sizes = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        count = _BYTES.get(tensor.elem_type, 4)
        dims = [dim.dim_value for dim in tensor.shape.dim]
        if dims and all(dims):
            for dim in dims:
                count *= dim
            sizes[value.name] = count
    return sizes


def _peak(graph: Any, sizes: dict[str, int]) -> int:
    last = {name: place for place, node in enumerate(graph.node) for name in node.input}
    alive = {value.name for value in graph.input if value.name in last}
    now = peak = sum(sizes.get(name, 0) for name in alive)
    ends: dict[int, list[str]] = {}
    for name, place in last.items():
        ends.setdefault(place, []).append(name)
    for place, node in enumerate(graph.node):
        now += sum(sizes.get(name, 0) for name in node.output)
        alive.update(node.output)
        peak = max(peak, now)
        for name in ends.get(place, ()):
            if name in alive:
                alive.discard(name)
                now -= sizes.get(name, 0)
    return peak
