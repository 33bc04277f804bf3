"""The finished film: one scan, and the cut list of the film it is a scan of.

::

    cut list   |--- A ---|----- B -----|black|-- C --|      A, B, C out of many takes
                         |~~~|                              dissolve
    scan       .......................................      the film itself, in one piece
    reel       |--- A ---|----- B -----|  ?  |-- C --|      each shot: the scan at its record timecode, speed 1
                         |~~~|                              both sides are the same frames: settings are cross-faded

The cut list only says where shots begin and what is to be done to them. Speeds, freeze frames and transitions are in
the picture already and are not made again; what the cut list leaves black is taken from the scan like everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import MediaError
from vsfilmrestore.media.naming import is_pattern
from vsfilmrestore.media.timecode import format_timecode, nominal_rate, rate_text
from vsfilmrestore.render.link import Link, Linked
from vsfilmrestore.render.link_facts import Facts
from vsfilmrestore.render.link_index import MediaIndex
from vsfilmrestore.render.placing import RateRule, alike
from vsfilmrestore.timeline.model import CutList, Shot, SourceKey, Transition

__all__ = ["Scan", "scan_medium"]

_HOW: Final = "the scan"


def scan_medium(place: Path) -> Path:
    """The one medium that a path names: a movie, a script, a pattern, a folder of stills. It need not be there.

    Raises:
        MediaError: It is a folder that does not hold just one medium.
    """
    if not place.is_dir():
        return place
    found = MediaIndex([place]).media
    if len(found) != 1:
        hint = "Name the file itself, or the pattern of its stills"
        raise MediaError(f"a scan is one medium, and this folder holds {len(found)}", file=place, hint=hint)
    return found[0]


@dataclass(frozen=True, slots=True)
class Scan:
    """The scan of a cut.

    Attributes:
        path: The medium.
        start: Record timecode of the cut's first frame, as a count.
        length: Record frames of the cut.
        rate: Rate of the cut.
        drop: Whether its timecode is drop frame.
        rule: How a scan of another rate is played.
    """

    path: Path
    start: int
    length: int
    rate: Fraction
    drop: bool
    rule: RateRule | None = None

    @classmethod
    def of(cls, path: Path, cut: CutList, rule: RateRule | None = None) -> Scan:
        return cls(path, cut.start, len(cut), cut.rate, cut.drop, rule)

    def over(self, cut: CutList) -> CutList:
        """The cut with every shot taken from the scan."""
        shots, before = [], None
        for shot in cut.shots:
            before = self._shot(shot, before)
            shots.append(before)
        return replace(cut, shots=tuple(shots), remarks=(*cut.remarks, *_remarks(cut)))

    def links(self, cut: CutList) -> list[Linked]:
        """What the shots of `over` are linked to."""
        own = Linked(Link(self.path, _HOW))
        if not self.path.exists() and not is_pattern(self.path):
            own = Linked(problem=f"the scan {self.path} is not there", hint="Name it with --scan")
        return [replace(own, outgoing=own) if shot.transition else own for shot in cut.shots]

    def told(self, facts: Facts) -> Facts:
        """The scan, counted as the cut counts.

        A scan without timecode begins with the first frame of the cut, unless the numbers of its stills count as the
        timecode does. So does one that counts from 00:00:00:00 and ends before the cut begins.
        """
        said: list[str] = []
        if not facts.rate_told:
            facts = replace(facts, rate=self.rate)
        if not facts.has_timecode:
            facts = self._without_timecode(facts, said)
        elif facts.start == 0 and 0 < facts.length <= self.start:
            said.append(
                f"{facts.path.name} counts from 00:00:00:00 and ends before {self._timecode()}; its first frame is "
                "taken for the first of the cut"
            )
            facts = self._from(facts, self.start)
        before, after = self.start - facts.start, facts.start + facts.length - self.start - self.length
        if facts.exact and facts.rate == self.rate and (before > 0 or after > 0):
            parts = [f"{n} frames {word}" for n, word in ((before, "before"), (after, "after")) if n > 0]
            said.append(f"{facts.path.name} holds {' and '.join(parts)} the cut, which are not part of the reel")
        return replace(facts, remarks=(*facts.remarks, *said))

    def _without_timecode(self, facts: Facts, said: list[str]) -> Facts:
        if not alike(facts.rate, self.rate) and self.rule is not RateRule.TIME:
            said.append(
                f"{facts.path.name} runs at {rate_text(facts.rate)} fps, the cut at {rate_text(self.rate)}; it is "
                f"{RateRule.FRAMES.text}"
            )
            facts = replace(facts, rate=self.rate)
        first = facts.first_number
        if facts.kind == "sequence" and 0 < first <= self.start < first + facts.length:
            said.append(f"the frame numbers of {facts.path.name} are taken for a timecode count")
            return self._from(facts, first)
        said.append(f"{facts.path.name} tells no timecode; its first frame is taken for the first of the cut")
        return self._from(facts, self.start)

    def _from(self, facts: Facts, count: int) -> Facts:
        count = floor(count * Fraction(nominal_rate(facts.rate), nominal_rate(self.rate)))
        return replace(facts, start=count, has_timecode=True, drop=self.drop)

    def _timecode(self) -> str:
        return format_timecode(self.start, self.rate, drop=self.drop)

    def _shot(self, shot: Shot, before: Shot | None) -> Shot:
        transition = None
        if shot.transition is not None and before is not None:  # fading in the first shot is all its own
            frames = shot.transition.outgoing.record
            outgoing = Shot(before.name, frames, self._key(frames.start))
            transition = Transition("dissolve", outgoing)
        return replace(
            shot,
            name="not in the cut" if shot.source is None else shot.name,
            source=self._key(shot.record.start),
            speed=Fraction(1),
            phase=Fraction(0),
            curve=None,
            handles=(0, 0),
            transition=transition,
        )

    def _key(self, frame: int) -> SourceKey:
        name = self.path.name
        return SourceKey(name, "", name, self.start + frame, self.rate, drop=self.drop)


def _remarks(cut: CutList) -> list[str]:
    fades = sum(shot.transition is not None for shot in cut.shots)
    speeds = sum(shot.source is not None and (shot.speed != 1 or shot.curve is not None) for shot in cut.shots)
    gaps = sum(shot.source is None for shot in cut.shots)
    told = []
    if fades:
        told.append(f"{_number(fades, 'transition')} in the picture of the scan: settings are cross-faded over them")
    if speeds:
        told.append(f"{_number(speeds, 'shot')} of another speed: in the picture of the scan, not made again")
    if gaps:
        told.append(f"{_number(gaps, 'stretch', 'stretches')} that the cut leaves black: taken from the scan")
    return told


def _number(count: int, word: str, words: str = "") -> str:
    return f"{count} {word if count == 1 else words or word + 's'}"
