"""Faded colour film: dyes that are lost, side absorptions and stain, undone in density."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import vapoursynth as vs

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.filters._fade_graph import ABOUT, NUMBERS_PROP, measured, unfaded
from vsfilmrestore.filters._fade_network import weights_checksum
from vsfilmrestore.filters._fade_profile import read_profile
from vsfilmrestore.filters._network_step import finished
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter
from vsfilmrestore.inference.colour import Shown
from vsfilmrestore.inference.colour import show as shown_as

__all__ = ["correct_fade"]

core = vs.core

_WRITTEN: Final = (NUMBERS_PROP, *ABOUT)


def _measures(settings: Mapping[str, Any]) -> bool:
    return bool(settings["strength"]) and not settings["profile"]


def _weights(settings: Mapping[str, Any]) -> str:
    try:
        return weights_checksum() if _measures(settings) else ""
    except VsfrError:
        return "not here"


@restoration_filter(
    short="fade",
    order=127,
    needs=("akarin",),
    depends=lambda settings: "clip" if _measures(settings) else "window",
    weights=_weights,
)
def correct_fade(
    clip: vs.VideoNode,
    strength: Strength = 1.0,
    *,
    profile: Annotated[
        str, Setting("what 'vsfilmrestore fade' measured over the reel; left empty, this shot alone is measured")
    ] = "",
    frames: Annotated[int, Setting("frames of the shot that are measured", 1, 64)] = 12,
    doubt: Annotated[
        Literal["leave", "correct"],
        Setting("where the shot tells too little, or its cast may be wanted: night, sunset, tint, drawing"),
    ] = "leave",
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Fade: bring back colour film whose dyes have faded.

    The picture is taken for densities of three dyes. A matrix of 3x4 and a curve for each colour undo what was lost;
    both come from ``profile``, or are read off ``frames`` frames spread over the clip by a small network of our own.
    They are the same for all frames of the clip. One shot tells less than a reel: ``vsfilmrestore fade`` measures all
    shots of a reel together and gives each of them the same profile, so that no cut shows.

    Where the clip is unfaded, tells too little, or has a cast that may be wanted, it is left bit-identical and the
    property ``_VsfrFadeReason`` says why. ``_VsfrFadeAmounts`` are the shares of the cyan, magenta and yellow dye that
    are lost, ``_VsfrFadeDeltaE`` is how far the correction changes colours (mean CIEDE2000). Grey clips are left.

    Log scans are corrected on the display-like curve of `vsfilmrestore.media.colour` and come back as log scans. What
    is denser than the film's base in a colour that is nearly gone has much grain: denoise first.

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        strength: Share of the correction that is made.
        profile: As `vsfilmrestore.filters._fade_profile.FadeProfile.text` writes it: ``fade1:`` and 24 numbers.
        frames: More tell more, up to some 25 of different scenes.
        doubt: ``correct`` uses what was measured in any case.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.
        show: Look at what is changed instead.
    """
    known = read_profile(profile) if profile else None
    if strength == 0 or clip.format.color_family == vs.GRAY:
        return clip
    seen = shown_as(clip, "rgb")
    if known is not None:
        made = seen.back(unfaded(seen.clip, known), strength=strength)
        made = made.std.SetFrameProps(**{NUMBERS_PROP: known.text})
    else:
        made = _measured(seen, strength, frames, doubt == "correct")
    return finished("correct_fade", clip, made, protect, only, show)


def _measured(seen: Shown, strength: float, frames: int, whatever: bool) -> vs.VideoNode:
    """The clip by what its own frames tell. The correction is built once it is known."""
    facts = measured(seen.clip, frames, whatever)
    built: dict[str, vs.VideoNode] = {}

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        text = str(f.props[NUMBERS_PROP])
        if not text:
            return seen.source
        if text not in built:
            built[text] = seen.back(unfaded(seen.clip, read_profile(text)), strength=strength)
        return built[text]

    chosen = seen.source.std.FrameEval(choose, prop_src=[facts], clip_src=[seen.source, seen.clip])
    return chosen.std.CopyFrameProps(facts, props=list(_WRITTEN))
