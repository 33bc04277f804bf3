"""Sharper pictures: as soft as they are measured to be, so much is taken out; or by a network that is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import vapoursynth as vs

from vsfilmrestore.filters._blur import with_softness
from vsfilmrestore.filters._focus_net import MOST, NONE
from vsfilmrestore.filters._lock import locked
from vsfilmrestore.filters._model import dependence, network_for, reach_of, run_model_named, weights_of
from vsfilmrestore.filters._network_step import dosed, finished, plain
from vsfilmrestore.filters._sharpen import ROUNDS, by_measure
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.colour import STEP
from vsfilmrestore.inference.colour import show as shown_to_networks

__all__ = ["deblur"]

_TASK: Final = "deblur"

type Settings = Mapping[str, Any]


def _whole(settings: Settings) -> bool:
    return plain(settings) and settings["lock"] != "on"


_network, _weights = network_for(_TASK, _whole), weights_of(_TASK)


def _run(settings: Settings) -> ModelCall | None:
    return None if settings["model"] == NONE else _network(settings)


def _version(settings: Settings) -> str:
    return "" if settings["model"] == NONE else _weights(settings)


def _depends(settings: Settings) -> Any:
    if settings["strength"] == 0:
        return "window"
    return "clip" if settings["model"] == NONE or settings["lock"] == "on" else dependence(settings)


@restoration_filter(
    short="deblur",
    order=90,
    needs=("akarin",),
    radius=lambda settings: reach_of(settings["model"]),
    depends=_depends,
    one_sided=True,
    network=_run,
    weights=_version,
)
def deblur(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    model: Annotated[str, Setting("none measures and reckons; or the name of a model")] = NONE,
    blur: Annotated[float, Setting("softness to take out: sigma in pixels; 0 measures it in the shot", 0, 3)] = 0.0,
    lock: Annotated[
        Literal["auto", "on", "off"],
        Setting("hold the result to the source: softened again it shows the same; auto: unless a model is named"),
    ] = "auto",
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Take softness of focus or of copying out, as much as there is of it.

    How soft a shot is, is told by its sharpest edges in five of its frames. A shot that is sharp stays as it is, and so
    does one where nothing tells. Luma alone is sharpened; no edge goes beyond what lies beside it by more than a tenth
    of its height and one 8-bit level, and changes that are no more than grain would make are left out. With ``lock``
    the source lies everywhere between the result and the result softened again (see `_lock`).

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        strength: Share of what is changed, 0..1.
        model: A model for the task ``deblur``, or ``none``.
        blur: What is measured, if it is known better.
        lock: A model that takes out motion knows of another softness than this; for it ``auto`` is off.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.
        show: Look at what is changed instead.
    """
    if strength == 0:
        return clip
    if model == NONE:
        made = _reckoned(clip, strength, blur, lock != "off")
    else:
        made = _named(clip, model, strength, blur, lock == "on")
    return finished("deblur", clip, made, protect, only, show)


def _reckoned(clip: vs.VideoNode, strength: float, blur: float, lock: bool) -> vs.VideoNode:
    seen = shown_to_networks(clip, "luma")
    luma = with_softness(seen.clip, seen.clip, blur, MOST, rounds=ROUNDS)
    sharp = by_measure(luma)
    if lock:
        sharp = locked(luma, sharp, luma, luma)
    return seen.back(sharp.std.SetFrameProps(**{STEP: 0.0}), strength=strength)


def _named(clip: vs.VideoNode, model: str, strength: float, blur: float, lock: bool) -> vs.VideoNode:
    if not lock:
        return run_model_named(clip, model, _TASK, strength)
    seen = shown_to_networks(clip, "luma").clip
    luma = with_softness(seen, seen, blur, MOST)
    held = locked(clip, run_model_named(clip, model, _TASK, 1.0), clip, luma)
    return held if strength == 1 else dosed(clip, held, strength)
