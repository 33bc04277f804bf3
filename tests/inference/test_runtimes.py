"""Bad files, missing devices and bad numbers: one clear line each."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import vapoursynth as vs
from onnx import helper

from vsfilmrestore.errors import InferenceError, InstallationError, ModelError, plain_text
from vsfilmrestore.inference.apply import run_model, run_network
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.runtimes import runtime_for
from vsfilmrestore.inference.runtimes.base import Session
from vsfilmrestore.models.contract import Contract, ExtraInput

from .makers import HALF, affine, array, convolutions, identity, picture, save, sha256


def load(path: Path, digest: str = "", device: str = "cpu") -> Session:
    runtime = runtime_for(path)
    return runtime.load(path, digest, device=device, precision="auto", threads=1, parallel=1)


def test_a_session_tells_what_it_wants_and_gives(tmp_path: Path) -> None:
    session = load(identity(tmp_path / "m.onnx", channels=5, kind=HALF))
    (spec,) = session.inputs
    assert (spec.name, spec.shape, spec.dtype) == ("x", (1, 5, None, None), np.float16)
    assert session.outputs[0].shape == (1, 5, None, None)
    values = np.arange(5 * 12, dtype=np.float16).reshape(1, 5, 3, 4)
    assert np.array_equal(session.run({"x": values})[0], values)


def test_the_graph_tells_the_memory_of_a_run(tmp_path: Path) -> None:
    session = load(convolutions(tmp_path / "m.onnx", layers=3, wide=32))
    assert session.per_pixel is not None
    assert 2 * 32 * 4 <= session.per_pixel <= 3 * 32 * 4


def test_every_cut_short_file_is_refused(tmp_path: Path) -> None:
    whole = convolutions(tmp_path / "m.onnx").read_bytes()
    path = tmp_path / "short.onnx"
    for length in (0, 1, 7, len(whole) // 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"short\.onnx") as caught:
            load(path)
        assert "\n" not in str(caught.value)


def test_damaged_files_end_in_a_model_error_or_load(tmp_path: Path) -> None:
    whole = bytearray(convolutions(tmp_path / "m.onnx").read_bytes())
    random = np.random.default_rng(3)
    start = time.monotonic()
    for _ in range(150):
        bad = bytearray(whole)
        for place in random.integers(0, len(bad), 4):
            bad[place] = int(random.integers(0, 256))
        path = tmp_path / "bad.onnx"
        path.write_bytes(bad)
        try:
            load(path)
        except (ModelError, InferenceError) as error:
            assert "\n" not in str(error)  # noqa: PT017 - most must fail, a few only change a weight
    assert time.monotonic() - start < 20


def test_the_wrong_hash_is_told_with_both(tmp_path: Path) -> None:
    path = identity(tmp_path / "m.onnx")
    load(path, sha256(path).upper())
    with pytest.raises(ModelError, match=r"sha256 begins with \w{12}, not with 0{12}. Fetch it again"):
        load(path, "0" * 64)


@pytest.mark.parametrize("domain", ["", "mine"])
def test_an_unknown_operator_is_named(domain: str, tmp_path: Path) -> None:
    node = helper.make_node("Sparkle", ["x"], ["y"], domain=domain)
    shape = (1, 3, "h", "w")
    path = save(tmp_path / "m.onnx", [node], {"x": shape}, {"y": shape}, domains=["mine"])
    with pytest.raises(ModelError, match=r"has the operator '.*Sparkle', which this ONNX Runtime does not know"):
        load(path)


def test_devices_that_are_not_there_are_named(tmp_path: Path) -> None:
    path = identity(tmp_path / "m.onnx")
    assert runtime_for(path).devices()[-1] == "cpu"
    assert load(path, device="auto").device
    if "tensorrt" not in runtime_for(path).devices():
        with pytest.raises(InstallationError, match=r"does not offer 'tensorrt'. Install onnxruntime-gpu"):
            load(path, device="tensorrt:0")
    with pytest.raises(ModelError, match="there is no device 'abacus'"):
        load(path, device="abacus")
    with pytest.raises(ModelError, match="there is no device 'cuda:x'"):
        load(path, device="cuda:x")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.pt", "may hold a program (TorchScript); such files are never opened"),
        ("a.ckpt", "is a training state in a pickle; such files are never opened"),
        ("a.engine", "was built for one machine by a program we do not know"),
        ("a.zip", "is no kind of model we know"),
        ("a", "is no kind of model we know"),
    ],
)
def test_other_kinds_of_files_are_refused(name: str, words: str) -> None:
    with pytest.raises(ModelError, match=re.escape(f"{name}: {words}")) as caught:
        runtime_for(Path(name))
    assert "Give one of .onnx" in str(caught.value)


def external(folder: Path, location: str, length: int = 108, offset: int = 0) -> Path:
    path = convolutions(folder / "m.onnx", layers=1)
    model = onnx.load(str(path))
    tensor = model.graph.initializer[0]
    raw = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    (folder / "weights.bin").write_bytes(raw * 3)
    return path


def test_weights_may_lie_beside_the_file(tmp_path: Path) -> None:
    path = external(tmp_path, "weights.bin", length=324)
    session = load(path)
    assert session.weights > path.stat().st_size
    assert session.run({"x": np.ones((1, 3, 4, 4), np.float32)})[0].shape == (1, 3, 4, 4)


def test_weights_outside_the_folder_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(1000))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    for location in ("../secret.bin", str(tmp_path / "secret.bin"), "x/../../secret.bin", "link.bin", "", "..\\s.bin"):
        with pytest.raises(ModelError, match="wants weights from outside its folder"):
            load(external(folder, location))


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"'lost.bin', which is not beside it"):
        load(external(tmp_path, "lost.bin"))
    with pytest.raises(ModelError, match=r"more from 'weights.bin' than it holds"):
        load(external(tmp_path, "weights.bin", length=10_000))
    with pytest.raises(ModelError, match=r"more from 'weights.bin' than it holds"):
        load(external(tmp_path, "weights.bin", offset=-5))


def test_a_run_with_the_wrong_shape_is_one_line(tmp_path: Path) -> None:
    session = load(convolutions(tmp_path / "m.onnx"))
    with pytest.raises(InferenceError, match="invalid dimensions") as caught:
        session.run({"x": np.zeros((1, 4, 8, 8), np.float32)})
    assert "\n" not in str(caught.value)


def line_of(clip: vs.VideoNode, n: int = 0) -> str:
    with pytest.raises(vs.Error) as caught:
        clip.get_frame(n)
    return plain_text(caught.value)


def test_numbers_that_are_none_are_told_with_the_frame(tmp_path: Path, models: Registry) -> None:
    path = affine(tmp_path / "m.onnx", float("nan"), 0)
    line = line_of(run_model(picture(), path, Contract(), models=models), 7)
    assert line == (
        f"{path}, frame 7: the network gives values that are no numbers. "
        "Its file may be damaged, or the picture is none it can take."
    )
    path = affine(tmp_path / "i.onnx", float("inf"), 0)
    assert "no numbers" in line_of(run_model(picture(), path, Contract(), models=models))


@pytest.mark.parametrize(
    ("contract", "words"),
    [
        (Contract(layout="stacked", before=1), "its input 'x' is 1x3x?x?, its card says 1x6x?x?"),
        (Contract(layout="BTCHW", before=1), "its input 'x' is 1x3x?x?, its card says 1x2x3x?x?"),
        (Contract(colour="luma", channels=1, out_channels=1), "its input 'x' is 1x3x?x?, its card says 1x1x?x?"),
        (Contract(extra=(ExtraInput("noise", "number"),)), "its input 'x' is 1x3x?x?, its card says 1x4x?x?"),
        (Contract(extra=(ExtraInput("noise", "scalar"),)), "has no input 'noise', which its card speaks of"),
        (Contract(scale=2), "gives 1x3x32x48 for a picture of 48x32, its card says 1x3x64x96"),
        (Contract(before=1), "its card says one frame (BCHW), but a window of several"),
    ],
)
def test_files_that_do_not_fit_their_card_are_told(
    contract: Contract, words: str, tmp_path: Path, models: Registry
) -> None:
    path = identity(tmp_path / "m.onnx")
    line = line_of(run_model(picture(), path, contract, models=models))
    assert line.startswith(f"{path}: ")
    assert words in line


def test_half_precision_runs_on_the_processor(tmp_path: Path, models: Registry) -> None:
    path = identity(tmp_path / "m.onnx", kind=HALF)
    clip = picture()
    made = run_network(clip, path, Contract(half=True), models=models)
    assert np.array_equal(array(made, 2), array(clip, 2).astype(np.float16).astype(np.float32))
    # What the network cannot tell apart is no change.
    assert np.array_equal(array(run_model(clip, path, Contract(half=True), models=models), 2), array(clip, 2))
