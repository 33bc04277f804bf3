"""A profile of fade on a clip: the frames it is read off, and the picture it makes."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from vsutil import split

from vsfilmrestore.filters._fade_colour import DARKEST, GAMMA
from vsfilmrestore.filters._fade_estimate import LOOK, FadeEstimate, Look, estimate_fade
from vsfilmrestore.filters._fade_profile import BEND, KNOTS, FadeProfile
from vsfilmrestore.inference.colour import STEP, show

__all__ = ["ABOUT", "NUMBERS_PROP", "clip_colour", "clip_looks", "measured", "unfaded"]

core = vs.core

NUMBERS_PROP: Final = "_VsfrFadeProfile"
ABOUT: Final = ("_VsfrFadeAmounts", "_VsfrFadeDeltaE", "_VsfrFadeConfidence", "_VsfrFadeCast", "_VsfrFadeReason")
"""Properties that tell of a fade: dyes lost (3), how far it changes colours, trust, a cast that is wanted, why."""
_TENTH: Final = -math.log(10)


def looks_at(shown: vs.VideoNode, frames: int) -> vs.VideoNode:
    """Frames spread over a clip, small, one below the other in a single frame.

    Args:
        shown: RGBS, display-like.
        frames: How many; fewer where the clip is shorter.
    """
    count = min(frames, shown.num_frames)
    places = sorted({int((i + 0.5) * shown.num_frames / count) for i in range(count)})
    # Unused properties of single frames would make the stack depend on which frame is asked for first.
    small = shown.resize.Bilinear(*LOOK).std.RemoveFrameProps()
    return core.std.StackVertical([small[place] for place in places])


def pictures_in(frame: vs.VideoFrame) -> list[npt.NDArray[np.float32]]:
    """The pictures that `looks_at` stacked."""
    planes = np.stack([np.asarray(frame[plane]) for plane in range(3)], -1)
    return list(planes.reshape(-1, LOOK[1], LOOK[0], 3))


def clip_looks(clip: vs.VideoNode, frames: int) -> list[Look]:
    """Frames spread over a clip as the estimate sees them; none of a grey clip. Not for use while a graph is run."""
    if clip.format.color_family == vs.GRAY:
        return []
    with looks_at(show(clip, "rgb").clip, frames).get_frame(0) as frame:
        return [np.array(look, np.float32) for look in pictures_in(frame)]


def clip_colour(clip: vs.VideoNode, across: float, down: float) -> npt.NDArray[np.float64]:
    """The colour around a place of a clip's first frame, display-like; places are from 0 to 1."""
    seen = show(clip[0], "rgb").clip
    near = max(2, seen.width // 200)
    x, y = round(across * (seen.width - 1)), round(down * (seen.height - 1))
    with seen.get_frame(0) as picture:
        planes = np.stack([np.asarray(picture[plane]) for plane in range(3)], -1)
        patch = planes[max(0, y - near) : y + near + 1, max(0, x - near) : x + near + 1]
        return np.asarray(np.median(patch.reshape(-1, 3).astype(np.float64), axis=0))


def measured(shown: vs.VideoNode, frames: int, whatever: bool) -> vs.VideoNode:
    """A clip as long as ``shown`` whose frames tell in their properties how the clip has faded.

    Args:
        shown: RGBS, display-like.
        frames: How many frames are looked at.
        whatever: Whether the profile counts even where there is doubt.
    """
    stack = looks_at(shown, frames)

    def look(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        return _told(f.copy(), estimate_fade(pictures_in(f)), whatever)

    one = core.std.ModifyFrame(stack, stack, look)
    one.std.SetVideoCache(mode=1, fixedsize=1, maxsize=1, maxhistory=0)
    return one.std.Loop(shown.num_frames) if shown.num_frames > 1 else one


def _told(frame: vs.VideoFrame, found: FadeEstimate, whatever: bool) -> vs.VideoFrame:
    """Write an estimate into a frame's properties; it has no numbers where nothing is to be done."""
    frame.props[NUMBERS_PROP] = found.profile.text if found.faded or whatever else ""
    values: tuple[Any, ...] = (list(found.amounts), found.delta_e, found.confidence, found.intent, found.reason)
    for name, value in zip(ABOUT, values, strict=True):
        frame.props[name] = value
    return frame


def unfaded(shown: vs.VideoNode, profile: FadeProfile) -> vs.VideoNode:
    """RGBS, display-like, corrected; values below black are carried along."""
    density = core.akarin.Expr(shown, f"x 1e-6 max {GAMMA} pow {DARKEST} + {1 + DARKEST} / log {_TENTH!r} /")
    planes = zip(profile.matrix, profile.slopes, split(shown), strict=True)
    dense = split(density)
    made = [core.akarin.Expr([*dense, plane], _expression(row, slopes)) for row, slopes, plane in planes]
    return core.std.ShufflePlanes(made, [0, 0, 0], vs.RGB).std.CopyFrameProps(shown).std.SetFrameProps(**{STEP: 0.0})


def _expression(row: tuple[float, ...], slopes: tuple[float, ...]) -> str:
    """A colour of the corrected picture from three densities; see `_fade_profile.corrected`."""
    mixed = f"x {row[0]!r} * y {row[1]!r} * + z {row[2]!r} * + {row[3]!r} + D!"
    bent = f"D@ {slopes[0]!r} *"
    for i, knot in enumerate(KNOTS):
        start = (math.sqrt(knot * knot + BEND * BEND) - knot) / 2
        hinge = f"D@ {knot} - H! H@ H@ * {BEND * BEND!r} + sqrt H@ + 2 / {start!r} -"
        bent += f" {hinge} {slopes[i + 1] - slopes[i]!r} * +"
    light = f"{bent} -2 max {_TENTH!r} * exp {1 + DARKEST} * {DARKEST} - 1e-12 max"
    return f"{mixed} {light} {1 / GAMMA!r} pow a 0 min +"
