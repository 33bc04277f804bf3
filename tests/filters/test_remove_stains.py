"""remove_stains: gives light back under stains, leaves shadows, smoke, flicker and clean film."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from tests import pictures
from vsfilmrestore.filters._stain_steps import Step, measure_step
from vsfilmrestore.filters.remove_stains import remove_stains
from vsfilmrestore.filters.schema import FILTERS
from vsfilmrestore.media.props import changed_prop, mask_prop

core = vs.core

type Array = npt.NDArray[np.float64]

SIZE = 192, 256
FRAMES = 11
CENTRE = 100, 130


def texture(height: int, width: int) -> Array:
    """A smooth random picture around 110 with detail of several sizes."""
    rng = np.random.default_rng(0)
    out = np.zeros((height, width))
    for times, weight in ((2, 4.0), (8, 12.0), (24, 24.0)):
        coarse = rng.normal(0, weight, (height // times + 4, width // times + 4))
        fine = np.kron(coarse, np.ones((times, times)))
        for axis in (0, 1):
            fine = sum(np.roll(fine, k, axis) for k in range(-times, times + 1)) / (2 * times + 1)
        out += fine[times : times + height, times : times + width]
    return 115 + out


def scene(pan: int = 2, grain: float = 2.0) -> Array:
    """[frame, y, x] in levels: a pan over a still picture, new grain in each frame."""
    rng = np.random.default_rng(1)
    wide = texture(SIZE[0], SIZE[1] + pan * FRAMES)
    return np.stack([wide[:, n * pan :][:, : SIZE[1]] + rng.normal(0, grain, SIZE) for n in range(FRAMES)])


def blotch(depth: float = 0.25, centre: tuple[float, float] = CENTRE, radius: float = 26) -> Array:
    """Gain of a stain with a wavy, rather sharp outline: 1 outside."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    down, across = y - centre[0], x - centre[1]
    edge = radius * (1 + 0.2 * np.sin(3 * np.arctan2(down, across)))
    return 1 - depth / (1 + np.exp((np.hypot(down, across) - edge) / 1.2))


def splat(depth: float = 0.25) -> Array:
    """The same with the ragged outline of something that ran and dried, and thinner in places."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    down, across = y - CENTRE[0], x - CENTRE[1]
    angle = np.arctan2(down, across)
    edge = 30 * (1 + 0.35 * np.sin(3 * angle) + 0.2 * np.sin(7 * angle + 1) + 0.15 * np.sin(13 * angle))
    thin = 0.85 + 0.15 * np.sin(across / 9 + down / 14)
    return 1 - depth * thin / (1 + np.exp((np.hypot(down, across) - edge) / 1.2))


def eight_bit(frames: Array) -> npt.NDArray[np.uint8]:
    return np.rint(frames.clip(0, 255)).astype(np.uint8)


def clip_of(frames: Array) -> vs.VideoNode:
    return pictures.clip_of(frames).std.SetFrameProps(_Range=1)


def stained(first: int = 5, life: int = 1, pan: int = 2, depth: float = 0.25, bright: bool = False) -> Array:
    frames, gain = scene(pan), blotch(depth)
    part = frames[first : first + life]
    frames[first : first + life] = 255 - (255 - part) * gain if bright else part * gain
    return frames


def luma(frame: vs.VideoFrame) -> Array:
    return np.array(frame[0]).astype(np.float64)


def mask_of(frame: vs.VideoFrame) -> npt.NDArray[np.bool_]:
    return np.array(frame.props[mask_prop("remove_stains")][0]) > 0  # type: ignore[index, call-overload]


def psnr(one: Array, other: Array) -> float:
    return float(10 * np.log10(255**2 / np.mean((one - other) ** 2)))


@pytest.mark.parametrize("bright", [False, True])
@pytest.mark.parametrize(("pan", "life"), [(2, 1), (0, 1), (3, 4)])
def test_a_stain_goes_and_the_picture_beneath_stays(pan: int, life: int, bright: bool) -> None:
    truth, damaged = scene(pan), clip_of(stained(4, life, pan, bright=bright))
    result = remove_stains(damaged)
    hidden = blotch() < 0.98
    for n in range(FRAMES):
        source, frame = damaged.get_frame(n), result.get_frame(n)
        mask = mask_of(frame)
        assert mask.any() == (4 <= n < 4 + life)
        assert np.array_equal(luma(source)[~mask], luma(frame)[~mask])
        if mask.any():
            before, after = (psnr(truth[n][hidden], luma(f)[hidden]) for f in (source, frame))
            assert after > before + 12
            assert after > 36
            grain = luma(frame) - truth[n]  # the frame's own grain is still there: what is left is far less than it
            assert grain[hidden].std() < 3.5


def test_where_memory_is_short_no_step_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    times = 0

    def counted(here: Array, there: Array, rgb: bool) -> Step:
        nonlocal times
        times += 1
        return measure_step(here, there, rgb)

    # the package shows the filter by the name of its module
    monkeypatch.setattr(sys.modules[remove_stains.__module__], "measure_step", counted)
    frames = clip_of(np.concatenate([stained()] * 3))
    usual = vs.core.max_cache_size
    vs.core.max_cache_size = 1
    try:
        for frame in remove_stains(frames).frames(close=True):
            assert frame.width == frames.width
    finally:
        vs.core.max_cache_size = usual
    assert times <= 2.2 * len(frames)  # one for each neighbour, and a few that two threads meet at


def test_clean_film_stays() -> None:
    for pan in (0, 2, 5):
        assert not any(mask_of(f).any() for f in remove_stains(clip_of(scene(pan)), 1.0).frames())


def test_flicker_is_no_stain_and_does_not_hide_one() -> None:
    light = 1 + 0.06 * np.random.default_rng(3).normal(0, 1, FRAMES)
    assert not any(mask_of(f).any() for f in remove_stains(clip_of(scene() * light[:, None, None])).frames())
    truth = scene() * light[:, None, None]
    result = remove_stains(clip_of(stained() * light[:, None, None])).get_frame(5)
    hidden = blotch() < 0.98
    assert psnr(truth[5][hidden], luma(result)[hidden]) > 34


def test_a_shadow_that_moves_stays() -> None:
    for speed in (2, 7, 15, 40):
        frames = scene(0)
        for n in range(FRAMES):
            frames[n] *= blotch(0.3, (100, 20 + speed * n))
        assert not any(mask_of(f).any() for f in remove_stains(clip_of(frames)).frames())


def test_a_shadow_of_the_scene_stays_while_the_camera_pans() -> None:
    frames = scene(3)
    for n in range(FRAMES):
        frames[n] *= blotch(0.3, (100, 160 - 3 * n))
    assert not any(mask_of(f).any() for f in remove_stains(clip_of(frames)).frames())


def smoke() -> Array:
    """It comes up, thickens, drifts and hides a part of the picture."""
    frames, y, x = scene(0), *np.mgrid[: SIZE[0], : SIZE[1]]
    for n in range(FRAMES):
        drift = 3 * n
        body = sum(
            np.exp(-(((y - top - 8 * np.sin(n / 3)) / 30) ** 2) - ((x - left - drift) / 45) ** 2)
            * (0.8 + 0.2 * np.sin((x - drift) / 7 + y / 11))
            for top, left in ((60, 40), (110, 90), (80, 150))
        )
        veil = 0.5 * np.clip(body, 0, 1) * np.clip((n - 2) / 4, 0, 1)
        frames[n] += veil * (200 - frames[n])
    return frames


def flare() -> Array:
    """The camera turns towards a lamp: discs of light flash up and run through the picture."""
    frames, y, x = scene(4), *np.mgrid[: SIZE[0], : SIZE[1]]
    for n in range(4, FRAMES):
        for part, radius in ((1.0, 30), (0.4, 14), (-0.5, 20)):
            far = np.hypot(x - 128 - part * (90 - 9 * n), y - 96 - part * (60 - 4 * n))
            frames[n] += 45 / (1 + np.exp((far - radius) / 2.5))
    return frames


def vignette() -> Array:
    """Dark, sharply bounded corners that stay in the frame while the camera pans."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return scene(3) * (1 - 0.5 / (1 + np.exp((1.05 - np.hypot((y - 96) / 96, (x - 128) / 128)) / 0.05)))


def comes_to_rest() -> Array:
    """A dark, ragged thing that runs in and stands still."""
    frames = scene(0)
    for n in range(FRAMES):
        frames[n] *= np.roll(splat(0.55), 20 * min(n, 5) - 100, 1)
    return frames


def posters() -> Array:
    """A fast pan along posters with lettering."""
    rng = np.random.default_rng(3)
    wide = texture(SIZE[0], SIZE[1] + 9 * FRAMES)
    for left, shade in ((20, 60), (110, 150), (190, 190), (280, 60)):
        wide[40:130, left : left + 60] = shade
        for row in range(50, 122, 12):
            wide[row : row + 6, left + 6 : left + int(rng.integers(20, 54))] = 210 if shade < 100 else 40
    return np.stack([wide[:, 9 * n :][:, : SIZE[1]] + rng.normal(0, 2, SIZE) for n in range(FRAMES)])


def falling(pan: int = 3) -> Array:
    """A ragged shadow falls on a wall and stays there while the camera pans."""
    frames = scene(pan)
    for n in range(5, FRAMES):
        frames[n] *= np.roll(splat(0.3), -pan * (n - 5), 1)
    return frames


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("hard", [smoke, flare, vignette, comes_to_rest, posters, falling])
def test_what_looks_like_a_stain_stays(hard: Callable[[], Array], strength: float) -> None:
    assert not any(mask_of(f).any() for f in remove_stains(clip_of(hard()), strength).frames())


def test_a_light_switched_off_and_a_fade_stay() -> None:
    off, fade = scene(), scene()
    off[5:] *= blotch(0.3)
    fade *= np.linspace(1, 0.2, FRAMES)[:, None, None]
    for frames in (off, fade):
        assert not any(mask_of(f).any() for f in remove_stains(clip_of(frames)).frames())


def test_a_flash_of_the_whole_picture_stays() -> None:
    frames = scene()
    frames[5] = frames[5] * 1.4 + 10
    assert not any(mask_of(f).any() for f in remove_stains(clip_of(frames)).frames())


def test_a_cut_is_not_crossed() -> None:
    frames = scene()
    frames[5:] = 255 - frames[5:, ::-1, ::-1]
    frames[4] *= blotch()
    frames[5] *= blotch()
    assert not any(mask_of(f).any() for f in remove_stains(clip_of(frames)).frames())


@pytest.mark.parametrize("polarity", ["dark", "bright"])
def test_polarity(polarity: str) -> None:
    frames = stained(3) + stained(7, bright=True) - scene()
    result = remove_stains(clip_of(frames), polarity=polarity)  # type: ignore[arg-type]
    assert [mask_of(result.get_frame(n)).any() for n in (3, 7)] == [polarity == "dark", polarity == "bright"]


def test_what_lasts_longer_than_longest_stays() -> None:
    clip = clip_of(stained(3, 5))
    assert not any(mask_of(f).any() for f in remove_stains(clip, longest=4).frames())
    assert all(mask_of(remove_stains(clip, longest=5).get_frame(n)).any() for n in range(3, 8))


@pytest.mark.parametrize("bright", [False, True])
@pytest.mark.parametrize(("pan", "stays"), [(0, slice(5, None)), (2, slice(5, None)), (2, slice(0, 6))])
def test_a_stain_of_which_one_end_is_seen_goes(pan: int, stays: slice, bright: bool) -> None:
    truth, frames = scene(pan), scene(pan)
    part = frames[stays]
    frames[stays] = 255 - (255 - part) * splat() if bright else part * splat()
    damaged, hidden = clip_of(frames), splat() < 0.98
    there = set(range(FRAMES)[stays])
    for n, frame in enumerate(remove_stains(damaged).frames()):
        mask = mask_of(frame)
        assert mask.any() == (n in there)
        assert np.array_equal(luma(damaged.get_frame(n))[~mask], luma(frame)[~mask])
        if mask.any():
            before, after = (psnr(truth[n][hidden], luma(f)[hidden]) for f in (damaged.get_frame(n), frame))
            assert after > before + 8


@pytest.mark.parametrize("flicker", [0.0, 0.03])
@pytest.mark.parametrize("pan", [0, 2])
def test_a_faint_stain_on_a_quarter_of_the_picture_is_not_taken_for_flicker(pan: int, flicker: float) -> None:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    angle = np.arctan2(y - 100, x - 90)
    edge = 60 * (1 + 0.25 * np.sin(3 * angle) + 0.15 * np.sin(7 * angle + 1) + 0.1 * np.sin(13 * angle))
    gain = 1 - 0.06 / (1 + np.exp((np.hypot(y - 100, x - 90) - edge) / 1.2))
    light = 1 + flicker * np.random.default_rng(3).normal(0, 1, FRAMES)
    truth, hidden = scene(pan) * light[:, None, None], gain < 0.98
    damaged = truth.copy()
    damaged[5:] *= gain
    for n, frame in enumerate(remove_stains(clip_of(damaged)).frames()):
        assert mask_of(frame).any() == (n >= 5)
        if n >= 5:
            before, after = (psnr(truth[n][hidden], picture[hidden]) for picture in (damaged[n], luma(frame)))
            assert after > before + 12


def test_a_stain_of_which_one_end_is_seen_stays_where_it_may_not_last_so_long() -> None:
    frames = scene()
    frames[5:] *= splat()
    clip = clip_of(frames)
    assert not any(mask_of(f).any() for f in remove_stains(clip, longest=5).frames())
    assert mask_of(remove_stains(clip, longest=6).get_frame(10)).any()


def test_max_size() -> None:
    clip = clip_of(stained())
    assert not mask_of(remove_stains(clip, max_size=120).get_frame(5)).any()


def test_regions_and_show() -> None:
    clip = clip_of(stained())
    whole = mask_of(remove_stains(clip).get_frame(5))
    left = (0, 0, CENTRE[1], SIZE[0])
    spared, alone = (mask_of(remove_stains(clip, **{k: [left]}).get_frame(5)) for k in ("protect", "only"))
    assert not spared[:, : CENTRE[1]].any()
    assert np.array_equal(spared[:, CENTRE[1] :], whole[:, CENTRE[1] :])
    assert not alone[:, CENTRE[1] :].any()
    assert np.array_equal(alone[:, : CENTRE[1]], whole[:, : CENTRE[1]])
    assert np.array_equal(luma(remove_stains(clip, show="mask").get_frame(5)) > 0, whole)


@pytest.mark.parametrize(
    "fmt", [vs.GRAY16, vs.GRAYS, vs.GRAYH, vs.YUV420P10, vs.YUV411P8, vs.YUV444PS, vs.RGB24, vs.RGB48]
)
def test_every_format(fmt: int) -> None:
    target = core.get_video_format(fmt)
    convert: Callable[[vs.VideoNode], vs.VideoNode] = lambda c: c.resize.Point(format=fmt)  # noqa: E731
    if target.color_family != vs.GRAY:
        matrix = {"matrix": vs.MATRIX_BT709} if target.color_family == vs.YUV else {}
        convert = lambda c: core.std.ShufflePlanes(c, [0, 0, 0], vs.RGB).resize.Point(format=fmt, **matrix)  # noqa: E731
    clean, clip = convert(clip_of(scene())), convert(clip_of(stained())).std.SetFrameProps(Reel="A001")
    result = remove_stains(clip)
    assert (result.format.id, result.width, result.height, result.num_frames) == (fmt, SIZE[1], SIZE[0], FRAMES)
    frame, source = result.get_frame(5), clip.get_frame(5)
    assert {k: v for k, v in frame.props.items() if not k.startswith("_Vsfr")} == dict(source.props)
    assert 0.03 < float(frame.props[changed_prop("remove_stains")]) < 0.12  # type: ignore[arg-type]
    truth, before, after = (luma(f) for f in (clean.get_frame(5), source, frame))
    assert np.mean((after - truth) ** 2) < np.mean((before - truth) ** 2) / 10
    assert all(np.array_equal(luma(result.get_frame(n)), luma(clip.get_frame(n))) for n in (2, 4, 6))


def test_a_frame_is_the_same_whatever_was_asked_for_before() -> None:
    clip = clip_of(stained(3, 4))
    straight = [luma(f) for f in remove_stains(clip).frames()]
    other = remove_stains(clip)
    for n in (6, 2, 9, 3, 0, 5):
        assert np.array_equal(luma(other.get_frame(n)), straight[n])


def test_the_radius_is_true() -> None:
    frames = stained(5, 1)
    reach = FILTERS["remove_stains"].reach({"longest": 2})
    far = frames.copy()
    far[: 5 - reach], far[5 + reach + 1 :] = 255 - far[: 5 - reach], 255 - far[5 + reach + 1 :]
    one, other = (remove_stains(clip_of(f), longest=2).get_frame(5) for f in (frames, far))
    assert mask_of(one).any()
    assert np.array_equal(luma(one), luma(other))


def test_strength_zero_is_the_clip_itself() -> None:
    clip = clip_of(stained())
    assert remove_stains(clip, 0) is clip


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (65, 70), (127, 95)])
@pytest.mark.parametrize("length", [1, 2, 4])
def test_odd_sizes_and_short_clips(size: tuple[int, int], length: int) -> None:
    clip = core.std.BlankClip(width=size[0], height=size[1], format=vs.GRAY8, length=length, color=90)
    result = remove_stains(clip)
    assert all(np.array_equal(luma(a), luma(b)) for a, b in zip(result.frames(), clip.frames(), strict=True))


def test_building_asks_for_no_frame() -> None:
    def fail(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        raise AssertionError(n)

    blank = core.std.BlankClip(width=128, height=128, format=vs.GRAY8, length=5)
    remove_stains(core.std.ModifyFrame(blank, blank, fail))


def test_errors_name_the_filter() -> None:
    with pytest.raises(vs.Error, match=r"^remove_stains: longest must be 1\.\.30"):
        remove_stains(clip_of(scene()), longest=0)


@pytest.mark.footage
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["face_asl_sister.mkv", "face_asl_brother.mkv", "motion_tos_fight.mkv", "motion_juggle_720p.mp4"]
)
def test_clean_footage_stays(footage: Callable[[str], Path], name: str) -> None:
    clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachemode=0, showprogress=False)[40:64]
    shares = [f.props[changed_prop("remove_stains")] for f in remove_stains(clip).frames()]
    assert np.mean(shares) < 0.0001  # type: ignore[arg-type]
