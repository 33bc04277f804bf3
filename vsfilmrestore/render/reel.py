"""The reel: a cut, its media and its decisions, as an editor handles them in a ``.vpy``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, Self

import vapoursynth as vs

from vsfilmrestore import timeline
from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.media.source import Media, open_media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.bind import Bound, Opener, bind
from vsfilmrestore.render.conform import Conform, conform
from vsfilmrestore.render.decide import Decision, Part, decide_cut
from vsfilmrestore.render.graph import GraphShot, restored_node, source_node
from vsfilmrestore.render.link import Link, Linked
from vsfilmrestore.render.link_facts import Facts
from vsfilmrestore.render.placing import RateRule
from vsfilmrestore.render.plan import Linking, Plan, plan_of_cut
from vsfilmrestore.render.sidecar import Sidecar
from vsfilmrestore.render.sound import reel_sound
from vsfilmrestore.render.walls import Build
from vsfilmrestore.timeline.model import CutList, Shot

__all__ = ["Reel", "ReelShot"]

type PathName = str | PathLike[str]


@dataclass
class ReelShot:
    """A shot of a reel: what it is, its recipe, and its pictures."""

    _reel: Reel
    _index: int

    @property
    def shot(self) -> Shot:
        return self._reel.cut.shots[self._index]

    @property
    def decision(self) -> Decision:
        """Recipe and where its values came from."""
        return self._reel.decisions[self._index]

    @property
    def recipe(self) -> Recipe:
        return self.decision.recipe

    @recipe.setter
    def recipe(self, recipe: Recipe) -> None:
        if not isinstance(recipe, Recipe):
            raise UsageError(f"a recipe is wanted for shot {self.shot.name}, not {type(recipe).__name__}")
        origins = {step.name: "script" for step in recipe}
        parts = (Part(self.shot.record, recipe, origins),)
        self._reel.decisions[self._index] = Decision(self.shot, parts, origins)

    def source(self) -> vs.VideoNode:
        """The unrestored shot."""
        return source_node(self._reel.graph_shots(self._index), self._reel.rate)

    def restored(self) -> vs.VideoNode:
        """The restored shot, at the rate its own steps give it."""
        return restored_node(self._reel.graph_shots(self._index), self._reel.rate)


class Reel:
    """A cut with its media and decisions.

    >>> reel = Reel.open("cut.edl", media="scans/", markers="markers.edl")
    >>> @reel.shot("fight-03")
    ... def fight(clip):                     # a shot scripted by hand
    ...     return remove_wires(clip, only=[(900, 0, 1100, 1080)])
    >>> reel["opening"].recipe = Recipe.preset("archive").with_(deflicker=0.8)
    >>> reel.restored().set_output(0)
    >>> reel.source().set_output(1)

    Shots are found by name, by id (``<reel or file>@<source timecode>``) or by event number.

    Attributes:
        cut: The cut list.
        bound: Media of each shot, in the order of the cut.
        decisions: What is done to each shot, in the order of the cut.
    """

    def __init__(
        self,
        cut: CutList,
        bound: Sequence[Bound],
        decisions: Sequence[Decision],
        links: Sequence[Linked],
        agreement: Conform,
        rate_rule: RateRule | None = None,
        warnings: Sequence[str] = (),
        orphans: Sequence[str] = (),
    ) -> None:
        self.cut = cut
        self._links, self._agreement, self._rate_rule = links, agreement, rate_rule
        self._warnings, self._orphans = tuple(warnings), tuple(orphans)
        self.bound = tuple(bound)
        self.decisions = list(decisions)
        self._scripts: dict[int, Build] = {}

    @classmethod
    def open(
        cls,
        path: PathName,
        *,
        media: PathName | Sequence[PathName] = (),
        markers: PathName | None = None,
        preset: str | Recipe = "archive",
        rate: float | str | Fraction | None = None,
        settings: Sidecar | Mapping[str, Any] | None = None,
        handles: int = 0,
        opener: Opener = open_media,
        relink: Sequence[Mapping[str, str]] = (),
        media_rate_rule: str = "",
    ) -> Self:
        """Open a cut list with its media, or a medium as one single shot.

        Args:
            path: Cut list (.otio, .edl) or medium (movie, folder of stills, .vpy).
            media: Folders to search, or media files; the cut list's own folder if not given.
            markers: A marker list to join with the cut.
            preset: Recipe of shots nobody wrote anything about, or the name of a preset.
            rate: Frame rate, for cut lists that do not tell.
            settings: Settings by shot id, in marker words or as tables, as in ``project.toml``; a `Sidecar` holds
                those of colours too.
            handles: Frames of the same take known to exist around each shot in its source.
            opener: Opens a medium; give your own to set gaps, rates or timecode.
            relink: Rules as in ``[[relink]]`` of ``project.toml``; paths start at the cut list's folder.
            media_rate_rule: How media of another rate than the cut are played: ``time`` or ``frames``.

        Raises:
            VsfrError: What cannot be read, linked or understood, with file, line and shot.
        """
        path = Path(path)
        recipe = Recipe.preset(preset) if isinstance(preset, str) else preset
        if not timeline.is_cut_list(path):
            return cls.of_medium(opener(path), recipe=recipe, settings=settings)
        names = [media] if isinstance(media, str | PathLike) else media
        linking = Linking([Path(name) for name in names], relink, rate_rule=RateRule.of(media_rate_rule))
        plan = plan_of_cut(
            path,
            linking,
            recipe,
            rate=rate,
            markers=None if markers is None else Path(markers),
            settings=settings,
        )
        return cls.of_plan(plan, opener, handles)

    @classmethod
    def of_plan(cls, plan: Plan, opener: Opener = open_media, handles: int = 0) -> Self:
        """A planned cut with its media opened.

        Raises:
            MediaError: Media are missing, all of them named; or one cannot be opened.
            TimelineError: Shots ask for frames their media do not hold, all of them named.
        """
        cut, rule = plan.cut, plan.rate_rule
        bound, agreement = bind(cut, plan.links, opener, rate_rule=rule, handles=handles)
        return cls(cut, bound, plan.decisions, plan.links, agreement, rule, plan.warnings, plan.orphans)

    @classmethod
    def of_medium(
        cls,
        medium: Media,
        *,
        cuts: Sequence[int] = (),
        recipe: Recipe | None = None,
        settings: Sidecar | Mapping[str, Any] | None = None,
    ) -> Self:
        """A medium as a reel: one shot, or one for each cut given (first frames of new shots)."""
        cut = timeline.reel_from_cuts(
            list(cuts),
            medium.video.num_frames,
            medium.rate,
            name=medium.path.stem,
            start=medium.start,
            drop=medium.drop,
            reel=medium.reel,
        )
        bound = [
            Bound(shot, medium, range(len(shot.record)), shot.record.start, (0, 0), "itself") for shot in cut.shots
        ]
        links = [Linked(Link(medium.path, "itself"))] * len(cut.shots)
        facts = Facts.of_media(medium)
        decided = decide_cut(cut, Recipe.preset("archive") if recipe is None else recipe, settings)
        found = conform(cut, links, lambda _: facts)
        return cls(cut, bound, decided.decisions, links, found, None, decided.warnings, decided.orphans)

    @property
    def rate(self) -> Fraction:
        return self.cut.rate

    @property
    def plan(self) -> Plan:
        """What is shown and done, as plain data that needs no pictures."""
        plan = Plan(self.cut, tuple(self.decisions), self._links, self._agreement, self._rate_rule)
        return replace(plan, warnings=self._warnings, orphans=self._orphans)

    @property
    def remarks(self) -> list[str]:
        """What was tolerated or assumed while reading the cut and opening the media, a sentence each."""
        media = {id(item.medium): item.medium for item in self.bound if item.medium is not None}
        return [*self.cut.remarks, *(remark for medium in media.values() for remark in medium.remarks)]

    @property
    def media_paths(self) -> set[Path]:
        """Where its media lie."""
        items = [each for item in self.bound for each in (item, item.fades_over) if each is not None]
        return {item.medium.path for item in items if item.medium is not None}

    @property
    def shots(self) -> list[ReelShot]:
        return [ReelShot(self, i) for i in range(len(self.cut.shots))]

    def __iter__(self) -> Iterator[ReelShot]:
        return iter(self.shots)

    def __len__(self) -> int:
        """Number of shots."""
        return len(self.cut.shots)

    def __getitem__(self, key: str | int) -> ReelShot:
        """The shot of that name, id or event number.

        Raises:
            UsageError: There is none, or more than one.
        """
        return ReelShot(self, self._index(key))

    def shot(self, key: str | int) -> Callable[[Build], Build]:
        """Decorator: restore the shot with the function below, which gets the shot's source frames."""
        index = self._index(key)

        def remember(function: Build) -> Build:
            self._scripts[index] = function
            return function

        return remember

    def source(self) -> vs.VideoNode:
        """The unrestored reel."""
        return source_node(self.graph_shots(), self.rate)

    def restored(self) -> vs.VideoNode:
        """The restored reel. Nothing is computed before a frame is asked for."""
        return restored_node(self.graph_shots(), self.rate)

    def audio(self) -> vs.AudioNode | None:
        """The sound under the record side, sample-exact; None if no source has any."""
        return reel_sound(self.bound, self.rate)

    def graph_shots(self, index: int | None = None) -> list[GraphShot]:
        """Shots, or one shot, split into the parts that share a recipe."""
        chosen = range(len(self)) if index is None else (index,)
        return [piece for i in chosen for piece in self._pieces(i)]

    def _pieces(self, index: int) -> list[GraphShot]:
        bound, decision, script = self.bound[index], self.decisions[index], self._scripts.get(index)
        like = next((b.medium for b in self.bound if b.medium is not None), None)
        whole = _graph_shot(bound, like, decision.recipe, script)
        if bound.fades_over is not None:
            old = _graph_shot(bound.fades_over, like, self.decisions[max(index - 1, 0)].recipe, None)
            whole = replace(whole, fades_over=old)
        if whole.script is not None or not whole.recipe or len(decision.parts) == 1:
            return [whole]
        start = bound.shot.record.start
        return [whole.limited(p.recipe, p.frames.start - start, p.frames.stop - start) for p in decision.parts]

    def _index(self, key: str | int) -> int:
        shots = self.cut.shots
        wanted = str(key).lower()
        readings = (
            [shot.id.lower() == wanted for shot in shots],
            [shot.name.lower() == wanted for shot in shots],
            [shot.event != "" and shot.event.lstrip("0") == wanted.lstrip("0") for shot in shots],
        )
        for reading in readings:
            found = [i for i, fits in enumerate(reading) if fits]
            if len(found) == 1:
                return found[0]
            if found:
                ids = ", ".join(shots[i].id for i in found[:4])
                raise UsageError(f"{len(found)} shots are named '{key}': {ids}", hint="Use one of these ids")
        known = [name for shot in shots for name in (shot.name, shot.id) if name]
        raise UsageError(f"there is no shot '{key}'{nearest(str(key), known)}", file=self.cut.file or None)


def _graph_shot(bound: Bound, like: Media | None, recipe: Recipe, script: Build | None) -> GraphShot:
    shot = GraphShot(bound.shot.id, bound.take(like), bound.handles, bound.frames, recipe, script)
    return shot.untreated() if bound.medium is None else shot
