"""The grain a filter took out: how strong at which brightness, its spectrum, how the colours go together.

`record_grain` reads it from what was taken and leaves it in the properties of each frame; `told_grain` reads these. All
strengths are shares of full scale, all sizes the standard deviation, in samples, of the Gaussian that turns white noise
into such grain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from vsutil import split

from vsfilmrestore.filters._grain_form import (
    COUNTS,
    SIDE,
    GrainSignature,
    PlaneGrain,
    band_power,
    cross_power,
    gaussian_spectrum,
)
from vsfilmrestore.filters._noise import KNOTS, block_map, summarise

__all__ = [
    "TAPS", "WIDTH_PROP", "base_plane", "kernel", "knot_prop", "mix_prop", "record_grain", "size_prop",
    "spectrum_prop", "told_grain",
]  # fmt: skip

core = vs.core

TAPS: Final = 6
"""Samples each side that the Gaussian of a grain spreads over."""
WIDTH_PROP: Final = "_VsfrGrainWidth"
"""Width of the picture the grain was measured in."""
_MAPS: Final = 7
_FIELDS: Final = 2
"""Planes in full size beside the maps: what was removed, and the sum of before and after."""
_MOST: Final = 150
"""Blocks of a plane whose spectrum is looked at."""
_DETAIL: Final = 7
"""Radius of the mean a sample is held against when the variance of the picture is looked at."""
_SIZES: Final = np.concatenate([[0.0], np.linspace(0.2, 3.0, 141)])

type Map = npt.NDArray[np.float32]


def knot_prop(plane: int, knot: int) -> str:
    """Property: strength of the plane's grain at a knot; without the part that goes with the base plane's grain."""
    return f"_VsfrGrain{plane}_{knot}"


def size_prop(plane: int, axis: str) -> str:
    """Property: size of the plane's grain along ``x`` or ``y``."""
    return f"_VsfrGrainSize{plane}{axis}"


def mix_prop(plane: int) -> str:
    """Property: share of the base plane's grain that shows in this plane, of either sign."""
    return f"_VsfrGrainMix{plane}"


def spectrum_prop(plane: int) -> str:
    """Property: power of the plane's grain in each ring of `_grain_form`; missing where too little was removed."""
    return f"_VsfrGrainSpectrum{plane}"


def base_plane(clip: vs.VideoNode) -> int:
    """The plane whose grain the others may share: green, or luma."""
    return 1 if clip.format.color_family == vs.RGB else 0


def kernel(size: float) -> npt.NDArray[np.float64]:
    """One side of the Gaussian, centre first, scaled so that white noise of variance 1 keeps it."""
    side = np.exp(-(np.arange(TAPS + 1) ** 2) / (2 * max(size, 0.1) ** 2))
    return np.asarray(side / np.sqrt(side[0] ** 2 + 2 * (side[1:] ** 2).sum()))


def _correlation(size: float) -> float:
    side = kernel(size)
    both = np.concatenate([side[:0:-1], side])
    return float(both[1:] @ both[:-1])


_CORRELATIONS: Final = np.array([_correlation(size) for size in _SIZES])


def record_grain(
    clip: vs.VideoNode, before: vs.VideoNode, after: vs.VideoNode, doses: Sequence[float], averaged: int = 0
) -> vs.VideoNode:
    """``clip`` with the signature of what was taken from ``before`` to ``after`` in its properties.

    Args:
        clip: The frames to write to.
        before: 16-bit integer clip.
        after: The same with less grain.
        doses: Share of all removable grain that was removed, by plane.
        averaged: Frames the grain was averaged over. What that leaves of it stands still from frame to frame, and so
            does not look like grain: it is owed as well.
    """
    planes, rest = split(before), split(after)
    removed = [core.akarin.Expr([a, b], "x y - 65535 /", format=vs.GRAYS) for a, b in zip(planes, rest, strict=True)]
    base = base_plane(before)
    maps = [m for i in range(len(planes)) for m in _plane_maps(planes[i], rest[i], removed[i], removed[base])]
    both = [core.akarin.Expr([a, b], "x y + 65535 /", format=vs.GRAYS) for a, b in zip(planes, rest, strict=True)]
    fields = [field for pair in zip(removed, both, strict=True) for field in pair]
    still = math.sqrt(averaged / (averaged - 1)) if averaged > 1 else 1.0
    teller = _Teller(before.format.color_family == vs.YUV, base, doses, before.width, still)
    return core.std.ModifyFrame(clip, [clip, *fields, *maps], teller)


def _plane_maps(
    before: vs.VideoNode, after: vs.VideoNode, removed: vs.VideoNode, base: vs.VideoNode
) -> list[vs.VideoNode]:
    """Block means: level, variance, the variance the picture lost, products with the next sample along x and y, …

    and with the base plane's grain, and that grain's variance.
    """
    both = core.akarin.Expr([before, after], "x y + 65535 /", format=vs.GRAYS)
    radius = min(_DETAIL, (min(both.width, both.height) - 1) // 2)
    mean = both.std.BoxBlur(hradius=radius, vradius=radius) if radius > 0 else both
    if (base.width, base.height) != (removed.width, removed.height):
        base = base.resize.Bilinear(removed.width, removed.height)
    return [
        block_map(core.akarin.Expr([after], "x 65535 /", format=vs.GRAYS)),
        block_map(core.akarin.Expr([removed], "x x *")),
        # (before - after)(before + after): what is left of the grain may go with what was taken.
        block_map(core.akarin.Expr([removed, both, mean], "x y z - *")),
        block_map(core.akarin.Expr([removed], "x x[1,0]:m *")),
        block_map(core.akarin.Expr([removed], "x x[0,1]:m *")),
        block_map(core.akarin.Expr([removed, base], "x y *")),
        block_map(core.akarin.Expr([base], "x x *")),
    ]


class _Teller:
    """Writes the signature into a frame's properties; holds nothing of one frame for the next."""

    def __init__(self, yuv: bool, base: int, doses: Sequence[float], width: int, still: float) -> None:
        self._yuv = yuv
        self._base = base
        self._doses = doses
        self._width = width
        self._still = still

    def __call__(self, n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        planes = [np.asarray(plane[0]) for plane in f[1:]]
        count = len(planes) // (_FIELDS + _MAPS)
        maps = planes[count * _FIELDS :]
        props: Any = frame.props
        for plane in range(count):
            self._tell(frame, plane, maps[plane * _MAPS : (plane + 1) * _MAPS])
            spectrum = _spectrum(planes[plane * _FIELDS], planes[plane * _FIELDS + 1], self._doses[plane])
            if spectrum:
                props[spectrum_prop(plane)] = spectrum
        props[WIDTH_PROP] = self._width
        return frame

    def _tell(self, frame: vs.VideoFrame, plane: int, maps: Sequence[Map]) -> None:
        level, variance, lost, along_x, along_y, shared, base = maps
        props: Any = frame.props
        curve, _ = summarise(level, [variance], flat=self._yuv and plane > 0, quiet=0.5)
        good = _good(variance)
        power = float(variance[good].sum())
        share = 0.0
        if plane != self._base and power > 0 and (own := float(base[good].sum())) > 0:
            share = float(shared[good].sum()) / own
        lone = max(1 - share * share * float(base[good].sum()) / power, 0.0) if power > 0 else 0.0
        owed = _owed(self._doses[plane], lost[good], variance[good]) * self._still
        for knot, sigma in enumerate(curve):
            props[knot_prop(plane, knot)] = sigma * owed * lone**0.5
        props[mix_prop(plane)] = share
        props[size_prop(plane, "x")] = _size(along_x[good], power)
        props[size_prop(plane, "y")] = _size(along_y[good], power)


def _spectrum(removed: Map, both: Map, dose: float) -> list[float]:
    """Power in each ring of what is owed to the picture; [] where nothing was removed or the plane is too small.

    As `_owed`, for each ring: what went with what is left of the grain is missing as well.
    """
    tall, wide = removed.shape
    if min(tall, wide) < 2 * SIDE or dose <= 0:
        return []
    step = max(SIDE, math.ceil(math.sqrt(tall * wide / _MOST)))
    places = [(y, x) for y in range(0, tall - SIDE + 1, step) for x in range(0, wide - SIDE + 1, step)]
    blocks = np.stack([removed[y : y + SIDE, x : x + SIDE] for y, x in places]).astype(np.float64)
    beside = np.stack([both[y : y + SIDE, x : x + SIDE] for y, x in places]).astype(np.float64)
    variance = blocks.var((1, 2)).astype(np.float32)
    good = _good(variance) & (variance > 0)
    if not good.any():
        return []
    blocks, beside = (each[good] - each[good].mean((1, 2), keepdims=True) for each in (blocks, beside))
    power = band_power(blocks).sum(0)
    plain = (1 - (1 - dose) ** 2) / dose**2
    lost = np.quantile(cross_power(blocks, beside) / np.maximum(band_power(blocks), 1e-15), 0.5, axis=0)
    owed = power * np.clip(lost, plain, 1.5 * plain)
    total = float((owed * COUNTS).sum() / COUNTS.sum())
    return [float(each) / total for each in owed] if total > 0 else []


def _owed(dose: float, lost: Map, variance: Map) -> float:
    """By how much the grain to give back is stronger than what was removed, given the variance the blocks lost.

    A dose d of grain that has nothing to do with what is left, (1 - d) of it apart, takes 1 - (1 - d)² of its variance.
    Blocks with detail seem to have lost more; the others decide.
    """
    alive = variance > 0
    if dose <= 0 or not alive.any():
        return 0.0
    plain = (1 - (1 - dose) ** 2) / dose**2
    return math.sqrt(min(max(float(np.quantile(lost[alive] / variance[alive], 0.35)), plain), 1.5 * plain))


def _good(variance: Map) -> npt.NDArray[np.bool_]:
    return variance <= 2.2 * np.median(variance)


def _size(products: Map, power: float) -> float:
    """Size of the grain from the sum of products with the next sample, and of squares."""
    return float(np.interp(float(products.sum()) / power, _CORRELATIONS, _SIZES)) if power > 0 else 0.0


def told_grain(props: Mapping[str, Any], kind: str) -> GrainSignature | None:
    """What `record_grain` wrote, as a signature; None where it wrote nothing, or of planes of another kind."""
    width = props.get(WIDTH_PROP, 0)
    count = 1 if kind == "grey" else 3
    if not width or any(mix_prop(p) not in props for p in range(count)):
        return None
    return GrainSignature(tuple(_told_plane(props, p) for p in range(count)), round(width), kind)


def _told_plane(props: Mapping[str, Any], plane: int) -> PlaneGrain:
    curve = tuple(float(props.get(knot_prop(plane, k), 0.0)) * 255 for k in range(len(KNOTS)))
    along_x, along_y = (float(props.get(size_prop(plane, axis), 0.0)) for axis in "xy")
    spectrum = props.get(spectrum_prop(plane))
    if spectrum is None:
        size = (along_x * along_y) ** 0.5
        spectrum = gaussian_spectrum(size)
    stretch = (along_x + 0.3) / (along_y + 0.3)
    return PlaneGrain(curve, tuple(map(float, spectrum)), stretch, float(props.get(mix_prop(plane), 0.0)))
