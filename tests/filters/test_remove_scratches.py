"""remove_scratches: takes lines off, leaves posts, edges and everything else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.filters.remove_scratches import remove_scratches
from vsfilmrestore.filters.schema import FILTERS
from vsfilmrestore.media.props import changed_prop, mask_prop

core = vs.core

SIZE = 160, 200
FRAMES = 9
LINES = ((60.0, 0.15, 26.0), (130.0, -0.1, -24.0))
"""Place in frame 0, drift in pixels a frame, height in levels; sigma 0.8 pixels."""


def texture(seed: int, height: int, width: int) -> npt.NDArray[np.float64]:
    """Smooth random picture around 110."""
    rng = np.random.default_rng(seed)
    out = rng.normal(0, 1, (height, width))
    for shift in (1, 2, 3, 4):
        out = (out + np.roll(out, shift, 0) + np.roll(out, shift, 1) + np.roll(out, (shift, shift), (0, 1))) / 4
    return 110 + 8 * out / out.std()


def scene(pan: int = 3, grain: float = 1.5) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(0)
    wide = texture(0, SIZE[0], SIZE[1] + 60)
    return np.stack([wide[:, n * pan :][:, : SIZE[1]] + rng.normal(0, grain, SIZE) for n in range(FRAMES)])


def lines(rows: tuple[float, float] = (0, 1), drifts: float = 1) -> npt.NDArray[np.float64]:
    """What the lines add, [frame, y, x]; from and to these shares of the height."""
    x = np.arange(SIZE[1])
    added = np.zeros((FRAMES, *SIZE))
    top, bottom = (round(share * SIZE[0]) for share in rows)
    for n in range(FRAMES):
        for place, drift, height in LINES:
            added[n, top:bottom] += height * np.exp(-0.5 * ((x - place - drifts * drift * n) / 0.8) ** 2)
    return added


def eight_bit(frames: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    return np.rint(frames.clip(0, 255)).astype(np.uint8)


def clip_of(frames: npt.NDArray[np.uint8]) -> vs.VideoNode:
    count, height, width = frames.shape
    blank = core.std.BlankClip(width=width, height=height, format=vs.GRAY8, length=count, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        np.copyto(np.asarray(out[0]), frames[n])
        return out

    return core.std.ModifyFrame(blank, blank, fill)


def scratched(pan: int = 3, rows: tuple[float, float] = (0, 1)) -> vs.VideoNode:
    return clip_of(eight_bit(scene(pan) + lines(rows)))


def luma(frame: vs.VideoFrame) -> npt.NDArray[np.float64]:
    return np.asarray(frame[0]).astype(np.float64)


def mask_of(frame: vs.VideoFrame) -> npt.NDArray[np.bool_]:
    return np.array(frame.props[mask_prop("remove_scratches")][0]) > 0  # type: ignore[index, call-overload]


@pytest.mark.parametrize("pan", [0, 3])
def test_lines_go_and_what_shines_through_stays(pan: int) -> None:
    truth, added = scene(pan), lines()
    result = remove_scratches(scratched(pan))
    for n in (0, 4, FRAMES - 1):
        core_of_line = np.abs(added[n]) > 8
        left = luma(result.get_frame(n)) - truth[n]
        assert np.abs(left[core_of_line]).mean() < 0.3 * np.abs(added[n][core_of_line]).mean()
        seen, hidden = (image[core_of_line] for image in (luma(result.get_frame(n)), truth[n]))
        assert np.corrcoef(seen, hidden)[0, 1] > 0.85


def test_pixels_outside_the_mask_keep_their_bits_and_the_mask_is_the_lines() -> None:
    clip = scratched()
    result = remove_scratches(clip, 1.0)
    for n in range(FRAMES):
        source, frame = clip.get_frame(n), result.get_frame(n)
        mask = mask_of(frame)
        assert np.array_equal(luma(source)[~mask], luma(frame)[~mask])
        far = np.ones(SIZE[1], bool)
        for place, drift, _ in LINES:
            far[round(place + drift * n) - 6 : round(place + drift * n) + 7] = False
        assert not mask[:, far].any()


def test_a_post_that_moves_with_the_scene_stays() -> None:
    wide = texture(0, SIZE[0], SIZE[1] + 60)
    wide[:, 100:103] -= 40
    frames = np.stack([wide[:, 4 * n : 4 * n + SIZE[1]] for n in range(FRAMES)])
    assert not any(mask_of(f).any() for f in remove_scratches(clip_of(eight_bit(frames)), 1.0).frames())


def test_an_edge_stays() -> None:
    frames = scene(0)
    frames[:, :, 90:] += 50
    frames[:, :, 90] += 12
    assert not any(mask_of(f).any() for f in remove_scratches(clip_of(eight_bit(frames)), 1.0).frames())


def test_a_short_post_in_a_still_scene_stays() -> None:
    clip = scratched(pan=0, rows=(0.1, 0.7))
    assert not any(mask_of(f).any() for f in remove_scratches(clip).frames())


@pytest.mark.parametrize("rows", [(0, 1), (0.1, 0.7)])
def test_what_does_not_move_against_the_scene_stays_unless_it_is_pointed_at(rows: tuple[float, float]) -> None:
    groove = clip_of(eight_bit(scene(0) + lines(rows, drifts=0)))
    assert not any(mask_of(f).any() for f in remove_scratches(groove).frames())
    assert (
        mask_of(remove_scratches(groove, only=[(40, 0, 80, SIZE[0])]).get_frame(4))[:, 55:66].any(axis=1).mean() > 0.5
    )


def test_a_groove_that_weaves_with_the_scene_stays() -> None:
    wide = texture(0, SIZE[0], SIZE[1] + 20)
    wide[:, 100:103] -= 30  # far enough from the lines that they do not hide how the scene weaves
    weave = np.random.default_rng(4).normal(0, 0.7, FRAMES)
    x = np.arange(wide.shape[1])
    woven = np.stack([[np.interp(x + 8 + w, x, row)[: SIZE[1]] for row in wide] for w in weave])
    assert not any(mask_of(f).any() for f in remove_scratches(clip_of(eight_bit(woven))).frames())
    standing = woven.copy()
    standing += 26 * np.exp(-0.5 * ((np.arange(SIZE[1]) - 160) / 0.8) ** 2)
    mask = mask_of(remove_scratches(clip_of(eight_bit(standing))).get_frame(4))
    assert mask[:, 156:165].any(axis=1).mean() > 0.9
    assert not mask[:, 86:98].any()


def test_a_short_line_goes_where_the_scene_moves() -> None:
    result = remove_scratches(scratched(pan=5, rows=(0.1, 0.75)))
    assert all(mask_of(result.get_frame(n))[30:110].any(axis=1).mean() > 0.6 for n in (3, 4, 5))
    assert not mask_of(remove_scratches(scratched(pan=5, rows=(0.1, 0.75)), min_length=90).get_frame(4)).any()


def test_a_line_that_frames_beside_show_is_looked_for_again() -> None:
    added = lines(drifts=0.8)
    added[4, 96:] = 0  # what ends in the picture must move more against the scene, if it stands alone
    clip = clip_of(eight_bit(scene(0) + added))
    once = clip_of(eight_bit(scene(0) + np.where(np.arange(FRAMES)[:, None, None] == 4, added, 0)))
    fixed, alone = (remove_scratches(each, model="").get_frame(4) for each in (clip, once))
    assert not mask_of(alone).any()
    clean, damaged, mended = scene(0)[4], luma(clip.get_frame(4)), luma(fixed)
    line = np.abs(added[4]) > 3
    assert np.abs(mended - clean)[line].mean() < 0.3 * np.abs(damaged - clean)[line].mean()
    assert np.abs(mended - damaged)[104:, line.any(0)].mean() < 2  # beyond its end
    assert not mask_of(fixed)[:, ~line.any(0) & ~np.roll(line.any(0), 3) & ~np.roll(line.any(0), -3)].any()


def test_a_clean_clip_stays() -> None:
    for pan in (0, 3):
        assert not any(mask_of(f).any() for f in remove_scratches(clip_of(eight_bit(scene(pan))), 1.0).frames())


@pytest.mark.parametrize(("polarity", "light", "dark"), [("bright", True, False), ("dark", False, True)])
def test_polarity(polarity: str, light: bool, dark: bool) -> None:
    mask = mask_of(remove_scratches(scratched(), polarity=polarity).get_frame(4))  # type: ignore[arg-type]
    assert [mask[:, 50:70].any(), mask[:, 120:140].any()] == [light, dark]


def test_regions() -> None:
    box = (40, 0, 80, SIZE[0])
    spared = mask_of(remove_scratches(scratched(), protect=[box]).get_frame(4))
    alone = mask_of(remove_scratches(scratched(), only=[box]).get_frame(4))
    assert [spared[:, 50:70].any(), spared[:, 120:140].any()] == [False, True]
    assert [alone[:, 50:70].any(), alone[:, 120:140].any()] == [True, False]


@pytest.mark.parametrize("fmt", [vs.GRAY16, vs.GRAYS, vs.GRAYH, vs.YUV420P10, vs.YUV444PS, vs.RGB24, vs.RGB48, vs.RGBH])
def test_every_format(fmt: int) -> None:
    target = core.get_video_format(fmt)
    grey = scratched()
    rgb = core.std.ShufflePlanes(grey, [0, 0, 0], vs.RGB)
    if target.color_family == vs.GRAY:
        clip = grey.resize.Point(format=fmt)
    elif target.color_family == vs.RGB:
        clip = rgb.resize.Point(format=fmt)
    else:
        clip = rgb.resize.Point(format=fmt, matrix=vs.MATRIX_BT709)
    clip = clip.std.SetFrameProps(Reel="A001")
    result = remove_scratches(clip)
    assert (result.format.id, result.width, result.height, result.num_frames) == (fmt, SIZE[1], SIZE[0], FRAMES)
    frame, source = result.get_frame(4), clip.get_frame(4)
    assert {k: v for k, v in frame.props.items() if not k.startswith("_Vsfr")} == dict(source.props)
    assert 0.01 < float(frame.props[changed_prop("remove_scratches")]) < 0.12  # type: ignore[arg-type]


def test_a_line_in_one_colour_alone_is_found() -> None:
    clean, line = clip_of(eight_bit(scene())), scratched()
    clip = core.std.ShufflePlanes([clean, clean, line], [0, 0, 0], vs.RGB)
    frame = remove_scratches(clip).get_frame(4)
    assert mask_of(frame)[:, 55:66].any(axis=1).mean() > 0.9
    assert np.array_equal(luma(frame), luma(clip.get_frame(4)))
    assert np.abs(np.asarray(frame[2]).astype(float) - scene()[4])[lines()[4] > 8].mean() < 8


def test_strength_zero_is_the_clip_itself() -> None:
    clip = scratched()
    assert remove_scratches(clip, 0) is clip


def test_more_strength_does_more() -> None:
    faint = clip_of(eight_bit(scene() + lines() / 4.5))
    masks = [mask_of(remove_scratches(faint, s).get_frame(4)) for s in (0.1, 0.4, 0.7, 1.0)]
    assert masks[-1].sum() > masks[0].sum()
    for weak, strong in pairwise(masks):
        assert not (weak & ~strong).any()


def test_a_line_that_is_short_goes_at_full_strength_only() -> None:
    wide = texture(1, 600, 160)
    frames = np.stack([wide[:, 4 * n : 4 * n + 100] for n in range(FRAMES)])
    x = np.arange(100)
    for n, frame in enumerate(frames):
        frame[96:240] += 60 * np.exp(-0.5 * ((x - 50 - 0.3 * n) / 0.8) ** 2)
    clip = clip_of(eight_bit(frames))
    shares = [mask_of(remove_scratches(clip, dose, min_length=20).get_frame(4)).mean() for dose in (0.1, 1.0)]
    assert shares[0] == 0 < shares[1]


def test_the_radius_is_true() -> None:
    once = eight_bit(scene() + lines())
    frames, middle = np.concatenate([once, once[::-1]]), FRAMES
    reach = FILTERS["remove_scratches"].reach({})
    far = frames.copy()
    for beyond in (slice(middle - reach), slice(middle + reach + 1, None)):
        assert len(far[beyond])
        far[beyond] = 255 - far[beyond]
    one, other = (remove_scratches(clip_of(f)).get_frame(middle) for f in (frames, far))
    assert np.array_equal(luma(one), luma(other))


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (33, 40), (127, 95)])
@pytest.mark.parametrize("length", [1, 2])
def test_odd_sizes_and_short_clips(size: tuple[int, int], length: int) -> None:
    clip = core.std.BlankClip(width=size[0], height=size[1], format=vs.GRAY8, length=length, color=90)
    result = remove_scratches(clip)
    assert all(np.array_equal(luma(a), luma(b)) for a, b in zip(result.frames(), clip.frames(), strict=True))


def test_building_asks_for_no_frame() -> None:
    def fail(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        raise AssertionError(n)

    blank = core.std.BlankClip(width=64, height=64, format=vs.GRAY8, length=5)
    remove_scratches(core.std.ModifyFrame(blank, blank, fail))


def test_errors_name_the_filter() -> None:
    with pytest.raises(vs.Error, match=r"^remove_scratches: max_width must be 1\.\.31"):
        remove_scratches(scratched(), max_width=0)


@pytest.mark.footage
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("face_asl_sister.mkv", 0.0),
        ("motion_tos_fight.mkv", 0.0),
        ("film_his_girl_friday_1940.mp4", 0.0),
        ("film_within_our_gates_1920.mkv", 0.0005),  # grooves of doors from top to bottom
    ],
)
def test_door_frames_and_limbs_stay(footage: Callable[[str], Path], name: str, share: float) -> None:
    clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachemode=0, showprogress=False)[10:22]
    shares = [f.props[changed_prop("remove_scratches")] for f in remove_scratches(clip).frames()]
    assert np.mean(shares) <= share  # type: ignore[arg-type]
