"""The bytes of mounted stills, held against rendered ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import OutputError, UsageError
from vsfilmrestore.media import props as names
from vsfilmrestore.media.headers import read_header, read_picture
from vsfilmrestore.media.out import StillLabels, VideoInfo, write_stills
from vsfilmrestore.serve.mount_headers import HeaderMaker
from vsfilmrestore.serve.mount_stills import FORMATS, ROOM, StillLayout, still_profile

core = vs.core

FILES = [
    ("dpx10", vs.RGB30),
    ("dpx16", vs.RGB48),
    ("dpx16", vs.GRAY16),
    ("tiff16", vs.RGB48),
    ("tiff16", vs.GRAY16),
    ("exr", vs.RGBH),
    ("exr", vs.GRAYH),
]
RATE = Fraction(30000, 1001)
LABELS = StillLabels("01:00:59;28", "1 2 123456 9999 60 4 64", "R12", offset=2)


def noise(fmt: int, width: int, height: int) -> vs.VideoFrame:
    """A frame in which every bit of every sample plays a part."""
    frame = core.create_video_frame(core.get_video_format(fmt), width, height)
    for plane in range(frame.format.num_planes):
        random = np.random.default_rng(plane)
        samples = np.asarray(frame[plane])
        most = (1 << frame.format.bits_per_sample) - 1
        values = random.integers(0, most, samples.shape, endpoint=True)
        samples[...] = values / 65535 if samples.dtype == np.float16 else values
    frame.props.update({names.SOURCE_FILE: "scan_0000007.dpx", "_SARNum": 8, "_SARDen": 9, "_Transfer": 1})
    return frame


def mounted(frame: vs.VideoFrame, format_: str, name: str) -> tuple[bytes, bytes, StillLayout]:
    """Header and pixels as a mount shows them."""
    clip = core.std.BlankClip(width=frame.width, height=frame.height, format=frame.format.id, length=1)
    layout = StillLayout.of(clip, still_profile(format_))
    header = HeaderMaker(layout, VideoInfo.of(frame, RATE), LABELS).header(frame.props, 3, name)
    return header, layout.pixels(frame).tobytes(), layout


@pytest.mark.parametrize(("format_", "fmt"), FILES)
@pytest.mark.parametrize("size", [(64, 48), (61, 67)])
def test_a_mounted_still_is_the_rendered_one(tmp_path: Path, format_: str, fmt: int, size: tuple[int, int]) -> None:
    frame = noise(fmt, *size)
    header, pixels, layout = mounted(frame, format_, f"a.0000003{still_profile(format_).suffix}")
    path = tmp_path / f"mounted{layout.profile.suffix}"
    path.write_bytes(header + pixels)
    assert (len(header), len(header) + len(pixels)) == (layout.head, layout.size)
    assert layout.head >= ROOM

    pattern = tmp_path / f"a.%07d{layout.profile.suffix}"
    after = StillLabels("01:00:59;28", LABELS.keycode, LABELS.reel, offset=5)
    info = VideoInfo.of(frame, RATE)
    (rendered,) = write_stills([noise(fmt, *size)], layout.profile, pattern, info, first=3, labels=after).paths
    assert read_header(path) == read_header(rendered)
    theirs, ours = (read_picture(each, read_header(rendered).layout)[0] for each in (rendered, path))
    for plane in range(frame.format.num_planes):
        assert np.array_equal(np.asarray(ours[plane]), np.asarray(theirs[plane]))
    if layout.kind == "dpx":
        assert path.read_bytes() == rendered.read_bytes()


def test_timecode_keycode_and_reel_come_back_through_both_readers(tmp_path: Path) -> None:
    for format_, fmt in (("dpx10", vs.RGB30), ("exr", vs.RGBH)):
        header, pixels, layout = mounted(noise(fmt, 32, 16), format_, "a")
        path = tmp_path / f"a{layout.profile.suffix}"
        path.write_bytes(header + pixels)
        told = read_header(path)
        # Five frames on from 01:00:59;28, over a minute that leaves out two numbers; the count of feet wraps.
        assert (told.timecode, told.keycode, told.reel) == ("01:01:00;05", "1 2 123456 0 16 4 64", "R12")
        assert (told.rate, told.sample_aspect) == (RATE, Fraction(8, 9))
        picture = oiio.ImageInput.open(str(path))
        spec = picture.spec()
        assert spec.get_string_attribute("smpte:TimeCode") in ("01:01:00:05", "01:01:00;05")
        assert tuple(spec.getattribute("smpte:KeyCode")) == (1, 2, 123456, 0, 16, 4, 64)
        assert picture.read_image() is not None
        picture.close()


def test_tiff_tells_them_in_words(tmp_path: Path) -> None:
    header, pixels, _ = mounted(noise(vs.RGB48, 32, 16), "tiff16", "a.tif")
    path = tmp_path / "a.tif"
    path.write_bytes(header + pixels)
    spec = oiio.ImageInput.open(str(path)).spec()
    told = spec.get_string_attribute("ImageDescription").replace(";", ":")
    assert told == "timecode 01:01:00:05, keycode 1 2 123456 0 16 4 64, reel R12"


@pytest.mark.parametrize(("format_", "fmt"), FILES)
def test_what_a_frame_carries_does_not_change_the_size(format_: str, fmt: int) -> None:
    short, long = noise(fmt, 32, 16), noise(fmt, 32, 16)
    long.props[names.SOURCE_FILE] = "long " * 51
    long.props[names.REEL] = "a reel of quite another name"
    assert len(mounted(short, format_, "a")[0]) == len(mounted(long, format_, "b" * 200)[0])


def test_a_header_that_cannot_be_written_is_a_clear_error() -> None:
    frame = noise(vs.RGB30, 32, 16)
    frame.props[names.TIMECODE] = "25:99:00:00"
    with pytest.raises(OutputError, match=r"frame 3.*25:99"):
        mounted(frame, "dpx10", "a.dpx")
    frame = noise(vs.RGBH, 32, 16)
    frame.props[names.SOURCE_FILE] = "x" * 9000
    with pytest.raises(OutputError, match="does not fit"):
        mounted(frame, "exr", "a.exr")


def test_formats() -> None:
    assert [still_profile(name).bits for name in FORMATS] == [10, 16, 16, 16]
    with pytest.raises(UsageError, match="jpg"):
        still_profile("jpg")
