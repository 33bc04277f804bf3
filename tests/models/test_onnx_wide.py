"""16-bit networks in 32 bits: the same as their twins that were written in 32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from vsfilmrestore.models.onnx_wide import CannotWidenError, holds_half, widened

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
SHAPE = (1, 3, "h", "w")
NUMPY = {FLOAT: np.float32, HALF: np.float16}

type Make = Callable[[int], Any]

value = helper.make_tensor_value_info
node = helper.make_node


def model(nodes: list[Any], kind: int, weights: list[Any] | None = None, opset: int = 18, **more: Any) -> Any:
    graph = helper.make_graph(
        nodes,
        "small",
        [value("x", kind, SHAPE)],
        [value("y", kind, SHAPE)],
        weights or [],
        value_info=more.pop("info", []),
    )
    domains = more.pop("domains", ())
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, **more)


def numbers(kind: int, *shape: int, seed: int = 0) -> Any:
    """The same in both: what 16 bits can hold."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float16).astype(NUMPY[kind])


def tensor(name: str, values: Any) -> Any:
    return numpy_helper.from_array(np.asarray(values), name)


def convolution(kind: int) -> Any:
    info = [value("c", kind, SHAPE)]
    nodes = [
        node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        node("Add", ["c", "far"], ["f"]),  # where the steps of 16 bits are large
        node("Concat", ["f", "x"], ["d"], axis=2),
        node("Slice", ["d", "start", "end", "axis"], ["s"]),
        node("Sub", ["s", "far"], ["y"]),
    ]
    places = [tensor(name, np.array([place])) for name, place in (("start", 0), ("end", 6), ("axis", 2))]
    weights = [tensor("w", numbers(kind, 3, 3, 3, 3)), tensor("far", np.array([64], NUMPY[kind])), *places]
    return model(nodes, kind, weights, info=info)


def by_numbers(kind: int) -> Any:
    """Its weights not as bytes, but number by number."""
    values = numbers(kind, 3, seed=1)
    held = helper.make_tensor("w", kind, [1, 3, 1, 1], values.tolist())
    assert not held.HasField("raw_data")
    return model([node("Mul", ["x", "w"], ["y"])], kind, [held])


def constants(kind: int) -> Any:
    filled = helper.make_tensor("", kind, [1], [0.25])
    nodes = [
        node("Constant", [], ["a"], value=tensor("", numbers(kind, 1))),
        node("Shape", ["x"], ["s"]),
        node("ConstantOfShape", ["s"], ["b"], value=filled),
        node("Mul", ["x", "a"], ["m"]),
        node("Add", ["m", "b"], ["y"]),
    ]
    return model(nodes, kind)


def casts(kind: int) -> Any:
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Cast", ["s"], ["f"], to=kind),
        node("ReduceMean", ["f"], ["m"]),
        node("EyeLike", ["square"], ["e"], dtype=kind),
        node("ReduceSum", ["e"], ["n"]),
        node("Mul", ["x", "m"], ["t"]),
        node("Div", ["t", "n"], ["y"]),
    ]
    return model(nodes, kind, [tensor("square", np.zeros((3, 3), np.int32))])


def branches(kind: int) -> Any:
    """Two subgraphs, each with a weight of its own, that look at the input and one at the other's outer tensor."""
    arms = {
        name: helper.make_graph(
            [node("Mul", ["x", f"w-{name}"], [f"m-{name}"]), node("Add", [f"m-{name}", outer], [name])],
            name,
            [],
            [value(name, kind, SHAPE)],
            [tensor(f"w-{name}", numbers(kind, 1, seed=2))],
        )
        for name, outer in (("yes", "x"), ("no", "d"))
    }
    nodes = [
        node("Add", ["x", "x"], ["d"]),
        node("ReduceMean", ["x"], ["m"], keepdims=0),
        node("Greater", ["m", "zero"], ["q"]),
        node("If", ["q"], ["y"], then_branch=arms["yes"], else_branch=arms["no"]),
    ]
    return model(nodes, kind, [tensor("zero", numbers(kind) * 0)])


def sequences(kind: int) -> Any:
    nodes = [
        node("SequenceEmpty", [], ["e"], dtype=kind),
        node("SequenceInsert", ["e", "x"], ["s"]),
        node("SequenceInsert", ["s", "x"], ["t"]),
        node("ConcatFromSequence", ["t"], ["c"], axis=0),
        node("ReduceMean", ["c", "axes"], ["y"]),
    ]
    info = [helper.make_tensor_sequence_value_info("s", kind, None)]
    return model(nodes, kind, [tensor("axes", np.array([0]))], info=info)


def functions(kind: int) -> Any:
    """A function whose body holds a number of the kind, called twice."""
    body = [node("Constant", [], ["k"], value=tensor("", numbers(kind, 1))), node("Mul", ["a", "k"], ["b"])]
    made = helper.make_function("own", "Scaled", ["a"], ["b"], body, [helper.make_opsetid("", 18)])
    nodes = [node("Scaled", ["x"], ["s"], domain="own"), node("Scaled", ["s"], ["y"], domain="own")]
    return model(nodes, kind, functions=[made], domains=["own"])


def mixed(kind: int) -> Any:
    """Half of it in 32 bits all along."""
    nodes = [
        node("Cast", ["x"], ["f"], to=FLOAT),
        node("Mul", ["f", "k"], ["g"]),
        node("Cast", ["g"], ["h"], to=kind),
        node("Mul", ["h", "l"], ["y"]),
    ]
    return model(nodes, kind, [tensor("k", numbers(FLOAT, 1)), tensor("l", numbers(kind, 1))])


def straight(kind: int) -> Any:
    """What it wants, a weight, and what is used on the way come out as well."""
    made = model(
        [node("Mul", ["x", "w"], ["m"]), node("Add", ["m", "x"], ["y"])], kind, [tensor("w", numbers(kind, 1))]
    )
    made.graph.output.extend([value("x", kind, SHAPE), value("w", kind, [1]), value("m", kind, SHAPE)])
    return made


def a_name_that_is_taken(kind: int) -> Any:
    nodes = [node("Add", ["x", "x"], ["x_wide"]), node("Mul", ["x_wide", "x"], ["y"])]
    return model(nodes, kind)


def normalised(kind: int) -> Any:
    weight = tensor("w", numbers(kind, 8, seed=3))
    return model([node("LayerNormalization", ["x", "w"], ["y"], stash_type=FLOAT)], kind, [weight])


MAKERS: list[Make] = [
    convolution,
    by_numbers,
    constants,
    casts,
    branches,
    sequences,
    functions,
    mixed,
    straight,
    a_name_that_is_taken,
    normalised,
]


def run(made: Any, x: Any) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    results: list[Any] = session.run(None, {"x": x})
    return results


@pytest.fixture(params=[0.5, -0.5], ids=["bright", "dark"])
def x(request: pytest.FixtureRequest) -> Any:
    return (numbers(HALF, 1, 3, 6, 8, seed=4) / 4 + np.float16(request.param)).astype(np.float16)


@pytest.mark.parametrize("make", MAKERS)
def test_it_is_the_twin_that_was_written_in_32_bits(make: Make, x: Any) -> None:
    half, twin = make(HALF), make(FLOAT)
    assert holds_half(half)
    assert not holds_half(twin)
    before = half.SerializeToString(deterministic=True)
    wanted = run(twin, x.astype(np.float32))

    full = widened(half, border=False)
    assert not holds_half(full)
    onnx.checker.check_model(full, full_check=True)
    assert all(
        np.array_equal(a, b) and a.dtype == b.dtype
        for a, b in zip(run(full, x.astype(np.float32)), wanted, strict=True)
    )

    within = widened(half)
    onnx.checker.check_model(within, full_check=True)
    assert [(each.name, each.type) for each in (*within.graph.input, *within.graph.output)] == [
        (each.name, each.type) for each in (*half.graph.input, *half.graph.output)
    ]
    for made, want in zip(run(within, x), wanted, strict=True):
        assert made.dtype == np.float16
        assert np.array_equal(made, want.astype(np.float16))
    assert half.SerializeToString(deterministic=True) == before, "what was given is left alone"


def test_it_is_not_what_16_bits_give() -> None:
    """Else nothing above could fail."""
    x = (numbers(HALF, 1, 3, 6, 8, seed=4) / 4).astype(np.float16)
    emulated, wide = (run(made, x)[0].astype(np.float32) for made in (convolution(HALF), widened(convolution(HALF))))
    assert np.abs(emulated - wide).max() > 1 / 255


@pytest.mark.parametrize("kind", [FLOAT, HALF])
def test_random_numbers_take_the_type_that_is_asked_for(kind: int) -> None:
    nodes = [node("RandomUniformLike", ["x"], ["r"], dtype=kind, seed=1.0), node("Add", ["x", "r"], ["y"])]
    made = model(nodes, kind)
    x = np.zeros((1, 3, 6, 8), np.float32)
    (full,) = run(widened(made, border=False), x)
    assert full.dtype == np.float32
    assert np.ptp(full) > 0.5


def test_attributes_that_only_look_like_types_are_left_alone() -> None:
    nodes = [node("Clip", ["x"], ["c"]), node("Own", ["c"], ["y"], domain="own", to=HALF, dtype=HALF)]
    full = widened(model(nodes, HALF, domains=["own"]), border=False)
    assert [attribute.i for attribute in full.graph.node[1].attribute] == [HALF, HALF]
    sizes = widened(model([node("DepthToSpace", ["x"], ["y"], blocksize=10)], HALF), border=False)
    assert sizes.graph.node[0].attribute[0].i == 10


def test_what_looks_at_bits_stays() -> None:
    nodes = [node("BitCast", ["x"], ["i"], to=TensorProto.INT16), node("BitCast", ["i"], ["y"], to=HALF)]
    with pytest.raises(CannotWidenError, match="bits"):
        widened(model(nodes, HALF, opset=26))


def test_functions_that_cannot_be_followed_stay() -> None:
    made = functions(HALF)
    made.functions[0].opset_import[0].version = 11
    with pytest.raises(CannotWidenError, match="functions"):
        widened(made)


def test_weights_that_lie_elsewhere_or_are_damaged_stay() -> None:
    made = convolution(HALF)
    made.graph.initializer[0].raw_data = b"123"
    with pytest.raises(CannotWidenError, match="'w' is damaged"):
        widened(made)
    set_external_data(made.graph.initializer[0], "beside.bin")
    with pytest.raises(CannotWidenError, match="in other files"):
        widened(made)


def test_other_small_floats_are_no_16_bit_floats() -> None:
    made = model([node("Cast", ["x"], ["b"], to=TensorProto.BFLOAT16), node("Cast", ["b"], ["y"], to=FLOAT)], FLOAT)
    assert not holds_half(made)
