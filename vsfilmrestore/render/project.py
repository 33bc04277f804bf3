"""The project folder: what was decided, in one file a person can edit, and what is done, in the ledger.

::

    film.vsfr/
      project.toml     input, output, recipe, cuts, settings per shot; edit freely
      ledger.sqlite    finished segments
      renders/         the segments themselves, joined into the output at the end, and what was repaired in each
      repairs.toml     repairs that were taken back
      reports/         report.html, report.json, before_after.png

``renders/`` and ``reports/`` can be removed at any time: they are made again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

import tomlkit

from vsfilmrestore.errors import ProjectError, SettingError
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.toml import key_lines, line_of, parse_toml
from vsfilmrestore.render.sidecar import Sidecar
from vsfilmrestore.render.verdicts import Verdicts

__all__ = ["Project", "ProjectSettings", "filled"]

_FILE: Final = "project.toml"
_HEAD: Final = "vsfilmrestore project. Edit freely: only what a change touches is rendered again."


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """Content of ``project.toml``. Paths are as written; relative ones start at the project folder.

    Attributes:
        input: Cut list, medium or .vpy.
        media: Folders and files to find the cut list's media in.
        markers: Marker lists joined with the cut.
        sequence: Name of the sequence, of a cut list with several; '' for the only one.
        scan: The finished film, which every shot is taken from at its record timecode; '' for none.
        rate: Frame rate for input that does not tell, '' if it does.
        start: Timecode of the first frame of media that carry none, '' if they do.
        gap: What a missing frame of an image sequence becomes: ``error``, ``hold`` or ``black``.
        inverse_telecine: Whether the source is telecined and brought back to film frames first.
        first: First frame of the media to use: the number in the file name of a sequence, else counted from 0.
        last: Last frame of the media to use, included; counted likewise.
        tolerant: Whether a film that is cut off, has holes or a varying rate is taken as far as it goes, or refused;
            None takes it where it is no cut list and no preset is named.
        unreadable: Frames of the film that were found unreadable, counted as ``first`` is: ``26-36, 60``. The nearest
            that can be read stands in the place of each.
        handles: Frames of the same take known to exist around each shot.
        media_rate_rule: How media of another rate than the cut are played: ``time`` or ``frames``; '' is in time, and
            refuses what is contradictory.
        cuts: First frames of new shots, where there is no cut list; None: not detected yet.
        preset: Recipe of shots nobody wrote anything about: a preset, or a recipe file (.toml).
        steps: Changes to that recipe, as in a recipe file.
        aim: What the film is wanted for, where what was proposed for its shots counts; '' is by the preset alone.
        output: File or folder to render to.
        profile: Output format, '' to go by the suffix.
        history: Whether masks and original pixels of repairs are kept.
        measure: Whether the result of a render is measured for the report, where its source was.
        shots: Settings by shot id, in marker words or as a table; see `render.sidecar`.
        colours: Settings in marker words, by colour of a label or marker.
        relink: ``[[relink]]`` tables: where the media of a source lie.
        known_media: ``[[media]]`` tables: what a person knows of one medium.
    """

    input: str = ""
    media: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    sequence: str = ""
    scan: str = ""
    rate: str = ""
    start: str = ""
    gap: str = "error"
    inverse_telecine: bool = False
    first: int | None = None
    last: int | None = None
    tolerant: bool | None = None
    unreadable: str = ""
    handles: int = 0
    media_rate_rule: str = ""
    cuts: tuple[int, ...] | None = None
    preset: str = "archive"
    steps: Mapping[str, Any] = field(default_factory=dict)
    aim: str = ""
    output: str = ""
    profile: str = ""
    history: bool = True
    measure: bool = True
    shots: Mapping[str, Any] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)
    relink: tuple[Mapping[str, Any], ...] = ()
    known_media: tuple[Mapping[str, Any], ...] = ()


_ALWAYS: Final = ("gap", "preset")
_TABLES: Final[dict[str, tuple[str, ...]]] = {
    "source": (
        "input",
        "media",
        "markers",
        "sequence",
        "scan",
        "rate",
        "start",
        "gap",
        "inverse_telecine",
        "first",
        "last",
        "tolerant",
        "unreadable",
        "handles",
        "media_rate_rule",
        "cuts",
    ),
    "recipe": ("preset", "aim", "steps"),
    "output": ("output", "profile", "history", "measure"),
}


_LISTS: Final = {"relink": "relink", "media": "known_media"}
"""Tables that stand any number of times, written by hand only."""

_FREE: Final = ("shots", "colours")
"""Tables whose keys are names of the cut."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder.

    Attributes:
        folder: The folder.
        settings: Content of its ``project.toml``.
    """

    folder: Path
    settings: ProjectSettings

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read a project.

        Raises:
            ProjectError: The folder is no project.
            SettingError: Its ``project.toml`` has an unknown key or a value of the wrong type, with the line.
        """
        file = folder / _FILE
        if not file.is_file():
            raise ProjectError("is no project folder: it holds no project.toml", file=folder)
        text, data = parse_toml(file)
        return cls(folder, _settings(text, data))

    @classmethod
    def is_project(cls, path: Path) -> bool:
        return (path / _FILE).is_file()

    def recipe(self) -> Recipe:
        """The recipe of shots nobody wrote anything about.

        Raises:
            SettingError: It names what does not exist.
        """
        name = self.settings.preset
        known = Recipe.read(self.resolve(name)) if name.lower().endswith(".toml") else Recipe.preset(name)
        for word, value in self.settings.steps.items():
            try:
                known = known.with_steps({word: value})
            except SettingError as error:
                raise self._blamed(error, word) from None
        return known

    def _blamed(self, error: SettingError, word: str) -> SettingError:
        """The error with its line, where the step stands in the file and not only on the command line."""
        file = self.folder / _FILE
        line = line_of(file.read_text("utf-8"), word) if file.is_file() else None
        return error if line is None else SettingError(error.message, file=_FILE, line=line, hint=error.hint)

    def sidecar(self) -> Sidecar:
        """Settings by shot and colour, with the lines they stand in."""
        file = self.folder / _FILE
        lines = key_lines(file.read_text("utf-8-sig")) if file.is_file() else {}
        said = self.settings
        return Sidecar(said.shots, said.colours, _FILE, lines, said.steps, bool(said.aim))

    def verdicts(self) -> Verdicts:
        """Repairs that were taken back.

        Raises:
            SettingError: The file holds something else; with the line.
        """
        return Verdicts.read(self.repairs)

    @property
    def repairs(self) -> Path:
        return self.folder / "repairs.toml"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.sqlite"

    @property
    def renders(self) -> Path:
        return self.folder / "renders"

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

    def resolve(self, name: str) -> Path:
        """A path written in ``project.toml``."""
        return Path(os.path.abspath(self.folder / name))

    def save(self) -> None:
        """Write ``project.toml``, whole or not at all. Comments a person wrote into it are kept.

        Raises:
            OutputError: It cannot be written.
        """
        file = self.folder / _FILE
        if file.is_file() and _settings(*parse_toml(file)) == self.settings:
            return  # taking a long file apart with all its comments takes seconds
        atomic_text(file, filled(file.read_text("utf-8") if file.is_file() else None, self.settings))


def filled(text: str | None, settings: ProjectSettings) -> str:
    """The text of a ``project.toml`` with these settings in it; None for a new one. What a person wrote is kept."""
    document = tomlkit.document() if text is None else tomlkit.parse(text)
    if text is None:
        document.add(tomlkit.comment(_HEAD))
    for table, keys in _TABLES.items():
        _fill(document, table, {key: getattr(settings, key) for key in keys})
    for table in _FREE:
        _fill_free(document, table, getattr(settings, table))
    return tomlkit.dumps(document)


def _fill(document: tomlkit.TOMLDocument, table: str, values: dict[str, Any]) -> None:
    """Write values into a table, leaving alone what says the same already; defaults are not written."""
    section = document.setdefault(table, tomlkit.table())
    defaults = ProjectSettings()
    for key, value in values.items():
        plain = _plain(value)
        if key not in _ALWAYS and plain == _plain(getattr(defaults, key, None)):
            section.pop(key, None)
        elif section.get(key) != plain:
            section[key] = plain


def _fill_free(document: tomlkit.TOMLDocument, table: str, values: Mapping[str, Any]) -> None:
    """Make a table hold these keys and no others, leaving alone what says the same already."""
    if not values and table not in document:
        return
    section = document.setdefault(table, tomlkit.table())
    for key in [key for key in section if key not in values]:
        section.pop(key)
    for key, value in values.items():
        known = section.get(key)
        if known == value:
            continue
        if isinstance(known, dict) and isinstance(value, dict):
            _fill_row(known, value)  # keeps the comments a person wrote into it
        else:
            section[key] = _row(value) if isinstance(value, dict) else value


def _fill_row(row: Any, values: Mapping[str, Any]) -> None:
    for key in [key for key in row if key not in values]:
        row.pop(key)
    for key, value in values.items():
        if row.get(key) != value:
            row[key] = _listed(value)


def _row(values: Mapping[str, Any]) -> Any:
    row = tomlkit.table()
    for key, value in values.items():
        row[key] = _listed(value)
    return row


def _listed(value: Any) -> Any:
    """A list of sentences with one a line; settings of a step on one."""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        lines = tomlkit.array()
        lines.extend(value)
        return lines.multiline(True)
    if isinstance(value, dict):
        inline = tomlkit.inline_table()
        inline.update(value)
        return inline
    return value


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _settings(text: str, data: dict[str, Any]) -> ProjectSettings:
    values: dict[str, Any] = {}
    for table, content in data.items():
        if table in _LISTS:
            values[_LISTS[table]] = _tables(text, table, content)
            continue
        keys = _TABLES.get(table)
        if table not in _FREE and keys is None:
            raise _refused(f"unknown table '{table}'{nearest(table, [*_TABLES, *_LISTS, *_FREE])}", text, table)
        if not isinstance(content, dict):
            raise _refused(f"{table} must be a table", text, table)
        if keys is None:
            rows = table == "shots"
            values[table] = {
                key: value if rows and isinstance(value, dict) else _text(text, table, key, value)
                for key, value in content.items()
            }
            continue
        for key, value in content.items():
            if key not in keys:
                raise _refused(f"unknown key '{key}'{nearest(key, keys)}", text, table, key)
            values[key] = _typed(text, table, key, value)
    return ProjectSettings(**values)


def _tables(text: str, table: str, content: object) -> tuple[dict[str, Any], ...]:
    if isinstance(content, list) and all(isinstance(item, dict) for item in content):
        return tuple(content)
    raise _refused(f"{table} is a list of tables: write [[{table}]]", text, table)


def _typed(text: str, table: str, key: str, value: object) -> object:
    kinds = {spec.name: str(spec.type) for spec in fields(ProjectSettings)}
    kind = kinds[key]
    if kind == "str":
        return _text(text, table, key, value)
    if kind.startswith("bool") and isinstance(value, bool):
        return value
    if kind.startswith("int") and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if kind.startswith("Mapping") and isinstance(value, dict):
        return value
    if kind.startswith("tuple[str") and isinstance(value, str):
        return (value,)
    if kind.startswith("tuple") and isinstance(value, list):
        wanted = int if "int" in kind else str
        if all(isinstance(item, wanted) and not isinstance(item, bool) for item in value):
            return tuple(value)
    raise _refused(f"{key} has a value of the wrong type: {value!r}", text, table, key)


def _text(text: str, table: str, key: str, value: object) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise _refused(f"{key} must be text, not {value!r}", text, table, key)


def _refused(message: str, text: str, *path: str) -> SettingError:
    return SettingError(message, file=_FILE, line=line_of(text, *path))
