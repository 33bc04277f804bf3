"""Frames of a shot that are spoilt: torn, blank, rolled, flashed, off their place; by the numbers of the pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from vsfilmrestore.assess.passing import FrameFacts, Torn
from vsfilmrestore.assess.samples import Shot
from vsfilmrestore.filters._frame_faults import AROUND, TORN, Look, find_tears, is_blank, is_flash, is_frozen
from vsfilmrestore.filters._trend import jitter

__all__ = ["Faults", "faults_of", "torn_of"]

_STRENGTH: Final = 0.5
_LONGEST: Final = 2
_MOST: Final = 16
"""Frames of a shot that are looked at for tears."""
_PAD: Final = AROUND + _LONGEST + 2
_JUMP: Final = 8.0
_LEAST_JUMP: Final = 1.2
"""Jitters, and small pixels, by which a frame stands off its place at a splice."""
_FLASH: Final = 0.06
"""Rise of the mean, 0..1, that `is_flash` alone does not take for a flash."""


class Faults(NamedTuple):
    """Spoilt frames of a shot, by number of the frame.

    Attributes:
        torn: Perhaps torn apart, those that stray most first; `torn_of` looks closer.
        ruined: Blank, or rolled so that the frame line is in the picture.
        flashes: Lit for a frame or two.
        jumps: Off their place for one frame, as at a splice.
        frozen: Copies in the place of a lost frame.
    """

    torn: list[int]
    ruined: list[int]
    flashes: list[int]
    jumps: list[int]
    frozen: list[int]


def faults_of(facts: Sequence[FrameFacts], torn: Sequence[Torn], first: int) -> Faults:
    """What is wrong with frames of one shot.

    Args:
        facts: Of its frames.
        torn: All torn frames of the film.
        first: Number of its first frame.
    """
    stop = first + len(facts)
    inside = [each for each in torn if first <= each.frame - each.left and each.frame + each.right < stop]
    looks = _padded([fact.look for fact in facts])
    places = range(_PAD, _PAD + len(facts))
    blank = [n - _PAD for n in places if is_blank(looks, n, _LONGEST, _STRENGTH)]
    lit = [n - _PAD for n in places if is_flash(looks, n, _STRENGTH) and looks[n].mean - looks[n - 1].mean > _FLASH]
    # Of two copies either may stand in the other's place; the one behind repeats the one before it.
    frozen = {n - _PAD + (looks[n].step > looks[n + 1].step) for n in places if is_frozen(looks, n, 1, _STRENGTH)}
    ruined = {*(first + n for n in blank if n not in lit), *(each.frame for each in inside if each.rolled)}
    flashes = {first + n for n in lit}
    perhaps = [each.frame for each in sorted(inside, key=lambda each: -each.share) if not each.rolled]
    torn_ones = [number for number in perhaps if number not in ruined | flashes]
    jumps = {first + n for n in _jumps(facts)} - ruined
    return Faults(torn_ones, *(sorted(each) for each in (ruined, flashes, jumps, {first + n for n in frozen})))


def torn_of(shot: Shot, perhaps: Sequence[int]) -> list[int]:
    """Which of some frames are torn, as the filter for them finds it.

    Args:
        shot: The shot they are of.
        perhaps: Their numbers, the likeliest first.
    """
    wanted = sorted(n - shot.first for n in perhaps[:_MOST] if shot.first <= n < shot.stop)
    frames = shot.frames(lambda clip: find_tears(clip.std.SetFieldBased(0), _STRENGTH, 0).small, wanted)
    found = []
    for number, frame in zip(wanted, frames, strict=True):
        with frame:
            if float(frame.props[TORN]) > 0:  # type: ignore[arg-type]
                found.append(shot.first + number)
    return found


def _padded(looks: list[Look]) -> list[Look]:
    """The looks with mirrored ones at both ends, whose steps tell nothing."""
    real = [looks[0]._replace(real=False), *looks[1:]]
    count = len(real)

    def at(n: int) -> Look:
        if count == 1:
            return real[0]._replace(real=False)
        period = 2 * (count - 1)
        place = n % period
        return real[min(place, period - place)]._replace(real=False)

    return [*(at(n) for n in range(-_PAD, 0)), *real, *(at(n) for n in range(count, count + _PAD))]


def _jumps(facts: Sequence[FrameFacts]) -> list[int]:
    """Single frames that leave their place and the next one comes back."""
    steps = np.array([fact.shift[:2] for fact in facts])
    known = np.array([fact.sure for fact in facts])
    found = []
    for axis in (0, 1):
        spread = jitter(np.cumsum(steps[:, axis]))
        limit = max(_JUMP * spread, _LEAST_JUMP)
        for n in range(1, len(facts) - 1):
            there, back = steps[n, axis], steps[n + 1, axis]
            if not (known[n] and known[n + 1]) or there * back >= 0:
                continue
            if min(abs(there), abs(back)) > limit and abs(there + back) < 0.4 * abs(there):
                found.append(n)
    return sorted(set(found))
