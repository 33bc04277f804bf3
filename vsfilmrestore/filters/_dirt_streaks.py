"""Streaks of tape: one or two rows that are lost over part of their length, on a single frame.

Such a row differs from both motion-compensated neighbours, and from the rows above and below as well. Woven fields of
two moments and motion that cannot be followed differ too, but then so do the rows around.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._dirt_dose import Dose
from vsfilmrestore.filters._dirt_sight import LEVEL, Sight

__all__ = ["streaks"]

core = vs.core

type Words = npt.NDArray[np.uint16]
type Bytes = npt.NDArray[np.uint8]
type Flags = npt.NDArray[np.bool_]
type Reals = npt.NDArray[np.floating[Any]]
type Box = tuple[slice, slice]

_LEAST: Final = 9
"""Pixels; shorter streaks are specks."""
_LONG: Final = 16
"""Pixels from which on length is no more proof."""
_GAP: Final = 9
"""Pixels that may be hidden by what lies beneath."""
_SPREAD: Final = 4
"""Pixels to each side over which rows are averaged to find streaks."""
_BAND: Final = 8
"""Rows above and below a streak that must fit the neighbours."""
_WHOLE: Final = 0.7
"""Share of a streak's pixels that must stand out."""
_DEPTH: Final = 8.0
"""Levels of 8 bits by which it must stand out on the average."""
_ALIKE: Final = 0.5
"""A neighbour that holds a line so strong, as a share of the streak, shows it on its way."""
_REACH: Final = 0.04
"""Such a line is looked for within this share of the picture's width."""
_LINE: Final = "{0}[0,-1] {0}[0,1] {1} {0}[0,-1] {0}[0,2] {1} {0}[0,-2] {0}[0,1] {1} {2} {2} U! {3}"
"""By how much a pixel exceeds the rows above and below; see `_prominence`."""


def streaks(seen: Sight, share: float, dose: Dose) -> vs.VideoNode:
    """GRAY8 mask of streaks.

    Args:
        seen: The clip and its neighbours.
        share: Of the strength, for streaks.
        dose: Strength, and whether dark or bright ones are to be removed; no streak is too long.
    """
    luma, _, before, after, _ = seen.lumas
    rows = [_rows(luma, before, after, seen.noise[0], bright) for bright in (True, False)]
    wanted = [dose.polarity != "dark", dose.polarity != "bright"]
    around = [neighbour(luma, -1), neighbour(luma, 1)]
    blank = core.std.BlankClip(luma, format=vs.GRAY8, keep=True)
    reach = max(round(_REACH * luma.width), 8)

    def mark(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        pictures = _Pictures(*(np.asarray(frame[0]) for frame in f[3:]))
        for bright, there in ((True, f[1]), (False, f[2])):
            if wanted[not bright]:
                _mark(np.asarray(out[0]), np.asarray(there[0]), pictures, bright, share, dose, reach)
        return out

    return core.std.ModifyFrame(blank, [blank, *rows, luma, before, after, seen.noise[0], *around], mark)


class _Pictures(NamedTuple):
    """What a streak is measured on.

    Attributes:
        now: Luma of the frame.
        before: Of the neighbour before, moved onto it.
        after: Of the neighbour behind, moved onto it.
        noise: By how much these two differ on the local average.
        last: The frame before as it is.
        coming: The frame behind as it is.
    """

    now: Words
    before: Words
    after: Words
    noise: Words
    last: Words
    coming: Words

    def within(self, box: Box) -> _Pictures:
        return _Pictures(*(picture[box] for picture in self))


def _rows(
    luma: vs.VideoNode, before: vs.VideoNode, after: vs.VideoNode, noise: vs.VideoNode, bright: bool
) -> vs.VideoNode:
    """GRAY8, 255 where rows stand out from those above and below as they do from both neighbours."""
    out = "x y z max -" if bright else "y z min x -"
    apart = core.akarin.Expr([luma, before, after], f"{out} 0 max")
    line = _LINE.format("x", "max", "min", "x U@ -")
    across = _LINE.format("y", *(("max", "min", "y U@ -") if bright else ("min", "max", "U@ y -")))
    both = core.akarin.Expr([apart, luma], f"{line} {across} min 0 max {40 * LEVEL} min")
    mean = both.std.BoxBlur(hradius=min(_SPREAD, (luma.width - 1) // 2), hpasses=1, vradius=0, vpasses=0)
    return core.akarin.Expr([mean, noise], f"x {3 * LEVEL} y 1.2 * max > 255 0 ?", format=vs.GRAY8)


def _mark(out: Bytes, there: Bytes, pictures: _Pictures, bright: bool, share: float, dose: Dose, reach: int) -> None:
    """Set to 255 in ``out`` what is a streak of all that stands out in rows."""
    import cv2  # on first use: it is large, and a plan needs none of it

    if not there.any():
        return
    joined = cv2.morphologyEx(there, cv2.MORPH_CLOSE, np.ones((1, _GAP), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for label in range(1, count):
        left, top, across, down = (int(n) for n in stats[label, :4])
        if across < _LEAST or down > across / 2:
            continue
        columns = _trimmed(there[top : top + down, left : left + across], left)
        if columns.stop - columns.start < _LEAST:
            continue
        box = slice(max(top - _BAND, 0), top + down + _BAND), columns
        here = labels[box] == label
        strength = share * _strength(dose, bright, columns.stop - columns.start, int(here.sum()))
        if strength == 0:
            continue
        if _is_streak(pictures.within(box), here, bright, strength) and not _comes(pictures, box, here, bright, reach):
            rows = slice(top, top + down)
            out[rows, _whole_run(pictures, rows, columns)] = 255


def _strength(dose: Dose, bright: bool, length: int, area: int) -> float:
    """A streak that a hair might be is dosed as such."""
    if length > dose.longest:
        return dose.strength
    return float(dose.of(np.array([bright]), np.array([float(length)]), np.array([float(area)]))[0])


def _trimmed(there: Bytes, left: int) -> slice:
    """The columns of a piece without what averaging along the rows has added at its ends."""
    columns = np.flatnonzero(there.any(0))
    spread = min(_SPREAD, (len(columns) - _LEAST) // 2)
    return slice(left + int(columns[0]) + max(spread, 0), left + int(columns[-1]) + 1 - max(spread, 0))


def _whole_run(pictures: _Pictures, rows: slice, across: slice) -> slice:
    """The columns of a streak with all that goes on from it: it is now darker, now lighter than what lies beneath."""
    import cv2  # on first use: it is large, and a plan needs none of it

    band = slice(max(rows.start - 4, 0), rows.stop + 4)
    now, before, after, noise = (picture[band].astype(np.float32) / LEVEL for picture in pictures[:4])
    apart = np.abs(now - (before + after) / 2)
    here = np.zeros(len(apart), bool)
    here[rows.start - band.start : rows.stop - band.start] = True
    beside = ~cv2.dilate(here.astype(np.uint8), np.ones((3, 1), np.uint8)).astype(bool).ravel()
    excess = apart[here].mean(0) - apart[beside].mean(0)
    on = cv2.blur(excess[None], (_GAP, 1))[0] > np.maximum(2.0, noise[here].mean(0))
    on[across] = True
    joined = cv2.morphologyEx(on[None].astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, _GAP), np.uint8))[0] > 0
    ends = np.flatnonzero(~joined)
    first = ends[ends < across.start].max(initial=-1) + 1
    last = ends[ends >= across.stop].min(initial=len(joined))
    return slice(int(first), int(last))


def _is_streak(pictures: _Pictures, here: Flags, bright: bool, strength: float) -> bool:
    """Whether rows stand out far enough from the neighbours and from the rows around, and nothing else there does."""
    import cv2  # on first use: it is large, and a plan needs none of it

    now, before, after, noise = (picture.astype(np.float32) / LEVEL for picture in pictures[:4])
    sign = 1 if bright else -1
    apart = np.maximum(sign * now - np.maximum(sign * before, sign * after), 0)
    depth = np.minimum(_prominence(apart), _prominence(sign * now))[here]
    beside = cv2.dilate(here.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
    misfit = float(np.abs(now - (before + after) / 2)[beside].mean()) if beside.any() else 0.0
    short = max(_LONG / here.shape[1], 1.0) ** 0.5
    return bool(
        depth.mean() >= max(_DEPTH, (3 - strength) * (noise[here].mean() + 1))
        and (depth > 1).mean() >= _WHOLE
        and apart[here].mean() >= (4.5 - 2 * strength) * short * (misfit + 1)
    )


def _prominence(picture: Reals) -> Reals:
    """By how much each pixel exceeds the rows above and below, its own or the one beside it being one of two alike."""
    padded = np.pad(picture, ((2, 2), (0, 0)), mode="edge")
    up2, up, down, down2 = padded[:-4], padded[1:-3], padded[3:-1], padded[4:]
    beside = np.minimum(np.minimum(np.maximum(up, down), np.maximum(up, down2)), np.maximum(up2, down))
    found: Reals = picture - beside
    return found


def _comes(pictures: _Pictures, box: Box, here: Flags, bright: bool, reach: int) -> bool:
    """Whether a line like it lies not far off in a neighbour as it is: then something thin moves."""
    rows, columns = box
    area = slice(max(rows.start - reach, 0), rows.stop + reach), columns
    sign = 1 if bright else -1
    rows_of_it = here.any(1)
    strongest = _along(sign * pictures.now[box].astype(np.float32))[rows_of_it].max()
    others = (_along(sign * picture[area].astype(np.float32)).max() for picture in (pictures.last, pictures.coming))
    return bool(max(others) >= _ALIKE * strongest)


def _along(picture: Reals) -> Reals:
    """How far each row stands out on the average over its length."""
    means: Reals = _prominence(picture).mean(1)
    return means
