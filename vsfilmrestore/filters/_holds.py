"""Drawn films hold each drawing for some frames: on ones, on twos, on threes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._motion import analysis_luma

__all__ = ["AROUND", "HOLD", "LONGEST", "hold_of", "measured_hold"]

core = vs.core

HOLD: Final = "_VsfrHold"
"""Property that tells for how many frames drawings are held."""
LONGEST: Final = 3
AROUND: Final = 15
"""Frames on either side of one that tell how drawings are held there."""
_FEWEST: Final = 5
_MOST: Final = 75
"""Per cent."""
_STILL: Final = 0.4
"""Frames of one drawing differ by less than so much of what those of two drawings differ by."""


def hold_of(differences: Sequence[float]) -> int:
    """For how many frames drawings are held, 1 where that is not clear.

    Args:
        differences: Of each frame and the one before, any unit.
    """
    steps = np.asarray(differences, float)
    found = 1
    for hold in range(2, LONGEST + 1):
        if len(steps) < _FEWEST * hold // 2 or steps.max(initial=0) <= 0:
            continue
        phases = [steps[phase::hold] for phase in range(hold)]
        turn = int(np.argmax([np.median(phase) for phase in phases]))
        # Most of the others, not their median: every second of them is large where drawings are held for two.
        others = [np.percentile(phase, _MOST) for n, phase in enumerate(phases) if n != turn]
        if max(others) < _STILL * np.median(phases[turn]):
            found = hold
    return found


def measured_hold(clip: vs.VideoNode) -> vs.VideoNode:
    """Tiny frames that tell for how many frames drawings are held around each frame of a shot (`HOLD`)."""
    luma = analysis_luma(clip)
    small = luma.resize.Bilinear(max(16, clip.width // 4), max(16, clip.height // 4))
    steps = small.std.PlaneStats(small[0] + small[:-1] if small.num_frames > 1 else small)
    tiny = core.std.BlankClip(small, width=16, height=16, format=vs.GRAY8, keep=True).std.CopyFrameProps(steps)

    def measure(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        inside = range(max(1, n - AROUND + 1), min(clip.num_frames, n + AROUND + 1))  # the first frame has none before
        near = (f[number - n + AROUND] for number in inside)
        out.props[HOLD] = hold_of([float(frame.props["PlaneStatsDiff"]) for frame in near])  # type: ignore[arg-type]
        return out

    around = [neighbour(tiny, by) for by in range(-AROUND + 1, AROUND + 1)]
    return core.std.ModifyFrame(tiny, [tiny, *around], measure)
