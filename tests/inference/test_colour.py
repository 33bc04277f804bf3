"""Every format in, the same format out; what is not changed keeps its bits."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.inference.apply import run_model, run_network
from vsfilmrestore.inference.colour import warn_of_guess
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.media.props import LOG
from vsfilmrestore.models.contract import Contract

from .makers import HALF, affine, array, identity, picture, planes, save

core = vs.core

YUV411 = core.query_video_format(vs.YUV, vs.INTEGER, 8, 2, 0).id
FORMATS = [
    vs.GRAY8, vs.GRAY10, vs.GRAY16, vs.GRAYH, vs.GRAYS,
    vs.RGB24, vs.RGB30, vs.RGB48, vs.RGBH, vs.RGBS,
    vs.YUV420P8, vs.YUV422P10, vs.YUV444P12, vs.YUV420P16, vs.YUV444PS, YUV411,
    core.query_video_format(vs.YUV, vs.FLOAT, 32, 1, 1).id,
    core.query_video_format(vs.YUV, vs.FLOAT, 16, 1, 1).id,
]  # fmt: skip
LUMA = Contract(colour="luma", channels=1, out_channels=1)


def named(fmt: int) -> str:
    return core.get_video_format(fmt).name


def tagged(fmt: int, matrix: int = 1, full: int = 0, frames: int = 2) -> vs.VideoNode:
    """Noise whose frames tell their colours."""
    family = core.get_video_format(fmt).color_family
    told = {"_Matrix": 0} if family == vs.RGB else {"_Matrix": matrix, "_Range": full}
    return picture(48, 32, frames, fmt=fmt, **told)


@pytest.mark.parametrize("kind", [1, HALF], ids=["float", "half"])
@pytest.mark.parametrize("colour", ["rgb", "luma"])
@pytest.mark.parametrize("fmt", FORMATS, ids=named)
def test_what_a_network_leaves_alone_keeps_its_bits(
    fmt: int, colour: str, kind: int, tmp_path: Path, models: Registry
) -> None:
    contract = LUMA if colour == "luma" else Contract()
    path = identity(tmp_path / "m.onnx", channels=contract.channels, kind=kind)
    clip = tagged(fmt).std.SetFieldBased(2)
    result = run_model(clip, path, contract, models=models)
    assert (result.format.id, result.width, result.height) == (fmt, clip.width, clip.height)
    for before, after in zip(planes(clip, 1), planes(result, 1), strict=True):
        assert np.array_equal(before, after)
    with clip.get_frame(1) as before, result.get_frame(1) as after:
        assert dict(before.props) == dict(after.props)


def brighter(clip: vs.VideoNode, colour: str, tmp_path: Path, models: Registry, strength: float = 1) -> vs.VideoNode:
    contract = LUMA if colour == "luma" else Contract()
    path = affine(tmp_path / "m.onnx", 1, 0.05, contract.channels)
    return run_model(clip, path, contract, models=models, strength=strength)


@pytest.mark.parametrize("colour", ["rgb", "luma"])
@pytest.mark.parametrize("full", [0, 1])
@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.YUV444P16, vs.GRAY16], ids=named)
def test_light_added_in_the_network_is_light_added_in_the_source(
    fmt: int, matrix: int, full: int, colour: str, tmp_path: Path, models: Registry
) -> None:
    clip = tagged(fmt, matrix, full)
    luma, *chroma = planes(brighter(clip, colour, tmp_path, models), 0)
    before, *neutral = planes(clip, 0)
    bits = clip.format.bits_per_sample
    steps = 0.05 * (((1 << bits) - 1) if full else (219 << (bits - 8)))
    peak = (1 << bits) - 1
    assert np.abs(luma.astype(float) - np.minimum(before + steps, peak)).max() <= 0.51
    for a, b in zip(chroma, neutral, strict=True):
        assert np.array_equal(a, b), "adding grey changes no colour"


@pytest.mark.parametrize("matrix", [1, 4, 5, 6, 7, 9])
@pytest.mark.parametrize("full", [0, 1])
def test_changed_colours_come_back_as_the_resizer_would_bring_them(
    matrix: int, full: int, tmp_path: Path, models: Registry
) -> None:
    weight = np.array([[0.9, 0.1, 0], [0, 0.8, 0.1], [0.1, 0, 0.95]], np.float32).reshape(3, 3, 1, 1)
    from onnx import helper

    shape = (1, 3, "h", "w")
    path = save(tmp_path / "m.onnx", [helper.make_node("Conv", ["x", "w"], ["y"])], {"x": shape}, {"y": shape},
                {"w": weight})  # fmt: skip
    clip = tagged(vs.YUV444P16, matrix, full)
    made = run_network(clip, path, Contract(), models=models)
    wanted = made.resize.Point(format=vs.YUV444P16, matrix=matrix, range=full)
    result = run_model(clip, path, Contract(), models=models)
    for a, b in zip(planes(result, 0), planes(wanted, 0), strict=True):
        inside = (b > 0) & (b < 65535)
        assert np.abs(a.astype(int) - b)[inside].max() <= 2


def test_half_the_strength_is_half_the_difference(tmp_path: Path, models: Registry) -> None:
    clip = tagged(vs.RGB48)
    before = array(clip, 0).astype(float)
    after = array(brighter(clip, "rgb", tmp_path, models, 0.5), 0)
    assert np.abs(after - np.minimum(before + 0.025 * 65535, 65535)).max() <= 0.51
    assert np.array_equal(array(brighter(clip, "rgb", tmp_path, models, 0), 0), array(clip, 0))


@pytest.mark.parametrize("fmt", [vs.RGB30, vs.RGB48, vs.RGBS, vs.GRAY16], ids=named)
def test_log_scans_are_seen_as_the_eye_would_and_keep_their_bits(fmt: int, tmp_path: Path, models: Registry) -> None:
    clip = tagged(fmt, full=1).std.SetFrameProps(**{LOG: 1})
    path = identity(tmp_path / "i.onnx")
    seen = array(run_network(clip, path, Contract(), models=models), 0)
    plain = array(run_network(clip.std.RemoveFrameProps(LOG), path, Contract(), models=models), 0)
    assert np.abs(seen - plain).max() > 0.2
    result = run_model(clip, path, Contract(), models=models)
    assert np.array_equal(array(result, 0), array(clip, 0))
    # A stop more light is the same number of code values anywhere: 90.3 of 10 bits, but for the toe of the curve.
    white = clip.std.BlankClip(color=[600 / 1023 * (1 if fmt == vs.RGBS else 65535 if clip.format.bits_per_sample == 16
                                                    else 1023)] * clip.format.num_planes, keep=True)  # fmt: skip
    white = white.std.SetFrameProps(**{LOG: 1, "_Range": 1})
    brighter_ = affine(tmp_path / "b.onnx", 2 ** (1 / 2.4), 0.055 * (2 ** (1 / 2.4) - 1))
    doubled = array(run_model(white, brighter_, Contract(), models=models), 0)
    scale = 1 if fmt == vs.RGBS else (1 << clip.format.bits_per_sample) - 1
    assert float(doubled[0, 0, 0]) / scale * 1023 == pytest.approx(600 + 300 * np.log10(2), abs=2.5)


def test_frames_may_tell_different_colours(tmp_path: Path, models: Registry) -> None:
    path = identity(tmp_path / "m.onnx")
    one, two = tagged(vs.YUV444P8, 1, frames=1), tagged(vs.YUV444P8, 5, 1, frames=1)
    result = run_network(one + two, path, Contract(), models=models)
    for n, clip in enumerate((one, two)):
        assert np.abs(array(result, n) - array(clip.resize.Bicubic(format=vs.RGBS), 0)).max() < 1e-6


@pytest.mark.parametrize(("size", "matrix", "name"), [((48, 32), 6, "BT.601"), ((1280, 32), 1, "BT.709")])
def test_untold_matrices_are_guessed_by_size_with_one_warning(
    size: tuple[int, int], matrix: int, name: str, tmp_path: Path, models: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_guess.cache_clear()
    path = identity(tmp_path / "m.onnx")
    clip = picture(*size, 3, fmt=vs.YUV420P8)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            made = run_network(clip, path, Contract(), models=models)
            first = array(made, 0)
            list(made.frames(close=True))
    assert np.array_equal(first, array(clip.resize.Bicubic(format=vs.RGBS, matrix_in=matrix), 0))
    assert [record.message for record in caplog.records if name in record.message] == [
        f"{size[0]}x{size[1]} YUV frames do not tell their matrix; read as {name} (set _Matrix to be sure)"
    ]
    caplog.clear()
    run_model(tagged(vs.YUV420P8), path, Contract(), models=models).get_frame(0)
    assert not caplog.records


@pytest.mark.parametrize("fmt", [vs.YUV420P10, vs.RGB24, vs.GRAY16, vs.YUV444PS], ids=named)
@pytest.mark.parametrize("colour", ["rgb", "luma"])
def test_larger_pictures_keep_format_and_colours(fmt: int, colour: str, tmp_path: Path, models: Registry) -> None:
    from onnx import helper

    channels = 1 if colour == "luma" else 3
    contract = Contract(scale=2, colour=colour, channels=channels, out_channels=channels)  # type: ignore[arg-type]
    node = helper.make_node("Resize", ["x", "", "s"], ["y"], mode="cubic")
    path = save(tmp_path / "d.onnx", [node], {"x": (1, channels, "h", "w")}, {"y": (1, channels, "h2", "w2")},
                {"s": np.array([1, 1, 2, 2], np.float32)})  # fmt: skip
    clip = core.std.BoxBlur(tagged(fmt), hradius=4, vradius=4)
    result = run_model(clip, path, contract, models=models)
    assert (result.format.id, result.width, result.height) == (fmt, 96, 64)
    wanted = clip.resize.Bicubic(96, 64)
    peak = 1 if clip.format.sample_type == vs.FLOAT else 1 << clip.format.bits_per_sample
    for a, b in zip(planes(result, 0), planes(wanted, 0), strict=True):
        assert np.abs(a.astype(float) - b).mean() / peak < 0.01


def test_frames_between_others_are_pictures_of_their_own(tmp_path: Path, models: Registry) -> None:
    from .makers import between

    path = between(tmp_path / "m.onnx", apart=True)
    clip = tagged(vs.YUV444P16, frames=3)
    result = run_model(clip, path, Contract(after=1, time="t"), time=0.5, models=models)
    for a, b, c in zip(planes(clip, 0), planes(clip, 1), planes(result, 0), strict=True):
        assert np.abs((a.astype(float) + b) / 2 - c).max() <= 1
    assert all(np.array_equal(a, b) for a, b in zip(planes(clip, 2), planes(result, 2), strict=True))


def test_more_than_16_bits_and_changing_clips_are_refused(tmp_path: Path, models: Registry) -> None:
    path = identity(tmp_path / "m.onnx")
    with pytest.raises(vs.Error, match="Gray32 has more than 16 bits; convert it to float first"):
        run_model(core.std.BlankClip(format=vs.GRAY32), path, Contract(), models=models)
    mixed = core.std.Splice([core.std.BlankClip(width=64), core.std.BlankClip(width=32)], mismatch=True)
    with pytest.raises(vs.Error, match="changes its format or size"):
        run_model(mixed, path, Contract(), models=models)
