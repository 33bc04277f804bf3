"""Resizing on arrays is that of VapourSynth's resizer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.inference.colour import show
from vsfilmrestore.inference.ops import NUMPY, Ops, TorchOps
from vsfilmrestore.inference.resampling import Chroma, enlarged

from .makers import planes

core = vs.core
SUBSAMPLINGS = [(1, 1), (1, 0), (2, 0), (2, 2), (0, 1)]


@pytest.fixture(params=["numpy", "torch"])
def ops(request: pytest.FixtureRequest) -> Ops:
    if request.param == "numpy":
        return NUMPY
    pytest.importorskip("torch")
    return TorchOps()


def given(ops: Ops, values: Any) -> Any:
    if ops is NUMPY:
        return values
    import torch

    return torch.from_numpy(values)


def noise(height: int = 36, width: int = 56) -> Any:
    return np.random.default_rng(3).random((height, width)).astype(np.float32) - np.float32(0.5)


def still(values: Any) -> vs.VideoNode:
    blank = core.std.BlankClip(width=values.shape[1], height=values.shape[0], format=vs.GRAYS, length=1)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.asarray(frame[0])[...] = values
        return frame

    return core.std.ModifyFrame(blank, blank, draw)


def float_yuv(across: int, down: int) -> int:
    return int(core.query_video_format(vs.YUV, vs.FLOAT, 32, across, down).id)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_enlargements(ops: Ops, scale: int) -> None:
    values = noise()
    wanted = planes(still(values).resize.Spline36(56 * scale, 36 * scale), 0)[0]
    assert np.abs(np.asarray(enlarged(ops, given(ops, values), scale)) - wanted).max() < 1e-6


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize(("across", "down"), SUBSAMPLINGS)
def test_chroma_to_its_samples_and_back(ops: Ops, across: int, down: int, place: int) -> None:
    values = noise()
    chroma, clip = Chroma(across, down, place), still(values)
    full = core.std.ShufflePlanes([clip] * 3, [0] * 3, vs.YUV).std.SetFrameProps(_Matrix=1)
    few = full.resize.Bicubic(format=float_yuv(across, down), chromaloc=place)
    assert np.abs(np.asarray(chroma.few(ops, given(ops, values))) - planes(few, 0)[1]).max() < 1e-6
    wanted = planes(few.std.SetFrameProps(_ChromaLocation=place).resize.Bicubic(format=vs.YUV444PS), 0)[1]
    assert np.abs(np.asarray(chroma.held(ops, given(ops, values))) - wanted).max() < 1e-6


@pytest.mark.parametrize("place", [0, 1, 2])
def test_samples_of_chroma_are_enlarged_where_they_lie(ops: Ops, place: int) -> None:
    luma, few = noise(), noise(18, 28)
    clip = core.std.ShufflePlanes([still(luma), still(few), still(few)], [0, 0, 0], vs.YUV)
    clip = clip.std.SetFrameProps(_Matrix=1, _ChromaLocation=place)
    wanted = planes(clip.resize.Spline36(112, 72), 0)[1]
    found = np.asarray(Chroma(1, 1, place).larger(ops, given(ops, few), 2))
    assert np.abs(found - wanted).max() < 1e-6


@pytest.mark.parametrize("place", range(6))
def test_changes_of_chroma_go_back_to_where_the_sources_samples_lie(place: int) -> None:
    blank = core.std.BlankClip(width=56, height=36, format=vs.YUV420PS, length=1)
    shown = show(blank.std.SetFrameProps(_Matrix=1, _ChromaLocation=place), "rgb")
    values = noise()
    # Red, green and blue of chroma alone.
    change = [values * np.float32(share) for share in (1.5748, -0.187324 - 0.468124, 1.8556)]
    made = core.std.ShufflePlanes([still(plane) for plane in change], [0] * 3, vs.RGB)
    result = planes(shown.back(core.akarin.Expr([shown.clip, made], "x y +")), 0)
    assert np.abs(result[1] - Chroma(1, 1, place).few(NUMPY, values)).max() < 1e-5
