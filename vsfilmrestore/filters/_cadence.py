"""Frames that are there several times: which frames are true ones, and when.

A film of 16 frames a second printed at 24 shows every second frame twice, drawings are held for two frames, a scanner
stops. The true frames are spread over the time that they are shown in: the middle of it is their time. So the true
frames of A BB C DD E FF lie 1.5 frames apart, as they were taken.

For each frame of a clip a `plan` tells the pair of true frames that what follows lies between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._between_motion import BEYOND
from vsfilmrestore.filters._motion import analysis_luma

__all__ = ["PAIR", "REACH", "TIME", "Run", "moved_by", "placed", "planned", "runs_around", "timed"]

core = vs.core

LONGEST: Final = 3
"""A frame that is there more often is meant to stand."""
_AROUND: Final = 4
"""Steps on each side that a step is compared with."""
_ALIKE: Final = 0.25
"""A step is none if it is so much of those beside it, at most."""
_MOST: Final = 2.5
"""And if no place of a small picture changes by more 8-bit levels."""
_VIEW: Final = 3 * LONGEST + _AROUND
"""Frames on each side that a plan looks at: the true frames on both sides, the one beyond them, and its steps."""
REACH: Final = _VIEW + LONGEST + 1
"""Frames on each side that a plan depends on."""
_SMALL: Final = 16
"""Side of the squares whose means are compared."""
_STEP: Final = "_VsfrStep"
OFFSETS: Final = "_VsfrPairs"
"""Property of a plan: distances to far left, left, right and far right."""
CENTRES: Final = "_VsfrCentres"
"""Property of a plan: the times of left and right, in frames from the plan's frame on."""
BEFORE: Final = "_VsfrBefore"
"""Property of a plan: distance to the frame whose pair ends with this frame's left."""
PAIR: Final = "_VsfrPair"
"""Property of a made frame: number of the frame whose plan tells what it lies between."""
TIME: Final = "_VsfrTime"
"""Property of a made frame: 0 at the left, 1 at the right."""


@dataclass(frozen=True, slots=True)
class Run:
    """A true frame: its first and its last place, counted from the frame asked for."""

    first: int
    last: int

    @property
    def centre(self) -> float:
        return (self.first + self.last) / 2


def steps_of(clip: vs.VideoNode) -> vs.VideoNode:
    """A tiny clip; each frame tells by how much the most changed place of a small picture differs from the one before.

    In 8-bit levels; nothing comes before the first frame.
    """
    width, height = (max(side // _SMALL, 2) for side in (clip.width, clip.height))
    small = core.akarin.Expr([analysis_luma(clip)], "x 257 /", format=vs.GRAYS).resize.Bilinear(width, height)
    tiny = core.std.BlankClip(width=16, height=16, format=vs.GRAY8, length=clip.num_frames, keep=True)

    def tell(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        out.props[_STEP] = float(np.abs(np.asarray(f[1][0]) - np.asarray(f[2][0])).max()) if n else 0.0
        return out

    return core.std.ModifyFrame(tiny, [tiny, small, neighbour(small, -1)], tell)


def planned(clip: vs.VideoNode, *, cadence: bool) -> vs.VideoNode:
    """A tiny clip that tells for each frame of a clip `OFFSETS`, `CENTRES` and `BEFORE`.

    Args:
        clip: Any constant format.
        cadence: Whether frames that are there several times count once; else each frame is a true one.
    """
    last = clip.num_frames - 1
    tiny = core.std.BlankClip(width=16, height=16, format=vs.GRAY8, length=clip.num_frames, keep=True)
    steps = steps_of(clip) if cadence else tiny
    around = [neighbour(steps, distance) for distance in range(-_VIEW, _VIEW + 1)] if cadence else [tiny]

    def found(n: int, frames: Sequence[vs.VideoFrame]) -> list[Run]:
        if not cadence:
            return [Run(distance, distance) for distance in (-1, 0, 1, 2)]
        places = zip(range(-_VIEW, _VIEW + 1), frames, strict=True)
        return runs_around([_step(frame, 0 < n + distance <= last) for distance, frame in places], n, last)

    def plan(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        out, runs = f[0].copy(), found(n, f[1:])
        offsets, centres, before = _pair(runs, n, last)
        out.props[OFFSETS] = offsets
        out.props[BEYOND] = int(offsets[0] < offsets[1] and offsets[2] < offsets[3])
        out.props[CENTRES] = centres
        out.props[BEFORE] = before
        return out

    return core.std.ModifyFrame(tiny, [tiny, *around], plan)


def _step(frame: vs.VideoFrame, there: bool) -> float:
    return float(_told(frame, _STEP)) if there else 0.0


def runs_around(steps: Sequence[float], number: int, last: int) -> list[Run]:
    """The true frames before the one asked for, of it, behind it, and the one behind that.

    Args:
        steps: How much each frame differs from the one before; the one asked for is in the middle.
        number: Of the frame asked for.
        last: Number of the last frame.
    """
    middle = len(steps) // 2
    values = np.asarray(steps, np.float64)

    def same(distance: int) -> bool:
        """Whether the frame so far away is that before it once more."""
        return 0 < number + distance <= last and _none(values, middle + distance)

    def run(distance: int) -> Run:
        first = stop = distance
        while first > distance - LONGEST and same(first):
            first -= 1
        while stop < distance + LONGEST and same(stop + 1):
            stop += 1
        return Run(first, stop) if stop - first < LONGEST else Run(distance, distance)

    here = run(0)
    after = run(here.last + 1)
    return [run(here.first - 1), here, after, run(after.last + 1)]


def _none(values: npt.NDArray[np.float64], at: int) -> bool:
    """Whether a step is none, beside the steps on both sides of it."""
    if not 0 <= at < len(values) or values[at] > _MOST:
        return False
    sides = values[max(at - _AROUND, 0) : at], values[at + 1 : at + 1 + _AROUND]
    return all(len(side) > 0 and values[at] < _ALIKE * _usual(side) for side in sides)


def _usual(side: npt.NDArray[np.float64]) -> float:
    """A step as large as others here: the second largest, for the largest may be a cut."""
    return float(np.sort(side)[-2]) if len(side) > 1 else float(side[0])


def _pair(runs: Sequence[Run], number: int, last: int) -> tuple[list[int], list[float], int]:
    """Offsets, centres and the way back of a plan; beyond the ends of the clip the end frames stand."""
    here, after = runs[1], runs[2]
    places = [min(max(run.first, -number), last - number) for run in runs]
    if after.first + number > last:
        places[2] = places[3] = places[1]
    return places, [here.centre, after.centre], max(here.first - 1, -number)


def moved_by(clip: vs.VideoNode, plan: vs.VideoNode, which: int) -> vs.VideoNode:
    """Each frame of a clip replaced by the one that its plan tells: 0 far left, 1 left, 2 right, 3 far right."""
    return _picked(clip, plan, clip.num_frames, lambda n, f: n + int(_told(f, OFFSETS)[which]))


def timed(plan: vs.VideoNode, moment: Callable[[int], Fraction], length: int, *, snap: float = 0.0) -> vs.VideoNode:
    """A tiny clip of another length: where each of its frames lies, by `PAIR` and `TIME`.

    Args:
        plan: Of `planned`.
        moment: Where a frame lies, in frames of the clip.
        length: Its length.
        snap: A true frame no farther away, in frames of the clip, stands for what lies between.
    """
    tiny = core.std.BlankClip(plan, length=length, keep=True)
    last = plan.num_frames - 1

    def place(n: int) -> int:
        return min(max(math.floor(moment(n)), 0), last)

    def spread(clip: vs.VideoNode) -> vs.VideoNode:
        return core.std.FrameEval(tiny, lambda n: clip[place(n)], clip_src=[clip])

    def tell(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        out, at, frame = f[0].copy(), place(n), f[1]
        since, back = moment(n) - at, int(_told(frame, BEFORE))
        if back and since < _told(frame, CENTRES)[0]:
            at, since, frame = at + back, since - back, f[2]
        out.props[PAIR] = at
        out.props[TIME] = _time(frame, since, snap)
        return out

    earlier = _picked(plan, plan, plan.num_frames, lambda n, f: n + int(_told(f, BEFORE)))
    return core.std.ModifyFrame(tiny, [tiny, spread(plan), spread(earlier)], tell)


def _time(frame: vs.VideoFrame, since: Fraction, snap: float) -> float:
    """0 at the left frame, 1 at the right; nothing lies between the last frame and itself."""
    _, left, right, _ = _told(frame, OFFSETS)
    first, second = (Fraction(centre) for centre in _told(frame, CENTRES))
    if left == right or since - first <= snap:
        return 0.0
    if second - since <= snap:
        return 1.0
    return float((since - first) / (second - first))


def _told(frame: vs.VideoFrame, name: str) -> Any:
    return cast("Any", frame.props[name])


def placed(clip: vs.VideoNode, times: vs.VideoNode) -> vs.VideoNode:
    """The frames of a clip in the order of `timed`."""
    return _picked(clip, times, times.num_frames, lambda _, f: int(_told(f, PAIR)))


def _picked(
    clip: vs.VideoNode, told: vs.VideoNode, length: int, place: Callable[[int, vs.VideoFrame], int]
) -> vs.VideoNode:
    like = core.std.BlankClip(clip, length=length, keep=True)
    return core.std.FrameEval(like, lambda n, f: clip[place(n, f)], prop_src=[told], clip_src=[clip])
