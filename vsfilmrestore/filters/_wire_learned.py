"""Wires told by a network, piece by piece, and known again in the frames beside."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._detector import Detector
from vsfilmrestore.filters._dirt_sight import Sight
from vsfilmrestore.filters._motion import analysis_luma
from vsfilmrestore.filters._ridges import ANGLES, Line
from vsfilmrestore.filters._wire_judge import direction, pieces_of, verdict
from vsfilmrestore.filters._wire_lines import TRAVEL, Wires

__all__ = ["DETECTOR", "learned_wires"]

core = vs.core

type Bytes = npt.NDArray[np.uint8]

DETECTOR: Final = Detector(task="wires", own="wires-t1")
_PERHAPS, _SURELY = 128, 255
_EASED: Final = 1.5
"""Log odds that a piece may lack which is where the frame before or after has a wire."""
_SPEED: Final = 0.025
"""Share of the picture's width that a wire may move from frame to frame to be known again."""
_SIDE: Final = 8
"""Pixels around over which it is told whether a wire is darker or brighter than what is beside it."""


def learned_wires(
    seen: Sight, model: str, least: float, widest: float, strength: float, *, confined: bool = False
) -> dict[int, Wires]:
    """Wires that are darker than both their sides under -1, brighter ones under 1.

    Args:
        seen: The clip and its neighbours, as `wire_sight` has them.
        model: A model for the task ``wires``.
        least: Length in pixels below which a wire is left.
        widest: Greatest width in pixels.
        strength: 0..1, how little evidence is enough.
        confined: Whether only places are looked at where a wire is known to be.

    Raises:
        VsfrError: There is no such model, or it cannot be run.
    """
    sure = core.akarin.Expr([DETECTOR.damage(seen, model)], "x 65535 *", format=vs.GRAY16)
    needed = _needed(strength) - (_EASED if confined else 0)
    whole = _seen_again(_judged(sure, least, widest, needed))
    turned = _directions(whole)
    bright = _brighter(analysis_luma(seen.work), whole, widest)
    return {sign: _of(whole, turned, bright, test) for sign, test in ((-1, "y 0 x ?"), (1, "y x 0 ?"))}


def _needed(strength: float) -> float:
    """Log odds that a piece needs."""
    return 3 - 2 * strength


def _judged(sure: vs.VideoNode, least: float, widest: float, needed: float) -> vs.VideoNode:
    """GRAY8: what surely is a wire, and what is one if the frames beside say so."""

    def judge(told: npt.NDArray[Any]) -> Bytes:
        pieces = pieces_of(told.astype(np.float32) / 65535, least, widest)
        odds = verdict(pieces.known)
        kind = np.where(odds > needed, _SURELY, np.where(odds > needed - _EASED, _PERHAPS, 0))
        kind[0] = 0
        return kind.astype(np.uint8)[pieces.labels]

    return _framewise([sure], judge)


def _seen_again(judged: vs.VideoNode) -> vs.VideoNode:
    """GRAY8: wires that the frame before or after has close by as well; one of the two must be sure."""
    reach = 2 * max(TRAVEL, round(judged.width * _SPEED)) + 1

    def choose(now: Bytes, before: Bytes, after: Bytes) -> Bytes:
        import cv2  # on first use: it is large, and a plan needs none of it

        near = cv2.dilate(np.maximum(before, after), np.ones((reach, reach), np.uint8))
        count, labels = cv2.connectedComponents((now > 0).astype(np.uint8), connectivity=8)
        again = (near > 0) & ((now == _SURELY) | (near == _SURELY))
        taken = np.bincount(labels.ravel(), again.ravel(), count) > 0.5 * np.bincount(labels.ravel(), minlength=count)
        taken[0] = False
        return taken.astype(np.uint8)[labels] * np.uint8(255)

    # At an end, where a neighbour is the frame itself, the other one must know it.
    last = judged.num_frames - 1
    blank = core.std.BlankClip(judged, length=1, keep=True)
    before = neighbour(judged, -1) if last < 1 else blank + judged[:last]
    after = neighbour(judged, 1) if last < 1 else judged[1:] + blank
    return _framewise([judged, before, after], choose)


def _directions(mask: vs.VideoNode) -> vs.VideoNode:
    return _framewise([mask], lambda picture: direction(picture > 0, ANGLES) if picture.any() else picture)


def _of(whole: vs.VideoNode, turned: vs.VideoNode, bright: vs.VideoNode, test: str) -> Wires:
    mask = core.akarin.Expr([whole, bright], test)
    return Wires([Line(n, core.akarin.Expr([mask, turned], f"y {n} = x 0 ?")) for n in range(ANGLES)], mask)


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
