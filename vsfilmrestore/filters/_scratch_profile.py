"""What a line adds to the picture, found along it and taken off again.

The profile of a line is the same over its length; what lies beneath is not. So the median of the differences from
column to column, over all its rows, is the profile's alone (Y. Weiss, Deriving intrinsic images from image sequences,
2001). How deep the line is in each row follows by least squares among noise that is as the picture beside it, and is
smoothed as far as rows beside the line, measured in the same way, show noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Profile", "continued", "fitted", "over_rows", "without"]

type Reals = npt.NDArray[Any]

_SIDE: Final = 4
"""Columns on either side in which a line must have come to nothing."""
_WINDOWS: Final = ((129, 1.0), (43, 1.0), (15, 1.5), (5, 2.0))
"""Rows that depths are averaged over, and how many times the noise a change must exceed to be one."""
_ROUNDS: Final = 3
_AGAIN: Final = 0.15
"""By what share of its height a line may rise again to its side."""
_STRETCH: Final = 24
"""Rows that must show a line for it to go on."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A line in one plane.

    Attributes:
        rows: Rows it runs through.
        centre: Its middle in each of them, in pixels.
        added: What it adds, (rows, 2 * reach + 1), in 8-bit levels of a middle grey.
        kind: ``adds``; ``shades``, in proportion to the light; ``thins``, in proportion to density.
        open_end: How high it is where it should have come to nothing, as a share of its height.
        certain: Its height over what the same measure finds beside it.
        plain: One over the noise of its depth in a single row.
    """

    rows: npt.NDArray[np.intp]
    centre: Reals
    added: Reals
    kind: str
    open_end: float
    certain: float
    plain: float

    @property
    def reach(self) -> int:
        """Half its width."""
        return int(self.added.shape[1]) // 2


class _Strips(NamedTuple):
    """The picture along the line and, for comparison, along parallels to it: (rows, columns)."""

    line: Reals
    beside: list[Reals]
    weight: Reals
    ground: Reals


def fitted(levels: Reals, rows: npt.NDArray[np.intp], centre: Reals, reach: int, bright: bool) -> Profile:
    """The profile of a line whose place is roughly known.

    Args:
        levels: The plane in 8-bit levels.
        rows: Rows it runs through, one after the other.
        centre: Its middle in each of them, to a pixel.
        reach: Half the greatest width.
        bright: Whether it is lighter than its sides.
    """
    widest = reach
    for last in (False,) * (_ROUNDS - 1) + (True,):
        strips = _strips(levels, rows, centre, reach)
        kind, shape = _shape(strips, bright)
        noise = float(np.sqrt(np.median([np.mean(_outline(s, strips.weight) ** 2) for s in strips.beside])))
        shape = _bounded(shape * np.clip(1 - noise**2 / (shape**2 + 1e-6), 0, 1), bright)
        depth, lean, plain = _along(strips, _gain(kind, strips.ground), shape)
        if not last:
            centre = centre - np.clip(lean / np.maximum(np.abs(depth), 0.2), -0.7, 0.7)
            used = np.flatnonzero(shape)
            half = max(reach - used[0], used[-1] - reach) if len(used) else reach
            reach = int(np.clip(half + 2, 2, min(reach, widest)))
    top = float(np.abs(shape).max()) + 1e-6
    added = depth.clip(0, 3)[:, None] * shape + lean[:, None] * np.gradient(shape)
    ends = max(abs(float(shape[0])), abs(float(shape[-1]))) / top
    return Profile(rows, centre, added.astype(np.float32), kind, ends, top / (noise + 0.05), plain)


def continued(levels: Reals, line: Profile) -> tuple[npt.NDArray[np.intp], Reals] | None:
    """Rows and centre of a line where it goes on beyond what was known of it; None where it does not.

    It goes on as long as every stretch of rows shows it at a fair share of its depth.
    """
    height = len(levels)
    shape = np.median(line.added, 0)
    rows = np.arange(height)
    slope, start = np.polyfit(line.rows, line.centre, 1)
    centre = (start + slope * rows).astype(np.float32)
    inside = slice(int(line.rows[0]), int(line.rows[-1]) + 1)
    centre[: inside.start] += line.centre[0] - centre[inside.start]
    centre[inside.stop :] += line.centre[-1] - centre[inside.stop - 1]
    centre[inside] = line.centre
    strips = _strips(levels, rows, centre, line.reach)
    depth = strips.line / _gain(line.kind, strips.ground)[:, None] @ _measure(shape, strips.beside)[:, 0]
    first, stop = inside.start, inside.stop
    while first >= _STRETCH and _goes_on(depth[first - _STRETCH : first]):
        first -= _STRETCH
    while stop + _STRETCH <= height and _goes_on(depth[stop : stop + _STRETCH]):
        stop += _STRETCH
    first, stop = 0 if first < _STRETCH else first, height if stop > height - _STRETCH else stop
    known = (first, stop) == (inside.start, inside.stop)
    return None if known else (rows[first:stop], centre[first:stop])


def _goes_on(depth: Reals) -> bool:
    middle = float(np.median(depth))
    return 0.35 < middle < 2 and float(np.mean(depth > 0.1)) > 0.7


def _strips(levels: Reals, rows: npt.NDArray[np.intp], centre: Reals, reach: int) -> _Strips:
    import cv2  # on first use: it is large, and a plan needs none of it

    half = reach + _SIDE
    far = 2 * reach + _SIDE + 2
    places = [sign * (far + step) for sign in (-1, 1) for step in (0, reach + 2, 2 * reach + 3)]
    span = max(places) + half
    offsets = np.arange(-span, span + 1, dtype=np.float32)
    y = np.repeat(rows[:, None], len(offsets), 1).astype(np.float32)
    wide = cv2.remap(levels, (centre[:, None] + offsets).astype(np.float32), y, cv2.INTER_CUBIC, borderMode=1)
    line, *beside = (wide[:, span + p - half : span + p + half + 1] for p in (0, *places))
    left, right = line[:, :_SIDE].mean(1, keepdims=True), line[:, -_SIDE:].mean(1, keepdims=True)
    texture = np.median([np.abs(s[:, _SIDE:-_SIDE] - _bridge(s)).mean(1) for s in beside], 0)
    return _Strips(line, beside, 1 / (_moving_mean(texture, 9) ** 2 + 9), ((left + right) / 2)[:, 0])


def _bridge(strip: Reals) -> Reals:
    """A straight line in each row from one side to the other."""
    count = strip.shape[1] - 2 * _SIDE
    share = (np.arange(count) + (_SIDE + 1) / 2) / (count + _SIDE)
    left, right = (strip[:, side].mean(1, keepdims=True) for side in (slice(_SIDE), slice(-_SIDE, None)))
    line: Reals = left * (1 - share) + right * share
    return line


def _gain(kind: str, ground: Reals) -> Reals:
    """By how much of its depth a line shows on a ground of so many levels."""
    light = np.clip(ground, 1, 254) / 255
    gain = {"adds": np.ones_like(light), "shades": 2 * light, "thins": -2.7 * light * np.log(light)}[kind]
    return np.maximum(gain, 0.15)


def _shape(strips: _Strips, bright: bool) -> tuple[str, Reals]:
    """The profile, and how it depends on what lies beneath: as the rows agree best."""
    over = strips.line[:, _SIDE:-_SIDE] - _bridge(strips.line)
    best: tuple[float, str, Reals] | None = None
    for kind in ("adds", "thins" if bright else "shades"):
        gain = _gain(kind, strips.ground)
        shape = _outline(strips.line / gain[:, None], strips.weight * gain**2)
        misfit = float((np.abs(over - gain[:, None] * shape).mean(1) * np.sqrt(strips.weight)).sum())
        misfit *= 1.0 if kind == "adds" else 1.1
        if best is None or misfit < best[0]:
            best = misfit, kind, shape
    assert best is not None
    return best[1], best[2]


def _outline(strip: Reals, weight: Reals) -> Reals:
    """A profile out of the medians of its differences from column to column; nothing on either side."""
    steps = _median(np.diff(strip, axis=1), weight)
    shape = np.concatenate([[0], np.cumsum(steps)])
    x = np.arange(len(shape))
    first, last = (_SIDE - 1) / 2, len(shape) - 1 - (_SIDE - 1) / 2
    start, stop = shape[:_SIDE].mean(), shape[-_SIDE:].mean()
    return (shape - (start + (stop - start) * (x - first) / (last - first)))[_SIDE:-_SIDE].astype(np.float32)


def _bounded(shape: Reals, bright: bool) -> Reals:
    """The one hump in the middle, of the right sign."""
    sign = 1 if bright else -1
    shape = sign * np.maximum(sign * shape, 0)
    middle = len(shape) // 2
    near = min(2, middle)
    top = middle - near + int(np.abs(shape[middle - near : middle + near + 1]).argmax())
    low = np.abs(shape) <= 0.04 * abs(shape[top])
    low[top + 1 :] |= _rises_again(np.abs(shape[top:]))
    low[:top] |= _rises_again(np.abs(shape[top::-1]))[::-1]
    first = int(np.flatnonzero(low[:top])[-1]) + 1 if low[:top].any() else 0
    stop = top + int(np.flatnonzero(low[top:])[0]) if low[top:].any() else len(shape)
    out = np.zeros_like(shape)
    out[first:stop] = shape[first:stop]
    return out


def _rises_again(flank: Reals) -> npt.NDArray[np.bool_]:
    """Where, going down a hump from its top, another one begins: that is of something beside the line."""
    least = np.minimum.accumulate(flank)
    again = flank > least + _AGAIN * flank[0]
    if again.any():
        again[int(flank[: int(again.argmax())].argmin()) + 1] = True
    return np.logical_or.accumulate(again)[1:]


def _along(strips: _Strips, gain: Reals, shape: Reals) -> tuple[Reals, Reals, float]:
    """How deep the line is in each row, by how much of its slope it lies aside, and how plainly one row tells."""
    measure = _measure(shape, strips.beside)
    here = strips.line / gain[:, None] @ measure
    noise = np.stack([strip / gain[:, None] @ measure for strip in strips.beside])
    weight = strips.weight * gain**2
    depth = _smoothed(here[:, 0], noise[:, :, 0], weight, _WINDOWS)
    lean = _smoothed(here[:, 1], noise[:, :, 1], weight, _WINDOWS[:-1])
    return depth, lean, float(1 / (np.median(np.abs(noise[:, :, 0])) + 1e-3))


def _measure(shape: Reals, beside: Sequence[Reals]) -> Reals:
    """Weights of the columns, (columns, 2), that tell depth and lean by generalised least squares.

    The picture is taken for a random walk with grain: neighbouring columns differ little, so that the flanks of a line
    tell more than its middle. Any level and any even slope beneath are allowed for.
    """
    count = len(shape) + 2 * _SIDE
    base = np.zeros((count, 4))
    base[_SIDE:-_SIDE, 0], base[_SIDE:-_SIDE, 1] = shape, np.gradient(shape)
    base[:, 2], base[:, 3] = 1, np.linspace(-1, 1, count)
    near, far = (
        2.2 * float(np.median([np.median(np.abs(s[:, lag:] - s[:, :-lag])) for s in beside])) ** 2 for lag in (1, 4)
    )
    walk = max((far - near) / 3, 0.02 * near + 1e-3)
    grain = max((near - walk) / 2, 0.05 * walk)
    place = np.arange(count)
    spread = grain * np.eye(count) + walk * (count - np.abs(place[:, None] - place[None])) / 2
    solved = np.linalg.solve(spread, base)
    normal = base.T @ solved
    normal += np.diag([1e-4 * normal[0, 0] + 1e-9, 1e-3 * normal[1, 1] + 1e-9, 0, 0])
    return (solved @ np.linalg.inv(normal))[:, :2].astype(np.float32)


def _smoothed(
    values: Reals, noise: npt.NDArray[np.floating], weight: Reals, windows: Sequence[tuple[int, float]]
) -> Reals:
    """From the whole line's median to shorter and shorter stretches, as far as they differ by more than noise does.

    Args:
        values: One for each row.
        noise: The same measure beside the line, (places, rows).
        weight: How far to trust each row.
        windows: Rows and the factor, see `_WINDOWS`.
    """
    out: Reals = np.full(len(values), _median(values[:, None], weight)[0], np.float32)
    for rows, factor in windows:
        if rows >= 2 * len(values):
            continue
        rest = values - out
        usual = 1.48 * float(_median(np.abs(rest)[:, None], weight)[0]) + 1e-3
        trust = weight * np.minimum(1, 2 * usual / (np.abs(rest) + 1e-6))
        total = _moving_mean(trust, rows) + 1e-12
        change = _moving_mean(trust * rest.clip(-6 * usual, 6 * usual), rows) / total
        chance = np.mean([(_moving_mean(trust * each, rows) / total) ** 2 for each in noise], 0)
        chance, power = _moving_mean(chance, 4 * rows + 1), _moving_mean(change**2, 2 * rows + 1)
        out = out + change * np.clip(1 - factor * chance / (power + 1e-6), 0, 1)
    return out


def _moving_mean(values: npt.NDArray[np.floating], rows: int) -> Reals:
    import cv2  # on first use: it is large, and a plan needs none of it

    return cv2.blur(values.astype(np.float32)[:, None], (1, rows), borderType=cv2.BORDER_REFLECT)[:, 0]


def _median(values: npt.NDArray[np.floating], weight: Reals) -> Reals:
    """Weighted median of each column."""
    order = np.argsort(values, 0)
    total = np.cumsum(weight[order], 0)
    middle = (total >= total[-1:] / 2).argmax(0)
    found = np.take_along_axis(values, np.take_along_axis(order, middle[None], 0), 0)[0]
    return np.asarray(found, np.float32)


def without(levels: Reals, line: Profile) -> Reals:
    """The plane with the line taken off: what lay beneath keeps its detail and its grain."""
    import cv2  # on first use: it is large, and a plan needs none of it

    around = np.arange(-line.reach - 1, line.reach + 2)
    columns = np.floor(line.centre).astype(int)[:, None] + around
    place = (columns - line.centre[:, None] + line.reach).astype(np.float32)
    row = np.repeat(np.arange(len(line.rows), dtype=np.float32)[:, None], len(around), 1)
    added = cv2.remap(line.added, place, row, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
    inside = (columns >= 0) & (columns < levels.shape[1])
    y = np.repeat(line.rows[:, None], len(around), 1)
    seen = levels[y, columns.clip(0, levels.shape[1] - 1)]
    out = levels.copy()
    out[y[inside], columns[inside]] = _beneath(seen, added, line.kind)[inside]
    return out


def over_rows(blocks: Reals, height: int) -> Reals:
    """What is known of blocks of rows, row by row, evenly from the middle of one to the middle of the next."""
    y = (np.arange(height, dtype=np.float32) + 0.5) * len(blocks) / height - 0.5
    above = np.floor(y).astype(int)
    share = (y - above)[:, None].astype(np.float32)
    first, last = (blocks[at.clip(0, len(blocks) - 1)] for at in (above, above + 1))
    return np.asarray(first * (1 - share) + last * share, np.float32)


def _beneath(seen: Reals, added: Reals, kind: str) -> Reals:
    """What was there before the line came."""
    if kind == "shades":
        return seen / np.clip(1 + added / 127.5, 0.2, 3)
    if kind == "thins":
        share = np.clip(2.7 * added / 255, -0.9, 0.9)
        light = 255 * np.power(np.clip(seen / 255, 0.002, 1), 1 / (1 - share))
        return np.where(np.abs(seen - light) > 3 * np.abs(added) + 20, seen - added, light)
    return seen - added
