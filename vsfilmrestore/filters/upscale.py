"""Larger pictures by a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import vapoursynth as vs

from vsfilmrestore.filters._model import network_for, run_model_named, scale_of, weights_of
from vsfilmrestore.filters._network_step import Model, finished, plain
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["upscale"]

_TASK: Final = "upscale"


def _changes(settings: Mapping[str, Any]) -> Literal["", "size"]:
    return "" if settings["scale"] == 1 else "size"


def _whole(settings: Mapping[str, Any]) -> bool:
    return plain(settings) and settings["scale"] in (0, scale_of(settings["model"], _TASK))


@restoration_filter(
    short="upscale",
    order=120,
    needs=("akarin",),
    changes=_changes,
    one_sided=True,
    network=network_for(_TASK, _whole),
    weights=weights_of(_TASK),
)
def upscale(
    clip: vs.VideoNode,
    strength: Strength = 1.0,
    *,
    model: Model = "",
    scale: Annotated[
        float, Setting("size of the result over that of the source; 0 takes the model's own, 1 keeps the size", 0, 16)
    ] = 0.0,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Make the picture larger with a network.

    What the network adds to a plain enlargement (Spline36) is taken by its share; at strength 0 the enlargement is
    plain, so that shots beside an upscaled one can have its size without a network's hand.

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        strength: Share of what the network adds, 0..1.
        model: A model for the task ``upscale``.
        scale: The model's result is brought to this size. Sides are rounded to what the format can hold.
        protect: Areas that are enlarged plainly. In pixels they are those of the result.
        only: Areas outside which all is enlarged plainly.
        show: Look at what the network added instead.

    Returns:
        Format and length of the clip; its size times ``scale``.
    """
    width, height = _size(clip, scale or scale_of(model, _TASK))
    enlarged = clip.resize.Spline36(width, height) if (width, height) != (clip.width, clip.height) else clip
    if strength == 0:
        return enlarged
    made = run_model_named(clip, model, _TASK, strength)
    if (made.width, made.height) != (width, height):
        made = made.resize.Spline36(width, height)
    return finished("upscale", enlarged, made, protect, only, show)


def _size(clip: vs.VideoNode, scale: float) -> tuple[int, int]:
    fmt = clip.format
    steps = ((clip.width, fmt.subsampling_w), (clip.height, fmt.subsampling_h))
    width, height = (max(round(side * scale / (1 << step)), 1) << step for side, step in steps)
    return width, height
