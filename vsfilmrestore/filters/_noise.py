"""How much noise a frame holds, as a curve over its brightness; and what the grain looks like that was taken out.

Differences are reduced natively to one number for every block of 16 x 16 samples; only these small maps are looked at
with numpy. A curve has a standard deviation at each of `KNOTS`, as a share of full scale, and travels as frame
properties, so that each frame is treated by its own noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from vsutil import split

from vsfilmrestore.filters._noise_within import share_within

__all__ = [
    "COPY", "KNOTS", "WIDTH", "as16", "curve_expr", "full_scale", "lost_prop", "mean_prop", "measure_noise",
    "sigma_prop", "summarise",
]  # fmt: skip

core = vs.core

KNOTS: Final = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
"""Levels, as shares of full scale, at which a curve is known."""

_BLOCK: Final = 16
_FLOOR: Final = 0.15 / 255
"""Below the rounding of 8 bits nothing is measured."""
_QUIET: Final = 0.2
"""Share of the blocks that are taken to hold noise alone, even in a picture full of motion."""
_LOUD: Final = 1.7
"""Blocks with so many times the variance of the quiet ones hold more than noise."""
COPY: Final = 0.15
"""A neighbour that differs by less than this share of the variance the other differs by is a copy, coded once more."""
_BIAS: Final = 1.08
"""What the smaller of two variances of pure noise falls short of their mean."""
WIDTH: Final = 0.1
"""How far from the level of a knot a block may lie that tells of it."""
_PRIOR: Final = 8.0
"""Blocks of mean noise that every knot is credited with, so that a level with few blocks stays near the mean."""
_ALIKE: Final = 1.18
_UNLIKE: Final = 1.28
"""By what factor a block differs more from one neighbour than from the other: noise alone, and where motion is lost."""
_MOVED: Final = 0.15
"""Of the noise a frame holds, what does not show where motion is lost: moving by parts of samples smooths it."""
_SURE: Final = 0.05
"""Share of what frames differ by that cannot be noise, from which on this is sure."""

type Map = npt.NDArray[np.float32]


def as16(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip in 16-bit integers, with its subsampling."""
    fmt = clip.format
    if fmt.sample_type == vs.INTEGER:
        scale = 1 << (16 - fmt.bits_per_sample)
        wide = fmt.replace(bits_per_sample=16).id
        return core.akarin.Expr([clip], f"x {scale} *", format=wide) if scale > 1 else clip
    single = clip if fmt.bits_per_sample == 32 else clip.resize.Point(format=fmt.replace(bits_per_sample=32).id)
    exprs = ["x 65535 *"] + ["x 65535 * 32768 +"] * 2 if fmt.color_family == vs.YUV else ["x 65535 *"]
    whole = fmt.replace(sample_type=vs.INTEGER, bits_per_sample=16).id
    return core.akarin.Expr([single], exprs[: fmt.num_planes], format=whole)


def full_scale(clip: vs.VideoNode) -> int:
    """What `as16` makes of the highest value: a share of this is a share of full scale in the clip's own format."""
    fmt = clip.format
    bits = fmt.bits_per_sample
    return ((1 << bits) - 1) << (16 - bits) if fmt.sample_type == vs.INTEGER else 65535


def sigma_prop(plane: int, knot: int) -> str:
    """Property with the standard deviation of the noise of a plane at a knot, as a share of full scale."""
    return f"_VsfrNoise{plane}_{knot}"


def mean_prop(plane: int) -> str:
    """Property with the standard deviation of the noise of a plane over all its blocks, as a share of full scale."""
    return f"_VsfrNoise{plane}"


def lost_prop(plane: int) -> str:
    """Property: how surely motion is lost, 0..1, as a frame differs from its neighbours by more than it can hold."""
    return f"_VsfrLost{plane}"


def curve_expr(level: str, props: Sequence[str]) -> str:
    """Reverse Polish for the value at ``level`` (0..1) of the curve whose knots are ``props`` (``y._VsfrNoise0_0`` …).

    Between knots the curve runs straight, beyond the outer ones it is level.
    """
    steps = [
        f"{b} {a} - {level} {low} - {high - low:.6f} / 0 1 clip * +"
        for a, b, low, high in zip(props, props[1:], KNOTS, KNOTS[1:], strict=False)
    ]
    return " ".join([props[0], *steps])


def measure_noise(clip: vs.VideoNode, neighbours: Sequence[vs.VideoNode]) -> vs.VideoNode:
    """The clip with the noise of each plane in its properties, see `sigma_prop` and `mean_prop`.

    Args:
        clip: 16-bit integer clip.
        neighbours: Motion-compensated neighbours of the same format; what differs between them and the clip in the
            quieter blocks is noise, as far as the frame alone can hold it; what differs in the others may be motion.
    """
    planes = split(clip)
    others = [split(neighbour) for neighbour in neighbours]
    maps: list[vs.VideoNode] = []
    for i, plane in enumerate(planes):
        maps.append(block_map(core.akarin.Expr([plane], "x 65535 /", format=vs.GRAYS)))
        for other in others:
            squared = core.akarin.Expr([plane, other[i]], "x y - 65535 / dup * 2 /", format=vs.GRAYS)
            maps.append(block_map(squared))
    return core.std.ModifyFrame(clip, [clip, *maps], _Teller(clip.format.color_family == vs.YUV, len(neighbours) + 1))


def block_map(values: vs.VideoNode) -> vs.VideoNode:
    """Means over blocks of 16 x 16 samples of a GRAYS clip."""
    return values.resize.Bilinear(-(-values.width // _BLOCK), -(-values.height // _BLOCK))


class _Teller:
    """Writes the curves into a frame's properties; holds nothing of one frame for the next."""

    def __init__(self, chroma: bool, stride: int) -> None:
        self._chroma = chroma
        self._stride = stride

    def __call__(self, n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        maps = [np.asarray(m[0]) for m in f[1:]]
        for plane in range(len(maps) // self._stride):
            level, *variances = maps[plane * self._stride : (plane + 1) * self._stride]
            curve, mean = summarise(level, variances, flat=self._chroma and plane > 0)
            share, lost = _held(np.asarray(frame[plane]), curve, variances)
            frame.props[lost_prop(plane)] = lost
            frame.props[mean_prop(plane)] = mean * math.sqrt(share)
            for knot, sigma in enumerate(curve):
                frame.props[sigma_prop(plane, knot)] = sigma * math.sqrt(share)
        return frame


def _held(plane: npt.NDArray[np.uint16], curve: Sequence[float], variances: Sequence[Map]) -> tuple[float, float]:
    """Share of the variances of a curve that a plane can hold, and how surely motion is lost, see `lost_prop`.

    Motion that is not followed seems to be noise; but blocks then differ from both neighbours by unlike amounts.
    """
    if not any(curve):
        return 1.0, 0.0
    share = share_within(plane / np.float32(65535), KNOTS, curve)
    telling = _telling(variances)
    high, low = np.maximum.reduce(telling), np.minimum.reduce(telling)
    unlike = (float(np.median(high / np.maximum(low, 1e-12))) - _ALIKE) / (_UNLIKE - _ALIKE)
    unsure = (1 - (1 - _MOVED) * share) / _SURE
    lost = min(max(unlike, 0.0), max(unsure, 0.0), 1.0)
    return min(share * (1 - _MOVED * lost), 1.0), lost


def summarise(level: Map, variances: Sequence[Map], *, flat: bool, quiet: float = _QUIET) -> tuple[list[float], float]:
    """Curve and mean of the noise, from block means of the level and block variances against each neighbour.

    Around each knot the quiet blocks tell how noisy the picture is; blocks with much more hold motion or damage and
    are left out. A neighbour that equals the frame (its duplicate, or the clip's end) tells nothing.
    """
    telling = _telling(variances)
    values = np.minimum.reduce(telling).ravel() if telling else np.zeros(1, np.float32)
    alive = values > _FLOOR**2 / 16
    if alive.mean() < 0.1:
        return [0.0] * len(KNOTS), 0.0
    levels, values = level.ravel()[alive], values[alive] * (_BIAS if len(telling) > 1 else 1.0)
    mean = _quiet_mean(values, quiet)
    if flat:
        return [mean**0.5] * len(KNOTS), mean**0.5
    curve = [_knot(levels, values, knot, mean, quiet) for knot in KNOTS]
    return curve, float(np.mean(np.interp(levels, KNOTS, curve) ** 2)) ** 0.5


def _telling(variances: Sequence[Map]) -> list[Map]:
    """Variances against neighbours that are no copies of the frame."""
    usual = [float(np.median(v)) if float(v.mean()) > _FLOOR**2 / 16 else -1.0 for v in variances]
    return [v for v, u in zip(variances, usual, strict=True) if u >= max(COPY * max(usual), 0.0)]


def _quiet_mean(values: Map, quiet: float) -> float:
    return float(values[values <= _LOUD * np.quantile(values, quiet)].mean())


def _knot(levels: Map, values: Map, knot: float, mean: float, quiet: float) -> float:
    near = values[np.abs(levels - knot) < WIDTH]
    own = _quiet_mean(near, quiet) if near.size else mean
    variance: float = (near.size * own + _PRIOR * mean) / (near.size + _PRIOR)
    return math.sqrt(variance)
