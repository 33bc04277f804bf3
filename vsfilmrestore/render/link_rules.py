"""``[[relink]]`` rules of ``project.toml``: where the media of a source lie, said by a person.

::

    [[relink]]
    from = "A001*"                  # reel, clip name, file name or path of the cut list; * and ? stand for anything
    to = "scans/A001_graded.mov"    # a file or folder: from the project folder, or anywhere in the media folders
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unicodedata import normalize

from vsfilmrestore.errors import SettingError
from vsfilmrestore.filters.schema import nearest
from vsfilmrestore.render.link_names import written_parts
from vsfilmrestore.timeline.model import Shot, SourceKey

__all__ = ["RelinkRule", "relink_rules"]

_KEYS: Final = ("from", "reel", "name", "path", "shot", "to")


@dataclass(frozen=True, slots=True)
class RelinkRule:
    """One rule.

    Attributes:
        number: Its place among the rules, from 1: tables say ``rule 2``.
        patterns: What each of ``from``, ``reel``, ``name``, ``path`` and ``shot`` must match; all that are given.
        to: What to link to, as written.
        folder: Where a relative ``to`` starts.
    """

    number: int
    patterns: Mapping[str, str]
    to: str
    folder: Path

    @property
    def text(self) -> str:
        return f"rule {self.number}"

    def target(self, shot: Shot, key: SourceKey) -> str | None:
        """What the rule links a source to, ``*`` filled in with what it stood for; None: the rule is about others."""
        caught: tuple[str, ...] = ()
        for word, pattern in self.patterns.items():
            found = next((m for text in _texts(word, shot, key) if (m := _match(pattern, text))), None)
            if found is None:
                return None
            caught = found.groups() or caught
        filled = iter(caught)
        return re.sub(r"\*", lambda star: next(filled, star.group()), self.to)


def relink_rules(tables: Sequence[Mapping[str, Any]], folder: Path) -> list[RelinkRule]:
    """Rules from the tables of a project.

    Raises:
        SettingError: A rule lacks a word or has an unknown one, or leads to a script.
    """
    return [_rule(number, table, folder) for number, table in enumerate(tables, 1)]


def _rule(number: int, table: Mapping[str, Any], folder: Path) -> RelinkRule:
    where = f"[[relink]] number {number}"
    for key, value in table.items():
        if key not in _KEYS:
            raise SettingError(f"{where}: unknown key '{key}'{nearest(key, _KEYS)}", file="project.toml")
        if not isinstance(value, str) or not value.strip():
            raise SettingError(f"{where}: {key} must be text, not {value!r}", file="project.toml")
    patterns = {key: str(value) for key, value in table.items() if key != "to"}
    if "to" not in table or not patterns:
        hint = 'Write from = "A001*" and to = "scans/A001.mov"'
        raise SettingError(f"{where} says not what is linked to what", file="project.toml", hint=hint)
    if str(table["to"]).lower().endswith((".vpy", ".py")):
        raise SettingError(f"{where} leads to a script; scripts run only when you name them", file="project.toml")
    return RelinkRule(number, patterns, str(table["to"]), folder)


def _texts(word: str, shot: Shot, key: SourceKey) -> list[str]:
    """What of a source a word of a rule is compared with."""
    trail = written_parts(key.url)
    paths = ["/".join(trail[at:]) for at in reversed(range(len(trail)))]  # the name alone first
    texts = {"reel": [key.reel], "name": [key.name], "path": paths, "shot": [shot.id]}
    chosen = [key.reel, key.name, *paths] if word == "from" else texts[word]
    return [normalize("NFC", text).strip() for text in chosen if text]


def _match(pattern: str, text: str) -> re.Match[str] | None:
    """``*`` is any text, and caught; ``?`` is any character; all else is itself."""
    words = re.split(r"(\*+|\?)", normalize("NFC", pattern).strip().replace("\\", "/"))
    expression = "".join("(.*)" if word[:1] == "*" else "." if word == "?" else re.escape(word) for word in words)
    return re.fullmatch(expression, text, re.DOTALL | re.IGNORECASE)
