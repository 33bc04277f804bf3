"""Where cards and weights lie: with the package, in the user's folder, with packages of others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import platformdirs

__all__ = ["GROUP", "folders", "foreign_folders", "own_folder", "user_folder"]

GROUP = "vsfilmrestore.models"
"""Entry point group of packages that bring cards: a folder, or a function without arguments that returns one."""

_PACKAGE = Path(__file__).resolve().parent


def own_folder() -> Path:
    """Cards and weights that come with us: in the wheel beside this file, in the source tree at its root."""
    packed = _PACKAGE / "cards"
    return packed if packed.is_dir() else _PACKAGE.parent.parent / "models"


def folders() -> tuple[Path, ...]:
    """The user's folders; what is fetched or added goes into the first.

    The environment variable ``VSFILMRESTORE_MODELS`` names others instead, separated as in ``PATH``. They are not made
    here.
    """
    chosen = os.environ.get("VSFILMRESTORE_MODELS", "")
    named = tuple(Path(each).absolute() for each in chosen.split(os.pathsep) if each)
    return named or (platformdirs.user_data_path("vsfilmrestore", appauthor=False) / "models",)


def user_folder() -> Path:
    """The folder that is written to."""
    return folders()[0]


def foreign_folders() -> Iterator[tuple[str, Path | Exception]]:
    """Name of each package that brings cards, with its folder, or with what went wrong in asking for it."""
    for point in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        try:
            yield point.name, _folder_of(point)
        except Exception as error:  # noqa: BLE001 - a stranger's code; ours goes on without it
            yield point.name, error


def _folder_of(point: EntryPoint) -> Path:
    found = point.load()
    folder = Path(found() if callable(found) else found)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder")
    return folder
