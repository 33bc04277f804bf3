"""Where server and client meet: a socket only its user can reach, and proof that the other end is that user's.

The folder is made with mode 0700 and refused if it is a link, somebody else's, or open to others; the socket has mode
0600; both sides ask the system whose process the other one is. A lock beside the socket tells a living server from one
that was killed. On Windows all of this is done with pipes, see `windows_pipe`.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from vsfilmrestore.errors import UsageError
from vsfilmrestore.serve import windows_api, windows_pipe
from vsfilmrestore.serve.windows_pipe import PipeListener, PipeStream

__all__ = [
    "AnyListener",
    "Listener",
    "Stream",
    "connect",
    "default_socket",
    "folder",
    "listen",
    "peer_of",
    "socket_of",
    "this_user",
    "token_for",
]

type Stream = socket.socket | PipeStream
"""A connection; pipes are those of Windows."""
type AnyListener = Listener | PipeListener

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_LONGEST: Final = 107 if sys.platform.startswith("linux") else 103
_LOCAL_PEERCRED: Final = 0x001
_SOL_LOCAL: Final = 0


def folder() -> Path:
    """The folder of the sockets; nothing is made. Windows has none."""
    if sys.platform == "win32":
        raise OSError("pipes lie in no folder")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime, "vsfilmrestore") if runtime else Path(f"/tmp/vsfilmrestore-{os.getuid()}")


def socket_of(name: str) -> Path:
    """Path of the socket, or pipe, of a server.

    Raises:
        UsageError: The name holds what no file name should.
    """
    if not _NAME.fullmatch(name):
        hint = "Use up to 32 letters, digits and - _ ."
        raise UsageError(f"'{name}' cannot be the name of a server", hint=hint)
    if sys.platform == "win32":
        return windows_pipe.path_of(name)
    return folder() / f"{name}.sock"


def default_socket(name: str = "") -> Path:
    """The socket a client talks to: of the server named, else ``VSFILMRESTORE_SOCKET``, else of ``default``."""
    if not name and (said := os.environ.get("VSFILMRESTORE_SOCKET")):
        return Path(said)
    return socket_of(name or "default")


@dataclass(slots=True)
class Listener:
    """A listening socket with the lock beside it.

    Attributes:
        path: The socket's path.
        socket: The socket.
        token: What a client has to say in HELLO; nothing here, the system tells who it is.
    """

    path: Path
    socket: socket.socket
    lock: IO[str]
    token: bytes = b""

    def close(self) -> None:
        """Stop listening and take socket and lock away."""
        self.socket.close()
        with suppress(OSError):
            self.path.unlink()
        with suppress(OSError):
            _lock_of(self.path).unlink()
        self.lock.close()


def listen(path: Path) -> AnyListener:
    """Listen on a socket of one's own. The socket of a server that was killed is replaced.

    Raises:
        UsageError: A server is running there, the folder is not safe, or the path is too long.
    """
    if sys.platform == "win32":
        return windows_pipe.listen(path)
    if len(os.fsencode(path)) > _LONGEST:
        raise UsageError("is too long a name for a socket", file=path, hint="Set XDG_RUNTIME_DIR to a shorter folder")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot be made ({error.strerror})", file=path.parent) from None
    _check_folder(path.parent)
    lock = _locked(path)
    try:
        with suppress(FileNotFoundError):
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                raise UsageError("is in the way: it is no socket", file=path, hint="Remove it, or take another --name")
            path.unlink()
        return Listener(path, _bound(path), lock)
    except BaseException:
        lock.close()
        raise


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _locked(path: Path) -> IO[str]:
    if sys.platform == "win32":
        raise OSError("pipes have no lock")
    import fcntl

    place = _lock_of(path)
    for _ in range(10):
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        lock = os.fdopen(descriptor, "r+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            process = lock.read().strip()
            lock.close()
            hint = "Stop it, or give this one another --name"
            raise UsageError(
                f"a server named {path.stem} is running" + (f" (process {process})" if process else ""), hint=hint
            ) from None
        with suppress(OSError):  # a server that ended just now may have taken the file away
            if os.stat(place).st_ino == os.fstat(descriptor).st_ino:
                lock.truncate(0)
                lock.write(str(os.getpid()))
                lock.flush()
                return lock
        lock.close()
    raise UsageError("cannot be locked", file=place)


def _bound(path: Path) -> socket.socket:
    if sys.platform == "win32":
        raise OSError("pipes are not bound")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    except OSError as error:
        listening.close()
        raise UsageError(f"cannot be listened on ({error.strerror})", file=path) from None
    finally:
        os.umask(before)
    listening.listen(16)
    return listening


def _check_folder(place: Path) -> None:
    """
    Raises:
        UsageError: The folder is a link, somebody else's, or open to others.
    """
    if sys.platform == "win32":
        raise OSError("pipes lie in no folder")
    facts = os.lstat(place)
    if not stat.S_ISDIR(facts.st_mode):
        raise UsageError("must be a folder, not a link or a file", file=place, hint="Remove it")
    if facts.st_uid != os.getuid():
        raise UsageError("belongs to somebody else", file=place, hint="Set XDG_RUNTIME_DIR to a folder of your own")
    if facts.st_mode & 0o077:
        raise UsageError("is open to others", file=place, hint=f"Close it with: chmod 700 {place}")


def connect(path: Path, timeout: float = 2.0) -> Stream:
    """A connection to a server of the same user.

    Raises:
        UsageError: The place is not safe, or the server is somebody else's.
        OSError: Nobody listens there.
    """
    if sys.platform == "win32":
        return windows_pipe.connect(path, timeout)
    if not path.parent.exists():
        raise FileNotFoundError(2, "no server is running", str(path))
    _check_folder(path.parent)
    facts = os.lstat(path)
    if not stat.S_ISSOCK(facts.st_mode) or facts.st_uid != os.getuid():
        raise UsageError("is no socket of yours", file=path)
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        stream.settimeout(timeout)
        stream.connect(str(path))
        if peer_of(stream) != this_user():
            raise UsageError("the server there is somebody else's", file=path)
        stream.settimeout(None)
    except BaseException:
        stream.close()
        raise
    return stream


def this_user() -> int | str:
    """The user whose process this is: a number, on Windows a security identifier."""
    if sys.platform == "win32":
        return windows_api.user_of(os.getpid())
    return os.getuid()


def token_for(path: Path) -> bytes:
    """What a client of that server has to say in HELLO: zeros but on Windows."""
    return windows_pipe.token_for(path) if sys.platform == "win32" else windows_pipe.NO_TOKEN


def peer_of(stream: Stream) -> int | str:
    """User of the process at the other end, as `this_user` names it.

    Raises:
        OSError: The system does not tell.
    """
    if not isinstance(stream, socket.socket):
        return stream.peer()
    if sys.platform.startswith("linux"):
        # struct ucred: process, user, group.
        raw = stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
        return int(struct.unpack("iII", raw)[1])
    raw = stream.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, 76)  # struct xucred: version, uid, groups
    return int(struct.unpack_from("2I", raw)[1])
