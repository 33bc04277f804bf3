"""Dirt told by a network and by the measures of each speck, alone or together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._detector import Detector
from vsfilmrestore.filters._dirt_company import BOTH, COMPANY, in_company, marked
from vsfilmrestore.filters._dirt_dose import Dose
from vsfilmrestore.filters._dirt_fall import falling
from vsfilmrestore.filters._dirt_judge import (
    ALIKE,
    Apart,
    heard,
    lighter,
    likely_piece,
    likely_speck,
    stands_apart,
    with_measures,
)
from vsfilmrestore.filters._dirt_measured import evidence, grown
from vsfilmrestore.filters._dirt_movers import without_movers
from vsfilmrestore.filters._dirt_sight import Sight
from vsfilmrestore.filters._dirt_specks import FEATURES, Specks, specks

__all__ = ["DETECTOR", "EDGE", "learned_mask"]

core = vs.core

type Levels = npt.NDArray[np.floating[Any]]
type Reals = npt.NDArray[np.float64]
type Labels = npt.NDArray[np.int32]
type Flags = npt.NDArray[np.bool_]

DETECTOR: Final = Detector(task="dirt", own="dirt-t1")
_SPECK_NEEDS, _PIECE_NEEDS = 2.5, 2.2
"""Log odds that a speck, and a piece of the network's, needs before any strength."""
_ALONE_NEEDS: Final = 2.8
"""The same by measures alone, where the network is in doubt."""
_RAIN: Final = 1.5
"""Log odds that specks need besides in a frame where something falls."""
_END: Final = 4.0
"""Log odds that a piece of the network's needs besides where both neighbours are one frame: it seldom saw that."""
_KIN: Final = 1.5
"""Log odds less are needed by specks of one piece with dirt."""
_MIXED: Final = -0.9
"""A piece of which some is so much lighter and some darker than what lies beneath was followed badly; see `ALIKE`."""
_SURE: Final = 3.5
"""Log odds, before any strength, from which on a speck is dirt there too."""
_DOUBT: Final = -0.7
"""Where both together are so doubtful, the measures alone are no proof either."""
_LARGE: Final = 0.0025
"""Share of the picture; larger specks need no company: few of what is no dirt are so large."""
_MEASURES: Final = len(FEATURES)
"""Where in all that is known stands what the measures alone say."""
EDGE: Final = 0.35
"""A piece of the network's goes on as far as pixels are so likely damage."""


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

    def told(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        known = np.asarray(f[1][0]).astype(np.float32) / 65535
        now, *moved = (np.asarray(frame[0]) for frame in f[2:7])
        return _told(f[0], f[7:], known, stands_apart(now, moved), dose)

    marks = core.std.ModifyFrame(blank, [blank, sure, *seen.lumas, *proof.maps], told)
    mask = in_company(without_movers(marks, seen))
    both = core.akarin.Expr([mask], f"x {BOTH} = 255 0 ?")
    return core.akarin.Expr([mask, grown(both, proof)], "x 0 > 255 y ?")


def _told(blank: vs.VideoFrame, maps: Sequence[vs.VideoFrame], sure: Levels, apart: Apart, dose: Dose) -> vs.VideoFrame:
    """What is dirt, and what is so in company, marked by who found it."""
    likely = sure >= EDGE
    found, pieces = specks(maps), specks(maps, likely.astype(np.uint8))
    pieces = pieces._replace(light=lighter(pieces, apart))
    falls = falling(found)[found.labels]
    one_side = _one_side(blank)
    more = one_side + _RAIN * bool(falls.any())
    known = with_measures(pieces, heard(pieces, sure), apart, found.labels > 0)
    mixed = _mixed(pieces, known)
    own = with_measures(found, heard(found, sure), apart, likely)
    barred = _held(falls, pieces, found) | mixed

    def dirt(besides: float) -> tuple[Flags, Flags]:
        both = _specks_that_are_dirt(found, pieces, own, dose, more + _besides(besides, found), mixed)
        alone = _pieces_that_are_dirt(pieces, known, dose, more + _END * one_side + _besides(besides, pieces))
        return both & ~falls, alone & ~barred

    eased = COMPANY[:1] if falls.any() else COMPANY  # drops are no company
    out = blank.copy()
    np.copyto(np.asarray(out[0]), marked([dirt(besides) for besides in eased]))
    return out


def _besides(company: float, found: Specks) -> Reals:
    """Log odds that each speck needs besides, for want of company."""
    return np.where(found.area > _LARGE * found.labels.size, 0.0, company)


def _one_side(frame: vs.VideoFrame) -> bool:
    """Whether both neighbours are one and the same frame, mirrored at a cut or printed twice: half the evidence."""
    return frame.props["PlaneStatsDiff"] == 0


def _held(barred: Flags, pieces: Specks, found: Specks) -> Flags:
    """The pieces of which most that stands out is barred."""
    stands, owner, count = found.labels.ravel() > 0, pieces.labels.ravel(), len(pieces.area)
    held = np.bincount(owner, barred.ravel() & stands, count) > 0.5 * np.maximum(np.bincount(owner, stands, count), 1)
    held[0] = False
    where: Flags = held[pieces.labels]
    return where


def _mixed(pieces: Specks, known: Reals) -> Flags:
    """The pieces that are lighter here and darker there than their neighbours."""
    mixed = known[:, ALIKE] < _MIXED
    mixed[0] = False
    where: Flags = mixed[pieces.labels]
    return where


def _pieces_that_are_dirt(pieces: Specks, known: Reals, dose: Dose, more: Reals) -> Flags:
    """Where pieces that the network marks are dirt; ``more`` log odds are needed."""
    strength = dose.of(pieces.light, pieces.length, pieces.area)
    dirt = (likely_piece(known) > _PIECE_NEEDS + more - 2 * strength) & (strength > 0)
    dirt[0] = False
    mask: Flags = dirt[pieces.labels]
    return mask


def _specks_that_are_dirt(found: Specks, pieces: Specks, known: Reals, dose: Dose, more: Reals, mixed: Flags) -> Flags:
    """Where specks that stand out from both neighbours are dirt; ``more`` log odds are needed, where `_mixed` most."""
    strength = dose.of(found.light, found.length, found.area)
    likely, eased = likely_speck(known), more - 2 * strength
    measured = (known[:, _MEASURES] > _ALONE_NEEDS + eased) & (likely > _DOUBT + more)
    dirt = ((likely > _SPECK_NEEDS + eased) | measured) & (strength > 0)
    dirt[0] = False
    dirt |= _of_one_piece(found, pieces.labels, dirt) & (likely > _SPECK_NEEDS - _KIN + eased) & (strength > 0)
    sure = (likely > _SURE + eased) & (strength > 0)
    sure[0] = False
    mask: Flags = (dirt[found.labels] & ~mixed) | sure[found.labels]
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
