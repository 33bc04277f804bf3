"""TOML files whose mistakes are told with their line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from vsfilmrestore.errors import InputError

__all__ = ["key_lines", "line_of", "parse_toml"]

_MAX_BYTES = 8 << 20


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
