"""A project that goes on with a new cut: what stands in its ``project.toml`` follows the shots to their new places.

Every shot of the new cut gets the rows of the old shot it shares most frames with. Renders need not be carried: a
piece is known by its source frames (`vsfilmrestore.render.stretches`), whatever cut shows them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.errors import SettingError
from vsfilmrestore.media.timecode import nominal_rate
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.render.carry import Carrier, words_of
from vsfilmrestore.render.decide import Decision, decide_cut
from vsfilmrestore.render.link import reel_name
from vsfilmrestore.render.link_names import base, parts
from vsfilmrestore.render.networks import absent_networks
from vsfilmrestore.render.plan import Plan
from vsfilmrestore.render.rows import RowKeys
from vsfilmrestore.render.shotlist import shot_row
from vsfilmrestore.render.sidecar import Sidecar
from vsfilmrestore.timeline.model import SettingNote, Shot, Strength
from vsfilmrestore.timeline.recut import Footage, Recut, match_cuts

__all__ = ["Carried", "OldNotes", "Outcome", "carry_over", "footage_of"]

_SECOND: Final = 7_207_200
"""Parts of a second that a frame of any usual rate takes a whole number of."""
_LAYERS: Final = 2
"""Rows of one shot that keys can tell apart: ``id`` and ``id#1``."""
_SPOKEN: Final = (Strength.CLIP_MARKER, Strength.TIMELINE_MARKER, Strength.NOTE)


class OldNotes(StrEnum):
    """What becomes of words that only the old cut list, or its marker list, holds."""

    AUTO = "auto"
    """They are kept where the new cut has no words at all, and those of a marker list that has no successor."""
    KEEP = "keep"
    """They are written into the project."""
    DROP = "drop"
    """The new cut list alone counts."""


class Outcome(StrEnum):
    """What became of the settings of a shot."""

    NONE = ""
    """There were none, and are none."""
    KEPT = "kept"
    """All frames it shares with the old shots are treated as before."""
    CHANGED = "changed"
    """Some of them are not."""


@dataclass(frozen=True, slots=True)
class Carried:
    """Settings of a project for a new cut.

    Attributes:
        old: Plan of the old cut.
        new: Plan of the new cut, with its settings.
        recut: Which shot of the new cut shows what of the old one.
        shots: The table ``[shots]`` of the new cut.
        renamed: Keys of its rows that had another key before.
        outcomes: What became of the settings of each shot of the new cut.
        waiting: Rows that no shot of the new cut has, and why.
        remarks: What else an editor should know, a sentence each.
    """

    old: Plan
    new: Plan
    recut: Recut
    shots: Mapping[str, Any]
    renamed: Mapping[str, str]
    outcomes: tuple[Outcome, ...]
    waiting: Mapping[str, str]
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class _Stack:
    """The rows of a shot, the weakest first, with the keys they stood under."""

    rows: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


def footage_of(plan: Plan) -> list[Footage | None]:
    """What the shots of a plan show, to compare it with another cut; None for gaps."""
    placed = zip(plan.cut.shots, plan.links, plan.conform.placed, strict=True)
    return [
        _footage(plan, shot, item.link.path if item.link else None, where.span if where else None)
        for shot, item, where in placed
    ]


def _footage(plan: Plan, shot: Shot, medium: Path | None, span: tuple[int, int] | None) -> Footage | None:
    key = shot.source
    if key is None:
        return None
    shown = shot.source_frames(plan.cut.rate)
    part = _SECOND // nominal_rate(key.rate)
    places = {"count": (shown.start * part, shown.stop * part)}
    if medium is not None and span is not None:
        places["medium"] = span[0], span[1] + 1
    zero = key.available.start if key.available is not None else None if key.has_timecode else 0
    if key.has_timecode:
        places["timecode"] = places["count"]
    if zero is not None:
        places["frames"] = shown.start - zero, shown.stop - zero
    trail = parts(key.url)
    pace = "curve" if shot.curve is not None else shot.speed
    return Footage(medium, base(trail[-1]) if trail else "", reel_name(key), base(key.name), places, part, pace)


def carry_over(
    old: Plan, new: Plan, recipe: Recipe, sidecar: Sidecar, notes: OldNotes, lost_markers: Sequence[str] = ()
) -> Carried:
    """Carry the settings of a project to a new cut.

    Args:
        old: Plan of the old cut.
        new: Plan of the new cut; what it decides with the old settings does not matter.
        recipe: Recipe of shots nobody wrote anything about.
        sidecar: The settings of the project.
        notes: What becomes of words in the old cut list.
        lost_markers: Names of marker lists of the old cut that the new one goes without.

    Raises:
        SettingError: A row cannot be understood.
    """
    porter = _Porter(old, new, sidecar, notes, lost_markers)
    stacks = [porter.stack(j) for j in range(len(new.cut.shots))]
    rows, renamed = _named(new.cut.shots, stacks)
    porter.leave(rows, {key for stack in stacks for key in stack.keys})
    decided = decide_cut(new.cut, recipe, replace(sidecar, shots=rows, lines={}))
    told = [text for text in decided.warnings if not any(f"'{key}'" in text for key in decided.orphans)]
    told += [each.sentence for each in absent_networks(decided.decisions)]
    new = replace(new, decisions=decided.decisions, warnings=told, orphans=decided.orphans)
    outcomes = tuple(porter.outcome(j, decision, stacks[j]) for j, decision in enumerate(new.decisions))
    remarks = tuple(dict.fromkeys(porter.remarks))
    return Carried(old, new, porter.recut, rows, renamed, outcomes, porter.waiting, remarks)


class _Porter:
    """Carries the rows of one project.

    Attributes:
        recut: Which shot of the new cut shows what of the old one.
        waiting: Rows that no shot of the new cut has, and why.
        remarks: What an editor should know.
    """

    def __init__(self, old: Plan, new: Plan, sidecar: Sidecar, notes: OldNotes, lost: Sequence[str]) -> None:
        self._old, self._new, self._sidecar, self._notes = old, new, sidecar, notes
        self._seen = footage_of(old), footage_of(new)
        self.recut = match_cuts(*self._seen)
        self._lost = frozenset(lost)
        self._wordless = not any(map(_spoken, new.cut.shots))
        self._keys = self._keys_by_shot()
        self._heirs: dict[int, list[int]] = defaultdict(list)
        for j, match in enumerate(self.recut.matches):
            for i in match.old[:1]:
                self._heirs[i].append(j)
        self.waiting: dict[str, str] = {}
        self.remarks: list[str] = []

    def _keys_by_shot(self) -> dict[int, list[str]]:
        """Keys of the rows of each old shot, the weakest first."""
        rows = RowKeys(self._old.cut)
        found: list[tuple[int, int, str]] = []
        for key in self._sidecar.shots:
            try:
                row = rows.find(key)
            except ValueError as error:
                raise self._sidecar.refused(str(error), "shots", key) from None
            found += [(index, row.rank, key) for index in row.shots]
        result: dict[int, list[str]] = defaultdict(list)
        for index, _, key in sorted(found, key=lambda each: each[:2]):
            result[index].append(key)
        return result

    def stack(self, j: int) -> _Stack:
        """The rows of a shot of the new cut."""
        match = self.recut.matches[j]
        if not match.old:
            return _Stack()
        stack = self._rows(match.old[0], j)
        for i in match.old[1:]:
            self._merge(stack, self._rows(i, j), (match.old[0], i), j)
        return stack

    def _rows(self, i: int, j: int) -> _Stack:
        """The rows of an old shot, for a new one."""
        keys, carrier = self._keys.get(i, []), self._carrier(i, j)
        rows = [self._sidecar.shots[key] for key in keys]
        if len(rows) > _LAYERS or self._speaks_otherwise(i, j, rows):
            shot, decision = self._old.cut.shots[i], self._old.decisions[i]
            rows = [row] if (row := shot_row(self._old.cut, shot, decision)) else []
        try:
            return _Stack([self._fitting(carrier.row(row), i, j) for row in rows], list(keys))
        except ValueError as error:
            raise SettingError(str(error), file=self._sidecar.file, shot=self._old.cut.shots[i].name) from None

    def _carrier(self, i: int, j: int) -> Carrier:
        old, new = self._old.cut, self._new.cut
        before, after = self._seen[0][i], self._seen[1][j]
        assert before is not None
        assert after is not None
        return Carrier.between(old.shots[i], new.shots[j], (old.rate, new.rate), (before, after))

    def _speaks_otherwise(self, i: int, j: int, rows: Sequence[object]) -> bool:
        """Whether the rows alone do not say what the old shot was given: that is then written out."""
        if any(map(_looks_back, rows)) and not self._follows(i, j):
            return True
        spoken = _spoken(self._old.cut.shots[i])
        if not spoken or self._notes is OldNotes.DROP:
            return False
        if self._notes is OldNotes.KEEP or self._wordless:
            return True
        return any(Path(note.file).name in self._lost for note in spoken)

    def _follows(self, i: int, j: int) -> bool:
        """Whether what the old shot followed is what the new one follows."""
        before, after = _shot_before(self._old.cut.shots, i), _shot_before(self._new.cut.shots, j)
        if before is None or after is None:
            return before is after
        return self.recut.matches[after].old[:1] == (before,)

    def _fitting(self, row: Any, i: int, j: int) -> Any:
        """The row without ranges that another piece of the same old shot shows, and this one does not."""
        others = [k for k in self._heirs[i] if k != j]
        if not isinstance(row, dict) or not row.get("ranges") or not others:
            return row
        here, there = self._carrier(i, j), [self._carrier(i, k) for k in others]
        kept = [item for item in row["ranges"] if here.shows(item) or not any(each.shows(item) for each in there)]
        bare = {key: value for key, value in row.items() if key != "ranges"}
        return {**bare, "ranges": kept} if kept else bare

    def _merge(self, stack: _Stack, other: _Stack, olds: tuple[int, int], j: int) -> None:
        """Settings of a further old shot that a new one shows, where they do not contradict."""
        if [words_of(row) for row in stack.rows] == [words_of(row) for row in other.rows]:
            stack.rows = [_joined(a, b) for a, b in zip(stack.rows, other.rows, strict=True)]
            stack.keys += other.keys
            return
        winner, loser = (self._old.cut.shots[i] for i in olds)
        name = self._new.cut.shots[j].name or self._new.cut.shots[j].id
        self.remarks.append(
            f"shot {name} shows what {_called(winner)} and {_called(loser)} were; it has the settings of "
            f"{_called(winner)}, of which it shows more"
        )
        for key in other.keys:
            self.waiting[key] = f"merged into {name}, where the settings of {_called(winner)} win"

    def leave(self, rows: dict[str, Any], used: set[str]) -> None:
        """Keep what no shot of the new cut has, under a key that none of them answers to."""
        keys, taken = RowKeys(self._new.cut), {key for each in self._keys.values() for key in each}
        reasons, self.waiting = self.waiting, {}
        for key, row in self._sidecar.shots.items():
            if key in used:
                continue
            met = key in rows or (key in taken and bool(keys.find(key).shots))
            kept = self._parked(key, rows) if met else key
            rows[kept] = row
            if key in taken:
                self.waiting[kept] = reasons.get(key, "no shot of the new cut shows its frames")
            elif not keys.find(kept).shots:
                self.waiting[kept] = "no shot of the old cut had it either"

    def _parked(self, key: str, rows: Mapping[str, Any]) -> str:
        """A key for the old shot's row: an id with a number that the new cut does not reach."""
        old = next((self._old.cut.shots[i].id for i, each in self._keys.items() if key in each), key.partition("#")[0])
        number = 1 + sum(shot.id == old for shot in self._new.cut.shots)
        while f"{old}#{number}" in rows or f"{old}#{number}" in self._sidecar.shots:
            number += 1
        return f"{old}#{number}"

    def outcome(self, j: int, decision: Decision, stack: _Stack) -> Outcome:
        """Whether the frames a shot shares with the old one it came from are treated as they were."""
        match = self.recut.matches[j]
        said = bool(stack.keys or _spoken(decision.shot))
        if not match.old:
            return Outcome.NONE
        before = self._old.decisions[match.old[0]]
        if len(before.parts) == len(decision.parts) == 1:
            same = before.recipe.key() == decision.recipe.key()
        else:
            same = self._treated_alike(self._carrier(match.old[0], j), before, decision)
        said = said or bool(_spoken(before.shot))
        return (Outcome.KEPT if said else Outcome.NONE) if same else Outcome.CHANGED

    def _treated_alike(self, carrier: Carrier, before: Decision, after: Decision) -> bool:
        known: dict[int, set[str]] = defaultdict(set)
        for frame, key in _treatment(before, self._old.cut.rate):
            known[carrier.frame(frame)].add(key)
        return all(key in known.get(frame, {key}) for frame, key in _treatment(after, self._new.cut.rate))


def _named(shots: Sequence[Shot], stacks: Sequence[_Stack]) -> tuple[dict[str, Any], dict[str, str]]:
    """Keys for the rows of all shots, and which key each of these had before."""
    groups: dict[str, list[int]] = defaultdict(list)
    for j, shot in enumerate(shots):
        groups[shot.id].append(j)
    rows: dict[str, Any] = {}
    before: dict[str, str] = {}
    for id_, group in groups.items():
        alike = all(stacks[j].rows == stacks[group[0]].rows for j in group)
        for number, j in enumerate(group, 1):
            first = [id_] if alike else []
            names = [*first, *(f"{id_}#{number}" for _ in range(_LAYERS - len(first)))]
            stack = stacks[j]
            for name, row, key in zip_longest(names[: len(stack.rows)], stack.rows, stack.keys[: len(stack.rows)]):
                rows[name] = row
                if key is not None:
                    before[name] = key
    return rows, before


def _treatment(decision: Decision, rate: Fraction) -> Iterator[tuple[int, str]]:
    """Source frame and recipe of each record frame of a shot."""
    shot = decision.shot
    for part in decision.parts:
        key = part.recipe.key()
        for frame in range(part.frames.start - shot.record.start, part.frames.stop - shot.record.start):
            yield shot.source_at(frame, rate), key


def _joined(row: Any, other: Any) -> Any:
    """A row with the ranges and keys of another that says the same of the whole shot."""
    if not isinstance(row, dict) or not isinstance(other, dict):
        return row
    arrays = {name: [*row.get(name, []), *other.get(name, [])] for name in ("ranges", "keys")}
    return {**row, **{name: items for name, items in arrays.items() if items}}


def _spoken(shot: Shot) -> list[SettingNote]:
    """Words of the cut list or its markers."""
    return [note for note in shot.notes if note.strength in _SPOKEN]


def _looks_back(row: object) -> bool:
    words = row.get("settings", "") if isinstance(row, dict) else row
    return isinstance(words, str) and words.split()[:1] == ["same"]


def _shot_before(shots: Sequence[Shot], at: int) -> int | None:
    return next((i for i in range(at - 1, -1, -1) if shots[i].source is not None), None)


def _called(shot: Shot) -> str:
    return shot.name or shot.id
