"""A line as several frames show it at once: one profile across, which each frame shows at its own place and depth.

The profile is a cubic spline, fitted to the samples as they are: nothing is interpolated, so a line half a pixel wide
keeps its height. Rows count by how much the picture beside them differs, and by how well the line explains them. How
deep it is along its way, and how far aside, follow as Gaussian processes in noise that is measured beside the line, and
are as even as the likelihood says.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Seen", "Shared", "shared"]

type Reals = npt.NDArray[Any]

_KNOT: Final = 0.5
"""Pixels from knot to knot of the profile."""
_PARTS: Final = 128
"""To which part of a pixel the middle of a line is told."""
_SIDE: Final = 4
"""Columns on either side of a line in which it is nothing."""
_ROUNDS: Final = 3
_GRAIN: Final = 1.0
"""Levels that columns differ by even where the picture beside is flat."""
_FREEDOM: Final = 4.0
"""Degrees of freedom of Student's t, after which rows count that the line explains badly."""
_FARTHEST: Final = 0.5
"""Pixels that the middle is moved by in one round."""
_LAGS: Final = 80
"""Rows over which noise is like itself."""
_BINS: Final = (4, 128)
"""Rows that are taken together at least, and into how many parts a line is parted at most."""
_EVEN: Final = tuple((length, size) for length in (250.0, 80.0, 25.0, 8.0) for size in (0.03, 0.1, 0.25))
"""Over how many rows, and by how much, depth and place may change."""
_WORTH: Final = 0.5
"""Log likelihood that a change along the way must gain."""


class Seen(NamedTuple):
    """A line in one frame.

    Attributes:
        levels: The plane in 8-bit levels, without other lines.
        rows: Rows it runs through.
        centre: Its middle in each of them.
    """

    levels: Reals
    rows: npt.NDArray[np.intp]
    centre: Reals


class Shared(NamedTuple):
    """What a line adds to one of the frames.

    Attributes:
        columns: Columns of the plane, (rows, n).
        added: What it adds there, in 8-bit levels.
        depth: How deep it is, in the median of its rows, where one is the mean of the frames.
        misfit: How much of what is left differs from its sides, over what the picture beside does.
    """

    columns: npt.NDArray[np.intp]
    added: Reals
    depth: float
    misfit: float


class _Strip(NamedTuple):
    """One frame along the line: (rows, columns) about the nearest column, and as much beside it, (places, ...)."""

    line: Reals
    beside: Reals
    scale: Reals


def shared(seen: Sequence[Seen], own: int, reach: int, bright: bool) -> Shared:
    """The profile that the frames share, as deep as the frame ``own`` shows it.

    Args:
        seen: The line in some frames.
        own: Which of them is asked about.
        reach: Half its width.
        bright: Whether it is lighter than its sides.
    """
    centres = [each.centre for each in seen]
    strips = [_strip(each, reach) for each in seen]
    inverse = _inverse(strips)
    unit = max(float(np.median(np.concatenate([_distance(s.beside, inverse) / s.scale**2 for s in strips], 1))), 0.05)
    weights = [1 / (unit * s.scale**2) for s in strips]
    trust = [np.ones(len(each.rows), np.float32) for each in seen]
    depths = [np.ones(len(each.rows), np.float32) for each in seen]
    splines, bends = _table(reach, reach + _SIDE)
    for last in (False,) * (_ROUNDS - 1) + (True,):
        lines = [_line_at(each, centre, reach + _SIDE) for each, centre in zip(seen, centres, strict=True)]
        at = [_places(centre) for centre in centres]
        how = [w * t for w, t in zip(weights, trust, strict=True)]
        knots = _profile(
            lines, [splines[each] for each in at], depths, how, inverse, [s.beside for s in strips], bright
        )
        if not knots.any():
            return Shared(_columns(centres[own], 0), np.zeros((len(centres[own]), 1), np.float32), 0.0, np.inf)
        shapes, bent = splines @ knots, bends @ knots
        told = [
            _Told.of(line, s.beside, shapes[each], bent[each], w, inverse)
            for line, s, each, w in zip(lines, strips, at, how, strict=True)
        ]
        depths = _depths(told, [each.rows for each in seen])
        if last:
            depths[own] = _smooth(told[own].depth, depths[own])
        off = [
            _distance((line - depth[:, None] * shapes[each])[None], inverse)[0] * w
            for line, depth, each, w in zip(lines, depths, at, weights, strict=True)
        ]
        if not last:
            width = inverse.shape[0]
            trust = [((_FREEDOM + width) / (_FREEDOM + width * each)).astype(np.float32) for each in off]
            moved = [_smooth(t.aside, np.zeros(len(d))) / np.maximum(d, 0.3) for t, d in zip(told, depths, strict=True)]
            centres = [c + m.clip(-_FARTHEST, _FARTHEST) for c, m in zip(centres, moved, strict=True)]
    wide = reach + 1
    added = depths[own].clip(0, 3)[:, None] * (_table(reach, wide)[0] @ knots)[_places(centres[own])]
    return Shared(
        _columns(centres[own], wide),
        added.astype(np.float32),
        float(np.median(depths[own])),
        float(np.median(off[own])),
    )


def _columns(centre: Reals, half: int) -> npt.NDArray[np.intp]:
    columns: npt.NDArray[np.intp] = np.rint(centre).astype(np.intp)[:, None] + np.arange(-half, half + 1)
    return columns


def _line_at(seen: Seen, centre: Reals, half: int, aside: int = 0) -> Reals:
    columns = _columns(centre, half) + aside
    last = seen.levels.shape[1] - 1
    got: Reals = seen.levels[seen.rows[:, None], last - np.abs(last - np.abs(columns))]
    return got


def _strip(seen: Seen, reach: int) -> _Strip:
    half = reach + _SIDE
    near, step = 2 * reach + 2 * _SIDE, half + 1
    places = [sign * (near + n * step) for sign in (-1, 1) for n in range(3)]
    beside = np.stack([_line_at(seen, seen.centre, half, place) for place in places])
    steps = np.median(np.abs(np.diff(beside, axis=2)).mean(2), 0)
    return _Strip(beside[0], beside, np.sqrt(_even(steps**2) + _GRAIN))


def _even(values: Reals, rows: int = 9) -> Reals:
    import cv2  # on first use: it is large, and a plan needs none of it

    return cv2.blur(values.astype(np.float32)[:, None], (1, rows), borderType=cv2.BORDER_REFLECT)[:, 0]


@lru_cache(maxsize=16)
def _table(reach: int, half: int) -> tuple[Reals, Reals]:
    """Cubic B-splines in columns about the one nearest to the middle, nothing from ``reach`` on, and how they change.

    For each place of the middle within the column, `_PARTS` + 1 of them: (places, columns, knots).
    """
    knots = np.arange(-reach + 2 * _KNOT, reach - 2 * _KNOT + 1e-6, _KNOT)
    middle = np.arange(_PARTS + 1) / _PARTS - 0.5
    z = (np.arange(-half, half + 1)[None, :, None] - middle[:, None, None] - knots) / _KNOT
    far = np.abs(z)
    near, aside = 2 / 3 - far**2 + far**3 / 2, np.maximum(2 - far, 0) ** 3 / 6
    steep, flat = 2 * far - 1.5 * far**2, np.maximum(2 - far, 0) ** 2 / 2
    basis = np.where(far < 1, near, aside)
    bent = np.sign(z) * np.where(far < 1, steep, flat) / _KNOT
    return basis.astype(np.float32), bent.astype(np.float32)


def _places(centre: Reals) -> npt.NDArray[np.intp]:
    """Where the middle lies within its column, as `_table` counts."""
    return np.rint((centre - np.rint(centre) + 0.5) * _PARTS).astype(np.intp)


def _inverse(strips: Sequence[_Strip]) -> Reals:
    """The inverse covariance of a row: a random walk with grain, of any level and any even slope."""
    rows = np.concatenate([(s.beside / s.scale[:, None]).reshape(-1, s.beside.shape[2]) for s in strips])
    near, far = (2.2 * float(np.median(np.abs(rows[:, lag:] - rows[:, :-lag]))) ** 2 for lag in (1, 4))
    walk = max((far - near) / 3, 0.02 * near + 1e-4)
    grain = max((near - walk) / 2, 0.05 * walk)
    place = np.arange(rows.shape[1]) - rows.shape[1] // 2
    spread = grain * np.eye(len(place)) + walk * (len(place) - np.abs(place[:, None] - place)) / 2
    spread += walk * (1e4 + 1e2 * np.outer(place, place) / len(place) ** 2)
    return np.linalg.inv(spread).astype(np.float32)


def _distance(rows: Reals, inverse: Reals) -> Reals:
    """How far rows lie off an even one, (places, rows)."""
    far: Reals = ((rows @ inverse) * rows).sum(2) / rows.shape[2]
    return far


def _profile(
    lines: Sequence[Reals], bases: Sequence[Reals], depths: Sequence[Reals], weights: Sequence[Reals],
    inverse: Reals, besides: Sequence[Reals], bright: bool,
) -> Reals:  # fmt: skip
    """The knots of the profile by least squares, as far as they exceed what the same gives beside the line."""
    count, places = bases[0].shape[2], len(besides[0])
    normal, right = np.zeros((count, count)), np.zeros((count, 1 + places))
    for line, base, depth, weight, beside in zip(lines, bases, depths, weights, besides, strict=True):
        design = base * depth[:, None, None]
        heavy = inverse @ design * weight[:, None, None]
        flat = heavy.reshape(-1, count)
        normal += flat.T @ design.reshape(-1, count)
        right += flat.T @ np.concatenate([line[None], beside]).reshape(1 + places, -1).T
    rough = np.diff(np.eye(count + 6), 3, axis=0)[:, 3:-3]
    normal += 5e-5 * np.trace(normal) / count * (rough.T @ rough)
    found = np.linalg.solve(normal, right)
    knots = found[:, 0] * (1 if bright else -1)
    noise = (found[:, 1:] ** 2).mean(1)
    sign = 1 if bright else -1
    return sign * np.where(knots > 0, knots * (1 - noise / (knots**2 + 1e-9)).clip(0, 1), 0).astype(np.float32)


class _Course(NamedTuple):
    """Something told row by row: its values, how sure each is, and the same measure beside, (places, rows)."""

    values: Reals
    sure: Reals
    noise: Reals


class _Told(NamedTuple):
    """How deep a line is in each row, and by how many pixels of its depth it lies aside."""

    depth: _Course
    aside: _Course

    @classmethod
    def of(cls, line: Reals, beside: Reals, shape: Reals, bent: Reals, weight: Reals, inverse: Reals) -> _Told:
        """By least squares, both at once."""
        deep, far = shape @ inverse, bent @ inverse
        dd, df, ff = (deep * shape).sum(1) + 1e-9, (deep * bent).sum(1), (far * bent).sum(1) + 1e-9
        both = np.maximum(dd * ff - df**2, 1e-6 * dd * ff)
        rows = np.concatenate([line[None], beside])
        in_deep, in_far = (rows * deep).sum(2), (rows * far).sum(2)
        depth, aside = (in_deep * ff - in_far * df) / both, (in_far * dd - in_deep * df) / both
        return cls(
            *(_Course(each[0], weight * sure, each[1:]) for each, sure in ((depth, both / ff), (aside, both / dd)))
        )


def _depths(told: Sequence[_Told], rows: Sequence[npt.NDArray[np.intp]]) -> list[Reals]:
    """How deep the line is in the mean of the frames, for each of them."""
    first, stop = min(int(each[0]) for each in rows), max(int(each[-1]) for each in rows) + 1
    places = len(told[0].depth.noise)
    sums, sure, noise = np.zeros(stop - first), np.full(stop - first, 1e-9), np.zeros((places, stop - first))
    for each, at in zip(told, rows, strict=True):
        part = slice(int(at[0]) - first, int(at[-1]) - first + 1)
        sums[part] += each.depth.sure * each.depth.values
        sure[part] += each.depth.sure
        noise[:, part] += each.depth.sure * each.depth.noise
    mean = _smooth(_Course(sums / sure, sure, noise / sure), None)
    return [mean[int(at[0]) - first : int(at[-1]) - first + 1] for at in rows]


def _smooth(course: _Course, mean: Reals | None) -> Reals:
    """What a course is, as even as the likelihood says; about a mean, or about any level."""
    count = len(course.values)
    bins = min(max(count // _BINS[0], 1), _BINS[1])
    of = np.arange(count) * bins // count
    sure = np.bincount(of, course.sure) + 1e-9
    about = np.ones(count) if mean is None else mean
    values = np.bincount(of, course.sure * (course.values - about)) / sure
    place = np.bincount(of, np.arange(count)) / np.bincount(of)
    apart = place[:, None] - place
    noise = _noise(course, np.abs(apart)) / np.sqrt(sure[:, None] * sure)
    noise[np.diag_indices(bins)] += 0.02 / sure
    level = 1.0 if mean is None else 1e-6
    best = -np.inf
    found = np.zeros(bins)
    for length, size in ((1.0, 0.0), *_EVEN):
        signal = level + size**2 * np.exp(-0.5 * (apart / length) ** 2)
        lower = np.linalg.cholesky(signal + noise)
        white = np.linalg.solve(lower, values)
        likely = -0.5 * float(white @ white) - float(np.log(np.diag(lower)).sum())
        if likely > best + _WORTH:
            best, found = likely, signal @ np.linalg.solve(lower.T, white)
    smooth: Reals = (about + np.interp(np.arange(count), place, found)).astype(np.float32)
    return smooth


def _noise(course: _Course, apart: Reals) -> Reals:
    """The covariance of a course's noise in parts so many rows apart, one row of which is as sure as 1."""
    unit = course.noise * np.sqrt(course.sure)
    usual = 1.48 * float(np.median(np.abs(unit))) + 1e-6
    unit = unit.clip(-4 * usual, 4 * usual)
    count, lags = unit.shape[1], min(_LAGS, unit.shape[1])
    power = (np.abs(np.fft.rfft(unit, 2 * count, axis=1)) ** 2).mean(0)
    like = np.fft.irfft(power)[:lags] / count * (1 - np.arange(lags) / lags)
    rows = max(round(count / len(apart)), 1)
    within = rows - np.abs(np.arange(1 - rows, rows))  # how often rows of two parts lie so far apart, beside the parts
    lag = np.arange(lags + 2 * rows)
    wide = np.concatenate([like, np.zeros(2 * rows)])
    mean = np.array([np.interp(np.abs(at + np.arange(1 - rows, rows)), lag, wide) @ within for at in lag]) / rows
    noise: Reals = np.interp(apart, lag, mean, right=0.0)
    return noise
