"""Rebuilding frames for one who is told which are lost: the nearest, a dissolve, plain flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import vapoursynth as vs

from .cases import Case
from .footage import Picture, clip_of, planes_of
from .methods import Method, ours
from .truth import chroma_of

__all__ = ["TOLD", "lost_frames", "told_by_name", "told_flow_in_mask"]

core = vs.core

type Planes = list[Picture]
type Filling = Callable[[Planes, Planes, float, vs.VideoNode], Planes]
"""From the good frame before and after, the time between them from 0 to 1, and a clip of the format."""


def lost_frames(case: Case) -> Iterator[tuple[int, int, int]]:
    """Frames that are not whole, each with the last good one before it and the first good one behind."""
    good = [n for n, what in enumerate(case.frames) if what == "ok"]
    for n, what in enumerate(case.frames):
        if what != "ok":
            yield n, max(g for g in good if g < n), min(g for g in good if g > n)


def _repeat(left: Planes, right: Planes, time: float, _: vs.VideoNode) -> Planes:
    return left if time <= 0.5 else right


def _average(left: Planes, right: Planes, time: float, _: vs.VideoNode) -> Planes:
    kind = left[0].dtype
    return [np.rint(a * (1 - time) + b * time).astype(kind) for a, b in zip(left, right, strict=True)]


def _flow(left: Planes, right: Planes, time: float, like: vs.VideoNode) -> Planes:
    """Block motion from both sides, as interpolation scripts have it: blocks of 16, overlap of 8, half a pixel."""
    size = {"blksize": [16], "overlap": [8]}
    # Each twice, so that what is hidden is not filled with the motion of another pair.
    clip = clip_of([left, left, right, right], like)
    pyramid = core.mvu.Super(clip, **size)
    vectors = [core.mvu.Analyse(pyramid, delta=d) for d in (1, -1)]
    made = core.mvu.FlowInter(clip, pyramid, vectors, time=100 * time, thscd1=64 * 255, thscd2=100.0)
    return [np.array(plane) for plane in made.get_frame(1)]


def _told(filling: Filling) -> Callable[[Case], vs.VideoNode]:
    def make(case: Case) -> vs.VideoNode:
        frames = planes_of(case.damaged)
        for n, left, right in list(lost_frames(case)):
            frames[n] = filling(frames[left], frames[right], (n - left) / (right - left), case.damaged)
        return clip_of(frames, case.damaged)

    return make


TOLD = tuple(
    Method(name, _told(filling), "classical")
    for name, filling in (("repeat", _repeat), ("average", _average), ("plain flow", _flow))
)
"""They are told which frames are lost, and that is all they have to know."""


def told_by_name() -> Method:
    """repair_frames with the numbers of the lost frames in its setting ``frames``."""

    def make(case: Case) -> vs.VideoNode:
        numbers = ",".join(str(n) for n, _, _ in lost_frames(case))
        return ours("repair_frames", frames=numbers, longest=3).make(case)

    return Method("repair_frames, told", make, "ours", (("repair_frames", {}),))


def _in_mask(case: Case) -> vs.VideoNode:
    frames = planes_of(case.damaged)
    made = planes_of(_told(_flow)(case))
    for planes, other, mask in zip(frames, made, case.masks, strict=True):
        for plane, better in zip(planes, other, strict=True):
            where = mask if plane.shape == mask.shape else chroma_of(mask)
            plane[where] = better[where]
    return clip_of(frames, case.damaged)


told_flow_in_mask = Method("true mask", _in_mask, "oracle")
"""Plain flow from both sides within the true mask and nowhere else."""
