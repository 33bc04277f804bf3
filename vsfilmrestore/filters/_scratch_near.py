"""Where else lines lie: in the frames beside, and in the other planes of the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._scratch_search import Run

__all__ = ["FEWEST", "Near", "drift", "marked"]

type Levels = npt.NDArray[np.float32]
type Flags = npt.NDArray[np.bool_]

FEWEST: Final = 7
"""Least sum of the score over the blocks of a line: in so few, anything may line up."""
_DRIFT: Final = 100
"""From frame to frame a line drifts by this part of the width at most, and by four pixels in any picture."""
_SAME: Final = 0.6
"""Share of a line's blocks that must lie near one of the frames beside, or of the other planes."""
_ASIDE: Final = 2
"""Columns by which a line may lie aside of where another plane shows it."""


class Near(NamedTuple):
    """Where lines lie that are known from elsewhere, all of shape (blocks, width).

    Attributes:
        bright: Bright ones of the frames beside, or where they would be if they drifted.
        dark: Dark ones.
        planes: Those of other planes of the same frame.
    """

    bright: Flags
    dark: Flags
    planes: Flags

    @classmethod
    def nothing(cls, shape: tuple[int, ...]) -> Near:
        """No lines."""
        return cls(*np.zeros((3, *shape), bool))

    @classmethod
    def of(cls, beside: Sequence[Levels], planes: Sequence[Levels]) -> Near:
        """By what `marked` made of frames beside and of planes, which may be of other sizes than those."""
        shape = beside[0].shape
        bright, dark = (
            _spread(sign * each > 0, drift(shape[1]))
            for sign, each in ((1, np.max(beside, 0)), (-1, np.min(beside, 0)))
        )
        shown = [_sized(each, shape) for each in planes]
        return cls(bright, dark, _spread(np.any(shown, 0), _ASIDE) if shown else np.zeros(shape, bool))

    def holds(self, run: Run) -> bool:
        """Whether the frames beside show a line."""
        blocks = np.arange(run.first, run.first + len(run.x))
        return bool((self.bright if run.bright else self.dark)[blocks, run.x].mean() > _SAME)

    def in_planes(self, run: Run) -> bool:
        """Whether another plane shows a line at its place."""
        return bool(self.planes[np.arange(run.first, run.first + len(run.x)), run.x].mean() > _SAME)

    def lacks(self, lines: Levels) -> bool:
        """Whether some of a frame's lines are none of those beside."""
        return _many((lines > 0) & ~self.bright | (lines < 0) & ~self.dark)

    def lacks_of_plane(self, lines: Levels) -> bool:
        """Whether some of a plane's lines are none of those of the planes."""
        return _many(_sized(lines, self.planes.shape) & ~self.planes)


def drift(width: int) -> int:
    """Columns by which a line may go aside from frame to frame."""
    return max(width // _DRIFT, 4)


def marked(found: Levels, run: Run) -> None:
    """Mark where a line lies that was taken off: by its number if it is bright, else by as much below nothing."""
    number = int(np.abs(found).max()) + 1
    found[np.arange(run.first, run.first + len(run.x)), run.x] = number if run.bright else -number


def _many(lines: Flags) -> bool:
    return int(lines.any(1).sum()) >= FEWEST


def _spread(lines: Flags, aside: int) -> Flags:
    import cv2  # on first use: it is large, and a plan needs none of it

    return np.asarray(cv2.dilate(lines.astype(np.uint8), np.ones((3, 2 * aside + 1), np.uint8)) > 0)


def _sized(lines: Levels, shape: tuple[int, ...]) -> Flags:
    """Where lines of a plane lie in one of another size."""
    import cv2

    there = (lines != 0).astype(np.float32)
    return np.asarray(cv2.resize(there, shape[::-1], interpolation=cv2.INTER_AREA) > 0)
