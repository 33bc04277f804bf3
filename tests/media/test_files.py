"""Media files: bits, rate, timecode, reel, colour, sound, and files that are broken."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import MediaError
from vsfilmrestore.media.cache import cache_folder
from vsfilmrestore.media.source import SourceOptions, kind_of, open_media, probe

from .makers import codes, plain_frames, planes, samples, truncate, write_movie, write_wav

core = vs.core
NTSC_30 = Fraction(30000, 1001)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("VSFILMRESTORE_CACHE", str(folder))
    return folder


@pytest.mark.parametrize(
    ("pix_fmt", "bits", "expected"),
    [("gray", 8, vs.GRAY8), ("gray10le", 10, vs.GRAY10), ("gray12le", 12, vs.GRAY12), ("gray16le", 16, vs.GRAY16)],
)
def test_grey_stays_grey_and_exact(tmp_path: Path, pix_fmt: str, bits: int, expected: int) -> None:
    frames = [codes(bits, 1, 64, 48, seed=i)[..., 0].astype(np.uint8 if bits == 8 else np.uint16) for i in range(4)]
    media = open_media(write_movie(tmp_path / "g.mkv", frames, pix_fmt=pix_fmt))
    assert (media.kind, media.video.format.id, len(media)) == ("file", expected, 4)
    for n in (3, 0, 2, 1):
        assert np.array_equal(planes(media.video.get_frame(n))[0], frames[n])


@pytest.mark.parametrize("codec", ["ffv1", "prores_ks"])
def test_ten_bits_and_more_stay(tmp_path: Path, codec: str) -> None:
    pix_fmt = "gbrp16le" if codec == "ffv1" else "yuv422p10le"
    suffix = "mkv" if codec == "ffv1" else "mov"
    path = write_movie(tmp_path / f"m.{suffix}", plain_frames(3), codec=codec, pix_fmt=pix_fmt)
    media = open_media(path)
    assert media.video.format.id == (vs.RGB48 if codec == "ffv1" else vs.YUV422P10)
    assert media.video.get_frame(0).props["_Matrix"] == (0 if codec == "ffv1" else 2)


def test_mov_timecode_reel_and_aspect(tmp_path: Path) -> None:
    path = write_movie(
        tmp_path / "t.mov",
        plain_frames(12),
        codec="prores_ks",
        pix_fmt="yuv422p10le",
        track_tags={"timecode": "10:00:00:12", "reel_name": "A001"},
        context={"sample_aspect_ratio": Fraction(4, 3)},
    )
    media = open_media(path)
    assert (media.rate, media.has_timecode, media.drop, media.timecode(0)) == (24, True, False, "10:00:00:12")
    assert (media.reel, media.sample_aspect) == ("A001", Fraction(4, 3))
    props = media.video.get_frame(11).props
    assert (props["_VsfrTimecode"], props["_VsfrReel"]) == ("10:00:00:23", "A001")
    assert (props["_VsfrSourceFile"], props["_VsfrSourceFrame"]) == ("t.mov", 11)
    assert (props["_SARNum"], props["_SARDen"]) == (4, 3)
    told = probe(path)
    assert (told.start, told.reel, told.length, told.exact) == (media.start, "A001", 12, True)
    assert (told.sample_aspect, told.width, told.height) == (Fraction(4, 3), 64, 48)


@pytest.mark.parametrize("suffix", ["mkv", "mxf"])
def test_other_containers_tell_timecode_and_reel(tmp_path: Path, suffix: str) -> None:
    path = write_movie(
        tmp_path / f"t.{suffix}",
        plain_frames(10),
        codec="ffv1" if suffix == "mkv" else "mpeg2video",
        rate=25,
        tags={"timecode": "01:02:03:04", "reel_name": "B2"},
    )
    media = open_media(path)
    assert (media.timecode(0), media.reel, media.rate, len(media)) == ("01:02:03:04", "B2", 25, 10)
    assert probe(path).start == media.start


def test_drop_frame(tmp_path: Path) -> None:
    path = write_movie(
        tmp_path / "d.mov",
        plain_frames(8),
        codec="prores_ks",
        pix_fmt="yuv422p10le",
        rate=NTSC_30,
        times=[i * 8008 // 10 for i in range(8)],
        track_tags={"timecode": "00:00:59;26"},
    )
    media = open_media(path)
    assert (media.rate, media.drop, media.start) == (NTSC_30, True, 59 * 30 + 26)
    assert media.video.get_frame(4).props["_VsfrTimecode"] == "00:01:00;02"


def test_a_part_of_a_file(tmp_path: Path) -> None:
    sound = np.arange(24 * 2000, dtype=np.int64).astype(np.int16)
    path = write_movie(tmp_path / "p.mkv", plain_frames(24), tags={"timecode": "01:00:00:00"}, sound=sound)
    media = open_media(path, SourceOptions(first=6, last=11))
    assert (len(media), media.timecode(0)) == (6, "01:00:00:06")
    assert media.video.get_frame(0).props["_VsfrSourceFrame"] == 6
    assert media.video.get_frame(0).props["_VsfrTimecode"] == "01:00:00:06"
    assert media.audio is not None
    assert np.array_equal(samples(media.audio), sound[12000:24000])
    with pytest.raises(MediaError, match="frames 20-30 were asked for, the file holds 0-23"):
        open_media(path, SourceOptions(first=20, last=30))


def test_sound_is_carried_to_the_sample(tmp_path: Path) -> None:
    sound = (np.random.default_rng(5).integers(-30000, 30000, 48000 + 10_000)).astype(np.int16)
    media = open_media(write_movie(tmp_path / "s.mkv", plain_frames(24), sound=sound))
    assert media.audio is not None
    assert np.array_equal(samples(media.audio), sound[:48000])
    assert any("0.21 s of sound after the last picture" in r for r in media.remarks)
    assert open_media(tmp_path / "s.mkv", SourceOptions(audio=False)).audio is None


def test_colour_tags_are_honoured_and_silence_is_told(tmp_path: Path) -> None:
    tagged = write_movie(
        tmp_path / "c.mkv",
        plain_frames(3),
        context={"color_range": 1, "colorspace": 1, "color_primaries": 1, "color_trc": 1},
    )
    media = open_media(tagged)
    props = media.video.get_frame(0).props
    assert (props["_Matrix"], props["_Transfer"], props["_Primaries"], props["_Range"]) == (1, 1, 1, vs.RANGE_LIMITED)
    assert (media.colour.matrix, media.colour.full_range, media.remarks) == (1, False, ())
    silent = open_media(write_movie(tmp_path / "n.mkv", plain_frames(3)))
    assert (silent.colour.matrix, silent.colour.full_range) == (None, None)
    assert silent.remarks == ("the file does not tell its colour matrix and range",)
    assert silent.video.get_frame(0).props["_Matrix"] == 2


VARYING = [i * 1000 for i in range(15)] + [15_000 + i * 1500 for i in range(15)]


def test_a_varying_rate_is_an_error_until_a_rate_is_given(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "v.mkv", plain_frames(30), times=VARYING)
    with pytest.raises(MediaError, match=r"the frame rate varies .* Give the rate"):
        open_media(path)
    media = open_media(path, SourceOptions(rate=Fraction(24)))
    assert (media.rate, media.video.fps) == (24, 24)
    # 15 frames of 1/24 s and 15 of 1.5/24 s.
    assert abs(len(media) - 37) <= 1
    assert any("dropped or repeated" in r for r in media.remarks)
    shown = [int(f[0][0, 0]) for f in media.video.frames()]
    assert shown == sorted(shown)
    assert len(set(shown)) == 30


def test_one_late_frame_and_rounded_times_are_still_constant(tmp_path: Path) -> None:
    times = [0] + [1000 + i * 1001 * 24 // 24 for i in range(1, 40)]
    media = open_media(write_movie(tmp_path / "l.mkv", plain_frames(40), rate=Fraction(24000, 1001), times=times))
    assert (media.rate, len(media)) == (Fraction(24000, 1001), 40)


def test_a_given_rate_retimes_a_constant_file(tmp_path: Path) -> None:
    sound = np.zeros(48000, np.int16)
    media = open_media(write_movie(tmp_path / "r.mkv", plain_frames(24), sound=sound), SourceOptions(rate=Fraction(18)))
    assert (media.rate, len(media)) == (18, 24)
    assert any("18 was asked for" in r for r in media.remarks)
    assert any("sound plays at its own speed" in r for r in media.remarks)
    assert media.audio is not None
    assert media.audio.num_samples == 64000


def test_index_files_go_to_the_cache_only(tmp_path: Path, own_cache: Path) -> None:
    path = write_movie(tmp_path / "i.mkv", plain_frames(6))
    open_media(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["i.mkv"]
    indices = list((own_cache / "index").iterdir())
    assert len(indices) == 1
    write_movie(path, plain_frames(9))
    assert len(open_media(path)) == 9
    other = tmp_path / "elsewhere"
    open_media(path, SourceOptions(cache=other))
    assert list((other / "index").iterdir())


def test_the_cache_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == Path(os.environ["VSFILMRESTORE_CACHE"])
    monkeypatch.delenv("VSFILMRESTORE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder().name == "vsfilmrestore"


@pytest.mark.parametrize("open_it", [open_media, probe])
def test_files_that_are_no_media(tmp_path: Path, open_it: Callable[[Path], object]) -> None:
    (tmp_path / "junk.mkv").write_bytes(b"this is no film" * 500)
    (tmp_path / "empty.mov").touch()
    write_wav(tmp_path / "sound.wav", np.zeros(4800, np.int16))
    cut = truncate(write_movie(tmp_path / "cut.mov", plain_frames(6), codec="mpeg4"))
    cases = {
        tmp_path / "junk.mkv": "cannot be read",
        tmp_path / "empty.mov": "the file is empty",
        tmp_path / "sound.wav": "sound only",
        cut: "cut off before its end",
        tmp_path / "absent.mov": "no such file",
    }
    for path, words in cases.items():
        with pytest.raises(MediaError, match=words) as caught:
            open_it(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_file_cut_off_in_copying_says_so(tmp_path: Path, suffix: str) -> None:
    noise = [np.random.default_rng(i).integers(0, 256, (48, 64, 3), np.uint8) for i in range(40)]
    fast = {"movflags": "faststart"} if suffix == "mp4" else None
    codec = "ffv1" if suffix == "mkv" else "mpeg4"
    path = truncate(write_movie(tmp_path / f"t.{suffix}", noise, codec=codec, options=fast), 0.5)
    with pytest.raises(MediaError, match=r"is cut off: its header tells of 40 frames, \d+ are there.*--last") as e:
        open_media(path)
    last = int(str(e.value).rstrip(".").rsplit(" ", 1)[1])
    assert len(open_media(path, SourceOptions(last=last - 1))) == last


def test_kinds() -> None:
    assert kind_of("name.%04d.dpx") == "sequence"
    with pytest.raises(MediaError, match="no such file or folder"):
        kind_of("nowhere.mov")


CLIPS = {
    "film_market_street_1906.mkv": (vs.GRAY8, 40, Fraction(24), 480, 368),
    "film_within_our_gates_1920.mkv": (vs.GRAY8, 36, Fraction(24), 480, 368),
    "film_apollo_16mm_colour.mp4": (vs.YUV420P8, 250, NTSC_30, 560, 406),
    "film_his_girl_friday_1940.mp4": (vs.YUV420P8, 185, Fraction(30), 640, 480),
    "motion_tos_fight.mkv": (vs.YUV420P8, 140, Fraction(24), 800, 332),
    "cuts_bbb_720p.webm": (vs.YUV420P8, 720, Fraction(24), 1280, 720),
    "anim2d_pigs_in_a_polka_1943.gif": (vs.RGB24, 30, Fraction(10), 314, 273),
    "interlaced_london_30i_tff.mpg": (vs.YUV420P8, 60, Fraction(30), 320, 240),
    "face_asl_brother.mkv": (vs.YUV420P8, 65, Fraction(30), 640, 480),
}


@pytest.mark.footage
@pytest.mark.parametrize("name", CLIPS)
def test_real_footage_opens(footage: Callable[[str], Path], name: str) -> None:
    path = footage(f"clips/{name}")
    kind, length, rate, width, height = CLIPS[name]
    media = open_media(path)
    assert (media.video.format.id, len(media), media.rate) == (kind, length, rate)
    assert (media.video.width, media.video.height) == (width, height)
    told = probe(path)
    assert (told.rate, told.width, told.height) == (rate, width, height)
    assert abs(told.length - length) <= 1
    media.video.get_frame(length - 1)


@pytest.mark.footage
def test_real_footage_keeps_what_its_codec_tells(footage: Callable[[str], Path]) -> None:
    interlaced = open_media(footage("clips/interlaced_london_30i_tff.mpg")).video.get_frame(5)
    assert interlaced.props["_FieldBased"] != 0
    web = open_media(footage("clips/cuts_bbb_720p.webm"))
    assert web.audio is not None
    assert web.audio.num_samples == 720 * web.audio.sample_rate // 24
    assert (web.colour.matrix, web.colour.full_range) == (5, False)
