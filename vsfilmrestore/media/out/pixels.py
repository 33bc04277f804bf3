"""Pictures from VapourSynth to libav, and their checksums.

Planes are copied whole rows at a time; the checksum is that of the packed picture (rows without padding, planes in the
order of the pixel format), as FFmpeg's ``framemd5`` computes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import av
import numpy as np
import numpy.typing as npt
import vapoursynth as vs

__all__ = ["packed_planes", "packed_size", "picture_md5", "to_picture"]

type Array = npt.NDArray[np.generic]

_GBR: Final = (1, 2, 0)


def _row_bytes(picture: av.VideoFrame, index: int) -> int:
    """Bytes of one row without padding."""
    fmt, plane = picture.format, picture.planes[index]
    if len(picture.planes) == 1 and len(fmt.components) > 1:
        return plane.width * fmt.padded_bits_per_pixel // 8
    return plane.width * ((fmt.components[0].bits + 7) // 8)


def packed_planes(picture: av.VideoFrame) -> Iterator[Array]:
    """The picture's planes as (rows, bytes) views without padding, in the order of the pixel format."""
    for index, plane in enumerate(picture.planes):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        yield rows[:, : _row_bytes(picture, index)]


def packed_size(picture: av.VideoFrame) -> int:
    """Bytes of the packed picture."""
    return sum(plane.height * _row_bytes(picture, i) for i, plane in enumerate(picture.planes))


def picture_md5(picture: av.VideoFrame) -> str:
    """MD5 of the packed picture, 32 hexadecimal digits."""
    digest = hashlib.md5(usedforsecurity=False)
    for plane in packed_planes(picture):
        digest.update(np.ascontiguousarray(plane))
    return digest.hexdigest()


def _fill_bgr0(frame: vs.VideoFrame, picture: av.VideoFrame) -> None:
    plane = picture.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    pixels = rows[:, : frame.width * 4].reshape(frame.height, frame.width, 4)
    for channel, source in ((2, 0), (1, 1), (0, 2)):
        pixels[:, :, channel] = np.asarray(frame[source])
    pixels[:, :, 3] = 0


def to_picture(frame: vs.VideoFrame, layout: str) -> av.VideoFrame:
    """Copy a VapourSynth frame into a new libav picture.

    Args:
        frame: A prepared frame.
        layout: The libav ``pix_fmt`` that the profile stores this format in.
    """
    picture = av.VideoFrame(frame.width, frame.height, layout)
    if layout == "bgr0":
        _fill_bgr0(frame, picture)
        return picture
    order = _GBR if frame.format.color_family == vs.RGB else range(frame.format.num_planes)
    for plane, source in zip(picture.planes, order, strict=True):
        pixels = np.asarray(frame[source])
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        np.copyto(rows[:, : pixels.shape[1] * pixels.itemsize].view(pixels.dtype), pixels)
    return picture
