"""The wipes that are drawn, by their numbers in SMPTE 258M, and what is said of other transitions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from vsfilmrestore.timeline.model import CutList

__all__ = ["WIPES", "transition_remarks", "wipe_number"]

_NUMBERED: Final = re.compile(r"wipe\s*0*(\d{1,3})")

_RIGHT, _DOWN = "p u -", "p v -"  # how far the edge is past a pixel, as a share of the picture
_LEFT, _UP = "p 1 u - -", "p 1 v - -"
_DOORS_X, _DOORS_Y = "p u 0.5 - abs 2 * -", "p v 0.5 - abs 2 * -"

WIPES: Final[dict[int, str]] = {
    1: f"{_RIGHT} W *",
    2: f"{_DOWN} H *",
    3: f"{_RIGHT} W * {_DOWN} H * min",
    4: f"{_LEFT} W * {_DOWN} H * min",
    5: f"{_LEFT} W * {_UP} H * min",
    6: f"{_RIGHT} W * {_UP} H * min",
    21: f"{_DOORS_X} W * 0.5 *",
    22: f"{_DOORS_Y} H * 0.5 *",
    41: "p 2 * u v + - W * 0.5 *",
    42: "p 2 * 1 u - v + - W * 0.5 *",
    101: f"{_DOORS_X} W * 0.5 * {_DOORS_Y} H * 0.5 * min",
    119: "p W W * H H * + sqrt 0.5 * * u 0.5 - W * dup * v 0.5 - H * dup * + sqrt -",
}
"""How many pixels the edge is past a pixel at ``u``, ``v`` (0 to 1) when ``p`` of the wipe is done.

Left to right, top to bottom, boxes out of the four corners, doors that open sideways and up and down, diagonals from
the upper left and the upper right, a rectangle and a circle from the middle.
"""


def wipe_number(kind: str) -> int | None:
    """The number of a wipe that is drawn, None for all else."""
    match = _NUMBERED.fullmatch(kind.strip().lower())
    number = int(match[1]) if match else None
    return number if number in WIPES else None


def transition_remarks(cut: CutList) -> Iterable[str]:
    """What is made of transitions that are not dissolves, a sentence for each kind."""
    kinds = dict.fromkeys(shot.transition.kind for shot in cut.shots if shot.transition is not None)
    for kind in kinds:
        if kind != "dissolve" and wipe_number(kind) is None:
            count = sum(shot.transition is not None and shot.transition.kind == kind for shot in cut.shots)
            yield f"{'a transition' if count == 1 else f'{count} transitions'} of the kind '{kind}': made as a dissolve"
