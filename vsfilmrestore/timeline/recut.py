"""Two cuts of one film compared: which shot of the new cut shows what which shot of the old one showed.

::

    source        0         100        200        300
    old cut       |---- A ----|--- B ---|          |-- C --|
    new cut          |-- 1 --|  |----- 2 ------|                1: A, trimmed   2: B, extended   C: an orphan

Record places and event numbers mean nothing after a re-cut. A shot is found again by its source and the frames of it.
Pure data: what a source is called and where its frames lie is told by `Footage`; no file is looked at.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

__all__ = ["Footage", "Kind", "Match", "Recut", "match_cuts"]

_UNITS: Final = ("medium", "timecode", "frames", "count")
_IN_PARTS: Final = ("timecode", "count")
_CUT_OFF: Final = (8, 31, 32, 128)
"""Lengths that edit lists cut reel names off at."""
_COMMON: Final = 500
"""A name that so many different sources bear names none of them."""


class Kind(StrEnum):
    """What became of a shot."""

    SAME = "same"
    """Shows the same source frames at the same speed."""
    TRIMMED = "trimmed"
    """Shows fewer frames at one end or both."""
    EXTENDED = "extended"
    """Shows more frames at one end or both."""
    SLIPPED = "slipped"
    """Shows more at one end and fewer at the other."""
    RETIMED = "retimed"
    """Shows its source at another speed."""
    SPLIT = "split"
    """One of several shots that share the frames of an old one."""
    MERGED = "merged"
    """Shows the frames of several old shots."""
    AGAIN = "again"
    """Shows what an earlier shot of the new cut shows, once more."""
    NEW = "new"
    """Shows nothing that the old cut showed."""
    GAP = "gap"
    """Black."""


@dataclass(frozen=True, slots=True)
class Footage:
    """What a shot shows, as far as two cuts can be compared by it.

    Names are folded by the caller (case, suffix); '' is unknown.

    Attributes:
        medium: The medium it was linked to, if it was; two shots that know theirs are compared by that alone.
        file: Name of the file.
        reel: Name of the reel.
        name: Name of the clip.
        places: First frame and the one after the last, by how they are counted: ``medium`` (frames of the linked
            medium), ``timecode`` (parts of a second, so that rates compare), ``frames`` (of the file) or ``count`` (as
            the cut list counts, in parts of a second: edit lists give files without timecode one from 00:00:00:00 on).
        part: What a frame takes where parts of a second are counted.
        pace: Equal for shots of one speed.
    """

    medium: Hashable = None
    file: str = ""
    reel: str = ""
    name: str = ""
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    part: int = 1
    pace: Hashable = 1

    @property
    def identity(self) -> tuple[Hashable, ...]:
        """Equal for shots of which everything known of the source is equal."""
        return self.medium, self.file, self.reel, self.name

    @property
    def names(self) -> set[str]:
        return {self.file, self.reel, self.name} - {""}

    def is_of(self, other: Footage) -> bool:
        """Whether both may be of one source. A clip's name is heard only where nothing better is known."""
        if self.medium is not None and other.medium is not None:
            return self.medium == other.medium
        if self.file and other.file and self.file == other.file:
            return True
        if self.reel and other.reel:
            return _one_reel(self.reel, other.reel) and ("timecode" in self.places or not (self.file and other.file))
        if self.file and other.file:
            return False
        return bool(self.names & other.names) or _one_reel(self.reel, other.file) or _one_reel(self.file, other.reel)

    def frames(self, unit: str, length: int) -> int:
        """A length counted in a unit, in frames."""
        return -(-length // self.part) if unit in _IN_PARTS else length


@dataclass(frozen=True, slots=True)
class Match:
    """A shot of the new cut.

    Attributes:
        kind: What became of it.
        old: Shots of the old cut whose frames it shows, the one it shares most with first.
        shared: Source frames it shares with each of them.
        head: Source frames it shows before those the old shots showed; negative: frames it shows no more.
        tail: The same after them.
        moved: Whether its order among the shots around it has changed.
    """

    kind: Kind
    old: tuple[int, ...] = ()
    shared: tuple[int, ...] = ()
    head: int = 0
    tail: int = 0
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Recut:
    """A new cut beside the old one.

    Attributes:
        matches: One for each shot of the new cut.
        orphans: Shots of the old cut that no shot of the new one shows a frame of.
    """

    matches: tuple[Match, ...]
    orphans: tuple[int, ...]

    def shots_of(self, old: int) -> list[int]:
        """Shots of the new cut that show frames of an old shot."""
        return [i for i, match in enumerate(self.matches) if old in match.old]


@dataclass(frozen=True, slots=True)
class _Pair:
    old: int
    unit: str
    length: int


def match_cuts(old: Sequence[Footage | None], new: Sequence[Footage | None]) -> Recut:
    """Find the shots of an old cut in a new one; gaps are None. Takes n log n for shots that overlap few others.

    >>> def shot(first, stop):
    ...     return Footage(reel="r1", places={"timecode": (first, stop)})
    >>> recut = match_cuts([shot(0, 100), shot(100, 200), shot(300, 350)], [shot(20, 90), shot(100, 260)])
    >>> [(str(match.kind), match.old, match.head, match.tail) for match in recut.matches], recut.orphans
    ([('trimmed', (0,), -20, -10), ('extended', (1,), 0, 60)], (2,))
    """
    pairs: dict[int, dict[int, _Pair]] = defaultdict(dict)
    for j, pair in _pairs(old, new):
        known = pairs[j].get(pair.old)
        if known is None or _UNITS.index(pair.unit) < _UNITS.index(known.unit):
            pairs[j][pair.old] = pair
    matches = [_match(old, shot, j, pairs.get(j, {})) for j, shot in enumerate(new)]
    matches = _moved(_shared_out(new, matches))
    found = {i for match in matches for i in match.old}
    found |= {i for each in pairs.values() for i in each}
    return Recut(tuple(matches), tuple(i for i, shot in enumerate(old) if shot is not None and i not in found))


def _one_reel(a: str, b: str) -> bool:
    """Whether two names of reels are one, or one is the other cut off."""
    short, long = sorted((a, b), key=len)
    return bool(short) and (short == long or (len(short) in _CUT_OFF and long.startswith(short)))


type _Bucket = tuple[str, Hashable]
type _Range = tuple[int, int, tuple[Hashable, ...]]


def _pairs(old: Sequence[Footage | None], new: Sequence[Footage | None]) -> Iterator[tuple[int, _Pair]]:
    """Shots of the two cuts that share frames: bucket by bucket of what might be one source, swept along its frames."""
    known = [shot for shot in (*old, *new) if shot is not None]
    short = {name for shot in known for name in shot.names if len(name) in _CUT_OFF}
    before, after = _buckets(old, short), _buckets(new, short)
    for bucket in before.keys() & after.keys():
        (unit, _), olds, news = bucket, before[bucket], after[bucket]
        if len({identity for *_, identity in (*olds, *news)}) > _COMMON:
            continue
        for a, b, length in _overlaps(olds, news):
            one, other = old[olds[a][0]], new[news[b][0]]
            assert one is not None
            assert other is not None
            if one.is_of(other) and (unit != "count" or ("timecode" in one.places) != ("timecode" in other.places)):
                yield from ((j, _Pair(i, unit, length)) for i, j in _in_order(olds[a], news[b]))


def _buckets(shots: Sequence[Footage | None], short: set[str]) -> dict[_Bucket, dict[_Range, list[int]]]:
    """Shots by what their source might be called and how its frames are counted; alike ones together."""
    found: dict[_Bucket, dict[_Range, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i, shot in enumerate(shots):
        for bucket in () if shot is None else _calls(shot, short):
            assert shot is not None
            found[bucket][*shot.places[bucket[0]], shot.identity].append(i)
    return found


def _calls(shot: Footage, short: set[str]) -> Iterator[_Bucket]:
    if shot.medium is not None and "medium" in shot.places:
        yield "medium", shot.medium
    names = shot.names | {name[:length] for name in shot.names for length in _CUT_OFF if name[:length] in short}
    yield from ((unit, name) for unit in _UNITS[1:] if unit in shot.places for name in sorted(names))


def _overlaps(olds: Iterable[_Range], news: Iterable[_Range]) -> Iterator[tuple[_Range, _Range, int]]:
    """Ranges of the two that overlap, and by how much."""
    events = sorted([(each[0], 0, each) for each in olds] + [(each[0], 1, each) for each in news], key=lambda e: e[:2])
    open_: tuple[list[tuple[int, int, _Range]], ...] = ([], [])
    for number, (start, side, each) in enumerate(events):
        others = open_[1 - side]
        while others and others[0][0] <= start:
            heapq.heappop(others)
        for stop, _, other in others:
            length = min(stop, each[1]) - start
            yield (other, each, length) if side else (each, other, length)
        heapq.heappush(open_[side], (each[1], number, each))


def _in_order(olds: Sequence[int], news: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Of shots that are alike the first belongs to the first, and so on; whoever is left over to the last."""
    for k in range(max(len(olds), len(news))):
        yield olds[min(k, len(olds) - 1)], news[min(k, len(news) - 1)]


def _match(old: Sequence[Footage | None], shot: Footage | None, j: int, pairs: Mapping[int, _Pair]) -> Match:
    if shot is None:
        return Match(Kind.GAP)
    if not pairs:
        return Match(Kind.NEW)

    def rank(pair: _Pair) -> tuple[int, bool, bool, int]:
        other = old[pair.old]
        assert other is not None
        alike = other.places[pair.unit] == shot.places[pair.unit]
        return -pair.length, not alike, other.pace != shot.pace, abs(pair.old - j)

    chosen: list[_Pair] = []
    for pair in sorted(pairs.values(), key=rank):
        if not chosen or (pair.unit == chosen[0].unit and _adds(old, shot, chosen, pair)):
            chosen.append(pair)
    return _described(old, shot, chosen)


def _adds(old: Sequence[Footage | None], shot: Footage, chosen: Sequence[_Pair], pair: _Pair) -> bool:
    """Whether a pair shares frames of the shot that those chosen so far do not, and enough of them.

    A cut that was rolled a little into the shot before has not merged the two.
    """
    unit, other = pair.unit, old[pair.old]
    assert other is not None
    if 2 * pair.length < min(_length(other, unit), _length(shot, unit)):
        return False
    spans = sorted(_common(old[each.old], shot, unit) for each in chosen)
    at, stop = _common(other, shot, unit)
    for a, b in spans:
        if a > at:
            return True
        at = max(at, b)
    return at < stop


def _length(shot: Footage, unit: str) -> int:
    return shot.places[unit][1] - shot.places[unit][0]


def _common(a: Footage | None, b: Footage, unit: str) -> tuple[int, int]:
    assert a is not None
    return max(a.places[unit][0], b.places[unit][0]), min(a.places[unit][1], b.places[unit][1])


def _described(old: Sequence[Footage | None], shot: Footage, chosen: Sequence[_Pair]) -> Match:
    unit = chosen[0].unit
    before = [other for pair in chosen if (other := old[pair.old]) is not None]
    first, stop = min(each.places[unit][0] for each in before), max(each.places[unit][1] for each in before)
    head, tail = first - shot.places[unit][0], shot.places[unit][1] - stop
    kind = Kind.MERGED if len(chosen) > 1 else _kind(head, tail, retimed=before[0].pace != shot.pace)
    shared = tuple(shot.frames(unit, pair.length) for pair in chosen)
    gained, longer = (shot.frames(unit, abs(end)) * (1 if end > 0 else -1) for end in (head, tail))
    return Match(kind, tuple(pair.old for pair in chosen), shared, gained, longer)


def _kind(head: int, tail: int, *, retimed: bool) -> Kind:
    if retimed:
        return Kind.RETIMED
    if head == tail == 0:
        return Kind.SAME
    if head <= 0 and tail <= 0:
        return Kind.TRIMMED
    return Kind.EXTENDED if head >= 0 and tail >= 0 else Kind.SLIPPED


def _shared_out(new: Sequence[Footage | None], matches: list[Match]) -> list[Match]:
    """Several shots out of one old one: they share its frames, or show some of them again."""
    users: dict[int, list[int]] = defaultdict(list)
    for j, match in enumerate(matches):
        if match.old and match.kind is not Kind.MERGED:
            users[match.old[0]].append(j)
    result = list(matches)
    for group in users.values():
        again = {j for at, j in enumerate(group) if any(_repeats(new[j], new[k]) for k in group[:at])}
        for j in again:
            result[j] = replace(matches[j], kind=Kind.AGAIN)
        apart = [j for j in group if j not in again]
        for j in apart if len(apart) > 1 else ():
            result[j] = replace(matches[j], kind=Kind.SPLIT)
    return result


def _repeats(shot: Footage | None, earlier: Footage | None) -> bool:
    """Whether more than half of a shot is seen in an earlier one."""
    if shot is None or earlier is None:
        return False
    unit = next((unit for unit in _UNITS if unit in shot.places and unit in earlier.places), None)
    if unit is None:
        return False
    first, stop = _common(shot, earlier, unit)
    return 2 * (stop - first) > _length(shot, unit)


def _moved(matches: Sequence[Match]) -> list[Match]:
    """Shots out of the longest row that kept its order have been moved."""
    row = [j for j, match in enumerate(matches) if match.old and (match.kind is not Kind.AGAIN)]
    kept = set(_rising([matches[j].old[0] for j in row]))
    away = {j for at, j in enumerate(row) if at not in kept}
    return [replace(match, moved=j in away) for j, match in enumerate(matches)]


def _rising(values: Sequence[int]) -> list[int]:
    """Places of a longest row of values that never falls (patience sorting)."""
    tops: list[int] = []
    ends: list[int] = []
    back: list[int] = []
    for place, value in enumerate(values):
        pile = bisect_left(tops, value + 1)
        tops[pile : pile + 1] = [value]
        ends[pile : pile + 1] = [place]
        back.append(ends[pile - 1] if pile else -1)
    row = []
    at = ends[-1] if ends else -1
    while at >= 0:
        row.append(at)
        at = back[at]
    return row[::-1]
