"""Names of the frame properties that travel with our frames.

VapourSynth's own names (``_Matrix``, ``_Range``, ``_SARNum`` ...) are used wherever one exists; these are the rest.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CHANGED_PREFIX",
    "COUNT_PREFIX",
    "HISTORY_PREFIX",
    "KEYCODE",
    "LOG",
    "MASK_PREFIX",
    "MISSING",
    "PLACE",
    "REEL",
    "REGIONS",
    "REGION_BOXES",
    "REGION_POINTS",
    "REGION_SCORES",
    "SHOT",
    "SOURCE_FILE",
    "SOURCE_FRAME",
    "STEPS",
    "TIMECODE",
    "changed_prop",
    "count_prop",
    "history_prop",
    "mask_prop",
]

TIMECODE: Final = "_VsfrTimecode"
"""Source timecode of the frame, ``HH:MM:SS:FF`` (``;FF`` for drop frame)."""
KEYCODE: Final = "_VsfrKeycode"
"""Film edge code as seven integers joined by blanks: maker, type, prefix, count, offset, perfs/frame, perfs/count."""
REEL: Final = "_VsfrReel"
"""Reel (tape) name of the source."""
SOURCE_FILE: Final = "_VsfrSourceFile"
"""File name (of the single frame in a sequence) the picture came from."""
SOURCE_FRAME: Final = "_VsfrSourceFrame"
"""Frame number in the source: the number in the file name of a sequence, else counted from 0."""
LOG: Final = "_VsfrLog"
"""1 where the code values are logarithmic printing density (a Cineon or log DPX scan)."""
MISSING: Final = "_VsfrMissing"
"""1 where an image sequence has a hole and the picture is a stand-in (a held or a black frame)."""
PLACE: Final = "_VsfrPlace"
"""Which frame of its source it is, from 1: the same in whatever cut it is shown. Noise that is made goes by it."""
SHOT: Final = "_VsfrShot"
"""Id of the shot the frame belongs to."""
STEPS: Final = "_VsfrSteps"
"""Names of the steps a restored frame went through, joined by blanks; a * behind one whose network makes pixels."""
REGIONS: Final = "_VsfrRegions"
"""How many regions of the picture (faces) are known; absent where nobody looked."""
REGION_BOXES: Final = "_VsfrRegionBoxes"
"""Left, top, width and height of each region, in pixels of the frame."""
REGION_POINTS: Final = "_VsfrRegionPoints"
"""Five landmarks of each region, x and y in pixels of the frame; not numbers (NaN) where it has none."""
REGION_SCORES: Final = "_VsfrRegionScores"
"""How sure each region is, 0..1."""
MASK_PREFIX: Final = "_VsfrMask_"
CHANGED_PREFIX: Final = "_VsfrChanged_"
COUNT_PREFIX: Final = "_VsfrCount_"
HISTORY_PREFIX: Final = "_VsfrHistory_"


def mask_prop(filter_name: str) -> str:
    """Property that holds the mask of what ``filter_name`` changed: a GRAY8 frame, 255 where changed."""
    return MASK_PREFIX + filter_name


def changed_prop(filter_name: str) -> str:
    """Property that holds the share of pixels ``filter_name`` changed, 0..1."""
    return CHANGED_PREFIX + filter_name


def count_prop(filter_name: str, what: str) -> str:
    """Property that holds how many of something ``filter_name`` met in the frame, such as ``faces_stopped``.

    The ledger of a project adds them up.
    """
    return f"{COUNT_PREFIX}{filter_name}_{what}"


def history_prop(filter_name: str, side: int) -> str:
    """Property that holds what ``filter_name`` changed and what stood there before, while a project is rendered.

    Args:
        filter_name: The filter.
        side: 0 for a shot's own frames, 1 for those that fade out over it.
    """
    return f"{HISTORY_PREFIX}{side}_{filter_name}"
