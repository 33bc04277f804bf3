"""Motion between neighbours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from tests.pictures import clip_of
from vsfilmrestore.filters._motion import NO_CUTS, analysis_luma, estimate, match_level, mirrored

core = vs.core

FORMATS = [
    vs.GRAY8,
    vs.GRAY16,
    vs.GRAYS,
    vs.GRAYH,
    vs.YUV420P8,
    vs.YUV422P10,
    vs.YUV444P16,
    vs.YUV411P8,
    vs.YUV410P8,
    vs.YUV444PS,
    vs.YUV420PH,
    vs.RGB24,
    vs.RGB48,
    vs.RGBS,
    vs.RGBH,
]


def pan(frames: int = 6, step: int = 3, size: tuple[int, int] = (96, 128)) -> npt.NDArray[np.uint16]:
    """Smooth random texture that moves ``step`` pixels to the left a frame."""
    rng = np.random.default_rng(1)
    texture = rng.normal(0, 1, (size[0], size[1] + step * frames))
    for _ in range(3):
        texture = (texture + np.roll(texture, 1, 0) + np.roll(texture, 1, 1) + np.roll(texture, (1, 1), (0, 1))) / 4
    texture = 30000 + 8000 * texture / texture.std()
    return np.stack([texture[:, i * step : i * step + size[1]] for i in range(frames)]).clip(0, 65535).astype(np.uint16)


def plane(clip: vs.VideoNode, n: int) -> npt.NDArray[np.float64]:
    return np.asarray(clip.get_frame(n)[0]).astype(np.float64)


@pytest.mark.parametrize("distance", [-2, -1, 1, 2])
def test_a_panned_neighbour_lands_on_the_frame(distance: int) -> None:
    frames = pan()
    clip = clip_of(frames, vs.GRAY16)
    moved = estimate(clip, (distance,)).compensate(clip)[distance]
    inner = np.s_[16:-16, 16:-16]
    still = np.abs(frames[2 + distance].astype(float) - frames[2])[inner].mean()
    assert np.abs(plane(moved, 2) - frames[2])[inner].mean() < 0.05 * still


def test_plus_one_is_the_next_frame() -> None:
    frames = np.stack([np.full((32, 32), 1000 * (i + 1), np.uint16) for i in range(4)])
    clip = clip_of(frames, vs.GRAY16)
    motion = estimate(clip, (-1, 1))
    assert plane(motion.compensate(clip)[1], 1).mean() == pytest.approx(3000, abs=1)
    assert plane(motion.compensate(clip)[-1], 1).mean() == pytest.approx(1000, abs=1)


def test_the_frame_stands_in_for_a_neighbour_beyond_the_end() -> None:
    frames = pan(3)
    clip = clip_of(frames, vs.GRAY16)
    motion = estimate(clip, (-1, 1))
    assert np.array_equal(plane(motion.compensate(clip)[-1], 0), frames[0])
    assert np.array_equal(plane(motion.compensate(clip)[1], 2), frames[2])


def test_the_frame_stands_in_for_a_neighbour_beyond_a_cut() -> None:
    frames = pan(4)
    frames[2:] = 65535 - frames[2:]
    frames[2:] //= 3
    clip = clip_of(frames, vs.GRAY16)
    assert np.array_equal(plane(estimate(clip, (1,)).compensate(clip)[1], 1), frames[1])
    open_motion = estimate(clip, (1,), cut_error=NO_CUTS, cut_share=100.0)
    assert not np.array_equal(plane(open_motion.compensate(clip)[1], 1), frames[1])


def test_heavy_grain_is_no_cut() -> None:
    rng = np.random.default_rng(2)
    frames = (pan(4, 0) + rng.normal(0, 16 * 256, (4, 96, 128))).clip(0, 65535).astype(np.uint16)
    clip = clip_of(frames, vs.GRAY16)
    moved = estimate(clip, (1,)).compensate(clip)[1]
    assert not np.array_equal(plane(moved, 1), frames[1])


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: vs.PresetVideoFormat(f).name)
def test_every_format_keeps_format_size_and_props(fmt: int) -> None:
    clip = core.std.BlankClip(width=64, height=48, format=fmt, length=3).std.SetFrameProps(Reel="A001")
    moved = estimate(clip).compensate(clip)[1]
    assert (moved.format.id, moved.width, moved.height, moved.num_frames) == (clip.format.id, 64, 48, 3)
    assert dict(moved.get_frame(1).props) == dict(clip.get_frame(1).props)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 17), (16, 16), (17, 9), (127, 95)])
def test_every_size_works(size: tuple[int, int]) -> None:
    clip = core.std.BlankClip(width=size[0], height=size[1], format=vs.GRAY8, length=2)
    motion = estimate(clip, (1,))
    for result in (motion.compensate(clip)[1], motion.error(1), motion.occlusion(1)):
        assert (result.width, result.height) == size
        result.get_frame(0)


def test_one_frame_is_its_own_neighbour() -> None:
    clip = clip_of(pan(1), vs.GRAY16)
    assert np.array_equal(plane(estimate(clip).compensate(clip)[1], 0), plane(clip, 0))


def test_refining_keeps_the_neighbour_in_place() -> None:
    frames = pan()
    clip = clip_of(frames, vs.GRAY16)
    moved = estimate(clip, (1,), refine=True).compensate(clip)[1]
    inner = np.s_[16:-16, 16:-16]
    assert np.abs(plane(moved, 2) - frames[2])[inner].mean() < 600


def test_error_is_dark_where_the_neighbour_fits_and_white_where_it_does_not() -> None:
    frames = pan(4)
    rng = np.random.default_rng(3)
    frames[3, :48] = rng.integers(0, 65535, (48, 128))
    clip = clip_of(frames, vs.GRAY16)
    error = plane(estimate(clip, (1,), cut_share=100.0).error(1), 2)
    assert error[:32].mean() > 3 * error[64:].mean()


def test_level_is_matched_and_detail_is_not_touched() -> None:
    frames = pan(2, 0)
    frames[1] = frames[0] + 3000
    clip = clip_of(frames, vs.GRAY16)
    other = core.std.Splice([clip[1], clip[0]])
    assert np.abs(plane(match_level(other, clip), 0) - frames[0]).max() <= 2


def test_luma_of_colour_is_a_mean_in_sixteen_bits() -> None:
    rgb = core.std.BlankClip(format=vs.RGB24, width=8, height=8, color=[40, 80, 120], length=1)
    assert plane(analysis_luma(rgb), 0)[0, 0] == 80 * 256
    white = core.std.BlankClip(format=vs.GRAYS, width=8, height=8, color=[1.0], length=1)
    assert plane(analysis_luma(white), 0)[0, 0] == 65535


def test_mirrored_ends() -> None:
    frames = np.stack([np.full((16, 16), i, np.uint16) for i in range(4)])
    clip = mirrored(clip_of(frames, vs.GRAY16), 2)
    assert [int(plane(clip, n)[0, 0]) for n in range(clip.num_frames)] == [2, 1, 0, 1, 2, 3, 2, 1]
    single = mirrored(clip_of(frames[:1], vs.GRAY16), 2)
    assert single.num_frames == 5


def test_building_asks_for_no_frame() -> None:
    def fail(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        raise AssertionError(n)

    blank = core.std.BlankClip(width=64, height=64, format=vs.GRAY16, length=5)
    clip = core.std.ModifyFrame(blank, blank, fail)
    for refine in (False, True):
        motion = estimate(clip, (-2, 1), refine=refine)
        for distance in (-2, 1):
            match_level(motion.compensate(clip)[distance], clip)
            motion.error(distance)
            motion.occlusion(distance)


@pytest.mark.parametrize("distance", [-2, -1, 1, 2])
def test_error_is_white_where_there_is_no_neighbour(distance: int) -> None:
    error = estimate(clip_of(pan(5, 0), vs.GRAY16), (distance,)).error(distance)
    white = [bool(plane(error, n).min() == 65535) for n in range(5)]
    assert white == [not 0 <= n + distance < 5 for n in range(5)]


@pytest.mark.parametrize("refine", [False, True])
def test_vectors_for_other_functions_of_the_plug_in(refine: bool) -> None:
    clip = clip_of(pan(), vs.GRAY16)
    motion = estimate(clip, (1,), refine=refine)
    side = 8 if refine else 16
    moved = core.mvu.Flow(clip, core.mvu.Super(clip, blksize=[side], overlap=[side // 2]), motion.vectors[1])
    assert np.abs(plane(moved, 2) - pan()[2])[16:-16, 16:-16].mean() < 600
