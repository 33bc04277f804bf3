"""Specks on a straight way through the frames beside, whatever becomes of their shape: ice and confetti that tumble.

Their like is not to be found there, but about as much that stands out. So is much else where dirt is dense: how often
as straight a way would be found by chance is reckoned from all that stands out as much. What flies past light and dark
is now darker than what lies behind it, now lighter: so that is looked for too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._dirt_sight import LEVEL

__all__ = ["NOTHING", "Field", "flies"]

type Levels = npt.NDArray[np.floating[Any]]
type Reals = npt.NDArray[np.float64]
type Words = npt.NDArray[np.uint16]
type Box = tuple[slice, slice]

NOTHING: Final = 32768
"""What does not stand out at all."""
_LEAST: Final = (3.0, 6.0, 12.0, 24.0)
"""Levels from which on something is a part of what stands out, the highest of them that is less than"""
_OF_PEAK: Final = 0.3
"""this share of where a speck stands out most."""
_MASS: Final = 60.0
"""Levels times pixels; specks with less find as much anywhere."""
_AS_MUCH: Final = 4.0
"""So many times more or less may stand out elsewhere: half of it does where a frame is shown twice."""
_FAR: Final = 0.15
"""How far things fly from frame to frame, as a share of the picture's width."""
_APART: Final = 2.0, 0.5
"""Pixels, and share of a speck's longest side, by which it flies at least: nearer lies what is left of itself."""
_BEND: Final = 3.0, 0.2
"""Pixels, and share of a step, by which one way may be longer than the other or turn."""
_NEAREST: Final = 1.5
"""Pixels by which places are known."""
_CHANCE: Final = 0.001
"""So many ways by chance are none of dirt. Of 1,700 pieces of dirt on real film none had fewer, 12 fewer than 0.005."""


class _Parts:
    """Where parts of a picture stand out, and by how much in all: levels times pixels."""

    def __init__(self, rest: Words, least: float, light: bool | None) -> None:
        import cv2  # on first use: it is large, and a plan needs none of it

        edge = round(least * LEVEL)
        lighter, darker = rest >= NOTHING + edge, rest <= NOTHING - edge
        hot = (lighter | darker if light is None else lighter if light else darker).view(np.uint8)
        count, labels = cv2.connectedComponents(cv2.dilate(hot, np.ones((3, 3), np.uint8)), connectivity=8)
        at = np.flatnonzero(hot)
        owner, levels = labels.ravel()[at].astype(np.intp), _strength(rest.ravel()[at], light).astype(np.float64)
        y, x = np.divmod(at, rest.shape[1])
        self.mass: Reals = np.bincount(owner, levels, count)[1:]
        sums = (np.bincount(owner, levels * each, count)[1:] for each in (x, y))
        self.places: Reals = np.stack([each / self.mass for each in sums], 1)
        self.pixels = rest.size

    def as_much(self, mass: float) -> Reals:
        """Places, [part, x and y], where about as much stands out."""
        return self.places[(self.mass * _AS_MUCH >= mass) & (self.mass <= mass * _AS_MUCH)]


class Field:
    """What stands out in a frame, found when it is asked for."""

    def __init__(self, rest: Words) -> None:
        self.rest = rest
        self._parts: dict[tuple[float, bool | None], _Parts] = {}

    def parts(self, least: float, light: bool | None) -> _Parts:
        """What is lighter, darker or, with None, either by a number of levels."""
        known = self._parts.get((least, light))
        if known is None:
            known = self._parts[least, light] = _Parts(self.rest, least, light)
        return known


def _strength(rest: Levels | Words, light: bool | None) -> npt.NDArray[np.float32]:
    """By how many levels something is lighter, darker or, with None, either."""
    levels = (rest.astype(np.float32) - NOTHING) * np.float32(1 / LEVEL)
    return np.abs(levels) if light is None else levels if light else -levels


class _Speck(NamedTuple):
    """What stands out in a frame.

    Attributes:
        place: Its middle, x and y in pixels.
        longest: Longest side of its box.
        mass: By how many levels it stands out, all pixels together.
        least: What stands out by fewer levels is no part of it.
        light: Whether it is lighter than what is beneath; None if either counts.
    """

    place: Reals
    longest: int
    mass: float
    least: float
    light: bool | None

    def ways(self, field: Field) -> tuple[Reals, float]:
        """Ways to all places of another frame where about as much stands out, and how many there are for a pixel."""
        parts = field.parts(self.least, self.light)
        ways = parts.as_much(self.mass) - self.place
        return ways, len(ways) / parts.pixels


def flies(apart: Levels, box: Box, near: Sequence[Field], far: Sequence[Field | None]) -> bool:
    """Whether a speck is one of three on a straight way that dirt would not lie on by chance.

    Args:
        apart: What stands out in its box.
        box: Where that is.
        near: The frames before and after.
        far: The frames beyond those; None where there is none of its own.
    """
    light = bool(apart.mean() > NOTHING)
    specks = (_speck(apart, box, each) for each in (light, None))
    return any(_is_on_its_way(speck, near, far) for speck in specks if speck)


def _is_on_its_way(speck: _Speck, near: Sequence[Field], far: Sequence[Field | None]) -> bool:
    reach = _FAR * near[0].rest.shape[1]
    all_ways = [speck.ways(field) for field in near]
    steps = [_between(ways, _APART[0] + _APART[1] * speck.longest, reach) for ways, _ in all_ways]
    chances = [share * np.pi * reach**2 for _, share in all_ways]
    if _is_no_chance(chances[0], steps[0], -steps[0], *all_ways[1]):
        return True
    return any(
        len(step) > 0 and beyond is not None and _is_no_chance(chance, step, 2 * step, *speck.ways(beyond))
        for step, chance, beyond in zip(steps, chances, far, strict=True)
    )


def _speck(apart: Levels, box: Box, light: bool | None) -> _Speck | None:
    """What stands out in a box, lighter, darker or either; None if that is too little."""
    own = _strength(apart, light)
    least = max((each for each in _LEAST if each <= _OF_PEAK * own.max()), default=_LEAST[0])
    own[own < least] = 0
    mass = float(own.sum())
    if mass < _MASS:
        return None
    down, right = np.indices(own.shape)
    place = np.array(
        [box[1].start + float((own * right).sum()) / mass, box[0].start + float((own * down).sum()) / mass]
    )
    return _Speck(place, max(own.shape), mass, least, light)


def _between(ways: Reals, shortest: float, longest: float) -> Reals:
    """Those that are so long."""
    length = np.hypot(*ways.T)
    chosen: Reals = ways[(length >= shortest) & (length <= longest)]
    return chosen


def _is_no_chance(chance: float, steps: Reals, expected: Reals, found: Reals, share: float) -> bool:
    """Whether something lies where a step leads, nearer than all that was found would by chance.

    Args:
        chance: How many steps there are by chance.
        steps: Ways from frame to frame.
        expected: Ways to where they lead.
        found: Ways to all that was found.
        share: How many those are for a pixel.
    """
    within = _CHANCE / max(chance * share, 1e-12) / np.pi
    if not len(steps) or not len(found) or within < _NEAREST**2:
        return False
    off = np.hypot(*(expected[:, None] - found).transpose(2, 0, 1)).min(1)
    straight = off <= _BEND[0] + _BEND[1] * np.hypot(*steps.T)
    return bool((straight & (off**2 <= within)).any())
