"""Any network that a picture goes into and comes out of."""

from __future__ import annotations

import vapoursynth as vs

from vsfilmrestore.filters._model import dependence, network_for, reach_of, run_model_named, scale_of, weights_of
from vsfilmrestore.filters._network_step import Model, finished, plain
from vsfilmrestore.filters.schema import Regions, Show, Strength, restoration_filter

__all__ = ["apply_model"]


@restoration_filter(
    short="net",
    order=100,
    needs=("akarin",),
    radius=lambda settings: reach_of(settings["model"]),
    depends=dependence,
    one_sided=True,
    network=network_for("", plain),
    weights=weights_of(""),
)
def apply_model(
    clip: vs.VideoNode,
    strength: Strength = 1.0,
    *,
    model: Model = "",
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Run any network that a picture goes into and comes out of at the same size.

    For models whose task has no step of its own. The numbers they take have the values of their cards.

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        strength: Share of what the network changes, 0..1.
        model: A model for any task; `upscale` is for those that make pictures larger.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.
        show: Look at what is changed instead.
    """
    if strength == 0:
        return clip
    if scale_of(model, "") != 1:
        raise ValueError(f"model {model} makes pictures larger; name it to 'upscale'")
    return finished("apply_model", clip, run_model_named(clip, model, "", strength), protect, only, show)
