"""Words laid over words: what a recipe becomes when a note is heard, and whom the note contradicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from vsfilmrestore.errors import SettingError, VsfrError
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.wording import value_word
from vsfilmrestore.recipes.words import changes_from_words
from vsfilmrestore.timeline.grammar import ParsedSettings, parse_settings
from vsfilmrestore.timeline.model import SettingNote, Strength

__all__ = ["Settled", "Understood", "Words", "blamed", "by_strength", "change_of", "held", "origins_of", "word_of"]

_RANK: Final = {strength: rank for rank, strength in enumerate(Strength)}
_HEAD: Final = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """The words of a note, checked.

    Attributes:
        parsed: The words taken apart.
        changes: For `Recipe.with_steps`.
        values: By ``remove_dirt.strength``; False and True under a step's first setting take it out and in.
    """

    parsed: ParsedSettings
    changes: Mapping[str, object]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settled:
    """What is decided about some frames so far.

    Attributes:
        recipe: The recipe.
        origins: Where it came from, by step or by setting; under '' where nothing at all is done.
        said: What notes said outright, by setting ('' is the preset), with the note that said it last.
    """

    recipe: Recipe
    origins: Mapping[str, str]
    said: Mapping[str, tuple[Any, SettingNote]] = field(default_factory=dict)


def by_strength(note: SettingNote) -> int:
    """Sorts the strongest first."""
    return _RANK[note.strength]


def change_of(setting: str, value: Any) -> dict[str, object]:
    """The change for `Recipe.with_steps` of one of `Understood.values`."""
    step, _, name = setting.partition(".")
    return {step: value} if isinstance(value, bool) and name == _first(step) else {step: {name: value}}


def word_of(setting: str, value: Any) -> str:
    """A setting in the editor's words: ``dust=0.8``; a preset is its own word."""
    if setting == _HEAD:
        return str(value)
    step, _, name = setting.partition(".")
    short = FILTERS[step].short
    return f"{short if name == _first(step) else f'{short}.{name}'}={value_word(value)}"


def blamed(error: Exception, note: SettingNote, shot: str) -> SettingError:
    """The error with the place the note stands in."""
    message, hint = (error.message, error.hint) if isinstance(error, VsfrError) else (str(error), None)
    message = f"in 'VSFR {note.text}': {message}"
    return SettingError(message, file=note.file, line=note.line, shot=shot or None, timecode=note.timecode, hint=hint)


def _first(step: str) -> str:
    return next(iter(FILTERS[step].settings))


def origins_of(recipe: Recipe, origin: str) -> dict[str, str]:
    """One place for all steps of a recipe; one without steps has it under ''."""
    return dict.fromkeys((step.name for step in recipe), origin) or {_HEAD: origin}


class Words:
    """Understands notes, each text once, and lays them over recipes."""

    def __init__(self) -> None:
        self._understood: dict[str, Understood] = {}
        self._presets: dict[str, Recipe] = {}
        self._changed: dict[tuple[int, str], tuple[Recipe, Recipe]] = {}

    def understood(self, note: SettingNote) -> Understood:
        """The words of a note.

        Raises:
            SettingError: They do not parse, or name what does not exist.
        """
        known = self._understood.get(note.text)
        if known is None:
            parsed = parse_settings(note.text)
            if parsed.preset:
                self._preset(parsed.preset)
            changes = changes_from_words(parsed.values)
            known = self._understood[note.text] = Understood(parsed, changes, _values(changes))
        return known

    def over(self, under: Settled, note: SettingNote, before: Settled) -> tuple[Settled, list[str]]:
        """What a note makes of what was settled, and whom it contradicts.

        Args:
            under: What weaker notes settled.
            note: The note.
            before: What was settled for the shot before.

        Raises:
            SettingError: The note cannot be understood, or a value does not fit.
        """
        words = self.understood(note)
        start = under
        if words.parsed.head:
            start = self._afresh(words.parsed, note, before)
        changed = self._with(start.recipe, note.text, words.changes)
        origins, here = dict(start.origins), note.origin
        said = dict(start.said)
        for setting, value in words.values.items():
            step, _, name = setting.partition(".")
            if value is False:
                origins = {key: text for key, text in origins.items() if key.partition(".")[0] != step}
                said = {key: each for key, each in said.items() if key.partition(".")[0] != step}
            origins[step if isinstance(value, bool) and name == _first(step) else setting] = here
            if note.strength is not Strength.ASSESSED:  # nobody wrote it: to say otherwise is no contradiction
                said[setting] = (value, note)
        return Settled(changed, origins, said), _contradictions(under, words, note, changed)

    def _afresh(self, parsed: ParsedSettings, note: SettingNote, before: Settled) -> Settled:
        recipe = Recipe()
        if parsed.same:
            recipe = before.recipe
        elif parsed.preset:
            recipe = self._preset(parsed.preset)
        said = {} if note.strength is Strength.ASSESSED else {_HEAD: (parsed.head, note)}
        return Settled(recipe, origins_of(recipe, note.origin), said)

    def _preset(self, name: str) -> Recipe:
        if name not in self._presets:
            self._presets[name] = Recipe.preset(name)
        return self._presets[name]

    def _with(self, recipe: Recipe, text: str, changes: Mapping[str, object]) -> Recipe:
        if not changes:
            return recipe
        key = (id(recipe), text)
        if key not in self._changed:
            self._changed[key] = (recipe, recipe.with_steps(changes))  # the first keeps its id from being used again
        return self._changed[key][1]


def _values(changes: Mapping[str, object]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for step, change in changes.items():
        if isinstance(change, Mapping):
            values |= {f"{step}.{name}": value for name, value in change.items()}
        else:
            values[f"{step}.{_first(step)}"] = change
    return values


def _contradictions(under: Settled, words: Understood, note: SettingNote, changed: Recipe) -> list[str]:
    """Where the words of a note go against what another note said outright."""
    found: list[str] = []
    if not under.said:
        return found
    afresh = bool(words.parsed.head)
    now = {f"{step.name}.{name}": value for step in changed for name, value in step.complete.items()} if afresh else {}
    for setting, (value, other) in under.said.items():
        if setting == _HEAD:
            new: Any = words.parsed.head if afresh else value
        elif setting in words.values:
            new = words.values[setting]
        elif afresh:
            new = now.get(setting, False)
        else:
            continue
        if new == value or (value is True and new) or new is True or not _meets(other, note):
            continue
        outright = setting == _HEAD or setting in words.values
        word = word_of(setting, new) if outright else words.parsed.head
        found.append(f"{word} from {note.origin} wins over {word_of(setting, value)} from {other.origin}")
    return found


def _meets(other: SettingNote, note: SettingNote) -> bool:
    """Whether two notes speak of the same; a range within a shot is an exception that stronger words allow or make."""
    narrower = note.frames is not None and other.frames is None
    return not narrower or _RANK[other.strength] < _RANK[note.strength]


def held(settled: Settled, changes: Mapping[str, object], origins: Mapping[str, str]) -> Settled:
    """The same with changes that no note contradicts: the values of keys."""
    return replace(settled, recipe=settled.recipe.with_steps(changes), origins={**settled.origins, **origins})
