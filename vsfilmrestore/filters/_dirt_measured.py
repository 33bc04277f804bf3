"""Dirt told by measures of each speck.

Every pixel that stands out from both motion-compensated neighbours belongs to a speck that is *considered*. Whether
the speck is dirt is decided for the speck as a whole, from nine measures (see `_dirt_specks`): most of what is
considered is motion that could not be followed, and betrays itself by its surroundings.

Source: evidence by the extremes of compensated neighbours follows the rank-ordered difference detectors of A. C.
Kokaram, "Motion Picture Restoration" (1998).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import vapoursynth as vs
from vsutil import plane, split

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._dirt_dose import Dose
from vsfilmrestore.filters._dirt_fall import falling
from vsfilmrestore.filters._dirt_movers import without_movers
from vsfilmrestore.filters._dirt_sight import LEVEL, Sight, blurred
from vsfilmrestore.filters._dirt_specks import ALONE, FINE, REACH, STEPS, likelihood, specks

__all__ = ["Evidence", "evidence", "grown", "measured_mask"]

core = vs.core


def measured_mask(seen: Sight, dose: Dose) -> vs.VideoNode:
    """GRAY8 mask of dirt."""
    proof = evidence(seen)

    def choose(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        return _chosen(f, dose)

    return grown(without_movers(core.std.ModifyFrame(proof.maps[0], proof.maps, choose), seen), proof)


def grown(mask: vs.VideoNode, proof: Evidence) -> vs.VideoNode:
    """A mask of specks, grown into their soft edges."""
    for _ in range(2):
        mask = core.akarin.Expr([mask.std.Maximum(), proof.weak, mask], "x y min z max")
    return mask.std.Maximum()


class Evidence(NamedTuple):
    """What speaks for dirt.

    Attributes:
        maps: The maps `specks` reads.
        weak: GRAY8 mask of all that stands out from both neighbours by more than little.
    """

    maps: list[vs.VideoNode]
    weak: vs.VideoNode


class _Plane(NamedTuple):
    """Maps of one plane, GRAY8."""

    hot: vs.VideoNode
    light: vs.VideoNode
    dark: vs.VideoNode
    sure: vs.VideoNode
    second: vs.VideoNode
    around: vs.VideoNode
    texture: vs.VideoNode
    weak: vs.VideoNode


def evidence(seen: Sight) -> Evidence:
    """Compare each frame with its neighbours."""
    work = seen.work
    by_plane = [list(planes) for planes in zip(*map(split, seen.moved), strict=True)]
    planes = [_plane(*parts) for parts in zip(split(work), by_plane, seen.noise, strict=True)]
    all_in_one = _Plane(*(_strongest(list(maps), work) for maps in zip(*planes, strict=True)))
    *maps, weak = all_in_one
    maps[0] = maps[0].std.CopyFrameProps(plane(neighbour(work, -1), 0).std.PlaneStats(plane(neighbour(work, 1), 0)))
    hot = core.akarin.Expr([all_in_one.hot], "x 65535 0 ?", format=vs.GRAY16)
    crowd = core.akarin.Expr([blurred(hot, 40)], "x 65535 / sqrt 255 *", format=vs.GRAY8)
    near = [_reach(sign) for sign in (all_in_one.light, all_in_one.dark)]
    traces = [neighbour(sign, d) for d in (-1, 1) for sign in near]
    return Evidence([*maps, crowd, *traces], weak)


def _plane(c: vs.VideoNode, moved: list[vs.VideoNode], noise: vs.VideoNode) -> _Plane:
    b, f = moved[1:3]
    steps = f"{STEPS / LEVEL} *"
    out = "x y z max - y z min x - max"
    over = f"{out} a {{}} * y z - abs 0.3 * + {{}} + >= 255 0 ?"
    to_map = vs.GRAY8
    hot = core.akarin.Expr([c, b, f, noise], over.format(2.5, 3 * LEVEL), format=to_map)
    ceiling, floor = core.akarin.Expr([b, f], "x y max"), core.akarin.Expr([b, f], "x y min")
    mean = core.akarin.Expr([b, f], "x y + 2 /")
    contrast = [mean.std.Maximum().std.Maximum(), mean.std.Minimum().std.Minimum()]
    return _Plane(
        hot=hot,
        light=core.akarin.Expr([c, ceiling], f"x y - {steps}", format=to_map),
        dark=core.akarin.Expr([c, floor], f"y x - {steps}", format=to_map),
        sure=core.akarin.Expr(
            [c, ceiling.std.Maximum(), floor.std.Minimum()], f"x y - z x - max {steps}", format=to_map
        ),
        second=core.akarin.Expr(
            [c, *moved], f"x y z a b max max max - y z a b min min min x - max {steps}", format=to_map
        ),
        around=_misfit(c, mean, hot),
        texture=core.akarin.Expr(contrast, f"x y - {steps}", format=to_map),
        weak=core.akarin.Expr([c, b, f, noise], over.format(1, LEVEL), format=to_map),
    )


def _misfit(c: vs.VideoNode, mean: vs.VideoNode, hot: vs.VideoNode) -> vs.VideoNode:
    """Mean difference to the neighbours of what lies around and is not considered itself."""
    hot = hot.std.Maximum()
    misfit = core.akarin.Expr([c, mean, hot], "z 0 x y - abs ?")
    share = core.akarin.Expr([hot], "x 0 65535 ?", format=vs.GRAY16)
    steps = FINE * STEPS / LEVEL
    return core.akarin.Expr([blurred(misfit, 7), blurred(share, 7)], f"x 65535 * y 65 + / {steps} *", format=vs.GRAY8)


def _strongest(maps: list[vs.VideoNode], like: vs.VideoNode) -> vs.VideoNode:
    """The strongest evidence of any plane, in full size."""
    size = like.width, like.height
    full = [m if (m.width, m.height) == size else m.resize.Point(*size) for m in maps]
    return full[0] if len(full) == 1 else core.akarin.Expr(full, "x y max z max")


def _reach(sign: vs.VideoNode) -> vs.VideoNode:
    """The strongest evidence within about 14 pixels, in a quarter of the size."""
    wide = sign.std.Maximum().std.Maximum()
    width, height = (-(-side // REACH) for side in (sign.width, sign.height))
    small = wide.resize.Point(width, height, src_width=width * REACH, src_height=height * REACH)
    return small.std.Maximum().std.Maximum().std.Maximum()


def _chosen(maps: Sequence[vs.VideoFrame], dose: Dose) -> vs.VideoFrame:
    """Mask of the specks that are dirt by their features."""
    found = specks(maps)
    strength = dose.of(found.light, found.length, found.area)
    needed = ALONE - 2 * strength
    if maps[0].props["PlaneStatsDiff"] == 0:
        needed += 1  # both neighbours are one and the same frame, mirrored at a cut or printed twice: half the evidence
    dirt = (likelihood(found.features) > needed) & (strength > 0) & ~falling(found)
    dirt[0] = False
    out = maps[0].copy()
    np.copyto(np.asarray(out[0]), dirt[found.labels] * np.uint8(255))
    return out
