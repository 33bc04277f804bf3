"""Names of shots and reels as names of files: safe on every system, and no two alike.

Editors write what they like: slashes, line breaks, names of 300 characters, two shots of one name, a name in two
spellings that look the same. Whatever reads the mount, or copies out of it, gets names it can live with.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

__all__ = ["MOST_BYTES", "safe_name", "unique_name"]

MOST_BYTES: Final = 120
"""Bytes of UTF-8 in a name: with a number, a suffix and what a copying program puts before it, it stays below 255."""

_KEPT: Final = frozenset("-_+@=")
_RESERVED: Final = frozenset({"con", "prn", "aux", "nul", *(f"{k}{n}" for k in ("com", "lpt") for n in range(10))})
"""Devices of Windows, which no file there may be named after."""


def safe_name(text: str, fallback: str = "untitled") -> str:
    """A name of letters, digits, dots inside it, and ``- _ + @ =``; everything else becomes one underscore.

    Letters of any script stay, composed (Unicode NFC), so that one name has one spelling. Nothing is left that a shell,
    a file system or a player's pattern (``%04d``, ``####``) would take for something else.

    Args:
        text: As an editor wrote it.
        fallback: The name where nothing of it can be kept.
    """
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    letters = [c if c in _KEPT or c == "." or _is_letter(c) else "_" for c in text]
    words = [word.strip(".-") for word in "".join(letters).split("_")]
    name = _cut("_".join(word for word in words if word))
    while ".." in name:
        name = name.replace("..", ".")
    if not any(_is_letter(c) for c in name):
        return fallback
    return f"{name}_" if name.partition(".")[0].casefold() in _RESERVED else name


def unique_name(wanted: str, taken: Iterable[str]) -> str:
    """The name, or with a number behind it where another is the same but for capitals."""
    known = {name.casefold() for name in taken}
    name, number = wanted, 1
    while name.casefold() in known:
        number += 1
        name = f"{_cut(wanted, MOST_BYTES - 8)}_{number}"
    return name


def _is_letter(char: str) -> bool:
    # Marks are what vowels of many scripts are written with.
    return unicodedata.category(char)[0] in "LNM"


def _cut(name: str, most: int = MOST_BYTES) -> str:
    """The longest start of a name that fits, cut between letters."""
    return name.encode()[:most].decode(errors="ignore").rstrip("._-")
