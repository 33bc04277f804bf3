"""Softness taken out: as much as there is, without halos, without more grain; the same in any order and format."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
from tests.filters.drawn_edges import clip_of, decibels, edges, luma_of, worn
from tests.inference.makers import hashes, streamed
from vsfilmrestore.filters import FILTERS

core = vs.core

NONE = {"model": "none"}


@pytest.mark.parametrize("sigma", [0.9, 1.4])
def test_a_soft_picture_comes_nearer_to_what_it_was(sigma: float) -> None:
    soft = worn(edges(), sigma)
    before = decibels(soft, edges())
    full, half = (decibels(luma_of(fr.deblur(clip_of(soft), dose, **NONE)), edges()) for dose in (1.0, 0.5))
    assert full > before + 1.5
    assert before + 0.7 < half < full


def test_what_is_sharp_keeps_its_bits() -> None:
    clip = clip_of(edges(), vs.GRAY8)
    assert streamed(fr.deblur(clip, 1.0, **NONE)) == streamed(clip)
    flat = clip_of(worn(np.full((120, 160), 0.5, np.float32), 0, 5), vs.GRAY8)
    assert streamed(fr.deblur(flat, 1.0, **NONE)) == streamed(flat)


def test_edges_get_no_halos() -> None:
    soft = worn(edges(), 1.4)
    made = luma_of(fr.deblur(clip_of(soft), 1.0, **NONE))
    window = np.ones((5, 5), np.uint8)
    low, high = cv2.erode(soft, window), cv2.dilate(soft, window)
    room = 0.1 * (high - low) + 1 / 255 + 1e-5
    assert (made <= high + room).all()
    assert (made >= low - room).all()


@pytest.mark.parametrize("grain", [2.0, 6.0])
def test_grain_is_not_raised(grain: float) -> None:
    picture = edges()
    picture[:120, :120] = 0.5
    soft = worn(picture, 1.3, grain)
    made = luma_of(fr.deblur(clip_of(soft), 1.0, **NONE))
    patch = np.s_[12:108, 12:108]
    assert made[patch].std() < 1.03 * soft[patch].std()
    assert decibels(made, picture) > decibels(soft, picture)


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.YUV422P10, vs.GRAY16, vs.RGB24, vs.RGBS, vs.GRAYH])
def test_all_formats_give_the_same_picture(fmt: int) -> None:
    soft = worn(edges(), 1.2)
    clip = clip_of(soft, fmt)
    made = fr.deblur(clip, 1.0, **NONE)
    assert made.format.id == fmt
    wanted = luma_of(fr.deblur(clip_of(soft), 1.0, **NONE))
    assert np.abs(luma_of(made) - wanted).max() < 6 / 255
    assert decibels(luma_of(made), edges()) > decibels(luma_of(clip), edges()) + 1.2


def test_a_frame_is_the_same_in_any_order() -> None:
    shot = sum((clip_of(worn(edges(160, 120, n), 0.5 + 0.3 * n, 1.0, n), vs.GRAY8) for n in range(1, 5)),
               clip_of(edges(160, 120), vs.GRAY8))  # fmt: skip
    made = fr.deblur(shot, 1.0, **NONE)
    assert tuple(hashes(made, [4, 2, 0, 1, 3])) == tuple(streamed(made))
    spec = FILTERS["deblur"]
    assert spec.depends_with(NONE) == "clip"
    assert spec.depends_with({"strength": 0}) == "window"


def test_the_dose_and_the_softness_can_be_given() -> None:
    soft = worn(edges(), 1.2)
    clip = clip_of(soft)
    assert streamed(fr.deblur(clip, 0.0)) == streamed(clip)
    told = [decibels(luma_of(fr.deblur(clip, 1.0, blur=sigma, **NONE)), edges()) for sigma in (0.4, 1.2)]
    assert told[1] > told[0] > decibels(soft, edges())


def test_regions_and_looks() -> None:
    clip = clip_of(worn(edges(), 1.2), vs.GRAY8)
    made = luma_of(fr.deblur(clip, 1.0, protect=[("0%", "0%", "50%", "100%")], **NONE))
    assert np.array_equal(made[:, :160], luma_of(clip)[:, :160])
    assert not np.array_equal(made[:, 160:], luma_of(clip)[:, 160:])
    shown = luma_of(fr.deblur(clip, 1.0, show="mask", **NONE))
    assert set(np.unique(shown)) == {0.0, 1.0}


@pytest.mark.usefixtures("zoo")
def test_a_named_model_is_held_to_the_source_where_that_is_wanted(zoo: object, tmp_path: object) -> None:
    clip = clip_of(worn(edges(), 1.2), vs.RGBS)
    free, held = (luma_of(fr.deblur(clip, 1.0, model="dim", lock=lock)) for lock in ("auto", "on"))
    assert np.allclose(free, luma_of(clip) * 0.5 + 0.1, atol=1e-6)
    flat = np.abs(luma_of(clip) - cv2.blur(luma_of(clip), (3, 3))) < 0.001
    assert np.abs(held - luma_of(clip))[flat].max() < 0.02
    assert np.abs(free - luma_of(clip))[flat].max() > 0.1
    assert FILTERS["deblur"].depends_with({"model": "dim"}) == "window"
    assert FILTERS["deblur"].depends_with({"model": "dim", "lock": "on"}) == "clip"
