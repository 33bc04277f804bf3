"""What the network learns from: grainy clips, averaged along their motion as the filter averages them.

One plane at a time. Grain is filtered Gaussian noise, new in each frame, whose strength follows the level.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from simulator import Pictures

from vsfilmrestore.filters._motion import mirrored
from vsfilmrestore.filters._noise_average import average, led
from vsfilmrestore.filters._noise_fused import CLIPS, seen

from .scenes import SIZE, coded, scene

__all__ = ["CHANNELS", "REACH", "grain", "make"]

core = vs.core

type Planes = npt.NDArray[np.float32]

KEPT = (3, 1)
"""Frames of a clip that are kept: one with all its neighbours, and one near an end."""
REACH = 3
CHANNELS = 2 + len(CLIPS)
"""The frame, `CLIPS`, and the clean plane."""
_MOST = 25 / 255
_CLEAN = 0.1
"""Share of samples without grain."""
_CODED = 0.15
"""Share of samples whose grain a codec had."""


def make(pictures: Pictures, file: Path, first: int, count: int) -> None:
    """Make ``count`` samples from seed ``first`` on: N, CHANNELS, H, W of 16 bits."""
    out = np.lib.format.open_memmap(file, "w+", np.uint16, (count * len(KEPT), CHANNELS, *SIZE))
    for n in range(count):
        for k, stack in enumerate(_stacks(pictures, first + n)):
            out[n * len(KEPT) + k] = stack
    out.flush()


def _stacks(pictures: Pictures, seed: int) -> Iterator[npt.NDArray[np.uint16]]:
    rng = np.random.default_rng((seed, 11))
    clean = scene(pictures, seed, rng)
    rough = grain(clean, rng)
    if rng.random() < _CODED:
        rough = coded(rough, int(rng.integers(10, 27)))
    averaged = average(led(mirrored(_clip(rough), REACH)), REACH, 0.0)
    [clips] = seen(averaged)
    for frame in KEPT:
        told = [np.asarray(clip.get_frame(frame + REACH + 1)[0]) for clip in clips]
        yield np.rint(np.stack([*told, clean[frame]]).clip(0, 1) * 65535).astype(np.uint16)


def grain(clean: Planes, rng: np.random.Generator) -> Planes:
    """The planes with grain, from 0 to 1, of 8 bits or more."""
    steps = 255 if rng.random() < 0.5 else 65535
    if rng.random() < _CLEAN:
        return np.asarray(np.rint(clean * steps) / steps, np.float32)
    sigma = float(rng.uniform(0.1, 1) ** 1.5) * _MOST
    size, stretch, second = float(rng.uniform(0, 1.5)), float(np.exp(rng.normal(0, 0.1))), float(rng.random())
    hill, tilt = float(rng.uniform(0, 1)), float(rng.normal(0, 0.4))
    rough = np.empty_like(clean)
    for n, frame in enumerate(clean):
        noise = _shaped(rng, frame.shape, size, stretch)
        if second < 0.3:  # a second layer, coarser
            noise = 0.8 * noise + 0.6 * _shaped(rng, frame.shape, size * 2 + 0.3, stretch)
        curve = np.clip((1 - hill) + hill * 4 * frame * (1 - frame) + tilt * (frame - 0.5), 0.15, 2)
        rough[n] = frame + noise * curve * sigma
    return np.asarray(np.rint(rough.clip(0, 1) * steps) / steps, np.float32)


def _shaped(rng: np.random.Generator, shape: tuple[int, ...], size: float, stretch: float) -> Planes:
    noise = rng.standard_normal(shape, dtype=np.float32)
    if size > 0.25:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), size * stretch, sigmaY=size / stretch), np.float32)
    return np.asarray(noise / noise.std(), np.float32)


def _clip(planes: Planes) -> vs.VideoNode:
    """GRAY16 of T, H, W from 0 to 1."""
    levels = np.rint(planes * 65535).astype(np.uint16)
    blank = core.std.BlankClip(None, planes.shape[2], planes.shape[1], vs.GRAY16, length=len(planes), keep=True)

    def put(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), levels[n])
        return frame

    return blank.std.ModifyFrame(blank, put)
