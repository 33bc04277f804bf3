"""Wires in large pictures: looked for in smaller ones, covered and mended in their own pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from skimage import data

from tests.pictures import clip_of
from vsfilmrestore.filters import _wire_working
from vsfilmrestore.filters._model import can_run
from vsfilmrestore.filters._motion import analysis_luma
from vsfilmrestore.filters._wire_learned import DETECTOR
from vsfilmrestore.filters._wire_measured import Looked
from vsfilmrestore.filters._wire_rims import drawn
from vsfilmrestore.filters._wire_sight import LENGTH, WIDEST, length_in, motion_behind, thickness_in
from vsfilmrestore.filters._wire_strands import Strand, places, strands_of
from vsfilmrestore.filters._wire_working import WORKING, laid_over, working
from vsfilmrestore.filters.remove_wires import remove_wires
from vsfilmrestore.media.props import mask_prop

core = vs.core

type Reals = npt.NDArray[np.float32]


def looked(width: int, height: int, fmt: int = vs.YUV420P8) -> Looked:
    clip = core.std.BlankClip(width=width, height=height, format=fmt, length=3, keep=True)
    thickness = thickness_in(WIDEST, width)
    return Looked(clip, motion_behind(analysis_luma(clip), thickness), thickness, length_in(LENGTH, width), 1000.0)


def test_a_picture_that_is_small_enough_is_looked_at_as_it_is() -> None:
    there = looked(WORKING, 720)
    assert working(there) is there


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.YUV411P8, vs.GRAY16, vs.RGB24, vs.YUV444PS])
@pytest.mark.parametrize("size", [(4096, 1716), (2048, 860)])
def test_wires_of_a_large_picture_are_measured_by_its_width(fmt: int, size: tuple[int, int]) -> None:
    small, own = working(looked(*size, fmt)), looked(WORKING, 720)
    scale = size[0] / WORKING
    assert small.clip.width == WORKING
    assert size[1] <= small.clip.height * scale < size[1] + 2 * scale
    assert (small.thickness, small.length) == pytest.approx((own.thickness, own.length))


def test_a_thin_wire_is_no_thinner_than_a_picture_can_show() -> None:
    there = looked(4096, 1716)._replace(thickness=2.0, length=40.0)
    assert working(there)[2:4] == (2.0, 24.0)


def test_fields_are_not_made_smaller_apart() -> None:
    there = looked(2560, 96, vs.GRAY8)
    rows = np.tile([[20.0], [200.0]], (48, 2560))
    clip = clip_of(np.stack([rows] * 3).astype(np.float32), vs.GRAY8).std.SetFrameProps(_FieldBased=2)
    seen = np.asarray(working(there._replace(clip=clip)).clip.get_frame(0)[0]) / 256
    assert np.abs(seen[4:-4] - 110).max() < 20


def test_a_strand_laid_over_a_larger_picture_covers_the_same_of_it() -> None:
    strand = Strand(8.0, 6.0, 0.4, 1.0, 0.05, 0.002, -5.0, 7.0, 3.0)
    along = places(strand)
    scale = 2.5
    larger, there, (told,) = laid_over(strand, along, [along * 2], scale)
    x, y = strand.points(along)
    across = larger.told(scale * (x + 0.5) - 0.5, scale * (y + 0.5) - 0.5)
    np.testing.assert_allclose(across[1], 0, atol=1e-4)
    np.testing.assert_allclose(across[0], scale * along, atol=1e-4)
    # Its outermost pixels count whole.
    assert (larger.start, larger.end) == pytest.approx((-5 * scale - 0.75, 7 * scale + 0.75))
    within = (there >= scale * along[0]) & (there <= scale * along[-1])
    np.testing.assert_allclose(told[within], 2 * there[within] / scale, atol=1e-4)


def test_in_a_picture_of_the_same_size_nothing_is_touched() -> None:
    strand = Strand(8.0, 6.0, 0.4, 1.0, 0.05, 0.002, -5.0, 7.0, 3.0)
    along = places(strand)
    told = [along * 2]
    assert laid_over(strand, along, told, 1.0) == (strand, along, told)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_wire_found_small_is_covered_from_edge_to_edge(scale: int) -> None:
    rows, columns = np.mgrid[0 : 120 * scale, 0 : 160 * scale].astype(np.float32)
    aside = columns - scale * 60 - 0.2 * rows
    wide = np.clip(scale - np.abs(aside), 0, 1)
    sure = wide.reshape(120, scale, 160, scale).mean((1, 3))
    luma = (100 - 40 * wide + np.random.default_rng(3).normal(0, 1, wide.shape)).astype(np.float32)
    mask = drawn(strands_of(sure, 6.0), luma, sure, 2.0 * scale, 0.15) > 0
    assert mask[wide > 0.5].mean() > 0.99
    assert not mask[np.abs(aside) > 2 * scale + 4].any()


def swinging(frames: int) -> tuple[Reals, Reals]:
    """A cat with grain, and the same with a wire four pixels wide that swings before it."""
    cat = data.chelsea()[10:290, 30:430, 1].astype(np.float32)
    clean = cat + np.random.default_rng(4).normal(0, 2, (frames, *cat.shape)).astype(np.float32)
    wired, (rows, columns) = clean.copy(), np.mgrid[0:280, 0:400]
    for n in range(frames):
        aside = columns - 120 - 6 * n - 0.2 * rows
        wired[n] -= 40 * np.clip(2.5 - np.abs(aside), 0, 1) * (rows < 230)
    return np.rint(clean).clip(0, 255), np.rint(wired).clip(0, 255)


@pytest.mark.skipif(not can_run(DETECTOR.own), reason="networks cannot be run: pip install vsfilmrestore[onnx]")
def test_what_is_found_in_a_smaller_picture_goes_from_the_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wire_working, "WORKING", 200)
    clean, wired = swinging(5)
    frames = list(remove_wires(clip_of(wired, vs.GRAY8)).frames(close=False))
    masks = np.stack([np.asarray(f.props[mask_prop("remove_wires")][0]) > 0 for f in frames])  # type: ignore[index, call-overload]
    after = np.stack([np.asarray(f[0]) for f in frames])
    where = wired != clean
    found = np.array([masks[n][where[n]].mean() for n in range(5)])
    assert (found > 0.9).sum() >= 4
    assert masks.sum() < 2.5 * where.sum()
    np.testing.assert_array_equal(after[~masks], wired[~masks])
    left = [np.abs(made[there] - bare[there]).mean() for made, bare, there in zip(after, clean, where, strict=True)]
    assert np.median(left) < 10
