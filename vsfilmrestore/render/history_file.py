"""The file of repairs that lies beside a finished piece: ``renders/<key>.history``. Needs no VapourSynth.

::

    magic      "VSFRHIS1"
    repairs    one after the other, as `history_pixels` packs them
    index      JSON, zlib
    trailer    24 bytes, little endian: place of the index (64 bits), its bytes, its bytes unpacked, its CRC-32, "VHx1"

    index      {"format": "vsfilmrestore-history", "version": 1, "frames": 48, "repairs": [{
                 "kind": "remove_dirt", "side": 0, "frame": 86420, "part": [0, 1], "shown": [[3, 1]],
                 "blobs": 4, "pixels": 310, "at": 8, "bytes": 412, "crc": 305419896}, …]}

``frame`` is the frame of the source, as a sequence numbers its files, elsewhere from 0; ``part`` tells which of how
many it was, where steps before had multiplied frames. ``shown`` are frames of the piece, first and count: one that is
shown ten times is kept once. ``side`` is 1 for what fades out over a transition.

The file is written under another name while the piece is rendered, flushed to the disk and renamed before the piece is
entered in the ledger. It holds nothing of time or machine: the same piece has the same file.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from vsfilmrestore.errors import OutputError, ProjectError
from vsfilmrestore.render.history_pixels import Repaired, pack, unpack

if TYPE_CHECKING:
    from vsfilmrestore.media.out.atomic import Sink

__all__ = ["Entry", "HistoryFile", "HistoryWriter", "Moment", "framed", "history_path", "unframed"]

_MAGIC: Final = b"VSFRHIS1"
_END: Final = b"VHx1"
_TRAILER: Final = struct.Struct("<QIII4s")
_FRAMED: Final = struct.Struct("<qHHIII")
_FORMAT: Final = "vsfilmrestore-history"
_VERSION: Final = 1
_MOST_INDEX: Final = 32 << 20
_MOST_REPAIR: Final = 1 << 30
_HINT: Final = "Remove it and the piece of the same name; the next render makes both again, and nothing else"


@dataclass(frozen=True, slots=True)
class Moment:
    """Which frame a repair was made in.

    Attributes:
        frame: Frame of the source: the number in the file name of a sequence, elsewhere counted from 0.
        part: Which of `parts` frames made of it before the step, from 0.
        parts: How many frames steps before had made of each.
    """

    frame: int
    part: int = 0
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index tells of one step's work on one frame.

    Attributes:
        kind: Name of the filter.
        side: 0 for the shot's own frames, 1 for those that fade out over it.
        moment: Which frame.
        shown: Frames of the piece that show it, first and count of each run.
        blobs: Single repairs.
        pixels: Pixels of the mask.
        at: Place in the file.
        bytes: Size there.
        crc: CRC-32 of these bytes.
    """

    kind: str
    side: int
    moment: Moment
    shown: tuple[tuple[int, int], ...]
    blobs: int
    pixels: int
    at: int
    bytes: int
    crc: int


def history_path(renders: Path, key: str) -> Path:
    """The file of a piece."""
    return renders / f"{key[:32]}.history"


def framed(moment: Moment, repaired: Repaired) -> bytes:
    """A repair as it travels with its frame to the renderer."""
    data = pack(repaired)
    counts = len(repaired.blobs.x), repaired.pixels, repaired.taken_back
    return _FRAMED.pack(moment.frame, moment.part, moment.parts, *counts) + data


def unframed(data: bytes) -> tuple[Moment, tuple[int, int, int], bytes]:
    """Frame; blobs, pixels and blobs taken back; and the packed repair."""
    frame, part, parts, *counts = _FRAMED.unpack_from(data)
    return Moment(frame, part, parts), (counts[0], counts[1], counts[2]), data[_FRAMED.size :]


class HistoryWriter:
    """Writes the file of one piece; a context manager. Without repairs it leaves no file.

    Raises:
        OutputError: The file cannot be written; then none is left.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: AbstractContextManager[Sink] | None = None
        self._sink: Sink | None = None
        self._at = 0
        self._entries: dict[tuple[str, int, Moment], dict[str, Any]] = {}

    def __enter__(self) -> Self:
        return self

    def add(self, kind: str, side: int, data: bytes, shown: int) -> tuple[int, int, int]:
        """Keep a repair that frame ``shown`` of the piece brings; what is known already is not kept again.

        Returns:
            Blobs, pixels, and blobs taken back.
        """
        moment, counts, packed = unframed(data)
        entry = self._entries.get((kind, side, moment))
        if entry is None:
            entry = {"kind": kind, "side": side, "frame": moment.frame, "part": [moment.part, moment.parts]}
            entry |= {"shown": [], "blobs": counts[0], "pixels": counts[1], "at": self._at or len(_MAGIC)}
            entry |= {"bytes": len(packed), "crc": zlib.crc32(packed)}
            self._entries[kind, side, moment] = entry
            self._write(packed)
        runs = entry["shown"]
        if runs and sum(runs[-1]) == shown:
            runs[-1][1] += 1
        else:
            runs.append([shown, 1])
        return counts

    def _write(self, data: bytes) -> None:
        from vsfilmrestore.media.out.atomic import atomic_file, output_error  # brings VapourSynth; readers need none

        try:
            if self._sink is None:
                self._open = atomic_file(self.path)
                self._sink = self._open.__enter__()
                self._at = self._sink.write(_MAGIC)
            self._at += self._sink.write(data)
        except OSError as error:
            raise output_error(self.path, error) from error

    def finish(self, frames: int) -> int:
        """Write the index of a piece of so many frames and give the file its name.

        Returns:
            Its size; 0 where there was nothing to keep, and there is no file.
        """
        if self._open is None:
            return 0
        index = {"format": _FORMAT, "version": _VERSION, "frames": frames, "repairs": list(self._entries.values())}
        text = json.dumps(index, separators=(",", ":")).encode()
        packed = zlib.compress(text, 6)
        place = self._at
        self._write(packed + _TRAILER.pack(place, len(packed), len(text), zlib.crc32(packed), _END))
        closing, self._open = self._open, None
        closing.__exit__(None, None, None)
        return self._at

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._open is not None:
            failed = error or OutputError("was not finished", file=self.path)
            self._open.__exit__(type(failed), failed, at)  # removes the part file


class HistoryFile:
    """A file of repairs, opened. It may come from a stranger: nothing in it is believed.

    Attributes:
        frames: Frames of the piece.
        entries: What it holds.

    Raises:
        ProjectError: It cannot be read, is damaged, or was written by a newer version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            index = self._index()
            self.frames = _whole(index, "frames", 1 << 32)
            self.entries = tuple(_entry(item, self.frames, self._end) for item in _listed(index, "repairs"))
        except OSError as error:
            raise ProjectError(f"cannot be read: {error.strerror or error}", file=path, hint=_HINT) from None
        except (ValueError, RecursionError, zlib.error) as error:
            raise ProjectError(f"is damaged, or no history: {error}", file=path, hint=_HINT) from None

    def _index(self) -> Mapping[str, Any]:
        size = self._path.stat().st_size
        with self._path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC or size < len(_MAGIC) + _TRAILER.size:
                raise ValueError("it does not begin as one")
            file.seek(size - _TRAILER.size)
            place, packed, unpacked, crc, end = _TRAILER.unpack(file.read(_TRAILER.size))
            fits = len(_MAGIC) <= place and place + packed + _TRAILER.size == size
            if end != _END or not fits or unpacked > _MOST_INDEX:
                raise ValueError("it ends early")
            file.seek(place)
            data = file.read(packed)
        if zlib.crc32(data) != crc:
            raise ValueError("its index has changed on the disk")
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(data, unpacked + 1)
        index = json.loads(text) if len(text) == unpacked else None
        if not isinstance(index, dict) or index.get("format") != _FORMAT:
            raise ValueError("its index makes no sense")
        if index.get("version") != _VERSION:
            raise ValueError(f"it is of version {index.get('version')!r}, and {_VERSION} is known here")
        self._end = place
        return index

    def read(self, entry: Entry) -> Repaired:
        """The repair of an entry.

        Raises:
            ProjectError: It is damaged.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(entry.at)
                data = file.read(entry.bytes)
            if zlib.crc32(data) != entry.crc:
                raise ValueError("it has changed on the disk")
            repaired = unpack(data)
            if (len(repaired.blobs.x), repaired.pixels) != (entry.blobs, entry.pixels):
                raise ValueError("it does not agree with its index")
        except (OSError, ValueError) as error:
            raise ProjectError(f"is damaged: {error}", file=self._path, frame=entry.moment.frame, hint=_HINT) from None
        return repaired

    def __iter__(self) -> Iterator[tuple[Entry, Repaired]]:
        """Every entry with its repair; one at a time is held."""
        return ((entry, self.read(entry)) for entry in self.entries)


def _entry(item: Any, frames: int, end: int) -> Entry:
    if not isinstance(item, dict):
        raise ValueError("its index holds something else than repairs")
    kind = item.get("kind")
    if not isinstance(kind, str) or not kind.isidentifier() or len(kind) > 100:
        raise ValueError("a repair has no kind")
    part = [_number(n, 1 << 16) for n in _listed(item, "part")]
    shown = [[_number(n, frames) for n in run] for run in _listed(item, "shown") if isinstance(run, list)]
    if len(part) != 2 or part[0] >= part[1] or any(len(run) != 2 or sum(run) > frames for run in shown):
        raise ValueError("a repair belongs to no frame")
    at, size = _whole(item, "at", end), _whole(item, "bytes", _MOST_REPAIR)
    if at < len(_MAGIC) or at + size > end:
        raise ValueError("a repair lies outside the file")
    moment = Moment(_whole(item, "frame", 1 << 48), part[0], part[1])
    counts = _whole(item, "blobs", 1 << 32), _whole(item, "pixels", 1 << 32)
    runs = tuple((first, count) for first, count in shown)
    return Entry(kind, _whole(item, "side", 1), moment, runs, *counts, at, size, _whole(item, "crc", 1 << 32))


def _listed(item: Mapping[str, Any], key: str) -> list[Any]:
    value = item.get(key)
    if not isinstance(value, list):
        raise ValueError(f"{key} is no list")
    return value


def _whole(item: Mapping[str, Any], key: str, most: int) -> int:
    return _number(item.get(key), most)


def _number(value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError(f"{value!r} stands where a number should")
    return value
