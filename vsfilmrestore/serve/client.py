"""A client of the frame server, for tests and scripts.

>>> with Client.connect() as client:
...     for shot in client.shots():
...         print(shot.shot, shot.frames)
...     reel = client.reel(depth=FLOAT)
...     with reel.frame(12) as picture:
...         red, green, blue = picture.planes
"""

from __future__ import annotations

import mmap
import os
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from vsfilmrestore.errors import RenderError
from vsfilmrestore.serve import wire
from vsfilmrestore.serve.endpoint import Stream, connect, default_socket, token_for
from vsfilmrestore.serve.link import bound_sending, receive
from vsfilmrestore.serve.ring import DEPTHS, Layout, Plane, attach

__all__ = ["BYTE", "FLOAT", "HALF", "SHORT", "Client", "Picture", "RemoteSource", "ServerError", "ServerGoneError"]

BYTE, SHORT, HALF, FLOAT = range(4)
"""Depths."""

_SECONDS: Final = 60.0
_PIECE: Final = 1 << 16


class ServerError(RenderError):
    """The server refused or could not do what was asked.

    Attributes:
        code: Code of the ERROR, see `wire.ErrorCode`.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class ServerGoneError(ServerError):
    """The connection ended before the answer came."""

    def __init__(self, why: str) -> None:
        super().__init__(0, why or "the server is gone")


@dataclass(slots=True)
class Picture:
    """A frame in shared memory, lent until `release`; leaving a ``with`` block releases it.

    Attributes:
        planes: Red, green, blue; top row first; arrays that lie in the shared memory.
        shot: Shot it belongs to.
        draft: Whether it is the scan's frame, because the restored one was not at hand.
    """

    planes: list[Plane]
    shot: str
    draft: bool
    _source: RemoteSource
    _slot: int

    def copy(self) -> list[Plane]:
        """The planes as arrays of their own; releases the picture."""
        copies = [np.array(plane) for plane in self.planes]
        self.release()
        return copies

    def release(self) -> None:
        """Give the slot back."""
        if self._slot >= 0:
            self._source.release(self._slot)
        self._slot, self.planes = -1, []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


@dataclass(slots=True)
class RemoteSource:
    """A source that the server opened.

    Attributes:
        client: The client.
        info: What the server told of it.
        memory: The ring.
    """

    client: Client
    info: wire.Info
    memory: mmap.mmap

    def ask(self, frame: int, *, width: int = 0, height: int = 0, draft: bool = False) -> Future[Picture]:
        """Ask for a frame; cancelling the future tells the server."""
        return self.client.ask(wire.Get(self.info.source, frame, width, height, int(draft)), self)

    def frame(
        self, frame: int, *, width: int = 0, height: int = 0, draft: bool = False, timeout: float = _SECONDS
    ) -> Picture:
        """A frame, waited for.

        Raises:
            ServerError: It cannot be had.
            TimeoutError: It did not come in time.
        """
        future = self.ask(frame, width=width, height=height, draft=draft)
        return _waited(future, timeout)

    def process(
        self, frames: Sequence[Sequence[Plane]], before: int, number: int = 0, *, timeout: float = _SECONDS
    ) -> Picture:
        """Run frames of one's own through the recipe of the source.

        Args:
            frames: Planes of each frame, the oldest first.
            before: Which of them is wanted.
            number: Its number.
            timeout: Seconds to wait.

        Raises:
            ServerError: It cannot be done.
            TimeoutError: It did not come in time.
        """
        slot = _waited(self.client.reserve(self.info.source), timeout)
        try:
            self._write(frames, slot)
        except BaseException:
            self.release(slot.slot)
            raise
        ask = wire.Process(self.info.source, slot.slot, number, before, len(frames) - 1 - before)
        return _waited(self.client.ask(ask, self), timeout)

    def _write(self, frames: Sequence[Sequence[Plane]], slot: wire.Slot) -> None:
        layout = Layout(self.info.width, self.info.height, self.info.depth)
        if slot.stride != layout.stride or slot.plane != layout.plane or slot.frame != layout.frame:
            raise ServerError(wire.ErrorCode.BROKEN, "the server lays pictures out in a way that is not known")
        self._check(slot.offset + len(frames) * slot.frame)
        for index, planes in enumerate(frames):
            for mine, theirs in zip(planes, layout.planes(self.memory, slot.offset + index * slot.frame), strict=True):
                np.copyto(theirs, mine)

    def release(self, slot: int) -> None:
        """Give a slot back."""
        self.client.send(wire.Release(self.info.ring, slot))

    def close(self) -> None:
        """Close the source; its pictures are not to be looked at any more."""
        self.client.close_source(self)

    def _check(self, end: int) -> None:
        if end > self.info.slots * self.info.slot_bytes:
            raise ServerError(wire.ErrorCode.BROKEN, "the server speaks of memory that is not there")

    def picture(self, message: wire.FrameMessage) -> Picture:
        """The picture a FRAME tells of.

        Raises:
            ServerError: It would lie outside of the memory.
        """
        dtype = DEPTHS[message.depth] if message.depth < len(DEPTHS) else None
        if dtype is None or message.ring != self.info.ring or not message.width or not message.height:
            raise ServerError(wire.ErrorCode.BROKEN, "the server sent a frame that cannot be")
        if message.stride < message.width * dtype.itemsize or message.plane < message.stride * message.height:
            raise ServerError(wire.ErrorCode.BROKEN, "the rows of a frame overlap")
        self._check(message.offset + 3 * message.plane)
        shape, strides = (message.height, message.width), (message.stride, dtype.itemsize)
        starts = [message.offset + plane * message.plane for plane in range(3)]
        planes: list[Plane] = [np.ndarray(shape, dtype, self.memory, start, strides) for start in starts]
        return Picture(planes, message.shot, bool(message.flags & 1), self, message.slot)


@dataclass(slots=True)
class _Waiting:
    future: Future[object]
    source: RemoteSource | None = None


@dataclass(slots=True)
class _Inbox:
    """Descriptors that came, in their order."""

    descriptors: list[int] = field(default_factory=list)


class Client:
    """A connection to a server. Safe to be used from several threads."""

    def __init__(
        self, stream: Stream, host: str = "python", *, timeout: float = _SECONDS, token: bytes = bytes(32)
    ) -> None:
        """
        Raises:
            ServerError: The server does not take us, or speaks another version.
            TimeoutError: It does not answer.
        """
        self._stream, self._lock = stream, threading.Lock()
        bound_sending(stream)
        self._requests = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._inbox = _Inbox()
        self._gone = ""
        self.status = ""
        """What the server told last."""
        self._reader = threading.Thread(target=self._read, name="frame client", daemon=True)
        self._reader.start()
        try:
            answer = _waited(self._ask(wire.Hello(process=os.getpid(), host=host, token=token)), timeout)
            if not isinstance(answer, wire.Welcome) or answer.major != wire.MAJOR:
                raise ServerError(wire.ErrorCode.VERSION, "the server speaks another version")
        except BaseException:
            self.close()
            raise
        self.welcome = answer

    @classmethod
    def connect(cls, place: Path | str = "", *, host: str = "python", timeout: float = _SECONDS) -> Self:
        """Connect to the server of that name or socket; ``VSFILMRESTORE_SOCKET`` or ``default`` if not given.

        Raises:
            UsageError: The place is not safe.
            OSError: No server is there.
            ServerError: The server does not take us.
        """
        path = place if isinstance(place, Path) else default_socket(place)
        return cls(connect(path), host, timeout=timeout, token=token_for(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def shots(self, *, timeout: float = _SECONDS) -> list[wire.Entry]:
        """The catalogue."""
        entries: list[wire.Entry] = []
        while True:
            answer = _waited(self._ask(wire.ListShots(len(entries))), timeout)
            assert isinstance(answer, wire.Catalogue)
            entries += answer.entries
            if len(entries) >= answer.all or not answer.entries:
                return entries

    def reel(self, *, depth: int = SHORT, slots: int = 4, timeout: float = _SECONDS) -> RemoteSource:
        """Open the reel."""
        return self.open(wire.Open(0, depth, slots), timeout=timeout)

    def shot(self, name: str, *, depth: int = SHORT, slots: int = 4, timeout: float = _SECONDS) -> RemoteSource:
        """Open a shot."""
        return self.open(wire.Open(1, depth, slots, name=name), timeout=timeout)

    def file(self, name: str, *, depth: int = SHORT, slots: int = 4, timeout: float = _SECONDS) -> RemoteSource:
        """Open a scan by its path."""
        return self.open(wire.Open(2, depth, slots, name=name), timeout=timeout)

    def through(
        self,
        settings: str,
        width: int,
        height: int,
        rate: Fraction,
        *,
        depth: int = FLOAT,
        slots: int = 2,
        timeout: float = _SECONDS,
    ) -> RemoteSource:
        """Open a recipe for frames of one's own."""
        size = width, height, rate.numerator, rate.denominator
        return self.open(wire.Open(3, depth, slots, *size, settings=settings), timeout=timeout)

    def open(self, message: wire.Open, *, timeout: float = _SECONDS) -> RemoteSource:
        """Open a source.

        Raises:
            ServerError: It is not served.
            OSError: Its memory is not what the server said.
        """
        source = _waited(self._ask(message), timeout)
        assert isinstance(source, RemoteSource)
        return source

    def _opened(self, info: wire.Info) -> RemoteSource:
        """A source with the memory that came with its INFO; on the reading thread, so that none gets another's."""
        descriptor = self._inbox.descriptors.pop(0) if self._inbox.descriptors else -1
        try:
            size = info.slots * info.slot_bytes
            return RemoteSource(self, info, attach(descriptor, size, process=self.welcome.process, number=info.ring))
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def ask(self, message: wire.Message, source: RemoteSource) -> Future[Picture]:
        """Send a request that is answered with a picture."""
        return self._ask(message, source)  # type: ignore[return-value]

    def reserve(self, source: int) -> Future[wire.Slot]:
        """Ask for a slot to write into."""
        return self._ask(wire.Reserve(source))  # type: ignore[return-value]

    def close_source(self, source: RemoteSource) -> None:
        """Tell the server that a source is not asked for any more."""
        self.send(wire.Close(source.info.source))

    def ping(self, timeout: float = _SECONDS) -> None:
        """Wait until the server answers."""
        _waited(self._ask(wire.Ping()), timeout)

    def send(self, message: wire.Message, request: int = 0) -> None:
        """Send a message; that a server is gone is told to who waits for answers."""
        with self._lock:
            try:
                self._stream.sendall(wire.encode(message, request or next(self._requests)))
            except OSError:  # part of a message may have gone, so nothing can follow it
                with suppress(OSError):
                    self._stream.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection."""
        self.send(wire.Bye())
        with suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)
        self._reader.join(5)
        self._stream.close()
        for descriptor in self._inbox.descriptors:
            os.close(descriptor)
        self._inbox.descriptors.clear()

    def _ask(self, message: wire.Message, source: RemoteSource | None = None) -> Future[object]:
        future: Future[object] = Future()
        request = next(self._requests)
        with self._lock:
            gone = self._gone
            if not gone:
                self._waiting[request] = _Waiting(future, source)
        if gone:
            future.set_exception(ServerGoneError(gone))
            return future
        future.add_done_callback(lambda done: self.send(wire.Cancel(request)) if done.cancelled() else None)
        self.send(message, request)
        return future

    def _read(self) -> None:
        stream, why = wire.Stream(), ""
        try:
            while True:
                data, descriptors = receive(self._stream, _PIECE)
                self._inbox.descriptors += descriptors
                if not data:
                    break
                for request, message in stream.feed(data):
                    if isinstance(message, wire.Bye):
                        why = message.why
                    else:
                        self._answer(request, message)
        except (OSError, wire.WireError) as error:
            why = why or str(error)
        self._end(why or "the server is gone")

    def _end(self, why: str) -> None:
        with self._lock:
            self._gone = why
            waiting, self._waiting = list(self._waiting.values()), {}
        for each in waiting:
            if each.future.set_running_or_notify_cancel():
                each.future.set_exception(ServerGoneError(why))

    def _answer(self, request: int, message: wire.Message) -> None:
        if isinstance(message, wire.Ping):
            self.send(wire.Pong(), request)
            return
        if isinstance(message, wire.Status):
            self.status = message.text
            return
        result: object = message
        if isinstance(message, wire.Info):
            try:
                result = self._opened(message)
            except (OSError, ValueError, OverflowError) as error:
                result = error
        waiting = self._waiting.pop(request, None)
        if waiting is None:
            return
        if isinstance(message, wire.ErrorMessage):
            result = ServerError(message.code, message.text)
        elif isinstance(message, wire.FrameMessage) and waiting.source is not None:
            try:
                result = waiting.source.picture(message)
            except ServerError as error:
                result = error
        if not waiting.future.set_running_or_notify_cancel():
            _give_back(self, message)
        elif isinstance(result, Exception):
            waiting.future.set_exception(result)
        else:
            waiting.future.set_result(result)


def _give_back(client: Client, message: wire.Message) -> None:
    """What was cancelled came all the same."""
    if isinstance(message, wire.FrameMessage | wire.Slot):
        client.send(wire.Release(message.ring, message.slot))
    elif isinstance(message, wire.Info):
        client.send(wire.Close(message.source))


def _waited[T](future: Future[T], timeout: float) -> T:
    try:
        return future.result(timeout)
    except TimeoutError:
        if not future.cancel():  # it came just now; a picture that nobody got would keep its slot
            return future.result()
        raise
