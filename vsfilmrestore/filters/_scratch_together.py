"""Lines that frames beside show as well, taken off by the profile that all of them share.

Each frame's own estimate knows nothing but that frame. What several frames agree on is better known, where one profile
explains them; where it does not, the frame's own estimate stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._scratch_joint import Seen, Shared, shared

__all__ = ["Cleaned", "together"]

type Reals = npt.NDArray[Any]

_SHORTEST: Final = 60
"""Rows of a line below which its frame's own estimate stays."""
_WIDEST: Final = 12
"""Half the width up to which a line is looked at; what is wider keeps its own estimate."""
_RIM: Final = 0.06
"""A line ends to its side where it adds less than this share of what it adds in its middle."""
_THERE: Final = 0.05
"""Levels from which on a line adds something."""
_AROUND: Final = 70
"""Columns beside a line that tell what the picture beside it is like."""
_END: Final = 24
"""Rows over which the frame's own estimate takes over towards an end in the picture."""
_MISFIT: Final = (1.5, 2.5)
"""How badly the shared profile may fit to count in full, and to count at all;"""
_SHARE: Final = 0.6
"""in full is so much: it errs by what the frames differ, a frame's own estimate by what lies beneath."""
_MISSED: Final = 1.5
_DEEP: Final = (0.6, 1.5)
"""How badly it may fit, and how deep it must be, where the frame's own estimate saw no line;"""
_SHOWN: Final = 2
"""frames beside that must show one."""
_ALIGNED: Final = 4
"""Columns by which such a line may lie aside of where the nearest frame shows it."""


class Cleaned(NamedTuple):
    """What is known of one frame of a plane.

    Attributes:
        levels: The plane in 8-bit levels, as it is.
        picture: The same without its lines.
        lines: Where they lie, (blocks, width): the number of each, less than nothing for dark ones.
    """

    levels: Reals
    picture: Reals
    lines: Reals


class _Line(NamedTuple):
    """A line of one frame: its number, the blocks and rows it runs through, and its middle in each row."""

    number: int
    blocks: npt.NDArray[np.intp]
    x: npt.NDArray[np.intp]
    rows: npt.NDArray[np.intp]
    centre: Reals


def together(own: Cleaned, beside: Sequence[Cleaned], drift: int) -> Reals:
    """The picture of a frame, its lines taken off as the frames beside show them too.

    Args:
        own: The frame.
        beside: Those beside it, the nearest first.
        drift: By how many columns a line drifts from frame to frame at most.
    """
    picture, mine = own.picture, list(_lines(own))
    shown = [(each, list(_lines(each))) for each in beside]
    for line in mine:
        reach = _reach(own, line)
        if reach > _WIDEST or len(line.rows) < _SHORTEST or not _alone(own, line, reach):
            continue
        if same := _same(line, shown, reach, drift):
            by, first = _fit(own, line, same, reach)
            picture = _replaced(picture, own, line, by, first, _fits(by))
    for line, reach, same in _missed(own, mine, shown, drift):
        moved = _aligned(own, line, same[0])
        by, first = _fit(own, moved, same, reach)
        if by.misfit <= _MISSED and _DEEP[0] <= by.depth <= _DEEP[1]:
            picture = _replaced(picture, own, moved, by, first, 1.0)
    return picture


def _fit(own: Cleaned, line: _Line, same: Sequence[tuple[Cleaned, _Line]], reach: int) -> tuple[Shared, int]:
    """What a line adds to a part of the plane, and the first column of that."""
    first = max(int(line.centre.min()) - _AROUND, 0)
    part = slice(first, int(line.centre.max()) + _AROUND)
    seen = [_seen(each, which, reach, part) for each, which in (*same, (own, line))]
    return shared(seen, len(seen) - 1, reach, line.number > 0), first


def _same(
    line: _Line, shown: Sequence[tuple[Cleaned, Sequence[_Line]]], reach: int, drift: int
) -> list[tuple[Cleaned, _Line]]:
    """The line in those frames that show it alone."""
    nearest = ((frame, _nearest(line, lines, drift)) for frame, lines in shown)
    return [(frame, found) for frame, found in nearest if found is not None and _alone(frame, found, reach)]


def _missed(
    own: Cleaned, mine: Sequence[_Line], shown: Sequence[tuple[Cleaned, Sequence[_Line]]], drift: int
) -> Iterator[tuple[_Line, int, list[tuple[Cleaned, _Line]]]]:
    """Lines that two frames beside show and this one does not, as the nearest of those frames shows them."""
    known = list(mine)
    for frame, lines in shown:
        for line in lines:
            if len(line.rows) < _SHORTEST or _nearest(line, known, 2 * drift) is not None:
                continue
            known.append(line)
            reach = _reach(frame, line)
            same = _same(line, shown, reach, 2 * drift)
            free = reach <= _WIDEST and _alone(own, line._replace(number=0), reach)
            if free and len(same) >= _SHOWN:
                yield line, reach, same


def _nearest(line: _Line, lines: Sequence[_Line], drift: int) -> _Line | None:
    """Which of the lines of another frame is this one."""
    best, least = None, float(drift)
    for each in lines:
        first, stop = max(line.rows[0], each.rows[0]), min(line.rows[-1], each.rows[-1]) + 1
        if each.number * line.number < 0 or stop - first < max(_SHORTEST, len(line.rows) // 2):
            continue
        here, there = (which.centre[first - which.rows[0] : stop - which.rows[0]] for which in (line, each))
        far = float(np.median(np.abs(here - there)))
        if far < least:
            best, least = each, far
    return best


def _aligned(own: Cleaned, line: _Line, like: tuple[Cleaned, _Line]) -> _Line:
    """A line of another frame where this one shows it, to a column."""
    half, most = _WIDEST // 2, _ALIGNED
    there = _mean_slope(like[0].levels, like[1], half)
    here = _mean_slope(own.picture, line, half + most)
    alike = np.correlate(here, there, "valid")
    return line._replace(centre=line.centre + np.float32(int(alike.argmax()) - most))


def _mean_slope(levels: Reals, line: _Line, half: int) -> Reals:
    """How levels change from column to column about a line, on the average along it."""
    columns = np.rint(line.centre).astype(np.intp)[:, None] + np.arange(-half, half + 1)
    slope: Reals = np.median(np.diff(levels[line.rows[:, None], columns.clip(0, levels.shape[1] - 1)], axis=1), 0)
    return slope


def _lines(frame: Cleaned) -> Iterator[_Line]:
    height, blocks = len(frame.levels), len(frame.lines)
    added = np.abs(frame.levels - frame.picture)
    for number in np.unique(frame.lines[frame.lines != 0]):
        where, x = np.nonzero(frame.lines == number)
        middle = np.array(
            [
                _middle(added[height * b // blocks : height * (b + 1) // blocks], c)
                for b, c in zip(where, x, strict=True)
            ]
        )
        smooth = np.convolve(np.pad(middle, 2, mode="edge"), [0.1, 0.2, 0.4, 0.2, 0.1], "valid")
        first, stop = height * int(where[0]) // blocks, height * (int(where[-1]) + 1) // blocks
        first -= _goes_on(added[:first][::-1], smooth[0])
        stop += _goes_on(added[stop:], smooth[-1])
        rows = np.arange(first, stop)
        yield _Line(
            int(number), where, x, rows, np.interp(rows, (where + 0.5) * height / blocks, smooth).astype(np.float32)
        )


def _middle(added: Reals, x: int) -> float:
    """The middle of what is added about a column, by its centre of gravity."""
    first = max(x - 3, 0)
    near = added[:, first : x + 4].sum(0)
    total = float(near.sum())
    return first + float(near @ np.arange(len(near))) / total if total > 1 else float(x)


def _goes_on(added: Reals, x: float) -> int:
    """For how many rows from the first on something is added at a column."""
    column = max(round(x), 0)
    there = added[:, max(column - 1, 0) : column + 2].max(1, initial=0) > _THERE
    return len(there) if there.all() else int(there.argmin())


def _reach(frame: Cleaned, line: _Line) -> int:
    """Half the width of a line, and two columns more in which it comes to nothing."""
    most = min(_WIDEST, _room(frame, line) // 2)
    offsets = np.arange(-most - 1, most + 2)
    columns = np.rint(line.centre).astype(np.intp)[:, None] + offsets
    at = line.rows[:, None], columns.clip(0, frame.levels.shape[1] - 1)
    mean = np.abs((frame.levels[at] - frame.picture[at]).mean(0))
    return int(np.abs(offsets[mean > _RIM * mean.max()]).max()) + 2


def _room(frame: Cleaned, line: _Line) -> int:
    """How far the next line is off, in columns."""
    columns = line.x[:, None] + np.arange(-2 * _WIDEST, 2 * _WIDEST + 1)
    near = frame.lines[line.blocks[:, None], columns.clip(0, frame.lines.shape[1] - 1)]
    others = np.flatnonzero(((near != 0) & (near != line.number)).any(0))
    return int(np.abs(others - 2 * _WIDEST).min()) if len(others) else 2 * _WIDEST


def _alone(frame: Cleaned, line: _Line, reach: int) -> bool:
    """Whether no other line lies so near that it could be taken for part of this one."""
    return _room(frame, line) >= 2 * reach - 2


def _seen(frame: Cleaned, line: _Line, reach: int, part: slice) -> Seen:
    """The line in a part of the plane that is without other lines."""
    levels = frame.picture[:, part].copy()
    columns = np.rint(line.centre).astype(np.intp)[:, None] - part.start + np.arange(-reach, reach + 1)
    at = line.rows[:, None], columns.clip(0, levels.shape[1] - 1)
    levels[at] = frame.levels[:, part][at]
    return Seen(levels, line.rows, line.centre - part.start)


def _fits(by: Shared) -> float:
    """How much of what the frames share is taken in place of the frame's own estimate."""
    good, bad = _MISFIT
    return _SHARE * float(np.clip((bad - by.misfit) / (bad - good), 0, 1))


def _replaced(picture: Reals, own: Cleaned, line: _Line, by: Shared, first: int, weight: float) -> Reals:
    """The picture with what the frames share taken off in place of what was taken off, by so much of it."""
    share = np.full(len(line.rows), weight, np.float32)
    if line.rows[0] > 0:
        share *= (np.arange(len(share)) / _END).clip(0, 1)
    if line.rows[-1] + 1 < len(picture):
        share *= (np.arange(len(share))[::-1] / _END).clip(0, 1)
    columns = by.columns + first
    rows = np.repeat(line.rows[:, None], columns.shape[1], 1)
    inside = (columns >= 0) & (columns < picture.shape[1])
    at = rows[inside], columns[inside]
    out = picture.copy()
    better = own.levels[at] - by.added[inside]
    out[at] += np.repeat(share[:, None], columns.shape[1], 1)[inside] * (better - out[at])
    return out
