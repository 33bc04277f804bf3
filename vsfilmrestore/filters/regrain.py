"""Grain, made anew after the measure of the grain that was taken out, or of a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import vapoursynth as vs
from vsutil import join, split

from vsfilmrestore.filters._grain import base_plane
from vsfilmrestore.filters._grain_areas import changed_areas, missing
from vsfilmrestore.filters._grain_field import MIX, grain_field
from vsfilmrestore.filters._grain_form import GrainSignature
from vsfilmrestore.filters._grain_plan import AGAIN, by_amount, by_frames, by_signature, by_told
from vsfilmrestore.filters._grain_shot import shot_grain
from vsfilmrestore.filters.masks import mask_for_planes
from vsfilmrestore.filters.schema import Setting, Strength, restoration_filter

__all__ = ["regrain"]

core = vs.core


def _depends(settings: Mapping[str, Any]) -> Literal["number", "clip"]:
    """What decides a frame: all of the shot, where its grain is measured."""
    if settings["amount"]:
        return "number"
    # A signature is compared with the grain of the shot; without one, that of the shot is what changed areas get.
    return "clip" if bool(settings["signature"]) == (settings["where"] == "everywhere") else "number"


@restoration_filter(short="regrain", order=140, needs=("akarin",), depends=_depends)
def regrain(
    clip: vs.VideoNode,
    strength: Strength = 1.0,
    *,
    amount: Annotated[float, Setting("grain to add in 8-bit levels; 0 gives back what was taken out", 0.0, 32.0)] = 0.0,
    size: Annotated[float, Setting("size of the grain in pixels; 0 takes the measured one", 0.0, 3.0)] = 0.0,
    chroma: Annotated[float, Setting("share of the grain in the colour planes", 0.0, 2.0)] = 1.0,
    seed: Annotated[int, Setting("another number, another pattern", 0, 65535)] = 0,
    signature: Annotated[
        str, Setting('grain to give, as `vsfilmrestore grain` measures it; "" for what was taken')
    ] = "",
    where: Annotated[
        Literal["everywhere", "changed"],
        Setting("the whole picture, or what repairs changed, as far as it lacks grain"),
    ] = "everywhere",
) -> vs.VideoNode:
    """Give the grain back that `denoise` took out: as strong at each brightness, of the same spectrum, as coloured.

    The signature of the removed grain travels in the frame properties. A frame without one gets no grain unless
    ``amount`` or ``signature`` is given: where nothing was taken out, nothing is given back. The pattern depends on
    ``seed`` and on which frame of its source it is (its `PLACE`, else its number in the clip), so a frame is the same
    however it is reached and in whatever cut it is shown.

    With ``where="changed"`` only what earlier steps repaired is touched (their masks travel with the frames), and only
    as far as it has less fine detail than such grain has. The grain is then that of the shot, measured in a few frames
    of it, unless ``amount`` or ``signature`` is given.

    Args:
        clip: Any constant format. If its width is not the one the grain was measured in, the grain grows as much.
        strength: Share of the standard deviation.
        amount: Standard deviation in the mid-tones; grain of ``amount`` is weaker towards black and white.
        size: Standard deviation of the Gaussian that shapes the grain.
        chroma: Relative to what was measured; with ``amount``, to half the grain of luma. For YUV only.
        seed: Use different ones for clips that are seen at the same time.
        signature: A shot that has some of this grain gets as much as is missing; its grain is measured in a few frames.
        where: Outside the changed areas the picture keeps its bits.

    Source: grain as filtered noise with a strength that follows the picture: Oh, Lee, Kuo, "Advanced film grain noise
        extraction and synthesis for high-definition video coding", IEEE TCSVT 19(12), 2009.
    """
    if strength == 0:
        return clip
    planes, base = split(clip), base_plane(clip)
    plans = _plans(clip, planes, amount, size, signature, where, seed)
    doses = [strength * (chroma if p and clip.format.color_family == vs.YUV else 1.0) for p in range(len(planes))]
    grain = _grain(clip, planes, plans, base, seed)
    if where == "changed":
        masks = split(mask_for_planes(changed_areas(clip), clip))
        grain = [
            core.akarin.Expr([g, missing(plane, g, mask)], "x y *")
            for g, plane, mask in zip(grain, planes, masks, strict=True)
        ]
    return _joined(clip, planes, grain, doses)


def _joined(
    clip: vs.VideoNode, planes: Sequence[vs.VideoNode], grain: Sequence[vs.VideoNode], doses: Sequence[float]
) -> vs.VideoNode:
    grained = [_added(*each) for each in zip(planes, grain, doses, strict=True)]
    return join(grained, clip.format.color_family).std.CopyFrameProps(clip)


def _plans(
    clip: vs.VideoNode,
    planes: Sequence[vs.VideoNode],
    amount: float,
    size: float,
    signature: str,
    where: str,
    seed: int,
) -> list[vs.VideoNode]:
    if amount:
        return by_amount(planes, clip, amount, size)
    if signature:
        told = GrainSignature.from_text(signature)
        if where == "everywhere":
            return _completed(clip, planes, told, size, seed)
        return by_signature(planes, clip, told, None, size)
    return by_told(planes, clip, shot_grain(clip), size) if where == "changed" else by_frames(planes, clip, size)


def _completed(
    clip: vs.VideoNode, planes: Sequence[vs.VideoNode], told: GrainSignature, size: float, seed: int
) -> list[vs.VideoNode]:
    """What a shot lacks of a signature; what it has after that was given once tells by how much it fell short."""
    there = shot_grain(clip)
    once = _grain(clip, planes, by_signature(planes, clip, told, there, size), base_plane(clip), seed)
    tried = shot_grain(_joined(clip, planes, once, [1.0] * len(planes)), name=AGAIN, like=there)
    return by_signature(planes, clip, told, tried, size)


def _grain(
    clip: vs.VideoNode, planes: Sequence[vs.VideoNode], plans: Sequence[vs.VideoNode], base: int, seed: int
) -> list[vs.VideoNode]:
    """Grain of all planes, GRAYS; what they share is that of the base plane."""
    main = grain_field(plans[base], clip, planes[base], seed * 3 + base)
    yuv = clip.format.color_family == vs.YUV
    made = []
    for p, (plane, plan) in enumerate(zip(planes, plans, strict=True)):
        if p == base:
            made.append(main)
            continue
        own = grain_field(plan, clip, _sized(planes[base], plane) if yuv else plane, seed * 3 + p)
        made.append(core.akarin.Expr([own, _sized(main, plane), plan], f"x y z.{MIX} * +", format=vs.GRAYS))
    return made


def _sized(clip: vs.VideoNode, like: vs.VideoNode) -> vs.VideoNode:
    same = (clip.width, clip.height) == (like.width, like.height)
    return clip if same else clip.resize.Bilinear(like.width, like.height)


def _added(plane: vs.VideoNode, grain: vs.VideoNode, dose: float) -> vs.VideoNode:
    fmt = plane.format
    if fmt.sample_type == vs.INTEGER:
        return core.akarin.Expr([plane, grain], f"x y {dose * ((1 << fmt.bits_per_sample) - 1)} * +")
    single = plane if fmt.bits_per_sample == 32 else plane.resize.Point(format=vs.GRAYS)
    grained = core.akarin.Expr([single, grain], f"x y {dose} * +")
    return grained if fmt.bits_per_sample == 32 else grained.resize.Point(format=fmt.id)
