"""What is looked at for wires: a frame, and its neighbours moved onto it by the motion of what is behind the wires."""

from __future__ import annotations

from typing import Final

import vapoursynth as vs

from vsfilmrestore.filters._dirt_sight import DISTANCES, Sight, to16
from vsfilmrestore.filters._motion import Motion, estimate, match_level

__all__ = ["LENGTH", "WIDEST", "least_of", "length_in", "motion_behind", "thickness_in", "wire_sight"]

WIDEST: Final = 6.0
"""Pixels of a 2048 wide scan that a wire measures across, unless one says otherwise."""
LENGTH: Final = 160.0
"""Pixels of a 2048 wide scan that a wire is long at least, unless one says otherwise."""
_SCAN: Final = 2048
_THINNEST: Final = 2.0
_SHORTEST: Final = 24.0


def thickness_in(width: float, pixels: float) -> float:
    """Greatest width of a wire in pixels.

    Args:
        width: The same in pixels of a 2048 wide scan.
        pixels: How wide the scan is.
    """
    return max(width * pixels / _SCAN, _THINNEST)


def length_in(length: float, pixels: float) -> float:
    """Least length of a wire in pixels.

    Args:
        length: The same in pixels of a 2048 wide scan.
        pixels: How wide the scan is.
    """
    return max(length * pixels / _SCAN, _SHORTEST)


def least_of(thickness: float, length: float) -> tuple[float, float]:
    """Greatest width and least length in pixels, no less than what a picture of any size can show."""
    return max(thickness, _THINNEST), max(length, _SHORTEST)


def motion_behind(luma: vs.VideoNode, thickness: float) -> Motion:
    """How what is behind wires of that many pixels moves: on a bare wall one would follow the wire and not the wall."""
    return estimate(_without_lines(luma, thickness), DISTANCES)


def wire_sight(clip: vs.VideoNode, motion: Motion) -> Sight:
    """Look at a clip of any constant format for wires; nothing is read."""
    work = to16(clip)
    return Sight(work, [match_level(each, work) for each in motion.compensate(work).values()])


def _without_lines(luma: vs.VideoNode, thickness: float) -> vs.VideoNode:
    for first, second in (("Maximum", "Minimum"), ("Minimum", "Maximum")):
        for name in (first, second):
            for _ in range(1 + round(thickness / 2)):
                luma = getattr(luma.std, name)()
    return luma
