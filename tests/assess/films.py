"""Small films made of noise and movement, for tests of measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs

core = vs.core

type Picture = npt.NDArray[np.float32]

WIDTH, HEIGHT = 256, 192


def texture(seed: int, width: int = WIDTH + 120, height: int = HEIGHT + 40, coarse: float = 3.0) -> Picture:
    """Blobs of several sizes, 0..1, with edges."""
    rng = np.random.default_rng(seed)
    parts = [
        cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), s) * s
        for s in (coarse, 9, 30)
    ]
    whole = sum(parts)
    whole = np.where(parts[2] > 0.6, whole + 1.2, whole)
    low, high = np.quantile(whole, (0.02, 0.98))
    return np.asarray((whole - low) / (high - low) * 0.7 + 0.15, np.float32)


def pan(seed: int, frames: int, speed: float = 1.0, drop: float = 0.0) -> list[Picture]:
    """A camera that passes over a texture."""
    wide = texture(seed)
    moves = [np.array([[1, 0, -10 - speed * n], [0, 1, -10 - drop * n]], np.float32) for n in range(frames)]
    return [cv2.warpAffine(wide, move, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC) for move in moves]


def film(pictures: Sequence[Picture], fmt: int = vs.GRAY8) -> vs.VideoNode:
    """A clip of luma 0..1 at limited range; colour formats are neutral."""
    height, width = pictures[0].shape
    blank = core.std.BlankClip(None, width, height, vs.GRAYS, len(pictures), 24, 1, keep=True)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        np.copyto(np.asarray(out[0]), pictures[n])
        return out

    grey = core.std.ModifyFrame(blank, blank, draw)
    if core.get_video_format(fmt).color_family == vs.RGB:
        three = core.std.ShufflePlanes([grey, grey, grey], [0, 0, 0], vs.RGB)
        return three if fmt == vs.RGBS else three.resize.Point(format=fmt)
    small = grey.resize.Point(format=vs.GRAY16, range=vs.RANGE_LIMITED)
    if core.get_video_format(fmt).color_family == vs.GRAY:
        return small.resize.Point(format=fmt)
    flat = core.std.BlankClip(small, color=1 << 15, keep=True)
    whole = core.std.ShufflePlanes([small, flat, flat], [0, 0, 0], vs.YUV)
    return whole.std.SetFrameProps(_Matrix=vs.MATRIX_BT709).resize.Bicubic(format=fmt)


def shifted(pictures: Sequence[Picture], way: Callable[[int], tuple[float, float]]) -> list[Picture]:
    """Each picture moved right and down by so many pixels."""
    out = []
    for n, picture in enumerate(pictures):
        dx, dy = way(n)
        move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        out.append(
            cv2.warpAffine(picture, move, picture.shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        )
    return out
