"""The project folder of a film that was cut anew: read, carried over, and written with the old one beside it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import tomlkit

from vsfilmrestore import timeline
from vsfilmrestore.errors import UsageError
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.render.job import open_reel, plan_project, with_cut
from vsfilmrestore.render.project import Project, ProjectSettings, filled
from vsfilmrestore.render.recut import Carried, OldNotes, carry_over

__all__ = ["Recutting", "plan_recut", "rewritten"]

_FILE: Final = "project.toml"
_BEFORE: Final = "project.toml.before-recut"


@dataclass(frozen=True, slots=True)
class Recutting:
    """A project about to go on with a new cut.

    Attributes:
        before: The project as it is.
        after: The project as it will be.
        carried: What became of each shot, and of its settings.
    """

    before: Project
    after: Project
    carried: Carried

    def write(self) -> Path:
        """Write ``project.toml``, whole or not at all, and before it a copy of the old one.

        Returns:
            The copy.

        Raises:
            OutputError: It cannot be written; then the project is as it was.
        """
        file = self.before.folder / _FILE
        text = file.read_text("utf-8")
        copy = _free(self.before.folder / _BEFORE)
        atomic_text(copy, text)
        atomic_text(file, rewritten(text, self.after.settings, self.carried.renamed))
        return copy


def plan_recut(
    project: Project,
    cut: Path,
    given: Mapping[str, Any],
    *,
    notes: OldNotes = OldNotes.AUTO,
    old_cut: Path | None = None,
) -> Recutting:
    """What a new cut makes of a project; writes nothing, and needs no media.

    Args:
        project: The project.
        cut: The new cut list.
        given: Fields of `ProjectSettings` that go with the new cut list.
        notes: What becomes of words that only the old cut list holds.
        old_cut: A copy of the old cut list, where the project's own is gone.

    Raises:
        UsageError: The new cut list is the old one, or none.
        VsfrError: One of the two cannot be read or understood.
    """
    base = project
    if old_cut is not None:
        base = replace(project, settings=replace(project.settings, input=str(old_cut.absolute())))
    source = base.resolve(base.settings.input)
    with suppress(OSError):
        if os.path.samefile(source, cut):
            raise UsageError(
                "is the cut list the project has already",
                file=cut,
                hint="If the new one was written over the old one, give a copy of the old one with --old",
            )
    after = with_cut(project, cut, given)
    old = plan_project(base) if timeline.is_cut_list(source) else open_reel(base, save=False).plan
    new = plan_project(replace(after, settings=replace(after.settings, shots={})))
    lost = () if after.settings.markers else [Path(name).name for name in project.settings.markers]
    carried = carry_over(old, new, after.recipe(), project.sidecar(), notes, lost)
    after = replace(after, settings=replace(after.settings, shots=carried.shots))
    return Recutting(project, after, carried)


def rewritten(text: str, settings: ProjectSettings, renamed: Mapping[str, str]) -> str:
    """The text of a ``project.toml`` with other settings; rows take their comments along to their new keys.

    Args:
        text: The text as it is.
        settings: What it is to say.
        renamed: Keys of ``[shots]`` that stood under another key before.
    """
    try:
        document = tomlkit.parse(text)
        _rename(document.get("shots", {}), settings.shots, renamed)
        made = filled(tomlkit.dumps(document), settings)
        if tomllib.loads(made).get("shots", {}) == settings.shots:
            return made
    except (KeyError, ValueError, tomlkit.exceptions.TOMLKitError):
        pass  # the library loses its way in tables that are spread over a file
    document = tomlkit.parse(text)
    document.pop("shots", None)
    return filled(tomlkit.dumps(document), settings)


def _rename(section: Any, rows: Mapping[str, Any], renamed: Mapping[str, str]) -> None:
    for key, before in renamed.items():
        if before in section and before not in rows and key not in section:
            row = section[before]
            section.remove(before)
            section.add(key, row)
    for key, row in rows.items():
        if key in section:
            _adopt(section, key, row)


def _adopt(section: Any, key: Any, value: Any) -> None:
    """Make a value say something else, and leave alone all in it that says it already."""
    known = section[key]
    if known == value:
        return
    if isinstance(known, dict) and isinstance(value, dict):
        for name in [name for name in known if name not in value]:
            known.pop(name)
        for name, each in value.items():
            if name in known:
                _adopt(known, name, each)
            else:
                known[name] = each
    elif isinstance(known, list) and isinstance(value, list) and len(known) == len(value):
        for at, each in enumerate(value):
            _adopt(known, at, each)
    else:
        section[key] = value


def _free(path: Path) -> Path:
    """The path, or with a number where a copy of an earlier re-cut has that name."""
    number = 1
    free = path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free
