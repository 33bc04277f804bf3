"""A reel as files, without FUSE: what is rendered and what is not, errors, and many who read at once."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.media.headers import read_header
from vsfilmrestore.media.out import PROFILES, StillLabels, VideoInfo, prepare, write_stills
from vsfilmrestore.serve.mount_fuse import Operations
from vsfilmrestore.serve.mount_reel import MountedReel
from vsfilmrestore.serve.mount_sound import SoundFile
from vsfilmrestore.serve.mount_tree import Still
from vsfilmrestore.serve.reel import ServedReel

core = vs.core

PLAIN = {"preset": "none"}
SCRIPT = """
import time
import vapoursynth as vs
core = vs.core
blank = core.std.BlankClip(width=48, height=32, format=vs.RGB30, length=40, fpsnum=24, keep=True)

def make(n, f):
    if n == 7:
        raise RuntimeError("the film is torn")
    if n == 9:
        time.sleep(0.6)
    out = f.copy()
    return out

core.std.ModifyFrame(blank, blank, make).set_output(0)
"""


@pytest.fixture
def scripted(tmp_path: Path) -> MountedReel:
    """Forty frames, of which frame 7 fails and frame 9 takes its time."""
    script = tmp_path / "film.vpy"
    script.write_text(SCRIPT)
    return MountedReel(ServedReel.open(script, project=tmp_path / "film.vsfr"), cache_bytes=1 << 22)


def still(files: MountedReel, frame: int) -> Still:
    found = files.tree.find(f"/film/film.{frame:07d}.dpx")
    assert isinstance(found, Still)
    return found


def failure(call: Callable[..., object], *words: object) -> int | None:
    """The number of the error that a call ends with."""
    try:
        call(*words)
    except OSError as error:
        return error.errno
    return None


def test_looking_renders_nothing(small_reel: Path) -> None:
    reel = ServedReel.open(small_reel / "cut.edl", given=PLAIN | {"media": [str(small_reel / "scans")]})
    files = MountedReel(reel)
    for n in range(48):
        entry = files.tree.find(f"/SMALL_REEL/SMALL_REEL.{86400 + n:07d}.dpx")
        assert isinstance(entry, Still)
        assert files.size(entry) == 8192 + 4 * 192 * 144
        assert bytes(files.read(entry, 0, 8192))[:4] == b"SDPX"
        assert len(files.read(entry, 4000, 4096)) == 4096
    sound = files.tree.find("/SMALL_REEL.wav")
    assert isinstance(sound, SoundFile)
    assert len(files.read(sound, 0, 4096)) == 4096
    assert files.frames.counts.rendered == files.frames.counts.running == 0
    entry = files.tree.find("/shots/002_fight-03/002_fight-03.0086420.dpx")
    assert isinstance(entry, Still)
    assert len(files.read(entry, 8191, 2)) == 2  # one byte of pixels
    assert files.frames.counts.rendered == 1


@pytest.mark.parametrize("size", [1, 1000, 8192, 1 << 20])
def test_stretches_of_any_size_are_the_file(scripted: MountedReel, size: int) -> None:
    entry = still(scripted, 3)
    whole = bytes(scripted.read(entry, 0, 1 << 20))
    assert len(whole) == scripted.size(entry)
    step = max(size, 37)
    parts = b"".join(bytes(scripted.read(entry, at, step)) for at in range(0, len(whole), step))
    assert parts == whole
    assert bytes(scripted.read(entry, len(whole) - 5, size)) == whole[-5:][:size]
    assert bytes(scripted.read(entry, len(whole), size)) == b""
    assert bytes(scripted.read(entry, len(whole) + 10**9, size)) == b""


def test_many_who_read_one_frame_wait_for_one_rendering(scripted: MountedReel) -> None:
    start = threading.Barrier(12)

    def read(at: int) -> bytes:
        start.wait()
        return bytes(scripted.read(still(scripted, 9), at, 4096))

    with ThreadPoolExecutor(12) as pool:
        parts = list(pool.map(read, [8192] * 6 + [9000] * 6))
    assert len(set(parts)) == 1  # a plain picture
    assert scripted.frames.counts.rendered == 1
    scripted.read(still(scripted, 9), 8192, 4096)
    assert scripted.frames.counts.rendered == 1


def test_a_frame_that_fails_is_an_error_and_its_header_is_not(scripted: MountedReel) -> None:
    told: list[str] = []
    ours = Operations(scripted, told.append)
    fh = ours.open("/film/film.0000007.dpx", os.O_RDONLY)
    assert bytes(ours.read(None, 8192, 0, fh))[:4] == b"SDPX"
    for _ in range(3):
        assert failure(ours.read, None, 4096, 8192, fh) == errno.EIO
        assert failure(ours.read, None, 4096, 8000, fh) == errno.EIO  # a stretch that begins in the header
    assert len(told) == 1
    assert "torn" in told[0]
    assert "frame 7" in told[0]


def test_what_is_not_there_has_its_own_error(scripted: MountedReel) -> None:
    ours = Operations(scripted, print)
    assert failure(ours.getattr, "/film/film.0000040.dpx") == errno.ENOENT
    assert failure(ours.open, "/film/film.0000040.dpx", os.O_RDONLY) == errno.ENOENT
    assert failure(lambda: list(ours.readdir("/film/film.0000004.dpx", 0))) == errno.ENOTDIR
    assert failure(ours.read, None, 10, 0, 12345) == errno.ENOENT


def test_an_end_of_serving_lets_go_of_all_who_wait(scripted: MountedReel) -> None:
    ours = Operations(scripted, print)
    fh = ours.open("/film/film.0000009.dpx", os.O_RDONLY)
    failed: list[int | None] = []

    def read() -> None:
        failed.append(failure(ours.read, None, 4096, 8192, fh))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    time.sleep(0.1)
    scripted.close()
    for reader in readers:
        reader.join(5)
    assert failed == [errno.EIO] * 4
    assert scripted.frames.close()


def test_who_is_stopped_while_waiting_goes_at_once_and_the_others_get_their_frame(scripted: MountedReel) -> None:
    entry, gone = still(scripted, 9), threading.Event()
    with ThreadPoolExecutor(2) as pool:
        stopped = pool.submit(scripted.read, entry, 8192, 100, gone.is_set)
        waiting = pool.submit(scripted.read, entry, 8192, 100)
        time.sleep(0.05)
        gone.set()
        assert failure(stopped.result, 5) == errno.EINTR
        assert len(waiting.result(timeout=5)) == 100


def test_pictures_kept_are_bounded(scripted: MountedReel) -> None:
    for n in [*range(7), *range(10, 40)]:
        scripted.read(still(scripted, n), 8192, 100)
    before = scripted.frames.counts.rendered
    scripted.read(still(scripted, 39), 8192, 100)
    assert scripted.frames.counts.rendered == before
    assert len(scripted._pictures._kept) <= max(2, (1 << 21) // (scripted.layout.size - 8192))


def stills(folder: Path, count: int) -> Path:
    """A log scan in DPX with timecode that jumps, keycode and a reel."""
    clip = core.std.BlankClip(width=48, height=32, format=vs.RGB30, length=count, fpsnum=24, color=[90, 400, 700])
    frames = []
    for n in range(count):
        frame = clip.get_frame(n).copy()
        frame.props["_VsfrTimecode"] = f"02:00:{n // 24:02d}:{n % 24:02d}" if n < 3 else f"05:00:00:{n:02d}"
        frame.props["_VsfrKeycode"] = f"1 2 3 {n} 0 4 64"
        frame.props["_VsfrLog"] = 1
        frames.append(frame)
    info = VideoInfo.of(frames[0], Fraction(24))
    folder.mkdir()
    write_stills(frames, PROFILES["dpx10"], folder / "scan.%07d.dpx", info, first=50, labels=StillLabels(reel="R7"))
    return folder


@pytest.mark.parametrize("format_", ["dpx10", "exr"])
def test_headers_tell_what_the_frames_themselves_would(tmp_path: Path, format_: str) -> None:
    reel = ServedReel.open(stills(tmp_path / "scan", 6), given=PLAIN, project=tmp_path / "p.vsfr")
    files = MountedReel(reel, format_)
    clip = prepare(reel.node, files.layout.profile)
    info = VideoInfo.of(clip.get_frame(0), clip.fps)
    assert files._headers.info == info
    pattern = tmp_path / f"out.%07d{files.layout.profile.suffix}"
    labels = files._headers.labels
    rendered = write_stills(clip.frames(), files.layout.profile, pattern, info, first=172800, labels=labels).paths
    (name, _), *_ = files.tree.root.entries.items()
    for n, path in enumerate(rendered):
        entry = files.tree.find(f"/{name}/{name}.{172800 + n:07d}{path.suffix}")
        assert isinstance(entry, Still)
        mine = tmp_path / f"mine{path.suffix}"
        mine.write_bytes(bytes(files.read(entry, 0, 1 << 20)))
        assert read_header(mine) == read_header(path)
        told = read_header(mine)
        assert told.keycode == f"1 2 3 {n} 0 4 64"
        assert told.reel == "R7"
        assert told.timecode == (f"02:00:00:{n:02d}" if n < 3 else f"05:00:00:{n:02d}")
    assert np.all(np.asarray(clip.get_frame(0)[0]) >= 0)
