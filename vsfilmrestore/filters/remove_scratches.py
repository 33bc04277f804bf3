"""Vertical scratches: narrow lines that stay where they are on the film while the scene moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from vsutil import join, split

from vsfilmrestore.filters._between import neighbour
from vsfilmrestore.filters._detector import AUTO
from vsfilmrestore.filters._motion import mirrored
from vsfilmrestore.filters._scratch_course import judged
from vsfilmrestore.filters._scratch_evidence import Evidence
from vsfilmrestore.filters._scratch_judge import verdict_on
from vsfilmrestore.filters._scratch_learned import DETECTOR, Told, lines_told, told_of
from vsfilmrestore.filters._scratch_near import FEWEST, Near, drift, marked
from vsfilmrestore.filters._scratch_profile import Profile, continued, fitted, over_rows, without
from vsfilmrestore.filters._scratch_search import (
    REACH,
    Maps,
    Run,
    Verdict,
    blocks_of,
    highest,
    lines,
    maps_of,
    margin_of,
    unpacked,
)
from vsfilmrestore.filters._scratch_together import Cleaned, together
from vsfilmrestore.filters._scratch_wanted import Wanted
from vsfilmrestore.filters.masks import apply_repair
from vsfilmrestore.filters.schema import Regions, Setting, Show, Strength, restoration_filter

__all__ = ["remove_scratches"]

core = vs.core

type Levels = npt.NDArray[np.float32]

_RADIUS: Final = 4
"""Frames each side that tell whether a line goes with the scene."""
_BESIDE: Final = 2
"""Frames each side whose lines are looked for again in a frame."""
_FAINT: Final = 0.5
"""What a line adds below this many levels is left."""
_HIGHEST_PROP: Final = "_VSFRHighest"
_FLAT: Final = 0.6
"""A plane in which nothing stands higher has no line, as one is a level high: the colours of a grey film, say."""
_SMALL: Final = 48
"""Planes with a side shorter than this, in pixels, are left."""
_OPEN: Final = 0.15
"""A line that has not fallen to this share of its height at its sides is wider, or none."""
_TOLD: Final = 0.35
"""How sure the network must be of a block of a line."""
_MADE_UP: Final = 1.5
"""Log odds that a line may lack which is measured as well as told."""
_AGREE: Final = 0.6
"""Correlation of what is measured of a line with what the network tells from which on that counts,"""
_MEASURED: Final = 0.8
"""with up to this weight;"""
_LOW: Final = 5.0
"""only of lines that are higher, in levels, and in full of those of twice as much."""
_SHRUNK: Final = 1.2
"""A line so many levels high is taken off by half, since it may be less; a high one nearly in full."""


@restoration_filter(
    short="scratch",
    order=60,
    needs=("akarin",),
    radius=_RADIUS + _BESIDE,
    network=DETECTOR.require,
    weights=DETECTOR.weights,
)
def remove_scratches(
    clip: vs.VideoNode,
    strength: Strength = 0.5,
    *,
    max_width: Annotated[int, Setting("widest line, in pixels", 1, 31)] = 15,
    min_length: Annotated[int, Setting("shortest line, in per cent of the picture's height", 5, 100)] = 40,
    polarity: Annotated[
        Literal["both", "dark", "bright"], Setting("lines to remove: dark ones, bright ones or both")
    ] = "both",
    model: Annotated[
        str, Setting('network that finds lines; auto takes our own where networks can be run, "" only measures')
    ] = AUTO,
    protect: Regions = (),
    only: Regions = (),
    show: Show = "",
) -> vs.VideoNode:
    """Remove vertical scratches and keep the picture that shines through them.

    A line is a narrow crest of some length in the vertically averaged picture that is found at nearly the same place in
    the frames around and moves against the scene, be it by the fraction of a pixel that the picture weaves: a post or
    the groove of a door goes with the scene and stays. Where nothing moves at all, a scratch and a groove look the
    same, and both stay; within ``only`` every such line goes. Less is asked of a line that a frame beside shows surely.
    What a line adds to the picture is estimated along it, in its frame and in those beside it at once, and taken off,
    so that detail and grain beneath it survive.
    All planes are searched, so lines in a single colour layer are found too; a line that one plane shows to lie on the
    film does so in the others.

    Args:
        clip: Any constant format.
        strength: How unsure a line may be.
        max_width: Wider ones are taken for picture.
        min_length: Shorter ones are taken for picture.
        polarity: ``dark`` or ``bright`` restricts it to such lines.
        model: A model for the task ``scratches``; or ``auto``; or ``""`` for none.
        protect: Regions that stay as they are.
        only: Regions outside which all stays as it is.
        show: ``mask``, ``diff`` or ``overlay`` instead of the result.

    Raises:
        vapoursynth.Error: A setting is out of range.
        VsfrError: There is no such model, or it cannot be run.
    """
    if strength == 0:
        return clip
    network = DETECTOR.chosen(model)
    signs = {"both": (True, False), "bright": (True,), "dark": (False,)}[polarity]
    planes = []
    for plane in split(mirrored(clip, _RADIUS)):
        wide = max_width * plane.width // clip.width // 2 + 1
        reaches = (REACH, wide) if wide > REACH + 1 else (wide,)
        planes.append(_Plane.of(plane, Wanted.of(strength, min_length / 100, reaches, signs, bool(only)), network))
    repaired = [plane.repaired([other for other in planes if other is not plane]) for plane in planes]
    masks = [_full_size(mask, clip) for _, mask in repaired]
    whole = join([fixed for fixed, _ in repaired], clip.format.color_family)
    mask = masks[0] if len(masks) == 1 else core.akarin.Expr(masks, "x y max z max")
    return apply_repair("remove_scratches", clip, whole, mask, protect=protect, only=only, show=show)


class _Plane(NamedTuple):
    """A plane of the clip, mirrored at its ends.

    Attributes:
        plane: The plane as it is.
        levels: The same in 8-bit levels, as GRAYS.
        seen: The levels, the maps of the frame and of those around, what the network tells.
        alone: What each frame shows alone: its lines in blocks of rows, and below them the plane without them; or
            None of a plane that is too small to be searched.
        wanted: What counts as a scratch.
    """

    plane: vs.VideoNode
    levels: vs.VideoNode
    seen: Sequence[vs.VideoNode]
    alone: vs.VideoNode | None
    wanted: Wanted

    @classmethod
    def of(cls, plane: vs.VideoNode, wanted: Wanted, network: str) -> _Plane:
        """With its frames each looked at alone."""
        levels = core.akarin.Expr([plane], f"x {1 / _level(plane.format)} *", format=vs.GRAYS)
        if min(plane.width, plane.height) < _SMALL:
            return cls(plane, levels, (), None, wanted)
        maps = _maps(levels, wanted)
        around = [neighbour(maps, d) for d in range(-_RADIUS, _RADIUS + 1) if d]
        told = _told(maps, around, blocks_of(levels.height), network) if network else []
        seen = [levels, maps, *around, *told]
        return cls(plane, levels, seen, _alone(seen, wanted), wanted)

    @property
    def own(self) -> slice:
        """The frames that were not mirrored."""
        return slice(_RADIUS, self.plane.num_frames - _RADIUS)

    @property
    def lines(self) -> vs.VideoNode:
        """Where each frame alone shows lines, as `marked` tells it."""
        assert self.alone is not None
        return self.alone.std.Crop(bottom=self.plane.height)[self.own]

    def repaired(self, others: Sequence[_Plane]) -> tuple[vs.VideoNode, vs.VideoNode]:
        """The plane without its lines, and the mask of what was changed; ``others`` are the clip's other planes."""
        plane, levels = self.plane[self.own], self.levels[self.own]
        if self.alone is None:
            return plane, core.std.BlankClip(plane, format=vs.GRAY8, keep=True)
        better, level = self._better([each.lines for each in others if each.alone]), _level(plane.format)
        fixed = core.akarin.Expr([plane, levels, better], f"z y - {level} * x +", format=plane.format.id)
        return fixed, core.akarin.Expr([levels, better], f"x y - abs {_FAINT} > 255 0 ?", format=vs.GRAY8)

    def _better(self, elsewhere: Sequence[vs.VideoNode]) -> vs.VideoNode:
        """The levels without their lines: by what the frames beside and the other planes show as well."""
        assert self.alone is not None
        levels, alone, wanted = self.levels[self.own], self.alone[self.own], self.wanted
        blocks = blocks_of(levels.height)
        steps = sorted((d for d in range(-_BESIDE, _BESIDE + 1) if d), key=abs)

        def in_company(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
            planes, f = [np.asarray(each[0]) for each in f[: len(elsewhere)]], f[len(elsewhere) :]
            given = f[1 + 4 * _BESIDE :]
            sheets, frames = f[: 1 + 2 * _BESIDE], (given[0], *f[1 + 2 * _BESIDE :])
            seen = [
                Cleaned(np.asarray(frame[0]), np.asarray(sheet[0])[blocks:], np.asarray(sheet[0])[:blocks])
                for sheet, frame, step in zip(sheets, frames, (0, *steps), strict=False)
                if 0 <= n + step < levels.num_frames
            ]
            mine, *others = seen
            here, lines = Near.of([mine.lines], [mine.lines]), [each.lines for each in others]
            more = any(map(here.lacks, lines)) or any(map(here.lacks_of_plane, planes))
            if more and not _is_flat(given[1]):
                mine = Cleaned(mine.levels, *_look(given, wanted, Near.of(lines, planes)))
            out = given[0].copy()
            np.copyto(np.asarray(out[0]), together(mine, others, drift(levels.width)))
            return out

        beside = [neighbour(clip, d) for clip in (alone, levels) for d in steps]
        return core.std.ModifyFrame(
            levels, [*elsewhere, alone, *beside, *(each[self.own] for each in self.seen)], in_company
        )


def _level(fmt: vs.VideoFormat) -> float:
    """An 8-bit level of a format."""
    return 1 / 255 if fmt.sample_type == vs.FLOAT else 1 << (fmt.bits_per_sample - 8)


def _alone(seen: Sequence[vs.VideoNode], wanted: Wanted) -> vs.VideoNode:
    """What the frames of a plane show, each alone, see `_Plane`."""
    levels = seen[0]
    blocks = blocks_of(levels.height)
    nothing = Near.nothing((blocks, levels.width))

    def look(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        picture, found = (np.asarray(f[1][0]), 0) if _is_flat(f[2]) else _look(f[1:], wanted, nothing)
        out = f[0].copy()
        sheet = np.asarray(out[0])
        sheet[:blocks], sheet[blocks:] = found, picture
        return out

    sheet = core.std.BlankClip(levels, height=blocks + levels.height, keep=True)
    return core.std.ModifyFrame(sheet, [sheet, *seen], look)


def _look(f: Sequence[vs.VideoFrame], wanted: Wanted, near: Near) -> tuple[Levels, Levels]:
    """`_without_lines` of the frames of a plane's ``seen``."""
    picture, told = np.asarray(f[0][0]), f[2 + 2 * _RADIUS :]
    here, *others = (unpacked(np.asarray(m[0]), len(picture)) for m in f[1 : 2 + 2 * _RADIUS])
    return _without_lines(picture, here, others, wanted, told_of(told[0]) if told else None, near)


def _maps(levels: vs.VideoNode, wanted: Wanted) -> vs.VideoNode:
    """What `maps_of` makes of each frame, as GRAYS; a property tells how high anything in it is."""
    blank = core.std.BlankClip(levels, height=(2 + 2 * len(wanted.reaches)) * blocks_of(levels.height), keep=True)

    def look(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out, packed = f[0].copy(), maps_of(np.array(f[1][0]), wanted.reaches)
        np.copyto(np.asarray(out[0]), packed)
        out.props[_HIGHEST_PROP] = highest(packed, levels.height, wanted.length)
        return out

    return core.std.ModifyFrame(blank, [blank, levels], look)


def _is_flat(maps: vs.VideoFrame) -> bool:
    return float(maps.props[_HIGHEST_PROP]) < _FLAT  # type: ignore[arg-type]


def _told(maps: vs.VideoNode, around: Sequence[vs.VideoNode], blocks: int, network: str) -> list[vs.VideoNode]:
    """What the network tells; it is not asked about planes in which nothing is as high as a line."""
    frame, *others = (clip.std.CropAbs(clip.width, blocks, 0, 0) for clip in (maps, *around))
    told = lines_told(frame, others, network)
    nothing = core.std.BlankClip(told, keep=True)

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        return nothing if _is_flat(f) else told

    return [core.std.FrameEval(nothing, choose, prop_src=maps, clip_src=[told, nothing])]


class _Perhaps(NamedTuple):
    """A line that the network tells, and what it adds to the blocks of the plane."""

    run: Run
    mine: Levels

    def holds(self, run: Run) -> bool:
        """Whether another line lies upon it along most of its way."""
        blocks = np.arange(run.first, run.first + len(run.x))
        return bool((self.mine[blocks.clip(0, len(self.mine) - 1), run.x] != 0).mean() > 0.5)


def _without_lines(
    levels: Levels, maps: Maps, around: Sequence[Maps], wanted: Wanted, told: Told | None, near: Near
) -> tuple[Levels, Levels]:
    """The plane of one frame without its scratches, and where they were, as `marked` tells it.

    The surest line goes first, and is gone for the others. What the frames beside show as well may be less sure.
    """
    taken, evidence = np.zeros(maps.mean.shape, bool), Evidence(maps, around)
    lines_found = np.zeros(maps.mean.shape, np.float32)
    doubtful: list[_Perhaps] = []
    if told is not None:
        levels, doubtful = _without_told(levels, evidence, wanted, told, taken, near, lines_found)
    for run in lines(maps, wanted.reaches, wanted.signs):
        asked = wanted.of_known(near.in_planes(run))
        if run.score < max(wanted.score, FEWEST / len(maps.mean)) or asked.leans(run):
            continue
        blocks = np.arange(run.first, run.first + len(run.x))
        if taken[blocks, run.x].mean() > 0.3:
            continue
        found = judged(run, maps, around)
        same = next((each for each in doubtful if each.holds(run)), None)
        beside = near.holds(run)
        is_line = asked.line(run, found, told=beside or same is not None)
        line = _fitted(levels, run, len(maps.mean), wanted) if is_line else None
        if line is not None and asked.not_in_scene(evidence.of(run, _crest_of(run, maps))):
            if told is not None and same is not None:  # two who tell of a line make up for the doubt of either
                levels = levels - _agreed(same.mine, levels, same.run, told, wanted)
                _take(taken, same.run, same.mine)
            elif told is None or beside or asked.plain(run):
                levels = without(levels, line)
            else:
                continue
            marked(lines_found, run)
        elif not wanted.with_scene(found) or _wider(run, maps, found):
            continue
        # What goes with the scene is no scratch at another width either.
        _take(taken, run)
    return levels, lines_found


def _without_told(
    levels: Levels,
    evidence: Evidence,
    wanted: Wanted,
    told: Told,
    taken: npt.NDArray[np.bool_],
    near: Near,
    lines_found: Levels,
) -> tuple[Levels, list[_Perhaps]]:
    """The plane without the lines that the network tells, and those that are left; where the first lie is ``taken``."""
    left, widest, border = levels, max(wanted.reaches), margin_of(taken.shape[1])
    doubtful = []
    for run in told.runs(_TOLD, wanted.signs):
        asked = wanted.of_known(near.in_planes(run))
        if run.score < FEWEST / len(taken) or asked.leans(run):
            continue
        mine: Levels = np.where(taken, 0, told.of(run, widest)).astype(np.float32)
        if mine[:, :border].any() or mine[:, -border:].any():
            continue  # the edge of the film's picture, maybe
        known = evidence.of(run, run.strip(mine, np.arange(-widest, widest + 1)))
        odds = verdict_on(known, told.sureness(run))
        if asked.told_line(known, odds + _MADE_UP * near.holds(run)):
            left = left - _agreed(mine, left, run, told, wanted)
            _take(taken, run, mine)
            marked(lines_found, run)
        elif mine.any() and odds > wanted.odds - _MADE_UP:
            doubtful.append(_Perhaps(run, mine))
    return left, doubtful


def _take(taken: npt.NDArray[np.bool_], run: Run, mine: Levels | None = None) -> None:
    """Mark where a line lies; the network tells a wide one as two side by side."""
    if mine is not None:
        taken |= mine != 0
    for block, x in enumerate(run.x, run.first):
        taken[block, max(x - run.reach - 1, 0) : x + run.reach + 2] = True


def _crest_of(run: Run, maps: Maps) -> Levels:
    """What a line that was measured adds, roughly, (blocks, columns)."""
    offsets = np.arange(-run.reach - 1, run.reach + 2)
    return np.asarray(run.strip(maps.crest(run.bright, run.scale), offsets) * (1 if run.bright else -1), np.float32)


def _agreed(mine: Levels, levels: Levels, run: Run, told: Told, wanted: Wanted) -> Levels:
    """What a line adds to the plane: as its rows measure it where that is much what the network tells, else that."""
    height = float(np.abs(mine[run.first : run.first + len(run.x)]).max(1).mean())
    added = over_rows(mine, len(levels)) * np.float32(height / (height + _SHRUNK))
    line = _widths(levels, run, len(mine), wanted, told.middle(run, mine))
    if line is None:
        return added
    measured = levels - without(levels, line)
    alike = float((measured * added).sum()) / (float(np.linalg.norm(measured) * np.linalg.norm(added)) + 1e-9)
    share = _MEASURED * np.clip((alike - _AGREE) / (1 - _AGREE), 0, 1) * np.clip((height - _LOW) / _LOW, 0, 1)
    return added + np.float32(share) * (measured - added)


def _wider(run: Run, maps: Maps, found: Verdict) -> bool:
    """Whether a line is so much wider than what it was looked for with that its place is not well known."""
    widest = maps.crest(run.bright, len(maps.crests) // 2 - 1)
    return float(np.median(run.strip(widest, np.array([0])))) > 2 * found.height


def _fitted(levels: Levels, run: Run, blocks: int, wanted: Wanted) -> Profile | None:
    """The profile of a line, at its whole length, or None where nothing sure enough is found."""
    found = _widths(levels, run, blocks, wanted)
    return found if found is not None and wanted.certain(found, run) else None


def _widths(levels: Levels, run: Run, blocks: int, wanted: Wanted, middle: Levels | None = None) -> Profile | None:
    """The profile of a line at the first width that holds it, the same for every strength.

    ``middle`` is its middle in each of its blocks, where that is better known than to a pixel.
    """
    rows, centre = _path(run, levels.shape[0], blocks, run.x.astype(float) if middle is None else middle)
    open_line = None
    for reach in (each + 2 for each in wanted.reaches if each >= run.reach):
        line = fitted(levels, rows, centre, reach, run.bright)
        if not wanted.perhaps_certain(line, run) or line.open_end > 2 * _OPEN:
            continue
        if line.open_end <= _OPEN:
            longer = continued(levels, line)
            return (
                line
                if longer is None
                else replace(fitted(levels, *longer, reach, run.bright), certain=line.certain, plain=line.plain)
            )
        open_line = open_line or line
    return open_line


def _path(run: Run, height: int, blocks: int, x: npt.NDArray[np.floating[Any]]) -> tuple[npt.NDArray[np.intp], Levels]:
    """Rows of a run, and its middle in each of them."""
    tall = height / blocks
    middle = (np.arange(len(run.x)) + run.first + 0.5) * tall
    smooth = np.convolve(np.pad(x, 2, mode="edge"), [0.1, 0.2, 0.4, 0.2, 0.1], "valid")
    rows = np.arange(round(run.first * tall), min(round((run.first + len(run.x)) * tall), height))
    return rows, np.interp(rows, middle, smooth).astype(np.float32)


def _full_size(mask: vs.VideoNode, clip: vs.VideoNode) -> vs.VideoNode:
    return (
        mask if (mask.width, mask.height) == (clip.width, clip.height) else mask.resize.Point(clip.width, clip.height)
    )
