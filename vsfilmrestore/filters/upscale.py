"""Larger pictures: by a network that is held to what was filmed, or by a kernel."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import vapoursynth as vs

from vsfilmrestore.filters._blur import with_softness
from vsfilmrestore.filters._focus_net import AUTO, MOST, NONE, Own
from vsfilmrestore.filters._lock import locked
from vsfilmrestore.filters._model import run_model_named, scale_of
from vsfilmrestore.filters._network_step import dosed, finished, plain
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter
from vsfilmrestore.inference.colour import show as shown_to_networks

__all__ = ["upscale"]

log = logging.getLogger(__name__)

_TASK: Final = "upscale"
_OURS: Final = 2
"""Size out over size in of our own network, and of what stands in for it."""


def _changes(settings: Mapping[str, Any]) -> Literal["", "size"]:
    return "" if settings["scale"] == 1 else "size"


def _whole(settings: Mapping[str, Any]) -> bool:
    wanted = (0, scale_of(settings["model"], _TASK))
    return plain(settings) and not settings["lock"] and settings["scale"] in wanted


def _measures(settings: Mapping[str, Any]) -> bool:
    ours = settings["model"] in (AUTO, OWN.name)
    return settings["sharpen"] > 0 and not settings["blur"] and ours and OWN.runs(settings["model"])


OWN: Final = Own(_TASK, "film2x-t1", _whole, _measures)


@restoration_filter(
    short="upscale",
    order=120,
    needs=("akarin",),
    changes=_changes,
    depends=OWN.depends,
    one_sided=True,
    network=OWN.network,
    weights=OWN.weights,
)
def upscale(
    clip: vs.VideoNode,
    strength: Strength = 1.0,
    *,
    model: Annotated[
        str, Setting("auto takes our own network where networks can be run, else a kernel; none a kernel; or a name")
    ] = AUTO,
    scale: Annotated[
        float, Setting("size of the result over that of the source; 0 takes the model's own, 1 keeps the size", 0, 16)
    ] = 0.0,
    sharpen: Annotated[float, Setting("share of the softness that our own network takes out besides", 0, 1)] = 0.9,
    blur: Annotated[
        float, Setting("that softness: sigma in pixels of the source; 0 measures it in the shot", 0, 3)
    ] = 0.0,
    lock: Annotated[bool, Setting("hold the result to the source: brought back to its size it shows the same")] = True,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Make the picture larger, and hold what a network adds to what was filmed.

    What the network adds to a plain enlargement (Spline36) is taken by its share; at strength 0 the enlargement is
    plain, so that shots beside an upscaled one can have its size without a network's hand. Our own network makes luma
    twice as large; colour is enlarged plainly. It is told how soft the shot is, and leaves grain as it is. A result of
    any other size is brought there by an exact kernel: 4K of 720p is twice by the network, then one and a half times.

    With ``lock`` the result of whatever model is brought back to the source's size, and what differs by more than one
    8-bit level and a quarter of the detail there (see `_lock`) goes back into it. Softness that our own network took
    out is put on again before the two are compared.

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        strength: Share of what the network adds, 0..1.
        model: A model for the task ``upscale``.
        scale: The model's result is brought to this size. Sides are rounded to what the format can hold. Without a
            model 0 is 2.
        sharpen: 0 makes pictures larger and no sharper; 1 tells the network all of the softness that is found, and what
            a codec left is drawn sharp with it. Pictures that are found to be sharp are made no sharper.
        blur: What is measured, if it is known better.
        lock: Off, a model may do what it likes.
        protect: Areas that are enlarged plainly. In pixels they are those of the result.
        only: Areas outside which all is enlarged plainly.
        show: Look at what the network added instead.

    Returns:
        Format and length of the clip; its size times ``scale``.
    """
    ours = OWN.runs(model)
    factor = _OURS if ours or model in (AUTO, NONE) else scale_of(model, _TASK)
    width, height = _size(clip, scale or factor)
    enlarged = _by_kernel(clip, width, height)
    if strength == 0 or not (ours or model not in (AUTO, NONE)):
        if strength and model == AUTO:
            log.warning("upscale: networks cannot be run here, so pictures are enlarged by a kernel (Spline36)")
        return enlarged
    made = _made(clip, model, strength, ours, sharpen, blur, lock)
    return finished("upscale", enlarged, _by_kernel(made, width, height), protect, only, show)


def _made(
    clip: vs.VideoNode, model: str, strength: float, ours: bool, sharpen: float, blur: float, lock: bool
) -> vs.VideoNode:
    """What a model makes, at its own size."""
    if not ours and not lock:
        return run_model_named(clip, model, _TASK, strength)
    soft = None
    if ours:
        seen = shown_to_networks(clip, "luma")
        luma = with_softness(seen.clip, seen.clip, blur, MOST, share=sharpen)
        soft = luma if sharpen else None
        # The network alone: to reckon the softness out before it brings more decibels, and stairs along every edge.
        made = seen.back(OWN.made(luma))
    else:
        made = run_model_named(clip, model, _TASK, 1.0)
    kernel = _by_kernel(clip, made.width, made.height)
    if lock and _is_whole(clip, made):
        made = locked(clip, made, kernel, soft)
    return made if strength == 1 else dosed(kernel, made, strength)


def _is_whole(clip: vs.VideoNode, made: vs.VideoNode) -> bool:
    return made.width % clip.width == 0 and made.height % clip.height == 0


def _by_kernel(clip: vs.VideoNode, width: int, height: int) -> vs.VideoNode:
    return clip.resize.Spline36(width, height) if (width, height) != (clip.width, clip.height) else clip


def _size(clip: vs.VideoNode, scale: float) -> tuple[int, int]:
    fmt = clip.format
    steps = ((clip.width, fmt.subsampling_w), (clip.height, fmt.subsampling_h))
    width, height = (max(round(side * scale / (1 << step)), 1) << step for side, step in steps)
    return width, height
