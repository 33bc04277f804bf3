"""interpolate: times, lengths, kept frames, quality against the plain ways."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from skimage import data

from tests.pictures import clip_of, frames_of
from vsfilmrestore.filters._between import LOST, Between
from vsfilmrestore.filters.interpolate import interpolate
from vsfilmrestore.filters.schema import FILTERS
from vsfilmrestore.media.props import changed_prop

core = vs.core

type Pictures = npt.NDArray[np.float32]


def pan(frames: int, step: int = 3, width: int = 256, height: int = 160) -> Pictures:
    """A camera move over a photograph with a coin that moves the other way."""
    photo = data.camera().astype(np.float32)
    coin = data.coins()[90:122, 20:52].astype(np.float32)
    shots = []
    for n in range(frames):
        picture = photo[100 : 100 + height, 20 + n * step : 20 + n * step + width].copy()
        x = 200 - 2 * step * n
        if x > 0:
            picture[60:92, x : x + 32] = coin
        shots.append(picture)
    return np.stack(shots)


def psnr(a: Pictures, b: Pictures) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, float(((a - b) ** 2).mean()))))


@pytest.mark.parametrize(
    ("source", "wanted", "frames", "kept"),
    [
        (24, 48.0, 24, slice(None, None, 2)),
        (16, 24.0, 18, slice(None, None, 3)),
        (18, 24.0, 16, slice(None, None, 4)),
        (25, 60.0, 29, slice(None, None, 12)),
    ],
)
def test_length_rate_and_coinciding_frames(source: int, wanted: float, frames: int, kept: slice) -> None:
    pictures = pan(12)
    result = interpolate(clip_of(pictures, rate=source), wanted)
    assert (result.num_frames, result.fps) == (frames, Fraction(wanted))
    step = int(source / np.gcd(source, int(wanted)))
    np.testing.assert_array_equal(frames_of(result)[kept], pictures[::step])


def test_durations_say_the_new_rate() -> None:
    result = interpolate(clip_of(pan(4)), 59.94)
    assert result.fps == Fraction(60000, 1001)
    assert [(f.props["_DurationNum"], f.props["_DurationDen"]) for f in result.frames()] == [(1001, 60000)] * 10


def test_the_same_rate_is_the_clip_itself() -> None:
    clip = clip_of(pan(3))
    assert interpolate(clip, 24.0) is clip


def test_made_frames_are_told_from_kept_ones() -> None:
    result = interpolate(clip_of(pan(4)), 48)
    assert [f.props[changed_prop("interpolate")] for f in result.frames()] == [0, 1, 0, 1, 0, 1, 0, 0]


def test_motion_beats_dissolve_and_freeze() -> None:
    pictures = pan(17, step=3)
    made = frames_of(interpolate(clip_of(pictures[::2], rate=12), 24))[1:16:2]
    truth = pictures[1::2]
    dissolve = (pictures[:-2:2] + pictures[2::2]) / 2
    assert psnr(made, truth) > psnr(dissolve, truth) + 4
    assert psnr(made, truth) > psnr(pictures[:-2:2], truth) + 4


def test_over_a_cut_the_nearest_frame_is_repeated() -> None:
    pictures = pan(8, step=1)
    pictures[4:] = data.moon()[100:260, 100:356]
    for fallback in ("nearest", "blend", "flow"):
        made = frames_of(interpolate(clip_of(pictures), 96, fallback=fallback)[13:16])
        np.testing.assert_array_equal(made[0], pictures[3])
        np.testing.assert_array_equal(made[2], pictures[4])


def test_lost_motion_takes_the_fallback() -> None:
    noise = np.random.default_rng(1).uniform(0, 255, (6, 96, 128)).astype(np.float32)
    blurred = np.stack([np.kron(p[::24, ::24] / 3 + 80, np.ones((24, 24), np.float32))[:96, :128] for p in noise])
    clip = clip_of(blurred)
    levels = np.rint(blurred)
    share = next(f.props[LOST] for f in Between(clip).judged(clip).frames())
    assert 0.1 < float(share) < 0.75  # type: ignore[arg-type]
    limit = float(share) - 0.01  # type: ignore[arg-type]
    np.testing.assert_array_equal(frames_of(interpolate(clip, 48, limit=limit))[1], levels[1])
    blend = frames_of(interpolate(clip, 48, limit=limit, fallback="blend"))[1]
    assert np.abs(blend - (levels[0] + levels[1]) / 2).max() <= 1
    flow = frames_of(interpolate(clip, 48, limit=1.0))[1]
    assert np.abs(flow - blend).max() > 20


@pytest.mark.parametrize(
    "format_id",
    [vs.GRAY16, vs.GRAYH, vs.YUV420P10, vs.YUV411P8, vs.YUV440P8, vs.YUV444PS, vs.RGB24, vs.RGBH, vs.RGB48],
)
def test_any_format(format_id: vs.PresetVideoFormat) -> None:
    rgb = format_id in (vs.RGB24, vs.RGBH, vs.RGB48)
    extra = {} if rgb else {"matrix_s": "709"}
    clip = (
        clip_of(pan(3))
        .std.SetFrameProps(_Matrix=1)
        .resize.Bicubic(format=vs.YUV444P8)
        .resize.Bicubic(format=format_id, **extra)
    )
    result = interpolate(clip, 48)
    assert (result.format.id, result.width, result.height) == (clip.format.id, clip.width, clip.height)
    to_grey = {"matrix_s": "709"} if rgb else {}
    grey = frames_of(result.resize.Bicubic(format=vs.GRAY8, **to_grey))
    truth = (frames_of(clip.resize.Bicubic(format=vs.GRAY8, **to_grey))).mean(axis=0)
    assert abs(float(grey[1].mean()) - float(truth.mean())) < 3
    assert grey[1].std() > 20


@pytest.mark.parametrize(("width", "height", "frames"), [(7, 5, 2), (33, 17, 3), (64, 48, 1)])
def test_small_and_short(width: int, height: int, frames: int) -> None:
    clip = core.std.BlankClip(width=width, height=height, format=vs.GRAY8, length=frames, color=90, fpsnum=24, fpsden=1)
    result = interpolate(clip, 60)
    assert result.num_frames == round(frames * 2.5)
    assert {int(p.min()) for p in frames_of(result)} == {90}


def test_the_radius_is_true() -> None:
    pictures = pan(10)
    other = np.random.default_rng(3).uniform(0, 255, pictures.shape).astype(np.float32)
    reach = FILTERS["interpolate"].reach({"fps": 48.0})
    other[4 + 1 - reach : 4 + reach + 1] = pictures[4 + 1 - reach : 4 + reach + 1]
    a, b = (frames_of(interpolate(clip_of(p), 48)[9:10])[0] for p in (pictures, other))
    np.testing.assert_array_equal(a, b)


def test_any_order_of_requests_gives_the_same_frames() -> None:
    result = interpolate(clip_of(pan(6)), 59.94)
    straight = frames_of(result)
    again = interpolate(clip_of(pan(6)), 59.94)
    for n in (7, 1, 13, 4):
        np.testing.assert_array_equal(np.asarray(again.get_frame(n)[0]), straight[n])


def test_a_clip_without_rate_is_refused() -> None:
    clip = clip_of(pan(3)).std.AssumeFPS(fpsnum=24)
    fast = clip_of(pan(3)).std.AssumeFPS(fpsnum=25)
    varying = core.std.Splice([clip, fast])
    assert not varying.fps
    with pytest.raises(vs.Error, match=r"^interpolate: the clip has no constant frame rate"):
        interpolate(varying, 48)


@pytest.mark.footage
@pytest.mark.parametrize(
    ("name", "start", "fallback", "gain"),
    [
        ("interlaced_london_gt60p.mkv", 0, "nearest", 8.0),
        ("motion_juggle_720p.mp4", 0, "nearest", 0.5),
        ("motion_tos_fight.mkv", 60, "flow", 0.3),  # too fast for the default, which freezes
    ],
)
def test_dropped_frames_of_real_clips_come_back(
    footage: Callable[[str], Path], name: str, start: int, fallback: str, gain: float
) -> None:
    clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachemode=0)[start : start + 17]
    grey = clip.std.ShufflePlanes(0, vs.GRAY).resize.Bilinear(320, 180)
    truth = frames_of(grey)
    made = frames_of(interpolate(grey[::2].std.AssumeFPS(fpsnum=12), 24, fallback=fallback))[1:16:2]  # type: ignore[arg-type]
    assert psnr(made, truth[1::2]) > psnr((truth[:-2:2] + truth[2::2]) / 2, truth[1::2]) + gain
