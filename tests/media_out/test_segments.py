"""Pieces of a movie: exact, repeatable, whole or not there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import vapoursynth as vs

from tests.media_out.helpers import noise, pieces, planes, waves
from vsfilmrestore.errors import OutputError, RenderError
from vsfilmrestore.media.out import PROFILES, VideoInfo, encode_segment, movie_md5s, prepare

core = vs.core
MOVIES = [p.name for p in PROFILES.values() if p.is_movie]
FFV1 = PROFILES["ffv1"]
RATE = Fraction(24)


def read_planes(path: Path) -> Iterator[list[np.ndarray]]:
    """Decoded planes in VapourSynth's order, without any of the code under test."""
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            if picture.format.name == "bgr0":
                packed = picture.to_ndarray(format="rgb24")
                yield [packed[..., c] for c in range(3)]
                continue
            wide = picture.format.components[0].bits > 8
            found = [
                np.frombuffer(bytes(p), "<u2" if wide else "u1").reshape(p.height, -1)[:, : p.width]
                for p in picture.planes
            ]
            yield [found[2], found[0], found[1]] if picture.format.name.startswith("gbr") else found


@pytest.mark.parametrize("fmt", list(FFV1.pixels), ids=lambda f: core.get_video_format(f).name)
def test_ffv1_gives_every_format_back_bit_for_bit(fmt: int, tmp_path: Path) -> None:
    clip = noise(fmt, 64, 48, 2)
    info = VideoInfo.of(clip.get_frame(0), RATE)
    result = encode_segment(clip.frames(), FFV1, tmp_path / "a.mkv", info)
    assert result.stored == result.fed
    for n, found in enumerate(read_planes(result.path)):
        for have, want in zip(found, planes(clip.get_frame(n)), strict=True):
            assert np.array_equal(have, want)
    assert n == 1


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (33, 17), (15, 200)])
@pytest.mark.parametrize("fmt", [vs.GRAY16, vs.RGB30, vs.RGB24])
def test_ffv1_holds_odd_and_tiny_pictures(fmt: int, size: tuple[int, int], tmp_path: Path) -> None:
    clip = noise(fmt, *size, 2)
    result = encode_segment(clip.frames(), FFV1, tmp_path / "a.mkv", VideoInfo.of(clip.get_frame(0), RATE))
    assert result.stored == result.fed


@pytest.mark.parametrize(
    ("name", "least"), [("prores_hq", 50), ("prores_4444", 50), ("dnxhr_hqx", 50), ("dnxhr_hq", 48), ("h265", 40)]
)
def test_pictures_survive_lossy_formats(name: str, least: float, tmp_path: Path) -> None:
    profile = PROFILES[name]
    fmt = next(iter(profile.pixels))
    clip = waves(fmt, 320, 240, 3).std.SetFrameProps(_Matrix=1, _Range=0)
    results, _ = pieces(clip, profile, tmp_path, (0,))
    bits = core.get_video_format(fmt).bits_per_sample
    for n, found in enumerate(read_planes(results[0].path)):
        wants = planes(clip.get_frame(n))
        shift = 2 if name == "prores_4444" else 0  # decoded as 12 bits
        error = np.concatenate(
            [(f.astype(float) / (1 << shift) - w).ravel() for f, w in zip(found, wants, strict=True)]
        )
        psnr = 20 * np.log10((1 << bits) - 1) - 10 * np.log10(np.mean(error**2))
        assert psnr > least


@pytest.mark.parametrize("name", MOVIES)
def test_the_same_frames_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    profile = PROFILES[name]
    clip = prepare(waves(vs.YUV422P10, 256, 128, 8).std.SetFrameProps(_Matrix=1), profile)
    info = VideoInfo.of(clip.get_frame(0), RATE)
    found = set()
    for threads in (1, 3, 3):
        result = encode_segment(clip.frames(), profile, tmp_path / f"a{profile.suffix}", info, threads=threads)
        assert result.frames == len(result.fed) == len(result.stored) == 8
        assert result.bytes == result.path.stat().st_size
        found.add(hashlib.sha256(result.path.read_bytes()).hexdigest())
    assert len(found) == 1


def test_checksums_are_those_of_the_packed_picture(tmp_path: Path) -> None:
    clip = noise(vs.YUV420P10, 70, 50, 1)
    info = VideoInfo.of(clip.get_frame(0), RATE)
    result = encode_segment(clip.frames(), FFV1, tmp_path / "a.mkv", info)
    packed = b"".join(p.tobytes() for p in planes(clip.get_frame(0)))
    assert result.fed == (hashlib.md5(packed).hexdigest(),)
    assert result.picture_bytes == len(packed)
    red, green, blue = planes(noise(vs.RGB30, 70, 50, 1).get_frame(0))
    clip = noise(vs.RGB30, 70, 50, 1)
    result = encode_segment(clip.frames(), FFV1, tmp_path / "b.mkv", VideoInfo.of(clip.get_frame(0), RATE))
    assert result.fed == (hashlib.md5(green.tobytes() + blue.tobytes() + red.tobytes()).hexdigest(),)


def test_reading_back_can_be_left_out(tmp_path: Path) -> None:
    clip = noise(vs.GRAY8)
    info = VideoInfo.of(clip.get_frame(0), RATE)
    result = encode_segment(clip.frames(), FFV1, tmp_path / "a.mkv", info, read_back=False)
    assert result.stored == ()
    assert result.picture_bytes == 64 * 48
    assert tuple(movie_md5s(result.path)) == result.fed


def test_a_frame_of_another_size_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    clip = noise(vs.GRAY8)
    info = VideoInfo.of(clip.get_frame(0), RATE)
    frames = [clip.get_frame(0), noise(vs.GRAY8, 32, 32).get_frame(0)]
    with pytest.raises(RenderError, match="frame 1: the picture is 32x32") as caught:
        encode_segment(frames, FFV1, tmp_path / "a.mkv", info)
    assert caught.value.exit_code == 7
    assert not list(tmp_path.iterdir())


def test_no_frames_is_an_error(tmp_path: Path) -> None:
    info = VideoInfo.of(noise(vs.GRAY8).get_frame(0), RATE)
    with pytest.raises(OutputError, match="no frames"):
        encode_segment([], FFV1, tmp_path / "a.mkv", info)
    assert not list(tmp_path.iterdir())


def test_a_failing_filter_leaves_the_old_piece(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(b"old")
    clip = noise(vs.GRAY8)

    def frames() -> Iterator[vs.VideoFrame]:
        yield clip.get_frame(0)
        raise vs.Error("remove_dirt: broken")

    with pytest.raises(vs.Error, match="broken"):
        encode_segment(frames(), FFV1, path, VideoInfo.of(clip.get_frame(0), RATE))
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.mkv"]


def test_a_damaged_piece_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(b"no movie")
    with pytest.raises(OutputError, match=r"a\.mkv: cannot be decoded"):
        list(movie_md5s(path))


def test_frames_are_taken_one_at_a_time(tmp_path: Path) -> None:
    """No more than a handful of frames are asked for before the first is written."""
    clip = noise(vs.GRAY8, 64, 48, 1)
    frame = clip.get_frame(0)
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("the memory of a process is read from /proc")
    used: list[int] = []

    def frames() -> Iterator[vs.VideoFrame]:
        for n in range(2000):
            if n % 500 == 499:
                used.append(int(statm.read_text().split()[1]) * 4096)
            yield frame

    info = VideoInfo.of(frame, RATE)
    result = encode_segment(frames(), FFV1, tmp_path / "a.mkv", info, read_back=False)
    assert result.frames == 2000
    assert used[-1] - used[0] < 4 << 20  # 6 MB of pictures passed between the two
