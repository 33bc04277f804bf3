r"""A repair as bytes: its mask, its single blobs, and the pixels that stood there before. Needs no VapourSynth.

::

    head      52 bytes, little endian: "Rp1\0"; width, height (16 bits each); left, top, right, bottom of the box that
              holds the mask, of whole chroma samples (16 each); blobs, pixels, blobs taken back (32 each); bytes a
              sample, planes, halvings of chroma across and down (8 each); bytes of the five blocks below (32 each)
    mask      one bit a pixel of the box, line by line, each from a new byte on, highest bit first, zlib
    blobs     seven columns of 32 bits (`Blobs`), each cut into its bytes, zlib
    planes    one block a plane: what stood under the mask, in reading order, each the difference to the one before,
              all low bytes before all higher ones, zlib; a chroma sample is there when any of its pixels is

What is read may come from strangers: sizes are compared with one another before anything is unpacked, nothing is
unpacked to more than they allow, and what does not agree is a `ValueError`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Blobs", "PixelFormat", "Repaired", "found_blobs", "look", "pack", "plane_box", "plane_mask", "unpack"]

type Mask = npt.NDArray[np.bool_]
type Labels = npt.NDArray[np.int32]

_HEAD: Final = struct.Struct("<4s2H4H3I4B5I")
_MAGIC: Final = b"Rp1\0"
_COLUMNS: Final = 7
_LEVEL: Final = 5
_MOST: Final = 1 << 27
"""Pixels of a picture at most: 16384 x 8192."""


class PixelFormat(NamedTuple):
    """What the samples of a picture are.

    Attributes:
        bytes: Bytes a sample: 1, 2 or 4.
        planes: Planes of which the pixels are kept: 0 (none), 1 or 3.
        across: Halvings of the width of the second and third plane.
        down: Halvings of their height.
    """

    bytes: int
    planes: int
    across: int = 0
    down: int = 0


class Blobs(NamedTuple):
    """Connected parts of a mask (also over corners), in reading order of their first pixels.

    Attributes:
        x: Column of the first pixel in reading order; with ``y`` it names the blob.
        y: Its line.
        left: First column.
        top: First line.
        right: Column after the last.
        bottom: Line after the last.
        pixels: Size.
    """

    x: npt.NDArray[np.int64]
    y: npt.NDArray[np.int64]
    left: npt.NDArray[np.int64]
    top: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    bottom: npt.NDArray[np.int64]
    pixels: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Repaired:
    """What one step did to one frame.

    Attributes:
        width: Width of the picture the step worked on.
        height: Its height.
        box: Left, top, right, bottom of the part that holds the mask.
        within: The mask in that box.
        blobs: Its connected parts.
        taken_back: How many of these were taken back, or parts of them, when the frame was rendered.
        format: What the samples are.
        planes: For each plane the samples that stood under the mask, in reading order; whole numbers that hold the bits
            of floating point samples, too.
    """

    width: int
    height: int
    box: tuple[int, int, int, int]
    within: Mask
    blobs: Blobs
    taken_back: int
    format: PixelFormat
    planes: tuple[npt.NDArray[Any], ...]

    @property
    def pixels(self) -> int:
        """Pixels of the mask."""
        return int(self.blobs.pixels.sum())

    @property
    def mask(self) -> Mask:
        """The mask in the size of the picture."""
        left, top, right, bottom = self.box
        whole = np.zeros((self.height, self.width), bool)
        whole[top:bottom, left:right] = self.within
        return whole

    def restore(self, planes: Sequence[npt.NDArray[Any]]) -> None:
        """Put back what stood there, into planes of the step's format and size."""
        for n, (plane, before) in enumerate(zip(planes, self.planes, strict=True)):
            part = plane.view(before.dtype)[plane_box(self.box, n, self.format)]
            part[plane_mask(self.within, n, self.format)] = before


def plane_mask(mask: Mask, plane: int, fmt: PixelFormat) -> Mask:
    """The mask in the size of a plane: a chroma sample counts when any of its pixels does."""
    if not plane or not (fmt.across or fmt.down):
        return mask
    wide, high = 1 << fmt.across, 1 << fmt.down
    any_of: Mask = np.logical_or.reduce([mask[y::high, x::wide] for y in range(high) for x in range(wide)])
    return any_of


def plane_box(box: Sequence[int], plane: int, fmt: PixelFormat) -> tuple[slice, slice]:
    """The lines and columns of a plane that lie in a box."""
    left, top, right, bottom = box
    across, down = (fmt.across, fmt.down) if plane else (0, 0)
    return slice(top >> down, bottom >> down), slice(left >> across, right >> across)


def look(mask: npt.NDArray[np.uint8], planes: Sequence[npt.NDArray[Any]], fmt: PixelFormat) -> tuple[Repaired, Labels]:
    """What a mask covers: the repair as it is kept, and the number of the blob from 1 at each pixel of its box.

    Args:
        mask: The mask, not 0 where something was changed, and somewhere it is.
        planes: The picture before.
        fmt: What its samples are; of no planes where no pixels are to be kept.
    """
    import cv2  # on first use: it is large, and a plan needs none of it

    x, y, wide, high = cv2.boundingRect(mask)
    height, width = mask.shape
    across, down = _odd(fmt.across), _odd(fmt.down)
    box = x & ~across, y & ~down, min((x + wide + across) & ~across, width), min((y + high + down) & ~down, height)
    within = mask[box[1] : box[3], box[0] : box[2]] > 0
    labels, blobs = found_blobs(within, box[:2])
    kept = []
    for n, plane in enumerate(planes[: fmt.planes]):
        part = plane[plane_box(box, n, fmt)][plane_mask(within, n, fmt)]
        kept.append(part.view(f"<u{fmt.bytes}"))
    return Repaired(width, height, box, within, blobs, 0, fmt, tuple(kept)), labels


def found_blobs(mask: Mask, at: tuple[int, int] = (0, 0)) -> tuple[Labels, Blobs]:
    """Connected parts of a mask: for each pixel the number of its part from 1 (0: none), and the parts.

    Args:
        mask: The mask, or a box cut out of it.
        at: Left and top of that box.
    """
    import cv2  # on first use: it is large, and a plan needs none of it

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    where = np.flatnonzero(mask)
    numbers, first = np.unique(labels.ravel()[where], return_index=True)
    seeds = where[first]
    order = np.argsort(seeds)
    renamed = np.zeros(count, np.int32)
    renamed[numbers[order]] = np.arange(1, len(order) + 1)
    y, x = np.divmod(seeds[order], mask.shape[1])
    left, top, wide, high, pixels = (stats[numbers[order], n].astype(np.int64) for n in range(5))
    blobs = Blobs(x + at[0], y + at[1], left + at[0], top + at[1], left + wide + at[0], top + high + at[1], pixels)
    return renamed[labels].astype(np.int32, copy=False), blobs


def pack(repaired: Repaired) -> bytes:
    """The repair as bytes."""
    blocks = [_deflated(np.packbits(repaired.within, axis=1)), _deflated(_split(np.array(repaired.blobs, "<u4")))]
    blocks += [_deflated(_split(_differences(plane))) for plane in repaired.planes]
    sizes = [len(block) for block in blocks] + [0] * (5 - len(blocks))
    counts = len(repaired.blobs.x), repaired.pixels, repaired.taken_back
    head = _HEAD.pack(_MAGIC, repaired.width, repaired.height, *repaired.box, *counts, *repaired.format, *sizes)
    return head + b"".join(blocks)


def unpack(data: bytes) -> Repaired:
    """The repair of some bytes.

    Raises:
        ValueError: They are damaged, or no repair.
    """
    if len(data) < _HEAD.size:
        raise ValueError("it ends early")
    magic, width, height, *rest = _HEAD.unpack_from(data)
    box, (count, pixels, taken_back), fmt, sizes = tuple(rest[:4]), rest[4:7], PixelFormat(*rest[7:11]), rest[11:]
    left, top, right, bottom = box
    inside = left < right <= width and top < bottom <= height and width * height <= _MOST
    known = fmt.bytes in (1, 2, 4) and fmt.planes in (0, 1, 3) and fmt.across <= 4 and fmt.down <= 4
    fits = _HEAD.size + sum(sizes) == len(data) and not any(sizes[2 + fmt.planes :])
    whole = not any(n & _odd(fmt.across) for n in (width, left, right))
    whole = whole and not any(n & _odd(fmt.down) for n in (height, top, bottom))
    if magic != _MAGIC or not (inside and known and fits and whole):
        raise ValueError("its head makes no sense")
    blocks = _blocks(data, sizes)
    bits = _inflated(next(blocks), (bottom - top) * -(-(right - left) // 8)).reshape(bottom - top, -1)
    within = np.unpackbits(bits, axis=1, count=right - left).view(bool)
    if int(within.sum()) != pixels or not 0 < count <= pixels:
        raise ValueError("its mask does not agree with its head")
    blobs = _blobs(_inflated(next(blocks), 4 * _COLUMNS * count), box, pixels)
    known_mask = Repaired(width, height, box, within, blobs, min(taken_back, count), fmt, ())
    planes = tuple(_plane(known_mask, n, next(blocks)) for n in range(fmt.planes))
    return Repaired(width, height, box, within, blobs, min(taken_back, count), fmt, planes)


def _odd(halvings: int) -> int:
    return (1 << halvings) - 1


def _blocks(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    at = _HEAD.size
    for size in sizes:
        yield data[at : at + size]
        at += size


def _blobs(data: npt.NDArray[np.uint8], box: Sequence[int], pixels: int) -> Blobs:
    columns = _joined(data, 4).view("<u4").reshape(_COLUMNS, -1).astype(np.int64)
    blobs = Blobs(*columns)
    left, top, right, bottom = box
    held = (blobs.left >= left) & (blobs.left <= blobs.x) & (blobs.x < blobs.right) & (blobs.right <= right)
    held &= (blobs.top >= top) & (blobs.top == blobs.y) & (blobs.y < blobs.bottom) & (blobs.bottom <= bottom)
    if not held.all() or int(blobs.pixels.sum()) != pixels:
        raise ValueError("its blobs do not agree with its mask")
    return blobs


def _plane(repaired: Repaired, number: int, block: bytes) -> npt.NDArray[Any]:
    count = int(plane_mask(repaired.within, number, repaired.format).sum())
    width = repaired.format.bytes
    values = _joined(_inflated(block, count * width), width).view(f"<u{width}")
    return np.add.accumulate(values, dtype=values.dtype)


def _differences(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Each value as the difference to the one before it, modulo its range."""
    result = values.copy()
    result[1:] -= values[:-1]
    return result


def _split(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """All low bytes, then all of the next: each kind is packed better among its like."""
    flat = np.ascontiguousarray(values).reshape(-1)
    return np.ascontiguousarray(flat.view(np.uint8).reshape(-1, flat.itemsize).T)


def _joined(data: npt.NDArray[np.uint8], width: int) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(data.reshape(width, -1).T).reshape(-1)


def _deflated(data: npt.NDArray[np.uint8]) -> bytes:
    return zlib.compress(np.ascontiguousarray(data), _LEVEL)


def _inflated(block: bytes, size: int) -> npt.NDArray[np.uint8]:
    """What a block holds, which is known to be that long; it is never unpacked any further."""
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(block, size + 1)
    except zlib.error:
        raise ValueError("a block cannot be unpacked") from None
    if len(data) != size or not unpacker.eof or unpacker.unused_data:
        raise ValueError("a block is not as long as it should be")
    return np.frombuffer(data, np.uint8)
