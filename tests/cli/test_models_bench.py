"""``models bench``: a row in a process of its own, whatever happens there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from vsfilmrestore.cli.main import main
from vsfilmrestore.inference import bench
from vsfilmrestore.inference.bench import Job, Result, measure


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VSFILMRESTORE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("VSFILMRESTORE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def added(home: Path, name: str = "halving", factor: float = 0.5) -> str:
    """A model of the user's: y = factor x."""
    shape = (1, 3, "h", "w")
    ends = [helper.make_tensor_value_info(each, onnx.TensorProto.FLOAT, shape) for each in ("x", "y")]
    weight = numpy_helper.from_array(np.float32(factor).reshape(1), "a")
    graph = helper.make_graph([helper.make_node("Mul", ["x", "a"], ["y"])], name, ends[:1], ends[1:], [weight])
    path = home / f"{name}.onnx"
    opsets = [helper.make_opsetid("", 17)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())
    assert main(["models", "add", str(path), "--task", "denoise", "--channels", "3"]) == 0
    return name


def rows_of(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["models", "bench", *words, "--seconds", "0.5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["machine"]["cores"] >= 1
    rows: list[dict[str, Any]] = told["rows"]
    return rows


def test_a_row_for_each_size_with_speed_and_memory(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = added(home)
    rows = rows_of(capsys, name, "--size", "64x48", "--size", "160x96", "--device", "cpu")
    assert [(row["model"], row["device"], row["width"], row["height"]) for row in rows] == [
        (name, "cpu", 64, 48),
        (name, "cpu", 160, 96),
    ]
    for row in rows:
        assert row["note"] == ""
        assert row["runtime"] == "onnxruntime"
        assert row["fps"] > 5
        assert 0 < row["first"] < 20
        assert 30e6 < row["memory"] < 3e9


def test_what_is_not_here_is_listed_with_the_way_to_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = rows_of(capsys, "temporalfix-s1", "--size", "64x48")
    assert row["fps"] is None
    assert row["note"].startswith("not here: vsfilmrestore models get temporalfix-s1")


def test_what_fails_is_a_row_with_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = added(home, "nothing", float("nan"))
    (nan,) = rows_of(capsys, name, "--size", "64x48", "--device", "cpu")
    assert "no numbers" in nan["note"]
    (lost,) = rows_of(capsys, name, "--size", "64x48", "--device", "tpu")
    assert "there is no device 'tpu'" in lost["note"]
    assert all(row["fps"] is None and "\n" not in row["note"] for row in (nan, lost))


def test_a_precision_that_is_not_run_is_not_measured(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = rows_of(capsys, added(home), "--size", "64x48", "--device", "cpu", "--precision", "fp16")
    assert (row["fps"], row["note"]) == (None, "this device keeps to fp32")


def test_processors_keep_to_32_bits(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vsfilmrestore.cli.models_bench.measure", lambda job: Result(7.0))
    path = home / "halving.onnx"
    added(home)
    model = onnx.load(path)
    for each in (*model.graph.input, *model.graph.output):
        each.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full(1, 0.5, np.float16), "a"))
    onnx.save(model, home / "small.onnx")
    assert main(["models", "add", str(home / "small.onnx"), "--task", "denoise", "--channels", "3"]) == 0
    rows = rows_of(capsys, "small", "--size", "64x48", "--device", "cpu", "--device", "openvino", "--precision", "fp16")
    assert [(row["holds"], row["fps"], row["note"]) for row in rows] == [
        ("fp16", None, "this device keeps to fp32"),
        ("fp16", None, "this device keeps to fp32"),
    ]
    (row,) = rows_of(capsys, "small", "--size", "64x48", "--device", "cpu", "--precision", "fp32")
    assert (row["precision"], row["fps"]) == ("fp32", 7.0)


def test_a_table_for_people(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = added(home)
    assert main(["models", "bench", name, "--size", "64x48", "--device", "cpu", "--seconds", "0.5"]) == 0
    out = capsys.readouterr().out
    assert "64x48" in out
    assert "onnxruntime" in out


@pytest.mark.parametrize("words", [["--size", "64"], ["--size", "9x9"], ["--precision", "int8"], ["nosuch"]])
def test_wrong_words_are_told(words: list[str], home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "bench", *words]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_row_that_takes_too_long_is_ended(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_PATIENCE", -39.8)  # 0.1 s in all
    result = measure(Job("nosuch", "nosuch", "cpu", "auto", 64, 48, seconds=0.5))
    assert result.fps is None
    assert result.note == "took longer than 0 s"


def test_what_a_process_said_before_it_was_ended_counts() -> None:
    lines = '{"fps": 1.0, "first": 2.0}\n{"fps": 1.5, "first": 2.0}\n{"fps": 1.'
    assert bench._result(lines, "took longer than 9 s") == Result(1.5, 2.0)
    assert bench._result("", "Traceback\n  Killed\n") == Result(None, note="Killed")
    assert bench._result("", "").note == "the process ended without a word"
