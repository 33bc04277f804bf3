"""Where each part of a small picture is in another, looked for everywhere within a quarter of both sides.

Dense flow goes down a slope from where it starts, and a picture that is shaken by more than things are wide has slopes
to wrong places. So that it starts near the right one, every shift is tried in pictures so small that this is cheap.
What the whole picture does is told from that, and taken off before the rest is followed.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vsfilmrestore.filters._flow import Flow, Grey, Picture, flow_between, moved, to

__all__ = ["far_flow", "grown_flow", "rest_flow", "searched", "whole_flow"]

_LONGEST: Final = 80
"""Longest side of the pictures in which is searched."""
_REACH: Final = 4
"""This part of a side is the farthest that is looked for."""
_AROUND: Final = 5
"""Pixels of the small picture that are compared, across and down."""
_CAP: Final = 40.0
"""A difference of more 8-bit levels is no worse than this one."""
_OUTSIDE: Final = 15.0
"""Levels by which what is outside the picture is worse."""
_SLOPE: Final = 0.3
"""Levels by which a place is worse for each small pixel that it is away: plain surfaces stay where they are."""
_SMOOTH: Final = 5
"""Of so many vectors across and down the middle one is taken."""
_EACH: Final = 8
"""Every so many pixels a vector counts for the motion of the whole picture."""
_ASTRAY: Final = (16.0, 8.0, 4.0, 2.0, 2.0, 2.0)
"""Pixels by which a vector may be off and still count for a third, from one round to the next."""


def far_flow(a: Grey, b: Grey, shape: tuple[int, ...]) -> Flow:
    """Dense flow that starts where a search finds things.

    Args:
        a: Before.
        b: After, as large.
        shape: The size that the flow is wanted in, in pixels of it.
    """
    return grown_flow(flow_between(a, b, grown_flow(searched(a, b), a.shape)), shape)


def rest_flow(a: Grey, b: Grey, far: Flow) -> Flow:
    """Dense flow of which the motion of the whole picture was taken off before, and added behind.

    Args:
        a: Before.
        b: After, as large.
        far: From a to b: what the motion of the whole is told by.
    """
    whole = whole_flow(far)
    shown = np.rint(moved(b.astype(np.float32), whole)).clip(0, 255).astype(np.uint8)
    rest = flow_between(a, shown)
    parts = [moved(np.ascontiguousarray(whole[..., axis]), rest) for axis in (0, 1)]
    return np.asarray(rest + np.stack(parts, axis=-1))


def whole_flow(flow: Flow) -> Flow:
    """The affine motion that most of a flow follows: weighted least squares, again and again without what is off."""
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    place = np.stack([columns / width - np.float32(0.5), rows / width, np.ones_like(rows)], axis=-1)
    picked = slice(None, None, _EACH), slice(None, None, _EACH)
    some, vectors = (each[picked].reshape(-1, each.shape[-1]).astype(np.float64) for each in (place, flow))
    off = np.hypot(*(vectors - np.median(vectors, axis=0)).T)
    motion = np.zeros((3, 2))
    for astray in _ASTRAY:
        weight = (1 + (off / astray) ** 2) ** -0.75
        motion = np.linalg.lstsq(some * weight[:, None], vectors * weight[:, None], rcond=None)[0]
        off = np.hypot(*(vectors - some @ motion).T)
    return np.asarray(place @ motion.astype(np.float32))


def grown_flow(flow: Flow, shape: tuple[int, ...]) -> Flow:
    """A flow at the size of a plane, in that plane's pixels."""
    scale = np.array([shape[1] / flow.shape[1], shape[0] / flow.shape[0]], np.float32)
    return np.asarray(to(flow, shape) * scale)


def searched(a: Grey, b: Grey) -> Flow:
    """Where each part of a is in b: ``[row, column, 2]`` at the size of the small pictures, in pixels of a.

    Args:
        a: Before.
        b: After, as large.
    """
    import cv2

    scale = min(_LONGEST / max(a.shape), 1.0)
    size = max(round(a.shape[1] * scale), 1), max(round(a.shape[0] * scale), 1)
    small_a, small_b = (cv2.resize(each, size, interpolation=cv2.INTER_AREA).astype(np.float32) for each in (a, b))
    found = _nearest(small_a, small_b)
    parts = [cv2.medianBlur(np.ascontiguousarray(found[..., axis]), _SMOOTH) for axis in (0, 1)]
    return np.asarray(np.stack(parts, axis=-1) * np.array([a.shape[1] / size[0], a.shape[0] / size[1]], np.float32))


def _nearest(a: Picture, b: Picture) -> Flow:
    """The shift, whole pixels, at which b is most like a around each place; the first of equals."""
    import cv2

    height, width = a.shape
    across, down = width // _REACH, height // _REACH
    edges = ((down, down), (across, across))
    shown = _shifts(np.pad(b, edges, mode="edge"), width)
    outside = _shifts(np.pad(np.zeros_like(b), edges, constant_values=_OUTSIDE), width)
    columns = np.arange(-across, across + 1, dtype=np.float32)
    least, found = np.full(a.shape, np.inf, np.float32), np.zeros((*a.shape, 2), np.float32)
    for row in range(-down, down + 1):
        rows = slice(down + row, down + row + height)
        apart = np.minimum(np.abs(shown[rows] - a[..., None]), _CAP) + outside[rows]
        cost = np.asarray(cv2.blur(np.ascontiguousarray(apart), (_AROUND, _AROUND)), dtype=np.float32)
        cost += np.float32(_SLOPE) * np.hypot(columns, np.float32(row))
        best = cost.argmin(axis=-1)
        lowest = np.take_along_axis(cost, best[..., None], axis=-1)[..., 0]
        better = lowest < least
        least[better], found[better, 0], found[better, 1] = lowest[better], columns[best[better]], row
    return found


def _shifts(picture: Picture, width: int) -> Picture:
    """``[row, column, shift]``: the picture from each first column on."""
    return np.asarray(np.lib.stride_tricks.sliding_window_view(picture, width, axis=1).transpose(0, 2, 1))
