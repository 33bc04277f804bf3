"""A 16-bit ONNX network turned into one of 32 bits that computes the same.

Processors have no arithmetic for 16-bit floats that all runtimes share: each emulates it its own way, and rounds in
other places. In 32 bits they agree. Nothing is lost: every 16-bit float is a 32-bit one, too.

Source: the ONNX specification (onnx.proto and the operators of the standard domain). The package onnx reads and writes
tensors and resolves functions; it has no such conversion, and packages for 16 bits have the other direction only.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any, Final

__all__ = ["CannotWidenError", "holds_half", "widened"]

_FLOAT: Final = 1
_HALF: Final = 10
_INT: Final = 2
_STANDARD: Final = ("", "ai.onnx")
_TYPES: Final = {"to", "dtype", "output_datatype", "output_dtype", "precision", "softmax_precision", "stash_type"}
"""Attributes of standard operators that are element types."""
_BY_BITS: Final = {"BitCast"}
"""Operators that look at how a number is stored."""


class CannotWidenError(Exception):
    """Why a network has to stay as it is."""


def holds_half(model: Any) -> bool:
    """Whether 16-bit floats (not bfloat16) occur anywhere in a model."""
    return next(_halves(model), None) is not None


def widened(model: Any, *, border: bool = True) -> Any:
    """A copy of a model in which every 16-bit float is a 32-bit one.

    Args:
        model: ``onnx.ModelProto``, its tensors within it.
        border: Whether inputs and outputs stay what they are; numbers are then turned where they enter and leave.

    Raises:
        CannotWidenError: Bits are looked at, tensors lie in other files or are damaged, functions cannot be followed.
    """
    made = type(model)()
    made.CopyFrom(model)
    if model.functions:
        made = _without_functions(model)
    if any(node.op_type in _BY_BITS and node.domain in _STANDARD for node in _nodes(made.graph)):
        raise CannotWidenError("it looks at the bits of numbers")
    ports = [_names(values) for values in (made.graph.input, made.graph.output)]
    for each in list(_halves(made)):  # all are found before the first one changes
        _widen(each)
    if border:
        _keep_border(made.graph, *ports)
    return made


def _without_functions(model: Any) -> Any:
    """Functions take types from whoever calls them; written out where they are called, they tell them."""
    try:
        made = importlib.import_module("onnx.inliner").inline_local_functions(model)
    except Exception:  # noqa: BLE001 - the library raises whatever it likes
        raise CannotWidenError("its functions cannot be followed") from None
    if made.functions:
        raise CannotWidenError("its functions cannot be followed")
    return made


def _names(values: Iterable[Any]) -> list[str]:
    """Of those that are tensors of 16-bit floats."""
    return [each.name for each in values if each.type.tensor_type.elem_type == _HALF]


def _graphs(graph: Any) -> Iterator[Any]:
    """A graph and all that are nested in it."""
    waiting = [graph]
    while waiting:
        graph = waiting.pop()
        yield graph
        for attribute in (attribute for node in graph.node for attribute in node.attribute):
            waiting.extend([attribute.g] if attribute.HasField("g") else attribute.graphs)


def _nodes(graph: Any) -> Iterator[Any]:
    return (node for each in _graphs(graph) for node in each.node)


def _halves(model: Any) -> Iterator[Any]:
    """Tensors, types and attributes that say 16-bit float."""
    for graph in _graphs(model.graph):
        yield from _halves_of_graph(graph)
    for function in model.functions:
        for node in function.node:
            yield from _halves_of_node(node)
            for attribute in node.attribute:
                for graph in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                    for each in _graphs(graph):
                        yield from _halves_of_graph(each)


def _halves_of_graph(graph: Any) -> Iterator[Any]:
    yield from filter(_is_half, (*graph.initializer, *(each.values for each in graph.sparse_initializer)))
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield from _halves_of_type(value.type)
    for node in graph.node:
        yield from _halves_of_node(node)


def _halves_of_node(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        sparse = [
            *attribute.sparse_tensors,
            *([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []),
        ]
        tensors = [*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])]
        yield from filter(_is_half, (*tensors, *(each.values for each in sparse)))
        for kind in (*attribute.type_protos, attribute.tp):
            yield from _halves_of_type(kind)
        if node.domain in _STANDARD and attribute.name in _TYPES and (attribute.type, attribute.i) == (_INT, _HALF):
            yield attribute


def _is_half(tensor: Any) -> bool:
    return bool(tensor.data_type == _HALF)


def _halves_of_type(kind: Any) -> Iterator[Any]:
    """Types within types: sequences and optional values of tensors."""
    match kind.WhichOneof("value"):
        case "tensor_type" | "sparse_tensor_type" as name:
            found = getattr(kind, name)
            if found.elem_type == _HALF:
                yield found
        case "sequence_type" | "optional_type" as name:
            yield from _halves_of_type(getattr(kind, name).elem_type)
        case "map_type":
            yield from _halves_of_type(kind.map_type.value_type)


def _widen(each: Any) -> None:
    match type(each).__name__:
        case "TensorProto":
            _widen_tensor(each)
        case "AttributeProto":
            each.i = _FLOAT
        case _:
            each.elem_type = _FLOAT


def _widen_tensor(tensor: Any) -> None:
    if tensor.external_data:
        raise CannotWidenError("its weights lie in other files")
    try:
        values = importlib.import_module("onnx.numpy_helper").to_array(tensor)
    except Exception:  # noqa: BLE001 - the library raises whatever it likes
        raise CannotWidenError(f"its tensor '{tensor.name[:80]}' is damaged") from None
    tensor.ClearField("int32_data")
    tensor.data_type = _FLOAT
    tensor.raw_data = values.astype("<f4").tobytes()


def _keep_border(graph: Any, inputs: list[str], outputs: list[str]) -> None:
    """Give the graph its 16-bit inputs and outputs back, with a Cast behind and before them."""
    weights = {tensor.name for tensor in graph.initializer}
    entering = [name for name in inputs if name not in weights]
    leaving = [name for name in outputs if name not in entering]
    taken = {name for node in _nodes(graph) for name in (*node.input, *node.output)} | {*inputs, *outputs, *weights}
    inner = {name: _free(name, taken) for name in (*entering, *leaving)}
    _rename(graph, inner)
    for value in (*graph.input, *graph.output):
        if value.name in inner:
            value.type.tensor_type.elem_type = _HALF
    cast = partial(importlib.import_module("onnx.helper").make_node, "Cast")
    before = [cast([name], [inner[name]], to=_FLOAT) for name in entering]
    after = [cast([inner[name]], [name], to=_HALF) for name in leaving]
    nodes = [*before, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(nodes)


def _free(name: str, taken: set[str]) -> str:
    found = next(each for i in count() if (each := f"{name}_wide{i or ''}") not in taken)
    taken.add(found)
    return found


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Within a graph and what is nested in it, which sees its names; its own inputs and outputs stay."""
    for each in _graphs(graph):
        for node in each.node:
            for row in (node.input, node.output):
                row[:] = [names.get(name, name) for name in row]
        nested = each.output if each is not graph else ()
        for thing in (*each.initializer, *each.value_info, *nested):
            thing.name = names.get(thing.name, thing.name)
