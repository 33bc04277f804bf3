"""Image sequences: what is in the files is what arrives."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import MediaError, MissingFrameError, UsageError
from vsfilmrestore.media.failure import media_error_in
from vsfilmrestore.media.source import SourceOptions, open_media, probe

from .makers import (
    KEYCODE,
    codes,
    planes,
    samples,
    stored,
    timecode_word,
    truncate,
    write_picture,
    write_sequence,
    write_wav,
)

core = vs.core


@pytest.mark.parametrize("endian", ["big", "little"])
@pytest.mark.parametrize(
    ("bits", "channels", "expected"),
    [
        (8, 3, vs.RGB24),
        (10, 3, vs.RGB30),
        (12, 3, vs.RGB36),
        (16, 3, vs.RGB48),
        (8, 1, vs.GRAY8),
        (10, 1, vs.GRAY10),
        (12, 1, vs.GRAY12),
        (16, 1, vs.GRAY16),
    ],
)
@pytest.mark.parametrize("width", [64, 61])
def test_dpx_code_values_are_exact(
    tmp_path: Path, bits: int, channels: int, expected: int, endian: str, width: int
) -> None:
    values = codes(bits, channels, width, 67)
    write_picture(tmp_path / "a_0001.dpx", stored(values, bits), bits, {"oiio:Endian": endian})
    media = open_media(tmp_path)
    assert media.video.format.id == expected
    assert np.array_equal(planes(media.video.get_frame(0)), values.transpose(2, 0, 1))


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_tiff_code_values_are_exact(tmp_path: Path, bits: int, channels: int) -> None:
    values = codes(bits, channels, 64, 48)
    write_picture(tmp_path / "a_0001.tif", stored(values, bits), bits)
    media = open_media(tmp_path)
    assert media.video.format.bits_per_sample == bits
    assert np.array_equal(planes(media.video.get_frame(0)), values.transpose(2, 0, 1))


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("compression", ["none", "zip", "piz"])
def test_exr_values_are_exact(tmp_path: Path, kind: type, channels: int, compression: str) -> None:
    pixels = np.random.default_rng(1).normal(0.2, 1.5, (150, 33, channels)).astype(kind)
    write_picture(tmp_path / "a.0001.exr", pixels, tags={"compression": compression})
    media = open_media(tmp_path)
    assert media.video.format.id == (vs.GRAYS if channels == 1 else vs.RGBS)
    frame = media.video.get_frame(0)
    assert np.array_equal(planes(frame), pixels.astype(np.float32).transpose(2, 0, 1))
    assert frame.props["_Transfer"] == 8


def test_a_tiled_file_and_a_second_channel_are_read(tmp_path: Path) -> None:
    import OpenImageIO as oiio

    pixels = np.random.default_rng(2).random((96, 80, 4), np.float32)
    spec = oiio.ImageSpec(80, 96, 4, "float")
    spec.tile_width = spec.tile_height = 32
    out = oiio.ImageOutput.create("x.exr")
    assert out.open(str(tmp_path / "t_1.exr"), spec)
    assert out.write_image(pixels)
    out.close()
    media = open_media(tmp_path)
    assert np.array_equal(planes(media.video.get_frame(0)), pixels[..., :3].transpose(2, 0, 1))
    assert any("channel A is not carried" in remark for remark in media.remarks)


def test_a_data_window_is_placed_in_the_display_window(tmp_path: Path) -> None:
    import OpenImageIO as oiio

    spec = oiio.ImageSpec(8, 6, 1, "float")
    spec.x, spec.y, spec.full_width, spec.full_height = 4, 3, 16, 12
    out = oiio.ImageOutput.create("x.exr")
    assert out.open(str(tmp_path / "w_1.exr"), spec)
    assert out.write_image(np.full((6, 8, 1), 0.5, np.float32))
    out.close()
    picture = planes(open_media(tmp_path).video.get_frame(0))[0]
    expected = np.zeros((12, 16), np.float32)
    expected[3:9, 4:12] = 0.5
    assert np.array_equal(picture, expected)


def test_header_facts_become_props(tmp_path: Path) -> None:
    for n in range(3):
        tags = {
            "smpte:TimeCode": ("timecode", [timecode_word(1, 0, 0, n), 0]),
            "smpte:KeyCode": ("keycode", [*KEYCODE[:4], KEYCODE[4] + n, *KEYCODE[5:]]),
            "dpx:FrameRate": 18.0,
            "dpx:Transfer": "Printing density",
            "PixelAspectRatio": 2.0,
        }
        write_picture(tmp_path / f"a_{86400 + n:07d}.dpx", stored(codes(10), 10), 10, tags)
    media = open_media(tmp_path)
    assert (media.kind, media.rate, media.video.fps, len(media)) == ("sequence", 18, 18, 3)
    assert (media.has_timecode, media.timecode(0), media.start) == (True, "01:00:00:00", 64800)
    assert (media.first_number, media.log, media.sample_aspect, media.remarks) == (86400, True, 2, ())
    frame = media.video.get_frame(2)
    assert frame.props["_VsfrTimecode"] == "01:00:00:02"
    assert frame.props["_VsfrKeycode"] == "12 34 567890 1234 7 4 64"
    assert frame.props["_VsfrSourceFile"] == "a_0086402.dpx"
    assert frame.props["_VsfrSourceFrame"] == 86402
    assert frame.props["_VsfrLog"] == 1
    assert (frame.props["_SARNum"], frame.props["_SARDen"]) == (2, 1)
    assert (frame.props["_Matrix"], frame.props["_Transfer"], frame.props["_Range"]) == (0, 2, vs.RANGE_FULL)
    assert (frame.props["_DurationNum"], frame.props["_DurationDen"]) == (1, 18)


def test_exr_carries_reel_and_drop_frame(tmp_path: Path) -> None:
    for n in range(4):
        tags = {
            "smpte:TimeCode": ("timecode", [timecode_word(0, 1, 0, n + 2, drop=True), 0]),
            "FramesPerSecond": ("rational", [30000, 1001]),
            "reelName": "A007",
            "chromaticities": ("float[8]", [0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.329]),
        }
        write_picture(tmp_path / f"a_{n:04d}.exr", np.zeros((8, 8, 3), np.float16), tags=tags)
    media = open_media(tmp_path)
    assert (media.rate, media.drop, media.reel) == (Fraction(30000, 1001), True, "A007")
    assert media.timecode(0) == "00:01:00;02"
    assert media.start == 1800
    frame = media.video.get_frame(3)
    assert frame.props["_VsfrReel"] == "A007"
    assert frame.props["_VsfrTimecode"] == "00:01:00;05"
    assert frame.props["_Primaries"] == 9


def test_what_we_wrote_ourselves_is_understood(tmp_path: Path) -> None:
    black = np.zeros((8, 8, 3), np.float16)
    write_picture(tmp_path / "a_1.exr", black, tags={"vsfilmrestore:h273": "12 16 0 1"})
    colour = open_media(tmp_path / "a_1.exr").colour
    assert (colour.primaries, colour.transfer, colour.matrix) == (12, 16, 0)
    for name, software, reel in (("b", "vsfilmrestore 0.1", "R12"), ("c", "a scanner's", "")):
        tags = {"Software": software, "dpx:InputDevice": "R12"}
        path = write_picture(tmp_path / f"{name}_1.dpx", stored(codes(10), 10), 10, tags)
        assert open_media(path).reel == reel


def test_a_silent_header_is_not_guessed_at(tmp_path: Path) -> None:
    media = open_media(write_sequence(tmp_path, range(2)))
    assert media.rate == 24
    assert media.remarks == ("the headers tell no frame rate, 24 was assumed",)
    assert (media.has_timecode, media.start, media.reel, media.log) == (False, 0, "", False)
    frame = media.video.get_frame(0)
    assert frame.props["_Transfer"] == frame.props["_Primaries"] == 2
    assert not {"_VsfrTimecode", "_VsfrReel", "_VsfrKeycode", "_VsfrLog"} & set(frame.props)


def test_a_timecode_that_does_not_exist_is_remarked(tmp_path: Path) -> None:
    tags = {"smpte:TimeCode": ("timecode", [timecode_word(1, 0, 0, 27), 0])}
    write_picture(tmp_path / "a_1.dpx", stored(codes(10), 10), 10, tags)
    media = open_media(tmp_path)
    assert not media.has_timecode
    assert any("timecode" in remark for remark in media.remarks)
    assert open_media(tmp_path, SourceOptions(rate=Fraction(30))).timecode(0) == "01:00:00:27"


def test_the_given_rate_and_range_win(tmp_path: Path) -> None:
    write_sequence(tmp_path, range(10, 20))
    media = open_media(tmp_path, SourceOptions(rate=Fraction(16), first=12, last=15))
    assert (media.rate, len(media), media.first_number) == (16, 4, 12)
    assert [f.props["_VsfrSourceFrame"] for f in media.video.frames()] == [12, 13, 14, 15]


@pytest.mark.parametrize(
    "named", [".", "scan_0000003.dpx", "scan_%07d.dpx", "scan_#######.dpx", "scan_#.dpx"], ids=lambda n: n
)
def test_every_way_to_name_a_sequence(tmp_path: Path, named: str) -> None:
    write_sequence(tmp_path, range(1, 6))
    (tmp_path / "._scan_0000001.dpx").write_bytes(b"left by a Mac")
    (tmp_path / "notes.txt").write_text("read me")
    media = open_media(tmp_path / named)
    assert (len(media), media.first_number, media.name) == (5, 1, "scan")


def test_numbers_may_outgrow_their_padding(tmp_path: Path) -> None:
    write_sequence(tmp_path, range(98, 103), name="f{:02d}.dpx")
    assert [f.props["_VsfrSourceFile"] for f in open_media(tmp_path).video.frames()] == [
        f"f{n:02d}.dpx" for n in range(98, 103)
    ]


def test_a_picture_without_a_number_is_a_sequence_of_one(tmp_path: Path) -> None:
    values = codes(16)
    path = write_picture(tmp_path / "title.tif", stored(values, 16))
    media = open_media(path)
    assert (len(media), media.name) == (1, "title")
    assert np.array_equal(planes(media.video.get_frame(0)), values.transpose(2, 0, 1))


def test_two_sequences_in_a_folder_are_listed(tmp_path: Path) -> None:
    write_sequence(tmp_path, range(2), name="left_{:03d}.dpx")
    write_sequence(tmp_path, range(3), name="right_{:03d}.dpx")
    with pytest.raises(MediaError, match=r"2 sequences: left_###\.dpx \(2 files\), right_###\.dpx \(3 files\)"):
        open_media(tmp_path)
    assert len(open_media(tmp_path / "right_###.dpx")) == 3


def test_a_hole_is_an_error_that_names_the_frames(tmp_path: Path) -> None:
    write_sequence(tmp_path, [1, 2, 4, 7, 8])
    with pytest.raises(MissingFrameError, match=r"3 of 8 frames are missing: 3, 5-6, the first is scan_0000003\.dpx"):
        open_media(tmp_path)


@pytest.mark.parametrize("log", [False, True])
def test_a_hole_can_be_held_or_black(tmp_path: Path, log: bool) -> None:
    tags = {"smpte:TimeCode": ("timecode", [timecode_word(1, 0, 0, 0), 0])}
    if log:
        tags["dpx:Transfer"] = "Logarithmic"
    for n in (5, 7):
        write_picture(tmp_path / f"s_{n}.dpx", stored(codes(10, seed=n), 10), 10, tags)
    held = open_media(tmp_path, SourceOptions(gap="hold", first=4)).video
    frames = [held.get_frame(n) for n in range(4)]
    assert np.array_equal(planes(frames[0]), planes(frames[1]))
    assert np.array_equal(planes(frames[2]), planes(frames[1]))
    assert [f.props.get("_VsfrMissing", 0) for f in frames] == [1, 0, 1, 0]
    assert [f.props["_VsfrSourceFrame"] for f in frames] == [4, 5, 6, 7]
    assert frames[2].props["_VsfrSourceFile"] == "s_5.dpx"
    assert frames[2].props["_VsfrTimecode"] == "01:00:00:01"
    black = open_media(tmp_path, SourceOptions(gap="black"))
    assert any("1 missing frame is black: 6" in r for r in black.remarks)
    frame = black.video.get_frame(1)
    assert np.all(planes(frame) == (95 if log else 0))
    assert frame.props["_VsfrMissing"] == 1
    assert "_VsfrSourceFile" not in frame.props
    assert np.array_equal(planes(black.video.get_frame(2)), codes(10, seed=7).transpose(2, 0, 1))


def test_frames_that_are_not_there_at_all(tmp_path: Path) -> None:
    write_sequence(tmp_path, range(3))
    with pytest.raises(MissingFrameError, match=r"none of the frames 10-12 is there"):
        open_media(tmp_path, SourceOptions(first=10, last=12, gap="hold"))


def test_a_truncated_frame_names_its_file_when_it_is_asked_for(tmp_path: Path) -> None:
    write_sequence(tmp_path, range(5))
    truncate(tmp_path / "scan_0000002.dpx", 0.7)
    media = open_media(tmp_path)
    media.video.get_frame(1)
    with pytest.raises(vs.Error) as caught:
        media.video.get_frame(2)
    error = media_error_in(caught.value)
    assert error is not None
    assert "scan_0000002.dpx" in str(error)
    assert "truncated or damaged" in str(error)
    assert "\n" not in str(error)


def test_a_frame_that_vanished_or_is_no_picture(tmp_path: Path) -> None:
    write_sequence(tmp_path, range(5))
    media = open_media(tmp_path)
    (tmp_path / "scan_0000002.dpx").unlink()
    (tmp_path / "scan_0000003.dpx").write_bytes(b"not a picture")
    for n, words in ((2, "there is no such file"), (3, "cannot be read")):
        with pytest.raises(vs.Error) as caught:
            media.video.get_frame(n)
        assert words in str(media_error_in(caught.value))
    media.video.get_frame(4)


def test_sizes_that_change_are_named(tmp_path: Path) -> None:
    write_sequence(tmp_path, [0, 1, 3])
    write_sequence(tmp_path, [2], size=(66, 32))
    with pytest.raises(vs.Error) as caught:
        open_media(tmp_path).video.get_frame(2)
    text = str(media_error_in(caught.value))
    assert "scan_0000002.dpx: the picture is 66x32 RGB 10 bit where the sequence began with 64x32 RGB 10 bit" in text
    write_sequence(tmp_path, [4], size=(32, 32))
    with pytest.raises(MediaError, match=r"scan_0000004\.dpx: the picture is 32x32"):
        open_media(tmp_path)


def test_bad_folders_and_files(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="holds no picture"):
        open_media(tmp_path)
    with pytest.raises(MediaError, match="no such file or folder"):
        open_media(tmp_path / "absent")
    with pytest.raises(MediaError, match=r"no sequence has such a name.*holds no picture"):
        open_media(tmp_path / "x_####.dpx")
    (tmp_path / "a_1.dpx").write_bytes(b"")
    with pytest.raises(MediaError, match=r"a_1\.dpx: the picture cannot be read"):
        open_media(tmp_path)
    with pytest.raises(UsageError, match="gap must be"):
        SourceOptions(gap="skip")  # type: ignore[arg-type]


def test_a_long_sequence_opens_at_once(tmp_path: Path) -> None:
    first = write_sequence(tmp_path, [0]) / "scan_0000000.dpx"
    for n in range(1, 20_000):
        os.link(first, tmp_path / f"scan_{n:07d}.dpx")
    begin = time.process_time()
    media = open_media(tmp_path)
    taken = time.process_time() - begin
    assert len(media) == 20_000
    assert taken < 1.0
    begin = time.process_time()
    assert media.video.get_frame(19_999).props["_VsfrSourceFrame"] == 19_999
    assert time.process_time() - begin < 1.0


def test_frames_are_the_same_whatever_the_order_and_the_threads(tmp_path: Path) -> None:
    write_sequence(tmp_path, range(23))
    truth = [codes(10, seed=n).transpose(2, 0, 1) for n in range(23)]
    order = np.random.default_rng(3).permutation(np.tile(np.arange(23), 4))
    before = core.num_threads
    try:
        for threads in (1, 2, 5):
            core.num_threads = threads
            video = open_media(tmp_path).video

            def look(n: int, video: vs.VideoNode = video) -> bool:
                frame = video.get_frame(int(n))
                return frame.props["_VsfrSourceFrame"] == n and np.array_equal(planes(frame), truth[n])

            with ThreadPoolExecutor(6) as pool:
                assert all(pool.map(look, order))
    finally:
        core.num_threads = before


def test_several_frames_are_decoded_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from vsfilmrestore.media import sequence

    write_sequence(tmp_path, range(12))
    real, meet = sequence.read_picture, threading.Barrier(3)

    def read(*args: object) -> object:
        meet.wait(timeout=20)  # breaks unless three calls are inside together
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(sequence, "read_picture", read)
    before = core.num_threads
    try:
        core.num_threads = 3
        video = open_media(tmp_path).video
        assert len(list(video.frames(prefetch=6))) == 12
    finally:
        core.num_threads = before


def test_a_wav_beside_is_carried(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path / "reel7", range(10, 34), name="x_{:04d}.dpx")
    sound = np.arange(48000, dtype=np.int16)
    write_wav(folder / "x.wav", sound)
    media = open_media(folder)
    assert media.audio is not None
    assert np.array_equal(samples(media.audio), sound)
    part = open_media(folder, SourceOptions(first=12, last=14))
    assert part.audio is not None
    assert np.array_equal(samples(part.audio), sound[4000:10000])
    assert open_media(folder, SourceOptions(audio=False)).audio is None
    (folder / "x.wav").rename(tmp_path / "reel7.wav")
    assert open_media(folder).audio is not None
    assert probe(folder).has_audio


def test_probe_tells_without_decoding(tmp_path: Path) -> None:
    tags = {"smpte:TimeCode": ("timecode", [timecode_word(2, 0, 0, 0), 0]), "dpx:FrameRate": 25.0}
    for n in range(3):
        write_picture(tmp_path / f"a_{n}.dpx", stored(codes(10), 10), 10, tags)
    told = probe(tmp_path)
    assert (told.width, told.height, told.rate, told.length, told.exact) == (64, 32, 25, 3, True)
    assert (told.start, told.has_timecode, told.kind, told.log) == (180_000, True, "sequence", False)
