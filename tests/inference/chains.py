"""Networks for chains: they change little, look around, and answer to what they get."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import helper

from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.models.contract import Contract, ExtraInput

from . import makers


def bent(path: Path, seed: int, channels: int = 3, gain: float = 0.05) -> Path:
    """x + conv(tanh(conv x)): a change that depends on a pixel's surroundings, and not linearly."""
    values = np.random.default_rng(seed)
    weights = {
        "w0": (values.normal(size=(8, channels, 3, 3)) * 0.3).astype(np.float32),
        "w1": (values.normal(size=(channels, 8, 3, 3)) * gain).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["c"], pads=[1] * 4),
        helper.make_node("Tanh", ["c"], ["t"]),
        helper.make_node("Conv", ["t", "w1"], ["d"], pads=[1] * 4),
        helper.make_node("Add", ["x", "d"], ["y"]),
    ]
    shape = (1, channels, "h", "w")
    return makers.save(path, nodes, {"x": shape}, {"y": shape}, weights)


def weighted(path: Path, weights: list[float]) -> Path:
    """A weighted sum of a window stacked along the channels: not the same read backwards."""
    kernel = np.zeros((3, 3 * len(weights), 1, 1), np.float32)
    for i, weight in enumerate(weights):
        for channel in range(3):
            kernel[channel, 3 * i + channel, 0, 0] = weight
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    return makers.save(path, nodes, {"x": (1, 3 * len(weights), "h", "w")}, {"y": (1, 3, "h", "w")}, {"w": kernel})


def spatial(folder: Path, seed: int = 1, strength: float = 1.0) -> ModelCall:
    return ModelCall(bent(folder / f"bent{seed}.onnx", seed), Contract(), strength=strength)


def luma(folder: Path, seed: int = 1, strength: float = 1.0) -> ModelCall:
    contract = Contract(colour="luma", channels=1, out_channels=1)
    return ModelCall(bent(folder / f"luma{seed}.onnx", seed, channels=1), contract, strength=strength)


def temporal(folder: Path, before: int = 3, after: int = 1, strength: float = 1.0) -> ModelCall:
    share = [1.0 / (i + 1) for i in range(before + 1 + after)]
    path = weighted(folder / f"weighted{before}{after}.onnx", [weight / sum(share) for weight in share])
    return ModelCall(path, Contract(layout="stacked", before=before, after=after), strength=strength)


def windowed(folder: Path) -> ModelCall:
    contract = Contract(layout="BTCHW", before=1, after=2)
    return ModelCall(makers.mean_of_window(folder / "mean.onnx", 4), contract, strength=0.7)


def larger(folder: Path, strength: float = 1.0) -> ModelCall:
    return ModelCall(makers.doubled(folder / "doubled.onnx"), Contract(scale=2), strength=strength)


def numbered(folder: Path, level: float) -> ModelCall:
    """x + level / 10."""
    weights = {"parts": np.array([3, 1], np.int64), "tenth": np.float32(0.1).reshape(1)}
    nodes = [
        helper.make_node("Split", ["x", "parts"], ["a", "n"], axis=1),
        helper.make_node("Mul", ["n", "tenth"], ["m"]),
        helper.make_node("Add", ["a", "m"], ["y"]),
    ]
    shapes = {"x": (1, 4, "h", "w")}, {"y": (1, 3, "h", "w")}
    path = makers.save(folder / "numbered.onnx", nodes, *shapes, weights)
    return ModelCall(path, Contract(extra=(ExtraInput("level", "number"),)), numbers={"level": level})


def masking(path: Path) -> Path:
    """The picture times a mask, in a tensor of its own."""
    nodes = [helper.make_node("Mul", ["x", "mask"], ["y"])]
    return makers.save(path, nodes, {"x": (1, 3, "h", "w"), "mask": (1, 1, "h", "w")}, {"y": (1, 3, "h", "w")})
