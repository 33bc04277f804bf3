"""Colours of a picture brought near to those of a reference that shows the same.

No step of a recipe: its reference is a clip or a still of the very same framing (a graded print, what a network made
its picture of), which no setting can name so that it means the same in every cut and on every machine.
"""

from __future__ import annotations

from dataclasses import replace

import vapoursynth as vs

from vsfilmrestore.errors import VsfrError, plain_text
from vsfilmrestore.filters._model import card_named, model_call

__all__ = ["match_colour"]

core = vs.core

_TASK = "colour-match"


def match_colour(
    clip: vs.VideoNode, reference: vs.VideoNode, strength: float = 1.0, *, model: str = "waveletcolorfix-w5"
) -> vs.VideoNode:
    """Give a clip the colours of a reference, large areas at a time; its detail stays.

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        reference: The same pictures with the colours that are wanted, frame by frame; or one frame, for a shot in
            which nothing moves. Other sizes are brought to the clip's. It may be of another format.
        strength: Share of the change that is taken, 0..1.
        model: A model for the task ``colour-match``.

    Returns:
        Format, size, length and properties of the clip.

    Raises:
        vapoursynth.Error: The reference is neither as long as the clip nor one frame, or the model cannot be run.
    """
    if not 0 <= strength <= 1:
        raise vs.Error(f"match_colour: strength must be 0..1, not {strength!r}")
    if strength == 0:
        return clip
    if reference.num_frames not in (1, clip.num_frames):
        raise vs.Error(
            f"match_colour: the reference has {reference.num_frames} frames; it must have one, or {clip.num_frames}"
        )
    try:
        names = [extra.name for extra in card_named(model, _TASK).contract.extra if extra.kind == "picture"]
        if len(names) != 1:
            raise vs.Error(f"model {model} takes {len(names)} references, not one")
        call = model_call(model, _TASK, strength, given=names, whole=False)
        fitted = _fitted(reference.std.GPUDownload() if reference.gpu_resident else reference, clip)
        return replace(call, clips={names[0]: fitted}).on(clip)
    except (VsfrError, vs.Error) as error:
        text = str(error) if isinstance(error, VsfrError) else plain_text(error)
        raise vs.Error(f"match_colour: {text}") from None


def _fitted(reference: vs.VideoNode, clip: vs.VideoNode) -> vs.VideoNode:
    if (reference.width, reference.height) != (clip.width, clip.height):
        reference = reference.resize.Spline36(clip.width, clip.height)
    return reference if reference.num_frames == clip.num_frames else reference.std.Loop(clip.num_frames)
