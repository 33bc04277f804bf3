"""Lost frames of a clip, made anew: the frames go in, the numbers of `_lost_frame` work on them, a frame comes out."""

from __future__ import annotations

from typing import Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._between_motion import BEYOND
from vsfilmrestore.filters._lost_frame import Beside, Guesses, made_between, sharpened
from vsfilmrestore.filters._motion import analysis_luma

__all__ = ["BEYOND", "UNSEEN", "remade"]

core = vs.core

UNSEEN: Final = "_VsfrUnseen"
"""Property of a frame made anew: share of the picture, 0..1, that its two sides do not agree on."""

_LEAST: Final = 32
"""Pictures with a side below this are dissolved: there is nothing to follow in them."""


def remade(clip: vs.VideoNode, plan: vs.VideoNode, left: int, right: int, *, kept: bool = False) -> vs.VideoNode:
    """Each frame as it would be between the frame ``left`` before it and the one ``right`` after it.

    Args:
        clip: Any constant format.
        plan: As long; tells by `BEYOND` whether the next frames on either side may be looked at.
        left: Distance, 1 or more.
        right: Distance, 1 or more.
        kept: The frame is sound but was moved: it stays, and takes on detail alone.
    """
    luma = core.akarin.Expr([analysis_luma(clip)], "x 257 /", format=vs.GRAY8)
    beside = [neighbour(clip, distance) for distance in (-left, right)]
    looked = [neighbour(luma, distance) for distance in (-left, -left - 1, right, right + 1)]
    time = left / (left + right)
    followed = min(clip.width, clip.height) >= _LEAST

    def make(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        out, frames = f[0].copy(), f[2:4]
        if not kept and _same(frames):
            _copy(frames[0], out)
            out.props[UNSEEN] = 0.0
            return out
        near_left, far_left, near_right, far_right = (np.ascontiguousarray(frame[0]) for frame in f[4:])
        beyond = bool(f[1].props.get(BEYOND, 0))
        before = Beside(near_left, far_left if beyond else None)
        after = Beside(near_right, far_right if beyond else None)
        guesses = Guesses.of(before, after, time) if followed else None
        _draw(out, frames, guesses, time, kept=kept)
        out.props[UNSEEN] = guesses.lost if guesses else 0.0
        return out

    return core.std.ModifyFrame(clip, [clip, plan, *beside, *looked], make)


def _same(frames: list[vs.VideoFrame]) -> bool:
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(*frames, strict=True))


def _copy(frame: vs.VideoFrame, out: vs.VideoFrame) -> None:
    for plane in range(out.format.num_planes):
        np.copyto(np.asarray(out[plane]), np.asarray(frame[plane]))


def _draw(out: vs.VideoFrame, frames: list[vs.VideoFrame], guesses: Guesses | None, time: float, *, kept: bool) -> None:
    integer = out.format.sample_type == vs.INTEGER
    white = float((1 << out.format.bits_per_sample) - 1) if integer else 1.0
    for plane in range(out.format.num_planes):
        target = np.asarray(out[plane])
        a, b = (np.asarray(frame[plane]).astype(np.float32) for frame in frames)
        if kept:
            made = sharpened(target.astype(np.float32), a, b, guesses, time, white)
        else:
            made = made_between(a, b, guesses, time, white)
        np.copyto(target, (np.rint(made).clip(0, white) if integer else made).astype(target.dtype))
