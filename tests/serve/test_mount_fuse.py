"""Reels that are really mounted."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import InstallationError, UsageError
from vsfilmrestore.serve.mount_fuse import Mount, fuse_module
from vsfilmrestore.serve.mount_place import HELPER, check_place, is_mounted, remove_dead, unmount
from vsfilmrestore.serve.mount_reel import MountedReel
from vsfilmrestore.serve.reel import ServedReel

FILM = """
import time
import vapoursynth as vs
core = vs.core
blank = core.std.BlankClip(width=48, height=32, format=vs.RGB30, length=40, fpsnum=24, keep=True)

def make(n, f):
    if n == 7:
        raise RuntimeError("the film is torn")
    if n >= 30:
        time.sleep(1.5)
    out = f.copy()
    import numpy as np
    np.asarray(out[1])[:] = n * 20
    return out

core.std.ModifyFrame(blank, blank, make).set_output(0)
"""
MOUNT_SECONDS = 60

type Mounted = Callable[[MountedReel], Mount]


@pytest.fixture(autouse=True)
def _fuse() -> None:
    try:
        fuse_module()
    except InstallationError as error:
        pytest.skip(f"nothing can be mounted here: {error}")
    if os.geteuid() and shutil.which(HELPER) is None:
        pytest.skip(f"nothing can be mounted here: no {HELPER}")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "place of mine"
    folder.mkdir()
    yield folder
    unmount(folder)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "film.vpy"
    path.write_text(FILM)
    return path


@pytest.fixture
def film(script: Path, place: Path, tmp_path: Path) -> Iterator[tuple[MountedReel, Path]]:
    """Forty frames, mounted: frame 7 fails, those from 30 on are slow."""
    files = MountedReel(ServedReel.open(script, project=tmp_path / "film.vsfr"), cache_bytes=1 << 22)
    with Mount(files, place, tell=lambda text: None):
        yield files, place
    files.frames.close()


def started(arguments: list[str], place: Path, cwd: Path) -> subprocess.Popen[str]:
    """The command, once it has mounted."""
    command = [sys.executable, "-m", "vsfilmrestore", "mount", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd)
    end = time.monotonic() + MOUNT_SECONDS
    while not is_mounted(place):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.05)
    return process


def still(place: Path, frame: int) -> Path:
    return place / "film" / f"film.{frame:07d}.dpx"


def test_what_is_mounted_is_what_is_rendered(
    small_reel: Path, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(small_reel)
    cut = (small_reel / "cut.edl").read_text().replace("dust=0.4", "deint=off")
    (small_reel / "cut.edl").write_text(cut)
    words = {"media": [str(small_reel / "scans")], "preset": "none"}
    files = MountedReel(ServedReel.open(small_reel / "cut.edl", given=words))
    with Mount(files, place, tell=print):
        subprocess.run(["cp", "-r", place, small_reel / "copy"], check=True, timeout=60)
    assert Path.cwd() == small_reel  # what a script names from there is found
    files.frames.close()
    asked = ["render", "cut.edl", "--media", "scans", "--preset", "none", "--format", "dpx10", "-o", "SMALL_REEL"]
    assert main([*asked, "--no-history"]) == 0, capsys.readouterr().err
    rendered = sorted((small_reel / "SMALL_REEL").iterdir())
    mounted = sorted((small_reel / "copy" / "SMALL_REEL").iterdir())
    assert [path.name for path in mounted] == [path.name for path in rendered]
    assert [path.read_bytes() for path in mounted] == [path.read_bytes() for path in rendered]
    assert (small_reel / "copy" / "SMALL_REEL.wav").read_bytes() == (small_reel / "SMALL_REEL.wav").read_bytes()
    folder = small_reel / "copy" / "shots" / "002_fight-03"
    pixels = [path.read_bytes()[8192:] for path in sorted(folder.iterdir())]
    assert pixels == [path.read_bytes()[8192:] for path in rendered[20:32]]


def test_names_sizes_and_headers_render_nothing(film: tuple[MountedReel, Path]) -> None:
    files, place = film
    before = files.frames.counts.rendered
    listed = subprocess.run(["ls", "-laR", "."], cwd=place, capture_output=True, text=True, check=True, timeout=60)
    assert listed.stdout.count(f" {files.layout.size} ") == 80
    for n in range(40):
        with still(place, n).open("rb", buffering=0) as file:
            assert file.read(4096)[:4] == b"SDPX"
            assert os.fstat(file.fileno()).st_size == files.layout.size
    time.sleep(0.2)  # the kernel would have read ahead by now
    counts = files.frames.counts
    assert (counts.rendered, counts.running, counts.failed) == (before, 0, 0)


def test_who_reads_together_waits_for_one_rendering(film: tuple[MountedReel, Path]) -> None:
    files, place = film
    before = files.frames.counts.rendered
    with ThreadPoolExecutor(6) as pool:
        whole = list(pool.map(lambda _: still(place, 3).read_bytes(), range(6)))
    assert len(set(whole)) == 1
    assert len(whole[0]) == files.layout.size
    assert files.frames.counts.rendered == before + 1


def test_a_frame_that_fails_is_an_error_to_read(film: tuple[MountedReel, Path]) -> None:
    _, place = film
    with still(place, 7).open("rb", buffering=0) as file:
        assert len(file.read(8192)) == 8192
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            file.read(1)
    assert subprocess.run(["cp", still(place, 7), "/dev/null"], capture_output=True, check=False).returncode == 1
    assert len(still(place, 8).read_bytes()) == still(place, 8).stat().st_size


def test_nothing_can_be_changed(film: tuple[MountedReel, Path]) -> None:
    _, place = film
    for change in (
        lambda: still(place, 1).write_bytes(b"x"),
        lambda: (place / "new").mkdir(),
        lambda: still(place, 1).unlink(),
        lambda: still(place, 1).rename(place / "a"),
        lambda: os.chmod(place / "film", 0o777),
        lambda: os.truncate(still(place, 1), 0),
    ):
        with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
            change()
    assert place.stat().st_uid == os.getuid()
    assert "allow_other" not in Path("/proc/self/mountinfo").read_text()


MAP = """
import mmap, os, socket, sys, threading
path = sys.argv[1]
with open(path, "rb") as file:
    whole = file.read()
    with mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ) as mapped:
        assert mapped[:] == whole
ours, theirs = socket.socketpair()
with open(path, "rb") as file, ours, theirs:
    sent = threading.Thread(target=lambda: (ours.sendfile(file), ours.shutdown(socket.SHUT_WR)))
    sent.start()
    parts = []
    while part := theirs.recv(1 << 16):
        parts.append(part)
    sent.join()
assert b"".join(parts) == whole
"""


def test_programs_that_map_or_send_files_get_them(film: tuple[MountedReel, Path]) -> None:
    _, place = film
    # In a process of its own: while a page is fetched nothing else in a Python process runs, and so would not FUSE.
    done = subprocess.run([sys.executable, "-c", MAP, still(place, 5)], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()


def test_a_look_goes_on_while_many_wait_and_who_is_killed_is_gone(film: tuple[MountedReel, Path]) -> None:
    files, place = film
    waiting = [
        subprocess.Popen(["cat", still(place, n)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for n in range(30, 40)
        for _ in range(2)
    ]
    end = time.monotonic() + 10
    while not files.frames.counts.running and time.monotonic() < end:
        time.sleep(0.02)
    assert len(os.listdir(place / "shots")) == 1
    assert len(still(place, 39).open("rb", buffering=0).read(4096)) == 4096
    for process in waiting:
        process.kill()
    for process in waiting:
        process.wait(timeout=10)
    assert files.frames.counts.rendered < 10
    end = time.monotonic() + 5
    while files.frames.counts.waiting and time.monotonic() < end:
        time.sleep(0.05)
    assert files.frames.counts.waiting == 0  # what nobody waits for is not begun


def test_stopped_it_takes_its_mount_away(script: Path, place: Path, tmp_path: Path) -> None:
    process = started([str(script), str(place)], place, tmp_path)
    reader = subprocess.Popen(["cat", still(place, 35)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines()[-1] == "unmounted"
    assert "Input/output error" in reader.communicate(timeout=10)[1]  # and not a short picture
    assert reader.returncode == 1
    assert not is_mounted(place)
    assert list(place.iterdir()) == []


def test_a_link_to_a_folder_is_let_go_of_as_well(script: Path, place: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(place)
    process = started([str(script), str(link)], place, tmp_path)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines()[-1] == "unmounted"
    assert not is_mounted(place)


def test_killed_it_leaves_a_folder_that_can_be_listed(script: Path, place: Path, tmp_path: Path) -> None:
    process = started([str(script), str(place)], place, tmp_path)
    reader = subprocess.Popen(["cat", still(place, 35)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process.kill()
    process.communicate(timeout=10)
    reader.wait(timeout=10)
    end = time.monotonic() + 10
    while shutil.which(HELPER) and is_mounted(place) and time.monotonic() < end:
        time.sleep(0.05)
    assert shutil.which(HELPER) is None or not is_mounted(place)
    unmount(place)
    assert list(place.iterdir()) == []


@pytest.mark.skipif(shutil.which(HELPER) is None, reason=f"there is no {HELPER}")
def test_what_a_killed_one_left_is_removed_by_the_next(script: Path, place: Path, tmp_path: Path) -> None:
    process = started([str(script), str(place)], place, tmp_path)
    for each in Path("/proc").iterdir():  # without FUSE's helper and ours nobody takes it away
        with suppress(OSError):
            words = (each / "cmdline").read_bytes().split(b"\0") if each.name.isdigit() else []
            if words and words[0].endswith((HELPER.encode(), b"/sh")) and os.fsencode(place) in words:
                os.kill(int(each.name), signal.SIGKILL)
    process.kill()
    process.communicate(timeout=10)
    assert is_mounted(place)
    with pytest.raises(UsageError, match="has died"):
        check_place(place)
    assert remove_dead(place)
    assert not remove_dead(place)
    assert list(place.iterdir()) == []
    again = started([str(script), str(place)], place, tmp_path)
    assert not remove_dead(place)  # this one lives
    again.send_signal(signal.SIGTERM)
    assert again.wait(timeout=30) == 0


def test_unmounted_by_somebody_else_the_command_ends(script: Path, place: Path, tmp_path: Path) -> None:
    process = started([str(script), str(place), "--name", "x/y", "--format", "exr"], place, tmp_path)
    assert sorted(os.listdir(place)) == ["shots", "x_y"]
    assert main(["mount", str(script), str(place)]) == 2
    assert unmount(place)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert "40 frames in 1 shots, 48x32 exr_half" in out


def test_places_that_are_not_good_to_mount_on(
    script: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "file").write_text("mine")
    for folder, words in ((place, "not empty"), (place / "file", "no folder"), (tmp_path / "none", "mkdir -p")):
        assert main(["mount", str(script), str(folder)]) == 2
        told = capsys.readouterr().err
        assert words in told
        assert str(folder) in told
        assert len(told.splitlines()) == 1
    assert main(["mount", str(script), str(tmp_path), "--format", "jpg"]) == 2


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mfusepy", None)
    with pytest.raises(InstallationError, match=r"vsfilmrestore\[mount\]"):
        fuse_module()
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(InstallationError, match="Linux only"):
        fuse_module()
