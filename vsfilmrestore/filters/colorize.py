"""Colours for black and white, invented by a network that the user brings."""

from __future__ import annotations

import logging

import vapoursynth as vs

from vsfilmrestore.filters._model import dependence, network_for, reach_of, run_model_named, weights_of
from vsfilmrestore.filters._network_step import Model, changed_mask
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.schema import Regions, Show, Strength, restoration_filter

__all__ = ["colorize"]

core = vs.core
log = logging.getLogger(__name__)

_TASK = "colour"


@restoration_filter(
    short="colorize",
    order=126,
    needs=("akarin",),
    radius=lambda settings: reach_of(settings["model"]),
    depends=dependence,
    one_sided=True,
    network=network_for(_TASK, lambda _settings: False),
    weights=weights_of(_TASK),
)
def colorize(
    clip: vs.VideoNode,
    strength: Strength = 1.0,
    *,
    model: Model = "",
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Colour black and white film with a network of yours: its colours are invented.

    In no preset, and there is no model of our own: this step is what a shot asks for by name. The luma of a YUV clip
    keeps its bits, only its colour differences are new. Of RGB clips all planes may change.

    Args:
        clip: YUV or RGB of 8 to 16 bits or float; a grey clip has no room for colours and is left, with a
            warning.
        strength: Share of the colours that is taken, 0..1.
        model: A model for the task ``colour`` that takes and gives RGB.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.
        show: Look at what is changed instead.
    """
    if strength == 0:
        return clip
    if clip.format.color_family == vs.GRAY:
        log.warning("colorize: a grey clip has no room for colours and is left; convert it to YUV or RGB first")
        return clip
    made = run_model_named(clip, model, _TASK, strength)
    if clip.format.color_family == vs.YUV:
        made = core.std.ShufflePlanes([clip, made, made], [0, 1, 2], vs.YUV).std.CopyFrameProps(made)
    mask = changed_mask(clip, made)
    return apply_repair("colorize", clip, made, mask, protect=protect, only=only, show=show)
