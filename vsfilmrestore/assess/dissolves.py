"""Dissolves: shots that change gradually, so that no detector of cuts sees them.

In the middle of a dissolve the picture is the sum of what was there before and what comes, pixel for pixel; at a
quarter of the way it is that sum in other shares. Neither a pan nor somebody who walks in adds up like that.

Source: chromatic edit model of Hampapur, Jain and Weymouth, "Production model based digital video segmentation" (1995).
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["DissolveFinder"]

type Thumb = npt.NDArray[np.float32]

_SPANS: Final = (12, 24, 48)
"""Lengths that are looked for; a dissolve of any length up to the longest fills one of them."""
_SIZE: Final = (16, 12)
"""Pictures are compared so small that what moves a little during a dissolve still adds up."""
_FITS: Final = 0.9
"""Share of the middle's relief that the sum must explain;"""
_BETTER: Final = 0.4
"""share of what the better of the two sides alone leaves that the sum may leave."""
_UNLIKE: Final = 0.6
"""Correlation of the two sides from which on they are one scene."""
_FLAT: Final = 6.0
"""Spread, in 8-bit levels, of a side that shows nothing: that is a fade."""


class DissolveFinder:
    """Sees small pictures one after the other.

    Attributes:
        found: Middle frame and span of each dissolve found so far.
    """

    def __init__(self, first: int) -> None:
        self.found: list[tuple[int, int]] = []
        self._next = first
        self._recent: deque[Thumb] = deque(maxlen=max(_SPANS) + 1)
        self._seen: list[tuple[int, int]] = []

    def see(self, thumb: Thumb) -> None:
        """The next picture, 8-bit levels."""
        import cv2

        size = min(_SIZE[0], thumb.shape[1]), min(_SIZE[1], thumb.shape[0])
        self._recent.append(np.asarray(cv2.resize(thumb, size, interpolation=cv2.INTER_AREA), np.float32))
        now, self._next = self._next, self._next + 1
        for span in _SPANS:
            if len(self._recent) > span and self._fit(span) > 0:
                self._keep(now - span // 2, span)

    def _keep(self, middle: int, span: int) -> None:
        """One dissolve is seen from many places and in several spans: it lies in the middle of them."""
        if self._seen and middle - self._seen[-1][0] > max(_SPANS):
            self._seen = []
        if self._seen:
            self.found.pop()
        self._seen.append((middle, span))
        places = sorted(place for place, _ in self._seen)
        self.found.append((places[len(places) // 2], max(length for _, length in self._seen)))

    def _fit(self, span: int) -> float:
        """How well the picture in the middle is half of either side; 0 where it is no dissolve."""
        a, b = self._recent[-1 - span], self._recent[-1]
        if min(float(a.std()), float(b.std())) < _FLAT:
            return 0.0
        both = _centred(a), _centred(b)
        alike = float(np.vdot(*both)) / float(np.linalg.norm(both[0]) * np.linalg.norm(both[1]))
        if alike > _UNLIKE:
            return 0.0
        share, fit = _shares(self._recent[-1 - span // 2], *both)
        if fit < _FITS or not 0.3 < share < 0.7:
            return 0.0
        early, good = _shares(self._recent[-1 - 3 * span // 4], *both)
        late, fine = _shares(self._recent[-1 - span // 4], *both)
        if min(good, fine) < _FITS or not early - share > 0.08 or not share - late > 0.08:
            return 0.0
        return fit


def _centred(picture: Thumb) -> Thumb:
    return np.asarray((picture - picture.mean()).ravel())


def _shares(middle: Thumb, a: Thumb, b: Thumb) -> tuple[float, float]:
    """Share of the first side in a picture, and how much of the picture's relief the two explain together.

    0 explained where one side alone does nearly as well.
    """
    want = _centred(middle)
    sides: Any = np.stack([a, b], axis=1)
    parts, *_ = np.linalg.lstsq(sides, want, rcond=None)
    power = float(want @ want)
    total = float(parts.sum())
    if power <= 0 or total <= 0 or min(parts) < 0:
        return 0.0, 0.0
    left = float(((want - sides @ parts) ** 2).sum())
    alone = min(power - float(want @ side) ** 2 / float(side @ side) for side in (a, b))
    if left > _BETTER * alone:
        return 0.0, 0.0
    return float(parts[0]) / total, 1 - left / power
