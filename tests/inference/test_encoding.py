"""Orders of colours, ranges, Y'CbCr, mean and deviation: the network gets its numbers, the clip its colours back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from onnx import helper

from vsfilmrestore.errors import InferenceError, plain_text
from vsfilmrestore.inference.apply import run_model, run_network
from vsfilmrestore.inference.data import run_data
from vsfilmrestore.inference.encoding import encoding_of
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.models.contract import Contract

from .makers import FLOAT, HALF, array, identity, picture, planes, save

core = vs.core

PICTURE = (1, 3, "h", "w")
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
CONTRACTS = {
    "bgr": Contract(order="bgr"),
    "bgr, 0..255": Contract(order="bgr", high=255.0),
    "-1..1": Contract(low=-1.0),
    "yuv": Contract(colour="yuv"),
    "yuv, 0..255": Contract(colour="yuv", high=255.0),
    "mean and std": Contract(**IMAGENET),  # type: ignore[arg-type]
    "mean of bgr, 0..255": Contract(order="bgr", high=255.0, mean=(103.53, 116.28, 123.675)),
}


def shifted(path: Path, add: tuple[float, float, float], factor: tuple[float, float, float] = (1, 1, 1)) -> Path:
    """y = factor x + add, channel by channel."""
    nodes = [helper.make_node("Mul", ["x", "f"], ["m"]), helper.make_node("Add", ["m", "a"], ["y"])]
    weights = {"f": np.float32(factor).reshape(1, 3, 1, 1), "a": np.float32(add).reshape(1, 3, 1, 1)}
    return save(path, nodes, {"x": PICTURE}, {"y": PICTURE}, weights)


def seen_by(path: Path, contract: Contract, clip: vs.VideoNode, models: Registry) -> npt.NDArray[np.float32]:
    """The very numbers a network gets for the first frame, ``[channels, height, width]``."""
    found: list[Array] = []
    contract = Contract(
        colour="data", order=contract.order, low=contract.low, high=contract.high, mean=contract.mean, std=contract.std
    )

    def read(outputs: dict[str, Array], size: tuple[int, int], number: int) -> dict[str, int]:
        found.append(outputs["y"][0].copy())
        return {}

    run_data(clip, identity(path), contract, read, models=models).get_frame(0).close()
    return found[0]


def test_blue_comes_first_where_the_network_wants_it(tmp_path: Path, models: Registry) -> None:
    clip = picture(frames=1)
    wanted = array(clip, 0)[::-1] * 255
    assert np.allclose(seen_by(tmp_path / "m.onnx", CONTRACTS["bgr, 0..255"], clip, models), wanted, atol=1e-4)
    path = shifted(tmp_path / "b.onnx", (25.5, 0, 0))
    result = run_model(clip, path, CONTRACTS["bgr, 0..255"], models=models)
    assert np.allclose(array(result, 0) - array(clip, 0), np.reshape([0, 0, 0.1], (3, 1, 1)), atol=1e-6)


def test_each_channel_has_its_mean_and_deviation(tmp_path: Path, models: Registry) -> None:
    clip = picture(frames=1)
    mean, std = (np.reshape(IMAGENET[key], (3, 1, 1)) for key in ("mean", "std"))
    seen = seen_by(tmp_path / "m.onnx", CONTRACTS["mean and std"], clip, models)
    assert np.allclose(seen, (array(clip, 0) - mean) / std, atol=1e-5)
    path = shifted(tmp_path / "b.onnx", (0, 0, 0), (2, 2, 2))
    result = run_model(clip, path, CONTRACTS["mean and std"], models=models)
    assert np.allclose(array(result, 0), 2 * array(clip, 0) - mean, atol=1e-5)


@pytest.mark.parametrize("high", [1.0, 255.0])
def test_colourless_chroma_is_half_way(high: float, tmp_path: Path, models: Registry) -> None:
    clip = picture(frames=1)
    path = shifted(tmp_path / "m.onnx", (0, high / 2, high / 2), (1, 0, 0))
    result = array(run_model(clip, path, Contract(colour="yuv", high=high), models=models), 0)
    luma = np.tensordot([0.299, 0.587, 0.114], array(clip, 0), 1)
    assert all(np.allclose(plane, luma, atol=2e-6) for plane in result)


OUT_OF = {
    "0..1 in, -1..1 out": Contract(out_low=-1.0),
    "0..1 in, 0..255 out": Contract(out_high=255.0),
    "-1..1 in, 0..1 out": Contract(low=-1.0, out_low=0.0),
    "0..255 in, -1..1 out, bgr": Contract(high=255.0, out_low=-1.0, out_high=1.0, order="bgr"),
    "mean and std in, 0..1 out": Contract(out_low=0.0, out_high=1.0, **IMAGENET),  # type: ignore[arg-type]
    "yuv of 0..1 in, of 0..255 out": Contract(colour="yuv", out_high=255.0),
}


def turned(path: Path, contract: Contract, *, add: float = 0.0, kind: int = FLOAT) -> Path:
    """From what goes in, by the contract, to what comes out; in a picture of 0 to 1 it adds what is told."""
    low, high = contract.out_range
    mean, std = (
        np.array(given or default, np.float64) for given, default in ((contract.mean, [0] * 3), (contract.std, [1] * 3))
    )
    span = (high - low) / (contract.high - contract.low)
    factor, shift = std * span, (mean - contract.low) * span + low + add * (high - low)
    numbers = np.float16 if kind == HALF else np.float32
    nodes = [helper.make_node("Mul", ["x", "f"], ["m"]), helper.make_node("Add", ["m", "a"], ["y"])]
    weights = {"f": factor.astype(numbers).reshape(1, 3, 1, 1), "a": shift.astype(numbers).reshape(1, 3, 1, 1)}
    return save(path, nodes, {"x": PICTURE}, {"y": PICTURE}, weights, kind=kind)


@pytest.mark.parametrize("name", OUT_OF)
def test_what_comes_out_may_have_a_range_of_its_own(name: str, tmp_path: Path, models: Registry) -> None:
    contract, clip = OUT_OF[name], picture(frames=1)
    yuv = contract.colour == "yuv"  # more of luma alone, which is as much of each colour
    path = turned(tmp_path / "m.onnx", contract, add=0.0 if yuv else 0.1)
    if yuv:
        path = shifted(tmp_path / "m.onnx", (25.5, 0, 0), (255, 255, 255))
    for options in ({}, {"tile": (16, 16)}):
        result = run_model(clip, path, replace(contract, receptive=0), models=models, **options)
        assert np.abs(array(result, 0) - array(clip, 0) - 0.1).max() < 1e-5


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.RGB48, vs.RGBS], ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("half", [False, True], ids=["32 bits", "16 bits"])
@pytest.mark.parametrize("name", [name for name in OUT_OF if "yuv" not in name and "mean" not in name])
def test_what_is_only_brought_to_another_range_keeps_its_bits(
    name: str, half: bool, fmt: int, tmp_path: Path, models: Registry
) -> None:
    path = turned(tmp_path / "m.onnx", OUT_OF[name], kind=HALF if half else FLOAT)
    clip = picture(fmt=fmt, frames=2, **({"_Matrix": 1} if fmt == vs.YUV420P8 else {}))
    result = run_model(clip, path, OUT_OF[name], models=models)
    assert all(np.array_equal(a, b) for a, b in zip(planes(clip, 1), planes(result, 1), strict=True))


def test_a_mask_has_the_range_of_what_comes_out(tmp_path: Path, models: Registry) -> None:
    nodes = [helper.make_node("ReduceMean", ["x"], ["y"], axes=[1])]
    path = save(tmp_path / "m.onnx", nodes, {"x": PICTURE}, {"y": (1, 1, "h", "w")})
    clip = picture(frames=1)
    mask = run_network(clip, path, Contract(out_channels=1, out_low=-1.0, out_high=3.0), models=models)
    assert np.allclose(array(mask, 0)[0], (array(clip, 0).mean(axis=0) + 1) / 4, atol=1e-6)


@pytest.mark.parametrize("name", CONTRACTS)
def test_going_there_and_back_changes_nothing(name: str) -> None:
    encoding = encoding_of(CONTRACTS[name])
    values = np.random.default_rng(5).random((3, 20, 30), np.float32)
    there = np.empty_like(values)
    encoding.write(list(values), there)
    assert not np.allclose(there, values, atol=1e-3)
    back = encoding.read(there[None])[0]
    assert np.abs(back - values).max() <= 4 * np.finfo(np.float32).epsneg * encoding.gain


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.YUV444P10, vs.RGB48, vs.RGBS], ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("half", [False, True], ids=["32 bits", "16 bits"])
@pytest.mark.parametrize("name", CONTRACTS)
def test_what_the_network_leaves_alone_keeps_its_bits(
    name: str, half: bool, fmt: int, tmp_path: Path, models: Registry
) -> None:
    path = identity(tmp_path / "m.onnx", kind=HALF) if half else identity(tmp_path / "m.onnx")
    props = {"_Matrix": 1} if fmt in (vs.YUV420P8, vs.YUV444P10) else {}
    clip = picture(fmt=fmt, frames=2, **props)
    result = run_model(clip, path, CONTRACTS[name], models=models)
    assert all(np.array_equal(a, b) for a, b in zip(planes(clip, 1), planes(result, 1), strict=True))


def test_a_mask_has_the_range_and_none_of_the_colours(tmp_path: Path, models: Registry) -> None:
    nodes = [helper.make_node("ReduceMean", ["x"], ["y"], axes=[1])]
    path = save(tmp_path / "m.onnx", nodes, {"x": PICTURE}, {"y": (1, 1, "h", "w")})
    clip = picture(frames=1)
    mask = run_network(clip, path, Contract(order="bgr", high=255.0, out_channels=1), models=models)
    assert np.allclose(array(mask, 0)[0], array(clip, 0).mean(axis=0), atol=1e-6)


def several(path: Path) -> Path:
    """A picture, its negative, and two tensors that are none."""
    nodes = [
        helper.make_node("Identity", ["x"], ["same"]),
        helper.make_node("Sub", ["one", "x"], ["negative"]),
        helper.make_node("ReduceMax", ["x"], ["most"], axes=[2, 3], keepdims=0),
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Cast", ["shape"], ["size"], to=1),
    ]
    outputs = {"same": PICTURE, "negative": PICTURE, "most": (1, 3), "size": (4,)}
    return save(path, nodes, {"x": PICTURE}, outputs, {"one": np.float32(1).reshape(1)})


def test_an_output_is_taken_by_name(tmp_path: Path, models: Registry) -> None:
    path, clip = several(tmp_path / "m.onnx"), picture(frames=1)
    for outputs, wanted in (((), array(clip, 0)), (("negative",), 1 - array(clip, 0))):
        contract = Contract(outputs=outputs, receptive=0)
        result = run_network(clip, path, contract, models=models, tile=(16, 16))
        assert np.allclose(array(result, 0), wanted, atol=1e-6)
    with pytest.raises(vs.Error) as caught:
        run_model(clip, path, Contract(outputs=("mask",)), models=models).get_frame(0)
    assert "has no output 'mask', which its card speaks of. It has same, negative" in plain_text(caught.value)
    with pytest.raises(vs.Error, match="a picture is one output, not same, negative"):
        run_model(clip, path, Contract(outputs=("same", "negative")), models=models)


@pytest.mark.parametrize("outputs", [(), ("size", "most")])
def test_data_of_any_shape_become_properties(outputs: tuple[str, ...], tmp_path: Path, models: Registry) -> None:
    path, clip = several(tmp_path / "m.onnx"), picture(45, 31, frames=5)

    def read(found: dict[str, Array], size: tuple[int, int], number: int) -> dict[str, object]:
        assert set(found) == set(outputs or ("same", "negative", "most", "size"))
        assert size == (32, 48) == tuple(found["size"][2:])
        return {"Most": found["most"].ravel().tolist(), "At": number}

    contract = Contract(colour="data", outputs=outputs, multiple=16, minimum=16)
    data = run_data(clip, path, contract, read, models=models)
    assert models.loads == 0
    for n in (4, 0, 2):
        with data.get_frame(n) as frame:
            assert (frame.width, frame.props["At"], frame.props["Number"]) == (16, n, n)
            assert np.allclose(frame.props["Most"], array(clip, n).max(axis=(1, 2)))
    with pytest.raises(vs.Error, match="what it gives is no picture; use run_data"):
        run_model(clip, path, contract, models=models)
    with pytest.raises(vs.Error, match="use run_model or run_network"):
        run_data(clip, path, Contract(), read, models=models)


def test_data_that_are_no_numbers_are_told_with_the_frame(tmp_path: Path, models: Registry) -> None:
    nodes = [
        helper.make_node("Div", ["x", "zero"], ["d"]),
        helper.make_node("ReduceMax", ["d"], ["y"], axes=[2, 3], keepdims=0),
    ]
    path = save(tmp_path / "m.onnx", nodes, {"x": PICTURE}, {"y": (1, 3)}, {"zero": np.float32(0).reshape(1)})
    data = run_data(picture(), path, Contract(colour="data"), lambda *_: {}, models=models)
    with pytest.raises(vs.Error) as caught:
        data.get_frame(7)
    assert "frame 7: the network gives values that are no numbers" in plain_text(caught.value)
    assert InferenceError.__name__ in str(caught.value)
