"""Grain, made anew after the measure of the grain that was taken out."""

from __future__ import annotations

from typing import Annotated, Final

import vapoursynth as vs
from vsutil import join, split

from vsfilmrestore.filters._grain import GRAIN_PROPS, TAPS, WIDTH_PROP, base_plane, knot_prop, mix_prop, size_prop
from vsfilmrestore.filters._noise import KNOTS, curve_expr
from vsfilmrestore.filters.schema import Setting, Strength, restoration_filter
from vsfilmrestore.media.props import PLACE

__all__ = ["regrain"]

core = vs.core

_USUAL_CURVE: Final = (0.45, 0.8, 1.0, 1.0, 0.7, 0.4)
"""Shape over brightness of grain that was not measured: weak where the print is clear or black."""
_USUAL_SIZE: Final = 0.7
_USUAL_CHROMA: Final = 0.5
_NUMBER: Final = "_n"


@restoration_filter(short="regrain", order=140, needs=("akarin",), depends="number")
def regrain(
    clip: vs.VideoNode,
    strength: Strength = 1.0,
    *,
    amount: Annotated[float, Setting("grain to add in 8-bit levels; 0 gives back what was taken out", 0.0, 32.0)] = 0.0,
    size: Annotated[float, Setting("size of the grain in pixels; 0 takes the measured one", 0.0, 3.0)] = 0.0,
    chroma: Annotated[float, Setting("share of the grain in the colour planes", 0.0, 2.0)] = 1.0,
    seed: Annotated[int, Setting("another number, another pattern", 0, 65535)] = 0,
) -> vs.VideoNode:
    """Give the grain back that `denoise` took out: as strong at each brightness, as coarse, as coloured.

    The signature of the removed grain travels in the frame properties. A frame without one gets no grain unless
    ``amount`` is given: where nothing was taken out, nothing is given back. The pattern depends on ``seed`` and on
    which frame of its source it is (its `PLACE`, else its number in the clip), so a frame is the same however it is
    reached and in whatever cut it is shown.

    Args:
        clip: Any constant format. If its width is not the one the grain was measured in, the size follows.
        strength: Share of the standard deviation.
        amount: Standard deviation in the mid-tones; grain of ``amount`` is weaker towards black and white.
        size: Standard deviation of the Gaussian that shapes the grain.
        chroma: Relative to what was measured; with ``amount``, to half the grain of luma. For YUV only.
        seed: Use different ones for clips that are seen at the same time.

    Source: grain as filtered noise with a strength that follows the picture: Oh, Lee, Kuo, "Advanced film grain noise
        extraction and synthesis for high-definition video coding", IEEE TCSVT 19(12), 2009.
    """
    if strength == 0:
        return clip
    told = _with_recipe(clip, amount, size)
    planes = split(told)
    base = base_plane(clip)
    doses = [strength * (chroma if i and clip.format.color_family == vs.YUV else 1.0) for i in range(len(planes))]
    shape = planes[base]
    main = _field(told, planes[base], shape, base, seed)
    grained = []
    for i, plane in enumerate(planes):
        lead = main if i == base else _with_lead(told, plane, shape, main, i, seed)
        grained.append(_added(plane, lead, doses[i]))
    joined = join(grained, clip.format.color_family)
    return joined.std.CopyFrameProps(clip)


def _with_recipe(clip: vs.VideoNode, amount: float, size: float) -> vs.VideoNode:
    """The clip with a whole signature in its properties: measured, or of the usual kind if an amount is given."""
    if amount:
        yuv = clip.format.color_family == vs.YUV
        props = {WIDTH_PROP: float(clip.width)}
        for p in range(clip.format.num_planes):
            level = amount / 255 * (_USUAL_CHROMA if yuv and p else 1.0)
            shape = (1.0,) * len(KNOTS) if yuv and p else _USUAL_CURVE
            props |= {knot_prop(p, k): level * factor for k, factor in enumerate(shape)}
            props |= {size_prop(p, axis): size or _USUAL_SIZE for axis in "xy"} | {mix_prop(p): 0.0}
        return clip.std.SetFrameProps(**props)
    if size:
        sizes = {size_prop(p, axis): size for p in range(clip.format.num_planes) for axis in "xy"}
        clip = clip.std.SetFrameProps(**sizes, **{WIDTH_PROP: clip.width})
    # A frame without a signature gets one of noughts.
    return core.akarin.PropExpr([clip], lambda: {name: f"x.{name}" for name in GRAIN_PROPS})


def _field(told: vs.VideoNode, plane: vs.VideoNode, shape: vs.VideoNode, index: int, seed: int) -> vs.VideoNode:
    """Grain for one plane: GRAYS, shares of full scale, as strong as the level of ``shape`` asks for."""
    grain = _shaped(_white(plane, told, seed * 3 + index), told, index)
    if (shape.width, shape.height) != (plane.width, plane.height):
        shape = shape.resize.Bilinear(plane.width, plane.height)
    level = "y" if shape.format.sample_type == vs.FLOAT else f"y {(1 << shape.format.bits_per_sample) - 1} /"
    curve = curve_expr("l@", [f"z.{knot_prop(index, k)}" for k in range(len(KNOTS))])
    return core.akarin.Expr([grain, shape, _props_of(told, plane)], f"{level} l! {curve} x *", format=vs.GRAYS)


def _props_of(told: vs.VideoNode, like: vs.VideoNode) -> vs.VideoNode:
    """A black clip of the plane's size that carries the signature."""
    return core.std.BlankClip(like, format=vs.GRAY8, keep=True).std.CopyFrameProps(told)


def _white(like: vs.VideoNode, told: vs.VideoNode, seed: int) -> vs.VideoNode:
    """White Gaussian noise of variance 1 as GRAYS, a function of which frame it is, of the place in it and the seed.

    A place is hashed by multiplying and folding high bits onto low ones, with 32-bit integers that wrap around; two
    such numbers give a Gaussian one after Box and Muller (1958).
    """
    blank = core.std.BlankClip(like, format=vs.GRAYS, keep=True)
    blank = core.akarin.PropExpr([blank, told], lambda: {_NUMBER: f"y.{PLACE} 0 > y.{PLACE} 1 - N ?"})

    def fold(bits: int) -> str:
        return f"dup {1 << bits} / trunc bitxor"

    place = f"X 374761393 * Y 668265263 * + x.{_NUMBER} 0 bitor 974634777 * + {seed} 461845907 * + 1274126177 +"
    first = f"{place} {fold(15)} -2048144789 * {fold(13)} -1028477387 * {fold(15)} h!"
    second = f"h@ 1540483477 * 12345 + {fold(15)} 668265263 * {fold(13)}"
    radius = "h@ 16777215 bitand 0.5 + 16777216 / log -2 * sqrt"
    angle = f"{second} 16777215 bitand 16777216 / 6.28318530718 * cos"
    return core.akarin.Expr([blank], f"{first} {radius} {angle} *", opt=1)


def _shaped(white: vs.VideoNode, told: vs.VideoNode, plane: int) -> vs.VideoNode:
    """White noise after the Gaussian of each frame's grain size, still of variance 1."""
    for axis in "xy":
        white = core.akarin.Expr([_with_taps(white, told, plane, axis)], _filter_expr(axis))
    return white


def _with_taps(white: vs.VideoNode, told: vs.VideoNode, plane: int, axis: str) -> vs.VideoNode:
    taps = _taps(plane, axis, told.width)
    return core.akarin.PropExpr([white, told], lambda: taps)


def _taps(plane: int, axis: str, width: int) -> dict[str, str]:
    """The kernel of `_grain.kernel` as properties, its size scaled by how much wider the picture has become."""
    # A frame without a signature has 0 for its width and its strengths; any kernel will do.
    size = f"y.{size_prop(plane, axis)} {width} * y.{WIDTH_PROP} 1 max / 0.1 max 3 min dup * 2 * v!"
    side = [f"{-i * i} v@ / exp" for i in range(TAPS + 1)]
    power = "1 " + " ".join(f"{tap} dup * 2 * +" for tap in side[1:])
    return {f"_t{i}": f"{size} {tap} {power} sqrt /" for i, tap in enumerate(side)}


def _filter_expr(axis: str) -> str:
    at = "x[{},0]:m" if axis == "x" else "x[0,{}]:m"
    sides = [f"{at.format(i)} {at.format(-i)} + x._t{i} * +" for i in range(1, TAPS + 1)]
    return " ".join(["x x._t0 *", *sides])


def _with_lead(
    told: vs.VideoNode, plane: vs.VideoNode, shape: vs.VideoNode, main: vs.VideoNode, index: int, seed: int
) -> vs.VideoNode:
    """Grain of a further plane: its own, and its share of the base plane's."""
    own = _field(told, plane, shape if told.format.color_family == vs.YUV else plane, index, seed)
    if (main.width, main.height) != (plane.width, plane.height):
        main = main.resize.Bilinear(plane.width, plane.height)
    return core.akarin.Expr([own, main, _props_of(told, plane)], f"x y z.{mix_prop(index)} * +", format=vs.GRAYS)


def _added(plane: vs.VideoNode, grain: vs.VideoNode, dose: float) -> vs.VideoNode:
    fmt = plane.format
    if fmt.sample_type == vs.INTEGER:
        return core.akarin.Expr([plane, grain], f"x y {dose * ((1 << fmt.bits_per_sample) - 1)} * +")
    single = plane if fmt.bits_per_sample == 32 else plane.resize.Point(format=vs.GRAYS)
    grained = core.akarin.Expr([single, grain], f"x y {dose} * +")
    return grained if fmt.bits_per_sample == 32 else grained.resize.Point(format=fmt.id)
