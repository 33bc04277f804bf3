"""What only people know of a film and its treatment: ``report.toml`` of the project, written by hand or by ``report``.

::

    title = "The Juggler"
    reel = "R2 of 4"
    element = "35 mm nitrate positive, tinted, shrinkage 0.9 %"
    scan = "4K wet gate, 10 bit log, March 2026"
    institution = "Film archive of the town"
    operator = "A. Meier"
    approval = "B. Rossi, curator, 14 May 2026"
    left = ["Changeover marks at the end of the reel: part of the print's history"]
    notes = "Splice at 00:04:12 was made by the distributor in 1921."

The report can be removed with its folder; this file is beside ``project.toml`` and stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Self

import tomlkit

from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.toml_lines import line_of, parse_toml

__all__ = ["FILE", "Told"]

FILE: Final = "report.toml"
_LONGEST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Told:
    """Fields of a treatment report that stand in no file of ours; '' and () where nobody said.

    Attributes:
        title: Title of the film.
        reel: Which reel.
        element: The element that was scanned: gauge, base, generation, state.
        scan: How, when and by whom it was scanned.
        institution: Whose film it is, or who did the work.
        operator: Who is responsible for the treatment.
        approval: Who approved it, and when.
        left: What was left on purpose, a sentence each.
        notes: Anything else.
    """

    title: str = ""
    reel: str = ""
    element: str = ""
    scan: str = ""
    institution: str = ""
    operator: str = ""
    approval: str = ""
    left: tuple[str, ...] = ()
    notes: str = ""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What is told in a project folder.

        Raises:
            SettingError: The file holds something else; with the line.
        """
        file = folder / FILE
        if not file.is_file():
            return cls()
        text, data = parse_toml(file)
        known = [field.name for field in fields(cls)]
        for key, value in data.items():
            if key not in known:
                raise _refused(f"unknown key '{key}'{nearest(key, known)}", text, key)
            if not _fits(key, value):
                raise _refused(f"{key} must be {'a list of texts' if key == 'left' else 'text'}", text, key)
        given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        return cls(**given)

    def with_(self, given: Mapping[str, str | None]) -> Self:
        """The same with what is not None."""
        said: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        return replace(self, **said)

    def write(self, folder: Path) -> None:
        """Write the file; comments in it are kept. Nothing is written where it says the same already.

        Raises:
            OutputError: It cannot be written.
            SettingError: What is there is no such file.
        """
        if self == type(self).read(folder):
            return
        file = folder / FILE
        document = tomlkit.parse(file.read_text("utf-8-sig")) if file.is_file() else tomlkit.document()
        for key, value in self.facts.items():
            if value or key in document:
                document[key] = value
        atomic_text(file, tomlkit.dumps(document))

    @property
    def facts(self) -> dict[str, Any]:
        """All of it in plain data."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return found | {"left": list(self.left)}


def _fits(key: str, value: object) -> bool:
    if key == "left":
        return isinstance(value, list) and all(isinstance(text, str) and len(text) < _LONGEST for text in value)
    return isinstance(value, str) and len(value) < _LONGEST


def _refused(message: str, text: str, key: str) -> SettingError:
    return SettingError(message, file=FILE, line=line_of(text, key))
