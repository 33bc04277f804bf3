"""A cut is a wall: what a filter sees beyond the ends of a shot.

::

    source of the shot          a b c d e f
    reach 2, no handles     c b a b c d e f e d          mirrored at the cut (not for one-sided steps)
    reach 2, handles 1    b a A a b c d e f F f e        the take's own frames first, then mirrored

Frames are mirrored without repeating the end frame, so motion goes back the way it came. All is done by native
filters on frame references: no picture is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import vapoursynth as vs

from vsfilmrestore.errors import SettingError
from vsfilmrestore.media.ends import mirrored
from vsfilmrestore.media.props import MASK_PREFIX, PLACE

__all__ = ["Build", "WalledStep", "behind_walls", "mirrored", "retimed"]

core = vs.core

type Build = Callable[[vs.VideoNode], vs.VideoNode]

type Close = Callable[[vs.VideoNode, vs.VideoNode, int, int], vs.VideoNode]
"""Closes a step: what it was given, what it made of it, which frame of the source the first one is, and how many frames
steps before made of each frame of the source."""


@dataclass(frozen=True, slots=True)
class WalledStep:
    """A step of a chain behind walls.

    Attributes:
        reach: Frames on each side it looks at.
        apply: What it does.
        one_sided: Whether it makes do with one side at the ends of its clip; else the clip is mirrored for it.
        numbered: Whether it goes by the property `PLACE`.
        close: What is done to its result, where it has as many frames as it was given.
    """

    reach: int
    apply: Build
    one_sided: bool = False
    numbered: bool = False
    close: Close | None = None


def behind_walls(
    take: vs.VideoNode, handles: tuple[int, int], steps: Sequence[WalledStep], first: int = 0
) -> vs.VideoNode:
    """A shot run through steps that never see a frame of another shot.

    Each step gets the shot mirrored by as many frames as it reaches, and what it makes of them is cut off again. The
    mirrored frames are those the step before made already. A step that measures a wide window makes do with one side:
    a mirrored path of the camera has a bend at the cut that the real one has not. So walls cost next to nothing.

    Args:
        take: The shot's frames with ``handles`` frames of the same take before and after them.
        handles: Frames in front of and behind the shot within ``take``.
        steps: The steps. One may give k frames for each of its own.
        first: Which frame of its source the first of the take is; steps that ask for it find it as `PLACE`.

    Returns:
        The shot alone, k frames for each source frame.

    Raises:
        SettingError: A step changes the number of frames by another than a whole factor.
    """
    reach = sum(step.reach for step in steps)
    front, back = (min(frames, reach) for frames in handles)
    length = take.num_frames - sum(handles)
    clip = take[handles[0] - front : handles[0] + length + back]
    if any(step.close is not None for step in steps):
        clip = clip.std.RemoveFrameProps(f"{MASK_PREFIX}*")  # a script's own repairs are not the steps'
    numbered = any(step.numbered for step in steps)
    if numbered:
        clip = _placed(clip, f"N {first + handles[0] - front + 1} +")
    factor = 1
    for step in steps:
        before = clip
        clip, times = _walled(clip, 0 if step.one_sided else step.reach, step.apply)
        if step.close is not None and times == 1:
            clip = step.close(before, clip, first + handles[0] - front, factor)
        if numbered and times > 1:
            clip = _placed(clip, f"x.{PLACE} 1 - {times} * N {times} % + 1 +")
        factor *= times
    return clip[front * factor : (front + length) * factor]


def _placed(clip: vs.VideoNode, number: str) -> vs.VideoNode:
    return core.akarin.PropExpr([clip], lambda: {PLACE: number})


def _walled(clip: vs.VideoNode, reach: int, apply: Build) -> tuple[vs.VideoNode, int]:
    padded = mirrored(clip, reach, reach)
    result = apply(padded)
    times = Fraction(result.num_frames, padded.num_frames)
    if times.denominator != 1:
        raise SettingError(
            f"a step makes {result.num_frames} frames of {padded.num_frames}, which no shot of a cut can hold",
            hint="Within a cut, frames can only be multiplied; change the rate of the whole source instead",
        )
    k = int(times)
    return result[reach * k : (reach + clip.num_frames) * k], k


def retimed(clip: vs.VideoNode, frames: Sequence[int]) -> vs.VideoNode:
    """The frames of a clip in the order given: forwards, backwards, frozen, and turning round."""
    if list(frames) == list(range(clip.num_frames)):
        return clip
    runs = [_one_way(clip, run) for run in _runs(frames)]
    return core.std.Splice(runs) if len(runs) > 1 else runs[0]


def _runs(frames: Sequence[int]) -> list[list[int]]:
    """The frames in stretches that go one way each."""
    runs: list[list[int]] = [[frames[0]]]
    way = 0
    for before, n in pairwise(frames):
        turn = (n > before) - (n < before)
        if turn and way and turn != way:
            runs.append([])
            way = 0
        else:
            way = turn or way
        runs[-1].append(n)
    return runs


def _one_way(clip: vs.VideoNode, frames: list[int]) -> vs.VideoNode:
    if frames[0] > frames[-1]:
        last = clip.num_frames - 1
        return _one_way(clip.std.Reverse(), [last - n for n in frames])
    low = frames[0]
    clip = clip[low : frames[-1] + 1]
    place = {n: i for i, n in enumerate(dict.fromkeys(frames))}
    spare = [n - low for n in range(low, frames[-1] + 1) if n not in place]
    picked = clip.std.DeleteFrames(spare) if spare else clip
    again = [place[n] for i, n in enumerate(frames) if i and n == frames[i - 1]]
    return picked.std.DuplicateFrames(again) if again else picked
