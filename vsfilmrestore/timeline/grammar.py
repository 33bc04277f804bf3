"""The words an editor writes about a shot: ``VSFR heavy dust=0.8 grain=keep scratch=off``.

::

    VSFR <preset> key=value key=value …    a preset, some settings, or both
    VSFR off                               leave the shot alone
    VSFR same key=value …                  as the shot before, with changes
    VSFR key key=value …                   these values at this frame, on a straight line to those of the next key

One line, upper or lower case, without ``|``, ``;`` and quotes, so that it survives every editing program. A key is the
short word of a filter (``dust``) or a setting of it (``dust.max_size``). Values stay text here; whether a key exists
and a value fits is for the recipe to say. A region is ``left,top,right,bottom``, or three and more points
``x,y,x,y,x,y``; several are joined by ``+``. In per cent (``25%,0%,75%,100%``) it fits a picture of any size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from vsfilmrestore.errors import SettingError

__all__ = ["ParsedSettings", "find_settings", "has_settings_form", "is_key", "parse_settings"]

# A word of its own: neither part of a name nor of a path such as /jobs/vsfr/reel1.
_WORD: Final = re.compile(r"(?<![\w./\\-])VSFR(?![\w./\\-])[ \t]*:?", re.IGNORECASE)
_LEADING: Final = re.compile(r"^\s*VSFR\b\s*:?", re.IGNORECASE)
_LOOSE: Final = re.compile(r"\s*=\s*|(?<=[\d,+%])\s*([,+])\s*(?=[\d.-])")
_KEY: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")
_KEYED: Final = re.compile(r"\s*(?:VSFR\b\s*:?)?\s*key(?!\s*=)(?![\w.-])", re.IGNORECASE)
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*")
_FORBIDDEN: Final = re.compile("[|;\"'`\u2018\u2019\u201c\u201d\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class ParsedSettings:
    """The words after ``VSFR``, taken apart.

    Attributes:
        preset: Name of a preset, lower case, or None.
        off: The shot is left alone.
        same: As the shot before.
        key: The values are for one frame; between two such places they move.
        values: Setting to value, both lower case, in the order written.
    """

    preset: str | None = None
    off: bool = False
    same: bool = False
    key: bool = False
    values: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> str:
        """The first word, where it is none of ``key=value``: ``off``, ``same``, ``key`` or a preset; else ''."""
        return "off" if self.off else "same" if self.same else "key" if self.key else self.preset or ""

    @property
    def text(self) -> str:
        """The words again, in normal form: ``parse_settings(x).text`` parses to the same settings."""
        words = [self.head] if self.head else []
        return " ".join(words + [f"{key}={value}" for key, value in self.values.items()])


def find_settings(text: str) -> str | None:
    """The words after ``VSFR`` in a marker or note, up to the end of its line; None without that word.

    Several lines with the word are joined.
    """
    found = [line[match.end() :].strip() for line in text.splitlines() if (match := _WORD.search(line))]
    return " ".join(part for part in found if part) if found else None


def has_settings_form(text: str) -> bool:
    """Whether a text without the word ``VSFR`` is a list of ``key=value``, such as the note below a VSFR marker."""
    words = _LOOSE.sub(_tight, text.strip()).split()
    return bool(words) and all("=" in word for word in words)


def is_key(text: str) -> bool:
    """Whether settings are those of one frame: ``key dust=0.2``."""
    return _KEYED.match(text) is not None


def parse_settings(text: str) -> ParsedSettings:
    """Take the words after ``VSFR`` apart (the word itself may lead).

    Raises:
        SettingError: A word that is neither a preset nor ``key=value``, a key twice, ``off`` with anything else,
            ``key`` without anything, or nothing at all. The message names the word.
    """
    text = _LEADING.sub("", text, count=1)
    if bad := _FORBIDDEN.search(text):
        raise SettingError(f"settings cannot hold the character {bad.group()!r}")
    words = _LOOSE.sub(_tight, text.strip()).lower().split()
    if not words:
        raise SettingError("VSFR stands alone", hint="Write a preset, settings as key=value, 'off' or 'same' after it")
    head = words[0] if "=" not in words[0] else None
    values = _values(words if head is None else words[1:])
    if head is None:
        return ParsedSettings(values=values)
    if head == "off" and len(words) > 1:
        raise SettingError(f"'off' leaves the whole shot alone, but '{words[1]}' follows it")
    if head == "key" and not values:
        raise SettingError("'key' needs a value", hint="Write it as: VSFR key dust=0.2")
    if head in {"off", "same", "key"}:
        return ParsedSettings(off=head == "off", same=head == "same", key=head == "key", values=values)
    if not _NAME.fullmatch(head):
        raise SettingError(f"'{head}' is neither the name of a preset nor key=value")
    return ParsedSettings(preset=head, values=values)


def _tight(match: re.Match[str]) -> str:
    return match.group(1) or "="


def _values(words: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise SettingError(f"'{word}' is not key=value", hint="Only the first word may name a preset, off or same")
        if not _KEY.fullmatch(key):
            raise SettingError(f"'{word}' does not begin with the name of a setting")
        if not value or "=" in value:
            raise SettingError(f"'{word}' needs one value after the '='")
        if key in values:
            raise SettingError(f"'{key}' is set twice")
        values[key] = value
    return values
