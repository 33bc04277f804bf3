"""Specks that come from somewhere and go on: ice, birds, balls. They are no dirt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._dirt_flight import NOTHING, Field, flies
from vsfilmrestore.filters._dirt_sight import Sight

__all__ = ["without_movers"]

core = vs.core

type Levels = npt.NDArray[np.float32]
type Flags = npt.NDArray[np.bool_]
type Reals = npt.NDArray[np.float64]
type Words = npt.NDArray[np.uint16]
type Box = tuple[slice, slice]

_FASTEST: Final = 0.06
"""Specks are looked for in the neighbours within this share of the picture's width."""
_LIKE: Final = 0.35
"""What is left of a speck when its like in a neighbour is taken away, as a share of its energy."""
_ALIKE: Final = 0.65
"""The same in what stands out, where both likes lie in one line with the speck, as far before as after."""
_SMALL: Final = 8
"""Pixels; the like of a smaller speck is found by chance, so it must be the more like it."""
_FLOCK: Final = 4
_SWARM: Final = 0.12
"""Where so many specks of a frame move, and so large a share of all, none is told from those."""
_COUNTS: Final = 5
"""Pixels; smaller specks are no part of that count."""
_LARGE: Final = 0.06
"""Of the picture's width; what is larger may tumble, glitter and fly far."""
_FAR: Final = 0.15
"""How far, from frame to frame, as a share of the picture's width."""
_MASS: Final = 0.6
"""What stands out in boxes of one size, the less of both as a share of the greater, where both may hold one thing."""
_MASS_TWICE: Final = 0.4
"""The same of what lies in one neighbour where it lies in the frame: dirt seldom does."""
_STEP: Final = 3.0
"""Pixels; shorter ways are followed by the motion search."""
_ON: Final = 0.9
"""What is left of a speck when what lies farther along its way is taken away, where it goes on there: what flaps or
glitters is little like itself two frames later, and nothing is like it by chance.
"""
_STRAIGHT: Final = 0.5
"""What may be left when likes on a straight way are taken away that are no chance, wherever they go on."""
_ABOUT: Final = 4, 0.35
"""Pixels, and share of a step, by which the place farther on may be another: ways are bent."""
_STAYS: Final = 0.3
"""Where a speck differs from one neighbour by less than this share of what it does from the other, it lies there too:
that frame may be this one again, as from 24 frames a second come 30, and the next one tells of the way.
"""


class _Side(NamedTuple):
    """What lies on one side of a frame in time.

    Attributes:
        moved: Luma of its neighbour, moved onto it.
        near: The same as it is.
        far: Luma of the neighbour beyond.
        near_rest: What stands out from both its neighbours in the nearer one.
        far_rest: In the one beyond.
        fields: Both, by parts.
    """

    moved: Words
    near: Words
    far: Words
    near_rest: Words
    far_rest: Words
    fields: tuple[Field, Field]


def _side(moved: Words, near: Words, far: Words, near_rest: Words, far_rest: Words) -> _Side:
    return _Side(moved, near, far, near_rest, far_rest, (Field(near_rest), Field(far_rest)))


def without_movers(mask: vs.VideoNode, seen: Sight) -> vs.VideoNode:
    """A mask of specks, without those that come in, or are on their way, across the picture.

    The like of a speck is looked for in both neighbours as they are, but for places where the frame itself holds it
    too, and in what stands out from theirs in turn: there what lies beneath plays no part.

    Args:
        mask: GRAY8. Its frames carry ``PlaneStatsDiff``, how much both neighbours differ.
        seen: The clip it is of.
    """
    luma, _, before, after, _ = seen.lumas
    rest = core.akarin.Expr([luma, before, after], f"x y z + 2 / - {NOTHING} +")
    reach = max(round(_FASTEST * mask.width), 16)

    def still(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        now, rest, *pictures = (np.asarray(frame[0]) for frame in f[1:])
        return _without_movers(f[0], now, rest, [_side(*pictures[:5]), _side(*pictures[5:])], reach)

    def side(moved: vs.VideoNode, step: int) -> list[vs.VideoNode]:
        return [moved, *(neighbour(clip, d) for clip in (luma, rest) for d in (step, 2 * step))]

    return core.std.ModifyFrame(mask, [mask, luma, rest, *side(before, -1), *side(after, 1)], still)


def _without_movers(
    chosen: vs.VideoFrame, now: Words, rest: Words, sides: Sequence[_Side], reach: int
) -> vs.VideoFrame:
    """The mask without movers.

    Args:
        chosen: The mask.
        now: Luma of the frame.
        rest: What stands out in it from both neighbours.
        sides: What lies before it and after it.
        reach: Longest way of a mover from frame to frame, in pixels.
    """
    import cv2  # on first use: it is large, and a plan needs none of it

    out = chosen.copy()
    mask = np.asarray(out[0])
    height, width = mask.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    moving = np.zeros(count, bool)
    beyond = [count > 1 and not any(np.array_equal(side.far, each) for each in (now, side.near)) for side in sides]
    for label in range(1, count):
        left, top, across, down = (int(n) for n in stats[label, :4])
        box = np.s_[max(top - 1, 0) : top + down + 1, max(left - 1, 0) : left + across + 1]
        one_side = (
            chosen.props["PlaneStatsDiff"] == 0 or min(left, top, width - left - across, height - top - down) <= 2
        )
        area = int(stats[label, cv2.CC_STAT_AREA])
        moving[label] = _moves(now, rest, sides, beyond, box, reach, one_side, area)
    counted = stats[:, cv2.CC_STAT_AREA] >= _COUNTS
    if (moving & counted).sum() >= max(_FLOCK, _SWARM * (counted.sum() - 1)):
        moving[1:] = True
    mask[moving[labels]] = 0
    return out


def _moves(
    now: Words,
    rest: Words,
    sides: Sequence[_Side],
    beyond: Sequence[bool],
    box: Box,
    reach: int,
    one_side: bool,
    area: int,
) -> bool:
    """Whether the speck in a box comes from somewhere and goes on; pictures as for `_without_movers`.

    ``beyond``: on which sides the frame beyond is one of its own, and neither mirrored at an end nor shown twice.
    """
    share = min(0.6 + 0.4 * area / _SMALL, 1.0)
    if _is_large(box, now.shape[1]):
        reach = round(_FAR * now.shape[1])
    speck, apart = now[box].astype(np.float32), rest[box].astype(np.float32)
    moved = [side.moved[box].astype(np.float32) for side in sides]
    stays = _stays(speck, moved)
    behind = ((moved[0] + moved[1]) / 2).astype(np.float32)
    if any(stays):
        behind = moved[stays.index(False)]
        apart = speck - behind + NOTHING
    lies = _lies(speck, now, box, reach, share * _LIKE * _energy(speck, behind))
    pictures = [side.far if stay else side.near for side, stay in zip(sides, stays, strict=True)]
    come, gone = (_way(speck, behind, picture, box, reach, lies) for picture in pictures)
    known = [each and not any(stays) for each in beyond]
    far = [side.far if there else None for side, there in zip(sides, known, strict=True)]
    far_rests = [side.far_rest if there else None for side, there in zip(sides, known, strict=True)]
    if _is_mover(come, gone, one_side, share * _LIKE, share * _LIKE) and _goes_on(
        speck, behind, (come, gone), far, box, one_side
    ):
        return True
    ground = np.full_like(behind, NOTHING)
    rests = [side.far_rest if stay else side.near_rest for side, stay in zip(sides, stays, strict=True)]
    come, gone = (_way(apart, ground, picture, box, reach) for picture in rests)
    if _is_mover(come, gone, one_side, share * _LIKE, share * _ALIKE) and _goes_on(
        apart, ground, (come, gone), far_rests, box, one_side
    ):
        return True
    if _wanders(apart - NOTHING, rests, box, one_side, _MASS_TWICE if any(stays) else _MASS):
        return True
    fields = [side.fields[stay] for side, stay in zip(sides, stays, strict=True)]
    farther = [
        side.fields[1] if there and not stay else None for side, there, stay in zip(sides, beyond, stays, strict=True)
    ]
    return flies(apart, box, fields, farther)


def _stays(speck: Levels, moved: Sequence[Levels]) -> list[bool]:
    """In which of both neighbours a speck lies where it lies in the frame; never in both, as then it is none."""
    before, after = (float(np.abs(speck - each).mean()) for each in moved)
    return [before < _STAYS * after, after < _STAYS * before]


class _Way(NamedTuple):
    """The way from a speck to what is most like it in a neighbouring picture.

    Attributes:
        x: To the right, in pixels.
        y: Down.
        unlike: What is left of the speck when that is taken away, as a share of its energy.
    """

    x: int
    y: int
    unlike: float


def _misfit(speck: Levels, picture: Words, box: Box, reach: int) -> tuple[Levels, int, int]:
    """How unlike the speck each place of a picture is, and how far down and to the right the first of them lies."""
    import cv2  # on first use: it is large, and a plan needs none of it

    top, left = max(box[0].start - reach, 0), max(box[1].start - reach, 0)
    around = picture[top : box[0].stop + reach, left : box[1].stop + reach].astype(np.float32)
    misfit = np.asarray(cv2.matchTemplate(around, speck, cv2.TM_SQDIFF), np.float32)
    return misfit, top - box[0].start, left - box[1].start


def _lies(speck: Levels, now: Words, box: Box, reach: int, most: float) -> Flags:
    """Places beside a speck where the frame itself holds its like: what lies there is not on its way."""
    import cv2  # on first use: it is large, and a plan needs none of it

    misfit, down, right = _misfit(speck, now, box, reach)
    like = misfit <= most
    height, width = speck.shape
    like[max(1 - height - down, 0) : max(height - down, 0), max(1 - width - right, 0) : max(width - right, 0)] = False
    return np.asarray(cv2.dilate(like.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)


def _energy(speck: Levels, behind: Levels) -> float:
    return max(float(((speck - behind) ** 2).sum()), 1.0)


def _way(speck: Levels, behind: Levels, picture: Words, box: Box, reach: int, lies: Flags | None = None) -> _Way:
    import cv2  # on first use: it is large, and a plan needs none of it

    misfit, down, right = _misfit(speck, picture, box, reach)
    if lies is not None:
        misfit[lies] = np.inf
    least, _, (x, y), _ = cv2.minMaxLoc(misfit)
    return _Way(right + x, down + y, least / _energy(speck, behind))


def _is_mover(come: _Way, gone: _Way, one_side: bool, like: float, alike: float) -> bool:
    """Whether the ways to both neighbours go on; one of them is enough for what may come in there.

    On a straight way what is found there may be less like it: ``alike``.
    """
    if one_side:
        return min(come.unlike, gone.unlike) <= like / 2 and not _lasts(come, gone, like)
    step, bend = _step_and_bend(come, gone)
    unlike = max(come.unlike, gone.unlike)
    return (unlike <= like and bend <= 2 + 0.35 * step) or (
        unlike <= alike and step >= _STEP and _is_straight(step, bend)
    )


def _lasts(come: _Way, gone: _Way, like: float) -> bool:
    """Whether the like of a speck lies at one place before and after it, in two frames that are not one twice."""
    at_one_place = max(abs(gone.x - come.x), abs(gone.y - come.y)) <= 1
    return at_one_place and come.unlike != gone.unlike and max(come.unlike, gone.unlike) <= like


def _step_and_bend(come: _Way, gone: _Way) -> tuple[float, float]:
    """How far a speck goes from frame to frame, and by how much less or more after it than before."""
    step = np.hypot(gone.x - come.x, gone.y - come.y) / 2
    bend = np.hypot(gone.x + come.x, gone.y + come.y) / 2
    return float(step), float(bend)


def _is_straight(step: float, bend: float) -> bool:
    return bend <= 1.5 + 0.05 * step


def _goes_on(
    speck: Levels, behind: Levels, ways: tuple[_Way, _Way], beyond: Sequence[Words | None], box: Box, one_side: bool
) -> bool:
    """Whether a speck lies farther along its way too, on one side at least: two likes may be there by chance.

    It is where its ways, which may bend, go on to, or where it was a frame nearer, if that was copied twice; also where
    that is out of the picture, or where no frame tells. Two that are much like it, on a straight way, are no chance.

    Args:
        speck: What is looked for.
        behind: What lies beneath it.
        ways: To its likes, before and after.
        beyond: Pictures of the frames beyond those; None where there is none.
        box: Where the speck is.
        one_side: Whether one like was enough.
    """
    come, gone = ways
    if not one_side and max(come.unlike, gone.unlike) <= _STRAIGHT and _is_straight(*_step_and_bend(come, gone)):
        return True
    if one_side:
        nearer = come.unlike > gone.unlike
        ahead = [(ways[nearer], (2 * ways[nearer].x, 2 * ways[nearer].y), beyond[nearer])]
    else:
        pairs = zip(((come, gone), (gone, come)), beyond, strict=True)
        ahead = [(near, (3 * near.x + other.x, 3 * near.y + other.y), far) for (near, other), far in pairs]
    told = [
        min(_unlike_about(speck, behind, far, box, place) for place in ((near.x, near.y), farther))
        for near, farther, far in ahead
        if far is not None
    ]
    return not told or min(told) <= _ON


def _unlike_about(speck: Levels, behind: Levels, picture: Words, box: Box, way: tuple[int, int]) -> float:
    """What is left of a speck when the like that is nearest about a place is taken away; 0 where that is outside."""
    x, y = way
    there = slice(box[0].start + y, box[0].stop + y), slice(box[1].start + x, box[1].stop + x)
    if any(part.start < 0 or part.stop > side for part, side in zip(there, picture.shape, strict=True)):
        return 0.0
    least, share = _ABOUT
    misfit, _, _ = _misfit(speck, picture, there, round(least + share * float(np.hypot(x, y)) / 2))
    return float(misfit.min()) / _energy(speck, behind)


def _is_large(box: Box, width: int) -> bool:
    return bool(max(part.stop - part.start for part in box) > _LARGE * width)


def _wanders(own: Levels, sides: Sequence[Words], box: Box, one_side: bool, alike: float) -> bool:
    """Whether something large comes from one side and goes on to the other, whatever becomes of its shape.

    What stands out there is to be ``alike``, the less of both as a share of the greater.
    """
    import cv2  # on first use: it is large, and a plan needs none of it

    high, wide = (part.stop - part.start for part in box)
    width = sides[0].shape[1]
    if not _is_large(box, width):
        return False
    sign = 1 if own.sum() > 0 else -1
    mass = float(np.maximum(sign * own, 0).sum())
    reach = round(_FAR * width)
    top, left = max(box[0].start - reach, 0), max(box[1].start - reach, 0)
    ways = []
    for picture in sides:
        around = picture[top : box[0].stop + reach, left : box[1].stop + reach].astype(np.float32) - NOTHING
        sums = cv2.boxFilter(
            np.maximum(sign * around, 0),
            -1,
            (wide, high),
            anchor=(0, 0),
            normalize=False,
            borderType=cv2.BORDER_CONSTANT,
        )
        _, most, _, (x, y) = cv2.minMaxLoc(sums)
        way = np.array((left + x - box[1].start, top + y - box[0].start), float)
        in_part = one_side or _leaves(box, way, picture.shape)  # as it comes in, there is less of it
        if most >= alike * mass and (in_part or mass >= alike * most):
            ways.append(way)
    if len(ways) < 2:
        return bool(ways) and (one_side or _leaves(box, ways[0], sides[0].shape))
    come, gone = ways
    far, near = sorted((float(np.hypot(*come)), float(np.hypot(*gone))), reverse=True)
    return far <= 2.5 * near + _STEP and float(come @ gone) <= -0.7 * far * near


def _leaves(box: Box, way: Reals, size: tuple[int, ...]) -> bool:
    """Whether the middle of what goes on opposite to a way is, on the other side, out of the picture."""
    middles = [(part.start + part.stop) / 2 for part in box]
    return any(not 0 <= at - step <= side for at, step, side in zip(middles, way[::-1], size, strict=True))
