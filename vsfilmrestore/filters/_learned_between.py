"""Frames between frames by a network, RIFE's ONNX files among them.

Networks get two frames along the channels and a plane with the time between them. The files for vs-mlrt come in two
layouts, which a card tells by its contract:

====== ======== =====================================================================================================
layout channels
====== ======== =====================================================================================================
v2     7        first frame, second frame, ``timestep``
v1     11       the same, then ``across`` (-1 at the left edge to 1 at the right), ``down`` (the same from top to
                bottom), ``across-step`` (2 / (width - 1) everywhere), ``down-step`` (2 / (height - 1))
====== ======== =====================================================================================================

Built to these layouts and run with small networks made for tests; not run with RIFE's own weights.

Source: the layouts as https://github.com/AmusementClub/vs-mlrt feeds them (scripts/vsmlrt.py, RIFEMerge).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import vapoursynth as vs

from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters._between_blend import AUTO, TASK, blends
from vsfilmrestore.filters._engines import find_engine
from vsfilmrestore.filters._model import card_named, model_call, network_named, time_input
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.colour import show
from vsfilmrestore.media.props import LOG

__all__ = ["TASK", "between_by", "between_network", "call_between"]

core = vs.core

_GRID: Final = ("across", "down", "across-step", "down-step")


def between_network(settings: Mapping[str, Any]) -> ModelCall | None:
    """`FilterSpec.network` of `interpolate`: several runs, at times that only the clip's rate decides."""
    name = settings["model"]
    if name in ("", AUTO):
        return None
    engine = find_engine(name, TASK)
    if engine is not None:
        engine.require()
        return None
    if blends(name):
        network_named(name, TASK)
        return None
    return call_between(name)


def call_between(name: str) -> ModelCall:
    """The run of a model half-way between two frames.

    Raises:
        VsfrError: There is no such model, it is for something else, or it cannot be run.
    """
    contract = card_named(name, TASK).contract
    if (contract.before, contract.frames_out, contract.after) != (0, 1, 1):
        raise UsageError(f"model {name} takes {contract.window} frames, not the two that a frame lies between")
    time = time_input(contract)
    if not time:
        raise UsageError(f"model {name} takes no time between two frames", hint="Its card calls it 'timestep'")
    call = model_call(name, TASK, between=True, given=_GRID, whole=False)
    return replace(call, contract=replace(contract, time=time), time=0.5)


def between_by(clip: vs.VideoNode, call: ModelCall, time: float) -> vs.VideoNode:
    """The frames at a time between each frame, 0, and the next, 1; of the last frame itself.

    Args:
        clip: The shot.
        call: What `call_between` gave.
        time: 0..1, without the ends.
    """
    call = replace(call, time=time)
    wanted = [extra.name for extra in call.contract.extra if extra.kind == "mask"]
    if not wanted:
        return call.on(clip)
    # Its grid is that of the whole picture: the picture is brought to a size it takes here, and never tiled. That is
    # done to what it sees: a larger YUV picture that does not tell its matrix might be taken for another one.
    shown = show(clip, "rgb")
    grown = _grown(shown.clip.std.RemoveFrameProps([LOG]), max(call.contract.multiple, 1), call.contract.minimum)
    clips = {name: _plane(grown, name) for name in wanted}
    made = replace(call, contract=replace(call.contract, tiled=False), clips=clips).on(grown)
    made = made.std.Crop(right=grown.width - clip.width, bottom=grown.height - clip.height)
    result = shown.back(made, whole=True)
    return result[:-1] + clip[-1] if clip.num_frames > 1 else clip


def _plane(clip: vs.VideoNode, name: str) -> vs.VideoNode:
    width, height = max(clip.width - 1, 1), max(clip.height - 1, 1)
    value = {
        "across": f"X 2 * {width} / 1 -",
        "down": f"Y 2 * {height} / 1 -",
        "across-step": f"2 {width} /",
        "down-step": f"2 {height} /",
    }[name]
    still = core.akarin.Expr([core.std.BlankClip(clip, format=vs.GRAYS, length=1, keep=True)], value)
    return still.std.Loop(clip.num_frames) if clip.num_frames > 1 else still


def _grown(clip: vs.VideoNode, multiple: int, minimum: int) -> vs.VideoNode:
    """The clip with its right and lower edge mirrored, up to sides that are multiples of a number."""
    right, bottom = (max(-(-side // multiple) * multiple, minimum) - side for side in (clip.width, clip.height))
    while right > 0:
        part = min(right, clip.width)
        clip = core.std.StackHorizontal([clip, clip.std.Crop(left=clip.width - part).std.FlipHorizontal()])
        right -= part
    while bottom > 0:
        part = min(bottom, clip.height)
        clip = core.std.StackVertical([clip, clip.std.Crop(top=clip.height - part).std.FlipVertical()])
        bottom -= part
    return clip
