"""Film frames out of telecined video."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import vapoursynth as vs

from vsfilmrestore.filters._motion import analysis_luma
from vsfilmrestore.filters.deinterlace import deinterlace
from vsfilmrestore.filters.schema import Setting, restoration_filter

__all__ = ["inverse_telecine"]

core = vs.core

_MATCHED: Final = (vs.GRAY8, vs.YUV420P8, vs.YUV422P8, vs.YUV440P8, vs.YUV444P8)
_CYCLE: Final = 5
_MARKS: Final[dict[Literal["top", "bottom"], int]] = {"top": 2, "bottom": 1}


@restoration_filter(
    short="ivtc",
    order=15,
    needs=("vivtc", "mvu", "znedi3", "vszip", "akarin"),
    radius=2 * _CYCLE,
    changes="length",
    fields=True,
    depends="clip",
)
def inverse_telecine(
    clip: vs.VideoNode,
    field_order: Annotated[
        Literal["auto", "top", "bottom"],
        Setting("field that comes first; auto reads it from the frame property _FieldBased"),
    ] = "auto",
    *,
    leftovers: Annotated[
        Literal["deinterlace", "keep"], Setting("what to do with frames that stay combed after matching")
    ] = "deinterlace",
    combing: Annotated[int, Setting("combed pixels in a 16 x 16 block that make a frame combed", 0, 255)] = 160,
) -> vs.VideoNode:
    """Bring 30 frames a second of telecined film back to its 24: fields to their partners, doubles out.

    Each field is matched with the field of the same film frame; of every five frames the one that repeats is
    dropped. A frame that stays combed, as at a video edit, is deinterlaced. To be used on a whole source, before its
    cuts: one frame in five goes, and which one is counted in fives from the clip's start.

    Args:
        clip: Any constant format of even height, 30000/1001 frames a second.
        field_order: Overrides the frames' own mark.
        leftovers: ``keep`` leaves them as matched.
        combing: Lower finds more leftovers, and takes more of the fine detail for combing.

    Raises:
        vapoursynth.Error: When a frame is asked for that has no ``_FieldBased`` and ``field_order`` is ``auto``.

    Source: VIVTC, the VapourSynth version of Donald Graft's and Kevin Stone's TIVTC.
    """
    if clip.height % (4 if clip.format.subsampling_h else 2):
        raise ValueError("the clip's fields differ in height; it needs an even number of lines in every plane")
    eye = _eye(clip)
    matched = {order: _matched(clip, eye, order, combing, leftovers) for order in _MARKS}

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:  # the names n and f are VapourSynth's
        return matched[_order(f.props, field_order)]

    film = core.std.FrameEval(matched["top"], choose, prop_src=[clip], clip_src=list(matched.values()))
    # Matching and counting look at the same 8-bit picture, so a clip of any depth loses the same frames.
    return _eye(film).vivtc.VDecimate(cycle=_CYCLE, clip2=film).std.SetFieldBased(0)


def _eye(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip in a format the matcher reads."""
    fmt = clip.format
    if fmt.id in _MATCHED:
        return clip
    grey = core.akarin.Expr([analysis_luma(clip)], "x 256 /", format=vs.GRAY8)
    return grey.std.CopyFrameProps(clip)


def _order(props: Any, field_order: Literal["auto", "top", "bottom"]) -> Literal["top", "bottom"]:
    if field_order != "auto":
        return field_order
    if "_FieldBased" not in props:
        raise vs.Error(
            "inverse_telecine: the frame does not say which field comes first; set field_order to 'top' or 'bottom'"
        )
    return "bottom" if int(props["_FieldBased"]) == 1 else "top"


def _matched(
    clip: vs.VideoNode, eye: vs.VideoNode, order: Literal["top", "bottom"], combing: int, leftovers: str
) -> vs.VideoNode:
    """The clip with each field beside its partner, leftovers treated; as long as the clip."""
    marked = _MARKS[order]
    match = eye.std.SetFieldBased(marked).vivtc.VFM(
        order=marked - 1,
        mode=1,
        mi=combing,
        micout=True,
        mchroma=eye.format.num_planes == 3,
        chroma=eye.format.num_planes == 3,
        clip2=clip,
    )
    if leftovers == "keep":
        return match
    whole = deinterlace(clip, order)
    return core.akarin.Select([match, whole], [match], "x._Combed")
