"""Vertical scratches: narrow lines that stay where they are on the film while the scene moves."""

from __future__ import annotations

from typing import Annotated, Final, Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._motion import mirrored, planes_of
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["remove_scratches"]

core = vs.core

type Grey = npt.NDArray[np.uint8]
type Flags = npt.NDArray[np.bool_]

_RADIUS: Final = 2
"""Frames each side in which a line must be seen."""
_ROWS: Final = 8
"""The search looks at every such row; between them the picture is averaged anyway."""
_STEPS: Final = 8
"""Heights of lines reach the search in GRAY8 as this many steps per 8-bit level."""
_ACROSS: Final = (0, 0, 0, 1, 1, 0, 0, 0)
"""Neighbours left and right, for Minimum and Maximum."""


class _Search(NamedTuple):
    """What counts as a line: least height in 8-bit levels and in units of the picture's own, least length in rows."""

    height: float
    contrast: float
    length: float


@restoration_filter(short="scratch", order=60, needs=("akarin",), radius=_RADIUS)
def remove_scratches(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    max_width: Annotated[int, Setting("widest line, in pixels", 1, 31)] = 7,
    min_length: Annotated[int, Setting("shortest line, in per cent of the picture's height", 5, 100)] = 50,
    polarity: Annotated[
        Literal["both", "dark", "light"], Setting("lines to remove: dark ones, light ones or both")
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
        polarity: ``dark`` or ``light`` restricts it to such lines.
        protect: Regions that stay as they are.
        only: Regions outside which all stays as it is.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.

    Raises:
        vapoursynth.Error: A setting is out of range.
    """
    if strength == 0:
        return clip
    search = _Search(3.0 - 2.0 * strength, 5.0 - 2.5 * strength, clip.height * min_length / 100)
    signs = {"both": (1, -1), "light": (1,), "dark": (-1,)}[polarity]
    repaired, masks = [], []
    for plane in planes_of(mirrored(clip, _RADIUS)):
        scale = plane.height / clip.height
        fixed, mask = _plane(plane, signs, max_width, search._replace(length=search.length * scale))
        repaired.append(fixed)
        masks.append(_full_size(mask, clip))
    fmt = clip.format
    whole = repaired[0] if len(repaired) == 1 else core.std.ShufflePlanes(repaired, [0, 0, 0], fmt.color_family)
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
        mask = _lines(ridge, width // 2 + 1, search)
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


def _lines(ridge: vs.VideoNode, reach: int, search: _Search) -> vs.VideoNode:
    """GRAY8 mask of the pixels of lines."""
    rows = -(-ridge.height // _ROWS)
    heights = core.akarin.Expr([ridge], f"x {_STEPS} *", format=vs.GRAY8)
    thinned = heights.resize.Point(ridge.width, rows, src_height=rows * _ROWS)
    wider = thinned.std.Maximum(coordinates=_ACROSS).std.Maximum(coordinates=_ACROSS)
    around = [_shifted(wider, d) for d in (-2, -1, 1, 2)]
    # The third largest of four: one frame may hide the line.
    steady = core.akarin.Expr(around, _THIRD)
    steady = core.akarin.Expr([thinned, steady], "x y 1.5 * min")

    def find(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f.copy()
        np.copyto(np.asarray(out[0]), _found(np.asarray(f[0]), reach, search))
        return out

    found = core.std.ModifyFrame(steady, steady, find)
    found = found.resize.Point(ridge.width, rows * _ROWS).std.Crop(bottom=rows * _ROWS - ridge.height)
    skirts = core.akarin.Expr([ridge, found.std.Maximum(coordinates=_ACROSS), found], "z 255 y x 0.7 > and 255 0 ? ?")
    return core.akarin.Expr([skirts], "x", format=vs.GRAY8)


_THIRD: Final = "x y min z a min max x y max z a max min min"
"""Second smallest of four."""


def _shifted(clip: vs.VideoNode, frames: int) -> vs.VideoNode:
    """Frame n holds frame n + ``frames``, the end frames repeat."""
    last = clip.num_frames - 1
    steps = min(abs(frames), last)
    if steps == 0:
        return clip
    if frames > 0:
        return clip[steps:] + clip[last] * steps
    return clip[0] * steps + clip[: last + 1 - steps]


def _found(heights: Grey, reach: int, search: _Search) -> Grey:
    """The lines among the heights: crests that stand out, joined to long straight runs."""
    high = heights.astype(np.float32)
    usual = cv2.blur(high, (81, 9)) + 0.5 * _STEPS / 8
    crest = high == cv2.dilate(high, np.ones((1, 2 * reach + 1), np.uint8))
    crest &= (high >= search.height * _STEPS) & (high >= search.contrast * usual)
    wide = cv2.dilate(crest.astype(np.uint8), np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(wide, connectivity=8)
    out = np.zeros_like(heights)
    for label in np.flatnonzero(stats[:, cv2.CC_STAT_HEIGHT] * _ROWS >= search.length)[1:]:
        y, x = np.nonzero((labels == label) & crest)
        _draw(out, x, y, reach)
    return out


def _draw(out: Grey, x: npt.NDArray[np.int64], y: npt.NDArray[np.int64], reach: int) -> None:
    """Mark the run of crests at ``x``, ``y`` if it is one smooth, nearly vertical line."""
    rows = np.arange(y.min(), y.max() + 1)
    if len(np.unique(y)) < 0.7 * len(rows) or len(y) > 1.3 * len(rows):
        return
    bow = np.polynomial.Polynomial.fit(y, x, 2)
    slope = bow.deriv()(rows)
    if np.std(x - bow(y)) > 1.0 or np.abs(slope).max() > 0.06 * _ROWS:
        return
    centre = np.rint(bow(rows)).astype(int)
    for across in range(-reach, reach + 1):
        out[rows, (centre + across).clip(0, out.shape[1] - 1)] = 255


def _full_size(mask: vs.VideoNode, clip: vs.VideoNode) -> vs.VideoNode:
    return (
        mask if (mask.width, mask.height) == (clip.width, clip.height) else mask.resize.Point(clip.width, clip.height)
    )
