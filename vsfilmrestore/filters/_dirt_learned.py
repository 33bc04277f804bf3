"""Dirt told by a network, which also tells the neighbours that show best what is beneath."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from vsutil import plane, split

from vsfilmrestore.filters._dirt_dose import Dose
from vsfilmrestore.filters._dirt_movers import without_movers
from vsfilmrestore.filters._dirt_sight import Sight, shifted
from vsfilmrestore.filters._model import network_named
from vsfilmrestore.inference.apply import run_network

__all__ = ["LEARNED", "TASK", "Learned", "learned"]

core = vs.core

type Bytes = npt.NDArray[np.uint8]

LEARNED: Final = "dirt-t1"
"""Our own network."""
TASK: Final = "dirt"
_CLIPS: Final = ("before2", "before1", "after1", "after2", "colour")
_EDGE: Final = 0.35
"""A speck goes on as far as pixels are dirt with this share of the odds that it needs somewhere."""


class Learned(NamedTuple):
    """What a network makes of a clip.

    Attributes:
        mask: GRAY8 mask of dirt.
        fill: What to put in its place, one clip a plane.
        nearest: The neighbour that counts most, one clip a plane: it has all of its grain.
    """

    mask: vs.VideoNode
    fill: list[vs.VideoNode]
    nearest: list[vs.VideoNode]


def learned(seen: Sight, model: str, dose: Dose) -> Learned:
    """Look for dirt.

    Args:
        seen: The clip and its neighbours.
        model: A model for the task ``dirt``.
        dose: What is to be removed.

    Raises:
        VsfrError: There is no such model, or it cannot be run.
    """
    maps = _maps(seen, model)
    found = core.akarin.Expr([plane(maps, 0)], "x 255 *", format=vs.GRAY8)
    ends = plane(shifted(seen.work, -1), 0).std.PlaneStats(plane(shifted(seen.work, 1), 0))
    found = found.std.CopyFrameProps(ends)
    luma, _, before, after, _ = seen.lumas
    lighter = core.akarin.Expr([luma, before, after], "x 2 * y z + > 255 0 ?", format=vs.GRAY8)

    def choose(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        return _chosen(f[0], np.asarray(f[1][0]), dose)

    mask = without_movers(core.std.ModifyFrame(found, [found, lighter], choose), seen)
    return Learned(mask, *_fill(seen, maps))


def _maps(seen: Sight, model: str) -> vs.VideoNode:
    """RGBS: damage, share of the frames before, share of the nearer frames."""
    found, contract = network_named(model, TASK)
    frame, *moved = (_as_shown(clip, seen.work) for clip in seen.lumas)
    given = dict(zip(_CLIPS, (*moved, seen.colour), strict=True))
    return run_network(frame, found.path, contract, sha256=found.file.sha256, clips=given)


def _as_shown(luma: vs.VideoNode, work: vs.VideoNode) -> vs.VideoNode:
    """Luma of RGB is full range, and what the frames tell of the range is about RGB."""
    if work.format.color_family != vs.RGB:
        return luma
    return luma.std.SetFrameProps(_Range=vs.RANGE_FULL).std.RemoveFrameProps("_Matrix")


def _chosen(found: vs.VideoFrame, lighter: Bytes, dose: Dose) -> vs.VideoFrame:
    """Mask of the specks of which the network is sure enough somewhere."""
    import cv2  # on first use: it is large, and a plan needs none of it

    sure = np.asarray(found[0])
    one_side = found.props["PlaneStatsDiff"] == 0  # both neighbours are one and the same frame: half the evidence
    edge = _edge(float(_needed(np.array(dose.strength), one_side)))
    count, marked, stats, _ = cv2.connectedComponentsWithStats((sure >= edge * 255).astype(np.uint8), connectivity=8)
    labels = np.asarray(marked, np.int32)
    at = np.flatnonzero(labels)
    owner = labels.ravel()[at]
    peak = np.zeros(count)
    np.maximum.at(peak, owner, sure.ravel()[at] / 255)
    area = np.maximum(np.bincount(owner, minlength=count), 1).astype(float)
    light = np.bincount(owner, lighter.ravel()[at] > 0, count) * 2 > area
    length = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]).astype(float)
    strength = dose.of(light, length, area)
    dirt = (peak >= _needed(strength, one_side)) & (strength > 0)
    dirt[0] = False
    out = found.copy()
    np.copyto(np.asarray(out[0]), dirt[labels] * np.uint8(255))
    return out


def _needed(strength: npt.NDArray[np.float64], one_side: bool) -> npt.NDArray[np.float64]:
    """How sure the network must be of a speck, 0..1."""
    needed = 0.95 - 0.75 * strength
    return (1 + needed) / 2 if one_side else needed


def _edge(needed: float) -> float:
    """How sure it must be of the pixels around."""
    return needed * _EDGE / (needed * _EDGE + 1 - needed)


def _fill(seen: Sight, maps: vs.VideoNode) -> tuple[list[vs.VideoNode], list[vs.VideoNode]]:
    shares = [plane(maps, 1), plane(maps, 2)]
    fill, nearest = [], []
    for moved in zip(*map(split, seen.moved), strict=True):
        size = moved[0].width, moved[0].height
        fit = [s if (s.width, s.height) == size else s.resize.Bilinear(*size) for s in shares]
        given = [*moved, *fit]  # x y z a: -2 -1 1 2; b: share of before; c: share of near
        mean = "y c * x 1 c - * + b * z c * a 1 c - * + 1 b - * +"
        fill.append(core.akarin.Expr(given, mean, format=vs.GRAY16))
        nearest.append(core.akarin.Expr(given, "b 0.5 >= c 0.5 >= y x ? c 0.5 >= z a ? ?", format=vs.GRAY16))
    return fill, nearest
