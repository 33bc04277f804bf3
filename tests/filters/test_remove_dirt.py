"""remove_dirt: finds specks of one frame, keeps everything else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from vsfilmrestore.filters import _detector
from vsfilmrestore.filters._dirt_learned import DETECTOR
from vsfilmrestore.filters._dirt_measured import evidence
from vsfilmrestore.filters._dirt_sight import sight
from vsfilmrestore.filters._dirt_specks import FEATURES, polynomial, specks
from vsfilmrestore.filters._model import can_run
from vsfilmrestore.filters.remove_dirt import remove_dirt
from vsfilmrestore.filters.schema import FILTERS
from vsfilmrestore.media.props import changed_prop, mask_prop

core = vs.core

type Planes = list[npt.NDArray[Any]]

SIZE = 128, 176
FRAMES = 7
FORMATS = [
    vs.GRAY8,
    vs.GRAY16,
    vs.GRAYS,
    vs.YUV420P8,
    vs.YUV422P10,
    vs.YUV444P16,
    vs.YUV420PH,
    vs.YUV410P8,
    vs.RGB24,
    vs.RGB48,
    vs.RGBS,
]


@pytest.fixture(params=["measured", "learned"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What holds, holds with the network and without."""
    name: str = request.param
    if name == "learned" and not can_run(DETECTOR.own):
        pytest.skip("networks cannot be run here: pip install vsfilmrestore[onnx]")
    monkeypatch.setattr(_detector, "can_run", lambda _: name == "learned")
    return name


def texture(seed: int, height: int, width: int) -> npt.NDArray[np.float64]:
    """Smooth random picture around 110 with a few hard edges."""
    rng = np.random.default_rng(seed)
    out = rng.normal(0, 1, (height, width))
    for shift in (1, 2, 3, 4):
        out = (out + np.roll(out, shift, 0) + np.roll(out, shift, 1) + np.roll(out, (shift, shift), (0, 1))) / 4
    out = 110 + 22 * out / out.std()
    out[30:70, 60:90] += 40
    return out.clip(0, 255)


def scene(pan: int = 2, grain: float = 1.5, flicker: float = 0.0, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Camera pan over a texture, with grain and flicker: [frame, y, x]."""
    rng = np.random.default_rng(seed)
    wide = texture(seed, SIZE[0], SIZE[1] + 40)
    frames = [wide[:, i * pan : i * pan + SIZE[1]] for i in range(FRAMES)]
    lit = [f * (1 + flicker * rng.normal()) + rng.normal(0, grain, SIZE) for f in frames]
    return np.rint(np.stack(lit).clip(0, 255)).astype(np.uint8)


SPECKS = ((3, 40, 30, 9, 215), (3, 90, 120, 5, 12), (2, 20, 140, 6, 10), (4, 100, 60, 12, 230))
"""Frame, row, column, diameter, value."""


def speck_mask(frame: int) -> npt.NDArray[np.bool_]:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    mask = np.zeros(SIZE, bool)
    for n, row, column, size, _ in SPECKS:
        if n == frame:
            mask |= np.hypot(y - row, x - column) <= size / 2
    return mask


def with_specks(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    out = frames.copy()
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    for n, row, column, size, value in SPECKS:
        out[n][np.hypot(y - row, x - column) <= size / 2] = value
    return out


def clip_of(frames: npt.NDArray[np.uint8]) -> vs.VideoNode:
    """GRAY8 clip of [frame, y, x]."""
    count, height, width = frames.shape
    blank = core.std.BlankClip(width=width, height=height, format=vs.GRAY8, length=count, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        np.copyto(np.asarray(out[0]), frames[n])
        return out

    return core.std.ModifyFrame(blank, blank, fill)


def in_format(clip: vs.VideoNode, fmt: int) -> vs.VideoNode:
    target = core.get_video_format(fmt)
    if target.color_family == vs.GRAY:
        return clip.resize.Point(format=fmt)
    rgb = core.std.ShufflePlanes(clip, [0, 0, 0], vs.RGB)
    if target.color_family == vs.RGB:
        return rgb.resize.Point(format=fmt)
    return rgb.resize.Bicubic(format=fmt, matrix=vs.MATRIX_BT709)


def planes(frame: vs.VideoFrame) -> Planes:
    return [np.array(plane) for plane in frame]


def same(a: vs.VideoFrame, b: vs.VideoFrame) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(planes(a), planes(b), strict=True))


def mask_of(frame: vs.VideoFrame) -> npt.NDArray[np.bool_]:
    return np.array(frame.props[mask_prop("remove_dirt")][0]) > 0  # type: ignore[index, call-overload]


def error(frame: vs.VideoFrame, truth: npt.NDArray[np.uint8], where: npt.NDArray[np.bool_]) -> float:
    return float(np.abs(np.asarray(frame[0]).astype(float) - truth)[where].mean())


@pytest.mark.parametrize(("pan", "grain", "flicker"), [(0, 1.5, 0), (2, 1.5, 0), (3, 4, 0), (2, 1.5, 0.05)])
def test_specks_go_in_stills_pans_grain_and_flicker(pan: int, grain: float, flicker: float) -> None:
    clean = scene(pan, grain, flicker)
    result = remove_dirt(clip_of(with_specks(clean)), 0.7, max_size=150)
    for n in (2, 3, 4):
        frame, where = result.get_frame(n), speck_mask(n)
        assert mask_of(frame)[where].mean() > 0.95
        assert error(frame, clean[n], where) < 6 + 1.5 * grain
        assert mask_of(frame)[~where].mean() < 0.02


def test_pixels_outside_the_mask_keep_their_bits() -> None:
    clip = clip_of(with_specks(scene()))
    result = remove_dirt(clip, 1.0, max_size=150)
    for n in range(FRAMES):
        source, frame = clip.get_frame(n), result.get_frame(n)
        outside = ~mask_of(frame)
        assert np.array_equal(np.asarray(source[0])[outside], np.asarray(frame[0])[outside])


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: vs.PresetVideoFormat(f).name)
def test_every_format(fmt: int) -> None:
    clean = scene()
    clip = in_format(clip_of(with_specks(clean)), fmt).std.SetFrameProps(Reel="A001")
    result = remove_dirt(clip, 0.7, max_size=150)
    assert (result.format.id, result.width, result.height, result.num_frames) == (fmt, SIZE[1], SIZE[0], FRAMES)
    frame, source = result.get_frame(3), clip.get_frame(3)
    assert {k: v for k, v in frame.props.items() if not k.startswith("_Vsfr")} == dict(source.props)
    assert frame.props[changed_prop("remove_dirt")] == pytest.approx(mask_of(frame).mean(), abs=1e-6)
    assert mask_of(frame)[speck_mask(3)].mean() > 0.9
    back = result if clip.format.color_family == vs.GRAY else result.std.ShufflePlanes(0, vs.GRAY)
    truth = in_format(clip_of(clean), fmt).std.ShufflePlanes(0, vs.GRAY)
    got, want = (np.asarray(c.resize.Point(format=vs.GRAYS).get_frame(3)[0]) for c in (back, truth))
    assert np.abs(got - want)[speck_mask(3)].mean() < 0.04


def test_a_speck_in_one_colour_alone_is_found() -> None:
    clean = core.std.ShufflePlanes([clip_of(scene(seed=k)) for k in (0, 0, 0)], [0, 0, 0], vs.RGB)
    blue = clip_of(with_specks(scene()))
    clip = core.std.ShufflePlanes([clean, clean, blue], [0, 1, 0], vs.RGB)
    frame = remove_dirt(clip, 0.7, max_size=150).get_frame(3)
    where = speck_mask(3)
    assert mask_of(frame)[where].mean() > 0.9
    assert np.abs(np.asarray(frame[2]).astype(float) - scene()[3])[where].mean() < 8


def test_a_clean_clip_stays_as_it_is() -> None:
    clip = clip_of(scene())
    result = remove_dirt(clip, 1.0)
    assert all(mask_of(frame).mean() < 0.0005 for frame in result.frames())


def test_what_moves_through_the_frames_is_not_dirt() -> None:
    """A small ball too fast for the motion search stands out from both neighbours in every frame."""
    frames = scene(0)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    for n in range(FRAMES):
        frames[n][np.hypot(y - 40 - 5 * n, x - 20 - 12 * n) <= 3] = 230
    result = remove_dirt(clip_of(frames), 0.5, max_size=150)
    shares = [mask_of(result.get_frame(n)).mean() for n in range(1, FRAMES - 1)]
    assert np.mean([share > 0 for share in shares]) <= 0.2


def test_nothing_is_done_across_a_cut_or_in_a_flash() -> None:
    one, two = scene(1, seed=0), scene(1, seed=5)
    two = 255 - two
    cut = np.concatenate([one[:4], two[:3]])
    flash = one.copy()
    flash[3] = (flash[3].astype(int) + 90).clip(0, 255)
    for frames in (cut, flash):
        result = remove_dirt(clip_of(frames), 1.0)
        assert all(mask_of(frame).mean() < 0.001 for frame in result.frames())


def test_strength_zero_is_the_clip_itself() -> None:
    clip = clip_of(scene())
    assert remove_dirt(clip, 0) is clip


def test_more_strength_does_more() -> None:
    clip = clip_of(with_specks(scene(grain=6)))
    masks = [mask_of(remove_dirt(clip, s, max_size=150).get_frame(3)) for s in (0.1, 0.4, 0.7, 1.0)]
    for weak, strong in pairwise(masks):
        assert not (weak & ~strong).any()


def test_large_specks_are_left() -> None:
    clip = clip_of(with_specks(scene()))
    small, large = speck_mask(4), 40
    assert not mask_of(remove_dirt(clip, 0.7, max_size=large).get_frame(4))[small].any()
    assert mask_of(remove_dirt(clip, 0.7, max_size=3 * large).get_frame(4))[small].mean() > 0.9


@pytest.mark.parametrize(("polarity", "light", "dark"), [("bright", True, False), ("dark", False, True)])
def test_polarity(polarity: str, light: bool, dark: bool) -> None:
    clip = clip_of(with_specks(scene()))
    mask = mask_of(remove_dirt(clip, 0.8, max_size=150, polarity=polarity).get_frame(3))  # type: ignore[arg-type]
    assert (mask[40, 30], mask[90, 120]) == (light, dark)


def test_a_dose_for_each_kind() -> None:
    frames = with_specks(scene())
    frames[3][60:62, 24:50] = 10  # a hair
    clip = clip_of(frames)
    whole, dull, bald = (
        mask_of(remove_dirt(clip, 0.8, max_size=200, **dose).get_frame(3))
        for dose in ({}, {"sparkle": 0.0}, {"hair": 0.0})  # type: ignore[arg-type]
    )
    places = (40, 30), (90, 120), (60, 40)  # bright, dark, hair
    assert [whole[at] for at in places] == [True, True, True]
    assert [dull[at] for at in places] == [False, True, True]
    assert [bald[at] for at in places] == [True, True, False]


def test_regions() -> None:
    clip = clip_of(with_specks(scene()))
    box = (10, 20, 60, 60)
    spared = mask_of(remove_dirt(clip, 0.8, max_size=150, protect=[box]).get_frame(3))
    alone = mask_of(remove_dirt(clip, 0.8, max_size=150, only=[box]).get_frame(3))
    assert (spared[40, 30], spared[90, 120]) == (False, True)
    assert (alone[40, 30], alone[90, 120]) == (True, False)


def test_grain_is_given_back() -> None:
    clean = scene(0, 5)
    clip = clip_of(with_specks(clean))
    where = speck_mask(4)
    still = texture(0, SIZE[0], SIZE[1] + 40)[:, : SIZE[1]]
    rough, smooth = (
        np.std((np.asarray(remove_dirt(clip, 1.0, max_size=150, grain=g).get_frame(4)[0]) - still)[where])
        for g in (1.0, 0.0)
    )
    assert smooth < rough < 1.3 * 5


def test_the_radius_is_true() -> None:
    frames = with_specks(scene())
    reach = FILTERS["remove_dirt"].reach({})
    noise = np.random.default_rng(9).integers(0, 255, frames.shape).astype(np.uint8)
    far = frames.copy()
    far[: 3 - reach], far[3 + reach + 1 :] = noise[: 3 - reach], noise[3 + reach + 1 :]
    assert same(remove_dirt(clip_of(frames), 0.7).get_frame(3), remove_dirt(clip_of(far), 0.7).get_frame(3))


def test_the_order_of_requests_does_not_matter() -> None:
    clip = clip_of(with_specks(scene()))
    forward, backward = remove_dirt(clip, 0.7), remove_dirt(clip, 0.7)
    first = [planes(forward.get_frame(n)) for n in range(FRAMES)]
    for n in (6, 0, 3, 5, 1, 4, 2):
        assert np.array_equal(planes(backward.get_frame(n))[0], first[n][0])


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (17, 33), (127, 95)])
@pytest.mark.parametrize("length", [1, 2])
def test_odd_sizes_and_short_clips(size: tuple[int, int], length: int) -> None:
    clip = core.std.BlankClip(width=size[0], height=size[1], format=vs.GRAY8, length=length, color=90)
    result = remove_dirt(clip)
    assert all(same(a, b) for a, b in zip(result.frames(), clip.frames(), strict=True))


def test_building_asks_for_no_frame() -> None:
    def fail(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        raise AssertionError(n)

    blank = core.std.BlankClip(width=64, height=64, format=vs.GRAY8, length=5)
    remove_dirt(core.std.ModifyFrame(blank, blank, fail))


def test_errors_name_the_filter() -> None:
    clip = core.std.BlankClip(width=64, height=64, format=vs.GRAY8, length=1)
    with pytest.raises(vs.Error, match=r"^remove_dirt: max_size must be 2\.\.200"):
        remove_dirt(clip, max_size=0)


def test_features_tell_a_speck_from_a_frame_without_any() -> None:
    proof = evidence(sight(clip_of(with_specks(scene()))))
    found = specks([m.get_frame(3) for m in proof.maps])
    assert found.features.shape[1] == len(FEATURES)
    bright, dark = found.labels[40, 30], found.labels[90, 120]
    assert bright > 0 < dark
    assert [bool(found.light[k]) for k in (bright, dark)] == [True, False]
    assert 7 <= found.length[bright] <= 11
    assert polynomial(found.features).shape == (len(found.features), 55)


@pytest.mark.footage
@pytest.mark.slow
def test_real_films_lose_dirt_but_no_ice(footage: Callable[[str], Path]) -> None:
    """A film of 1906 has dirt in every frame. Ice that falls past a rocket looks like it; most of it stays."""

    def share(name: str, first: int) -> float:
        clip = core.bs.VideoSource(str(footage(f"clips/{name}")), cachemode=0, showprogress=False)
        frames = remove_dirt(clip[first : first + 8]).frames()
        return float(np.mean([frame.props[changed_prop("remove_dirt")] for frame in frames]))  # type: ignore[arg-type]

    assert 0.0002 < share("film_market_street_1906.mkv", 14) < 0.01
    assert share("film_apollo_16mm_colour.mp4", 40) < 0.0005


@pytest.mark.parametrize(("width", "height"), [(4, 4), (12, 12), (15, 40), (16, 16), (17, 33)])
def test_pictures_of_hardly_any_pixels_come_through(width: int, height: int) -> None:
    clip = core.std.BlankClip(format=vs.GRAY8, width=width, height=height, length=7, color=100)
    assert np.array_equal(np.asarray(remove_dirt(clip).get_frame(3)[0]), np.asarray(clip.get_frame(3)[0]))
