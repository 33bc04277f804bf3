"""repair_frames: what is found, what is left, and how good the rebuilt frames are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from skimage import data
from skimage.draw import polygon

from tests.pictures import clip_of, frames_of
from vsfilmrestore.filters._between import Between
from vsfilmrestore.filters._frame_faults import Look, is_blank, is_flash, is_frozen, is_rolled
from vsfilmrestore.filters._frame_list import parse_frames
from vsfilmrestore.filters._jumps import Step, jump
from vsfilmrestore.filters._patch import fit_patch
from vsfilmrestore.filters.repair_frames import repair_frames
from vsfilmrestore.filters.schema import FILTERS
from vsfilmrestore.media.props import SOURCE_FRAME, changed_prop

core = vs.core

type Pictures = npt.NDArray[np.float32]


def changed(clip: vs.VideoNode) -> list[int]:
    """Numbers of the frames of which something was changed."""
    name = changed_prop("repair_frames")
    return [n for n, frame in enumerate(clip.frames(close=False)) if frame.props[name]]


def pan(frames: int, step: int = 3, grain: float = 2.0) -> Pictures:
    """A grainy camera move over a photograph with a coin that moves the other way."""
    photo = data.camera().astype(np.float32)
    coin = data.coins()[90:122, 20:52].astype(np.float32)
    noise = np.random.default_rng(7)
    shots = []
    for n in range(frames):
        picture = photo[100:260, 20 + n * step : 276 + n * step].copy()
        x = 200 - 2 * step * n
        if x > 0:
            picture[60:92, x : x + 32] = coin
        shots.append(picture + noise.normal(0, grain, picture.shape))
    return np.rint(np.clip(np.stack(shots), 0, 255)).astype(np.float32)


def psnr(a: Pictures, b: Pictures) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, float(((a - b) ** 2).mean()))))


def burn(picture: Pictures) -> npt.NDArray[np.bool_]:
    """A ragged hole, white in ``picture`` afterwards."""
    rows, columns = polygon([30, 45, 100, 125, 90, 60], [60, 150, 160, 110, 70, 90], picture.shape)
    hole = np.zeros(picture.shape, dtype=bool)
    hole[rows, columns] = True
    picture[hole] = 250
    return hole


def test_a_sound_shot_is_left_bit_for_bit() -> None:
    pictures = pan(16)
    result = repair_frames(clip_of(pictures), 1.0)
    assert changed(result) == []
    np.testing.assert_array_equal(frames_of(result), pictures)


def test_strength_0_is_the_clip_itself() -> None:
    clip = clip_of(pan(2))
    assert repair_frames(clip, 0) is clip


@pytest.mark.parametrize("lost", [[9], [9, 10]])
def test_a_copy_for_a_lost_frame_is_rebuilt_at_its_time(lost: list[int]) -> None:
    truth = pan(20)
    spoilt = truth.copy()
    spoilt[lost] = truth[lost[0] - 1]
    result = repair_frames(clip_of(spoilt))
    assert changed(result) == lost
    made = frames_of(result)
    for n in lost:
        dissolve = (spoilt[lost[0] - 1] + spoilt[lost[-1] + 1]) / 2
        assert psnr(made[n], truth[n]) > psnr(spoilt[n], truth[n]) + 6
        assert psnr(made[n], truth[n]) > psnr(dissolve, truth[n]) + 4
    sound = [n for n in range(20) if n not in lost]
    np.testing.assert_array_equal(made[sound], spoilt[sound])


@pytest.mark.parametrize(
    "order",
    [
        [n // 2 for n in range(24)],  # drawings held for two frames
        [n - n // 4 for n in range(24)],  # 18 frames a second stretched to 24
        [n // 3 * 2 + min(n % 3, 1) for n in range(24)],  # 16 to 24
        [*range(10), 9, *range(10, 22)],  # one frame printed twice, without a jump
        [0] * 12,  # a still
    ],
)
def test_copies_that_belong_are_left(order: list[int]) -> None:
    clip = clip_of(pan(24)[order])
    assert changed(repair_frames(clip, 1.0, torn=False)) == []
    assert changed(repair_frames(clip)) == []


@pytest.mark.parametrize("level", [2, 16, 250])
def test_blank_frames_are_rebuilt(level: int) -> None:
    truth = pan(14)
    spoilt = truth.copy()
    spoilt[[5, 6]] = level
    result = repair_frames(clip_of(spoilt))
    assert changed(result) == [5, 6]
    made = frames_of(result)
    dissolve = (truth[4] + truth[7]) / 2
    assert min(psnr(made[n], truth[n]) - psnr(dissolve, truth[n]) for n in (5, 6)) > 4


def test_a_longer_run_is_left() -> None:
    spoilt = pan(14)
    spoilt[5:8] = 2
    assert changed(repair_frames(clip_of(spoilt))) == []
    assert changed(repair_frames(clip_of(spoilt), longest=3)) == [5, 6, 7]


def test_fades_are_left() -> None:
    pictures = pan(20)
    ramp = np.clip(np.arange(20) / 4, 0, 1) * np.clip((19 - np.arange(20)) / 4, 0, 1)
    clip = clip_of(pictures * ramp[:, None, None])
    assert changed(repair_frames(clip, 1.0)) == []


def test_a_flash_is_rebuilt_only_when_asked() -> None:
    pictures = pan(12)
    pictures[6] = np.clip(pictures[6] * 1.2 + 70, 0, 255)
    assert changed(repair_frames(clip_of(pictures))) == []
    assert changed(repair_frames(clip_of(pictures), flashes=True)) == [6]


def test_a_tear_is_filled_and_nothing_else_touched() -> None:
    truth = pan(14)
    spoilt = truth.copy()
    hole = burn(spoilt[7])
    result = repair_frames(clip_of(spoilt))
    assert changed(result) == [7]
    made = frames_of(result)
    mask = frames_of(repair_frames(clip_of(spoilt), show="mask"))[7] > 0
    assert mask[hole].mean() > 0.99
    assert (mask & ~hole).mean() < 0.1
    np.testing.assert_array_equal(made[7][~mask], spoilt[7][~mask])
    dissolve = (truth[6] + truth[8]) / 2
    assert psnr(made[7][hole], truth[7][hole]) > psnr(dissolve[hole], truth[7][hole]) + 4
    assert psnr(made[7][hole], truth[7][hole]) > 28


def test_smaller_holes_beside_a_large_one_are_filled_as_well() -> None:
    truth = pan(14)
    spoilt = truth.copy()
    burn(spoilt[7])
    spoilt[7, 20:36, 200:216] = 250
    made = frames_of(repair_frames(clip_of(spoilt)))
    assert psnr(made[7, 20:36, 200:216], truth[7, 20:36, 200:216]) > 26
    # By itself it is a speck, and none of this filter's.
    spoilt[7] = truth[7]
    spoilt[7, 20:36, 200:216] = 250
    assert changed(repair_frames(clip_of(spoilt))) == []


def flown_by(at: dict[int, tuple[int, int]]) -> Pictures:
    """A still scene, before which something round and large is seen in a few frames."""
    pictures = pan(11, step=0)
    rows, columns = np.mgrid[:160, :256]
    bird = (200 + 30 * np.sin(rows / 5)).clip(0, 255)
    for frame, (x, y) in at.items():
        place = ((columns - x) / 42) ** 2 + ((rows - y) / 32) ** 2 < 1
        pictures[frame][place] = bird[place]
    return pictures


def test_what_flies_out_of_the_picture_is_no_hole() -> None:
    leaving = flown_by({4: (102, 100), 5: (181, 68)})
    np.testing.assert_array_equal(frames_of(repair_frames(clip_of(leaving))), np.rint(leaving.clip(0, 255)))
    # The same in one frame alone came from nowhere.
    assert changed(repair_frames(clip_of(flown_by({5: (181, 68)})))) == [5]


def test_a_change_of_light_is_no_tear() -> None:
    pictures = pan(12)
    pictures[6, :, :128] = np.clip(pictures[6, :, :128] * 1.35 + 20, 0, 255)
    assert changed(repair_frames(clip_of(pictures))) == []


def test_a_cut_is_left() -> None:
    pictures = pan(16)
    pictures[8:] = pan(8, 1)[:, ::-1, ::-1]
    result = repair_frames(clip_of(pictures), 1.0)
    assert changed(result) == []


def test_listed_frames_are_rebuilt_whatever_they_look_like() -> None:
    clip = clip_of(pan(14))
    assert changed(repair_frames(clip, frames="4, 8-9")) == [4, 8, 9]


def test_listed_frames_are_numbers_of_the_source_where_frames_carry_them() -> None:
    clip = core.akarin.PropExpr([clip_of(pan(10))], lambda: {SOURCE_FRAME: "N 86400 +"})
    assert changed(repair_frames(clip, frames="86404")) == [4]


def test_only_the_holes_of_listed_frames_are_rebuilt() -> None:
    truth = pan(10)
    spoilt = truth.copy()
    spoilt[5, 40:80, 100:150] = 90
    result = repair_frames(clip_of(spoilt), torn=False, frames="5", holes=[(98, 38, 152, 82)])
    made = frames_of(result)
    assert psnr(made[5, 40:80, 100:150], truth[5, 40:80, 100:150]) > 28
    made[5, 38:82, 98:152] = spoilt[5, 38:82, 98:152]
    np.testing.assert_array_equal(made, spoilt)


def test_a_listed_frame_that_motion_cannot_explain_repeats_a_neighbour() -> None:
    pictures = pan(12)
    pictures[6:] = pan(6, 1)[:, ::-1, ::-1]
    made = frames_of(repair_frames(clip_of(pictures), frames="5"))
    np.testing.assert_array_equal(made[5], pictures[4])


def test_protected_and_other_areas_stay() -> None:
    spoilt = pan(10)
    spoilt[5] = 0
    made = frames_of(repair_frames(clip_of(spoilt), protect=[(0, 0, 50, 160)], only=[(0, 0, 200, 160)]))
    assert (made[5, :, :50] == 0).all()
    assert (made[5, :, 200:] == 0).all()
    assert made[5, :, 50:200].mean() > 50


def test_the_radius_is_true() -> None:
    pictures = pan(40, step=2)
    pictures[20] = pictures[19]
    other = np.random.default_rng(3).uniform(0, 255, pictures.shape).astype(np.float32)
    reach = FILTERS["repair_frames"].reach({"longest": 2})
    for n in (20, 18):
        window = slice(n - reach, n + reach + 1)
        poisoned = other.copy()
        poisoned[window] = pictures[window]
        sound = repair_frames(clip_of(pictures)).get_frame(n)
        again = repair_frames(clip_of(poisoned)).get_frame(n)
        np.testing.assert_array_equal(np.asarray(sound[0]), np.asarray(again[0]))
        assert sound.props[changed_prop("repair_frames")] == again.props[changed_prop("repair_frames")] == (n == 20)


@pytest.mark.parametrize("format_id", [vs.GRAY16, vs.GRAYH, vs.YUV420P10, vs.YUV444PS, vs.RGB24, vs.RGBH])
def test_any_format(format_id: vs.PresetVideoFormat) -> None:
    spoilt = pan(10)
    spoilt[5] = 0
    rgb = format_id in (vs.RGB24, vs.RGBH)
    extra = {} if rgb else {"matrix_s": "709"}
    clip = clip_of(spoilt).std.SetFrameProps(_Matrix=1).resize.Bicubic(format=vs.YUV444P8)
    clip = clip.resize.Bicubic(format=format_id, **extra)
    result = repair_frames(clip, torn=False)
    assert changed(result) == [5]
    assert (result.format.id, result.num_frames) == (clip.format.id, 10)
    planes = range(clip.format.num_planes)
    made, near, other, same = (result.get_frame(5), clip.get_frame(4), clip.get_frame(2), result.get_frame(2))
    for p in planes:
        assert abs(float(np.mean(made[p], dtype=float)) - float(np.mean(near[p], dtype=float))) < 0.05 * float(
            np.ptp(near[0])
        )
        np.testing.assert_array_equal(np.asarray(same[p]), np.asarray(other[p]))


@pytest.mark.parametrize(("width", "height", "frames"), [(7, 5, 3), (33, 17, 2), (64, 48, 1)])
def test_small_and_short(width: int, height: int, frames: int) -> None:
    clip = core.std.BlankClip(width=width, height=height, format=vs.GRAY8, length=frames, color=90)
    assert {int(p.min()) for p in frames_of(repair_frames(clip, 1.0, frames="0"))} == {90}


def test_odd_requests_are_refused() -> None:
    clip = clip_of(pan(2))
    with pytest.raises(vs.Error, match=r"^repair_frames: frames must look like '12,30-31', not 'x'"):
        repair_frames(clip, frames="3,x")
    with pytest.raises(vs.Error, match=r"^repair_frames: holes are areas in listed frames"):
        repair_frames(clip, holes=[(0, 0, 5, 5)])


def test_lists_of_frames() -> None:
    assert parse_frames("12, 30-31,") == (range(12, 13), range(30, 32))
    assert parse_frames("") == ()
    with pytest.raises(ValueError, match="write 3-9"):
        parse_frames("9-3")


def test_a_made_frame_beats_copy_dissolve_and_plain_flow() -> None:
    truth = pan(11, step=5)
    spoilt = truth.copy()
    spoilt[5] = 0
    made = frames_of(repair_frames(clip_of(spoilt), torn=False))[5]
    flow = frames_of(Between.of(clip_of(truth[4:5]), clip_of(truth[6:7])).at(0.5))[0]
    rivals = (truth[4], truth[6], (truth[4] + truth[6]) / 2, flow)
    assert psnr(made, truth[5]) > max(psnr(rival, truth[5]) for rival in rivals) + 0.5


def test_a_made_frame_has_more_grain_than_a_dissolve() -> None:
    rng = np.random.default_rng(5)
    still = 90 + 60 * data.camera()[100:228, 100:260].astype(np.float32) / 255
    pictures = np.stack([still + rng.normal(0, 4, still.shape) for _ in range(9)]).astype(np.float32)
    made = frames_of(repair_frames(clip_of(pictures), frames="4"))[4]
    mixed = (pictures[3] + pictures[5]) / 2
    grain = [float((picture - still).std()) for picture in (made, mixed, pictures[3])]
    assert max(grain[1], 0.68 * grain[2]) < grain[0] < grain[2]
    sharp = [float(np.abs(np.diff(picture, axis=1)).mean()) for picture in (made, mixed)]
    assert sharp[0] > 0.95 * sharp[1]


@pytest.mark.parametrize(("lost", "source"), [([0], 1), ([0, 1], 2), ([11], 10), ([10, 11], 9)])
def test_frames_lost_at_the_ends_of_a_shot_repeat_the_nearest(lost: list[int], source: int) -> None:
    pictures = pan(12)
    numbers = ",".join(map(str, lost))
    made = frames_of(repair_frames(clip_of(pictures), frames=numbers))
    for n in lost:
        np.testing.assert_array_equal(made[n], pictures[source])
    rest = [n for n in range(12) if n not in lost]
    np.testing.assert_array_equal(made[rest], pictures[rest])


def coins(frames: int) -> Pictures:
    """A grainy camera move over a picture that is drawn everywhere."""
    rng = np.random.default_rng(4)
    photo = data.coins().astype(np.float32)
    views = [photo[40:200, 20 + 2 * n : 276 + 2 * n] for n in range(frames)]
    return np.stack([np.rint(np.clip(view + rng.normal(0, 2, view.shape), 0, 255)) for view in views]).astype(
        np.float32
    )


def torn_along(picture: Pictures, down: int, across: int, lean: float = 0.3, fill: float | None = None) -> Pictures:
    """All below a slanting line slipped, or is empty; the line itself is bright."""
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    depth = rows - 95 - lean * (columns - 128)
    other = np.roll(picture, (down, across), axis=(0, 1)) if fill is None else np.full_like(picture, fill)
    torn = np.where(depth > 0, other, picture)
    torn[np.abs(depth) < 1.5] = 240
    return torn.astype(np.float32)


@pytest.mark.parametrize("lean", [0.3, -0.7, 3.0])
@pytest.mark.parametrize("run", [[7], [7, 8]])
def test_a_piece_that_slipped_is_rebuilt_and_nothing_else_touched(run: list[int], lean: float) -> None:
    truth = coins(15)
    spoilt = truth.copy()
    for n in run:
        spoilt[n] = torn_along(truth[n], 3 if n == 7 else -2, -2, lean)
    result = repair_frames(clip_of(spoilt))
    assert changed(result) == run
    made, mask = frames_of(result), frames_of(repair_frames(clip_of(spoilt), show="mask")) > 0
    for n in run:
        off = np.abs(spoilt[n] - truth[n]) > 0
        assert mask[n][off].mean() > 0.97
        assert (mask[n] & ~off)[np.abs(spoilt[n] - truth[n]) == 0].mean() < 0.15
        np.testing.assert_array_equal(made[n][~mask[n]], spoilt[n][~mask[n]])
        assert psnr(made[n], truth[n]) > psnr(spoilt[n], truth[n]) + 8
    assert changed(repair_frames(clip_of(spoilt), torn=False, jumps=False)) == []


def test_two_empty_pieces_in_a_row_are_rebuilt() -> None:
    truth = pan(15, step=2)
    spoilt = truth.copy()
    for n in (7, 8):
        spoilt[n] = torn_along(truth[n], 0, 0, fill=8)
    assert changed(repair_frames(clip_of(spoilt))) == [7, 8]


def test_a_part_that_moves_by_fits_and_starts_is_no_tear() -> None:
    """The lower half moves as a passing train does, unevenly as in a film that was stretched; the upper half stands."""
    photo = data.camera().astype(np.float32)
    at = np.cumsum([3, 3, 1, 5, 3, 5, 1, 3, 3, 1, 6, 3, 4, 2, 3, 3])
    shots = np.repeat(photo[None, 100:260, 20:276], len(at), axis=0)
    for n, x in enumerate(at):
        shots[n, 90:] = photo[190:260, 100 + x : 356 + x]
    shots += np.random.default_rng(3).normal(0, 2, shots.shape).astype(np.float32)
    assert changed(repair_frames(clip_of(shots), 1.0)) == []


def off_place(picture: Pictures, down: int, across: int, tape: int = 0) -> Pictures:
    moved = np.roll(picture, (down, across), axis=(0, 1))
    if tape:
        moved[-tape:] = 235
    return moved


@pytest.mark.parametrize(("down", "across", "tape"), [(4, 0, 0), (-6, 1, 0), (5, -1, 10)])
def test_a_frame_that_jumped_at_a_splice_is_moved_back(down: int, across: int, tape: int) -> None:
    truth = pan(16, step=2)
    spoilt = truth.copy()
    spoilt[8] = off_place(truth[8], down, across, tape)
    result = repair_frames(clip_of(spoilt))
    assert changed(result) == [8]
    made = frames_of(result)
    assert psnr(made[8], truth[8]) > psnr(spoilt[8], truth[8]) + 10
    assert psnr(made[8][12:-12, 8:-8], truth[8][12:-12, 8:-8]) > 34
    rest = [n for n in range(16) if n != 8]
    np.testing.assert_array_equal(made[rest], spoilt[rest])
    assert changed(repair_frames(clip_of(spoilt), jumps=False, torn=False)) == []


@pytest.mark.parametrize("number", [1, 2, 5, 6])
def test_a_jump_near_the_end_of_a_short_shot_is_found(number: int) -> None:
    truth = pan(8, step=2)
    spoilt = truth.copy()
    spoilt[number] = off_place(truth[number], 5, 1)
    assert changed(repair_frames(clip_of(spoilt))) == [number]
    assert changed(repair_frames(clip_of(truth), 1.0)) == []


def test_a_frame_moved_back_by_parts_of_a_pixel_is_as_sharp_as_those_beside_it() -> None:
    still = pan(1, grain=0)[0]
    rng = np.random.default_rng(2)
    truth = np.stack([still + rng.normal(0, 0.5, still.shape) for _ in range(12)]).astype(np.float32)
    spoilt = truth.copy()
    spoilt[6, 5:] = (truth[6, :-5] + truth[6, 1:-4]) / 2  # 4.5 rows lower, softened by it
    result = repair_frames(clip_of(spoilt))
    assert changed(result) == [6]
    made = frames_of(result)[6]
    sharp = [float(np.abs(np.diff(picture[20:-20], axis=0)).mean()) for picture in (made, truth[5])]
    assert sharp[0] > 0.93 * sharp[1]
    assert psnr(made[20:-20], truth[6, 20:-20]) > 38


def test_grain_of_a_frame_moved_back_stays_its_own() -> None:
    truth = pan(14, step=2, grain=5)
    spoilt = truth.copy()
    spoilt[7] = off_place(truth[7], 6, 0)
    made = frames_of(repair_frames(clip_of(spoilt)))[7]
    assert psnr(made[14:-14, 14:-14], truth[7, 14:-14, 14:-14]) > 34


def test_shaking_is_no_jump() -> None:
    still = pan(1)[0]
    ways = [0, 0, 0, 0, 0, 0, 5, -3, 4, -2, 2, -1, 0, 0, 0, 0]
    shaken = np.stack([np.roll(still, way, axis=0) for way in ways])
    assert changed(repair_frames(clip_of(shaken), 1.0, torn=False)) == []


def test_the_dark_edge_of_the_gate_does_not_come_along() -> None:
    truth = pan(16, step=2)
    truth[:, :3] = truth[:, -3:] = 10
    spoilt = truth.copy()
    spoilt[8] = np.roll(truth[8], 12, axis=0)
    spoilt[8, :12] = truth[8, 3:4]
    spoilt[8, :3] = 10
    made = frames_of(repair_frames(clip_of(spoilt)))[8]
    assert psnr(made[4:30, 8:-8], truth[8, 4:30, 8:-8]) > 30
    assert psnr(made[-30:-4, 8:-8], truth[8, -30:-4, 8:-8]) > 30


def test_a_jump_by_numbers() -> None:
    def path(*down: float) -> list[Step]:
        return [Step(0.1, way, 0.02, True) for way in down]

    assert jump(path(1, 1, 1, 1, 6, -4, 1, 1, 1, 1), 1) == pytest.approx((0, 5))
    assert jump(path(1, 1, 1, 1, 6, 1, 1, 1, 1, 1), 1) == (0, 0)  # a splice after which all stands elsewhere
    assert jump(path(0, 3, -3, 2, 6, -6, 2, -3, 3, 1), 1) == (0, 0)  # all trembles
    assert jump(path(0, 0, 0, 0, 0.5, -0.5, 0, 0, 0, 0), 1) == (0, 0)  # too little
    assert jump(path(0, 1, 0, -1, -19, 19, 0, -1, -7, 10), 1) == pytest.approx((0, -19))  # and another one close by
    assert jump(path(0, 1, 0, -1, -9, 9, 0, -1, -7, 10), 1) == (0, 0)  # none stands out
    assert jump(path(0, 0, 0, 0, -19, 19, -7, 10, 0, 0), 1) == (0, 0)  # a shake goes on
    unknown = [*path(0, 0, 0, 0), Step(0, 6, 0.02, False), *path(-6, 0, 0, 0, 0)]
    assert jump(unknown, 1) == (0, 0)


@pytest.mark.parametrize("run", [[8], [8, 9]])
def test_a_rolled_frame_is_rebuilt(run: list[int]) -> None:
    truth = pan(18, step=2)
    spoilt = truth.copy()
    for n in run:
        spoilt[n] = np.roll(truth[n], 50, axis=0)
        spoilt[n, 46:54] = 12
    result = repair_frames(clip_of(spoilt))
    assert changed(result) == run
    made = frames_of(result)
    assert min(psnr(made[n], truth[n]) for n in run) > 28
    assert changed(repair_frames(clip_of(spoilt), rolled=False, jumps=False, torn=False)) == []


def test_a_roll_by_pictures() -> None:
    picture = np.linspace(5000, 60000, 40)[:, None] * np.linspace(0.5, 1, 48)[None]
    assert is_rolled([picture, np.roll(picture, 9, axis=0), picture])
    assert not is_rolled([picture, np.roll(picture, 1, axis=0), picture])
    assert not is_rolled([picture, picture[::-1].copy(), picture])


def steps(*sizes: float) -> list[Look]:
    return [Look(0.5, 0.2, size) for size in sizes]


def test_a_freeze_needs_motion_a_stop_and_a_jump() -> None:
    move, jump = 0.03, 0.055
    assert is_frozen(steps(*[move] * 6, 0, jump, *[move] * 6), 6, 2, 0.5)
    assert not is_frozen(steps(*[move] * 6, 0, move, *[move] * 6), 6, 2, 0.5)
    assert not is_frozen(steps(*[0.001] * 6, 0, 0.002, *[0.001] * 6), 6, 2, 0.5)
    assert not is_frozen(steps(move, move, move, 0, move, move, 0, jump, *[move] * 6), 6, 2, 0.5)


def test_a_copy_of_the_frame_behind_it_is_found_too() -> None:
    move, jump = 0.03, 0.055
    looks = steps(*[move] * 7, jump, 0, *[move] * 7)
    assert [at for at in (6, 7, 8, 9) if is_frozen(looks, at, 2, 0.5)] == [7]
    # Motion that grows and fades by itself is as strong on both sides of the copy.
    assert not any(is_frozen(steps(*[move] * 7, jump, 0, 0.053, *[move] * 7), at, 1, 0.5) for at in (6, 7, 8, 9))


def test_steps_beyond_the_ends_of_a_shot_do_not_count() -> None:
    move, jump = 0.03, 0.055
    looks = steps(*[move] * 6, 0, jump, *[move] * 6)
    few = [look._replace(real=at in (5, 6, 7)) for at, look in enumerate(looks)]
    mirrored = [look._replace(step=0.0, real=False) if at < 5 else look for at, look in enumerate(looks)]
    assert is_frozen(mirrored, 6, 2, 0.5)
    assert not is_frozen(few, 6, 2, 0.5)


@pytest.mark.parametrize("lost", [[3], [2, 3]])
def test_a_copy_in_a_short_shot_is_rebuilt(lost: list[int]) -> None:
    truth = pan(8)
    spoilt = truth.copy()
    spoilt[lost] = truth[lost[0] - 1]
    assert changed(repair_frames(clip_of(spoilt))) == lost


def test_blank_and_flash_by_numbers() -> None:
    sound, black, bright = Look(0.4, 0.2, 0), Look(0.01, 0.004, 0), Look(0.6, 0.2, 0)
    assert is_blank([sound] * 4 + [black] + [sound] * 4, 4, 2, 0.5)
    assert not is_blank([black] * 5 + [sound] * 4, 4, 2, 0.5)
    assert is_flash([sound, bright, sound], 1, 0.5)
    assert not is_flash([sound, bright, bright], 1, 0.5)


def test_a_patch_takes_the_level_around_it() -> None:
    clip = core.std.BlankClip(width=128, height=96, format=vs.YUV420P8, color=[100, 128, 120], length=1)
    patch = core.std.BlankClip(clip, color=[92, 128, 126])
    square = core.std.BlankClip(clip, width=32, height=32, format=vs.GRAY8, color=255)
    mask = square.std.AddBorders(48, 48, 32, 32)
    frame = fit_patch(clip, patch, mask).get_frame(0)
    assert [int(np.asarray(frame[p])[24 if p else 48, 32 if p else 64]) for p in range(3)] == [100, 128, 120]


@pytest.mark.footage
@pytest.mark.parametrize(
    ("name", "start", "faults"),
    [
        ("film_within_our_gates_1920.mkv", 14, [28]),  # burnt at the splice
        ("film_market_street_1906.mkv", 0, []),  # copies without a jump
        ("film_apollo_16mm_colour.mp4", 30, []),  # falling ice
        ("motion_tos_fight.mkv", 24, []),  # a cut, fast limbs, shake
        ("motion_juggle_720p.mp4", 20, []),
    ],
)
def test_real_films(footage: Callable[[str], Path], name: str, start: int, faults: list[int]) -> None:
    clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachemode=0)[start : start + 22]
    result = repair_frames(clip.resize.Bilinear(480, 360))
    assert changed(result) == [n - start for n in faults]
