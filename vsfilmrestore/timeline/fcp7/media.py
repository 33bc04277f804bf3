"""What a ``file`` of Final Cut Pro 7 XML tells of its media: its place, its length, how its frames are counted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from vsfilmrestore.media.naming import unquoted
from vsfilmrestore.media.timecode import nominal_rate
from vsfilmrestore.timeline._xml import Node
from vsfilmrestore.timeline.fcp7.xml import Document
from vsfilmrestore.timeline.model import FrameRange, SourceKey

__all__ = ["Media", "local_path", "media_of"]

_STILL: Final = frozenset(
    {"png", "jpg", "jpeg", "tif", "tiff", "tga", "bmp", "gif", "psd", "dpx", "exr", "cin", "dng", "jp2", "j2k", "hdr"}
)
_PATTERN: Final = re.compile(r"%0?\d*d|#+|\[(\d+)-(\d+)\]")
_LAST_NUMBER: Final = re.compile(r"(\d+)(?=\.[^.]*$)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE: Final = re.compile(r"[A-Za-z]:")
# Premiere gives stills and titles twelve hours.
_STILL_HOURS: Final = 11


@dataclass(frozen=True, slots=True)
class Media:
    """The medium of a clip.

    Attributes:
        source: The medium; its `start` is not used.
        first: The number of its first frame in the counting of the source.
        length: Its frames, None if not told.
        still: Whether it is a single picture.
    """

    source: SourceKey
    first: int
    length: int | None
    still: bool


def media_of(doc: Document, clip: Node, rate: Fraction) -> Media | None:
    """The medium of a clip; None if it has none, as titles, colours and bars.

    Args:
        doc: The document.
        clip: A clip with a ``file``.
        rate: The rate of the clip, for files that tell none.

    Raises:
        TimelineError: A number is none.
    """
    element = clip.first("file")
    if element is None:
        return None
    file = doc.full(element)
    url = local_path(file.value("pathurl"))
    name = file.value("name")
    if not url and (file.first("mediaSource") is not None or name.lower() == "slug" or not _has_pictures(file)):
        return None
    own = doc.rate(file) or rate
    length = doc.number(file, "duration") or doc.number(file, "media/video/duration") or Fraction(0)
    still = _is_still(doc, file, url or name, length, own)
    if not still:
        url = _as_sequence(url)
    code = None if still else doc.timecode(file, own)
    first = code.frame if code is not None else 0
    if first == _first_number(file.value("pathurl")):
        first = 0
    frames = 1 if still else int(length)
    source = SourceKey(
        name=name or clip.value("name"),
        reel=code.reel if code is not None else file.value("timecode/reel/name"),
        url=url,
        start=0,
        rate=own,
        has_timecode=first > 0,
        available=FrameRange(first, first + frames) if frames > 0 else None,
        drop=bool(first and code is not None and code.drop),
    )
    return Media(source, first, frames if frames > 0 else None, still)


def local_path(url: str) -> str:
    """A ``pathurl`` as a plain path: ``file://localhost/D%3a/a%20b.mov`` is ``D:/a b.mov``.

    What is no ``file:`` address, or has control characters hidden in it, stays as it is.
    """
    if not url.lower().startswith("file:"):
        return url
    host, path = "", unquoted(url[5:])
    if path.startswith("//"):
        host, _, path = path[2:].partition("/")
        path = f"/{path}"
    if _CONTROL.search(path) or _CONTROL.search(host):
        return url
    if _DRIVE.fullmatch(host):
        return host + path
    if host and host.lower() != "localhost":
        return f"//{host}{path}"
    return path[1:] if _DRIVE.match(path, 1) else path


def _has_pictures(file: Node) -> bool:
    """Whether a file without an address is media that is away, not something the program makes."""
    return bool(file.value("name")) or file.first("media/video") is not None


def _suffix(name: str) -> str:
    return name.rsplit(".", 1)[-1].lower() if "." in name else ""


def _is_still(doc: Document, file: Node, name: str, length: Fraction, rate: Fraction) -> bool:
    if doc.flag(file, "media/video/stillframe", False) or doc.flag(file, "stillframe", False):
        return True
    if _suffix(name) not in _STILL or _PATTERN.search(name):
        return False
    numbered = _LAST_NUMBER.search(name) is not None
    return not numbered or not 1 < length < _STILL_HOURS * 3600 * nominal_rate(rate)


def _as_sequence(url: str) -> str:
    """Premiere names a sequence of pictures by its first one."""
    if _suffix(url) not in _STILL or _PATTERN.search(url):
        return url
    return _LAST_NUMBER.sub(lambda number: f"%0{len(number[0])}d", url)


def _first_number(url: str) -> int | None:
    """The number of the first picture of a sequence, where its name tells."""
    if _suffix(url) not in _STILL:
        return None
    pattern = _PATTERN.search(url)
    number = pattern[1] if pattern else getattr(_LAST_NUMBER.search(url), "__getitem__", lambda _: None)(1)
    return int(number) if number and len(number) < 12 else None
