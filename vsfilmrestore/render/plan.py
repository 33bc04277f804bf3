"""The plan of a cut: what is shown, what is done to it, and which media it takes. Nothing is opened but headers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from vsfilmrestore import timeline
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.conform import Conform, conform
from vsfilmrestore.render.decide import Decision, decide_cut
from vsfilmrestore.render.link import Linked, Linker
from vsfilmrestore.render.link_facts import Facts, Prober
from vsfilmrestore.render.link_index import MediaIndex
from vsfilmrestore.render.link_rules import relink_rules
from vsfilmrestore.render.networks import absent_networks
from vsfilmrestore.render.placing import RateRule
from vsfilmrestore.render.scan import Scan, scan_medium
from vsfilmrestore.render.sidecar import Sidecar
from vsfilmrestore.render.wipes import transition_remarks
from vsfilmrestore.timeline.edl.rate import RATE_GUESSED
from vsfilmrestore.timeline.model import CutList

__all__ = ["CutFile", "Linking", "Plan", "plan_of_cut", "remarks_of_media"]

_MOST_NAMES: Final = 3


def remarks_of_media(media: Mapping[Path, Sequence[str]]) -> list[str]:
    """What is to be said of media, each sentence once, with the names of those it is for where there are several."""
    names: dict[str, list[str]] = {}
    for path, remarks in media.items():
        for remark in dict.fromkeys(remarks):
            names.setdefault(remark, []).append(path.name)
    if len(media) < 2:
        return list(names)
    return [f"{_listed(of)}: {remark}" for remark, of in names.items()]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class Linking:
    """Where media are looked for, and how.

    Attributes:
        media: Folders to search and media to use; the cut list's own folder if empty.
        rules: ``[[relink]]`` tables.
        folder: Where relative paths of the rules start; None: the cut list's own folder.
        rate_rule: How media of another rate than the record side are played.
        scan: The finished film, which every shot is taken from at its record timecode; None: each from its own source.
        prober: Reads headers; None: as the media tell.
    """

    media: Sequence[Path] = ()
    rules: Sequence[Mapping[str, Any]] = ()
    folder: Path | None = None
    rate_rule: RateRule | None = None
    scan: Path | None = None
    prober: Prober | None = None

    def known(self) -> Prober:
        """The reader of headers."""
        return self.prober or Prober()


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
        scan: The finished film, where all shots are taken from one.
    """

    cut: CutList
    decisions: Sequence[Decision]
    links: Sequence[Linked]
    conform: Conform
    rate_rule: RateRule | None = None
    warnings: Sequence[str] = ()
    orphans: Sequence[str] = ()
    scan: Scan | None = None

    def index_at(self, record_frame: int) -> int:
        """Which shot shows a record frame of the reel."""
        return bisect_right(self.cut.shots, record_frame, key=lambda shot: shot.record.start) - 1

    @property
    def remarks(self) -> list[str]:
        """What was tolerated or assumed in reading the cut and the media's headers, a sentence each."""
        media = {each.path: each.facts.remarks for each in self.conform.verdicts if each.facts}
        return [*self.cut.remarks, *remarks_of_media(media)]


@dataclass(frozen=True, slots=True)
class CutFile:
    """What is read of a cut list.

    Attributes:
        path: The cut list.
        rate: Frame rate, for cut lists that do not tell.
        markers: Marker lists to join with it.
        sequence: Name of the sequence, of a file with several; '' for the only one.
    """

    path: Path
    rate: float | str | Fraction | None = None
    markers: Sequence[Path] = ()
    sequence: str = ""

    def read(self, rate: Fraction | None = None) -> CutList:
        """Read it, at a rate that is known by now."""
        return timeline.read(self.path, rate=rate or self.rate, markers=list(self.markers), sequence=self.sequence)

    def read_at(self, told: Callable[[CutList], Fraction | None]) -> CutList:
        """Read it; where neither it nor anybody else tells its rate, ask for it."""
        cut = self.read()
        rate = None if cut.rate_known else told(cut)
        if rate is None:
            return cut
        if rate != cut.rate:
            return self.read(rate)
        remarks = tuple(remark for remark in cut.remarks if not str(remark).startswith(RATE_GUESSED))
        return replace(cut, rate_known=True, remarks=remarks)


def plan_of_cut(
    file: CutFile,
    linking: Linking,
    recipe: Recipe,
    *,
    settings: Sidecar | Mapping[str, Any] | None = None,
) -> Plan:
    """The plan of a cut list, with or without its media at hand.

    Where the cut list does not tell its rate and nobody else does, its media do: the scan, or that of the first shot
    that is found.

    Args:
        file: The cut list.
        linking: Where its media are looked for.
        recipe: Recipe of shots nobody wrote anything about.
        settings: Settings by shot id and colour, as in ``project.toml``.

    Raises:
        VsfrError: What cannot be read or understood. Missing media are no error.
    """
    prober, rule = linking.known(), linking.rate_rule
    scan = None
    if linking.scan is not None:
        path = scan_medium(linking.scan)
        cut = file.read_at(lambda _: _rate_told(prober, path))
        scan = Scan.of(path, cut, rule)
        cut = scan.over(cut)
        links = scan.links(cut)
    else:
        linker = _linker(file.path, linking, prober)
        cut = file.read_at(linker.rate)
        links = linker.link(cut)
    cut = replace(cut, remarks=(*cut.remarks, *transition_remarks(cut)))
    found = conform(cut, links, lambda path: _told(prober(path), scan), rule, prober.failure)
    decided = decide_cut(cut, recipe, settings)
    warnings = (*decided.warnings, *(each.sentence for each in absent_networks(decided.decisions)))
    return Plan(cut, decided.decisions, links, found, rule, warnings, decided.orphans, scan)


def _linker(cut: Path, linking: Linking, prober: Prober) -> Linker:
    rules = relink_rules(linking.rules, linking.folder or cut.parent)
    places = [*timeline.bundle_media_places(cut), *(linking.media or [cut.parent])]
    index = MediaIndex(places, asked=bool(linking.media))
    return Linker(index, prober, rules, linking.rate_rule)


def _rate_told(prober: Prober, path: Path) -> Fraction | None:
    """The rate that a medium tells, None if it tells none or is not there."""
    facts = prober(path)
    return facts.rate if facts is not None and facts.rate_told else None


def _told(facts: Facts | None, scan: Scan | None) -> Facts | None:
    return scan.told(facts) if scan is not None and facts is not None else facts
