"""Regions on frames: as properties, calmed over time, cut out, run and laid back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import InferenceError, plain_text
from vsfilmrestore.inference.alignment import FFHQ, feathered, place
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.data import run_data
from vsfilmrestore.inference.on_regions import run_on_regions
from vsfilmrestore.inference.regions import Region, as_props, calmed, overlap, regions_of, steady, with_regions
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.media import props
from vsfilmrestore.models.contract import Contract, ExtraInput

from .makers import HALF, affine, array, doubled, hashes, identity, orders, picture, planes, streamed

core = vs.core

BOX = Region(30, 20, 24, 32)
FORMATS = [vs.YUV420P8, vs.YUV422P10, vs.YUV444P16, vs.RGB24, vs.RGB48, vs.GRAY16, vs.GRAYS, vs.RGBS, vs.GRAYH]
MATRIX: dict[int, dict[str, int]] = {fmt: {"_Matrix": 1} if "YUV" in fmt.name else {} for fmt in FORMATS}


def turned(region: Region, angle: float, size: float) -> Region:
    """With landmarks as the FFHQ square would have them, turned and scaled around the region's middle."""
    middle = region.left + region.width / 2 + 1j * (region.top + region.height / 2)
    spots = [middle + ((x - 0.5) + 1j * (y - 0.5)) * size * np.exp(1j * angle) for x, y in FFHQ]
    return Region(region.left, region.top, region.width, region.height, tuple((z.real, z.imag) for z in spots), 0.9)


def carrying(clip: vs.VideoNode, told: Callable[[int], Sequence[Region]]) -> vs.VideoNode:
    def write(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        frame.props.update(as_props(told(n)))
        return frame

    return core.std.ModifyFrame(clip, clip, write)


def found(clip: vs.VideoNode, n: int) -> tuple[Region, ...]:
    with clip.get_frame(n) as frame:
        return regions_of(frame.props)


def test_regions_travel_as_properties() -> None:
    for regions in ([], [BOX], [BOX, turned(BOX, 0.3, 50)], [Region(-5.5, 3, 1e4, 2.25, score=0.125)]):
        clip = carrying(picture(frames=1), lambda n, regions=regions: regions)
        assert list(found(clip, 0)) == regions


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "tell of no regions"),
        ({props.REGIONS: -1}, "tell of no regions"),
        ({props.REGIONS: 2}, "contradict themselves"),
        (as_props([BOX]) | {props.REGION_BOXES: [1.0, 2.0, 3.0]}, "contradict themselves"),
        (as_props([Region(0, 0, math.nan, 1)]), "contradict themselves"),
        (as_props([BOX, BOX]) | {props.REGION_SCORES: 0.5}, "contradict themselves"),
    ],
)
def test_properties_that_make_no_sense_are_told(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(InferenceError, match=words):
        regions_of(wrong)


def test_overlap_is_what_two_have_of_both() -> None:
    assert overlap(BOX, BOX) == 1
    assert overlap(BOX, Region(42, 20, 24, 32)) == pytest.approx(1 / 3)
    assert overlap(BOX, Region(54, 20, 24, 32)) == overlap(BOX, Region(0, 0, 0, 0)) == 0
    assert overlap(Region(0, 0, 0, 0), Region(0, 0, 0, 0)) == 0


def moving(n: float) -> Region:
    return turned(Region(10 + 2 * n, 20 - n, 40 + n, 40), 0, 60)


def test_even_movement_stays_what_it_is() -> None:
    (region,) = calmed([[moving(n)] for n in range(5)])
    assert np.allclose(region.numbers, moving(2).numbers)


def test_trembling_gets_less() -> None:
    values = np.random.default_rng(3)
    frames = [[moving(n).moved(moving(n).numbers + values.normal(0, 1, 14))] for n in range(60)]
    calm = [calmed(frames[n - 3 : n + 4])[0].numbers - moving(n).numbers for n in range(3, 57)]
    assert np.std(calm) < 0.5 * np.std([frames[n][0].numbers - moving(n).numbers for n in range(3, 57)])


def test_what_was_overlooked_stands_on_the_way() -> None:
    (region,) = calmed([[moving(0)], [], [], [moving(3)], [moving(4)]])
    assert np.allclose(region.numbers, moving(2).numbers)
    assert calmed([[moving(0)], [moving(1)], [], [], []]) == ()
    assert calmed([[], [], [], [Region(200, 200, 9, 9)], []]) == ()
    assert len(calmed([[moving(1)], [moving(2)], [moving(3)]])) == 1


def test_two_that_stand_apart_are_not_mixed() -> None:
    other = Region(300, 40, 50, 50)
    window = [[moving(0), other], [other, moving(1)], [moving(2), other]]
    assert calmed(window)[0] == other
    assert np.allclose(calmed(window)[1].numbers, moving(1).numbers)


def test_calming_is_the_same_in_any_order(threads: int) -> None:
    values = np.random.default_rng(4).normal(0, 1, (20, 14))
    clip = carrying(picture(frames=20), lambda n: [moving(n).moved(moving(n).numbers + values[n])] if n % 7 else [])
    seen = {}
    for name, order in orders(20).items():
        calm = steady(clip, 2)
        seen[name] = [regions for _, regions in sorted((n, found(calm, n)) for n in order)]
    assert seen["forwards"] == seen["backwards"] == seen["random"]
    assert found(steady(clip, 0), 3) == found(clip, 3)
    assert np.allclose(found(steady(clip, 2), 19)[0].numbers, found(clip, 19)[0].numbers)  # nothing lies behind it
    assert hashes(steady(clip, 2), [4]) == hashes(clip, [4])


def spots(regions: Sequence[Region], height: int = 120, width: int = 160) -> Array:
    """Small round spots at all landmarks."""
    down, across = np.mgrid[0:height, 0:width] + 0.5
    total = np.zeros((height, width), np.float32)
    for region in regions:
        for x, y in region.points:
            total += np.exp(-((across - x) ** 2 + (down - y) ** 2) / 8)
    return total


@pytest.mark.parametrize(("angle", "size"), [(0.0, 64.0), (0.5, 70.0), (-2.5, 90.0), (0.2, 400.0)])
def test_landmarks_come_to_lie_where_the_network_expects_them(angle: float, size: float) -> None:
    half = size / 1.6 / 2
    region = turned(Region(300 - half, 280 - half, 2 * half, 2 * half), angle, size)
    placed = place(region, 128)
    assert placed is not None
    assert placed.scale == pytest.approx(size / 128)
    (cut,) = placed.cut([spots([region], 560, 600)])
    for x, y in FFHQ:
        x, y = x * 128 - 0.5, y * 128 - 0.5
        near = cut[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4]
        row, column = np.unravel_index(near.argmax(), near.shape)
        assert abs(row + round(y) - 3 - y) <= 1
        assert abs(column + round(x) - 3 - x) <= 1


def test_without_good_landmarks_the_box_is_gone_by() -> None:
    heap = Region(30, 20, 24, 32, ((40, 30),) * 5)
    far = turned(Region(30, 20, 24, 32), 0, 500)
    for region in (BOX, heap, far):
        placed = place(region, 96, enlarge=1.5)
        assert placed is not None
        assert placed.scale == pytest.approx(32 * 1.5 / 96)
        assert placed.bounds(200, 200) == (slice(12, 60), slice(18, 66)) or placed.matrix[0, 1] == 0
    assert place(Region(5, 5, 2, 3), 96) is None
    assert place(turned(BOX, 0.4, 50), 96, points=()).matrix[0, 1] == 0  # type: ignore[union-attr]


def test_a_square_laid_back_is_where_it_was_cut() -> None:
    values = np.random.default_rng(2).random((120, 160), np.float32)
    smooth = np.cumsum(np.cumsum(values - 0.5, 0), 1) / 100
    for region in (Region(60, 40, 40, 40), turned(Region(60, 40, 40, 40), 0.7, 60)):
        placed = place(region, 200)
        assert placed is not None
        (back,) = placed.lay(placed.cut([smooth]), smooth.shape)
        rows, columns = placed.bounds(*smooth.shape)
        off = (back - smooth[rows, columns])[48 - rows.start : 72 - rows.start, 68 - columns.start : 92 - columns.start]
        assert np.abs(off).max() < 0.03 < 0.05 * np.ptp(smooth)


def test_masks_are_soft() -> None:
    mask = feathered(64, 0.25)
    assert mask[32, 32] == 1
    assert max(mask[0].max(), mask[:, -1].max()) < 0.01
    assert np.abs(np.diff(mask, axis=0)).max() < 0.1
    assert feathered(8, 0)[0, 4] == 1


def call(path: Path, **contract: Any) -> ModelCall:
    return ModelCall(path, Contract(**contract))


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("kind", ["32 bits", "16 bits", "0..255"])
def test_what_the_network_leaves_alone_keeps_its_bits(fmt: int, kind: str, tmp_path: Path, models: Registry) -> None:
    path = identity(tmp_path / "m.onnx", kind=HALF) if kind == "16 bits" else identity(tmp_path / "m.onnx")
    clip = picture(128, 96, 2, fmt=fmt, **MATRIX[fmt])
    regions = [turned(BOX, 0.4, 40), Region(70, 50, 20, 20)]
    high = 255.0 if kind == "0..255" else 1.0
    result = run_on_regions(clip, call(path, high=high), regions, side=64, models=models)
    assert all(np.array_equal(a, b) for a, b in zip(planes(clip, 1), planes(result, 1), strict=True))
    assert models.loads == 1


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.YUV422P10, vs.YUV444P16, vs.RGB24, vs.GRAY16])
def test_pixels_beyond_the_regions_keep_their_bits(fmt: int, tmp_path: Path, models: Registry) -> None:
    path = affine(tmp_path / "m.onnx", 1.5, -0.1)
    clip = picture(128, 96, 2, fmt=fmt, **MATRIX[fmt])
    region = turned(BOX, 0.4, 40)
    result = run_on_regions(clip, call(path), [region], side=64, models=models)
    placed = place(region, 64)
    assert placed is not None
    rows, columns = placed.bounds(96, 128)
    for before, after in zip(planes(clip, 1), planes(result, 1), strict=True):
        changed = np.argwhere(before != after) * (96 / before.shape[0], 128 / before.shape[1])
        assert len(changed) > 30
        reach = 4 * (before.shape != (96, 128))  # chroma is made smaller with a kernel
        assert rows.start - reach <= changed[:, 0].min() <= changed[:, 0].max() < rows.stop + reach
        assert columns.start - reach <= changed[:, 1].min() <= changed[:, 1].max() < columns.stop + reach


def test_light_is_added_in_the_region_without_seams(tmp_path: Path, models: Registry) -> None:
    path = affine(tmp_path / "m.onnx", 1, 0.1)
    clip = core.std.BlankClip(width=160, height=120, format=vs.RGBS, color=[0.2, 0.4, 0.6], length=1)
    region = turned(Region(60, 40, 40, 40), 0.5, 64)
    for side, strength in ((32, 1.0), (64, 0.5), (256, 1.0)):
        one = ModelCall(path, Contract(), strength=strength)
        change = array(run_on_regions(clip, one, [region], side=side, models=models), 0) - array(clip, 0)
        assert np.abs(change[:, 50:70, 70:90] - 0.1 * strength).max() < 2e-3
        assert not change[:, :10].any()
        assert max(np.abs(np.diff(change, axis=axis)).max() for axis in (1, 2)) < 0.012
        assert change.min() > -1e-3


def test_where_regions_overlap_the_change_is_not_doubled(tmp_path: Path, models: Registry) -> None:
    path = affine(tmp_path / "m.onnx", 1, 0.1)
    clip = core.std.BlankClip(width=160, height=120, format=vs.RGBS, color=[0.2, 0.4, 0.6], length=1)
    regions = [Region(40, 40, 40, 40), Region(60, 40, 40, 41)]
    results = [array(run_on_regions(clip, call(path), r, side=64, models=models), 0) for r in (regions, regions[::-1])]
    change = results[0] - array(clip, 0)
    assert change.max() < 0.102
    assert np.abs(change[0, 60, 55:85] - 0.1).max() < 2e-3
    assert np.array_equal(*results)


@pytest.mark.parametrize(
    "region",
    [Region(-20, -20, 40, 40), Region(140, 100, 60, 60), Region(-1000, -900, 3000, 2500), Region(70, -30, 20, 60)],
)
def test_regions_may_lie_partly_outside(region: Region, tmp_path: Path, models: Registry) -> None:
    path = affine(tmp_path / "m.onnx", 1, 0.1)
    clip = picture(160, 120, 1)
    change = array(run_on_regions(clip, call(path), [region], side=64, models=models), 0) - array(clip, 0)
    row, column = (int(np.clip(m, 0, last)) for m, last in (
        (region.top + region.height / 2, 119), (region.left + region.width / 2, 159)))  # fmt: skip
    assert np.abs(change[:, row, column] - 0.1).max() < 0.02


def test_nothing_is_run_where_there_is_nothing(tmp_path: Path, models: Registry) -> None:
    clip = picture(160, 120, 4, fmt=vs.YUV420P10, _Matrix=1)
    told = carrying(clip, lambda n: [])
    outside = carrying(clip, lambda n: [Region(500, 10, 40, 40), Region(3, 3, 2, 2), Region(-99, 5, 20, 20)])
    for regions in (told, outside, []):
        result = run_on_regions(clip, call(tmp_path / "none.onnx"), regions, side=64, models=models)
        assert streamed(result) == streamed(clip)
    assert models.loads == 0


def test_as_many_are_run_as_may_be_the_largest_first(tmp_path: Path, models: Registry) -> None:
    path = affine(tmp_path / "m.onnx", 1, 0.1)
    clip = core.std.BlankClip(width=160, height=120, format=vs.RGBS, length=1)
    regions = [Region(10, 10, 10, 10), Region(100, 60, 40, 40), Region(60, 20, 20, 20)]
    change = array(run_on_regions(clip, call(path), regions, side=32, most=2, models=models), 0)[0]
    assert [round(float(change[y, x]), 2) for y, x in ((15, 15), (80, 120), (30, 70))] == [0, 0.1, 0.1]


def test_luma_networks_and_larger_ones(tmp_path: Path, models: Registry) -> None:
    clip = picture(160, 120, 1, fmt=vs.YUV420P8, _Matrix=6)
    grey = affine(tmp_path / "g.onnx", 1, 0.1, channels=1)
    luma = call(grey, colour="luma", channels=1, out_channels=1)
    before, after = planes(clip, 0), planes(run_on_regions(clip, luma, [BOX], side=64, models=models), 0)
    assert round(float(after[0][36, 42]) - before[0][36, 42]) == 22
    assert all(np.array_equal(before[i], after[i]) for i in (1, 2))

    flat = core.std.BlankClip(width=160, height=120, format=vs.RGBS, color=[0.2, 0.4, 0.6], length=1)
    twice = run_on_regions(flat, call(doubled(tmp_path / "d.onnx"), scale=2), [BOX], side=64, models=models)
    assert np.abs(array(twice, 0) - array(flat, 0)).max() < 1e-6
    assert models.loads == 2


def test_any_order_gives_the_same_frames(tmp_path: Path, models: Registry, threads: int) -> None:
    path = affine(tmp_path / "m.onnx", 1.3, -0.1)
    clip = picture(96, 64, 9, fmt=vs.YUV420P8, _Matrix=1)
    told = carrying(clip, lambda n: [turned(Region(10 + 3 * n, 10, 20, 24), 0.1 * n, 34)] if n % 4 else [])
    seen = set()
    for order in orders(9).values():
        seen.add(tuple(hashes(run_on_regions(clip, call(path), steady(told), side=48, models=models), order)))
    seen.add(tuple(streamed(run_on_regions(clip, call(path), steady(told), side=48, models=models))))
    assert len(seen) == 1
    assert len(set(seen.pop())) == 9


def test_a_detector_is_run_once_for_each_frame(tmp_path: Path, models: Registry, threads: int) -> None:
    clip = picture(96, 64, 30)
    runs: list[int] = []

    def read(outputs: dict[str, Array], size: tuple[int, int], number: int) -> dict[str, Any]:
        runs.append(number)
        left = float(outputs["y"].mean()) * 40
        return as_props([turned(Region(left, 10, 20, 24), 0.1, 34)])

    data = run_data(clip, identity(tmp_path / "d.onnx"), Contract(colour="data"), read, models=models)
    told = steady(with_regions(clip, data), 3)
    result = run_on_regions(clip, call(affine(tmp_path / "m.onnx", 1.2, 0)), told, side=48, models=models)
    assert runs == []
    seen = {name: tuple(hashes(result, order)) for name, order in orders(30).items()}
    assert len(set(seen.values())) == 1
    assert sorted(runs) == list(range(30))


@pytest.mark.parametrize(
    ("contract", "options", "words"),
    [
        (Contract(after=1, layout="stacked"), {}, "must take one picture and give one like it"),
        (Contract(out_channels=1), {}, "must take one picture and give one like it"),
        (Contract(colour="data"), {}, "must take one picture and give one like it"),
        (Contract(extra=(ExtraInput("mask", "mask"),)), {}, "may have no masks, pictures or time"),
        (Contract(), {"feather": 0.6}, r"feather must be 0..0.5"),
        (Contract(), {"most": 0}, "most at least 1"),
        (Contract(), {"side": 8}, r"side 16..4096"),
        (Contract(size=(256, 256)), {"side": 64}, "takes 256x256 alone"),
        (Contract(size=(256, 128)), {}, "regions are squares"),
        (Contract(), {"regions": picture(frames=3)}, "regions of 3 frames were given for 12 frames"),
    ],
)
def test_settings_that_do_not_fit_are_told(
    contract: Contract, options: dict[str, Any], words: str, tmp_path: Path, models: Registry
) -> None:
    with pytest.raises(vs.Error, match=words):
        run_on_regions(
            picture(), ModelCall(tmp_path / "m.onnx", contract), **({"regions": [BOX]} | options), models=models
        )


def test_frames_that_nobody_looked_at_are_told(tmp_path: Path, models: Registry) -> None:
    clip = picture(frames=3)
    result = run_on_regions(clip, call(identity(tmp_path / "m.onnx")), clip, side=64, models=models)
    with pytest.raises(vs.Error) as caught:
        result.get_frame(1)
    assert "the frames tell of no regions (_VsfrRegions). Look for them first" in plain_text(caught.value)
