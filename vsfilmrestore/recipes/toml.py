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
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vsfilmrestore.errors import InputError, SettingError
from vsfilmrestore.filters import find_filter
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.recipes.recipe import Recipe

__all__ = ["key_lines", "line_of", "parse_toml", "read_recipe"]

_KEYS = ("summary", "extends", "order", "steps")
_MAX_BYTES = 8 << 20
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


def parse_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """Text and content of a TOML file.

    Raises:
        InputError: Missing, too large, not UTF-8 or not TOML; the message has file and line.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError("is larger than 8 MB, which no settings file is", file=path)
        text = path.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text", file=path, hint="Save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        message = str(error).split(" (at ", 1)[0]
        raise InputError(f"is not TOML: {message}", file=path, line=int(found[1]) if found else None) from None


def line_of(text: str, *path: str) -> int | None:
    """Line, from 1, of the last key or table whose path ends with ``path``; None if there is none."""
    return next((line for keys, line in reversed(_key_lines(text)) if keys[-len(path) :] == path), None)


def key_lines(text: str) -> dict[tuple[str, ...], list[int]]:
    """Lines, from 1, of every key and table by its path; a table of an array has as many as it has elements."""
    found: dict[tuple[str, ...], list[int]] = {}
    for keys, line in _key_lines(text):
        found.setdefault(keys, []).append(line)
    return found


# Everything up to a comment; a '#' within quotes begins none.
_BEFORE_COMMENT = re.compile(r"""(?:[^#"']|"(?:[^"\\]|\\.)*"|'[^']*')*(?=#)""")
_HEADER = re.compile(r"^\s*\[+\s*(.+?)\s*\]+\s*$")
_ASSIGNED = re.compile(r"""([\w.-]+|"[^"]*"|'[^']*')\s*=(?!=)""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def _key_lines(text: str) -> list[tuple[tuple[str, ...], int]]:
    """Path and line of each key. tomllib tells no lines, so this looks again; it is for messages only."""
    found: list[tuple[tuple[str, ...], int]] = []
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        line = before[0] if (before := _BEFORE_COMMENT.match(line)) else line
        if header := _HEADER.match(line):
            table = _parts(header[1])
            found.append((table, number))
            continue
        outer = table
        for i, match in enumerate(_ASSIGNED.finditer(line)):
            keys = _parts(match[1])
            found.append(((*outer, *keys), number))
            outer = (*table, *keys) if i == 0 else outer  # the rest stands in an inline table
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


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
