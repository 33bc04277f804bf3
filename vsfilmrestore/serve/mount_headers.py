"""Headers of mounted stills: the same facts as in rendered ones, told before the frame is rendered.

What a header tells is written down by `vsfilmrestore.media.out.still_headers`, and OpenImageIO makes bytes of it: of a
picture of a single row, in memory. Then the number of rows and where the pixels begin are set right. TIFF, whose
directory OpenImageIO puts behind the pixels, is written here.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import OpenImageIO as oiio

from vsfilmrestore.errors import OutputError
from vsfilmrestore.media.out.info import VideoInfo
from vsfilmrestore.media.out.still_headers import StillLabels, describe_still
from vsfilmrestore.media.props import REEL
from vsfilmrestore.serve.mount_stills import StillLayout

__all__ = ["HeaderMaker"]

_SAMPLES: Final = {"dpx": ("uint16", "u2"), "openexr": ("half", "f2"), "tiff": ("uint16", "u2")}
_SOFTWARE: Final = "vsfilmrestore"
_REEL: Final = "vsfilmrestore:reel"
_DPX_NAME_AT, _DPX_NAME_BYTES = 36, 100
_DPX_OFFSET, _DPX_SIZE, _DPX_LINES, _DPX_DATA = 4, 16, 776, 808
_DATA_WINDOW: Final = b"dataWindow\0box2i\0\x10\0\0\0"
_SHORT, _LONG, _RATIONAL, _ASCII = 3, 4, 5, 2


@dataclass(frozen=True, slots=True)
class HeaderMaker:
    """Makes the headers of one sequence of files.

    Attributes:
        layout: The files.
        info: Facts of the whole output.
        labels: Timecode, keycode and reel to count on from.
    """

    layout: StillLayout
    info: VideoInfo
    labels: StillLabels

    def header(self, props: Mapping[str, Any], number: int, name: str) -> bytes:
        """All bytes before the pixels: ``layout.head`` of them.

        Args:
            props: Properties that the frame will have: its own timecode, keycode, reel and source.
            number: Place of the frame in the sequence, from 0.
            name: Name of the file.

        Raises:
            OutputError: What is known of the frame cannot be written into a header.
        """
        spec = self._spec()
        try:
            describe_still(spec, props, self.layout.profile, self.labels, number, self.info)
        except ValueError as error:
            raise OutputError(f"the header cannot be written: {error}", file=name, frame=number) from error
        if self.layout.kind == "tiff":  # which has no field for it
            spec[_REEL] = str(props.get(REEL) or self.labels.reel)
        head = _MAKERS[self.layout.kind](spec, self.layout, name)
        if len(head) > self.layout.head:
            raise OutputError("what is known of the frame does not fit into a header", file=name, frame=number)
        return head.ljust(self.layout.head, b"\0")

    def _spec(self) -> Any:
        layout = self.layout
        spec = oiio.ImageSpec(layout.width, 1, layout.channels, _SAMPLES[layout.kind][0])
        spec.full_width, spec.full_height = layout.width, layout.height
        return spec


def _written(spec: Any, layout: StillLayout) -> bytes:
    """The file of one row that OpenImageIO makes."""
    row = np.zeros((1, layout.width, layout.channels), _SAMPLES[layout.kind][1])
    # A file in memory, by the name that the system gives it: no folder is touched.
    memory = os.memfd_create(_SOFTWARE)
    try:
        output = oiio.ImageOutput.create(layout.kind)
        if output is None or not output.open(f"/proc/self/fd/{memory}", spec) or not output.write_image(row):
            raise OutputError(f"a header cannot be made ({(output or oiio).geterror().strip()})")
        output.close()
        return os.pread(memory, os.fstat(memory).st_size, 0)
    finally:
        os.close(memory)


def _dpx(spec: Any, layout: StillLayout, name: str) -> bytes:
    data = bytearray(_written(spec, layout)[: layout.head])
    struct.pack_into(">I", data, _DPX_OFFSET, layout.head)
    struct.pack_into(">I", data, _DPX_SIZE, layout.size)
    struct.pack_into(">I", data, _DPX_LINES, layout.height)
    struct.pack_into(">I", data, _DPX_DATA, layout.head)
    data[_DPX_NAME_AT : _DPX_NAME_AT + _DPX_NAME_BYTES] = name.encode()[: _DPX_NAME_BYTES - 1].ljust(
        _DPX_NAME_BYTES, b"\0"
    )
    return bytes(data)


def _openexr(spec: Any, layout: StillLayout, name: str) -> bytes:
    spec["compression"] = "none"
    written = _written(spec, layout)
    row_bytes = layout.row_bytes
    # Behind the header of a picture of one row: where that row is, and the row.
    data = bytearray(written[: len(written) - row_bytes - 8])
    window = data.index(_DATA_WINDOW) + len(_DATA_WINDOW)
    struct.pack_into("<4i", data, window, 0, 0, layout.width - 1, layout.height - 1)
    rows = layout.head + row_bytes * np.arange(layout.height, dtype="<u8")
    return bytes(data) + rows.tobytes()


def _tiff(spec: Any, layout: StillLayout, name: str) -> bytes:
    aspect = spec.get_float_attribute("PixelAspectRatio", 1.0) or 1.0
    channels = layout.channels
    entries: list[tuple[int, int, bytes, int]] = [
        _longs(256, layout.width),
        _longs(257, layout.height),
        _shorts(258, *[16] * channels),
        _shorts(259, 1),
        _shorts(262, 2 if channels == 3 else 1),
        _text(270, _told(spec)),
        _longs(273, layout.head),
        _shorts(274, 1),
        _shorts(277, channels),
        _longs(278, layout.height),
        _longs(279, layout.size - layout.head),
        (282, _RATIONAL, struct.pack("<2I", 72_000, 1000), 1),
        (283, _RATIONAL, struct.pack("<2I", round(72_000 * aspect), 1000), 1),
        _shorts(284, 1),
        _shorts(296, 2),
        _text(305, spec.get_string_attribute("Software")),
        _shorts(339, *[1] * channels),
    ]
    directory, beyond = [], b""
    behind = 8 + 2 + 12 * len(entries) + 4
    for tag, kind, value, count in entries:
        if len(value) > 4:
            beyond += b"\0" * (len(beyond) % 2)
            place = struct.pack("<I", behind + len(beyond))
            beyond += value
        else:
            place = value.ljust(4, b"\0")
        directory.append(struct.pack("<HHI", tag, kind, count) + place)
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + b"".join(directory) + bytes(4) + beyond


def _shorts(tag: int, *values: int) -> tuple[int, int, bytes, int]:
    return tag, _SHORT, struct.pack(f"<{len(values)}H", *values), len(values)


def _longs(tag: int, *values: int) -> tuple[int, int, bytes, int]:
    return tag, _LONG, struct.pack(f"<{len(values)}I", *values), len(values)


def _text(tag: int, text: str) -> tuple[int, int, bytes, int]:
    value = text.encode("ascii", "replace") + b"\0"
    return tag, _ASCII, value, len(value)


def _told(spec: Any) -> str:
    """Timecode, keycode and reel in words: TIFF has no field for them."""
    known = {
        "timecode": spec.get_string_attribute("smpte:TimeCode"),
        "keycode": " ".join(map(str, spec.getattribute("smpte:KeyCode") or ())),
        "reel": spec.get_string_attribute(_REEL),
    }
    return ", ".join(f"{word} {value}" for word, value in known.items() if value)


_MAKERS: Final = {"dpx": _dpx, "openexr": _openexr, "tiff": _tiff}
