"""Which strands are wires: what is known of each in its frame, and in the frames beside, where it is looked for again.

Two logistic regressions, fitted by scripts/train/strands.py to the network that they belong to: one judges a strand by
its own frame, the other by that and by what the first says of the same strand in the two frames before and after.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._wire_strands import Strand, course, strip

__all__ = [
    "FAR",
    "MOVING",
    "NOTHING",
    "Judged",
    "Looks",
    "follow",
    "known_of",
    "odds_of",
    "read",
    "taken",
    "tracked",
    "written",
]

type Reals = npt.NDArray[np.float32]
type Known = npt.NDArray[np.float64]

FAR: Final = 2
"""Frames before and after in which a strand is looked for."""
NOTHING: Final = -6.0
"""Log odds where a frame has no such strand."""
MOVING: Final = 3
"""Place among what is known of a strand."""
_SURE: Final = 6.0
"""Higher log odds say no more."""

_WEIGHTS: Final = (1.15, 2.9, 1.12, 0.612, -0.577, -1.68, 0.383)
_CONSTANT: Final = -1.52
_TRACK_WEIGHTS: Final = (0.432, 0.287, 0.37, 0.474)
_TRACK_CONSTANT: Final = 1.47

_ALONG: Final = 17
"""Pixels along a strand over which brightness is compared."""
_MARGIN: Final = 7
"""Pixels beyond the greatest width on both sides that are looked at."""
_JITTER: Final = (-1, 0, 1)
"""A line of the scene may lie so many pixels off in another frame."""
_CAMERA: Final = (1.3, 0.3)
"""The camera stands still where frames as they are differ by no more than this, times and levels, than moved ones."""
_ALL: Final = 0.6
"""A larger share of a wire that other frames do not show says no more."""
_LOG_ALL: Final = math.log(_ALL + 0.03)
_EASED: Final = 1.5
"""Log odds that a strand may lack which is a wire in the frame before or after."""
_TRAVEL: Final = (16.0, 0.025)
"""Pixels, or share of the picture's width, that a wire may move from frame to frame."""
_TURN: Final = 0.12
"""And by how much it may turn, radians."""
_ASKED: Final = 9
"""Places along a strand at which it is compared with another."""


class Looks(NamedTuple):
    """What strands of a frame are judged by: pictures of H x W in levels of 8 bits.

    Attributes:
        sure: How likely each pixel is part of a wire, 0..1.
        pieces: Log odds of the piece that each pixel belongs to; `NOTHING` in none.
        luma: The frame.
        moved: Frames around, moved onto it; none where a wire need not move.
        plain: Frames around as they are.
        length: Least length of a wire in pixels.
        thickness: Greatest width in pixels.
    """

    sure: Reals
    pieces: Reals
    luma: Reals
    moved: Sequence[Reals]
    plain: Sequence[Reals]
    length: float
    thickness: float


class Judged(NamedTuple):
    """A strand, the log odds that it is a wire by its own frame, and how sure it is that it moves (log of a share)."""

    strand: Strand
    odds: float
    moves: float


def known_of(strand: Strand, looks: Looks) -> Known:
    """What is known of a strand: length, sureness, both, motion, how much of an edge, how plain, its piece."""
    reach, core = round(looks.thickness) + _MARGIN, max(1, round(looks.thickness / 2))
    here = strip(strand, looks.luma, reach)
    left, right = here[:, : reach - core - 1].mean(1), here[:, reach + core + 2 :].mean(1)
    ridge = _ridge(here, core, 0)
    soft, edge = _soft(ridge), _soft(left - right)
    size = max(float(np.abs(soft).sum()), 1e-3)
    length = math.log(max(strand.length, 1.0) / looks.length)
    _, said = course(strand, looks.sure)
    _, piece = course(strand, looks.pieces, 0)
    plain = float(np.abs(soft).mean() / (np.median(np.abs(ridge - soft)) + 0.3))
    mean, uneven = float(said.mean()), float(np.abs(edge).sum()) / size
    return np.array([
        length, mean, length * mean, _moves(here, soft, strand, looks), math.log(uneven + 0.1),
        math.log(min(plain, 30.0) + 0.3), float(np.clip(piece, NOTHING, _SURE).mean()),
    ])  # fmt: skip


def _ridge(here: Reals, core: int, aside: int) -> Reals:
    """By how much the middle of a strip stands out from both its sides, pixel by pixel along it."""
    middle = here.shape[1] // 2
    inner = here[:, middle - core + aside : middle + core + 1 + aside].mean(1)
    outer = (here[:, : middle - core - 1].mean(1) + here[:, middle + core + 2 :].mean(1)) / 2
    return np.asarray(inner - outer)


def _soft(line: Reals) -> Reals:
    import cv2  # on first use: it is large, and a plan needs none of it

    return np.asarray(cv2.blur(line.reshape(1, -1).astype(np.float32), (min(_ALONG, len(line)), 1))[0])


def _moves(here: Reals, soft: Reals, strand: Strand, looks: Looks) -> float:
    """Log of the share of a strand that other frames do not show: moved with the scene, and as they are."""
    if not looks.moved:
        return _LOG_ALL
    with_scene, apart = _shown(here, soft, strand, looks, looks.moved)
    as_is, apart_as_is = _shown(here, soft, strand, looks, looks.plain)
    times, levels = _CAMERA
    # On a bare wall the search for motion follows anything; a camera that stands needs none.
    shown = max(with_scene, as_is) if apart_as_is < times * apart + levels else with_scene
    return math.log(min(max(1 - shown, 0.0), _ALL) + 0.03)


def _shown(here: Reals, soft: Reals, strand: Strand, looks: Looks, others: Sequence[Reals]) -> tuple[float, float]:
    """Share of what stands out that the middle one of other frames shows too; and how far they are off beside it."""
    import cv2  # on first use: it is large, and a plan needs none of it

    reach, core = here.shape[1] // 2, max(1, round(looks.thickness / 2))
    wide = round(looks.thickness / 2) + 2
    ring = np.r_[0 : reach - wide, reach + wide + 1 : here.shape[1]]
    shares, errors = [], []
    for other in others:
        there = strip(strand, other, reach)
        alike = [float((soft * _soft(_ridge(there, core, aside))).sum()) for aside in _JITTER]
        shares.append(max(alike) / max(float((soft * soft).sum()), 1e-3))
        apart = np.asarray(cv2.blur(here - there, (1, 9)))[:, ring]
        errors.append(float(np.abs(apart - np.median(apart)).mean()))
    shares.sort()
    return (shares[1] + shares[2]) / 2, float(np.median(errors))


def odds_of(known: Known, weights: Sequence[float] = (*_WEIGHTS, _CONSTANT)) -> float:
    """How likely a strand is a wire by its own frame, in log odds; other weights are for those who fit them."""
    return float(np.clip(known @ np.array(weights[:-1]) + weights[-1], 2 * NOTHING, _SURE))


def follow(frames: Sequence[Sequence[Judged]], width: float) -> list[float]:
    """Log odds of each strand of the frame in the middle, by what is said of it in all of the frames.

    Args:
        frames: ``2 * FAR + 1`` of them.
        width: Of the picture in pixels.
    """
    return [float(tracked(frames, each, width) @ np.array(_TRACK_WEIGHTS) + _TRACK_CONSTANT) for each in frames[FAR]]


def tracked(frames: Sequence[Sequence[Judged]], each: Judged, width: float) -> Known:
    """What is known of a strand of the frame in the middle: own odds, the best beside, all beside, motion."""
    again = [_again(each.strand, frames[FAR + d], abs(d), width) for d in range(-FAR, FAR + 1) if d]
    odds = [max(other.odds, NOTHING) if other else NOTHING for other in again]
    moves = [each.moves, *(other.moves for other in again if other)]
    nearest = max(odds[FAR - 1 : FAR + 1])
    return np.array([max(each.odds, 2 * NOTHING), nearest, np.mean(odds), np.mean(moves)])


def _again(strand: Strand, others: Sequence[Judged], distance: int, width: float) -> Judged | None:
    """The same strand in another frame: of those that run close by the surest."""
    reach = max(_TRAVEL[0], _TRAVEL[1] * width) * math.sqrt(distance)
    near = [other for other in others if _close(strand, other.strand, reach, _TURN * math.sqrt(distance))]
    return max(near, key=lambda other: other.odds, default=None)


def _close(one: Strand, other: Strand, reach: float, lean: float) -> bool:
    along = np.linspace(one.start, one.end, _ASKED)
    there, aside = other.told(*one.points(along))
    slack = 0.25 * max(one.length, other.length)
    beside = (there > other.start - slack) & (there < other.end + slack)
    if beside.sum() < 3 or np.abs(aside[beside]).max() > reach:
        return False
    t, d = along[beside], aside[beside]
    t = t - t.mean()
    return abs(float((t * d).sum() / max(float((t * t).sum()), 1e-6))) <= lean


def taken(now: Sequence[Judged], beside: Sequence[Sequence[Judged]], needed: float, width: float) -> list[Strand]:
    """The strands of a frame that are wires: those with odds enough, and those with less that are wires beside.

    Args:
        now: Of the frame, with the odds of `follow`.
        beside: The same of the frames before and after.
        needed: Log odds.
        width: Of the picture in pixels.
    """
    sure = [[other for other in others if other.odds > needed] for others in beside]

    def wire(each: Judged) -> bool:
        if each.odds > needed:
            return True
        return each.odds > needed - _EASED and any(_again(each.strand, others, 1, width) for others in sure)

    return [each.strand for each in now if wire(each)]


def written(judged: Sequence[Judged]) -> list[float]:
    """Numbers that travel with a frame."""
    return [float(value) for each in judged for value in (*each.strand, each.odds, each.moves)]


def read(values: Any) -> list[Judged]:
    """What `written` wrote; nothing where nothing was."""
    if values is None:
        return []
    flat = np.atleast_1d(np.asarray(values, np.float64)).reshape(-1, len(Strand._fields) + 2)
    return [Judged(Strand(*map(float, row[:-2])), float(row[-2]), float(row[-1])) for row in flat]
