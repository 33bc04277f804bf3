"""Small networks with known results, and clips to run them on."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import vapoursynth as vs
from onnx import helper, numpy_helper

core = vs.core

FLOAT, HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16

type Shape = Sequence[int | str]


def save(
    path: Path,
    nodes: list[Any],
    inputs: dict[str, Shape],
    outputs: dict[str, Shape],
    weights: dict[str, npt.NDArray[Any]] | None = None,
    *,
    kind: int = FLOAT,
    domains: Sequence[str] = (),
) -> Path:
    """Write a graph."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def identity(path: Path, channels: int = 3, kind: int = FLOAT, size: Sequence[int | str] = ("h", "w")) -> Path:
    shape = (1, channels, *size)
    return save(path, [helper.make_node("Identity", ["x"], ["y"])], {"x": shape}, {"y": shape}, kind=kind)


def affine(path: Path, factor: float, add: float, channels: int = 3) -> Path:
    """y = factor x + add."""
    shape = (1, channels, "h", "w")
    nodes = [helper.make_node("Mul", ["x", "a"], ["m"]), helper.make_node("Add", ["m", "b"], ["y"])]
    weights = {"a": np.float32(factor).reshape(1), "b": np.float32(add).reshape(1)}
    return save(path, nodes, {"x": shape}, {"y": shape}, weights)


def convolutions(path: Path, layers: int = 3, channels: int = 3, wide: int = 6, seed: int = 0) -> Path:
    """A stack of 3x3 convolutions: a receptive field of ``layers`` pixels."""
    values = np.random.default_rng(seed)
    nodes, weights, x, c = [], {}, "x", channels
    for i in range(layers):
        out, last = (channels, True) if i == layers - 1 else (wide, False)
        weights[f"w{i}"] = (values.normal(size=(out, c, 3, 3)) * (1 / (9 * c)) ** 0.5).astype(np.float32)
        name = "y" if last else f"c{i}"
        nodes.append(helper.make_node("Conv", [x, f"w{i}"], [name], pads=[1, 1, 1, 1]))
        if not last:
            nodes.append(helper.make_node("Relu", [name], [f"r{i}"]))
            x = f"r{i}"
        c = out
    shape = (1, channels, "h", "w")
    return save(path, nodes, {"x": shape}, {"y": shape}, weights)


def halves(path: Path) -> Path:
    """Averages of 2x2 pixels, laid out again at full size: wants even sizes, keeps a grid."""
    nodes = [
        helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Resize", ["p", "", "s"], ["y"], mode="nearest"),
    ]
    weights = {"s": np.array([1, 1, 2, 2], np.float32)}
    return save(path, nodes, {"x": (1, 3, "h", "w")}, {"y": (1, 3, "h", "w")}, weights)


def doubled(path: Path) -> Path:
    """Twice the size, each pixel four times."""
    nodes = [helper.make_node("Resize", ["x", "", "s"], ["y"], mode="nearest")]
    weights = {"s": np.array([1, 1, 2, 2], np.float32)}
    return save(path, nodes, {"x": (1, 3, "h", "w")}, {"y": (1, 3, "h2", "w2")}, weights)


def mean_of_stacked(path: Path, frames: int) -> Path:
    """The mean of a window stacked along the channels."""
    weight = np.zeros((3, 3 * frames, 1, 1), np.float32)
    for i in range(3 * frames):
        weight[i % 3, i, 0, 0] = 1 / frames
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    return save(path, nodes, {"x": (1, 3 * frames, "h", "w")}, {"y": (1, 3, "h", "w")}, {"w": weight})


def mean_of_window(path: Path, frames: int | str) -> Path:
    """The mean of a window with its own dimension."""
    nodes = [helper.make_node("ReduceMean", ["x"], ["y"], axes=[1], keepdims=0)]
    return save(path, nodes, {"x": (1, frames, 3, "h", "w")}, {"y": (1, 3, "h", "w")})


def running_sum(path: Path, share: float) -> Path:
    """Recurrent, a window in and a window out: frame t is the sum of what came before it, times a share."""
    nodes = [helper.make_node("CumSum", ["x", "axis"], ["s"]), helper.make_node("Mul", ["s", "share"], ["y"])]
    weights = {"axis": np.array(1, np.int64), "share": np.float32(share).reshape(1)}
    shape = (1, "t", 3, "h", "w")
    return save(path, nodes, {"x": shape}, {"y": shape}, weights)


def between(path: Path, apart: bool) -> Path:
    """(1 - t) a + t b: two pictures and a plane of time, in tensors of their own or stacked."""
    shape = (1, 3, "h", "w")
    mixing = [
        helper.make_node("Sub", ["b", "a"], ["d"]),
        helper.make_node("Mul", ["d", "t"], ["m"]),
        helper.make_node("Add", ["a", "m"], ["y"]),
    ]
    if apart:
        return save(path, mixing, {"a": shape, "b": shape, "t": (1, 1, "h", "w")}, {"y": shape})
    weights = {"parts": np.array([3, 3, 1], np.int64)}
    split = helper.make_node("Split", ["x", "parts"], ["a", "b", "t"], axis=1)
    return save(path, [split, *mixing], {"x": (1, 7, "h", "w")}, {"y": shape}, weights)


def picture(
    width: int = 48, height: int = 32, frames: int = 12, *, fmt: int = vs.RGBS, seed: int = 1, **props: int
) -> vs.VideoNode:
    """Noise, another in every frame, numbered by the property ``Number``."""
    blank = core.std.BlankClip(width=width, height=height, format=fmt, length=frames, fpsnum=24, fpsden=1)
    fmt_ = core.get_video_format(fmt)
    peak = (1 << fmt_.bits_per_sample) - 1

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        values = np.random.default_rng(seed * 1000 + n)
        for plane in range(fmt_.num_planes):
            target = np.asarray(frame[plane])
            if fmt_.sample_type == vs.FLOAT:
                chroma = fmt_.color_family == vs.YUV and plane
                target[...] = values.random(target.shape) * (0.8 if chroma else 0.9) - (0.4 if chroma else -0.05)
            else:
                target[...] = values.integers(peak // 16, peak * 235 // 256, target.shape)
        frame.props["Number"] = n
        return frame

    clip = core.std.ModifyFrame(blank, blank, draw)
    return clip.std.SetFrameProps(**props) if props else clip


def array(clip: vs.VideoNode, n: int) -> npt.NDArray[Any]:
    """A frame of a clip without subsampling as [planes, height, width]."""
    with clip.get_frame(n) as frame:
        return np.stack([np.array(frame[plane]) for plane in range(frame.format.num_planes)])


def planes(clip: vs.VideoNode, n: int) -> list[npt.NDArray[Any]]:
    with clip.get_frame(n) as frame:
        return [np.array(frame[plane]) for plane in range(frame.format.num_planes)]


def frame_hash(frame: vs.VideoFrame) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for plane in range(frame.format.num_planes):
        digest.update(np.ascontiguousarray(np.asarray(frame[plane])))
    return digest.hexdigest()


def hashes(clip: vs.VideoNode, order: Sequence[int]) -> list[str]:
    """Hashes of the frames, asked for one by one in an order, then sorted by frame."""
    found = {}
    for n in order:
        with clip.get_frame(n) as frame:
            found[n] = frame_hash(frame)
    return [found[n] for n in sorted(found)]


def streamed(clip: vs.VideoNode) -> list[str]:
    """Hashes of the frames, asked for many at a time."""
    return [frame_hash(frame) for frame in clip.frames(close=True)]


def orders(frames: int) -> dict[str, list[int]]:
    numbers = list(range(frames))
    return {"forwards": numbers, "backwards": numbers[::-1], "random": random.Random(1).sample(numbers, frames)}
