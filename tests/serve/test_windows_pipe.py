"""What is of Windows, as far as another system can tell: over a stand-in for the system, no pipe of Windows is here."""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace

import numpy as np
import pytest

from vsfilmrestore.errors import UsageError
from vsfilmrestore.serve import endpoint, link, ring, windows_api, wire
from vsfilmrestore.serve.client import BYTE, Client, ServerError
from vsfilmrestore.serve.endpoint import connect, default_socket, listen, socket_of
from vsfilmrestore.serve.link import Link
from vsfilmrestore.serve.reel import ServedReel
from vsfilmrestore.serve.server import Server
from vsfilmrestore.serve.windows_pipe import NO_TOKEN, PipeListener, PipeStream, token_for, token_of

elsewhere = pytest.mark.skipif(sys.platform == "win32", reason="stands in for Windows where it is not")
pytestmark = elsewhere


class System:
    """Pipes made of socket pairs, mappings made of files; as strict as Windows where the code counts on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self.open: dict[int, object] = {}
        self.instances: dict[str, list[int]] = {}
        """Of each pipe those that wait for a client."""
        self._met = threading.Condition()
        self.users = {os.getpid(): "S-1-5-21-1"}
        self.process = os.getpid()
        self.reading: set[int] = set()

    def _new(self, thing: object) -> int:
        number = next(self._numbers)
        self.open[number] = thing
        return number

    def event(self) -> int:
        return self._new(threading.Event())

    def set_event(self, handle: int) -> None:
        self.open[handle].set()  # type: ignore[attr-defined]
        with self._met:
            self._met.notify_all()

    def close(self, handle: int) -> None:
        assert handle not in self.reading, "closed while somebody reads from it"
        thing = self.open.pop(handle)
        for waiting in self.instances.values():
            if handle in waiting:
                waiting.remove(handle)
        if isinstance(thing, socket.socket):
            thing.close()

    def create_pipe(self, name: str, *, first: bool) -> int:
        if first == (name in self.instances):
            raise PermissionError(13, "Access is denied")
        handle = self._new(None)
        self.instances.setdefault(name, []).append(handle)
        return handle

    def accept(self, handle: int, stop: int) -> bool:
        stopped = self.open[stop]
        assert isinstance(stopped, threading.Event)
        with self._met:
            self._met.wait_for(lambda: stopped.is_set() or self.open[handle] is not None, 10)
        return not stopped.is_set()

    def open_pipe(self, name: str) -> int:
        if name not in self.instances:
            raise FileNotFoundError(2, "no such pipe", name)
        if not self.instances[name]:
            error = OSError("all pipe instances are busy")
            error.winerror = windows_api.PIPE_BUSY  # type: ignore[attr-defined]
            raise error
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        with self._met:
            self.open[self.instances[name].pop(0)] = theirs
            self._met.notify_all()
        return self._new(ours)

    def wait_for_pipe(self, name: str, milliseconds: int) -> None:
        sleep(min(milliseconds / 1000, 0.01))

    def read(self, handle: int, size: int, stop: int) -> bytes:
        self.reading.add(handle)
        try:
            while not self.open[stop].is_set():  # type: ignore[attr-defined]
                try:
                    data = self.open[handle].recv(size)  # type: ignore[attr-defined]
                except BlockingIOError:
                    sleep(0.002)
                    continue
                if not data:
                    raise BrokenPipeError("the pipe has been ended")
                return bytes(data)
            return b""
        finally:
            self.reading.discard(handle)

    def write(self, handle: int, data: memoryview, stop: int, milliseconds: int | None) -> int:
        until = monotonic() + (milliseconds or 1e9) / 1000
        while not self.open[stop].is_set() and monotonic() < until:  # type: ignore[attr-defined]
            try:
                return self.open[handle].send(data)  # type: ignore[attr-defined,no-any-return]
            except BlockingIOError:
                sleep(0.002)
        return 0

    def other_process(self, handle: int, *, serves: bool) -> int:
        return self.process

    def user_of(self, process: int) -> str:
        return self.users[process]

    def create_private(self, path: str) -> int:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def create_mapping(self, name: str, size: int) -> mmap.mmap:
        with (self._folder / name).open("xb+") as file:
            file.truncate(size)
            return mmap.mmap(file.fileno(), size)

    def open_mapping(self, name: str, size: int) -> mmap.mmap:
        with (self._folder / name).open("rb+") as file:
            return mmap.mmap(file.fileno(), size)


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """The seams believe that this is Windows."""
    system = System(tmp_path)
    for name in (each for each in dir(System) if not each.startswith("_")):
        monkeypatch.setattr(windows_api, name, getattr(system, name))
    for module in (endpoint, link, ring):
        monkeypatch.setattr(module, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setenv("USERNAME", "Ann Example")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    yield system
    until = monotonic() + 5
    while system.open and monotonic() < until:  # servers' threads come to their end
        sleep(0.01)
    assert system.open == {}, "handles were left open"


def met(listener: PipeListener) -> tuple[PipeStream, PipeStream]:
    """A server's and a client's end."""
    client = connect(listener.path)
    server, _ = listener.socket.accept()
    assert isinstance(client, PipeStream)
    return server, client


def test_structures_are_as_large_as_those_of_windows() -> None:
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    sizes = [ctypes.sizeof(each) for each in (windows_api.SecurityAttributes, windows_api.TokenUser)]
    assert sizes == [24, 16]
    assert windows_api.SecurityAttributes.descriptor.offset == 8
    assert windows_api.SecurityAttributes.inherited.offset == 16


def test_rights_name_one_user_and_nobody_else() -> None:
    assert windows_api.private_rights("S-1-5-21-7") == "O:S-1-5-21-7D:P(A;;GA;;;S-1-5-21-7)"


def test_importing_loads_nothing_of_windows_and_calling_says_so() -> None:
    code = "import sys, vsfilmrestore.serve.windows_pipe; print([m for m in ('_winapi', 'msvcrt') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    for act in (windows_api.event, lambda: windows_api.user_of(1), lambda: windows_api.create_pipe("x", first=True)):
        with pytest.raises(OSError, match="on Windows only"):
            act()


class Kernel:
    """In the place of ``_winapi``: notes what it is called with, ends transfers as it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[object, ...]]] = []
        self.waits, self.error, self.result = 0, 0, (5, 0)
        self.pending = True

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*words: object, overlapped: bool = False) -> object:
            self.calls.append((name, words))
            match name:
                case "ReadFile" | "WriteFile":
                    return self, 997 if self.pending else 0
                case "ConnectNamedPipe":
                    return self
                case "WaitForMultipleObjects":
                    return self.waits
                case "GetOverlappedResult":
                    return self.result
                case "getbuffer":
                    return b"bytes"
                case "GetLastError":
                    return self.error
            return 77

        assert not name.startswith("_")
        return call

    event = 1

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """The calls of `windows_api` go to a stand-in for the system."""
    made = Kernel()
    monkeypatch.setitem(sys.modules, "_winapi", made)  # type: ignore[arg-type]
    monkeypatch.setattr(windows_api, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(windows_api, "_private", lambda: nullcontext(4711))
    monkeypatch.setattr(windows_api, "mmap", SimpleNamespace(mmap=lambda *words, tagname: (*words, tagname)))
    return made


@pytest.mark.parametrize(("first", "mode"), [(True, 0x4008_0003), (False, 0x4000_0003)])
def test_pipes_are_for_this_user_on_this_computer(kernel: Kernel, first: bool, mode: int) -> None:
    windows_api.create_pipe("a pipe", first=first)
    [(name, words)] = kernel.calls
    assert (name, words[:3], words[-1]) == ("CreateNamedPipe", ("a pipe", mode, 0x8), 4711)


def test_transfers_are_over_when_the_call_is(kernel: Kernel) -> None:
    assert windows_api.read(3, 10, 4) == b"bytes"
    assert kernel.calls[1] == ("WaitForMultipleObjects", ([1, 4], False, 0xFFFF_FFFF))
    assert "cancel" not in kernel.names
    kernel.pending = False
    kernel.calls.clear()
    assert windows_api.write(3, b"bytes", 4, None) == 5
    assert kernel.names == ["WriteFile", "GetOverlappedResult"]


@pytest.mark.parametrize("waits", [1, 258])  # the event beside it, the time
def test_a_transfer_that_was_stopped_or_is_late_is_called_back(kernel: Kernel, waits: int) -> None:
    kernel.waits, kernel.result = waits, (0, 995)
    assert windows_api.read(3, 10, 4) == b""
    assert windows_api.write(3, b"bytes", 4, 250) == 0
    assert not windows_api.accept(3, 4)
    assert kernel.names.count("cancel") == kernel.names.count("GetOverlappedResult") == 3
    assert ("WaitForMultipleObjects", ([1, 4], False, 250)) in kernel.calls


def test_memory_of_somebody_else_is_not_taken_for_new(kernel: Kernel) -> None:
    size = (5 << 32) + 17
    assert windows_api.create_mapping("Local\\a", size) == (-1, size, "Local\\a")
    assert kernel.calls[0] == ("CreateFileMapping", ((1 << 64) - 1, 4711, 4, 5, 17, "Local\\a"))
    kernel.error = 183
    with pytest.raises(FileExistsError, match="there already"):
        windows_api.create_mapping("Local\\a", size)
    assert kernel.names.count("CloseHandle") == 2


def test_a_client_makes_no_memory(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert windows_api.open_mapping("Local\\a", 17) == (-1, 17, "Local\\a")
    assert kernel.names == ["OpenFileMapping", "CloseHandle"]

    def missing(*words: object) -> int:
        raise FileNotFoundError(2, "no such mapping")

    monkeypatch.setattr(kernel, "OpenFileMapping", missing, raising=False)
    monkeypatch.setattr(windows_api.mmap, "mmap", lambda *words, tagname: pytest.fail("memory was made"))
    with pytest.raises(FileNotFoundError):
        windows_api.open_mapping("Local\\a", 17)


def test_names_are_those_the_plugin_looks_for(windows: System, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert str(socket_of("second")) == r"\\.\pipe\vsfilmrestore-Ann Example-second"
    assert str(default_socket()) == r"\\.\pipe\vsfilmrestore-Ann Example-default"
    assert token_of("second") == tmp_path / "Local" / "vsfilmrestore" / "second.token"
    assert ring.ring_name(17, 3) == r"Local\vsfilmrestore-17-3"
    with pytest.raises(UsageError, match="cannot be the name"):
        socket_of("a\\b")
    monkeypatch.delenv("LOCALAPPDATA")
    with pytest.raises(UsageError, match="LOCALAPPDATA is not set"):
        listen(socket_of("default"))


def test_a_token_is_private_new_each_time_and_gone_with_its_server(windows: System) -> None:
    tokens = []
    for _ in range(2):
        listener = listen(socket_of("default"))
        place = token_of("default")
        assert oct(place.stat().st_mode & 0o777) == "0o600"
        assert place.read_bytes() == listener.token == token_for(listener.path)
        assert len(listener.token) == 32
        tokens.append(listener.token)
        listener.close()
        assert not place.exists()
        assert token_for(listener.path) == NO_TOKEN
        windows.instances.clear()
    assert tokens[0] != tokens[1]


def test_a_token_that_is_none_is_not_sent(windows: System) -> None:
    place = token_of("default")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"x" * 31)
    assert token_for(socket_of("default")) == NO_TOKEN
    place.write_bytes(b"x" * 32)
    assert token_for(socket_of("default")) == b"x" * 32
    assert token_for(Path(r"\\.\pipe\somebody-default")) == NO_TOKEN


def test_the_token_a_killed_server_left_is_replaced(windows: System) -> None:
    token_of("default").parent.mkdir(parents=True)
    token_of("default").write_bytes(b"old" * 20)
    listener = listen(socket_of("default"))
    assert token_of("default").read_bytes() == listener.token
    listener.close()


def test_a_living_server_keeps_its_name(windows: System, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = listen(socket_of("default"))

    def held(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "used by another process")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", held)
        with pytest.raises(UsageError, match="a server named default is running"):
            listen(socket_of("default"))
    assert token_of("default").read_bytes() == listener.token
    listener.close()


def test_a_pipe_that_somebody_else_made_is_not_joined(windows: System) -> None:
    taken = windows.create_pipe(str(socket_of("default")), first=True)
    with pytest.raises(UsageError, match="cannot be listened on"):
        listen(socket_of("default"))
    assert not token_of("default").exists()
    windows.close(taken)


def test_both_ways_at_once(windows: System) -> None:
    listener = listen(socket_of("default"))
    server, client = met(listener)
    sent = os.urandom(3 << 20)
    senders = [threading.Thread(target=each.sendall, args=(sent,)) for each in (server, client)]
    for sender in senders:
        sender.start()
    for each in (client, server):
        got = bytearray()
        while len(got) < len(sent):
            got += each.recv(1 << 16)
        assert got == sent
    for sender in senders:
        sender.join(5)
    for each in (server, client, listener):
        each.close()


@pytest.mark.parametrize("end", ["shutdown", "close"])
def test_who_reads_is_woken_before_the_pipe_is_let_go(windows: System, end: str) -> None:
    listener = listen(socket_of("default"))
    server, client = met(listener)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(client.recv(10)))
    reader.start()
    while not windows.reading:
        sleep(0.001)
    getattr(client, end)()
    reader.join(5)
    assert got == [b""]
    with pytest.raises(BrokenPipeError):
        client.sendall(b"x")
    client.close()
    assert server.recv(10) == b""  # the other end hears of it
    for each in (client, server, listener):
        each.close()


def test_an_end_that_takes_nothing_is_given_up(windows: System) -> None:
    listener = listen(socket_of("default"))
    server, client = met(listener)
    server.send_seconds = 0.05
    with pytest.raises(BrokenPipeError, match="does not listen"):
        server.sendall(bytes(8 << 20))
    for each in (server, client, listener):
        each.close()


def test_who_accepts_is_woken(windows: System) -> None:
    listener = listen(socket_of("default"))
    ended: list[BaseException] = []

    def accept() -> None:
        try:
            listener.socket.accept()
        except OSError as error:
            ended.append(error)

    thread = threading.Thread(target=accept)
    thread.start()
    listener.socket.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)
    assert [type(each) for each in ended] == [BrokenPipeError]


def test_the_name_is_never_up_for_taking(windows: System, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = listen(socket_of("default"))
    first = met(listener)
    assert len(windows.instances[str(listener.path)]) == 1  # for the next one, while this one is served
    with monkeypatch.context() as patch:
        patch.setattr(windows_api, "create_pipe", lambda name, first: (_ for _ in ()).throw(OSError("no more")))
        second = met(listener)
        with pytest.raises(OSError, match="no more"):
            listener.socket.accept()
    busy = monotonic()
    with pytest.raises(OSError, match="busy"):
        connect(listener.path, 0.1)
    assert monotonic() - busy >= 0.1
    third: list[PipeStream] = []
    opened = threading.Timer(0.05, lambda: third.append(listener.socket.accept()[0]))
    opened.start()
    third.append(connect(listener.path, 5))  # type: ignore[arg-type]
    opened.join(5)
    assert len(third) == 2
    for each in (*first, *second, *third, listener):
        each.close()


def test_somebody_elses_server_is_not_talked_to(windows: System) -> None:
    listener = listen(socket_of("default"))
    windows.users[1] = "S-1-5-21-2"
    windows.process = 1
    with pytest.raises(UsageError, match="somebody else's"):
        connect(listener.path)
    server, _ = listener.socket.accept()
    assert endpoint.peer_of(server) == "S-1-5-21-2" != endpoint.this_user()
    server.close()
    listener.close()


def test_nobody_there(windows: System) -> None:
    with pytest.raises(FileNotFoundError):
        connect(socket_of("default"))


def test_messages_come_whole_out_of_pieces(windows: System) -> None:
    listener = listen(socket_of("default"))
    server, client = met(listener)
    talk = Link(server, "test")
    assert server.send_seconds == 10  # nobody waits for ever for a client that does not read
    data = wire.encode(wire.Ping(), 7) + wire.encode(wire.Hello(host="a host", token=b"t" * 32), 8)
    for index in range(len(data)):
        client.sendall(data[index : index + 1])
    incoming = talk.messages()
    assert next(incoming) == (7, wire.Ping())
    assert next(incoming) == (8, wire.Hello(host="a host", token=b"t" * 32))
    talk.send(wire.Status("here"), descriptor=-1)
    assert list(wire.Stream().feed(client.recv(1000))) == [(0, wire.Status("here"))]
    client.close()
    assert list(incoming) == []
    talk.close()
    listener.close()


def test_a_client_gets_its_frames(windows: System, serve: Callable[..., Server], reel: ServedReel) -> None:
    server = serve(reel)
    with Client.connect(timeout=10) as client, client.reel(depth=BYTE, slots=2).frame(0, timeout=10) as picture:
        assert [plane.shape for plane in picture.planes] == [(48, 64)] * 3
        assert len({int(np.sum(plane, dtype=int)) for plane in picture.planes}) > 1
    server.stop()
    assert list(token_of("default").parent.iterdir()) == []


def test_a_client_without_the_token_is_refused(windows: System, serve: Callable[..., Server], reel: ServedReel) -> None:
    told: list[tuple[str, dict[str, object]]] = []
    server = serve(reel, told=lambda event, facts: told.append((event, facts)))
    for token in (NO_TOKEN, b"x" * 32):
        with pytest.raises(ServerError, match="not the token of this server"):
            Client(connect(socket_of("default")), timeout=10, token=token)
    assert [event for event, _ in told] == ["refused", "refused"]
    Client(connect(socket_of("default")), timeout=10, token=server.token).close()
    server.stop()
    assert server.clients == []


def test_a_process_of_another_user_is_not_let_in(
    windows: System, serve: Callable[..., Server], reel: ServedReel
) -> None:
    told: list[str] = []
    server = serve(reel, told=lambda event, facts: told.append(f"{event}: {facts.get('text')}"))
    windows.users[1], windows.process = "S-1-5-21-2", 1
    stream = PipeStream(windows_api.open_pipe(str(socket_of("default"))), serves=False)
    assert stream.recv(10) == b""
    stream.close()
    server.stop()
    assert told == ["refused: a process of another user"]


def test_elsewhere_there_is_no_token(tmp_path: Path) -> None:
    assert endpoint.token_for(tmp_path / "a.sock") == NO_TOKEN
    listener = listen(socket_of("default"))
    assert (listener.token, endpoint.this_user()) == (b"", os.getuid())
    listener.close()
