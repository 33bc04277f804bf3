"""Faces by a network that knows what faces look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import vapoursynth as vs

from vsfilmrestore.filters._model import model_call, network_for, network_named, weights_of
from vsfilmrestore.filters._network_step import Model, changed_mask
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter
from vsfilmrestore.inference.call import ModelCall

__all__ = ["restore_faces"]

_TASK: Final = "faces"
_FINDER: Final = "yunet-n"
_FINDS: Final = "find-faces"
_RADIUS: Final = 2
"""Frames on each side by which the places of faces are calmed."""

_named = network_for(_TASK, lambda _settings: False)
_own = weights_of(_TASK)
_finders = weights_of("")


def _network(settings: Mapping[str, Any]) -> ModelCall | None:
    """What is missing is told before a render: the model, or what finds faces for it."""
    call = _named(settings)
    if call is not None:
        network_named(_FINDER, _FINDS)
    return call


def _weights(settings: Mapping[str, Any]) -> str:
    own = _own(settings)
    return own and f"{own} {_finders({'model': _FINDER})}"


@restoration_filter(
    short="faces",
    order=110,
    needs=("akarin",),
    radius=_RADIUS,
    one_sided=True,
    network=_network,
    weights=_weights,
)
def restore_faces(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    model: Model = "",
    smallest: Annotated[
        int, Setting("faces whose longer side is smaller, in pixels, stay as they are: they say too little", 8, 4096)
    ] = 32,
    sure: Annotated[float, Setting("how sure it must be that a face is one", 0.3, 1.0)] = 0.7,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Redraw faces with a network that knows what faces look like. It invents: name a model, look at each shot.

    Such networks put in what faces have as a rule, not what this one had. So no preset has this step, no model is taken
    unless it is named, and doses should be small. Each face is found (by the model `yunet-n`), cut out upright, run by
    itself, and what the network changed is laid back with soft edges; pixels beyond keep their bits. Who is who from
    frame to frame is not known.

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        strength: Share of what the network changes, 0..1.
        model: A model for the task ``faces``.
        smallest: The longer side of the box around eyes, nose and mouth counts, not that of the head.
        sure: Below the usual one it finds faces in cobblestones.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.
        show: Look at what is changed instead.

    Source: W. Wu, H. Peng, S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research, 2023.
    """
    if strength == 0:
        return clip
    # These bring OpenCV, which a plan can do without.
    from vsfilmrestore.inference.faces import find_faces
    from vsfilmrestore.inference.on_regions import run_on_regions
    from vsfilmrestore.inference.regions import steady

    call = model_call(model, _TASK, strength, whole=False)
    finder, wants = network_named(_FINDER, _FINDS)
    faces = find_faces(clip, finder.path, wants, sha256=finder.file.sha256, least=sure, smallest=smallest)
    made = run_on_regions(clip, call, steady(faces, _RADIUS))
    return apply_repair("restore_faces", clip, made, changed_mask(clip, made), protect=protect, only=only, show=show)
