"""Denoising: what it gains, what it leaves alone, and that it looks no farther than it says."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from tests.pictures import clip_of, frames_of
from vsfilmrestore.filters import _noise_fused
from vsfilmrestore.filters._grain import record_grain, told_grain
from vsfilmrestore.filters._motion import mirrored
from vsfilmrestore.filters._noise import KNOTS, as16, measure_noise
from vsfilmrestore.filters._noise_average import average, led, measured
from vsfilmrestore.filters._noise_fused import OWN, fuses
from vsfilmrestore.filters._noise_within import share_within
from vsfilmrestore.filters.denoise import denoise
from vsfilmrestore.filters.schema import FILTERS

core = vs.core
type Frames = npt.NDArray[np.float32]


def pan(length: int = 9, width: int = 160, height: int = 96) -> Frames:
    """A smooth random picture that moves two pixels a frame."""
    rng = np.random.default_rng(5)
    wide = rng.standard_normal((height, width + 2 * length)).astype(np.float32)
    for _ in range(4):
        wide = sum(np.roll(wide, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)) / 9
    wide = 128 + wide / wide.std() * 40
    return np.stack([wide[:, 2 * i : 2 * i + width] for i in range(length)]).clip(20, 235)


def grain(shape: tuple[int, ...], sigma: float, seed: int = 1) -> Frames:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) * sigma).astype(np.float32)


def psnr(a: Frames, b: Frames) -> float:
    return float(10 * np.log10(255**2 / np.mean((a - b) ** 2)))


@pytest.mark.parametrize("sigma", [4.0, 8.0, 16.0])
def test_gains_at_least_six_decibels_on_a_pan(sigma: float) -> None:
    clean = pan()
    noisy = np.round(clean + grain(clean.shape, sigma)).clip(0, 255)
    result = frames_of(denoise(clip_of(noisy), 1.0))
    assert psnr(result, clean) > psnr(noisy, clean) + 6


def test_beats_the_plain_plug_in_call_on_a_pan() -> None:
    clean = pan()
    noisy = clip_of(np.round(clean + grain(clean.shape, 8.0)).clip(0, 255))
    pyramid = core.mvu.Super(noisy, blksize=[16], overlap=[8])
    vectors = core.mvu.AnalyseMany(pyramid, radius=3, blksize=[16], overlap=[8])
    plain = core.mvu.Degrain(noisy, pyramid, vectors, thsad=[1000], thscd1=8000)
    assert psnr(frames_of(denoise(noisy, 1.0)), clean) > psnr(frames_of(plain), clean)


def test_strength_is_a_dose() -> None:
    clean = pan()
    noisy = np.round(clean + grain(clean.shape, 8.0)).clip(0, 255)
    left = [float((frames_of(denoise(clip_of(noisy), s)) - clean).std()) for s in (0.25, 0.5, 0.75, 1.0)]
    assert left == sorted(left, reverse=True)
    assert left[0] < 8.0


def test_strength_nought_is_the_clip_itself() -> None:
    clip = core.std.BlankClip(format=vs.YUV420P10)
    assert denoise(clip, 0.0) == clip


@pytest.mark.parametrize("sigma", [0.0, 3.0, 12.0])
def test_measures_the_noise(sigma: float) -> None:
    still = np.repeat(pan(1), 3, axis=0) * 256
    noisy = clip_of((still + grain(still.shape, sigma * 256)).clip(0, 65535), vs.GRAY16)
    before, after = noisy[0] + noisy[:-1], noisy[1:] + noisy[-1]
    told = measure_noise(noisy, [before, after]).get_frame(1).props["_VsfrNoise0"]
    assert float(str(told)) * 255 == pytest.approx(sigma, rel=0.1, abs=0.1)


def test_leaves_a_clip_without_noise_as_it_is() -> None:
    still = np.round(np.repeat(pan(1), 5, axis=0))
    assert np.array_equal(frames_of(denoise(clip_of(still), 1.0)), still)


def test_a_thing_of_one_frame_leaves_no_ghost() -> None:
    clean = np.repeat(pan(1), 7, axis=0)
    clean[3, 40:44, 60:64] = 250
    noisy = np.round(clean + grain(clean.shape, 6.0)).clip(0, 255)
    result = frames_of(denoise(clip_of(noisy), 1.0))
    assert result[3, 41:43, 61:63].mean() > 225
    for n in (2, 4):
        assert abs(result[n, 40:44, 60:64].mean() - clean[n, 40:44, 60:64].mean()) < 8


def test_a_cut_is_not_blended() -> None:
    one, other = np.repeat(pan(1), 4, axis=0), np.repeat(255 - pan(1), 4, axis=0)
    clean = np.concatenate([one, other])
    noisy = np.round(clean + grain(clean.shape, 8.0)).clip(0, 255)
    result = frames_of(denoise(clip_of(noisy), 1.0))
    for n in (3, 4):
        assert psnr(result[n], clean[n]) > psnr(noisy[n], clean[n]) + 2


@pytest.mark.parametrize("reach", [1, 3])
def test_looks_no_farther_than_its_radius(reach: int) -> None:
    whole = FILTERS["denoise"].reach({"reach": reach})
    assert whole == reach + 1  # the picture; its grain is measured beside a neighbour's
    frames = np.round(pan(11) + grain((11, 96, 160), 8.0)).clip(0, 255)
    for far in (reach, whole):
        poisoned = np.random.default_rng(3).integers(0, 256, frames.shape).astype(np.float32)
        poisoned[5 - far : 6 + far] = frames[5 - far : 6 + far]
        pair = [denoise(clip_of(f), 1.0, reach=reach).get_frame(5) for f in (frames, poisoned)]
        assert np.array_equal(*(np.asarray(frame[0]) for frame in pair))
    assert told_grain(pair[0].props, "grey") == told_grain(pair[1].props, "grey") is not None


def test_building_asks_for_no_frame() -> None:
    asked: list[int] = []
    blank = core.std.BlankClip(format=vs.YUV420P8, width=64, height=48, length=9)

    def watch(n: int) -> vs.VideoNode:
        asked.append(n)
        return blank

    denoise(core.std.FrameEval(blank, watch), 0.5)
    assert asked == []


def test_a_frame_is_the_same_however_it_is_reached() -> None:
    frames = np.round(pan() + grain((9, 96, 160), 8.0)).clip(0, 255)
    in_order = frames_of(denoise(clip_of(frames), 0.7))
    seeking = denoise(clip_of(frames), 0.7)
    for n in (7, 2, 5, 0):
        assert np.array_equal(np.asarray(seeking.get_frame(n)[0]), in_order[n])


def test_regions_outside_stay_bit_identical() -> None:
    frames = np.round(pan() + grain((9, 96, 160), 8.0)).clip(0, 255)
    clip = clip_of(frames, vs.YUV444P8)
    result = denoise(clip, 1.0, only=[(40, 20, 100, 60)], protect=[(60, 30, 80, 50)])
    for plane in range(3):
        changed = (frames_of(result, plane) != frames).any(axis=0)
        assert changed[22:28, 42:98].any()
        changed[20:60, 40:100] &= False
        assert not changed.any()
    assert np.array_equal(frames_of(result)[:, 30:50, 60:80], frames[:, 30:50, 60:80])


@pytest.mark.parametrize(
    "fmt", [vs.GRAY8, vs.GRAY16, vs.GRAYH, vs.YUV420P8, vs.YUV411P8, vs.YUV422P10, vs.YUV444PS, vs.RGB24, vs.RGBH]
)
@pytest.mark.parametrize("size", [(64, 48, 3), (8, 8, 1)])
def test_any_format_keeps_its_shape_and_properties(fmt: int, size: tuple[int, int, int]) -> None:
    width, height, length = size
    clip = core.std.BlankClip(format=fmt, width=width, height=height, length=length).std.SetFrameProps(_Mark=7)
    result = denoise(clip, 0.5)
    assert (result.format.id, result.width, result.height) == (fmt, width, height)
    assert (result.num_frames, result.fps) == (length, clip.fps)
    assert result.get_frame(length - 1).props["_Mark"] == 7


def test_floats_beyond_white_survive() -> None:
    clip = core.std.BlankClip(format=vs.GRAYS, width=64, height=48, length=3, color=1.5)
    assert np.all(np.asarray(denoise(clip, 1.0).get_frame(1)[0]) == 1.5)


@pytest.mark.footage
@pytest.mark.parametrize(
    ("name", "start"), [("clips/film_his_girl_friday_1940.mp4", 40), ("clips/motion_tos_fight.mkv", 60)]
)
@pytest.mark.parametrize("sigma", [8.0, 16.0])
def test_beats_the_plain_plug_in_call_on_film(
    footage: Callable[[str], Path], tmp_path: Path, name: str, start: int, sigma: float
) -> None:
    clip = core.bs.VideoSource(str(footage(name)), cachepath=str(tmp_path / "i"), cachemode=4)[start : start + 9]
    clean = frames_of(clip.resize.Bicubic(480, 270, format=vs.GRAY8))
    noisy = clip_of(np.round(clean + grain(clean.shape, sigma)).clip(0, 255))
    pyramid = core.mvu.Super(noisy, blksize=[16], overlap=[8])
    vectors = core.mvu.AnalyseMany(pyramid, radius=3, blksize=[16], overlap=[8])
    inner = slice(3, -3)
    plain = [
        psnr(frames_of(core.mvu.Degrain(noisy, pyramid, vectors, thsad=[t], thscd1=8000))[inner], clean[inner])
        for t in (400, 1000, 2000)
    ]
    assert psnr(frames_of(denoise(noisy, 1.0))[inner], clean[inner]) >= max(plain)


def test_what_was_not_taken_owes_no_grain() -> None:
    clip = clip_of(np.round(pan() + grain((9, 96, 160), 6.0)).clip(0, 255))
    wide = as16(clip)
    told = told_grain(record_grain(clip, wide, wide).get_frame(4).props, "grey")
    assert told is not None
    assert not any(told.curve)


def test_a_shot_of_one_frame_is_owed_what_the_frame_lost() -> None:
    flat = np.full((1, 96, 160), 128.0, np.float32)
    source, clean = (as16(clip_of(frames)) for frames in (np.round(flat + grain(flat.shape, 6.0)), flat))
    told = told_grain(record_grain(source, source, clean).get_frame(0).props, "grey")
    assert told is not None
    assert told.sigma == pytest.approx(6.0, rel=0.1)


def test_copies_of_frames_hide_no_noise() -> None:
    frames = np.repeat(pan()[:5] + grain((5, 96, 160), 6.0), 2, axis=0)
    again = frames + np.random.default_rng(3).standard_normal(frames.shape) * 0.5
    told = measured(as16(clip_of(again.round().clip(0, 255))))
    found = np.array([float(told.get_frame(n).props["_VsfrNoise0"]) * 255 for n in range(2, 8)])
    assert found == pytest.approx(6.0, rel=0.2)


def test_noise_less_than_the_steps_of_eight_bits_is_left() -> None:
    planes = pan() + grain((9, 96, 160), 0.25)
    eight = clip_of(np.round(planes).clip(0, 255))
    told = eight.std.SetFrameProps(_Mark=1)
    assert np.array_equal(frames_of(denoise(told, 1.0, noise=0.25, model="")), frames_of(eight))
    wide = clip_of(planes * 256, vs.GRAY16)
    assert not np.array_equal(frames_of(denoise(wide, 1.0, noise=0.25, model="")), frames_of(wide))


needs_networks = pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="runs our own network")


@needs_networks
@pytest.mark.footage
@pytest.mark.parametrize(("name", "start"), [("film_his_girl_friday_1940.mp4", 40), ("cuts_bbb_720p.webm", 400)])
def test_our_own_network_gains_on_film(footage: Callable[[str], Path], tmp_path: Path, name: str, start: int) -> None:
    clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachepath=str(tmp_path / "i"), cachemode=4)
    clean = frames_of(clip[start : start + 7].resize.Bicubic(320, 240, format=vs.GRAY8))
    soft = np.stack([cv2.GaussianBlur(f, (0, 0), 0.7) for f in grain(clean.shape, 1.0)])
    noisy = clip_of(np.round(clean + soft / soft.std() * 12).clip(0, 255))
    plain, learned = (psnr(np.asarray(denoise(noisy, 1.0, model=m).get_frame(3)[0]), clean[3]) for m in ("", "auto"))
    assert learned > plain + 0.7


@needs_networks
def test_what_auto_takes_is_our_own_network_and_stands_in_the_key() -> None:
    spec = FILTERS["denoise"]
    named = spec.complete({"model": OWN})
    assert fuses(OWN)
    assert not fuses("dncnn-grey-25")
    assert not fuses("nobody")
    assert spec.weights(spec.complete({})) == spec.weights(named) != ""
    assert spec.weights(spec.complete({"model": ""})) == ""
    assert spec.reach({"reach": 2}) == spec.reach({"reach": 2, "model": OWN}) == 3  # with the neighbour's grain
    assert spec.network(named) is None
    clip = clip_of(np.round(pan() + grain((9, 96, 160), 8.0)).clip(0, 255))
    pair = [np.asarray(denoise(clip, 1.0, model=m).get_frame(4)[0]) for m in ("auto", OWN)]
    assert np.array_equal(*pair)


def test_without_networks_the_average_does_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_noise_fused, "can_run", lambda _name: False)
    clip = clip_of(np.round(pan() + grain((9, 96, 160), 8.0)).clip(0, 255))
    pair = [np.asarray(denoise(clip, 1.0, model=m).get_frame(4)[0]) for m in ("auto", "")]
    assert np.array_equal(*pair)
    spec = FILTERS["denoise"]
    assert spec.weights(spec.complete({})) == ""
    assert spec.network(spec.complete({})) is None


@needs_networks
def test_what_the_average_leaves_is_told() -> None:
    still = np.repeat(pan(1), 9, axis=0) * 256
    work = led(mirrored(clip_of((still + grain(still.shape, 8 * 256)).clip(0, 65535), vs.GRAY16), 3))
    left = np.asarray(average(work, 3, 8.0).left().get_frame(8)[0]) / 65535
    assert left.mean() == pytest.approx(7**-0.5, abs=0.04)


def wild(frames: int = 7, height: int = 192, width: int = 320) -> Frames:
    """Soft pictures of which none has to do with the next."""
    rng = np.random.default_rng(8)
    power = np.hypot(*np.meshgrid(np.fft.rfftfreq(width), np.fft.fftfreq(height))) + 0.01
    made = [np.fft.irfft2(np.fft.rfft2(rng.standard_normal((height, width))) / power**2) for _ in range(frames)]
    return np.stack([128 + each / each.std() * 30 for each in made]).clip(0, 255).astype(np.float32)


def told_noise(frames: Frames) -> float:
    props = measured(as16(clip_of(np.round(frames).clip(0, 255)))).get_frame(3).props
    return float(str(props["_VsfrNoise0"])) * 255


def test_what_is_not_followed_is_no_noise() -> None:
    clean = wild()
    soft = np.stack([cv2.GaussianBlur(f, (0, 0), 0.7) for f in grain(clean.shape, 1.0)])
    assert told_noise(clean) < 2
    assert told_noise(clean + soft / soft.std() * 8) == pytest.approx(8, rel=0.2)
    assert psnr(frames_of(denoise(clip_of(np.round(clean)), 1.0, model=""))[3], np.round(clean[3])) > 50


@pytest.mark.parametrize("size", [0.0, 0.7, 1.2])
def test_coarse_grain_is_within_what_a_frame_can_hold(size: float) -> None:
    noise = grain((192, 320), 1.0)
    soft = cv2.GaussianBlur(noise, (0, 0), size) if size else noise
    plane = ((wild(1)[0] + soft / soft.std() * 6) / 255).astype(np.float32)
    assert 0.8 < share_within(plane, KNOTS, [6 / 255] * len(KNOTS)) < 1.6
    assert share_within(plane, KNOTS, [18 / 255] * len(KNOTS)) < 1 / 5


def test_where_motion_is_lost_patches_of_the_frame_are_pooled_harder() -> None:
    clean = wild()
    noisy = clip_of(np.round(clean + grain(clean.shape, 8.0)).clip(0, 255))
    pooled, plain = (psnr(frames_of(denoise(noisy, 1.0, spatial=s, model=""))[3], clean[3]) for s in (0.5, 0.0))
    assert pooled > psnr(frames_of(noisy)[3], clean[3]) + 4
    assert pooled > plain + 2


def test_motion_is_not_lost_where_noise_lies_on_a_still_picture() -> None:
    still = np.repeat(wild(1), 7, axis=0)
    kept = measured(as16(clip_of(np.round(still + grain(still.shape, 8.0)).clip(0, 255)))).get_frame(3).props
    lost = measured(as16(clip_of(np.round(wild() + grain(still.shape, 8.0)).clip(0, 255)))).get_frame(3).props
    assert float(str(kept["_VsfrLost0"])) == 0
    assert float(str(lost["_VsfrLost0"])) > 0.9
