"""What the frame server needs of Windows: pipes, file mappings and rights for one user. Written, not run.

Everything that calls the system is here. Pipes go through ``_winapi``, as those of `multiprocessing` do: it keeps the
buffer of a transfer alive until the system is done with it. Rights and users go through ctypes. Importing it is
harmless elsewhere, calling it is not.

Sources: the reference of CreateNamedPipe, GetNamedPipeClientProcessId, CreateFileMapping and of the security
descriptor language (SDDL) in Microsoft's documentation of the Windows API.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

__all__ = [
    "PIPE_BUSY",
    "SecurityAttributes",
    "TokenUser",
    "accept",
    "close",
    "create_mapping",
    "create_pipe",
    "create_private",
    "event",
    "open_mapping",
    "open_pipe",
    "other_process",
    "private_rights",
    "read",
    "set_event",
    "user_of",
    "wait_for_pipe",
    "write",
]

PIPE_BUSY: Final = 231
"""``winerror`` where all instances of a pipe are taken."""

_FIRST_INSTANCE: Final = 0x0008_0000
_OVERLAPPED: Final = 0x4000_0000
_DUPLEX: Final = 0x3
_BYTES: Final = 0x0
_REJECT_REMOTE: Final = 0x8
_INSTANCES: Final = 255  # no bound; the server has its own
_BUFFER: Final = 1 << 16
_READ_WRITE: Final = 0xC000_0000
_WRITE: Final = 0x4000_0000
_SHARE_READ: Final = 0x1
_CREATE_NEW: Final = 1
_OPEN_EXISTING: Final = 3
_NORMAL_FILE: Final = 0x80
_IDENTIFY: Final = 0x0011_0000  # the server may know who we are, and not act as us
_PAGE_READ_WRITE: Final = 0x4
_MAP_READ_WRITE: Final = 0x6
_NO_FILE: Final = (1 << 8 * ctypes.sizeof(ctypes.c_void_p)) - 1  # INVALID_HANDLE_VALUE
_ALREADY_EXISTS: Final = 183
_NO_DATA: Final = 232
_IO_PENDING: Final = 997
_FOREVER: Final = 0xFFFF_FFFF
_QUERY_PROCESS: Final = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
_QUERY_TOKEN: Final = 0x8
_TOKEN_USER: Final = 1
_SDDL_REVISION: Final = 1


class SecurityAttributes(ctypes.Structure):
    """SECURITY_ATTRIBUTES."""

    _fields_ = (("size", ctypes.c_uint32), ("descriptor", ctypes.c_void_p), ("inherited", ctypes.c_int32))


class TokenUser(ctypes.Structure):
    """TOKEN_USER."""

    _fields_ = (("sid", ctypes.c_void_p), ("attributes", ctypes.c_uint32))


def private_rights(user: str) -> str:
    """Rights of something that belongs to one user, who alone may do anything with it; nothing is inherited (SDDL)."""
    return f"O:{user}D:P(A;;GA;;;{user})"


def _elsewhere() -> OSError:
    return OSError("that is there on Windows only")


def _function(library: str, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    if sys.platform != "win32":
        raise _elsewhere()
    found = ctypes.WinDLL(library, use_last_error=True)[name]
    found.restype, found.argtypes = result, arguments
    return found


def _checked(library: str, name: str, *arguments: tuple[Any, Any]) -> None:
    """Call what answers 0 where it failed; arguments are pairs of a type and a value."""
    if sys.platform != "win32":
        raise _elsewhere()
    call = _function(library, name, ctypes.c_int32, *(kind for kind, _ in arguments))
    if not call(*(value for _, value in arguments)):
        raise ctypes.WinError(ctypes.get_last_error())


def _free(place: Any) -> None:
    _function("kernel32", "LocalFree", ctypes.c_void_p, ctypes.c_void_p)(place)


@contextmanager
def _private() -> Iterator[int]:
    """Address of security attributes with which only this user gets at what is made."""
    descriptor = ctypes.c_void_p()
    name = "ConvertStringSecurityDescriptorToSecurityDescriptorW"
    rights = (ctypes.c_wchar_p, private_rights(user_of(os.getpid())))
    into = (ctypes.c_void_p, ctypes.addressof(descriptor))
    _checked("advapi32", name, rights, (ctypes.c_uint32, _SDDL_REVISION), into, (ctypes.c_void_p, None))
    try:
        attributes = SecurityAttributes(ctypes.sizeof(SecurityAttributes), descriptor, 0)
        yield ctypes.addressof(attributes)
    finally:
        _free(descriptor)


def close(handle: int) -> None:
    """Let go of a handle."""
    if sys.platform != "win32":
        raise _elsewhere()
    import _winapi

    _winapi.CloseHandle(handle)


def event() -> int:
    """An event that stays set once it is."""
    if sys.platform != "win32":
        raise _elsewhere()
    types = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, ctypes.c_wchar_p
    made = _function("kernel32", "CreateEventW", ctypes.c_void_p, *types)(None, True, False, None)
    if not made:
        raise ctypes.WinError(ctypes.get_last_error())
    return int(made)


def set_event(handle: int) -> None:
    """Set an event; whoever waits for it goes on."""
    _checked("kernel32", "SetEvent", (ctypes.c_void_p, handle))


def create_pipe(name: str, *, first: bool) -> int:
    """One instance of a pipe of bytes that only this user, on this computer, can open.

    Args:
        name: ``\\\\.\\pipe\\...``.
        first: Fail where there is an instance already, whoever made it.

    Raises:
        OSError: It cannot be made.
    """
    if sys.platform != "win32":
        raise _elsewhere()
    import _winapi

    mode = _DUPLEX | _OVERLAPPED | (_FIRST_INSTANCE if first else 0)
    with _private() as rights:
        return _winapi.CreateNamedPipe(name, mode, _BYTES | _REJECT_REMOTE, _INSTANCES, _BUFFER, _BUFFER, 0, rights)


def open_pipe(name: str) -> int:
    """The client's end of a pipe.

    Raises:
        OSError: Nobody listens there; with ``winerror`` `PIPE_BUSY` it may be tried again.
    """
    if sys.platform != "win32":
        raise _elsewhere()
    import _winapi

    return _winapi.CreateFile(name, _READ_WRITE, 0, 0, _OPEN_EXISTING, _OVERLAPPED | _IDENTIFY, 0)


def wait_for_pipe(name: str, milliseconds: int) -> None:
    """Wait until an instance may be free, or the time is over."""
    if sys.platform != "win32":
        raise _elsewhere()
    import _winapi

    with suppress(OSError):  # trying to open it tells the rest
        _winapi.WaitNamedPipe(name, max(1, milliseconds))


def _finished(transfer: Any, pending: bool, stop: int, milliseconds: int) -> tuple[bool, int]:
    """Wait for a transfer, which is over in any case then: whether it was neither stopped nor late, and its bytes."""
    if sys.platform != "win32":
        raise _elsewhere()
    import _winapi

    ready = True
    try:
        if pending:
            ready = _winapi.WaitForMultipleObjects([transfer.event, stop], False, milliseconds) == 0
    except BaseException:
        ready = False
        raise
    finally:
        if not ready:
            transfer.cancel()
        done, error = transfer.GetOverlappedResult(True)
    return ready and not error, done


def accept(handle: int, stop: int) -> bool:
    """Wait for a client of an instance; False where `stop` was set first.

    Raises:
        OSError: The instance is of no use any more.
    """
    if sys.platform != "win32":
        raise _elsewhere()
    import _winapi

    try:
        transfer = _winapi.ConnectNamedPipe(handle, overlapped=True)
    except OSError as error:
        if error.winerror == _NO_DATA:  # it came, and went at once: reading tells
            return True
        raise
    return _finished(transfer, True, stop, _FOREVER)[0]


def read(handle: int, size: int, stop: int) -> bytes:
    """What comes, at most so many bytes; nothing where `stop` was set.

    Raises:
        OSError: The other end is gone.
    """
    if sys.platform != "win32":
        raise _elsewhere()
    import _winapi

    transfer, error = _winapi.ReadFile(handle, size, overlapped=True)
    ready, done = _finished(transfer, error == _IO_PENDING, stop, _FOREVER)
    return bytes(transfer.getbuffer() or b"")[:done] if ready else b""


def write(handle: int, data: bytes | memoryview, stop: int, milliseconds: int | None) -> int:
    """Write; how many bytes the system took, 0 where `stop` was set or the time was over.

    Raises:
        OSError: The other end is gone.
    """
    if sys.platform != "win32":
        raise _elsewhere()
    import _winapi

    transfer, error = _winapi.WriteFile(handle, data, overlapped=True)
    limit = _FOREVER if milliseconds is None else milliseconds
    ready, done = _finished(transfer, error == _IO_PENDING, stop, limit)
    return done if ready else 0


def other_process(handle: int, *, serves: bool) -> int:
    """Number of the process at the other end of a pipe.

    Args:
        handle: This end.
        serves: Whether this end is the server's.

    Raises:
        OSError: The system does not tell.
    """
    process = ctypes.c_uint32()
    name = "GetNamedPipeClientProcessId" if serves else "GetNamedPipeServerProcessId"
    _checked("kernel32", name, (ctypes.c_void_p, handle), (ctypes.c_void_p, ctypes.addressof(process)))
    return process.value


def user_of(process: int) -> str:
    """User of a process, as a security identifier (``S-1-5-21-...``).

    Raises:
        OSError: The system does not tell; so it is with processes that run with more rights than this one.
    """
    if sys.platform != "win32":
        raise _elsewhere()
    import _winapi

    handle, token = _winapi.OpenProcess(_QUERY_PROCESS, False, process), ctypes.c_void_p()
    try:
        wanted = (ctypes.c_uint32, _QUERY_TOKEN), (ctypes.c_void_p, ctypes.addressof(token))
        _checked("advapi32", "OpenProcessToken", (ctypes.c_void_p, handle), *wanted)
        try:
            return _user_of_token(token)
        finally:
            _winapi.CloseHandle(token.value or 0)
    finally:
        _winapi.CloseHandle(handle)


def _user_of_token(token: ctypes.c_void_p) -> str:
    room = ctypes.create_string_buffer(256)  # the structure and the longest identifier, of 68 bytes, behind it
    used = ctypes.c_uint32()
    into = (ctypes.c_void_p, ctypes.addressof(room)), (ctypes.c_uint32, len(room))
    told = (ctypes.c_void_p, ctypes.addressof(used))
    _checked("advapi32", "GetTokenInformation", (ctypes.c_void_p, token), (ctypes.c_int32, _TOKEN_USER), *into, told)
    text = ctypes.c_void_p()
    sid = (ctypes.c_void_p, TokenUser.from_buffer(room).sid)
    _checked("advapi32", "ConvertSidToStringSidW", sid, (ctypes.c_void_p, ctypes.addressof(text)))
    try:
        return ctypes.wstring_at(text.value or 0)
    finally:
        _free(text)


def create_private(path: str) -> int:
    """A new file that only this user gets at, as a descriptor to write to. While it is open others may read it only.

    Raises:
        FileExistsError: It is there already.
        OSError: It cannot be made.
    """
    if sys.platform != "win32":
        raise _elsewhere()
    import _winapi
    import msvcrt

    with _private() as rights:
        handle = _winapi.CreateFile(path, _WRITE, _SHARE_READ, rights, _CREATE_NEW, _NORMAL_FILE, 0)
    return msvcrt.open_osfhandle(handle, os.O_WRONLY | os.O_BINARY | os.O_NOINHERIT)


def create_mapping(name: str, size: int) -> mmap.mmap:
    """New memory of that name, for this user alone.

    Raises:
        OSError: There is not as much, or something has that name.
    """
    if sys.platform != "win32":
        raise _elsewhere()
    import _winapi

    with _private() as rights:
        handle = _winapi.CreateFileMapping(_NO_FILE, rights, _PAGE_READ_WRITE, size >> 32, size & 0xFFFF_FFFF, name)
        error = _winapi.GetLastError()
    try:
        if error == _ALREADY_EXISTS:
            raise FileExistsError(error, "memory of that name is there already", name)
        return mmap.mmap(-1, size, tagname=name)  # the same memory, which lives as long as a handle of it
    finally:
        _winapi.CloseHandle(handle)


def open_mapping(name: str, size: int) -> mmap.mmap:
    """Memory that is there; never new memory.

    Raises:
        OSError: It is not there, not this user's, or smaller than that.
    """
    if sys.platform != "win32":
        raise _elsewhere()
    import _winapi

    handle = _winapi.OpenFileMapping(_MAP_READ_WRITE, False, name)
    try:
        return mmap.mmap(-1, size, tagname=name)
    finally:
        _winapi.CloseHandle(handle)
