"""Clips and sound for the tests."""

from __future__ import annotations

import wave
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.media.out import VideoInfo, encode_segment, prepare
from vsfilmrestore.media.out.profiles import Profile

core = vs.core
RATE = Fraction(24000, 1001)

type Array = npt.NDArray[Any]


def filled(fmt: int, width: int, height: int, length: int, value: Callable[[int, int], Array]) -> vs.VideoNode:
    """A clip whose planes are ``value(frame, plane)``, cut to the plane's size."""
    base = core.std.BlankClip(format=fmt, width=width, height=height, length=length)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        for plane in range(out.format.num_planes):
            rows = np.asarray(out[plane])
            rows[...] = value(n, plane)[: rows.shape[0], : rows.shape[1]]
        return out

    return base.std.ModifyFrame([base], fill)


def noise(fmt: int, width: int = 64, height: int = 48, length: int = 4) -> vs.VideoNode:
    """Every code value equally likely, another picture in each frame and plane."""
    bits = core.get_video_format(fmt).bits_per_sample
    return filled(
        fmt,
        width,
        height,
        length,
        lambda n, p: np.random.default_rng(100 * n + p).integers(0, 1 << bits, (height, width)),
    )


def waves(fmt: int, width: int = 64, height: int = 48, length: int = 6) -> vs.VideoNode:
    """Smooth pictures that move, as a camera sees them; within limited range."""
    bits = core.get_video_format(fmt).bits_per_sample
    y, x = np.mgrid[0:height, 0:width]

    def picture(n: int, plane: int) -> Array:
        swing = np.sin((x + 3 * n) / 9 + plane) * np.cos((y - 2 * n) / 7)
        return np.rint((0.5 + 0.3 * swing) * (1 << bits)).astype(np.uint16)

    return filled(fmt, width, height, length, picture)


def planes(frame: vs.VideoFrame) -> list[Array]:
    return [np.array(frame[p]) for p in range(frame.format.num_planes)]


def pieces(
    clip: vs.VideoNode, profile: Profile, folder: Path, cuts: tuple[int, ...], rate: Fraction = RATE
) -> tuple[list[Any], VideoInfo]:
    """Render a clip in pieces that start at ``cuts``."""
    ready = prepare(clip, profile)
    info = VideoInfo.of(ready.get_frame(0), rate)
    bounds = [*cuts, clip.num_frames]
    results = [
        encode_segment(ready[a:b].frames(close=True), profile, folder / f"{a:05d}{profile.suffix}", info)
        for a, b in pairwise(bounds)
    ]
    return results, info


def sound(path: Path, samples: int, *, width: int = 3, channels: int = 2, rate: int = 48000) -> tuple[Any, Array]:
    """An audio node of noise read from a WAV file, and its samples as (samples, channels)."""
    limit = 1 << (8 * width - 1)
    data = np.random.default_rng(7).integers(-limit, limit, (samples, channels)).astype("<i4")
    raw = data.view(np.uint8).reshape(samples, channels, 4)[:, :, :width]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.ascontiguousarray(raw).tobytes())
    return core.bs.AudioSource(str(path)), data
