"""Long thin lines of any direction: how strongly a pixel lies on one, and what lies on both its sides.

In each of `ANGLES` directions the picture is averaged along a short piece of line. A line stands out against both of
its sides; an edge does only against one, and a blob does not go on. What stands out must do so along `min_length`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import vapoursynth as vs

__all__ = ["ANGLES", "Line", "beside", "find_lines", "steps_along"]

core = vs.core

ANGLES: Final = 16
"""Directions between 0 and 180 degrees. Half a step off, a piece of line leaves its pixel by less than one."""

_HALF_PIECE: Final = 8
_GAP: Final = 4
"""Distance of the samples along a long line, in pixels."""


_UNBROKEN: Final = 0.85
"""Share of a line's samples that must stand out."""

_AROUND: Final = 20
_PROMINENCE: Final = 2.0
"""A line must be this many times as strong as lines are on average within `_AROUND` pixels."""


@dataclass(frozen=True, slots=True)
class Line:
    """What was found in one direction.

    Attributes:
        angle: Direction, 0 to `ANGLES`.
        mask: GRAY8, 255 where the middle of a long line runs.
    """

    angle: int
    mask: vs.VideoNode


def find_lines(
    luma: vs.VideoNode,
    polarity: int,
    width: float,
    min_length: float,
    level: float,
    within: vs.VideoNode | None = None,
    support: float | None = None,
) -> list[Line]:
    """Long lines in every direction.

    Args:
        luma: GRAY16.
        polarity: -1 for lines darker than both sides, 1 for brighter ones.
        width: Greatest width in pixels.
        min_length: Least length in pixels.
        level: Least contrast to the nearer side, 0..65535.
        within: GRAY8, 255 where a line is sure to be one; None asks for no such support.
        support: Share of a line that must be sure; None: all of it, and only that is found.
    """
    hits = _hits([_strength(luma, angle, polarity, width) for angle in range(ANGLES)], level)
    sure = hits if within is None else [core.akarin.Expr([hit, within], "x y min") for hit in hits]
    found = sure if support is None else hits
    runs = [_long(found[angle], _share(found, angle, min_length), _UNBROKEN) for angle in range(ANGLES)]
    if support is not None and within is not None:
        runs = [_long(runs[angle], _share(sure, angle, min_length), support) for angle in range(ANGLES)]
    return [Line(angle, _bridged(runs, angle, min_length / 2)) for angle in range(ANGLES)]


def steps_along(angle: int, distances: Sequence[float]) -> list[tuple[int, int]]:
    """Whole pixels at distances along a direction."""
    turn = math.pi * angle / ANGLES
    return [(round(d * math.cos(turn)), round(d * math.sin(turn))) for d in distances]


def beside(angle: int, distance: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Whole pixels at a distance to both sides of a line."""
    turn = math.pi * angle / ANGLES
    x, y = round(-distance * math.sin(turn)), round(distance * math.cos(turn))
    return (x, y), (-x, -y)


def _at(name: str, step: tuple[int, int]) -> str:
    return f"{name}[{step[0]},{step[1]}]"


def _mean(name: str, steps: Sequence[tuple[int, int]]) -> str:
    return " ".join(_at(name, step) for step in steps) + " +" * (len(steps) - 1) + f" {len(steps)} /"


def _strength(luma: vs.VideoNode, angle: int, polarity: int, width: float) -> vs.VideoNode:
    """GRAY16: contrast of the line through each pixel to the nearer of its sides; 0 beside an edge."""
    piece = steps_along(angle, range(-_HALF_PIECE, _HALF_PIECE + 1))
    mean = core.akarin.Expr([luma], _mean("x", piece))
    left, right = beside(angle, _side(width))
    sides = f"x[{left[0]},{left[1]}] L! x[{right[0]},{right[1]}] R! "
    stands_out = "x L@ - x R@ - min S! " if polarity > 0 else "L@ x - R@ x - min S! "
    # Both sides must be of a kind: beside an edge a line is the edge's own rim.
    return core.akarin.Expr([mean], f"{sides}{stands_out}S@ L@ R@ - abs 0.7 * > S@ 0 ?")


def _hits(strengths: Sequence[vs.VideoNode], level: float) -> list[vs.VideoNode]:
    """Where a line stands out from the lines all around: among twigs or reeds nothing is a wire."""
    names = " ".join(f"src{i}" for i in range(len(strengths)))
    strongest = core.akarin.Expr(strengths, names + " max" * (len(strengths) - 1))
    around = min(_AROUND, (min(strongest.width, strongest.height) - 1) // 2)
    usual = strongest.std.BoxBlur(hradius=around, vradius=around)
    test = f"x {level} > x y {_PROMINENCE} * > and 255 0 ?"
    return [core.akarin.Expr([one, usual], test, format=vs.GRAY8) for one in strengths]


def _side(width: float) -> float:
    return width / 2 + 2


def _near(masks: Sequence[vs.VideoNode], angle: int) -> vs.VideoNode:
    """What lies in about a direction, one pixel wider."""
    turned = [masks[(angle + turn) % ANGLES] for turn in (-1, 0, 1)]
    return core.akarin.Expr(turned, "x y z max max").std.Maximum()


def _share(masks: Sequence[vs.VideoNode], angle: int, min_length: float) -> vs.VideoNode:
    """GRAY8: how much of a line of that length through each pixel, in about its direction, is in the masks."""
    count = max(round(min_length / _GAP), 4)
    # The line may lie before, behind or around the pixel, for its ends belong to it.
    shares = []
    for start in (-count, -count // 2, 0):
        steps = steps_along(angle, [_GAP * i for i in range(start, start + count + 1)])
        shares.append(_mean("x", steps))
    return core.akarin.Expr([_near(masks, angle)], f"{shares[0]} {shares[1]} max {shares[2]} max")


def _long(mask: vs.VideoNode, share: vs.VideoNode, least: float) -> vs.VideoNode:
    return core.akarin.Expr([mask, share], f"x y {least * 255} > and 255 0 ?")


def _bridged(runs: Sequence[vs.VideoNode], angle: int, longest: float) -> vs.VideoNode:
    """Runs with gaps closed where the line goes on in its direction: before a dark coat a dark wire cannot be seen."""
    distances = [_GAP * i for i in range(1, max(round(longest / _GAP), 1) + 1)]
    ahead, back = (
        " ".join(_at("x", step) for step in steps_along(angle, [sign * d for d in distances]))
        + " max" * (len(distances) - 1)
        for sign in (1, -1)
    )
    between = core.akarin.Expr([_near(runs, angle)], f"{ahead} {back} min")
    return core.akarin.Expr([runs[angle], between.std.Minimum()], "x y max")
