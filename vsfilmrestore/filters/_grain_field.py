"""Grain made anew: white noise, shaped by the filter of `_grain_kernel`, as strong as the picture's level asks for.

What each frame's grain is like stands in the properties of a `plan`: a black clip of the plane's size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import vapoursynth as vs

from vsfilmrestore.filters._grain_kernel import TAPS, tap
from vsfilmrestore.filters._noise import KNOTS, curve_expr
from vsfilmrestore.media.props import PLACE

__all__ = ["DOSE", "KNOT", "MIX", "grain_field", "strength_props", "white_noise"]

core = vs.core

KNOT: Final = "_g"
"""Property of a plan, with the number of the knot behind it: strength there, as a share of full scale."""
MIX: Final = "_gMix"
DOSE: Final = "_gDose"
_NUMBER: Final = "_n"


def strength_props(curve: Mapping[int, float] | tuple[float, ...], mix: float) -> dict[str, float]:
    """Properties of a plan for strengths in 8-bit levels at `KNOTS`."""
    values = dict(enumerate(curve)) if isinstance(curve, tuple) else dict(curve)
    return {f"{KNOT}{k}": float(value) / 255 for k, value in values.items()} | {MIX: float(mix)}


def grain_field(plan: vs.VideoNode, told: vs.VideoNode, level: vs.VideoNode, seed: int) -> vs.VideoNode:
    """Grain of one plane: GRAYS, shares of full scale.

    Args:
        plan: What the grain of each frame is like, of the plane's size.
        told: The clip, whose frames tell which they are.
        level: The plane that the strength follows, of the same size.
        seed: Another number, another pattern.
    """
    grain = _shaped(white_noise(plan, told, seed), plan)
    share = "y" if level.format.sample_type == vs.FLOAT else f"y {(1 << level.format.bits_per_sample) - 1} /"
    curve = curve_expr("l@", [f"z.{KNOT}{k}" for k in range(len(KNOTS))])
    return core.akarin.Expr([grain, level, plan], f"{share} l! {curve} z.{DOSE} * x *", format=vs.GRAYS)


def white_noise(like: vs.VideoNode, told: vs.VideoNode, seed: int) -> vs.VideoNode:
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


def _shaped(white: vs.VideoNode, plan: vs.VideoNode) -> vs.VideoNode:
    parts = []
    for part in range(len(TAPS)):
        across = core.akarin.Expr([white, plan], _filter_expr(part, "x"))
        parts.append(core.akarin.Expr([across, plan], _filter_expr(part, "y")))
    return core.akarin.Expr(parts, "x y + z + a + b +")


def _filter_expr(part: int, axis: str) -> str:
    at = "x[{},0]:m" if axis == "x" else "x[0,{}]:m"
    sides = [f"{at.format(i)} {at.format(-i)} + y.{tap(part, axis, i)} * +" for i in range(1, TAPS[part] + 1)]
    return " ".join([f"x y.{tap(part, axis, 0)} *", *sides])
