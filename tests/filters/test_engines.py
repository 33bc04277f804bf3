"""Packages that bring and run networks of their own, played by small ones with their signatures."""

from __future__ import annotations

import enum
import importlib.util
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
from tests.inference.makers import array, hashes, orders, picture, planes, streamed
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.filters._engines import ENGINES

core = vs.core


class Package(ModuleType):
    """A package that writes down how it was called."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.calls: list[dict[str, Any]] = []
        self.__spec__ = importlib.util.spec_from_loader(name, None)


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Any:
    def installed(name: str, function: str, run: Any, **more: Any) -> Package:
        module = Package(name)

        def call(clip: vs.VideoNode, **settings: Any) -> vs.VideoNode:
            assert clip.format.id in (vs.RGBH, vs.RGBS)
            module.calls.append(settings)
            made: vs.VideoNode = run(clip, **settings)
            return made

        setattr(module, function, call)
        for key, value in more.items():
            setattr(module, key, value)
        monkeypatch.setitem(sys.modules, name, module)
        return module

    return installed


class Networks(enum.IntEnum):
    RealESRGAN_x2plus = 1
    RealESRGAN_x4plus = 2
    RealESRGAN_x4plus_anime_6B = 3
    realesr_animevideov3 = 4
    realesr_general_x4v3 = 5


def enlarged(clip: vs.VideoNode, model: Networks) -> vs.VideoNode:
    factor = 2 if model == Networks.RealESRGAN_x2plus else 4
    return clip.resize.Point(clip.width * factor, clip.height * factor)


def test_pictures_are_made_larger_and_nothing_is_loaded_before_a_frame(package: Any) -> None:
    module = package("vsrealesrgan", "realesrgan", enlarged, RealESRGANModel=Networks)
    clip = picture(fmt=vs.YUV420P8, frames=4)
    small, large = fr.upscale(clip, model="vsrealesrgan"), fr.upscale(clip, model="vsrealesrgan:realesr_general_x4v3")
    assert ((small.width, large.width), module.calls) == ((96, 192), [])
    assert large.get_frame(1).width == 192
    assert module.calls == [{"model": Networks.realesr_general_x4v3}]
    wanted = planes(clip.resize.Point(96, 64), 2)[0].astype(int)
    assert np.abs(planes(small, 2)[0] - wanted).max() <= 1


def test_a_network_that_the_installed_version_lacks_is_told(package: Any) -> None:
    package("vsrealesrgan", "realesrgan", enlarged, RealESRGANModel=Networks)
    made = fr.denoise(picture(frames=2), 1.0, model="vsrealesrgan:ldvdenoise_35mm_compact")
    with pytest.raises(vs.Error, match="this vsrealesrgan has no network LDVDeNoise_35mm_Compact; there are: Real"):
        made.get_frame(0)


def forgetful(clip: vs.VideoNode, model: int, length: int) -> vs.VideoNode:
    """Keeps one run, which begins at whatever frame was asked for: shows by how many frames it lies behind that."""
    kept: dict[int, int] = {}

    def run(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        if n not in kept:
            kept.clear()
            kept.update({n + i: i for i in range(length) if n + i < clip.num_frames})
        frame = f.copy()
        for plane in range(3):
            np.asarray(frame[plane])[...] += np.float32(kept[n] / 256)
        return frame

    return clip.std.ModifyFrame(clip, run)


def test_sequences_are_windows_on_a_grid_in_any_order(package: Any) -> None:
    module = package("vsbasicvsrpp", "basicvsrpp", forgetful)
    clip = core.std.BlankClip(format=vs.RGBS, width=16, height=16, length=60, color=[0.0] * 3)
    made = fr.denoise(clip, 1.0, model="vsbasicvsrpp:denoise")
    assert module.calls == []
    places = [round(float(array(made, n)[0, 0, 0]) * 256) for n in range(60)]
    assert places == [*range(24), *range(3, 27), *range(3, 15)]  # 3 frames of context before each window but the first
    assert {(call["model"], call["length"]) for call in module.calls} == {(9, 27), (9, 30), (9, 15)}
    assert {tuple(hashes(made, order)) for order in orders(60).values()} == {tuple(streamed(made))}
    spec = FILTERS["denoise"]
    assert spec.depends_with({"model": "vsbasicvsrpp:denoise"}) == "clip"
    assert spec.reach({"model": "vsbasicvsrpp:denoise"}) == 28  # a window, and a neighbour of its first frame


def coloured(clip: vs.VideoNode, model: int) -> vs.VideoNode:
    return clip.std.Expr(["x 0.1 +", "x", "x 0.1 -"])


def test_what_is_changed_comes_back_by_its_share(package: Any) -> None:
    package("vsddcolor", "ddcolor", coloured)
    clip = picture(frames=3)
    made = array(fr.apply_model(clip, 0.5, model="vsddcolor:modelscope"), 1)
    assert np.allclose(made - array(clip, 1), np.array([0.05, 0, -0.05])[:, None, None], atol=1e-6)


def test_networks_are_asked_for_by_their_number(package: Any) -> None:
    noise = package("vsscunet", "scunet", coloured)
    small = package("vsswinir", "swinir", lambda clip, model: clip.resize.Point(clip.width * 3, clip.height * 3))
    clip = picture(frames=2)
    fr.denoise(clip, 1.0, model="vsscunet:color-25").get_frame(0)
    assert fr.upscale(clip, model="vsswinir:light-x3").get_frame(0).width == 3 * clip.width
    assert (noise.calls, small.calls) == ([{"model": 1}], [{"model": 1}])


def between(clip: vs.VideoNode, model: str, factor_num: int, factor_den: int, sc: bool) -> vs.VideoNode:
    """Frames whose brightness is their time, over 100."""
    blank = core.std.BlankClip(clip, length=clip.num_frames * factor_num // factor_den, keep=True)
    return core.akarin.Expr([blank], f"N {factor_den} * {factor_num} / 100 /")


def test_frames_between_frames_stand_at_their_time(package: Any) -> None:
    module = package("vsrife", "rife", between)
    blank = core.std.BlankClip(format=vs.RGBS, width=64, height=48, length=8, fpsnum=24, fpsden=1)
    clip = core.akarin.Expr([blank], "N 100 /")
    made = fr.interpolate(clip, 60, model="vsrife:4.26")
    assert (made.num_frames, module.calls) == (20, [])
    for n in range(20):
        wanted = min(n * 24 / 60, 7)
        assert array(made, n)[1, 5, 5] == pytest.approx(wanted / 100, abs=1e-6), n
    assert module.calls == [{"model": "4.26", "factor_num": 5, "factor_den": 2, "sc": False}]
    assert {tuple(hashes(made, order)) for order in orders(20).values()} == {tuple(streamed(made))}
    assert np.array_equal(array(made, 5), array(clip, 2))


def test_render_keys_hold_the_version_of_the_package(package: Any) -> None:
    package("vsddcolor", "ddcolor", coloured)
    spec = FILTERS["apply_model"]
    assert spec.weights(spec.complete({"model": "vsddcolor"})) == "vsddcolor of no version"
    assert spec.network(spec.complete({"model": "vsddcolor"})) is None


def test_all_engines_are_named_as_their_packages() -> None:
    for name, engine in ENGINES.items():
        assert name.split(":")[0] == engine.package
        scale = next((n for n in (2, 3) if f"x{n}" in name), 4)
        assert engine.scale == (scale if engine.task == "upscale" else 1)
