"""Sharper pictures by a network."""

from __future__ import annotations

from typing import Final

import vapoursynth as vs

from vsfilmrestore.filters._model import dependence, network_for, reach_of, run_model_named, weights_of
from vsfilmrestore.filters._network_step import Model, finished, plain
from vsfilmrestore.filters.schema import Regions, Show, Strength, restoration_filter

__all__ = ["deblur"]

_TASK: Final = "deblur"


@restoration_filter(
    short="deblur",
    order=90,
    needs=("akarin",),
    radius=lambda settings: reach_of(settings["model"]),
    depends=dependence,
    one_sided=True,
    network=network_for(_TASK, plain),
    weights=weights_of(_TASK),
)
def deblur(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    model: Model = "",
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Take softness of motion, focus or copying out with a network.

    Grain confuses such networks: put the step behind `denoise`, where it stands by default, and give grain back with
    `regrain`.

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        strength: Share of what the network changes, 0..1.
        model: A model for the task ``deblur``.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.
        show: Look at what is changed instead.
    """
    if strength == 0:
        return clip
    return finished("deblur", clip, run_model_named(clip, model, _TASK, strength), protect, only, show)
