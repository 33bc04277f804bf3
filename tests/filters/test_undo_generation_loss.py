"""What copying did, taken back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
from tests.filters.drawn_edges import clip_of, decibels, edges, luma_of, worn
from tests.inference.makers import hashes, streamed
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.filters._generation_measure import contrast_of, curve_of


def steeper(picture: np.ndarray, contrast: float) -> np.ndarray:
    g = curve_of(contrast)
    return np.asarray(0.5 + np.tanh(g * (2 * picture - 1)) / (2 * np.tanh(g)), np.float32)


def glowing(picture: np.ndarray, glow: float) -> np.ndarray:
    light = np.clip((picture - 0.7) / 0.3, 0, 1)
    around = cv2.GaussianBlur(light, (0, 0), 0.012 * picture.shape[1])
    return np.asarray(np.clip(picture + glow * around * (1 - light), 0, 1), np.float32)


@pytest.mark.parametrize("contrast", [1.1, 1.3])
def test_tones_come_back_as_they_were(contrast: float) -> None:
    clip = clip_of(steeper(edges(), contrast))
    made = luma_of(fr.undo_generation_loss(clip, 1.0, contrast=contrast, sharpen=0.0))
    assert np.abs(made - edges()).max() < 0.01
    half = luma_of(fr.undo_generation_loss(clip, 0.5, contrast=contrast, sharpen=0.0))
    assert np.allclose(half, (made + luma_of(clip)) / 2, atol=1e-3)


def test_the_glow_of_highlights_goes() -> None:
    picture = edges() * 0.7
    picture[60:120, 60:140] = 1.0
    clip = clip_of(glowing(picture, 0.2))
    made = luma_of(fr.undo_generation_loss(clip, 1.0, contrast=1.0, glow=0.2, sharpen=0.0))
    assert decibels(made, picture) > decibels(luma_of(clip), picture) + 8
    assert made[70:110, 70:130].min() > 0.99


def test_softness_of_reprints_goes() -> None:
    soft = worn(edges(), 1.2)
    made = luma_of(fr.undo_generation_loss(clip_of(soft), 1.0, contrast=1.0))
    assert decibels(made, edges()) > decibels(soft, edges()) + 1.5


def test_all_of_it_together_in_eight_bits() -> None:
    worn_out = worn(steeper(glowing(edges(), 0.15), 1.2), 0.9, 1.0)
    clip = clip_of(worn_out, vs.YUV420P8)
    made = fr.undo_generation_loss(clip, 1.0, contrast=1.2, glow=0.15)
    assert decibels(luma_of(made), edges()) > decibels(luma_of(clip), edges()) + 4
    for plane in (1, 2):
        assert np.array_equal(np.asarray(made.get_frame(0)[plane]), np.asarray(clip.get_frame(0)[plane]))


def test_what_was_never_copied_keeps_its_bits() -> None:
    clip = clip_of(edges(), vs.GRAY8)
    assert streamed(fr.undo_generation_loss(clip, 1.0)) == streamed(clip)
    assert streamed(fr.undo_generation_loss(clip, 0.0, contrast=1.4)) == streamed(clip)
    assert streamed(fr.undo_generation_loss(clip, 1.0, contrast=1.0, sharpen=0.0)) == streamed(clip)


def test_only_tones_that_crowd_at_both_ends_tell_of_copying() -> None:
    rng = np.random.default_rng(2)
    scene = np.clip(rng.normal(0.5, 0.2, (100, 100)), 0, 1).astype(np.float32)
    night = np.clip(rng.normal(0.05, 0.05, (100, 100)), 0, 1).astype(np.float32)
    assert contrast_of(scene) == 1
    assert contrast_of(night) == 1
    crushed = steeper(np.clip(rng.normal(0.5, 0.35, (100, 100)), 0, 1).astype(np.float32), 1.4)
    assert 1.1 < contrast_of(crushed) <= 1.5
    assert contrast_of([]) == 1


def test_a_frame_is_the_same_in_any_order_and_the_key_knows_of_the_shot() -> None:
    shot = clip_of(worn(edges(160, 120), 1.2), vs.GRAY8, 2) + clip_of(edges(160, 120, 3), vs.GRAY8, 2)
    made = fr.undo_generation_loss(shot, 1.0, contrast=1.2, glow=0.1)
    assert tuple(hashes(made, [3, 0, 2, 1])) == tuple(streamed(made))
    spec = FILTERS["undo_generation_loss"]
    assert spec.depends_with({}) == "clip"
    assert spec.depends_with({"contrast": 1.2, "sharpen": 0.0}) == "window"
