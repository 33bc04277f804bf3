"""Wires told by a network: strands of what it says, judged in their frame, and followed through the frames beside."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._detector import Detector
from vsfilmrestore.filters._dirt_sight import DISTANCES, LEVEL, Sight, to16
from vsfilmrestore.filters._motion import analysis_luma
from vsfilmrestore.filters._wire_fill import MIDDLE
from vsfilmrestore.filters._wire_judge import motion_of, pieces_of, verdict
from vsfilmrestore.filters._wire_measured import Looked
from vsfilmrestore.filters._wire_rims import drawn
from vsfilmrestore.filters._wire_sight import wire_sight
from vsfilmrestore.filters._wire_strands import Strand, strands_of
from vsfilmrestore.filters._wire_tracks import (
    FAR,
    MOVING,
    NOTHING,
    Judged,
    Looks,
    follow,
    known_of,
    odds_of,
    read,
    taken,
    written,
)
from vsfilmrestore.filters._wire_working import working

__all__ = ["DETECTOR", "by_sign", "learned_wires", "looked_at", "strands_in", "sure_of"]

core = vs.core

type Levels = npt.NDArray[Any]
type Reals = npt.NDArray[np.float32]
type Known = npt.NDArray[np.float64]

DETECTOR: Final = Detector(task="wires", own="wires-t1")
_STRANDS: Final = "_VsfrStrands"
"""Property: the strands of a frame, as `_wire_tracks.written` writes them."""
_LEAST: Final = 6.0
"""Gain in pixels of which the network is sure, below which there is no strand."""
_CRUMB: Final = 0.06
"""Where the network is nowhere surer there is nothing to be looked at."""
_EASED: Final = 1.5
"""Log odds that a strand may lack which lies where a wire is known to be."""
_MOVES: Final = 0.1
"""Less than this is gone in other frames of a line that stands still in the scene: a roof, a rail."""
_SIDE: Final = 8
"""Pixels around over which it is told whether a wire is darker or brighter than what is beside it."""


def learned_wires(looked: Looked, model: str, strength: float, *, confined: bool = False) -> dict[int, vs.VideoNode]:
    """GRAY8 masks of wires: those that are darker than both their sides under -1, brighter ones under 1.

    Args:
        looked: What is looked at.
        model: A model for the task ``wires``.
        strength: 0..1, how little evidence is enough.
        confined: Whether only places are looked at where a wire is known to be: less evidence will do.

    Raises:
        VsfrError: There is no such model, or it cannot be run.
    """
    small = working(looked)
    seen = wire_sight(small.clip, small.motion)
    sure = sure_of(model, seen)
    strands = _followed(_strands(sure, seen, small, confined), small)
    needed = _needed(strength) - (_EASED if confined else 0)
    luma = analysis_luma(to16(looked.clip))
    mask = _drawn(strands, sure, luma, looked.thickness, (needed, 0.3 - 0.3 * strength))
    return by_sign(luma, mask, looked.thickness)


def _needed(strength: float) -> float:
    """Log odds that a strand needs."""
    return 1.6 - 2 * strength


def _strands(sure: vs.VideoNode, seen: Sight, looked: Looked, confined: bool) -> vs.VideoNode:
    """Frames that hold nothing but what strands they have; ``confined``: whether these move or not."""
    blank = core.std.BlankClip(sure, width=1, height=1, format=vs.GRAY8, keep=True)

    def judge(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        found = strands_in([np.asarray(frame[0]) for frame in f[1:]], looked, confined=confined)
        if not found:
            return f[0]
        out = f[0].copy()
        out.props[_STRANDS] = written([Judged(strand, odds_of(each), float(each[MOVING])) for strand, each in found])
        return out

    return core.std.ModifyFrame(blank, [blank, *looked_at(sure, seen)], judge)


def sure_of(model: str, seen: Sight) -> vs.VideoNode:
    """GRAY16: how likely each pixel is part of a wire, 65535 for certain."""
    return core.akarin.Expr([DETECTOR.damage(model, seen)], "x 65535 *", format=vs.GRAY16)


def looked_at(sure: vs.VideoNode, seen: Sight) -> list[vs.VideoNode]:
    """The clips whose frames `strands_in` takes."""
    luma, *views = seen.lumas
    return [sure, luma, core.akarin.Expr(views, MIDDLE), *views, *(neighbour(luma, d) for d in DISTANCES)]


def strands_in(pictures: list[Levels], looked: Looked, *, confined: bool = False) -> list[tuple[Strand, Known]]:
    """Strands of a frame, and what is known of each by that frame.

    Args:
        pictures: Frames of `looked_at`.
        looked: What is looked at.
        confined: Whether they move or not.
    """
    told, now, behind, *rest = pictures
    likely: Reals = (told / 65535).astype(np.float32)
    if likely.max() <= _CRUMB or not (found := strands_of(likely, _LEAST)):
        return []
    here = _here(likely, now, behind, rest, looked, confined)
    return [(strand, known_of(strand, here)) for strand in found]


def _here(likely: Reals, now: Levels, behind: Levels, rest: list[Levels], looked: Looked, confined: bool) -> Looks:
    """What the strands of a frame are judged by."""
    pieces = pieces_of(likely, looked.length, looked.thickness)
    odds = verdict(pieces.known)
    odds[0] = NOTHING
    if not confined:
        moved = motion_of(pieces, likely, now.astype(np.float32), behind.astype(np.float32), looked.thickness)
        odds[moved < _MOVES] = NOTHING
    luma, *others = (_levels(each) for each in (now, *rest))
    told = odds.astype(np.float32)[pieces.labels]
    half = len(DISTANCES)
    moved_there, plain = ([], []) if confined else (others[:half], others[half:])
    return Looks(likely, told, luma, moved_there, plain, looked.length, looked.thickness)


def _followed(strands: vs.VideoNode, looked: Looked) -> vs.VideoNode:
    """The same with the odds that the frames before and after leave of each."""
    around = [neighbour(strands, d) for d in range(-FAR, FAR + 1)]

    def judge(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        judged = [read(frame.props.get(_STRANDS)) for frame in f[1:]]
        if not judged[FAR]:
            return f[0]
        out = f[0].copy()
        odds = follow(judged, looked.clip.width)
        out.props[_STRANDS] = written([each._replace(odds=odd) for each, odd in zip(judged[FAR], odds, strict=True)])
        return out

    return core.std.ModifyFrame(strands, [strands, *around], judge)


def _drawn(
    strands: vs.VideoNode, sure: vs.VideoNode, luma: vs.VideoNode, thickness: float, needs: tuple[float, float]
) -> vs.VideoNode:
    """GRAY8 of the size of ``luma``: strands with enough odds, as far as the network is surer than the second need."""
    blank = core.std.BlankClip(luma, format=vs.GRAY8, keep=True)
    around = [neighbour(strands, d) for d in (-1, 0, 1)]
    needed, least = needs

    def draw(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        before, now, after = (read(frame.props.get(_STRANDS)) for frame in f[3:])
        wires = taken(now, (before, after), needed, sure.width)
        if not wires:
            return f[0]
        out = f[0].copy()
        likely = (np.asarray(f[2][0]) / 65535).astype(np.float32)
        np.copyto(np.asarray(out[0]), drawn(wires, _levels(np.asarray(f[1][0])), likely, thickness, least))
        return out

    return core.std.ModifyFrame(blank, [blank, luma, sure, *around], draw)


def _levels(picture: Levels) -> Reals:
    """In levels of 8 bits."""
    return (picture / LEVEL).astype(np.float32)


def by_sign(luma: vs.VideoNode, mask: vs.VideoNode, thickness: float) -> dict[int, vs.VideoNode]:
    """Wires of a mask that are darker than both their sides under -1, brighter ones under 1."""
    bright, there = _brighter(luma, mask, thickness), mask.std.PlaneStats()
    told = {sign: core.akarin.Expr([mask, bright], test) for sign, test in ((-1, "y 0 x ?"), (1, "y x 0 ?"))}
    # Most frames have no wire, and nothing of these is looked at.
    return {sign: core.akarin.Select([mask, each], [there], "x.PlaneStatsMax 0 >") for sign, each in told.items()}


def _brighter(luma: vs.VideoNode, found: vs.VideoNode, widest: float) -> vs.VideoNode:
    """GRAY8: 255 around wires that are brighter than what is beside them."""
    most = (min(luma.width, luma.height) - 1) // 2
    reach, side = min(round(widest) + 3, most), min(_SIDE, most)
    around = luma.std.BoxBlur(hradius=reach, vradius=reach)
    apart = core.akarin.Expr([luma, around, found], "z x y - 0 ?", format=vs.GRAYS)
    return core.akarin.Expr([apart.std.BoxBlur(hradius=side, vradius=side)], "x 0 > 255 0 ?", format=vs.GRAY8)
