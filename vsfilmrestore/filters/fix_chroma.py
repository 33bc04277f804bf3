"""Colour of tapes: brought back to where it belongs, with steeper edges."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Final, Literal

import vapoursynth as vs
from vsutil import join, split

from vsfilmrestore.filters._chroma_shift import ACROSS, DOWN, measured_shift
from vsfilmrestore.filters._network_step import changed_mask
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["fix_chroma"]

core = vs.core

_SMALLEST: Final = 32
_BOX: Final = 1.2
"""Half the width of a box that, run twice, is about as soft as a Gaussian of sigma 1."""
_ALONG: Final = [0, 0, 0, 1, 1, 0, 0, 0]
"""Neighbours in the line."""


def _depends(settings: Mapping[str, Any]) -> Literal["clip", "window"]:
    return "clip" if settings["auto"] and settings["strength"] else "window"


@restoration_filter(short="chroma", order=16, needs=("akarin",), depends=_depends)
def fix_chroma(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    auto: Annotated[bool, Setting("measure in the shot how far colour lies beside the picture")] = True,
    across: Annotated[float, Setting("without auto: pixels that colour lies to the right", -32, 32)] = 0.0,
    down: Annotated[float, Setting("without auto: pixels that colour lies too low", -32, 32)] = 0.0,
    soft: Annotated[
        float,
        Setting("softness of colour along the lines: sigma in pixels; 0 leaves edges, VHS has about 5", 0, 16),
    ] = 0.0,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Bring colour of tapes back under the picture (chroma delay, chroma shift) and give it edges (chroma bandwidth).

    How far colour lies beside the picture is measured on seven frames of the shot, where edges of colour fit edges of
    luma best, to about a third of a sample; where nothing fits clearly better, colour stays where it is. The whole way
    is made up at any strength: half of it would be wrong as well. Edges are made steeper along the lines as ``soft``
    says; colour gets no stronger anywhere than it is around. Luma keeps its bits.

    Args:
        clip: YUV; other clips are left alone.
        strength: How much steeper edges get, with ``soft``; 0 does nothing at all.
        auto: Without it the two numbers count.
        across: Negative for colour that lies to the left.
        down: Negative for colour that lies above.
        soft: It is not measured. Colour that is not soft loses by it.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.
    """
    if strength == 0:
        return clip
    fmt = clip.format
    none = core.std.BlankClip(clip, format=vs.GRAY8, keep=True)
    if fmt.color_family != vs.YUV or min(clip.width >> fmt.subsampling_w, clip.height >> fmt.subsampling_h) < _SMALLEST:
        return apply_repair("fix_chroma", clip, clip, none, show=show)
    half = fmt.sample_type == vs.FLOAT and fmt.bits_per_sample == 16
    work = clip.resize.Point(format=fmt.replace(bits_per_sample=32).id) if half else clip
    placed = _moved_as_measured(work) if auto else _moved(work, across, down)
    made = _sharper(placed, strength, soft) if soft else placed
    made = (made.resize.Point(format=fmt.id) if half else made).std.CopyFrameProps(clip)
    if auto:
        made = made.std.CopyFrameProps(measured_shift(clip).std.Loop(clip.num_frames), props=[ACROSS, DOWN])
    closed = apply_repair("fix_chroma", clip, made, changed_mask(clip, made), protect=protect, only=only, show=show)
    return closed.std.CopyFrameProps(made, props=[ACROSS, DOWN]) if auto else closed


def _moved_as_measured(clip: vs.VideoNode) -> vs.VideoNode:
    told = measured_shift(clip).std.Loop(clip.num_frames)
    ways = cache(lambda across, down: _moved(clip, across, down))

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:  # the names n and f are VapourSynth's
        across, down = f.props[ACROSS], f.props[DOWN]
        return ways(float(across), float(down))  # type: ignore[arg-type]

    return clip.std.FrameEval(choose, prop_src=[told], clip_src=[clip])


def _moved(clip: vs.VideoNode, across: float, down: float) -> vs.VideoNode:
    """The clip with its colour that many pixels to the left, and higher."""
    if not across and not down:
        return clip
    fmt = clip.format
    left, top = across / (1 << fmt.subsampling_w), down / (1 << fmt.subsampling_h)
    luma, *chroma = split(clip)
    return join([luma, *(plane.resize.Bicubic(src_left=left, src_top=top) for plane in chroma)], vs.YUV)


def _sharper(clip: vs.VideoNode, dose: float, soft: float) -> vs.VideoNode:
    """The clip with steeper edges of colour across the lines; no sample goes beyond what lies around it."""
    luma, *chroma = split(clip)
    reach = max(1, round(_BOX * soft / (1 << clip.format.subsampling_w)))
    return join([luma, *(_steeper(plane, dose, min(reach, (plane.width - 1) // 2)) for plane in chroma)], vs.YUV)


def _steeper(plane: vs.VideoNode, dose: float, reach: int) -> vs.VideoNode:
    whole = 1.0 if plane.format.sample_type == vs.FLOAT else float((1 << plane.format.bits_per_sample) - 1)
    exact = core.akarin.Expr([plane], f"x {whole} /", format=vs.GRAYS)
    soft = exact.std.BoxBlur(hradius=reach, hpasses=2, vradius=0, vpasses=0)
    low = high = exact
    for _ in range(reach + 1):
        low, high = low.std.Minimum(coordinates=_ALONG), high.std.Maximum(coordinates=_ALONG)
    # The difference alone travels, so that what stays keeps its bits.
    change = f"y y z - {dose} * + a max b min y - {whole} *"
    return core.akarin.Expr([plane, exact, soft, low, high], f"x {change} +", format=plane.format.id)
