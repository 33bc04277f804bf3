"""Where vertical lines run, and whether they belong to the film or to the scene.

A picture is averaged in blocks of rows. A narrow crest in many blocks, one below the other, is a line. Whether it is a
scratch the frames around tell: a scratch stays with the film and the scene stays with itself, so one moves against the
other, be it by the fraction of a pixel that the picture weaves. A post, a groove or a door frame goes with the scene.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "REACH", "Maps", "Run", "Verdict", "blocks_of", "highest", "lines", "maps_of", "margin_of", "paths", "slope_of",
    "unpacked", "verdict",
]  # fmt: skip

type Reals = npt.NDArray[Any]
type Places = npt.NDArray[np.intp]
type Flags = npt.NDArray[np.bool_]

REACH: Final = 3
"""Half the width, in pixels, that narrow lines are looked for in."""
_BLOCK: Final = 12
"""Rows to a block."""
_EVEN: Final = 1.5
"""A crest of this many times what is usual nearby counts no more than one above it by half."""
_MOST: Final = 8
"""Lines of one kind in a frame; where there are more, it is a pattern."""
_BESIDE: Final = 30
"""Pixels on either side that tell how the scene moves."""
_THERE: Final = 0.35
"""A line ends where it is lower than this share of its height."""
_SCENE: Final = 8
"""Pixels that the scene is followed to either side."""
_HIGHER: Final = 2.0
_TURN: Final = 0.15
"""What a step aside from block to block costs a path: it must not leave a faint line for an edge of the scene."""
_MARGIN: Final = 0.015
"""Share of the width at either edge where the border of the film's picture may lie."""


class Maps(NamedTuple):
    """What is known of a plane, in blocks of rows: all of shape (blocks, width), in 8-bit levels.

    Attributes:
        mean: Mean of each column.
        doubt: Its standard error.
        crests: Height above both sides, for each half-width; then depth below them, for each half-width.
        slope: Differences across of the mean: they do not know how bright a frame is.
    """

    mean: Reals
    doubt: Reals
    crests: tuple[Reals, ...]
    slope: Reals

    def crest(self, bright: bool, scale: int) -> Reals:
        """The map of one kind of lines."""
        half = len(self.crests) // 2
        return self.crests[scale if bright else half + scale]


@dataclass(frozen=True, slots=True)
class Run:
    """A line in one frame.

    Attributes:
        first: First block.
        x: Column in each block from there on.
        score: How sure it is, summed over the blocks and divided by the blocks of the picture.
        bright: Whether it is lighter than its sides.
        scale: Which half-width it was found with.
        reach: That half-width in pixels.
    """

    first: int
    x: Places
    score: float
    bright: bool
    scale: int
    reach: int

    @property
    def lean(self) -> float:
        """By how many pixels it goes aside from block to block."""
        return float(abs(np.polyfit(np.arange(len(self.x)), self.x, 1)[0])) if len(self.x) > 1 else 0.0

    def strip(self, plane: Reals, offsets: npt.NDArray[np.intp], shift: int = 0) -> Reals:
        """Values beside the line, (blocks, offsets)."""
        rows = np.arange(self.first, self.first + len(self.x))[:, None]
        columns = self.x[:, None] + offsets[None] + shift
        values: Reals = plane[rows, columns.clip(0, plane.shape[1] - 1)]
        return values


class Verdict(NamedTuple):
    """What speaks for and against a scratch.

    Attributes:
        length: Share of the picture's height.
        height: In levels, the median over its blocks.
        higher: Share of the blocks where it is more than twice as high: there it is something else.
        uneven: Median difference between the sides over the height: along an edge one side stays the lighter one.
        rough: The same of the differences' sizes.
        known: Share of the frames around in which it is found again. It begins and ends with a frame: three quarters of
            the share on one side, where that is more.
        apart: By how many pixels, in the upper quartile of those frames, it has moved against the scene beside it.
        moved: By how many pixels the scene itself has moved, likewise: what goes with it differs by a part of that.
        own: By how many pixels the line itself has moved, likewise: what goes with the scene moves as far.
    """

    length: float
    height: float
    higher: float
    uneven: float
    rough: float
    known: float
    apart: float
    moved: float
    own: float


def maps_of(levels: Reals, reaches: Sequence[int]) -> Reals:
    """The maps of a plane in 8-bit levels, one below the other; `unpacked` takes them apart."""
    import cv2  # on first use: it is large, and a plan needs none of it

    height, width = levels.shape
    size = (width, blocks_of(height))
    mean = cv2.resize(levels, size, interpolation=cv2.INTER_AREA)
    detail = np.clip(levels - cv2.blur(levels, (2 * REACH + 3, 1)), -30, 30)
    power = cv2.resize(detail * detail, size, interpolation=cv2.INTER_AREA)
    doubt = np.sqrt(np.maximum(cv2.blur(power, (6 * REACH + 21, 3)), 0) / _BLOCK) + 0.08
    crests = [_crest(mean, reach) for reach in reaches] + [_crest(-mean, reach) for reach in reaches]
    return np.concatenate([mean, doubt, *crests]).astype(np.float32)


def highest(packed: Reals, height: int, shortest: float) -> float:
    """Height in levels that no line of a plane exceeds, wherever it leans to; of its packed maps."""
    import cv2  # on first use: it is large, and a plan needs none of it

    maps = unpacked(packed, height)
    along = (1, max(round(shortest * len(maps.mean)), 1))
    around = np.ones((1, 3), np.uint8)
    means = (cv2.blur(cv2.dilate(crest, around), along, borderType=cv2.BORDER_REFLECT) for crest in maps.crests)
    return max(float(mean.max()) for mean in means)


def margin_of(width: int) -> int:
    """Columns at either side of a plane where the edge of the film's picture may lie."""
    return max(round(_MARGIN * width), 1)


def blocks_of(height: int) -> int:
    """Into how many blocks so many rows are parted."""
    return max(height // _BLOCK, 1)


def unpacked(packed: Reals, height: int) -> Maps:
    """Maps of a plane so many pixels high."""
    parts = np.split(packed, len(packed) // blocks_of(height))
    return Maps(parts[0], parts[1], tuple(parts[2:]), slope_of(parts[0]))


def slope_of(mean: Reals) -> Reals:
    """Differences across of a plane averaged in blocks of rows, of its own size and type."""
    slope = np.zeros_like(mean)
    slope[:, 1:-1] = (mean[:, 2:] - mean[:, :-2]) / 2
    return slope


def _crest(mean: Reals, reach: int) -> Reals:
    import cv2  # on first use: it is large, and a plan needs none of it

    across = np.ones((1, 2 * reach + 1), np.uint8)
    return mean - cv2.dilate(cv2.erode(mean, across), across)


def lines(maps: Maps, reaches: Sequence[int], signs: Sequence[bool]) -> list[Run]:
    """All that may be lines, the surest first."""
    found = [
        run for scale, reach in enumerate(reaches) for bright in signs for run in _runs(maps, scale, reach, bright)
    ]
    return sorted(found, key=lambda run: -run.score * (1.0 if run.scale == 0 else 0.9))


def _runs(maps: Maps, scale: int, reach: int, bright: bool) -> Iterator[Run]:
    """The best paths from block to block, each next to none of those before."""
    import cv2  # on first use: it is large, and a plan needs none of it

    crest = maps.crest(bright, scale)
    usual = cv2.blur(crest, (81, 5))
    gain = np.clip(crest / (maps.doubt + _EVEN * usual + 0.1) - 1, -1, 1.5)
    for first, x, score in paths(gain, reach):
        yield Run(first, x, score, bright, scale, reach)


def paths(gain: Reals, reach: int) -> Iterator[tuple[int, Places, float]]:
    """First block, columns and score of the best paths through what speaks for a line in each block, -1.5 to 1.5.

    ``gain`` is used up.
    """
    margin = max(margin_of(gain.shape[1]), reach + 2)
    gain[:, :margin] = gain[:, -margin:] = -1.5
    ways = _Ways(gain)
    for _ in range(_MOST):
        first, x, total = ways.best()
        if total < 0.2 * len(gain):
            return
        yield first, x, total / len(gain)
        ways.bar(first, x)


class _Ways:
    """The largest sums of ``gain`` on the way down to each place, a way moving by a column at most from block to block.

    Where a way is barred, only those sums are reckoned anew that it may have been part of.
    """

    def __init__(self, gain: Reals) -> None:
        self._gain = gain
        self._total = np.full((len(gain), gain.shape[1] + 2), -1e9, gain.dtype)  # with nothing on either side
        self._sum(0, 0, gain.shape[1])

    def _sum(self, first: int, start: int, stop: int) -> None:
        """Reckon the sums of some columns from a block on."""
        gain, total = self._gain[:, start:stop], self._total[:, start : stop + 2]
        if first == 0:
            total[0, 1:-1] = gain[0]
        for row in range(max(first, 1), len(gain)):
            above = total[row - 1]
            before = np.maximum(above[:-2], above[2:])
            before -= _TURN
            np.maximum(before, above[1:-1], out=before)
            np.maximum(before, 0, out=before)
            np.add(gain[row], before, out=total[row, 1:-1])

    def best(self) -> tuple[int, Places, float]:
        """First block, columns and sum of the best way."""
        sums = self._total[:, 1:-1]
        row, column = (int(v) for v in np.unravel_index(int(sums.argmax()), sums.shape))
        best, x = float(sums[row, column]), [column]
        while row > 0:
            left, above, right = self._total[row - 1, column : column + 3]
            ways = above, left - _TURN, right - _TURN
            if max(ways) <= 0:
                break
            column += (0, -1, 1)[ways.index(max(ways))]
            row -= 1
            x.append(column)
        return row, np.array(x[::-1], np.intp), best

    def bar(self, first: int, x: Places) -> None:
        """Close the columns about a way to all others."""
        for row, column in enumerate(x, first):
            self._gain[row, max(column - REACH - 1, 0) : column + REACH + 2] = -1.5
        far = REACH + 1 + len(self._gain) - first
        self._sum(first, max(int(x.min()) - far, 0), min(int(x.max()) + far + 1, self._gain.shape[1]))


def verdict(run: Run, maps: Maps, around: Sequence[Maps], seen: Sequence[Run] | None = None) -> Verdict:
    """What the frame and those around it say of a line; ``seen`` is the line as each of these has it."""
    reach = run.reach
    crest = maps.crest(run.bright, run.scale)
    span = max(round(crest.shape[1] / 64), 6)
    offsets = np.arange(-span, span + 1)
    own = run.strip(crest, offsets)
    heights = own[:, span]
    height = float(np.median(heights))
    left, right = (run.strip(maps.mean, side * np.arange(reach + 1, reach + 4)).mean(1) for side in (-1, 1))
    whole = max(height, 0.1)
    against = _against_scene(
        run, maps, list(zip(around, seen or [run] * len(around), strict=True)), offsets, heights, own
    )
    shown = np.flatnonzero(heights >= _THERE * height)  # a path goes on a little where there is no line any more
    return Verdict(
        float(shown[-1] - shown[0] + 1) / len(crest) if len(shown) else 0.0,
        height,
        float(np.mean(heights > _HIGHER * whole)),
        float(abs(np.median(left - right))) / whole,
        float(np.median(np.abs(left - right))) / whole,
        *against,
    )


def _against_scene(
    run: Run, maps: Maps, around: Sequence[tuple[Maps, Run]], offsets: Places, heights: Reals, own: Reals
) -> tuple[float, float, float, float]:
    """Share of the frames around that know the line; how far it moves against the scene, the scene, and the line."""
    span = len(offsets) // 2
    least = 0.5 * min(float(heights.mean()), 1.5 * float(np.median(heights)))
    middle = own.clip(0).mean(0)
    here = _places(middle, span - 1 + int(middle[span - 1 : span + 2].argmax()), run.reach)
    far = run.reach + 2 + _BESIDE + _SCENE
    slope = run.strip(maps.slope, np.arange(-far, far + 1))
    found: dict[int, float] = {}
    motion: list[tuple[float, float]] = []
    for number, (other, there) in enumerate(around):
        crest = np.minimum(there.strip(other.crest(run.bright, run.scale), offsets), 1.5 * heights[:, None] + 0.2)
        profile = crest.mean(0)
        place = int(profile.argmax())
        if profile[place] <= least or not 0 < place < 2 * span:
            continue
        misfit = _misfits(slope, run.strip(other.slope, np.arange(-far, far + 1)))
        scene = _between(-(misfit**2), int(misfit.argmin())) - _SCENE
        # Of several lines side by side, the one that goes with the scene may be the same.
        tops = {place} | {
            x
            for x in range(round(here[0] + scene) - 1, round(here[0] + scene) + 2)
            if 0 < x < 2 * span and profile[x] > least and profile[x] >= max(profile[x - 1], profile[x + 1])
        }
        motion.append((abs(scene), float(np.abs(_places(profile, place, run.reach) - here).min())))
        found[number] = min(float(np.abs(_places(profile, x, run.reach) - here - scene).min()) for x in tops)
    if not found:
        return 0.0, 0.0, 0.0, 0.0
    half = len(around) // 2
    past = sum(number < half for number in found)
    most = max(len(found) / len(around), 0.75 * max(past, len(found) - past) / half)
    moved, leapt = (float(value) for value in np.quantile(np.array(motion), 0.75, axis=0))
    return most, float(np.quantile(list(found.values()), 0.75)), moved, leapt


def _misfits(here: Reals, there: Reals) -> Reals:
    """By how much slopes on both sides of a line differ from those of another frame, that being moved by each shift."""
    wide = _BESIDE + 2 * _SCENE
    apart = np.empty((2 * _SCENE + 1, len(here), 2, _BESIDE), here.dtype)
    for side, near in enumerate((slice(wide), slice(-wide, None))):
        shifted = np.lib.stride_tricks.sliding_window_view(there[:, near], _BESIDE, 1).swapaxes(0, 1)
        np.subtract(here[:, near][:, _SCENE:-_SCENE], shifted, out=apart[:, :, side])
    np.minimum(np.abs(apart, out=apart), 4, out=apart)
    return apart.reshape(len(apart), -1).mean(1)


def _places(crest: npt.NDArray[np.floating], place: int, reach: int) -> npt.NDArray[np.floating]:
    """The middle of a crest about one of its places, in two ways: its top and its centre of gravity.

    The first leans to whole pixels and the second to whatever lies beside; in doubt the scene is given the benefit.
    """
    near = slice(max(place - reach, 0), place + reach + 1)
    mass = np.maximum(crest[near] - 0.2 * crest[place], 0)
    middle = float((mass * np.arange(len(crest))[near]).sum() / (mass.sum() + 1e-9))
    return np.array([_between(crest, place), middle])


def _between(curve: npt.NDArray[np.floating], place: int) -> float:
    """The top of a curve about one of its places, by a parabola."""
    if not 0 < place < len(curve) - 1:
        return float(place)
    low, top, high = (float(v) for v in curve[place - 1 : place + 2])
    bend = low - 2 * top + high
    return place + 0.5 * (low - high) / bend if bend < 0 else float(place)
