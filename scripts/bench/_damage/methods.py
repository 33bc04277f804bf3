"""What repairs a case: nothing, the usual scripts, our filters with named settings, oracles that know the damage."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters import FILTERS
from vsfilmrestore.media.props import mask_prop

from .cases import Case
from .footage import Picture, clip_of, planes_of
from .truth import chroma_of

__all__ = ["CLASSICAL", "INPUT", "Method", "oracles_for", "other_methods", "ours", "read_variant"]

core = vs.core

type Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Method:
    """A way to repair.

    Attributes:
        name: As it stands in tables.
        make: The repaired clip of a case.
        group: ``input``, ``classical``, ``ours`` or ``oracle``.
        steps: Filters with their settings, of our own; their masks travel with the frames.
    """

    name: str
    make: Callable[[Case], vs.VideoNode]
    group: str
    steps: tuple[tuple[str, dict[str, Any]], ...] = ()

    def at(self, strength: float) -> Method:
        """The same with all its filters at another strength."""
        steps = tuple((name, {**settings, "strength": strength}) for name, settings in self.steps)
        return replace(_method(f"{self.name} at {strength:g}", steps), group=self.group)

    def result(self, case: Case) -> tuple[list[list[Picture]], list[Flags] | None]:
        """All frames of a result, and where the filters say they changed it; None where there is no such word."""
        planes: list[list[Picture]] = []
        masks: list[Flags] = []
        for frame in self.make(case).frames(close=False):
            planes.append([np.array(plane) for plane in frame])
            found = np.zeros(planes[-1][0].shape, bool)
            for name, _ in self.steps:
                found |= np.asarray(frame.props[mask_prop(name)][0]) > 0
            masks.append(found)
        return planes, masks if self.steps else None

    @property
    def sweeps(self) -> bool:
        """Whether there is a strength to vary."""
        return bool(self.steps) and all("strength" in FILTERS[name].settings for name, _ in self.steps)


# --- the usual ------------------------------------------------------------------------------------------------------


def clense(clip: vs.VideoNode) -> vs.VideoNode:
    """Median of three frames, no motion compensation."""
    return clip.zsmooth.Clense()


def spotless(clip: vs.VideoNode, block: int = 16) -> vs.VideoNode:
    """The usual script: compensate both neighbours, take the median of three. Radius 1, overlap of half a block."""
    size = {"blksize": [block], "overlap": [block // 2]}
    coarse = core.mvu.Super(clip.zsmooth.Median(radius=2), **size)
    fine = core.mvu.Super(clip, **size)
    moved = [core.mvu.Compensate(clip, fine, core.mvu.Analyse(coarse, delta=d), thsad=10000, thscd2=100.0)
             for d in (-1, 1)]  # fmt: skip
    triple = core.std.Interleave([moved[0], clip, moved[1]])
    return core.std.SelectEvery(triple.zsmooth.TemporalMedian(radius=1), 3, 1)


def descratch(clip: vs.VideoNode) -> vs.VideoNode:
    """The usual plug-in with its defaults."""
    return clip.descratch.DeScratch()


INPUT = Method("input", lambda case: case.damaged, "input")
CLASSICAL = {
    "Clense": Method("Clense", lambda case: clense(case.damaged), "classical"),
    "SpotLess": Method("SpotLess", lambda case: spotless(case.damaged), "classical"),
    "SpotLess 8": Method("SpotLess 8", lambda case: spotless(case.damaged, 8), "classical"),
    "DeScratch": Method("DeScratch", lambda case: descratch(case.damaged), "classical"),
}
"""SpotLess with blocks of 16 and of 8 pixels."""


# --- our own --------------------------------------------------------------------------------------------------------


def ours(name: str, **settings: Any) -> Method:
    """One filter."""
    return _method(name, ((name, settings),))


def other_methods(name: str) -> tuple[Method, ...]:
    """One for each way to work that a filter offers by its setting ``method`` besides its default."""
    setting = FILTERS[name].settings.get("method")
    words = setting.choices if setting else ()
    return tuple(
        replace(ours(name, method=word), name=f"{name} {word}")
        for word in words
        if word not in ("auto", setting and setting.default)
    )


def read_variant(text: str) -> Method:
    """``name=filter:setting=value,setting=value``; several filters in a row are joined by ``+``.

    Raises:
        ValueError: It is written otherwise, or a filter or setting is unknown.
    """
    name, equals, chain = text.partition("=")
    if not (name and equals and chain):
        raise ValueError(f"{text!r} must look like name=filter:setting=value,setting=value")
    steps = []
    for part in chain.split("+"):
        known, _, settings = part.partition(":")
        if known not in FILTERS:
            raise ValueError(f"{text!r}: no filter is called {known!r}; there are {', '.join(FILTERS)}")
        given = dict(_pair(each, text) for each in settings.split(",") if each)
        if strangers := set(given) - set(FILTERS[known].settings):
            raise ValueError(f"{text!r}: {known} has no setting {', '.join(sorted(strangers))}")
        steps.append((known, given))
    return _method(name, tuple(steps))


def _pair(text: str, whole: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{whole!r}: {text!r} must be setting=value")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def _method(name: str, steps: tuple[tuple[str, dict[str, Any]], ...]) -> Method:
    def make(case: Case) -> vs.VideoNode:
        clip = case.damaged
        for filter_name, settings in steps:
            clip = FILTERS[filter_name].function(clip, **settings)
        return clip

    return Method(name, make, "ours", steps)


# --- those who know -------------------------------------------------------------------------------------------------


def oracles_for(kind: str) -> tuple[Method, ...]:
    """The best that is possible with plain means, for one who is told the damage.

    Specks: SpotLess, blocks of 16, within the true mask and nowhere else. Wires move with what the motion search
    follows, and a median keeps them: they are inpainted within the true mask. Scratches: the true difference of each
    plane, averaged along the line over 17 rows and rounded, is taken away within the mask: what a perfect profile of
    the line gives, detail beneath it being kept but not mended; second, one who knows the place alone and takes away
    the mean over 33 rows of what stands out from the pixels beside the mask. Stains: the true difference, averaged over
    9 x 9.
    """
    if kind == "wire":
        return (Method("true mask", _inpainted, "oracle"),)
    if kind in ("scratch", "simple lines"):
        known = Method("true profile", lambda case: _without_profile(case, (1, 17)), "oracle")
        return known, Method("true place", _without_estimate, "oracle")
    if kind == "stain":
        return (Method("true veil", lambda case: _without_profile(case, (9, 9)), "oracle"),)
    return (Method("true mask", _masked_median, "oracle"),)


def _masked_median(case: Case) -> vs.VideoNode:
    frames, better = planes_of(case.damaged), planes_of(spotless(case.damaged))
    for planes, median, mask in zip(frames, better, case.masks, strict=True):
        for plane, other in zip(planes, median, strict=True):
            where = mask if plane.shape == mask.shape else chroma_of(mask)
            plane[where] = other[where]
    return clip_of(frames, case.clean)


def _without_estimate(case: Case) -> vs.VideoNode:
    """Take away what stands out from a straight line between both sides of the mask, averaged over 33 rows."""
    frames = planes_of(case.damaged)
    most = (1 << case.clean.format.bits_per_sample) - 1
    for planes, mask in zip(frames, case.masks, strict=True):
        for plane in planes:
            where = mask if plane.shape == mask.shape else chroma_of(mask)
            excess = np.zeros(plane.shape)
            for row in np.flatnonzero(where.any(1)):
                hit, free = np.flatnonzero(where[row]), np.flatnonzero(~where[row])
                if len(free):
                    excess[row, hit] = plane[row, hit] - np.interp(hit, free, plane[row, free].astype(float))
            share = cv2.blur(where.astype(np.float64), (1, 33))
            profile = cv2.blur(excess, (1, 33)) / np.maximum(share, 1e-9)
            plane[where] = np.rint(plane - profile).clip(0, most)[where]
    return clip_of(frames, case.clean)


def _inpainted(case: Case) -> vs.VideoNode:
    """Each plane, at 8 bits, from the rim of the mask inwards: A. Telea, "An Image Inpainting Technique" (2004)."""
    frames, step = planes_of(case.damaged), 1 << (case.damaged.format.bits_per_sample - 8)
    for planes, mask in zip(frames, case.masks, strict=True):
        for plane in planes:
            where = mask if plane.shape == mask.shape else chroma_of(mask)
            filled = cv2.inpaint((plane // step).astype(np.uint8), where.astype(np.uint8), 3, cv2.INPAINT_TELEA)
            plane[where] = filled[where].astype(plane.dtype) * step
    return clip_of(frames, case.clean)


def _without_profile(case: Case, window: tuple[int, int]) -> vs.VideoNode:
    """Take away the true difference, averaged over ``window`` (width, height) within the mask."""
    frames, truth = planes_of(case.damaged), planes_of(case.clean)
    most = (1 << case.clean.format.bits_per_sample) - 1
    for planes, clean, mask in zip(frames, truth, case.masks, strict=True):
        for plane, aim in zip(planes, clean, strict=True):
            where = mask if plane.shape == mask.shape else chroma_of(mask)
            share = cv2.blur(where.astype(np.float64), window)
            profile = cv2.blur(np.where(where, plane.astype(np.float64) - aim, 0), window) / np.maximum(share, 1e-9)
            plane[where] = np.rint(plane - profile).clip(0, most)[where]
    return clip_of(frames, case.clean)
