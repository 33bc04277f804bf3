"""What the network learns from: grainy clips, averaged along their motion as the filter averages them.

One plane at a time: luma, or a colour or a colour difference of the same clip. Grain is filtered Gaussian noise, new in
each frame, whose strength follows the level.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from simulator import Pictures

from vsfilmrestore.filters._motion import mirrored
from vsfilmrestore.filters._noise_average import average, led
from vsfilmrestore.filters._noise_fused import CLIPS, seen

__all__ = ["CHANNELS", "REACH", "SIZE", "grain", "make"]

core = vs.core

type Planes = npt.NDArray[np.float32]

SIZE = (256, 256)
FRAMES = 7
KEPT = (3, 1)
"""Frames of a clip that are kept: one with all its neighbours, and one near an end."""
REACH = 3
CHANNELS = 2 + len(CLIPS)
"""The frame, `CLIPS`, and the clean plane."""
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_MOST = 25 / 255
_CLEAN = 0.1
"""Share of samples without grain."""
_PACES, _FAST = (1, 1, 2, 1, 3, 1), (4, 6, 3, 8)
"""How many times as fast a clip is shown as it is: usual samples, and those where motion is often lost."""


def make(pictures: Pictures, file: Path, first: int, count: int, fast: bool = False) -> None:
    """Make ``count`` samples from seed ``first`` on: N, CHANNELS, H, W of 16 bits."""
    out = np.lib.format.open_memmap(file, "w+", np.uint16, (count * len(KEPT), CHANNELS, *SIZE))
    for n in range(count):
        for k, stack in enumerate(_stacks(pictures, first + n, fast)):
            out[n * len(KEPT) + k] = stack
    out.flush()


def _stacks(pictures: Pictures, seed: int, fast: bool) -> Iterator[npt.NDArray[np.uint16]]:
    rng = np.random.default_rng((seed, 11))
    clean = _plane(_scene(pictures, seed, _FAST if fast else _PACES), rng)
    rough = grain(clean, rng)
    averaged = average(led(mirrored(_clip(rough), REACH)), REACH, 0.0)
    [clips] = seen(averaged)
    for frame in KEPT:
        told = [np.asarray(clip.get_frame(frame + REACH + 1)[0]) for clip in clips]
        yield np.rint(np.stack([*told, clean[frame]]).clip(0, 1) * 65535).astype(np.uint16)


def _scene(pictures: Pictures, seed: int, paces: Sequence[int]) -> Planes:
    """T, 3, H, W of R'G'B'."""
    pace = paces[seed % len(paces)]
    try:
        scene = pictures.clip(seed, FRAMES * pace, SIZE)[::pace]
    except ValueError:
        scene = pictures.clip(seed + 1_000_000, FRAMES, SIZE)
    told: Planes = scene.numpy()
    return told


def _plane(scene: Planes, rng: np.random.Generator) -> Planes:
    """T, H, W: luma, more often than not; else a colour, or what it differs from luma."""
    luma = np.einsum("tchw,c->thw", scene, _LUMA)
    kind = rng.random()
    if kind < 0.6:
        plane = luma
    elif kind < 0.8:
        plane = scene[:, int(rng.integers(3))]
    else:
        plane = (scene[:, 0 if rng.random() < 0.5 else 2] - luma) / 1.8 + 0.5
    # Black and white of a limited range, or of a print that has neither.
    low, high = rng.uniform(0, 0.1), rng.uniform(0.8, 1)
    return np.asarray(low + (high - low) * plane, np.float32)


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
