"""A frame server that says what a test wants, true or not. It knows docs/protocol.md and none of our code."""

from __future__ import annotations

import fcntl
import itertools
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

HELLO, WELCOME, LIST, CATALOGUE, OPEN, INFO, GET, FRAME, ERROR, CANCEL = range(1, 11)
RELEASE, RESERVE, SLOT, PROCESS, STATUS, PING, PONG, BYE, CLOSE = range(11, 20)

DEPTHS: Final = ("byte", "short", "half", "float")
TYPES: Final = (np.uint8, np.uint16, np.float16, np.float32)
NAMES: Final = {2: "version", 10: "busy"}

type Levels = npt.NDArray[np.integer[Any]]


def pattern(frame: int, width: int, height: int) -> Levels:
    """Levels 0..255 of a frame of the server, three planes, the top row first."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([(columns * 2 + rows * 3 + plane * 50 + frame * 13) % 256 for plane in range(3)])


def samples(levels: Levels, depth: int) -> npt.NDArray[Any]:
    """Levels as samples of a depth; all of them exact."""
    if depth == 1:
        return (levels * 257).astype(np.uint16)
    if depth == 2:
        return (levels / 256).astype(np.float16)
    return levels.astype(np.uint8) if depth == 0 else (levels.astype(np.float32) / np.float32(255)).astype(np.float32)


def string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<H", len(data)) + data


@dataclass
class Open:
    """A source of a connection."""

    kind: int
    depth: int
    width: int
    height: int
    name: str
    settings: str
    ring: int
    memory: memoryview
    slot_bytes: int
    slots: int
    free: list[int] = field(default_factory=list)


@dataclass
class Faults:
    """What is wrong with the server; by default nothing."""

    major: int = 1
    silent: bool = False  # accepts, and says nothing
    mute_after: int = -1  # answers so many GETs and PROCESSes, then no more
    deaf_after: int = -1  # reads so many messages after HELLO, then no more, as a process that was stopped
    delay: float = 0.0  # before each frame
    die_after: int = -1  # frames of a connection, and then it ends
    die_in_frame: int = -1  # after so many frames of a connection, half a message and the end
    deaths: int = 10**6  # connections that die so; later ones live
    busy: int = 0  # times that GET is put off
    refuse_open: str = ""
    frame_error: str = ""
    status: str = ""
    seal: bool = True
    short_memory: bool = False
    no_memory: bool = False
    info: dict[str, int] = field(default_factory=dict)  # fields of INFO to falsify
    frame: dict[str, int] = field(default_factory=dict)  # fields of FRAME
    slot: dict[str, int] = field(default_factory=dict)  # fields of SLOT
    garbage: bytes = b""  # in place of the first FRAME
    bye: bool = False  # instead of the first FRAME


@dataclass
class Record:
    """What clients did."""

    connections: int = 0
    hellos: list[str] = field(default_factory=list)
    opens: list[tuple[int, int, int, int, int, int, str, str]] = field(default_factory=list)
    gets: list[tuple[int, int, int, int]] = field(default_factory=list)
    cancels: int = 0
    releases: int = 0
    closes: int = 0
    processed: list[tuple[int, int, int, list[float]]] = field(default_factory=list)
    cancelled_at: list[float] = field(default_factory=list)


class FakeServer:
    """Serves a reel, shots and files of `frames` frames of `width` x `height`, and recipes that turn pictures round."""

    def __init__(self, path: Path, faults: Faults | None = None, *, width: int = 64, height: int = 48) -> None:
        self.path, self.faults, self.record = path, faults or Faults(), Record()
        self.width, self.height, self.frames, self.radius = width, height, 1000, 2
        self.colour = "rgb/bt1886/bt709"
        self.shots = ("fight-03", "opening", "the end")
        self.files = ("R1.mkv",)
        self.lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self._rings = 0
        self.start()

    def start(self) -> None:
        """Listen, again after `stop` as well."""
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen(16)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """As killed: everything is closed at once."""
        with suppress(OSError):
            if self._listener is not None:
                self._listener.shutdown(socket.SHUT_RDWR)
                self._listener.close()
        self.path.unlink(missing_ok=True)
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self.record.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, stream: socket.socket) -> None:
        with suppress(OSError, EOFError):
            Session(self, stream).run()
        with suppress(OSError):
            stream.shutdown(socket.SHUT_RDWR)
        stream.close()

    def ring_number(self) -> int:
        with self.lock:
            self._rings += 1
            return self._rings


class Session:
    """One connection."""

    def __init__(self, server: FakeServer, stream: socket.socket) -> None:
        self.server, self.stream, self.faults = server, stream, server.faults
        self.sources: dict[int, Open] = {}
        self.sent_frames = 0
        self.cancelled: set[int] = set()
        self.sending = threading.Lock()
        self.slots = threading.Condition()

    def run(self) -> None:
        if self.faults.silent:
            time.sleep(30)
        kind, request, body = self._read()
        assert kind == HELLO
        magic, major, _minor, _process = struct.unpack_from("<IHHI", body)
        assert (magic, major) == (0x52465356, 1)
        size = struct.unpack_from("<H", body, 12)[0]
        self.server.record.hellos.append(body[14 : 14 + size].decode())
        assert body[14 + size :] == bytes(32)
        self.send(WELCOME, request, struct.pack("<HHII", self.faults.major, 0, os.getpid(), 8) + string("fake 1.0"))
        if self.faults.status:
            self.send(STATUS, 0, string(self.faults.status))
        self.send(PING, 77, b"")
        for _ in itertools.count() if self.faults.deaf_after < 0 else range(self.faults.deaf_after):
            kind, request, body = self._read()
            self._handle(kind, request, body)
        time.sleep(30)

    def _read(self) -> tuple[int, int, bytes]:
        size, kind, zero, request = struct.unpack("<IHHQ", self._exactly(16))
        assert zero == 0
        assert size <= 65536
        return kind, request, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.stream.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def send(self, kind: int, request: int, body: bytes, files: list[int] | None = None) -> None:
        message = struct.pack("<IHHQ", len(body), kind, 0, request) + body
        with self.sending:
            if files:
                socket.send_fds(self.stream, [message], files)
            else:
                self.stream.sendall(message)

    def _error(self, request: int, code: int, text: str) -> None:
        self.send(ERROR, request, struct.pack("<H", code) + string(text))

    def _handle(self, kind: int, request: int, body: bytes) -> None:
        record = self.server.record
        if kind == OPEN:
            self._opened(request, body)
        elif kind in (GET, PROCESS, RESERVE):
            work: Callable[[int, bytes], None] = {GET: self._get, PROCESS: self._process, RESERVE: self._reserve}[kind]
            threading.Thread(target=self._quietly, args=(work, request, body), daemon=True).start()
        elif kind == LIST:
            self._list(request, body)
        elif kind == CANCEL:
            record.cancels += 1
            record.cancelled_at.append(time.monotonic())
            self.cancelled.add(struct.unpack("<Q", body)[0])
        elif kind == RELEASE:
            ring, slot = struct.unpack("<II", body)
            with self.slots:
                for source in self.sources.values():
                    if source.ring == ring and slot < source.slots and slot not in source.free:
                        record.releases += 1
                        source.free.append(slot)
                self.slots.notify_all()
        elif kind == CLOSE:
            record.closes += 1
            self.sources.pop(struct.unpack("<I", body)[0])
        elif kind == PONG:
            assert request == 77
        else:
            self._error(request, 3, "unknown")

    def _quietly(self, work: Callable[[int, bytes], None], request: int, body: bytes) -> None:
        with suppress(OSError):
            work(request, body)

    def _opened(self, request: int, body: bytes) -> None:
        server, faults = self.server, self.faults
        kind, depth, slots, width, height, num, den = struct.unpack_from("<BBHIIII", body)
        at = struct.calcsize("<BBHIIII")
        names = []
        for _ in range(2):
            (size,) = struct.unpack_from("<H", body, at)
            names.append(body[at + 2 : at + 2 + size].decode())
            at += 2 + size
        assert at == len(body)
        server.record.opens.append((kind, depth, width, height, num, den, names[0], names[1]))
        unknown = (kind == 1 and names[0] not in server.shots) or (
            kind == 2 and Path(names[0]).name not in server.files
        )
        if faults.refuse_open or unknown:
            self._error(request, 4, faults.refuse_open or f"'{names[0]}' is not served")
            return
        if kind != 3:
            width, height = server.width, server.height
        count = 1 if kind != 3 else 2 * server.radius + 1
        slot_bytes = width * height * 3 * np.dtype(TYPES[depth]).itemsize * count
        slots = min(slots, 3)
        number = server.ring_number()
        size = slot_bytes * slots
        memory = os.memfd_create("ring", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
        os.ftruncate(memory, size // 2 if faults.short_memory else size)
        if faults.seal:
            fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        import mmap

        view = memoryview(mmap.mmap(memory, 0))
        self.sources[number] = Open(
            kind, depth, width, height, names[0], names[1], number, view, slot_bytes, slots, list(range(slots))
        )
        said = {
            "source": number, "width": width, "height": height, "num": num or 24, "den": den or 1, "first": 0,
            "frames": server.frames, "radius": server.radius if kind == 3 else 0, "ring": number, "slots": slots,
            "bytes": slot_bytes, "depth": depth,
        } | faults.info  # fmt: skip
        info = struct.pack("<IIIIIqqIIHQB", *said.values()) + string(server.colour)
        self.send(INFO, request, info, None if faults.no_memory else [memory])
        os.close(memory)

    def _list(self, request: int, body: bytes) -> None:
        (first,) = struct.unpack("<I", body)
        entries = self.server.shots[first : first + 2]
        answer = struct.pack("<IIH", len(self.server.shots), first, len(entries))
        for place, shot in enumerate(entries, first):
            answer += string(shot) + string("/scans/R1.mkv") + struct.pack("<qqq", place * 48, 48, place * 48)
        self.send(CATALOGUE, request, answer)

    def _free_slot(self, source: Open) -> int:
        with self.slots:
            while not source.free:
                self.slots.wait()
            return source.free.pop()

    def _planes(self, source: Open, slot: int, index: int = 0) -> npt.NDArray[Any]:
        size = source.width * source.height * 3
        kind = TYPES[source.depth]
        offset = slot * source.slot_bytes + index * size * np.dtype(kind).itemsize
        flat = np.frombuffer(source.memory, kind, size, offset)
        return flat.reshape(3, source.height, source.width)

    def _before_frame(self, request: int) -> bool:
        """Faults that come before a frame; False where there is none to send."""
        faults = self.faults
        time.sleep(faults.delay)
        with self.server.lock:
            done = self.sent_frames
            self.sent_frames += 1
            dying = faults.deaths > 0
            if dying and done in (faults.die_after, faults.die_in_frame):
                faults.deaths -= 1
        if faults.mute_after >= 0 and done >= faults.mute_after:
            return False
        if dying and done == faults.die_in_frame:
            with self.sending:
                self.stream.sendall(struct.pack("<IHHQ", 80, FRAME, 0, request) + b"half")
        if dying and done in (faults.die_after, faults.die_in_frame):
            self.stream.shutdown(socket.SHUT_RDWR)
            return False
        if request in self.cancelled:
            self._error(request, 8, "cancelled")
            return False
        if faults.frame_error:
            self._error(request, 6, faults.frame_error)
            return False
        if faults.garbage:
            self.stream.sendall(faults.garbage)
            return False
        if faults.bye:
            self.send(BYE, 0, string("stopped by hand"))
            return False
        return True

    def _get(self, request: int, body: bytes) -> None:
        number, frame, width, height, draft = struct.unpack("<IqIIB", body)
        source = self.sources[number]
        self.server.record.gets.append((frame, width, height, draft))
        with self.server.lock:
            put_off = self.faults.busy > 0
            self.faults.busy -= put_off
        if put_off:
            self._error(request, 10, "busy")
            return
        if not self._before_frame(request):
            return
        width, height = width or source.width, height or source.height
        slot = self._free_slot(source)
        picture = samples(pattern(frame, width, height), source.depth)
        data = picture.tobytes()
        source.memory[slot * source.slot_bytes : slot * source.slot_bytes + len(data)] = data
        self._send_frame(request, source, number, slot, width, height, draft)

    def _send_frame(
        self, request: int, source: Open, number: int, slot: int, width: int, height: int, draft: int = 0
    ) -> None:
        row = width * np.dtype(TYPES[source.depth]).itemsize
        said = {
            "source": number, "ring": source.ring, "slot": slot, "offset": slot * source.slot_bytes, "stride": row,
            "plane": row * height, "width": width, "height": height, "depth": source.depth, "flags": draft,
        } | self.faults.frame  # fmt: skip
        self.send(FRAME, request, struct.pack("<IIIQIQIIBB", *said.values()) + string("fight-03"))

    def _reserve(self, request: int, body: bytes) -> None:
        source = self.sources[struct.unpack("<I", body)[0]]
        slot = self._free_slot(source)
        row = source.width * np.dtype(TYPES[source.depth]).itemsize
        said = {
            "ring": source.ring, "slot": slot, "offset": slot * source.slot_bytes, "stride": row,
            "plane": row * source.height, "frame": row * source.height * 3,
        } | self.faults.slot  # fmt: skip
        self.send(SLOT, request, struct.pack("<IIQIQQ", *said.values()))

    def _process(self, request: int, body: bytes) -> None:
        number, slot, frame, before, after = struct.unpack("<IIqHH", body)
        source = self.sources[number]
        first = [float(self._planes(source, slot, i)[0, 0, 0]) for i in range(before + 1 + after)]
        self.server.record.processed.append((frame, before, after, first))
        if not self._before_frame(request):
            with self.slots:
                source.free.append(slot)
                self.slots.notify_all()
            return
        turned = self._planes(source, slot, before)[:, ::-1, ::-1].copy()
        self._planes(source, slot)[:] = turned
        self._send_frame(request, source, number, slot, source.width, source.height)
