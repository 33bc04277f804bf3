"""Frames averaged along their motion, as far as their patches differ by noise alone, and how much noise that leaves.

Source: patch weights after Buades, Coll, Morel, "A non-local algorithm for image denoising", CVPR 2005, taken along
motion trajectories.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import vapoursynth as vs

from vsfilmrestore.filters._motion import Motion, analysis_luma, estimate, mirrored
from vsfilmrestore.filters._noise import KNOTS, curve_expr, lost_prop, mean_prop, measure_noise, sigma_prop

__all__ = ["Averaged", "average", "led", "measured"]

core = vs.core

_SEARCH_RANGE: Final = 0.08
_PATCH: Final = 3
"""Radius of the patch two frames are compared over."""
_FREE: Final = 3.0
"""Patch difference, in variances of the noise, that counts as none: pure noise gives 2."""
_FALL: Final = 2.0
_POINT_FREE: Final = 20.0
"""The same for the single sample: pure noise stays below (3.2 standard deviations) nearly always."""
_SCALE: Final = 4000
"""A noise variance in the 16-bit patch difference."""
_DOUBT: Final = 0.25
"""By how much less noise is assumed where motion is lost."""
_NAMES: Final = "xyzabcdefghijklmnopqrstuvw"


@dataclass(frozen=True, slots=True)
class Averaged:
    """A clip averaged along its motion. All clips are of one 16-bit integer format and begin with a blank frame.

    Attributes:
        told: The clip itself, the noise of each frame in its properties, see `_noise`.
        mean: What the average makes of it.
        moved: Neighbours by their distance, moved onto each frame.
    """

    told: vs.VideoNode
    mean: vs.VideoNode
    moved: dict[int, vs.VideoNode]
    _differences: tuple[vs.VideoNode, ...]

    def left(self) -> vs.VideoNode:
        """Share of the noise, as a standard deviation, that the average leaves: 65535 for all of it."""
        exprs = _per_plane(self.told, lambda p: _left_expr(p, len(self.moved)))
        return core.akarin.Expr([self.told, *self.moved.values(), *self._differences], exprs)


def led(clip: vs.VideoNode) -> vs.VideoNode:
    """Behind an empty frame: the motion search looks at the first one while it is built, and this costs nothing."""
    return core.std.BlankClip(clip, length=1, keep=True) + clip


def average(work: vs.VideoNode, reach: int, noise: float) -> Averaged:
    """Average a clip along its motion.

    Args:
        work: 16-bit integer clip with ``reach`` mirrored frames at each end, `led`.
        reach: Frames on each side that are averaged.
        noise: Standard deviation to assume in 8-bit levels; 0 measures it in each frame.
    """
    motion = _search(work, reach)
    moved = motion.compensate(work)
    told = _assume(work, noise) if noise else _doubted(measure_noise(work, [moved[-1], moved[1]]))
    differences = tuple(_patch_difference(told, other) for other in moved.values())
    exprs = _per_plane(told, lambda p: _mean_expr(p, len(moved)))
    mean = core.akarin.Expr([told, *moved.values(), *differences], exprs)
    return Averaged(told, mean, moved, differences)


def measured(source: vs.VideoNode) -> vs.VideoNode:
    """The 16-bit clip with the noise of each frame in its properties."""
    work = led(mirrored(source, 1))
    motion = _search(work, 1)
    told = measure_noise(work, list(motion.compensate(work).values()))
    return told[2 : 2 + source.num_frames]


def _search(work: vs.VideoNode, reach: int) -> Motion:
    luma = analysis_luma(work)
    if min(luma.width, luma.height) >= 16:
        luma = luma.vszip.Bilateral(sigmaS=2, sigmaR=_SEARCH_RANGE)
    distances = [d for i in range(1, reach + 1) for d in (-i, i)]
    return estimate(luma, distances, block=16, prefilter=False, cut_error=48.0)


def _assume(work: vs.VideoNode, noise: float) -> vs.VideoNode:
    sigma = noise / 255
    props = {mean_prop(p): sigma for p in range(work.format.num_planes)}
    props |= {lost_prop(p): 0.0 for p in range(work.format.num_planes)}
    props |= {name: sigma for p in range(work.format.num_planes) for name in _curve_props(p)}
    return work.std.SetFrameProps(**props)


def _doubted(told: vs.VideoNode) -> vs.VideoNode:
    """The clip with less noise in its properties where motion is lost: what is averaged there is picture."""
    names = [(p, name) for p in range(told.format.num_planes) for name in (mean_prop(p), *_curve_props(p))]
    return core.akarin.PropExpr(
        told, lambda: {name: f"x.{name} 1 {_DOUBT} x.{lost_prop(p)} * - *" for p, name in names}
    )


def _curve_props(plane: int) -> list[str]:
    return [sigma_prop(plane, k) for k in range(len(KNOTS))]


def _per_plane(clip: vs.VideoNode, expr: Callable[[int], str]) -> list[str]:
    return [expr(plane) for plane in range(clip.format.num_planes)]


def _sigma(plane: int) -> str:
    """Stores the noise at the level of x, in 16-bit units, as ``sigma``."""
    curve = curve_expr("l@", [f"x.{name}" for name in _curve_props(plane)])
    return f"x 65535 / l! {curve} 65535 * 40 max sigma!"


def _patch_difference(told: vs.VideoNode, other: vs.VideoNode) -> vs.VideoNode:
    """Mean squared difference over a patch, `_SCALE` for a noise variance."""
    expr = _per_plane(told, lambda p: f"{_sigma(p)} x y - sigma@ / dup * {_SCALE} * 65535 min")
    squared = core.akarin.Expr([told, other], expr)
    fmt = told.format
    radius = min(_PATCH, (min(told.width >> fmt.subsampling_w, told.height >> fmt.subsampling_h) - 1) // 2)
    return squared.std.BoxBlur(hradius=radius, vradius=radius) if radius > 0 else squared


def _mean_expr(plane: int, count: int) -> str:
    """The weighted mean of x and its ``count`` neighbours; their differences follow them among the clips."""
    return _weighed(plane, count, "x", "{} w@ *", "weight@ /")


def _left_expr(plane: int, count: int) -> str:
    """Standard deviation of that mean, 65535 for that of x."""
    return _weighed(plane, count, "1", "w@ dup *", "sqrt weight@ / 65535 *")


def _weighed(plane: int, count: int, own: str, term: str, end: str) -> str:
    """Adds ``own`` and a ``term`` for each neighbour, whose weight is ``w``, to ``sum``, the weights to ``weight``."""
    moved, patch = _NAMES[1 : 1 + count], _NAMES[1 + count : 1 + 2 * count]
    terms = [_sigma(plane), f"{own} sum! 1 weight!"]
    for m, d in zip(moved, patch, strict=True):
        terms.append(
            f"{d} {_SCALE} / {_FREE} - 0 max {_FALL} / "
            f"x {m} - sigma@ / dup * {_POINT_FREE} - 0 max 2 / + -1 * exp w! "
            f"{term.format(m)} sum@ + sum! weight@ w@ + weight!"
        )
    return " ".join([*terms, "sum@", end])
