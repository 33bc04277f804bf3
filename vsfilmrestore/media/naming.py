"""Which files on disk make one image sequence, told by their names alone.

A folder of 200,000 scans is listed once; no file is opened. The last run of digits before the extension counts the
frames: ``reel1_0086400.dpx`` is frame 86400 of ``reel1_#######.dpx``. Where other digits count, say so with a pattern
(``reel_####_v2.dpx`` or ``reel_%04d_v2.dpx``).
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from vsfilmrestore.errors import MediaError

__all__ = [
    "PICTURE_SUFFIXES",
    "FileSequence",
    "find_sequence",
    "is_pattern",
    "ranges_text",
    "sequences_in",
    "unquoted",
]

PICTURE_SUFFIXES: Final = frozenset({".dpx", ".cin", ".exr", ".tif", ".tiff", ".png", ".jpg", ".jpeg"})
"""Extensions read as pictures of a sequence."""

_NUMBERED: Final = re.compile(r"(.*?)([0-9]+)([^0-9]*\.(?:dpx|cin|exr|tiff?|png|jpe?g))", re.IGNORECASE | re.DOTALL)
_PRINTF: Final = re.compile(r"%0?(\d*)d")
_HASHES: Final = re.compile(r"#+")
# Quoted it would be a control character and a d, which no name has.
_NUMBER_IN_URL: Final = re.compile(r"(%0\dd)")


@dataclass(frozen=True, slots=True)
class FileSequence:
    """Files of one name that differ in a number only.

    Attributes:
        folder: Where they lie.
        prefix: Name before the number.
        padding: Digits the number is filled up to with zeros; 0: a single picture without a number.
        suffix: Name after the number, extension included.
        numbers: The numbers present, rising.
    """

    folder: Path
    prefix: str
    padding: int
    suffix: str
    numbers: tuple[int, ...]

    def path(self, number: int) -> Path:
        """The file of a number, whether it is there or not."""
        digits = f"{number:0{self.padding}d}" if self.padding else ""
        return self.folder / f"{self.prefix}{digits}{self.suffix}"

    @property
    def pattern(self) -> str:
        """Name with the number as hashes: ``scan_#######.dpx``."""
        return f"{self.prefix}{'#' * self.padding}{self.suffix}"

    @property
    def name(self) -> str:
        """Name a person would call it by: the prefix without its separators, else the folder's name."""
        stem = self.prefix if self.padding else Path(self.prefix + self.suffix).stem
        return stem.rstrip(" ._-") or self.folder.resolve().name

    def missing(self, first: int, last: int) -> list[int]:
        """Numbers from ``first`` to ``last``, both included, that are not there."""
        if (self.numbers[0], self.numbers[-1], len(self.numbers)) == (first, last, last - first + 1):
            return []
        present = set(self.numbers)
        return [n for n in range(first, last + 1) if n not in present]


def is_pattern(path: Path) -> bool:
    """Whether the file name holds ``#`` or ``%07d`` in place of a number and is not itself a file."""
    name = path.name
    return bool(_HASHES.search(name) or _PRINTF.search(name)) and not path.exists()


def find_sequence(path: Path) -> FileSequence:
    """The sequence named by a folder, by one of its files, or by a pattern.

    Raises:
        MediaError: Nothing there, or a folder with more than one sequence (all are listed).
    """
    if is_pattern(path):
        return _by_pattern(path)
    if path.is_dir():
        return _only_one(path, sequences_in(path))
    match = _NUMBERED.fullmatch(path.name)
    if not match:
        return FileSequence(path.parent, path.stem, 0, path.suffix, (0,))
    prefix, digits, suffix = match.groups()
    for found in _group(path.parent, _names(path.parent)):
        named = (found.prefix, found.suffix) == (prefix, suffix) and found.path(int(digits)).name == path.name
        if named and int(digits) in found.numbers:
            return found
    raise MediaError("there is no such file", file=path)


def sequences_in(folder: Path) -> list[FileSequence]:
    """All picture sequences of a folder, by name; single unnumbered pictures only if there is nothing else.

    Raises:
        MediaError: The folder cannot be read.
    """
    names = _names(folder)
    found = _group(folder, names)
    if found:
        return found
    singles = sorted(n for n in names if Path(n).suffix.lower() in PICTURE_SUFFIXES)
    return [FileSequence(folder, Path(n).stem, 0, Path(n).suffix, (0,)) for n in singles]


def ranges_text(numbers: Iterable[int], most: int = 8) -> str:
    """Numbers as people write them: ``7, 9-12``; after ``most`` pieces the rest is summed up."""
    pieces: list[list[int]] = []
    for n in numbers:
        if pieces and n == pieces[-1][1] + 1:
            pieces[-1][1] = n
        else:
            pieces.append([n, n])
    words = [str(a) if a == b else f"{a}-{b}" for a, b in pieces[:most]]
    if len(pieces) > most:
        rest = len(pieces) - most
        words.append(f"and {rest} more place{'s' if rest > 1 else ''}")
    return ", ".join(words)


def _names(folder: Path) -> list[str]:
    try:
        # Names with a leading dot are what macOS leaves beside files on foreign disks.
        return [n for n in os.listdir(folder or ".") if not n.startswith(".")]
    except OSError as error:
        raise MediaError(f"the folder cannot be read ({error.strerror})", file=folder) from error


def _group(folder: Path, names: Iterable[str]) -> list[FileSequence]:
    runs: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    prefix, suffix, run = "", "\0", list[str]()
    for name in names:
        # Nearly always the next name is of the sequence before: much cheaper to see than to match.
        if name.startswith(prefix) and name.endswith(suffix):
            digits = name[len(prefix) : len(name) - len(suffix)]
            if digits.isdigit() and digits.isascii():
                run.append(digits)
                continue
        if found := _NUMBERED.fullmatch(name):
            prefix, digits, suffix = found.groups()
            run = runs[prefix, suffix]
            run.append(digits)
    result: list[FileSequence] = []
    for (prefix, suffix), digits_list in sorted(runs.items()):
        result.extend(_by_padding(folder, prefix, suffix, digits_list))
    return result


def _by_padding(folder: Path, prefix: str, suffix: str, digits: list[str]) -> list[FileSequence]:
    """Split runs of mixed width: ``9, 10`` count on, ``0009, 10`` are two sequences."""
    widths = sorted({len(d) for d in digits})
    padded = {len(d) for d in digits if d[0] == "0" and len(d) > 1}
    if not padded or padded == {widths[0]}:
        numbers = tuple(sorted(map(int, digits)))
        return [FileSequence(folder, prefix, widths[0], suffix, numbers)]
    groups: list[FileSequence] = []
    loose = [d for d in digits if len(d) not in padded]
    for width in sorted(padded):
        numbers = tuple(sorted(int(d) for d in digits if len(d) == width))
        groups.append(FileSequence(folder, prefix, width, suffix, numbers))
    if loose:
        numbers = tuple(sorted(map(int, loose)))
        groups.append(FileSequence(folder, prefix, min(map(len, loose)), suffix, numbers))
    return groups


def _by_pattern(path: Path) -> FileSequence:
    hole = _PRINTF.search(path.name) or _HASHES.search(path.name)
    assert hole is not None
    width = len(hole.group()) if hole.group().startswith("#") else int(hole.group(1) or 1)
    prefix, suffix = path.name[: hole.start()], path.name[hole.end() :]
    wanted = re.compile(re.escape(prefix) + r"(\d+)" + re.escape(suffix))
    digits = [m.group(1) for n in _names(path.parent) if (m := wanted.fullmatch(n))]
    named = _by_padding(path.parent, prefix, suffix, digits) if digits else []
    # "#" alone is any number.
    groups = [g for g in named if g.padding == width] or (named if width == 1 else [])
    if len(groups) != 1:
        raise MediaError("no sequence has such a name", file=path, hint=_others(path.parent))
    return groups[0]


def _others(folder: Path) -> str:
    there = sequences_in(folder)
    return "The folder holds " + _listed(there) if there else "The folder holds no picture"


def _listed(found: list[FileSequence]) -> str:
    words = [f"{s.pattern} ({len(s.numbers)} files)" for s in found[:8]]
    if len(found) > 8:
        words.append(f"and {len(found) - 8} more")
    return ", ".join(words)


def _only_one(folder: Path, found: list[FileSequence]) -> FileSequence:
    if not found:
        raise MediaError("the folder holds no picture that can be read (DPX, EXR, TIFF, PNG, JPEG)", file=folder)
    if len(found) > 1:
        raise MediaError(
            f"the folder holds {len(found)} sequences: {_listed(found)}",
            file=folder,
            hint="Name one of them, as it is written here",
        )
    return found[0]


def unquoted(url: str) -> str:
    """A URL without its percent signs, but for those of a frame number: ``a%20b.%04d.exr`` is ``a b.%04d.exr``."""
    return "".join(part if i % 2 else unquote(part) for i, part in enumerate(_NUMBER_IN_URL.split(url)))
