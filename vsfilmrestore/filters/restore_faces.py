"""Faces: their own detail brought out, or redrawn by a network that knows what faces look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

import vapoursynth as vs

from vsfilmrestore.errors import InstallationError
from vsfilmrestore.filters._face_finder import FINDER, FaceFinder, face_finder, faces_without, yunet_finder
from vsfilmrestore.filters._face_told import COUNTS, WHY
from vsfilmrestore.filters._model import model_call, network_for, network_named, weights_of
from vsfilmrestore.filters._network_step import Model, changed_mask
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter
from vsfilmrestore.inference.call import ModelCall

__all__ = ["restore_faces"]

_TASK: Final = "faces"
_FINDS: Final = "find-faces"
_DETAIL: Final = "detail"
_VIEW: Final = 0.5
"""How sure a detector must be of the landmarks of a face that is known to be one."""

_named = network_for(_TASK, lambda _settings: False)
_own = weights_of(_TASK)
_finders = weights_of("")


def _network(settings: Mapping[str, Any]) -> ModelCall | None:
    """What is missing is told before a render: the model, or what finds faces for it."""
    if settings["mode"] == _DETAIL:
        if settings["strength"]:
            _finder(settings["sure"])
        return None
    call = _named(settings)
    if call is not None:
        network_named(FINDER, _FINDS)
    return call


def _weights(settings: Mapping[str, Any]) -> str:
    if settings.get("mode") == _DETAIL:
        finder = face_finder() if settings.get("strength", 1.0) else None
        return finder.version if finder is not None else ""
    own = _own(settings)
    return own and f"{own} {_finders({'model': FINDER})}"


def _finder(sure: float) -> FaceFinder:
    finder = face_finder(sure)
    if finder is None:
        raise InstallationError("nothing here finds faces", hint=faces_without())
    return finder


@restoration_filter(
    short="faces",
    order=110,
    needs=("akarin",),
    radius=lambda settings: int(settings["calm"]),
    one_sided=True,
    network=_network,
    weights=_weights,
)
def restore_faces(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    mode: Annotated[
        Literal["auto", "detail", "generative"],
        Setting(
            "detail brings out what is there and takes no model; generative has the model redraw every face; "
            "auto does what each face's quality asks for"
        ),
    ] = "auto",
    model: Model = "",
    guard: Annotated[
        bool, Setting("hold what was made to the filmed face, and leave faces that do not look like it")
    ] = True,
    calm: Annotated[int, Setting("frames on each side that calm places and landmarks of faces", 0, 24)] = 2,
    smallest: Annotated[
        int, Setting("faces whose longer side is smaller, in pixels, stay as they are: they say too little", 8, 4096)
    ] = 32,
    sure: Annotated[float, Setting("how sure it must be that a face is one", 0.3, 1.0)] = 0.7,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Bring out the detail of faces, or redraw poor ones with a network that you name. Look at each shot.

    Faces are found in each frame and followed over ``calm`` frames to each side. Each one's size, blur and noise say
    what it gets: nothing, its own detail (eyelashes, hair, skin) brought out, or, with ``auto`` and a model, for poor
    footage, what the network makes of it. Such networks put in what faces have as a rule, not what this one had, so no
    model is taken unless it is named. Edges are soft, and pixels beyond the faces keep their bits.

    The guard holds every face to the filmed one: low frequencies are the filmed ones, landmarks may not move, and the
    picture must look alike at a quarter of its size. A face that fails keeps its bits, and fades out towards such a
    frame in those around. Frame properties tell what became of the faces (``_VsfrCount_restore_faces_found``,
    ``…_detail``, ``…_generative``, ``…_left``, ``…_stopped``) and why some were stopped (``_VsfrFacesWhy``); a
    project's ledger adds them up.

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        strength: Share of what is made that is taken, 0..1.
        mode: ``detail`` needs something that finds faces: the weights of the model `yunet-n`, or scikit-image, whose
            cascade finds upright faces that look into the lens. Models need `yunet-n`.
        model: A model for the task ``faces``.
        guard: Without it the model alone decides; for trials.
        calm: More holds faces stiller, and costs no more where they hardly move.
        smallest: The longer side of the box around eyes, nose and mouth counts, not that of the head.
        sure: Below the usual one it finds faces in cobblestones.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.
        show: Look at what is changed instead.

    Source: W. Wu, H. Peng, S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research, 2023.
    """
    if strength == 0:
        return clip
    if mode == _DETAIL:
        made = _detail(clip, strength, _finder(sure), guard, calm, smallest)
    else:
        made = _redrawn(clip, strength, mode, model, guard, calm, smallest, sure)
    closed = apply_repair("restore_faces", clip, made, changed_mask(clip, made), protect=protect, only=only, show=show)
    return closed.std.CopyFrameProps(made, props=[*COUNTS.values(), WHY])


def _detail(
    clip: vs.VideoNode, strength: float, finder: FaceFinder, guard: bool, calm: int, smallest: int
) -> vs.VideoNode:
    # These bring OpenCV, which a plan can do without.
    from vsfilmrestore.filters._face_laid import Making, laid_back
    from vsfilmrestore.filters._face_tracks import found_by, measured, tracked

    faces = measured(clip, found_by(clip, finder, 0))
    marks = face_finder(_VIEW) if finder.kind == "yunet" else None
    return laid_back(clip, faces, tracked(faces, calm), None, Making(strength, _DETAIL, smallest, marks, guard, calm))


def _redrawn(
    clip: vs.VideoNode, strength: float, mode: str, model: str, guard: bool, calm: int, smallest: int, sure: float
) -> vs.VideoNode:
    """Faces that a network made, and in ``auto`` those it was not asked for."""
    from vsfilmrestore.filters._face_laid import Making, laid_back, wanted
    from vsfilmrestore.filters._face_tracks import measured, tracked
    from vsfilmrestore.inference.faces import find_faces
    from vsfilmrestore.inference.on_regions import run_on_regions
    from vsfilmrestore.inference.regions import steady

    bare = mode == "generative" and not guard
    call = model_call(model, _TASK, strength if bare else 1.0, whole=False)
    finder, wants = network_named(FINDER, _FINDS)
    sha256 = finder.file.sha256
    found = find_faces(clip, finder.path, wants, sha256=sha256, least=sure, smallest=smallest if bare else 0)
    if bare:
        return run_on_regions(clip, call, steady(found, calm))
    faces = measured(clip, found)
    tracks = tracked(faces, calm)
    made = run_on_regions(clip, call, wanted(tracks, mode, smallest))
    marks: Callable[[Any], Any] | None = yunet_finder(finder.path, sha256, _VIEW)
    return laid_back(clip, faces, tracks, made, Making(strength, mode, smallest, marks, guard, calm))
