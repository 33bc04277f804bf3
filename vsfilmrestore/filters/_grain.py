"""The grain a filter took out: how strong at which brightness, its spectrum, how the colours go together.

`record_grain` reads it from what was taken and leaves it in the properties of each frame; `told_grain` reads these. All
strengths are shares of full scale, all sizes the standard deviation, in samples, of the Gaussian that turns white noise
into such grain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._grain_blocks import (
    FITTED,
    cut,
    flow_between,
    levels,
    pairs_of,
    places,
    quiet,
    stretch_of,
    texture,
    unmoved,
)
from vsfilmrestore.filters._grain_form import (
    BANDS,
    COUNTS,
    SIDE,
    GrainSignature,
    PlaneGrain,
    band_power,
)
from vsfilmrestore.filters._motion import mirrored
from vsfilmrestore.filters._noise import COPY, KNOTS, WIDTH, full_scale

__all__ = [
    "TAPS", "WIDTH_PROP", "base_plane", "kernel", "knot_prop", "mix_prop", "record_grain", "spectrum_prop",
    "stretch_prop", "told_grain",
]  # fmt: skip

core = vs.core

TAPS: Final = 6
"""Samples each side that the Gaussian of a grain spreads over."""
WIDTH_PROP: Final = "_VsfrGrainWidth"
"""Width of the picture the grain was measured in."""
_OTHER: Final = "_other"
_MOST: Final = 300
"""Blocks of a plane that are looked at."""
_SAME: Final = (0.3 / 255) ** 2
"""A frame that differs by less, as rounding does, is a copy."""
_PRIOR: Final = 0.5
"""Blocks of mean grain that every knot is credited with: a level without blocks has the mean."""
_TURNS: Final = 3
"""How often a curve is corrected by what it gives."""
_LEVELS: Final = np.linspace(0, 1, 65)
"""Levels at which it is seen what it gives."""
_NONE: Final = PlaneGrain((0.0,) * len(KNOTS), (1.0,) * BANDS)

type Map = npt.NDArray[np.float32]
type Reals = npt.NDArray[Any]


def knot_prop(plane: int, knot: int) -> str:
    """Property: strength of the plane's grain at a knot; without the part that goes with the base plane's grain."""
    return f"_VsfrGrain{plane}_{knot}"


def stretch_prop(plane: int) -> str:
    """Property: extent of the plane's grain along x over that along y."""
    return f"_VsfrGrainStretch{plane}"


def mix_prop(plane: int) -> str:
    """Property: share of the base plane's grain that shows in this plane, of either sign."""
    return f"_VsfrGrainMix{plane}"


def spectrum_prop(plane: int) -> str:
    """Property: power of the plane's grain in each ring of `_grain_form`."""
    return f"_VsfrGrainSpectrum{plane}"


def base_plane(clip: vs.VideoNode) -> int:
    """The plane whose grain the others may share: green, or luma."""
    return 1 if clip.format.color_family == vs.RGB else 0


def kernel(size: float) -> npt.NDArray[np.float64]:
    """One side of the Gaussian, centre first, scaled so that white noise of variance 1 keeps it."""
    side = np.exp(-(np.arange(TAPS + 1) ** 2) / (2 * max(size, 0.1) ** 2))
    return np.asarray(side / np.sqrt(side[0] ** 2 + 2 * (side[1:] ** 2).sum()))


def record_grain(clip: vs.VideoNode, before: vs.VideoNode, after: vs.VideoNode) -> vs.VideoNode:
    """``clip`` with the signature of what was taken from ``before`` to ``after`` in its properties.

    What is owed is not what was taken: frames shall differ as they did, and what averaging leaves of the grain stands
    still. So each frame is held against a neighbour before and after, and what they differ by less is owed.

    Args:
        clip: The frames to write to.
        before: 16-bit integer clip.
        after: The same with less grain, rounded as it is handed on.
    """
    base, white = base_plane(before), full_scale(clip)
    steps = [[mirrored(each, 1)[n : n + clip.num_frames] for n in (0, 2)] for each in (before, after)]

    def tell(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        frame = f[0].copy()
        frame.props[_OTHER] = _telling([levels(np.asarray(each[base])) for each in f])
        return frame

    told = core.std.ModifyFrame(before, [before, *steps[0]], tell)
    # Only the neighbour that tells is asked for, as it may take long to make.
    beside = [
        core.std.FrameEval(before, lambda n, f, both=both: both[max(f.props[_OTHER], 0)], prop_src=told, clip_src=both)
        for both in steps
    ]
    return core.std.ModifyFrame(clip, [clip, told, after, *beside], _Teller(before.format, base, white))


class _Teller:
    """Writes the signature into a frame's properties; holds nothing of one frame for the next."""

    def __init__(self, fmt: vs.VideoFormat, base: int, white: int) -> None:
        self._flat = fmt.color_family == vs.YUV
        self._base = base
        self._white = white

    def __call__(self, n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        frame, (before, after, *beside) = f[0].copy(), [self._planes(each) for each in f[1:]]
        read: Any = f[1].props
        pair = None if read[_OTHER] < 0 else (beside[0], beside[1])
        told = _owed(before, after, pair, self._base, self._flat)
        props: Any = frame.props
        for plane, grain in enumerate(told):
            for knot, sigma in enumerate(grain.curve):
                props[knot_prop(plane, knot)] = sigma / 255
            props[mix_prop(plane)] = grain.mix
            props[spectrum_prop(plane)] = grain.spectrum
            props[stretch_prop(plane)] = grain.stretch
        props[WIDTH_PROP] = f[1].width
        return frame

    def _planes(self, frame: vs.VideoFrame) -> list[Map]:
        return [levels(np.asarray(frame[p]), self._white) for p in range(frame.format.num_planes)]


def _telling(planes: Sequence[Map]) -> int:
    """Which of the planes after the first is no copy of it; of two the one that is more alike; -1 for none."""
    here, *there = (plane[::2, ::2] for plane in planes)
    apart = np.array([float(np.mean((each - here) ** 2)) for each in there])
    tells = np.flatnonzero(apart > max(COPY * float(apart.max()), _SAME))
    return int(tells[apart[tells].argmin()]) if len(tells) else -1


def _owed(
    before: Sequence[Map],
    after: Sequence[Map],
    beside: tuple[Sequence[Map], Sequence[Map]] | None,
    base: int,
    flat: bool,
) -> list[PlaneGrain]:
    """What is owed to each plane.

    Args:
        before: Planes of a frame.
        after: The same with less grain.
        beside: Those of a neighbour, before and after; None where there is none but copies.
        base: The plane whose grain the others may share.
        flat: Other planes have colours: their grain does not follow their level.
    """
    if all(np.array_equal(*pair) for pair in zip(before, after, strict=True)):
        return [_NONE] * len(before)
    flow = None if beside is None else flow_between(before[base], beside[0][base])
    lead = before[base] - after[base]
    return [
        _plane_owed(
            pair, None if beside is None else (beside[0][p], beside[1][p]), flow, lead, (p != base, flat and p != base)
        )
        for p, pair in enumerate(zip(before, after, strict=True))
    ]


def _plane_owed(
    now: tuple[Map, Map], beside: tuple[Map, Map] | None, flow: Map | None, lead: Map, kind: tuple[bool, bool]
) -> PlaneGrain:
    """``lead`` is what was taken from the base plane; ``kind`` whether it counts, and whether levels do not."""
    tall, wide = now[0].shape
    shares, flat = kind
    if min(tall, wide) < SIDE:
        return _NONE
    corners, ratio = places(tall, wide, _MOST), (lead.shape[0] / tall, lead.shape[1] / wide)
    pairs = [(at, at) for at in corners] if flow is None else pairs_of(flow, corners, (tall, wide), ratio)
    if not pairs:
        return _NONE
    here, there = [at for at, _ in pairs], [to for _, to in pairs]
    seen, kept = (cut(plane, here) for plane in now)
    taken, both = _centred(seen - kept), seen
    if beside is None:
        whole, rest = band_power(_centred(seen)), band_power(_centred(kept))
    else:
        theirs, left = (cut(plane, there) for plane in beside)
        both = (seen + theirs) / 2
        whole, rest = _apart(seen, theirs), _apart(kept, left)
    told = _Blocks(both.mean((1, 2)), texture(both), (taken**2).mean((1, 2)), _mean(whole), _mean(rest), kept)
    good = told.quiet(np.ones(len(pairs), bool))
    spectrum = np.maximum((whole - rest)[good].sum(0), 0)
    total, power = float(_mean(spectrum)), float(told.taken[good].sum())
    if total <= 0 or power <= 0:
        return _NONE
    taken, here = taken[good], [at for at, is_good in zip(here, good, strict=True) if is_good]
    mix, lone = _shared(taken, cut(_sized(lead, (tall, wide)), here)) if shares else (0.0, 1.0)
    beside = taken[:, :, 1:] * taken[:, :, :-1], taken[:, 1:] * taken[:, :-1]
    return PlaneGrain(
        tuple(255 * sigma * math.sqrt(lone) for sigma in told.curve(flat)),
        tuple(map(float, spectrum / total)),
        stretch_of(*(float(each.mean((1, 2)).sum()) / power for each in beside)),
        mix,
    )


def _apart(here: Reals, there: Reals) -> Reals:
    """Power in each ring of what blocks differ by; halved, so that it is that of the grain of one of them."""
    return np.asarray(band_power(unmoved(here - there, (here + there) / 2)) / (2 * FITTED))


def _mean(power: Reals) -> Reals:
    """Over all frequencies, of power in each ring."""
    return np.asarray((power * COUNTS).sum(-1) / COUNTS.sum())


def _centred(blocks: Reals) -> Reals:
    return np.asarray(blocks - blocks.mean((1, 2), keepdims=True))


def _sized(plane: Map, shape: tuple[int, ...]) -> Map:
    import cv2

    return plane if plane.shape == shape else np.asarray(cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_AREA))


def _shared(taken: Reals, lead: Reals) -> tuple[float, float]:
    """How much of the base plane's grain shows in another's, and which share of its variance that leaves."""
    lead = _centred(lead)
    own = float((lead**2).sum())
    mix = float((taken * lead).sum()) / own if own > 0 else 0.0
    return mix, max(1 - mix**2 * own / float((taken**2).sum()), 0.0)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """What is known of each block.

    Attributes:
        level: Its mean.
        texture: Its coarse detail, as `texture` tells it.
        taken: Variance of what was taken from it.
        whole: Variance of what it differed by.
        rest: Variance of what it differs by still.
        kept: Its samples, whose levels the new grain will follow.
    """

    level: Reals
    texture: Reals
    taken: Reals
    whole: Reals
    rest: Reals
    kept: Reals

    def quiet(self, near: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """The flattest of some of the blocks from which anything was taken, without those whose motion was lost."""
        good = near & (self.taken > 0)
        if good.any():
            good[good] = quiet(self.texture[good], self.whole[good])
        return good

    def curve(self, flat: bool) -> Reals:
        """The standard deviation at each knot of the grain that is owed; with few blocks near that of all.

        Between knots a curve runs straight, and around one lie samples of many levels. So a curve through what is owed
        would give less than that where most is owed, and more where least is: it is corrected by what it gives.
        """
        usual = self._due(self.quiet(np.ones(len(self.level), bool)))
        if flat:
            return np.full(len(KNOTS), math.sqrt(usual))
        near = [self.quiet(np.abs(self.level - knot) < WIDTH) for knot in KNOTS]
        counts = np.array([int(good.sum()) for good in near])
        found = np.array([self._due(good) for good in near])
        dues = (found * counts + usual * _PRIOR) / (counts + _PRIOR)
        often = np.array([self._often(good) for good in near])
        curve = np.sqrt(dues)
        for _ in range(_TURNS):
            given = often @ np.interp(_LEVELS, KNOTS, curve) ** 2
            short = np.where((counts > 0) & (given > 0), dues / np.maximum(given, 1e-12), 1.0)
            curve = curve * np.sqrt(np.clip(short, 0.5, 2))
        return np.asarray(curve)

    def _due(self, good: npt.NDArray[np.bool_]) -> float:
        return max(float((self.whole - self.rest)[good].sum()), 0.0) / max(int(good.sum()), 1)

    def _often(self, good: npt.NDArray[np.bool_]) -> Reals:
        """Share of the samples of some blocks at each of `_LEVELS`."""
        at = (self.kept[good] * (len(_LEVELS) - 1)).round().astype(np.intp).clip(0, len(_LEVELS) - 1)
        return np.asarray(np.bincount(at.ravel(), minlength=len(_LEVELS)) / max(at.size, 1))


def told_grain(props: Mapping[str, Any], kind: str) -> GrainSignature | None:
    """What `record_grain` wrote, as a signature; None where it wrote nothing, or of planes of another kind."""
    width = props.get(WIDTH_PROP, 0)
    count = 1 if kind == "grey" else 3
    if not width or any(mix_prop(p) not in props for p in range(count)):
        return None
    return GrainSignature(tuple(_told_plane(props, p) for p in range(count)), round(width), kind)


def _told_plane(props: Mapping[str, Any], plane: int) -> PlaneGrain:
    curve = tuple(float(props.get(knot_prop(plane, k), 0.0)) * 255 for k in range(len(KNOTS)))
    spectrum = tuple(map(float, props[spectrum_prop(plane)]))
    return PlaneGrain(curve, spectrum, float(props[stretch_prop(plane)]), float(props[mix_prop(plane)]))
