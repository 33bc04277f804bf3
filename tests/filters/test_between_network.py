"""Frames between frames by our own network: better than what it is made of, never wild, the same in any order."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

from tests.filters.test_interpolate import pan, psnr
from tests.pictures import clip_of, frames_of
from vsfilmrestore.filters._between_blend import OWN, chosen_blend
from vsfilmrestore.filters._between_motion import GUESSES, followed, motions_at, motions_between, share_lost, size_for
from vsfilmrestore.filters._flow import fine_flow_between, flow_between, moved
from vsfilmrestore.filters._lost_frame import Beside, Guesses
from vsfilmrestore.filters.interpolate import interpolate
from vsfilmrestore.filters.schema import FILTERS

needs_network = pytest.mark.skipif(not chosen_blend("auto"), reason="no network can be run here")


def grey(pictures: npt.NDArray[np.float32]) -> list[npt.NDArray[np.uint8]]:
    return [np.ascontiguousarray(np.rint(picture).astype(np.uint8)) for picture in pictures]


def test_guesses_show_the_motion_at_the_time_between() -> None:
    far_left, left, right, far_right = grey(pan(4, step=6))
    for time in (0.5, 0.25):
        found = motions_between(Beside(left, far_left), Beside(right, far_right), time)
        assert len(found.flows) == len(found.covers) == GUESSES
        for flow in found.flows:
            assert flow.shape == (80, 128, 2)
            assert np.abs(np.median(flow[20:60, 20:60, 0]) + 3) < 0.3  # six pixels to the left, in half the size


def test_without_frames_beyond_the_first_guess_stands_for_the_last() -> None:
    left, right = grey(pan(2, step=6))
    ways = followed(Beside(left, None), Beside(right, None))
    assert ways.known == [True, True, False]
    found = motions_at(ways, left, right, 0.5)
    np.testing.assert_array_equal(found.flows[2], found.flows[0])
    assert not found.covers[2].any()


def test_flow_down_to_single_pixels_is_nearer_to_parts_of_a_pixel() -> None:
    left = pan(1)[0]
    way = np.zeros((*left.shape, 2), np.float32)
    way[..., 0], way[..., 1] = 1.3, -0.6
    a, b = grey(np.stack([left, moved(left, -way, cubic=True)]))
    inner = np.s_[16:-16, 16:-16]
    usual, fine = (np.abs(flow(a, b) - way)[inner].mean() for flow in (flow_between, fine_flow_between))
    assert fine < 0.6 * usual


def test_guesses_begin_with_flow_that_is_known() -> None:
    left, right = (Beside(picture, None) for picture in grey(pan(2, step=6)))
    known = np.full((160, 256, 2), 4, np.float32), np.full((160, 256, 2), -4, np.float32)
    given = Guesses.of(left, right, 0.5, 1.0, first=known)
    np.testing.assert_allclose(given.motions[0][20:60, 20:60], 2, atol=0.01)  # four pixels, in half the size
    own = Guesses.of(left, right, 0.5, 1.0).motions[0]
    assert abs(float(np.median(own[20:60, 20:60, 0])) + 3) < 0.3


def test_two_scenes_are_told_from_fast_motion() -> None:
    left, right = grey(pan(2, step=18))
    fast = share_lost(followed(Beside(left, None), Beside(right, None)), left, right)
    other = np.ascontiguousarray(255 - right[::-1, ::-1])
    cut = share_lost(followed(Beside(left, None), Beside(other, None)), left, other)
    assert fast < 0.2
    assert cut > 0.41


@pytest.mark.parametrize(
    ("size", "seen_as"), [((650, 372), (656, 368)), ((1920, 1080), (1280, 720)), ((7, 5), (32, 32))]
)
def test_what_is_looked_at_has_sides_of_sixteens(size: tuple[int, int], seen_as: tuple[int, int]) -> None:
    assert size_for(*size) == seen_as


@needs_network
def test_it_beats_block_motion_where_a_coin_moves_against_a_pan() -> None:
    pictures = pan(9, step=4)
    truth = pictures[3:6:2]
    own, blocks = (
        frames_of(interpolate(clip_of(pictures[::2], rate=12), 24, model=model, cadence="off"))[3:6:2]
        for model in ("auto", "")
    )
    assert psnr(own, truth) > psnr(blocks, truth) + 0.5


@needs_network
def test_nothing_is_lighter_or_darker_than_both_frames_near_it() -> None:
    flat = np.full((4, 64, 96), 90, np.float32)
    flat[:, 20:40, 20:40] = 200
    flat[2:] = np.roll(flat[2:], 6, axis=2)
    made = frames_of(interpolate(clip_of(flat), 60))
    assert made.min() >= 90 - 12
    assert made.max() <= 200 + 12
    assert (made[:, :10] == 90).all()


@needs_network
@pytest.mark.parametrize("format_id", [vs.YUV420P8, vs.YUV422P10, vs.RGB48, vs.GRAYS])
def test_formats_times_and_any_order(format_id: vs.PresetVideoFormat) -> None:
    rgb = format_id == vs.RGB48
    source = clip_of(pan(4)[:, :64, :96])
    source = source.resize.Bicubic(format=vs.RGB24) if rgb else source
    told: dict[str, Any] = {} if rgb or format_id == vs.GRAYS else {"matrix_s": "709"}
    source = source.resize.Bicubic(format=format_id, **told)
    made = interpolate(source, 59.94)
    first = [np.asarray(made.get_frame(n)[0]).copy() for n in range(made.num_frames)]
    again = interpolate(source, 59.94)
    for n in (6, 1, 4):
        np.testing.assert_array_equal(np.asarray(again.get_frame(n)[0]), first[n])
    assert made.format.id == source.format.id


def test_the_weights_are_part_of_what_decides_a_picture() -> None:
    spec = FILTERS["interpolate"]
    none = spec.weights(spec.complete({"fps": 48.0, "model": ""}))
    assert none == ""
    if chosen_blend("auto"):
        assert spec.weights(spec.complete({"fps": 48.0})) == spec.weights(spec.complete({"fps": 48.0, "model": OWN}))
        assert len(spec.weights(spec.complete({"fps": 48.0}))) == 64
