"""Where exactly a wire runs along a path that was drawn roughly.

The picture beside the path is laid straight, the path upright in the middle. There a wire is a thin line from end to
end, and the best line of all is taken: the one that stands out from both its sides in the most places.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._ridges import ANGLES, Line

__all__ = ["wires_along"]

core = vs.core

type Reals = npt.NDArray[np.float32]
type Points = Sequence[tuple[float, float]]

_PIECE: Final = 8
"""Pixels along the path that are averaged."""
_TURN: Final = 0.25
"""What a step aside costs from piece to piece: wires sag, and hardly bend."""
_USUAL: Final = 1.0


def wires_along(luma: vs.VideoNode, path: Points, band: float, thickness: float, level: float) -> dict[int, list[Line]]:
    """Wires near a path, those darker than both sides under -1 and brighter ones under 1; a frame has one kind.

    Args:
        luma: GRAY16.
        path: Points in pixels, two or more.
        band: How far from the path a wire may lie, in pixels.
        thickness: Greatest width in pixels.
        level: Least contrast, 0..65535.
    """
    found: dict[int, list[Line]] = {-1: [], 1: []}
    for start, end in pairwise(path):
        if start == end:
            continue
        angle = round(math.atan2(end[1] - start[1], end[0] - start[0]) / math.pi * ANGLES) % ANGLES
        both = _drawn(luma, (start, end), band, thickness, level)
        for sign, grey in ((-1, 128), (1, 255)):
            found[sign].append(Line(angle, core.akarin.Expr([both], f"x {grey} = 255 0 ?")))
    return found


def _drawn(
    luma: vs.VideoNode, ends: tuple[tuple[float, float], ...], band: float, thickness: float, level: float
) -> vs.VideoNode:
    """GRAY8: 128 where a dark wire's middle runs, 255 where a bright one's does."""
    blank = core.std.BlankClip(luma, format=vs.GRAY8, keep=True)

    def draw(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        import cv2  # on first use: it is large, and a plan needs none of it

        out = f[0].copy()
        picture = np.zeros((luma.height, luma.width), np.uint8)
        for points, bright in _found(np.asarray(f[1][0]).astype(np.float32), ends, band, thickness, level):
            cv2.polylines(picture, [np.rint(points).astype(np.int32)], False, 255 if bright else 128)
        np.copyto(np.asarray(out[0]), picture)
        return out

    return core.std.ModifyFrame(blank, [blank, luma], draw)


def _found(
    picture: Reals, ends: tuple[tuple[float, float], ...], band: float, thickness: float, level: float
) -> list[tuple[Reals, bool]]:
    """The wire from one end to the other as points, and whether it is bright; empty where there is none."""
    import cv2  # on first use: it is large, and a plan needs none of it

    (x0, y0), (x1, y1) = ends
    length = math.hypot(x1 - x0, y1 - y0)
    along, across = np.arange(0, length + 0.5), np.arange(-round(band), round(band) + 1)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    x = (x0 + along[:, None] * ux - across[None] * uy).astype(np.float32)
    y = (y0 + along[:, None] * uy + across[None] * ux).astype(np.float32)
    strip = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    pieces = max(round(length / _PIECE), 1)
    mean = cv2.resize(strip, (len(across), pieces), interpolation=cv2.INTER_AREA).astype(np.float32)
    inside = (x[::_PIECE, len(across) // 2] >= 0).any()
    kinds = [(_best(_contrast(mean * sign, thickness), level), sign > 0) for sign in (-1, 1)]
    (places, gain), bright = max(kinds, key=lambda kind: kind[0][1])
    if not inside or gain < 0.5:
        return []
    at = (np.arange(pieces) + 0.5) * length / pieces
    at[0], at[-1] = 0, length  # to the ends of what was drawn
    aside = np.convolve(np.pad(across[places].astype(np.float32), 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    return [(np.stack([x0 + at * ux - aside * uy, y0 + at * uy + aside * ux], 1), bright)]


def _contrast(mean: Reals, thickness: float) -> Reals:
    """How far each place stands out from both its sides."""
    import cv2  # on first use: it is large, and a plan needs none of it

    across = np.ones((1, 2 * math.ceil(thickness / 2) + 3), np.uint8)
    return mean - cv2.dilate(cv2.erode(mean, across), across)


def _best(contrast: Reals, level: float) -> tuple[npt.NDArray[np.intp], float]:
    """The places of the best line, one in each piece, and its mean gain: 1 where all of it is plain."""
    usual = np.median(contrast, axis=1, keepdims=True)
    gain = np.clip((contrast - usual * _USUAL) / level - 0.5, -1, 1)
    total, came = gain[0], []
    for row in gain[1:]:
        padded = np.pad(total, 1, constant_values=-1e9)
        ways = np.stack([padded[1:-1], padded[:-2] - _TURN, padded[2:] - _TURN])
        came.append(np.array([0, -1, 1])[ways.argmax(0)])
        total = row + ways.max(0)
    place = int(total.argmax())
    places = [place]
    for step in reversed(came):
        place += int(step[place])
        places.append(place)
    return np.array(places[::-1], np.intp), float(gain[np.arange(len(gain)), places[::-1]].mean())
