"""Checksum lists in FFmpeg's ``framemd5`` format, version 2.

The checksums are those of the packed pictures that decoding the file gives, so ``ffmpeg -i out.mkv -an -f framemd5 -``
prints the same lines. Lists of stills name the file at the end of each line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import OutputError
from vsfilmrestore.media.out.atomic import atomic_text
from vsfilmrestore.media.out.info import VideoInfo

__all__ = ["FrameMd5", "framemd5_text", "read_framemd5", "write_framemd5"]

_LINE: Final = re.compile(r"^\s*0,\s*(-?\d+),\s*(-?\d+),\s*(\d+),\s*(\d+),\s*([0-9a-f]{32})(?:,\s*(.+?))?\s*$")


@dataclass(frozen=True, slots=True)
class FrameMd5:
    """One line of a list.

    Attributes:
        number: Place of the picture, counted from 0.
        size: Bytes of the packed picture.
        md5: 32 hexadecimal digits.
        name: File name of a still, else empty.
    """

    number: int
    size: int
    md5: str
    name: str = ""


def framemd5_text(md5s: Iterable[str], size: int, info: VideoInfo, *, names: Sequence[str] = ()) -> str:
    """The list as text.

    Args:
        md5s: Checksum of each picture in order.
        size: Bytes of one packed picture.
        info: Size, rate and aspect of the output.
        names: File names of stills; empty for a movie.
    """
    lines = [
        "#format: frame checksums",
        "#version: 2",
        "#hash: MD5",
        f"#tb 0: {info.rate.denominator}/{info.rate.numerator}",
        "#media_type 0: video",
        "#codec_id 0: rawvideo",
        f"#dimensions 0: {info.width}x{info.height}",
        f"#sar 0: {info.sample_aspect.numerator}/{info.sample_aspect.denominator}",
        "#stream#, dts,        pts, duration,     size, hash",
    ]
    for n, md5 in enumerate(md5s):
        line = f"0, {n:10d}, {n:10d}, {1:8d}, {size:8d}, {md5}"
        lines.append(f"{line}, {names[n]}" if names else line)
    return "\n".join(lines) + "\n"


def write_framemd5(path: Path, md5s: Iterable[str], size: int, info: VideoInfo, *, names: Sequence[str] = ()) -> None:
    """Write the list whole or not at all; see `framemd5_text`.

    Raises:
        OutputError: The file cannot be written.
    """
    atomic_text(Path(path), framemd5_text(md5s, size, info, names=names))


def read_framemd5(path: Path) -> list[FrameMd5]:
    """The lines of a list, comments left out.

    Raises:
        OutputError: The file is missing, or a line is no checksum of a video picture.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"the checksum list cannot be read ({error})", file=path) from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        match = _LINE.match(line)
        if not match:
            raise OutputError("this is no line of a checksum list", file=path, line=number, hint="Write the list again")
        found.append(FrameMd5(int(match[2]), int(match[4]), match[5], match[6] or ""))
    return found
