"""Dirt seldom comes alone: what is in doubt is dirt where others of its frame are, and stays where none is.

How much of what looks like dirt is dirt differs more from film to film than by anything that a speck itself tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

__all__ = ["ALONE", "BOTH", "COMPANY", "in_company", "marked"]

core = vs.core

type Flags = npt.NDArray[np.bool_]
type Bytes = npt.NDArray[np.uint8]

COMPANY: Final = (1.0, 0.0)
"""Log odds that dirt needs besides: without others of its frame that are dirt by themselves, and with such."""
_WIDTH: Final = 480
"""Pixels; in wider pictures more of what looks like dirt is none, and each counts for less."""
BOTH, ALONE = np.uint8(255), np.uint8(128)
"""How a mask is marked by who found what: measures and network together, or the network alone. What needs company is
marked by one less.
"""


def marked(found: Sequence[tuple[Flags, Flags]]) -> Bytes:
    """A mask of what is dirt, and of what is so in company.

    Args:
        found: What is `BOTH` and what is `ALONE`, for each of `COMPANY` or the first of them.
    """
    marks = np.zeros(found[0][0].shape, np.uint8)
    for step, (both, alone) in reversed(list(enumerate(found))):
        marks[alone] = ALONE - np.uint8(step)
        marks[both] = BOTH - np.uint8(step)
    return marks


def in_company(mask: vs.VideoNode) -> vs.VideoNode:
    """A mask of what is dirt, `BOTH` or `ALONE`, of what was `marked`."""

    def kept(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        marks = np.asarray(f[0])
        if not marks.any():
            return f
        out = f.copy()
        np.copyto(np.asarray(out[0]), _in_company(marks))
        return out

    return core.std.ModifyFrame(mask, mask, kept)


def _in_company(marks: Bytes) -> Bytes:
    import cv2  # on first use: it is large, and a plan needs none of it

    count, labels = cv2.connectedComponents(marks, connectivity=8)
    is_dirt = np.bincount(labels[(marks == BOTH) | (marks == ALONE)], minlength=count) > 0
    company = is_dirt.sum() * min(_WIDTH / marks.shape[1], 1.0)
    stays = (marks > 0) & (is_dirt | (company >= 1))[labels]
    return np.where(stays, np.where(marks > ALONE, BOTH, ALONE), np.uint8(0))
