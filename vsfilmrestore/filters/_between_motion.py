"""Motion between two frames as a network wants it told: several guesses, and what each side shows by them.

Dense flow is right where things can be followed, the same flow of a small picture where they go far, and the motion
before and after where something is hidden on one side. Each is laid down at the time between, so that what covers and
what is covered are told apart by how much was laid down from either side.

All is looked at in grey pictures of 8 bits whose sides are multiples of 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._flow import Flow, Picture, flow_between, half, half_flow, laid_down, moved, to
from vsfilmrestore.filters._lost_frame import Beside

__all__ = ["COARSE_LEAST", "GUESSES", "MULTIPLE", "WIDEST", "Motions", "motions_between", "seen_by", "size_for"]

GUESSES: Final = 3
"""Guesses at the motion: fine, coarse, and steady."""
MULTIPLE: Final = 16
"""Sides of what is looked at are multiples of it."""
WIDEST: Final = 1280
"""Wider pictures are looked at in this width at most."""
COARSE_LEAST: Final = 32
"""Least side of a picture that is followed."""
_FULL: Final = 2.0
"""So much laid down at a place counts as all that there can be."""


@dataclass(frozen=True, slots=True)
class Motions:
    """Guesses at the motion from left to right, at the time between and in half the size.

    Attributes:
        flows: ``[row, column, 2]``, in pixels of what was looked at.
        covers: ``[row, column, 2]``: how much of left and right comes to lie here, 0..1.
    """

    flows: Sequence[Flow]
    covers: Sequence[Picture]


def size_for(width: int, height: int) -> tuple[int, int]:
    """Width and height in which a picture is looked at."""
    scale = min(WIDEST / width, 1.0)
    across, down = (max(round(side * scale / MULTIPLE), 2) * MULTIPLE for side in (width, height))
    return across, down


def motions_between(left: Beside, right: Beside, time: float, stretch: float = 1.0) -> Motions:
    """Make the guesses.

    Args:
        left: The picture before, and the one beyond it if that may be used.
        right: The picture after, likewise.
        time: 0 at the left, 1 at the right.
        stretch: Way from left to right over the way from beyond to left.
    """
    a, b = left.near, right.near
    small_a, small_b = half(a), half(b)
    flows, covers = [], []

    def add(ahead: Flow, back: Flow) -> None:
        found, cover = laid_down(ahead, back, small_a.astype(np.float32), small_b.astype(np.float32), time)
        flows.append(found)
        covers.append(np.minimum(cover / np.float32(_FULL), 1))

    add(half_flow(flow_between(a, b)), half_flow(flow_between(b, a)))
    tiny_a, tiny_b = half(small_a), half(small_b)
    if min(tiny_a.shape) >= COARSE_LEAST:
        add(*(_twice(flow_between(*pair), small_a.shape) for pair in ((tiny_a, tiny_b), (tiny_b, tiny_a))))
    else:
        _again(flows, covers)
    if left.beyond is not None and right.beyond is not None and min(small_a.shape) >= COARSE_LEAST:
        far_a, far_b = half(left.beyond), half(right.beyond)
        gain = np.float32(-stretch)
        add(gain * flow_between(small_a, far_a), gain * flow_between(small_b, far_b))
    else:
        _again(flows, covers)
    return Motions(flows, covers)


def _again(flows: list[Flow], covers: list[Picture]) -> None:
    """Instead of a guess that cannot be made the first once more, and nothing laid down by it."""
    flows.append(flows[0])
    covers.append(np.zeros_like(covers[0]))


def _twice(flow: Flow, shape: tuple[int, ...]) -> Flow:
    return np.asarray(to(flow, shape) * np.float32(2))


def seen_by(picture: Picture, flow: Flow, way: float, *, linear: bool = False) -> Picture:
    """What a picture shows a way along a flow, at the picture's own size.

    Args:
        picture: One plane.
        flow: Of the half size; of any plane of the picture.
        way: Share of the flow; that of the left is negative.
        linear: Rather than cubic.
    """
    return moved(picture, np.float32(way) * grown_flow(flow, picture.shape), cubic=not linear)


def grown_flow(flow: Flow, shape: tuple[int, ...], scale: npt.NDArray[np.float32] | None = None) -> Flow:
    """A flow at the size of a plane, in that plane's pixels.

    Args:
        flow: Pixels of the size ``[row, column]`` it comes in, unless ``scale`` tells otherwise.
        shape: Rows and columns of the plane.
        scale: Pixels of the plane for one of the flow, across and down.
    """
    if scale is None:
        scale = np.array([shape[1] / flow.shape[1], shape[0] / flow.shape[0]], np.float32)
    return np.asarray(to(flow, shape) * scale)
