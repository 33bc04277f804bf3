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
_FITS: Final = 0.965
"""Share of the middle's relief that the sum must explain;"""
_BETTER: Final = 0.3
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
        self._best: tuple[float, int, int] | None = None

    def see(self, thumb: Thumb) -> None:
        """The next picture, 48 pixels wide or less, 8-bit levels."""
        self._recent.append(thumb)
        now, self._next = self._next, self._next + 1
        for span in _SPANS:
            if len(self._recent) > span and (fit := self._fit(span)) > 0:
                self._keep(fit, now - span // 2, span)
        if self._best is not None and now - self._best[1] > max(_SPANS):
            self._best = None

    def _keep(self, fit: float, middle: int, span: int) -> None:
        """One dissolve is seen at many places and spans: the best of them stands for it."""
        if self._best is None:
            self._best = fit, middle, span
            self.found.append((middle, span))
        elif fit > self._best[0]:
            self._best = fit, middle, span
            self.found[-1] = middle, span

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
