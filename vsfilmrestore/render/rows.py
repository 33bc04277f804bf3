"""Which shots a row of a sidecar is about.

::

    "R2@01:00:03:00"       the shot whose source begins there (each of them, where it was cut in more than once)
    "R2@01:00:03:00#2"     the second of them, in record order
    "event=12"             the shot of that event of an EDL          these two change with
    "clip=SC 12"           the shots of that name                    every re-cut, and say so
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.timeline.model import CutList

__all__ = ["Row", "RowKeys"]

_FORM: Final = re.compile(r".+@\d+(?:[:;.,]\d+){0,3}(?:#\d+)?", re.DOTALL)
_NTH: Final = re.compile(r"(.+)#(\d+)", re.DOTALL)
_FEW: Final = 200
_NAMED: Final = re.compile(r"(event|clip)\s*=\s*(.*\S)\s*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """What a key of a sidecar leads to.

    Attributes:
        shots: Indices of the shots; none for an orphan.
        rank: The higher, the more exactly it names them.
        remark: What an editor should know about the key, '' if nothing.
    """

    shots: tuple[int, ...]
    rank: int
    remark: str = ""


class RowKeys:
    """Finds the shots of a cut by the keys of a sidecar."""

    def __init__(self, cut: CutList) -> None:
        self._ids = [shot.id for shot in cut.shots]
        self._names = [shot.name for shot in cut.shots]
        self._by_id: defaultdict[str, list[int]] = defaultdict(list)
        self._by_folded_id: defaultdict[str, list[int]] = defaultdict(list)
        self._by_name: defaultdict[str, list[int]] = defaultdict(list)
        self._by_event: defaultdict[str, list[int]] = defaultdict(list)
        for i, shot in enumerate(cut.shots):
            self._by_id[self._ids[i]].append(i)
            self._by_folded_id[_folded(self._ids[i])].append(i)
            for name in {shot.name.casefold(), shot.source.name.casefold() if shot.source else ""}:
                self._by_name[name].append(i)
            if shot.event:
                self._by_event[_number(shot.event)].append(i)

    def find(self, key: str) -> Row:
        """The shots of a key.

        Raises:
            ValueError: It has the form of no key, so that no cut could have such a shot.
        """
        if found := self._of_id(key):
            return Row(tuple(found), 1)
        if named := _NAMED.fullmatch(key):
            return self._named(named[1].lower(), named[2])
        if nth := _NTH.fullmatch(key):
            found = self._of_id(nth[1])
            number = int(nth[2][:9])
            if 1 <= number <= len(found):
                return Row((found[number - 1],), 2)
            if found:
                times = "once" if len(found) == 1 else f"{len(found)} times"
                return Row((), 2, f"the source of '{nth[1]}' is cut in {times} only; the settings of '{key}' wait")
        if not _FORM.fullmatch(key):
            raise ValueError(f"'{key}' is no shot id{self._advice(key)}")
        return Row((), 1, f"no shot has the id '{key}'; its settings wait for one that has{self._nearest(key)}")

    def _of_id(self, key: str) -> list[int]:
        """Shots of an id as written, else in other capitals or with the other sign of drop frame."""
        return self._by_id.get(key) or self._by_folded_id.get(_folded(key), [])

    def _named(self, kind: str, name: str) -> Row:
        by, wanted = (self._by_event, _number(name)) if kind == "event" else (self._by_name, name.casefold())
        found = by.get(wanted, [])
        if not found:
            return Row((), 0, f"no shot is {kind} '{name}'; its settings wait")
        ids = " and ".join(f"'{self._ids[i]}'" for i in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        return Row(tuple(found), 0, f"{kind} '{name}' may be another shot after a re-cut; its id is {ids}{more}")

    def _nearest(self, key: str) -> str:
        """The id that may be meant: of its source or its place, in a long cut; comparing all texts takes too long."""
        if len(self._ids) <= _FEW:
            return nearest(key, self._ids)
        source, _, place = _folded(key).rpartition("@")
        return nearest(key, [*self._by_source.get(source, ()), *self._by_source.get(f"@{place}", ())])

    @cached_property
    def _by_source(self) -> dict[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for id_ in dict.fromkeys(self._ids):
            source, _, place = _folded(id_).rpartition("@")
            found[source].append(id_)
            found[f"@{place}"].append(id_)
        return found

    def _advice(self, key: str) -> str:
        if found := self._by_name.get(key.casefold()):
            return f"; write '{self._ids[found[0]]}' or 'clip={key}'"
        return self._nearest(key) or "; ids look like R2@01:00:03:00 and stand in the plan"


def _folded(key: str) -> str:
    return key.strip().casefold().replace(";", ":")


def _number(event: str) -> str:
    return event.strip().casefold().lstrip("0") or "0"
