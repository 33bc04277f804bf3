"""The result is measured as the source was: by the same estimators, on what was written, in record frames and pixels
of the source.

Only shots that something was done to are measured: one that was left alone is as it was. A render measures no more of
them than fits in a twentieth of its own time, spread over the reel; ``report --measure`` measures all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.assess.results import Assessment, ShotMeasures
from vsfilmrestore.errors import VsfrError, plain_text
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.report.columns import Column
from vsfilmrestore.render.report.latest import Latest, Made
from vsfilmrestore.render.report.outcome_kept import Kept, KeptShot, key_of
from vsfilmrestore.render.report.written import Written
from vsfilmrestore.timeline.model import CutList

__all__ = ["Outcome", "measure_outcome", "outcome_of"]

core = vs.core

type Watch = Callable[[int, int], None]

SHARE: Final = 0.05
"""Share of the time of a render that its result may be measured for, and"""
LEAST: Final = 15.0
"""seconds that there are for it at any rate."""
_LOOK: Final = 200
"""Frames that the close look at a shot takes as long as."""
_LEVELS: Final = ("luma.low", "luma.average", "luma.high")
_SHAPE: Final = 0.02
_GOLDEN: Final = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured of the result.

    Attributes:
        shots: Measures by index of the shot; frames are record frames of the reel.
        columns: Measures of single record frames, by name; not a number where nothing was measured.
        waiting: Shots that something was done to and that were not measured.
    """

    shots: Mapping[int, ShotMeasures] = field(default_factory=dict)
    columns: Mapping[str, Column] = field(default_factory=dict)
    waiting: tuple[int, ...] = ()


def measure_outcome(
    project: Project,
    latest: Latest,
    cut: CutList,
    before: Assessment,
    treated: Sequence[int],
    *,
    bounded: bool = True,
    watch: Watch | None = None,
) -> list[str]:
    """Measure shots of the result that are not measured yet, and keep what was found in the project.

    Args:
        project: The project.
        latest: Its latest render.
        cut: The cut it shows.
        before: What was measured of the source.
        treated: Shots, by index, that something was done to.
        bounded: Whether only as much is measured as there is time for, see `SHARE`.
        watch: Told how many frames were read, and of how many.

    Returns:
        What could not be measured, a sentence each.
    """
    size = before.source.width, before.source.height
    keys = _keys(latest, cut, treated, size)
    known = Kept.known(project.folder, keys)
    wanted = [index for index in keys if index not in known]
    if not wanted:
        return []
    room = max(LEAST, SHARE * _spent(latest)) if bounded else float("inf")
    chosen = _affordable(wanted, cut, before, room)
    work = _Work(latest, cut, size, Written(project, latest), watch, sum(len(cut.shots[n].record) for n in chosen))
    remarks: dict[str, None] = {}
    began = time.monotonic()
    try:
        with Kept(project.folder) as kept:
            for index in chosen:
                if time.monotonic() - began > room:  # estimates are estimates
                    break
                try:
                    kept.add(keys[index], work.measured(index))
                except _CannotBeMeasuredError as error:
                    remarks[str(error)] = None
    except VsfrError as error:
        remarks[f"the result was not measured: {error}"] = None
    return list(remarks)


def outcome_of(project: Project, latest: Latest, cut: CutList, before: Assessment, treated: Sequence[int]) -> Outcome:
    """What is known of the result, see `measure_outcome`."""
    keys = _keys(latest, cut, treated, (before.source.width, before.source.height))
    known = Kept.known(project.folder, keys)
    shots: dict[int, ShotMeasures] = {}
    columns: dict[str, Column] = {}
    for index, shot in known.items():
        start = cut.shots[index].record.start
        shots[index] = replace(shot.measures, first=shot.measures.first + start, stop=shot.measures.stop + start)
        for name, at, values in shot.columns:
            column = columns.setdefault(name, np.full(len(cut), np.nan))
            column[np.asarray(at, int) + start] = values
    faded = _faded(known, cut, before)
    shots = {index: replace(shot, values={**shot.values, **faded.get(index, {})}) for index, shot in shots.items()}
    return Outcome(shots, columns, tuple(index for index in treated if index not in known))


def _keys(latest: Latest, cut: CutList, treated: Sequence[int], size: tuple[int, int]) -> dict[int, str]:
    """Keys of those shots that are rendered as a whole."""
    found = {}
    for index in treated:
        pieces = latest.of_shot(index, cut.shots[index].id)
        if pieces and all(made.done is not None for made in pieces):
            found[index] = key_of(pieces, size)
    return found


def _spent(latest: Latest) -> float:
    return sum(made.done.seconds for made in latest.pieces if made.done is not None)


def _affordable(wanted: Sequence[int], cut: CutList, before: Assessment, room: float) -> list[int]:
    """As many shots as there is time for, spread over the reel; none where nobody knows how long the source took.

    The first may take twice the time, so that a short film is measured.
    """
    if not before.seconds:
        return []
    looks = sum(len(shot) + _LOOK for shot in before.shots) or 1
    each = before.seconds / looks
    found: list[int] = []
    spent = 0.0
    for index in _spread(wanted):
        cost = each * (len(cut.shots[index].record) + _LOOK)
        if not found and cost > 2 * room:
            continue
        if found and spent + cost > room:
            continue
        found.append(index)
        spent += cost
    return found


def _spread(numbers: Sequence[int]) -> list[int]:
    """All numbers, in an order whose every beginning is spread over them."""
    count = len(numbers)
    turns = (int(turn * _GOLDEN % 1 * count) for turn in range(4 * count))
    places = dict.fromkeys([*turns, *range(count)])
    return [numbers[place] for place in places]


class _CannotBeMeasuredError(Exception):
    """Why a shot of the result cannot be measured."""


@dataclass(slots=True)
class _Work:
    """Measures shots."""

    latest: Latest
    cut: CutList
    size: tuple[int, int]
    written: Written
    watch: Watch | None
    total: int
    done: int = 0

    def measured(self, index: int) -> KeptShot:
        """Measures of a shot.

        Raises:
            _CannotBeMeasuredError: It cannot be read, or has another shape than its source.
        """
        from vsfilmrestore.assess.one_shot import look_at_shot  # brings OpenCV and all that measures
        from vsfilmrestore.assess.passing import LEVELS, pass_over
        from vsfilmrestore.assess.reading import Reading

        began = time.monotonic()
        shot = self.cut.shots[index]
        try:
            reading = Reading(self._clip(self.latest.of_shot(index, shot.id)))
            count = len(reading.clip)
            facts = pass_over(reading, 0, count, find_cuts=False, watch=self._watched)
            look = look_at_shot(reading, facts, 0, count, Fraction(1))
        except (VsfrError, vs.Error) as error:
            told = f"shot {shot.name or shot.id} of the result was not measured: {plain_text(error)}"
            raise _CannotBeMeasuredError(told) from error
        self.done += count
        core.clear_cache()
        columns = [(name, at.tolist(), list(values)) for name, at, values in look.columns]
        numbers = sorted(facts.frames)
        levels = [(name, [getattr(facts.frames[n], LEVELS[name]) for n in numbers]) for name in _LEVELS]
        columns += [(name, numbers, values) for name, values in levels]
        return KeptShot(look.measures, columns, look.looks, round(time.monotonic() - began, 3))

    def _watched(self, frame: int) -> None:
        if self.watch is not None:
            self.watch(self.done + frame + 1, self.total)

    def _clip(self, pieces: Sequence[Made]) -> vs.VideoNode:
        """A shot as it was written: a frame for each record frame, in the size of the source."""
        parts = [self.written.clip(made) for made in pieces]
        found = [part for part in parts if part is not None]
        if len(found) < len(parts):
            raise _CannotBeMeasuredError("the result was not measured: what was rendered is not where it was written")
        clip = core.std.Splice(found) if len(found) > 1 else found[0]
        factor = pieces[0].piece.factor
        clip = clip if factor == 1 else clip.std.SelectEvery(factor, 0)
        return self._sized(clip)

    def _sized(self, clip: vs.VideoNode) -> vs.VideoNode:
        """What was made larger, made as small again: grain, weave and dirt are then told in pixels of the source."""
        width, height = self.size
        if (clip.width, clip.height) == self.size:
            return clip
        other = abs(clip.width * height / (clip.height * width) - 1) > _SHAPE
        if other or clip.width < width:
            told = f"the result was not measured: it has {clip.width}x{clip.height} pixels, the source {width}x{height}"
            raise _CannotBeMeasuredError(told)
        fmt = clip.format
        deep = core.query_video_format(fmt.color_family, vs.INTEGER, 16, fmt.subsampling_w, fmt.subsampling_h)
        return clip.resize.Spline36(width, height, format=deep.id)


def _faded(known: Mapping[int, KeptShot], cut: CutList, before: Assessment) -> dict[int, dict[str, float | str]]:
    """Fade of the result, reel by reel, where fade of the source is known."""
    if not any(shot.looks for shot in known.values()) or not any("fade.red" in shot for shot in before.shots):
        return {}
    from vsfilmrestore.assess.one_shot import ShotLook
    from vsfilmrestore.assess.reel_colour import with_fade

    order = list(known)
    measures = [known[index].measures for index in order]
    looks = [ShotLook(known[index].measures, list(known[index].looks)) for index in order]
    sources = [cut.shots[index].source for index in order]
    told = with_fade(measures, looks, ["" if source is None else source.label for source in sources])
    return {index: {**shot.values} for index, shot in zip(order, told, strict=True)}
