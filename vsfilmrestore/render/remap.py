"""Shots that the edit plays slower or faster, with frames made for the moments it asks for.

::

    speed 50 %     source frames    0       1       2
                   without          0   0   1   1   2   2        each frame twice
                   interpolate=24   0   ½   1   1½  2   2½       made frames, at 24 frames a second of the record side

So is a film of 16 frames a second on a record of 24: each record frame shows what was there at its moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

import vapoursynth as vs

from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters.interpolate import frames_at
from vsfilmrestore.media.timecode import exact_rate, rate_text
from vsfilmrestore.recipes import Recipe, Step
from vsfilmrestore.timeline.model import CutList, FrameRange, Shot

__all__ = ["Remap", "in_time", "record_rate", "remaps"]

_STEP = "interpolate"


@dataclass(frozen=True, slots=True)
class Remap:
    """A recipe taken apart at the step that makes the frames of another speed.

    Attributes:
        before: Steps on the frames of the source.
        step: `interpolate`.
        after: Steps on the frames of the record side.
        moments: Where each record frame lies, in frames of the source from the first shown.
        factor: Frames made for each record frame.
        rate: Of the record side.
    """

    before: Recipe
    step: Step
    after: Recipe
    moments: Sequence[Fraction]
    factor: int
    rate: Fraction

    @classmethod
    def of(cls, recipe: Recipe, moments: Sequence[Fraction], rate: Fraction) -> Remap | None:
        """How a recipe makes the frames of a shot; None where it makes none, or none are wanted.

        Raises:
            SettingError: Its rate is no whole multiple of the record side's.
        """
        places = [n for n, step in enumerate(recipe) if step.name == _STEP]
        if not places:
            return None
        step = recipe.steps[places[0]]
        wanted = exact_rate(float(str(step.complete["fps"])))
        factor = wanted / rate
        if factor.denominator != 1:
            raise SettingError(
                f"interpolate makes {rate_text(wanted)} frames a second; the cut has {rate_text(rate)}",
                hint=f"A cut holds whole multiples of its rate: interpolate={rate_text(rate)}",
            )
        if factor == 1 and all(moment.denominator == 1 for moment in moments):
            return None
        before, after = (Recipe(steps) for steps in (recipe.steps[: places[0]], recipe.steps[places[0] + 1 :]))
        return cls(before, step, after, moments, int(factor), rate)

    @property
    def around(self) -> Recipe:
        """The steps but for the one."""
        return Recipe((*self.before.steps, *self.after.steps))

    def on(self, clip: vs.VideoNode) -> vs.VideoNode:
        """The frames of the record side, of those of the source."""
        return frames_at(clip, self._all_moments(), self.rate * self.factor, self.step.complete)

    def _all_moments(self) -> Sequence[Fraction]:
        """Those within each record frame, too; the last goes on as the one before it did."""
        if self.factor == 1:
            return self.moments
        steps = [b - a for a, b in pairwise(self.moments)]
        steps.append(steps[-1] if steps else Fraction(0))
        return [
            moment + step * part / self.factor
            for moment, step in zip(self.moments, steps, strict=True)
            for part in range(self.factor)
        ]


def record_rate(recipe: Recipe, rate: Fraction) -> Fraction:
    """The rate of the record side of a film that is treated as it is: its own, or that of frames made in between.

    A whole multiple of its own needs no other record side: each of its frames is then followed by others.
    """
    wanted = next((exact_rate(float(str(step.complete["fps"]))) for step in recipe if step.name == _STEP), rate)
    return rate if (wanted / rate).denominator == 1 else wanted


def in_time(cut: CutList, rate: Fraction) -> CutList:
    """A cut of one source, played in time on a record side of another rate: the running time stays.

    Shots so short that no record frame begins within them are left out.
    """
    step = cut.rate / rate
    edges = [ceil(shot.record.start / step) for shot in cut.shots] + [ceil(len(cut) / step)]
    shots = [
        _played(shot, FrameRange(first, stop), step)
        for shot, (first, stop) in zip(cut.shots, pairwise(edges), strict=True)
        if first < stop
    ]
    return replace(cut, rate=rate, shots=tuple(shots), start=round(cut.start / step), drop=False)


def _played(shot: Shot, record: FrameRange, step: Fraction) -> Shot:
    assert shot.source is not None
    place = record.start * step
    source = replace(shot.source, start=shot.source.start + floor(place) - shot.record.start)
    return replace(shot, record=record, source=source, phase=place - floor(place))


def remaps(recipe: Recipe) -> bool:
    """Whether a recipe makes the frames of another speed: what decides its pictures are then the moments."""
    return any(step.name == _STEP for step in recipe)
