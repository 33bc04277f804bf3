"""A small picture of each shot, as it was before anything is done to it: its middle frame."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import OpenImageIO as oiio
import vapoursynth as vs

from vsfilmrestore.errors import OutputError, VsfrError, plain_text
from vsfilmrestore.media.out.atomic import output_error
from vsfilmrestore.media.source import Media
from vsfilmrestore.render.bind import Opener
from vsfilmrestore.render.pictures import as_rgb24
from vsfilmrestore.render.plan import Plan

__all__ = ["write_thumbnails"]

_WIDTH: Final = 320
_QUALITY: Final = 85
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def write_thumbnails(plan: Plan, folder: Path, opener: Opener) -> tuple[list[Path | None], list[str]]:
    """Write a JPEG, 320 pixels wide, of the middle frame of each shot whose medium is at hand.

    Pictures are named by medium and frame, so that those of a re-cut are found again; one that is newer than its
    medium is not made again.

    Args:
        plan: The plan.
        folder: Where they go; made when missing.
        opener: Opens a medium.

    Returns:
        The picture of each shot, None for gaps and where it cannot be made; and a sentence for each medium that
        cannot be shown.

    Raises:
        OutputError: A picture cannot be written.
    """
    booth = _Booth(folder, opener)
    return [booth.picture(place) for place in _middles(plan)], list(booth.remarks.values())


def _middles(plan: Plan) -> list[tuple[Path, int] | None]:
    """Medium and frame in the middle of each shot."""
    found: list[tuple[Path, int] | None] = []
    for linked, placed in zip(plan.links, plan.conform.placed, strict=True):
        if linked.link is None or placed is None or not len(placed.shown):
            found.append(None)
        else:
            found.append((linked.link.path, placed.shown[len(placed.shown) // 2]))
    return found


class _Booth:
    """Takes pictures; each medium is opened once."""

    def __init__(self, folder: Path, opener: Opener) -> None:
        self._folder, self._opener = folder, opener
        self._media: dict[Path, Media | None] = {}
        self.remarks: dict[Path, str] = {}

    def picture(self, place: tuple[Path, int] | None) -> Path | None:
        if place is None or place[1] < 0:
            return None
        path = self._folder / _name(*place)
        if _is_newer(path, place[0]):
            return path
        medium = self._medium(place[0])
        if medium is None or place[1] >= medium.video.num_frames:
            return None
        try:
            with as_rgb24(medium.video[place[1]], _WIDTH).get_frame(0) as frame:
                pixels = np.stack([np.asarray(frame[p]) for p in range(3)], axis=-1)
        except vs.Error as error:
            self.remarks[place[0]] = f"{place[0].name}: frame {place[1]} cannot be shown: {plain_text(error)}"
            return None
        _write(path, pixels)
        return path

    def _medium(self, path: Path) -> Media | None:
        if path not in self._media:
            try:
                self._media[path] = self._opener(path)
            except VsfrError as error:
                self._media[path] = None
                self.remarks[path] = str(error)
        return self._media[path]


def _name(medium: Path, frame: int) -> str:
    """Two media of one name in different folders are told apart by a hash."""
    stem = _UNSAFE.sub("_", medium.stem)[:60] or "medium"
    digest = hashlib.sha256(str(medium.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:6]
    return f"{stem}-{digest}-{frame:07d}.jpg"


def _is_newer(picture: Path, medium: Path) -> bool:
    """Whether a picture need not be made again; a folder of stills or a script does not show when it was changed."""
    try:
        return medium.is_file() and medium.suffix != ".vpy" and picture.stat().st_mtime_ns > medium.stat().st_mtime_ns
    except OSError:
        return False


def _write(path: Path, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    image = oiio.ImageBuf(np.ascontiguousarray(pixels))
    image.specmod().attribute("compression", f"jpeg:{_QUALITY}")
    temporary = path.with_name(f".{path.stem}.part.jpg")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not image.write(str(temporary)):
            raise OutputError(f"cannot be written: {image.geterror()}", file=path)
        temporary.replace(path)
    except OSError as error:
        raise output_error(path, error) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
