"""Joined movies: every picture, label and sample in its place."""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
import vapoursynth as vs

from tests.media_out.helpers import RATE, noise, pieces, sound, waves
from vsfilmrestore.errors import OutputError, UsageError
from vsfilmrestore.media.out import PROFILES, VideoInfo, encode_segment, join_segments, movie_md5s, prepare, segments
from vsfilmrestore.media.out.matroska import PLACEHOLDER, display_size, write_display_size

core = vs.core
CUTS = (0, 7, 8)  # a piece of one frame in the middle
LENGTH = 20
CASES = [(p.name, suffix) for p in PROFILES.values() if p.is_movie for suffix in p.containers]
COLOUR = {"_Matrix": 9, "_Transfer": 16, "_Primaries": 9, "_Range": 0, "_SARNum": 4, "_SARDen": 3}


def picture_clip(length: int = LENGTH) -> vs.VideoNode:
    return waves(vs.YUV422P10, 256, 128, length).std.SetFrameProps(**COLOUR)


@pytest.mark.parametrize(("name", "suffix"), CASES)
def test_pictures_labels_and_sound_arrive(name: str, suffix: str, tmp_path: Path) -> None:
    profile = PROFILES[name]
    results, info = pieces(picture_clip(), profile, tmp_path, CUTS)
    samples = 48000 * LENGTH * 1001 // 24000
    audio, data = sound(tmp_path / "a.wav", samples)
    out = tmp_path / f"out{suffix}"
    paths = [r.path for r in results]
    count = join_segments(paths, out, profile=profile, info=info, timecode="01:02:03:04", reel="A001_C002", audio=audio)
    assert count == LENGTH
    # Decoding the whole gives exactly what decoding the pieces gave.
    assert list(movie_md5s(out)) == [md5 for r in results for md5 in r.stored]
    with av.open(str(out)) as movie:
        check_labels(movie, suffix)
        check_times(movie)
    check_sound(out, suffix, data)
    first = hashlib.sha256(out.read_bytes()).hexdigest()
    join_segments(paths, out, profile=profile, info=info, timecode="01:02:03:04", reel="A001_C002", audio=audio)
    assert hashlib.sha256(out.read_bytes()).hexdigest() == first


def check_labels(movie: Any, suffix: str) -> None:
    video = movie.streams.video[0]
    assert video.average_rate == RATE
    assert video.sample_aspect_ratio == Fraction(4, 3)
    assert (video.color_range, video.color_primaries, video.color_trc, video.colorspace) == (1, 9, 16, 9)
    if suffix == ".mkv":
        assert movie.metadata["TIMECODE"] == "01:02:03:04"
        assert movie.metadata["REEL_NAME"] == "A001_C002"
        assert "title" not in video.metadata
        return
    track = next(s for s in movie.streams if s.type == "data")
    assert track.metadata["timecode"] == "01:02:03:04"
    assert suffix == ".mp4" or track.metadata["reel_name"] == "A001_C002"
    assert "creation_time" not in movie.metadata


def check_times(movie: Any) -> None:
    video = movie.streams.video[0]
    shown, decoded = [], []
    for packet in movie.demux(video):
        if packet.size:
            shown.append(packet.pts * packet.time_base)
            decoded.append(packet.dts)
    assert decoded == sorted(set(decoded))
    tolerance = Fraction(1, 1000)  # Matroska counts milliseconds
    assert all(abs(t - n / RATE) <= tolerance for n, t in enumerate(sorted(shown)))


def check_sound(path: Path, suffix: str, data: np.ndarray) -> None:
    with av.open(str(path)) as movie:
        codec = movie.streams.audio[0].codec_context.name
        found = np.concatenate(
            [
                f.to_ndarray().reshape(-1, 2) if not f.format.is_planar else f.to_ndarray().T
                for f in movie.decode(audio=0)
            ]
        )
    assert codec == ("aac" if suffix == ".mp4" else "pcm_s24le")
    assert found.shape == data.shape  # not a sample more or less, AAC's priming cut off again
    if codec != "aac":
        assert np.array_equal(found >> 8, data)


@pytest.mark.parametrize(("width", "codec", "shift"), [(2, "pcm_s16le", 0), (3, "pcm_s24le", 8), (4, "pcm_s32le", 0)])
@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
def test_pcm_of_every_depth_is_exact(width: int, codec: str, shift: int, suffix: str, tmp_path: Path) -> None:
    profile = PROFILES["ffv1" if suffix == ".mkv" else "prores_hq"]
    results, info = pieces(picture_clip(4), profile, tmp_path, (0,))
    audio, data = sound(tmp_path / "a.wav", 7001, width=width, channels=1, rate=44100)
    out = tmp_path / f"out{suffix}"
    join_segments([results[0].path], out, profile=profile, info=info, audio=audio)
    with av.open(str(out)) as movie:
        stream = movie.streams.audio[0]
        found = np.concatenate([f.to_ndarray().ravel() for f in movie.decode(stream)])
        assert (stream.codec_context.name, stream.rate, stream.channels) == (codec, 44100, 1)
    assert np.array_equal(found >> shift, data[:, 0])


def test_float_sound_is_exact(tmp_path: Path) -> None:
    raw = np.random.default_rng(3).normal(0, 2, 5000).astype("<f4")  # beyond 1: a float keeps that
    body = raw.tobytes()
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(body),
        b"WAVE",
        b"fmt ",
        16,
        3,
        1,
        48000,
        192000,
        4,
        32,
        b"data",
        len(body),
    )
    (tmp_path / "f.wav").write_bytes(head + body)
    audio = core.bs.AudioSource(str(tmp_path / "f.wav"))
    results, info = pieces(noise(vs.GRAY8), PROFILES["ffv1"], tmp_path, (0,))
    join_segments([results[0].path], tmp_path / "o.mkv", profile=PROFILES["ffv1"], info=info, audio=audio)
    with av.open(str(tmp_path / "o.mkv")) as movie:
        assert movie.streams.audio[0].codec_context.name == "pcm_f32le"
        found = np.concatenate([f.to_ndarray().ravel() for f in movie.decode(audio=0)])
    assert np.array_equal(found, raw)


@pytest.mark.parametrize(
    ("rate", "timecode"),
    [
        (Fraction(30000, 1001), "00:59:59;28"),
        (Fraction(25), "10:00:00:24"),
        (Fraction(16), "00:00:10:15"),
        (Fraction(18), "00:00:00:00"),
    ],
)
def test_timecode_at_every_rate(rate: Fraction, timecode: str, tmp_path: Path) -> None:
    results, info = pieces(picture_clip(3), PROFILES["prores_hq"], tmp_path, (0,), rate)
    out = tmp_path / "o.mov"
    join_segments([results[0].path], out, profile=PROFILES["prores_hq"], info=info, timecode=timecode)
    with av.open(str(out)) as movie:
        assert movie.streams.video[0].average_rate == rate
        assert next(s for s in movie.streams if s.type == "data").metadata["timecode"] == timecode


def test_fields_are_told(tmp_path: Path) -> None:
    for name, orders in (("ffv1", {2, 4}), ("prores_hq", {2, 4})):
        clip = picture_clip(2).std.SetFieldBased(2)
        results, info = pieces(clip, PROFILES[name], tmp_path, (0,))
        out = tmp_path / f"o{PROFILES[name].suffix}"
        join_segments([results[0].path], out, profile=PROFILES[name], info=info)
        with av.open(str(out)) as movie:
            assert movie.streams.video[0].codec_context.field_order in orders


def test_square_pixels_need_no_placeholder(tmp_path: Path) -> None:
    results, info = pieces(noise(vs.GRAY8), PROFILES["ffv1"], tmp_path, (0,))
    out = tmp_path / "o.mkv"
    join_segments([results[0].path], out, profile=PROFILES["ffv1"], info=info)
    assert PLACEHOLDER.encode() not in out.read_bytes()
    with av.open(str(out)) as movie:
        assert movie.streams.video[0].sample_aspect_ratio in (0, 1)


@pytest.mark.parametrize(
    "aspect", [Fraction(4, 3), Fraction(1, 2), Fraction(10, 11), Fraction(118, 81), Fraction(64, 45)]
)
def test_display_size_in_matroska(aspect: Fraction, tmp_path: Path) -> None:
    results, info = pieces(noise(vs.GRAY16, 72, 50), PROFILES["ffv1"], tmp_path, (0,))
    info = replace(info, sample_aspect=aspect)
    out = tmp_path / "o.mkv"
    join_segments([results[0].path], out, profile=PROFILES["ffv1"], info=info)
    assert PLACEHOLDER.encode() not in out.read_bytes()
    with av.open(str(out)) as movie:
        assert movie.streams.video[0].sample_aspect_ratio == aspect
    width, height, _ = display_size(72, 50, aspect)
    assert Fraction(width, height) == Fraction(72, 50) * aspect
    assert tuple(movie_md5s(out)) == results[0].stored


def test_display_size_refuses_other_files() -> None:
    file = io.BytesIO(b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x80")
    with pytest.raises(ValueError, match="tracks"):
        write_display_size(file, (4, 3, 0))
    assert file.getvalue() == b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x80"


def test_calls_that_cannot_be_met(tmp_path: Path) -> None:
    profile = PROFILES["ffv1"]
    info = VideoInfo.of(noise(vs.GRAY8).get_frame(0), RATE)
    piece = [tmp_path / "none.mkv"]
    with pytest.raises(UsageError, match="no pieces"):
        join_segments([], tmp_path / "o.mkv", profile=profile, info=info)
    with pytest.raises(UsageError, match=r"Use \.mkv"):
        join_segments(piece, tmp_path / "o.mov", profile=profile, info=info)
    with pytest.raises(UsageError, match=r"does not exist at 23\.976 fps"):
        join_segments(piece, tmp_path / "o.mkv", profile=profile, info=info, timecode="01:00:00:24")
    with pytest.raises(OutputError, match=r"none\.mkv: a piece cannot be read"):
        join_segments(piece, tmp_path / "o.mkv", profile=profile, info=info)
    assert not list(tmp_path.iterdir())


def test_a_piece_of_other_settings_is_told(tmp_path: Path) -> None:
    results, info = pieces(noise(vs.GRAY8), PROFILES["ffv1"], tmp_path, (0,))
    other = noise(vs.GRAY16)
    stray = encode_segment(other.frames(), PROFILES["ffv1"], tmp_path / "s.mkv", VideoInfo.of(other.get_frame(0), RATE))
    out = tmp_path / "o.mkv"
    out.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"s\.mkv: a piece was made with other settings"):
        join_segments([results[0].path, stray.path], out, profile=PROFILES["ffv1"], info=info)
    assert out.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["00000.mkv", "o.mkv", "s.mkv"]


def test_many_pieces_with_b_frames(tmp_path: Path) -> None:
    """Reordered packets of many pieces of all lengths never run backwards."""
    profile = PROFILES["h264"]
    clip = prepare(waves(vs.YUV420P8, 64, 48, 40).std.SetFrameProps(_Matrix=1), profile)
    results, info = pieces(clip, profile, tmp_path, (0, 1, 2, 4, 7, 11, 12, 25, 39))
    out = tmp_path / "o.mp4"
    assert join_segments([r.path for r in results], out, profile=profile, info=info) == 40
    with av.open(str(out)) as movie:
        check_times(movie)
    assert list(movie_md5s(out)) == [md5 for r in results for md5 in r.stored]


def test_decoding_times_out_of_nowhere_are_set_right() -> None:
    times = [(0, -171798691880), (3, -1), (2, 0), (1, 1), (None, None), (5, None)]
    packets = [SimpleNamespace(pts=pts, dts=dts) for pts, dts in times]
    written: list[SimpleNamespace] = []
    assert segments._mux(SimpleNamespace(mux=written.append), packets, 0) == len(times)
    assert [packet.dts for packet in written] == [-2, -1, 0, 1, None, None]
