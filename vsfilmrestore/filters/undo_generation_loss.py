"""What copying did to a shot, taken back: steeper tones, light around highlights, softness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._blur import told_once, with_softness
from vsfilmrestore.filters._focus_net import MOST
from vsfilmrestore.filters._generation_measure import MOST_CONTRAST, contrast_of, curve_of
from vsfilmrestore.filters._lock import locked
from vsfilmrestore.filters._network_step import finished
from vsfilmrestore.filters._sharpen import ROUNDS, by_measure
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter
from vsfilmrestore.inference.colour import STEP
from vsfilmrestore.inference.colour import show as shown_to_networks

__all__ = ["undo_generation_loss"]

core = vs.core

_CURVE: Final = "_VsfrToneCurve"
_SMALL: Final = 320
_BRIGHT: Final = 0.7
"""Light above this level glows, up to white."""
_SPREAD: Final = 0.012
"""Sigma of the glow as a share of the picture's width."""
_PASSES: Final = 3


def _depends(settings: Mapping[str, Any]) -> Literal["clip", "window"]:
    looks = settings["sharpen"] > 0 or settings["contrast"] == 0
    return "clip" if looks and settings["strength"] else "window"


@restoration_filter(short="generation", order=85, needs=("akarin",), depends=_depends)
def undo_generation_loss(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    contrast: Annotated[
        float, Setting("how much steeper copying made the tones: 1.2 is usual of one copy, 1 none; 0 measures it", 0, 2)
    ] = 0.0,
    glow: Annotated[float, Setting("light around highlights as a share of theirs; 0 none", 0.0, 0.5)] = 0.0,
    sharpen: Annotated[float, Setting("share of the softness that is taken out; 0 none", 0.0, 1.0)] = 1.0,
    blur: Annotated[float, Setting("that softness: sigma in pixels; 0 measures it in the shot", 0, 3)] = 0.0,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Take back what copying from print to print did: steeper tones, glowing highlights, softness.

    Softness is measured, and taken out as `deblur` does without a network. How much steeper the tones became can seldom
    be told: only where many pixels crowd near black and near white is something taken back, at most a slope of 1.5;
    what is lost there for good stays lost. How far highlights glow is never told by pictures alone; it is given, by eye
    or from a better print. All of it changes luma alone.

    Args:
        clip: Any constant format of 8 to 16 bits or float.
        strength: Share of what is changed, 0..1.
        contrast: Slope in the middle of the tones, of the curve tanh(g x) / tanh(g) that is taken back.
        glow: What bright light (from 0.7 on) adds around itself, 1.2 % of the picture's width far.
        sharpen: A dose of its own.
        blur: What is measured, if it is known better.
        protect: Areas that stay as they are.
        only: Areas outside which all stays as it is.
        show: Look at what is changed instead.
    """
    if strength == 0 or (contrast == 1 and not glow and not sharpen):
        return clip
    seen = shown_to_networks(clip, "luma")
    luma = seen.clip
    if contrast != 1:
        luma = _softer_tones(luma, _with_curve(luma, contrast))
    if glow:
        luma = _without_glow(luma, glow)
    if sharpen:
        soft = with_softness(luma, luma, blur, MOST, share=sharpen, rounds=ROUNDS)
        luma = locked(soft, by_measure(soft), soft, soft)
    made = seen.back(luma.std.SetFrameProps(**{STEP: 0.0}), strength=strength)
    return finished("undo_generation_loss", clip, made, protect, only, show)


def _with_curve(luma: vs.VideoNode, contrast: float) -> vs.VideoNode:
    """The clip with the curve to take back in its properties."""
    if contrast:
        return luma.std.SetFrameProps(**{_CURVE: curve_of(contrast)})
    small = luma
    if luma.width > _SMALL:
        small = luma.resize.Bilinear(_SMALL, max(round(luma.height * _SMALL / luma.width), 1))
    return luma.std.CopyFrameProps(told_once(small, _curve), props=[_CURVE])


def _curve(pictures: list[npt.NDArray[np.float32]]) -> dict[str, float]:
    return {_CURVE: curve_of(min(contrast_of(pictures), MOST_CONTRAST))}


def _softer_tones(luma: vs.VideoNode, told: vs.VideoNode) -> vs.VideoNode:
    """The tone curve that the properties tell taken back; what lies beyond black and white stays."""
    g = f"y.{_CURVE}"
    end = f"{g} 2 * exp E! E@ 1 - E@ 1 + /"
    back = f"{end} T! x 2 * 1 - T@ * U! 1 U@ + 1 U@ - / log {g} 4 * / 0.5 +"
    return core.akarin.Expr([luma, told], f"{g} 0.01 < x 0 < or x 1 > or x {back} ?")


def _without_glow(luma: vs.VideoNode, glow: float) -> vs.VideoNode:
    """Less of the light that highlights throw around them, never below black; highlights themselves stay."""
    light = core.akarin.Expr([luma], f"x {_BRIGHT} - {1 - _BRIGHT!r} / 0 1 clip")
    wide = (12 * (_SPREAD * luma.width) ** 2 / _PASSES + 1) ** 0.5
    across, down = (min(max(round((wide - 1) / 2), 1), side // 2 - 1) for side in (luma.width, luma.height))
    if min(across, down) < 1:
        return luma
    around = light.std.BoxBlur(hradius=across, hpasses=_PASSES, vradius=down, vpasses=_PASSES)
    return core.akarin.Expr([luma, light, around], f"x z {glow!r} * 1 y - * x 0 max min -")
