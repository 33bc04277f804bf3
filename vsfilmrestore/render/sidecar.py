"""Settings kept beside the cut: the tables ``[shots]`` and ``[colours]`` of ``project.toml`` or of a shot list.

::

    [shots]
    "R2@01:00:03:00" = "remaster dust=0.8"       # marker words

    [shots."R2@01:00:09:00#2"]                   # the second shot that begins with this source frame
    preset = "remaster"                          # or settings = "…" in marker words
    dust = 0.8
    grain = { strength = 0.3, reach = 2 }

    [[shots."R2@01:00:09:00#2".ranges]]          # places in the source, or frames counted from the shot's first
    in = "01:00:10:00"
    out = "01:00:11:00"
    scratch = false

    [[shots."R2@01:00:09:00#2".keys]]
    at = "01:00:09:12"
    dust = 0.3

Each value becomes a note of its own, so that it knows its line.

A row that `vsfilmrestore.render.proposal` wrote has a list ``assessed``, which says what was proposed and why. A value
that still is as proposed is weak and has that reason; one that was changed is the editor's, as any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters import FILTERS, find_filter
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.recipes.toml import key_lines, parse_toml
from vsfilmrestore.recipes.wording import value_word
from vsfilmrestore.render.places import Place, moment_of, range_of
from vsfilmrestore.render.rows import RowKeys
from vsfilmrestore.timeline.model import CutList, FrameRange, SettingNote, Shot, Strength

__all__ = ["ASSESSED", "Sidecar", "SidecarNotes", "proposed_words"]

_ABOUT: Final = "about"
"""Facts that a written shot list tells of a shot; they decide nothing."""

ASSESSED: Final = "assessed"
"""What was proposed for a shot, in marker words, each with its reason: ``dust=0.5: 6 pieces of dirt a frame``."""

_WORDS: Final = ("preset", "settings")
_ARRAYS: Final = ("ranges", "keys")
_PLACES: Final = {"ranges": ("in", "out"), "keys": ("at",)}


@dataclass(frozen=True, slots=True)
class SidecarNotes:
    """A sidecar laid over a cut.

    Attributes:
        notes: Settings by index of the shot; the later in a list is the stronger.
        warnings: What an editor should know, a sentence each.
        orphans: Rows that no shot of this cut has: they wait for the next cut.
    """

    notes: Mapping[int, Sequence[SettingNote]]
    warnings: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Settings by shot and by colour.

    Attributes:
        shots: Marker words, or a table, by shot id, ``id#2``, ``event=12`` or ``clip=SC 12``.
        colours: Marker words by colour name.
        file: Name of the file they stand in.
        lines: Lines of its keys by path, where known.
        steps: Changes to the recipe of the whole film, which what was proposed for single shots does not undo.
        assessed: Whether what was proposed counts.
    """

    shots: Mapping[str, Any] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)
    file: str = "project.toml"
    lines: Mapping[tuple[str, ...], Sequence[int]] = field(default_factory=dict)
    steps: Mapping[str, Any] = field(default_factory=dict)
    assessed: bool = True

    @classmethod
    def read(cls, path: Path) -> Self:
        """A TOML file with the tables ``[shots]`` and ``[colours]``, such as a written shot list.

        Raises:
            InputError: The file cannot be read or is no TOML.
            SettingError: It holds something else.
        """
        text, data = parse_toml(path)
        made = cls(data.get("shots", {}), data.get("colours", {}), path.name, key_lines(text))
        for name, content in data.items():
            if name not in ("shots", "colours"):
                raise made.refused(f"unknown table '{name}'{nearest(name, ('shots', 'colours'))}", name)
            if not isinstance(content, dict):
                raise made.refused(f"{name} must be a table", name)
        for name, words in made.colours.items():
            if not isinstance(words, str):
                raise made.refused(f"{name} must be settings in marker words, not {words!r}", "colours", name)
        return made

    def refused(self, message: str, *path: str, hint: str | None = None) -> SettingError:
        """The error for what stands at a path of keys."""
        return SettingError(message, file=self.file, line=self.line(*path), hint=hint)

    def line(self, *path: str, after: int = 0) -> int | None:
        """Line of a key, the first one from the line ``after`` on."""
        return next((line for line in self.lines.get(path, ()) if line >= after), None)

    def over(self, cut: CutList) -> SidecarNotes:
        """The sidecar laid over a cut.

        Raises:
            SettingError: A key that names no shot of any cut, or a row that cannot be understood; with the line.
        """
        keys = RowKeys(cut)
        found: list[tuple[int, int, str]] = []
        warnings: list[str] = []
        orphans: list[str] = []
        for key in self.shots:
            try:
                row = keys.find(key)
            except ValueError as error:
                raise self.refused(str(error), "shots", key) from None
            found += [(index, row.rank, key) for index in row.shots]
            if not row.shots:
                orphans.append(key)
            if row.remark:
                warnings.append(f"{self._place(key)}: {row.remark}")
        notes: dict[int, list[SettingNote]] = {}
        for index, _, key in sorted(found, key=lambda each: each[:2]):
            reader = _RowReader(self, key, cut, cut.shots[index])
            notes.setdefault(index, []).extend(reader.notes(self.shots[key]))
            warnings += reader.warnings
        return SidecarNotes(notes, tuple(warnings), tuple(orphans))

    def _place(self, key: str) -> str:
        line = self.line("shots", key)
        return self.file if line is None else f"{self.file}:{line}"


def proposed_words(said: Sequence[str]) -> dict[str, str]:
    """What a list ``assessed`` proposed, in marker words, with the reason of each; its preset stands first.

    Other lines of it are for people.
    """
    parts = [text.partition(": ") for text in said]
    words = [(n, word, reason) for n, (word, colon, reason) in enumerate(parts) if colon and " " not in word]
    return {word: reason for n, word, reason in words if n == 0 or "=" in word}


class _RowReader:
    """Reads what one row says of one shot."""

    def __init__(self, sidecar: Sidecar, key: str, cut: CutList, shot: Shot) -> None:
        self._sidecar, self._key, self._cut, self._shot = sidecar, key, cut, shot
        self.warnings: list[str] = []

    def notes(self, row: object) -> list[SettingNote]:
        if not isinstance(row, dict):
            return [self._note(self._word(row, ()), ())]
        reasons = self._reasons(row)
        notes = [self._note(text, path, reason=reasons.get(text)) for text, path in self._texts(row, (), _ARRAYS)]
        if not self._sidecar.assessed:
            notes = [note for note in notes if note.strength is not Strength.ASSESSED]
        for kind in _ARRAYS:
            items = row.get(kind, [])
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise self._refused(f"{kind} must be an array of tables", (kind,))
            for number, item in enumerate(items):
                notes += self._limited(kind, number, item)
        return notes

    def _reasons(self, row: Mapping[str, Any]) -> dict[str, str]:
        said = row.get(ASSESSED, [])
        if not isinstance(said, list) or not all(isinstance(text, str) for text in said):
            raise self._refused(f"{ASSESSED} must be a list of texts", (ASSESSED,))
        reasons = proposed_words(said)
        afresh = [text for text, path in self._texts(row, (), _ARRAYS) if path[-1] in _WORDS]
        return reasons if all(text in reasons for text in afresh) else {}  # who changes the start, made all of it

    def _limited(self, kind: str, number: int, item: Mapping[str, Any]) -> list[SettingNote]:
        start = self._nth(kind, number)
        texts = self._texts(item, (kind,), _PLACES[kind], start)
        frames = self._frames(kind, item, start)
        if not texts:
            raise self._refused(f"this part of {kind} sets nothing", (kind,), start)
        if frames is None:
            self.warnings.append(f"{self._at((kind,), start)}: this range lies outside the shot; ignored")
            return []
        head = "key " if kind == "keys" else ""
        return [self._note(f"{head}{text}", path, frames, start) for text, path in texts]

    def _frames(self, kind: str, item: Mapping[str, Any], start: int) -> FrameRange | None:
        places = [self._placed(item, name, kind, start) for name in _PLACES[kind]]
        at = self._shot.record.start
        try:
            if kind == "ranges":
                part = range_of(self._shot, places[0], places[1], self._cut.rate)
                return part and FrameRange(part.start + at, part.stop + at)
            if places[0] is None:
                raise ValueError("a key needs the place it stands at: at = '…'")
            moment = at + moment_of(self._shot, places[0], self._cut.rate)
            return FrameRange(moment, moment + 1)
        except ValueError as error:
            raise self._refused(str(error), (kind, _PLACES[kind][0]), start) from None

    def _placed(self, item: Mapping[str, Any], name: str, kind: str, start: int) -> Place | None:
        place = item.get(name)
        if place is None or (isinstance(place, int | str) and not isinstance(place, bool)):
            return place
        raise self._refused(f"{name} must be a timecode of the source or a number of frames", (kind, name), start)

    def _texts(
        self, row: Mapping[str, Any], path: tuple[str, ...], other: Sequence[str], start: int = 0
    ) -> list[tuple[str, tuple[str, ...]]]:
        """Marker words with the path of the key each came from; what starts afresh goes first."""
        found = [(self._word(row[name], (*path, name)), (*path, name)) for name in _WORDS if name in row]
        for name, value in row.items():
            if name in _WORDS or name in other or name in (_ABOUT, ASSESSED):
                continue
            step = name.split(".")[0]
            if find_filter(step) is None:
                known = [*_WORDS, *other, *FILTERS, *(spec.short for spec in FILTERS.values())]
                raise self._refused(f"there is no step '{step}'{nearest(step, known)}", (*path, name), start)
            found += [(text, (*path, name)) for text in self._setting(name, value, (*path, name))]
        return found

    def _setting(self, name: str, value: object, path: tuple[str, ...]) -> Iterator[str]:
        if isinstance(value, dict):
            for inner, each in value.items():
                yield f"{name}.{inner}={self._word(each, path, joined=True)}"
        else:
            yield f"{name}={self._word(value, path, joined=True)}"

    def _word(self, value: object, path: tuple[str, ...], *, joined: bool = False) -> str:
        if isinstance(value, str):
            return "+".join(value.split()) if joined else value
        if isinstance(value, bool | int | float) or (joined and isinstance(value, list)):
            return value_word(value)
        raise self._refused(f"{path[-1] if path else self._key} has a value of the wrong type: {value!r}", path)

    def _note(
        self,
        text: str,
        path: tuple[str, ...],
        frames: FrameRange | None = None,
        start: int = 0,
        reason: str | None = None,
    ) -> SettingNote:
        at = self._cut.timecode(self._shot.record.start)
        line = self._line(path, start)
        strength = Strength.SIDECAR if reason is None else Strength.ASSESSED
        return SettingNote(text, strength, self._sidecar.file, line, at, frames, reason or "")

    def _nth(self, kind: str, number: int) -> int:
        lines = self._sidecar.lines.get(("shots", self._key, kind), ())
        return lines[number] if number < len(lines) else 0

    def _line(self, path: tuple[str, ...], start: int) -> int | None:
        sidecar = self._sidecar
        return sidecar.line("shots", self._key, *path, after=start) or start or sidecar.line("shots", self._key)

    def _at(self, path: tuple[str, ...], start: int) -> str:
        line = self._line(path, start)
        return self._sidecar.file if line is None else f"{self._sidecar.file}:{line}"

    def _refused(self, message: str, path: tuple[str, ...], start: int = 0) -> SettingError:
        line = self._line(path, start)
        return SettingError(message, file=self._sidecar.file, line=line, shot=self._shot.name)
