"""Dirt, sparkle and blotches: what lies on one frame and on neither of its neighbours.

Every pixel that stands out from both motion-compensated neighbours belongs to a speck that is *considered*. Whether
the speck is dirt is decided for the speck as a whole, from nine measures (see `_dirt_specks`): most of what is
considered is motion that could not be followed, and betrays itself by its surroundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from vsutil import join, plane, split

from vsfilmrestore.filters._dirt_specks import FINE, REACH, STEPS, likelihood, specks
from vsfilmrestore.filters._motion import estimate, match_level, mirrored
from vsfilmrestore.filters.masks import apply_repair, mask_for_planes
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["Evidence", "evidence", "remove_dirt"]

core = vs.core

type Bytes = npt.NDArray[np.uint8]
type Reals = npt.NDArray[np.float64]
type Levels = npt.NDArray[np.float32]
type Flags = npt.NDArray[np.bool_]

_LEVEL: Final = 256
"""One 8-bit level in the 16-bit working clip."""
_SMALLEST: Final = 16
"""Smaller pictures hold nothing that could be told from dirt."""
_SMALLEST_PLANE: Final = 8
_RADIUS: Final = 3
_FASTEST: Final = 0.06
"""Specks are looked for in the neighbours within this share of the picture's width."""
_LIKE: Final = 0.35
"""What is left of a speck when its like in a neighbour is taken away, as a share of its energy."""


@restoration_filter(short="dust", order=50, needs=("mvu", "zsmooth", "akarin"), radius=_RADIUS)
def remove_dirt(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    max_size: Annotated[int, Setting("longest side of a speck, in thousandths of the picture's width", 2, 200)] = 40,
    polarity: Annotated[
        Literal["both", "dark", "bright"], Setting("specks to remove: dark ones, bright ones or both")
    ] = "both",
    grain: Annotated[float, Setting("grain given to the repair: 0 little, 1 about as much as the film's", 0, 1)] = 1.0,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Remove dirt, sparkle and blotches that lie on a single frame.

    The neighbours are moved onto each frame and brought to its level, so weave, flicker and camera moves are no
    differences. What stands out from both is dirt if it is isolated, its surroundings fit, and nothing like it moves
    through the frames beside; over cuts, flashes and motion too fast to follow nothing is done. Pixels of dirt are
    replaced by the neighbours', all others keep their bits. Lasting damage (two frames and more) is not touched.

    Args:
        clip: Any constant format. Float samples outside 0..1 are clipped where they are repaired.
        strength: How little evidence is enough.
        max_size: Larger specks are left; 1000 is the width of the picture.
        polarity: ``dark`` or ``bright`` restricts it to such specks.
        grain: The mean of several neighbours has less grain than one frame; this much of the difference is given back.
        protect: Regions that stay as they are.
        only: Regions outside which all stays as it is.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.

    Raises:
        vapoursynth.Error: A setting is out of range, or a plug-in is missing.

    Source:
        Evidence by the extremes of compensated neighbours follows the rank-ordered difference detectors of
        A. C. Kokaram, "Motion Picture Restoration" (1998).
    """
    if strength == 0:
        return clip
    chroma = min(clip.width >> clip.format.subsampling_w, clip.height >> clip.format.subsampling_h)
    if chroma < _SMALLEST_PLANE or min(clip.width, clip.height) < _SMALLEST:
        return apply_repair("remove_dirt", clip, clip, core.std.BlankClip(clip, format=vs.GRAY8, keep=True), show=show)
    padded = mirrored(clip, _RADIUS)
    proof = evidence(padded)
    longest = max(max_size * clip.width / 1000, 2.0)
    reach = max(round(_FASTEST * clip.width), 16)

    def choose(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        return _chosen(f, strength, longest, polarity)

    def still(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        return _without_movers(f[0], f[1:], reach)

    chosen = core.std.ModifyFrame(proof.maps[0], proof.maps, choose)
    luma, *moved = (_luma(c) for c in (proof.work, *proof.moved[1:3]))
    pictures = [luma, _shifted(luma, -1), _shifted(luma, 1), *moved]
    mask = core.std.ModifyFrame(chosen, [chosen, *pictures], still)
    for _ in range(2):  # into the soft edge of the speck
        mask = core.akarin.Expr([mask.std.Maximum(), proof.weak, mask], "x y min z max")
    mask = mask.std.Maximum()
    repaired = _from16(_mended(proof, mask, grain), padded)
    own = slice(_RADIUS, clip.num_frames + _RADIUS)
    return apply_repair("remove_dirt", clip, repaired[own], mask[own], protect=protect, only=only, show=show)


class Evidence(NamedTuple):
    """What speaks for dirt.

    Attributes:
        work: The clip with 16 bits.
        moved: Its neighbours -2, -1, 1, 2, moved onto each frame and of its level.
        noise: By how much the neighbours differ, on the local average; one clip a plane.
        maps: The maps `specks` reads.
        weak: GRAY8 mask of all that stands out from both neighbours by more than little.
    """

    work: vs.VideoNode
    moved: list[vs.VideoNode]
    noise: list[vs.VideoNode]
    maps: list[vs.VideoNode]
    weak: vs.VideoNode


class _Plane(NamedTuple):
    """Maps of one plane, GRAY8."""

    hot: vs.VideoNode
    light: vs.VideoNode
    dark: vs.VideoNode
    sure: vs.VideoNode
    second: vs.VideoNode
    around: vs.VideoNode
    texture: vs.VideoNode
    weak: vs.VideoNode


def evidence(clip: vs.VideoNode) -> Evidence:
    """Compare each frame with its neighbours."""
    work = _to16(clip)
    motion = estimate(work, (-2, -1, 1, 2))
    moved = [match_level(motion.compensate(work, d), work) for d in (-2, -1, 1, 2)]
    by_plane = [list(planes) for planes in zip(*map(split, moved), strict=True)]
    noise = [_blurred(core.akarin.Expr(m[1:3], "x y - abs"), 8, 2) for m in by_plane]
    planes = [_plane(*parts) for parts in zip(split(work), by_plane, noise, strict=True)]
    all_in_one = _Plane(*(_strongest(list(maps), work) for maps in zip(*planes, strict=True)))
    *maps, weak = all_in_one
    maps[0] = maps[0].std.CopyFrameProps(_luma(_shifted(work, -1)).std.PlaneStats(_luma(_shifted(work, 1))))
    hot = core.akarin.Expr([all_in_one.hot], "x 65535 0 ?", format=vs.GRAY16)
    crowd = core.akarin.Expr([_blurred(hot, 40)], "x 65535 / sqrt 255 *", format=vs.GRAY8)
    near = [_reach(sign) for sign in (all_in_one.light, all_in_one.dark)]
    traces = [_shifted(sign, d) for d in (-1, 1) for sign in near]
    return Evidence(work, moved, noise, [*maps, crowd, *traces], weak)


def _plane(c: vs.VideoNode, moved: list[vs.VideoNode], noise: vs.VideoNode) -> _Plane:
    b, f = moved[1:3]
    steps = f"{STEPS / _LEVEL} *"
    out = "x y z max - y z min x - max"
    over = f"{out} a {{}} * y z - abs 0.3 * + {{}} + >= 255 0 ?"
    to_map = vs.GRAY8
    hot = core.akarin.Expr([c, b, f, noise], over.format(2.5, 3 * _LEVEL), format=to_map)
    ceiling, floor = core.akarin.Expr([b, f], "x y max"), core.akarin.Expr([b, f], "x y min")
    mean = core.akarin.Expr([b, f], "x y + 2 /")
    contrast = [mean.std.Maximum().std.Maximum(), mean.std.Minimum().std.Minimum()]
    return _Plane(
        hot=hot,
        light=core.akarin.Expr([c, ceiling], f"x y - {steps}", format=to_map),
        dark=core.akarin.Expr([c, floor], f"y x - {steps}", format=to_map),
        sure=core.akarin.Expr(
            [c, ceiling.std.Maximum(), floor.std.Minimum()], f"x y - z x - max {steps}", format=to_map
        ),
        second=core.akarin.Expr(
            [c, *moved], f"x y z a b max max max - y z a b min min min x - max {steps}", format=to_map
        ),
        around=_misfit(c, mean, hot),
        texture=core.akarin.Expr(contrast, f"x y - {steps}", format=to_map),
        weak=core.akarin.Expr([c, b, f, noise], over.format(1, _LEVEL), format=to_map),
    )


def _misfit(c: vs.VideoNode, mean: vs.VideoNode, hot: vs.VideoNode) -> vs.VideoNode:
    """Mean difference to the neighbours of what lies around and is not considered itself."""
    hot = hot.std.Maximum()
    misfit = core.akarin.Expr([c, mean, hot], "z 0 x y - abs ?")
    share = core.akarin.Expr([hot], "x 0 65535 ?", format=vs.GRAY16)
    steps = FINE * STEPS / _LEVEL
    return core.akarin.Expr([_blurred(misfit, 7), _blurred(share, 7)], f"x 65535 * y 65 + / {steps} *", format=vs.GRAY8)


def _blurred(plane: vs.VideoNode, radius: int, passes: int = 1) -> vs.VideoNode:
    across, down = (min(radius, (side - 1) // 2) for side in (plane.width, plane.height))
    passes_h, passes_v = passes if across else 0, passes if down else 0
    if not passes_h and not passes_v:
        return plane
    return plane.std.BoxBlur(hradius=across, hpasses=passes_h, vradius=down, vpasses=passes_v)


def _strongest(maps: list[vs.VideoNode], like: vs.VideoNode) -> vs.VideoNode:
    """The strongest evidence of any plane, in full size."""
    size = like.width, like.height
    full = [m if (m.width, m.height) == size else m.resize.Point(*size) for m in maps]
    return full[0] if len(full) == 1 else core.akarin.Expr(full, "x y max z max")


def _luma(clip: vs.VideoNode) -> vs.VideoNode:
    return plane(clip, 0)


def _reach(sign: vs.VideoNode) -> vs.VideoNode:
    """The strongest evidence within about 14 pixels, in a quarter of the size."""
    wide = sign.std.Maximum().std.Maximum()
    width, height = (-(-side // REACH) for side in (sign.width, sign.height))
    small = wide.resize.Point(width, height, src_width=width * REACH, src_height=height * REACH)
    return small.std.Maximum().std.Maximum().std.Maximum()


def _shifted(clip: vs.VideoNode, frames: int) -> vs.VideoNode:
    """Frame n holds frame n + ``frames`` (1 or -1), the end frame repeats."""
    return clip[1:] + clip[-1] if frames > 0 else clip[0] + clip[:-1]


def _chosen(maps: Sequence[vs.VideoFrame], strength: float, longest: float, polarity: str) -> vs.VideoFrame:
    """Mask of the specks that are dirt by their features."""
    found = specks(maps)
    needed = 2.5 - 2 * strength
    if maps[0].props["PlaneStatsDiff"] == 0:
        needed += 1  # both neighbours are one and the same frame, mirrored at a cut or printed twice: half the evidence
    dirt = (likelihood(found.features) > needed) & (found.length <= longest)
    if polarity != "both":
        dirt &= found.light == (polarity == "bright")
    dirt[0] = False
    out = maps[0].copy()
    np.copyto(np.asarray(out[0]), dirt[found.labels] * np.uint8(255))
    return out


def _without_movers(chosen: vs.VideoFrame, pictures: Sequence[vs.VideoFrame], reach: int) -> vs.VideoFrame:
    """The mask without specks that come in, or are on their way, across the picture: those are ice, birds, balls.

    Args:
        chosen: The mask.
        pictures: Luma of this frame, of both neighbours as they are, and of both as moved onto this frame.
        reach: Longest way of a mover from frame to frame, in pixels.
    """
    import cv2  # on first use: it is large, and a plan needs none of it

    out = chosen.copy()
    mask = np.asarray(out[0])
    height, width = mask.shape
    now, before, after, *moved = (np.asarray(picture[0]) for picture in pictures)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    for label in range(1, count):
        left, top, across, down = (int(n) for n in stats[label, :4])
        right, bottom = left + across, top + down
        one_side = chosen.props["PlaneStatsDiff"] == 0 or min(left, top, width - right, height - bottom) <= 2
        box = np.s_[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1]
        speck = now[box].astype(np.float32)
        behind = (moved[0][box].astype(np.float32) + moved[1][box]) / 2
        like = _LIKE / 2 if one_side else _LIKE
        ways = [_way(speck, behind, picture, box, reach, like) for picture in (before, after)]
        if _is_mover(ways, one_side):
            mask[labels == label] = 0
    return out


def _way(
    speck: Levels, behind: Levels, picture: npt.NDArray[np.uint16], box: tuple[slice, slice], reach: int, like: float
) -> npt.NDArray[np.float64] | None:
    """The way (x, y) from a speck to its like in a neighbouring picture; None where it has no like."""
    import cv2  # on first use: it is large, and a plan needs none of it

    top, left = max(box[0].start - reach, 0), max(box[1].start - reach, 0)
    around = picture[top : box[0].stop + reach, left : box[1].stop + reach].astype(np.float32)
    misfit = cv2.matchTemplate(around, speck, cv2.TM_SQDIFF)
    least, _, (x, y), _ = cv2.minMaxLoc(misfit)
    if least > like * float(((speck - behind) ** 2).sum()):
        return None
    return np.array([left + x - box[1].start, top + y - box[0].start], np.float64)


def _is_mover(ways: Sequence[npt.NDArray[np.float64] | None], one_side: bool) -> bool:
    """Whether the ways to both neighbours go on; one of them is enough for what may come in there."""
    come, gone = ways
    if come is None or gone is None:
        return one_side and not (come is None and gone is None)
    step = float(np.hypot(*(gone - come))) / 2
    return one_side or float(np.hypot(*(gone + come))) / 2 <= 2 + 0.35 * step


def _mended(proof: Evidence, mask: vs.VideoNode, grain: float) -> vs.VideoNode:
    """What to put in the place of dirt: the middle of four neighbours, with grain, fading at the edge of the mask."""
    middle = "y z min a b min max y z max a b max min + 2 /"
    lost = f"z a - 2 / c {-1.25 * grain} * {-15 * _LEVEL} max max c {1.25 * grain} * {15 * _LEVEL} min min"
    alpha = split(mask_for_planes(_blurred(mask, 1), proof.work))
    parts = zip(split(proof.work), *map(split, proof.moved), proof.noise, alpha, strict=True)
    expression = f"{middle} {lost} + x - d 255 / * x +"
    mended = [core.akarin.Expr(list(part), expression) for part in parts]
    return join(mended, proof.work.format.color_family)


def _to16(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip with 16 bits a sample, whatever range it uses."""
    fmt = clip.format
    target = fmt.replace(sample_type=vs.INTEGER, bits_per_sample=16)
    if fmt.id == target.id:
        return clip
    if fmt.sample_type == vs.INTEGER:
        return core.akarin.Expr([clip], f"x {1 << (16 - fmt.bits_per_sample)} *", format=target.id)
    centre = " 0.5 +" if fmt.color_family == vs.YUV else ""
    return core.akarin.Expr([_whole_float(clip)], _each(fmt, "x 65535 *", f"x{centre} 65535 *"), format=target.id)


def _from16(work: vs.VideoNode, like: vs.VideoNode) -> vs.VideoNode:
    """The way back from `_to16`."""
    fmt = like.format
    if fmt.id == work.format.id:
        return work
    if fmt.sample_type == vs.INTEGER:
        return core.akarin.Expr([work], f"x {1 << (16 - fmt.bits_per_sample)} /", format=fmt.id)
    centre = " 0.5 -" if fmt.color_family == vs.YUV else ""
    single = fmt.replace(bits_per_sample=32)
    back = core.akarin.Expr([work], _each(fmt, "x 65535 /", f"x 65535 /{centre}"), format=single.id)
    return back if fmt.bits_per_sample == 32 else back.resize.Point(format=fmt.id)


def _each(fmt: vs.VideoFormat, luma: str, chroma: str) -> list[str]:
    return [luma] if fmt.num_planes == 1 else [luma, chroma]


def _whole_float(clip: vs.VideoNode) -> vs.VideoNode:
    fmt = clip.format
    return clip if fmt.bits_per_sample == 32 else clip.resize.Point(format=fmt.replace(bits_per_sample=32).id)
