"""A zoo of small networks with known results, one for each step that runs a network."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import pytest
from onnx import helper

from tests.inference import makers
from vsfilmrestore.models.add import add
from vsfilmrestore.models.card import Card
from vsfilmrestore.models.told import Told
from vsfilmrestore.models.zoo import Zoo

MODELS: Final = {
    "upscale": "double",
    "deblur": "dim",
    "calm_shimmer": "mean3",
    "apply_model": "dimmer",
    "colorize": "tint",
}
"""For each step that must be told a model, one that the zoo has."""

RIFE: Final = {"timestep": "number", "across": "mask", "down": "mask", "across-step": "mask", "down-step": "mask"}


def added(path: Path, name: str, task: str, **told: Any) -> Card:
    """Make a file a model, as 'models add' does."""
    return add(path, Zoo.open(), Told(name=name, task=task, **told))


def make_zoo(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models that is the user's from now on."""
    shutil.copytree(_made_once().name, folder, dirs_exist_ok=True)
    monkeypatch.setenv("VSFILMRESTORE_MODELS", str(folder / "zoo"))
    return folder / "zoo"


@cache
def _made_once() -> TemporaryDirectory[str]:
    """What every zoo is a copy of: adding models takes longer than most tests of them."""
    made = TemporaryDirectory(prefix="vsfr-zoo-")
    files = Path(made.name, "files")
    files.mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("VSFILMRESTORE_MODELS", str(Path(made.name, "zoo")))
        _fill(files)
    return made


def _fill(files: Path) -> None:
    added(makers.doubled(files / "a.onnx"), "double", "upscale")
    added(makers.affine(files / "b.onnx", 0.5, 0.1), "dim", "deblur")
    added(makers.mean_of_stacked(files / "c.onnx", 3), "mean3", "stabilise")
    added(makers.affine(files / "d.onnx", 0.75, 0.05), "dimmer", "other")
    added(makers.affine(files / "e.onnx", 0.7, 0.02), "tint", "colour")


def noise_told(path: Path) -> Path:
    """Takes twice the level away that it is told, and so shows it."""
    weights = {"parts": np.array([3, 1], np.int64), "two": np.float32(2).reshape(1)}
    nodes = [
        helper.make_node("Split", ["x", "parts"], ["a", "level"], axis=1),
        helper.make_node("Mul", ["level", "two"], ["double"]),
        helper.make_node("Sub", ["a", "double"], ["y"]),
    ]
    return makers.save(path, nodes, {"x": (1, 4, "h", "w")}, {"y": (1, 3, "h", "w")}, weights)


def rife(path: Path, version: int, *, plain: bool = False) -> Path:
    """RIFE's tensors as vs-mlrt lays them out.

    Version 2 gives (1 - t) a + t b. Version 1 gives ``plain`` the first frame, else a picture of its other planes: red
    is ``across`` and green ``down``, from 0 to 1, blue the sum of both steps and the time.
    """
    shape = (1, 3, "h", "w")
    parts = [3, 3, 1] if version == 2 else [3, 3, 1, 1, 1, 1, 1]
    names = ["a", "b", "t"] if version == 2 else ["a", "b", "t", "across", "down", "step-x", "step-y"]
    nodes = [helper.make_node("Split", ["input", "parts"], names, axis=1)]
    weights: dict[str, Any] = {"parts": np.array(parts, np.int64)}
    if version == 2:
        nodes += [
            helper.make_node("Sub", ["b", "a"], ["d"]),
            helper.make_node("Mul", ["d", "t"], ["m"]),
            helper.make_node("Add", ["a", "m"], ["output"]),
        ]
    elif plain:
        nodes.append(helper.make_node("Identity", ["a"], ["output"]))
    else:
        weights |= {"one": np.float32(1).reshape(1), "half": np.float32(0.5).reshape(1)}
        nodes += [
            helper.make_node("Add", ["across", "one"], ["ax"]),
            helper.make_node("Mul", ["ax", "half"], ["red"]),
            helper.make_node("Add", ["down", "one"], ["dy"]),
            helper.make_node("Mul", ["dy", "half"], ["green"]),
            helper.make_node("Add", ["step-x", "step-y"], ["steps"]),
            helper.make_node("Add", ["steps", "t"], ["blue"]),
            helper.make_node("Concat", ["red", "green", "blue"], ["output"], axis=1),
        ]
    return makers.save(path, nodes, {"input": (1, sum(parts), "h", "w")}, {"output": shape}, weights)
