"""What is a wire among the pieces of which a network thinks so: long, thin, and sure all along.

Logistic regression over the numbers of a piece, fitted by scripts/train/wires.py to the network that it belongs to.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Pieces", "motion_of", "pieces_of", "verdict"]

type Reals = npt.NDArray[np.float64]
type Levels = npt.NDArray[np.floating[Any]]
type Labels = npt.NDArray[np.int32]

_WEIGHTS: Final = (-0.8821, -0.8188, 6.9656, 3.9102, 4.5014)
_CONSTANT: Final = -3.4985
_EDGE: Final = 0.1
"""A piece goes on where the network is so sure."""
_CORE: Final = 0.4
"""The middle of a piece, where it stands out."""
_ALONG: Final = (17, 17)
"""Pixels over which brightness is compared along a piece."""
_SHORTEST: Final = 0.5
"""Shorter pieces, of the least length, are none."""


class Pieces(NamedTuple):
    """What a network thinks wires, in connected pieces.

    Attributes:
        labels: Number of each pixel's piece, H x W; 0 where there is none.
        known: What is known of each piece, [piece, 5]; row 0 is of no piece.
    """

    labels: Labels
    known: Reals


def pieces_of(sure: Levels, least: float, widest: float) -> Pieces:
    """The pieces of a frame.

    Args:
        sure: How likely each pixel is part of a wire, 0..1, H x W.
        least: Length in pixels below which a wire is left.
        widest: Greatest width in pixels.
    """
    import cv2  # on first use: it is large, and a plan needs none of it

    hit = (sure >= _EDGE).astype(np.uint8)
    count, marked, stats, _ = cv2.connectedComponentsWithStats(hit, connectivity=8)
    labels = np.asarray(marked, np.int32)
    at = np.flatnonzero(labels)
    owner = labels.ravel()[at]
    p = sure.ravel()[at].astype(np.float64)
    area = np.maximum(np.bincount(owner, minlength=count), 1)
    mean, most = np.bincount(owner, p, count) / area, np.zeros(count)
    np.maximum.at(most, owner, p)
    depth = np.bincount(owner, cv2.distanceTransform(hit, cv2.DIST_L2, 3).ravel()[at], count) / area
    length = np.log(np.maximum(np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) / least, 0.01))
    # A bar is four times as wide as its pixels lie deep within it.
    known = np.stack([length, (4 * depth - 1) / widest, mean, most, length * mean], 1)
    gone = length < np.log(_SHORTEST)
    gone[0] = True
    return Pieces(np.where(gone[labels], 0, labels).astype(np.int32), known)


def verdict(known: Reals) -> Reals:
    """How likely each piece is a wire, in log odds."""
    odds: Reals = known @ np.array(_WEIGHTS) + _CONSTANT
    return odds


def motion_of(pieces: Pieces, sure: Levels, luma: Levels, behind: Levels, widest: float) -> Reals:
    """How much of what each piece stands out by is gone in other frames: 0 for what stands still, 1 for what moves.

    Args:
        pieces: Of the frame.
        sure: What they are of.
        luma: The frame, H x W.
        behind: What other frames show there, of the same level.
        widest: Greatest width of a wire in pixels.
    """
    import cv2  # on first use: it is large, and a plan needs none of it

    reach = 2 * (round(widest) + 3) + 1
    clear = (sure < _EDGE).astype(np.float32)
    around = cv2.boxFilter(luma * clear, -1, (reach, reach)) / np.maximum(
        cv2.boxFilter(clear, -1, (reach, reach)), 1e-3
    )
    core = (sure > _CORE) & (pieces.labels > 0)
    owner, count = pieces.labels[core], len(pieces.known)
    gone, whole = (
        np.bincount(owner, np.abs(cv2.boxFilter(np.where(core, luma - other, 0), -1, _ALONG))[core], count)
        for other in (behind, around)
    )
    share: Reals = gone / np.maximum(whole, 1e-3)
    return share
