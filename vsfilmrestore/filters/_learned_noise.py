"""Noise taken out by a network, which may want to be told how much there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import vapoursynth as vs

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.filters._engines import find_engine
from vsfilmrestore.filters._model import (
    model_call,
    network_for,
    network_named,
    number_input,
    run_model_named,
    weights_of,
)  # fmt: skip
from vsfilmrestore.filters._noise import mean_prop
from vsfilmrestore.filters._noise_fused import chosen, fuses, resolved
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.models.contract import ExtraInput

__all__ = ["denoise_network", "denoised_by", "noise_wanted", "weights"]

core = vs.core

_TASK: Final = "denoise"

_network = network_for(_TASK, lambda _settings: False)
_weights = weights_of(_TASK)


def weights(settings: Mapping[str, Any]) -> str:
    """`FilterSpec.weights` of `denoise`."""
    return _weights(resolved(settings))


def denoise_network(settings: Mapping[str, Any]) -> ModelCall | None:
    """`FilterSpec.network` of `denoise`: the grain is written down as well, so the run is never all of it.

    Raises:
        VsfrError: There is no such model, or it cannot be run.
    """
    model = chosen(settings["model"])
    if not model or not settings["strength"]:
        return None
    if fuses(model):
        network_named(model, _TASK)
        return None
    return _network(resolved(settings))


def noise_wanted(model: str, noise: float) -> bool:
    """Whether a model gets the noise that is measured in each frame. A model nobody knows gets none."""
    try:
        extra = None if noise else _level(model)
    except VsfrError:
        return False
    return extra is not None and extra.kind == "number"


def denoised_by(
    clip: vs.VideoNode, model: str, strength: float, noise: float, measured: vs.VideoNode | None
) -> vs.VideoNode:
    """A shot without its noise.

    Args:
        clip: The shot.
        model: A model for the task ``denoise``.
        strength: Share of what it takes out.
        noise: Standard deviation in 8-bit levels, for a model that wants to be told; 0 where it is measured.
        measured: The clip in 16 bits with its noise in the properties, see `_noise.measure_noise`.

    Raises:
        VsfrError: There is no such model, or it cannot be run.
    """
    extra = _level(model)
    if extra is None or (measured is None and not noise):
        return run_model_named(clip, model, _TASK, strength)
    if measured is None:
        level = min(max(noise / 255, extra.low), extra.high)
        return model_call(model, _TASK, strength, numbers={extra.name: level}).on(clip)
    call = model_call(model, _TASK, strength)
    # A number is one for the whole clip: what is measured in each frame goes in as a picture of that level.
    kinds = tuple(replace(each, kind="mask") if each is extra else each for each in call.contract.extra)
    call = replace(call, contract=replace(call.contract, extra=kinds), clips={extra.name: _levels(measured, extra)})
    return call.on(clip)


def _level(model: str) -> ExtraInput | None:
    return None if find_engine(model, "") is not None else number_input(model)


def _levels(measured: vs.VideoNode, extra: ExtraInput) -> vs.VideoNode:
    """GRAYS: each frame has the level of its noise as the network counts it, black being 0 and white 1."""
    luma = core.std.ShufflePlanes(measured, 0, vs.GRAY)
    blank = core.std.BlankClip(luma, format=vs.GRAYS, keep=True)
    full = 1.0 if measured.format.color_family == vs.RGB else 255 / 219
    scale = f"y._Range {int(vs.RANGE_FULL)} = 1 {full!r} ?"
    return core.akarin.Expr([blank, luma], f"y.{mean_prop(0)} {scale} * {extra.low!r} {extra.high!r} clip")
