"""Hints of stains: a broad change of the picture that is undone a few frames later, at the same place.

Steps between small pictures are compared with what is usual at each place: what comes and goes leaves one step and,
later, the same step backwards. A limb that passes does so as well, but it hides what is behind it; through a stain the
drawing still shows. A finder that takes its time then looks there and nowhere else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["PasserFinder"]

type Thumb = npt.NDArray[np.float32]
type Flags = npt.NDArray[np.bool_]

_LONGEST: Final = 12
_LEAST: Final = 2.0
"""Levels by which a place must change;"""
_WIDE: Final = (0.02, 0.5)
"""share of the picture that does, in one piece."""
_ALONE: Final = 3.0
"""How much stronger such a step is than what is usual at its place,"""
_LEARNT: Final = 0.12
"""of which each step tells so much."""
_BACK: Final = 0.88
"""How well the step back must fit the step there, at the places that changed."""
_SHOWS: Final = 0.5
"""How much of the drawing must show through, when it comes and when it goes."""
_FEWEST: Final = 6
_MOST: Final = 400


@dataclass(frozen=True, slots=True)
class _Step:
    """A step that is broad and unusual: what changed, in which pieces, and the pictures before and after it."""

    at: int
    change: Thumb
    labels: npt.NDArray[np.int32]
    before: Thumb
    after: Thumb
    pieces: tuple[int, ...]


class PasserFinder:
    """Sees small pictures one after the other.

    Attributes:
        found: First frame with what came, and first frame without it.
    """

    def __init__(self, first: int) -> None:
        self.found: list[tuple[int, int]] = []
        self._next = first
        self._last: Thumb | None = None
        self._usual: Thumb | None = None
        self._steps: deque[_Step] = deque()

    def see(self, thumb: Thumb) -> None:
        """The next picture, 48 pixels wide or less, 8-bit levels."""
        now, self._next = self._next, self._next + 1
        if self._last is not None and self._last.shape == thumb.shape and min(thumb.shape) >= _FEWEST:
            while self._steps and self._steps[0].at < now - _LONGEST:
                self._steps.popleft()
            step = self._step(thumb, self._last, now)
            if step is not None:
                self._compare(step)
                self._steps.append(step)
        self._last = thumb

    def _step(self, thumb: Thumb, last: Thumb, now: int) -> _Step | None:
        """What changed that does not change all the time; None where that is little, or nearly all."""
        import cv2

        change = thumb - last
        change -= np.median(change)
        size = np.asarray(cv2.blur(np.abs(change), (3, 3)), np.float32)
        usual = np.zeros_like(size) if self._usual is None else self._usual
        self._usual = size if self._usual is None else usual + _LEARNT * (np.minimum(size, 4 * usual + 1) - usual)
        hit = (size > np.maximum(_LEAST, _ALONE * usual)).astype(np.uint8)
        if not _WIDE[0] < float(hit.mean()) < _WIDE[1]:
            return None
        whole = cv2.morphologyEx(hit, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(whole)
        pieces = tuple(n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] > _WIDE[0] * hit.size)
        return _Step(now, change, np.asarray(labels), last, thumb, pieces) if pieces else None

    def _compare(self, step: _Step) -> None:
        """Whether pieces of this step undo one of those before."""
        for piece in step.pieces:
            came = next((before.at for before in reversed(self._steps) if _undoes(step, piece, before)), None)
            if came is not None and (came, step.at) not in self.found and len(self.found) < _MOST:
                self.found.append((came, step.at))


def _undoes(step: _Step, piece: int, before: _Step) -> bool:
    part = step.labels == piece
    for other in _overlapping(before, part):
        both = part | (before.labels == other)
        a, b = step.change[both], before.change[both]
        power = float(np.linalg.norm(a) * np.linalg.norm(b))
        if power > 0 and -float(a @ b) > _BACK * power and min(_shows(each, both) for each in (before, step)) > _SHOWS:
            return True
    return False


def _overlapping(step: _Step, part: Flags) -> Iterator[int]:
    """The pieces of a step that lie where another piece does."""
    there = set(np.unique(step.labels[part]).tolist())
    return (piece for piece in step.pieces if piece in there)


def _shows(step: _Step, where: Flags) -> float:
    """How much of the drawing before a step is there after it, lighter or darker; below 0 where another one is."""
    import cv2

    inner = cv2.erode(where.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    inner = inner if inner.sum() >= _FEWEST else where
    x, y = (_drawing(picture)[inner] for picture in (step.before, step.after))
    left = y - float(x @ y) / max(float(x @ x), 1e-6) * x
    return 1 - _rms(left) / max(_rms(x), _rms(y), 1.0)


def _drawing(picture: Thumb) -> Any:
    import cv2

    return picture - cv2.blur(picture, (3, 3))


def _rms(values: Any) -> float:
    return float(np.sqrt((values * values).mean()))
