"""Numbers: how near a result comes to the clean clip, where, and what of the damage was found.

All are sums that are pooled by adding: a `Tally` of a clip, of several, of all. Ratios and decibels come last.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from .footage import Picture
from .truth import MOVES, SIZES, Blobs, Truth, bins_of, chroma_of, deepest

__all__ = [
    "CHANGED",
    "Tally",
    "changes",
    "detected",
    "harmed",
    "leaks",
    "precision",
    "psnr",
    "ratio",
    "recall_at",
    "repaired",
    "ssim",
    "way",
]

type Flags = npt.NDArray[np.bool_]
type Tally = Counter[str]

CHANGED = 2.0
"""A pixel that differs by more levels of 8 bits in any plane has been changed."""
SEEN = 20
"""Area in pixels from which a false repair is seen."""
_FOUND = 0.5
"""A piece is found when this share of what it changes lies under the mask."""


# --- the picture ----------------------------------------------------------------------------------------------------


def repaired(truth: Truth, result: list[list[Picture]]) -> Tally:
    """Squared errors and structural similarity of luma, whole and by region; squared errors are of 8-bit levels."""
    tally: Tally = Counter()
    for n in truth.frames:
        clean, got = (np.asarray(planes[n][0], np.float32) / truth.step for planes in (truth.clean, result))
        squared, alike = (clean.astype(np.float64) - got) ** 2, _similarity(clean, got)
        tally.update({"error": squared.sum(), "pixels": squared.size})
        for name, where in truth.regions(n):
            tally.update({f"error {name}": squared[where].sum(), f"pixels {name}": int(where.sum()),
                          f"alike {name}": alike[where].sum(dtype=np.float64)})  # fmt: skip
    return tally


def _similarity(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Structural similarity of each pixel: Z. Wang et al., "Image Quality Assessment" (2004); Gaussian, 1.5 pixels."""

    def mean(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return cv2.GaussianBlur(x, (11, 11), 1.5)

    ma, mb = mean(a), mean(b)
    va, vb, both = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return np.asarray((2 * ma * mb + c1) * (2 * both + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2)))


def psnr(tally: Tally, region: str = "") -> float:
    """Peak 255, in dB; infinite where nothing differs, and not a number where there is no such pixel."""
    tail = f" {region}" if region else ""
    error, pixels = tally[f"error{tail}"], tally[f"pixels{tail}"]
    if not pixels:
        return math.nan
    return math.inf if error == 0 else 10 * math.log10(255**2 * pixels / error)


def ssim(tally: Tally, region: str) -> float:
    """Mean structural similarity of a region."""
    return ratio(tally[f"alike {region}"], tally[f"pixels {region}"])


def ratio(part: float, whole: float) -> float:
    """A share; not a number of nothing."""
    return part / whole if whole else math.nan


def way(ours: float, classical: float, oracle: float) -> float:
    """How far from the best classical filter to the oracle, in dB; 1 where the oracle has no lead."""
    return (ours - classical) / (oracle - classical) if oracle > classical else float(ours >= oracle)


# --- what was found -------------------------------------------------------------------------------------------------


def changes(truth: Truth, result: list[list[Picture]], least: float = CHANGED) -> list[Flags]:
    """The pixels a filter without a mask changed: what it took for damage."""
    return [deepest(a, b, truth.step) > least for a, b in zip(truth.damaged, result, strict=True)]


def detected(truth: Truth, found: Sequence[Flags]) -> Tally:
    """Pixels and pieces that were found, of each class, size and motion; pixels and pieces that were found wrongly."""
    tally: Tally = Counter()
    for n in truth.frames:
        mask = found[n]
        right, wrong = mask & truth.case.masks[n], mask & ~truth.near[n]
        tally.update({"frames": 1, "right": int(right.sum()), "wrong": int(wrong.sum())})
        tally.update(_pieces_found(mask, truth.near[n]))
        for name, blobs in truth.blobs.items():
            there = truth.case.classes[name][n]
            tally.update({f"pixels {name}": int(there.sum()), f"pixels found {name}": int((there & mask).sum())})
            tally.update(_truths_found(name, blobs[n], mask, truth.depth(n)))
    return tally


def _pieces_found(mask: Flags, near: Flags) -> Counter[str]:
    """Pieces of the mask, and those that touch no damage."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    touches = np.zeros(count, bool)
    touches[np.unique(labels[near])] = True
    false = ~touches[1:]
    seen = false & (stats[1:, cv2.CC_STAT_AREA] > SEEN)
    return Counter({"pieces": count - 1, "false pieces": int(false.sum()), "false seen": int(seen.sum())})


def _truths_found(name: str, blobs: Blobs, mask: Flags, depth: npt.NDArray[np.float32]) -> Counter[str]:
    count = len(blobs.area)
    tally: Counter[str] = Counter()
    if not count:
        return tally
    covered = np.bincount(blobs.labels[mask], depth[mask], count + 1)[1:]
    hit = covered >= _FOUND * blobs.depth
    # Of a line or a stain in pieces, the frame as a whole: half of all its damage.
    tally.update({f"blobs {name}": count, f"blobs found {name}": int(hit.sum()), f"frames {name}": 1,
                  f"frames found {name}": int(covered.sum() >= _FOUND * blobs.depth.sum())})  # fmt: skip
    for head, values, edges in (("size", blobs.area, SIZES), ("motion", blobs.motion, MOVES)):
        bins = bins_of(values, edges)
        for k in range(len(edges) + 1):
            here = bins == k
            tally.update({f"{head} {k} {name}": int(here.sum()), f"{head} {k} found {name}": int(hit[here].sum())})
    return tally


def precision(tally: Tally) -> tuple[float, float]:
    """By pixels and by pieces: how much of what was found is damage, or right beside it."""
    by_pixel = ratio(tally["right"], tally["right"] + tally["wrong"])
    return by_pixel, 1 - ratio(tally["false pieces"], tally["pieces"])


def recall_at(curve: Sequence[tuple[float, float]], most: float = 1.0) -> float:
    """Recall where ``most`` false pieces a frame are found, between the points (false pieces, recall) of a sweep.

    Where all points have fewer it is the best recall among them; where all have more it is scaled down towards none.
    """
    points = sorted([(0.0, 0.0), *curve])
    best = max((recall for false, recall in points if false <= most), default=0.0)
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= most < x1:
            best = max(best, y0 + (y1 - y0) * (most - x0) / (x1 - x0))
    return best


# --- harm -----------------------------------------------------------------------------------------------------------


def harmed(truth: Truth, result: list[list[Picture]]) -> Tally:
    """On a clip without damage: pixels changed by more than `CHANGED`, and false repairs large enough to be seen."""
    tally: Tally = Counter()
    for mask in changes(truth, result):
        count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        seen = int((stats[1:, cv2.CC_STAT_AREA] > SEEN).sum()) if count > 1 else 0
        tally.update({"changed": int(mask.sum()), "pixels": mask.size, "false seen": seen, "frames": 1})
    return tally


def leaks(before: list[list[Picture]], after: list[list[Picture]], masks: Sequence[Flags]) -> int:
    """Samples that differ outside the masks a filter says it changed; in chroma, outside of all it belongs to."""
    count = 0
    for old, new, mask in zip(before, after, masks, strict=True):
        outside = [~mask] + [~chroma_of(mask)] * (len(old) - 1)
        count += sum(int((a != b)[free].sum()) for a, b, free in zip(old, new, outside, strict=True))
    return count
