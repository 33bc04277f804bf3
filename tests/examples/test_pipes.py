"""Pipes: what vspipe writes is what the filters make, read back with FFmpeg's own libraries; and frames of a server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.render.reel import Reel
from vsfilmrestore.serve.endpoint import listen, socket_of
from vsfilmrestore.serve.reel import ServedReel
from vsfilmrestore.serve.server import Server
from vsfilmrestore.serve.supply import Supply

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
VSPIPE = Path(sys.executable).with_name("vspipe")


def words(folder: Path, preset: str = "none") -> list[str]:
    said = {"cut": folder / "cut.edl", "media": folder / "scans", "preset": preset}
    return [word for key, value in said.items() for word in ("-a", f"{key}={value}")]


def decoded(file: str | IO[bytes], kind: str | None = None) -> list[list[np.ndarray]]:
    """Planes of all frames of the first video stream."""
    with av.open(file, format=kind) as container:
        assert container.streams.video[0].average_rate == Fraction(24)
        return [[_plane(plane) for plane in frame.planes] for frame in container.decode(video=0)]


def _plane(plane: Any) -> np.ndarray:
    rows = np.frombuffer(plane, np.uint16).reshape(plane.height, plane.line_size // 2)
    return rows[:, : plane.width].copy()


def same(frames: list[list[np.ndarray]], node: vs.VideoNode) -> bool:
    made = [[np.asarray(f[p]) for p in range(3)] for f in node.frames(close=False)]
    return len(frames) == len(made) and all(
        np.array_equal(a, b) for x, y in zip(frames, made, strict=True) for a, b in zip(x, y, strict=True)
    )


@pytest.fixture
def source(small_reel: Path) -> vs.VideoNode:
    return Reel.open(small_reel / "cut.edl", media=small_reel / "scans", preset="none").restored()


def test_y4m_through_a_pipe(small_reel: Path, source: vs.VideoNode) -> None:
    command = [VSPIPE, "-c", "y4m", *words(small_reel), EXAMPLES / "pipes.vpy", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as pipe:
        assert pipe.stdout is not None
        frames = decoded(pipe.stdout, "yuv4mpegpipe")
        assert pipe.wait() == 0
    assert same(frames, source)


def test_a_shot_as_matroska(small_reel: Path, source: vs.VideoNode, tmp_path: Path) -> None:
    file = tmp_path / "fight.mkv"
    command = [VSPIPE, "-c", "mkv", "-o", "0", "-a", "shot=fight-03", *words(small_reel), EXAMPLES / "pipes.vpy", file]
    subprocess.run(command, check=True, capture_output=True)
    assert same(decoded(str(file)), source[20:32])


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the program ffmpeg is not here")
def test_vspipe_into_ffmpeg(small_reel: Path, source: vs.VideoNode, tmp_path: Path) -> None:
    file = tmp_path / "restored.mkv"
    command = [VSPIPE, "-c", "y4m", *words(small_reel), EXAMPLES / "pipes.vpy", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as pipe:
        subprocess.run(["ffmpeg", "-loglevel", "error", "-i", "-", "-c:v", "ffv1", file], stdin=pipe.stdout, check=True)
    assert same(decoded(str(file)), source)


def test_frames_of_a_server_through_a_pipe(small_reel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (small_reel / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(small_reel / "run"))
    reel = Reel.open(small_reel / "cut.edl", media=small_reel / "scans", preset="none")
    server = Server(Supply(ServedReel(reel)), listen(socket_of("default")))
    server.start()
    try:
        command = [sys.executable, EXAMPLES / "from_server.py", "--shot", "fight-03", "--first", "2", "--frames", "3"]
        done = subprocess.run(command, capture_output=True, check=True)
    finally:
        server.stop()
    assert done.stderr.decode().strip() == "192x144, 24/1 fps"
    pictures = np.frombuffer(done.stdout, np.uint16).reshape(3, 3, 144, 192)
    node = reel.restored().resize.Spline36(format=vs.RGB48, range=vs.RANGE_FULL, matrix_in=vs.MATRIX_ST170_M)
    for index, number in enumerate((22, 23, 24)):
        frame = node.get_frame(number)
        green_blue_red = np.stack([np.asarray(frame[plane]) for plane in (1, 2, 0)])
        assert np.abs(pictures[index].astype(int) - green_blue_red).max() <= 1
