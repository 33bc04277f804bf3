"""What is looked at for wires: a frame, and its neighbours moved onto it by the motion of what is behind the wires."""

from __future__ import annotations

from typing import Final

import vapoursynth as vs

from vsfilmrestore.filters._dirt_sight import DISTANCES, Sight, to16
from vsfilmrestore.filters._motion import analysis_luma, estimate, match_level

__all__ = ["WIDEST", "thickness_in", "wire_sight", "without_lines"]

WIDEST: Final = 6.0
"""Pixels of a 2048 wide scan that a wire measures across, unless one says otherwise."""
_SCAN: Final = 2048


def thickness_in(width: float, pixels: float) -> float:
    """Greatest width of a wire in pixels.

    Args:
        width: The same in pixels of a 2048 wide scan.
        pixels: How wide the scan is.
    """
    return max(width * pixels / _SCAN, 2.0)


def wire_sight(clip: vs.VideoNode, thickness: float) -> Sight:
    """Look at a clip of any constant format for wires of that many pixels; nothing is read."""
    work = to16(clip)
    motion = estimate(without_lines(analysis_luma(work), thickness), DISTANCES)
    return Sight(work, [match_level(motion.compensate(work, d), work) for d in DISTANCES])


def without_lines(luma: vs.VideoNode, thickness: float) -> vs.VideoNode:
    """For the search of motion: on a bare wall it would follow the wire and not the wall."""
    for first, second in (("Maximum", "Minimum"), ("Minimum", "Maximum")):
        for name in (first, second):
            for _ in range(1 + round(thickness / 2)):
                luma = getattr(luma.std, name)()
    return luma
