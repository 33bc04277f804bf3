"""Drawn films hold each drawing for some frames: on ones, on twos, on threes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.filters._motion import analysis_luma

__all__ = ["HOLD", "LONGEST", "hold_of", "measured_hold"]

core = vs.core

HOLD: Final = "_VsfrHold"
"""Property that tells for how many frames drawings are held."""
LONGEST: Final = 3
_PAIRS: Final = 36
"""Neighbouring frames that are compared, in the middle of the shot."""
_FEWEST: Final = 5
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
        means = [float(np.median(steps[phase::hold])) for phase in range(hold)]
        turn = int(np.argmax(means))
        others = [mean for phase, mean in enumerate(means) if phase != turn]
        if max(others) < _STILL * means[turn]:
            found = hold
    return found


def measured_hold(clip: vs.VideoNode) -> vs.VideoNode:
    """One tiny frame that tells for how many frames drawings of a shot are held (`HOLD`); it is made once."""
    first = max(0, (clip.num_frames - _PAIRS - 1) // 2)
    part = analysis_luma(clip[first : first + _PAIRS + 1])
    small = part.resize.Bilinear(max(16, clip.width // 4), max(16, clip.height // 4))
    pairs = small[1:].std.PlaneStats(small[:-1]) if small.num_frames > 1 else small.std.PlaneStats(small)
    blank = core.std.BlankClip(width=16, height=16, format=vs.GRAY8, length=1, keep=True)

    def measure(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        out.props[HOLD] = hold_of([float(frame.props["PlaneStatsDiff"]) for frame in f[1:]])  # type: ignore[arg-type]
        return out

    return core.std.ModifyFrame(blank, [blank, *(pairs[n] for n in range(pairs.num_frames))], measure)
