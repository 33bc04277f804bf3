"""A single frame that stands higher, lower or beside its place, as at a splice: found, and moved back."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, Final, NamedTuple

import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._lazy import lazily
from vsfilmrestore.filters._motion import analysis_luma
from vsfilmrestore.filters._weave import STEP_OK, STEP_SLACK, STEP_X, STEP_Y, picture_steps

__all__ = ["JUMP_REACH", "JUMP_X", "JUMP_Y", "Step", "bared", "jump", "levelled", "splice_marks"]

core = vs.core

JUMP_X: Final = "_VsfrJumpX"
"""Pixels by which a frame stood too far right, and was moved left; 0.0 where it was in place."""
JUMP_Y: Final = "_VsfrJumpY"
"""Pixels by which it stood too low, and was moved up."""

_AROUND: Final = 4
"""Ordinary steps that are looked at before and after a jump."""
JUMP_REACH: Final = _AROUND + 1
"""Frames each side that decide on a jump."""
_TREMBLES: Final = 6.0
"""A jump is so many times as large as the picture's usual tremble."""
_EDGE: Final = 0.015
"""Share of the shorter side over which the edge of the gate shades a picture, and is moved with it."""
_MARK_ZONE: Final = 0.12
"""Share of the height, at the top and at the bottom, in which the cement or tape of a splice shows."""
_MARK_END: Final = 0.14
"""The same, where the picture is sound again."""
_MARK_LEVEL: Final = 10 * 257
_MARK_WIDTH: Final = 0.25
"""Least share of a half of the width that a mark covers: it runs across, what moves at the edge does not."""


class Step(NamedTuple):
    """How far the picture moved since the frame before, in pixels."""

    across: float
    down: float
    slack: float
    """Standard error of the two."""
    known: bool
    """Whether it is the same scene."""


def jump(steps: Sequence[Step], least: float) -> tuple[float, float]:
    """By how much a single frame stands off its place; (0, 0) where that is not certain.

    Its neighbours must go on as if it were not there, and nothing near it may tremble nearly as much: the shake of a
    hand or of a blow comes in series.

    Args:
        steps: Those into the ``_AROUND`` frames before, the frame itself, and the ``_AROUND + 1`` frames after it.
        least: Jumps of fewer pixels are left.
    """
    here, back = steps[_AROUND], steps[_AROUND + 1]
    others = [step for step in (*steps[:_AROUND], *steps[_AROUND + 2 :]) if step.known]
    if not (here.known and back.known) or len(others) < _AROUND:
        return 0.0, 0.0
    off = []
    worst = 0.0
    for axis in (0, 1):
        usual = median(step[axis] for step in others)
        strays = [abs(step[axis] - usual) for step in others]
        tremble = median(strays)
        strays = _strays([step[axis] - usual if step.known else None for step in steps])
        there, return_ = here[axis] - usual, back[axis] - usual
        off.append((there - return_) / 2)
        # It must come back to where it would have been, but for the tremble.
        worst = max(worst, abs(there + return_) - 4 * tremble, _TREMBLES * tremble, 2 * max(strays))
        worst = max(worst, 4 * max(here.slack, back.slack))
    size = max(abs(off[0]), abs(off[1]))
    return (off[0], off[1]) if size >= least and size > worst else (0.0, 0.0)


def _strays(ways: Sequence[float | None]) -> list[float]:
    """How far the steps around are from the usual one, but for another frame that jumped by itself: there and back.

    Such a one counts little, if steps that are calm lie before it and behind: a shake goes on.
    """
    sizes = [0.0 if way is None else abs(way) for way in ways]
    around = [*range(_AROUND), *range(_AROUND + 2, len(ways))]
    for there in around[:-1]:
        back = there + 1
        one, other = ways[there], ways[back]
        if back not in around or one is None or other is None or one * other >= 0:
            continue
        beside = [sizes[at] for at in (there - 1, back + 1) if 0 <= at < len(sizes)]
        apart = not {there - 1, back + 1} & {_AROUND, _AROUND + 1}
        if apart and max(beside) < 0.35 * sizes[there] and abs(one + other) < 0.5 * max(sizes[there], sizes[back]):
            return [*(sizes[at] for at in around if at not in (there, back)), 0.6 * max(sizes[there], sizes[back])]
    return [sizes[at] for at in around]


def levelled(clip: vs.VideoNode, strength: float, ends: int) -> vs.VideoNode:
    """The clip with frames that jumped back in their place; each carries `JUMP_X` and `JUMP_Y`.

    Args:
        clip: Any constant format.
        strength: 0..1; more moves smaller jumps.
        ends: Frames at either end that do not count: there the clip is mirrored.
    """
    jumps = _judged(clip, strength, ends)
    back = lazily(clip, lambda: _shifted(clip, jumps))
    chosen = core.akarin.Select([clip, back], [jumps], f"x.{JUMP_X} 0 = x.{JUMP_Y} 0 = and 0 1 ?")
    return core.akarin.PropExpr([chosen, jumps], lambda: {JUMP_X: f"y.{JUMP_X}", JUMP_Y: f"y.{JUMP_Y}"})


def _judged(clip: vs.VideoNode, strength: float, ends: int) -> vs.VideoNode:
    steps = picture_steps(clip)
    around = [neighbour(steps, distance) for distance in range(-_AROUND, _AROUND + 2)]
    least = max((0.003 - 0.0025 * strength) * clip.width, 0.75)

    def judge(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        # The first and the last frame of a shot have no two neighbours that could tell.
        first, last = ends, clip.num_frames - ends - 1
        numbers = range(n - _AROUND, n + _AROUND + 2)
        # What was mirrored shows the same jump once more, and says nothing of how the picture trembles.
        seen = [_step(step, real=first < m <= last) for m, step in zip(numbers, f[1:], strict=True)]
        found = jump(seen, least) if first < n < last else (0.0, 0.0)
        frame.props[JUMP_X], frame.props[JUMP_Y] = found
        return frame

    return core.std.ModifyFrame(steps, [steps, *around], judge)


def _step(frame: vs.VideoFrame, *, real: bool) -> Step:
    props: Any = frame.props
    slack = max(map(float, props[STEP_SLACK]))
    return Step(float(props[STEP_X]), float(props[STEP_Y]), slack, real and bool(props[STEP_OK]))


def _shifted(clip: vs.VideoNode, jumps: vs.VideoNode) -> vs.VideoNode:
    def shift(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        props: Any = f.props
        return clip.resize.Spline36(src_left=float(props[JUMP_X]), src_top=float(props[JUMP_Y]))

    return clip.std.FrameEval(shift, prop_src=[jumps], clip_src=[clip])


def bared(clip: vs.VideoNode) -> vs.VideoNode:
    """GRAY8 mask of the rim that moving a frame of `levelled` back laid bare, with the shade at the gate's edge."""
    luma = core.std.BlankClip(clip, format=vs.GRAY8, color=0, keep=True).std.CopyFrameProps(clip)
    across, down = f"x.{JUMP_X}", f"x.{JUMP_Y}"
    rim = 3 + round(_EDGE * min(clip.width, clip.height))  # the resampling reaches three
    sides = (
        f"X {across} -1 * {rim} + < {across} 0 < and X width {across} - {rim + 1} - > {across} 0 > and or "
        f"Y {down} -1 * {rim} + < {down} 0 < and or Y height {down} - {rim + 1} - > {down} 0 > and or 255 0 ?"
    )
    return core.akarin.Expr([luma], sides)


def splice_marks(clip: vs.VideoNode, made: vs.VideoNode) -> vs.VideoNode:
    """GRAY8 mask of bands at the upper and lower edge of frames that jumped, where they are unlike ``made``.

    Args:
        clip: What `levelled` gave.
        made: The same frames, made from their neighbours.
    """
    pictures = [analysis_luma(each).std.BoxBlur(hradius=1, vradius=1) for each in (clip, made)]
    # Between the zones both show the same: there it is seen by how much the light differs.
    edge = min(round(_MARK_ZONE * clip.height) + 1, (clip.height - 1) // 2)
    lit = [each.std.Crop(top=edge, bottom=edge).std.PlaneStats() for each in pictures]
    told = [core.std.BlankClip(lit[0], keep=True).std.CopyFrameProps(each) for each in lit]
    told = [each.resize.Point(clip.width, clip.height) for each in told]
    light = "z.PlaneStatsAverage a.PlaneStatsAverage - 65535 *"
    differs = core.akarin.Expr([*pictures, *told], f"x y - {light} - abs {_MARK_LEVEL} > 255 0 ?", format=vs.GRAY8)
    wide = differs.std.BoxBlur(hradius=max(clip.width // 4, 1), vradius=0, vpasses=0)
    # A mark ends within its zone. What goes on is shade, or a scene that the neighbours do not tell.
    top, bottom = (min(round(share * clip.height), clip.height - 1) for share in (_MARK_END, 1 - _MARK_END))
    least = round(255 * _MARK_WIDTH)
    beyond = f"Y height 2 / < X {top} y[] X {bottom} y[] ?"
    zone = f"Y height {_MARK_ZONE} * < Y height {1 - _MARK_ZONE} * > or"
    marked = core.akarin.Expr([differs, wide], f"{zone} y {least} > and {beyond} {least} > not and x 0 ?")
    for _ in range(4):
        marked = marked.std.Maximum()
    jumped = core.std.BlankClip(marked, keep=True).std.CopyFrameProps(clip)
    return core.akarin.Expr([marked, jumped], f"y.{JUMP_X} 0 = y.{JUMP_Y} 0 = and 0 x ?")
