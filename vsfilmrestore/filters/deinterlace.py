"""Whole frames out of fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

import numpy as np
import vapoursynth as vs

from vsfilmrestore.filters._motion import analysis_luma, estimate, match_level
from vsfilmrestore.filters.schema import Setting, restoration_filter

__all__ = ["combed_share", "deinterlace", "measure_field_order"]

core = vs.core

_TOLERANCE: Final = 10.0
"""Difference in 8-bit levels at which a moved neighbour begins to lose its say."""
_LEVEL_RADIUS: Final = 4
"""Neighbours take on the frame's brightness over so many pixels: light that changes must not leave stripes."""
_OWN: Final = 0.4
"""Weight of the guess made within the field, against 1 for a neighbour that fits."""
_COMBED: Final = 0.4
"""Share of combed pixels in a 17 x 17 window that makes a frame a combed one."""
_ONE_MOMENT: Final = 0.9
"""How much better the fields of a frame fit each other than others when they are of one moment."""
_SURE: Final = 0.02
"""Relative difference of the two possible fits that decides the order of the fields."""


def _changes(settings: Mapping[str, Any]) -> Literal["", "length"]:
    return "length" if settings["rate"] == "double" else ""


@restoration_filter(
    short="deint", order=10, needs=("mvu", "znedi3", "vszip", "akarin"), radius=1, changes=_changes, fields=True
)
def deinterlace(
    clip: vs.VideoNode,
    field_order: Annotated[
        Literal["auto", "top", "bottom"],
        Setting("field that was shot first; auto reads it from the frame property _FieldBased"),
    ] = "auto",
    *,
    rate: Annotated[
        Literal["same", "double"], Setting("one frame from each frame (its first field), or one from each field")
    ] = "same",
    only_combed: Annotated[bool, Setting("leave frames alone that show no combing")] = False,
) -> vs.VideoNode:
    """Make whole frames of the fields of interlaced video: the lines of a field stay, the lines between are found.

    A missing line is guessed from its field by a neural edge interpolator, and bettered by the fields before and
    after, moved along the motion, as far as they fit that guess. Chroma is treated field by field as well, as 4:2:0
    of interlaced video asks for. Frames marked as progressive pass bit for bit.

    Args:
        clip: Any constant format.
        field_order: Overrides the frames' own mark, except with ``only_combed``.
        rate: ``double`` makes 50 or 60 frames of 25 or 30 a second and keeps all of the motion.
        only_combed: For material that mixes film and video.

    Raises:
        vapoursynth.Error: When a frame is asked for that has no ``_FieldBased`` and ``field_order`` is ``auto``.

    Source: missing lines from moved neighbours after Thomson (BBC RD 1987/14), edges: nnedi3 by K. Overgaard.
    """
    if min(clip.width, clip.height) < 8:
        raise ValueError(f"a picture of {clip.width} x {clip.height} has too few lines for fields; 8 x 8 is the least")
    marks = combed_share(clip) if only_combed else clip
    ways = {order: _whole_frames(clip, order, rate) for order in ("top", "bottom")}
    ways[""] = core.std.Interleave([clip, clip]) if rate == "double" else clip
    if rate == "double":
        marks = core.std.Interleave([marks, marks])

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:  # the names n and f are VapourSynth's
        return ways[_way(f.props, field_order, only_combed)]

    chosen = core.std.FrameEval(ways[""], choose, prop_src=[marks], clip_src=list(ways.values()))
    return chosen.std.SetFieldBased(0)


def _way(props: Any, field_order: str, only_combed: bool) -> str:
    """The order a frame is to be treated with; nothing to leave it alone."""
    if only_combed and props["_VsfrCombed"] < _COMBED:
        return ""
    if field_order != "auto":
        return field_order
    if "_FieldBased" not in props:
        raise vs.Error(
            "deinterlace: the frame does not say which field comes first; set field_order to 'top' or 'bottom'"
        )
    return ("", "bottom", "top")[int(props["_FieldBased"])]


def _whole_frames(clip: vs.VideoNode, order: str, rate: str) -> vs.VideoNode:
    fmt = clip.format
    work = clip
    if fmt.sample_type == vs.FLOAT and fmt.bits_per_sample == 16:
        # The resizer takes marked pictures apart into fields, and of an odd number of lines it leaves the last unset.
        work = clip.std.SetFieldBased(0).resize.Point(format=fmt.replace(bits_per_sample=32).id)
    top = order == "top"
    spare = -work.height % (2 << fmt.subsampling_h)
    # The motion search looks at the first frame while it is built: give it one that costs nothing. The first real
    # frame stands between, as the neighbour of itself.
    blank = core.std.BlankClip(work, length=1, keep=True)
    marked = _grown(blank + work[:1] + work, spare).std.SetFieldBased(2 if top else 1)
    frames = _bettered(_guessed(marked, top), top)[4:]
    frames = frames.std.Crop(bottom=spare) if spare else frames
    if rate == "same":
        frames = frames.std.SelectEvery(2, [0]).std.CopyFrameProps(clip)
    else:
        frames = frames.std.CopyFrameProps(core.std.Interleave([clip, clip]))
    return frames if frames.format.id == fmt.id else frames.std.SetFieldBased(0).resize.Point(format=fmt.id)


def _grown(clip: vs.VideoNode, lines: int) -> vs.VideoNode:
    """The clip with its last lines once more, so that both fields have as many."""
    return core.std.StackVertical([clip, clip.std.Crop(top=clip.height - lines)]) if lines else clip


def _guessed(marked: vs.VideoNode, top: bool) -> vs.VideoNode:
    """One frame from each field, in the order of time."""
    return marked.znedi3.nnedi3(field=3 if top else 2, nsize=4, nns=2, qual=1)


def _bettered(fields: vs.VideoNode, top: bool) -> vs.VideoNode:
    """The guessed lines again, with what the fields before and after show of them."""
    luma = analysis_luma(fields).std.Convolution([1, 2, 1], mode="v") if fields.height > 2 else analysis_luma(fields)
    motion = estimate(luma, (-1, 1), prefilter=False, cut_error=60.0)
    moved = [match_level(each, fields, _LEVEL_RADIUS) for each in motion.compensate(fields).values()]
    misfits = [_misfit(fields, other) for other in moved]
    known = 0 if top else 1
    unit = _misfit_unit(fields)
    weights = " ".join(f"{misfit} {unit} / 1 - 0 max -2 / exp {w}!" for misfit, w in (("a", "p"), ("b", "q")))
    mean = f"x {_OWN} * y p@ * + z q@ * + {_OWN} p@ q@ + + /"
    return core.akarin.Expr([fields, *moved, *misfits], f"Y N + 2 % {known} = x {weights} {mean} ?")


def _misfit_unit(clip: vs.VideoNode) -> float:
    return 1.0 if clip.format.sample_type == vs.FLOAT else (1 << clip.format.bits_per_sample) / 16


def _misfit(fields: vs.VideoNode, other: vs.VideoNode) -> vs.VideoNode:
    """Mean squared difference over a window, `_misfit_unit` for `_TOLERANCE`; blind to the jitter between lines."""
    fmt = fields.format
    full = 1.0 if fmt.sample_type == vs.FLOAT else float((1 << fmt.bits_per_sample) - 1)
    line = "x[0,-1] y[0,-1] - x[0,1] y[0,1] - + x y - 2 * + 4 /"
    squared = core.akarin.Expr(
        [fields, other], f"{line} {_TOLERANCE / 255 * full} / dup * {_misfit_unit(fields)} * {full} min"
    )
    small = min(fields.width >> fmt.subsampling_w, fields.height >> fmt.subsampling_h)
    return squared.std.BoxBlur(hradius=2, vradius=2) if small > 4 else squared


def combed_share(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip with ``_VsfrCombed`` in its properties: share of combed pixels where the combing is worst, 0..1.

    0 where the two fields of a frame fit each other better than they fit those of the frames beside it: then they
    are of one moment, and what looks combed is fine detail.
    """
    luma = analysis_luma(clip)
    if min(luma.width, luma.height) < 20:
        return clip.std.SetFrameProps(_VsfrCombed=1.0)
    grey = core.akarin.Expr([luma], "x 256 /", format=vs.GRAY8)
    worst = grey.vszip.CombMask(cthresh=10, mthresh=0).std.BoxBlur(hradius=8, vradius=8).std.PlaneStats()
    last = luma.num_frames - 1  # a frame at an end of the clip looks twice at the neighbour it has
    before, after = (luma[1:2] + luma[:last], luma[1:] + luma[last - 1 : last]) if last else (luma, luma)
    crossed = [_combing(luma, other, line) for other in (before, after) for line in (0, 1)]
    best = " ".join(["y.PlaneStatsAverage", *(f"{c}.PlaneStatsAverage min" for c in "zab")])
    share = f"x.PlaneStatsAverage {best} {_ONE_MOMENT} * < 0 c.PlaneStatsMax 255 / ?"
    told = core.akarin.PropExpr([_combing(luma, luma, 0), *crossed, worst], lambda: {"_VsfrCombed": share})
    return clip.std.CopyFrameProps(told, props=["_VsfrCombed"])


def _combing(luma: vs.VideoNode, other: vs.VideoNode, line: int) -> vs.VideoNode:
    """A clip whose property PlaneStatsAverage says how badly lines and the lines between them fit.

    The lines of parity ``line`` are taken from ``other``.
    """
    woven = core.akarin.Expr([luma, other], f"Y 2 % {line} = y x ?")
    return core.akarin.Expr([woven], "x x[0,-1] x[0,1] + 2 / - abs").std.PlaneStats()


def measure_field_order(clip: vs.VideoNode, samples: int = 24) -> Literal["top", "bottom", ""]:
    """Which field the motion says was shot first; nothing if it does not say. Reads frames: not for building graphs.

    The later field of a frame fits the earlier field of the next one better than the other two fit. Streams are
    often marked the wrong way round.

    Args:
        clip: Any constant format.
        samples: Pairs of frames to look at, spread over the clip.
    """
    luma = analysis_luma(clip)
    if clip.num_frames < 2 or clip.height < 4:
        return ""
    chosen = np.unique(np.linspace(0, clip.num_frames - 2, min(samples, clip.num_frames - 1)).astype(int))
    top, bottom = (_total(_combing(luma[:-1], luma[1:], line), chosen) for line in (0, 1))
    if abs(top - bottom) <= _SURE * (top + bottom):
        return ""
    return "top" if top < bottom else "bottom"


def _total(measured: vs.VideoNode, frames: Iterable[int]) -> float:
    props: list[Any] = [measured.get_frame(int(n)).props["PlaneStatsAverage"] for n in frames]
    return float(sum(props))
