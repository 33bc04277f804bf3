"""``vsfilmrestore models``: what it prints, and how it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.models.conftest import conv_model, write_toy_card
from vsfilmrestore.cli.main import main


@pytest.fixture
def mine(tmp_path: Path, toy: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, with a card that needs a yes."""
    monkeypatch.delenv("VSFILMRESTORE_DEBUG", raising=False)
    monkeypatch.setenv("VSFILMRESTORE_MODELS", str(tmp_path / "mine"))
    write_toy_card(tmp_path / "mine", toy, accept="true")
    return tmp_path / "mine"


def test_list(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert any("temporalfix-s1" in row and "7 frames rgb" in row and "Apache-2.0" in row for row in rows)
    assert main(["models", "list", "--task", "denoise", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [model["name"] for model in facts["models"]] == ["degrain-t1", "dncnn-grey-25", "toy"]
    assert facts["models"][0]["files"][0]["path"] is not None  # it comes with us
    assert facts["models"][2]["files"][0]["path"] is None
    assert facts["models"][2]["contract"]["window"] == 1
    assert main(["models", "list", "--task", "denois"]) == 2
    assert "did you mean 'denoise'?" in capsys.readouterr().err


def test_check(mine: Path, toy: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "check", "--json"]) == 0
    found = {each["file"]: each["verdict"] for each in json.loads(capsys.readouterr().out)["files"]}
    ours = {name for name in found if name.partition(".")[0].endswith("-t1")}  # these come with us
    assert {"dirt-t1.onnx", "fade-t1.safetensors", "film2x-t1.onnx", "lines-t1.onnx", "wires-t1.onnx"} < ours
    assert {found.pop(name) for name in ours} == {"ok"}
    assert set(found.values()) == {"absent"}
    assert main(["models", "check", "toy"]) == 3
    assert "toy.onnx is not on this machine. Get it with 'vsfilmrestore models get toy'" in capsys.readouterr().err
    (mine / "toy.onnx").write_bytes(toy)
    assert main(["models", "check", "toy"]) == 0
    assert "ok" in capsys.readouterr().out
    (mine / "toy.onnx").write_bytes(toy[:-1])
    assert main(["models", "check"]) == 3
    said = capsys.readouterr()
    assert "is truncated" in said.out
    size = f"{len(toy) - 1} bytes instead of {len(toy)}"
    assert said.err == f"vsfilmrestore: {mine / 'toy.onnx'}: is truncated: {size}. Fetch it again\n"


def test_get_asks_nobody_where_nobody_is(mine: Path, toy: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / "toy.onnx").write_bytes(toy)
    assert main(["models", "get", "toy"]) == 2
    assert "needs your yes" in capsys.readouterr().err
    assert not (mine / "licences.json").exists()
    assert main(["models", "get", "toy", "--accept-licence", "CC-BY-NC-4.0"]) == 0
    assert str(mine / "toy.onnx") in capsys.readouterr().out.replace("\n", "")
    assert main(["models", "licence"]) == 0
    assert "CC-BY-NC-4.0" in capsys.readouterr().out


def test_get_without_a_source(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "get", "toy", "--accept-licence", "CC-BY-NC-4.0"]) == 8
    assert "its card knows no source. Bring it yourself" in capsys.readouterr().err
    assert main(["models", "get", "no-such"]) == 2


def test_pickles_need_the_flag(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "get", "dncnn-grey-25"]) == 3
    assert "is a pickle, which can run anything" in capsys.readouterr().err


def test_licence(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "licence", "toy"]) == 0
    said = capsys.readouterr().out
    assert "paid work may NOT use it" in said
    assert "needs your yes, which was not given yet" in said
    assert main(["models", "licence", "toy", "--accept-licence", "MIT"]) == 2
    assert main(["models", "licence", "toy", "--accept-licence", "CC-BY-NC-4.0", "--json"]) == 0
    capsys.readouterr()
    assert main(["models", "licence", "toy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accepted"]["how"] == "--accept-licence"
    assert main(["models", "licence", "--accept-licence", "MIT"]) == 2


def test_add(mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(conv_model(6, 3).SerializeToString())
    assert main(["models", "add", str(path)]) == 2
    assert "--extra reference=picture" in capsys.readouterr().err
    assert main(["models", "add", str(path), "--extra", "reference=picture", "--task", "colour-match", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["name"], facts["task"], facts["contract"]["extra"][0]["name"]) == ("net", "colour-match", "reference")
    assert (mine / "net.toml").is_file()
    assert main(["models", "check", "net"]) == 0
    for wrong in (
        ["--extra", "x"],
        ["--colour", "red"],
        ["--order", "grb"],
        ["--commercial", "maybe"],
        ["--home", "file:///"],
    ):
        assert main(["models", "add", str(path), "--name", "b", *wrong]) == 2
    assert main(["models", "add", str(tmp_path / "m.pt")]) == 3
    assert main(["models", "add", str(tmp_path / "absent.onnx")]) == 3


def test_who_adds_is_told_where_the_task_is_open(
    mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(conv_model(size=(64, 32)).SerializeToString())
    assert main(["models", "add", str(path), "--name", "open"]) == 0
    told = capsys.readouterr().out
    assert "open: other" in told
    assert "What it is for cannot be seen in the file" in told
    assert "say --task" in told
    card = mine / "open.toml"
    card.write_text(card.read_text().replace('task = "other"', 'task = "deblur"'))
    assert main(["models", "list", "--task", "deblur", "--json"]) == 0
    assert "open" in [each["name"] for each in json.loads(capsys.readouterr().out)["models"]]
    path.write_bytes(conv_model(1, 1).SerializeToString())
    assert main(["models", "add", str(path), "--task", "denoise"]) == 0
    assert "cannot be seen" not in capsys.readouterr().out


def test_a_wrong_card_is_a_note(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / "bad.toml").write_text("name = 3\n")
    assert main(["models", "list"]) == 0
    assert "bad.toml:1: name must be a text" in capsys.readouterr().out.replace("\n", "")
    assert main(["models", "check", "bad"]) == 4


@pytest.mark.footage
def test_a_real_file_is_recognised(
    mine: Path, footage: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = footage("weights/temporalfix_s1_v1.1_op18_fp16.onnx")
    assert main(["models", "add", str(path)]) == 0
    assert "temporalfix-s1: stabilise, 7 frames rgb, scale 1" in capsys.readouterr().out
    assert main(["models", "check", "temporalfix-s1"]) == 0
