"""Values that move along a shot, from key to key.

::

    dust   0.9 |              .--*-----       VSFR key dust=0.2 … VSFR key dust=0.9
               |         .--''                held before the first key and after the last,
           0.2 |-----*--'                     in at most 24 steps between two
               +----------------------- record frames

Numbers move, and regions and paths with as many corners; words change at their key. A step is never shorter than a
frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from vsfilmrestore.timeline.model import FrameRange

__all__ = ["Keyed", "Stretch", "moves", "stretches"]

_STEPS: Final = 24
_POINT: Final = re.compile(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Keyed:
    """The value a setting has at a frame.

    Attributes:
        frame: Record frame; it may lie outside the shot.
        value: The value.
        origin: Where it stood.
    """

    frame: int
    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Record frames over which a setting has one value."""

    frames: FrameRange
    value: Any
    origin: str


def stretches(keys: Sequence[Keyed], record: FrameRange) -> list[Stretch]:
    """The values of a setting over a shot, without holes.

    Args:
        keys: One or more, in the order of their frames, no two on one frame.
        record: Record frames of the shot.
    """
    edges: list[tuple[int, Any, str]] = []
    for a, b in pairwise(keys):
        edges += _between(a, b)
    edges.append((keys[-1].frame, keys[-1].value, keys[-1].origin))
    starts = [record.start, *(frame for frame, _, _ in edges[1:])]
    stops = [*starts[1:], record.stop]
    cut = [
        Stretch(FrameRange(max(start, record.start), min(stop, record.stop)), value, origin)
        for start, stop, (_, value, origin) in zip(starts, stops, edges, strict=True)
        if max(start, record.start) < min(stop, record.stop)
    ]
    return list(_merged(cut))


def moves(a: object, b: object) -> bool:
    """Whether there is a straight line from one value to the other."""
    if isinstance(a, bool) or isinstance(b, bool):
        return False
    if isinstance(a, int | float) and isinstance(b, int | float):
        return True
    if isinstance(a, str) and isinstance(b, str):
        if a.endswith("%") and b.endswith("%"):
            return True
        return bool(_points(a)) and len(_points(a)) == len(_points(b))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(moves(x, y) for x, y in zip(a, b, strict=True))
    return False


def _points(text: str) -> list[tuple[float, float]]:
    """The points of a path, ``900,0 980,400``; none of any other text."""
    words = [_POINT.fullmatch(word) for word in text.split()]
    return [(float(word[1]), float(word[2])) for word in words if word] if words and all(words) else []


def _between(a: Keyed, b: Keyed) -> list[tuple[int, Any, str]]:
    """First frame, value and origin of each step from one key up to the next, which is not among them."""
    frames = b.frame - a.frame
    if a.value == b.value or not moves(a.value, b.value):
        return [(a.frame, a.value, a.origin)]
    steps = min(_STEPS, frames)
    origin = a.origin if a.origin == b.origin else f"{a.origin} to {b.origin}"
    found = [(a.frame, a.value, a.origin)]
    for step in range(1, steps):
        first = a.frame - (1 - 2 * step) * frames // (2 * steps)  # the nearest step is taken, halves upwards
        found.append((first, _mixed(a.value, b.value, step, steps), origin))
    last = a.frame - (1 - 2 * steps) * frames // (2 * steps)
    if last < b.frame:
        found.append((last, b.value, origin))
    return found


def _mixed(a: Any, b: Any, step: int, steps: int) -> Any:
    if isinstance(a, tuple):
        return tuple(_mixed(x, y, step, steps) for x, y in zip(a, b, strict=True))
    if isinstance(a, str) and _points(a):
        points = (_mixed(p, q, step, steps) for p, q in zip(_points(a), _points(b), strict=True))
        return " ".join(f"{x:g},{y:g}" for x, y in points)
    if isinstance(a, str):
        return f"{_mixed(float(a.rstrip('%')), float(b.rstrip('%')), step, steps):g}%"
    value = a + (b - a) * step / steps
    return round(value) if isinstance(a, int) and isinstance(b, int) else round(value, 5)


def _merged(parts: Iterable[Stretch]) -> Iterable[Stretch]:
    held: Stretch | None = None
    for part in parts:
        if held is not None and held.value == part.value and held.frames.stop == part.frames.start:
            held = Stretch(FrameRange(held.frames.start, part.frames.stop), held.value, held.origin)
            continue
        if held is not None:
            yield held
        held = part
    if held is not None:
        yield held
