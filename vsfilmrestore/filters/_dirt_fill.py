"""What is put in the place of dirt: what its neighbours agree on, those first that fit best around it."""

from __future__ import annotations

from typing import Final

import vapoursynth as vs
from vsutil import split

from vsfilmrestore.filters._dirt_sight import LEVEL, Sight, blurred
from vsfilmrestore.filters.masks import mask_for_planes

__all__ = ["mended", "rims_that_fit"]

core = vs.core

_AROUND: Final = 5
"""Pixels around dirt in which it is measured how well a neighbour fits."""
_LEAST: Final = 0.02
"""Share of those that must not be dirt."""
_GROUND: Final = 0.3
"""Levels by which all neighbours differ."""
_NEARBY: Final = ((12, 0), (9, 9), (0, 12), (-9, 9), (-12, 0), (-9, -9), (0, -12), (9, -9))
"""Places where grain is measured besides, in pixels."""
_MIDDLE: Final = "x y min z a min max x y max z a max min + 2 / M! b c d e min min min 1.5 * {level} + T!"
_SHARE: Final = "1 {fit} {ground} + dup * / 1 {value} M@ - T@ / dup * + / {name}!"
"""What a neighbour counts for: less the worse it fits, and the further it is from the middle of all."""
_MEAN: Final = "P@ x * Q@ y * + R@ z * + S@ a * + P@ Q@ + R@ + S@ + / F!"
_GRAINED: Final = "f {grain} * {most} min L! c d <= y z ? F@ - L@ -1 * max L@ min F@ +"


def mended(seen: Sight, mask: vs.VideoNode, grain: float) -> list[vs.VideoNode]:
    """What is put in the place of dirt, one clip a plane: the mean of four neighbours.

    It has less grain than they; where the better of the two nearer ones differs from it by no more than grain, that
    one stands for all.

    Args:
        seen: The clip and its neighbours.
        mask: GRAY8, where dirt is: nothing is measured there.
        grain: How much of that difference is given back, 0..1.
    """
    level = {"level": LEVEL, "ground": _GROUND * LEVEL, "grain": 1.25 * grain, "most": 15 * LEVEL}
    shares = " ".join(
        _SHARE.format(fit=fit, value=value, name=name, **level)
        for fit, value, name in zip("bcde", "xyza", "PQRS", strict=True)
    )
    wanted = f"{_MIDDLE.format(**level)} {shares} {_MEAN} {_GRAINED.format(**level)}"
    planes = zip(split(seen.work), *map(split, seen.moved), _beside(seen, mask), _calmest(seen), strict=True)
    return [
        core.akarin.Expr([*moved, *_fits(work, moved, beside), calm], wanted) for work, *moved, beside, calm in planes
    ]


def rims_that_fit(seen: Sight, made: list[vs.VideoNode], mask: vs.VideoNode) -> list[vs.VideoNode]:
    """What is put in the place of dirt, but for pixels at its rim between both nearer neighbours, which stay.

    A mask is a pixel larger than what stands out, for the faint edge of dirt; where none is, motion that was followed
    badly would come in.

    Args:
        seen: The clip and its neighbours.
        made: What `mended` makes, one clip a plane.
        mask: GRAY8, where dirt is.
    """
    within = split(mask_for_planes(mask.std.Minimum(), seen.work))
    planes = zip(split(seen.work), *map(split, seen.moved[1:3]), made, within, strict=True)
    fits = f"b 0 = x y z min {LEVEL} - >= and x y z max {LEVEL} + <= and x a ?"
    return [core.akarin.Expr(list(parts), fits) for parts in planes]


def _beside(seen: Sight, mask: vs.VideoNode) -> list[vs.VideoNode]:
    """GRAY16, 65535 where no dirt is, one clip a plane."""
    planes = split(mask_for_planes(mask.std.Maximum(), seen.work))
    return [core.akarin.Expr([each], "x 0 65535 ?", format=vs.GRAY16) for each in planes]


def _fits(work: vs.VideoNode, moved: list[vs.VideoNode], beside: vs.VideoNode) -> list[vs.VideoNode]:
    """By how much each neighbour differs from the frame around each pixel, dirt left out."""
    share = blurred(beside, _AROUND)
    differ = [blurred(core.akarin.Expr([work, each, beside], "z x y - abs 0 ?"), _AROUND) for each in moved]
    return [core.akarin.Expr([each, share], f"x 65535 * y {65535 * _LEAST} max /") for each in differ]


def _calmest(seen: Sight) -> list[vs.VideoNode]:
    """By how much grain makes the nearer neighbours differ, one clip a plane: what they do where they fit best nearby.

    Misfit of motion stays near its edges; grain is everywhere.
    """
    pairs = zip(*map(split, seen.moved[1:3]), strict=True)
    differ = [blurred(core.akarin.Expr(list(pair), "x y - abs"), 4) for pair in pairs]
    nearby = " ".join(f"x[{across},{down}] min" for across, down in _NEARBY)
    return [core.akarin.Expr([each], f"x {nearby}") for each in differ]
