"""Memory that server and client share: slots that each hold a picture, or several.

On Linux it is a memfd sealed against shrinking and growing, so that neither side can be hurt by the other; on macOS an
unlinked file of mode 0600; on Windows a named file mapping. It is paged in when it is written, not before.
"""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.serve import windows_api

__all__ = ["DEPTHS", "Layout", "Ring", "attach", "ring_name"]

type Plane = npt.NDArray[Any]

DEPTHS: Final = (np.dtype("u1"), np.dtype("u2"), np.dtype("f2"), np.dtype("f4"))
"""Samples of each depth of the protocol: 8 bits, 16 bits, half, float."""

_ALIGN: Final = 64
_PAGE: Final = 4096


def _up(value: int, to: int) -> int:
    return -(-value // to) * to


@dataclass(frozen=True, slots=True)
class Layout:
    """How three planes lie in a slot: red, green, blue, top row first.

    Attributes:
        width: Pixels.
        height: Pixels.
        depth: Number of the depth, see `DEPTHS`.
    """

    width: int
    height: int
    depth: int

    @property
    def stride(self) -> int:
        """Bytes from row to row."""
        return _up(self.width * DEPTHS[self.depth].itemsize, _ALIGN)

    @property
    def plane(self) -> int:
        """Bytes from plane to plane."""
        return self.stride * self.height

    @property
    def frame(self) -> int:
        """Bytes of all three planes."""
        return 3 * self.plane

    def planes(self, memory: mmap.mmap, offset: int) -> list[Plane]:
        """The planes as arrays of rows and columns, in place."""
        dtype = DEPTHS[self.depth]
        shape, strides = (self.height, self.width), (self.stride, dtype.itemsize)
        return [np.ndarray(shape, dtype, memory, offset + p * self.plane, strides) for p in range(3)]


class Ring:
    """Slots of one size in shared memory. Not thread-safe: its owner sees to that.

    Attributes:
        number: Number of the ring, never used twice by a process.
        slots: How many slots.
        slot_bytes: Size of each.
        descriptor: File descriptor of the memory, -1 on Windows and once it is closed.
    """

    def __init__(self, number: int, slots: int, wanted_bytes: int) -> None:
        """
        Raises:
            OSError: There is not as much memory.
        """
        self.number, self.slots = number, slots
        self.slot_bytes = self.size_of_slot(wanted_bytes)
        self.descriptor, self._memory = _create(self.slot_bytes * slots, number)
        self._free = list(range(slots))
        self._lent: set[int] = set()

    @staticmethod
    def size_of_slot(wanted_bytes: int) -> int:
        """Bytes a slot takes that holds so many."""
        return _up(max(1, wanted_bytes), _PAGE)

    def offset(self, slot: int) -> int:
        return slot * self.slot_bytes

    def take(self) -> int | None:
        """A free slot, which is lent from now on; None while there is none."""
        if not self._free or self._memory is None:
            return None
        slot = self._free.pop(0)
        self._lent.add(slot)
        return slot

    @property
    def free(self) -> int:
        """How many slots are free."""
        return 0 if self._memory is None else len(self._free)

    def is_lent(self, slot: int) -> bool:
        return slot in self._lent

    def give(self, slot: int) -> bool:
        """Take a slot back; whether it was lent."""
        if slot not in self._lent:
            return False
        self._lent.discard(slot)
        self._free.append(slot)
        return True

    def planes(self, slot: int, layout: Layout, at: int = 0) -> list[Plane]:
        """Planes of the picture that lies so many bytes behind the start of a slot.

        Raises:
            ValueError: It would reach beyond the slot, or the ring is closed.
        """
        if self._memory is None or not 0 <= slot < self.slots or at < 0 or at + layout.frame > self.slot_bytes:
            raise ValueError("a picture lies outside its slot")
        return layout.planes(self._memory, self.offset(slot) + at)

    def close(self) -> None:
        """Let go of the memory; planes that are still held keep it until they are gone."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        self._memory = None  # unmapped with the last array that lies in it; numpy does not keep an mmap from closing


def ring_name(process: int, number: int) -> str:
    """Name of the file mapping on Windows."""
    return f"Local\\vsfilmrestore-{process}-{number}"


def _create(size: int, number: int) -> tuple[int, mmap.mmap | None]:
    if sys.platform == "win32":
        return -1, windows_api.create_mapping(ring_name(os.getpid(), number), size)
    descriptor = _sealed(size) if sys.platform.startswith("linux") else _unlinked(size)
    try:
        return descriptor, mmap.mmap(descriptor, size)
    except BaseException:
        os.close(descriptor)
        raise


def _sealed(size: int) -> int:
    if not sys.platform.startswith("linux"):
        raise OSError("only Linux has sealed memory")
    import fcntl

    descriptor = os.memfd_create("vsfilmrestore", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, size)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _unlinked(size: int) -> int:
    descriptor, path = tempfile.mkstemp(prefix="vsfilmrestore-")  # of mode 0600
    try:
        os.unlink(path)
        os.ftruncate(descriptor, size)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def attach(descriptor: int, size: int, *, process: int = 0, number: int = 0) -> mmap.mmap:
    """Map the memory of a server, as a client does. The descriptor stays open.

    Raises:
        OSError: It is not as large as it should be, or could be shrunk while it is read.
    """
    if sys.platform == "win32":
        return windows_api.open_mapping(ring_name(process, number), size)
    if os.fstat(descriptor).st_size < size:
        raise OSError("the server's memory is smaller than it says")
    if sys.platform.startswith("linux"):
        import fcntl

        if not fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK:
            raise OSError("the server's memory is not sealed against shrinking")
    return mmap.mmap(descriptor, size)
