"""Files of strangers that cannot be used: one clear line each, whichever door they come in by."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import vapoursynth as vs
from onnx import TensorProto, helper

from tests.models.conftest import write_toy_card
from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import ModelError, plain_text
from vsfilmrestore.inference.apply import run_model
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.models.contract import Contract, ExtraInput

from .makers import Shape, affine, convolutions, doubled, identity, picture, save

PICTURE: Shape = (1, 3, "h", "w")


class Evil:
    """Makes a file named ``ran`` in the folder of the test if anybody opens the pickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch ran",)


def graph(folder: Path, *nodes: tuple[str, str, str], **more: Any) -> bytes:
    """Nodes as ``operator, inputs, outputs``."""
    made = [helper.make_node(op, ins.split(), outs.split()) for op, ins, outs in nodes]
    path = save(folder / "made.onnx", made, {"x": PICTURE}, more.pop("outputs", {"y": PICTURE}), **more)
    return path.read_bytes()


def zipped(*names: str) -> bytes:
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w") as archive:
        for name in names:
            archive.writestr(name, pickle.dumps(Evil(), 2))
    return box.getvalue()


def changed(folder: Path, change: Callable[[Any], object]) -> bytes:
    model = onnx.load_model_from_string(convolutions(folder / "made.onnx", layers=1).read_bytes())
    change(model)
    return bytes(model.SerializeToString())


def outside(location: str, length: int = 324) -> Callable[[Any], object]:
    def change(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
            tensor.external_data.add(key=key, value=value)

    return change


def enormous(model: Any) -> None:
    model.graph.initializer[0].dims[0] = 1 << 40


def newer(model: Any) -> None:
    model.opset_import[0].version = 99


def newer_still(model: Any) -> None:
    model.ir_version = 99


def in_bfloat(folder: Path) -> bytes:
    """Computed in numbers that ONNX Runtime has no operator for on the processor."""
    nodes = [
        helper.make_node("Cast", ["x"], ["c"], to=TensorProto.BFLOAT16),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("Cast", ["d"], ["y"], to=TensorProto.FLOAT),
    ]
    return save(folder / "made.onnx", nodes, {"x": PICTURE}, {"y": PICTURE}).read_bytes()


def bomb(folder: Path) -> bytes:
    """A small file that wants 8 TB."""
    nodes = [("ConstantOfShape", "s", "c"), ("ReduceMax", "c", "m"), ("Add", "x m", "y")]
    return graph(folder, *nodes, weights={"s": np.array([1 << 20, 1 << 21])})


def header(text: bytes, length: int | None = None) -> bytes:
    return (len(text) if length is None else length).to_bytes(8, "little") + text


HUGE = json.dumps({"w": {"dtype": "F32", "shape": [1 << 20, 1 << 20], "data_offsets": [0, 1 << 42]}}).encode()
ZERO = {"zero": np.float32(0).reshape(1)}
CUT = {"a": np.array([0, 0]), "b": np.array([8, 8]), "c": np.array([2, 3])}
SHORT = "not an ONNX file, or is cut short|is truncated, or no ONNX file"

BAD: dict[str, tuple[Callable[[Path], bytes], str]] = {
    # Name of the file: what it holds, and what is said of it.
    "empty.onnx": (lambda f: b"", "is empty"),
    "empty.safetensors": (lambda f: b"", "is empty"),
    "cut-short.onnx": (lambda f: convolutions(f / "made.onnx").read_bytes()[:300], SHORT),
    "text.onnx": (lambda f: b"hello, this is no model at all", SHORT),
    "page.onnx": (lambda f: b"<!DOCTYPE html><html>404</html>", "is a web page, not the model. Fetch it again"),
    "pointer.onnx": (lambda f: b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
    "zip.onnx": (lambda f: zipped("a/data.pkl"), "is a pickle under another name; it is not opened"),
    "pickle.onnx": (lambda f: pickle.dumps(Evil()), "is a pickle under another name; it is not opened"),
    "script.pt": (lambda f: zipped("a/constants.pkl", "a/code/x.py"), r"may hold a program \(TorchScript\)"),
    "script.pth": (lambda f: zipped("a/data.pkl", "a/code/x.py"), "is TorchScript, which is a program"),
    "legacy.pth": (lambda f: pickle.dumps(Evil(), 2), "is a legacy pickle, which no loader opens safely. Convert it"),
    "evil.pth": (lambda f: zipped("a/data.pkl"), r"wants to run \w+\.system, which weights do not need"),
    "state.ckpt": (lambda f: pickle.dumps(Evil()), "is a training state in a pickle"),
    "length.safetensors": (lambda f: header(b"{}", 1 << 40), "is truncated, or no safetensors file. Fetch it again"),
    "json.safetensors": (lambda f: header(b"{nonsense}"), "has a header that is no JSON"),
    "huge.safetensors": (lambda f: header(HUGE), r"tensor 'w' ends \d+ bytes after the file"),
    "pickle.safetensors": (lambda f: pickle.dumps(Evil()), "is truncated, or no safetensors file"),
    "escaping.onnx": (lambda f: changed(f, outside("../secret.bin")), r"from.*\.\./secret.bin"),
    "absolute.onnx": (lambda f: changed(f, outside("/etc/passwd")), "from.*/etc/passwd"),
    "lost.onnx": (lambda f: changed(f, outside("lost.bin")), "from 'lost.bin', (which is not beside it|of which its)"),
    "more.onnx": (lambda f: changed(f, outside("beside.bin", 1 << 50)), "wants more from 'beside.bin' than it holds"),
    "declared.onnx": (lambda f: changed(f, enormous), "has tensor 'w0' whose size does not fit its shape"),
    "unsorted.onnx": (
        lambda f: graph(f, ("Add", "x b", "a"), ("Relu", "a", "b"), ("Relu", "b", "y")),
        "nothing gives 'b' before it is wanted. Export it again|graph is not acyclic",
    ),
    "lacking.onnx": (lambda f: graph(f, ("Relu", "q", "y")), "nothing gives 'q' before|input 'q' is not a graph input"),
}

ONLY_RUN: dict[str, tuple[Callable[[Path], bytes], Contract, str]] = {
    # What only running it tells: what it holds, what its card says, what is said of it.
    "newer.onnx": (lambda f: changed(f, newer), Contract(), "was written for a newer ONNX .* Update onnxruntime"),
    "newer-still.onnx": (lambda f: changed(f, newer_still), Contract(), "was written for a newer ONNX"),
    "unknown.onnx": (lambda f: graph(f, ("Sparkle", "x", "y")), Contract(), "has the operator 'Sparkle', which"),
    "bfloat.onnx": (
        in_bfloat, Contract(), "operator 'Relu' for numbers that this .* cannot compute .* Take its 32-bit version"
    ),
    "bomb.onnx": (bomb, Contract(), r"wants 8,796 GB for a picture of 4096 pixels"),
    "wide.onnx": (
        lambda f: identity(f / "made.onnx", size=(1 << 20, 1 << 20)).read_bytes(), Contract(), "wants 26,388 GB"
    ),
    "whole.onnx": (
        lambda f: identity(f / "made.onnx", kind=TensorProto.INT32).read_bytes(), Contract(),
        "its input 'x' takes int32 numbers; pictures are floats. Export it with floats",
    ),
    "four.onnx": (
        lambda f: identity(f / "made.onnx", channels=4).read_bytes(), Contract(),
        r"its input 'x' is 1x4x\?x\?, its card says 1x3x\?x\? Correct the card's layout",
    ),
    "window.onnx": (
        lambda f: identity(f / "made.onnx").read_bytes(), Contract(layout="BTCHW", before=1, after=1), "its card says"
    ),
    "nan.onnx": (
        lambda f: graph(f, ("Mul", "x zero", "o"), ("Div", "o zero", "y"), weights=ZERO), Contract(),
        "frame 1: the network gives values that are no numbers",
    ),
    "infinite.onnx": (
        lambda f: graph(f, ("Div", "x zero", "y"), weights=ZERO), Contract(),
        "frame 1: the network gives values that are no numbers",
    ),
    "larger.onnx": (
        lambda f: doubled(f / "made.onnx").read_bytes(), Contract(),
        "gives 1x3x64x96 for a picture of 48x32, its card says 1x3x32x48. Correct the card's scale",
    ),
    "smaller.onnx": (
        lambda f: identity(f / "made.onnx").read_bytes(), Contract(scale=2),
        "gives 1x3x32x48 for a picture of 48x32, its card says 1x3x64x96. Correct the card's scale",
    ),
    "cut.onnx": (lambda f: graph(f, ("Slice", "x a b c", "y"), weights=CUT), Contract(), "gives 1x3x8x8 for a picture"),
    "failing.onnx": (
        lambda f: graph(f, ("Reshape", "x s", "y"), weights={"s": np.array([1, 3, 7, 7])}), Contract(),
        "frame 1: ONNX Runtime could not run it: .* cannot be reshaped",
    ),
    "scalar.onnx": (
        lambda f: identity(f / "made.onnx").read_bytes(), Contract(extra=(ExtraInput("sigma", "scalar"),)),
        "has no input 'sigma', which its card speaks of",
    ),
    "output.onnx": (
        lambda f: identity(f / "made.onnx").read_bytes(), Contract(outputs=("mask",)),
        "has no output 'mask', which its card speaks of. It has y",
    ),
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with secrets beside it and a zoo of one's own; nothing may run."""
    folder = tmp_path / "here"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(1000))
    (folder / "beside.bin").write_bytes(bytes(100))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("VSFILMRESTORE_DEBUG", raising=False)
    monkeypatch.setenv("VSFILMRESTORE_MODELS", str(tmp_path / "mine"))
    return folder


def said_by_run(path: Path, contract: Contract, models: Registry, **options: Any) -> str:
    """The line `run_model` has for a user of VapourSynth."""
    try:
        result = run_model(picture(frames=2), path, contract, models=models, **options)
    except ModelError as error:
        return str(error)
    with pytest.raises(vs.Error) as caught:
        result.get_frame(1)
    assert re.search(r"^vsfilmrestore\.errors\.\w+Error: ", str(caught.value), re.MULTILINE), "an error of ours"
    return plain_text(caught.value)


def needs_runtime(name: str) -> None:
    """What torch runs is refused by name of what is missing where torch is missing."""
    if name.endswith((".safetensors", ".pth")):
        for package in ("torch", "spandrel"):
            pytest.importorskip(package, reason="torch is not installed: scripts/test.py --extras torch")


def one_line(text: str, name: str, words: str) -> None:
    assert name in text
    assert re.search(words, text), text
    assert "\n" not in text
    assert len(text) < 450 + len(str(Path.cwd()))
    assert not re.search(r"Traceback|\.cc:\d|onnxruntime::", text)
    assert not Path("ran").exists(), "something in the file was run"


@pytest.mark.parametrize("name", BAD)
def test_run_model_says_it_in_a_line(name: str, here: Path, models: Registry) -> None:
    needs_runtime(name)
    make, words = BAD[name]
    path = here / name
    path.write_bytes(make(here))
    words += "|is a pickle, which can run anything" if name.endswith(".pth") else ""
    one_line(said_by_run(path, Contract(), models), name, words)
    assert len(models) == 0


@pytest.mark.parametrize("name", ONLY_RUN)
def test_what_running_tells_is_said_in_a_line(name: str, here: Path, models: Registry) -> None:
    make, contract, words = ONLY_RUN[name]
    path = here / name
    path.write_bytes(make(here))
    one_line(said_by_run(path, contract, models, device="cpu"), name, words)


@pytest.mark.parametrize("name", BAD)
def test_models_add_says_it_in_a_line(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, words = BAD[name]
    (here / name).write_bytes(make(here))
    flag = ["--allow-pth"] if name.endswith(".pth") else []
    assert main(["models", "add", str(here / name), *flag]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    one_line(said.err.removesuffix("\n"), name, words)
    mine = here.parent / "mine"
    assert not mine.exists() or list(mine.iterdir()) == [], "nothing of it stays"


@pytest.mark.parametrize("name", [name for name in BAD if not re.search(r"^empty|\.pt$|\.ckpt$", name)])
def test_models_check_says_it_in_a_line(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, words = BAD[name]
    mine, content = here.parent / "mine", make(here)
    write_toy_card(mine, content, file=name)
    (mine / name).write_bytes(content)
    (mine / "beside.bin").write_bytes(bytes(100))
    assert main(["models", "check", "toy"]) == 3
    one_line(capsys.readouterr().err.removesuffix("\n"), name, words)


def test_another_file_than_the_card_speaks_of(here: Path, models: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    path = identity(here / "net.onnx")
    words = r"is not the file that was meant: its sha256 begins with \w{12}, not with 0{12}. Fetch it again"
    one_line(said_by_run(path, Contract(), models, sha256="0" * 64), "net.onnx", words)
    mine = here.parent / "mine"
    write_toy_card(mine, path.read_bytes()[::-1], file="net.onnx")
    (mine / "net.onnx").write_bytes(path.read_bytes())
    assert main(["models", "check", "toy"]) == 3
    words = "is not the file its card speaks of .* Fetch it again"
    one_line(capsys.readouterr().err.removesuffix("\n"), "net.onnx", words)


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("abacus", "there is no device 'abacus'. Take one of auto"),
        ("cuda:x", "there is no device 'cuda:x'"),
        ("coreml", "does not offer 'coreml'. Install .* or set device='cpu'"),
    ],
)
def test_devices_that_are_not_there(device: str, words: str, here: Path, models: Registry) -> None:
    if device == "coreml" and os.uname().sysname == "Darwin":
        pytest.skip("it may be there")
    one_line(said_by_run(identity(here / "net.onnx"), Contract(), models, device=device), "", words)


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors"])
def test_pipes_folders_and_devices_are_not_waited_for(
    suffix: str, here: Path, models: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    needs_runtime(suffix)
    pipe, folder, endless = (here / f"{name}{suffix}" for name in ("pipe", "folder", "endless"))
    os.mkfifo(pipe)
    folder.mkdir()
    endless.symlink_to("/dev/zero")
    for path in (pipe, folder, endless):
        one_line(said_by_run(path, Contract(), models), path.name, "is no file")
        assert main(["models", "add", str(path)]) == 3
        one_line(capsys.readouterr().err.removesuffix("\n"), path.name, "is no file|is a link")


def test_unknown_operators_are_not_added(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "net.onnx").write_bytes(graph(here, ("Sparkle", "x", "y")))
    assert main(["models", "add", "net.onnx"]) == 3
    one_line(capsys.readouterr().err.removesuffix("\n"), "net.onnx", "has the operator 'Sparkle', which nobody knows")


def test_several_bad_files_are_counted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = here.parent / "mine"
    for name in ("one", "two"):
        write_toy_card(mine, b"not a model", name=name, file=f"{name}.onnx")
        (mine / f"{name}.onnx").write_bytes(b"not a model")
    assert main(["models", "check"]) == 3
    said = capsys.readouterr()
    assert said.err == "vsfilmrestore: 2 files are refused: one.onnx, two.onnx\n"
    assert said.out.count("is truncated, or no ONNX file") == 2


def test_tiles_that_memory_has_no_room_for(here: Path, models: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    path = affine(here / "net.onnx", 1, 0)
    monkeypatch.setattr("vsfilmrestore.inference.network.total_memory", lambda: 10_000)
    monkeypatch.setattr("vsfilmrestore.inference.network.available_memory", lambda: 10_000)
    words = "there is not enough memory for pictures of 48x32, nor for tiles of them. Close other programs"
    one_line(said_by_run(path, Contract(), models, device="cpu"), "net.onnx", words)


def test_plain_files_pass_the_same_doors(here: Path, models: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    path = convolutions(here / "net.onnx")
    run_model(picture(frames=1), path, Contract(), models=models).get_frame(0).close()
    (here / "ext.onnx").write_bytes(changed(here, outside("beside.bin", 324)))
    (here / "beside.bin").write_bytes(bytes(324))
    run_model(picture(frames=1), here / "ext.onnx", Contract(), models=models).get_frame(0).close()
    for name in ("net.onnx", "ext.onnx"):
        assert main(["models", "add", name]) == 0
    assert main(["models", "check", "net", "ext"]) == 0
    assert capsys.readouterr().err == ""
