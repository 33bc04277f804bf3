"""Pictures held in memory as clips, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

__all__ = ["clip_of", "frames_of"]

core = vs.core


def clip_of(frames: Sequence[npt.NDArray[Any]] | npt.NDArray[Any], fmt: int = vs.GRAY8, rate: int = 24) -> vs.VideoNode:
    """A clip of pictures, each H, W, the same in all planes, or P, H, W; of samples, rounded and clipped for integers.

    The planes of the format are not subsampled.
    """
    held = [frame if frame.ndim == 3 else frame[None] for frame in map(np.asarray, frames)]
    height, width = held[0].shape[1:]
    blank = core.std.BlankClip(None, width, height, fmt, len(held), rate, 1, keep=True)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        frame = f.copy()
        for p in range(frame.format.num_planes):
            target = np.asarray(frame[p])
            np.copyto(target, _samples(held[n][p % len(held[n])], target.dtype))
        return frame

    return core.std.ModifyFrame(blank, blank, draw)


def _samples(picture: npt.NDArray[Any], kind: np.dtype[Any]) -> npt.NDArray[Any]:
    if not np.issubdtype(kind, np.integer):
        return picture.astype(kind)
    return np.clip(np.rint(picture), 0, np.iinfo(kind).max).astype(kind)


def frames_of(clip: vs.VideoNode, plane: int = 0) -> npt.NDArray[np.float32]:
    """The samples of one plane: N, H, W."""
    return np.stack([np.asarray(frame[plane]).astype(np.float32) for frame in clip.frames()])
