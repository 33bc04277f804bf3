"""Dust under the glass: what lies on a cel for as long as its drawing is held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import vapoursynth as vs

from vsfilmrestore.filters._detector import AUTO
from vsfilmrestore.filters._holds import AROUND, HOLD, LONGEST, measured_hold
from vsfilmrestore.filters._network_step import changed_mask
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.remove_dirt import remove_dirt
from vsfilmrestore.filters.schema import FILTERS, Regions, Setting, Show, Strength, restoration_filter
from vsfilmrestore.inference.call import ModelCall

__all__ = ["clean_cels"]

core = vs.core

_DIRT: Final = FILTERS["remove_dirt"]


def _reach(settings: Mapping[str, Any]) -> int:
    hold = int(settings["hold"])
    return _DIRT.reach({}) * hold if hold else max(_DIRT.reach({}) * LONGEST, AROUND)


def _network(settings: Mapping[str, Any]) -> ModelCall | None:
    return _DIRT.network(settings)


@restoration_filter(
    short="cels",
    order=52,
    needs=_DIRT.needs,
    radius=_reach,
    one_sided=True,
    network=_network,
    weights=lambda settings: _DIRT.weights(settings),
)
def clean_cels(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    hold: Annotated[
        int,
        Setting("frames for which drawings are held: 1, 2 (on twos) or 3; 0 measures around each frame", 0, LONGEST),
    ] = 0,
    max_size: Annotated[int, Setting("longest side of a speck, in thousandths of the picture's width", 2, 200)] = 60,
    model: Annotated[
        str, Setting('network that finds dirt; auto takes our own where networks can be run, "" measures each speck')
    ] = AUTO,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Remove dust that lay under the glass with a cel: it stays for the two or three frames of a drawing.

    What `remove_dirt` does with neighbouring frames, this does with frames as far apart as drawings are held, so that
    a speck that is there for as long stands alone among them. Held drawings stay held: frames that were alike are
    treated alike. Where drawings are not held nothing is done: that is `remove_dirt`'s. Between drawings everything
    moves twice or three times as far, so less can be told from motion, and more is left.

    Args:
        clip: Any constant format.
        strength: How little evidence is enough.
        hold: Measured by how much neighbouring frames differ; the property ``_VsfrHold`` tells what was found.
        max_size: Larger specks are left.
        model: A model for the task ``dirt``; or ``auto``; or ``""`` for none.
        protect: Regions that stay as they are.
        only: Regions outside which all stays as it is.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.
    """
    if strength == 0:
        return clip
    settings = {"max_size": max_size, "model": model}
    if hold:
        made = _cleaned(clip, strength, hold, settings).std.SetFrameProps(**{HOLD: hold})
    else:
        told = measured_hold(clip)
        ways = [clip, *(_cleaned(clip, strength, count, settings) for count in range(2, LONGEST + 1))]
        made = core.akarin.Select(ways, told, f"x.{HOLD} 1 -").std.CopyFrameProps(told, props=[HOLD])
    closed = apply_repair("clean_cels", clip, made, changed_mask(clip, made), protect=protect, only=only, show=show)
    return closed.std.CopyFrameProps(made, props=[HOLD])


def _cleaned(clip: vs.VideoNode, strength: float, hold: int, settings: Mapping[str, Any]) -> vs.VideoNode:
    """The clip cleaned by frames ``hold`` apart: its frames are dealt out, cleaned, and put together again."""
    if hold == 1 or clip.num_frames < 2 * hold + 1:
        return clip
    spare = -clip.num_frames % hold
    whole = clip + clip[-1].std.Loop(spare) if spare else clip
    parts = [
        remove_dirt(whole.std.SelectEvery(hold, [phase], modify_duration=False), strength, **settings)
        for phase in range(hold)
    ]
    return core.std.Interleave(parts, modify_duration=False)[: clip.num_frames]
