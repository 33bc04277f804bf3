"""The benchmark of damage counts rightly: known masks and known errors give known numbers."""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
import vapoursynth as vs

torch = pytest.importorskip("torch", reason="damage is simulated with torch: pip install vsfilmrestore[torch]")

cases: Any = importlib.import_module("_damage.cases")
footage_of: Any = importlib.import_module("_damage.footage")
frames_of: Any = importlib.import_module("_damage.frames")
methods: Any = importlib.import_module("_damage.methods")
plots: Any = importlib.import_module("_damage.plots")
runs: Any = importlib.import_module("_damage.runs")
scores: Any = importlib.import_module("_damage.scores")
sheets: Any = importlib.import_module("_damage.sheets")
strands: Any = importlib.import_module("_damage.strands")
tables: Any = importlib.import_module("_damage.tables")
truths: Any = importlib.import_module("_damage.truth")
wires: Any = importlib.import_module("_damage.wires")

FRAMES, HEIGHT, WIDTH = 5, 64, 96
INNER = FRAMES - 2
BLOCK = np.s_[20:30, 40:60]


pytestmark = pytest.mark.usefixtures("one_thread")


def picture(bits: int = 8, shift: int = 0) -> list[np.ndarray[Any, Any]]:
    """Planes of a frame of soft waves."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    luma = 120 + 40 * np.sin((x + shift) / 7) * np.cos(y / 5)
    planes = [luma, 100 + luma[::2, ::2] / 8, 140 - luma[::2, ::2] / 9]
    return [np.rint(plane * (1 << (bits - 8))).astype(np.uint8 if bits == 8 else np.uint16) for plane in planes]


def clip_from(frames: list[list[np.ndarray[Any, Any]]], bits: int = 8) -> vs.VideoNode:
    fmt = vs.core.query_video_format(vs.YUV, vs.INTEGER, bits, 1, 1).id
    return footage_of.clip_of(frames, vs.core.std.BlankClip(width=WIDTH, height=HEIGHT, format=fmt))


def case_of(depth: int = 10, where: Any = BLOCK, bits: int = 8, name: str = "dirt") -> Any:
    """A still picture with a block that is ``depth`` levels darker in every frame."""
    clean = [picture(bits) for _ in range(FRAMES)]
    damaged = [[plane.copy() for plane in frame] for frame in clean]
    masks = np.zeros((FRAMES, HEIGHT, WIDTH), bool)
    masks[:, *where] = True
    for frame, mask in zip(damaged, masks, strict=True):
        frame[0][mask] -= depth << (bits - 8)
    clips = clip_from(clean, bits), clip_from(damaged, bits)
    alpha, nowhere = masks.astype(np.float32), np.zeros_like(masks)
    return cases.Case("waves", name, *clips, masks, {name: masks}, alpha, nowhere, ("ok",) * FRAMES)


# --- the picture ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 10, 16])
def test_decibels_are_those_of_the_error_inside_and_infinite_elsewhere(bits: int) -> None:
    truth = truths.Truth(case_of(10, bits=bits))
    tally = scores.repaired(truth, truth.damaged)
    assert scores.psnr(tally, "in") == pytest.approx(20 * math.log10(255 / 10))
    assert scores.psnr(tally) == pytest.approx(10 * math.log10(255**2 * HEIGHT * WIDTH / (200 * 100)))
    assert scores.psnr(tally, "ring") == scores.psnr(tally, "out") == math.inf
    assert scores.ssim(tally, "in") < 0.95
    assert scores.ssim(tally, "out") == pytest.approx(1, abs=1e-6)


def test_inside_ring_and_outside_are_the_whole_frame() -> None:
    truth = truths.Truth(case_of())
    tally = scores.repaired(truth, truth.clean)
    assert tally["pixels in"] == 200 * INNER
    assert tally["pixels in"] + tally["pixels ring"] + tally["pixels out"] == tally["pixels"]
    assert tally["pixels"] == HEIGHT * WIDTH * INNER
    ring = truth.ring[1]
    assert ring[20 - truths.RING, 50]
    assert not ring[20 - truths.RING - 1, 50]
    assert not ring[25, 50]


def test_the_way_is_a_share_of_the_decibels_between_the_best_filter_and_the_oracle() -> None:
    assert scores.way(44, 40, 46) == pytest.approx(2 / 3)
    assert scores.way(39, 40, 46) < 0
    assert scores.way(46, 46, 46) == 1
    assert scores.way(45, 46, 46) == 0


# --- what was found -------------------------------------------------------------------------------------------------


def found_with(*parts: Any) -> list[np.ndarray[Any, Any]]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for part in parts:
        mask[part] = True
    return [mask] * FRAMES


def test_half_of_a_piece_is_found_and_less_is_not() -> None:
    truth = truths.Truth(case_of())
    half = scores.detected(truth, found_with(np.s_[20:30, 40:50]))
    less = scores.detected(truth, found_with(np.s_[20:30, 40:49]))
    assert (half["pixels found dirt"], half["pixels dirt"]) == (100 * INNER, 200 * INNER)
    assert (half["blobs found dirt"], half["blobs dirt"], half["frames found dirt"]) == (INNER, INNER, INNER)
    assert (less["blobs found dirt"], less["blobs dirt"], less["frames found dirt"]) == (0, INNER, 0)
    assert scores.precision(half) == (1, 1)


def test_what_is_found_beside_damage_is_neither_right_nor_wrong_and_farther_away_it_is_wrong() -> None:
    truth = truths.Truth(case_of())
    grown = scores.detected(truth, found_with(np.s_[17:33, 40:60]))
    assert grown["wrong"] == 0
    far = scores.detected(truth, found_with(BLOCK, np.s_[50:54, 10:16], np.s_[5:7, 5:7]))
    assert far["wrong"] == (24 + 4) * INNER
    assert far["false pieces"] == 2 * INNER
    assert far["false seen"] == INNER
    by_pixel, by_piece = scores.precision(far)
    assert by_pixel == pytest.approx(200 / 228)
    assert by_piece == pytest.approx(1 / 3)


def test_pieces_are_counted_by_size_and_those_that_nobody_sees_are_not() -> None:
    sizes = {np.s_[10:13, 10:14]: 0, np.s_[10:15, 10:20]: 1, np.s_[10:20, 10:30]: 2, np.s_[10:30, 10:30]: 3}
    for where, index in sizes.items():
        tally = scores.detected(truths.Truth(case_of(where=where)), found_with(where))
        assert [tally[f"size {k} dirt"] for k in range(4)] == [INNER * (k == index) for k in range(4)]
        assert tally[f"size {index} found dirt"] == INNER
        assert tally["motion 0 dirt"] == INNER
    faint = scores.detected(truths.Truth(case_of(depth=5)), found_with(BLOCK))
    assert faint["blobs dirt"] == 0


def test_motion_is_that_of_the_picture() -> None:
    clean = [picture(shift=3 * n) for n in range(FRAMES)]
    damaged = [[plane.copy() for plane in frame] for frame in clean]
    masks = np.zeros((FRAMES, HEIGHT, WIDTH), bool)
    masks[:, *BLOCK] = True
    for frame in damaged:
        frame[0][BLOCK] -= 20
    alpha, frames = masks.astype(np.float32), ("ok",) * FRAMES
    pair = clip_from(clean), clip_from(damaged)
    case = cases.Case("waves", "dirt", *pair, masks, {"dirt": masks}, alpha, masks & False, frames)
    tally = scores.detected(truths.Truth(case), found_with(BLOCK))
    assert tally["motion 2 dirt"] == INNER


def test_recall_at_one_false_piece_lies_between_the_points_of_the_sweep() -> None:
    assert scores.recall_at([(0.5, 0.4), (1.5, 0.6)]) == pytest.approx(0.5)
    assert scores.recall_at([(0.0, 0.3), (0.2, 0.7)]) == 0.7
    assert scores.recall_at([(4.0, 0.8)]) == pytest.approx(0.2)


def test_a_filter_without_masks_found_what_it_changed_by_more_than_two_levels() -> None:
    truth = truths.Truth(case_of())
    result = [[plane.copy() for plane in frame] for frame in truth.damaged]
    for frame in result:
        frame[0][BLOCK] += 10
        frame[0][0:4, 0:4] += 2
        frame[1][25:27, 2:4] += 3
    found = scores.changes(truth, result)[2]
    assert found[BLOCK].all()
    assert not found[0:4, 0:4].any()
    assert found[50:54, 4:8].all()
    assert found.sum() == 200 + 16


# --- harm and bits --------------------------------------------------------------------------------------------------


def test_harm_is_the_share_of_changed_pixels_and_false_repairs_that_are_seen() -> None:
    truth = truths.Truth(case_of(0))
    result = [[plane.copy() for plane in frame] for frame in truth.clean]
    result[2][0][0:5, 0:5] += 3
    result[3][0][0:4, 0:5] += 3
    tally = scores.harmed(truth, result)
    assert (tally["changed"], tally["pixels"]) == (45, FRAMES * HEIGHT * WIDTH)
    assert tally["false seen"] == 1


def test_a_single_bit_outside_a_mask_is_a_leak_and_chroma_belongs_to_all_its_pixels() -> None:
    before, after = [picture()], [picture()]
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[11, 21] = True
    after[0][0][11, 21] += 9
    after[0][1][5, 10] += 9
    assert scores.leaks(before, after, [mask]) == 0
    after[0][2][5, 11] += 1
    after[0][0][11, 20] += 1
    assert scores.leaks(before, after, [mask]) == 2


@pytest.mark.parametrize("bits", [8, 10])
def test_no_filter_leaks_on_the_library_of_cases(bits: int) -> None:
    still = clip_from([picture(shift=n) for n in range(FRAMES)])
    case = cases.damaged_case("waves", still, "specks", 3, bits=bits, ageing="none")
    planes, masks = methods.ours("remove_dirt", strength=1.0).result(case)
    assert masks is not None
    assert scores.leaks(footage_of.planes_of(case.damaged), planes, masks) == 0


# --- cases ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "bits"),
    [("specks", 8), ("mixed", 10), ("wire", 16), ("simple", 10), ("simple large", 8), ("tear", 8)],
)
def test_damaged_and_clean_are_equal_outside_the_masks(kind: str, bits: int) -> None:
    clip = clip_from([picture(shift=n) for n in range(7)])
    case = cases.damaged_case("waves", clip, kind, 2, bits=bits)
    clean, damaged = footage_of.planes_of(case.clean), footage_of.planes_of(case.damaged)
    assert case.damaged.format.bits_per_sample == bits
    assert case.masks.any()
    assert scores.leaks(clean, damaged, case.masks) == 0
    assert set(case.classes) == set(cases.KINDS[kind])
    assert np.array_equal(np.any(list(case.classes.values()), axis=0), case.masks)


def test_a_seed_gives_the_same_case_and_kinds_that_occur_at_once_the_same_clean_clip() -> None:
    clip = clip_from([picture(shift=n) for n in range(4)])
    make: Callable[..., Any] = cases.damaged_case
    wanted = ("stain", 2), ("stain", 2), ("stain", 3), ("specks", 2)
    a, b, other, specks = (make("w", clip, kind, seed) for kind, seed in wanted)
    equal = [np.array_equal(x, y) for f, g in zip(a.damaged.frames(), b.damaged.frames(), strict=True)
             for x, y in zip(f, g, strict=True)]  # fmt: skip
    assert all(equal)
    assert not np.array_equal(np.asarray(a.damaged.get_frame(1)[0]), np.asarray(other.damaged.get_frame(1)[0]))
    assert np.array_equal(np.asarray(a.clean.get_frame(1)[0]), np.asarray(specks.clean.get_frame(1)[0]))


def test_props_are_no_damage() -> None:
    case = cases.damaged_case("waves", clip_from([picture()] * 4), "hard snow", 2)
    assert not case.masks.any()
    assert case.hard.any()
    assert np.array_equal(np.asarray(case.clean.get_frame(1)[0]), np.asarray(case.damaged.get_frame(1)[0]))


@pytest.mark.footage
def test_cases_of_real_clips(footage: Callable[[str], Path]) -> None:
    folder = footage("clips").parent
    found = list(cases.cases(folder, "specks", ["london"], 3, 1, width=240))
    assert [case.name for case in found] == ["london"]
    assert found[0].clean.width == 240
    assert 0 < found[0].share < 0.2


# --- those who know -------------------------------------------------------------------------------------------------


def test_the_true_profile_of_an_even_line_brings_back_every_bit() -> None:
    case = case_of(where=np.s_[:, 40:42], name="scratch")
    oracle, second = methods.oracles_for("scratch")
    clip = oracle.make(case)
    assert np.array_equal(np.asarray(clip.get_frame(2)[0]), np.asarray(case.clean.get_frame(2)[0]))
    assert second.name == "true place"
    levels = [scores.psnr(scores.repaired(truths.Truth(case), each)) for each in (
        footage_of.planes_of(case.damaged), footage_of.planes_of(second.make(case)))]  # fmt: skip
    assert levels[1] > levels[0] + 6


def test_the_true_mask_leaves_all_bits_outside() -> None:
    case = case_of()
    planes, masks = methods.oracles_for("specks")[0].result(case)
    assert masks is None
    assert scores.leaks(footage_of.planes_of(case.damaged), planes, case.masks) == 0


def test_who_is_told_the_lost_frames_fills_them_from_the_good_ones() -> None:
    levels = (40, 60, 0, 0, 120)
    frames = [[np.full_like(plane, level) for plane in picture()] for level in levels]
    nowhere = np.zeros((FRAMES, HEIGHT, WIDTH), bool)
    kinds = ("ok", "ok", "absent", "absent", "ok")
    clip = clip_from(frames)
    case = cases.Case("steps", "missing", clip, clip, nowhere, {}, nowhere.astype(np.float32), nowhere, kinds)
    assert list(frames_of.lost_frames(case)) == [(2, 1, 4), (3, 1, 4)]
    repeat, average, flow = ([f[0][5, 5] for f in m.make(case).frames()] for m in frames_of.TOLD)
    assert repeat == [40, 60, 60, 120, 120]
    assert average == [40, 60, 80, 100, 120]
    assert flow[2] == pytest.approx(80, abs=2)


def test_rough_paths_run_along_each_wire() -> None:
    mask = np.zeros((240, 320), np.uint8)
    cv2.line(mask, (20, 10), (60, 230), 1, 3)
    cv2.line(mask, (300, 20), (120, 200), 1, 3)
    first, second = wires.paths_of(mask > 0, 5)
    for path, ends in ((first, ((300, 20), (120, 200))), (second, ((20, 10), (60, 230)))):
        points = np.array([[int(number) for number in word.split(",")] for word in path.split()])
        assert len(points) == 5
        start, along = np.array(ends[0]), np.array(ends[1]) - ends[0]
        across = np.abs((points - start) @ np.array([-along[1], along[0]])) / np.hypot(*along)
        assert across.max() <= 3 * 2**0.5 + 1.5
        assert min(np.hypot(*(points - end).T).min() for end in ends) < 12
    assert list(wires.paths_of(mask > 0, 5)) == [first, second]


def strung(depth: int, grain: float) -> Any:
    """A case with one wire that leans, ``depth`` levels darker than a grey wall with grain."""
    wall = np.rint(120 + np.random.default_rng(2).normal(0, grain, (FRAMES, HEIGHT, WIDTH))).astype(np.uint8)
    wire = cv2.line(np.zeros((HEIGHT, WIDTH), np.uint8), (10, 5), (80, 60), 1, 2) > 0
    grey = [np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)] * 2
    clean, damaged = ([[np.where(wire, luma - d, luma).astype(np.uint8), *grey] for luma in wall] for d in (0, depth))
    masks = np.repeat(wire[None], FRAMES, 0)
    return cases.Case(
        "wall", "wire", clip_from(clean), clip_from(damaged), masks, {"wire": masks}, masks.astype(np.float32),
        np.zeros_like(masks), ("ok",) * FRAMES, strands=masks[None],
    )  # fmt: skip


def test_half_of_a_wires_length_is_found_whatever_its_width() -> None:
    truth = truths.Truth(strung(20, 2))
    core = truth.case.strands[0, 1]
    upper, thin = core.copy(), core & ~np.roll(core, 1, 1)
    upper[40:] = False
    assert strands.length_found(core, core) == strands.length_found(core, thin | np.roll(core, 1, 1)) == 1
    assert strands.length_found(core, upper) == pytest.approx(35 / 55, abs=0.04)
    assert strands.strands_found(truth, 1, upper) == {"strands": 1, "strands found": 1}
    upper[28:] = False
    assert strands.strands_found(truth, 1, upper) == {"strands": 1, "strands found": 0}


def test_of_a_wire_fainter_than_the_grain_nothing_is_asked() -> None:
    for depth, grain, seen in ((20, 4, 1), (5, 4, 0), (5, 1, 1), (1, 0, 0)):
        truth = truths.Truth(strung(depth, grain))
        assert strands.strands_found(truth, 1, truth.case.masks[1])["strands"] == seen, (depth, grain)


def test_of_a_wire_that_fades_the_part_that_is_seen_counts() -> None:
    case = strung(20, 1)
    frames, clean = footage_of.planes_of(case.damaged), footage_of.planes_of(case.clean)
    for planes, plain in zip(frames, clean, strict=True):
        planes[0][:, 40:] = plain[0][:, 40:]
    truth = truths.Truth(dataclasses.replace(case, damaged=clip_from(frames)))
    left = case.strands[0, 1].copy()
    left[:, 40:] = False
    assert strands.strands_found(truth, 1, left) == {"strands": 1, "strands found": 1}
    assert strands.length_found(case.strands[0, 1], left) < 0.5


def test_a_table_of_wires_says_how_many_can_be_seen() -> None:
    records = [record("remove_wires", "ours", 40, strands=8, **{"strands found": 6})]
    assert "visible wires, half the length (8 to be found)" in tables.found_table(records)
    assert "0.75" in tables.found_table(records)


# --- variants, records, tables --------------------------------------------------------------------------------------


def test_variants_are_read() -> None:
    method = methods.read_variant("both=remove_dirt:strength=0.8,polarity=dark+remove_scratches")
    assert method.name == "both"
    assert method.steps == (("remove_dirt", {"strength": 0.8, "polarity": "dark"}), ("remove_scratches", {}))
    assert method.at(0.2).steps[1] == ("remove_scratches", {"strength": 0.2})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("remove_dirt", "must look like"),
        ("a=remove_dust", "no filter is called 'remove_dust'"),
        ("a=remove_dirt:strenght=1", "no setting strenght"),
        ("a=remove_dirt:strength", "setting=value"),
    ],
)
def test_a_variant_that_cannot_be_read_is_told(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        methods.read_variant(text)


def record(method: str, group: str, level: float, clip: str = "waves", **more: float) -> Any:
    """A record whose PSNR is ``level``."""
    tally = Counter({"pixels": 1000.0, "error": 255**2 * 1000 / 10 ** (level / 10), **more})
    return runs.Record("specks", "specks", clip, 0.01, method, group, tally)


def four(ours: float, clip: str = "waves") -> list[Any]:
    return [
        record("input", "input", 36, clip),
        record("SpotLess", "classical", 40, clip),
        record("remove_dirt", "ours", ours, clip),
        record("true mask", "oracle", 46, clip),
    ]


def test_tables_say_how_far_we_come_and_where_not() -> None:
    records = [*four(44.5, "a"), *four(43, "b"), *four(35, "c")]
    assert tables.standing(records) == {"remove_dirt": (2, 1, 3)}
    text = tables.job_tables("specks", records)
    assert "**44.5** (+0.75)" in text
    assert "**35.0** (-0.83) below the input" in text
    assert "two thirds of the way or more on 1 of 3 clips" in text


def test_where_usual_filters_do_worse_than_nothing_the_way_from_the_input_is_told() -> None:
    records = four(42)
    records[1] = record("SpotLess", "classical", 34)
    assert "**42.0** (+0.67; +0.60 from the input)" in tables.job_tables("specks", records)


def test_records_are_kept_and_those_of_other_jobs_stay(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    first = [runs.Record("harm", "clean", "a", 0.0, "x", "ours", Counter({"changed": 3.0}))]
    second = four(44)
    runs.write(path, first)
    runs.write(path, second)
    assert runs.checksum(runs.read(path)) == runs.checksum([*first, *second])
    runs.write(path, four(45))
    assert len(runs.read(path)) == 5


def test_plots_are_drawn(tmp_path: Path) -> None:
    records = four(44)
    points = {"frames": 10, "blobs dirt": 10, "false pieces": 5, "blobs found dirt": 5}
    records[2].curve.append((0.5, Counter(points)))
    plots.job_plots("specks", records, tmp_path)
    for path in tmp_path.glob("*.svg"):
        assert ElementTree.parse(path).getroot().tag.endswith("svg")
    assert {path.name for path in tmp_path.iterdir()} == {"specks-clips.svg", "specks-recall.svg", "specks-bins.svg"}


def test_sheets_show_the_best_the_worst_and_the_untouched() -> None:
    case = case_of()
    spoilt = np.s_[50:54, 10:20]
    planes = footage_of.planes_of(case.damaged)
    masks = [mask.copy() for mask in case.masks]
    planes[1] = [plane.copy() for plane in footage_of.planes_of(case.clean)[1]]
    planes[2][0][spoilt] += 30
    masks[2][spoilt] = True
    groups = sheets.chosen(list(sheets.cuts_of(case, planes, masks)))
    assert groups["best"][0].where.startswith("waves 1 ")
    assert groups["worst"][0].where.startswith("waves 2 at 1")
    assert {cut.where.split(" at ")[0] for cut in groups["left"]} == {"waves 2", "waves 3"}
    assert sheets.drawn(groups).ndim == 3


@pytest.mark.parametrize("gauge", ["", "35mm"])
@pytest.mark.parametrize("distribution", ["TRAIN", "BENCH", "OTHER"])
def test_a_film_of_fitting_width_is_drawn_for_every_clip(gauge: str, distribution: str) -> None:
    simulator: Any = importlib.import_module("simulator")
    for width in (96, 320, 400, 640, 720, 1280, 2048):
        film = cases._film(3, width, getattr(simulator, distribution), gauge)
        assert max(width, 640) <= film.width <= max(2 * width, 1000)
        assert gauge in ("", film.gauge)
