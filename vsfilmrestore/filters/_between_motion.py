"""Motion between two frames as a network wants it told: several guesses, and what each side shows by them.

Dense flow is right where things can be followed, flow of a small picture that starts where a search finds things where
they go far, and the motion before and after where something is hidden on one side. Each is laid down at the time
between, so that what covers and what is covered are told apart by how much was laid down from either side.

All is looked at in grey pictures of 8 bits whose sides are multiples of 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vsfilmrestore.filters._between_search import far_flow, grown_flow, rest_flow
from vsfilmrestore.filters._flow import Flow, Grey, Picture, flow_between, half, half_flow, laid_down, moved
from vsfilmrestore.filters._lost_frame import Beside

__all__ = [
    "BEYOND",
    "GUESSES",
    "LEAST",
    "MORE",
    "MULTIPLE",
    "WIDEST",
    "Followed",
    "Motions",
    "followed",
    "grown_flow",
    "more_at",
    "motions_at",
    "motions_between",
    "share_lost",
    "size_for",
]

BEYOND: Final = "_VsfrBeyond"
"""Property of a plan: whether the frames beyond the two are sound and of the shot."""
GUESSES: Final = 3
"""Guesses at the motion: fine, far, and steady."""
MORE: Final = 2
"""Further ways: the far one in half the size, and what is left of the motion when that of the whole picture is off."""
MULTIPLE: Final = 16
"""Sides of what is looked at are multiples of it."""
WIDEST: Final = 1280
"""Wider pictures are looked at in this width at most."""
LEAST: Final = 32
"""Least side of a picture that is followed."""
_FULL: Final = 2.0
"""So much laid down at a place counts as all that there can be."""
_CAP: Final = 40.0
"""A difference of more 8-bit levels is no worse than this one."""
_VIEW: Final = 2.5
"""Radius, in pixels of the half size, over which two pictures are compared."""
_LOST: Final = (7.2, 0.72)
"""A place is lost where both differ by more levels than the first, and the second for each level of contrast."""
_PLAIN: Final = 2.0
"""Pictures of less contrast, in levels, are compared as if they had this much."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Flows from left to right and back for each guess, in half the size.

    Attributes:
        ahead: From left to right, ``[row, column, 2]`` each, in pixels of the half size.
        back: From right to left.
        known: Whether each could be made; else it is the first once more.
        more: `MORE` ways, ahead and back, that the network is not shown; none in small pictures.
    """

    ahead: Sequence[Flow]
    back: Sequence[Flow]
    known: Sequence[bool]
    more: Sequence[tuple[Flow, Flow]] = ()


@dataclass(frozen=True, slots=True)
class Motions:
    """Guesses at the motion from left to right, at the time between and in half the size.

    Attributes:
        flows: ``[row, column, 2]``, in pixels of the half size.
        covers: ``[row, column, 2]``: how much of left and right comes to lie here, 0..1.
    """

    flows: Sequence[Flow]
    covers: Sequence[Picture]


def size_for(width: int, height: int) -> tuple[int, int]:
    """Width and height in which a picture is looked at."""
    scale = min(WIDEST / width, 1.0)
    across, down = (max(round(side * scale / MULTIPLE), 2) * MULTIPLE for side in (width, height))
    return across, down


def followed(left: Beside, right: Beside, stretch: float = 1.0) -> Followed:
    """Follow the motion in every way there is.

    Args:
        left: The picture before, and the one beyond it if that may be used.
        right: The picture after, likewise.
        stretch: Way from left to right over the way from beyond to left.
    """
    a, b = left.near, right.near
    small_a, small_b = half(a), half(b)
    fine = half_flow(flow_between(a, b)), half_flow(flow_between(b, a))
    pairs, known = [fine] * GUESSES, [True] + [False] * (GUESSES - 1)
    more: list[tuple[Flow, Flow]] = []
    tiny_a, tiny_b = half(small_a), half(small_b)
    if min(tiny_a.shape) >= LEAST:
        far = far_flow(tiny_a, tiny_b, small_a.shape), far_flow(tiny_b, tiny_a, small_a.shape)
        pairs[1], known[1] = far, True
        more = [
            (flow_between(small_a, small_b, far[0]), flow_between(small_b, small_a, far[1])),
            (rest_flow(small_a, small_b, far[0]), rest_flow(small_b, small_a, far[1])),
        ]
    if left.beyond is not None and right.beyond is not None and min(small_a.shape) >= LEAST:
        gain = np.float32(-stretch)
        ways = (flow_between(small_a, half(left.beyond)), flow_between(small_b, half(right.beyond)))
        pairs[2] = np.asarray(gain * ways[0]), np.asarray(gain * ways[1])
        known[2] = True
    return Followed([pair[0] for pair in pairs], [pair[1] for pair in pairs], known, more)


def motions_at(ways: Followed, left: Grey, right: Grey, time: float) -> Motions:
    """Lay the flows down at a time between, 0 at the left and 1 at the right."""
    a, b = half(left).astype(np.float32), half(right).astype(np.float32)
    flows: list[Flow] = []
    covers: list[Picture] = []
    for ahead, back, known in zip(ways.ahead, ways.back, ways.known, strict=True):
        if not known:
            flows.append(flows[0])
            covers.append(np.zeros_like(covers[0]))
            continue
        found, cover = laid_down(ahead, back, a, b, time)
        flows.append(found)
        covers.append(np.minimum(cover / np.float32(_FULL), 1))
    return Motions(flows, covers)


def more_at(ways: Followed, left: Grey, right: Grey, time: float) -> list[Flow]:
    """`Followed.more` laid down at a time between, in pixels of the half size."""
    a, b = half(left).astype(np.float32), half(right).astype(np.float32)
    return [laid_down(ahead, back, a, b, time)[0] for ahead, back in ways.more]


def motions_between(left: Beside, right: Beside, time: float, stretch: float = 1.0) -> Motions:
    """`followed` and `motions_at` in one."""
    return motions_at(followed(left, right, stretch), left.near, right.near, time)


def share_lost(ways: Followed, left: Grey, right: Grey) -> float:
    """Share of the two pictures, 0..1, of which the other one shows nothing alike, wherever it is followed to.

    What only passed or was covered is lost on one side alone and counts half. In the shots looked at, with every
    second frame left out, it is 0.00 to 0.25, most in a fight with a shaken camera; over cuts 0.33 to 0.83.
    """
    a, b = half(left).astype(np.float32), half(right).astype(np.float32)
    levels = _LOST[0] + _LOST[1] * max((_contrast(a) + _contrast(b)) / 2, _PLAIN)
    ahead, back = _best(a, b, ways.ahead[:2]), _best(b, a, ways.back[:2])
    return float((ahead > levels).mean() + (back > levels).mean()) / 2


def _best(a: Picture, b: Picture, flows: Sequence[Flow]) -> Picture:
    """How far the most alike that is found of each place differs; what stays where it is counts as well."""
    import cv2

    shown = [b, *(moved(b, flow) for flow in flows)]
    costs = [cv2.GaussianBlur(np.minimum(np.abs(each - a), _CAP), (0, 0), _VIEW) for each in shown]
    return np.asarray(np.min(costs, axis=0))


def _contrast(picture: Picture) -> float:
    """Mean of the local deviations."""
    import cv2

    mean, square = (cv2.GaussianBlur(each, (0, 0), 4.0) for each in (picture, picture * picture))
    return float(np.sqrt(np.maximum(square - mean * mean, 0)).mean())
