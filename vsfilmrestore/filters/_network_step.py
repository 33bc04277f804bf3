"""What filters that are networks have in common: their settings, and the regions around what they made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import vapoursynth as vs
from vsutil import split

from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.schema import Setting

__all__ = ["Model", "changed_mask", "dosed", "finished", "plain"]

core = vs.core

Model = Annotated[str, Setting("name of a model, see 'vsfilmrestore models list'")]

_REGIONS: Final = ("protect", "only", "show")


def plain(settings: Mapping[str, Any]) -> bool:
    """Whether the run of the network is all that is to be done."""
    return not any(settings[name] for name in _REGIONS)


def finished(
    name: str, before: vs.VideoNode, made: vs.VideoNode, protect: Sequence[Any], only: Sequence[Any], show: str
) -> vs.VideoNode:
    """What a network made, outside the regions what was there before.

    Args:
        name: Name of the filter.
        before: What stands where the network has no say; of the size and format of ``made``.
        made: What it made.
        protect: Regions that stay as they are.
        only: Regions outside which all stays as it is.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.
    """
    if not (protect or only or show):
        return made
    return apply_repair(name, before, made, changed_mask(before, made), protect=protect, only=only, show=show)


def dosed(before: vs.VideoNode, made: vs.VideoNode, strength: float) -> vs.VideoNode:
    """``before``, with a share of what was changed."""
    if made.format.sample_type == vs.FLOAT and made.format.bits_per_sample == 16:
        return core.std.Merge(before, made, strength).std.CopyFrameProps(made)
    return core.akarin.Expr([before, made], f"y x - {strength!r} * x +").std.CopyFrameProps(made)


def changed_mask(before: vs.VideoNode, made: vs.VideoNode) -> vs.VideoNode:
    """GRAY8, 255 where any plane differs."""
    differs = [
        core.akarin.Expr([a, b], "x y = 0 255 ?", format=vs.GRAY8)
        for a, b in zip(split(before), split(made), strict=True)
    ]
    full = [mask if mask.width == made.width else mask.resize.Point(made.width, made.height) for mask in differs]
    return core.akarin.Expr(full, "x y max z max") if len(full) == 3 else full[0]
