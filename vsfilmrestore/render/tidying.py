"""Giving back the disk that finished pieces take which the latest render does not use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import ProjectError
from vsfilmrestore.media.out.atomic import output_error
from vsfilmrestore.render.ledger import Ledger
from vsfilmrestore.render.project import Project

__all__ = ["Tidied", "tidy"]

_OURS: Final = re.compile(r"\.?([0-9a-f]{32})\.[\w.]+")
"""Names of pieces, of what was repaired in them, and of the part files that a power cut leaves of both."""


@dataclass(frozen=True, slots=True)
class Tidied:
    """What was deleted, or would be.

    Attributes:
        files: How many.
        freed: Their bytes.
        kept: Bytes of what the latest render uses.
    """

    files: int
    freed: int
    kept: int


def tidy(project: Project, *, dry_run: bool = False) -> Tidied:
    """Delete the finished pieces that the latest render, finished or stopped, does not use.

    They were made by settings, formats or cuts of before, and save time where those come back; nothing else. The output
    and stills are not touched, nor any file in ``renders/`` that is not ours.

    Args:
        project: The project.
        dry_run: Delete nothing, only count.

    Raises:
        ProjectError: It was not rendered yet, or is being rendered.
        OutputError: A file cannot be deleted; those before it are gone.
    """
    if not project.ledger.is_file():
        raise ProjectError("was not rendered yet", file=project.folder)
    with Ledger(project.ledger, exclusive=not dry_run) as ledger:
        used = {piece.key[:32] for piece in ledger.placed()}
        sizes: dict[bool, list[int]] = {True: [], False: []}
        for path, piece in _pieces(project.renders):
            keep = piece in used and not path.name.startswith(".")
            sizes[keep].append(path.stat().st_size)
            if not keep and not dry_run:
                _delete(path)
        if not dry_run:
            ledger.forget_unplaced()
    return Tidied(len(sizes[False]), sum(sizes[False]), sum(sizes[True]))


def _pieces(renders: Path) -> Iterator[tuple[Path, str]]:
    """Our files, with the piece that each belongs to."""
    for path in sorted(renders.iterdir()) if renders.is_dir() else ():
        if (named := _OURS.fullmatch(path.name)) and path.is_file():
            yield path, named[1]


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(path, error) from None
