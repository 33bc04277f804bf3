"""The pixels of the commonest film scan, 10-bit RGB DPX, without a detour.

Three samples and two idle bits fill a 32-bit word (SMPTE ST 268, packing "filled, method A")::

    31        22 21        12 11         2 1 0
    |   red     |   green    |   blue     | - |

Going through a general reader means widening to 16 bits, interleaved, and narrowing again: about four times the
work. Every other kind of DPX is left to that reader.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from vsfilmrestore.errors import MediaError

__all__ = ["WordImage", "copy_words", "word_image"]

_HEADER: Final = 820
_UNDEFINED: Final = 0xFFFFFFFF
_RGB: Final = 50
_METHOD_A: Final = 1
_ROWS: Final = 32
"""Rows taken at a time, so that the words stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class WordImage:
    """Where the words of a picture lie: size in pixels, offset in bytes, and their byte order for numpy."""

    width: int
    height: int
    offset: int
    order: str


def word_image(path: Path) -> WordImage | None:
    """The layout of a file that is one unpadded, unturned, uncoded 10-bit RGB picture in words; else None."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    order = {b"SDPX": ">", b"XPDS": "<"}.get(head[:4])
    if order is None or len(head) < _HEADER:
        return None
    turned, elements, width, height, signed = struct.unpack_from(order + "HHIII", head, 768)
    descriptor, bits = head[800], head[803]
    packing, coded, offset, row_padding, _ = struct.unpack_from(order + "HHIII", head, 804)
    plain = (turned, elements, signed, descriptor, bits, packing, coded) == (0, 1, 0, _RGB, 10, _METHOD_A, 0)
    if not plain or row_padding not in (0, _UNDEFINED) or not 0 < offset < _UNDEFINED:
        return None
    return WordImage(width, height, offset, order + "u4")


def copy_words(path: Path, image: WordImage, planes: list[Any]) -> None:
    """Part the words into three planes of 16-bit samples, 0..1023.

    Raises:
        MediaError: The file ends before the picture does.
    """
    words = np.empty((min(_ROWS, image.height), image.width), "=u4")
    shifted = np.empty_like(words)
    foreign = np.dtype(image.order) != words.dtype
    with path.open("rb", buffering=0) as file:
        file.seek(image.offset)
        for row in range(0, image.height, _ROWS):
            count = min(_ROWS, image.height - row)
            _fill(path, file, words[:count])
            if foreign:
                words.byteswap(inplace=True)
            for plane, shift in zip(planes, (22, 12, 2), strict=True):
                np.right_shift(words[:count], shift, out=shifted[:count])
                np.bitwise_and(shifted[:count], 1023, out=plane[row : row + count], casting="unsafe")


def _fill(path: Path, file: Any, words: Any) -> None:
    view = memoryview(words).cast("B")
    while view:
        count = file.readinto(view)
        if not count:
            raise MediaError("the picture is truncated or damaged (the file ends before it does)", file=path)
        view = view[count:]
