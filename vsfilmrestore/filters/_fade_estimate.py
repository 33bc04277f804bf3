"""How far the dyes of a film have faded, told by some of its frames, and what undoes it.

One frame tells little: its colours may be those of the scene. Frames of a reel share their stock and its fading, not
their scenes, so what they have in common is the film's. Frames of many shots of one reel therefore go into one
estimate, and one profile comes out for all of them::

    looks = [look_at(frame) for frame in frames]     # (height, width, 3) from 0 to 1, as displayed
    found = estimate_fade(looks)
    if found.faded:
        better = found.profile.apply(frame)

Nothing is to be done where the frames do not tell enough, or where their cast may be wanted; `FadeEstimate.reason`
says so in words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.errors import InputError
from vsfilmrestore.filters._fade_colour import delta_e, lab, to_density
from vsfilmrestore.filters._fade_intent import Intent, intent_of, signs_of
from vsfilmrestore.filters._fade_network import Reading, read_fade
from vsfilmrestore.filters._fade_profile import FadeProfile
from vsfilmrestore.filters._fade_statistics import statistics_of

__all__ = ["LOOK", "FadeEstimate", "Look", "estimate_fade", "look_at"]

LOOK: Final = (40, 30)
"""Width and height a frame is looked at in: grain is gone, areas of colour are left."""
SURE: Final = 0.8
"""How likely a fade must be before anything is done."""
LEAST: Final = 3.0
"""A correction that changes less, in CIEDE2000, is none."""
_WORTH: Final = 2.3
"""A correction must change more than this times the error that is expected to be left."""

type Look = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FadeEstimate:
    """What some frames of one reel tell of its fading.

    Attributes:
        profile: What undoes the fade, whether or not it is to be used.
        faded: Whether the profile should be used: sure enough, large enough, and no cast that may be wanted.
        confidence: How far to trust it, 0..1.
        amounts: Share of the cyan, magenta and yellow dye that is lost, 0..1.
        delta_e: How far the frames are from their corrected selves: mean CIEDE2000.
        error: Mean CIEDE2000 that is expected to be left after the correction.
        intent: What else may be the reason of a cast: ``none``, ``monochrome``, ``tinted``, ``night``, ``sunset`` or
            ``drawn``.
        reason: Why it is or is not used, a sentence.
        frames: How many frames were looked at.
    """

    profile: FadeProfile
    faded: bool
    confidence: float
    amounts: tuple[float, float, float]
    delta_e: float
    error: float
    intent: Intent
    reason: str
    frames: int


def look_at(frame: npt.NDArray[Any]) -> Look:
    """A frame as the estimate sees it: areas of the picture averaged, (30, 40, 3).

    Args:
        frame: (height, width, 3), red, green and blue from 0 to 1, display-like; any size from 40x30.

    Raises:
        InputError: It has another shape.
    """
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.shape[0] < LOOK[1] or frame.shape[1] < LOOK[0]:
        raise InputError(f"a frame must have height, width and 3 colours, at least 30x40x3, not {frame.shape}")
    rows, columns = (np.linspace(0, side, parts + 1).astype(int) for side, parts in zip(frame.shape, LOOK[::-1]))  # noqa: B905
    summed = np.add.reduceat(np.add.reduceat(np.nan_to_num(frame), rows[:-1], 0), columns[:-1], 1, dtype=np.float64)
    return np.asarray(summed / (np.diff(rows)[:, None, None] * np.diff(columns)[None, :, None]), np.float32)


def estimate_fade(frames: Iterable[npt.NDArray[Any]]) -> FadeEstimate:
    """What frames of one reel (or of one stock) tell of its fading; 12 to 25 of different scenes tell it well.

    Args:
        frames: As `look_at` takes or gives them. They are made small one by one.

    Raises:
        InputError: There is no frame, or one has a wrong shape.
        VsfrError: The network's weights are damaged.
    """
    looks = [frame if frame.shape == (LOOK[1], LOOK[0], 3) else look_at(frame) for frame in frames]
    if not looks:
        raise InputError("an estimate of fade needs a frame at least")
    pictures = np.stack(looks).astype(np.float64)
    density = to_density(pictures).reshape(len(looks), -1, 3)
    read = read_fade(density)
    made = np.clip(read.profile.apply(pictures), 0, 1)
    far = float(delta_e(lab(np.clip(pictures, 0, 1)), lab(made)).mean())
    intent, because = intent_of(signs_of(pictures, statistics_of(density)))
    faded, reason = _verdict(read, far, because)
    return FadeEstimate(
        read.profile, faded, _confidence(read, far), _lost(read.profile), far, read.error, intent, reason, len(looks)
    )


def _verdict(read: Reading, far: float, because: str) -> tuple[bool, str]:
    """Whether the profile is to be used, and why."""
    if because:
        return False, f"left: {because}"
    if read.faded < SURE or far < LEAST:
        return False, "left: its dyes have not faded, or too little to tell"
    if far < _WORTH * read.error:
        return False, "left: these frames tell too little of the fade"
    return True, f"faded: colours are {far:.0f} CIEDE2000 from what they were"


def _confidence(read: Reading, far: float) -> float:
    """0 where as much error is expected as the correction changes, or where a coin could tell whether it is faded."""
    return float(np.clip(2 * read.faded - 1, 0, 1) * np.clip(1 - read.error / max(far, 1e-6), 0, 1))


def _lost(profile: FadeProfile) -> tuple[float, float, float]:
    """Share of each dye that is lost: what the inverse of the correction leaves of its density."""
    matrix, slopes = profile.numbers.reshape(2, 3, 4)
    kept = np.diag(np.linalg.inv(matrix[:, :3] * slopes[:, 1:3].mean(1)[:, None]))
    red, green, blue = np.clip(1 - kept / max(1.0, float(kept.max())), 0, 1)
    return float(red), float(green), float(blue)
