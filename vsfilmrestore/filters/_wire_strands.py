"""Long smooth lines in what a network says of wires: each as a curve, through crossings and over gaps.

A connected piece ends where a wire is faint, and where two cross it is neither. A strand is found the other way round:
points of the map's ridges vote for straight lines (R. Duda and P. Hart, Use of the Hough Transformation, 1972), the
best one is bent into a parabola, and of its course the run is taken along which the network is surest in sum.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Strand", "course", "most", "places", "strands_of", "strip"]

type Reals = npt.NDArray[np.float32]
type Whole = npt.NDArray[np.intp]

_TURNS: Final = 120
"""Directions of lines in half a turn."""
_SPREAD: Final = 5
"""Directions to both sides of a ridge's own for which it votes."""
_FAINT: Final = 0.06
"""Less is no ridge."""
_NEAR: Final = 3.0
"""Pixels from a curve within which points belong to it."""
_COST: Final = 0.16
"""A run gains what the network says of each pixel less this."""
_ROUNDS: Final = 6
_MOST: Final = 24
_BENT: Final = 0.6
"""A parabola may leave its chord by so much of what a wire may sag; more is no wire."""


class Strand(NamedTuple):
    """A curve in a picture, ``across = place + slope * t + bow * t * t`` about a point and a direction.

    Attributes:
        x: Of the point, pixels.
        y: Of the point.
        turn: Direction, radians.
        place: Pixels to the side, at t = 0.
        slope: The same for each pixel along.
        bow: The same for each pixel along, squared.
        start: Of the run, pixels along.
        end: Of the run.
        gain: Sum over the run of what the network says above `_COST`.
    """

    x: float
    y: float
    turn: float
    place: float
    slope: float
    bow: float
    start: float
    end: float
    gain: float

    @property
    def length(self) -> float:
        """Pixels along."""
        return self.end - self.start

    def across(self, along: Any) -> Any:
        """Pixels to the side."""
        return self.place + self.slope * along + self.bow * along * along

    def points(self, along: Any) -> tuple[Any, Any]:
        """x and y of places along."""
        aside, cos, sin = self.across(along), math.cos(self.turn), math.sin(self.turn)
        return self.x + along * cos - aside * sin, self.y + along * sin + aside * cos

    def told(self, x: Any, y: Any) -> tuple[Any, Any]:
        """How far along points lie, and how far beside the curve."""
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        along = (x - self.x) * cos + (y - self.y) * sin
        return along, (y - self.y) * cos - (x - self.x) * sin - self.across(along)


class _Ridges(NamedTuple):
    """Points of ridges: where, which way, how likely a wire."""

    x: Reals
    y: Reals
    turn: Reals
    sure: Reals


def strands_of(sure: Reals, least: float) -> list[Strand]:
    """Strands of a frame, the one with most gain first.

    Args:
        sure: How likely each pixel is part of a wire, 0..1, H x W.
        least: Gain below which there is none.
    """
    points = _ridges(sure)
    votes = _Votes(points, sure.shape)
    found: list[Strand] = []
    for _ in range(_MOST):
        line = votes.best()
        if line is None or votes.height < least:
            break
        strand, near = _grown(line, sure, points, votes.left)
        if strand is not None and strand.gain >= least:
            found.append(strand)
        # A strand that was bent away from those who voted for it would be found again and again.
        votes.without(near if (near & votes.voters).any() else near | votes.voters)
    return sorted(found, key=lambda strand: -strand.gain)


def _ridges(sure: Reals) -> _Ridges:
    import cv2  # on first use: it is large, and a plan needs none of it

    soft = cv2.GaussianBlur(sure, (0, 0), 1.2)
    xx, yy, xy = (cv2.Sobel(soft, cv2.CV_32F, dx, dy) for dx, dy in ((2, 0), (0, 2), (1, 1)))
    y, x = np.nonzero(soft > _FAINT)
    xx, yy, xy, here = xx[y, x], yy[y, x], xy[y, x], soft[y, x]
    turn = 0.5 * np.arctan2(2 * xy, xx - yy)
    height, width = sure.shape
    dx, dy = np.rint(-np.sin(turn)).astype(int), np.rint(np.cos(turn)).astype(int)
    beside = [soft[np.clip(y + sign * dy, 0, height - 1), np.clip(x + sign * dx, 0, width - 1)] for sign in (-1, 1)]
    kept = (here >= beside[0]) & (here >= beside[1]) & (xx + yy < 0)
    return _Ridges(*(part[kept].astype(np.float32) for part in (x, y, turn, np.maximum(here, sure[y, x]))))


class _Votes:
    """For which lines the points that are left vote."""

    def __init__(self, points: _Ridges, shape: tuple[int, ...]) -> None:
        self.left = np.ones(len(points.x), bool)
        self.voters = ~self.left
        self.height = 0.0
        self._shape = shape
        self._radius = math.hypot(*shape) / 2
        self._rows = 2 * math.ceil(self._radius / 2) + 3
        turns = np.rint(points.turn / math.pi * _TURNS).astype(int)[:, None] + np.arange(-_SPREAD, _SPREAD + 1)
        angle = turns * (math.pi / _TURNS)
        # A half turn further the same line lies on the other side.
        flip = np.where((turns // _TURNS) % 2, -1, 1)
        x, y = points.x - shape[1] / 2, points.y - shape[0] / 2
        aside = (y[:, None] * np.cos(angle) - x[:, None] * np.sin(angle)) * flip
        rows = np.rint((aside + self._radius) / 2).astype(int) + 1
        self._cells = (turns % _TURNS) * self._rows + rows
        self._weight = np.maximum(points.sure - _COST / 2, 0)
        size = _TURNS * self._rows
        weights = np.broadcast_to(self._weight[:, None], self._cells.shape)
        self._sums = np.bincount(self._cells.ravel(), weights.ravel(), size).astype(np.float32)

    def best(self) -> Strand | None:
        """The line with most votes; None where nobody is left."""
        import cv2  # on first use: it is large, and a plan needs none of it

        if not self.left.any():
            return None
        table = cv2.blur(self._sums.reshape(_TURNS, self._rows), (3, 1)) * 3
        at = int(table.argmax())
        self.height = float(table.flat[at])
        self.voters = self.left & (np.abs(self._cells - at) <= 1).any(1)
        turn, row = divmod(at, self._rows)
        return Strand(
            self._shape[1] / 2, self._shape[0] / 2, turn * math.pi / _TURNS, 2.0 * (row - 1) - self._radius,
            0.0, 0.0, -self._radius, self._radius, 0.0,
        )  # fmt: skip

    def without(self, near: npt.NDArray[np.bool_]) -> None:
        """Points that vote no more."""
        gone = near & self.left
        self.left &= ~near
        weights = np.broadcast_to(self._weight[gone, None], self._cells[gone].shape)
        self._sums -= np.bincount(self._cells[gone].ravel(), weights.ravel(), len(self._sums)).astype(np.float32)


def _grown(
    line: Strand, sure: Reals, points: _Ridges, left: npt.NDArray[np.bool_]
) -> tuple[Strand | None, npt.NDArray[np.bool_]]:
    """The best run of a line, bent to what is there, and the points that it takes."""
    strand, near = line, np.zeros(len(points.x), bool)
    for step in range(_ROUNDS):
        along, said = course(strand, sure)
        start, end, gain = most(said - _COST)
        if end - start < 4:
            _, aside = strand.told(points.x, points.y)
            return None, near | (np.abs(aside) < _NEAR)
        strand = strand._replace(start=float(along[start]), end=float(along[end - 1]), gain=gain)
        ahead = 0.4 * strand.length if step < _ROUNDS - 1 else 0.0
        where, aside = strand.told(points.x, points.y)
        near = left & (np.abs(aside) < _NEAR) & (where > strand.start - ahead) & (where < strand.end + ahead)
        if step == _ROUNDS - 1:
            return strand, near
        strand = _fitted(strand, where[near], aside[near] + strand.across(where[near]), points.sure[near], ahead)
    return strand, near


def _fitted(strand: Strand, along: Reals, across: Reals, weight: Reals, ahead: float) -> Strand:
    """A parabola through the points of a strand, which may go on by ``ahead`` on both sides."""
    if len(along) < 6:
        return strand
    middle = (strand.start + strand.end) / 2
    scale = max(strand.length / 2, 1.0)
    t = (along - middle) / scale
    design = np.stack([np.ones_like(t), t, t * t], 1) * weight[:, None]
    # A bow is told by long runs, and what a few points say of it is held back.
    ridge = np.diag([0.0, 0.0, 40.0 / scale])
    normal = design.T @ design + ridge.astype(design.dtype)
    try:
        place, slope, bow = np.linalg.solve(normal.astype(np.float64), design.T @ (across * weight))
    except np.linalg.LinAlgError:
        return strand
    slope, bow = slope / scale, bow / scale**2
    return strand._replace(
        place=place - slope * middle + bow * middle**2, slope=slope - 2 * bow * middle, bow=bow,
        start=strand.start - ahead, end=strand.end + ahead,
    )  # fmt: skip


def course(strand: Strand, picture: Reals, reach: int = 1) -> tuple[Reals, Reals]:
    """Places along a strand one pixel apart, and the most of a picture within ``reach`` pixels beside each.

    Of a line that leaves the picture the part within it.
    """
    along = places(strand)
    x, y = strand.points(along)
    height, width = picture.shape
    along = along[(x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)]
    return along, _seen(strand, picture, along, reach).max(1) if len(along) else along


def strip(strand: Strand, picture: Reals, reach: int) -> Reals:
    """A picture laid straight along a strand: a row for each pixel along, ``reach`` pixels to both sides."""
    return _seen(strand, picture, places(strand), reach)


def places(strand: Strand) -> Reals:
    """Along a strand, one pixel apart."""
    return np.arange(math.floor(strand.start), math.ceil(strand.end) + 1, dtype=np.float32)


def _seen(strand: Strand, picture: Reals, along: Reals, reach: int) -> Reals:
    import cv2  # on first use: it is large, and a plan needs none of it

    x, y = strand.points(along[:, None])
    cos, sin = math.cos(strand.turn), math.sin(strand.turn)
    aside = np.arange(-reach, reach + 1, dtype=np.float32)
    return np.asarray(
        cv2.remap(
            picture, (x - aside * sin).astype(np.float32), (y + aside * cos).astype(np.float32), cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )  # fmt: skip


def most(gains: Reals) -> tuple[int, int, float]:
    """The run with the largest sum: its start, the place after its end, the sum (J. Bentley, 1984)."""
    if not len(gains):
        return 0, 0, 0.0
    sums = np.concatenate(([0.0], np.cumsum(gains, dtype=np.float64)))
    low = np.minimum.accumulate(sums)
    end = int((sums - low).argmax())
    start = int(sums[: end + 1].argmin())
    return start, end, float(sums[end] - sums[start])
