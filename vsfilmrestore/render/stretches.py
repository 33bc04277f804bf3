"""Stretches of a shot, with all that decides their pictures: a render is found again in whatever cut shows them.

::

    source frames     0         48        96        144
    shot of one cut   .    |----+---------+---------+----|       cut at whole multiples of 48 source frames
    of the next       .         .  |------+---------+----|       trimmed: the stretches from 96 on are the same

A picture depends on the source frames within the reach of its recipe, inside the shot and its handles. So a stretch is
known by the frames it shows, by the first and the last frame that its recipe sees, and by the recipe. Where the shot
ends within reach, the frames that are seen end there, too: such a stretch is another one when the end moves.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from os import stat_result
from pathlib import Path
from typing import Final

from vsfilmrestore.media.naming import FileSequence, find_sequence
from vsfilmrestore.media.source import Media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.bind import Bound
from vsfilmrestore.render.decide import Decision
from vsfilmrestore.render.history_watch import marks
from vsfilmrestore.render.remap import remaps
from vsfilmrestore.render.verdicts import Verdicts

__all__ = ["CELL", "Shows", "SourceFiles", "Stretch", "stretches"]

CELL: Final = 48
"""Source frames between two cuts: two seconds. Smaller ones save more of a trimmed shot, and cost more files."""

_LONGEST: Final = 250
"""Record frames of a stretch at most, where many show one source frame: what a crash can cost."""

type Facts = list[object]

type Shows = tuple[int, int, int, int, int]
"""Some record frames of a stretch: 0 (own) or 1 (fading out), the first of them, how many, the frame of the source that
the first shows, and how many frames of the source further each of the next is."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Record frames of a shot that are rendered in one go.

    Attributes:
        first: First frame, counted from the shot's first.
        stop: Frame after the last.
        facts: What decides their pictures, as plain data.
        shows: Which frames of the source they show.
    """

    first: int
    stop: int
    facts: Facts
    shows: tuple[Shows, ...] = ()


class SourceFiles:
    """What tells the files behind some frames from others of the same names. Each folder and file is looked at once."""

    def __init__(self) -> None:
        self._find = cache(find_sequence)
        self._stat = cache(_stat)

    def facts(self, medium: Media, low: int, high: int) -> Facts:
        """Size and time of change of the files that frames ``low`` to ``high`` of a medium are read of."""
        digest = hashlib.sha256()
        for file in self._files(medium, low, high):
            found = self._stat(file)
            digest.update(f"{file.name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
        if medium.kind == "script":
            digest.update(medium.path.read_bytes())
        return [medium.path.name, digest.hexdigest(), medium.first_number, str(medium.rate), medium.video.num_frames]

    def _files(self, medium: Media, low: int, high: int) -> Sequence[Path]:
        if medium.kind != "sequence":
            return [medium.path]
        files: FileSequence = self._find(medium.path)
        start = medium.first_number
        first = bisect.bisect_right(files.numbers, start + low) - 1  # a missing frame may hold the one before
        stop = bisect.bisect_right(files.numbers, start + high)
        return [files.path(number) for number in files.numbers[max(first, 0) : max(stop, 1)]]


def _stat(file: Path) -> stat_result:
    return file.stat()


def stretches(
    bound: Bound, decision: Decision, before: Decision, files: SourceFiles, verdicts: Verdicts | None = None
) -> Iterator[Stretch]:
    """The stretches of a shot, in order and without holes.

    Args:
        bound: The shot with its medium.
        decision: What is done to it.
        before: What is done to the shot before, and so to what fades out over this one.
        files: Tells one source from another.
        verdicts: Repairs that were taken back.
    """
    over, fade = bound.fades_over, bound.shot.transition
    own, old = _Side(bound, files, verdicts), None if over is None else _Side(over, files, verdicts)
    mixed = 0 if over is None else min(len(over.frames), len(bound.frames))
    for first, stop in pairwise(_edges(bound, decision, own, mixed)):
        facts: Facts = [own.facts(_recipe_at(decision, bound.shot.record.start + first), first, stop)]
        if old is not None and first < mixed:
            facts.append(
                [fade.kind if fade else "", first, len(old.frames), old.facts(before.parts[-1].recipe, first, stop)]
            )
        shows = [*own.shows(0, first, stop), *(old.shows(1, first, stop) if old is not None and first < mixed else ())]
        yield Stretch(first, stop, facts, tuple(shows))


def _recipe_at(decision: Decision, frame: int) -> Recipe:
    at = bisect.bisect_right(decision.parts, frame, key=lambda part: part.frames.start) - 1
    return decision.parts[max(at, 0)].recipe


class _Side:
    """What is shown of one source."""

    def __init__(self, bound: Bound, files: SourceFiles, verdicts: Verdicts | None) -> None:
        self._bound, self._files, self.frames = bound, files, bound.frames
        self._said = verdicts.of(bound.medium.path) if verdicts and bound.medium is not None else Verdicts()
        self._length = bound.length
        medium = bound.medium
        self._number = bound.first + (medium.first_number if medium is not None else 0)

    def facts(self, recipe: Recipe, first: int, stop: int) -> Facts:
        """What decides the pictures from record frame ``first`` to ``stop``, counted from the shot's first."""
        bound, medium = self._bound, self._bound.medium
        if medium is None:
            return ["black", stop - first]
        front, back = (min(frames, recipe.reach) for frames in bound.handles)
        low, high = least, most = -front, self._length - 1 + back
        shown = self.frames[first:stop]
        if not _hangs_together(recipe, medium):
            least, most = (shown[0], shown[-1]) if isinstance(shown, range) else (min(shown), max(shown))
            low, high = max(least - recipe.reach, low), min(most + recipe.reach, high)
        seen = [self._number + low, self._number + high]
        told = self._files.facts(medium, bound.first + low, bound.first + high)
        back_again = self._taken_back(recipe, (least, most), (low, high)) if self._said else []
        between = [str(self._number + moment) for moment in bound.moments[first : stop + 1]] if remaps(recipe) else []
        return [told, self._numbers(shown), seen, recipe.key(), *back_again, *([between] if between else [])]

    def _taken_back(self, recipe: Recipe, shown: tuple[int, int], seen: tuple[int, int]) -> Facts:
        """What was said about repairs in the frames that the steps after them see."""
        found: Facts = []
        after = 0
        for step in reversed(recipe.steps):
            low, high = max(shown[0] - after, seen[0]), min(shown[1] + after, seen[1])
            if marks(step) and (rows := self._said.within(step.name, self._number + low, self._number + high)):
                found.append([step.name, rows])
            after += step.reach
        return found

    def shows(self, side: int, first: int, stop: int) -> Iterator[Shows]:
        """Which frames of the source are shown from record frame ``first`` to ``stop``."""
        if self._bound.medium is None:
            return
        shown = self.frames[first:stop]
        at = 0
        while at < len(shown):
            step = shown[at + 1] - shown[at] if at + 1 < len(shown) else 0
            end = at + 1
            while end < len(shown) and shown[end] - shown[end - 1] == step:
                end += 1
            yield side, at, end - at, self._number + shown[at], step
            at = end

    def _numbers(self, shown: Sequence[int]) -> Facts:
        if isinstance(shown, range):
            return ["to", self._number + shown[0], self._number + shown[-1]]
        return [self._number + n for n in shown]

    def edges(self) -> Iterator[int]:
        """Record frames at which another cell of source frames begins."""
        frames, number = self.frames, self._number
        if isinstance(frames, range):
            yield from (at - number for at in range(number - number % CELL + CELL, number + len(frames), CELL))
            return
        fastest = max((abs(b - a) for a, b in pairwise(frames)), default=1)
        cell = CELL * max(fastest, 1)
        for k, (a, b) in enumerate(pairwise(frames), 1):
            if (number + a) // cell != (number + b) // cell:
                yield k


def _hangs_together(recipe: Recipe, medium: Media) -> bool:
    """Whether no part of a shot can be told from the rest of it: a step looks at all, or nobody knows what is read."""
    return medium.kind == "script" or any(step.filter.depends_with(step.settings) == "clip" for step in recipe)


def _edges(bound: Bound, decision: Decision, own: _Side, mixed: int) -> list[int]:
    """Where stretches begin, and where the last one ends."""
    length, start = len(bound.shot.record), bound.shot.record.start
    inside = {mixed, *own.edges(), *(part.frames.start - start for part in decision.parts)}
    coarse = [0, *sorted(edge for edge in inside if 0 < edge < length), length]
    fine = [range(first, stop, _LONGEST) for first, stop in pairwise(coarse)]
    return [*(edge for part in fine for edge in part), length]
