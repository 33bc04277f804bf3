"""A cut is a wall: what a filter sees beyond the ends of a shot.

::

    source of the shot          a b c d e f
    reach 2, no handles     c b a b c d e f e d          mirrored at the cut
    reach 2, handles 1      a A a b c d e f F f          the take's own frames first, then mirrored

Frames are mirrored without repeating the end frame, so motion goes back the way it came. All is done by native
filters on frame references: no picture is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import vapoursynth as vs

from vsfilmrestore.errors import SettingError

__all__ = ["behind_walls", "mirrored", "retimed"]

core = vs.core


def mirrored(clip: vs.VideoNode, head: int, tail: int) -> vs.VideoNode:
    """The clip with ``head`` mirrored frames in front and ``tail`` behind; short clips swing to and fro."""
    if head <= 0 and tail <= 0:
        return clip
    length, wanted = clip.num_frames, head + clip.num_frames + tail
    if length == 1:
        return clip.std.Loop(wanted)
    swing = clip if length == 2 else clip + clip[1:-1].std.Reverse()
    first = -head % swing.num_frames
    loops = -(-(first + wanted) // swing.num_frames)
    return swing.std.Loop(loops)[first : first + wanted]


def behind_walls(
    take: vs.VideoNode,
    handles: tuple[int, int],
    reach: int,
    build: Callable[[vs.VideoNode], vs.VideoNode],
) -> vs.VideoNode:
    """A shot run through a chain of filters that never sees a frame of another shot.

    Args:
        take: The shot's frames with ``handles`` frames of the same take before and after them.
        handles: Frames in front of and behind the shot within ``take``.
        reach: Frames on each side a frame of the result may depend on.
        build: The chain. It may give k frames for each of its own (``fps`` times k).

    Returns:
        The shot alone, k frames for each source frame.

    Raises:
        SettingError: The chain changes the number of frames by another than a whole factor.
    """
    front, back = handles
    length = take.num_frames - front - back
    keep_front, keep_back = min(front, reach), min(back, reach)
    clip = take[front - keep_front : front + length + keep_back]
    head = max(reach - keep_front, 0)
    clip = mirrored(clip, head, max(reach - keep_back, 0))
    result = build(clip)
    factor = Fraction(result.num_frames, clip.num_frames)
    if factor.denominator != 1:
        raise SettingError(
            f"the steps make {result.num_frames} frames of {clip.num_frames}, which no shot of a cut can hold",
            hint="Within a cut, frames can only be multiplied; change the rate of the whole source instead",
        )
    start = (head + keep_front) * int(factor)
    return result[start : start + length * int(factor)]


def retimed(clip: vs.VideoNode, frames: Sequence[int]) -> vs.VideoNode:
    """The frames of a clip in the order given, which must not turn round: forwards, backwards or frozen."""
    if list(frames) == list(range(clip.num_frames)):
        return clip
    if frames[0] > frames[-1]:
        last = clip.num_frames - 1
        return retimed(clip.std.Reverse(), [last - n for n in frames])
    place = {n: i for i, n in enumerate(sorted(set(frames)))}
    spare = [n for n in range(clip.num_frames) if n not in place]
    picked = clip.std.DeleteFrames(spare) if spare else clip
    again = [place[n] for i, n in enumerate(frames) if i and n == frames[i - 1]]
    return picked.std.DuplicateFrames(again) if again else picked
