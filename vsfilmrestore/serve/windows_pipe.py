"""Named pipes in the place of sockets, and the token that proves who may read the user's files. Written, not run.

Both directions of a pipe are used at once, by two threads, so every transfer is an overlapped one; each waits for an
event beside it, which ends it. What calls the system is in `windows_api`.
"""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import IO, Final

from vsfilmrestore.errors import UsageError
from vsfilmrestore.serve import windows_api as api

__all__ = [
    "NO_TOKEN",
    "PipeDoor",
    "PipeListener",
    "PipeStream",
    "connect",
    "listen",
    "path_of",
    "token_for",
    "token_of",
]

NO_TOKEN: Final = bytes(32)
"""Token of a client that has none."""

_FOLDER: Final = "\\\\.\\pipe\\"
_MOST_AT_ONCE: Final = 1 << 16


def _beginning() -> str:
    return f"{_FOLDER}vsfilmrestore-{os.environ.get('USERNAME', '')}-"


def path_of(name: str) -> Path:
    """Path of the pipe of a server."""
    return Path(_beginning() + name)


def token_of(name: str) -> Path:
    """Path of the token of a server.

    Raises:
        UsageError: The system does not say where programs keep what is theirs.
    """
    place = os.environ.get("LOCALAPPDATA")
    if not place:
        raise UsageError("LOCALAPPDATA is not set", hint="Set it to a folder that is yours alone")
    return Path(place, "vsfilmrestore", f"{name}.token")


def token_for(path: Path) -> bytes:
    """The token for the server of a pipe; zeros, which no server takes, where there is none."""
    pipe = str(path)
    if not pipe.lower().startswith(_beginning().lower()):
        return NO_TOKEN
    try:
        token = token_of(pipe[len(_beginning()) :]).read_bytes()
    except (OSError, UsageError):
        return NO_TOKEN
    return token if len(token) == len(NO_TOKEN) else NO_TOKEN


class _Stoppable:
    """What may be ended while a thread is at it. `_gate` guards the event against being set when it is closed."""

    def __init__(self) -> None:
        self._stop = api.event()
        self._gate = threading.Lock()
        self._ended = self._closed = False

    def shutdown(self, how: int = 0) -> None:
        """End what is under way, and all that would come after it."""
        with self._gate:
            self._ended = True
            if not self._closed:
                api.set_event(self._stop)


class PipeStream(_Stoppable):
    """One end of a connection; has what is used of a socket. One thread may read while another writes."""

    def __init__(self, handle: int, *, serves: bool) -> None:
        """
        Args:
            handle: The pipe, opened for overlapped transfers; it is the stream's from now on.
            serves: Whether it is the server's end.
        """
        self._handle, self._serves = handle, serves
        try:
            super().__init__()
        except BaseException:
            api.close(handle)
            raise
        self._reading, self._writing = threading.Lock(), threading.Lock()
        self.send_seconds: float | None = None
        """How long `sendall` waits for the other end to take something; None: for ever."""

    def peer(self) -> str:
        """User of the process at the other end.

        Raises:
            OSError: The system does not tell.
        """
        return api.user_of(api.other_process(self._handle, serves=self._serves))

    def recv(self, size: int) -> bytes:
        """What comes, at most so many bytes; nothing at the end."""
        with self._reading:
            if self._ended:
                return b""
            try:
                return api.read(self._handle, size, self._stop)
            except BrokenPipeError:
                return b""

    def sendall(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            OSError: The connection has ended, or the other end takes nothing.
        """
        rest = memoryview(data)
        limit = None if self.send_seconds is None else int(1000 * self.send_seconds)
        with self._writing:
            while rest:
                sent = 0 if self._ended else api.write(self._handle, rest[:_MOST_AT_ONCE], self._stop, limit)
                if not sent:
                    raise BrokenPipeError("the other end does not listen any more")
                rest = rest[sent:]

    def close(self) -> None:
        """Let go of the pipe, when nobody is at it any more. What was sent can still be read at the other end."""
        self.shutdown()
        with self._reading, self._writing, self._gate:
            if not self._closed:
                self._closed = True
                api.close(self._handle)
                api.close(self._stop)


class PipeDoor(_Stoppable):
    """Where clients come in; has what is used of a listening socket. One thread accepts."""

    def __init__(self, name: str) -> None:
        """
        Raises:
            OSError: The pipe cannot be made, or there is one of that name.
        """
        super().__init__()
        self._name = name
        try:
            self._next: int | None = api.create_pipe(name, first=True)
        except BaseException:
            api.close(self._stop)
            raise
        self._accepting = threading.Lock()

    def accept(self) -> tuple[PipeStream, str]:
        """Wait for a client. There is always an instance for the one after it, so the name is never up for taking.

        Raises:
            OSError: It was shut down, or no more instances can be had; then it may be tried again.
        """
        with self._accepting:
            if self._ended:
                raise BrokenPipeError("nobody is let in any more")
            if self._next is None:
                self._next = api.create_pipe(self._name, first=False)
            try:
                came = api.accept(self._next, self._stop)
            except OSError:
                api.close(self._renew())
                raise
            if not came:
                raise BrokenPipeError("nobody is let in any more")
            return PipeStream(self._renew(), serves=True), self._name

    def _renew(self) -> int:
        """The instance that was waited on; another one takes its place."""
        assert self._next is not None
        here, self._next = self._next, None
        with suppress(OSError):  # tried again by the next `accept`
            self._next = api.create_pipe(self._name, first=False)
        return here

    def close(self) -> None:
        """Let go of the pipe."""
        self.shutdown()
        with self._accepting, self._gate:
            if self._closed:
                return
            self._closed = True
            if self._next is not None:
                api.close(self._next)
            api.close(self._stop)


@dataclass(slots=True)
class PipeListener:
    """A pipe that is listened on, and the token beside it.

    Attributes:
        path: The pipe's path.
        socket: Where clients come in.
        token: What a client has to say in HELLO.
    """

    path: Path
    socket: PipeDoor
    token: bytes
    _place: Path
    _file: IO[bytes]

    def close(self) -> None:
        """Stop listening and take the token away."""
        self.socket.close()
        self._file.close()
        with suppress(OSError):
            self._place.unlink()


def listen(path: Path) -> PipeListener:
    """Listen on a pipe of one's own.

    The server keeps the file of its token open, so that no other one can replace it while it lives: that is the lock.

    Raises:
        UsageError: A server is running there, or somebody else has taken the name of the pipe.
    """
    name = str(path)[len(_beginning()) :]
    place = token_of(name)
    token = secrets.token_bytes(len(NO_TOKEN))
    file = _written(place, name, token)
    try:
        return PipeListener(path, PipeDoor(str(path)), token, place, file)
    except OSError as error:
        file.close()
        with suppress(OSError):
            place.unlink()
        hint = "Another program may have that name; take another --name"
        raise UsageError(f"cannot be listened on ({error.strerror})", file=path, hint=hint) from None


def _written(place: Path, name: str, token: bytes) -> IO[bytes]:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot be made ({error.strerror})", file=place.parent) from None
    try:
        with suppress(FileNotFoundError):
            place.unlink()  # of a server that was killed; an old file would keep its old rights
        file = os.fdopen(api.create_private(str(place)), "wb", buffering=0)
    except (PermissionError, FileExistsError):
        hint = "Stop it, or give this one another --name"
        raise UsageError(f"a server named {name} is running, and keeps {place}", hint=hint) from None
    except OSError as error:
        raise UsageError(f"cannot be written ({error.strerror})", file=place) from None
    try:
        file.write(token)
    except OSError as error:
        file.close()
        raise UsageError(f"cannot be written ({error.strerror})", file=place) from None
    return file


def connect(path: Path, timeout: float = 2.0) -> PipeStream:
    """A connection to a server of the same user.

    Raises:
        UsageError: The server is somebody else's.
        OSError: Nobody listens there.
    """
    until = monotonic() + timeout
    while True:
        try:
            stream = PipeStream(api.open_pipe(str(path)), serves=False)
            break
        except OSError as error:
            left = until - monotonic()
            if getattr(error, "winerror", 0) != api.PIPE_BUSY or left <= 0:
                raise
            api.wait_for_pipe(str(path), int(1000 * left))
    try:
        if stream.peer() != api.user_of(os.getpid()):
            raise UsageError("the server there is somebody else's", file=path)
    except BaseException:
        stream.close()
        raise
    return stream
