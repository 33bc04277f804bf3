"""Where we keep what can be made again: index files, never anything beside the user's media."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs

__all__ = ["cache_folder", "index_path"]


def cache_folder() -> Path:
    """Our folder in the user's cache: ``~/.cache/vsfilmrestore``, ``~/Library/Caches/...``, ``%LOCALAPPDATA%\\...``.

    The environment variable ``VSFILMRESTORE_CACHE`` names another one. The folder is not made here.
    """
    chosen = os.environ.get("VSFILMRESTORE_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("vsfilmrestore", appauthor=False)


def index_path(media: Path, folder: Path | None = None) -> Path:
    """Stem of the index files of a media file; makes the folder.

    The name changes with the file's path, size and time of change, so an index never outlives the file it describes.
    """
    facts = media.stat()
    key = f"{media.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}"
    stem = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    place = (folder or cache_folder()) / "index"
    place.mkdir(parents=True, exist_ok=True)
    return place / stem
