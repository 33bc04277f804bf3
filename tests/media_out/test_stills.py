"""Numbered stills: code values, headers and names."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import OpenImageIO as oiio
import pytest
import vapoursynth as vs

from tests.media_out.helpers import noise, planes
from vsfilmrestore.errors import OutputError, RenderError, UsageError
from vsfilmrestore.media import props
from vsfilmrestore.media.headers import read_header, read_picture
from vsfilmrestore.media.out import PROFILES, StillLabels, VideoInfo, still_path, stills_pattern, write_stills
from vsfilmrestore.media.out.pixels import packed_size, picture_md5
from vsfilmrestore.media.out.still_headers import keycode_after, timecode_after, timecode_word
from vsfilmrestore.media.out.tiff_xmp import add_xmp

core = vs.core
RATE = Fraction(24)
EXACT = [(p.name, fmt) for p in PROFILES.values() if not p.is_movie for fmt in p.pixels]


def stored_clip(fmt: int, length: int = 3) -> vs.VideoNode:
    if core.get_video_format(fmt).sample_type == vs.INTEGER:
        return noise(fmt, 70, 50, length)
    grey = core.get_video_format(fmt).color_family == vs.GRAY
    whole = noise(vs.GRAY16 if grey else vs.RGB48, 70, 50, length)
    return whole.resize.Point(format=fmt).akarin.Expr("x 2 * 0.5 -")  # outside 0..1 as well


def write(clip: vs.VideoNode, name: str, folder: Path, rate: Fraction = RATE, **more: object):
    profile = PROFILES[name]
    info = VideoInfo.of(clip.get_frame(0), rate)
    return write_stills(clip.frames(), profile, stills_pattern(folder, profile), info, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "fmt"), EXACT, ids=lambda v: v if isinstance(v, str) else core.get_video_format(v).name
)
def test_code_values_come_back(name: str, fmt: int, tmp_path: Path) -> None:
    clip = stored_clip(fmt)
    result = write(clip, name, tmp_path / "reel")
    assert [p.name for p in result.paths] == [f"reel.{n:07d}{PROFILES[name].suffix}" for n in range(3)]
    assert result.bytes == sum(p.stat().st_size for p in result.paths)
    for n, path in enumerate(result.paths):
        frame, _ = read_picture(path, read_header(path).layout)
        for have, want in zip(planes(frame), planes(clip.get_frame(n)), strict=True):
            assert np.array_equal(have, want.astype(have.dtype))  # our reader gives half as float


@pytest.mark.parametrize(
    ("name", "fmt"), EXACT, ids=lambda v: v if isinstance(v, str) else core.get_video_format(v).name
)
def test_checksums_are_those_ffmpeg_finds(name: str, fmt: int, tmp_path: Path) -> None:
    result = write(stored_clip(fmt, 1), name, tmp_path)
    with av.open(str(result.paths[0])) as file:
        picture = next(file.decode(video=0))
    assert picture.format.name == PROFILES[name].pixels[fmt]
    assert picture_md5(picture) == result.md5s[0]
    assert packed_size(picture) == result.picture_bytes


def test_all_ten_bit_codes_in_dpx(tmp_path: Path) -> None:
    base = core.std.BlankClip(format=vs.RGB30, width=64, height=16, length=1)

    def ramp(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        for plane in range(3):
            np.asarray(out[plane])[...] = (np.arange(1024).reshape(16, 64) + 341 * plane) % 1024
        return out

    result = write(base.std.ModifyFrame([base], ramp), "dpx10", tmp_path)
    data = result.paths[0].read_bytes()
    assert data[:4] == b"SDPX"  # big-endian
    assert (data[803], int.from_bytes(data[804:806], "big")) == (10, 1)  # 10 bit, filled method A
    offset = int.from_bytes(data[4:8], "big")
    words = np.frombuffer(data, ">u4", 1024, offset)
    for plane, shift in enumerate((22, 12, 2)):
        assert np.array_equal(words >> shift & 1023, (np.arange(1024) + 341 * plane) % 1024)


def test_headers_count_on(tmp_path: Path) -> None:
    labels = StillLabels("00:59:59:22", "1 2 345678 9999 60 4 64", "A001", offset=1)
    for name in ("dpx10", "exr_half"):
        clip = stored_clip(next(iter(PROFILES[name].pixels)))
        result = write(clip, name, tmp_path / name, first=86400, labels=labels)
        found = [read_header(p) for p in result.paths]
        assert [h.timecode for h in found] == ["00:59:59:23", "01:00:00:00", "01:00:00:01"]
        assert [h.keycode for h in found] == [f"1 2 345678 0 {o} 4 64" for o in (0, 4, 8)]
        assert {h.rate for h in found} == {RATE}
        assert result.paths[0].name.endswith(f".0086400{PROFILES[name].suffix}")
    assert {h.reel for h in found} == {"A001"}  # OpenEXR has a place of its own for it
    dpx = oiio.ImageInput.open(str(tmp_path / "dpx10" / "dpx10.0086400.dpx")).spec()
    assert dpx.getattribute("dpx:InputDevice") == "A001"
    assert dpx.getattribute("dpx:FramePosition") == 1


def test_what_a_frame_carries_comes_first(tmp_path: Path) -> None:
    clip = noise(vs.RGB30).std.SetFrameProps(
        **{props.TIMECODE: "10:00:00:05", props.KEYCODE: "9 8 123456 7890 1 4 64", props.REEL: "B7"}
    )
    labels = StillLabels("01:00:00:00", "1 2 345678 9999 60 4 64", "A001")
    header = read_header(write(clip, "dpx10", tmp_path / "a", labels=labels).paths[1])
    assert (header.timecode, header.keycode) == ("10:00:00:05", "9 8 123456 7890 1 4 64")
    header = read_header(write(clip, "dpx10", tmp_path / "b", labels=replace(labels, from_source=False)).paths[1])
    assert (header.timecode, header.keycode) == ("01:00:00:01", "1 2 345678 9999 64 4 64".replace("9999 64", "0 0"))


def test_colour_and_aspect_in_headers(tmp_path: Path) -> None:
    clip = noise(vs.RGB30).std.SetFrameProps(_Transfer=1, _Primaries=1, _SARNum=4, _SARDen=3)
    header = read_header(write(clip, "dpx10", tmp_path / "a").paths[0])
    assert (header.colour.transfer, header.colour.primaries, header.colour.log) == (1, 1, False)
    assert header.sample_aspect == Fraction(4, 3)
    header = read_header(write(clip.std.SetFrameProps(**{props.LOG: 1}), "dpx10", tmp_path / "b").paths[0])
    assert header.colour.log
    half = stored_clip(vs.RGBH).std.SetFrameProps(_Primaries=9, _Transfer=8, _SARNum=2, _SARDen=1)
    header = read_header(write(half, "exr_half", tmp_path / "c").paths[0])
    assert (header.colour.primaries, header.sample_aspect) == (9, 2)


@pytest.mark.parametrize("name", ["dpx10", "exr_half", "tiff16"])
def test_the_same_frames_give_the_same_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = stored_clip(next(iter(PROFILES[name].pixels)), 5)
    found = []
    for zone, threads in (("UTC", 1), ("Asia/Tokyo", 4)):  # a written date would differ
        monkeypatch.setenv("TZ", zone)
        result = write(clip, name, tmp_path / "out", threads=threads)
        found.append([hashlib.sha256(p.read_bytes()).hexdigest() for p in result.paths])
        assert not [p for p in (tmp_path / "out").iterdir() if p.name.startswith(".")]
    assert found[0] == found[1]
    head = oiio.ImageInput.open(str(result.paths[0])).spec()
    assert not head.getattribute("DateTime")


def test_a_file_that_reads_back_differently_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vsfilmrestore.media.out import stills

    whole = stills._write_file

    def spoil(part: Path, path: Path, spec: oiio.ImageSpec, packed: np.ndarray, kind: str) -> None:
        whole(part, path, spec, packed, kind)
        data = bytearray(part.read_bytes())
        data[-100] ^= 0x40
        part.write_bytes(data)

    monkeypatch.setattr(stills, "_write_file", spoil)
    with pytest.raises(OutputError, match="does not give back"):
        write(noise(vs.RGB30), "dpx10", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    clip = noise(vs.RGB30)
    info = VideoInfo.of(noise(vs.RGB30, 32, 32).get_frame(0), RATE)
    with pytest.raises(RenderError, match="frame 7"):
        write_stills(clip.frames(), PROFILES["dpx10"], tmp_path / "a.%07d.dpx", info, first=7)


def test_a_wrong_label_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="'25:61:00' is not a timecode"):
        write(noise(vs.RGB30), "dpx10", tmp_path, labels=StillLabels("25:61:00"))
    assert not list(tmp_path.iterdir())


def test_patterns(tmp_path: Path) -> None:
    dpx = PROFILES["dpx10"]
    assert stills_pattern(tmp_path / "reel", dpx) == tmp_path / "reel" / "reel.%07d.dpx"
    assert stills_pattern(tmp_path / "a.dpx", dpx) == tmp_path / "a.%07d.dpx"
    assert stills_pattern(tmp_path / "a_####.dpx", dpx) == tmp_path / "a_####.dpx"
    assert still_path(Path("a_####.dpx"), 12) == Path("a_0012.dpx")
    assert still_path(Path("a.%05d.dpx"), 123456) == Path("a.123456.dpx")
    with pytest.raises(UsageError, match="no place for the number"):
        still_path(Path("a.dpx"), 1)
    with pytest.raises(UsageError, match=r"Use \.dpx"):
        stills_pattern(tmp_path / "a.tif", dpx)


def test_timecode_words() -> None:
    assert timecode_word("12:34:56:23", RATE) == 0x12345623
    assert timecode_word("01:00:00;02", Fraction(30000, 1001)) == 0x01000042
    assert timecode_word("01:00:00:00", Fraction(60)) is None
    assert timecode_after("00:59:59;29", 1, Fraction(30000, 1001)) == "01:00:00;00"
    assert timecode_after("00:00:59;29", 1, Fraction(30000, 1001)) == "00:01:00;02"


def test_keycodes_count_perforations() -> None:
    assert keycode_after("1 2 345678 100 0 4 64", 16) == "1 2 345678 101 0 4 64"
    assert keycode_after("1 2 345678 100 63 4 64", 1) == "1 2 345678 101 3 4 64"
    assert keycode_after("1 2 345678 100 3 1 20", 20) == "1 2 345678 101 3 1 20"  # 16 mm
    assert keycode_after("1 2 345678 100 3 0 0", 20) == "1 2 345678 100 3 0 0"


@pytest.mark.parametrize("name", ["dpx10", "dpx16", "exr_float", "tiff16"])
def test_the_bytes_do_not_depend_on_the_folder(tmp_path: Path, name: str) -> None:
    profile = PROFILES[name]
    clip = vs.core.std.BlankClip(format=next(iter(profile.pixels)), width=32, height=24, length=2, keep=True)
    info = VideoInfo.of(clip.get_frame(0), Fraction(24))
    results = []
    for folder in ("a", "much/longer/folder"):
        pattern = tmp_path / folder / f"x.%04d{profile.suffix}"
        paths = write_stills(clip.frames(), profile, pattern, info).paths
        results.append([path.read_bytes() for path in paths])
        assert str(tmp_path).encode() not in results[-1][0]
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("steps", "shares", "term"),
    [
        ("", {}, None),
        ("remove_dirt", {"remove_dirt": 0.0}, None),
        ("remove_dirt", {"remove_dirt": 0.01}, "algorithmicallyEnhanced"),
        ("deflicker remove_dirt", {"remove_dirt": 0.0}, "algorithmicallyEnhanced"),
        ("upscale*", {}, "compositeWithTrainedAlgorithmicMedia"),
        ("deflicker restore_faces*", {"restore_faces": 0.0}, "algorithmicallyEnhanced"),
        ("deflicker restore_faces*", {"restore_faces": 0.2}, "compositeWithTrainedAlgorithmicMedia"),
    ],
)
def test_openexr_tells_how_a_picture_was_made(
    steps: str, shares: dict[str, float], term: str | None, tmp_path: Path
) -> None:
    clip = stored_clip(vs.RGBH, 1)
    clip = clip.std.SetFrameProp(props.STEPS, data=steps) if steps else clip
    for name, share in shares.items():
        clip = clip.std.SetFrameProp(props.changed_prop(name), floatval=share)
    (path,) = write(clip, "exr_half", tmp_path / "reel").paths
    told = oiio.ImageInput.open(str(path)).spec().getattribute("Iptc4xmpExt:DigitalSourceType")
    assert told == (term and f"http://cv.iptc.org/newscodes/digitalsourcetype/{term}")


@pytest.mark.parametrize("name", ["tiff8", "tiff16"])
def test_tiff_tells_it_in_an_xmp_packet(name: str, tmp_path: Path) -> None:
    clip = stored_clip(next(iter(PROFILES[name].pixels)), 1)
    plain = write(clip, name, tmp_path / "plain")
    told = write(clip.std.SetFrameProp(props.STEPS, data="deflicker"), name, tmp_path / "told")
    (path,) = told.paths
    packet = _tags_of(path)[700]
    assert 700 not in _tags_of(plain.paths[0])
    (found,) = ElementTree.fromstring(packet).iter("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert found.text == "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
    assert told.md5s == plain.md5s
    with av.open(str(path)) as file:
        assert picture_md5(next(file.decode(video=0))) == told.md5s[0], "other readers find the picture"
    sides = [oiio.ImageInput.open(str(each.paths[0])).spec().getattribute("Software") for each in (told, plain)]
    assert sides[0] == sides[1] == "vsfilmrestore", "what stood there stands there still"
    with pytest.raises(OutputError, match="already"):
        add_xmp(path, packet)
    with pytest.raises(OutputError, match="no classic TIFF"):
        add_xmp(write(stored_clip(vs.RGB30, 1), "dpx10", tmp_path / "d").paths[0], packet)


def _tags_of(path: Path) -> dict[int, bytes]:
    """Tags of bytes in the first directory of a little-endian TIFF file; all of its tags ascend."""
    data = path.read_bytes()
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    entries = [struct.unpack_from("<HHII", data, at + 2 + 12 * n) for n in range(count)]
    assert [entry[0] for entry in entries] == sorted(entry[0] for entry in entries)
    return {tag: data[where : where + size] for tag, kind, size, where in entries if kind == 1}
