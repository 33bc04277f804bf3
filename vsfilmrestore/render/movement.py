"""The keys of one shot: which of them count, and the parts they make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vsfilmrestore.errors import SettingError, VsfrError
from vsfilmrestore.recipes.wording import value_word
from vsfilmrestore.render.keys import Keyed, Stretch, moves, stretches
from vsfilmrestore.render.settle import Settled, Words, blamed, by_strength, change_of, held, word_of
from vsfilmrestore.timeline.model import FrameRange, SettingNote, Shot

__all__ = ["Key", "Movement"]


@dataclass(frozen=True, slots=True)
class Key:
    """A value at a frame, between which and the next it moves.

    Attributes:
        frame: Record frame; it may lie outside the shot.
        setting: The setting: ``remove_dirt.strength``.
        value: Its value there; False and True under a step's first setting take it out and in.
        origin: Where it stood.
    """

    frame: int
    setting: str
    value: Any
    origin: str

    @property
    def words(self) -> str:
        """The value in the editor's words: ``dust=0.2``."""
        return word_of(self.setting, self.value)


class Movement:
    """Gathers the keys of a shot and lays them over what is settled for the whole of it."""

    def __init__(self, words: Words, shot: Shot, whole: Settled) -> None:
        self._words, self._shot, self._whole = words, shot, whole
        self._by_setting: defaultdict[str, list[tuple[SettingNote, FrameRange, Any]]] = defaultdict(list)
        self._warnings: list[str] = []
        self.keys: tuple[Key, ...] = ()

    def add(self, note: SettingNote, frames: FrameRange) -> None:
        """Hear a note with a key that stands on some frames (its values hold over all of them).

        Raises:
            SettingError: It cannot be understood.
        """
        try:
            values = self._words.understood(note).values
        except (VsfrError, ValueError) as error:
            raise blamed(error, note, self._shot.name) from None
        for setting, value in values.items():
            self._by_setting[setting].append((note, frames, value))

    def parts(self) -> tuple[list[tuple[FrameRange, Settled]], list[str]]:
        """The shot in parts of one value for each setting, and what an editor should know.

        Raises:
            SettingError: A key changes the size or the rate of the picture.
        """
        lines = {setting: line for setting in self._by_setting if (line := self._line(setting))}
        keys = [Key(key.frame, setting, key.value, key.origin) for setting, line in lines.items() for key in line]
        self.keys = tuple(sorted(keys, key=lambda key: (key.frame, key.setting)))
        if not lines:
            return [(self._shot.record, self._whole)], self._warnings
        moved = {setting: stretches(line, self._shot.record) for setting, line in lines.items()}
        edges = sorted({self._shot.record.stop, *(each.frames.start for line in moved.values() for each in line)})
        parts = [(FrameRange(a, b), self._settled(moved, a)) for a, b in pairwise(edges)]
        for step in parts[0][1].recipe:
            if any(setting.startswith(f"{step.name}.") for setting in lines) and step.filter.changes_with(
                step.settings
            ):
                error = SettingError(f"{step.name} changes the size or the rate of the picture, which cannot move")
                raise self._blamed(error, lines)
        return parts, self._warnings

    def _line(self, setting: str) -> list[Keyed]:
        """The keys of a setting that count, by frame; none where stronger words stand against them."""
        heard = self._by_setting[setting]
        strongest = min(by_strength(note) for note, _, _ in heard)
        line = self._ordered(setting, [each for each in heard if by_strength(each[0]) == strongest])
        weaker = self._ordered("", [each for each in heard if by_strength(each[0]) > strongest])
        if weaker and [(key.frame, key.value) for key in weaker] != [(key.frame, key.value) for key in line]:
            self._won(setting, line[0].origin, weaker[0].origin)
        against = self._whole.said.get(setting) or self._silenced()
        if against is not None and by_strength(against[1]) < strongest:
            value, note = against
            word = value if against is self._silenced() else word_of(setting, value)
            if any(key.value != value for key in line):
                self._warnings.append(f"{word} from {note.origin} wins over {_span(setting, line)}")
            return []
        if setting in self._whole.said and any(key.value != self._whole.said[setting][0] for key in line):
            value, note = self._whole.said[setting]
            self._warnings.append(f"{_span(setting, line)} win over {word_of(setting, value)} from {note.origin}")
        self._judge(setting, line)
        return line

    def _silenced(self) -> tuple[Any, SettingNote] | None:
        head = self._whole.said.get("")
        return head if head is not None and head[0] == "off" else None

    def _ordered(self, setting: str, heard: list[tuple[SettingNote, FrameRange, Any]]) -> list[Keyed]:
        """By frame; of two on one frame the later heard counts."""
        found: dict[int, Keyed] = {}
        for note, frames, value in heard:
            for frame in dict.fromkeys((frames.start, frames.stop - 1)):
                old = found.get(frame)
                if setting and old is not None and old.value != value:
                    self._won(setting, note.origin, old.origin)
                found[frame] = Keyed(frame, value, note.origin)
        return [found[frame] for frame in sorted(found)]

    def _won(self, setting: str, winner: str, loser: str) -> None:
        name = word_of(setting, 0).partition("=")[0]
        self._warnings.append(f"the keys of {name} from {winner} win over those from {loser}")

    def _judge(self, setting: str, line: list[Keyed]) -> None:
        if len(line) == 1:
            word = word_of(setting, line[0].value)
            self._warnings.append(f"{word} from {line[0].origin} is the only key of its kind and holds everywhere")
        for a, b in pairwise(line):
            if isinstance(a.value, tuple) and a.value != b.value and not moves(a.value, b.value):
                text = f"the regions of {a.origin} and {b.origin} have not as many corners; they change at the second"
                self._warnings.append(text)

    def _settled(self, moved: dict[str, list[Stretch]], frame: int) -> Settled:
        changes: dict[str, Any] = {}
        origins: dict[str, str] = {}
        for setting, line in moved.items():
            here = next(each for each in line if each.frames.start <= frame < each.frames.stop)
            for step, change in change_of(setting, here.value).items():
                changes[step] = _joined(changes.get(step), change)
            origins[setting] = here.origin
        try:
            return held(self._whole, changes, origins)
        except VsfrError as error:
            raise self._blamed(error, moved) from None

    def _blamed(self, error: VsfrError, settings: Iterable[str]) -> SettingError:
        """The error with the place of a key of the step that it is about."""
        names = list(settings)
        guilty = next((name for name in names if name.partition(".")[0] in error.message), names[0])
        return blamed(error, self._by_setting[guilty][0][0], self._shot.name)


def _joined(known: object, change: object) -> object:
    """Two changes of one step; a step that one of them takes out is out."""
    if known is None or change is False or known is True:
        return change
    return known if known is False or change is True else {**known, **change}  # type: ignore[dict-item]


def _span(setting: str, line: list[Keyed]) -> str:
    name = word_of(setting, line[0].value)
    values = name if len(line) == 1 else f"{name} … {value_word(line[-1].value)}"
    return f"the keys {values} from {line[0].origin}"
