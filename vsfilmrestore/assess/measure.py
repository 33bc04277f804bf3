"""A film is looked at: one pass over all frames, then samples of each shot.

::

    found = assess_clip(medium.video, name=medium.name)
    found.cuts, found.shots[3]["dirt.density"]
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.assess.one_shot import ShotLook, look_at_shot
from vsfilmrestore.assess.passing import LEVELS, FrameFacts, PassFacts, pass_over
from vsfilmrestore.assess.reading import Reading
from vsfilmrestore.assess.reel_colour import with_fade
from vsfilmrestore.assess.results import Assessment, FrameMeasures, ShotMeasures, SourceFacts
from vsfilmrestore.assess.sparse import LONGEST, SPARSE, pass_over_runs
from vsfilmrestore.assess.stored import program_version
from vsfilmrestore.errors import MediaError
from vsfilmrestore.media.naming import ranges_text
from vsfilmrestore.media.timecode import rate_text

__all__ = ["Cut", "assess_clip", "bounds_of"]

core = vs.core

type Watch = Callable[[str, int, int], None]

_CLEAR_EVERY: Final = 8
"""Shots after which frames that are kept are given back."""
_NEAR: Final = 8


@dataclass(frozen=True, slots=True)
class Cut:
    """Where shots begin, and how.

    Attributes:
        bounds: First frames of all shots, and the number of frames.
        dissolves: Those among them that lie in the middle of a dissolve.
    """

    bounds: tuple[int, ...]
    dissolves: frozenset[int]

    @property
    def ranges(self) -> list[tuple[int, int]]:
        return list(zip(self.bounds, self.bounds[1:], strict=False))


def assess_clip(
    clip: vs.VideoNode,
    *,
    cuts: Sequence[int] | None = None,
    name: str = "",
    start: str = "",
    sample_aspect: Fraction = Fraction(1),
    reels: Sequence[str] = (),
    longest: int = LONGEST,
    watch: Watch | None = None,
) -> Assessment:
    """Measure a film.

    Args:
        clip: Any constant format, grey or colour, 8 to 32 bits.
        cuts: First frames of all shots but the first; None finds them.
        name: Name of the film.
        start: Timecode of its first frame.
        sample_aspect: Width of a pixel over its height.
        reels: Of each shot, where cuts are given, what it was taken from: fade is told by all shots of one.
        longest: Frames of a film above which it is not read in full: runs of frames spread over it are.
        watch: Told what is being done, how far, and of how much.

    Raises:
        MediaError: The clip changes its format or size, or none of it can be read.
    """
    began = time.perf_counter()
    if clip.format is None or clip.format.id == 0 or not clip.width or not clip.height:
        raise MediaError("the clip changes its format or size", hint="Convert it to one with resize first")
    reading, count = Reading(clip), len(clip)
    sparse = count > longest
    facts = _passed(reading, cuts, longest, watch)
    cut = bounds_of(facts, cuts, count)
    shots, looks = _measured(reading, facts, cut, sample_aspect, watch)
    shots = with_fade(shots, looks, reels)
    columns = _columns(facts, looks, count)
    source = SourceFacts(
        name, clip.width, clip.height, count, _rate(clip), clip.format.name, float(sample_aspect), start
    )
    unreadable = tuple(sorted(reading.unreadable))
    for column in columns.values():
        column[list(unreadable)] = np.nan
    remarks = _remarks(unreadable, sparse, facts, count)
    seconds = time.perf_counter() - began
    step = max(round(count / max(len(facts.frames), 1)), 1)
    return Assessment(
        source, tuple(shots), FrameMeasures(count, columns), step, unreadable, remarks, seconds, program_version()
    )


def _rate(clip: vs.VideoNode) -> str:
    return rate_text(Fraction(clip.fps_num, clip.fps_den)) if clip.fps_num else ""


def _remarks(unreadable: tuple[int, ...], sparse: bool, facts: PassFacts, count: int) -> tuple[str, ...]:
    said = []
    if unreadable:
        many = (
            "1 frame cannot be read and was"
            if len(unreadable) == 1
            else f"{len(unreadable)} frames cannot be read and were"
        )
        said.append(f"{many} passed over: {ranges_text(sorted(unreadable), 4)}")
    if sparse:
        said.append(f"the film is long: {len(facts.frames)} of its {count} frames were read, in runs spread over it")
    return tuple(said)


def _passed(reading: Reading, cuts: Sequence[int] | None, longest: int, watch: Watch | None) -> PassFacts:
    count = len(reading.clip)

    def told(frame: int) -> None:
        if watch is not None:
            watch("reading", frame + 1, count)

    if count > longest:
        return pass_over_runs(reading, min(longest, SPARSE), find_cuts=cuts is None, watch=told)
    return pass_over(reading, 0, count, find_cuts=cuts is None, watch=told)


def bounds_of(facts: PassFacts, cuts: Sequence[int] | None, count: int) -> Cut:
    """Cuts and the middles of dissolves; given cuts are not added to, but may be found to be dissolves."""
    if cuts is not None:
        known = sorted({cut for cut in cuts if 0 < cut < count})
        slow = {cut for cut in known for at, span in facts.dissolves if abs(cut - at) <= span // 2}
        return Cut((0, *known, count), frozenset(slow))
    kept = set(facts.cuts)
    slow = set()
    for at, span in facts.dissolves:
        near = [cut for cut in kept if abs(cut - at) <= max(span // 2, _NEAR)]
        kept -= set(near)
        if 0 < at < count:
            kept.add(at)
            slow.add(at)
    return Cut((0, *sorted(kept), count), frozenset(slow))


def _measured(
    reading: Reading, facts: PassFacts, cut: Cut, aspect: Fraction, watch: Watch | None
) -> tuple[list[ShotMeasures], list[ShotLook]]:
    shots, looks = [], []
    for number, (first, stop) in enumerate(cut.ranges):
        look = look_at_shot(reading, facts, first, stop, aspect)
        transition = "start" if first == 0 else "dissolve" if first in cut.dissolves else _begins(facts, first, stop)
        shots.append(replace(look.measures, values={"transition": transition, **look.measures.values}))
        looks.append(look)
        if number % _CLEAR_EVERY == _CLEAR_EVERY - 1:
            core.clear_cache()
        if watch is not None:
            watch("measuring", stop, cut.bounds[-1])
    return shots, looks


def _begins(facts: PassFacts, first: int, stop: int) -> str:
    """Whether a shot fades in from black."""
    known = [facts.frames[n] for n in range(first, min(first + 16, stop)) if n in facts.frames]
    levels = [fact.average for fact in known]
    rises = len(levels) > 6 and levels[0] < 24 and max(levels) > levels[0] + 20
    return "fade" if rises and float(np.diff(levels).min()) > -1 else "cut"


def _columns(facts: PassFacts, looks: Sequence[ShotLook], count: int) -> dict[str, np.ndarray]:
    """The measures of all frames."""
    columns: dict[str, np.ndarray] = {}
    numbers = np.array(sorted(facts.frames), int)
    known: list[FrameFacts] = [facts.frames[int(n)] for n in numbers]
    for name, attribute in LEVELS.items():
        columns[name] = np.full(count, np.nan, np.float32)
        columns[name][numbers] = [getattr(fact, attribute) for fact in known]
    for look in looks:
        for name, numbers_of, values in look.columns:
            columns.setdefault(name, np.full(count, np.nan, np.float32))[numbers_of] = values
    return columns
