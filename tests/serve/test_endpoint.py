"""Where server and client meet: who may, who may not, and what a killed server leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from vsfilmrestore.errors import UsageError
from vsfilmrestore.serve import endpoint
from vsfilmrestore.serve.endpoint import connect, default_socket, listen, peer_of, socket_of


def test_only_the_user_can_reach_the_socket() -> None:
    before = os.umask(0)
    try:
        listener = listen(socket_of("default"))
    finally:
        os.umask(before)
    assert oct(listener.path.stat().st_mode & 0o777) == "0o600"
    assert oct(listener.path.parent.stat().st_mode & 0o777) == "0o700"
    assert {oct(path.stat().st_mode & 0o777) for path in listener.path.parent.iterdir()} == {"0o600"}
    client = connect(listener.path)
    server, _ = listener.socket.accept()
    assert peer_of(client) == peer_of(server) == os.getuid()
    for each in (client, server):
        each.close()
    listener.close()
    assert list(listener.path.parent.iterdir()) == []


def test_a_living_server_is_not_replaced() -> None:
    listener = listen(socket_of("default"))
    with pytest.raises(UsageError, match=rf"named default is running \(process {os.getpid()}\)"):
        listen(socket_of("default"))
    other = listen(socket_of("other"))
    for each in (listener, other):
        each.close()


def test_the_socket_of_a_killed_server_is_replaced() -> None:
    code = (
        "from vsfilmrestore.serve.endpoint import *\n"
        "kept = listen(socket_of('default'))\n"
        "print('up', flush=True)\n"
        "import time; time.sleep(60)"
    )
    victim = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert victim.stdout is not None
    assert victim.stdout.readline() == b"up\n"
    with pytest.raises(UsageError, match="is running"):
        listen(socket_of("default"))
    victim.send_signal(signal.SIGKILL)
    victim.wait(10)
    victim.stdout.close()
    with pytest.raises(ConnectionRefusedError):
        connect(socket_of("default"))
    listener = listen(socket_of("default"))
    connect(listener.path).close()
    listener.close()


def test_a_folder_that_is_not_safe_is_refused(tmp_path: Path) -> None:
    place = socket_of("default").parent
    place.mkdir(mode=0o755)
    with pytest.raises(UsageError, match=r"is open to others\. Close it with: chmod 700"):
        listen(socket_of("default"))
    place.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    place.symlink_to(tmp_path / "elsewhere")
    for act in (listen, connect):
        with pytest.raises(UsageError, match="must be a folder, not a link"):
            act(socket_of("default"))


def test_a_folder_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = listen(socket_of("default"))
    mine = os.getuid()
    monkeypatch.setattr(endpoint.os, "getuid", lambda: mine + 1)
    for act in (connect, listen):
        with pytest.raises(UsageError, match="belongs to somebody else"):
            act(listener.path)
    monkeypatch.undo()
    listener.close()


def test_what_is_no_socket_is_left_alone() -> None:
    path = socket_of("default")
    path.parent.mkdir(mode=0o700)
    path.write_text("precious")
    with pytest.raises(UsageError, match="is no socket"):
        listen(path)
    with pytest.raises(UsageError, match="is no socket of yours"):
        connect(path)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 40, ".hidden", "a b"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a server"):
        socket_of(name)


def test_a_path_too_long_for_a_socket_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("x" * 100)))
    with pytest.raises(UsageError, match="too long a name for a socket"):
        listen(socket_of("default"))


def test_where_clients_look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert default_socket() == tmp_path / "run" / "vsfilmrestore" / "default.sock"
    monkeypatch.setenv("VSFILMRESTORE_SOCKET", "/elsewhere/a.sock")
    assert default_socket() == Path("/elsewhere/a.sock")
    assert default_socket("b").name == "b.sock"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert str(socket_of("a")) == f"/tmp/vsfilmrestore-{os.getuid()}/a.sock"
    with pytest.raises(FileNotFoundError):
        connect(tmp_path / "nothing" / "a.sock")


def test_another_user_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = listen(socket_of("default"))
    monkeypatch.setattr(endpoint, "peer_of", lambda stream: os.getuid() + 1)
    with pytest.raises(UsageError, match="somebody else's"):
        connect(listener.path)
    listener.close()
    assert isinstance(listener.socket, socket.socket)
