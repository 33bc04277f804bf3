"""Parts of a chain that most shots never need, built when the first frame of them is wanted."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import vapoursynth as vs

__all__ = ["lazily"]


def lazily(like: vs.VideoNode, build: Callable[[], vs.VideoNode]) -> vs.VideoNode:
    """What ``build`` makes, built once and only when a frame of it is asked for.

    Args:
        like: Format, size and length of what it makes.
        build: Makes the clip. It must not ask for frames.
    """
    built = cache(build)
    blank = like.std.BlankClip(keep=True)
    return blank.std.FrameEval(lambda n: built())
