"""Media files that are not as they should be, taken as far as they go, and odd ones that are whole."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vsfilmrestore.errors import MediaError
from vsfilmrestore.media.source import SourceOptions, open_media

from .makers import plain_frames, truncate, write_movie

TOLERANT = SourceOptions(tolerant=True)


def with_sound(path: Path, frames: int) -> Path:
    """Noise and silence, a frame of each in turn, and no tag that tells how long either is."""
    random = np.random.default_rng(1)
    with av.open(str(path), "w") as out:
        video = out.add_stream("ffv1", rate=24)
        video.width, video.height, video.pix_fmt = 64, 48, "gray"
        audio = out.add_stream("pcm_s16le", rate=4800, layout="mono")
        for n in range(frames):
            frame = av.VideoFrame.from_ndarray(random.integers(0, 256, (48, 64), np.uint8), format="gray")
            frame.pts, frame.time_base = n, Fraction(1, 24)
            out.mux(video.encode(frame))
            block = av.AudioFrame.from_ndarray(np.zeros((1, 200), np.int16), format="s16", layout="mono")
            block.sample_rate, block.pts = 4800, 200 * n
            out.mux(audio.encode(block))
        for stream in (video, audio):
            out.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"DURATION", b"UNTOLD--"))
    return path


def test_pictures_and_sound_that_end_early_are_cut_off(tmp_path: Path) -> None:
    path = with_sound(tmp_path / "a.mkv", 72)
    assert [text for text in open_media(path).remarks if "cut off" in text] == []
    truncate(path)
    with pytest.raises(MediaError, match=r"is cut off: its header tells of 72 frames, \d+ are there.*--tolerant"):
        open_media(path)
    media = open_media(path, TOLERANT)
    assert 30 <= len(media) <= 36
    assert f"its header tells of 72 frames, {len(media)} are there, {72 - len(media)} (" in media.remarks[0]
    assert media.audio is not None
    assert media.audio.num_samples == 200 * len(media)


def test_sound_longer_than_the_pictures_is_no_damage(tmp_path: Path) -> None:
    sound = np.zeros(3 * 48000, np.int16)
    media = open_media(write_movie(tmp_path / "s.mkv", plain_frames(24), sound=sound), TOLERANT)
    assert [text for text in media.remarks if "cut off" in text] == []


def test_a_hole_is_named_and_what_follows_keeps_its_time(tmp_path: Path) -> None:
    times = [1000 * n for n in range(50) if not 20 <= n < 24]
    path = write_movie(tmp_path / "h.mkv", plain_frames(46), times=times, sound=np.zeros(100_000, np.int16))
    with pytest.raises(MediaError, match=r"4 frames are missing: 20-23.*--tolerant"):
        open_media(path)
    media = open_media(path, TOLERANT)
    assert any("4 frames are not in the file: 20-23; the frame before stands there" in text for text in media.remarks)
    shown = [int(frame[0][0, 0]) for frame in media.video.frames()]
    assert len(shown) == 50
    assert len(set(shown[19:24])) == 1
    assert len(set(shown)) == 46
    assert media.video.get_frame(30).props["_VsfrSourceFrame"] == 30
    assert media.audio is not None
    assert media.audio.num_samples == 100_000


def test_a_programme_stream_tells_no_times(tmp_path: Path) -> None:
    media = open_media(write_movie(tmp_path / "p.mpg", plain_frames(20), codec="mpeg2video", rate=25))
    assert (len(media), media.rate) == (20, 25)
    assert (
        "the file does not tell when each picture is shown; they are taken as they come, 25 a second" in media.remarks
    )


def test_an_avi_that_counts_ticks_is_whole(tmp_path: Path) -> None:
    # Made with a clock of 1/24000 s, of which the container tells 600 ticks a second.
    media = open_media(write_movie(tmp_path / "t.avi", plain_frames(24), codec="mpeg4"))
    assert (len(media), media.rate) == (24, 24)


def test_times_that_make_no_sense_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_movie(tmp_path / "w.mkv", plain_frames(12))
    times = [n * 1000 / 24 - (95_443_717 if n > 6 else 0) for n in range(12)]
    monkeypatch.setattr("vsfilmrestore.media.file_pictures._read_times", lambda _: times)
    with pytest.raises(MediaError, match="the frame rate varies"):
        open_media(path)
    media = open_media(path, TOLERANT)
    assert (len(media), media.rate) == (12, 24)
    assert any("make no sense" in text for text in media.remarks)


@pytest.mark.parametrize("bad", [(0,), (3, 4), (11,)])
def test_frames_known_to_be_unreadable_are_not_asked_for(tmp_path: Path, bad: tuple[int, ...]) -> None:
    path = write_movie(tmp_path / "u.mkv", plain_frames(12))
    whole = [int(frame[0][0, 0]) for frame in open_media(path).video.frames()]
    media = open_media(path, SourceOptions(tolerant=True, unreadable=bad, first=0, last=11))
    wanted = [whole[bad[0] - 1 if bad[0] else bad[-1] + 1] if n in bad else level for n, level in enumerate(whole)]
    assert [int(frame[0][0, 0]) for frame in media.video.frames()] == wanted
    assert any("cannot be read: " in text for text in media.remarks)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSFILMRESTORE_CACHE", str(tmp_path_factory.mktemp("cache")))


def test_pictures_that_change_their_size_are_brought_to_the_first(tmp_path: Path) -> None:
    small = write_movie(tmp_path / "a.ts", plain_frames(10), codec="mpeg2video", rate=25)
    large = write_movie(
        tmp_path / "b.ts",
        plain_frames(10, 96, 128),
        codec="mpeg2video",
        rate=25,
        times=[960 * n for n in range(10, 20)],
    )
    both = tmp_path / "c.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(MediaError, match=r"change their size .* --tolerant"):
        open_media(both)
    media = open_media(both, TOLERANT)
    assert (media.video.width, media.video.height) == (64, 48)
    assert media.remarks[0].endswith("all are brought to 64x48 YUV420P8, as the first is")
    assert [frame.width for frame in media.video.frames()] == [64] * len(media)
    assert len(media) >= 18
