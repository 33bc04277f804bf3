"""The compound file an AAF is kept in, looked over before any library opens it.

A compound file (Microsoft's [MS-CFB]) is a small file system: sectors chained through a table, a directory of named
entries, each with a stream of bytes or more entries. A damaged one sends a trusting reader in circles, or asks it for
memory without end. Here every chain is walked once with a limit, and only what an AAF reader would trust is checked.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

__all__ = ["Entry", "check_container"]

_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END: Final = 0xFFFFFFFE
_NONE: Final = 0xFFFFFFFF
_LARGEST_SECTOR: Final = 0xFFFFFFFA
_MINI: Final = 64
_MOST_ENTRIES: Final = 2_000_000
_MOST_BYTES: Final = 64 * 1024 * 1024
_DEEPEST: Final = 200
_STORAGE: Final = {1, 5}
_STREAM: Final = 2
_CLASS: Final = bytes.fromhex("0101010d01020000060e2b3402060101")
_PARENT, _IDENTITY = 0x0008, 0x0005


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the directory.

    Attributes:
        path: Where it stands, from the root on, with ``/`` before each name.
        kind: 1 or 5: it holds others; 2: a stream of bytes.
        start: First sector of its bytes.
        size: Bytes in it.
        class_id: Kind of object, 16 bytes, in an entry that holds others.
    """

    path: str
    kind: int
    start: int
    size: int
    class_id: bytes


def check_container(file: BinaryIO, size: int) -> list[Entry]:
    """The directory of a compound file that can be read to the end, in bounded time and memory.

    Args:
        file: The file, at any place.
        size: Its length in bytes.

    Raises:
        ValueError: It is no such file, or a damaged one.
    """
    try:
        container = _Container(file, size)
        entries = list(container.entries())
        container.check(entries)
    except (struct.error, IndexError):
        raise ValueError("the file is cut short or damaged") from None
    return entries


class _Container:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        header = self._read(0, 512)
        if header[:8] != _MAGIC:
            raise ValueError("this is not an AAF file")
        order, shift, mini = struct.unpack_from("<HHH", header, 28)
        if order != 0xFFFE or shift not in (9, 12) or mini != 6:
            raise ValueError("the file's header is damaged")
        self._sector = 1 << shift
        self._most = size // self._sector + 1
        difat_start, difat_count = struct.unpack_from("<II", header, 68)
        self._fat = self._table(self._fat_sectors(header, difat_start, difat_count))
        self._small = struct.unpack_from("<I", header, 56)[0]
        self._directory = self._chain(struct.unpack_from("<I", header, 48)[0])
        self._minifat = self._table(self._chain(struct.unpack_from("<I", header, 60)[0]))
        self._mini_stream: list[int] = []

    def _read(self, at: int, count: int) -> bytes:
        self._file.seek(at)
        return self._file.read(count)

    def _fat_sectors(self, header: bytes, at: int, count: int) -> list[int]:
        found = list(struct.unpack_from("<109I", header, 76))
        if count > self._most:
            raise ValueError("the file's sector table is damaged")
        seen = set()
        for _ in range(count):
            if at >= _LARGEST_SECTOR:
                break
            if at in seen:
                raise ValueError("the file's sector table runs in a circle")
            seen.add(at)
            items = struct.unpack(f"<{self._sector // 4}I", self._read((at + 1) * self._sector, self._sector))
            found += items[:-1]
            at = items[-1]
        return [sector for sector in found if sector < _LARGEST_SECTOR]

    def _table(self, sectors: list[int]) -> array[int]:
        if len(set(sectors)) != len(sectors) or len(sectors) > self._most:
            raise ValueError("the file's sector table is damaged")
        table = array("I")
        for sector in sectors:
            data = self._read((sector + 1) * self._sector, self._sector)
            if len(data) < self._sector:
                raise ValueError("the file is cut short or damaged")
            table.frombytes(data)
        if sys.byteorder == "big":
            table.byteswap()
        return table

    def _chain(self, start: int, table: array[int] | None = None) -> list[int]:
        table = self._fat if table is None else table
        result: list[int] = []
        while start < _LARGEST_SECTOR:
            result.append(start)
            if len(result) > len(table):
                raise ValueError("a chain of the file's sectors runs in a circle")
            start = table[start]
        return result

    def entries(self) -> Iterator[Entry]:
        """All entries that the directory's tree leads to, parents first."""
        count = len(self._directory) * (self._sector // 128)
        if count > _MOST_ENTRIES:
            raise ValueError("the file's directory is too large")
        raw = b"".join(self._read((sector + 1) * self._sector, self._sector) for sector in self._directory)
        root = _entry(raw, 0, "")
        self._mini_stream = self._chain(root.start) if self._minifat else []
        todo = [(0, "", 0)]
        seen = {0}
        while todo:
            number, folder, depth = todo.pop()
            entry = root if number == 0 else _entry(raw, number, f"{folder}/{_name(raw, number)}")
            yield entry
            left, right, child = struct.unpack_from("<III", raw, number * 128 + 68)
            below = [(left, folder, depth), (right, folder, depth)] if number else []
            if entry.kind in _STORAGE:
                below.append((child, entry.path, depth + 1))
            for follower, place, level in below:
                if follower == _NONE:
                    continue
                if follower in seen or follower >= count or level > _DEEPEST:
                    raise ValueError("the file's directory is damaged")
                seen.add(follower)
                todo.append((follower, place, level))

    def check(self, entries: list[Entry]) -> None:
        """Refuse what would send a reader in circles, or ask it for more memory than the file is long."""
        parents = _known_parents()
        classes = {f"{entry.path}/properties" for entry in entries if entry.class_id == _CLASS}
        for entry in entries:
            if entry.kind == _STREAM:
                self._check_stream(entry)
                parents |= self._parent(entry) if entry.path in classes else {}
        for start in parents:
            at, steps = start, 0
            while (above := parents.get(at, at)) != at:
                at, steps = above, steps + 1
                if steps > len(parents):
                    raise ValueError("the file's classes refer to one another in a circle")

    def _check_stream(self, entry: Entry) -> None:
        name = entry.path.rsplit("/", 1)[-1]
        if entry.size > self._size:
            raise ValueError(f"'{name}' is said to be longer than the file")
        if name == "properties" or name.endswith(" index"):
            if entry.size > _MOST_BYTES:
                raise ValueError(f"'{name}' is too long")
            start = self._bytes(entry, 4)
            if name.endswith(" index") and len(start) == 4 and struct.unpack("<I", start)[0] * 4 > entry.size:
                raise ValueError(f"'{name}' is damaged")

    def _bytes(self, entry: Entry, count: int) -> bytes:
        """The first bytes of a stream."""
        count, result = min(count, entry.size), b""
        if entry.size >= self._small:
            for sector in self._chain(entry.start):
                result += self._read((sector + 1) * self._sector, self._sector)
                if len(result) >= count:
                    break
            return result[:count]
        for mini in self._chain(entry.start, self._minifat):
            index, offset = divmod(mini * _MINI, self._sector)
            result += self._read((self._mini_stream[index] + 1) * self._sector + offset, _MINI)
            if len(result) >= count:
                break
        return result[:count]

    def _parent(self, properties: Entry) -> dict[bytes, bytes]:
        """The class that a class definition is derived from, both by their identity."""
        data = self._bytes(properties, 65_536)
        _, _, count = struct.unpack_from("<BBH", data)
        at, found = 4 + 6 * count, {}
        for i in range(count):
            pid, _, size = struct.unpack_from("<HHH", data, 4 + 6 * i)
            found[pid] = data[at : at + size]
            at += size
        own, above = found.get(_IDENTITY), found.get(_PARENT, b"")[5:21]
        return {own: above} if own and len(above) == 16 else {}


def _entry(raw: bytes, number: int, path: str) -> Entry:
    at = number * 128
    start, size = struct.unpack_from("<IQ", raw, at + 116)
    return Entry(path, raw[at + 66], start, size, raw[at + 80 : at + 96])


def _name(raw: bytes, number: int) -> str:
    length = struct.unpack_from("<H", raw, number * 128 + 64)[0]
    if length > 64:
        raise ValueError("the file's directory is damaged")
    name = raw[number * 128 : number * 128 + length].decode("utf-16-le", "replace").split("\0")[0]
    return name.replace("/", "_") or f"#{number}"


def _known_parents() -> dict[bytes, bytes]:
    """Parents of the classes that the library knows without the file, by identity."""
    from aaf2.auid import AUID
    from aaf2.model.classdefs import classdefs

    identities = {name: AUID(str(values[0])).bytes_le for name, values in classdefs.items()}
    return {
        bytes(identities[name]): bytes(identities[values[1]])
        for name, values in classdefs.items()
        if values[1] in identities
    }
