"""Networks of others, on real film."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.inference.apply import run_model, run_network
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.runtimes import runtime_for
from vsfilmrestore.models.contract import Contract, ExtraInput

from .makers import array, hashes, planes

pytestmark = pytest.mark.footage

core = vs.core

type Find = Callable[[str], Path]

TEMPORAL = Contract(layout="stacked", before=3, after=3, half=True)
TEMPORAL_SHA = "90deed0d4b672c918e112a760107455a9a1689db22b5b45311b23953ab3dd35f"
WAVELET = Contract(layout="stacked", extra=(ExtraInput("reference", "picture"),))


def film(footage: Find, frames: int = 6) -> vs.VideoNode:
    clip = core.bs.VideoSource(str(footage("clips/film_his_girl_friday_1940.mp4")), cachemode=0)
    return clip[10 : 10 + frames].resize.Bicubic(160, 120)


def test_seven_stacked_frames_through_the_window(footage: Find, models: Registry) -> None:
    path = footage("weights/temporalfix_s1_v1.1_op18_fp16.onnx")
    clip = film(footage)
    result = run_model(clip, path, TEMPORAL, sha256=TEMPORAL_SHA, models=models)
    made = run_network(clip, path, TEMPORAL, models=models)

    rgb = [array(clip.resize.Bicubic(format=vs.RGBS), n) for n in range(6)]
    window = [3, 2, 1, 0, 1, 2, 3]
    session = runtime_for(path).load(path, "", device="cpu", precision="auto", threads=1, parallel=1)
    stacked = np.concatenate([rgb[n] for n in window])[None].astype(np.float16)
    wanted = session.run({"input": stacked})[0][0].astype(np.float32)
    assert np.abs(array(made, 0) - wanted).max() < 1 / 255

    before, after = planes(clip, 2)[0].astype(float), planes(result, 2)[0].astype(float)
    assert 0.01 < np.abs(before - after).mean() < 3, "cleaned, and still the same picture"
    assert hashes(result, [4, 2]) == [hashes(result, [n])[0] for n in (2, 4)]


def test_colours_of_a_reference(footage: Find, models: Registry) -> None:
    path = footage("weights/waveletcolorfix_w5_c3_fp32.onnx")
    reference = film(footage).resize.Bicubic(format=vs.RGB24)
    faded = core.std.Expr(reference, ["x 0.8 * 20 +", "x 0.7 * 10 +", "x 0.6 *"])
    result = run_model(faded, path, WAVELET, clips={"reference": reference}, models=models)
    session = runtime_for(path).load(path, "", device="cpu", precision="auto", threads=1, parallel=1)
    tensors = [array(clip.resize.Point(format=vs.RGBS), 3) for clip in (faded, reference)]
    made = run_network(faded, path, WAVELET, clips={"reference": reference}, models=models)
    assert np.abs(array(made, 3) - session.run({"input": np.concatenate(tensors)[None]})[0][0]).max() < 1 / 1023

    soft = [clip.std.BoxBlur(hradius=20, vradius=20) for clip in (reference, faded, result)]  # it leaves detail alone
    wanted, before, after = (array(clip, 3).astype(float) for clip in soft)
    assert np.abs(after - wanted).mean() < np.abs(before - wanted).mean() / 4
