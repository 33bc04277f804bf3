"""Recipes as TOML::

summary = "what it is for"
extends = "archive"                  # a preset, or a file beside this one
order = ["deflicker", "stabilize"]   # optional, only where the usual order does not suit

[steps]
deflicker = 0.8                      # a number: the strength
denoise = false                      # take the step out

[steps.remove_dirt]
strength = 0.6
max_size = 60
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters import find_filter
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.recipes.recipe import Recipe
from vsfilmrestore.toml_lines import key_lines, line_of, parse_toml

__all__ = ["key_lines", "line_of", "parse_toml", "read_recipe"]

_KEYS = ("summary", "extends", "order", "steps")
_MAX_DEPTH = 8


def read_recipe[R: Recipe](kind: type[R], path: Path, base: Callable[[str], R], *, depth: int = 0) -> R:
    """Read a recipe file.

    Args:
        kind: Class to make.
        path: The file; its stem becomes the recipe's name.
        base: Finds what ``extends`` names when no file beside this one has that name.
        depth: Files that have led here.

    Raises:
        InputError: The file cannot be read or is no TOML.
        SettingError: Its content is no recipe; the message has file and line.
    """
    text, data = parse_toml(path)
    try:
        if depth > _MAX_DEPTH:
            raise SettingError("recipes extend one another in a circle")
        for key in data:
            if key not in _KEYS:
                raise SettingError(f"unknown key '{key}'{nearest(key, _KEYS)}")
        recipe = _start(kind, path, data, base, depth)
        for word, value in _steps(data).items():
            recipe = recipe.with_steps({word: value})
        if "order" in data:
            recipe = recipe.ordered(_names(data["order"]))
    except SettingError as error:
        if error.file is not None:
            raise
        raise SettingError(error.message, file=path.name, line=_blame(text, error.message), hint=error.hint) from None
    summary = data.get("summary", recipe.summary)
    return kind(recipe.steps, path.stem, summary if isinstance(summary, str) else "")


def _start[R: Recipe](kind: type[R], path: Path, data: dict[str, Any], base: Callable[[str], R], depth: int) -> R:
    parent = data.get("extends", "")
    if not isinstance(parent, str):
        raise SettingError("extends must be the name of a recipe")
    if not parent:
        return kind()
    beside = path.with_name(f"{parent}.toml")
    if re.fullmatch(r"[\w-]+", parent) and beside.is_file() and beside != path:
        return read_recipe(kind, beside, base, depth=depth + 1)
    return base(parent)


def _steps(data: dict[str, Any]) -> dict[str, object]:
    steps = data.get("steps", {})
    if not isinstance(steps, dict):
        raise SettingError("steps must be a table")
    return steps


def _names(order: object) -> list[str]:
    if not isinstance(order, list) or not all(isinstance(name, str) for name in order):
        raise SettingError("order must be a list of step names")
    return order


def _blame(text: str, message: str) -> int | None:
    """The line an error is about, found by the words it names."""
    unknown = re.match(r"(?:there is no step|unknown key|order names) '([^']+)'", message)
    if unknown:
        return line_of(text, unknown[1]) or line_of(text, "order")
    found = re.match(r"(\w+): (?:has no setting ')?(\w+)", message)
    if not found:
        return line_of(text, "extends") if "recipe" in message or "preset" in message else None
    step, setting = found.groups()
    spec = find_filter(step)
    words = (step, spec.short) if spec else (step,)
    lines = [line_of(text, word, setting) or line_of(text, word) for word in words]
    return next((line for line in lines if line), None)
