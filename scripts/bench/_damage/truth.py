"""What is known of a case, in the form in which results are measured against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from .cases import Case
from .footage import Picture, planes_of

__all__ = ["BESIDE", "MOVES", "RING", "SIZES", "Blobs", "Truth", "bins_of", "chroma_of", "deepest", "spread"]

type Flags = npt.NDArray[np.bool_]
type Reals = npt.NDArray[np.float64]

BESIDE = 3
"""A pixel this near to damage is neither rightly nor wrongly found."""
RING = 8
"""How wide the ring around damage is."""
VISIBLE = 6.0
"""A blob counts when it changes some sample by so many levels of 8 bits."""
SIZES = (12, 50, 200)
"""Edges of the bins of size, in pixels of area."""
MOVES = (0.5, 2.0, 8.0)
"""Edges of the bins of motion, in pixels from frame to frame."""


@dataclass(frozen=True)
class Blobs:
    """The damage of one class in one frame, piece by piece.

    Attributes:
        labels: H, W; 0 where there is none, and for pieces that nobody sees.
        area: Pixels of each piece, its label less 1.
        depth: Sum of what each piece changes, in 8-bit levels.
        motion: How far the picture moves there, pixels from frame to frame.
    """

    labels: npt.NDArray[np.int32]
    area: Reals
    depth: Reals
    motion: Reals


class Truth:
    """A case in memory. The first and last frames lack a neighbour and do not count.

    Args:
        case: What is measured on.
        frames: Only these frames count.
    """

    def __init__(self, case: Case, frames: range | None = None) -> None:
        self.case = case
        self.clean, self.damaged = planes_of(case.clean), planes_of(case.damaged)
        self.peak = (1 << case.clean.format.bits_per_sample) - 1
        self.step = 1 << (case.clean.format.bits_per_sample - 8)
        self.frames = range(1, len(self.clean) - 1) if frames is None else frames
        self.near = [spread(mask, BESIDE) for mask in case.masks]
        self.ring = [spread(mask, RING) & ~mask for mask in case.masks]
        self._depths = [deepest(a, b, self.step) for a, b in zip(self.clean, self.damaged, strict=True)]
        moves = _motions([planes[0] for planes in self.clean], self.step) if case.classes else []
        self.blobs = {
            name: [_blobs(mask, depth, move) for mask, depth, move in zip(masks, self._depths, moves, strict=True)]
            for name, masks in case.classes.items()
        }

    def depth(self, frame: int) -> npt.NDArray[np.float32]:
        """By how much damage changes each pixel, in 8-bit levels."""
        return self._depths[frame]

    def regions(self, frame: int) -> Iterator[tuple[str, Flags]]:
        """Inside of damage, in the ring around it, and outside of both."""
        inside, ring = self.case.masks[frame], self.ring[frame]
        yield from (("in", inside), ("ring", ring), ("out", ~(inside | ring)))


def deepest(a: list[Picture], b: list[Picture], step: int) -> npt.NDArray[np.float32]:
    """The largest difference in any plane, H, W, in 8-bit levels."""
    most = np.abs(a[0].astype(np.float32) - b[0])
    for one, other in zip(a[1:], b[1:], strict=True):
        change = np.abs(one.astype(np.float32) - other)
        np.maximum(most, change.repeat(2, 0).repeat(2, 1)[: most.shape[0], : most.shape[1]], out=most)
    return most / step


def chroma_of(mask: Flags) -> Flags:
    """A sample of chroma belongs to a mask when any of its four pixels does."""
    return mask[::2, ::2] | mask[1::2, ::2] | mask[::2, 1::2] | mask[1::2, 1::2]


def spread(mask: Flags, radius: int) -> Flags:
    """The mask and all within ``radius`` pixels."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def bins_of(values: Reals, edges: tuple[float, ...]) -> npt.NDArray[np.intp]:
    """In which bin each value lies: an edge belongs to the bin below it."""
    return np.searchsorted(np.asarray(edges, float), values, side="left")


def _blobs(mask: Flags, depth: npt.NDArray[np.float32], motion: npt.NDArray[np.float32]) -> Blobs:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    flat = labels.ravel()
    most = np.zeros(count)
    np.maximum.at(most, flat, depth.ravel())
    seen = most >= VISIBLE
    seen[0] = False
    renumbered = np.cumsum(seen) * seen
    labels = renumbered[labels].astype(np.int32)
    flat, pieces = labels.ravel(), int(seen.sum()) + 1
    area = np.bincount(flat, minlength=pieces)[1:]
    total = np.bincount(flat, depth.ravel(), pieces)[1:]
    moves = np.bincount(flat, motion.ravel(), pieces)[1:] / np.maximum(area, 1)
    return Blobs(labels, area.astype(float), total, moves)


def _motions(lumas: list[Picture], step: int) -> list[npt.NDArray[np.float32]]:
    """Length of the way of each pixel to the next frame, and to the one before where that is longer."""
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    pictures = [cv2.GaussianBlur((luma // step).astype(np.uint8), (0, 0), 1.0) for luma in lumas]
    steps = [search.calc(a, b, None) for a, b in pairwise(pictures)]
    lengths = [cv2.blur(np.hypot(*np.moveaxis(each, -1, 0)), (9, 9)) for each in steps]
    still = np.zeros(lumas[0].shape, np.float32)
    return [np.maximum(a, b) for a, b in zip([still, *lengths], [*lengths, still], strict=True)]
