"""The diagnosis table: which measures call for which step, read from TOML and checked to the last name.

The table that ships is ``diagnosis.toml`` beside this file. A table of one's own may extend it: its thresholds, aims,
kinds and rules take the place of those of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final, Self

from vsfilmrestore.assess.diagnosis_words import Condition, Curve, Sentence
from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters import FILTERS, FilterSpec, find_filter
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.toml_lines import key_lines, parse_toml

__all__ = ["STANDARD", "Aim", "Exempt", "Kind", "Rule", "Table"]

STANDARD: Final = "standard"
_FILE: Final = "diagnosis.toml"
_KEYS: Final = ("summary", "extends", "drop", "confidence", "thresholds", "grades", "aims", "ask", "fine", "leave",
                "kinds", "rules")  # fmt: skip
_RULE_KEYS: Final = ("name", "step", "when", "unless", "with", "strength", "settings", "confidence", "reason")
_SURE: Final = Curve(None, ((0.0, 1.0),))


@dataclass(frozen=True, slots=True)
class Aim:
    """What a film is wanted for.

    Attributes:
        name: ``archive``, ``remaster`` or one of the user's.
        summary: What that means, in one sentence.
        dose: Factor of all strengths, 0..1.
        steps: What may be proposed.
        most: Highest strength by step.
    """

    name: str
    summary: str
    dose: float
    steps: frozenset[str]
    most: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exempt:
    """Where something holds that speaks against a rule, or against doing anything."""

    when: tuple[Condition, ...]
    reason: Sentence


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of film and what it asks for.

    Attributes:
        name: ``cel``, ``tape`` …
        when: What must hold.
        reason: How it was known.
        dose: Factors of strengths by step; 0 leaves the step out.
        settings: Settings laid over a step's, by step.
    """

    name: str
    when: tuple[Condition, ...]
    reason: Sentence
    dose: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """What calls for a step.

    Attributes:
        name: Its name in the table.
        step: The filter's name.
        when: All must hold.
        reason: Why, with the values.
        strength: The dose; None for a step that is either in or out.
        confidence: How sure it is, 0..1.
        unless: Exceptions.
        together: A step without which this one is not proposed; '' for none.
        settings: Further settings of the step.
    """

    name: str
    step: str
    when: tuple[Condition, ...]
    reason: Sentence
    strength: Curve | None = None
    confidence: Curve = _SURE
    unless: tuple[Exempt, ...] = ()
    together: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """A diagnosis table.

    Attributes:
        name: ``standard``, or the stem of the file.
        sure: Confidence from which a dose is full.
        least: Confidence below which nothing is done.
        grades: Sum of strengths from which footage is ``medium`` and ``poor``.
        aims: By name.
        ask: Steps that no rule may propose.
        fine: What is said of steps that nothing calls for.
        leave: Shots nothing is done to.
        kinds: Kinds of film.
        rules: The rules, in order.
        thresholds: Named numbers.
    """

    name: str
    sure: float = 0.8
    least: float = 0.3
    grades: tuple[float, float] = (0.5, 1.8)
    aims: Mapping[str, Aim] = field(default_factory=dict)
    ask: frozenset[str] = frozenset()
    fine: Mapping[str, Sentence] = field(default_factory=dict)
    leave: tuple[Exempt, ...] = ()
    kinds: tuple[Kind, ...] = ()
    rules: tuple[Rule, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def standard(cls) -> Self:
        """The table that ships."""
        with as_file(files("vsfilmrestore.assess")) as folder:
            return cls.read(folder / _FILE)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a table.

        Raises:
            InputError: The file cannot be read or is no TOML.
            SettingError: It is no table; the message has file, line and rule.
        """
        text, data = parse_toml(path)
        return cls(**_Reader(path, text, data).fields())

    def aim(self, name: str) -> Aim:
        """The aim of that name.

        Raises:
            SettingError: There is none.
        """
        if name not in self.aims:
            hint = f"Aims: {', '.join(self.aims)}"
            raise SettingError(f"there is no aim '{name}'{nearest(name, self.aims)}", hint=hint)
        return self.aims[name]


class _Reader:
    """Reads one file; whatever is wrong is told with its line and the rule it stands in."""

    def __init__(self, path: Path, text: str, data: Mapping[str, Any]) -> None:
        self._path, self._data, self._lines = path, data, key_lines(text)
        self._thresholds: dict[str, float] = {}

    def fields(self) -> dict[str, Any]:
        for key in self._data:
            if key not in _KEYS:
                raise self._refused(f"unknown key '{key}'{nearest(key, _KEYS)}", key)
        base = self._base()
        own = self._table("thresholds")
        self._thresholds = {**base.thresholds, **self._each("thresholds", own, _plain_number)}
        if base.rules and own:  # what it extends is read anew, with these thresholds
            base = self._anew(base)
        confidence = self._known("confidence", ("sure", "least"))
        grades = self._known("grades", ("medium", "poor"))
        return {
            "name": STANDARD if self._path.name == _FILE else self._path.stem,
            "sure": confidence.get("sure", base.sure),
            "least": confidence.get("least", base.least),
            "grades": (grades.get("medium", base.grades[0]), grades.get("poor", base.grades[1])),
            "aims": {**base.aims, **{name: self._aim(name, said) for name, said in self._table("aims").items()}},
            "ask": self._steps("ask", "steps") if "ask" in self._data else base.ask,
            "fine": {**base.fine, **self._each("fine", self._table("fine"), Sentence.read, steps=True)},
            "leave": tuple(self._items("leave", self._leave)) or base.leave,
            "kinds": _replaced(base.kinds, list(self._items("kinds", self._kind)), self._dropped()),
            "rules": _replaced(base.rules, list(self._items("rules", self._rule)), self._dropped()),
            "thresholds": self._thresholds,
        }

    def _base(self) -> Table:
        name = self._data.get("extends")
        if name is None:
            return Table("")
        if name != STANDARD:
            raise self._refused(f"extends must be '{STANDARD}', not {name!r}", "extends")
        return Table.standard()

    def _anew(self, base: Table) -> Table:
        with as_file(files("vsfilmrestore.assess")) as folder:
            text, data = parse_toml(folder / _FILE)
            data["thresholds"] = {**data["thresholds"], **self._table("thresholds")}
            return Table(**_Reader(folder / _FILE, text, data).fields())

    def _dropped(self) -> frozenset[str]:
        names = self._data.get("drop", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise self._refused("drop must be a list of names of rules and kinds", "drop")
        return frozenset(names)

    def _table(self, key: str) -> dict[str, Any]:
        table = self._data.get(key, {})
        if not isinstance(table, dict):
            raise self._refused(f"{key} must be a table", key)
        return table

    def _known(self, table: str, keys: Sequence[str]) -> dict[str, float]:
        said = self._table(table)
        for key in said:
            if key not in keys:
                raise self._refused(f"unknown key '{key}'{nearest(key, keys)}", table, key)
        return self._each(table, said, _plain_number)

    def _each[T](
        self, table: str, said: Mapping[str, Any], read: Callable[[object], T], *, steps: bool = False
    ) -> dict[str, T]:
        made = {}
        for key, value in said.items():
            try:
                made[_step(key).name if steps else key] = read(value)
            except ValueError as error:
                raise self._refused(f"{table}: {key}: {error}", table, key) from None
        return made

    def _steps(self, *path: str) -> frozenset[str]:
        said: Any = self._data
        for key in path:
            said = said.get(key, []) if isinstance(said, dict) else []
        try:
            if not isinstance(said, list):
                raise ValueError("must be a list of steps")
            return frozenset(_step(name).name for name in said)
        except ValueError as error:
            raise self._refused(f"{'.'.join(path)}: {error}", *path) from None

    def _aim(self, name: str, said: object) -> Aim:
        path = ("aims", name)
        if not isinstance(said, dict) or set(said) - {"summary", "dose", "steps", "most"}:
            raise self._refused(f"aim '{name}' has summary, dose, steps and most, and nothing else", *path)
        most = said.get("most", {})
        try:
            dose = _plain_number(said.get("dose", 1.0))
            if not 0 < dose <= 1:
                raise ValueError(f"dose must be above 0 and at most 1, not {dose:g}")
            bounds = {_step(step).name: _plain_number(value) for step, value in dict(most).items()}
        except (TypeError, ValueError) as error:
            raise self._refused(f"aim '{name}': {error}", *path) from None
        return Aim(name, str(said.get("summary", "")), dose, self._steps(*path, "steps"), bounds)

    def _items[T](self, table: str, read: Callable[[Mapping[str, Any]], T]) -> list[T]:
        items = self._data.get(table, [])
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._refused(f"{table} is a list of tables: write [[{table}]]", table)
        made = []
        for number, item in enumerate(items):
            try:
                made.append(read(item))
            except (TypeError, ValueError) as error:
                name = f" '{item['name']}'" if "name" in item else ""
                raise self._refused(f"{table.removesuffix('s')}{name}: {error}", table, nth=number) from None
        return made

    def _conditions(self, said: object) -> tuple[Condition, ...]:
        if not isinstance(said, list) or not said:
            raise ValueError("when must be a list of conditions")
        return tuple(Condition.read(text, self._thresholds) for text in said)

    def _leave(self, item: Mapping[str, Any]) -> Exempt:
        _only(item, ("when", "reason"))
        return Exempt(self._conditions(item.get("when")), Sentence.read(item.get("reason")))

    def _kind(self, item: Mapping[str, Any]) -> Kind:
        _only(item, ("name", "when", "reason", "dose", "settings"))
        dose = {_step(step).name: _plain_number(value) for step, value in dict(item.get("dose", {})).items()}
        if bad := [step for step, value in dose.items() if not 0 <= value <= 2]:
            raise ValueError(f"dose of {bad[0]} must lie in 0..2, not {dose[bad[0]]:g}")
        settings = {}
        for word, said in dict(item.get("settings", {})).items():
            spec = _step(word)
            settings[spec.name] = _checked(spec, said)
        reason = Sentence.read(item.get("reason"))
        return Kind(_name(item), self._conditions(item.get("when")), reason, dose, settings)

    def _rule(self, item: Mapping[str, Any]) -> Rule:
        _only(item, _RULE_KEYS)
        name, spec = _name(item), _step(item.get("step"))
        dosed = spec.settings[next(iter(spec.settings))].kind == "float"
        strength = item.get("strength")
        if strength is not None and not dosed:
            raise ValueError(f"{spec.name} has no strength; it is in or out")
        confidence = item.get("confidence")
        together = item.get("with")
        return Rule(
            name,
            spec.name,
            self._conditions(item.get("when")),
            Sentence.read(item.get("reason")),
            Curve.read(strength, self._thresholds) if strength is not None else None,
            _SURE if confidence is None else Curve.read(confidence, self._thresholds),
            tuple(self._leave(each) for each in item.get("unless", [])),
            "" if together is None else _step(together).name,
            _checked(spec, item.get("settings", {})),
        )

    def _refused(self, message: str, *path: str, nth: int = 0) -> SettingError:
        lines = self._lines.get(path) or self._lines.get(path[:1], [])
        line = lines[min(nth, len(lines) - 1)] if lines else None
        return SettingError(message, file=self._path.name, line=line)


def _only(item: Mapping[str, Any], keys: Sequence[str]) -> None:
    for key in item:
        if key not in keys:
            raise ValueError(f"unknown key '{key}'{nearest(key, keys)}")


def _name(item: Mapping[str, Any]) -> str:
    name = item.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError("it needs a name")
    return name


def _step(word: object) -> FilterSpec:
    if word is None:
        raise ValueError("it needs a step")
    spec = find_filter(word) if isinstance(word, str) else None
    if spec is None:
        raise ValueError(f"there is no step '{word}'{nearest(str(word), FILTERS)}")
    return spec


def _checked(spec: FilterSpec, settings: object) -> dict[str, Any]:
    if not isinstance(settings, dict):
        raise ValueError(f"settings of {spec.name} must be a table, not {settings!r}")
    return spec.check(settings)


def _plain_number(said: object) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise ValueError(f"must be a number, not {said!r}")
    return float(said)


def _replaced[T: (Kind, Rule)](base: Sequence[T], own: Sequence[T], drop: frozenset[str]) -> tuple[T, ...]:
    """Those of the base, in their places, with one's own in the place of those of the same name; new ones behind."""
    by_name: dict[str, list[T]] = {}
    for each in own:
        by_name.setdefault(each.name, []).append(each)
    made: list[T] = []
    placed: set[str] = set()
    for each in base:
        if each.name in drop:
            continue
        if each.name not in by_name:
            made.append(each)
        elif each.name not in placed:
            made += by_name[each.name]
            placed.add(each.name)
    return tuple(made + [each for each in own if each.name not in placed])
