"""The media in some folders, by the names they can be called by. Only names are read here, no file is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import MediaError
from vsfilmrestore.media.naming import PICTURE_SUFFIXES, sequences_in
from vsfilmrestore.render.link_names import MOVIE_SUFFIXES, Beginnings, base, folded, parts

__all__ = ["MediaIndex"]

_MAX_DEPTH: Final = 8
_MAX_FILES: Final = 500_000
_MAX_UNASKED: Final = 50_000


class MediaIndex:
    """Media by name.

    A medium is a movie, a folder that holds one image sequence, or one of several sequences of a folder, written as a
    pattern (``scan_#######.dpx``).

    Args:
        places: Folders to search, and media files to use as they are.
        asked: Whether the user named the places. If not, a place too large to search through is searched in part.

    Attributes:
        given: Media that were named themselves.
        partly: Whether a place was searched in part only.

    Raises:
        MediaError: A place does not exist, or is too large.
    """

    def __init__(self, places: Sequence[Path], *, asked: bool = True) -> None:
        self.given: list[Path] = []
        self.partly = False
        self._limit = _MAX_FILES if asked else _MAX_UNASKED
        self._asked = asked
        self._media: dict[str, Path] = {}
        self._exact: dict[str, list[Path]] = {}
        self._base: dict[str, list[Path]] = {}
        for place in places:
            self._add_place(place)

    @property
    def media(self) -> list[Path]:
        """All media, in the order of search."""
        return list(self._media.values())

    def exact(self, name: str) -> list[Path]:
        """Media of that name, suffix included."""
        return self._exact.get(folded(name), [])

    def like(self, name: str) -> list[Path]:
        """Media of that name, whatever the suffix or frame number."""
        return self._base.get(base(name), []) if base(name) else []

    @cached_property
    def beginnings(self) -> Beginnings:
        """Media by how their names begin."""
        return Beginnings((stem, path) for stem, paths in self._base.items() for path in paths)

    def below(self, trail: str) -> list[Path]:
        """Media whose path ends in these folders and name, or lies in a folder whose path does."""
        wanted = parts(trail)
        return [path for path in self.media if wanted and _holds(parts(str(path)), wanted)]

    def _add_place(self, place: Path) -> None:
        if not place.exists():
            raise MediaError("does not exist", file=place)
        if place.is_file():
            self.given.append(place)
            self._add(place, place.name)
            return
        before = len(self._media)
        for path, *names in self._media_under(place):
            self._add(path, *names)
        if len(self._media) == before + 1 and self.media[-1] == place:
            self.given.append(place)

    def _add(self, path: Path, *names: str) -> None:
        key = os.path.abspath(path)
        if key in self._media:
            return
        self._media[key] = path
        for table, forms in ((self._exact, map(folded, names)), (self._base, map(base, names))):
            for form in dict.fromkeys(forms):
                if form:
                    table.setdefault(form, []).append(path)

    def _media_under(self, top: Path) -> Iterator[tuple[Path, *tuple[str, ...]]]:
        seen = 0
        for folder, below, files in os.walk(top):
            if len(Path(folder).relative_to(top).parts) >= _MAX_DEPTH:
                below.clear()
            below[:] = sorted(name for name in below if not name.startswith(".") and not name.endswith(".vsfr"))
            seen += len(files)
            if seen > self._limit:
                if self._asked:
                    hint = "Name the folder of the scan itself"
                    raise MediaError(f"holds more than {self._limit} files", file=top, hint=hint)
                self.partly = True
                return
            endings = [(name, os.path.splitext(name)[1].lower()) for name in files if not name.startswith(".")]
            if any(ending in PICTURE_SUFFIXES for _, ending in endings):
                yield from _sequences(Path(folder))
            yield from ((Path(folder, name), name) for name, ending in sorted(endings) if ending in MOVIE_SUFFIXES)


def _sequences(folder: Path) -> Iterator[tuple[Path, *tuple[str, ...]]]:
    """One sequence is called by its folder, too; of several each by its own name."""
    found = sequences_in(folder)
    if len(found) == 1 and found[0].padding:
        yield folder, folder.name, found[0].prefix + found[0].suffix, found[0].pattern, found[0].name
        return
    for item in found:
        yield folder / item.pattern, item.pattern, item.name + Path(item.suffix).suffix


def _holds(path: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return any(path[at : at + len(wanted)] == wanted for at in range(len(path) - len(wanted) + 1))
