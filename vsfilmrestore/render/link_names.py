"""Names as linking compares them: without case, Unicode form, suffix and frame number.

macOS writes accents apart from their letters (NFD), everybody else as one (NFC): compared in NFC.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice, takewhile
from pathlib import Path
from typing import Final
from unicodedata import normalize

from vsfilmrestore.media.naming import PICTURE_SUFFIXES, unquoted

__all__ = [
    "MOVIE_SUFFIXES",
    "Beginnings",
    "bare",
    "base",
    "folded",
    "may_be_cut_off",
    "parts",
    "suffix_of",
    "written_parts",
]

MOVIE_SUFFIXES: Final = frozenset(
    {".mov", ".mp4", ".m4v", ".mkv", ".mxf", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".webm", ".gif", ".vob", ".dv"}
    | {".m2v", ".mts", ".wmv", ".flv", ".ogv", ".y4m", ".qt"}
)
"""Extensions looked at as movies."""

_NUMBERING: Final = re.compile(r"[._ -]*(%0?\d*d|#+|@+|\[\d+-\d+\]|\d+)$")
_TRUNCATED: Final = frozenset({8, 31, 32, 128})
_NO_WORD: Final = re.compile(r"[\W_]+")


@lru_cache(100_000)
def folded(name: str) -> str:
    """The name in one Unicode form, without case and outer blanks."""
    return normalize("NFC", normalize("NFC", name).casefold()).strip()


def parts(path: str) -> tuple[str, ...]:
    """Folders and file name of a path or URL of any system, folded: ``D:\\Scans\\A.mov`` is d:, scans, a.mov."""
    return tuple(folded(part) for part in written_parts(path))


def written_parts(path: str) -> tuple[str, ...]:
    """Folders and file name of a path or URL of any system, in their own case."""
    text = unquoted(path.split("://", 1)[1]) if "://" in path else path
    return tuple(part for part in text.replace("\\", "/").split("/") if part.strip() not in ("", ".", ".."))


def suffix_of(name: str) -> str:
    """Suffix of media, lower case with its dot; '' if the name has none we know."""
    dot = name.rfind(".")
    suffix = name[dot:].lower() if dot > 0 else ""
    return suffix if suffix in MOVIE_SUFFIXES or suffix in PICTURE_SUFFIXES else ""


@lru_cache(100_000)
def base(name: str) -> str:
    """Name without suffix and frame number: ``scan_0086400.dpx``, ``scan_%07d.dpx`` and ``scan_`` are one."""
    name = folded(name)
    suffix = suffix_of(name)
    stem = name[: len(name) - len(suffix)]
    if suffix in PICTURE_SUFFIXES:
        stem = _NUMBERING.sub("", stem) or stem
    return stem.rstrip("._- ")


def bare(name: str) -> str:
    """Letters and digits of a name alone."""
    return _NO_WORD.sub("", name)


def may_be_cut_off(reel: str) -> bool:
    """Whether a reel has a length at which CMX 3600 (8), File32 (31, 32) and File128 lists cut reels off."""
    return len(folded(reel)) in _TRUNCATED


class Beginnings:
    """Finds media by how a name of theirs begins.

    Args:
        named: Names, folded, with their media.
    """

    def __init__(self, named: Iterable[tuple[str, Path]]) -> None:
        pairs = list(named)
        self._plain = sorted(pairs)
        self._bare = sorted((bare(name), path) for name, path in pairs)

    def longer(self, name: str) -> list[Path]:
        """``A001`` of ``A001_part2.mov``, not of ``A0012.mov``."""
        found = _starting(self._plain, folded(name))
        return [path for full, path in found if len(full) > len(name) and not full[len(name)].isalnum()]

    def cut_off(self, reel: str) -> list[Path]:
        """Names of which the reel is the beginning, cut off. Some lists leave out what is no letter or digit, too."""
        short = folded(reel)
        if not may_be_cut_off(short):
            return []
        found = [*_starting(self._plain, short), *_starting(self._bare, bare(short))]
        return list(dict.fromkeys(path for _, path in found))


def _starting(pairs: Sequence[tuple[str, Path]], start: str) -> list[tuple[str, Path]]:
    if not start:
        return []
    at = bisect_left(pairs, start, key=lambda pair: pair[0])
    return list(takewhile(lambda pair: pair[0].startswith(start), islice(pairs, at, None)))
