"""Missing, blank and torn frames, rebuilt from their neighbours by motion from both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._frame_faults import (
    AROUND,
    TORN,
    Look,
    Tears,
    find_tears,
    is_blank,
    is_flash,
    is_frozen,
    is_rolled,
    measured,
    read_look,
)
from vsfilmrestore.filters._frame_list import parse_frames
from vsfilmrestore.filters._jumps import JUMP_REACH, JUMP_X, JUMP_Y, bared, levelled, splice_marks
from vsfilmrestore.filters._lazy import lazily
from vsfilmrestore.filters._motion import mirrored
from vsfilmrestore.filters._patch import fit_patch
from vsfilmrestore.filters._remade import BEYOND, UNSEEN, remade
from vsfilmrestore.filters.masks import apply_repair, mask_for_planes, region_mask
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter
from vsfilmrestore.media.props import SOURCE_FRAME

__all__ = ["repair_frames"]

core = vs.core

_EMPTY, _FROZEN, _TORN, _LISTED, _JUMPED = 1, 2, 3, 4, 5
_FAULT: Final = "_VsfrFault"
_PLAN: Final = "_VsfrPlan"
"""0: leave; else 1 + index into the pairs of good frames on the left and right, and the single frames behind them."""

_UNSEEN_LIMIT: Final = 0.35
"""Two sides that disagree on more are two scenes: those looked at reach 0.37 to 0.86, the fastest shot 0.02 to 0.32."""


def _radius(settings: Mapping[str, Any]) -> int:
    run = int(settings["longest"])
    # A frame is planned by the faults of frames up to a run away; each of these looks as far as `_judged` says, and the
    # first step it sees begins one frame earlier.
    seen = run + (run + AROUND + 1) + 1
    return seen + (JUMP_REACH if settings["jumps"] else 0)


@restoration_filter(short="frames", order=18, needs=("mvu", "zsmooth", "akarin"), radius=_radius, one_sided=True)
def repair_frames(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    frozen: Annotated[bool, Setting("find copies that stand for a lost frame: no motion, then a jump")] = True,
    blank: Annotated[bool, Setting("find empty frames within a shot")] = True,
    torn: Annotated[bool, Setting("find large areas destroyed in a single frame")] = True,
    jumps: Annotated[
        bool, Setting("find single frames that stand off their place, as at a splice; move them back")
    ] = True,
    rolled: Annotated[bool, Setting("find single frames rolled up or down, with the frame line in the picture")] = True,
    flashes: Annotated[bool, Setting("find single frames much brighter than both neighbours")] = False,
    frames: Annotated[str, Setting("frames to rebuild in any case, in numbers of the source: 12,30-31")] = "",
    holes: Annotated[Regions, Setting("areas to rebuild in the listed frames; without any, the whole frames")] = (),
    longest: Annotated[int, Setting("spoilt frames in a row that may be rebuilt; longer runs are left", 1, 3)] = 2,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Rebuild missing, blank and torn frames from their neighbours; the rest stays bit-identical.

    Frames that jumped at a splice are moved back. A lost frame whose place a copy took is rebuilt at its time. A lost
    frame that nothing stands for cannot come back: the length stays. Copies that belong (drawings held for two frames,
    stretched silent film) are left, and so are fades, flickering light and what motion cannot explain.

    Args:
        clip: Any constant format.
        strength: Dose; more finds weaker faults. Listed frames are rebuilt at any dose above 0.
        frozen: See its help. A copy within a still shot is left: nobody sees it.
        blank: Frames of one tone, dark or light, between pictures.
        torn: Only the destroyed area is rebuilt.
        jumps: The frame is moved back as a whole; the rim that this lays bare, and what the splice destroyed, come from
            its neighbours. The first and the last frame of a shot stay where they are.
        rolled: Rebuilt whole from their neighbours. A shot that is out of frame throughout is left.
        flashes: Off, for lightning and gunfire look the same.
        frames: Numbers as the scan has them, where frames carry them (``_VsfrSourceFrame``); else counted from 0.
        holes: Areas in the listed frames, in pixels.
        longest: Longest run of spoilt frames; the good frames on both sides must be within reach.
        protect: Areas that stay as they are.
        only: Areas outside which all stays.
        show: Look at the repair.

    Raises:
        vapoursynth.Error: ``frames`` cannot be read, or ``holes`` come without ``frames``.

    Source:
        Jumps behind copied frames and outliers against both neighbours: A. Kokaram, Motion Picture Restoration (1998),
        chapters 2 and 10; pictures in between: MVTools, as carried on by mvutensils.
    """
    listed = parse_frames(frames)
    if holes and not listed:
        raise ValueError("holes are areas in listed frames; give their numbers in frames='12,30-31'")
    if strength == 0:
        return clip
    reach = _radius({"longest": longest, "jumps": jumps})
    padded = mirrored(clip, reach)
    in_place = {JUMP_X: 0.0, JUMP_Y: 0.0}
    padded = levelled(padded, strength, reach) if jumps else padded.std.SetFrameProps(**in_place)
    finder = _Finder(strength, longest, frozen, blank, rolled, flashes, listed)
    tears = find_tears(padded, strength, reach) if torn else None
    plan = _planned(_judged(padded, finder, tears, reach), longest, reach)
    repaired, mask = _rebuilt(padded, plan, tears, holes, longest)
    inner = slice(reach, reach + clip.num_frames)
    return apply_repair("repair_frames", clip, repaired[inner], mask[inner], protect=protect, only=only, show=show)


@dataclass(frozen=True, slots=True)
class _Finder:
    """What to look for."""

    strength: float
    longest: int
    frozen: bool
    blank: bool
    rolled: bool
    flashes: bool
    listed: Sequence[range]

    def fault(self, looks: Sequence[Look], number: int, torn: bool, jumped: bool) -> int:
        """The fault of the frame in the middle of ``looks``."""
        at = len(looks) // 2
        if any(number in numbers for numbers in self.listed):
            return _LISTED
        if self.blank and is_blank(looks, at, self.longest, self.strength):
            return _EMPTY
        if self.flashes and is_flash(looks, at, self.strength):
            return _EMPTY
        if self.frozen and is_frozen(looks, at, self.longest, self.strength):
            return _FROZEN
        if torn:
            return _TORN
        return _JUMPED if jumped else 0


def _judged(clip: vs.VideoNode, finder: _Finder, tears: Tears | None, reach: int) -> vs.VideoNode:
    """A small clip with the fault of each frame."""
    small = measured(clip)
    view = finder.longest + AROUND + 1
    around = range(-view, view + 1)
    near = min(finder.longest, 2)
    last = clip.num_frames - reach - 1
    sources = [small, *(neighbour(small, distance) for distance in around)]
    if tears is not None:
        sources.append(tears.small)

    def judge(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        looks = [read_look(frame, real=reach < n + d <= last) for d, frame in zip(around, f[1:], strict=False)]
        torn = tears is not None and bool(f[-1].props[TORN])
        number = int(f[0].props.get(SOURCE_FRAME, n - reach))  # type: ignore[arg-type]
        marked = f[0].copy()
        jumped = any(f[0].props.get(name, 0) for name in (JUMP_X, JUMP_Y))
        fault = finder.fault(looks, number, torn, jumped)
        pictures = f[1 + view - near : 2 + view + near]
        if finder.rolled and fault in (0, _TORN, _JUMPED) and is_rolled([np.asarray(p[0]) for p in pictures]):
            fault = _EMPTY
        marked.props[_FAULT] = fault
        return marked

    return core.std.ModifyFrame(small, sources, judge)


def _pairs(longest: int) -> list[tuple[int, int]]:
    """Distances to the good frames on the left and right that a run may have."""
    return [(left, right) for left in range(1, longest + 1) for right in range(1, longest + 2 - left)]


def _singles(longest: int) -> list[int]:
    """Distances to a frame that a copy may be taken from."""
    return [distance for distance in range(-longest, longest + 1) if distance]


def _planned(judged: vs.VideoNode, longest: int, reach: int) -> vs.VideoNode:
    """The same clip with the number of the pair that each spoilt frame is rebuilt from.

    The mirrored frames at its ends are of no use here: what is lost there has one side only and is copied from it.
    """
    pairs, singles = _pairs(longest), _singles(longest)
    view = longest + 1
    around = [neighbour(judged, distance) for distance in range(-view, view + 1)]
    last = judged.num_frames - reach - 1

    def plan(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        inside = [reach <= n + d <= last for d in range(-view, view + 1)]
        good = [there and not frame.props[_FAULT] for there, frame in zip(inside, f[1:], strict=True)]
        left = next((d for d in range(1, longest + 1) if good[view - d]), 0)
        right = next((d for d in range(1, longest + 1) if good[view + d]), 0)
        planned = f[0].copy()
        code = 0
        if inside[view] and f[0].props[_FAULT]:
            if (left, right) in pairs:
                code = pairs.index((left, right)) + 1
                planned.props[BEYOND] = int(good[view - left - 1] and good[view + right + 1])
            elif bool(left) != bool(right) and not inside[view + longest if left else view - longest]:
                code = len(pairs) + singles.index(-left or right) + 1
        planned.props[_PLAN] = code
        return planned

    return core.std.ModifyFrame(judged, [judged, *around], plan)


def _rebuilt(
    clip: vs.VideoNode, plan: vs.VideoNode, tears: Tears | None, holes: Sequence[Any], longest: int
) -> tuple[vs.VideoNode, vs.VideoNode]:
    """The repaired clip, and the mask of where it is wanted. Nothing is made, or even built, without spoilt frames."""
    nowhere = core.std.BlankClip(clip, format=vs.GRAY8, color=0, keep=True)

    @cache
    def made() -> tuple[vs.VideoNode, vs.VideoNode]:
        return _made_anew(clip, plan, tears, holes, longest)

    spoilt = f"x.{_PLAN} 0 >"
    repaired = core.akarin.Select([clip, lazily(clip, lambda: made()[0])], [plan], spoilt)
    mask = core.akarin.Select([nowhere, lazily(nowhere, lambda: made()[1])], [plan], spoilt)
    return repaired, mask


def _made_anew(
    clip: vs.VideoNode, plan: vs.VideoNode, tears: Tears | None, holes: Sequence[Any], longest: int
) -> tuple[vs.VideoNode, vs.VideoNode]:
    """The repaired clip and its mask, for frames that are spoilt."""
    made, sure = [], []
    for left, right in _pairs(longest):
        flow = remade(clip, plan, left, right)
        near = neighbour(clip, -left if left <= right else right)
        known = core.akarin.PropExpr([flow], lambda: {UNSEEN: f"x.{UNSEEN}"})
        sure.append(known)
        made.append(core.akarin.Select([flow, near], [known], f"x.{UNSEEN} {_UNSEEN_LIMIT} >"))
    copies = [neighbour(clip, distance) for distance in _singles(longest)]
    choice = f"x.{_PLAN}"
    whole = core.akarin.Select([clip, *made, *copies], [plan], choice)
    known = core.std.SetFrameProps(clip, **{UNSEEN: 0.0})
    trusted = core.akarin.Select([known, *sure, *([known] * len(copies))], [plan], choice)
    everywhere = core.std.BlankClip(clip, format=vs.GRAY8, color=255, keep=True)
    nowhere = core.std.BlankClip(clip, format=vs.GRAY8, color=0, keep=True)
    listed = region_mask(clip, holes) if holes else everywhere
    area, rim = tears.area if tears else nowhere, bared(clip)
    lost = f"y.{UNSEEN} {_UNSEEN_LIMIT} >"
    given = {_LISTED: 3, _EMPTY: 1, _FROZEN: f"{lost} 0 1 ?", _TORN: f"{lost} 0 2 ?", _JUMPED: f"{lost} 0 4 ?"}
    fault = f"{choice} 0 = 0 " + " ".join(f"x.{_FAULT} {kind} = {kept}" for kind, kept in given.items())
    fault += " 0" + " ?" * (len(given) + 1)
    patch = core.akarin.Select([nowhere, everywhere, area, listed, rim], [plan, trusted], fault)
    patch = core.akarin.Expr([patch, rim, splice_marks(clip, whole)], "x y max z max")
    # Where a frame was moved back all of it is new; else nothing outside of the patch is.
    mask = core.akarin.Select(
        [nowhere, everywhere, patch], [plan, trusted], f"{fault} 0 = 0 x.{JUMP_X} 0 = x.{JUMP_Y} 0 = and 2 1 ? ?"
    )
    fitted = fit_patch(clip, whole, patch)
    partly = [_TORN, _JUMPED, *([_LISTED] if holes else [])]
    test = " ".join(f"x.{_FAULT} {kind} =" for kind in partly) + " or" * (len(partly) - 1)
    made_whole = core.akarin.Select([whole, fitted], [plan], test)
    back = lazily(clip, lambda: _sharp(clip, plan, longest))
    there = core.akarin.Select([clip, back], [plan], f"x.{_FAULT} {_JUMPED} = {choice} 0 > and")
    return core.akarin.Expr([there, made_whole, mask_for_planes(patch, clip)], "z y x ?"), mask


def _sharp(clip: vs.VideoNode, plan: vs.VideoNode, longest: int) -> vs.VideoNode:
    """Frames that were moved back, as sharp as those beside them."""
    pairs = [remade(clip, plan, left, right, kept=True) for left, right in _pairs(longest)]
    return core.akarin.Select([clip, *pairs, *([clip] * len(_singles(longest)))], [plan], f"x.{_PLAN}")
