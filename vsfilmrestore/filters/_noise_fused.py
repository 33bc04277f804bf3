"""A network of our own that goes on from the average along motion, in each plane.

It sees the frame, its average, the two nearest neighbours moved onto it, how much noise the average leaves and how much
there was, and tells what is to be added to the average. It counts everything in standard deviations of the noise, so
planes of any kind and noise of any strength look alike to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import vapoursynth as vs
from vsutil import join, split

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.filters._engines import find_engine
from vsfilmrestore.filters._model import can_run, card_named, network_named
from vsfilmrestore.filters._noise import KNOTS, curve_expr, sigma_prop
from vsfilmrestore.filters._noise_average import Averaged
from vsfilmrestore.inference.apply import run_network

__all__ = ["AUTO", "CLIPS", "OWN", "chosen", "fused", "fuses", "resolved", "seen"]

core = vs.core

AUTO: Final = "auto"
OWN: Final = "degrain-t1"
CLIPS: Final = ("mean", "before", "after", "left", "sigma")
"""Inputs of the network beside ``frame``."""
_LEAST: Final = 0.4 / 255
"""Noise that is always assumed: the rounding of 8 bits."""


def chosen(model: str) -> str:
    """The model that is taken for a setting; '' for none."""
    if model != AUTO:
        return model
    return OWN if can_run(OWN) else ""


def resolved(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that name the model that is taken."""
    return {**settings, "model": chosen(settings["model"])}


def fuses(model: str) -> bool:
    """Whether a model goes on from the average, as its card tells; one that nobody knows does not."""
    try:
        return find_engine(model, "") is None and {e.name for e in card_named(model).contract.extra} == set(CLIPS)
    except VsfrError:
        return False


def fused(averaged: Averaged, model: str = OWN) -> vs.VideoNode:
    """What the network makes of an averaged clip, in its format.

    Raises:
        VsfrError: The network is not here or cannot be run.
    """
    found, contract = network_named(model, "denoise")
    made = []
    for frame, *others in seen(averaged):
        clips = dict(zip(CLIPS, others, strict=True))
        out = run_network(frame, found.path, contract, sha256=found.file.sha256, clips=clips)
        made.append(core.akarin.Expr([out], "x 65535 *", format=vs.GRAY16))
    return join(made, averaged.told.format.color_family).std.CopyFrameProps(averaged.told)


def seen(averaged: Averaged) -> list[list[vs.VideoNode]]:
    """What the network gets for each plane, GRAYS from 0 to 1: the frame and `CLIPS`."""
    pictures = (averaged.told, averaged.mean, averaged.moved[-1], averaged.moved[1], averaged.left())
    planes = zip(*(split(clip) for clip in pictures), strict=True)
    return [[*map(_single, each), _sigma(averaged.told, each[1], p)] for p, each in enumerate(planes)]


def _single(plane: vs.VideoNode) -> vs.VideoNode:
    # Nothing of what the frames tell of range or curve is for the network.
    blank = core.std.BlankClip(plane, format=vs.GRAYS, keep=True)
    return core.akarin.Expr([blank, plane], "y 65535 /")


def _sigma(told: vs.VideoNode, mean: vs.VideoNode, plane: int) -> vs.VideoNode:
    """The noise at the level of the average."""
    blank = core.std.BlankClip(mean, format=vs.GRAYS, keep=True)
    props = core.std.BlankClip(mean, format=vs.GRAY8, keep=True).std.CopyFrameProps(told)
    curve = curve_expr("l@", [f"z.{sigma_prop(plane, k)}" for k in range(len(KNOTS))])
    return core.akarin.Expr([blank, mean, props], f"y 65535 / l! {curve} {_LEAST} max")
