"""What tapes and cels have of their own: torn lowest lines, dots and rainbows, colour beside the picture, held dust.

All of it is told by the filters' own estimators: where one of them says nothing, its filter does nothing.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.assess.damage import dirt_of
from vsfilmrestore.assess.reading import Reading
from vsfilmrestore.assess.samples import Shot
from vsfilmrestore.filters._chroma_shift import ACROSS, DOWN, measured_shift
from vsfilmrestore.filters._holds import HOLD, measured_hold
from vsfilmrestore.filters.hide_head_switching import head_switching_lines
from vsfilmrestore.filters.remove_dot_crawl import remove_dot_crawl

__all__ = ["carrier_of", "chroma_of", "held_dust_of", "switching_of"]

core = vs.core

_SMALLEST: Final = 64
_LINES: Final = 240
"""No tape has fewer lines, and small pictures tear in patterns of their own."""
_LOW: Final = 48
"""Lowest lines that are looked at: three times as many as head switching may tear."""
_FRAMES: Final = 7
_CARRIER: Final = 3
"""Places of a shot where dots and rainbows are looked for."""
_REACH: Final = 5
"""Frames that tell a swing."""
_SEEN: Final = 0.5
"""Strength the finder of dots is run with: the filter's usual one."""


def switching_of(shot: Shot) -> dict[str, float]:
    """``head_switching``: how many of the lowest lines are torn sideways, on up to seven frames."""
    if shot.clip.width < _SMALLEST or shot.clip.height < _LINES:
        return {}
    frames = shot.frames(_lowest, shot.places(_FRAMES))
    return {"head_switching": float(head_switching_lines([_plane(frame) for frame in frames]))}


def _lowest(clip: vs.VideoNode) -> vs.VideoNode:
    own = 1 if clip.format.color_family == vs.RGB else 0
    return core.std.ShufflePlanes(clip, own, vs.GRAY).std.SetFieldBased(0).std.Crop(top=clip.height - _LOW)


def _plane(frame: vs.VideoFrame) -> Any:
    with frame:
        return np.asarray(frame[0]).astype(np.float32)


def carrier_of(shot: Shot) -> dict[str, float]:
    """``dot_crawl`` and ``rainbows``: shares of the picture that swing as the carrier of colour does."""
    fmt = shot.clip.format
    if fmt.color_family != vs.YUV or min(shot.clip.width, shot.clip.height) < _SMALLEST or len(shot) < _REACH:
        return {}
    places = [place for place in shot.places(_CARRIER) if 1 < place < len(shot) - 2] or [len(shot) // 2]
    return {"dot_crawl": _swinging(shot, places, 1.0, 0.0), "rainbows": _swinging(shot, places, 0.0, 1.0)}


def _swinging(shot: Shot, places: list[int], luma: float, rainbows: float) -> float:
    def mask(clip: vs.VideoNode) -> vs.VideoNode:
        whole = clip.std.SetFieldBased(0)
        shown: vs.VideoNode = remove_dot_crawl(whole, _SEEN, luma=luma, rainbows=rainbows, show="mask")
        return shown.resize.Point(format=vs.GRAY8).std.Binarize(128)

    return float(np.median([float((_plane(frame) > 0).mean()) for frame in shot.frames(mask, places)]))


def chroma_of(shot: Shot) -> dict[str, float]:
    """``chroma.across`` and ``chroma.down``: pixels that colour lies to the right of the picture and below it."""
    fmt = shot.clip.format
    if fmt.color_family != vs.YUV or min(shot.clip.width, shot.clip.height) < _SMALLEST:
        return {}
    for frame in shot.frames(measured_shift, [0]):
        with frame:
            return {name: float(frame.props[prop]) for name, prop in _SHIFTS.items()}  # type: ignore[arg-type]
    return {}


_SHIFTS: Final = {"chroma.across": ACROSS, "chroma.down": DOWN}


def held_dust_of(shot: Shot) -> dict[str, float]:
    """``cels.hold`` and ``cels.dust``: frames a drawing is held for, and pieces of dirt that stay as long as it does.

    Drawings are compared with drawings, as `clean_cels` does: what shows once among them lay on one of them.
    """
    if min(shot.clip.width, shot.clip.height) < _SMALLEST:
        return {}
    middle = len(shot) // 2
    for frame in shot.frames(measured_hold, [middle]):
        with frame:
            hold = int(frame.props[HOLD])  # type: ignore[arg-type]
    found = {"cels.hold": float(hold)}
    if hold > 1:
        drawings = shot.clip.std.SelectEvery(hold, [0])
        found["cels.dust"] = dirt_of(Shot(Reading(drawings), 0, len(drawings))).get("dirt.density", 0.0)
    return found
