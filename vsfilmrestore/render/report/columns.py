"""What happened to each frame of the output, as columns of numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.render.report.latest import Latest

__all__ = ["Column", "Columns", "binned", "flicker", "gathered"]

type Column = npt.NDArray[np.float64]

_AROUND: Final = 2
"""Frames each side whose mean a frame's luma is compared with: FFmpeg's deflicker takes five, too."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Numbers of all frames of the output; not a number where a frame is not made, or nobody looked.

    Attributes:
        length: Frames.
        before: Mean luma of the source, on the scale of 8 bits.
        after: The same of the result.
        changed: Share of pixels changed, by filter.
        repairs: Repairs made, by filter.
        seconds: Time a frame took: that of its piece, evenly.
        memory: Most memory held while its piece was made, in bytes.
        walls: First frames of shots.
    """

    length: int
    before: Column
    after: Column
    changed: Mapping[str, Column] = field(default_factory=dict)
    repairs: Mapping[str, Column] = field(default_factory=dict)
    seconds: Column = field(default_factory=lambda: np.zeros(0))
    memory: Column = field(default_factory=lambda: np.zeros(0))
    walls: Sequence[int] = ()

    @property
    def share(self) -> Column:
        """Share of pixels that masked repairs changed, all of them together; at most 1."""
        if not self.changed:
            return np.zeros(self.length)
        return np.minimum(1.0, np.nansum(np.stack(list(self.changed.values())), axis=0))

    @property
    def flicker(self) -> tuple[Column, Column]:
        """Flicker before and after, see `flicker`."""
        return flicker(self.before, self.walls), flicker(self.after, self.walls)


def gathered(latest: Latest) -> Columns:
    """The columns of a render."""
    length = latest.frames
    before, after, seconds, memory = (np.full(length, np.nan) for _ in range(4))
    changed: dict[str, Column] = {}
    repairs: dict[str, Column] = {}
    walls: dict[int, int] = {}
    for made in latest.pieces:
        piece, done = made.piece, made.done
        walls.setdefault(piece.index, piece.first)
        if done is None:
            continue
        here = slice(piece.first, piece.stop)
        if done.luma and len(done.luma) == len(piece):
            before[here], after[here] = np.array(done.luma, float).T
        seconds[here] = done.seconds / max(1, len(piece))
        memory[here] = done.memory or np.nan
        for name, shares in (done.changed or {}).items():
            _fill(changed.setdefault(name, np.zeros(length)), piece.first, shares)
        for name, counts in (done.repairs or {}).items():
            _fill(repairs.setdefault(name, np.zeros(length)), piece.first, [made_ for made_, *_ in counts])
    return Columns(length, before, after, changed, repairs, seconds, memory, sorted(walls.values()))


def _fill(column: Column, first: int, values: Sequence[Any]) -> None:
    column[first : first + len(values)] = values[: len(column) - first]


def flicker(luma: Column, walls: Sequence[int]) -> Column:
    """How far the luma of each frame is off the mean of the five frames around it, in per cent; within shots.

    That is the arithmetic mean of FFmpeg's ``deflicker`` filter with its usual size, which QCTools draws.
    """
    found = np.full(len(luma), np.nan)
    edges = [0, *[wall for wall in walls if 0 < wall < len(luma)], len(luma)]
    for first, stop in itertools.pairwise(edges):
        part = luma[first:stop]
        known = np.isfinite(part)
        if known.sum() < 3 or not known.all():
            continue
        padded = np.pad(part, _AROUND, mode="reflect" if len(part) > _AROUND else "edge")
        mean = np.convolve(padded, np.full(2 * _AROUND + 1, 1 / (2 * _AROUND + 1)), "valid")
        found[first:stop] = 100 * (part / np.maximum(mean, 1.0) - 1)
    return found


def binned(column: Column, bins: int, how: Callable[..., Any] = np.nanmax) -> list[float | None]:
    """A column in so many bins at most, each the highest (or what ``how`` says) of its frames; None where none has."""
    count = min(bins, len(column))
    edges = np.linspace(0, len(column), count + 1).astype(int)
    found: list[float | None] = []
    for first, stop in itertools.pairwise(edges):
        part = column[first:stop]
        part = part[np.isfinite(part)]
        found.append(float(f"{how(part):.5g}") if len(part) else None)
    return found
