"""Vertical scratches: narrow lines that stay where they are on the film while the scene moves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from vsutil import join, split

from vsfilmrestore.filters._motion import mirrored
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["remove_scratches"]

core = vs.core

type Grey = npt.NDArray[np.uint8]
type Flags = npt.NDArray[np.bool_]
type Levels = npt.NDArray[np.float32]
type Places = npt.NDArray[np.intp]

_RADIUS: Final = 3
"""Frames each side: a line is looked for in two, and the verdict is that of three frames."""
_ROWS: Final = 8
"""The search looks at every such row; between them the picture is averaged anyway."""
_STEPS: Final = 4
"""Heights of lines reach the search in GRAY8 as this many steps per 8-bit level."""
_FAINT: Final = 0.7
"""Skirts of a line below this many levels are left."""
_EVEN: Final = 128 / _STEPS
"""Stands for no difference between the sides of a line."""
_LOPSIDED: Final = 0.4
"""The sides of a line may differ by this share of its height; those of an edge differ by more."""
_ALL: Final = 0.95
"""A line this long, as a share of the picture's height, needs no moving scene to prove itself."""
_ACROSS: Final = (0, 0, 0, 1, 1, 0, 0, 0)
"""Neighbours left and right, for Minimum and Maximum."""


class _Search(NamedTuple):
    """What counts as a line.

    Attributes:
        tenths: Strength in tenths. With each of them once more is looked for, and what was found before stays: among
            fainter and fainter crests a line would at last be lost.
        length: Least length, as a share of the height.
    """

    tenths: int
    length: float

    @property
    def floors(self) -> list[tuple[float, float]]:
        """Least height in 8-bit levels and in units of what is usual nearby, strictest first."""
        return [(3.0 - 0.2 * step, 5.0 - 0.25 * step) for step in range(1, self.tenths + 1)]


@restoration_filter(short="scratch", order=60, needs=("akarin",), radius=_RADIUS)
def remove_scratches(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    max_width: Annotated[int, Setting("widest line, in pixels", 1, 31)] = 5,
    min_length: Annotated[int, Setting("shortest line, in per cent of the picture's height", 5, 100)] = 50,
    polarity: Annotated[
        Literal["both", "dark", "bright"], Setting("lines to remove: dark ones, bright ones or both")
    ] = "both",
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Remove vertical scratches and keep the picture that shines through them.

    A line is a narrow ridge or groove in the vertically averaged picture, of some length, that is found at nearly the
    same place in most of the frames around. What it adds to the picture is estimated along it and subtracted; detail
    under a semi-transparent line survives. All planes are searched, so lines in a single colour layer are found too.

    Args:
        clip: Any constant format.
        strength: How faint a line may be.
        max_width: Wider ones are taken for picture.
        min_length: Shorter ones are taken for picture.
        polarity: ``dark`` or ``bright`` restricts it to such lines.
        protect: Regions that stay as they are.
        only: Regions outside which all stays as it is.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.

    Raises:
        vapoursynth.Error: A setting is out of range.
    """
    if strength == 0:
        return clip
    search = _Search(math.ceil(10 * strength - 1e-6), min_length / 100)
    signs = {"both": (1, -1), "bright": (1,), "dark": (-1,)}[polarity]
    repaired, masks = [], []
    for plane in split(mirrored(clip, _RADIUS)):
        fixed, mask = _plane(plane, signs, max_width, search)
        repaired.append(fixed)
        masks.append(_full_size(mask, clip))
    fmt = clip.format
    whole = join(repaired, fmt.color_family)
    mask = masks[0] if len(masks) == 1 else core.akarin.Expr(masks, "x y max z max")
    own = slice(_RADIUS, clip.num_frames + _RADIUS)
    return apply_repair("remove_scratches", clip, whole[own], mask[own], protect=protect, only=only, show=show)


def _plane(
    plane: vs.VideoNode, signs: tuple[int, ...], width: int, search: _Search
) -> tuple[vs.VideoNode, vs.VideoNode]:
    """The plane without its lines, and the mask of what was changed."""
    if min(plane.width, plane.height) < 4 * _ROWS:
        return plane, core.std.BlankClip(plane, format=vs.GRAY8, keep=True)
    level = 1 / 255 if plane.format.sample_type == vs.FLOAT else 1 << (plane.format.bits_per_sample - 8)
    averaged = _averaged(plane, max(plane.height // 22, _ROWS), level)
    fixed, masks = plane, []
    for sign in signs:
        ridge = _ridge(averaged, sign, width // 2 + 1)
        mask = _lines(averaged, ridge, width // 2 + 1, search)
        fixed = core.akarin.Expr([fixed, ridge, mask], f"z x y {sign * level} * - x ?", format=plane.format.id)
        masks.append(mask)
    return fixed, masks[0] if len(masks) == 1 else core.akarin.Expr(masks, "x y max")


def _averaged(plane: vs.VideoNode, radius: int, level: float) -> vs.VideoNode:
    """The plane in 8-bit levels as GRAYS, averaged vertically."""
    levels = core.akarin.Expr([plane], f"x {1 / level} *", format=vs.GRAYS)
    return levels.std.BoxBlur(hradius=0, hpasses=0, vradius=radius, vpasses=1)


def _ridge(averaged: vs.VideoNode, sign: int, reach: int) -> vs.VideoNode:
    """How far each pixel stands out from both its sides, in levels: above them (sign 1) or below (-1)."""
    upright = averaged if sign > 0 else core.akarin.Expr([averaged], "x -1 *")
    ground = upright
    for _ in range(reach):
        ground = ground.std.Minimum(coordinates=_ACROSS)
    for _ in range(reach):
        ground = ground.std.Maximum(coordinates=_ACROSS)
    return core.akarin.Expr([upright, ground], "x y -")


def _lines(averaged: vs.VideoNode, ridge: vs.VideoNode, reach: int, search: _Search) -> vs.VideoNode:
    """GRAY8 mask of the pixels of lines."""
    maps = [_thinned(m) for m in (ridge, _sides(averaged, reach), _change(averaged))]
    wider = maps[0].std.Maximum(coordinates=_ACROSS).std.Maximum(coordinates=_ACROSS)
    around = core.akarin.Expr([_shifted(wider, d) for d in (-2, -1, 1, 2)], _SECOND_SMALLEST)
    maps[0] = core.akarin.Expr([maps[0], around], "x y 1.5 * min")

    def find(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        np.copyto(np.asarray(out[0]), _found([np.asarray(m[0]) for m in f], reach, search))
        return out

    found = core.std.ModifyFrame(maps[0], maps, find)
    # Two of three frames decide, else a faint line would come and go.
    beside = [_shifted(found.std.Maximum(coordinates=_ACROSS), d) for d in (-1, 1)]
    found = core.akarin.Expr([found, *beside], "y z min x y z max min max")
    rows = found.height * _ROWS
    found = found.resize.Point(ridge.width, rows).std.Crop(bottom=rows - ridge.height)
    return core.akarin.Expr([found, ridge], f"x y {_FAINT} > and 255 0 ?", format=vs.GRAY8)


def _thinned(levels: vs.VideoNode) -> vs.VideoNode:
    """Every eighth row, as GRAY8 in steps."""
    rows = -(-levels.height // _ROWS)
    steps = core.akarin.Expr([levels], f"x {_STEPS} *", format=vs.GRAY8)
    return steps.resize.Point(levels.width, rows, src_height=rows * _ROWS)


def _sides(averaged: vs.VideoNode, reach: int) -> vs.VideoNode:
    """By how much the picture left of each pixel is lighter than right of it, from `_EVEN` on."""
    off = reach + 2
    return core.akarin.Expr([averaged], f"x[-{off},0] x[{off},0] - {_EVEN} +")


def _change(averaged: vs.VideoNode) -> vs.VideoNode:
    """By how much the picture has changed from two frames before to two frames after."""
    return core.akarin.Expr([_shifted(averaged, -2), _shifted(averaged, 2)], "x y - abs")


_SECOND_SMALLEST: Final = "x y min z a min max x y max z a max min min"
"""Of four frames, one may hide the line."""


def _shifted(clip: vs.VideoNode, frames: int) -> vs.VideoNode:
    """Frame n holds frame n + ``frames``, the end frames repeat."""
    last = clip.num_frames - 1
    steps = min(abs(frames), last)
    if steps == 0:
        return clip
    if frames > 0:
        return clip[steps:] + clip[last] * steps
    return clip[0] * steps + clip[: last + 1 - steps]


def _found(maps: Sequence[Grey], reach: int, search: _Search) -> Grey:
    """The lines among the heights: crests that stand out, joined to long straight runs."""
    import cv2  # on first use: it is large, and a plan needs none of it

    heights, sides, change = maps
    high = heights.astype(np.float32)
    usual = cv2.blur(high, (81, 9)) + 0.06 * _STEPS
    crests = high == cv2.dilate(high, np.ones((1, 2 * reach + 1), np.uint8))
    margin = max(2 * reach + 2, round(0.015 * heights.shape[1]))  # the edges of the film's picture are lines, too
    crests[:, :margin] = crests[:, -margin:] = False
    out = np.zeros_like(heights)
    for level, contrast in search.floors:
        crest = crests & (high >= level * _STEPS) & (high >= contrast * usual) & (out == 0)
        for x, y in _runs(crest, search.length):
            if _even_sides(high, sides, x, y):
                _draw(out, x, y, _scene_moves(high, change, x, y, reach), reach, search.length)
    return out


def _runs(crest: Flags, length: float) -> Iterator[tuple[Places, Places]]:
    """Places (x, y) of crests that lie together, sideways by no more than two pixels from row to row."""
    import cv2  # on first use: it is large, and a plan needs none of it

    joined = cv2.dilate(crest.astype(np.uint8), np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for label in np.flatnonzero(stats[:, cv2.CC_STAT_HEIGHT] >= length * crest.shape[0]):
        y, x = np.nonzero((labels == label) & crest)
        if label and len(y) > 2:
            yield x, y


def _even_sides(high: Levels, sides: Grey, x: Places, y: Places) -> bool:
    """Whether the picture is about the same on both sides: along an edge one of them stays the lighter one."""
    uneven = sides[y, x].astype(np.float32) - _EVEN * _STEPS
    height = np.median(high[y, x])
    return bool(abs(np.median(uneven)) <= _LOPSIDED * height and np.median(np.abs(uneven)) <= 2 * _LOPSIDED * height)


def _scene_moves(high: Levels, change: Grey, x: Places, y: Places, reach: int) -> float:
    """Share of the line's rows, 0..1, in which the picture beside it changes while the line stays."""
    flicker = np.median(change, axis=1).astype(np.float32)[y]
    beside = np.zeros(len(x), np.float32)
    for off in range(reach + 1, reach + 6):
        for place in (x - off, x + off):
            beside = np.maximum(beside, change[y, place.clip(0, change.shape[1] - 1)])
    return float(np.mean(beside - flicker > np.maximum(0.75 * high[y, x], 3 * _STEPS)))


def _draw(out: Grey, x: Places, y: Places, moving: float, reach: int, length: float) -> None:
    """Mark the run of crests at ``x``, ``y`` if it is one smooth, nearly vertical line, and long enough.

    Where the scene stands still, a post and a scratch look the same; only what crosses nearly all of the picture is
    then taken for a scratch.
    """
    rows = np.arange(y.min(), y.max() + 1)
    wanted = length + max(_ALL - length, 0) * max(1 - 2 * moving, 0)
    if len(rows) < wanted * out.shape[0] or len(np.unique(y)) < 0.7 * len(rows) or len(y) > 2 * len(rows):
        return
    bow = np.polynomial.Polynomial.fit(y, x, 2)
    if np.std(x - bow(y)) > 1.0 or np.abs(bow.deriv()(rows)).max() > 0.06 * _ROWS:
        return
    centre = np.rint(bow(rows)).astype(int)
    for across in range(-reach, reach + 1):
        out[rows, (centre + across).clip(0, out.shape[1] - 1)] = 255


def _full_size(mask: vs.VideoNode, clip: vs.VideoNode) -> vs.VideoNode:
    return (
        mask if (mask.width, mask.height) == (clip.width, clip.height) else mask.resize.Point(clip.width, clip.height)
    )
