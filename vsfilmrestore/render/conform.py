"""Conform: whether cut list and media agree, shot by shot and medium by medium.

Everything is looked at before anything is refused: all missing media and all shots outside their media come at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import InputError, MediaError, TimelineError
from vsfilmrestore.media.timecode import format_timecode, rate_text
from vsfilmrestore.render.link import Link, Linked, agree_on_reel
from vsfilmrestore.render.link_facts import Facts
from vsfilmrestore.render.placing import Placed, RateRule, alike, place
from vsfilmrestore.timeline.model import CutList, Shot, SourceKey

__all__ = ["Conform", "Finding", "Verdict", "conform", "rates_text", "refusal"]

_ROUNDING: Final = 1
_LISTED: Final = 6


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not agree.

    Attributes:
        kind: ``missing``, ``ambiguous``, ``unreadable``, ``range``, ``rate``, ``drop``, ``reel``, ``length``,
            ``start`` or ``hash``.
        severe: Whether nothing can be rendered with it.
        text: A sentence.
        hint: The way out, '' if there is none.
        shot: The shot (of a transition: the one that fades in), None: it is about the whole medium.
        path: The medium, None if none was found.
        source: Short name of the source.
    """

    kind: str
    severe: bool
    text: str
    hint: str = ""
    shot: Shot | None = None
    path: Path | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A medium with all that was found about it.

    Attributes:
        path: The medium.
        facts: What it tells, None if it cannot be read before it is opened.
        how: What it was linked by, each way once.
        shots: How many shots show it, transitions included.
        span: The lowest and the highest frame shown, None if not known.
        by: What places were found by: timecode, frame number, frame count.
        rule: How it is played where its rate is not that of the record side, '' where it is.
        hashed: Which checksums were compared, '' if that was not asked for.
        findings: What does not agree.
    """

    path: Path
    facts: Facts | None
    how: tuple[str, ...] = ()
    shots: int = 0
    span: tuple[int, int] | None = None
    by: tuple[str, ...] = ()
    rule: str = ""
    hashed: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def word(self) -> str:
        """``ok``, ``look``, ``fails`` or ``not read``."""
        if any(finding.severe for finding in self.findings):
            return "fails"
        if self.facts is None:
            return "not read"
        return "look" if self.findings else "ok"


@dataclass(frozen=True, slots=True)
class Conform:
    """The outcome.

    Attributes:
        placed: For each shot its place in its medium, None for black and where there is none.
        fading: The same for what fades out over each shot.
        verdicts: One for each medium, in the order of the cut.
        findings: All of them, in the order of the cut.
    """

    placed: tuple[Placed | None, ...]
    fading: tuple[Placed | None, ...]
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]

    @property
    def severe(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severe]


type FactsOf = Callable[[Path], Facts | None]
type Why = Callable[[Path], str]


def conform(
    cut: CutList, links: Sequence[Linked], facts_of: FactsOf, rule: RateRule | None = None, why: Why = lambda _: ""
) -> Conform:
    """Compare a cut with its media.

    Args:
        cut: The cut.
        links: One for each shot.
        facts_of: What a medium tells; None if it tells nothing yet.
        rule: How media of another rate are played; None is in time, and refuses what is contradictory.
        why: Why a medium told nothing, '' where that is as it should be.
    """
    survey = _Survey(cut, facts_of, rule, why)
    placed, fading = [], []
    for shot, item in zip(cut.shots, links, strict=True):
        placed.append(survey.look(shot, shot, item))
        over = shot.transition and item.outgoing and survey.look(shot.transition.outgoing, shot, item.outgoing)
        fading.append(over or None)
    return Conform(tuple(placed), tuple(fading), tuple(survey.verdicts()), tuple(survey.findings))


def refusal(cut: CutList, findings: Sequence[Finding]) -> InputError:
    """One error for all that is severe; what it sums up is in its details."""
    kind = TimelineError if all(finding.kind in ("range", "rate", "hash") for finding in findings) else MediaError
    if len(findings) == 1:
        shot = findings[0].shot
        return kind(
            findings[0].text,
            file=cut.file or None,
            shot=shot.name if shot else None,
            timecode=cut.timecode(shot.record.start) if shot else None,
            hint=findings[0].hint or None,
        )
    return kind(_summary(cut, findings), file=cut.file or None, hint=findings[0].hint, details=_details(cut, findings))


def _summary(cut: CutList, findings: Sequence[Finding]) -> str:
    shots = {finding.shot.record.start for finding in findings if finding.shot is not None}
    sources = {finding.source for finding in findings if finding.kind == "missing"}
    sums = sum(finding.kind == "hash" for finding in findings)
    words = []
    if shots:
        words.append(f"{len(shots)} of {len(cut.shots)} shots cannot be made from the media there are")
    if sources:
        words.append("1 medium is missing" if len(sources) == 1 else f"{len(sources)} media are missing")
    unread = sum(finding.kind == "unreadable" for finding in findings)
    if unread:
        words.append("1 medium cannot be read" if unread == 1 else f"{unread} media cannot be read")
    if sums:
        words.append("1 checksum differs" if sums == 1 else f"{sums} checksums differ")
    return "; ".join(words)


def _details(cut: CutList, findings: Sequence[Finding]) -> list[str]:
    """A line for each source that is missing, and for each other thing that is wrong."""
    grouped: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        missing = finding.kind == "missing"
        grouped[finding.kind, finding.source if missing else finding.text].append(finding)
    lines = []
    for (kind, text), group in grouped.items():
        told = f"{text}: {group[0].text}" if kind == "missing" else text
        shots = list({finding.shot.record.start: finding.shot for finding in group if finding.shot}.values())
        lines.append(f"{told} ({_shots(cut, shots)})" if shots else told)
    return lines


def _shots(cut: CutList, shots: Sequence[Shot]) -> str:
    words = [f"{shot.name} at {cut.timecode(shot.record.start)}" for shot in shots[:_LISTED]]
    more = f" and {len(shots) - _LISTED} more" if len(shots) > _LISTED else ""
    return f"shot{'s' if len(shots) > 1 else ''} {', '.join(words)}{more}"


@dataclass(slots=True)
class _Medium:
    path: Path
    facts: Facts | None
    how: dict[str, None] = field(default_factory=dict)
    by: dict[str, None] = field(default_factory=dict)
    shots: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)
    rules: dict[str, None] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


class _Survey:
    def __init__(self, cut: CutList, facts_of: FactsOf, rule: RateRule | None, why: Why) -> None:
        self._cut, self._facts_of, self._rule, self._why = cut, facts_of, rule, why
        self._media: dict[Path, _Medium] = {}
        self.findings: list[Finding] = []
        self._told: set[tuple[Path, str]] = set()

    def verdicts(self) -> Iterable[Verdict]:
        for each in self._media.values():
            span = (min(a for a, _ in each.spans), max(b for _, b in each.spans)) if each.spans else None
            yield Verdict(
                path=each.path,
                facts=each.facts,
                how=tuple(each.how),
                shots=each.shots,
                span=span,
                by=tuple(each.by),
                rule=", ".join(each.rules),
                findings=tuple(each.findings),
            )

    def look(self, part: Shot, shot: Shot, item: Linked) -> Placed | None:
        """Place a shot, or what fades out over one, and note what does not agree."""
        key = part.source
        if key is None:
            return None
        if item.link is None:
            kind = "ambiguous" if item.candidates else "missing"
            self.findings.append(Finding(kind, True, item.problem, item.hint, shot, None, key.label))
            return None
        medium = self._medium(item.link)
        if medium.facts is None:
            return None
        try:
            placed = place(self._cut, part, key, medium.facts, self._rule)
        except TimelineError as error:
            self._note(
                medium, "rate" if "fps" in error.message else "start", error.message, key, shot, error.hint or ""
            )
            return None
        self._compare(medium, placed, part, shot, key)
        return placed

    def _medium(self, link: Link) -> _Medium:
        if link.path not in self._media:
            facts = self._facts_of(link.path)
            medium = self._media[link.path] = _Medium(link.path, facts)
            if facts is None and (why := self._why(link.path)):
                finding = Finding("unreadable", True, f"{link.path.name}: {why}", path=link.path)
                medium.findings.append(finding)
                self.findings.append(finding)
        medium = self._media[link.path]
        medium.how[link.how] = None
        medium.shots += 1
        return medium

    def _note(self, medium: _Medium, kind: str, text: str, key: SourceKey, shot: Shot | None, hint: str = "") -> None:
        finding = Finding(kind, shot is not None, text, hint, shot, medium.path, key.label)
        if shot is None and (medium.path, text) in self._told:
            return
        self._told.add((medium.path, text))
        medium.findings.append(finding)
        self.findings.append(finding)

    def _compare(self, medium: _Medium, placed: Placed, part: Shot, shot: Shot, key: SourceKey) -> None:
        facts = placed.facts
        medium.by[placed.by] = None
        medium.spans.append(placed.span)
        if rule := self._played(medium, placed):
            medium.rules[rule.text] = None
        for doubt in placed.doubts:
            kind = "drop" if "drop frame" in doubt else "start" if "no timecode" in doubt else "rate"
            self._note(medium, kind, doubt, key, None)
        if not placed.held:
            self._outside(medium, placed, key, shot)
        if key.reel and facts.reel and not agree_on_reel(key, facts.reel):
            text = f"the cut list names reel {key.reel}, {facts.path.name} tells reel {facts.reel}"
            self._note(medium, "reel", text, key, None)
        if key.available is not None and not facts.still and facts.exact:
            self._length(medium, facts, key)

    def _played(self, medium: _Medium, placed: Placed) -> RateRule | None:
        """How a medium of another rate than the record side is played."""
        told = medium.facts
        if told is None or not told.rate_told or told.still or alike(told.rate, self._cut.rate):
            return None
        return self._rule or (RateRule.TIME if placed.facts.rate == told.rate else RateRule.FRAMES)

    def _outside(self, medium: _Medium, placed: Placed, key: SourceKey, shot: Shot) -> None:
        (low, high), facts = placed.span, placed.facts
        text = f"needs frames {low} to {high} of {facts.path.name}, which holds 0 to {facts.length - 1}"
        if low >= 0 and not facts.exact and (not facts.length or high < facts.length + 3 + facts.rate / 2):
            self._note(medium, "range", f"{text}, by its duration; opening it will tell", key, None)
            return
        if facts.has_timecode and key.has_timecode:
            first, last = facts.timecode(0), facts.timecode(facts.length - 1)
            wanted = format_timecode(facts.start + low, facts.rate, drop=facts.drop)
            text += f" ({wanted} is wanted, it has {first} to {last})"
        hint = "Check that cut list and scan belong together, and their frame rates"
        if medium.how.keys() == {"the only medium given"}:
            hint += f"; if {facts.path.name} is the finished film, give it with --scan"
        self._note(medium, "range", text, key, shot, hint)

    def _length(self, medium: _Medium, facts: Facts, key: SourceKey) -> None:
        """What the cut list knows of the whole medium; programs round it by a frame."""
        known = key.available
        assert known is not None
        length = facts.length if alike(facts.rate, key.rate) else round(facts.length * key.rate / facts.rate)
        if abs(len(known) - length) > _ROUNDING:
            text = f"the cut list knows {len(known)} frames of {facts.path.name}, which holds {length}"
            self._note(medium, "length", text, key, None)
        both = key.has_timecode and facts.has_timecode and alike(facts.rate, key.rate)
        if both and abs(known.start - facts.start) > _ROUNDING:
            start = format_timecode(known.start, key.rate, drop=key.drop)
            text = f"the cut list says {facts.path.name} starts at {start}, it starts at {facts.timecode(0)}"
            self._note(medium, "start", text, key, None)


def rates_text(verdict: Verdict, cut: CutList) -> str:
    """Rate of a medium, and how it is played where it is another than the record side's."""
    if verdict.facts is None:
        return ""
    rate = rate_text(verdict.facts.rate) if verdict.facts.rate_told else f"{rate_text(cut.rate)}, not told"
    return f"{rate}, {verdict.rule}" if verdict.rule else rate
