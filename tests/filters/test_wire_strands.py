"""Strands of wires: long curves in what a network says, which of them are wires, and how far these reach."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.filters._wire_fill import across, seen_through
from vsfilmrestore.filters._wire_rims import drawn, lengthened, reach_across, rims_of
from vsfilmrestore.filters._wire_strands import Strand, most, strands_of
from vsfilmrestore.filters._wire_tracks import FAR, MOVING, Judged, Looks, follow, known_of, read, taken, written

core = vs.core

type Reals = npt.NDArray[np.float32]

HEIGHT, WIDTH = 200, 300


def said(*lines: tuple[tuple[float, float], tuple[float, float]], sure: float = 0.8) -> Reals:
    """What a network would say of straight wires, on a floor that is not quite nothing."""
    picture = np.zeros((HEIGHT, WIDTH), np.float32)
    for start, end in lines:
        ends = [tuple(round(16 * value) for value in point) for point in (start, end)]
        cv2.line(picture, ends[0], ends[1], sure, 2, cv2.LINE_8, 4)
    noise = np.random.default_rng(1).uniform(0, 0.04, picture.shape).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8) + noise)


def strand(start: tuple[float, float], end: tuple[float, float]) -> Strand:
    length, turn = math.dist(start, end), math.atan2(end[1] - start[1], end[0] - start[0])
    return Strand(start[0], start[1], turn, 0.0, 0.0, 0.0, 0.0, length, 0.6 * length)


def off(found: Strand, start: tuple[float, float], end: tuple[float, float]) -> float:
    """How far the strand's ends and middle lie off a straight line."""
    x, y = found.points(np.linspace(found.start, found.end, 5))
    along = np.array(end) - start
    return float(np.abs((x - start[0]) * along[1] - (y - start[1]) * along[0]).max() / np.hypot(*along))


def clip_of(picture: npt.NDArray[np.uint8]) -> vs.VideoNode:
    blank = core.std.BlankClip(None, picture.shape[1], picture.shape[0], vs.GRAY8, length=1, keep=True)

    def put(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # the names n and f are VapourSynth's
        out = f.copy()
        np.copyto(np.asarray(out[0]), picture)
        return out

    return core.std.ModifyFrame(blank, blank, put)


def made(clip: vs.VideoNode) -> npt.NDArray[np.uint8]:
    return np.array(clip.get_frame(0)[0])


# --- what is a strand -----------------------------------------------------------------------------------------------


def test_two_that_cross_are_two_and_a_gap_is_bridged() -> None:
    sure = said(((20, 10), (250, 180)), ((260, 20), (60, 190)))
    sure[80:100, 90:160] = 0.02
    first, second = sorted(strands_of(sure, 20.0), key=lambda each: each.turn)
    assert off(first, (20, 10), (250, 180)) < 1.5
    assert off(second, (260, 20), (60, 190)) < 1.5
    assert min(first.length, second.length) > 230


def test_one_that_sags_is_one() -> None:
    picture = np.zeros((HEIGHT, WIDTH), np.float32)
    x = np.arange(10, 290)
    y = 60 + 18 * ((x - 150) / 140) ** 2
    cv2.polylines(picture, [np.stack((x, y), 1).round().astype(np.int32)], False, 0.8, 2)
    found = strands_of(picture, 20.0)
    assert len(found) == 1
    px, py = found[0].points(np.linspace(found[0].start, found[0].end, 30))
    assert np.abs(py - (60 + 18 * ((px - 150) / 140) ** 2)).max() < 2.5
    assert found[0].length > 260


def test_specks_and_grain_are_none() -> None:
    picture = np.random.default_rng(3).uniform(0, 0.12, (HEIGHT, WIDTH)).astype(np.float32)
    for x, y in ((40, 50), (120, 90), (220, 160)):
        cv2.circle(picture, (x, y), 4, 0.9, -1)
    assert strands_of(picture, 8.0) == []


def test_the_run_with_the_largest_sum() -> None:
    assert most(np.array([-1, 2, -1, 3, -4, 1], np.float32)) == (1, 4, 4.0)
    assert most(np.array([-1, -2], np.float32))[2] == 0
    assert most(np.zeros(0, np.float32)) == (0, 0, 0.0)


# --- which are wires ------------------------------------------------------------------------------------------------


def test_a_line_that_other_frames_show_moves_less_whether_they_were_moved_or_not() -> None:
    wall = np.full((HEIGHT, WIDTH), 120, np.float32) + np.random.default_rng(5).normal(0, 2, (HEIGHT, WIDTH))
    wire, ends = wall.astype(np.float32), ((40.0, 20.0), (240.0, 150.0))
    cv2.line(wire, (40, 20), (240, 150), 90.0, 2)
    bare = wall.astype(np.float32)
    nothing = np.zeros_like(wire)

    def moves(moved: Reals, plain: Reals) -> float:
        looks = Looks(said(ends), nothing, wire, [moved] * 4, [plain] * 4, 40.0, 3.0)
        return float(known_of(strand(*ends), looks)[MOVING])

    assert moves(bare, bare) > moves(wire, bare) + 1
    # The search for motion lost it on a bare wall, and the camera stands still.
    assert moves(bare, bare) > moves(bare, wire) + 1


def test_a_faint_strand_counts_more_where_the_frames_around_have_it_too() -> None:
    faint, sure = (Judged(strand((40, 20), (240, 150)), odds, -0.5) for odds in (-1.0, 3.0))
    beside = Judged(strand((45, 20), (244, 150)), 3.0, -0.5)
    far = Judged(strand((40, 150), (240, 20)), 3.0, -0.5)
    alone = follow([[], [], [faint], [], []], 480)
    followed = follow([[beside], [beside], [faint], [sure], [sure]], 480)
    elsewhere = follow([[far], [far], [faint], [far], [far]], 480)
    assert len(alone) == 1
    assert followed[0] > alone[0] + 2
    assert elsewhere[0] == alone[0]
    assert follow([[sure]] * FAR + [[]] + [[sure]] * FAR, 480) == []


def test_less_will_do_for_what_is_a_wire_in_the_frame_beside() -> None:
    weak, strong = (Judged(strand((40, 20), (240, 150)), odds, -0.5) for odds in (-0.2, 2.0))
    assert taken([weak], ([], []), 0.6, 480) == []
    assert taken([weak], ([weak], [weak]), 0.6, 480) == []
    assert taken([weak], ([], [strong]), 0.6, 480) == [weak.strand]
    assert taken([weak._replace(odds=-3.0)], ([strong], [strong]), 0.6, 480) == []


def test_what_travels_with_a_frame_comes_back() -> None:
    both = [Judged(strand((40, 20), (240, 150)), 1.5, -0.5), Judged(strand((4, 2), (24, 90)), -2.0, -3.0)]
    assert read(written(both)) == both
    assert read(None) == []


# --- how far they reach ---------------------------------------------------------------------------------------------


def test_a_wire_goes_on_beyond_its_ends_as_far_as_anything_speaks_for_it() -> None:
    sure = said(((100, 100), (200, 100)))
    cv2.line(sure, (200, 100), (240, 100), 0.25, 2)
    longer = lengthened(strand((100, 100), (200, 100)), sure)
    assert longer.start == pytest.approx(0, abs=4)
    assert longer.end == pytest.approx(140, abs=4)


@pytest.mark.parametrize("wide", [2.0, 5.0, 8.0])
def test_a_mask_reaches_from_rim_to_rim_and_leaves_a_rail(wide: float) -> None:
    rng, y, x = np.random.default_rng(7), *np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    rail = np.abs(y - 0.3 * x - 30) < 3
    picture = np.where(rail, 200, 90) + rng.normal(0, 2, (HEIGHT, WIDTH))
    cover = np.clip(wide / 2 + 0.5 - np.abs(x - 150 - 0.1 * y), 0, 1).astype(np.float32)
    cover = cv2.GaussianBlur(cover, (0, 0), 1.0)
    picture = (picture * (1 - cover) + 20 * cover).astype(np.float32)
    ends = ((150.0, 0.0), (150 + 0.1 * (HEIGHT - 1), HEIGHT - 1.0))
    mask = drawn([strand(*ends)], picture, np.clip(cover, 0.0, 0.9), wide, 0.15) > 0
    assert mask[cover > 0.2].mean() > 0.97
    assert mask[cover > 0.08].mean() > 0.9
    assert mask.sum() < (cover > 0.005).sum() * 1.35
    far = rail & (np.abs(x - 150 - 0.1 * y) > wide / 2 + 5)
    assert not mask[far].any()


# --- what comes in their place --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hidden", "share"), [(0.3, 0.7), (0.6, 0.9)])
def test_detail_that_shows_through_a_wire_stays(hidden: float, share: float) -> None:
    rng = np.random.default_rng(9)
    clean = cv2.GaussianBlur(rng.normal(0, 60, (120, 160)).astype(np.float32), (0, 0), 1.5) + 120
    mask = np.zeros((120, 160), np.uint8)
    mask[:, 78:82] = 255
    wired = np.where(mask > 0, clean * (1 - hidden) + 30 * hidden, clean)
    now, truth = (np.rint(each).clip(0, 255).astype(np.uint8) for each in (wired, clean))
    line, there = clip_of(mask), clip_of(now)
    painted = across(there, line)
    mended = seen_through(there, painted, line)
    inside = mask > 0
    lost = [float(((made(clip).astype(float) - truth)[inside] ** 2).mean()) for clip in (there, painted, mended)]
    assert lost[2] < share * min(lost[:2])
    np.testing.assert_array_equal(made(mended)[~inside], now[~inside])


def test_a_wire_that_hides_all_is_painted_over() -> None:
    rng = np.random.default_rng(9)
    clean = cv2.GaussianBlur(rng.normal(0, 60, (120, 160)).astype(np.float32), (0, 0), 3) + 120
    mask = np.zeros((120, 160), np.uint8)
    mask[:, 78:82] = 255
    now = np.where(mask > 0, 30 + rng.normal(0, 2, clean.shape), clean).clip(0, 255).astype(np.uint8)
    line, there = clip_of(mask), clip_of(now)
    painted = made(across(there, line)).astype(float)
    mended = made(seen_through(there, across(there, line), line)).astype(float)
    assert np.abs(mended - painted)[mask > 0].mean() < 2.5


def test_the_grain_of_a_wire_stays_where_there_is_nothing_else() -> None:
    rng, mask = np.random.default_rng(9), np.zeros((120, 160), np.uint8)
    mask[:, 78:82] = 255
    wall = 120 + rng.normal(0, 6, mask.shape)
    truth, now = (np.rint(wall - shade * (mask > 0)).astype(np.uint8) for shade in (0, 20))
    line, there = clip_of(mask), clip_of(now)
    mended = made(seen_through(there, across(there, line), line)).astype(float)
    assert np.abs(mended - truth)[mask > 0].mean() < 3
    assert mended[mask > 0].std() == pytest.approx(6, abs=1)


def test_an_outline_that_a_faint_wire_runs_along_stays() -> None:
    wall = 160 + np.random.default_rng(9).normal(0, 2, (120, 160))
    wall[50:64, 76:84] = 40  # as wide as the mask: nothing beside it tells of it
    mask = np.zeros((120, 160), np.uint8)
    mask[:, 77:83] = 255
    truth, now = (np.rint(wall - shade * (mask > 0)).astype(np.uint8) for shade in (0, 12))
    line, there = clip_of(mask), clip_of(now)
    painted, mended = (
        made(each).astype(float) for each in (across(there, line), seen_through(there, across(there, line), line))
    )
    outline = np.s_[52:62, 78:82]
    assert np.abs(painted - truth)[outline].mean() > 60
    assert np.abs(mended - truth)[outline].mean() < 25
    assert np.abs(mended - truth)[:40, 77:83].mean() < 5


def test_masks_of_any_size_are_filled() -> None:
    flat = np.full((300, 2048), 90, np.uint8)
    mask = np.zeros_like(flat)
    for top in (30, 90, 150):
        mask[top : top + 20] = 255
    broken = np.where(mask > 0, np.uint8(10), flat)
    assert np.count_nonzero(mask) > 32768
    line, there = clip_of(mask), clip_of(broken)
    assert (made(seen_through(there, across(there, line), line)) == 90).all()


@pytest.mark.parametrize("contrast", [-4, 4])
def test_detail_beside_a_faint_wire_makes_it_no_wider(contrast: int) -> None:
    widths = []
    for seed in range(4):
        rng, reach = np.random.default_rng(seed), reach_across(2.0)
        noise = rng.normal(0, 60, (200, 2 * reach + 1)).astype(np.float32)
        here = np.asarray(cv2.GaussianBlur(noise, (0, 0), 2.5) + 100, np.float32)
        here[:, reach - 1 : reach + 2] += contrast
        low, high = rims_of(here, 2.0)
        widths.append(low + high)
    assert np.mean(widths) < 5


def left_of(detail: float, contrast: float) -> float:
    """What is left of a wire's contrast before detail of that strength, as a share."""
    rng = np.random.default_rng(3)
    scene = cv2.GaussianBlur(rng.normal(0, 1, (160, 160)).astype(np.float32), (0, 0), 2)
    picture = 120 + detail * scene / scene.std()
    picture[:, 79:82] += contrast
    mask = np.zeros((160, 160), np.uint8)
    mask[:, 79:82] = 255
    now = np.rint(picture).clip(0, 255).astype(np.uint8)
    line, there = clip_of(mask), clip_of(now)
    taken = now - made(seen_through(there, across(there, line), line)).astype(float)
    return float(1 - taken[8:-8, 79:82].mean() / contrast)


def test_a_wire_fainter_than_what_a_line_across_misses_beside_it_is_left() -> None:
    assert left_of(20, 9) > 0.9
    assert left_of(1, 30) < 0.2


def test_a_jagged_rim_leaves_no_dots() -> None:
    rng = np.random.default_rng(4)
    scene = 50 + rng.normal(0, 1, (160, 160))
    thin, wide = np.zeros((640, 640), np.uint8), np.zeros((160, 160), np.uint8)
    cv2.line(thin, (0, 90), (639, 460), 255, 8)
    cv2.line(wide, (0, 22), (159, 115), 255, 7)
    hides = cv2.resize(thin.astype(np.float32) / 255, (160, 160), interpolation=cv2.INTER_AREA)
    now = np.rint(scene * (1 - hides) + 220 * hides).clip(0, 255).astype(np.uint8)
    there, line = clip_of(now), clip_of(wide)
    out = made(seen_through(there, across(there, line), line)).astype(float)
    missed = (out - scene)[wide > 0].reshape(-1)
    assert np.sqrt(np.mean(np.sort(missed**2)[: len(missed) * 9 // 10])) < 4, "but for where the wire is cut off"


def test_no_line_is_left_of_a_thin_soft_wire() -> None:
    scene = 50 + np.random.default_rng(5).normal(0, 1, (160, 160))
    y, x = np.mgrid[:160, :160]
    off = (y - 22.3 - 0.585 * x) / np.hypot(1, 0.585)
    hides = np.exp(-((off / 0.9) ** 2))
    now = np.rint(scene * (1 - hides) + 220 * hides).clip(0, 255).astype(np.uint8)
    there, line = clip_of(now), clip_of(np.where(np.abs(off) < 3.5, 255, 0).astype(np.uint8))
    missed = made(seen_through(there, across(there, line), line)).astype(float) - scene
    inside = (x > 10) & (x < 150)
    rows = [missed[inside & (np.abs(off - at) < 0.25)].mean() for at in (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2)]
    assert np.abs(rows).max() < 4, rows
