"""What speaks for a line that lies on the film: it is found again in the frames around, and not where the scene is.

A line is known again by its slopes: what lies beneath changes little from column to column, so differences tell more
than levels. Where the scene has gone is asked twice, of what lies beside the line and of the whole picture: a groove of
a door goes with the weave of the film even where the wall beside it is dark and bare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._scratch_course import WELL, courses
from vsfilmrestore.filters._scratch_search import Maps, Run

__all__ = ["FEATURES", "LOW", "Evidence", "Known", "far_from_scene", "moves_of"]

type Reals = npt.NDArray[Any]
type Known = dict[str, float]
"""What is known of a line: `FEATURES` and their values."""

FEATURES: Final = (
    "score", "length", "whole", "height", "width", "doubt", "uneven", "there", "known", "stays", "with beside",
    "with picture", "from beside", "from picture", "surely apart", "moves", "scene moves", "leaps", "others",
)  # fmt: skip
"""What is known of a line; distances are logarithms of pixels and of `LOW` more."""
_REACH: Final = 8
"""Pixels that the scene is followed to either side."""
_FAR: Final = 6.0
"""Slopes that differ by more levels differ no more."""
_BESIDE: Final = 40
"""Pixels on either side that tell how the scene beside a line moves."""
_STEPS: Final = 3
LOW: Final = 0.03
"""Pixels that are added to how far a line lies off, of which the logarithm is told."""
_WHOLE: Final = 0.85
"""A line of this share of the height has no end in the picture."""
_NEAR: Final = 2
"""So near to a top nothing is another place."""
_FOUND: Final = 0.5
"""Share of its height at which a line is found again."""


def moves_of(mean: Reals, others: Sequence[Reals]) -> Reals:
    """By how many pixels the whole picture lies further to the right in other frames, (frames,).

    Args:
        mean: A plane averaged in blocks of rows, (blocks, width), in 8-bit levels.
        others: The same of the other frames.
    """
    here = np.diff(mean, axis=1)
    return np.array([_shift(here[:, _REACH:-_REACH], np.diff(other, axis=1)) for other in others])


def _shift(here: Reals, wide: Reals) -> float:
    """The shift at which slopes are most alike; ``wide`` has `_REACH` columns more on either side."""
    import cv2  # on first use: it is large, and a plan needs none of it

    width = here.shape[1]
    misfit = []
    for s in range(2 * _REACH + 1):
        apart = cv2.absdiff(here, wide[:, s : s + width])
        cv2.threshold(apart, _FAR, 0, cv2.THRESH_TRUNC, dst=apart)
        misfit.append(cv2.mean(apart)[0] + 1e-4 * abs(s - _REACH))
    best = int(np.argmin(misfit))
    shift, most = float(best), 2 * _REACH - 1e-3
    for _ in range(_STEPS):  # to a part of a pixel, by the slopes' own slopes
        whole = int(min(shift, most))
        part = shift - whole
        seen = (1 - part) * wide[:, whole : whole + width] + part * wide[:, whole + 1 : whole + 1 + width]
        apart = here[:, 1:-1] - seen[:, 1:-1]
        bend = (seen[:, 2:] - seen[:, :-2]) / 2
        weight = 1 / (1 + (apart / _FAR * 3) ** 2)
        step = float((weight * apart * bend).sum() / ((weight * bend**2).sum() + 1e-3))
        shift = float(np.clip(shift + np.clip(step, -0.5, 0.5), max(best - 1, 0), min(best + 1, most)))
    return shift - _REACH


class Evidence:
    """What a frame and those around it say of lines.

    Args:
        maps: Of the frame.
        around: Of the frames around, the first first.
    """

    def __init__(self, maps: Maps, around: Sequence[Maps]) -> None:
        self._maps, self._around = maps, around

    @cached_property
    def _moves(self) -> Reals:
        return moves_of(self._maps.mean, [each.mean for each in self._around])

    def of(self, run: Run, shape: Reals) -> Known:
        """What is known of a line.

        Args:
            run: Where it lies.
            shape: What it adds to each of its blocks, (blocks, 2 * n + 1), about its middle, in 8-bit levels.
        """
        known = self._of(run, shape, [run] * len(self._around))
        if known["known"] < WELL and (seen := courses(run, self._maps, self._around)):
            return self._of(run, shape, seen)
        return known

    def _of(self, run: Run, shape: Reals, seen: Sequence[Run]) -> Known:
        """The same of a line that the frames around have as ``seen``."""
        form = np.pad(np.asarray(shape.mean(0), np.float64), 1)  # the mean over its blocks, with nothing on either side
        half = len(form) // 2
        maps, around = self._maps, self._around
        span = max(round(maps.mean.shape[1] / 64), 6)
        slope = np.diff(form)
        limit = 2 * float(np.abs(slope).max()) + float(np.median(run.strip(maps.doubt, np.array([0]))))
        offsets = np.arange(-half - span, half + span + 1)
        ways = [(run, maps), *zip(seen, around, strict=True)]
        here, *others = (_alike(np.diff(r.strip(m.mean, offsets), axis=1), slope, limit) for r, m in ways)
        beside = _beside(run, maps, around, half)
        values = [*_looks(run, shape, form, maps), *_course(here[2], np.stack(others), beside, self._moves)]
        return dict(zip(FEATURES, values, strict=True))


def far_from_scene(known: Known) -> float:
    """By how many pixels a line lies off where the scene has gone: what is beside it, or the whole picture."""
    return math.exp(min(known["from beside"], known["from picture"])) - LOW


def _looks(run: Run, shape: Reals, form: Reals, maps: Maps) -> list[float]:
    """What the line looks like in its own frame."""
    height = float(np.abs(form).max()) + 1e-3
    width = float(np.abs(form).sum()) / height + 1e-3
    blocks = len(maps.mean)
    there = np.flatnonzero(np.abs(shape).max(1) > 0.3 * height)
    length = float(there[-1] - there[0] + 1) / blocks if len(there) else 0.0
    aside = round(width / 2) + 2
    left, right = (run.strip(maps.mean, side * np.arange(aside, aside + 4)).mean(1) for side in (-1, 1))
    uneven = abs(float(np.median(left - right))) / height
    doubt = height * np.sqrt(len(run.x)) / (float(np.median(run.strip(maps.doubt, np.array([0])))) + 0.1)
    return [run.score, length, float(length > _WHOLE), *np.log([height, width, doubt]).tolist(), math.log1p(uneven)]


def _alike(steps: Reals, slope: Reals, limit: float) -> Reals:
    """How much of the line is found at each offset: of its even blocks, of its odd ones, of all; (3, offsets)."""
    steps = steps.clip(-limit, limit)
    even, odd = steps[::2].mean(0), steps[1::2].mean(0) if len(steps) > 1 else steps[0]
    power = float((slope**2).sum()) + 1e-6
    return np.stack([np.correlate(each, slope, "valid") / power for each in (even, odd, steps.mean(0))])


def _beside(run: Run, maps: Maps, around: Sequence[Maps], half: int) -> Reals:
    """How the scene on both sides of a line moves, in pixels to the right; (frames,)."""
    shifts = []
    sides = [np.arange(half + 1, half + 2 + _BESIDE), np.arange(-half - 1 - _BESIDE, -half)]
    wide = [np.arange(each[0] - _REACH, each[-1] + _REACH + 1) for each in sides]
    here = [np.diff(run.strip(maps.mean, each), axis=1) for each in sides]
    for other in around:
        there = [np.diff(run.strip(other.mean, each), axis=1) for each in wide]
        shifts.append(_shift_of_both(here, there))
    return np.array(shifts)


def _shift_of_both(here: Sequence[Reals], there: Sequence[Reals]) -> float:
    """One shift for both sides: they lie one above the other, as if they were more rows."""
    return _shift(np.concatenate(list(here)), np.concatenate(list(there)))


def _course(here: Reals, seen: Reals, beside: Reals, moves: Reals) -> list[float]:
    """What the frames around say, ``seen`` being (frames, 3, offsets)."""
    middle = len(here) // 2
    start = middle - 1 + int(here[middle - 1 : middle + 2].argmax())
    origin, whole = _top(here, start), max(float(here[start]), 0.3)
    tops = seen[:, 2, 1:-1].argmax(1) + 1
    found = np.array([every[top] for every, top in zip(seen[:, 2], tops, strict=True)]) / whole
    there = found > _FOUND
    if not there.any():
        return [float(np.median(found)), 0.0, 0.0, 1.0, 1.0, *6 * [float(np.log(LOW))], 1.0]
    places = np.array([[_top(each, top) - origin for each in three] for three, top in zip(seen, tops, strict=True)])
    parts, place = places[:, :2], places[:, 2]
    half = len(found) // 2
    known = max(float(there.mean()), 0.75 * max(float(there[:half].mean()), float(there[half:].mean())))
    peak = whole * float(found[there].mean())

    def at(shift: Reals) -> float:
        return float(
            np.mean([_value(every, origin + s) for every, s in zip(seen[there, 2], shift[there], strict=True)])
        )

    apart = [float(np.quantile(np.abs(place - each)[there], 0.75)) for each in (beside, moves)]
    nearer = beside if apart[0] < apart[1] else moves
    both = float(np.mean(np.prod(parts[there] - nearer[there, None], axis=1)))
    far = [*apart, max(both, 0.0) ** 0.5, *(float(np.quantile(np.abs(each[there]), 0.75)) for each in (place, nearer)),
           _leaps(place, there)]  # fmt: skip
    shares = [at(each) / peak for each in (np.zeros_like(place), beside, moves)]
    return [float(np.median(found)), known, *shares, *np.log(np.array(far) + LOW).tolist(), _others(seen[there, 2])]


def _leaps(place: Reals, there: Reals) -> float:
    """By how many pixels a line lies off the middle between the frames before and after, in the upper quartile."""
    half = len(place) // 2
    course, known = np.insert(place, half, 0.0), np.insert(there, half, True)
    whole = known[:-2] & known[1:-1] & known[2:]
    bends = np.abs(course[1:-1] - (course[:-2] + course[2:]) / 2)[whole]
    return float(np.quantile(bends, 0.75)) if len(bends) else 2.0


def _others(seen: Reals) -> float:
    """How high the best other place is, as a share of the top."""
    rest = []
    for every in seen:
        top = int(every.argmax())
        other = np.concatenate([every[: max(top - _NEAR, 0)], every[top + _NEAR + 1 :]])
        rest.append(float(other.max(initial=0.0)) / max(float(every[top]), 1e-3))
    return float(np.mean(rest))


def _top(curve: Reals, place: int) -> float:
    """The top of a curve about one of its places, by a parabola."""
    if not 0 < place < len(curve) - 1:
        return float(place)
    low, top, high = (float(v) for v in curve[place - 1 : place + 2])
    bend = low - 2 * top + high
    return place + float(np.clip(0.5 * (low - high) / bend, -1, 1)) if bend < -1e-9 else float(place)


def _value(curve: Reals, place: float) -> float:
    return float(np.interp(place, np.arange(len(curve)), curve))
