"""Holes in a picture, painted by a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters._model import card_named, dependence, model_call, reach_of, weights_of
from vsfilmrestore.filters._network_step import Model
from vsfilmrestore.filters.masks import apply_repair, confine, region_inside, region_mask
from vsfilmrestore.filters.schema import Regions, Show, Strength, restoration_filter
from vsfilmrestore.inference.apply import run_network
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.colour import show as show_to_network
from vsfilmrestore.inference.colour import with_matrix

__all__ = ["fill"]

core = vs.core

_TASK: Final = "inpaint"
_AROUND: Final = 128
"""Least pixels around the areas that the network gets to see."""
_GRID: Final = 8


def _call(model: str, strength: float) -> tuple[ModelCall, str]:
    """The run of the model but for its mask, and that one's name."""
    extra = card_named(model, _TASK).contract.extra
    masks = [each.name for each in extra if each.kind == "mask"]
    if len(masks) != 1:
        raise UsageError(
            f"model {model} takes {len(masks)} masks by its card, not one",
            hint="Say which input is the mask: 'vsfilmrestore models add FILE --task inpaint --extra mask=mask'",
        )
    return model_call(model, _TASK, strength, given=masks, whole=False), masks[0]


def _need_areas(only: Sequence[Any]) -> None:
    if not only:
        raise UsageError("names no areas", hint="Say what is to be painted anew: only=[(left, top, right, bottom)]")


def _network(settings: Mapping[str, Any]) -> ModelCall | None:
    if settings["strength"] == 0:
        return None
    _need_areas(settings["only"])
    return _call(settings["model"], settings["strength"])[0]


@restoration_filter(
    short="fill",
    order=75,
    needs=("akarin",),
    radius=lambda settings: reach_of(settings["model"]),
    depends=dependence,
    one_sided=True,
    network=_network,
    weights=weights_of(_TASK),
)
def fill(
    clip: vs.VideoNode,
    strength: Strength = 1.0,
    *,
    model: Model = "",
    only: Regions = (),
    protect: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Paint areas anew with a network that goes by what is around them. It invents: name a model, look at each shot.

    For what no neighbouring frame shows: a burnt-in sign, a tear that stays in place. Each frame is painted by itself,
    without grain; the step stands before `denoise`, so that `regrain` treats the patch as it does the rest. No preset
    has it. Pixels outside the areas keep their bits.

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        strength: Share of what the network changes, 0..1.
        model: A model for the task ``inpaint``: one that takes a mask, 1 where it is to paint.
        only: What is to be painted anew; needed.
        protect: Areas that stay as they are.
        show: Look at what is changed instead.
    """
    if strength == 0:
        return clip
    _need_areas(only)
    call, name = _call(model, strength)
    hole = confine(region_mask(clip, only), protect=protect)
    window = _window(clip, only)
    made = clip
    if window is not None:
        left, top, width, height = window
        # What a frame does not tell of its colours goes by the size of the whole picture.
        part, mask = (each.std.CropAbs(width, height, left, top) for each in (with_matrix(clip), hole))
        painted = core.std.Merge(part, _painted(part, mask, call, name), strength)
        right, below = clip.width - left - width, clip.height - top - height
        made = painted.std.AddBorders(left, right, top, below)
    return apply_repair("fill", clip, made, hole, show=show)


def _painted(part: vs.VideoNode, mask: vs.VideoNode, call: ModelCall, name: str) -> vs.VideoNode:
    """The network's own picture. Its difference would leave sharp colours of what is to go where chroma is coarse."""
    shown = show_to_network(part, "luma" if call.contract.colour == "luma" else "rgb")
    made = run_network(part, call.model, call.contract, sha256=call.sha256, clips={name: mask})
    return shown.back(made, whole=True)


def _window(clip: vs.VideoNode, only: Sequence[Any]) -> tuple[int, int, int, int] | None:
    """Left, top, width and height of what the network gets to see; None where the areas lie outside the picture."""
    inside = np.any([region_inside(region, clip.width, clip.height) for region in only], axis=0)
    if not inside.any():
        return None
    spans = [np.flatnonzero(inside.any(axis)) for axis in (0, 1)]
    around = max(_AROUND, *(int(span[-1] - span[0]) + 1 for span in spans))
    first = [max(int(span[0]) - around, 0) // _GRID * _GRID for span in spans]
    ends = [-(-(int(span[-1]) + 1 + around) // _GRID) * _GRID for span in spans]
    across, down = (min(end, side) for end, side in zip(ends, (clip.width, clip.height), strict=True))
    return first[0], first[1], across - first[0], down - first[1]
