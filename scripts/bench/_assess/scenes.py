"""Clips as tensors and back, and a simulator that draws what it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
import vapoursynth as vs
from simulator import Film, distributions
from simulator.chance import WHOLE, Dice, Range

__all__ = ["FILM", "SMALL", "Damaged", "amounts", "clip_of", "dice", "scene_of"]

core = vs.core

FILM = Film("35mm", 2048.0)
"""Sizes in pixels are those of the simulator's own scale."""
SMALL = Film("35mm", 1024.0)
"""Half of that: what is said of a scan 2048 wide would be too large for pictures of 480."""

type Damaged = tuple[torch.Tensor | vs.VideoNode, float]
"""What became of a scene, and the true amount."""


@contextmanager
def amounts(**values: float) -> Iterator[None]:
    """The simulator draws exactly these."""
    names = {name.replace("_", " "): value for name, value in values.items()}
    before = {name: distributions.RANGES[name] for name in names}
    distributions.RANGES.update({name: Range(value, value) for name, value in names.items()})
    try:
        yield
    finally:
        distributions.RANGES.update(before)


def dice(seed: int, name: str) -> Dice:
    return Dice(WHOLE, seed, name)


def scene_of(clip: vs.VideoNode) -> torch.Tensor:
    """T, 3, H, W from 0 to 1."""
    shown = clip.resize.Bicubic(format=vs.RGBS, matrix_in=vs.MATRIX_BT709)
    frames = [np.stack([np.asarray(frame[p]) for p in range(3)]) for frame in shown.frames(close=True)]
    return torch.from_numpy(np.stack(frames)).clamp(0, 1)


def clip_of(scene: torch.Tensor | vs.VideoNode) -> vs.VideoNode:
    """YUV420P8; a clip is left as it is."""
    if isinstance(scene, vs.VideoNode):
        return scene
    count, _, height, width = scene.shape
    blank = core.std.BlankClip(None, width, height, vs.RGBS, count, 24, 1, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        for p in range(3):
            np.copyto(np.asarray(out[p]), scene[n, p].numpy())
        return out

    return core.std.ModifyFrame(blank, blank, fill).resize.Bicubic(format=vs.YUV420P8, matrix=vs.MATRIX_BT709)
