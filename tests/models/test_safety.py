"""The gate: what is refused, and that nothing is run in looking."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tests.models.conftest import conv_model, safetensors_bytes
from vsfilmrestore.errors import InputError, InstallationError, VsfrError
from vsfilmrestore.models.onnx_graph import read_graph
from vsfilmrestore.models.pickles import check_pth, load_pth
from vsfilmrestore.models.safetensors import Tensor, read_header
from vsfilmrestore.models.safety import check_content, check_kind, check_place

GOOD = {"a.weight": ("F32", [4, 3], 48), "a.bias": ("F16", [4], 8)}


def put(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["m.pt", "m.ckpt", "m.pkl", "m.bin", "m.npz", "m.engine", "m.exe", "m", "m.PT"])
def test_other_kinds_are_refused_even_with_the_flag(name: str) -> None:
    with pytest.raises(InputError, match=r"Use a .safetensors or .onnx file"):
        check_kind(name, allow_pth=True)


def test_pth_needs_the_flag() -> None:
    with pytest.raises(InputError, match="--allow-pth"):
        check_kind("m.pth")
    check_kind("m.pth", allow_pth=True)


def test_links_folders_and_nothing_are_refused(tmp_path: Path, toy: bytes) -> None:
    real = put(tmp_path, "real.onnx", toy)
    assert check_place(real) == len(toy)
    link = tmp_path / "link.onnx"
    link.symlink_to(real)
    for path, message in ((link, "is a link"), (tmp_path, "is no file"), (put(tmp_path, "e", b""), "is empty")):
        with pytest.raises(InputError, match=message):
            check_place(path)
    with pytest.raises(InputError, match="No such file"):
        check_place(tmp_path / "absent")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.onnx")
    with pytest.raises(InputError, match="is no file"):
        check_content(tmp_path / "m.onnx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\x80\x02}q\x00.", "pickle under another name"),
        (b"PK\x03\x04abc", "pickle under another name"),
        (b"hello", "truncated, or no ONNX"),
    ],
)
def test_things_under_the_name_of_a_model(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_content(put(tmp_path, "m.onnx", content))


# safetensors


def test_a_header_is_read(tmp_path: Path) -> None:
    path = put(tmp_path, "m.safetensors", safetensors_bytes(GOOD, {"__metadata__": {"format": "pt"}}))
    assert read_header(path) == {"a.weight": Tensor("F32", (4, 3)), "a.bias": Tensor("F16", (4,))}


def header(**entries: object) -> bytes:
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text


def entry(kind: object = "F32", shape: object = (1,), offsets: object = (0, 4)) -> object:
    return {"dtype": kind, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x01", "truncated"),
        ((1 << 62).to_bytes(8, "little") + b"{}", "truncated"),
        (header() + bytes(4), "no tensors"),
        (header(a=entry(offsets=(0, 8))) + bytes(8), "size does not fit"),
        (header(a=entry(shape=(-1,), offsets=(0, 4))) + bytes(4), "wrongly"),
        (header(a=entry(shape=(1 << 47, 1 << 47, 4))) + bytes(4), "size does not fit"),
        (header(a=entry(shape=(True,))) + bytes(4), "wrongly"),
        (header(a=entry(kind="O")) + bytes(4), "unknown type"),
        (header(a=entry(kind=[])) + bytes(4), "unknown type"),
        (header(a=entry()), "truncated: tensor 'a' ends 4 bytes after"),
        (header(a=entry(offsets=(4, 8))) + bytes(8), "where another one, or nothing"),
        (header(a=entry(), b=entry()) + bytes(4), "where another one, or nothing"),
        (header(a=entry()) + bytes(9), "5 bytes after its last"),
        (b"\x0e" + bytes(7) + b'{"a":1,"a":22}', "names something twice"),
        (b"\x00\x10\x00" + bytes(5) + b"[" * 4096, "no JSON"),
        (b"\x02" + bytes(7) + b"[]", "no table"),
        (header(a=3) + bytes(4), "wrongly"),
    ],
)
def test_wrong_headers_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_header(put(tmp_path, "m.safetensors", content))


def test_enormous_headers_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with path.open("wb") as file:
        file.write((100 << 20).to_bytes(8, "little"))
        file.truncate(200 << 20)
    with pytest.raises(InputError, match="more than any network needs"):
        read_header(path)


def mutated(good: bytes, count: int) -> list[bytes]:
    chance = random.Random(7)
    found = [good[: chance.randrange(len(good))] for _ in range(count // 4)]
    for _ in range(count):
        text = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            text[chance.randrange(min(len(text), 400))] = chance.randrange(256)
        found.append(bytes(text))
    return found


@pytest.mark.parametrize("name", ["m.safetensors", "m.onnx", "m.pth"])
def test_damaged_files_end_in_our_errors(tmp_path: Path, toy: bytes, name: str) -> None:
    good = {"m.safetensors": safetensors_bytes(GOOD), "m.onnx": toy, "m.pth": pth()}[name]
    check_content(put(tmp_path, name, good), allow_pth=True)
    said: set[str] = set()
    for content in mutated(good, 300):
        try:
            check_content(put(tmp_path, name, content), allow_pth=True)
        except VsfrError as error:
            said.add(str(error))
    assert said
    assert not any("\n" in message for message in said)


# pickles


class _Evil:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, ("/tmp/vsfilmrestore-was-here",)


def pth(text: bytes | None = None, *, pack: int = zipfile.ZIP_STORED, more: tuple[str, ...] = ()) -> bytes:
    """A zip as torch.save writes it."""
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w", pack) as file:
        file.writestr("m/data.pkl", pickle.dumps({"a": 1}, 2) if text is None else text)
        file.writestr("m/data/0", bytes(16))
        for name in more:
            file.writestr(name, b"")
    return box.getvalue()


def test_plain_weights_pass(tmp_path: Path) -> None:
    from collections import OrderedDict

    check_pth(put(tmp_path, "m.pth", pth(pickle.dumps(OrderedDict(a=1), 2))))
    tensor = b"\x80\x02}q\x00(X\x01\x00\x00\x00actorch._utils\n_rebuild_tensor_v2\nu."
    check_pth(put(tmp_path, "t.pth", pth(tensor)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"a": 1}, 2), "legacy pickle"),
        (b"hello", "no PyTorch file"),
        (pth(pickle.dumps(_Evil(), 2)), "wants to run (posix|nt).mkdir"),
        (pth(pickle.dumps(_Evil(), 4)), "wants to run STACK_GLOBAL"),
        (pth(b"\x80\x02cbuiltins\neval\n."), "builtins.eval"),
        (pth(b"\x80\x02ctorch\nload\n."), "torch.load"),
        (pth(b"(S'a'\nios\nsystem\n."), "wants to run INST"),
        (pth(b"\x80\x02\x82\x01."), "EXT1"),
        (pth(more=("m/code/__torch__.py",)), "TorchScript"),
        (pth(more=("m/constants.pkl",)), "TorchScript"),
        (pth(more=("n/data.pkl",)), "no PyTorch file of weights"),
        (pth(pack=zipfile.ZIP_DEFLATED), "is packed"),
        (pth()[:-30], "truncated or damaged"),
        (pth(b"\x80\x02c"), "truncated or damaged"),
    ],
)
def test_pickles_that_do_more_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_pth(put(tmp_path, "m.pth", content))
    assert not Path("/tmp/vsfilmrestore-was-here").exists()


def test_reading_pickles_needs_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InstallationError, match="torch is needed"):
        load_pth(put(tmp_path, "m.pth", pth()))


@pytest.mark.footage
@pytest.mark.parametrize("name", ["dust8_19.pth", "dncnn_25.pth"])
def test_real_legacy_pickles_are_refused(footage: Callable[[str], Path], name: str) -> None:
    with pytest.raises(InputError, match=r"legacy pickle.*Convert it to .safetensors"):
        check_content(footage(f"weights/{name}"), allow_pth=True)


# ONNX


def external(tmp_path: Path, location: str | None) -> Path:
    model = conv_model()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    if location is not None:
        tensor.external_data.add(key="location", value=location)
    return put(tmp_path, "m.onnx", model.SerializeToString())


@pytest.mark.parametrize(
    "location", ["/etc/passwd", "../secret", "sub/../../x", "sub/x.data", "C:\\x", "..\\x", "", "~/x/y", "a\0b"]
)
def test_tensors_from_elsewhere_are_refused(tmp_path: Path, location: str) -> None:
    with pytest.raises(InputError, match="outside its own folder"):
        check_content(external(tmp_path, location))


def test_tensors_beside_the_model_are_named(tmp_path: Path) -> None:
    assert check_content(external(tmp_path, "m.onnx.data")) == ("m.onnx.data",)
    with pytest.raises(InputError, match="does not name"):
        check_content(external(tmp_path, None))


def test_tensors_from_elsewhere_are_found_wherever_they_hide(tmp_path: Path) -> None:
    hidden = TensorProto(name="h", data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    hidden.external_data.add(key="location", value="/etc/passwd")
    constant = helper.make_node("Constant", [], ["c"])
    constant.attribute.append(onnx.AttributeProto(name="value", type=onnx.AttributeProto.TENSOR, t=hidden))
    inner = helper.make_graph([constant], "inner", [], [helper.make_tensor_value_info("c", 1, [1])])
    branch = helper.make_node("If", ["cond"], ["x"], then_branch=inner, else_branch=inner)
    model = conv_model()
    model.graph.node.append(branch)
    with pytest.raises(InputError, match="/etc/passwd"):
        check_content(put(tmp_path, "m.onnx", model.SerializeToString()))
    function = conv_model()
    function.functions.append(helper.make_function("own", "f", [], ["c"], [constant], [helper.make_opsetid("", 17)]))
    with pytest.raises(InputError, match="/etc/passwd"):
        check_content(put(tmp_path, "f.onnx", function.SerializeToString()))


def test_a_graph_tells_its_ports(tmp_path: Path, toy: bytes) -> None:
    graph = read_graph(put(tmp_path, "m.onnx", toy))
    assert [(port.name, port.kind, port.shape) for port in graph.inputs] == [("in", "fp32", (1, 3, None, None))]
    assert graph.opset == 17


def test_looking_into_onnx_needs_onnx(tmp_path: Path, toy: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnx.shape_inference", None)
    with pytest.raises(InstallationError, match=r"pip install 'vsfilmrestore\[onnx\]'"):
        check_content(put(tmp_path, "m.onnx", toy))
