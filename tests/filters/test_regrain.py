"""Giving grain back: as much, as coarse, at the same brightness, the same at every visit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from tests.pictures import clip_of, frames_of
from vsfilmrestore.filters._grain import kernel
from vsfilmrestore.filters.denoise import denoise
from vsfilmrestore.filters.regrain import regrain

core = vs.core
type Frames = npt.NDArray[np.float32]


def coarse_grain(shape: tuple[int, ...], size: float, seed: int) -> Frames:
    """Gaussian grain of variance 1 and that size."""
    white = np.random.default_rng(seed).standard_normal(shape)
    side = kernel(size)
    for axis in (1, 2):
        shifted = [np.roll(white, i, axis) + np.roll(white, -i, axis) for i in range(1, len(side))]
        white = side[0] * white + sum(tap * both for tap, both in zip(side[1:], shifted, strict=True))
    return white.astype(np.float32)


def correlation(size: float) -> float:
    """Of two adjoining samples of such grain."""
    side = kernel(size)
    both = np.concatenate([side[:0:-1], side])
    return float(both[1:] @ both[:-1])


def ramp(length: int = 7, width: int = 320, height: int = 128) -> Frames:
    return np.broadcast_to(np.linspace(20, 235, width, dtype=np.float32), (length, height, width)).copy()


def lag(frames: Frames, axis: int) -> float:
    a, b = (np.take(frames, range(*s), axis) for s in ((1, frames.shape[axis]), (0, frames.shape[axis] - 1)))
    return float((a * b).mean() / frames.var())


@pytest.mark.parametrize("size", [0.3, 0.7, 1.4])
@pytest.mark.parametrize("dose", [0.5, 1.0])
def test_round_trip_has_the_grain_of_the_source(size: float, dose: float) -> None:
    clean = ramp()
    level = clean / 255
    strength = 6 * (0.4 + 2.4 * level * (1 - level))
    grain = coarse_grain(clean.shape, size, 4) * strength
    source = clip_of((clean + grain) * 256, vs.GRAY16)
    cleaned = denoise(source, dose, spatial=0.0)
    back = frames_of(regrain(cleaned)) / 256 - clean
    left = frames_of(cleaned) / 256 - clean
    inner = slice(3, 4)
    assert left[inner].std() < 0.75 * grain[inner].std()
    assert back[inner].std() == pytest.approx(grain[inner].std(), rel=0.1)
    for axis in (1, 2):
        assert lag(back[inner], axis) == pytest.approx(lag(grain[inner], axis), abs=0.06)
    for band in (slice(30, 90), slice(130, 190), slice(230, 290)):
        assert back[inner, :, band].std() == pytest.approx(grain[inner, :, band].std(), rel=0.15)


def test_colours_go_together_as_they_did() -> None:
    clean = np.full((7, 96, 160), 128, np.float32)
    luma, own = coarse_grain(clean.shape, 0.7, 1) * 6, coarse_grain(clean.shape, 0.7, 2) * 3
    planes = [(clean + g) * 256 for g in (luma, 0.5 * luma + own, own)]
    source = clip_of(np.stack(planes, 1), vs.YUV444P16)
    back = regrain(denoise(source, 1.0))
    got = [frames_of(back, plane)[3].ravel() / 256 for plane in range(3)]
    matrix = np.corrcoef(got)
    assert matrix[0, 1] == pytest.approx(0.5**0.5, abs=0.1)
    assert abs(matrix[0, 2]) < 0.1
    for plane, sigma in enumerate((6.0, 18**0.5, 3.0)):
        assert got[plane].std() == pytest.approx(sigma, rel=0.1)


def test_a_frame_is_the_same_however_it_is_reached_and_another_seed_is_another() -> None:
    clip = core.std.BlankClip(format=vs.YUV420P8, width=96, height=64, length=8, color=[120, 128, 128])
    in_order = frames_of(regrain(clip, amount=8.0))
    seeking = regrain(clip, amount=8.0)
    for n in (6, 1, 4):
        assert np.array_equal(np.asarray(seeking.get_frame(n)[0]), in_order[n])
    flat = (in_order - in_order.mean()).reshape(8, -1)
    assert abs(np.corrcoef(flat) - np.eye(8)).max() < 0.06
    other = frames_of(regrain(clip, amount=8.0, seed=1))
    assert abs(np.corrcoef(flat[0], other[0].ravel())[0, 1]) < 0.06


def test_amount_and_size_are_what_they_say() -> None:
    clip = core.std.BlankClip(format=vs.GRAY16, width=256, height=256, length=1, color=32768)
    for size in (0.3, 1.0, 2.0):
        grain = frames_of(regrain(clip, amount=5.0, size=size)) / 256
        assert grain.std() == pytest.approx(5.0, rel=0.05)
        assert lag(grain - grain.mean(), 2) == pytest.approx(correlation(size), abs=0.04)
    assert frames_of(regrain(clip, 0.5, amount=5.0)).std() == pytest.approx(2.5 * 256, rel=0.05)


def test_the_size_follows_the_picture() -> None:
    clean = np.full((7, 96, 160), 128, np.float32)
    source = clip_of((clean + coarse_grain(clean.shape, 0.7, 1) * 8) * 256, vs.GRAY16)
    grown = regrain(denoise(source, 1.0).resize.Bicubic(320, 192))
    grain = frames_of(grown)[3:4] / 256
    assert lag(grain - grain.mean(), 2) == pytest.approx(correlation(1.4), abs=0.06)


def test_nothing_taken_nothing_given() -> None:
    clip = core.std.BlankClip(format=vs.YUV420P8, width=64, height=48, length=2, color=[120, 128, 128])
    assert np.array_equal(frames_of(regrain(clip)), frames_of(clip))
    assert regrain(clip, 0.0) == clip


@pytest.mark.parametrize("fmt", [vs.GRAY8, vs.GRAYH, vs.YUV411P8, vs.YUV420P10, vs.YUV444PS, vs.RGB48, vs.RGBH])
@pytest.mark.parametrize("size", [(64, 48), (8, 8)])
def test_any_format_keeps_its_shape_and_properties(fmt: int, size: tuple[int, int]) -> None:
    clip = core.std.BlankClip(format=fmt, width=size[0], height=size[1], length=1).std.SetFrameProps(_Mark=7)
    frame = regrain(clip, amount=4.0).get_frame(0)
    assert (frame.format.id, frame.width, frame.height) == (fmt, *size)
    assert frame.props["_Mark"] == 7
    assert "_t0" not in frame.props
