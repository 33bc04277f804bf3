"""Which frames a report shows: the worst, ordinary ones, and some nobody chose."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from vsfilmrestore.render.report.columns import Column, Columns

__all__ = ["Chosen", "chosen", "score", "worst"]

type Group = Literal["worst", "median", "random"]

_COUNTS: Final[dict[Group, int]] = {"worst": 4, "median": 3, "random": 3}
"""Frames of each group. Frames with most repairs alone would flatter us, and frames at random show little of them."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A frame to show: which frame of the output, why, and the share of its pixels that was changed."""

    frame: int
    group: Group
    share: float


def score(columns: Columns) -> Column:
    """How much was done to each frame: the share of its pixels that repairs changed, and how much brighter or darker
    the whole of it became; below 0 where a frame is not made."""
    moved = np.abs(np.nan_to_num(columns.after - columns.before)) / 255
    return np.where(np.isfinite(columns.seconds), columns.share + moved, -1.0)


def chosen(columns: Columns, treated: Sequence[bool], seed: str) -> list[Chosen]:
    """Frames to show, each once, in the order worst, median, random.

    Args:
        columns: What happened to each frame.
        treated: Whether anything was to be done to each frame.
        seed: What makes the choice at random the same again.
    """
    found: dict[int, Group] = {}
    scores = np.where(np.asarray(treated), score(columns), -1.0)
    shots = np.searchsorted(np.asarray(columns.walls), np.arange(columns.length), side="right")
    for frame in _spread(np.argsort(-scores, kind="stable"), scores, shots, _COUNTS["worst"]):
        found.setdefault(frame, "worst")
    middle = np.median(scores[scores > 0]) if (scores > 0).any() else 0.0
    near = np.argsort(np.abs(scores - middle), kind="stable")
    near = near[~np.isin(near, list(found))]
    for frame in _spread(near, scores, shots, _COUNTS["median"]):
        found.setdefault(frame, "median")
    rest = [int(n) for n in np.flatnonzero(scores >= 0) if n not in found]
    for frame in sorted(random.Random(seed).sample(rest, min(_COUNTS["random"], len(rest)))):
        found.setdefault(frame, "random")
    return [Chosen(frame, group, float(columns.share[frame])) for frame, group in found.items()]


def _spread(order: Sequence[int] | np.ndarray, scores: Column, shots: np.ndarray, count: int) -> list[int]:
    """The first so many of an order, of different shots as long as there are any."""
    found: list[int] = []
    for again in (False, True):
        seen = {int(shots[n]) for n in found}
        for n in map(int, order):
            if len(found) >= count or scores[n] < 0 or (scores[n] == 0 and len(found) > 0 and again):
                break
            if n not in found and (again or int(shots[n]) not in seen):
                found.append(n)
                seen.add(int(shots[n]))
    return found


def worst(columns: Columns, count: int) -> list[int]:
    """The frames most was done to by masked repairs, in the order of the reel."""
    share = columns.share
    order = np.argsort(-share, kind="stable")[:count]
    return sorted(int(n) for n in order if share[n] > 0)


def per_frame(columns: Columns, frame: int) -> Iterator[tuple[str, int, float]]:
    """Filter, repairs and share of pixels of what was changed in a frame."""
    for name, shares in columns.changed.items():
        if shares[frame] > 0:
            repairs = columns.repairs.get(name)
            yield name, int(repairs[frame]) if repairs is not None else 0, float(shares[frame])
