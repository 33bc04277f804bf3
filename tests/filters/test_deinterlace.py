"""Deinterlacing: which lines stay, how near the others come, and when it does nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.filters.deinterlace import combed_share, deinterlace, measure_field_order
from vsfilmrestore.filters.schema import FILTERS

core = vs.core
type Frames = npt.NDArray[np.float32]


def frames_of(clip: vs.VideoNode, plane: int = 0) -> Frames:
    return np.stack([np.asarray(f[plane]).astype(np.float32) for f in clip.frames()])


def psnr(a: Frames, b: Frames) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((a - b) ** 2), 1e-9)))


def moving(fmt: int = vs.YUV420P8, length: int = 12) -> vs.VideoNode:
    """A detailed picture that moves three pixels across and one down with each field, progressive."""
    rng = np.random.default_rng(2)
    big = rng.standard_normal((200, 260)).astype(np.float32)
    for _ in range(2):
        big = sum(np.roll(big, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)) / 9
    big = (128 + big / big.std() * 45).clip(16, 235)
    blank = core.std.BlankClip(format=fmt, width=160, height=96, length=length)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(frame.format.num_planes):
            target = np.asarray(frame[plane])
            step = 160 // target.shape[1]
            part = big[n : n + 96, 3 * n : 3 * n + 160][:: 96 // target.shape[0], ::step]
            np.copyto(target, (part * (1 << (frame.format.bits_per_sample - 8))).astype(target.dtype))
        return frame

    return core.std.ModifyFrame(blank, blank, draw)


def woven(clip: vs.VideoNode, top_first: bool = True) -> vs.VideoNode:
    """Every two frames as the two fields of one."""
    fields = clip.std.SetFieldBased(0).std.SeparateFields(tff=top_first).std.SelectEvery(4, [0, 3])
    return fields.std.DoubleWeave(tff=top_first).std.SelectEvery(2, 0).std.SetFieldBased(2 if top_first else 1)


@pytest.mark.parametrize("top_first", [True, False])
def test_lines_of_the_first_field_stay_and_the_others_come_near(top_first: bool) -> None:
    whole = moving()
    fields = woven(whole, top_first)
    result = deinterlace(fields)
    assert (result.num_frames, result.fps) == (fields.num_frames, fields.fps)
    kept = slice(0 if top_first else 1, None, 2)
    for plane in range(3):
        got, source = frames_of(result, plane), frames_of(fields, plane)
        assert np.array_equal(got[:, kept], source[:, kept])
    truth = frames_of(whole)[::2]
    marked = fields.std.SetFieldBased(2 if top_first else 1)
    plain = frames_of(marked.bwdif.Bwdif(field=int(top_first)))
    got = frames_of(result)
    assert psnr(got[1:-1], truth[1:-1]) > psnr(plain[1:-1], truth[1:-1]) + 1


def test_double_rate_has_a_frame_for_each_field() -> None:
    whole = moving()
    result = deinterlace(woven(whole), rate="double")
    assert result.num_frames == 12
    assert result.fps == whole.fps  # woven halves it
    truth = frames_of(whole)[2:-2]
    assert psnr(frames_of(result)[2:-2], truth) > psnr(frames_of(woven(whole).bwdif.Bwdif(field=3))[2:-2], truth) + 1
    props = result.get_frame(3).props
    assert props["_FieldBased"] == 0
    assert (props["_DurationNum"], props["_DurationDen"]) == (1, result.fps.numerator)
    spec = FILTERS["deinterlace"]
    assert (spec.changes, spec.changes_with({}), spec.changes_with({"rate": "double"})) == ("", "", "length")


def test_progressive_frames_pass_bit_for_bit() -> None:
    clip = moving().std.SetFieldBased(0)
    for plane in range(3):
        assert np.array_equal(frames_of(deinterlace(clip), plane), frames_of(clip, plane))


def test_only_combed_leaves_film_in_video_alone() -> None:
    film, video = moving(length=6).std.SetFieldBased(2), woven(moving(length=12))
    for clip, same in ((film, True), (video, False)):
        result = deinterlace(clip, only_combed=True)
        assert all((frames_of(result)[n] == frames_of(clip)[n]).all() == same for n in range(1, 5))


def test_combing_is_seen_and_detail_is_not_taken_for_it() -> None:
    assert all(f.props["_VsfrCombed"] > 0.5 for f in combed_share(woven(moving())).frames())
    assert all(f.props["_VsfrCombed"] < 0.1 for f in combed_share(moving()).frames())


def test_the_order_of_fields_is_seen_from_the_motion() -> None:
    assert measure_field_order(woven(moving(), True).std.SetFieldBased(1)) == "top"
    assert measure_field_order(woven(moving(), False).std.SetFieldBased(2)) == "bottom"
    assert measure_field_order(moving()) == ""
    assert measure_field_order(moving()[:1]) == ""


def test_says_what_to_do_when_the_order_is_unknown() -> None:
    clip = core.std.RemoveFrameProps(woven(moving()), ["_FieldBased"])
    with pytest.raises(vs.Error, match=r"deinterlace: .* set field_order to 'top' or 'bottom'"):
        deinterlace(clip).get_frame(0)
    given = frames_of(deinterlace(clip, "top"))
    assert np.array_equal(given, frames_of(deinterlace(woven(moving()))))


def test_light_that_changes_leaves_no_stripes() -> None:
    clip = core.std.BlankClip(format=vs.GRAY8, width=96, height=64, length=12, color=100)
    brighter = core.akarin.Expr([clip], "x N 3 * +")
    result = frames_of(deinterlace(woven(brighter)))
    for frame in result[1:-1]:
        assert np.ptp(frame[8:-8, 8:-8]) <= 1


@pytest.mark.parametrize("settings", [{}, {"rate": "double"}, {"only_combed": True}])
def test_building_asks_for_no_frame(settings: dict[str, object]) -> None:
    asked: list[int] = []
    blank = core.std.BlankClip(format=vs.YUV420P8, width=64, height=48, length=9)

    def watch(n: int) -> vs.VideoNode:
        asked.append(n)
        return blank

    deinterlace(core.std.FrameEval(blank, watch), **settings)
    assert asked == []


def test_looks_no_farther_than_its_radius() -> None:
    clip = woven(moving(vs.GRAY8, 20))
    radius = FILTERS["deinterlace"].reach({})
    noise = core.akarin.Expr([clip], "X 7919 * Y 104729 * + N 31 * + 256 %")
    near = slice(5 - radius, 6 + radius)
    poisoned = core.std.Splice([noise[: near.start], clip[near], noise[near.stop :]])
    for settings in ({}, {"only_combed": True}):
        pair = [np.asarray(deinterlace(c, **settings).get_frame(5)[0]) for c in (clip, poisoned)]
        assert np.array_equal(*pair)


@pytest.mark.parametrize("fmt", [vs.GRAY8, vs.GRAYH, vs.YUV411P8, vs.YUV422P10, vs.YUV420PS, vs.RGB24, vs.RGBH])
@pytest.mark.parametrize("size", [(64, 48, 3), (40, 21, 1)])
@pytest.mark.parametrize("rate", ["same", "double"])
def test_any_format_keeps_its_shape_and_properties(fmt: int, size: tuple[int, int, int], rate: str) -> None:
    width, height, length = size
    height += height % (1 << core.get_video_format(fmt).subsampling_h)
    clip = core.std.BlankClip(format=fmt, width=width, height=height, length=length)
    clip = clip.std.SetFrameProps(_Mark=7, _FieldBased=2)
    result = deinterlace(clip, rate=rate)
    assert (result.format.id, result.width, result.height) == (fmt, width, height)
    assert result.num_frames == length * (2 if rate == "double" else 1)
    assert result.get_frame(length - 1).props["_Mark"] == 7


def test_a_tiny_picture_is_refused() -> None:
    with pytest.raises(vs.Error, match="deinterlace: a picture of 4 x 4"):
        deinterlace(core.std.BlankClip(format=vs.GRAY8, width=4, height=4))


@pytest.mark.footage
def test_london_is_nearer_the_truth_than_the_plain_plug_ins_come(
    footage: Callable[[str], Path], tmp_path: Path
) -> None:
    def load(name: str) -> vs.VideoNode:
        return core.bs.VideoSource(str(footage(name)), cachepath=str(tmp_path / "i"), cachemode=4)

    truth = load("clips/interlaced_london_gt60p.mkv")[:24]
    video = load("clips/interlaced_london_30i_tff.mpg")[:12]
    assert measure_field_order(video) == "top"  # the stream is marked the wrong way round
    video = video.std.SetFieldBased(2)
    wanted = frames_of(truth)[::2][2:-2]
    plain = [video.bwdif.Bwdif(field=1), video.znedi3.nnedi3(field=1)]
    best = max(psnr(frames_of(clip)[2:-2], wanted) for clip in plain)
    assert psnr(frames_of(deinterlace(video))[2:-2], wanted) > best + 1.5
