"""What grain each frame of a clip is to get: from what was taken out of it, from a signature, or as amount and size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.filters._grain import kernel, told_grain
from vsfilmrestore.filters._grain_field import DOSE, strength_props
from vsfilmrestore.filters._grain_form import GrainSignature, PlaneGrain, corrected, gaussian_spectrum, without
from vsfilmrestore.filters._grain_kernel import gaussian_taps, spectrum_taps
from vsfilmrestore.filters._grain_rounding import level_of, unrounded
from vsfilmrestore.filters._grain_window import unblurred
from vsfilmrestore.filters._noise import KNOTS

__all__ = ["AGAIN", "SIGNATURE", "Plans", "by_amount", "by_frames", "by_signature", "by_told", "kind_of"]

core = vs.core

SIGNATURE: Final = "_VsfrGrainSignature"
"""Property with the text of a signature that holds for a whole shot."""
AGAIN: Final = "_VsfrGrainAgain"
"""The same, of the shot after the grain of a signature was given to it for the first time."""
_USUAL_CURVE: Final = (0.45, 0.8, 1.0, 1.0, 0.7, 0.4)
"""Shape over brightness of grain that was not measured: weak where the print is clear or black."""
_USUAL_SIZE: Final = 0.7
_USUAL_CHROMA: Final = 0.5

type Props = dict[str, float]
type Plans = list[vs.VideoNode]


def kind_of(clip: vs.VideoNode) -> str:
    """``grey``, ``yuv`` or ``rgb``."""
    family = clip.format.color_family
    return "grey" if family == vs.GRAY else "yuv" if family == vs.YUV else "rgb"


def by_amount(planes: Sequence[vs.VideoNode], clip: vs.VideoNode, amount: float, size: float) -> Plans:
    """Grain of the usual kind: ``amount`` 8-bit levels in the mid-tones, ``size`` pixels or 0 for the usual ones."""
    yuv = clip.format.color_family == vs.YUV
    side = kernel(size or _USUAL_SIZE)
    plans = []
    for p, plane in enumerate(planes):
        colour = yuv and p > 0
        curve = tuple(amount * (_USUAL_CHROMA if colour else 1.0) * (1.0 if colour else f) for f in _USUAL_CURVE)
        props = strength_props(curve, 0.0) | gaussian_taps(side, side) | {DOSE: 1.0}
        plans.append(_blank(plane).std.SetFrameProps(**props))
    return plans


def by_signature(
    planes: Sequence[vs.VideoNode], clip: vs.VideoNode, told: GrainSignature, there: vs.VideoNode | None, size: float
) -> Plans:
    """The grain of a signature, less that which the shot has.

    Args:
        planes: Those of the clip.
        clip: The shot.
        told: The signature.
        there: One frame that carries the text of the grain there is in `SIGNATURE`; None for none. Where it carries
            one in `AGAIN` as well, what is given is corrected by that.
        size: Size to take in the place of the measured one; 0 for that.
    """
    kind, width = kind_of(clip), clip.width
    wanted = _fitted(told, kind)
    if there is None:
        props = [_plane_props(wanted, p, width, size, level_of(clip)) for p in range(len(planes))]
        return [_blank(plane).std.SetFrameProps(**each) for plane, each in zip(planes, props, strict=True)]

    def read(props: Mapping[str, Any]) -> GrainSignature | None:
        return _less(wanted, _text(props), _text(props, AGAIN), kind)

    return _each(planes, there.std.Loop(clip.num_frames), read, width, size)


def by_frames(planes: Sequence[vs.VideoNode], clip: vs.VideoNode, size: float) -> Plans:
    """The grain that was taken out of each frame, as its properties tell it; none where they tell nothing."""
    kind, width = kind_of(clip), clip.width
    return _each(planes, clip, lambda props: _sharp(told_grain(props, kind)), width, size)


def by_told(planes: Sequence[vs.VideoNode], clip: vs.VideoNode, told: vs.VideoNode, size: float) -> Plans:
    """The grain of a whole shot, whose text the one frame of ``told`` carries in `SIGNATURE`."""
    kind, width = kind_of(clip), clip.width
    return _each(planes, told.std.Loop(clip.num_frames), lambda props: _sharp(_read(_text(props), kind)), width, size)


def _sharp(told: GrainSignature | None) -> GrainSignature | None:
    """What was measured as told. Where that is measured again and corrected, this would be done twice."""
    if told is None:
        return None
    return replace(told, planes=tuple(replace(each, spectrum=unblurred(each.spectrum)) for each in told.planes))


def _text(props: Mapping[str, Any], name: str = SIGNATURE) -> str:
    text = props.get(name, "")
    return text.decode() if isinstance(text, bytes) else str(text)


@lru_cache(maxsize=64)
def _read(text: str, kind: str) -> GrainSignature | None:
    return _fitted(GrainSignature.from_text(text), kind) if text else None


@lru_cache(maxsize=64)
def _less(wanted: GrainSignature, there: str, again: str, kind: str) -> GrainSignature:
    found, after = _read(there, kind), _read(again, kind)
    if found is None:
        return wanted
    given = without(wanted, found)
    return corrected(given, wanted, found, after) if after else given


def _each(
    planes: Sequence[vs.VideoNode],
    told: vs.VideoNode,
    read: Callable[[Mapping[str, Any]], GrainSignature | None],
    width: int,
    size: float,
) -> Plans:
    def plan(p: int, plane: vs.VideoNode) -> vs.VideoNode:
        def tell(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
            frame = f[0].copy()
            grain = read(f[1].props)
            frame.props.update(_plane_props(grain, p, width, size, level_of(plane)) if grain else _none())
            return frame

        return core.std.ModifyFrame(_blank(plane), [_blank(plane), told], tell)

    return [plan(p, plane) for p, plane in enumerate(planes)]


def _blank(plane: vs.VideoNode) -> vs.VideoNode:
    return core.std.BlankClip(plane, format=vs.GRAY8, keep=True)


@lru_cache(maxsize=256)
def _plane_props(told: GrainSignature, plane: int, width: int, size: float, level: float) -> Props:
    grain = unrounded(told.planes[plane], level)
    if size:
        taps = gaussian_taps(kernel(size), kernel(size))
    else:
        taps = spectrum_taps(grain.spectrum, grain.stretch, width / told.width)
    return strength_props(grain.curve, grain.mix) | taps | {DOSE: 1.0}


@lru_cache(maxsize=1)
def _none() -> Props:
    side = np.ones(1)
    return strength_props((0.0,) * len(KNOTS), 0.0) | gaussian_taps(side, side) | {DOSE: 0.0}


def _fitted(told: GrainSignature, kind: str) -> GrainSignature:
    """A signature for pictures of another kind: luma for luma, and no grain in colours that were not measured."""
    if told.kind == kind:
        return told
    if kind == "rgb":  # the same grain in all colours
        shared = replace(told.base, curve=(0.0,) * len(KNOTS), mix=1.0)
        return replace(told, planes=(shared, told.base, shared), kind=kind)
    none = PlaneGrain((0.0,) * len(KNOTS), gaussian_spectrum(0.0))
    return replace(told, planes=(told.base, none, none) if kind == "yuv" else (told.base,), kind=kind)
