"""Faded reels for tests: drawn scenes, and a fade of dyes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._fade_colour import from_density, to_density

__all__ = ["KEPT", "clip_of", "faded", "scenes"]

KEPT = np.array([0.42, 0.93, 0.75])

type Frames = npt.NDArray[np.float64]


def scenes(count: int, width: int = 96, height: int = 72, seed: int = 1) -> Frames:
    """Pictures of overlapping things, most of them of dull colours, between black and white; (count, h, w, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    frames = np.empty((count, height, width, 3))
    for frame in frames:
        sky = rng.uniform(0.3, 0.9)
        frame[:] = (sky + (y / height - 0.5) * rng.uniform(-0.5, 0.5))[..., None] * (1 + rng.normal(0, 0.05, 3))
        for _ in range(60):
            grey = rng.beta(0.9, 1.2)
            colour = grey * (1 + rng.normal(0, 0.18, 3) * (rng.random() < 0.7))
            radius = rng.uniform(2, height / 3)
            cx, cy = rng.uniform(0, width), rng.uniform(0, height)
            inside = ((x - cx) / rng.uniform(0.6, 1.6)) ** 2 + (y - cy) ** 2 < radius**2
            frame[inside] = colour * (0.85 + 0.3 * (y[inside] - cy + radius) / (2 * radius))[:, None]
        frame[: height // 12, : width // 6], frame[-height // 12 :, -width // 6 :] = 0.01, 0.97
    return np.clip(frames, 0, 1)


def faded(frames: Frames, kept: Frames = KEPT) -> Frames:
    """The same on a print whose dyes have faded, and yellowed."""
    density = to_density(frames) * kept + np.array([0.01, 0.03, 0.08])
    return np.clip(from_density(density), 0, 1)


def clip_of(frames: Frames, fmt: int = vs.RGBS, **props: int) -> vs.VideoNode:
    """Frames as a clip."""
    count, height, width, _ = frames.shape
    blank = vs.core.std.BlankClip(format=vs.RGBS, width=width, height=height, length=count, keep=True)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(3):
            np.copyto(np.asarray(frame[plane]), frames[n, ..., plane].astype(np.float32))
        return frame

    clip = vs.core.std.ModifyFrame(blank, blank, draw)
    if fmt == vs.RGBS:
        return clip.std.SetFrameProps(**props) if props else clip
    yuv = vs.core.get_video_format(fmt).color_family != vs.RGB
    return clip.resize.Bicubic(format=fmt, **({"matrix": 1} if yuv else {})).std.SetFrameProps(**props)
