"""What lies beyond the ends of a clip: its own frames, mirrored."""

from __future__ import annotations

import vapoursynth as vs

__all__ = ["mirrored"]


def mirrored(clip: vs.VideoNode, head: int, tail: int) -> vs.VideoNode:
    """The clip with ``head`` mirrored frames in front and ``tail`` behind; short clips swing to and fro.

    The end frames are not repeated, so motion goes back the way it came. Frames are references: no picture is copied.
    """
    if head <= 0 and tail <= 0:
        return clip
    length, wanted = clip.num_frames, head + clip.num_frames + tail
    if length == 1:
        return clip.std.Loop(wanted)
    swing = clip if length == 2 else clip + clip[1:-1].std.Reverse()
    first = -head % swing.num_frames
    loops = -(-(first + wanted) // swing.num_frames)
    return swing.std.Loop(loops)[first : first + wanted]
