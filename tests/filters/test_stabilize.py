"""Weave goes, the camera's own moves stay, and nothing is touched without evidence."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from scipy import ndimage
from skimage import color, data

from tests.pictures import clip_of as held
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.filters._trend import roughness, stretch, trend
from vsfilmrestore.filters._weave import STEP_OK, STEP_X, STEP_Y, picture_steps
from vsfilmrestore.filters.stabilize import WEAVE_X, WEAVE_Y, stabilize

core = vs.core

type Curve = npt.NDArray[np.float64]

WIDTH, HEIGHT = 240, 180


def wander(count: int, spread: float, seed: int) -> Curve:
    """AR(1) of correlation 0.7: how a film lies in the gate."""
    rng = np.random.default_rng(seed)
    path = np.zeros(count)
    for n in range(count):
        path[n] = (0.7 * path[n - 1] if n else 0) + rng.normal() * spread * (1 if n == 0 else 0.714)
    return path


def photo(name: str = "coffee") -> Curve:
    picture = getattr(data, name)()
    grey = color.rgb2gray(picture) * 255 if picture.ndim == 3 else picture.astype(float)
    return np.asarray(ndimage.spline_filter(ndimage.gaussian_filter(grey, 0.7), order=3))


def shot(
    x: Curve, y: Curve, *, name: str = "coffee", grain: float = 3, flicker: float = 0, fmt: int = vs.GRAY8
) -> vs.VideoNode:
    """The camera looks at ``(x, y)`` of a photograph; all positions may be fractions."""
    wide = photo(name)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    rng = np.random.default_rng(11)
    pictures = [
        ndimage.map_coordinates(wide, [rows + 60 + b, columns + 60 + a], order=3, prefilter=False)
        * (1 + flicker * rng.normal())
        + rng.normal(size=(HEIGHT, WIDTH)) * grain
        for a, b in zip(x, y, strict=True)
    ]
    return clip_of(pictures, fmt)


def clip_of(pictures: list[Curve], fmt: int = vs.GRAY8) -> vs.VideoNode:
    clip = held([picture * 257 for picture in pictures], vs.GRAY16).std.SetFrameProps(_Range=1)
    rgb = core.get_video_format(fmt).color_family == vs.RGB
    return clip.resize.Bicubic(format=fmt) if not rgb else clip.resize.Bicubic(format=fmt, matrix_in=1)


def strays(clip: vs.VideoNode) -> Curve:
    return np.array([[f.props[WEAVE_X], f.props[WEAVE_Y]] for f in clip.frames(close=False)])


def planes(frame: vs.VideoFrame) -> list[npt.NDArray[np.generic]]:
    return [np.array(frame[p]) for p in range(frame.format.num_planes)]


def same(one: vs.VideoFrame, other: vs.VideoFrame) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(planes(one), planes(other), strict=True))


def rms(curve: Curve) -> float:
    return float(np.sqrt(np.mean(np.square(curve))))


STILL = np.zeros(30)


def test_steps_are_measured_to_hundredths_of_a_pixel() -> None:
    x, y = wander(14, 0.6, 1), wander(14, 0.6, 2)
    frames = list(picture_steps(shot(x, y, flicker=0.04)).frames(close=False))
    found = np.array([[f.props[STEP_X], f.props[STEP_Y]] for f in frames[1:]])
    assert all(f.props[STEP_OK] for f in frames[1:])
    assert rms(found[:, 0] + np.diff(x)) < 0.02  # the camera goes right, the picture left
    assert rms(found[:, 1] + np.diff(y)) < 0.02


def test_weave_of_a_still_camera_is_removed() -> None:
    x, y = wander(30, 0.5, 3), wander(30, 0.5, 4)
    found = strays(stabilize(shot(x, y, flicker=0.03)))
    for path, stray in ((x, found[:, 0]), (y, found[:, 1])):
        assert rms(np.diff(path + stray, 2)) < 0.15 * rms(np.diff(path, 2))
        assert rms(path + stray - np.mean(path + stray)) < 0.75 * rms(path - path.mean())


def test_the_picture_stands_still_after() -> None:
    x, y = wander(24, 0.6, 5), wander(24, 0.6, 6)
    before = shot(x, y, grain=1, fmt=vs.GRAY16)
    pictures = [np.asarray(f[0], float)[12:-12, 12:-12] for f in before.frames(close=False)]
    after = [np.array(f[0], float)[12:-12, 12:-12] for f in stabilize(before).frames(close=True)]
    jump = [rms(b - a) for a, b in itertools.pairwise(pictures)]
    still = [rms(b - a) for a, b in itertools.pairwise(after)]
    assert np.mean(still) < 0.45 * np.mean(jump)


@pytest.mark.parametrize(
    "camera",
    [2.3 * np.arange(30), 2.0 * np.clip(np.arange(30) - 10, 0, 9), 0.02 * np.arange(30) ** 2],
    ids=["pan", "pan that starts and stops", "pan that gathers speed"],
)
def test_a_clean_camera_move_is_left_alone_bit_by_bit(camera: Curve) -> None:
    clip = shot(camera, STILL, name="astronaut")
    steady = stabilize(clip)
    assert all(same(a, b) for a, b in zip(clip.frames(), steady.frames(), strict=True))


def test_a_hand_held_camera_keeps_its_sway() -> None:
    t = np.arange(36)
    x, y = 7 * np.sin(t / 30 * 2 * np.pi) + 3 * np.sin(t / 13 * 2 * np.pi), 4 * np.sin(t / 21 * 2 * np.pi)
    assert np.abs(strays(stabilize(shot(x, y)))).max() < 0.25


def test_weave_under_a_pan_goes_and_the_pan_stays() -> None:
    weave = wander(30, 0.5, 7)
    found = strays(stabilize(shot(1.7 * np.arange(30) + weave, STILL)))[:, 0]
    assert rms(np.diff(weave + found, 2)) < 0.3 * rms(np.diff(weave, 2))


def test_something_large_in_front_does_not_carry_the_picture() -> None:
    weave = wander(26, 0.5, 8)
    base = [np.array(f[0], float) for f in shot(weave, STILL[:26], fmt=vs.GRAYS).frames(close=False)]
    front = photo("astronaut")[150:290, 150:220]
    for n, picture in enumerate(base):
        picture *= 255
        picture[20:160, 10 + 5 * n : 80 + 5 * n] = front
    found = strays(stabilize(clip_of(base)))[:, 0]
    assert rms(np.diff(weave + found, 2)) < 0.5 * rms(np.diff(weave, 2))


def test_grain_alone_and_flat_pictures_are_no_evidence() -> None:
    rng = np.random.default_rng(0)
    clip = clip_of([110 + 8 * rng.normal(size=(HEIGHT, WIDTH)) for _ in range(12)])
    assert all(same(a, b) for a, b in zip(clip.frames(), stabilize(clip).frames(), strict=True))
    flat = core.std.BlankClip(width=128, height=96, format=vs.YUV420P8, length=9, color=[90, 100, 130])
    assert all(same(a, b) for a, b in zip(flat.frames(), stabilize(flat).frames(), strict=True))


def test_a_cut_inside_the_window_moves_nothing_across() -> None:
    x, y = wander(15, 0.5, 1), wander(15, 0.5, 2)
    first, second = shot(x, y), shot(x + 90, y + 30, name="astronaut")
    alone, joined = strays(stabilize(first)), strays(stabilize(first + second))
    assert np.allclose(alone, joined[:15], atol=1e-9)
    frames = list(picture_steps(first + second).frames(close=False))
    assert [n for n, f in enumerate(frames) if not f.props[STEP_OK]] == [0, 15]


def test_only_frames_within_the_radius_matter() -> None:
    x, y = wander(25, 0.6, 1), wander(25, 0.6, 2)
    clip = shot(x, y)
    reach = FILTERS["stabilize"].reach({"window": 5})
    assert reach == 5
    rng = np.random.default_rng(3)
    noise = clip_of([rng.uniform(0, 255, (HEIGHT, WIDTH)) for _ in range(25)])
    mixed = noise[: 12 - reach] + clip[12 - reach : 13 + reach] + noise[13 + reach :]
    wanted, got = stabilize(clip, window=5).get_frame(12), stabilize(mixed, window=5).get_frame(12)
    assert wanted.props[WEAVE_X] == got.props[WEAVE_X] != 0
    assert same(wanted, got)


def test_seek_order_and_threads_change_nothing() -> None:
    clip = shot(wander(14, 0.6, 1), wander(14, 0.6, 2))
    linear = [planes(f)[0] for f in stabilize(clip).frames()]
    jumping = stabilize(clip)
    for n in (9, 2, 13, 0, 7, 5):
        assert np.array_equal(planes(jumping.get_frame(n))[0], linear[n])


@pytest.mark.parametrize(
    "fmt", [vs.GRAY8, vs.GRAYS, vs.GRAYH, vs.YUV420P8, vs.YUV422P10, vs.YUV444P16, vs.RGB24, vs.RGBS]
)
@pytest.mark.parametrize("edges", ["mirror", "zoom", "black"])
def test_any_format_and_its_properties(fmt: int, edges: str) -> None:
    grey = shot(wander(7, 0.6, 1), wander(7, 0.6, 2), fmt=vs.GRAYS)
    picture = grey.resize.Bicubic(format=fmt, **({"matrix": 1} if fmt in YUV else {}))
    picture = picture.std.SetFrameProps(_SARNum=4, _SARDen=3)
    steady = stabilize(picture, edges=edges)  # type: ignore[arg-type]
    assert (steady.format.id, steady.width, steady.height, len(steady)) == (fmt, WIDTH, HEIGHT, 7)
    frame, source = steady.get_frame(3), picture.get_frame(3)
    assert {k: v for k, v in frame.props.items() if not k.startswith("_VsfrWeave")} == dict(source.props)
    assert not same(frame, source)


YUV = (vs.YUV420P8, vs.YUV422P10, vs.YUV444P16)


def test_what_fills_the_rim() -> None:
    jump = np.where(np.arange(15) == 7, 3.0, 0.0)
    clip = shot(jump, STILL[:15], fmt=vs.GRAY8).resize.Point(range=vs.RANGE_LIMITED)
    black = np.array(stabilize(clip, edges="black").get_frame(7)[0])
    mirror = np.array(stabilize(clip, edges="mirror").get_frame(7)[0])
    # The picture had slipped left by 3: it is put back to the right, the left rim is bare.
    assert black[:, :2].max() == 16
    assert mirror[:, :2].min() > 16
    assert np.array_equal(black[:, 8:], mirror[:, 8:])
    zoomed = np.array(stabilize(clip, edges="zoom", max_shift=5).get_frame(7)[0], float)
    assert zoomed[:, :2].min() > 16
    assert abs(np.corrcoef(zoomed[:, 20:-20].ravel(), mirror[:, 20:-20].ravel())[0, 1]) < 0.999


def test_strength_is_a_share_and_max_shift_a_wall() -> None:
    clip = shot(wander(14, 0.8, 1), wander(14, 0.8, 2))
    assert stabilize(clip, 0) is clip
    full, half = strays(stabilize(clip)), strays(stabilize(clip, 0.5))
    assert np.allclose(half, full / 2)
    assert np.abs(strays(stabilize(clip, max_shift=0.1))).max() <= WIDTH * 0.001 + 1e-9


@pytest.mark.parametrize(("width", "height"), [(16, 16), (47, 90), (101, 77), (2, 2)])
def test_small_and_odd_sizes(width: int, height: int) -> None:
    clip = core.std.BlankClip(width=width, height=height, format=vs.GRAY8, length=4)
    assert len(list(stabilize(clip).frames())) == 4


@pytest.mark.parametrize("length", [1, 2, 3])
def test_short_clips(length: int) -> None:
    clip = shot(STILL[:length], STILL[:length])
    assert len(list(stabilize(clip).frames())) == length


def test_building_asks_for_no_frame() -> None:
    def refuse(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        raise AssertionError(n)

    blank = core.std.BlankClip(width=320, height=240, format=vs.YUV420P8)
    stabilize(core.std.ModifyFrame(blank, blank, refuse))


def test_errors_begin_with_the_name() -> None:
    with pytest.raises(vs.Error, match=r"^stabilize: max_shift must be 0\.1\.\.10"):
        stabilize(core.std.BlankClip(), max_shift=30)


def test_trend_follows_a_bend_and_not_the_tremble() -> None:
    bent = 3.0 * np.clip(np.arange(25) - 12, 0, None)
    weave = wander(25, 0.3, 2)
    assert rms(trend(bent, 0.3) - bent) < 0.1
    assert rms(np.diff(trend(bent + weave, 0.3) - bent, 2)) < 0.5 * rms(np.diff(weave, 2))
    assert np.array_equal(trend(bent, 0.0), bent)


def test_roughness_tells_weave_from_sway() -> None:
    assert roughness(wander(200, 1, 1)[:, None]) > 2
    assert roughness(np.sin(np.arange(50) / 12 * 2 * np.pi)[:, None]) < 0.5


def test_stretch_ends_at_breaks() -> None:
    joined = np.array([True, True, False, True, True, False, True])
    assert stretch(joined, 3) == slice(2, 5)
    assert stretch(joined, 0) == slice(0, 2)
    assert stretch(joined, 6) == slice(5, 7)


@pytest.mark.footage
@pytest.mark.parametrize(
    ("name", "steadier"), [("film_market_street_1906.mkv", 0.6), ("film_within_our_gates_1920.mkv", 0.4)]
)
def test_real_weave(name: str, steadier: float, footage: Callable[[str], Path], tmp_path: Path) -> None:
    clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachepath=str(tmp_path / "index"))[:30]

    def tremble(picture: vs.VideoNode) -> float:
        steps = np.array([[f.props[STEP_X], f.props[STEP_Y]] for f in picture_steps(picture).frames()])
        return rms(np.diff(steps[1:], axis=0))

    assert tremble(stabilize(clip)) < steadier * tremble(clip)


@pytest.mark.footage
def test_real_shots_without_weave_stay(footage: Callable[[str], Path], tmp_path: Path) -> None:
    for name in ("motion_juggle_720p.mp4", "motion_tos_fight.mkv"):
        clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachepath=str(tmp_path / name))[40:60]
        assert all(same(a, b) for a, b in zip(clip.frames(), stabilize(clip).frames(), strict=True))
