"""Dropouts: lines of tape that were lost in part."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import vapoursynth as vs

from vsfilmrestore.filters._dirt_dose import Dose
from vsfilmrestore.filters._dirt_fill import mended
from vsfilmrestore.filters._dirt_sight import from16, sight
from vsfilmrestore.filters._dirt_streaks import streaks
from vsfilmrestore.filters._motion import mirrored
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.remove_dirt import laid_in, true_to_ends
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["remove_dropouts"]

core = vs.core

_RADIUS: Final = 3
_SMALLEST: Final = 32
"""Lower and narrower pictures, or fields, hold nothing that could be told from a dropout."""


@restoration_filter(short="dropouts", order=8, needs=("mvu", "zsmooth", "akarin"), radius=_RADIUS, fields=True)
def remove_dropouts(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    fields: Annotated[
        Literal["auto", "yes", "no"],
        Setting("look at each field by itself; auto does so where frames say that they are interlaced"),
    ] = "auto",
    polarity: Annotated[
        Literal["both", "dark", "bright"], Setting("dropouts to remove: dark ones, bright ones or both")
    ] = "both",
    grain: Annotated[float, Setting("noise given to the repair: 0 little, 1 about as much as the tape's", 0, 1)] = 1.0,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Fill in dropouts of tape: one or two lines that are lost over part of their length, in a single frame or field.

    Such a line differs from the lines above and below and from the same place before and behind, moved along the
    motion; nothing else there does, and no line like it lies near in the neighbours. It is replaced by these, all other
    pixels keep their bits. Put it before `deinterlace`, which makes three lines of one that is lost; lost lines that
    were stretched so, or that span several fields, are left.

    Args:
        clip: Any constant format.
        strength: How little evidence is enough.
        fields: ``yes`` for interlaced pictures that are not marked.
        polarity: ``dark`` or ``bright`` restricts it to such lines.
        grain: The mean of neighbours has less noise than one frame; this much of the difference is given back.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.
    """
    if strength == 0:
        return clip
    whole = clip.std.SetFieldBased(0)
    made = {False: _mended(whole, strength, polarity, grain)}
    if fields != "no" and clip.height % (2 << clip.format.subsampling_h) == 0:
        made[True] = _by_fields(whole, strength, polarity, grain)
    repaired, mask = made[fields == "yes" and True in made]
    if fields == "auto" and True in made:
        pairs = zip(made[False], made[True], strict=True)
        repaired, mask = (core.akarin.Select(list(pair), clip, "x._FieldBased 0 > 1 0 ?") for pair in pairs)
    repaired = repaired.std.CopyFrameProps(clip)
    return apply_repair("remove_dropouts", clip, repaired, mask, protect=protect, only=only, show=show)


def _by_fields(clip: vs.VideoNode, strength: float, polarity: str, grain: float) -> tuple[vs.VideoNode, vs.VideoNode]:
    """Each field is compared with those of its own lines."""
    fields = clip.std.SeparateFields(tff=True)
    single = [fields.std.SelectEvery(2, [place]).std.SetFieldBased(0) for place in (0, 1)]
    parts = [_mended(each, strength, polarity, grain) for each in single]
    return _woven([part for part, _ in parts]), _woven([mask for _, mask in parts])


def _woven(parts: list[vs.VideoNode]) -> vs.VideoNode:
    return core.std.Interleave(parts).std.DoubleWeave(tff=True).std.SelectEvery(2, [0]).std.SetFieldBased(0)


def _mended(clip: vs.VideoNode, strength: float, polarity: str, grain: float) -> tuple[vs.VideoNode, vs.VideoNode]:
    """The clip without dropouts, and a GRAY8 mask of them."""
    fmt = clip.format
    if min(clip.width >> fmt.subsampling_w, clip.height >> fmt.subsampling_h) < _SMALLEST // 2:
        return clip, core.std.BlankClip(clip, format=vs.GRAY8, keep=True)
    padded = mirrored(clip, _RADIUS)
    seen = true_to_ends(sight(padded))
    dose = Dose(strength, 1.0, 1.0, float(clip.width), polarity)
    mask = streaks(seen, 1.0, dose).std.Maximum()
    own = slice(_RADIUS, clip.num_frames + _RADIUS)
    return from16(laid_in(seen, mended(seen, mask, grain), mask), padded)[own], mask[own]
