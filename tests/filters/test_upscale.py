"""Larger pictures: what any model makes is held to the source, a kernel stands in, our own network beats it."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from onnx import helper

import vsfilmrestore as fr
from tests.filters.drawn_edges import clip_of, decibels, edges, luma_of, worn
from tests.filters.networks import added
from tests.inference import makers
from tests.inference.makers import hashes, streamed
from vsfilmrestore.filters import FILTERS, _focus_net
from vsfilmrestore.filters._focus_net import AUTO
from vsfilmrestore.filters._lock import DETAIL, LEVELS, astray, locked

core = vs.core


def wrong_models(clip: vs.VideoNode) -> dict[str, vs.VideoNode]:
    """What models make that err: darker, without contrast, shifted, blurred, another picture."""
    large = clip.resize.Spline36(2 * clip.width, 2 * clip.height)
    full = 1.0 if clip.format.sample_type == vs.FLOAT else (1 << clip.format.bits_per_sample) - 1
    return {
        "darker": core.akarin.Expr([large], "x 0.7 *"),
        "flat": core.akarin.Expr([large], f"x 0.5 * {0.25 * full} +"),
        "shifted": large.resize.Spline36(src_left=3.0),
        "blurred": large.std.BoxBlur(hradius=4, vradius=4),
        "another": large.std.FlipHorizontal(),
    }


@pytest.mark.parametrize("fmt", [vs.GRAYS, vs.GRAY8, vs.YUV420P8, vs.YUV444P16, vs.RGB24])
@pytest.mark.parametrize("kind", ["darker", "flat", "shifted", "blurred", "another"])
def test_whatever_a_model_makes_shows_the_source_once_it_is_small_again(kind: str, fmt: int) -> None:
    clip = clip_of(worn(edges(160, 120), 0.6, 1.0), fmt)
    made, plain = wrong_models(clip)[kind], clip.resize.Spline36(320, 240)
    held = locked(clip, made, plain, None)
    assert (held.width, held.height, held.format.id) == (320, 240, fmt)
    codes = 1 << (clip.format.bits_per_sample - 8)
    rounding = 0.51 / (LEVELS * codes) if clip.format.sample_type == vs.INTEGER else 0.0
    assert luma_of(astray(clip, held)).max() < 1.001 + rounding
    assert luma_of(astray(clip, made)).max() > 3


def test_the_tolerance_is_what_is_told() -> None:
    clip = clip_of(worn(edges(160, 120), 0.6))
    large = clip.resize.Point(320, 240)
    inside, outside = (core.akarin.Expr([large], f"x {off * LEVELS / 255!r} +") for off in (0.9, 1.5))
    assert streamed(locked(clip, inside, large, None)) == streamed(inside)
    flat = clip.std.BlankClip(color=0.5, keep=True)
    held = luma_of(locked(flat, flat.resize.Point(320, 240).std.BlankClip(color=0.6), flat, None))
    assert np.allclose(held, 0.5 + LEVELS / 255, atol=1e-6)
    assert DETAIL <= 0.25
    assert luma_of(astray(clip, outside)).max() > 1


def test_colour_is_held_too() -> None:
    grey = clip_of(worn(edges(160, 120), 0.6), vs.YUV420P8)
    tinted = core.akarin.Expr([grey.resize.Spline36(320, 240)], ["", "x 30 +", "x 30 -"])
    held = locked(grey, tinted, grey.resize.Spline36(320, 240), None).get_frame(0)
    for plane in (1, 2):
        assert np.abs(np.asarray(held[plane]).astype(int) - 128).max() <= 3


def test_softness_that_was_taken_out_is_not_put_back() -> None:
    from vsfilmrestore.filters._blur import with_softness

    true, soft = edges(160, 120), worn(edges(160, 120), 1.2)
    clip, sharp = clip_of(soft), clip_of(true).resize.Point(320, 240)
    told = with_softness(clip, clip, 1.2, 2.0)
    kept = luma_of(locked(clip, sharp, sharp, told))
    undone = luma_of(locked(clip, sharp, sharp, None))
    assert decibels(kept, luma_of(sharp)) > decibels(undone, luma_of(sharp)) + 6


@pytest.mark.usefixtures("zoo")
def test_models_of_the_user_are_held(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Resize", ["x", "", "by"], ["large"], mode="nearest"),
        helper.make_node("Mul", ["large", "less"], ["y"]),
    ]
    weights = {"by": np.array([1, 1, 3, 3], np.float32), "less": np.float32(0.6).reshape(1)}
    path = makers.save(tmp_path / "files" / "w.onnx", nodes, {"x": (1, 3, "h", "w")}, {"y": (1, 3, "H", "W")}, weights)
    added(path, "wrong", "upscale", scale=3)
    clip = clip_of(edges(96, 64), vs.RGBS)
    free, held = (fr.upscale(clip, model="wrong", lock=lock) for lock in (False, True))
    assert luma_of(astray(clip, free)).max() > 10
    assert luma_of(astray(clip, held)).max() < 1.001
    half = fr.upscale(clip, 0.5, model="wrong")
    assert luma_of(astray(clip, half)).max() < 1.5
    assert (fr.upscale(clip, model="wrong", scale=2).width) == 192
    assert FILTERS["upscale"].depends_with({"model": "wrong"}) == "window"


def test_where_networks_cannot_be_run_a_kernel_does_it_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_focus_net, "can_run", lambda _name: False)
    clip = clip_of(edges(96, 64), vs.YUV420P8)
    with caplog.at_level(logging.WARNING):
        made = fr.upscale(clip)
    assert "networks cannot be run here" in caplog.text
    assert streamed(made) == streamed(clip.resize.Spline36(192, 128))
    caplog.clear()
    assert streamed(fr.upscale(clip, model="none", scale=1.5)) == streamed(clip.resize.Spline36(144, 96))
    assert not caplog.text
    assert FILTERS["upscale"].weights(FILTERS["upscale"].complete({"model": AUTO})) == ""


@pytest.fixture
def ours() -> None:
    pytest.importorskip("onnxruntime", reason="networks need vsfilmrestore[onnx]")


@pytest.mark.usefixtures("ours")
def test_our_own_network_is_taken_and_beats_kernels() -> None:
    import cv2

    true = worn(edges(320, 240), 0.5)
    clip = clip_of(cv2.resize(true, (160, 120), interpolation=cv2.INTER_AREA), vs.GRAY16)
    ours = decibels(luma_of(fr.upscale(clip)), true)
    assert ours > decibels(luma_of(clip.resize.Bicubic(320, 240)), true) + 1.0
    assert ours > decibels(luma_of(clip.resize.Lanczos(320, 240)), true) + 0.3
    assert luma_of(astray(clip, fr.upscale(clip, sharpen=0.0))).max() < 1.01


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize("size", [(320, 240), (96, 20)])
def test_no_line_is_drawn_along_the_edge(size: tuple[int, int]) -> None:
    import cv2

    true = worn(edges(*size), 0.5)
    clip = clip_of(cv2.resize(true, (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA), vs.GRAY16)
    rim = np.ones(true.shape, bool)
    rim[2:-2, 2:-2] = False
    off, usual = (
        float(np.sqrt(np.mean((luma_of(made) - true)[rim] ** 2)))
        for made in (fr.upscale(clip), clip.resize.Bicubic(*size))
    )
    assert off < usual


@pytest.mark.usefixtures("ours")
def test_our_own_network_is_the_same_in_any_order_and_leaves_colour_to_the_kernel() -> None:
    shot = clip_of(worn(edges(96, 64), 1.0), vs.YUV420P8, 3) + clip_of(edges(96, 64, 5), vs.YUV420P8)
    made = fr.upscale(shot)
    assert tuple(hashes(made, [3, 1, 0, 2])) == tuple(streamed(made))
    assert FILTERS["upscale"].depends_with({}) == "clip"
    assert FILTERS["upscale"].depends_with({"sharpen": 0}) == "window"
    plain = shot.resize.Spline36(192, 128).get_frame(0)
    for plane in (1, 2):
        assert np.abs(np.asarray(made.get_frame(0)[plane]).astype(int) - np.asarray(plain[plane])).max() <= 1
