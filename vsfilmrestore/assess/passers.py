"""Hints of stains: a broad change of the picture that is undone a few frames later, at the same place.

Steps between small pictures are compared with the steps of the frames before: what comes and goes leaves one step and,
later, the same step backwards. A finder that takes its time then looks there and nowhere else.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["PasserFinder"]

type Thumb = npt.NDArray[np.float32]

_LONGEST: Final = 12
_LEAST: Final = 3.0
"""Levels by which a place must change;"""
_WIDE: Final = (0.006, 0.5)
"""share of the picture that does."""
_BACK: Final = 0.75
"""How well the step back must fit the step there, at the places that changed."""
_ALONE: Final = 3.0
"""How much stronger such a step is than those around it."""
_MOST: Final = 400


class PasserFinder:
    """Sees small pictures one after the other.

    Attributes:
        found: First frame with what came, and first frame without it.
    """

    def __init__(self, first: int) -> None:
        self.found: list[tuple[int, int]] = []
        self._next = first
        self._last: Thumb | None = None
        self._steps: deque[Thumb] = deque(maxlen=_LONGEST)
        self._sizes: deque[float] = deque(maxlen=2 * _LONGEST)

    def see(self, thumb: Thumb) -> None:
        """The next picture, 48 pixels wide or less, 8-bit levels."""
        now, self._next = self._next, self._next + 1
        if self._last is not None and self._last.shape == thumb.shape:
            step = thumb - self._last
            step = step - np.median(step)
            size = float((np.abs(step) > _LEAST).mean())
            usual = float(np.median(self._sizes)) if self._sizes else 0.0
            if size > _WIDE[0] and size > _ALONE * usual:
                self._compare(step, now)
            self._steps.append(step)
            self._sizes.append(size)
        self._last = thumb

    def _compare(self, step: Thumb, now: int) -> None:
        """Whether this step undoes one of those before."""
        changed = np.abs(step) > _LEAST
        if float(changed.mean()) > _WIDE[1]:
            return
        for back, before in enumerate(reversed(self._steps), 1):
            both = changed | (np.abs(before) > _LEAST)
            a, b = step[both], before[both]
            power = float(np.linalg.norm(a) * np.linalg.norm(b))
            if power > 0 and -float(a @ b) / power > _BACK and len(self.found) < _MOST:
                self.found.append((now - back, now))
                return
