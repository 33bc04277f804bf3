"""16-bit ONNX networks on processors: run in 32 bits, whoever asks, with one picture from every runtime."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import vapoursynth as vs
from onnx import TensorProto, helper
from onnx.external_data_helper import convert_model_to_external_data

from vsfilmrestore.errors import ModelError
from vsfilmrestore.inference import mlrt
from vsfilmrestore.inference.apply import run_network
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.runtimes import onnx as onnx_runtime
from vsfilmrestore.inference.runtimes import runtime_for
from vsfilmrestore.inference.runtimes._onnx_file import OnnxFile, in_32_bits, read_onnx
from vsfilmrestore.inference.runtimes._onnx_providers import PROVIDERS
from vsfilmrestore.inference.runtimes.base import Session
from vsfilmrestore.models.contract import Contract

from .makers import FLOAT, HALF, array, identity, picture, planes, save

core = vs.core

SHAPE = (1, 3, "h", "w")
NUMPY = {FLOAT: np.float32, HALF: np.float16}


def network(path: Path, kind: int) -> Path:
    """Convolutions; between them values are cut and laid together far from 0, where 16 bits cost what can be seen."""
    values = np.random.default_rng(0)
    weights: dict[str, Any] = {"far": np.array([64], NUMPY[kind])}
    weights |= {name: np.array([place]) for name, place in (("start", 0), ("end", 20), ("axis", 2))}
    nodes, x = [], "x"
    for i in range(3):
        for name, shape in ((f"a{i}", (24, 3, 3, 3)), (f"b{i}", (3, 24, 3, 3))):
            weights[name] = (values.normal(size=shape) / 8).astype(np.float16).astype(NUMPY[kind])
        nodes += [
            helper.make_node("Conv", [x, f"a{i}"], [f"c{i}"], pads=[1, 1, 1, 1]),
            helper.make_node("Conv", [f"c{i}", f"b{i}"], [f"e{i}"], pads=[1, 1, 1, 1]),
            helper.make_node("Sigmoid", [f"e{i}"], [f"s{i}"]),
            helper.make_node("Add", [f"s{i}", "far"], [f"f{i}"]),
            helper.make_node("Concat", [f"f{i}", x], [f"d{i}"], axis=2),
            helper.make_node("Slice", [f"d{i}", "start", "end", "axis"], [f"p{i}"]),
            helper.make_node("Sub", [f"p{i}", "far"], [f"y{i}"]),
        ]
        x = f"y{i}"
    nodes += [helper.make_node("Identity", [x], ["y"])]
    return save(path, nodes, {"x": SHAPE}, {"y": SHAPE}, weights, kind=kind)


def load(path: Path, device: str = "cpu", precision: str = "auto") -> Session:
    return runtime_for(path).load(path, "", device=device, precision=precision, threads=1, parallel=1)


def some() -> Any:
    return np.random.default_rng(1).random((1, 3, 20, 28), np.float32).astype(np.float16)


def bare(path: Path, x: Any) -> Any:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A network of 16 bits, and its twin of 32."""
    return network(tmp_path / "half.onnx", HALF), network(tmp_path / "twin.onnx", FLOAT)


@pytest.mark.parametrize("device", ["cpu", "openvino"])
def test_a_session_gives_what_32_bits_give(device: str, pair: tuple[Path, Path]) -> None:
    if PROVIDERS[device] not in onnxruntime.get_available_providers():
        pytest.skip("this build of ONNX Runtime has no OpenVINO")
    x, session = some(), load(pair[0], device)
    assert [spec.dtype for spec in (*session.inputs, *session.outputs)] == [np.float16, np.float16], "as the file says"
    wanted = bare(pair[1], x.astype(np.float32))
    made = session.run({"x": x})[0].astype(np.float32)
    assert np.abs(made - wanted).max() <= 1 / 2048, "but for the last rounding"
    assert np.abs(bare(pair[0], x) - wanted).max() > 1 / 255, "in 16 bits it is another picture"


@pytest.mark.parametrize("device", ["mlrt:cpu", "mlrt:openvino"])
def test_plugins_give_the_same_picture(device: str, pair: tuple[Path, Path], models: Registry) -> None:
    if device not in mlrt.offered():
        pytest.skip("the plug-in is not installed: scripts/test.py --extras mlrt")
    clip, contract = picture(28, 20), Contract(half=True)
    native, own = (
        array(run_network(clip, pair[0], contract, device=each, models=models), 4) for each in (device, "cpu")
    )
    seen = array(clip, 4)[None].astype(np.float16)
    wanted = bare(pair[1], seen.astype(np.float32))[0]
    assert np.abs(bare(pair[0], seen)[0] - wanted).max() > 1 / 255
    assert np.abs(own - wanted).max() < 1 / 1023
    assert np.abs(native - own).max() < 1 / 1023


def test_whoever_asks_for_what_has_the_same_copy_and_its_key_tells(
    pair: tuple[Path, Path], models: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clips = [
        run_network(picture(28, 20), pair[0], Contract(half=True), device="cpu", precision=each, models=models)
        for each in ("fp16", "fp32", "auto")
    ]
    first, *others = [array(clip, 2) for clip in clips]
    assert all(np.array_equal(first, each) for each in others)
    (key,) = models.loaded
    assert (key.precision, models.loads) == ("fp32", 1)
    assert sum("runs in 32 bits on the processor" in line for line in caplog.messages) == 1


def test_the_memory_of_32_bits_is_counted(pair: tuple[Path, Path], models: Registry) -> None:
    half, twin = (load(path) for path in pair)
    assert 0.95 * twin.weights < half.weights < 1.3 * twin.weights
    assert half.weights > 1.5 * pair[0].stat().st_size
    assert half.per_pixel is not None
    assert twin.per_pixel is not None
    assert twin.per_pixel <= half.per_pixel <= 1.5 * twin.per_pixel, "no less than what 32 bits take"
    run_network(picture(28, 20), pair[0], Contract(half=True), device="cpu", models=models).get_frame(0).close()
    assert models.weights == half.weights


def test_weights_beside_the_file_come_along(pair: tuple[Path, Path], tmp_path: Path) -> None:
    model = onnx.load(pair[0])
    convert_model_to_external_data(model, location="beside.bin", size_threshold=0)
    onnx.save(model, tmp_path / "outside.onnx")
    assert read_onnx(tmp_path / "outside.onnx", "").external
    x, session = some(), load(tmp_path / "outside.onnx")
    assert np.array_equal(session.run({"x": x})[0], load(pair[0]).run({"x": x})[0])
    assert session.per_pixel is not None


def test_what_cannot_be_turned_runs_as_it_is_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    there, back = (
        helper.make_node("BitCast", [a], [b], to=to) for a, b, to in (("x", "i", TensorProto.INT16), ("i", "y", HALF))
    )
    path = save(tmp_path / "bits.onnx", [there, back], {"x": SHAPE}, {"y": SHAPE}, kind=HALF)
    model = onnx.load(path)
    model.opset_import[0].version, model.ir_version = 26, 11
    onnx.save(model, path)
    try:
        wanted = bare(path, some())
    except Exception:  # noqa: BLE001 - its errors share no other class
        pytest.skip("this ONNX Runtime is older than the operator")
    assert np.array_equal(load(path).run({"x": some()})[0], wanted)
    (line,) = caplog.messages
    assert line.startswith(f"{path}: runs in 16 bits here")
    assert "bits of numbers" in line


def test_what_the_runtime_does_not_take_in_32_bits_runs_as_it_is(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    x, broken = some(), OnnxFile(b"nothing", 7, False, None)
    monkeypatch.setattr(onnx_runtime, "in_32_bits", lambda *_: broken)
    session = load(pair[0])
    assert np.array_equal(session.run({"x": x})[0], bare(pair[0], x))
    assert session.weights == pair[0].stat().st_size
    assert "runs in 16 bits here" in caplog.text
    caplog.clear()
    pair[0].write_bytes(bad_operator(pair[0]))
    with pytest.raises(ModelError, match="has the operator 'Sparkle'"):
        load(pair[0])
    assert caplog.messages == [], "an error is enough"


def bad_operator(path: Path) -> bytes:
    model = onnx.load(path)
    model.graph.node[0].op_type = "Sparkle"
    return bytes(model.SerializeToString())


class Seen:
    """ONNX Runtime as if it had cards, which keeps what it was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: dict[str, bytes] = {}
        self.starts = True
        monkeypatch.setattr(onnx_runtime, "_library", lambda: self)

    def __getattr__(self, name: str) -> Any:
        return getattr(onnxruntime, name)

    def get_available_providers(self) -> list[str]:
        return list(PROVIDERS.values())

    def InferenceSession(self, source: bytes, options: Any, providers: list[Any], **_: Any) -> Any:  # noqa: N802
        first = providers[0] if isinstance(providers[0], str) else providers[0][0]
        self.given[first] = source
        if first != PROVIDERS["cpu"] and not self.starts:
            raise RuntimeError("no card")
        real = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])

        class Session:
            def get_providers(self) -> list[str]:
                return [first]

            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

        return Session()


@pytest.mark.parametrize("device", ["cuda", "directml", "coreml", "openvino", "cpu"])
def test_cards_have_the_file_itself(device: str, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen(monkeypatch)
    load(pair[0], device)
    here = device in ("openvino", "cpu")
    assert (seen.given[PROVIDERS[device]] == pair[0].read_bytes()) == (not here)
    load(pair[1], device)
    assert seen.given[PROVIDERS[device]] == pair[1].read_bytes(), "what has 32 bits is left alone"


def test_the_processor_in_place_of_a_card_has_32_bits(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen(monkeypatch)
    seen.starts = False
    session = load(pair[0], "auto")
    assert session.device == "cpu"
    assert seen.given[PROVIDERS["cuda"]] == pair[0].read_bytes()
    x = some()
    assert np.array_equal(session.run({"x": x})[0], bare(pair[1], x.astype(np.float32)).astype(np.float16))


def test_a_plugin_that_knows_no_16_bits_is_shown_what_16_bits_hold(tmp_path: Path) -> None:
    path = identity(tmp_path / "m.onnx", kind=HALF)
    made = in_32_bits(read_onnx(path, ""), path, border=False)
    assert made is not None
    assert not made.half
    assert {each.type.tensor_type.elem_type for each in onnx.load_from_string(made.data).graph.input} == {FLOAT}
    for device in mlrt.offered():
        shown = planes(run_network(picture(), path, Contract(half=True), device=device), 3)
        wanted = planes(picture(), 3)
        assert all(
            np.array_equal(a, b.astype(np.float16).astype(np.float32)) for a, b in zip(shown, wanted, strict=True)
        )
