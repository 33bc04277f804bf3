"""Every repair, on 8, 10 and 16 bit: what its mask does not mark keeps its bits, in every plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
from vsfilmrestore.media.props import changed_prop, mask_prop

core = vs.core

WIDTH, HEIGHT, LENGTH = 256, 192, 9
FORMATS = [vs.GRAY8, vs.YUV420P8, vs.YUV420P10, vs.GRAY16, vs.YUV444P16, vs.RGB48]


def damaged(fmt: int) -> vs.VideoNode:
    """A slow pan over soft shapes with grain, a speck on each frame, a scratch through all, one frame torn."""
    about = core.get_video_format(fmt)
    scale = (1 << about.bits_per_sample) - 1
    random = np.random.default_rng(5)
    ground = np.kron(random.uniform(0.25, 0.65, (HEIGHT // 16 + 2, WIDTH // 16 + 4)), np.ones((16, 16)))
    for axis in (0, 1):
        ground = sum(np.roll(ground, k, axis) for k in range(-6, 7)) / 13

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        luma = ground[:HEIGHT, n : n + WIDTH] + np.random.default_rng(n).normal(0, 0.006, (HEIGHT, WIDTH))
        luma[:, 150] += 0.14
        top, left = np.random.default_rng((n, 7)).integers((20, 20), (HEIGHT - 20, 130))  # on one way it would fly
        luma[top : top + 6, left : left + 6] = 0.97
        if n == 4:
            luma[70:130, 20:230] = 0.99
        for plane in range(about.num_planes):
            target = np.asarray(frame[plane])
            chroma = plane > 0 and about.color_family == vs.YUV
            values = np.full(target.shape, 0.5) if chroma else luma
            np.copyto(target, np.clip(values * scale, 0, scale).astype(target.dtype))
        return frame

    blank = core.std.BlankClip(format=fmt, width=WIDTH, height=HEIGHT, length=LENGTH, keep=True)
    return core.std.ModifyFrame(blank, blank, draw)


def planes(frame: vs.VideoFrame) -> list[npt.NDArray[Any]]:
    return [np.asarray(frame[p]).copy() for p in range(frame.format.num_planes)]


REPAIRS: dict[str, Callable[[vs.VideoNode], vs.VideoNode]] = {
    "remove_dirt": lambda clip: fr.remove_dirt(clip, 0.9),
    "remove_scratches": lambda clip: fr.remove_scratches(clip, 0.9),
    "remove_wires": lambda clip: fr.remove_wires(clip, 0.9, path="150,0 150,191", polarity="bright"),
    "repair_frames": lambda clip: fr.repair_frames(clip, 0.9, frames="4"),
}


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: core.get_video_format(fmt).name)
@pytest.mark.parametrize("name", REPAIRS)
def test_what_the_mask_does_not_mark_keeps_its_bits(name: str, fmt: int) -> None:
    clip = damaged(fmt)
    repaired = REPAIRS[name](clip)
    changed_somewhere = False
    for n in range(LENGTH):
        before, after = clip.get_frame(n), repaired.get_frame(n)
        mask = np.asarray(after.props[mask_prop(name)][0]) > 0  # type: ignore[index]
        assert after.props[changed_prop(name)] == pytest.approx(mask.mean(), abs=1e-6)
        for old, new in zip(planes(before), planes(after), strict=True):
            high, wide = mask.shape[0] // old.shape[0], mask.shape[1] // old.shape[1]
            marked = mask.reshape(old.shape[0], high, old.shape[1], wide).any(axis=(1, 3))
            assert np.array_equal(old[~marked], new[~marked])
            changed_somewhere |= not np.array_equal(old, new)
    assert changed_somewhere
