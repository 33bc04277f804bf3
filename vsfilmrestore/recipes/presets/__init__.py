"""The presets that ship with the package, one TOML file each."""

from __future__ import annotations

from importlib.resources import as_file, files

from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.recipes.recipe import Recipe
from vsfilmrestore.recipes.toml import read_recipe

__all__ = ["load_preset", "names"]


def names() -> list[str]:
    """Names of all presets, the least intervening first."""
    found = {entry.name.removesuffix(".toml") for entry in files(__name__).iterdir() if entry.name.endswith(".toml")}
    return sorted(found, key=lambda name: (name != "archive", name))


def load_preset[R: Recipe](kind: type[R], name: str) -> R:
    """Read a preset.

    Raises:
        SettingError: There is no preset of that name.
    """
    known = names()
    if name.lower() not in known:
        near = nearest(name.lower(), known)
        raise SettingError(f"there is no preset '{name}'{near}", hint=f"Presets: {', '.join(known)}")
    with as_file(files(__name__)) as folder:
        return read_recipe(kind, folder / f"{name.lower()}.toml", lambda parent: load_preset(kind, parent))
