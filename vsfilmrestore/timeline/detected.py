"""A reel without a cut list: one source, cut where shots were detected."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline.model import FrameRange, Reel, Shot, SourceKey

__all__ = ["reel_from_cuts"]


def reel_from_cuts(
    cuts: Iterable[int],
    length: int,
    rate: Fraction,
    name: str,
    *,
    start: int = 0,
    drop: bool = False,
    url: str = "",
    reel: str = "",
) -> Reel:
    """The reel of one source that is cut at the frames given.

    A shot's id is the source's name and the shot's first frame. It stays as it is when other cuts are found anew.

    Args:
        cuts: First frames of the shots, counted from the first frame of the source; 0 may be left out.
        length: Frames of the source.
        rate: Exact rate.
        name: Name of the reel and, without a url, of the source.
        start: Timecode of the source's first frame, as a frame count; the record side counts alike.
        drop: Whether that timecode is drop frame.
        url: Path of the source.
        reel: Reel name of the source.

    Raises:
        TimelineError: The source has no frames, or a cut lies outside it.
    """
    if length < 1:
        raise TimelineError("there is no frame in the source", file=url or None)
    edges = sorted({0, *cuts})
    if edges[0] < 0 or edges[-1] >= length:
        wrong = edges[0] if edges[0] < 0 else edges[-1]
        raise TimelineError(f"a cut at frame {wrong} lies outside the source of {length} frames", file=url or None)
    timed = start != 0
    whole = FrameRange(start, start + length)

    def shot(number: int, first: int, last: int) -> Shot:
        source = SourceKey(name, reel, url, start + first, rate, timed, whole, drop)
        return Shot(f"shot {number:03d}", FrameRange(first, last), source, handles=(first, length - last))

    shots = tuple(shot(i, a, b) for i, (a, b) in enumerate(pairwise([*edges, length]), 1))
    return Reel(name, rate, shots, start, drop, url)
