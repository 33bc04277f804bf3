"""Wires told by a network, piece by piece, and known again in the frames beside."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._detector import Detector
from vsfilmrestore.filters._dirt_sight import Sight
from vsfilmrestore.filters._motion import analysis_luma
from vsfilmrestore.filters._wire_fill import MIDDLE
from vsfilmrestore.filters._wire_judge import motion_of, pieces_of, verdict
from vsfilmrestore.filters._wire_measured import TRAVEL, Looked, beside_frames
from vsfilmrestore.filters._wire_sight import wire_sight

__all__ = ["DETECTOR", "learned_wires"]

core = vs.core

type Flags = npt.NDArray[np.bool_]
type Levels = npt.NDArray[Any]
type Bytes = npt.NDArray[np.uint8]

DETECTOR: Final = Detector(task="wires", own="wires-t1")
_PERHAPS, _SURELY = 128, 255
_EASED: Final = 1.5
"""Log odds that a piece may lack which is where the frame before or after has a wire."""
_MOVES: Final = 0.1
"""Less than this is gone in other frames of a line that stands still in the scene: a roof, a rail."""
_SPEED: Final = 0.025
"""Share of the picture's width that a wire may move from frame to frame to be known again."""
_PLAIN: Final = 0.6
"""A wire is as sure as that somewhere."""
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
    seen = wire_sight(looked.clip, looked.motion)
    sure = core.akarin.Expr([DETECTOR.damage(model, seen)], "x 65535 *", format=vs.GRAY16)
    needed, moves = (_needed(strength) - _EASED, 0.0) if confined else (_needed(strength), _MOVES)
    pieces = _seen_again(_judged(sure, seen, looked, needed, moves))
    mask = _to_the_rims(pieces, sure, strength)
    bright = _brighter(analysis_luma(seen.work), mask, looked.thickness)
    return {sign: core.akarin.Expr([mask, bright], test) for sign, test in ((-1, "y 0 x ?"), (1, "y x 0 ?"))}


def _needed(strength: float) -> float:
    """Log odds that a piece needs."""
    return 3 - 2 * strength


def _judged(sure: vs.VideoNode, seen: Sight, looked: Looked, needed: float, moves: float) -> vs.VideoNode:
    """GRAY8: what surely is a wire, and what is one if the frames beside say so.

    ``needed`` are log odds; of what a piece stands out by, the share ``moves`` must be gone in other frames.
    """
    luma, *views = seen.lumas

    def judge(told: Levels, now: Levels, behind: Levels) -> Bytes:
        likely = told.astype(np.float32) / 65535
        pieces = pieces_of(likely, looked.length, looked.thickness)
        odds = verdict(pieces.known)
        kind = np.where(odds > needed, _SURELY, np.where(odds > needed - _EASED, _PERHAPS, 0))
        kind[0] = 0
        if moves and kind.any():
            now, behind = now.astype(np.float32), behind.astype(np.float32)
            kind[motion_of(pieces, likely, now, behind, looked.thickness) < moves] = 0
        return kind.astype(np.uint8)[pieces.labels]

    return _framewise([sure, luma, core.akarin.Expr(views, MIDDLE)], judge)


def _seen_again(judged: vs.VideoNode) -> vs.VideoNode:
    """GRAY8: wires that the frame before or after has close by as well; one of the two must be sure."""
    reach = 2 * max(TRAVEL, round(judged.width * _SPEED)) + 1

    def choose(now: Bytes, before: Bytes, after: Bytes) -> Bytes:
        import cv2  # on first use: it is large, and a plan needs none of it

        near = cv2.dilate(np.maximum(before, after), np.ones((reach, reach), np.uint8))
        again = (near > 0) & ((now == _SURELY) | (near == _SURELY))
        return _pieces_with(now > 0, again, 0.5)

    return _framewise([judged, *beside_frames(judged)], choose)


def _to_the_rims(pieces: vs.VideoNode, sure: vs.VideoNode, strength: float) -> vs.VideoNode:
    """GRAY8: of the pieces all that is likely enough a wire, without crumbs of which nothing is plain."""
    least = round(65535 * (0.6 - 0.3 * strength))
    return _framewise(
        [pieces, sure], lambda found, told: _pieces_with((found > 0) & (told > least), told > _PLAIN * 65535, 0.0)
    )


def _pieces_with(mask: Flags, proof: Flags, share: float) -> Bytes:
    """Connected pieces of a mask of which more than a share is proven, 255."""
    import cv2  # on first use: it is large, and a plan needs none of it

    count, marked = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    labels = np.asarray(marked, np.int32)
    area, proven = np.bincount(labels.ravel(), minlength=count), np.bincount(labels[proof], minlength=count)
    taken = proven > share * area
    taken[0] = False
    return np.where(taken[labels], np.uint8(255), np.uint8(0))


def _brighter(luma: vs.VideoNode, found: vs.VideoNode, widest: float) -> vs.VideoNode:
    """GRAY8: 255 around wires that are brighter than what is beside them."""
    most = (min(luma.width, luma.height) - 1) // 2
    reach, side = min(round(widest) + 3, most), min(_SIDE, most)
    around = luma.std.BoxBlur(hradius=reach, vradius=reach)
    apart = core.akarin.Expr([luma, around, found], "z x y - 0 ?", format=vs.GRAYS)
    return core.akarin.Expr([apart.std.BoxBlur(hradius=side, vradius=side)], "x 0 > 255 0 ?", format=vs.GRAY8)


def _framewise(clips: list[vs.VideoNode], made: Any) -> vs.VideoNode:
    """GRAY8 that a function of pictures makes."""
    blank = core.std.BlankClip(clips[0], format=vs.GRAY8, keep=True)

    def draw(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f[0].copy()
        np.copyto(np.asarray(out[0]), made(*(np.asarray(frame[0]) for frame in f[1:])))
        return out

    return core.std.ModifyFrame(blank, [blank, *clips], draw)
