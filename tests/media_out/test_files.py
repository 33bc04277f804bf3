"""Files that appear whole or not at all, and the checksum lists."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import pytest
import vapoursynth as vs

from tests.media_out.helpers import noise, pieces, waves
from vsfilmrestore.errors import OutputError
from vsfilmrestore.media.out import (
    PROFILES,
    FrameMd5,
    VideoInfo,
    atomic_file,
    atomic_text,
    encode_segment,
    join_segments,
    prepare,
    read_framemd5,
    stills_pattern,
    write_framemd5,
    write_stills,
)

RATE = Fraction(24)
FFV1 = PROFILES["ffv1"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    call = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(call, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 64 kB; a write that tries fails half way."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def movie(name: str, folder: Path) -> None:
    profile = PROFILES[name]
    clip = prepare(noise(vs.RGB30, 256, 128, 12).std.SetFrameProps(_Transfer=1), profile)
    encode_segment(clip.frames(), profile, folder / f"a{profile.suffix}", VideoInfo.of(clip.get_frame(0), RATE))


@pytest.mark.parametrize("name", ["ffv1", "prores_hq", "dnxhr_hqx", "h264", "h265"])
def test_movies_on_a_full_disk(name: str, small_disk: Path) -> None:
    with pytest.raises(OutputError, match=r"the disk is full\. Free some space") as caught:
        movie(name, small_disk)
    assert caught.value.file == str(small_disk / f"a{PROFILES[name].suffix}")
    assert not list(small_disk.iterdir())


@pytest.mark.parametrize("name", ["ffv1", "prores_hq", "h264"])
def test_movies_beyond_the_size_limit(name: str, tmp_path: Path, small_files: None) -> None:
    with pytest.raises(OutputError, match="grew beyond"):
        movie(name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["dpx10", "dpx16", "exr_half", "tiff16"])
def test_stills_on_a_full_disk(name: str, small_disk: Path) -> None:
    profile = PROFILES[name]
    clip = prepare(noise(vs.RGB30, 64, 48, 12), profile)
    with pytest.raises(OutputError, match=r"the disk is full\. Free some space"):
        write_stills(
            clip.frames(), profile, stills_pattern(small_disk / "a", profile), VideoInfo.of(clip.get_frame(0), RATE)
        )
    left = list((small_disk / "a").iterdir())
    assert not [p for p in left if p.name.startswith(".")]
    sizes = {p.stat().st_size for p in left}
    assert 0 not in sizes


def test_joining_on_a_full_disk_keeps_the_old_file(small_disk: Path, tmp_path: Path) -> None:
    results, info = pieces(noise(vs.RGB30, 256, 128, 8), FFV1, tmp_path, (0, 4), RATE)
    out = small_disk / "o.mkv"
    out.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"o\.mkv: cannot write: the disk is full"):
        join_segments([r.path for r in results], out, profile=FFV1, info=info)
    assert [p.name for p in small_disk.iterdir()] == ["o.mkv"]
    assert out.read_bytes() == b"old"


def test_the_name_appears_only_when_the_bytes_are_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.bin"
    with atomic_file(path) as sink:
        sink.write(b"12")
        assert not path.exists()
        sink.seek(0)
        sink.write(b"3")
    assert path.read_bytes() == b"32"
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]


def test_bytes_are_on_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def spy(name: str, real: Callable[..., None]) -> Callable[..., None]:
        return lambda *a, **k: (order.append(name), real(*a, **k))[1]

    monkeypatch.setattr(os, "fsync", spy("fsync", os.fsync))
    monkeypatch.setattr(os, "replace", spy("replace", os.replace))
    atomic_text(tmp_path / "a.txt", "x")
    assert order == ["fsync", "replace", "fsync"]  # the file, its name, the folder


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def half() -> None:
        with atomic_file(tmp_path / "a") as sink:
            sink.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert not list(tmp_path.iterdir())


def test_a_leftover_of_a_killed_run_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".a.txt.part").write_bytes(b"left over and longer")
    atomic_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_an_error_that_was_swallowed_on_the_way_is_still_told(tmp_path: Path) -> None:
    class Full:
        def write(self, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def flush(self) -> None:
            pass

    def swallow() -> None:
        with atomic_file(tmp_path / "a") as sink:
            sink._file = Full()  # type: ignore[assignment]
            with suppress(OSError):  # as libav does
                sink.write(b"x")

    with pytest.raises(OutputError, match="the disk is full"):
        swallow()
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(OutputError, match="a folder of that name is in the way"):
        atomic_text(tmp_path / "a", "x")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write"):
        atomic_text(tmp_path / "file" / "a", "x")


@pytest.mark.parametrize("name", ["ffv1", "prores_4444", "h264"])
def test_lists_are_what_ffmpeg_writes(name: str, tmp_path: Path) -> None:
    profile = PROFILES[name]
    clip = waves(vs.YUV420P8, 96, 64, 5).std.SetFrameProps(_Matrix=1, _Range=0)
    results, info = pieces(clip, profile, tmp_path, (0,), Fraction(30000, 1001))
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    write_framemd5(ours, results[0].stored, results[0].picture_bytes, info)
    with (
        av.open(str(results[0].path)) as source,
        av.open(str(theirs), "w", format="framemd5", options={"fflags": "+bitexact"}) as sink,
    ):
        video = source.streams.video[0]
        stream = sink.add_stream("rawvideo", rate=info.rate)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, video.pix_fmt
        stream.codec_context.time_base = 1 / info.rate
        for number, picture in enumerate(source.decode(video)):
            picture.pts, picture.time_base = number, 1 / info.rate
            sink.mux(stream.encode(picture))
        sink.mux(stream.encode(None))
    # PyAV cannot hand the aspect on to this muxer.
    assert ours.read_text() == theirs.read_text().replace("#sar 0: 0/1", "#sar 0: 1/1")


def test_lists_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.framemd5"
    info = VideoInfo.of(noise(vs.GRAY8).get_frame(0), RATE)
    write_framemd5(path, ["a" * 32, "b" * 32], 3072, info)
    assert read_framemd5(path) == [FrameMd5(0, 3072, "a" * 32), FrameMd5(1, 3072, "b" * 32)]
    write_framemd5(path, ["c" * 32], 3072, info, names=["a b.0000001.dpx"])
    assert read_framemd5(path) == [FrameMd5(0, 3072, "c" * 32, "a b.0000001.dpx")]
    path.write_text(path.read_text() + "nonsense\n")
    with pytest.raises(OutputError, match=r"a\.framemd5:11: this is no line"):
        read_framemd5(path)
    with pytest.raises(OutputError, match="cannot be read"):
        read_framemd5(tmp_path / "none")
