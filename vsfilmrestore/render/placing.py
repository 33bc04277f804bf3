"""Which frames of a medium a shot shows: the one rule that planning, conform and rendering share.

::

    cut list   86400 .. 86447   counted as the cut list counts (timecode, or from the first frame)
    medium     0 .. 1999        its frames; frame 0 has timecode 86352, say
    shown      48 .. 95         an index into the medium for each record frame

Where a medium runs at another rate than the record side, it is played in time (each record frame shows what the medium
shows at that moment) or frame for frame (no frame dropped or repeated; "play at timeline rate").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError, UsageError
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.media.timecode import format_timecode, nominal_rate, rate_text
from vsfilmrestore.render.link_facts import Facts, recount
from vsfilmrestore.timeline.model import CutList, Shot, SourceKey

__all__ = ["Placed", "RateRule", "alike", "place", "shown_frames", "shown_moments"]

_NEAR: Final = Fraction(1, 500)
_BY_TEXT: Final = (".edl",)
"""Cut lists that write timecodes, where others count frames."""


class RateRule(StrEnum):
    """How media of another rate than the record side are played."""

    TIME = "time"
    FRAMES = "frames"

    @property
    def text(self) -> str:
        return "played in time" if self is RateRule.TIME else "played frame for frame at the rate of the timeline"

    @classmethod
    def of(cls, word: str) -> RateRule | None:
        """The rule of a word, None for no word.

        Raises:
            UsageError: There is no such rule.
        """
        if not word:
            return None
        if word not in tuple(cls):
            raise UsageError(f"the media rate rule must be time or frames, not '{word}'{nearest(word, list(cls))}")
        return cls(word)


@dataclass(frozen=True, slots=True)
class Placed:
    """A shot in its medium.

    Attributes:
        shown: For each record frame, the index of the frame of the medium; may lie outside of it.
        by: What the place was found by: timecode, frame number, or frame count.
        facts: The medium, as it is counted and played.
        doubts: What does not agree, and was settled, a sentence each.
        moments: The same as ``shown`` with the part of a frame that lies behind; () where a shot plays frame for frame.
    """

    shown: Sequence[int]
    by: str
    facts: Facts
    doubts: tuple[str, ...] = ()
    moments: Sequence[Fraction] = ()

    @property
    def span(self) -> tuple[int, int]:
        """The lowest and the highest index shown."""
        if isinstance(self.shown, range):
            return self.shown[0], self.shown[-1]
        return min(self.shown), max(self.shown)

    @property
    def held(self) -> bool:
        """Whether the medium holds all that is shown."""
        low, high = self.span
        return low >= 0 and high < self.facts.length


def alike(a: Fraction, b: Fraction) -> bool:
    """Whether two rates count timecode alike, as 24 and 23.976 do."""
    return abs(a / b - 1) <= _NEAR


def shown_frames(shot: Shot, key: SourceKey, record_rate: Fraction, rule: RateRule | None) -> Sequence[int]:
    """Source frames of a shot, one for each record frame, in the counting of ``key.start``.

    Args:
        shot: The shot, speed and curve.
        key: Its source.
        record_rate: Rate of the record side.
        rule: How media of another rate are played; None is in time.
    """
    length = len(shot.record)
    shot = replace(shot, source=key)
    rate = key.rate if rule is RateRule.FRAMES else record_rate
    if shot.curve is not None and rate != record_rate:
        begin = shot.curve.at(0)
        return [floor(begin + (shot.curve.at(k) - begin) * record_rate / rate) for k in range(length)]
    if shot.speed == 1 and shot.curve is None and key.rate == rate:
        return range(key.start, key.start + length)
    return [shot.source_at(k, rate) for k in range(length)]


def shown_moments(shot: Shot, key: SourceKey, record_rate: Fraction, rule: RateRule | None) -> Sequence[Fraction]:
    """The same as `shown_frames` with the part of a frame that lies behind; () where a shot plays frame for frame."""
    length = len(shot.record)
    rate = key.rate if rule is RateRule.FRAMES else record_rate
    if shot.speed == 1 and shot.curve is None and key.rate == rate:
        return ()
    if shot.curve is not None:
        begin = shot.curve.at(0)
        moments = [begin + (shot.curve.at(k) - begin) * record_rate / rate for k in range(length)]
    else:
        step = shot.speed * key.rate / rate
        moments = [key.start + shot.phase + k * abs(step) for k in range(length)]
        moments = moments[::-1] if step < 0 else moments
    return moments


def place(cut: CutList, shot: Shot, key: SourceKey, facts: Facts, rule: RateRule | None = None) -> Placed:
    """Find the frames of a medium that a shot shows.

    Args:
        cut: The cut the shot is of.
        shot: The shot.
        key: Its source.
        facts: The medium.
        rule: How media of another rate are played; None is in time, and refuses what is contradictory.

    Raises:
        TimelineError: Cut list and medium count so differently that no frame can be named.
    """
    doubts: list[str] = []
    if not facts.rate_told and facts.rate != key.rate:
        facts = facts.counted_at(key.rate)
    if not alike(facts.rate, key.rate) and _speed_is_rate(cut, shot, key, facts, rule):
        doubts.append(f"its M2 speed is the {rate_text(facts.rate)} fps of {facts.path.name}; {RateRule.TIME.text}")
        start = recount(key.start, (key.rate, key.drop), (facts.rate, facts.drop))
        shot, key = replace(shot, speed=Fraction(1)), replace(key, rate=facts.rate, start=start, drop=facts.drop)
    elif not alike(facts.rate, key.rate):
        key, facts = _at_one_rate(cut, shot, key, facts, rule, doubts)
    if facts.drop != key.drop and facts.has_timecode and key.has_timecode:
        key = _at_one_drop(cut, key, facts, doubts)
    offset, by = _offset(cut, shot, key, facts, doubts)
    counted = shown_frames(shot, key, cut.rate, rule)
    if isinstance(counted, range):
        shown: Sequence[int] = range(counted.start - offset, counted.stop - offset)
    else:
        shown = [n - offset for n in counted]
    if facts.still:
        return Placed([0] * len(shot.record), by, facts, tuple(doubts))
    moments = [moment - offset for moment in shown_moments(shot, key, cut.rate, rule)]
    return Placed(shown, by, facts, tuple(doubts), moments)


def _speed_is_rate(cut: CutList, shot: Shot, key: SourceKey, facts: Facts, rule: RateRule | None) -> bool:
    """Whether an edit list tells with its speed that the medium has another rate, as Avid's do.

    Media of 23.976 fps on a record of 29.97 have the speed 24.0 and count their own frames. Where source and record
    are written alike the list alone cannot tell this from slow motion, but the medium does.
    """
    if Path(cut.file).suffix.lower() not in _BY_TEXT or rule is RateRule.FRAMES or shot.curve is not None:
        return False
    there = nominal_rate(facts.rate), nominal_rate(key.rate)
    counts = key.has_timecode and facts.has_timecode and key.rate == cut.rate
    return counts and shot.speed == Fraction(*there) and int(_frame_part(key)) < there[0]


def _frame_part(key: SourceKey) -> str:
    return format_timecode(key.start, key.rate, drop=key.drop)[9:]


def _at_one_rate(
    cut: CutList, shot: Shot, key: SourceKey, facts: Facts, rule: RateRule | None, doubts: list[str]
) -> tuple[SourceKey, Facts]:
    """The cut list counts one rate, the medium runs at another."""
    says = f"counts {rate_text(key.rate)} fps where {facts.path.name} runs at {rate_text(facts.rate)} fps"
    if rule is None and key.has_timecode and facts.has_timecode:
        raise TimelineError(
            says,
            file=cut.file,
            shot=shot.name,
            timecode=cut.timecode(shot.record.start),
            hint="Give the right rate with --rate, or say how it is played with --media-rate-rule time or frames",
        )
    doubts.append(f"the cut list {says}; {(rule or RateRule.FRAMES).text}")
    if rule is not RateRule.TIME:
        return key, facts.counted_at(key.rate)
    ratio = Fraction(nominal_rate(facts.rate), nominal_rate(key.rate)) if key.has_timecode else facts.rate / key.rate
    return replace(key, rate=facts.rate, start=floor(key.start * ratio), available=None), facts


def _at_one_drop(cut: CutList, key: SourceKey, facts: Facts, doubts: list[str]) -> SourceKey:
    """The cut list counts drop frame and the medium does not, or the other way round: what is written counts."""
    if Path(cut.file).suffix.lower() not in _BY_TEXT:
        return key
    words = ("drop frame", "non-drop frame") if key.drop else ("non-drop frame", "drop frame")
    doubts.append(f"the cut list counts {words[0]}, {facts.path.name} {words[1]}; timecodes were taken as written")
    start = recount(key.start, (key.rate, key.drop), (facts.rate, facts.drop))
    return replace(key, start=start, drop=facts.drop)


def _offset(cut: CutList, shot: Shot, key: SourceKey, facts: Facts, doubts: list[str]) -> tuple[int, str]:
    """What to take off the shot's source frame numbers to get indices into the medium, and what tells it."""
    if key.has_timecode and facts.has_timecode:
        return facts.start, "timecode"
    if not key.has_timecode:
        return (key.available.start if key.available else 0), "frame count"
    first = facts.first_number
    numbered = facts.kind == "sequence" and 0 < first <= key.start < first + facts.length
    if numbered and key.start >= facts.length:
        return first, "frame number"
    if key.start < facts.length or facts.still:  # a cut list that counts from the first frame of the file
        if numbered:
            doubts.append(
                f"{facts.path.name} tells no timecode and begins with number {first}; the cut list was taken to count "
                "from its first frame (say start in a [[media]] table if it counts those numbers)"
            )
        return 0, "frame count"
    raise TimelineError(
        f"starts at source timecode {format_timecode(key.start, key.rate, drop=key.drop)}, "
        f"but {facts.path.name} carries no timecode",
        file=cut.file,
        shot=shot.name,
        timecode=cut.timecode(shot.record.start),
        hint="Give the timecode of its first frame with --media-start",
    )
