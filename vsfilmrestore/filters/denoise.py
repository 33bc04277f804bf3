"""Noise and grain, averaged away along the motion of the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import vapoursynth as vs

from vsfilmrestore.filters._grain import record_grain
from vsfilmrestore.filters._learned_noise import denoise_network, denoised_by, noise_wanted, weights
from vsfilmrestore.filters._model import dependence, reach_of
from vsfilmrestore.filters._motion import mirrored
from vsfilmrestore.filters._noise import as16, lost_prop, mean_prop
from vsfilmrestore.filters._noise_average import average, led, measured
from vsfilmrestore.filters._noise_fused import AUTO, chosen, fused, fuses, resolved
from vsfilmrestore.filters.masks import confine, mask_for_planes
from vsfilmrestore.filters.schema import Regions, Setting, Strength, restoration_filter

__all__ = ["denoise"]

core = vs.core

_SILENT: Final = 0.3 / 255
"""Noise below this is taken out the less, the less there is; a frame without noise keeps its bits. In 8 bits, whose
rounding is as much, none is taken below it, and all from twice as much on.
"""
_WORK_SIGMA: Final = 8.0 / 255
"""Noise every frame is scaled to for the spatial part, whose own strength is fixed."""
_LOST_SIGMA: Final = 2.6
"""By how much the noise in the average is more where motion is lost."""


def _reach(settings: Mapping[str, Any]) -> int:
    """One frame more than the picture depends on: the grain that is owed is measured beside a neighbour's."""
    model = chosen(settings["model"])
    if not model or fuses(model):
        return int(settings["reach"]) + 1
    return max(reach_of(model), 1 if noise_wanted(model, settings["noise"]) else 0) + 1


@restoration_filter(
    short="grain",
    order=80,
    needs=("mvu", "akarin", "vszip"),
    radius=_reach,
    depends=lambda settings: dependence(resolved(settings)),
    network=denoise_network,
    weights=weights,
)
def denoise(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    reach: Annotated[int, Setting("frames before and after that are averaged along the motion", 1, 4)] = 3,
    noise: Annotated[float, Setting("noise to remove in 8-bit levels; 0 measures it in each frame", 0.0, 64.0)] = 0.0,
    spatial: Annotated[float, Setting("how much is smoothed within the frame what time leaves over", 0.0, 1.0)] = 0.5,
    chroma: Annotated[float, Setting("share of the strength for the colour planes", 0.0, 1.0)] = 1.0,
    model: Annotated[
        str, Setting('auto: our own network where one can be run; or a model of task denoise; "" takes none')
    ] = AUTO,
    protect: Regions = (),
    only: Regions = (),
) -> vs.VideoNode:
    """Take out noise and grain by averaging frames along their motion, as far as they agree.

    The noise is measured in each frame, as a curve over its brightness. A neighbour counts as much as its patch,
    moved onto the frame, differs from it by no more than noise: where motion is lost nothing is averaged, so nothing
    smears or ghosts. ``strength`` blends from the source to the result. What was taken out is described in the frame
    properties, and `regrain` can give it back.

    Args:
        clip: Any constant format. 8-bit results are dithered.
        strength: 1 keeps what is left of the grain after full averaging, 0.5 keeps half of the grain.
        reach: More averages more, and costs more.
        noise: Standard deviation to assume in all planes; for clips whose noise cannot be measured.
        spatial: Similar patches within the frame are pooled by low rank; grain is smaller than texture there. Our own
            network does that its own way; where motion is lost, half of this is mixed with what it makes.
        chroma: For YUV only.
        model: Our own network goes on from the average, plane by plane. Any other model for the task ``denoise`` takes
            its place: ``reach`` and ``spatial`` play no part then, and ``strength`` is the share of what it takes out.
            One that wants to be told the noise gets ``noise``, or that measured in each frame; one of grey pictures
            leaves colour planes alone.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.

    Source: patch weights after Buades, Coll, Morel, "A non-local algorithm for image denoising", CVPR 2005, taken along
        motion trajectories; spatial part: Gu et al., "Weighted nuclear norm minimization", CVPR 2014.
    """
    if strength == 0:
        return clip
    source, model = as16(clip), chosen(model)
    if model and not fuses(model):
        told = measured(source) if noise_wanted(model, noise) else None
        made = denoised_by(clip, model, strength, noise, told)
        return _told(clip, source, _toned(clip, made, chroma), protect, only)
    work = led(mirrored(source, reach))
    averaged = average(work, reach, noise)
    smooth = _smooth_in_space(averaged.mean, spatial)
    full = _mixed(fused(averaged, model), smooth) if model else smooth
    kept = slice(1 + reach, 1 + reach + clip.num_frames)
    work, full = work[kept], full[kept]
    doses = [strength * (chroma if plane and clip.format.color_family == vs.YUV else 1.0) for plane in range(3)]
    dosed = core.akarin.Expr(
        [work, full], _per_plane(work, lambda p: f"y x - {doses[p]} * {_share(mean_prop(p), clip)} * x +")
    )
    return _told(clip, work, _brought_back(clip, work, dosed), protect, only)


def _share(prop: str, clip: vs.VideoNode) -> str:
    """Reverse Polish for the share of the noise that is taken where there is little."""
    whole = clip.format.bits_per_sample == 8
    return f"y.{prop} {_SILENT} / {int(whole)} - 0 1 clip"


def _told(
    clip: vs.VideoNode, source: vs.VideoNode, made: vs.VideoNode, protect: Sequence[Any], only: Sequence[Any]
) -> vs.VideoNode:
    """The result within the regions, with the grain that was taken out in its properties."""
    result = _within(clip, made, protect, only) if protect or only else made
    return record_grain(result.std.CopyFrameProps(clip), source, as16(made))


def _toned(clip: vs.VideoNode, made: vs.VideoNode, chroma: float) -> vs.VideoNode:
    """The colour planes with their share of the strength."""
    if chroma == 1 or clip.format.color_family != vs.YUV:
        return made
    return core.akarin.Expr([clip, made], ["y", f"x y x - {chroma!r} * +", f"x y x - {chroma!r} * +"])


def _per_plane(clip: vs.VideoNode, expr: Callable[[int], str]) -> list[str]:
    return [expr(plane) for plane in range(clip.format.num_planes)]


def _smooth_in_space(clip: vs.VideoNode, amount: float) -> vs.VideoNode:
    """Pool similar patches; each frame is scaled so that the noise it came with is `_WORK_SIGMA`.

    Where motion is lost, the average leaves more of the noise, and what it mistook.
    """
    fmt = clip.format
    if not amount or min(clip.width >> fmt.subsampling_w, clip.height >> fmt.subsampling_h) < 16:
        return clip
    more = [f"1 {_LOST_SIGMA} x.{lost_prop(p)} * +" for p in range(fmt.num_planes)]
    gains = [f"{_WORK_SIGMA} x.{mean_prop(p)} 0.0006 max {more[p]} * / 65535 /" for p in range(fmt.num_planes)]
    single = fmt.replace(sample_type=vs.FLOAT, bits_per_sample=32).id
    scaled = core.akarin.Expr([clip], [f"x {gain} *" for gain in gains], format=single)
    smooth = scaled.vszip.WNNM(sigma=_WORK_SIGMA * 255 * amount, block_size=8, block_step=8, group_size=8, bm_range=7)
    return core.akarin.Expr([clip, smooth], [f"y {gain} /" for gain in gains], format=fmt.id)


def _mixed(learned: vs.VideoNode, smooth: vs.VideoNode) -> vs.VideoNode:
    """What the network makes, and as much as half of what is pooled where motion is lost; else nothing is pooled."""
    mixed = core.akarin.Expr([learned, smooth], _per_plane(learned, lambda p: f"x y x - 0.5 x.{lost_prop(p)} * * +"))

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:  # the names n and f are VapourSynth's
        lost = [f.props[lost_prop(p)] for p in range(f.format.num_planes)]
        return mixed if any(lost) else learned

    return core.std.FrameEval(learned, choose, prop_src=learned, clip_src=[learned, mixed])


def _brought_back(clip: vs.VideoNode, work: vs.VideoNode, result: vs.VideoNode) -> vs.VideoNode:
    """The 16-bit result in the format of the clip; for floats only the difference travels."""
    fmt = clip.format
    if fmt.sample_type == vs.INTEGER:
        return result if fmt.bits_per_sample == 16 else _dithered(result, clip)
    single = fmt.replace(bits_per_sample=32).id
    wide = clip if fmt.bits_per_sample == 32 else clip.resize.Point(format=single)
    back = core.akarin.Expr([wide, work, result], "x z y - 65535 / +", format=single)
    return back if fmt.bits_per_sample == 32 else back.resize.Point(format=fmt.id)


def _dithered(result: vs.VideoNode, clip: vs.VideoNode) -> vs.VideoNode:
    return result.vszip.Dither(clip.format.bits_per_sample, dither_type=1, fulls=False, fulld=False)


def _within(clip: vs.VideoNode, result: vs.VideoNode, protect: Sequence[Any], only: Sequence[Any]) -> vs.VideoNode:
    full = core.std.BlankClip(clip, format=vs.GRAY8, color=255, keep=True)
    mask = mask_for_planes(confine(full, protect=protect, only=only), clip)
    return core.akarin.Expr([clip, result, mask], "z y x ?")
