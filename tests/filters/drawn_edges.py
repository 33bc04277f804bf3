"""Pictures with edges of all directions, as soft and as grainy as is wanted."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import vapoursynth as vs

core = vs.core


def edges(width: int = 320, height: int = 240, seed: int = 1) -> np.ndarray:
    """Overlapping polygons and discs with sharp outlines, levels from 0 to 1."""
    rng = np.random.default_rng(seed)
    large = np.full((4 * height, 4 * width), 0.4, np.float32)
    for _ in range(45):
        centre, size = rng.uniform(0, 1, 2) * (4 * width, 4 * height), rng.uniform(60, 220)
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 6))))
        points = centre + size * np.stack([np.cos(angles), np.sin(angles)], 1)
        cv2.fillPoly(large, [np.rint(points).astype(np.int32)], float(rng.uniform(0.08, 0.92)))
    return cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)


def worn(picture: np.ndarray, sigma: float, grain: float = 0.0, seed: int = 0) -> np.ndarray:
    """Through a Gaussian of a sigma in pixels, with grain of some 8-bit levels."""
    soft = cv2.GaussianBlur(picture, (0, 0), sigma) if sigma else picture
    noise = np.random.default_rng(seed).normal(0, 1, picture.shape)
    return np.asarray(soft + noise * grain / 255, np.float32)


def clip_of(picture: np.ndarray, fmt: int = vs.GRAYS, frames: int = 1) -> vs.VideoNode:
    """The picture, full range, in each frame; colourless where the format has colour."""
    height, width = picture.shape
    blank = core.std.BlankClip(format=vs.GRAYS, width=width, height=height, length=frames, keep=True)

    def draw(n: int, f: Any) -> vs.VideoFrame:
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), picture)
        return frame

    grey = core.std.ModifyFrame(blank, blank, draw).std.SetFrameProps(_Range=vs.RANGE_FULL)
    if fmt == vs.GRAYS:
        return grey
    wanted = core.get_video_format(fmt)
    if wanted.color_family == vs.RGB:
        return core.std.ShufflePlanes([grey] * 3, [0] * 3, vs.RGB).resize.Bicubic(format=fmt)
    told = {"matrix": 1} if wanted.color_family == vs.YUV else {}
    return grey.resize.Bicubic(format=fmt, range=vs.RANGE_FULL, **told)


def luma_of(clip: vs.VideoNode, n: int = 0) -> np.ndarray:
    """First plane from 0 to 1, full range."""
    plane = np.asarray(clip.get_frame(n)[0]).astype(np.float64)
    return plane if clip.format.sample_type == vs.FLOAT else plane / ((1 << clip.format.bits_per_sample) - 1)


def decibels(made: np.ndarray, true: np.ndarray) -> float:
    """PSNR without the edge."""
    off = (made - true)[8:-8, 8:-8]
    return float(-10 * np.log10(np.square(off).mean() + 1e-12))
