"""The plan of a cut: what is shown, what is done to it, and which media it takes. Nothing is opened but headers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from vsfilmrestore import timeline
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.conform import Conform, conform
from vsfilmrestore.render.decide import Decision, decide_cut
from vsfilmrestore.render.link import Linked, Linker
from vsfilmrestore.render.link_facts import Prober
from vsfilmrestore.render.link_index import MediaIndex
from vsfilmrestore.render.link_rules import relink_rules
from vsfilmrestore.render.placing import RateRule
from vsfilmrestore.render.sidecar import Sidecar
from vsfilmrestore.timeline.model import CutList

__all__ = ["Linking", "Plan", "linked_cut", "plan_of_cut"]


@dataclass(frozen=True, slots=True)
class Linking:
    """Where media are looked for, and how.

    Attributes:
        media: Folders to search and media to use; the cut list's own folder if empty.
        rules: ``[[relink]]`` tables.
        folder: Where relative paths of the rules start; None: the cut list's own folder.
        rate_rule: How media of another rate than the record side are played.
        prober: Reads headers; None: as the media tell.
    """

    media: Sequence[Path] = ()
    rules: Sequence[Mapping[str, Any]] = ()
    folder: Path | None = None
    rate_rule: RateRule | None = None
    prober: Prober | None = None


@dataclass
class Plan:
    """A cut, its decisions and its media.

    Attributes:
        cut: The cut.
        decisions: What is done to each shot.
        links: What each shot was linked to, or why it was not.
        conform: Whether cut and media agree.
        rate_rule: How media of another rate are played; None: nobody said, in time.
        warnings: What an editor should know that concerns no single shot.
        orphans: Settings of the project that no shot of the cut has.
    """

    cut: CutList
    decisions: Sequence[Decision]
    links: Sequence[Linked]
    conform: Conform
    rate_rule: RateRule | None = None
    warnings: Sequence[str] = ()
    orphans: Sequence[str] = ()

    def index_at(self, record_frame: int) -> int:
        """Which shot shows a record frame of the reel."""
        return bisect_right(self.cut.shots, record_frame, key=lambda shot: shot.record.start) - 1

    @property
    def remarks(self) -> list[str]:
        """What was tolerated or assumed in reading the cut and the media's headers, a sentence each."""
        media = (verdict.facts for verdict in self.conform.verdicts)
        return [*self.cut.remarks, *(remark for facts in media if facts for remark in facts.remarks)]


def linked_cut(
    path: Path,
    linking: Linking,
    *,
    rate: float | str | Fraction | None = None,
    markers: Path | None = None,
) -> tuple[CutList, list[Linked], Linker]:
    """Read a cut list and link it. Missing media are told, not raised.

    Where the cut list does not tell its rate and nobody else does, the medium of its first shot that is found does.

    Raises:
        VsfrError: The cut list or a rule cannot be understood, or a place to search does not exist.
    """
    rules = relink_rules(linking.rules, linking.folder or path.parent)
    cut = timeline.read(path, rate=rate, markers=markers)
    places = [*timeline.bundle_media_places(path), *(linking.media or [path.parent])]
    index = MediaIndex(places, asked=bool(linking.media))
    linker = Linker(index, linking.prober or Prober(), rules, linking.rate_rule)
    told = None if cut.rate_known else linker.rate(cut)
    if told == cut.rate:
        cut = replace(cut, rate_known=True)
    elif told is not None:
        cut = timeline.read(path, rate=told, markers=markers)
    return cut, linker.link(cut), linker


def plan_of_cut(
    path: Path,
    linking: Linking,
    recipe: Recipe,
    *,
    rate: float | str | Fraction | None = None,
    markers: Path | None = None,
    settings: Sidecar | Mapping[str, Any] | None = None,
) -> Plan:
    """The plan of a cut list, with or without its media at hand.

    Args:
        path: Cut list.
        linking: Where its media are looked for.
        recipe: Recipe of shots nobody wrote anything about.
        rate: Frame rate, for cut lists that do not tell.
        markers: A marker list to join with the cut.
        settings: Settings by shot id and colour, as in ``project.toml``.

    Raises:
        VsfrError: What cannot be read or understood. Missing media are no error.
    """
    cut, links, linker = linked_cut(path, linking, rate=rate, markers=markers)
    found = conform(cut, links, linker.prober, linking.rate_rule, linker.prober.failure)
    decided = decide_cut(cut, recipe, settings)
    return Plan(cut, decided.decisions, links, found, linking.rate_rule, decided.warnings, decided.orphans)
