"""Very long films: runs of frames, spread evenly, stand for the whole; cuts between runs are found by halving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.assess.passing import PassFacts, pass_over
from vsfilmrestore.assess.reading import Reading

__all__ = ["LONGEST", "SPARSE", "pass_over_runs"]

LONGEST: Final = 360_000
"""Frames of a film that is read in full: four hours at 25 frames per second."""
SPARSE: Final = 60_000
"""Frames that are read of a longer one."""
_RUN: Final = 48
_ALIKE: Final = 0.8
"""Correlation of two pictures that are of one shot."""
_FLAT: Final = 2.0
_SIZE: Final = (48, 36)


def pass_over_runs(
    reading: Reading, wanted: int, *, find_cuts: bool = True, watch: Callable[[int], None] | None = None
) -> PassFacts:
    """Facts of about ``wanted`` frames of a film, in runs of 48.

    Between two runs one cut is found where their ends look unlike; a shot that lies between two runs as a whole is
    not seen.
    """
    count = len(reading.clip)
    runs = max(wanted // _RUN, 2)
    starts = sorted({int(n * (count - _RUN) / (runs - 1)) for n in range(runs)}) if count > _RUN else [0]
    facts = PassFacts()
    last = -1
    for start in starts:
        first = max(start, last + 1)
        stop = min(start + _RUN, count)
        if stop - first < 2:
            continue
        part = pass_over(reading, first, stop, find_cuts=find_cuts, watch=watch)
        if find_cuts and last >= 0 and (cut := _cut_between(reading, last, first)):
            facts.cuts.append(cut)
        facts.cuts += part.cuts
        facts.frames |= part.frames
        facts.dissolves += part.dissolves
        facts.torn += part.torn
        facts.stains += part.stains
        facts.scale, facts.width = part.scale, part.width
        last = stop - 1
    return facts


def _cut_between(reading: Reading, left: int, right: int) -> int:
    """First frame of the shot that ``right`` belongs to, if ``left`` belongs to another; 0 if they are one shot."""
    before, after = _thumb(reading, left), _thumb(reading, right)
    if _alike(before, after):
        return 0
    while right - left > 1:
        middle = (left + right) // 2
        seen = _thumb(reading, middle)
        if _closeness(seen, before) >= _closeness(seen, after):
            left, before = middle, seen
        else:
            right, after = middle, seen
    return right


def _thumb(reading: Reading, number: int) -> Any:
    def small(clip: vs.VideoNode) -> vs.VideoNode:
        if clip.format.color_family == vs.RGB:
            return clip.resize.Bilinear(*_SIZE, format=vs.GRAY16, matrix=vs.MATRIX_BT709)
        return clip.std.ShufflePlanes(0, vs.GRAY).resize.Bilinear(*_SIZE, format=vs.GRAY16)

    for _, frame in reading.frames(small, number, number + 1):
        with frame:
            return np.asarray(frame[0]).astype(np.float64).ravel() / 256
    raise IndexError(number)


def _closeness(a: Any, b: Any) -> float:
    if a.std() < _FLAT or b.std() < _FLAT:
        return 1 - min(float(np.abs(a - b).mean()) / 32, 1.0)
    return float(np.corrcoef(a, b)[0, 1])


def _alike(a: Any, b: Any) -> bool:
    return _closeness(a, b) > _ALIKE
