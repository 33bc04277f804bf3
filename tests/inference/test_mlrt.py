"""Networks run by plug-ins inside VapourSynth give what our own runs give.

The plug-ins are taken where they are installed; else a stand-in with their signature, made of ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import plain_text
from vsfilmrestore.inference import mlrt
from vsfilmrestore.inference.apply import run_model, run_network
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.chain import can_be_fused
from vsfilmrestore.models.contract import Contract, ExtraInput

from .makers import (
    HALF,
    affine,
    array,
    between,
    convolutions,
    doubled,
    halves,
    hashes,
    identity,
    mean_of_stacked,
    orders,
    picture,
    planes,
)

core = vs.core


class Plugin:
    """A namespace with `Model`, as the plug-ins have it: clips become channels."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []

    def Version(self) -> dict[str, bytes]:  # noqa: N802 - its name there
        return {"providers": b"CUDA DML"}

    def Model(self, clips: list[vs.VideoNode], network_path: bytes, **options: Any) -> vs.VideoNode:  # noqa: N802
        self.made.append(options)
        try:
            session = onnxruntime.InferenceSession(network_path, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no other class
            raise vs.Error(f"operator(): parse failed {error}"[:60]) from None
        entry = session.get_inputs()[0]
        half = entry.type == "tensor(float16)"
        if half != (clips[0].format.bits_per_sample == 16):
            raise vs.Error("operator(): the onnx requires input to be of type fp16")

        def run(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
            frames = f[1:]
            x = np.stack([np.asarray(frame[p]) for frame in frames for p in range(frame.format.num_planes)])[None]
            (y,) = session.run(None, {entry.name: x})
            out = f[0].copy()
            for p in range(out.format.num_planes):
                np.copyto(np.asarray(out[p]), y[0, p])
            return out

        probe = np.zeros((1, sum(c.format.num_planes for c in clips), clips[0].height, clips[0].width), np.float32)
        shape = session.run(None, {entry.name: probe.astype(np.float16) if half else probe})[0].shape
        kind = {(3, False): vs.RGBS, (3, True): vs.RGBH, (1, False): vs.GRAYS, (1, True): vs.GRAYH}[shape[1], half]
        blank = core.std.BlankClip(clips[0], width=shape[3], height=shape[2], format=kind)
        return core.std.ModifyFrame(blank, [blank, *clips], run)


class Core:
    """VapourSynth's core with a plug-in more."""

    def __init__(self, plugin: Plugin) -> None:
        self.ort = plugin

    def __getattr__(self, name: str) -> Any:
        return getattr(vs.core, name)


@pytest.fixture(params=["stand-in", "ort", "ov"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "stand-in":
        monkeypatch.setattr(mlrt, "core", Core(Plugin()))
        return "mlrt:cpu"
    if not hasattr(core, request.param):
        pytest.skip(f"the plug-in {request.param} is not installed: scripts/test.py --extras mlrt")
    return {"ort": "mlrt:cpu", "ov": "mlrt:openvino"}[request.param]


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Plugin:
    plugin = Plugin()
    monkeypatch.setattr(mlrt, "core", Core(plugin))
    return plugin


SIGMA = Contract(extra=(ExtraInput("sigma", "number", default=0.3),))


@pytest.mark.parametrize(
    ("make", "contract", "options"),
    [
        (convolutions, Contract(receptive=3), {}),
        (halves, Contract(multiple=16), {}),
        (doubled, Contract(scale=2), {}),
        (lambda path: mean_of_stacked(path, 5), Contract(layout="stacked", before=2, after=2), {}),
        (lambda path: affine(path, 0.5, 0.1), Contract(low=-1.0, high=1.0), {}),
        (lambda path: affine(path, 200.0, 10.0), Contract(out_low=-20.0, out_high=255.0), {}),
        (lambda path: affine(path, 0.5, 0.1, channels=1), Contract(colour="luma", channels=1, out_channels=1), {}),
        (convolutions, Contract(receptive=3), {"tile": (24, 24)}),
    ],
    ids=["one frame", "multiples", "larger", "window", "range", "range out", "luma", "tiles"],
)
@pytest.mark.parametrize("fmt", [vs.YUV420P10, vs.RGBS])
def test_the_same_picture_as_our_own_run(
    make: Callable[[Path], Path], contract: Contract, options: dict[str, Any], fmt: int, device: str, tmp_path: Path
) -> None:
    path = make(tmp_path / "m.onnx")
    clip = picture(50, 38, frames=6, fmt=fmt, **({"_Matrix": 1} if fmt != vs.RGBS else {}))
    if options and device == "mlrt:cpu" and not hasattr(core, "ort"):
        pytest.skip("the stand-in knows no tiles")
    native = run_model(clip, path, contract, device=device, **options)
    own = run_model(clip, path, contract, device="cpu")
    for n in (0, 3, 5):
        for a, b in zip(planes(native, n), planes(own, n), strict=True):
            limit = 1 if a.dtype.kind == "u" else 1 / 1023  # a rounding, in steps of 10 bits
            assert np.abs(a.astype(np.float64) - b).max() <= limit
        assert native.get_frame(n).props["Number"] == n


def test_pictures_and_numbers_follow_along_the_channels(device: str, tmp_path: Path) -> None:
    clip, other = picture(), picture(seed=2)
    mixing = Contract(extra=(ExtraInput("other", "picture"), ExtraInput("t", "number", default=0.25)))
    path = between(tmp_path / "m.onnx", apart=False)
    native, own = (
        run_network(clip, path, mixing, clips={"other": other}, numbers={"t": 0.75}, device=each)
        for each in (device, "cpu")
    )
    assert np.abs(array(native, 4) - array(own, 4)).max() < 1e-5
    assert np.abs(array(native, 4) - (0.25 * array(clip, 4) + 0.75 * array(other, 4))).max() < 1e-5


def test_nothing_changed_keeps_its_bits(device: str, tmp_path: Path) -> None:
    clip = picture(fmt=vs.YUV444P12, _Matrix=9)
    made = run_model(clip, identity(tmp_path / "m.onnx"), Contract(), device=device)
    for a, b in zip(planes(made, 3), planes(clip, 3), strict=True):
        assert np.array_equal(a, b)


def test_frames_are_the_same_in_any_order(device: str, threads: int, tmp_path: Path) -> None:
    path = mean_of_stacked(tmp_path / "m.onnx", 3)
    contract = Contract(layout="stacked", before=1, after=1)
    found = []
    for order in orders(9).values():
        found.append(hashes(run_model(picture(frames=9), path, contract, device=device), order))
    assert found[0] == found[1] == found[2]


def test_half_precision(device: str, tmp_path: Path) -> None:
    path = identity(tmp_path / "m.onnx", kind=HALF)
    clip = picture()
    made = run_model(clip, path, Contract(half=True), device=device)
    assert np.array_equal(array(made, 2), array(clip, 2))
    shown = run_network(clip, path, Contract(half=True), device=device)
    assert np.array_equal(array(shown, 2), array(clip, 2).astype(np.float16).astype(np.float32))


def test_nothing_is_loaded_while_the_graph_is_built(plugin: Plugin, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    made = run_model(picture(), path, Contract(), device="mlrt:cuda:1")
    assert plugin.made == []
    identity(path)
    made.get_frame(5).close()
    made.get_frame(6).close()
    (options,) = plugin.made
    assert (options["provider"], options["device_id"], options["tf32"]) == ("CUDA", 1, 0)


def test_tiles_overlap_by_the_receptive_field_and_keep_to_the_grid(plugin: Plugin, tmp_path: Path) -> None:
    contract = Contract(receptive=5, multiple=4)
    made = run_model(picture(96, 64), identity(tmp_path / "m.onnx"), contract, device="mlrt:cpu", tile=(30, 0))
    made.get_frame(0).close()
    assert (plugin.made[0]["tilesize"], plugin.made[0]["overlap"]) == ([96, 32], [8, 8])


def line_of(made: vs.VideoNode) -> str:
    with pytest.raises(vs.Error) as caught:
        made.get_frame(3)
    return plain_text(caught.value)


def test_bad_files_are_one_line(device: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"no network")
    assert line_of(run_model(picture(), path, Contract(), device=device)).startswith(f"{path}: is not an ONNX file")
    affine(path, float("nan"), 0)
    told = line_of(run_model(picture(), path, Contract(), device=device))
    assert told == f"{path}, frame 3: the network gives values that are no numbers"
    identity(path)
    told = line_of(run_model(picture(), path, Contract(), device=device, sha256="0" * 64))
    assert "is not the file that was meant" in told
    assert "its card says otherwise" in line_of(run_model(picture(), path, Contract(scale=2), device=device))
    between(path, apart=True)
    assert "more than one input" in line_of(run_model(picture(), path, Contract(), device=device))


SEVEN = Contract(layout="stacked", before=3, after=3, half=True)
MATCH = Contract(receptive=62, extra=(ExtraInput("reference", "picture"),))


@pytest.mark.footage
@pytest.mark.parametrize(
    ("name", "contract"),
    [("temporalfix_s1_v1.1_op18_fp16", SEVEN), ("waveletcolorfix_w5_c3_fp32", MATCH)],
    ids=["temporalfix", "waveletcolorfix"],
)
def test_real_networks_give_the_same_picture(
    name: str, contract: Contract, device: str, footage: Callable[[str], Path]
) -> None:
    path = footage(f"weights/{name}.onnx")
    clip = core.std.BlankClip(width=160, height=96, format=vs.RGBS, length=9)
    still = core.akarin.Expr(clip, "X 11 / sin Y 7 / cos * 0.3 * 0.4 + N 5 / sin 0.1 * +")
    clips = {extra.name: still.std.BoxBlur(hradius=3) for extra in contract.extra}
    native, own = (run_network(still, path, contract, clips=clips, device=each) for each in (device, "cpu"))
    assert np.abs(array(own, 4) - array(still, 4)).max() > 1e-4, "it does something"
    assert np.abs(array(native, 4) - array(own, 4)).max() < 1 / 1023


def test_what_the_plugins_cannot_do_is_told_at_once(plugin: Plugin, tmp_path: Path) -> None:
    path = identity(tmp_path / "m.onnx")
    for contract in (Contract(layout="BTCHW"), Contract(order="bgr"), Contract(frames_out=2, layout="stacked")):
        with pytest.raises(Exception, match="cannot be run by 'mlrt:cpu'"):
            run_model(picture(), path, contract, device="mlrt:cpu")


def test_a_plugin_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = identity(tmp_path / "m.onnx")
    with pytest.raises(Exception, match="there is no device 'mlrt:tpu'"):
        run_model(picture(), path, Contract(), device="mlrt:tpu")
    if not hasattr(core, "ncnn"):
        with pytest.raises(Exception, match=r"needs the plug-in 'ncnn'.*vapoursynth-mlrt-ncnn"):
            run_model(picture(), path, Contract(), device="mlrt:ncnn")
        assert "mlrt:ncnn" not in mlrt.offered()


def test_only_what_a_plugin_was_built_for_is_offered(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlrt, "gpus", tuple)
    mine = [each for each in mlrt.offered() if each not in ("mlrt:openvino", "mlrt:ncnn")]
    assert mine == ["mlrt:cpu", "mlrt:directml"]
    monkeypatch.setattr(mlrt, "gpus", lambda: ("card",))
    assert "mlrt:cuda" in mlrt.offered()


def test_runs_of_plugins_stand_alone(tmp_path: Path) -> None:
    assert can_be_fused(ModelCall(tmp_path / "m.onnx", Contract()))
    assert not can_be_fused(ModelCall(tmp_path / "m.onnx", Contract(), device="mlrt:cpu"))
