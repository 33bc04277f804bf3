"""Other frames in the place of those that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable

import vapoursynth as vs

from vsfilmrestore.media.naming import ranges_text

__all__ = ["frozen", "runs", "unread"]


def frozen(clip: vs.VideoNode, bad: Iterable[int]) -> vs.VideoNode:
    """The clip with the nearest frame before, or after, in the place of each bad one; bad ones are not asked for.

    Args:
        clip: Any clip.
        bad: Frames counted from 0; those the clip has not are passed over. Not all of its frames.
    """
    first, stop, instead = [], [], []
    for run in runs(number for number in bad if 0 <= number < clip.num_frames):
        first.append(run.start)
        stop.append(run.stop - 1)
        instead.append(run.start - 1 if run.start else run.stop)
    return clip.std.FreezeFrames(first, stop, instead) if first else clip


def runs(numbers: Iterable[int]) -> list[range]:
    """Numbers as runs without a gap, rising."""
    found: list[range] = []
    for number in sorted(set(numbers)):
        if found and found[-1].stop == number:
            found[-1] = range(found[-1].start, number + 1)
        else:
            found.append(range(number, number + 1))
    return found


def unread(numbers: Iterable[int]) -> tuple[str, ...]:
    """A sentence that names the frames that cannot be read; none without them."""
    bad = sorted(set(numbers))
    if not bad:
        return ()
    many = "1 frame" if len(bad) == 1 else f"{len(bad)} frames"
    return (f"{many} cannot be read: {ranges_text(bad)}; the nearest that can stands there",)
