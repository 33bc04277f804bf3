"""One connection: bytes in, bytes out, and nobody waits for a client that does not read."""

from __future__ import annotations

import os
import queue
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import Final

from vsfilmrestore.serve import wire
from vsfilmrestore.serve.endpoint import Stream

__all__ = ["Link", "bound_sending", "receive"]

_BACKLOG: Final = 4096
"""Messages that may wait to be sent; who lets more pile up is dropped."""
_BACKLOG_BYTES: Final = 4 << 20
_BACKLOG_DESCRIPTORS: Final = 64
_SEND_SECONDS: Final = 10
_PIECE: Final = 1 << 16

type _Letter = tuple[bytes, int]


def receive(stream: Stream, size: int) -> tuple[bytes, list[int]]:
    """What comes, at most so many bytes, and the descriptors beside it; no bytes at the end.

    Raises:
        OSError: The connection is broken.
    """
    if sys.platform == "win32" or not isinstance(stream, socket.socket):
        return stream.recv(size), []
    data, descriptors, _, _ = socket.recv_fds(stream, size, 4)
    return data, descriptors


def bound_sending(stream: Stream, seconds: int = _SEND_SECONDS) -> None:
    """Sending fails with `OSError` when the other side has not read for so long."""
    if not isinstance(stream, socket.socket):
        stream.send_seconds = seconds
    elif sys.platform != "win32":
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", seconds, 0))


class Link:
    """A stream of messages with a thread of its own for sending."""

    def __init__(self, stream: Stream, name: str) -> None:
        self._stream = stream
        self._letters: queue.Queue[_Letter | None] = queue.Queue(_BACKLOG)
        self._counting = threading.Lock()
        self._bytes = self._descriptors = 0
        self._ended = threading.Event()
        self.heard = monotonic()
        """When something came last."""
        bound_sending(stream)
        self._writer = threading.Thread(target=self._write, name=f"{name} writes", daemon=True)
        self._writer.start()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def send(self, message: wire.Message, request: int = 0, descriptor: int = -1) -> None:
        """Send a message, with a descriptor beside it, which stays the caller's. Never waits."""
        data = wire.encode(message, request)
        if not self._counted(len(data), descriptor >= 0):
            self.end()
            return
        try:
            twin = os.dup(descriptor) if descriptor >= 0 else -1
        except OSError:  # this process has no more of them
            self.end()
            return
        try:
            if self._ended.is_set():
                raise queue.Full
            self._letters.put_nowait((data, twin))
        except queue.Full:
            _close(twin)
            self.end()

    def _counted(self, size: int, descriptor: bool, sign: int = 1) -> bool:
        """Count what waits to be sent; False where that is more than a client may let pile up."""
        with self._counting:
            self._bytes += sign * size
            self._descriptors += sign * descriptor
            return self._bytes <= _BACKLOG_BYTES and self._descriptors <= _BACKLOG_DESCRIPTORS

    def messages(self) -> Iterator[tuple[int, wire.Message]]:
        """What comes in, until the connection ends.

        Raises:
            WireError: The other side breaks the rules.
        """
        stream = wire.Stream()
        while not self._ended.is_set():
            try:
                data = self._stream.recv(_PIECE)
            except OSError:
                return
            if not data:
                return
            self.heard = monotonic()
            yield from stream.feed(data)

    def finish(self, seconds: float = 1.0) -> None:
        """End the connection when all that waits has been sent, or after some time."""
        with suppress(queue.Full):
            self._letters.put_nowait(None)
            self._writer.join(seconds)
        self.end()

    def end(self) -> None:
        """End the connection at once."""
        self._ended.set()
        with suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)
        with suppress(queue.Full):
            self._letters.put_nowait(None)

    def close(self) -> None:
        """Let go of the stream; only whoever reads `messages` calls it, when it is done."""
        self.end()
        if threading.current_thread() is not self._writer:
            self._writer.join(_SEND_SECONDS + 1)
        self._stream.close()

    def _write(self) -> None:
        while (letter := self._letters.get()) is not None:
            try:
                self._post(*letter)
            except OSError:
                self.end()
                break
            self._counted(len(letter[0]), letter[1] >= 0, -1)
        while True:  # descriptors that are not sent are closed
            try:
                rest = self._letters.get_nowait()
            except queue.Empty:
                return
            if rest is not None:
                _close(rest[1])

    def _post(self, data: bytes, descriptor: int) -> None:
        try:
            sent = 0
            if descriptor >= 0 and sys.platform != "win32" and isinstance(self._stream, socket.socket):
                sent = socket.send_fds(self._stream, [data], [descriptor])
            self._stream.sendall(data[sent:])
        finally:
            _close(descriptor)


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)
