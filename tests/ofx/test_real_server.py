"""Frames of the frame server itself, through the plug-in, are those of a render."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.media.out.prepare import prepare
from vsfilmrestore.media.out.profiles import PROFILES
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.serve.endpoint import listen, socket_of
from vsfilmrestore.serve.reel import ServedReel
from vsfilmrestore.serve.server import Server
from vsfilmrestore.serve.supply import Supply

type Host = Callable[..., Any]

PEAK = {"byte": 255.0, "short": 65535.0, "half": 1.0, "float": 1.0}
OFF = {"byte": 0.51 / 255, "short": 0.51 / 65535, "half": 2**-11, "float": 1e-6}

CUT = """TITLE: CUT
FCM: NON-DROP FRAME

001  R1       V     C        01:00:00:00 01:00:00:08 01:00:00:00 01:00:00:08
* FROM CLIP NAME: opening
002  R1       V     C        01:00:00:10 01:00:00:16 01:00:00:08 01:00:00:14
* FROM CLIP NAME: dance
"""


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Environment in which server and plug-in find each other where they usually do."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.delenv("VSFILMRESTORE_SOCKET", raising=False)
    return {"XDG_RUNTIME_DIR": str(folder), "VSFILMRESTORE_SOCKET": ""}


@pytest.fixture
def reel(tmp_path: Path, movie: Callable[..., None]) -> ServedReel:
    """Two shots of one small scan, turned into their negative, so that restored frames are told from the scan's."""
    movie(tmp_path / "scans" / "R1.mkv", 24, width=64, height=48, audio=False)
    (tmp_path / "cut.edl").write_text(CUT)
    opened = Reel.open(tmp_path / "cut.edl", media=tmp_path / "scans", preset="none")
    opened.shot("*")(lambda clip: clip.std.Invert())
    return ServedReel(opened)


@pytest.fixture
def server(reel: ServedReel, runtime: dict[str, str]) -> Iterator[Server]:
    """A server of the reel, in this process."""
    running = Server(Supply(reel), listen(socket_of("default")))
    running.start()
    yield running
    running.stop()


def _rendered(node: vs.VideoNode, number: int) -> npt.NDArray[Any]:
    """A frame as a render writes it, float RGB."""
    frame = prepare(node, PROFILES["exr_float"]).get_frame(number)
    return np.stack([np.asarray(frame[plane]) for plane in range(3)], -1)


@pytest.mark.usefixtures("server")
def test_pixels_through_the_plug_in_are_those_of_a_render(
    host: Host, reel: ServedReel, runtime: dict[str, str]
) -> None:
    for depth, rows in (("byte", "negative"), ("short", "plain"), ("half", "padded"), ("float", "negative")):
        run = host(frames="0-13", depth=depth, rows=rows, threads=4, instances="each", env=runtime).clean()
        assert set(run.status.values()) == {0}
        for number in range(14):
            got = run.pixels[number].astype(np.float64) / PEAK[depth]
            assert np.abs(got[..., :3] - _rendered(reel.node, number)).max() <= OFF[depth]
            assert (got[..., 3] == 1).all()


@pytest.mark.usefixtures("server")
def test_a_file_the_program_names_and_a_shot(
    plain_host: Host, reel: ServedReel, runtime: dict[str, str], tmp_path: Path
) -> None:
    words = {
        "prop__OfxImageEffectPropSrcFilePath": str(tmp_path / "scans" / "R1.mkv"),
        "arg__OfxImageEffectPropSrcFrame": 12,
    }
    run = plain_host(frames="5000", env=runtime, **words).clean()
    assert np.abs(run.pixels[0][..., :3] - _rendered(reel.node, 10)).max() <= OFF["float"]
    run = plain_host(frames="2", set__shot="opening", env=runtime).clean()
    assert np.abs(run.pixels[0][..., :3] - _rendered(reel.node, 2)).max() <= OFF["float"]
    run = plain_host(press="nextShot,nextShot", env=runtime).clean()
    assert run.text.count("status 0 shot=") == 2
    assert "shot=dance says=shot 2 of 2: dance, 6 frames of R1.mkv" in run.text


@pytest.mark.usefixtures("server")
def test_a_proxy_of_half_the_size(plain_host: Host, reel: ServedReel, runtime: dict[str, str]) -> None:
    run = plain_host(frames="3", size="32x24", scale="0.5", env=runtime).clean()
    small = _rendered(reel.node, 3).reshape(24, 2, 32, 2, 3).mean((1, 3))
    assert np.abs(run.pixels[0][..., :3] - small).mean() < 0.05


@pytest.mark.usefixtures("server")
def test_the_picture_of_the_host_through_a_recipe(host: Host, runtime: dict[str, str]) -> None:
    run = host("Through", frames="10", depth="short", set__preset=4, set__words="dust=0", env=runtime).clean()
    assert run.status == {10: 0}
    rows, columns = np.mgrid[:48, :64]
    levels = np.stack([(columns * 3 + rows * 5 + plane * 40 + 110) % 256 for plane in range(3)], -1)
    assert np.abs(run.pixels[0][..., :3].astype(int) - levels * 257).max() <= 1


@pytest.mark.usefixtures("server")
def test_words_nobody_knows_are_told_in_the_editing_program(plain_host: Host, runtime: dict[str, str]) -> None:
    run = plain_host("Through", frames="10", set__words="dsut=0.8", env=runtime).clean()
    assert run.status == {10: 1}
    assert "did you mean 'dust'?" in run.messages[0]


@pytest.mark.slow
def test_a_server_that_is_killed_and_started_again_over_and_over(
    plain_host: Host, reel: ServedReel, runtime: dict[str, str], tmp_path: Path
) -> None:
    """Killed at random moments, in a process of its own: every frame that comes is right."""
    command = [sys.executable, "-m", "vsfilmrestore", "serve", str(tmp_path / "cut.edl"), "--media",
               str(tmp_path / "scans"), "--preset", "none", "--progress", "none"]  # fmt: skip
    env = os.environ | runtime

    def started() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    plain = Reel.open(tmp_path / "cut.edl", media=tmp_path / "scans", preset="none")
    process = started()
    try:
        while not (tmp_path / "run" / "vsfilmrestore" / "default.sock").exists():
            time.sleep(0.05)
            assert process.poll() is None
        later = plain_host(frames="0-13", threads=4, pause=400, set__reconnectTimeout=60, env=runtime, wait=False)
        for wait in (0.3, 0.7):
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = started()
        run = later().clean()
    finally:
        process.kill()
        process.wait()
    node = ServedReel(plain).node
    for number, status in run.status.items():
        assert status == 0, run.text + run.errors
        assert np.abs(run.pixels[number][..., :3] - _rendered(node, number)).max() <= OFF["float"]
