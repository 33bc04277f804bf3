"""Dirt told by a network and by the measures of each speck, alone or together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._detector import Detector
from vsfilmrestore.filters._dirt_dose import Dose
from vsfilmrestore.filters._dirt_fall import falling
from vsfilmrestore.filters._dirt_judge import heard, judged
from vsfilmrestore.filters._dirt_measured import evidence, grown
from vsfilmrestore.filters._dirt_movers import without_movers
from vsfilmrestore.filters._dirt_sight import Sight
from vsfilmrestore.filters._dirt_specks import ALONE, Specks, specks

__all__ = ["DETECTOR", "learned_mask"]

core = vs.core

type Bytes = npt.NDArray[np.uint8]
type Levels = npt.NDArray[np.floating[Any]]
type Labels = npt.NDArray[np.int32]
type Flags = npt.NDArray[np.bool_]

DETECTOR: Final = Detector(task="dirt", own="dirt-t1")
_NEEDED: Final = 2.2
"""Log odds that a speck needs before any strength, by its measures and the network together."""
_RAIN: Final = 1.5
"""Log odds that specks need besides in a frame where something falls."""
_KIN: Final = 1.5
"""Log odds less are needed by specks of one piece with dirt."""
_DOUBT: Final = -0.5
"""Where both together are so doubtful, the measures alone are no proof either."""
_BOTH, _ALONE = np.uint8(255), np.uint8(128)
"""How a mask is marked by who found what."""
_LARGE: Final = 100
"""Pixels; of a smaller piece it may be chance which of them stand out."""
_SOLID: Final = 0.12
"""Share of a large piece that must stand out from both neighbours."""
_EDGE: Final = 0.35
"""A speck that the network alone is sure of goes on as far as pixels are so likely damage."""


def learned_mask(seen: Sight, model: str, dose: Dose) -> vs.VideoNode:
    """GRAY8 mask of dirt.

    Args:
        seen: The clip and its neighbours.
        model: A model for the task ``dirt``.
        dose: What is to be removed.

    Raises:
        VsfrError: There is no such model, or it cannot be run.
    """
    proof = evidence(seen)
    sure = core.akarin.Expr([DETECTOR.damage(model, seen)], "x 65535 *", format=vs.GRAY16)
    blank = core.std.BlankClip(proof.maps[0], keep=True).std.CopyFrameProps(proof.maps[0])
    luma, _, before, after, _ = seen.lumas
    lighter = core.akarin.Expr([luma, before, after], "x 2 * y z + > 255 0 ?", format=vs.GRAY8)

    def told(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        known = np.asarray(f[1][0]).astype(np.float32) / 65535
        return _told(f[0], f[3:], known, np.asarray(f[2][0]), dose)

    mask = without_movers(core.std.ModifyFrame(blank, [blank, sure, lighter, *proof.maps], told), seen)
    both = core.akarin.Expr([mask], f"x {_BOTH} = 255 0 ?")
    return core.akarin.Expr([mask, grown(both, proof)], "x 0 > 255 y ?")


def _told(
    blank: vs.VideoFrame, maps: Sequence[vs.VideoFrame], sure: Levels, lighter: Bytes, dose: Dose
) -> vs.VideoFrame:
    """What is dirt: `_BOTH` where measures and network say so together, `_ALONE` where the network alone does."""
    found, one_side = specks(maps), _one_side(blank)
    count, regions = _regions(sure)
    falls, hollow = falling(found)[found.labels], _hollow(count, regions, found)[regions]
    both = _by_both(found, regions, sure, dose, one_side + _RAIN * bool(falls.any())) & ~falls & ~hollow
    barred = _held(falls, count, regions, found) | hollow
    alone = _by_network(count, regions, sure, lighter, dose, one_side) & ~barred
    out = blank.copy()
    np.copyto(np.asarray(out[0]), np.where(both, _BOTH, alone * _ALONE))
    return out


def _one_side(frame: vs.VideoFrame) -> bool:
    """Whether both neighbours are one and the same frame, mirrored at a cut or printed twice: half the evidence."""
    return frame.props["PlaneStatsDiff"] == 0


def _regions(sure: Levels) -> tuple[int, Labels]:
    """The pieces the network marks: how many, 0 included, and the number of each pixel's."""
    import cv2  # on first use: it is large, and a plan needs none of it

    count, marked = cv2.connectedComponents((sure >= _EDGE).astype(np.uint8), connectivity=8)
    return count, np.asarray(marked, np.int32)


def _hollow(count: int, regions: Labels, found: Specks) -> Flags:
    """Large pieces of which hardly a pixel stands out from both neighbours: they were followed, but for their edges."""
    area = np.bincount(regions.ravel(), minlength=count)
    stands = np.bincount(regions.ravel(), found.labels.ravel() > 0, count)
    hollow: Flags = (area >= _LARGE) & (stands < _SOLID * area)
    hollow[0] = False
    return hollow


def _held(barred: Flags, count: int, regions: Labels, found: Specks) -> Flags:
    """The pieces of which most that stands out is barred."""
    stands, owner = found.labels.ravel() > 0, regions.ravel()
    held = np.bincount(owner, barred.ravel() & stands, count) > 0.5 * np.maximum(np.bincount(owner, stands, count), 1)
    held[0] = False
    pieces: Flags = held[regions]
    return pieces


def _by_network(count: int, labels: Labels, sure: Levels, lighter: Bytes, dose: Dose, one_side: bool) -> Flags:
    """Pieces of which the network is sure enough somewhere."""
    at = np.flatnonzero(labels)
    owner = labels.ravel()[at]
    peak = np.zeros(count)
    np.maximum.at(peak, owner, sure.ravel()[at])
    area = np.maximum(np.bincount(owner, minlength=count), 1).astype(float)
    light = np.bincount(owner, lighter.ravel()[at] > 0, count) * 2 > area
    length = _lengths(count, owner, at, labels.shape[1])
    strength = dose.of(light, length, area)
    dirt = (peak >= _needed(strength, one_side)) & (strength > 0)
    dirt[0] = False
    mask: Flags = dirt[labels]
    return mask


def _lengths(count: int, owner: Labels, at: npt.NDArray[np.intp], width: int) -> npt.NDArray[np.float64]:
    """Longest side of the box of each piece, in pixels; what belongs to which is given by pixel."""
    sides = []
    for places in np.divmod(at, width):
        first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, -1)
        np.minimum.at(first, owner, places)
        np.maximum.at(last, owner, places)
        sides.append(np.where(last >= 0, last - first + 1, 0))
    return np.maximum(*sides).astype(float)


def _by_both(found: Specks, regions: Labels, sure: Levels, dose: Dose, more: float) -> Flags:
    """Specks that stand out from both neighbours, judged by measures and network; ``more`` log odds are needed."""
    strength = dose.of(found.light, found.length, found.area)
    known = heard(found, sure)
    eased = more - 2 * strength
    likely = judged(found, known)
    measured = (known[:, 0] > ALONE + eased) & (likely > _DOUBT + more)
    dirt = ((likely > _NEEDED + eased) | measured) & (strength > 0)
    dirt[0] = False
    dirt |= _of_one_piece(found, regions, dirt) & (likely > _NEEDED - _KIN + eased) & (strength > 0)
    mask: Flags = dirt[found.labels]
    return mask


def _of_one_piece(found: Specks, regions: Labels, dirt: Flags) -> Flags:
    """Specks that lie, for the most part, in one piece of the network's with dirt."""
    with_dirt = np.zeros(int(regions.max()) + 1, bool)
    with_dirt[regions[dirt[found.labels]]] = True
    with_dirt[0] = False
    inside = np.bincount(found.labels.ravel(), with_dirt[regions].ravel(), len(found.area))
    kin: Flags = inside > 0.5 * np.maximum(found.area, 1)
    kin[0] = False
    return kin


def _needed(strength: npt.NDArray[np.float64], one_side: bool) -> npt.NDArray[np.float64]:
    """How sure the network alone must be of a speck; more than 1 at low strengths, where its word alone is no proof."""
    needed = 1.23 - 0.5 * strength
    return (1 + needed) / 2 if one_side else needed
