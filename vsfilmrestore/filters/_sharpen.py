"""Softness taken out of luma by measure: no more than the grain allows, and no edge beyond what lies beside it."""

from __future__ import annotations

from typing import Final

import vapoursynth as vs

from vsfilmrestore.filters._blur import GRAIN, taken_out

__all__ = ["ROUNDS", "by_measure", "held_back"]

core = vs.core

ROUNDS: Final = 4
"""How often what lacks is added: detail is raised to five times what is left of it at most."""
_OVER: Final = 0.1
"""An edge may leave what lies within two pixels of it by so much of the span there, …"""
_LEVEL: Final = 1 / 255
"""… and by so much besides."""
_GRAINS: Final = 1.5
_AROUND: Final = 2


def by_measure(luma: vs.VideoNode) -> vs.VideoNode:
    """GRAYS without the softness that its properties tell, see `_blur.with_softness` (with `ROUNDS`)."""
    return held_back(luma, taken_out(luma, ROUNDS))


def held_back(luma: vs.VideoNode, sharp: vs.VideoNode, grains: float = _GRAINS) -> vs.VideoNode:
    """What is sharper, without halos and without the grain that came up with it.

    Args:
        luma: GRAYS, with its softness in its properties.
        sharp: The same, sharper.
        grains: A change of no more than so many times the mean square that grain alone makes is grain.

    Source: the share of a change that is more than noise after Lee, "Digital image enhancement and noise filtering by
        use of local statistics", IEEE TPAMI 2(2), 1980.
    """
    low, high = luma.std.Minimum().std.Minimum(), luma.std.Maximum().std.Maximum()
    within = core.akarin.Expr(
        [luma, sharp, low, high],
        f"a z - {_OVER} * {_LEVEL!r} + O! y z O@ - max a O@ + min x -",
    )
    power = core.akarin.Expr([within], "x x *")
    radius = min(_AROUND, (min(luma.width, luma.height) - 1) // 2)
    if radius > 0:
        power = power.std.BoxBlur(hradius=radius, vradius=radius)
    share = f"1 x.{GRAIN} {grains!r} * z 0.0000000001 max / - 0 max"
    return core.akarin.Expr([luma, within, power], f"x y {share} * +")
