"""Each wire for itself: whether it can be seen at all, and how much of its length was found."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from .truth import RING, Truth, spread

__all__ = ["SIGMAS", "length_found", "strands_found", "visible"]

type Flags = npt.NDArray[np.bool_]
type Reals = npt.NDArray[np.float32]

SIGMAS = 2.0
"""A wire can be seen where it differs from what is behind by so many times the grain and fine detail around."""
_FINE, _LEAST = 1.5, 1.0
"""What a Gaussian of so many pixels takes away is grain and fine detail; it is one level of 8 bits at least."""
_PIECE = 17
"""Pixels along a wire over which its difference is averaged."""
_SHORTEST = 24
"""Pixels; of a wire of which less can be seen nothing is asked."""


def strands_found(truth: Truth, n: int, mask: Flags) -> dict[str, int]:
    """Wires of a frame that can be seen, and those of which half the length was found."""
    strands = truth.case.strands
    if not len(strands):
        return {}
    clean, damaged = (np.asarray(planes[n][0], np.float32) / truth.step for planes in (truth.clean, truth.damaged))
    seen = [visible(clean, damaged, core) for core in strands[:, n]]
    seen = [part for part in seen if part.sum() >= _SHORTEST]
    return {"strands": len(seen), "strands found": sum(length_found(part, mask) >= 0.5 for part in seen)}


def visible(clean: Reals, damaged: Reals, core: Flags) -> Flags:
    """The part of a wire's middle that can be seen: a white wire before a white wall cannot.

    Its difference in luma is averaged along the wire; grain and detail are the standard deviation, told by the median
    of absolute deviations, of what is finer than a Gaussian in the clean picture around.
    """
    if not core.any():
        return core
    fine = clean - cv2.GaussianBlur(clean, (0, 0), _FINE)
    around = fine[spread(core, RING)]
    sigma = 1.4826 * float(np.median(np.abs(around - np.median(around))))
    window = (_PIECE, _PIECE)
    there = cv2.boxFilter(core.astype(np.float32), -1, window)
    apart = cv2.boxFilter(np.where(core, damaged - clean, np.float32(0)), -1, window) / np.maximum(there, 1e-6)
    return core & (np.abs(apart) >= SIGMAS * max(sigma, _LEAST))


def length_found(core: Flags, mask: Flags) -> float:
    """Share of a wire's length, cut into pieces of one pixel along it, of which half lies under the mask."""
    y, x = np.nonzero(core)
    places = np.stack((x - x.mean(), y - y.mean()))
    along = np.linalg.eigh(places @ places.T)[1][:, 1] @ places
    piece = np.rint(along - along.min()).astype(int)
    there, hit = np.bincount(piece), np.bincount(piece, mask[y, x])
    return float((hit[there > 0] >= 0.5 * there[there > 0]).mean())
