"""The graph of a reel: one VideoNode over all shots, built shot by shot when a frame of the shot is first wanted.

Shots nobody treats are plain trims of the source. Each treated shot is a FrameEval that builds its chain on first use;
the chains of the last few shots stay alive, older ones are let go with all they cached. A recipe with a step that
changes size or rate is tried once on a blank clip; otherwise opening a reel builds no filter and reads no frame.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import vapoursynth as vs

from vsfilmrestore.errors import SettingError, plain_text
from vsfilmrestore.filters.networks import paints
from vsfilmrestore.media.out.source_type import MADE_BY_NETWORK
from vsfilmrestore.media.props import SHOT, STEPS
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.runs import Run, runs
from vsfilmrestore.render.history_watch import Watch, carried
from vsfilmrestore.render.mixing import mixed
from vsfilmrestore.render.remap import Remap
from vsfilmrestore.render.walls import Build, WalledStep, behind_walls, retimed

__all__ = ["GraphShot", "restored_node", "source_node"]

core = vs.core

_LIVE_SHOTS: Final = 4
_IDLE: Final = 16
"""Frames of other shots, beyond those in flight, after which a shot is let go."""
_UNWATCHED: Final = Watch()


@dataclass(frozen=True, slots=True)
class GraphShot:
    """What the graph needs to know of one shot (or part of one).

    Attributes:
        id: Shot id, set on every frame.
        take: The shot's source frames in the order of the source, with `handles` around them.
        handles: Frames of the same take before and after.
        frames: For each record frame, the source frame counted from the shot's first.
        recipe: Steps to apply; empty: none.
        script: The shot's own function, instead of a recipe.
        part: Record frames of the shot to show, counted from its start.
        fades_over: What fades out over the first frames of the shot.
        fade: How, as in `Transition.kind`.
        script_sees_handles: Whether the function gets the handles, too; what it makes of them is cut off.
        first: Which frame of its source the first of `take` is.
        watch: What is done around its repairs.
        moments: The same as ``frames`` with the part of a frame that lies behind, where the edit plays the shot at
            another speed; () where it plays frame for frame. The step `interpolate` makes the frames between.
        rate: Of the record side.
    """

    id: str
    take: vs.VideoNode
    handles: tuple[int, int]
    frames: Sequence[int]
    recipe: Recipe
    script: Build | None = None
    part: tuple[int, int] | None = None
    fades_over: GraphShot | None = None
    fade: str = "dissolve"
    script_sees_handles: bool = False
    first: int = 0
    watch: Watch = _UNWATCHED
    moments: Sequence[Fraction] = ()
    rate: Fraction = Fraction(0)

    def limited(self, recipe: Recipe, start: int, stop: int) -> GraphShot:
        """The part of the shot from record frame ``start`` to ``stop``, with a recipe of its own."""
        return replace(self, recipe=recipe, part=(start, stop))

    def untreated(self) -> GraphShot:
        """The same shot with nothing done to it."""
        return replace(self, recipe=Recipe(), script=None)

    @property
    def remapped(self) -> Remap | None:
        """How the frames between are made, where the edit's speed asks for some and the recipe can make them."""
        if self.script is not None or not self.moments:
            return None
        return Remap.of(self.recipe, self.moments, self.rate)

    @property
    def told(self) -> str:
        """Its steps, as `vsfilmrestore.media.props.STEPS` tells them; '' where nothing is done."""
        if self.script is not None:
            return "script"
        active = [step for step in self.recipe if step.complete.get("strength", 1)]
        made = [MADE_BY_NETWORK if paints(step.filter, step.complete) else "" for step in active]
        return " ".join(f"{step.name}{mark}" for step, mark in zip(active, made, strict=True))

    def labelled(self, clip: vs.VideoNode) -> vs.VideoNode:
        """What was restored of it, with the steps told."""
        told = self.told
        return clip.std.SetFrameProp(STEPS, data=told) if told else clip

    @property
    def bare(self) -> vs.VideoNode:
        """The shot's source frames without handles, in source order."""
        front, back = self.handles
        return self.take[front : self.take.num_frames - back]

    def finish(self, clip: vs.VideoNode, factor: int = 1) -> vs.VideoNode:
        """Bring a clip in source order (``factor`` frames for each source frame) to the record side."""
        frames = self.frames
        if factor > 1:
            frames = [n * factor + i for n in self.frames for i in range(factor)]
        return self._cut(retimed(clip, frames), factor)

    def _cut(self, clip: vs.VideoNode, factor: int) -> vs.VideoNode:
        """The part of the shot that is shown, of a clip of the record side."""
        if self.part is not None:
            clip = clip[self.part[0] * factor : self.part[1] * factor]
        return clip.std.SetFrameProp(SHOT, data=self.id)

    def finished(self, factor: int) -> vs.VideoNode:
        """The restored shot on the record side, ``factor`` frames for each of its frames."""
        remap = self.remapped
        if remap is None:
            return self.finish(self.restored(), factor)
        steps = _walled_steps(remap.before, self.watch)
        clip = behind_walls(self.take, self.handles, steps, self.first) if steps else self.bare
        made = remap.on(clip)
        return self._cut(behind_walls(made, (0, 0), _walled_steps(remap.after)) if remap.after else made, factor)

    def restored(self) -> vs.VideoNode:
        """The restored shot in source order; a multiple of the source's frames when steps multiply them."""
        if self.script is not None:
            return _checked_script(self)
        if not self.recipe:
            return self.bare
        return behind_walls(self.take, self.handles, _walled_steps(self.recipe, self.watch), self.first)


def _walled_steps(recipe: Recipe, watch: Watch | None = None) -> list[WalledStep]:
    return [_walled_step(run, watch) for run in runs(recipe)]


def _walled_step(run: Run, watch: Watch | None = None) -> WalledStep:
    if run.fused:  # each of its networks sees the shot mirrored at its own place, which one mirrored for all is not
        return WalledStep(run.reach, run.apply, one_sided=True)
    (step,) = run.steps
    spec = step.filter
    close = watch.close(step) if watch is not None else None
    return WalledStep(step.reach, step.apply, spec.one_sided, spec.depends_with(step.complete) == "number", close)


def _checked_script(shot: GraphShot) -> vs.VideoNode:
    assert shot.script is not None
    given = shot.take if shot.script_sees_handles else shot.bare
    result = shot.script(given)
    if not isinstance(result, vs.VideoNode):
        raise SettingError("the shot's function must return a clip", shot=shot.id)
    if result.gpu_resident:  # frames of one reel cannot lie in two places
        result = result.std.GPUDownload()
    factor = Fraction(result.num_frames, given.num_frames)
    if factor.denominator != 1:
        raise SettingError(
            f"the shot's function makes {result.num_frames} frames of {given.num_frames}",
            shot=shot.id,
            hint="Return as many frames, or a whole multiple of them",
        )
    if not shot.script_sees_handles:
        return result
    front, back = (handle * int(factor) for handle in shot.handles)
    return result[front : result.num_frames - back]


def source_node(shots: Sequence[GraphShot], rate: Fraction) -> vs.VideoNode:
    """The unrestored reel, frame for frame beside `restored_node` where no step multiplies frames."""
    return _at_rate(core.std.Splice([_with_fade(shot, lambda s: s.finish(s.bare), 1) for shot in shots]), rate)


def restored_node(shots: Sequence[GraphShot], rate: Fraction) -> vs.VideoNode:
    """The restored reel.

    A shot whose chain multiplies its frames (interpolation) raises the rate of the whole reel; the frames of the other
    shots are then shown as often as needed, so that every cut and the sound stay in place.

    Raises:
        SettingError: Shots come out in different sizes or formats, or at rates that do not fit together.
    """
    workshop = _Workshop(shots)
    pieces = [_with_fade(shot, workshop.piece, workshop.factor, told=True) for shot in shots]
    return _at_rate(core.std.Splice(pieces), rate * workshop.factor)


def _with_fade(
    shot: GraphShot, make: Callable[[GraphShot], vs.VideoNode], factor: int, *, told: bool = False
) -> vs.VideoNode:
    """The piece of a shot, mixed with what fades out over its first frames."""
    new = make(shot)
    if shot.fades_over is None:
        return new
    whole = make(shot.fades_over)
    before = shot.part[0] * factor if shot.part else 0
    length = min(whole.num_frames - before, new.num_frames)
    if length <= 0:
        return new
    fading = whole[before : before + length]
    mixture = mixed(shot.fade, new[:length], fading, before, whole.num_frames)
    both = " ".join(dict.fromkeys(f"{shot.told} {shot.fades_over.told}".split())) if told else ""
    if both:
        mixture = mixture.std.SetFrameProp(STEPS, data=both)
    if shot.watch.keep:
        mixture = carried(mixture, fading, shot.fades_over.recipe)
    return mixture + new[length:] if new.num_frames > length else mixture


def _at_rate(clip: vs.VideoNode, rate: Fraction) -> vs.VideoNode:
    return clip.std.AssumeFPS(fpsnum=rate.numerator, fpsden=rate.denominator)


@dataclass(frozen=True, slots=True)
class _Outline:
    width: int
    height: int
    format: int
    factor: int
    untouched: bool = False

    @property
    def picture(self) -> tuple[int, int, int]:
        return self.width, self.height, self.format

    def __str__(self) -> str:
        name = core.get_video_format(self.format).name
        rate = f" at {self.factor} times the rate" if self.factor > 1 else ""
        return f"{self.width}x{self.height} {name}{rate}"


class _Shapes:
    """Outlines of shots, found once per recipe and source format."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], _Outline] = {}

    def of(self, shot: GraphShot) -> _Outline:
        take = shot.take
        if shot.script is not None:
            length = len(range(shot.handles[0], take.num_frames - shot.handles[1]))
            return self._outline(shot.restored(), length)
        if not shot.recipe:
            return _Outline(take.width, take.height, take.format.id, 1, untouched=True)
        if not any(step.filter.changes_with(step.settings) for step in shot.recipe):
            return _Outline(take.width, take.height, take.format.id, 1)
        key = (take.width, take.height, take.format.id, take.fps, shot.recipe.key(), shot.remapped is not None)
        if key not in self._known:
            self._known[key] = self._tried(shot)
        return self._known[key]

    def _tried(self, shot: GraphShot) -> _Outline:
        """What comes of a blank clip."""
        blank = core.std.BlankClip(shot.take, length=3, keep=True).std.SetFieldBased(2)
        try:
            remap = shot.remapped
            if remap is None:
                return self._outline(behind_walls(blank, (0, 0), _walled_steps(shot.recipe)), 3)
            clip = behind_walls(blank, (0, 0), _walled_steps(remap.around))
        except vs.Error as error:
            raise SettingError(plain_text(error), shot=shot.id) from None
        return replace(self._outline(clip, 3), factor=remap.factor)

    def _outline(self, clip: vs.VideoNode, length: int) -> _Outline:
        return _Outline(clip.width, clip.height, clip.format.id, clip.num_frames // length)


class _Workshop:
    """Makes the pieces of one restored reel: all of one size, format and rate."""

    def __init__(self, shots: Sequence[GraphShot]) -> None:
        self._shapes = _Shapes()
        self._live = _LiveShots(_LIVE_SHOTS)
        self._first = shots[0]
        self._like = self._shapes.of(shots[0])
        self.factor = max(self._shapes.of(shot).factor for shot in shots)

    def piece(self, shot: GraphShot) -> vs.VideoNode:
        outline = self._shapes.of(shot)
        if outline.picture != self._like.picture or self.factor % outline.factor:
            raise SettingError(
                f"comes out as {outline}, the first shot as {self._like}; a reel has one size, format and rate",
                shot=shot.id,
                hint=self._way_out(shot),
            )
        piece = shot.finish(shot.bare) if outline.untouched else self._live.lazy(shot, outline)
        repeat = self.factor // outline.factor
        return core.std.Interleave([piece] * repeat) if repeat > 1 else piece

    def _way_out(self, shot: GraphShot) -> str:
        steps = (step for each in (shot, self._first) for step in each.recipe if step.name == "upscale")
        upscale = next(steps, None)
        if upscale is None:
            return "Give all shots the same size-changing and rate-changing steps"
        kept = upscale.settings.keys() & {"model", "scale"}
        words = " ".join(f"upscale.{name}={upscale.settings[name]}" for name in sorted(kept))
        return f"Write 'upscale=0 {words}' on shots that are only to have the size of the others"


class _LiveShots:
    """Lazily built chains; only the last used few are kept.

    A run through lets go of a shot soon after its last frame: what its caches hold would press on those of the next.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._built: OrderedDict[int, tuple[vs.VideoNode, int]] = OrderedDict()
        self._asked = 0
        self._blanks: dict[tuple[int, int, int], vs.VideoNode] = {}

    def _blank(self, outline: _Outline, length: int) -> vs.VideoNode:
        """What a piece looks like. A blank clip holds a frame from the start, so all pieces share one."""
        known = self._blanks.get(outline.picture)
        if known is None or known.num_frames < length:
            known = core.std.BlankClip(
                width=outline.width, height=outline.height, format=outline.format, length=2 * length, keep=True
            )
            self._blanks[outline.picture] = known
        return known[:length]

    def lazy(self, shot: GraphShot, outline: _Outline) -> vs.VideoNode:
        first, stop = shot.part or (0, len(shot.frames))
        template = self._blank(outline, (stop - first) * outline.factor)
        key = id(template)  # the template lives as long as the node that asks

        def chain(n: int, _template: vs.VideoNode = template) -> vs.VideoNode:
            self._asked += 1
            known = self._built.get(key)
            node = known[0] if known else shot.labelled(shot.finished(outline.factor))
            self._built[key] = node, self._asked
            self._built.move_to_end(key)
            self._let_go()
            return node

        return core.std.FrameEval(template, chain)

    def _let_go(self) -> None:
        in_flight = core.num_threads + _IDLE
        while True:
            key, (_, last) = next(iter(self._built.items()))
            if len(self._built) <= self._keep and self._asked - last <= in_flight:
                return
            del self._built[key]
