"""Gate weave: the picture that trembles as the film did not lie still in the gate.

The camera's own moves stay: pans, tilts and the shake of a hand. Nothing but the tremble from frame to frame goes.

::

    path of the picture   /\\/\\  _/\\/     what the camera meant  ____  __/     tremble  /\\/\\
                              \\/                                   \\/
"""

from __future__ import annotations

from math import ceil
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._trend import doubt_jumps, jitter, roughness, smooth_step, stretch, trend
from vsfilmrestore.filters._weave import STEP_OK, STEP_SLACK, STEP_X, STEP_Y, picture_steps
from vsfilmrestore.filters.schema import Setting, Strength, restoration_filter

__all__ = ["WEAVE_X", "WEAVE_Y", "stabilize"]

core = vs.core

WEAVE_X: Final = "_VsfrWeaveX"
"""Pixels by which the frame stood too far right, and was moved left."""
WEAVE_Y: Final = "_VsfrWeaveY"
"""Pixels by which the frame stood too low, and was moved up."""

_STILL: Final = 0.05
"""Shifts below this many pixels are not worth a resampling."""
_FEWEST: Final = 5
_LEAST: Final = 0.03
_JUMP: Final = 6.0
_LEAST_JUMP: Final = 0.5
"""A single frame that jumps by more than so many trembles, or pixels, tells nothing of the camera's move."""
_SMALL, _LARGE = 0.001, 0.004
"""Tremble in widths of the picture: below the first it may be rather smooth, above the second it must be rough."""
_ROUGH_FROM: Final = (1.0, 1.9)
_SURE: Final = 0.1
"""Standard error, in pixels, from which an axis is trusted less."""

Edges = Annotated[
    Literal["mirror", "zoom", "black"],
    Setting("what fills the rim a shift lays bare: the picture mirrored, a slight zoom that hides it, or black"),
]


@restoration_filter(
    short="stab",
    order=20,
    needs=("mvu", "akarin"),
    radius=lambda s: int(s["window"]) if s["strength"] else 0,
    one_sided=True,
)
def stabilize(
    clip: vs.VideoNode,
    strength: Strength = 1.0,
    *,
    window: Annotated[int, Setting("frames each side that tell the camera's move from the weave", 4, 48)] = 12,
    max_shift: Annotated[float, Setting("farthest a frame may be moved, in percent of the width", 0.1, 10.0)] = 1.5,
    edges: Edges = "mirror",
) -> vs.VideoNode:
    """Gate weave: hold the picture still, keep the camera's own moves.

    The motion between neighbouring frames is measured to hundredths of a pixel on the dominant part of the picture.
    Over ``window`` frames each side it adds up to a path, the path is split into the camera's move and a rest, and the
    share ``strength`` of the rest is taken back if it is rough as weave is. Nothing is moved across a cut, by less than
    0.05 pixels (such frames stay bit-identical unless ``edges`` is ``zoom``), or where the measure is doubtful:
    blurred or very fast pictures, flat ones, and those under 48 pixels.

    The shift is resampled once, at the clip's own depth, with a 64-tap spline; chroma follows by its own siting.
    The properties `WEAVE_X` and `WEAVE_Y` tell by how many pixels each frame had strayed and was moved back.

    Args:
        clip: Any constant format.
        strength: Share of the weave that is removed.
        window: Longer windows also remove slower weave.
        max_shift: Larger strays are moved back by this much only.
        edges: ``zoom`` enlarges the picture by twice ``max_shift`` so that no rim ever shows.
    """
    if strength == 0:
        return clip
    moves = _moves(picture_steps(clip), window, strength, max_shift / 100 * clip.width, clip.width)
    steady = _moved(clip, moves, edges, max_shift / 100)
    return core.akarin.PropExpr(
        [steady.std.CopyFrameProps(clip), moves], lambda: {p: f"y.{p}" for p in (WEAVE_X, WEAVE_Y)}
    )


def _moves(steps: vs.VideoNode, window: int, strength: float, reach: float, width: int) -> vs.VideoNode:
    """Tiny clip that carries the stray of each frame, from the steps of the frames around it."""
    last = len(steps) - 1
    # A cache starts small, grows while frames are made twice, and is emptied where memory is short: these are small.
    steps.std.SetVideoCache(mode=1, fixedsize=1, maxsize=2 * window + 16)
    taps = [_shifted(steps, offset) for offset in range(1 - window, window + 1)]

    def stray(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        first, stop = max(0, n - window), min(last, n + window) + 1
        rows = [f[i - n + window - 1].props if i > first else None for i in range(first, stop)]
        table = np.array([_row(p) for p in rows])
        found = _wobble(table, n - first, width)
        dx, dy = np.clip(found, -reach, reach) * strength
        frame = f[window - 1].copy()
        frame.props[WEAVE_X], frame.props[WEAVE_Y] = float(dx), float(dy)
        return frame

    return core.std.ModifyFrame(steps, taps, stray)


def _shifted(clip: vs.VideoNode, offset: int) -> vs.VideoNode:
    """Frame n + ``offset`` at n; the ends are held."""
    count = len(clip)
    if offset >= 0:
        return clip[min(offset, count - 1) :] + clip[-1] * min(offset, count - 1) if offset and count > 1 else clip
    hold = min(-offset, count - 1)
    return clip[0] * hold + clip[: count - hold] if hold else clip


def _row(props: Any) -> tuple[float, ...]:
    if props is None:
        return (0.0, 0.0, 0.0, 0.0, 0.0)
    return (props[STEP_X], props[STEP_Y], *props[STEP_SLACK], props[STEP_OK])


def _wobble(table: npt.NDArray[np.float64], at: int, width: int) -> npt.NDArray[np.float64]:
    """Stray of row ``at``; columns are x step, y step, their standard errors, and whether the row joins the last."""
    part = stretch(table[:, 4] > 0, at)
    rows = table[part]
    if len(rows) < _FEWEST:
        return np.zeros(2)
    steps = rows[:, :2].copy()
    steps[0] = 0
    path = np.cumsum(steps, axis=0)
    spread = [max(jitter(path[:, axis]), _LEAST) for axis in (0, 1)]
    doubt = [doubt_jumps(path[:, axis], max(_JUMP * spread[axis], _LEAST_JUMP)) for axis in (0, 1)]
    rest = np.stack([path[:, axis] - trend(path[:, axis], spread[axis], doubt[axis]) for axis in (0, 1)], axis=1)
    size = smooth_step(max(spread) / width, _SMALL, _LARGE - _SMALL)
    start = _ROUGH_FROM[0] + (_ROUGH_FROM[1] - _ROUGH_FROM[0]) * size
    sure = [1 - smooth_step(float(np.median(rows[1:, 2 + axis])), _SURE, _SURE) for axis in (0, 1)]
    stray: npt.NDArray[np.float64] = rest[at - part.start] * smooth_step(roughness(rest), start) * np.array(sure)
    return stray


def _moved(clip: vs.VideoNode, moves: vs.VideoNode, edges: str, rim: float) -> vs.VideoNode:
    zoom = edges == "zoom"
    left, top = (clip.width * rim, clip.height * rim) if zoom else (0.0, 0.0)

    def move(n: int, f: list[vs.VideoFrame]) -> vs.VideoNode:
        dx, dy = float(f[0].props[WEAVE_X]), float(f[0].props[WEAVE_Y])  # type: ignore[arg-type]
        if not zoom and abs(dx) < _STILL and abs(dy) < _STILL:
            return clip
        # Beyond its edges the resizer mirrors the picture.
        picture = clip.resize.Spline64(
            src_left=left + dx, src_top=top + dy, src_width=clip.width - 2 * left, src_height=clip.height - 2 * top
        )
        return _blackened(picture, dx, dy, _black(f[1])) if edges == "black" else picture

    return clip.std.FrameEval(move, prop_src=[moves, clip], clip_src=[clip])


def _black(frame: vs.VideoFrame) -> list[float]:
    """Black of each plane, by the frame's own range."""
    fmt, count = frame.format, frame.format.num_planes
    if fmt.sample_type == vs.FLOAT or fmt.color_family == vs.RGB:
        return [0.0] * count
    full = frame.props.get("_Range", vs.RANGE_LIMITED) == vs.RANGE_FULL
    unit = 1 << (fmt.bits_per_sample - 8)
    return [0.0 if full else 16.0 * unit] + [128.0 * unit] * (count - 1)


def _blackened(clip: vs.VideoNode, dx: float, dy: float, black: list[float]) -> vs.VideoNode:
    """Black where the shift left no picture; whole chroma samples."""
    across, down = 1 << clip.format.subsampling_w, 1 << clip.format.subsampling_h
    x, y = (ceil(max(abs(d) - _STILL, 0) / unit) * unit for d, unit in ((dx, across), (dy, down)))
    left, right = (0, x) if dx > 0 else (x, 0)
    top, bottom = (0, y) if dy > 0 else (y, 0)
    return clip.std.Crop(left, right, top, bottom).std.AddBorders(left, right, top, bottom, color=black)
