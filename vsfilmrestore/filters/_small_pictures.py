"""Arithmetic on small grey pictures: means over squares, grown areas, pictures moved by a flow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = [
    "as_bytes",
    "depth_of",
    "deviation",
    "eroded",
    "everywhere",
    "grown",
    "mean",
    "moved_by",
    "real",
    "slope",
    "touching",
    "widest",
]

type Picture = npt.NDArray[np.float32]
type Bytes = npt.NDArray[np.uint8]
type Flags = npt.NDArray[np.bool_]


def touching(seeds: Flags, within: Flags) -> Flags:
    """The seeds, and the parts of ``within`` that touch them."""
    import cv2

    count, labels = cv2.connectedComponents((seeds | within).astype(np.uint8), connectivity=8)
    hit = np.zeros(count, bool)
    hit[labels[seeds]] = True
    hit[0] = False
    return np.asarray(hit[labels])


def slope(picture: Picture) -> Picture:
    """What one pixel of displacement changes."""
    import cv2

    smooth = mean(picture, 3)
    dx, dy = (cv2.Sobel(smooth, cv2.CV_32F, i, 1 - i, scale=1 / 8) for i in (1, 0))
    return mean(np.asarray(np.hypot(dx, dy)), 5)


def depth_of(area: Flags) -> Picture:
    """Distance to the edge of the area, on both sides."""
    import cv2

    return np.asarray(sum(cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 3) for part in (area, ~area)))


def mean(picture: Picture, side: int) -> Picture:
    """Mean over squares of ``side`` pixels."""
    import cv2

    return np.asarray(cv2.blur(picture, (side, side)))


def deviation(picture: Picture, side: int) -> Picture:
    """Standard deviation within squares of ``side`` pixels."""
    around = mean(picture, side)
    return np.sqrt(np.maximum(mean(picture * picture, side) - around * around, 0))


def widest(picture: Picture) -> Picture:
    """The greatest of each pixel and its eight neighbours."""
    import cv2

    return np.asarray(cv2.dilate(picture, np.ones((3, 3), np.uint8)))


def grown(flags: Flags, steps: int) -> Flags:
    """The area and so many pixels around it."""
    import cv2

    return np.asarray(cv2.dilate(flags.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=steps) > 0)


def eroded(flags: Flags, steps: int) -> Flags:
    """The area without so many pixels of its rim."""
    return ~grown(~flags, steps)


def moved_by(picture: Picture, flow: Picture) -> Picture:
    """What ``picture`` shows at x + flow, laid down at x."""
    import cv2

    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    at = columns + flow[..., 0], rows + flow[..., 1]
    return np.asarray(cv2.remap(picture, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def everywhere(way: Picture, like: Picture) -> Picture:
    """A flow that is the same at all places."""
    return np.broadcast_to(way, (*like.shape, 2))


def real(picture: Bytes) -> Picture:
    """8-bit levels as real numbers."""
    return picture.astype(np.float32)


def as_bytes(picture: Picture) -> Bytes:
    """Real levels as 8 bits."""
    return np.rint(picture).clip(0, 255).astype(np.uint8)
