"""Media linking: from what a cut list tells of a source to a file on disk.

Only the folders named by the caller are searched (the cut list's own folder if none is named): a path inside a cut
list is a name to look for, never a place to go.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import MediaError
from vsfilmrestore.timeline.model import SourceKey

__all__ = ["Link", "MediaFinder"]

_STILLS: Final = frozenset({".dpx", ".cin", ".exr", ".tif", ".tiff"})
_MOVIES: Final = frozenset(
    {".mov", ".mp4", ".m4v", ".mkv", ".mxf", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".webm", ".gif", ".vob", ".dv"}
)
_NUMBERING: Final = re.compile(r"[._ -]*(%0?\d*d|#+|@+|\[\d+-\d+\]|\d+)$")
_MAX_DEPTH: Final = 8
_MAX_FILES: Final = 500_000


@dataclass(frozen=True, slots=True)
class Link:
    """A found medium.

    Attributes:
        path: File, or folder of an image sequence.
        how: What matched, for the table of links.
    """

    path: Path
    how: str


class MediaFinder:
    """Looks sources up by file name, clip name and reel in some folders.

    Args:
        places: Folders to search, and media files to use as they are.
    """

    def __init__(self, places: Sequence[Path]) -> None:
        self._given = [place for place in places if place.is_file() or _is_sequence(place)]
        self._by_name: dict[str, set[Path]] = {}
        for place in places:
            if not place.exists():
                raise MediaError("does not exist", file=place)
            for path in [place] if place in self._given else _media_under(place):
                self._add(path)

    def _add(self, path: Path) -> None:
        for name in {path.name.lower(), _base(path.name)}:
            self._by_name.setdefault(name, set()).add(path)

    def find(self, key: SourceKey) -> Link | None:
        """The medium of a source, or None.

        Raises:
            MediaError: Two media fit equally well.
        """
        file_name = key.url.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
        parent = key.url.replace("\\", "/").rstrip("/").rpartition("/")[0].rsplit("/", 1)[-1]
        wanted = [(file_name, "file name"), (key.name, "clip name"), (key.reel, "reel name"), (parent, "folder name")]
        for name, how in wanted:
            for form in (name.lower(), _base(name)):
                if form and (found := self._by_name.get(form)):
                    return Link(_only(found, name), how)
        if len(self._given) == 1:
            return Link(self._given[0], "the only medium given")
        return None


def _only(found: set[Path], name: str) -> Path:
    if len(found) > 1:
        paths = " and ".join(str(path) for path in sorted(found)[:2])
        raise MediaError(f"'{name}' could be {paths}", hint="Name the right folder with --media")
    return next(iter(found))


def _base(name: str) -> str:
    """Name without suffix and frame number: ``scan_0086400.dpx``, ``scan_%07d.dpx`` and ``scan_`` are one."""
    stem, dot, suffix = name.lower().rpartition(".")
    stem = stem if dot and f".{suffix}" in _STILLS | _MOVIES else name.lower()
    if f".{suffix}" in _STILLS:
        stem = _NUMBERING.sub("", stem)
    return stem.rstrip("._- ")


def _is_sequence(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    with os.scandir(folder) as entries:
        return any(Path(entry.name).suffix.lower() in _STILLS for entry in entries)


def _media_under(top: Path) -> Iterator[Path]:
    seen = 0
    for folder, below, files in os.walk(top):
        if len(Path(folder).relative_to(top).parts) >= _MAX_DEPTH:
            below.clear()
        below[:] = sorted(name for name in below if not name.startswith("."))
        seen += len(files)
        if seen > _MAX_FILES:
            raise MediaError(f"holds more than {_MAX_FILES} files", file=top, hint="Name the folder of the scan itself")
        if any(Path(name).suffix.lower() in _STILLS for name in files):
            yield Path(folder)
        yield from (Path(folder, name) for name in files if Path(name).suffix.lower() in _MOVIES)
