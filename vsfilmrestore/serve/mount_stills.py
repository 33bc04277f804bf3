"""The bytes of a mounted still: where its header and its pixels lie, and frames laid out as its pixels.

::

    0               head                                size
    | header | room | rows of pixels, top row first       |
    | header | table of rows | room | rows of pixels      |     OpenEXR

Nothing is compressed, so every file has its size before its frame is rendered. Pixels begin 8 KB into the file, or
later: programs that only look what a file is read less, and whatever they read there is known without rendering.

DPX is SMPTE ST 268, 10 bits "filled, method A" in words, 16 bits as samples, both big-endian. OpenEXR is stored as
"The OpenEXR File Layout" describes scan line images without compression. TIFF is revision 6.0, one strip.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.errors import UsageError
from vsfilmrestore.media.out.profiles import PROFILES, Profile

__all__ = ["FORMATS", "ROOM", "StillLayout", "still_profile"]

type Bytes = npt.NDArray[np.uint8]
type Planes = list[npt.NDArray[Any]]

ROOM: Final = 8192
"""Bytes before the pixels; in OpenEXR besides the table of rows."""
FORMATS: Final = {"dpx10": "dpx10", "dpx16": "dpx16", "tiff16": "tiff16", "exr": "exr_half"}
"""Formats of a mount, and the output format each is."""

_ROWS: Final = 32
"""Rows laid out at a time, so that they stay in the processor's cache."""
_CHUNK: Final = 8
"""Bytes before each row of an OpenEXR file: its number and its length."""


def still_profile(name: str) -> Profile:
    """The output format of a mount's format.

    Raises:
        UsageError: There is no such format.
    """
    if name not in FORMATS:
        raise UsageError(f"--format must be one of {', '.join(FORMATS)}, not '{name}'")
    return PROFILES[FORMATS[name]]


@dataclass(frozen=True, slots=True)
class StillLayout:
    """Where things lie in the files of one format and size.

    Attributes:
        profile: The output format.
        width: Pixels.
        height: Pixels.
        channels: 1 or 3.
    """

    profile: Profile
    width: int
    height: int
    channels: int

    @classmethod
    def of(cls, clip: vs.VideoNode, profile: Profile) -> StillLayout:
        """The layout of a clip's frames; the clip is prepared for the profile."""
        return cls(profile, clip.width, clip.height, clip.format.num_planes)

    @property
    def kind(self) -> str:
        """``dpx``, ``openexr`` or ``tiff``."""
        return self.profile.containers[self.profile.suffix]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of pixels, with what stands before it."""
        if self.kind == "openexr":
            return _CHUNK + 2 * self.channels * self.width
        return 4 * self.width if self.profile.bits == 10 else 2 * self.channels * self.width

    @property
    def head(self) -> int:
        """Bytes before the first row."""
        return ROOM + (8 * self.height if self.kind == "openexr" else 0)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.head + self.row_bytes * self.height

    def pixels(self, frame: vs.VideoFrame) -> Bytes:
        """The frame as the rows of a file: ``size - head`` bytes, writable.

        numpy lets go of the interpreter's lock while it works, so that several frames are laid out at once.
        """
        out = np.empty(self.row_bytes * self.height, np.uint8)
        planes = [np.asarray(frame[plane]) for plane in range(self.channels)]
        self._packer()(planes, out)
        return out

    def _packer(self) -> Callable[[Planes, Bytes], None]:
        if self.kind == "openexr":
            return _pack_rows_of_channels
        if self.profile.bits == 10:
            return _pack_words
        return _pack_samples_big if self.kind == "dpx" else _pack_samples_little


def _pack_words(planes: Planes, out: Bytes) -> None:
    """Red, green and blue of 10 bits and two idle bits in a big-endian word."""
    height, width = planes[0].shape
    words = out.view(np.uint32).reshape(height, width)
    room = np.empty((_ROWS, width), np.uint32)
    for row in range(0, height, _ROWS):
        word = words[row : row + _ROWS]
        part = room[: len(word)]
        np.copyto(word, planes[0][row : row + _ROWS])
        for plane in planes[1:]:
            np.left_shift(word, 10, out=word)
            np.copyto(part, plane[row : row + _ROWS])
            np.bitwise_or(word, part, out=word)
        np.left_shift(word, 2, out=word)
        if sys.byteorder == "little":
            word.byteswap(inplace=True)


def _pack_samples_big(planes: Planes, out: Bytes) -> None:
    _interleave(planes, out.view(">u2"))


def _pack_samples_little(planes: Planes, out: Bytes) -> None:
    _interleave(planes, out.view("<u2"))


def _interleave(planes: Planes, samples: npt.NDArray[Any]) -> None:
    height, width = planes[0].shape
    pixels = samples.reshape(height, width, len(planes))
    for row in range(0, height, _ROWS):
        for channel, plane in enumerate(planes):
            pixels[row : row + _ROWS, :, channel] = plane[row : row + _ROWS]


def _pack_rows_of_channels(planes: Planes, out: Bytes) -> None:
    """Each row: its number, its length, and its channels one after the other in the order of the alphabet (B, G, R)."""
    height, width = planes[0].shape
    rows = out.reshape(height, _CHUNK + 2 * width * len(planes))
    lead = np.empty((height, 2), "<i4")
    lead[:, 0], lead[:, 1] = np.arange(height), rows.shape[1] - _CHUNK
    rows[:, :_CHUNK] = lead.view(np.uint8)
    for place, plane in enumerate(reversed(planes)):
        start = _CHUNK + 2 * width * place
        rows[:, start : start + 2 * width] = np.ascontiguousarray(plane, "<f2").view(np.uint8)
