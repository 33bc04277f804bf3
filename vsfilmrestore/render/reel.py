"""The reel: a cut, its media and its decisions, as an editor handles them in a ``.vpy``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, Self, cast

import vapoursynth as vs

from vsfilmrestore import timeline
from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.media.source import Media, open_media
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.bind import Bound, Opener, bind, itself
from vsfilmrestore.render.conform import Conform, conform
from vsfilmrestore.render.decide import Decision, decide_cut
from vsfilmrestore.render.graph import GraphShot, restored_node, source_node
from vsfilmrestore.render.guard import refuse_overwriting
from vsfilmrestore.render.history_watch import Watch
from vsfilmrestore.render.link import Link, Linked
from vsfilmrestore.render.link_facts import Facts
from vsfilmrestore.render.networks import absent_networks, require_networks
from vsfilmrestore.render.placing import RateRule
from vsfilmrestore.render.plan import CutFile, Linking, Plan, plan_of_cut, remarks_of_media
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel_shot import ReelShot
from vsfilmrestore.render.remap import in_time, record_rate
from vsfilmrestore.render.sidecar import Sidecar
from vsfilmrestore.render.sound import reel_sound
from vsfilmrestore.render.verdicts import Verdicts
from vsfilmrestore.render.walls import Build
from vsfilmrestore.timeline.model import CutList

__all__ = ["Reel", "ReelShot"]

type PathName = str | PathLike[str]


class Reel:
    """A cut with its media and decisions.

    >>> reel = Reel.open("cut.edl", media="scans/", markers=["clips.edl", "notes.csv"])
    >>> @reel.shot("fight-03")
    ... def fight(clip):                     # a shot scripted by hand
    ...     return remove_wires(clip, only=[(900, 0, 1100, 1080)])
    >>> reel["opening"].recipe = Recipe.preset("archive").with_(deflicker=0.8)
    >>> for shot in reel.find(colour="Yellow"):
    ...     shot.change("dust=0.8 scratch=off")
    >>> reel.restored().set_output(0)
    >>> reel.source().set_output(1)

    Of a finished film in one piece: ``Reel.open("cut.edl", scan="film.mov")``.

    Shots are found by name, by id (``<reel or file>@<source timecode>``) or by event number.

    Attributes:
        cut: The cut list.
        bound: Media of each shot, in the order of the cut.
        decisions: What is done to each shot, in the order of the cut.
        scripts: Functions that restore shots by hand, by index of the shot.
        verdicts: Repairs that were taken back.
    """

    def __init__(
        self,
        cut: CutList,
        bound: Sequence[Bound],
        decisions: Sequence[Decision],
        links: Sequence[Linked],
        agreement: Conform,
        plan: Plan | None = None,
        warnings: Sequence[str] = (),
        orphans: Sequence[str] = (),
    ) -> None:
        self.cut = cut
        self._plan = plan or Plan(cut, decisions, links, agreement, None, warnings, orphans)
        self._plan = replace(self._plan, conform=agreement)
        self.bound = tuple(bound)
        self.decisions = list(decisions)
        self.scripts: dict[int, Build] = {}
        self.verdicts = Verdicts()

    @classmethod
    def open(
        cls,
        path: PathName,
        *,
        media: PathName | Sequence[PathName] = (),
        markers: PathName | Sequence[PathName] = (),
        preset: str | Recipe = "archive",
        rate: float | str | Fraction | None = None,
        settings: Sidecar | Mapping[str, Any] | None = None,
        handles: int = 0,
        opener: Opener = open_media,
        relink: Sequence[Mapping[str, str]] = (),
        media_rate_rule: str = "",
        sequence: str = "",
        scan: PathName | None = None,
    ) -> Self:
        """Open a cut list with its media, a medium as one single shot, or a project as ``vsfilmrestore render`` does.

        A project (a folder ``.vsfr``) says all else itself: its input, its shots, what was proposed for them and what
        was taken back. Nothing is written into it.

        Args:
            path: Cut list (.otio, .otioz, .otiod, .edl, .xml, .fcpxml, .aaf), medium (movie, folder of stills, .vpy) or
                project.
            media: Folders to search, or media files; the cut list's own folder if not given.
            markers: A marker list to join with the cut, or several.
            preset: Recipe of shots nobody wrote anything about, or the name of a preset.
            rate: Frame rate, for cut lists that do not tell.
            settings: Settings by shot id, in marker words or as tables, as in ``project.toml``; a `Sidecar` holds
                those of colours too.
            handles: Frames of the same take known to exist around each shot in its source.
            opener: Opens a medium; give your own to set gaps, rates or timecode.
            relink: Rules as in ``[[relink]]`` of ``project.toml``; paths start at the cut list's folder.
            media_rate_rule: How media of another rate than the cut are played: ``time`` or ``frames``.
            sequence: Name of the sequence, of a file that holds several.
            scan: The finished film: every shot is taken from it at its record timecode, not from its own source.

        Raises:
            VsfrError: What cannot be read, linked or understood, with file, line and shot.
        """
        path = Path(path)
        if Project.is_project(path):
            asked = (media, markers, rate, settings, handles, relink, media_rate_rule, sequence, scan)
            if any(asked) or preset != "archive" or opener is not open_media:
                raise UsageError("a project says all this itself: change project.toml, or open its input", file=path)
            return cls._of_project(path)
        recipe = Recipe.preset(preset) if isinstance(preset, str) else preset
        if not timeline.is_cut_list(path):
            if scan is not None or sequence or markers:
                raise UsageError("markers, sequence and scan go with a cut list", file=path)
            return cls.of_medium(opener(path), recipe=recipe, settings=settings)
        if scan is not None and media:
            raise UsageError("scan takes all shots from one film, media each from its own source", file=path)
        linking = Linking(
            _paths(media),
            relink,
            rate_rule=RateRule.of(media_rate_rule),
            scan=None if scan is None else Path(scan),
        )
        file = CutFile(path, rate, _paths(markers), sequence)
        return cls.of_plan(plan_of_cut(file, linking, recipe, settings=settings), opener, handles)

    @classmethod
    def of_plan(cls, plan: Plan, opener: Opener = open_media, handles: int = 0) -> Self:
        """A planned cut with its media opened.

        Raises:
            MediaError: Media are missing, all of them named; or one cannot be opened.
            TimelineError: Shots ask for frames their media do not hold, all of them named.
        """
        told = plan.scan.told if plan.scan is not None else _as_told
        bound, agreement = bind(plan.cut, plan.links, opener, rate_rule=plan.rate_rule, handles=handles, told=told)
        return cls(plan.cut, bound, plan.decisions, plan.links, agreement, plan)

    @classmethod
    def _of_project(cls, folder: Path) -> Self:
        from vsfilmrestore.render.job import open_project, open_reel  # they make reels themselves

        return cast(Self, open_reel(open_project(folder, None, {}, save=False), save=False))

    @classmethod
    def of_medium(
        cls,
        medium: Media,
        *,
        cuts: Sequence[int] = (),
        recipe: Recipe | None = None,
        settings: Sidecar | Mapping[str, Any] | None = None,
    ) -> Self:
        """A medium as a reel: one shot, or one for each cut given (first frames of new shots).

        Where the recipe makes frames at a rate that is no whole multiple of the medium's, the reel is played in time
        at that rate.
        """
        recipe = Recipe.preset("archive") if recipe is None else recipe
        cut = timeline.reel_from_cuts(
            list(cuts),
            medium.video.num_frames,
            medium.rate,
            name=medium.path.stem,
            start=medium.start,
            drop=medium.drop,
            reel=medium.reel,
        )
        rate = record_rate(recipe, medium.rate)
        if rate != medium.rate:
            cut = in_time(cut, rate)
        links = [Linked(Link(medium.path, "itself"))] * len(cut.shots)
        facts = Facts.of_media(medium)
        decided = decide_cut(cut, recipe, settings)
        found = conform(cut, links, lambda _: facts)
        bound = [itself(shot, medium, placed) for shot, placed in zip(cut.shots, found.placed, strict=True)]
        lacking = [each.sentence for each in absent_networks(decided.decisions)]
        said = (*decided.warnings, *lacking), decided.orphans
        return cls(cut, bound, decided.decisions, links, found, None, *said)

    @property
    def rate(self) -> Fraction:
        return self.cut.rate

    @property
    def plan(self) -> Plan:
        """What is shown and done, as plain data that needs no pictures."""
        return replace(self._plan, decisions=tuple(self.decisions))

    @property
    def remarks(self) -> list[str]:
        """What was tolerated or assumed while reading the cut and opening the media, a sentence each."""
        items = [each for item in self.bound for each in (item, item.fades_over) if each is not None]
        opened = {item.medium.path: item.medium.remarks for item in items if item.medium is not None}
        return list(dict.fromkeys([*self._plan.cut.remarks, *remarks_of_media(opened)]))

    @property
    def warnings(self) -> list[str]:
        """What an editor should look at: settings that disagree or belong to no shot, media that do not quite fit."""
        shots = (
            f"shot {decision.shot.name or decision.shot.id}: {warning}"
            for decision in self.decisions
            for warning in decision.warnings
        )
        found = (finding.text for finding in self._plan.conform.findings)
        return list(dict.fromkeys([*self._plan.warnings, *shots, *found]))

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

    def find(self, name: str = "", *, colour: str = "", marker: str = "", media: str = "") -> list[ReelShot]:
        """The shots that fit all that is asked, in record order; none is an empty list.

        Args:
            name: Name, id or event number; ``*`` and ``?`` stand for anything (``"fight-*"``).
            colour: Colour of the clip's label or of a marker over the shot.
            marker: Text in the name or note of a marker over the shot.
            media: Reel or file name of the source, likewise.
        """
        return [shot for shot in self.shots if shot.fits(name, colour, marker, media)]

    def shot(self, *keys: str | int) -> Callable[[Build], Build]:
        """Decorator: restore the shot, or each of several, with the function below.

        It gets the shot's source frames, and in a transition those that fade out as well.

        Args:
            keys: Name, id or event number; with ``*`` or ``?`` all shots that fit.

        Raises:
            UsageError: There is no such shot; or several, and the key has no ``*``.
        """
        chosen = [index for key in keys for index in self._indices(key)]

        def remember(function: Build) -> Build:
            for index in chosen:
                ReelShot(self, index).script = function
            return function

        return remember

    def source(self) -> vs.VideoNode:
        """The unrestored reel."""
        return source_node(self.graph_shots(), self.rate)

    def restored(self, *, history: bool = False) -> vs.VideoNode:
        """The restored reel. Nothing is computed before a frame is asked for.

        Args:
            history: Whether frames carry what was repaired in them and what stood there before, for the renderer.

        Raises:
            VsfrError: A shot wants a network that is not on this machine; or what `restored_node` raises.
        """
        self.require_networks(range(len(self)))
        return restored_node(self.graph_shots(history=history), self.rate)

    def require_networks(self, shots: Iterable[int]) -> None:
        """See to it that the networks of shots can be run, those of shots scripted by hand aside.

        Raises:
            VsfrError: One cannot; all of them are named, with the shots that want them.
        """
        require_networks(self.decisions[index] for index in shots if index not in self.scripts)

    def audio(self) -> vs.AudioNode | None:
        """The sound under the record side, sample-exact; None if no source has any."""
        return reel_sound(self.bound, self.rate)

    def write(self, path: PathName, *, restored: PathName | None = None, schema: str = "") -> tuple[str, ...]:
        """Write the cut as a cut list, in the format of the suffix.

        Args:
            path: ``.otio``, ``.edl``, ``.xml`` (Final Cut Pro 7), ``.fcpxml`` or ``.aaf``.
            restored: What the reel was rendered to, as the media of all shots; the cut's own media if not given.
            schema: For ``.otio``: the release of OpenTimelineIO that must be able to read it, ``0.15``.

        Returns:
            What the format could not hold, a sentence each.

        Raises:
            VsfrError: It cannot be written, would overwrite what the reel is made from, or `restored` does not fit.
        """
        media = [Path(restored)] if restored is not None else []
        refuse_overwriting(Path(path), None, [Path(self.cut.file or self.cut.name), *self.media_paths, *media])
        cut, extras = self.cut, None
        if restored is not None:
            from vsfilmrestore.render.export import relinked, restored_medium  # brings the writers of all formats

            cut, extras = relinked(cut, restored_medium(Path(restored), cut), self.decisions)
        return timeline.write(cut, Path(path), extras, schema=schema)

    def graph_shots(self, index: int | None = None, *, history: bool = False) -> list[GraphShot]:
        """Shots, or one shot, split into the parts that share a recipe."""
        chosen = range(len(self)) if index is None else (index,)
        return [piece for i in chosen for piece in self._pieces(i, history)]

    def _watch(self, bound: Bound, history: bool, side: int = 0) -> Watch:
        medium = bound.medium
        return Watch(history, self.verdicts.of(medium.path) if medium is not None else Verdicts(), side)

    def _pieces(self, index: int, history: bool) -> list[GraphShot]:
        bound, decision, script = self.bound[index], self.decisions[index], self.scripts.get(index)
        like = next((b.medium for b in self.bound if b.medium is not None), None)
        whole = _graph_shot(bound, like, decision.recipe, script, self.rate)
        whole = replace(whole, watch=self._watch(bound, history))
        if bound.fades_over is not None and bound.shot.transition is not None:
            before = max(index - 1, 0)
            recipe = self.decisions[before].parts[-1].recipe  # as the shot ended
            script_before = self.scripts.get(before) if index else None
            old = _graph_shot(bound.fades_over, like, recipe, script_before, self.rate)
            old = replace(old, script_sees_handles=True, watch=self._watch(bound.fades_over, history, 1))
            whole = replace(whole, fades_over=old, fade=bound.shot.transition.kind)
        if whole.script is not None or len(decision.parts) == 1:
            return [whole]
        start = bound.shot.record.start
        if bound.medium is None:
            return [whole]
        return [whole.limited(p.recipe, p.frames.start - start, p.frames.stop - start) for p in decision.parts]

    def _indices(self, key: str | int) -> list[int]:
        if not isinstance(key, str) or not set("*?") & set(key):
            return [self._index(key)]
        found = [i for i, shot in enumerate(self.shots) if shot.fits(key, "", "", "")]
        if not found:
            raise UsageError(f"no shot fits '{key}'", file=self.cut.file or None)
        return found

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


def _graph_shot(bound: Bound, like: Media | None, recipe: Recipe, script: Build | None, rate: Fraction) -> GraphShot:
    shot = GraphShot(bound.shot.id, bound.take(like), bound.handles, bound.frames, recipe, script)
    shot = replace(shot, moments=bound.moments, rate=rate)
    if bound.medium is None:
        return shot.untreated()
    return replace(shot, first=bound.medium.first_number + bound.first - bound.handles[0])


def _paths(names: PathName | Sequence[PathName]) -> list[Path]:
    return [Path(name) for name in ([names] if isinstance(names, str | PathLike) else names)]


def _as_told(facts: Facts) -> Facts:
    return facts
