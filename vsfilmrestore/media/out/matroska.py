"""Write the display size of the pictures into a finished Matroska file.

libavformat takes it from a field that Python cannot reach. The track's name is therefore written as a placeholder,
and its bytes are given to DisplayWidth, DisplayHeight and DisplayUnit (RFC 9559, section 5.1.4.1.28) afterwards: no
byte outside the track header moves or changes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Final, Protocol

__all__ = ["PLACEHOLDER", "display_size", "write_display_size"]

PLACEHOLDER: Final = "-" * 48

_SEGMENT: Final = 0x18538067
_TRACKS: Final = 0x1654AE6B
_ENTRY: Final = 0xAE
_NAME: Final = 0x536E
_VIDEO: Final = 0xE0
_CRC: Final = 0xBF
_VOID: Final = 0xEC
_DISPLAY_WIDTH: Final = 0x54B0
_DISPLAY_HEIGHT: Final = 0x54BA
_DISPLAY_UNIT: Final = 0x54B2
_PIXELS: Final = 0
_RATIO: Final = 3
_HEADER_BYTES: Final = 1 << 20


class _File(Protocol):
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def read(self, size: int = -1, /) -> bytes: ...
    def write(self, data: bytes, /) -> int: ...


def display_size(width: int, height: int, sample_aspect: Fraction) -> tuple[int, int, int]:
    """Width, height and unit of the display: pixels where a side comes out whole, else the bare aspect ratio."""
    wide, tall = width * sample_aspect, height / sample_aspect
    if wide.denominator == 1:
        return int(wide), height, _PIXELS
    if tall.denominator == 1:
        return width, int(tall), _PIXELS
    exact = Fraction(width, height) * sample_aspect
    return exact.numerator, exact.denominator, _RATIO


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """An EBML variable-length number and the position after it."""
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    if not keep_marker:
        value &= (1 << (7 * length)) - 1
    return value, at + length


def _children(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(id, start, start of the body, end) of each element."""
    while at < end:
        start = at
        name, at = _number(data, at, keep_marker=True)
        size, at = _number(data, at, keep_marker=False)
        yield name, start, at, at + size
        at += size


def _id_bytes(name: int) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8, "big")


def _element(name: int, body: bytes) -> bytes:
    return _id_bytes(name) + (len(body) | 1 << 28).to_bytes(4, "big") + body


def _void(size: int) -> bytes:
    """Filler of exactly ``size`` bytes (at least 2)."""
    if size < 10:
        return _id_bytes(_VOID) + bytes([0x80 | (size - 2)]) + bytes(size - 2)
    return _id_bytes(_VOID) + (size - 9 | 1 << 56).to_bytes(8, "big") + bytes(size - 9)


def _find_tracks(head: bytes) -> tuple[int, int]:
    """Body of the Tracks element."""
    _, at = _number(head, 0, keep_marker=True)
    size, at = _number(head, at, keep_marker=False)
    name, at = _number(head, at + size, keep_marker=True)
    if name != _SEGMENT:
        raise ValueError("no Matroska segment")
    _, at = _number(head, at, keep_marker=False)
    for name, _, body, end in _children(head, at, len(head)):
        if name == _TRACKS:
            return body, end
    raise ValueError("no Matroska tracks")


def _video(head: bytes, body: int, end: int, display: tuple[int, int, int]) -> bytes:
    """The Video element with this display size instead of what it said."""
    names = (_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT)
    kept = b"".join(head[start:stop] for name, start, _, stop in _children(head, body, end) if name not in names)
    width, height, unit = display
    sides = _element(_DISPLAY_WIDTH, width.to_bytes(8, "big")) + _element(_DISPLAY_HEIGHT, height.to_bytes(8, "big"))
    return _element(_VIDEO, kept + sides + _element(_DISPLAY_UNIT, bytes([unit])))


def _with_display(head: bytes, body: int, end: int, display: tuple[int, int, int]) -> bytes:
    """The track entry's body of the same length, the placeholder turned into the display size."""
    out, found = b"", False
    for name, start, inner, stop in _children(head, body, end):
        if name == _NAME:
            found = head[inner:stop] == PLACEHOLDER.encode()
        elif name == _VIDEO:
            out += _video(head, inner, stop, display)
        else:
            out += head[start:stop]
    if not found:
        raise ValueError("no placeholder in the track header")
    return out + _void(end - body - len(out))


def write_display_size(file: _File, display: tuple[int, int, int]) -> None:
    """Set the display size of the first track.

    Args:
        file: A complete Matroska file whose video track is the first and is named `PLACEHOLDER`.
        display: See `display_size`.

    Raises:
        ValueError: The file is not laid out as expected; nothing was written.
    """
    file.seek(0)
    head = file.read(_HEADER_BYTES)
    start, end = _find_tracks(head)
    children = list(_children(head, start, end))
    _, _, body, stop = next(child for child in children if child[0] == _ENTRY)
    tracks = head[start:body] + _with_display(head, body, stop, display) + head[stop:end]
    if children[0][0] == _CRC:  # a checksum of all that follows it
        rest = children[0][3] - start
        tracks = tracks[: rest - 4] + zlib.crc32(tracks[rest:]).to_bytes(4, "little") + tracks[rest:]
    file.seek(start)
    file.write(tracks)
