"""Small networks for the steps that invent: a finder of 'faces', what redraws them, what fills holes."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import pytest
import vapoursynth as vs
from onnx import helper

from tests.filters.networks import added
from tests.inference import makers
from vsfilmrestore.inference.faces import YUNET

core = vs.core

EYES: Final = ((-9.0, -7.0), (9.0, -7.0), (0.0, 3.0), (-8.0, 11.0), (8.0, 11.0))
"""Landmarks of the finder's faces, in pixels from their middle."""
SIZE: Final = 40.0
HOLE: Final = (24, 12, 56, 28)

INVENTING: Final[dict[str, dict[str, Any]]] = {
    "fill": {"model": "paint", "only": [HOLE]},
    "restore_faces": {"model": "darker"},
}
"""Settings for the steps that invent, in a zoo that `with_inventing` was at."""

UNGUARDED: Final[dict[str, Any]] = {"mode": "generative", "guard": False}
"""The model alone decides: what it makes is laid in as it is."""


def with_inventing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring models for the steps that invent: one makes faces darker, one paints 0.3, and twice that in holes."""
    find_with(folder / "finder.onnx", monkeypatch)
    added(makers.affine(folder / "files" / "faces.onnx", 0.5, 0.0), "darker", "faces")
    painter(folder / "files" / "paint.onnx", "paint", 0.3)


def finder(path: Path) -> Path:
    """YuNet's outputs: a face of 40 pixels around each 8x8 cell that is white all over; of several, the first."""
    size = [float(np.log(SIZE / 8))] * 2
    box = np.array([0.5, 0.5, *size], np.float32).reshape(1, 1, 4)
    points = np.array([each / 8 + 0.5 for pair in EYES for each in pair], np.float32).reshape(1, 1, 10)
    weights: dict[str, Any] = {
        "first": np.array([0], np.int64), "last": np.array([1], np.int64), "axis": np.array([1], np.int64),
        "column": np.array([1, -1, 1], np.int64), "bright": np.float32(235).reshape(1),
        "box": box, "points": points, "none": np.float32(0).reshape(1),
    }  # fmt: skip
    nodes, outputs = [helper.make_node("Slice", ["x", "first", "last", "axis"], ["blue"])], {}
    for stride in (8, 16, 32):
        window = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
        nodes += [
            helper.make_node("AveragePool", ["blue"], [f"p{stride}"], **window),
            helper.make_node("Reshape", [f"p{stride}", "column"], [f"r{stride}"]),
            helper.make_node("Greater", [f"r{stride}", "bright"], [f"g{stride}"]),
            helper.make_node("Cast", [f"g{stride}"], [f"s{stride}"], to=makers.FLOAT),
        ]
        factors = [("cls", "none" if stride > 8 else ""), ("obj", ""), ("bbox", "box"), ("kps", "points")]
        for name, factor in factors:
            nodes.append(
                helper.make_node("Mul", [f"s{stride}", factor], [f"{name}_{stride}"])
                if factor
                else helper.make_node("Identity", [f"s{stride}"], [f"{name}_{stride}"])
            )
            outputs[f"{name}_{stride}"] = (1, "cells", {"bbox": 4, "kps": 10}.get(name, 1))
    return makers.save(path, nodes, {"x": (1, 3, "h", "w")}, outputs, weights)


def find_with(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `restore_faces` take the small finder for YuNet, whose checksum its card knows."""
    module = sys.modules["vsfilmrestore.filters.restore_faces"]
    file = SimpleNamespace(sha256=makers.sha256(finder(path)))
    monkeypatch.setattr(module, "network_named", lambda name, task: (SimpleNamespace(path=path, file=file), YUNET))


def painter(path: Path, name: str, value: float, *, behind: bool = False) -> None:
    """A model that paints one value over the whole picture; what it is told to paint gets twice the value."""
    weights: dict[str, Any] = {"value": np.float32(value).reshape(1), "three": np.array([3, 1], np.int64)}
    weights["zero"] = np.float32(0).reshape(1)
    split = helper.make_node("Split", ["x", "three"], ["picture", "mask"], axis=1)
    nodes = [
        *([split] if behind else []),
        helper.make_node("Mul", ["x" if not behind else "picture", "zero"], ["nothing"]),
        helper.make_node("Mul", ["mask", "value"], ["more"]),
        helper.make_node("Add", ["nothing", "value"], ["plain"]),
        helper.make_node("Add", ["plain", "more"], ["y"]),
    ]
    given: dict[str, makers.Shape] = {"x": (1, 4 if behind else 3, "h", "w")}
    if not behind:
        given["mask"] = (1, 1, "h", "w")
    makers.save(path, nodes, given, {"y": (1, 3, "h", "w")}, weights)
    added(path, name, "inpaint", extra={"mask": "mask"})


def moving_face(width: int = 160, height: int = 128, frames: int = 6, fmt: int = vs.YUV420P8) -> vs.VideoNode:
    """Noise of middle greys with a white square of 16 pixels, on the finder's grid, that steps to the right."""
    noise = core.akarin.Expr(makers.picture(width, height, frames, fmt=vs.RGBS), "x 0.5 * 0.2 +")
    square = core.std.BlankClip(noise, width=16, height=16, color=[1.0] * 3, length=1)
    parts = []
    for n in range(frames):
        left, top = 48 + 8 * (n // 2), 56
        around = square.std.AddBorders(left, width - left - 16, top, height - top - 16, color=[0.0] * 3)
        parts.append(core.akarin.Expr([noise[n], around], "y 0.5 > 1 x ?"))
    clip = core.std.Splice(parts)
    matrix = "709" if core.get_video_format(fmt).color_family in (vs.YUV, vs.GRAY) else None
    return clip.resize.Bicubic(format=fmt, matrix_s=matrix)
