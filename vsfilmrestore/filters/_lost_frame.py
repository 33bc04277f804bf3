"""A frame that was lost, made anew from what it was between.

Nobody saw the lost frame, so several guesses at its motion stand side by side: dense flow between its neighbours, the
speed at which things moved before and after, no motion, one motion for all. Each guess is put to the test at every
place: do the two neighbours, moved to the time of the frame, show the same? Where something is hidden in one of them
they cannot; then a neighbour and the frame beyond it on the same side must agree. What passes best counts most.

All is done on pictures of eight bits for the eyes of the flow; what is moved are the frames themselves.

Source: dense flow: T. Kroeger et al., Fast Optical Flow using Dense Inverse Search (ECCV 2016), as in OpenCV; guesses
weighed by how well both sides agree: the idea of C. Bailer et al., Flow Fields (ICCV 2015), at the time between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._flow import Flow, Picture, flow_between, half, half_flow, laid_down, moved, to

__all__ = ["Beside", "Doubts", "Guesses", "made_between", "sharpened"]

_WIDEST: Final = 1280
"""Wider pictures are looked at in this width at most."""
_LEAST: Final = 32
"""Smaller pictures are dissolved: there is nothing to follow in them."""
_VIEW: Final = 2.5
"""Radius, in pixels of half the size, over which the two sides are compared."""
_CAP: Final = 40.0
"""A difference of more 8-bit levels is no worse than this one."""
_DOUBT: Final = 4.0
"""Levels by which a guess may be worse and still count for a third. It makes the base of the picture: dissolved in
doubt, for that is nearest to the truth."""
_DETAIL_DOUBT: Final = 0.5
"""The same for its detail: taken from one guess, or it would be blurred."""
_COPIED: Final = 0.15
"""Share of the way from side to side below which a side and the frame beyond it are one drawing."""
_ONE_SIDED: Final = 8.0
"""Levels by which it must be better that a place is hidden on one side."""
_LOST_COST: Final = 20.0
_GRAIN: Final = 0.6
"""Share of the grain that comes back. More would be nearer to the grain beside it, and farther from the truth."""
_GRAIN_RADIUS: Final = 1.5
_DETAIL_RADIUS: Final = 2.5
_SAME: Final = 3.0
"""Levels by which the neighbours may differ from a frame that is there and still tell its detail; none from twice."""
_ALIKE: Final = 10.0
"""Levels from which the two sides show different things, so that what differs is not grain."""


type Doubts = tuple[tuple[float, float], tuple[float, float]]
"""Levels by which a guess may be worse and still count for a third, and what is added of those of the best: first of
the base of a picture, then of its detail."""
_DOUBTS: Final[Doubts] = ((_DOUBT, 0), (_DETAIL_DOUBT, 0))


@dataclass(frozen=True, slots=True)
class Beside:
    """A frame beside the lost one, as 8-bit luma for the flow, and the frame beyond it if that may be used."""

    near: npt.NDArray[np.uint8]
    beyond: npt.NDArray[np.uint8] | None


@dataclass(frozen=True, slots=True)
class Guesses:
    """Motions at the time of the lost frame and how much each counts, at the size of the analysis.

    Attributes:
        time: 0 at the frame on the left, 1 at the one on the right.
        motions: From left to right, in pixels of the analysis.
        base: Per motion the weights of left and right, for the base of the picture.
        detail: The same for its detail.
        winner: Number of the motion that makes both sides most alike.
        lost: Share of the picture, 0..1, where no guess makes both sides show the same.
    """

    time: float
    motions: Sequence[Flow]
    base: npt.NDArray[np.float32]
    detail: npt.NDArray[np.float32]
    winner: npt.NDArray[np.intp]
    lost: float

    @classmethod
    def of(
        cls,
        left: Beside,
        right: Beside,
        time: float,
        step: float | None = None,
        *,
        first: tuple[Flow, Flow] | None = None,
        doubts: Doubts = _DOUBTS,
    ) -> Guesses:
        """Make the guesses and weigh them.

        Args:
            left: The frame before.
            right: The frame after.
            time: 0 at the left, 1 at the right.
            step: Time from left or right to the frame beyond it; that of one frame, if some were lost between.
            first: Flow from left to right and back where it is known already, of frames no wider than is looked at.
            doubts: Of the base and of the detail.
        """
        step = min(time, 1 - time) if step is None else step
        left, right = _reduced(left), _reduced(right)
        left, right = _moving(left, right), _moving(right, left)
        return cls._weighed(left, right, time, step, _motions(left, right, time, step, first), doubts)

    @classmethod
    def among(
        cls, left: Beside, right: Beside, time: float, step: float, motions: Sequence[Flow], doubts: Doubts
    ) -> Guesses:
        """Weigh guesses that are there already.

        Args:
            left: The frame before.
            right: The frame after.
            time: 0 at the left, 1 at the right.
            step: Time from left or right to the frame beyond it.
            motions: From left to right at that time, in half the size of the frames and in pixels of it.
            doubts: Of the base and of the detail.
        """
        return cls._weighed(_moving(left, right), _moving(right, left), time, step, motions, doubts)

    @classmethod
    def _weighed(
        cls, left: Beside, right: Beside, time: float, step: float, motions: Sequence[Flow], doubts: Doubts
    ) -> Guesses:
        costs = _costs(left, right, time, step, motions)
        lost = float((costs[0].min(axis=0) > _LOST_COST).mean())
        base, detail = (_weights(costs, time, *doubt) for doubt in doubts)
        return cls(time, motions, base, detail, costs[0].argmin(axis=0), lost)


def made_between(left: Picture, right: Picture, guesses: Guesses | None, time: float, grain: float) -> Picture:
    """One plane of the lost frame.

    Args:
        left: The plane in the frame before, in the clip's own units.
        right: In the frame after.
        guesses: For the whole picture; None dissolves.
        time: 0 at the left, 1 at the right.
        grain: White of the clip's units if the grain that went by mixing two frames is to come back, else 0.
    """
    if guesses is None:
        return np.asarray((1 - time) * left + time * right)
    made, nearer, other = _views(left, right, guesses, time)
    return np.asarray(made + np.float32(_GRAIN) * _grain(nearer, other, time, grain)) if grain else made


def sharpened(
    frame: Picture, left: Picture, right: Picture, guesses: Guesses | None, time: float, white: float
) -> Picture:
    """A plane of a frame that is sound but soft, as one that was moved by parts of a pixel: detail from its neighbours.

    Two estimates of one detail are weighed by their errors. That of what the neighbours show is known from how far they
    differ: each has a grain of its own. That of the frame is what is left of the difference between both estimates. So
    grain that is there stays, and what the neighbours do not show as the frame does is left to the frame.

    Args:
        frame: The plane, in the clip's own units.
        left: In the frame before.
        right: In the frame after.
        guesses: For the whole picture; None changes nothing.
        time: 0 at the left, 1 at the right.
        white: White of the clip's units.
    """
    if guesses is None:
        return frame
    made, nearer, other = _views(left, right, guesses, time)
    level = np.float32(255 / white)
    apart = [_detail(picture) * level for picture in (made - frame, nearer - other)]
    # Both sides carry grain: their mean half as much in squares, and the frame's own is in the difference as well.
    both, beside = (_local(each * each) for each in apart)
    beside = np.float32(0.75) * beside
    share = np.maximum(both - beside, 0) / (np.maximum(both - beside, 0) + beside + np.float32(0.25))
    coarse = np.abs(_local(made - frame)) * level
    share *= np.clip(2 - coarse / np.float32(_SAME), 0, 1)
    return np.asarray(frame + share * _detail(made - frame))


def _detail(picture: Picture) -> Picture:
    import cv2

    return np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), _DETAIL_RADIUS))


def _local(picture: Picture) -> Picture:
    import cv2

    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 3.0))


def _views(left: Picture, right: Picture, guesses: Guesses, time: float) -> tuple[Picture, Picture, Picture]:
    """The plane between, and what each side alone makes of it: the nearer one and the other."""
    shape = left.shape
    base, detail, nearer, other = (np.zeros(shape, np.float32) for _ in range(4))
    for number, (motion, coarse, fine) in enumerate(zip(guesses.motions, guesses.base, guesses.detail, strict=True)):
        if max(float(coarse.max()), float(fine.max())) < 0.05 and not (guesses.winner == number).any():
            continue
        step = to(motion, shape) * np.array([shape[1] / motion.shape[1], shape[0] / motion.shape[0]], np.float32)
        sides = moved(left, -time * step, cubic=True), moved(right, (1 - time) * step, cubic=True)
        ws, ds = [to(w, shape) for w in coarse], [to(w, shape) for w in fine]
        base += ws[0] * sides[0] + ws[1] * sides[1]
        detail += ds[0] * sides[0] + ds[1] * sides[1]
        share = to((guesses.winner == number).astype(np.float32), shape)
        nearer += share * sides[0 if time <= 0.5 else 1]
        other += share * sides[1 if time <= 0.5 else 0]
    return base + _fine(detail - base), nearer, other


def _grain(nearer: Picture, other: Picture, time: float, white: float) -> Picture:
    """What mixing two frames took of the grain, where both show the same thing."""
    import cv2

    differ = cv2.GaussianBlur(np.abs(nearer - other), (0, 0), 2.0) * np.float32(255 / white)
    taken = np.float32(min(time, 1 - time)) * _fine(nearer - other)
    return np.asarray(taken * np.clip(2 - 2 * differ / _ALIKE, 0, 1))


def _fine(picture: Picture) -> Picture:
    import cv2

    return np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), _GRAIN_RADIUS))


def _moving(side: Beside, opposite: Beside) -> Beside:
    """The side without the frame beyond, if that is the same once more: in a stretched film it tells no motion."""
    if side.beyond is None:
        return side
    step, way = (float(np.abs(side.near.astype(np.int16) - other).mean()) for other in (side.beyond, opposite.near))
    return Beside(side.near, None) if step < _COPIED * way else side


def _reduced(side: Beside) -> Beside:
    factor = -(-side.near.shape[1] // _WIDEST)
    if factor == 1:
        return side
    return Beside(_shrunk(side.near, factor), None if side.beyond is None else _shrunk(side.beyond, factor))


def _shrunk(picture: npt.NDArray[np.uint8], factor: int) -> npt.NDArray[np.uint8]:
    import cv2

    size = (max(picture.shape[1] // factor, _LEAST), max(picture.shape[0] // factor, _LEAST))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _motions(
    left: Beside, right: Beside, time: float, step: float, first: tuple[Flow, Flow] | None = None
) -> list[Flow]:
    """Guesses at the motion from left to right, seen from the time between; half the size."""
    a, b = left.near, right.near
    pairs = [first or (flow_between(a, b), flow_between(b, a))]
    if left.beyond is not None and right.beyond is not None:
        # One frame's way on either side, stretched to the way between the two.
        ahead, back = -flow_between(a, left.beyond), -flow_between(b, right.beyond)
        gap = 1 / step
        steady = ahead * np.float32(gap), back * np.float32(gap)
        pairs += [steady, (flow_between(a, b, steady[0]), flow_between(b, a, steady[1]))]
    small_a, small_b = half(a).astype(np.float32), half(b).astype(np.float32)
    found = [laid_down(half_flow(f), half_flow(g), small_a, small_b, time)[0] for f, g in pairs]
    still = np.zeros_like(found[0])
    return [*found, still, still + np.median(found[0].reshape(-1, 2), axis=0).astype(np.float32)]


def _costs(left: Beside, right: Beside, time: float, step: float, motions: Sequence[Flow]) -> Picture:
    """How badly each guess fits, ``[seen in, motion, row, column]``: in both, on the left alone, on the right alone."""
    level = _level(left.near, right.near)
    a, b = _levelled(left.near, level), _levelled(right.near, level)
    sides = (left.beyond, right.beyond)
    beyond = [_levelled(picture, level) for picture in sides if picture is not None]
    costs = []
    for motion in motions:
        near_a, near_b = moved(a, -time * motion), moved(b, (1 - time) * motion)
        fits = [_difference(near_a, near_b)]
        if len(beyond) == len(sides):
            far_a = moved(beyond[0], -(time + step) * motion)
            far_b = moved(beyond[1], (1 - time + step) * motion)
            fits += [_difference(near_a, far_a) + _ONE_SIDED, _difference(near_b, far_b) + _ONE_SIDED]
        costs.append(fits)
    return np.asarray(costs, dtype=np.float32).swapaxes(0, 1)


def _level(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and deviation half-way between two pictures."""
    return (float(a.mean()) + float(b.mean())) / 2, (float(a.std()) + float(b.std())) / 2


def _levelled(picture: npt.NDArray[np.uint8], level: tuple[float, float]) -> Picture:
    """Half the size, and of a given mean and deviation: flicker is no misfit."""
    small = half(picture).astype(np.float32)
    gain = min(max(level[1] / max(float(small.std()), 1.0), 0.7), 1.4)
    return np.asarray((small - small.mean()) * np.float32(gain) + np.float32(level[0]))


def _difference(a: Picture, b: Picture) -> Picture:
    import cv2

    return np.asarray(cv2.GaussianBlur(np.minimum(np.abs(a - b), _CAP), (0, 0), _VIEW))


def _weights(costs: Picture, time: float, doubt: float, share_of_least: float) -> Picture:
    """Weights of left and right, ``[motion, side, row, column]``, from what each guess costs."""
    least = costs.min(axis=(0, 1))
    share = np.exp(-(costs - least) / (np.float32(doubt) + np.float32(share_of_least) * least))
    share[share < 0.02] = 0
    share /= share.sum(axis=(0, 1))
    left, right = (1 - time) * share[0], time * share[0]
    if len(share) > 1:
        left, right = left + share[1], right + share[2]
    return np.stack([left, right], axis=1).astype(np.float32)
