"""Where exactly a wire runs along a path that was drawn roughly.

The picture beside the path is laid straight, the path upright in the middle. There a wire is a thin line from end to
end, and the best line of all is taken: the one that stands out from both its sides in the most places, in the frame and
in what it differs by from its neighbours, and that lies where it lies in the frames beside. Whoever drew the path saw a
wire, so little evidence will do; where there is hardly more than grain gives by chance, nothing is found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._dirt_sight import LEVEL
from vsfilmrestore.filters._wire_rims import filled_between, reach_across, rims_of

__all__ = ["wires_along"]

core = vs.core

type Reals = npt.NDArray[np.float32]
type Whole = npt.NDArray[np.intp]
type Points = Sequence[tuple[float, float]]

_PIECE: Final = 4
"""Pixels along the path that are averaged."""
_ALONG: Final = 13
"""Pixels along the path over which it is told what stands out."""
_AROUND: Final = 65
"""Pixels along the path over which it is told by how much things stand out there anyway."""
_FINE: Final = 0.7
"""Levels of 8 bits by which they do at least."""
_MOST: Final = 3.0
"""What stands out by more times that says no more: a wire is long, an outline is strong."""
_STRAIGHT: Final = 4
"""Pieces along which a line is straight."""
_STEEPEST: Final = 4
"""Pixels by which it may go aside on these."""
_TURN: Final = 0.5
"""What it costs to go aside by a pixel more or less than on those before: wires sag,"""
_BEND: Final = 3.0
"""and for each pixel but the first: they hardly bend."""
_BESIDE: Final = 0.3
"""What it costs to run at the rim of the band; a path is rather right."""
_APART: Final = (0.02, 1.5)
"""What lying elsewhere than in the frames beside costs, for a pixel, squared, and at most."""
_NOTHING: Final = 0.7
"""Less than this on the average is grain, in all three frames: the path is drawn where there is no wire."""
_STEADY: Final = 7
"""Pieces over which the line is smoothed."""


class _Laid(NamedTuple):
    """A path by single pixels along it: where they lie, and which way is across."""

    x: Reals
    y: Reals
    across_x: Reals
    across_y: Reals

    def moved(self, aside: Reals) -> tuple[Reals, Reals]:
        """x and y of places beside the path, one for each pixel along or a row of them."""
        ends = (slice(None),) + (None,) * (aside.ndim - 1)
        return self.x[ends] + aside * self.across_x[ends], self.y[ends] + aside * self.across_y[ends]

    def strip(self, picture: Reals, middle: Reals, reach: int) -> Reals:
        """A picture laid straight: a row for each pixel along, ``reach`` pixels to both sides of a line beside it."""
        import cv2  # on first use: it is large, and a plan needs none of it

        x, y = self.moved(middle[:, None] + np.arange(-reach, reach + 1, dtype=np.float32)[None])
        return np.asarray(
            cv2.remap(
                picture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        )


def wires_along(luma: vs.VideoNode, behind: vs.VideoNode, path: Points, band: float, thickness: float) -> vs.VideoNode:
    """GRAY8: the wire near a path from rim to rim.

    Args:
        luma: GRAY16.
        behind: What other frames show there.
        path: Points in pixels, two or more.
        band: How far from the path a wire may lie, in pixels.
        thickness: Greatest width in pixels.
    """
    blank = core.std.BlankClip(luma, format=vs.GRAY8, keep=True)
    laid = _laid(path, band)
    around = [neighbour(each, d) for d in (-1, 0, 1) for each in (luma, behind)]

    def draw(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        mask, pictures = np.asarray(out[0]), [(np.asarray(each[0]) / LEVEL).astype(np.float32) for each in f[1:]]
        there = [_gains(laid, pictures[i], pictures[i + 1], band, thickness) for i in (0, 2, 4)]
        line = _nearest(there)
        if max(_gained(each, _best(each)) for each in there) < _NOTHING:
            return out
        aside = _smooth(line, len(laid.x)) - round(band)
        low, high = rims_of(laid.strip(pictures[2], aside, reach_across(thickness)), thickness)
        filled_between(mask, laid.moved(aside - low), laid.moved(aside + high))
        return out

    return core.std.ModifyFrame(blank, [blank, *around], draw)


def _laid(path: Points, band: float) -> _Laid:
    """A path with its corners rounded, and a little longer at both ends."""
    points = np.array(path, np.float64)
    points = points[np.r_[True, (np.diff(points, axis=0) != 0).any(1)]]
    if len(points) < 2:
        points = points[[0, 0]] + ((0.0, 0.0), (1.0, 0.0))
    steps = np.hypot(*np.diff(points, axis=0).T)
    far = np.concatenate(([0.0], np.cumsum(steps)))
    beyond = band / 2
    along = np.arange(-beyond, far[-1] + beyond + 0.5)
    ways = [_beyond(along, far, points[:, i]) for i in (0, 1)]
    half = round(min(2 * band, far[-1] / 4))
    x, y = (_rounded(way, half) for way in ways)
    dx, dy = np.gradient(x), np.gradient(y)
    size = np.maximum(np.hypot(dx, dy), 1e-6)
    return _Laid(*(part.astype(np.float32) for part in (x, y, -dy / size, dx / size)))


def _beyond(along: npt.NDArray[np.float64], far: npt.NDArray[np.float64], way: npt.NDArray[np.float64]) -> Reals:
    """One coordinate of a path, which goes straight on at both ends."""
    out = np.interp(along, far, way)
    for part, one, other in ((along < 0, 0, 1), (along > far[-1], -1, -2)):
        out[part] = way[one] + (along[part] - far[one]) * (way[other] - way[one]) / (far[other] - far[one])
    return np.asarray(out)


def _rounded(way: Reals, half: int) -> Reals:
    """The mean over ``half`` steps to both sides, less of them towards the ends."""
    count = len(way)
    at = np.arange(count)
    reach = np.minimum(half, np.minimum(at, count - 1 - at))
    sums = np.concatenate(([0.0], np.cumsum(way)))
    return np.asarray((sums[at + reach + 1] - sums[at - reach]) / (2 * reach + 1))


def _gains(laid: _Laid, luma: Reals, behind: Reals, band: float, thickness: float) -> Reals:
    """What speaks for a wire at each piece and place: dark ones in the first layer, bright ones in the second."""
    import cv2  # on first use: it is large, and a plan needs none of it

    reach = round(band) + math.ceil(thickness / 2) + 5
    middle = np.zeros_like(laid.x)
    pieces = max(round(len(laid.x) / _PIECE), 1)
    total = np.zeros((2, pieces, 2 * round(band) + 1), np.float32)
    for picture in (luma, luma - behind):
        soft = np.asarray(cv2.blur(laid.strip(picture, middle, reach), (1, min(_ALONG, len(laid.x)))), np.float32)
        apart = np.stack([_apart(soft, width) for width in {1, max(1, round(thickness / 2))}])
        usual = _usual(apart[0].mean(0))
        for layer, signed in enumerate((-apart, apart)):
            plain = signed.min(1).max(0) / usual
            gain = np.clip(plain - 0.5, -0.5, _MOST)[:, reach - round(band) : reach + round(band) + 1]
            total[layer] += cv2.resize(gain, (gain.shape[1], pieces), interpolation=cv2.INTER_AREA)
    return total


def _apart(soft: Reals, half: int) -> Reals:
    """By how much each place stands out from its two sides."""
    import cv2  # on first use: it is large, and a plan needs none of it

    inner = cv2.blur(soft, (2 * half - 1, 1))
    side = cv2.blur(soft, (3, 1))
    off = half + 2
    padded = np.pad(side, ((0, 0), (off, off)), mode="edge")
    return np.stack((inner - padded[:, : -2 * off], inner - padded[:, 2 * off :]))


def _usual(apart: Reals) -> Reals:
    """By how much things stand out about each pixel along: a standard deviation, told by the median."""
    import cv2  # on first use: it is large, and a plan needs none of it

    each = 1.4826 * np.median(np.abs(apart), axis=1).astype(np.float32)
    return np.asarray(np.maximum(cv2.blur(each.reshape(1, -1), (min(_AROUND, len(each)), 1))[0], _FINE)[:, None])


def _gained(gains: Reals, line: Reals) -> float:
    """What speaks for a wire along a line, on the average."""
    places = np.rint(line).astype(int).clip(0, gains.shape[2] - 1)
    return float(gains.max(0)[np.arange(len(line)), places].mean())


def _nearest(frames: Sequence[Reals]) -> Reals:
    """The best line of the frame in the middle, one place in each piece, near those of the others."""
    cost, most = _APART
    lines = [_best(each) for each in (frames[0], frames[2])]
    places = np.arange(frames[1].shape[2], dtype=np.float32)
    told = sum(np.minimum(cost * (places[None] - line[:, None]) ** 2, most) for line in lines)
    return _best(np.asarray(frames[1] - np.asarray(told)[None] / len(lines), np.float32))


def _best(gains: Reals) -> Reals:
    """The place of the best line in each piece, whether it is dark there or bright."""
    count, places = gains.shape[1:]
    gain = gains.max(0) - _BESIDE * np.linspace(-1, 1, places, dtype=np.float32) ** 2
    turns = np.arange(-_STEEPEST, _STEEPEST + 1)
    change = np.abs(turns[:, None] - turns[None])
    cost = (_TURN * change + _BEND * np.maximum(change - 1, 0)).astype(np.float32)
    total, came = np.zeros((len(turns), places), np.float32), []
    for start in range(0, count, _STRAIGHT):
        before = total[:, None] - cost[:, :, None]
        came.append(before.argmax(0))
        total = _onward(before.max(0), gain[start : start + _STRAIGHT], turns)
    turn, place = np.unravel_index(int(total.argmax()), total.shape)
    nodes = [int(place)]
    for each in reversed(came):
        nodes.append(nodes[-1] - int(turns[turn]))
        turn = each[turn, nodes[-1]]
    at = np.arange(len(nodes)) * _STRAIGHT
    return np.asarray(np.interp(np.arange(count) + 0.5, at, nodes[::-1]), np.float32)


def _onward(total: Reals, gain: Reals, turns: Whole) -> Reals:
    """What lines have gained a straight piece further on: for each turn and the place where it ends."""
    places = gain.shape[1]
    out = np.full_like(total, -1e9)
    for row, turn in enumerate(turns):
        start, end = max(0, -turn), places - max(0, turn)
        gained = total[row, start:end].copy()
        for step, each in enumerate(gain):
            aside = round(turn * (step + 0.5) / _STRAIGHT)
            gained += each[start + aside : end + aside]
        out[row, start + turn : end + turn] = gained
    return out


def _smooth(places: Reals, length: int) -> Reals:
    """A line for each pixel along."""
    half = min(_STEADY, len(places) - 1) // 2
    padded = np.pad(places, half, mode="reflect", reflect_type="odd") if half else places
    soft = np.convolve(padded, np.ones(2 * half + 1) / (2 * half + 1), "valid")
    at = (np.arange(len(places)) + 0.5) * length / len(places)
    return np.asarray(np.interp(np.arange(length), at, soft), np.float32)
