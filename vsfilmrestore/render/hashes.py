"""Checksums of media, compared with what a person or a sidecar says of them.

Said in a ``[[media]]`` table of ``project.toml`` (``md5``, ``sha256``), or by a list beside the media as ``md5sum`` and
``sha256sum`` write it: ``scan.mov.md5``, ``scan.md5``, or any ``.md5`` in the folder of an image sequence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import MediaError
from vsfilmrestore.media.naming import find_sequence
from vsfilmrestore.media.source import kind_of
from vsfilmrestore.render.conform import Conform, Finding, Verdict
from vsfilmrestore.render.link_names import folded
from vsfilmrestore.render.opening import SaidOfMedium

__all__ = ["with_hashes"]

_KINDS: Final = {"md5": 32, "sha256": 64}
_LINE: Final = re.compile(r"^([0-9a-fA-F]{32}|[0-9a-fA-F]{64})(?:\s+\*?(.+?))?\s*$")
_TAGGED: Final = re.compile(r"^(?:MD5|SHA256) \((.+)\) = ([0-9a-fA-F]+)\s*$")
_MOST_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class _Sum:
    kind: str
    value: str
    origin: str


def with_hashes(found: Conform, said: Iterable[SaidOfMedium]) -> Conform:
    """The same conform with the checksums of all media compared; reads every byte of media that have one.

    A checksum that differs is severe. `Verdict.hashed` says what was compared.
    """
    said = list(said)
    verdicts = tuple(_verified(verdict, said) for verdict in found.verdicts)
    new = [finding for verdict in verdicts for finding in verdict.findings if finding.kind == "hash"]
    return replace(found, verdicts=verdicts, findings=(*found.findings, *new))


def _verified(verdict: Verdict, said: list[SaidOfMedium]) -> Verdict:
    try:
        wanted = _wanted(verdict.path, said)
        findings = [text for path, total in wanted.items() for text in _compared(path, total)]
    except (OSError, MediaError) as error:
        text = f"its checksums cannot be compared ({getattr(error, 'strerror', None) or error})"
        return replace(verdict, findings=(*verdict.findings, Finding("hash", True, text, path=verdict.path)))
    kinds = " and ".join(dict.fromkeys(total.kind for total in wanted.values()))
    hashed = f"{kinds} of {len(wanted)} file{'s' if len(wanted) > 1 else ''}" if wanted else "no checksum known"
    bad = tuple(Finding("hash", True, text, "Copy it again from where it came", path=verdict.path) for text in findings)
    return replace(verdict, hashed=hashed, findings=(*verdict.findings, *bad))


def _compared(path: Path, total: _Sum) -> Iterator[str]:
    if not path.exists():
        yield f"{path.name} is named in {total.origin}, but is not there"
        return
    with path.open("rb") as file:
        value = hashlib.file_digest(file, total.kind).hexdigest()
    if value != total.value:
        yield f"the {total.kind} of {path.name} is {value}, {total.origin} says {total.value}"


def _wanted(medium: Path, said: list[SaidOfMedium]) -> Mapping[Path, _Sum]:
    """What each file of a medium should have."""
    for each in said:
        if each.hashes and each.is_about(medium) and medium.is_file():
            kind = "sha256" if "sha256" in each.hashes else "md5"
            return {medium: _Sum(kind, each.hashes[kind], "project.toml")}
    if kind_of(medium) != "sequence":
        names = {folded(medium.name): medium}
        beside = [medium.with_name(medium.name + f".{kind}") for kind in _KINDS]
        return _listed([*beside, *(medium.with_suffix(f".{kind}") for kind in _KINDS)], names, only=medium)
    files = find_sequence(medium)
    names = {folded(files.path(number).name): files.path(number) for number in files.numbers}
    lists = [path for kind in _KINDS for path in sorted(files.folder.glob(f"*.{kind}"))]
    return _listed(lists, names, prefix=folded(files.prefix))


def _listed(
    lists: Iterable[Path], names: Mapping[str, Path], *, only: Path | None = None, prefix: str = "\0"
) -> dict[Path, _Sum]:
    """Sums out of lists, of the files meant; a file of the sequence that is listed and gone is meant, too."""
    found: dict[Path, _Sum] = {}
    for path in lists:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            continue
        for value, name in _lines(path.read_text("utf-8-sig", "replace")):
            last = folded(name).replace("\\", "/").rsplit("/", 1)[-1]
            gone = path.parent / last if last.startswith(prefix) else None
            file = names.get(last) if name else only
            if (file := file or gone) is not None:
                kind = next(kind for kind, length in _KINDS.items() if length == len(value))
                found.setdefault(file, _Sum(kind, value.lower(), path.name))
    return found


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if tagged := _TAGGED.match(line):
            if len(tagged.group(2)) in _KINDS.values():
                yield tagged.group(2), tagged.group(1)
        elif plain := _LINE.match(line):
            yield plain.group(1), plain.group(2) or ""
