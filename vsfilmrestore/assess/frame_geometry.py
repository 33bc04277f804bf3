"""What of the frame is picture: borders, a frame line that shows, and the aspect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.assess.samples import Sample

__all__ = ["Borders", "borders_of", "frame_line"]

type Floats = npt.NDArray[np.float32]

_BLACK: Final = 0.09
"""Brightest a border may be, black being 0 and white 1; the 90th percentile of a row or column."""
_EVEN: Final = 0.03
_DARK: Final = 0.12
"""A picture whose brightest parts stay below tells nothing of borders."""
_WIDEST: Final = 0.35
_LINE: Final = 0.06
"""Share of the height that a frame line takes at the most."""


@dataclass(frozen=True, slots=True)
class Borders:
    """Rows and columns around the picture that hold none."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0
    sure: bool = False

    def within(self, plane: Floats) -> Floats:
        """The picture alone; two pixels more are left out where there is a border, for its edge is soft."""
        height, width = plane.shape
        left, right, top, bottom = (side + 2 * bool(side) for side in (self.left, self.right, self.top, self.bottom))
        return np.ascontiguousarray(plane[top : height - bottom, left : width - right])


def borders_of(samples: Sequence[Sample]) -> Borders:
    """The borders that all samples have."""
    known = [_borders(sample.luma) for sample in samples if float(np.quantile(sample.luma[::4, ::4], 0.98)) > _DARK]
    if not known:
        return Borders()
    left, right, top, bottom = (min(each) for each in zip(*known, strict=True))
    height, width = samples[0].luma.shape
    if max(left, right) > _WIDEST * width or max(top, bottom) > _WIDEST * height:
        return Borders()
    return Borders(left, right, top, bottom, sure=True)


def _borders(luma: Floats) -> tuple[int, int, int, int]:
    rows, columns = (_dark(luma, axis) for axis in (1, 0))
    return _run(columns), _run(columns[::-1]), _run(rows), _run(rows[::-1])


def _dark(luma: Floats, axis: int) -> npt.NDArray[np.bool_]:
    high = np.quantile(luma, 0.95, axis=axis)
    return np.asarray((high < _BLACK) & (luma.std(axis=axis) < _EVEN))


def _run(dark: npt.NDArray[np.bool_]) -> int:
    """How many in a row from the start."""
    return int(np.argmin(dark)) if not dark.all() else len(dark)


def frame_line(samples: Sequence[Sample], borders: Borders) -> float:
    """Height of the line between two frames of film: a dark band across the picture, picture beyond it; 0 for none."""
    found = [_line(borders.within(sample.luma)) for sample in samples]
    return float(np.median(found)) if found else 0.0


def _line(luma: Floats) -> float:
    height = len(luma)
    if min(luma.shape) < 64 or float(np.quantile(luma[::4, ::4], 0.9)) < _DARK:
        return 0.0
    dark = _dark(luma, 1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], dark.astype(int), [0]])))
    bands = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    outer = height // 4
    for start, stop in bands:
        inside = start > 3 and stop < height - 3
        if inside and 2 <= stop - start <= _LINE * height and (stop < outer or start > height - outer):
            beyond = luma[:start] if stop < outer else luma[stop:]
            if len(beyond) >= 3 and float(np.quantile(beyond, 0.9)) > _DARK:
                return float(stop - start)
    return 0.0
