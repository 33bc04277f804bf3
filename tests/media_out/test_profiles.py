"""Choosing and preparing an output format."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import OutputError, UsageError
from vsfilmrestore.media.out import PROFILES, VideoInfo, plan_preparation, prepare, profile_for

core = vs.core


def blank(fmt: int, width: int = 64, height: int = 48, **props: int) -> vs.VideoNode:
    clip = core.std.BlankClip(format=fmt, width=width, height=height, length=3)
    return clip.std.SetFrameProps(**props) if props else clip


@pytest.mark.parametrize(
    ("path", "name", "chosen"),
    [
        ("a.mkv", None, "ffv1"),
        ("a.MOV", None, "prores_hq"),
        ("a.mp4", None, "h264"),
        ("a.%07d.dpx", None, "dpx10"),
        ("a.exr", None, "exr_half"),
        ("a.tif", None, "tiff16"),
        ("folder", None, "dpx10"),
        ("folder", "exr_float", "exr_float"),
        ("a.mov", "h265", "h265"),
        ("a.mov", "dnxhr_hqx", "dnxhr_hqx"),
        ("a.dpx", "dpx16", "dpx16"),
    ],
)
def test_profile_for(path: str, name: str | None, chosen: str) -> None:
    assert profile_for(path, name).name == chosen


def test_a_folder_with_a_dot_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "reel.1"
    folder.mkdir()
    assert profile_for(folder).name == "dpx10"


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        ("a.avi", None, "'.avi' tells no output format"),
        ("a.mov", "prores_h", "Did you mean prores_hq"),
        ("a.mkv", "prores_hq", "prores_hq cannot be stored in 'a.mkv'. Use .mov"),
        ("a.mov", "dpx10", "Use .dpx or a folder"),
        ("folder", "ffv1", "Use .mkv"),
    ],
)
def test_unusable_choices_name_the_way_out(path: str, name: str | None, words: str) -> None:
    with pytest.raises(UsageError, match=".*".join(words.split("*"))):
        profile_for(path, name)


@pytest.mark.parametrize("name", list(PROFILES))
def test_every_profile_stores_its_own_formats_as_they_are(name: str) -> None:
    profile = PROFILES[name]
    for fmt in profile.pixels:
        clip = blank(fmt, 256, 128)
        plan = plan_preparation(clip, profile)
        assert (plan.target, plan.converts, plan.dithers) == (fmt, False, False)
        if not profile.limited:
            assert prepare(clip, profile) is clip


@pytest.mark.parametrize(
    ("fmt", "name", "target", "dithers"),
    [
        (vs.YUV420P8, "prores_hq", vs.YUV422P10, False),
        (vs.RGB48, "prores_hq", vs.YUV422P10, True),
        (vs.RGB24, "prores_4444", vs.YUV444P10, False),
        (vs.YUV422P10, "h264", vs.YUV420P8, True),
        (vs.GRAY8, "h264", vs.YUV420P8, False),
        (vs.YUV422P10, "dpx10", vs.RGB30, False),
        (vs.YUV444P16, "dpx10", vs.RGB30, True),
        (vs.GRAY10, "dpx10", vs.RGB30, False),
        (vs.GRAY8, "dpx16", vs.GRAY16, False),
        (vs.GRAY8, "tiff16", vs.GRAY16, False),
        (vs.RGB30, "exr_half", vs.RGBH, False),
        (vs.RGB48, "tiff8", vs.RGB24, True),
        (vs.RGBS, "h264", vs.YUV420P8, True),
    ],
)
def test_what_a_clip_becomes(fmt: int, name: str, target: int, dithers: bool) -> None:
    clip = blank(fmt)
    plan = plan_preparation(clip, PROFILES[name])
    assert (plan.target, plan.dithers) == (target, dithers)
    out = prepare(clip, PROFILES[name])
    assert out.format.id == target
    assert out.get_frame(0).format.id == target
    assert (out.width, out.height, out.num_frames) == (64, 48, 3)


def test_rgb_becomes_yuv_with_the_matrix_of_its_size() -> None:
    for width, height, matrix in ((64, 48, 6), (1280, 720, 1), (720, 576, 6), (1920, 800, 1)):
        clip = prepare(blank(vs.RGB24, width, height), PROFILES["prores_hq"])
        props = clip.get_frame(0).props
        assert props["_Matrix"] == matrix
        assert props["_Range"] == vs.RANGE_LIMITED


def test_the_matrix_of_a_yuv_clip_is_honoured_and_only_guessed_where_none_is_told() -> None:
    colour = core.std.BlankClip(format=vs.YUV444P16, width=64, height=48, length=1, color=[30000, 20000, 45000])

    def first(clip: vs.VideoNode) -> int:
        return int(np.asarray(prepare(clip, PROFILES["tiff16"]).get_frame(0)[1])[0, 0])

    untold = colour.std.RemoveFrameProps()
    told = {m: first(untold.std.SetFrameProps(_Matrix=m)) for m in (1, 6, 9)}
    assert len(set(told.values())) == 3
    assert first(untold) == told[6]  # small pictures are SD
    assert first(untold.std.SetFrameProps(_Matrix=2)) == told[6]


def test_full_range_becomes_limited_where_only_that_can_be_stored() -> None:
    clip = core.std.BlankClip(format=vs.YUV422P10, width=64, height=48, length=1, color=[1023, 512, 512])
    full = prepare(clip.std.SetFrameProps(_Matrix=1, _Range=1), PROFILES["prores_hq"]).get_frame(0)
    limited = prepare(clip.std.SetFrameProps(_Matrix=1, _Range=0), PROFILES["prores_hq"]).get_frame(0)
    assert np.asarray(full[0])[0, 0] == 940
    assert np.asarray(limited[0])[0, 0] == 1023  # not touched
    assert full.props["_Range"] == vs.RANGE_LIMITED


@pytest.mark.parametrize(("name", "scaled"), [("dpx10", 800), ("dpx16", 51252), ("tiff16", 51252)])
def test_grey_stills_are_full_range(name: str, scaled: int) -> None:
    """A scan that does not say its range is not stretched; one that says limited is."""
    fmt = vs.GRAY10 if name == "dpx10" else vs.GRAY12
    value = 800 if name == "dpx10" else round(51252 / 65535 * 4095)
    untold = core.std.BlankClip(format=fmt, width=64, height=48, length=1, color=[value]).std.RemoveFrameProps()

    def first(clip: vs.VideoNode) -> int:
        return int(np.asarray(prepare(clip, PROFILES[name]).get_frame(0)[0])[0, 0])

    assert abs(first(untold) - scaled) <= 8
    assert first(untold) == first(untold.std.SetFrameProps(_Range=1))
    assert first(untold.std.SetFrameProps(_Range=0)) > first(untold)


@pytest.mark.parametrize("name", ["ffv1", "dpx10", "tiff16"])
def test_float_is_refused_where_it_would_be_cut_off(name: str) -> None:
    with pytest.raises(OutputError, match="exr_half"):
        prepare(blank(vs.RGBS), PROFILES[name])


@pytest.mark.parametrize(
    ("fmt", "size", "name", "words"),
    [
        (vs.YUV422P10, (64, 48), "dnxhr_hqx", "starts at 256x120"),
        (vs.RGB24, (65, 48), "prores_hq", "even width"),
        (vs.RGB24, (64, 49), "h264", "even width and height"),
        (vs.GRAY8, (8, 8), "h265", "starts at 16x16"),
    ],
)
def test_sizes_that_cannot_be_held(fmt: int, size: tuple[int, int], name: str, words: str) -> None:
    with pytest.raises(OutputError, match=words) as caught:
        prepare(blank(fmt, *size), PROFILES[name])
    assert caught.value.hint


def test_a_clip_of_changing_format_is_refused() -> None:
    mixed = core.std.Splice([blank(vs.GRAY8), blank(vs.GRAY16)], mismatch=True)
    with pytest.raises(OutputError, match="changes"):
        prepare(mixed, PROFILES["ffv1"])


def test_preparing_decodes_nothing() -> None:
    asked: list[int] = []

    def look(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.append(n)
        return f

    clip = blank(vs.YUV420P8)
    clip = clip.std.ModifyFrame([clip], look)
    for profile in PROFILES.values():
        if profile.minimum[0] <= 64 and profile.name not in {"exr_half", "exr_float"}:
            prepare(clip, profile)
    assert not asked


def test_info_is_read_from_the_first_frame() -> None:
    clip = blank(vs.YUV422P10, _Matrix=9, _Transfer=16, _Primaries=9, _Range=0, _SARNum=4, _SARDen=3, _FieldBased=2)
    info = VideoInfo.of(clip.get_frame(0), Fraction(24000, 1001))
    assert (info.matrix, info.transfer, info.primaries, info.range, info.fields) == (9, 16, 9, "limited", "tff")
    assert (info.sample_aspect, info.rate) == (Fraction(4, 3), Fraction(24000, 1001))
    assert VideoInfo.of(blank(vs.RGB24).get_frame(0), Fraction(24)).range == "full"
    assert VideoInfo.of(blank(vs.GRAY8).get_frame(0), Fraction(24)).range == ""
    assert info.accepts(clip.get_frame(1))
    assert not info.accepts(blank(vs.YUV422P10, 66).get_frame(0))


@pytest.mark.parametrize("height", [480, 486, 576])
def test_interlaced_pictures_of_every_video_height_are_prepared(height: int) -> None:
    clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=720, height=height, length=2).std.SetFieldBased(2)
    for name in ("prores_hq", "dpx10", "h264"):
        frame = prepare(clip, PROFILES[name]).get_frame(1)
        assert frame.height == height
        assert frame.props["_FieldBased"] == 2
