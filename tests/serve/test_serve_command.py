"""``vsfilmrestore serve`` as it is called: what it says, how it ends, and servers and clients that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from vsfilmrestore.cli.main import main
from vsfilmrestore.serve.client import BYTE, Client
from vsfilmrestore.serve.endpoint import socket_of

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = """
import vapoursynth as vs
clip = vs.core.std.BlankClip(format=vs.RGB24, width=64, height=48, length=20, fpsnum=25, fpsden=1, color=[9, 8, 7])
clip.set_output(0)
"""


@contextmanager
def serving(*words: str, cwd: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A server as a process of its own, and what it said first."""
    command = [sys.executable, "-m", "vsfilmrestore", "serve", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    server: subprocess.Popen[str] = subprocess.Popen(command, cwd=cwd, **pipes)  # type: ignore[call-overload]
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        yield server, json.loads(line) if line.startswith("{") else {"text": line}
    finally:
        server.kill()
        server.communicate()


def test_a_script_is_served_until_it_is_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.vpy").write_text(SCRIPT)
    with serving("mine.vpy", "--progress", "jsonl", cwd=tmp_path) as (server, first):
        assert (first["event"], first["socket"]) == ("listening", str(socket_of("default")))
        assert (first["frames"], first["shots"], first["width"], first["height"]) == (20, 1, 64, 48)
        with Client.connect(host="tester", timeout=60) as client:
            assert [int(plane[0, 0]) for plane in client.reel(depth=BYTE).frame(3).copy()] == [9, 8, 7]
        assert main(["serve", str(tmp_path / "mine.vpy")]) == 2
        assert f"a server named default is running (process {server.pid})" in capsys.readouterr().err
        server.send_signal(signal.SIGTERM)
        out, err = server.communicate(timeout=60)
    assert (server.returncode, err) == (0, "")
    events = [json.loads(line) for line in out.splitlines()]
    assert [each["event"] for each in events if each["event"] != "state"] == ["client", "open", "gone", "end"]
    assert events[-1]["frames"] >= 1
    assert list(socket_of("default").parent.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.vpy", "run"]


def test_it_ends_in_order_where_the_program_that_reads_its_lines_has_gone(tmp_path: Path) -> None:
    (tmp_path / "mine.vpy").write_text(SCRIPT)
    with serving("mine.vpy", "--progress", "jsonl", cwd=tmp_path) as (server, _):
        assert server.stdout is not None
        assert server.stderr is not None
        server.stdout.close()
        with Client.connect(timeout=60) as client:
            assert [int(plane[0, 0]) for plane in client.reel(depth=BYTE).frame(3).copy()] == [9, 8, 7]
            server.wait(timeout=20)
        assert server.stderr.read() == ""
        assert list(socket_of("default").parent.iterdir()) == []
        server.stdout = None


def test_what_is_wrong_is_one_line_and_leaves_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.vsfr").mkdir()
    (tmp_path / "film.vsfr" / "project.toml").write_text('[source]\ninput = "../mine.vpy"\n')
    (tmp_path / "mine.vpy").write_text(SCRIPT)
    for words, code, said in (
        (["film.vsfr"], 2, "scripts run only when you name them"),
        (["nothing.mkv"], 2, "does not exist"),
        (["mine.vpy", "--name", "../x"], 2, "cannot be the name of a server"),
        (["mine.vpy", "--progress", "loud"], 2, "--progress must be one of"),
    ):
        assert main(["serve", *words]) == code
        told = capsys.readouterr().err
        assert said in told
        assert told.count("\n") == 1
    place = socket_of("default").parent
    assert not place.exists() or list(place.iterdir()) == []


@pytest.mark.slow
def test_kills_of_servers_and_clients_hang_nobody_and_spoil_no_frame() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "bench" / "serve_kills.py"), "--kills", "12", "--longest", "0.2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wrong frames: 0; rings of dead clients kept by the last server: 0" in done.stdout
