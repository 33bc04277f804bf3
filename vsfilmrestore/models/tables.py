"""Tables of a TOML file whose values are checked as they are taken; what is wrong is told with its line."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vsfilmrestore.errors import SettingError
from vsfilmrestore.toml_lines import key_lines, parse_toml

__all__ = ["Table", "nearest", "read_table"]

_LONGEST_TEXT = 4000


def read_table(path: Path) -> Table:
    """The outermost table of a file.

    Raises:
        InputError: The file cannot be read or is no TOML; the message has file and line.
    """
    text, data = parse_toml(path)
    return Table(path, data, key_lines(text))


def nearest(word: str, known: Iterable[str]) -> str:
    """'; did you mean X?' where a known word is near, else ''."""
    found = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f"; did you mean '{found[0]}'?" if found else ""


class Table:
    """A table and where it stands: keys ``path`` deep, between the lines ``start`` and ``stop``."""

    def __init__(
        self,
        file: Path,
        data: dict[str, Any],
        lines: dict[tuple[str, ...], list[int]],
        path: tuple[str, ...] = (),
        span: tuple[int, float] = (1, math.inf),
    ) -> None:
        self.file, self._data, self._lines, self._path, self._span = file, data, lines, path, span

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def error(self, message: str, key: str = "", hint: str | None = None) -> SettingError:
        """An error about a key, or about the whole table."""
        start, stop = self._span
        found = [line for line in self._lines.get((*self._path, key), []) if start <= line < stop]
        name = ".".join((*self._path, key) if key else self._path)
        line = found[0] if found else start
        return SettingError(f"{name} {message}" if name else message, file=self.file, line=line, hint=hint)

    def only(self, known: Iterable[str]) -> None:
        """Refuse keys that mean nothing."""
        words = tuple(known)
        for key in self._data:
            if key not in words:
                raise self.error(f"is not known{nearest(key, words)}", key)

    def text(self, key: str, default: str | None = None) -> str:
        """A text; it must be there where no default is given."""
        value = self._value(key, default, str, "a text")
        if len(value) > _LONGEST_TEXT:
            raise self.error(f"is longer than {_LONGEST_TEXT} characters", key)
        if default is None and not value.strip():
            raise self.error("must not be empty", key)
        return str(value)

    def word(self, key: str, choices: Iterable[str], default: str | None = None) -> str:
        """One of some words."""
        value, known = self.text(key, default), tuple(choices)
        if value not in known:
            raise self.error(f"must be one of {', '.join(known)}, not '{value}'", key)
        return value

    def whole(self, key: str, default: int | None = None, low: int = 0, high: int = 1 << 30) -> int:
        """A whole number within limits."""
        value = self._value(key, default, int, "a whole number")
        if not low <= value <= high:
            raise self.error(f"must be between {low} and {high}, not {value}", key)
        return int(value)

    def number(self, key: str, default: float | None = None) -> float:
        """A finite number."""
        value = self._value(key, default, (int, float), "a number")
        if not math.isfinite(value):
            raise self.error("must be a finite number", key)
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        return bool(self._value(key, default, bool, "true or false"))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty if it is not there."""
        value = self._value(key, [], list, "a list of texts")
        if not all(isinstance(each, str) and len(each) <= _LONGEST_TEXT for each in value):
            raise self.error("must be a list of texts", key)
        return tuple(value)

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of finite numbers; empty if it is not there."""
        value = self._value(key, [], list, "a list of numbers")
        if not all(isinstance(each, int | float) and type(each) is not bool and math.isfinite(each) for each in value):
            raise self.error("must be a list of finite numbers", key)
        return tuple(map(float, value))

    def table(self, key: str) -> Table:
        """A table within; empty if it is not there."""
        value = self._value(key, {}, dict, "a table")
        place = self._starts(key)
        return Table(self.file, value, self._lines, (*self._path, key), (place[0] if place else 1, self._span[1]))

    def tables(self, key: str) -> list[Table]:
        """A list of tables; empty if it is not there."""
        value = self._value(key, [], list, "a list of tables")
        if not all(isinstance(each, dict) for each in value):
            raise self.error("must be a list of tables", key)
        if not value:
            return []
        starts = self._starts(key) or [1]
        starts = (starts + [starts[-1]] * len(value))[: len(value)]  # an inline list stands on one line
        stops = [after if after > start else math.inf for start, after in zip(starts, [*starts[1:], 0], strict=True)]
        path = (*self._path, key)
        return [
            Table(self.file, each, self._lines, path, span)
            for each, span in zip(value, zip(starts, stops, strict=True), strict=True)
        ]

    def _starts(self, key: str) -> list[int]:
        return self._lines.get((*self._path, key), [])

    def _value(self, key: str, default: Any, kind: type | tuple[type, ...], name: str) -> Any:
        if key not in self._data:
            if default is None:
                raise self.error(f"is missing ({name})", key)
            return default
        value = self._data[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.error(f"must be {name}", key)
        return value
