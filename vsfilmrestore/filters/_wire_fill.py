"""What is behind wires: what other frames show there, or what lies beside them on both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._between import workable
from vsfilmrestore.filters._motion import Motion, analysis_luma
from vsfilmrestore.filters.masks import mask_for_planes

__all__ = ["MIDDLE", "Views", "across", "filled", "seen_through"]

core = vs.core

type Plane = npt.NDArray[Any]
type Reals = npt.NDArray[np.float32]
type Flags = npt.NDArray[np.bool_]
type Places = tuple[Plane, Plane]
type Sides = Sequence[tuple[Reals, Reals]]
"""What lies beyond the rim on either side of each place, and how far off."""

_REACH: Final = 24
"""Pixels to the side within which a wire ends."""
_CLEAR: Final = 1
"""The first pixel beside a wire may still show its rim: so many are passed over."""
_PIECE: Final = 8
"""Half a piece of wire over which pictures are compared."""
_RING: Final = 6
"""Pixels around a wire in which other frames are put to the test."""
_LEFT: Final = 1.3
"""A wire may be left in what other frames show, for so many times what the picture is rough by."""
_LESS: Final = 0.25
"""But as much as that of what a line drawn across takes away must go,"""
_CLOSE: Final = 3
"""told over half a piece of so many pixels: motion may follow a wire for a few."""
_PLAIN: Final = 1.5
"""A wire is plain where it stands out by so many times what the picture is rough by."""
_RUN: Final = 8
"""Pixels along a wire, to both sides of a place, that tell its shade there."""
_WITHIN: Final = 0.99
"""Between pixels of which less is a wire nothing is told of it."""
_SKIPPED: Final = 2
"""Pixels between the places along a wire that tell how much is seen through it."""
_WIDE: Final = 4096
"""Samples in a row of a map; it is folded as the library takes no longer ones."""
_SPACED: Final = 4
"""Pixels between the places along a wire that tell its usual shade."""
_FAR: Final = 16
"""So many of them to both sides."""
_EVEN: Final = 3.0
"""Places where both sides are more alike than that, in times of what is usual, count for no more."""
_ALL_ALONG: Final = 1.7
"""Squared error of a shade that is told all along, in squares of how far values spread, for each that counts;"""
_HERE: Final = 0.4
"""and of one that is told close by."""
_PLAINLY: Final = 6.0
"""A wire is plain where its shade, squared, is so many times what its sides differ by."""
_DOUBT: Final = 2.0
"""Elsewhere a shade of a squared error of 1 / this of its own square is none."""
_BOUND: Final = 0.7
"""Of a wire, by how well it can be told, so much has no more shade than all of it may have."""
_DIFFERS: Final = 0.5
"""Share of its shade by which a wire differs from place to place."""
_WORTH: Final = 3.0
"""Of a wire whose shade, squared, is no more than so many times what is missed beside it nothing is taken away."""
_ROUGHER: Final = 1.2
"""What is kept of a wire may be so many times as rough as what lies beside it."""
_TINY: Final = np.float32(1e-9)
_UNLIKE: Final = (0.0, 2.0)
"""A wire's shade may differ from what it usually is along it so far, in times of that: an outline of the scene in whose
place the ground was put stays."""
_SMOOTH: Final = 3.0
"""Pixels over which the direction of a wire is taken."""


class Views(NamedTuple):
    """A clip, and its neighbours moved onto each frame as what is behind wires moves.

    Attributes:
        clip: Any constant format.
        work: The same as the motion plug-in takes it.
        back: The way from there.
        moved: Neighbours of ``work``.
        lumas: Neighbours of the luma.
    """

    clip: vs.VideoNode
    work: vs.VideoNode
    back: Callable[[vs.VideoNode], vs.VideoNode]
    moved: list[vs.VideoNode]
    lumas: list[vs.VideoNode]

    @classmethod
    def of(cls, clip: vs.VideoNode, motion: Motion) -> Views:
        """Look at a clip; nothing is read."""
        (work, back), luma = workable(clip), analysis_luma(clip)
        moved, lumas = (list(motion.compensate(each).values()) for each in (work, luma))
        return cls(clip, work, back, moved, lumas)


def filled(views: Views, mask: vs.VideoNode, sign: int) -> tuple[vs.VideoNode, vs.VideoNode]:
    """The clip with what is behind the wires of a mask, and GRAY8: 255 where it is surely better than the wire.

    It comes from other frames where they agree on it, else from beside. Grain, and what shows through wires, stays.

    Args:
        views: The clip and its neighbours.
        mask: GRAY8.
        sign: -1 for wires darker than what is behind, 1 for brighter ones.
    """
    work = views.work
    beside = across(work, mask)
    seen, plain = _seen(views, analysis_luma(beside), mask, sign)
    chosen = core.akarin.Expr([beside, _behind(work, views.moved, sign), mask_for_planes(seen, work)], "z y x ?")
    chosen = seen_through(work, chosen, mask, seen)
    return views.back(chosen).std.CopyFrameProps(views.clip), core.akarin.Expr([seen, plain], "x y max")


def seen_through(
    clip: vs.VideoNode, behind: vs.VideoNode, mask: vs.VideoNode, told: vs.VideoNode | None = None
) -> vs.VideoNode:
    """``behind``, with what the clip itself has along wires: their grain, and what shows of the scene through them.

    Grain lies on wires as it does beside them, and a thin wire covers its pixels in part. So nothing but the shade of a
    wire is taken away; what it lacks of the detail behind, told by how the one goes with the other, is put back.

    Args:
        clip: Planes of one sample type.
        behind: The same without wires.
        mask: GRAY8 of the picture's size.
        told: GRAY8, 255 where other frames tell what is behind; else it was drawn across from both sides.
    """
    told = core.std.BlankClip(mask, keep=True) if told is None else told

    def draw(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        for plane in range(f[0].format.num_planes):
            covered, known = (np.asarray(each[plane]) > 0 for each in f[2:])
            if covered.any():
                _draw_through(np.asarray(out[plane]), np.asarray(f[1][plane]), covered, known)
        return out

    return core.std.ModifyFrame(behind, [behind, clip, *(mask_for_planes(each, clip) for each in (mask, told))], draw)


def _draw_through(plane: Plane, now: Plane, covered: Flags, told: Flags) -> None:
    """Give covered samples of a plane the detail that is seen through a wire."""
    top, left = (max(int(np.flatnonzero(covered.any(axis)).min()) - _REACH, 0) for axis in (1, 0))
    low, right = (int(np.flatnonzero(covered.any(axis)).max()) + 1 + _REACH for axis in (1, 0))
    part = np.s_[top:low, left:right]
    there = covered[part]
    y, x = np.nonzero(there)
    at: Places = (y, x)
    turn = _normal(there)[at]
    made, seen = (np.where(there, each[part].astype(np.float32), np.float32(0)) for each in (plane, now))
    step_x, step_y = np.cos(turn), np.sin(turn)
    sides = [_beside(now[part], there, at, (sign * step_y, sign * step_x)) for sign in (-1, 1)]
    apart, unlike = seen - made, _sides_apart(sides, there, at, turn)
    near, rough = _middle_along(apart, there, at, turn)
    usual, known, plain = _usual(apart, unlike, there, at, turn)
    # A wire's shade is told by what lies around as far as that can be trusted, and differs from place to place.
    differs, here = (_DIFFERS * usual) ** 2, np.where(plain | told[part][at], 0, unlike[at])
    shade = known * usual + differs / (differs + _HERE * rough**2 + here + _TINY) * (near - usual)
    own = _no_rougher(seen[at] - shade - made[at], sides, there, at, turn)
    mended = made[at] + (1 - _lacking(made, seen, there, at, turn)) * own
    least, most = (np.where(usual > 0, one, other) * usual for one, other in (_UNLIKE, _UNLIKE[::-1]))
    taken = np.clip(seen[at] - mended, least, most)
    mended = seen[at] - taken * np.maximum(_proven(now[part], near, sides, there, at, turn), told[part][at])
    if np.issubdtype(plane.dtype, np.integer):
        mended = np.rint(np.clip(mended, 0, np.iinfo(plane.dtype).max))
    plane[top + y, left + x] = mended


def _no_rougher(own: Reals, sides: Sides, there: Flags, at: Places, turn: Reals) -> Reals:
    """What is kept of a wire's own, no rougher along it than what lies beside: rims of thin wires are jagged."""

    def fine(values: Reals) -> Reals:
        return values - _mean_along(values, there, at, turn, 1)

    jagged = fine(own)
    beside = [fine(np.where(np.isfinite(far), edge, np.float32(0))) ** 2 for edge, far in sides]
    usual, here = (_mean_along(each, there, at, turn, 1) for each in (np.maximum(*beside), jagged**2))
    kept = np.sqrt(np.minimum(_ROUGHER**2 * usual / (here + _TINY), 1))
    return np.asarray(own - (1 - kept) * jagged)


def _proven(now: Plane, near: Reals, sides: Sides, there: Flags, at: Places, turn: Reals) -> Reals:
    """How far a line drawn across a wire is worth it, 0..1: the same is done beside, where what is behind is seen.

    A wire whose shade is no more than what is missed there is left: what hides it is detail of the scene.
    """
    source, missed = now.astype(np.float32), np.zeros_like(near)
    rims = [np.where(np.isfinite(far), far, np.float32(0)) for _, far in sides]
    half = (rims[0] + rims[1]) / 2
    for sign, (edge, _), rim in zip((-1, 1), sides, rims, strict=True):
        middle, beyond = (
            _sampled(source, at[1] + sign * off * np.cos(turn), at[0] + sign * off * np.sin(turn))
            for off in (rim + half, rim + 2 * half)
        )
        apart = np.where(rim > 0, middle - (edge + beyond) / 2, np.float32(0))
        missed += np.abs(_mean_along(apart, there, at, turn, 1)) / 2
    shade, doubt = (_mean_along(each, there, at, turn, _SPACED) ** 2 for each in (np.abs(near), missed))
    return np.asarray(np.clip((shade - _WORTH * doubt) / (_WORTH * doubt + _TINY), 0, 1))


def _mean_along(values: Reals, there: Flags, at: Places, turn: Reals, apart: int) -> Reals:
    """The mean of what is told of each place over those along the wire."""
    steps, picture = [apart * t for t in range(-_RUN, _RUN + 1)], np.zeros(there.shape, np.float32)
    picture[at] = values
    told, count = (_sampled_along(each, at, turn, steps).sum(0) for each in (picture, there.astype(np.float32)))
    return np.asarray(told / np.maximum(count, 1e-3))


def _sides_apart(sides: Sides, there: Flags, at: Places, turn: Reals) -> Reals:
    """By how much a line drawn across a wire may be wrong, squared: both its sides tell, over a piece of wire."""
    (one, far), (other, further) = sides
    both = np.isfinite(far) & np.isfinite(further)
    apart, counted = (np.zeros(there.shape, np.float32) for _ in range(2))
    apart[at], counted[at] = np.where(both, (one - other) / 2, 0) ** 2, both
    sums = [_samples(each, at, turn).sum(0) for each in (apart, counted)]
    apart[at] = sums[0] / np.maximum(sums[1], 1)
    return apart


def _lacking(made: Reals, seen: Reals, there: Flags, at: Places, turn: Reals) -> Reals:
    """The share of the detail in what was put behind wires that these hide, 0..1, at each place."""
    share = np.maximum(_samples(there.astype(np.float32), at, turn).sum(0), 1e-3)
    behind, through = np.zeros_like(made), np.zeros_like(seen)
    for fine, each in ((behind, made), (through, seen)):
        fine[at] = each[at] - _samples(each, at, turn).sum(0) / share
    steps = [_SKIPPED * t for t in range(-_RUN, _RUN + 1)]
    both, own, here = (
        np.maximum(_sampled_along(a * b, at, turn, steps).sum(0), 1e-6)
        for a, b in ((behind, through), (behind, behind), (through, through))
    )
    shown = np.minimum(both / own, 1)
    # Of what is put behind no more is detail than what is left when as much is taken away as the wire has of its own.
    detail = np.maximum(1 - (here - shown * shown * own) / own, 0)
    return np.asarray(np.clip(detail - shown, 0, 1))


def _usual(apart: Reals, unlike: Reals, there: Flags, at: Places, turn: Reals) -> tuple[Reals, Reals, Flags]:
    """What a wire's shade usually is about each place, how far that can be trusted (0..1), and where it is plain."""
    import cv2  # on first use: it is large, and a plan needs none of it

    near, uneven = _middle_along(apart, there, at, turn, _SPACED)
    known = near**2 / (near**2 + _ALL_ALONG / (2 * _RUN + 1) * uneven**2 + _TINY)
    steps = [_SPACED * t for t in range(-_RUN, _RUN + 1)]
    around, count = (_sampled_along(each, at, turn, steps).sum(0) for each in (unlike, there.astype(np.float32)))
    middle = np.zeros_like(apart)
    middle[at] = near**2
    # A rim is as plain as the middle beside it.
    plain = cv2.dilate(middle, np.ones((5, 5), np.uint8))[at] * count > _PLAINLY * around
    faint = np.flatnonzero(~plain)
    if len(faint):
        far, error = _usual_along(apart, unlike, there, (at[0][faint], at[1][faint]), turn[faint])
        usual = near.copy()
        usual[faint] = far
        near[faint] = far = _bounded(usual, unlike[at], there, at)[faint]
        known[faint] = np.maximum(1 - _DOUBT * error / (far**2 + _TINY), 0)
    return near, known.astype(np.float32), plain


def _middle_along(picture: Reals, there: Flags, at: Places, turn: Reals, apart: int = 1) -> tuple[Reals, Reals]:
    """The median along a wire, about each place, and how far values spread there (of quartiles, as a deviation)."""
    steps = [apart * t for t in range(-_RUN, _RUN + 1)]
    # Between two pixels a straight line would cut off the crest of a thin wire: rows of dots would be left of it.
    values = _sampled_along(picture, at, turn, steps, curved=True)
    values[_sampled_along(there.astype(np.float32), at, turn, steps) < _WITHIN] = np.inf
    values.sort(0)
    count = np.isfinite(values).sum(0)
    low, middle, high = (
        np.take_along_axis(values, np.maximum(count - 1, 0)[None] * part // 4, 0)[0] for part in (1, 2, 3)
    )
    found = count > 0
    spread = np.where(found, high, 0) - np.where(found, low, 0)
    return np.where(found, middle, picture[at]).astype(np.float32), (0.74 * spread).astype(np.float32)


def _usual_along(apart: Reals, unlike: Reals, there: Flags, at: Places, turn: Reals) -> tuple[Reals, Reals]:
    """The median far along a wire, of places more as both sides are more alike there; and its squared error."""
    steps = [_SPACED * t for t in range(-_FAR, _FAR + 1)]
    values, unsure, within = (
        _sampled_along(each, at, turn, steps) for each in (apart, unlike, there.astype(np.float32))
    )
    floor = np.median(unlike[at]) * _EVEN + _TINY
    weights = np.where(within >= _WITHIN, 1 / (unsure + floor), 0)
    weights[_FAR] = np.maximum(weights[_FAR], 1e-3 / (unsure[_FAR] + floor))
    order = np.argsort(values, 0)
    values, weights = (np.take_along_axis(each, order, 0) for each in (values, weights))
    sums = np.cumsum(weights, 0)
    low, middle, high = (
        np.take_along_axis(values, (sums >= part * sums[-1]).argmax(0)[None], 0)[0] for part in (0.25, 0.5, 0.75)
    )
    alone = (weights**2).sum(0) / sums[-1] ** 2
    return middle, _ALL_ALONG * alone * (0.74 * (high - low)) ** 2


def _bounded(usual: Reals, unlike: Reals, there: Flags, at: Places) -> Reals:
    """The shade of a wire, nowhere much more than where it can be told best: more is an outline of the scene."""
    import cv2  # on first use: it is large, and a plan needs none of it

    owner = cv2.connectedComponents(there.astype(np.uint8), connectivity=8)[1][at]
    weights, size = 1 / (unlike + np.median(unlike) * _EVEN + _TINY), np.abs(usual)
    order = np.lexsort((size, owner))
    sums = np.cumsum(weights[order].astype(np.float64))
    last = np.searchsorted(owner[order], np.arange(owner.max() + 1), side="right") - 1
    before = np.concatenate(([0.0], sums[last[:-1]]))
    most = size[order][np.searchsorted(sums, before + _BOUND * (sums[last] - before)).clip(0, len(sums) - 1)][owner]
    return np.clip(usual, -most, most)


def _samples(picture: Reals, at: Places, normal: Reals) -> Reals:
    """What lies along a wire about each place: a row for each pixel."""
    return _sampled_along(picture, at, normal, range(-_RUN, _RUN + 1))


def _sampled_along(picture: Reals, at: Places, normal: Reals, steps: Sequence[int], *, curved: bool = False) -> Reals:
    sin, cos = np.sin(normal), np.cos(normal)
    return np.stack([_sampled(picture, at[1] - t * sin, at[0] + t * cos, curved=curved) for t in steps])


def across(clip: vs.VideoNode, mask: vs.VideoNode) -> vs.VideoNode:
    """The clip with a straight line drawn from one side of each wire to the other, pixel by pixel.

    Args:
        clip: Planes of one sample type.
        mask: GRAY8 of the picture's size.
    """

    def draw(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        for plane in range(f[0].format.num_planes):
            covered = np.asarray(f[1][plane]) > 0
            if covered.any():
                _draw_across(np.asarray(out[plane]), covered)
        return out

    return core.std.ModifyFrame(clip, [clip, mask_for_planes(mask, clip)], draw)


def _draw_across(plane: Plane, covered: Flags) -> None:
    """Replace covered samples of a plane; those with no side to be seen stay."""
    y, x = np.nonzero(covered)
    turn = _normal(covered)[y, x]
    step_x, step_y = np.cos(turn), np.sin(turn)
    sides = [_beside(plane, covered, (y, x), (sign * step_y, sign * step_x)) for sign in (-1, 1)]
    (a, far_a), (b, far_b) = sides
    # The nearer side counts for more; a side that is not there is infinitely far.
    weight_a, weight_b = (np.where(np.isfinite(far), 1 / far, 0) for far in (far_a, far_b))
    total = weight_a + weight_b
    found = total > 0
    made = (a * weight_a + b * weight_b)[found] / total[found]
    plane[y[found], x[found]] = np.rint(made) if np.issubdtype(plane.dtype, np.integer) else made


def _beside(plane: Plane, covered: Flags, at: Places, step: Places) -> tuple[Reals, Reals]:
    """The sample beyond the rim on one side of each place, and how far off it is; infinity where there is none."""
    height, width = plane.shape
    far = np.full(len(at[0]), np.inf, np.float32)
    left = np.arange(len(far))
    for distance in range(1, _REACH):
        y, x = (np.rint(at[i][left] + step[i][left] * distance).astype(int) for i in (0, 1))
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        left, y, x = left[inside], y[inside], x[inside]
        clear = ~covered[y, x]
        far[left[clear]] = distance + _CLEAR
        left = left[~clear]
        if not len(left):
            break
    reach = np.where(np.isfinite(far), far, 0)
    y, x = (at[i] + step[i] * reach for i in (0, 1))
    source = plane if plane.dtype in (np.uint8, np.uint16) else plane.astype(np.float32)
    return _sampled(source, x, y).astype(np.float32), far


def _sampled(picture: Plane, x: Plane, y: Plane, *, curved: bool = False) -> Plane:
    """A picture between its pixels; beyond its edge these go on. ``x`` and ``y`` are of any length."""
    import cv2  # on first use: it is large, and a plan needs none of it

    # The library takes maps of less than 32,768 columns and rows.
    wide = min(_WIDE, max(len(x), 1))
    maps = [np.zeros((-(-len(x) // wide), wide), np.float32) for _ in (x, y)]
    for each, values in zip(maps, (x, y), strict=True):
        each.flat[: len(values)] = values
    between = cv2.INTER_CUBIC if curved else cv2.INTER_LINEAR
    seen = cv2.remap(picture, maps[0], maps[1], between, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen).ravel()[: len(x)]


def _normal(covered: Flags) -> Reals:
    """The angle across the lines of a mask at each pixel, in radians."""
    import cv2  # on first use: it is large, and a plan needs none of it

    soft = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), _SMOOTH)
    dx, dy = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.GaussianBlur(each, (0, 0), 2 * _SMOOTH) for each in (dx * dx, dy * dy, dx * dy))
    turn: Reals = 0.5 * np.arctan2(2 * xy, xx - yy)
    return turn


_SECOND: Final = {
    -1: "x y max M! z a max N! M@ N@ min x y min z a min max max",
    1: "x y min M! z a min N! M@ N@ max x y max z a max min min",
}
"""The second largest, or smallest, of four."""

MIDDLE: Final = "x y + z + a + x y max z a max max - x y min z a min min - 2 /"
"""Mean of the two in the middle."""


def _behind(clip: vs.VideoNode, views: Sequence[vs.VideoNode], sign: int) -> vs.VideoNode:
    """Of four views the one with least of the line: not the extreme, for that would pick grain."""
    is_yuv = clip.format.num_planes == 3 and clip.format.color_family == vs.YUV
    return core.akarin.Expr(views, [_SECOND[sign], MIDDLE, MIDDLE] if is_yuv else [_SECOND[sign]])


def _seen(views: Views, beside: vs.VideoNode, mask: vs.VideoNode, sign: int) -> tuple[vs.VideoNode, vs.VideoNode]:
    """GRAY8, 255 where other frames tell better what is behind than what lies beside; and where the wire is plain.

    Around the wire they must show what the frame shows, more exactly than the picture there is smooth, and on the wire
    leave less of it than a line drawn across may miss; that is told over a piece of wire, for one pixel tells nothing.
    They must agree on each pixel.
    """
    luma = analysis_luma(views.clip)
    behind, middle = _behind(luma, views.lumas, sign), core.akarin.Expr(views.lumas, MIDDLE)
    ring = core.akarin.Expr([_grown(mask, _RING), _grown(mask, 1)], "x y -")
    lost, rough = (_mean_in(ring, "y z - abs", luma, other) for other in (behind, _smooth(luma)))
    gain, wanted = (_mean_in(mask, f"y z - {-sign} *", luma, other) for other in (behind, beside))
    close = [_mean_in(mask, f"y z - {-sign} *", luma, other, _CLOSE) for other in (behind, beside)]
    better = f"x y < a z - y {_LEFT} * < and d e {_LESS} * > and"
    agree = f"b c - abs {12 * 257} <"
    clips = [lost, rough, gain, wanted, behind, middle, *close]
    seen = core.akarin.Expr(clips, f"{better} {agree} and 255 0 ?", format=vs.GRAY8)
    return seen, core.akarin.Expr([rough, wanted], f"y x {_PLAIN} * > 255 0 ?", format=vs.GRAY8)


def _grown(mask: vs.VideoNode, pixels: int) -> vs.VideoNode:
    for _ in range(pixels):
        mask = mask.std.Maximum()
    return mask


def _smooth(luma: vs.VideoNode) -> vs.VideoNode:
    radius = min(3, (min(luma.width, luma.height) - 1) // 2)
    return luma.std.BoxBlur(hradius=radius, vradius=radius) if radius else luma


def _mean_in(
    mask: vs.VideoNode, told: str, luma: vs.VideoNode, other: vs.VideoNode, piece: int = _PIECE
) -> vs.VideoNode:
    """GRAYS: mean over the pixels of a mask around of what an expression tells of luma (z) and another picture (y)."""
    radius = min(piece, (min(luma.width, luma.height) - 1) // 2)
    sums = [
        core.akarin.Expr([mask, other, luma], f"x {told} 0 ?", format=vs.GRAYS),
        core.akarin.Expr([mask], "x 0 > 1 0 ?", format=vs.GRAYS),
    ]
    if radius:
        sums = [each.std.BoxBlur(hradius=radius, vradius=radius) for each in sums]
    return core.akarin.Expr(sums, "x y 1e-6 max /")
