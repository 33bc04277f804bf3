"""Flicker: brightness that changes from frame to frame where the light on the set did not."""

from __future__ import annotations

from typing import Annotated, Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.filters._exposure import BLACK, LEVEL, Excess, excess, exposure_step, field_basis
from vsfilmrestore.filters._weave import work_luma
from vsfilmrestore.filters.schema import Setting, Strength, restoration_filter

__all__ = ["FLICKER_GAIN", "deflicker"]

core = vs.core

FLICKER_GAIN: Final = "_VsfrFlickerGain"
"""Gain that was taken off the whole frame, 1.03 for a frame 3 % too bright."""

_STEPS, _ERRORS, _JOINED = "Steps", "Errors", "Joined"
_COLUMNS: Final = 24
_INVISIBLE: Final = 0.002
"""Changes below this share of a pixel's value, half a step of 8 bits, are not made."""
_SOFT_WHITE: Final = 48
"""How sharply a change dies away towards white; less sharply where sharp would fold the tones over."""


@restoration_filter(
    short="flicker",
    order=30,
    needs=("akarin",),
    radius=lambda s: int(s["window"]) if s["strength"] else 0,
    one_sided=True,
)
def deflicker(
    clip: vs.VideoNode,
    strength: Strength = 1.0,
    *,
    window: Annotated[int, Setting("frames each side that tell flicker from a change of the light", 4, 48)] = 12,
    local: Annotated[float, Setting("dose for flicker that differs over the picture", 0.0, 1.0)] = 1.0,
    max_change: Annotated[float, Setting("largest change of brightness, in percent", 1.0, 50.0)] = 25.0,
) -> vs.VideoNode:
    """Flicker: even out brightness that trembles from frame to frame.

    Gain and gamma of the whole picture, and smooth fields over it (``local``), are measured between neighbouring
    frames on what does not move. Over ``window`` frames each side they add up to curves; the rough part of the curves
    is flicker and the share ``strength`` of it is taken away. Fades, a lamp switched on, flashes and lightning stay,
    so do frames whose flicker cannot be seen (bit-identical).

    White and black keep their place, so nothing is clipped; colour differences follow the luma. The result is
    dithered to the clip's depth in a fixed pattern, so that a gain leaves no bands in 8 bits. The property
    `FLICKER_GAIN` tells what was taken off each frame.

    Args:
        clip: Any constant format.
        strength: Share of the flicker that is removed.
        window: Longer windows also remove slower flicker.
        local: Share of ``strength`` for the part that differs over the picture; 0 measures the whole picture only.
        max_change: No pixel is changed by more.
    """
    if strength == 0:
        return clip
    luma = work_luma(clip)
    rows = max(1, round(_COLUMNS * luma.height / luma.width))
    columns, rows = min(_COLUMNS, luma.width), min(rows, luma.height)
    grids = luma.resize.Bilinear(columns, rows)
    curves = _curves(grids, window, strength, local, float(np.log1p(max_change / 100)))
    return _relit(clip, curves)


def _curves(grids: vs.VideoNode, window: int, strength: float, local: float, most: float) -> vs.VideoNode:
    """Grid-sized clip of the log gain to take away, with the gamma and the gain of the whole picture as properties."""
    last = len(grids) - 1
    steps = _steps(grids)
    # A cache starts small, grows while frames are made twice, and is emptied where memory is short: these are small.
    steps.std.SetVideoCache(mode=1, fixedsize=1, maxsize=2 * window + 16)
    taps = [_held(steps, offset) for offset in range(-window, window + 1)]
    basis = field_basis(grids.height, grids.width)

    def measure(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        first, stop = max(0, n - window), min(last, n + window) + 1
        props = [f[i - n + window].props for i in range(first, stop)]
        rows, errors = (np.array([p[key] for p in props], dtype=np.float64) for key in (_STEPS, _ERRORS))
        joined = np.array([bool(p[_JOINED]) for p in props])
        joined[0], rows[0] = True, 0.0  # what it joins lies outside the window
        return as_frame(f[window], excess(rows, errors, joined, n - first))

    def as_frame(like: vs.VideoFrame, found: Excess) -> vs.VideoFrame:
        frame = like.copy()
        field = found.gain + local * np.tensordot(found.fields, basis, 1)
        np.copyto(np.asarray(frame[0]), np.clip(field, -most, most) * strength)
        frame.props["Gamma"] = float(np.clip(found.gamma, -most, most)) * strength
        frame.props["Size"] = found.size * strength
        frame.props[FLICKER_GAIN] = float(np.exp(np.clip(found.gain, -most, most) * strength))
        return frame

    return core.std.ModifyFrame(steps, taps, measure)


def _steps(grids: vs.VideoNode) -> vs.VideoNode:
    """The grids, each with the change of light since the one before as properties."""

    def compare(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        last, this = (np.array(frame[0], dtype=np.float64) for frame in f)
        row, errors, joined = exposure_step(last, this)
        frame = f[1].copy()
        frame.props[_STEPS], frame.props[_ERRORS], frame.props[_JOINED] = row.tolist(), errors.tolist(), int(joined)
        return frame

    return core.std.ModifyFrame(grids, [_held(grids, -1), grids], compare)


def _held(clip: vs.VideoNode, offset: int) -> vs.VideoNode:
    """Frame n + ``offset`` at n; the ends are held."""
    far = min(abs(offset), len(clip) - 1)
    if not far:
        return clip
    return clip[far:] + clip[-1] * far if offset > 0 else clip[0] * far + clip[:-far]


def _relit(clip: vs.VideoNode, curves: vs.VideoNode) -> vs.VideoNode:
    fmt = clip.format
    exact = core.query_video_format(fmt.color_family, vs.FLOAT, 32, fmt.subsampling_w, fmt.subsampling_h)
    linear = clip.resize.Point(format=exact.id)
    field = curves.resize.Bicubic(clip.width, clip.height)
    if fmt.num_planes > 1:
        thin = curves.resize.Bicubic(clip.width >> fmt.subsampling_w, clip.height >> fmt.subsampling_h)
        field = core.std.ShufflePlanes([field, thin, thin], [0, 0, 0], exact.color_family).std.CopyFrameProps(curves)
    changed = core.akarin.Expr([linear, field], _expressions(fmt)).std.CopyFrameProps(linear)
    dither = "ordered" if fmt.sample_type == vs.INTEGER else "none"
    back = changed.resize.Point(format=fmt.id, dither_type=dither).std.CopyFrameProps(clip)

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        return back if float(f.props["Size"]) >= _INVISIBLE else clip  # type: ignore[arg-type]

    chosen = clip.std.FrameEval(choose, prop_src=[curves], clip_src=[clip, back])
    return core.akarin.PropExpr([chosen, curves], lambda: {FLICKER_GAIN: f"y.{FLICKER_GAIN}"})


def _expressions(fmt: vs.VideoFormat) -> list[str]:
    """``v exp(-c (1 - v^p))``: the change c dies away towards white, black stays, and p keeps the curve rising."""
    change = f"x 0 1 clip V! y V@ {BLACK} + log {LEVEL} - y.Gamma * + C!"
    knee = f"{_SOFT_WHITE} 0.8 C@ -1 * 0.001 max / min P!"
    tone = f"{change} {knee} x C@ -1 * 1 V@ P@ pow - * exp *"
    return [tone, "x y -1 * exp *", "x y -1 * exp *"] if fmt.color_family == vs.YUV else [tone] * fmt.num_planes
