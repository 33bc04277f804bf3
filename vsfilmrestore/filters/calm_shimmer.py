"""Detail that shimmers from frame to frame, held still by a network."""

from __future__ import annotations

from typing import Final

import vapoursynth as vs

from vsfilmrestore.filters._model import dependence, network_for, reach_of, run_model_named, weights_of
from vsfilmrestore.filters._network_step import Model, finished, plain
from vsfilmrestore.filters.schema import Regions, Show, Strength, restoration_filter

__all__ = ["calm_shimmer"]

_TASK: Final = "stabilise"


@restoration_filter(
    short="shimmer",
    order=125,
    needs=("akarin",),
    radius=lambda settings: reach_of(settings["model"]),
    depends=dependence,
    one_sided=True,
    network=network_for(_TASK, plain),
    weights=weights_of(_TASK),
)
def calm_shimmer(
    clip: vs.VideoNode,
    strength: Strength = 1.0,
    *,
    model: Model = "temporalfix-s1",
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Calm detail that shimmers or boils from frame to frame, as restoration of single frames leaves it.

    A network looks at the frames around each one, within the shot, and keeps what they agree on.

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        strength: Share of what the network changes, 0..1.
        model: A model for the task ``stabilise``.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.
        show: Look at what is changed instead.
    """
    if strength == 0:
        return clip
    return finished("calm_shimmer", clip, run_model_named(clip, model, _TASK, strength), protect, only, show)
