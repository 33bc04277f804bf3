"""Real weights on real film, through the steps of recipes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs

import vsfilmrestore as fr
from tests.filters.networks import added
from tests.inference.makers import hashes, planes
from vsfilmrestore.models.add import add
from vsfilmrestore.models.zoo import Zoo

core = vs.core

type Footage = Callable[[str], Path]

pytestmark = [pytest.mark.footage, pytest.mark.usefixtures("zoo")]

APOLLO = "clips/film_apollo_16mm_colour.mp4"


def luma(clip: vs.VideoNode, n: int) -> npt.NDArray[np.float64]:
    return planes(clip, n)[0].astype(np.float64)


def psnr(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    return float(10 * np.log10(255**2 / max(((a - b) ** 2).mean(), 1e-6)))


def test_shimmer_is_calmed_by_seven_frames_of_film(footage: Footage) -> None:
    add(footage("weights/temporalfix_s1_v1.1_op18_fp16.onnx"), Zoo.open())
    clip = core.bs.VideoSource(str(footage(APOLLO)))[0:9].std.Crop(left=280, right=24, top=100, bottom=50)
    made = fr.calm_shimmer(clip, 1.0)
    restless = {
        name: float(np.mean([np.abs(luma(each, n) - luma(each, n + 1)).mean() for n in range(8)]))
        for name, each in (("source", clip), ("made", made))
    }
    assert restless["made"] < 0.9 * restless["source"]
    assert psnr(luma(made, 4), luma(clip, 4)) > 30
    assert tuple(hashes(made, range(8, -1, -1))) == tuple(hashes(made, range(9)))


def test_colours_of_the_print_come_back(footage: Footage) -> None:
    add(footage("weights/waveletcolorfix_w5_c3_fp32.onnx"), Zoo.open())
    clip = core.bs.VideoSource(str(footage(APOLLO)))[0:3]
    faded = clip.std.Expr(["x 0.9 * 8 +", "x 8 -", "x 14 +"])
    made = fr.match_colour(faded, clip)
    for plane in range(3):
        before, after = (
            psnr(planes(each, 1)[plane].astype(float), planes(clip, 1)[plane].astype(float)) for each in (faded, made)
        )
        assert after > before + 6


def test_a_network_for_one_noise_takes_that_out(footage: Footage, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("spandrel")
    from safetensors.torch import save_file

    tensors = torch.load(footage("weights/dncnn_25.pth"), weights_only=True, map_location="cpu")
    save_file({name: value.contiguous() for name, value in tensors.items()}, tmp_path / "dncnn.safetensors")
    added(tmp_path / "dncnn.safetensors", "dncnn", "denoise")
    film = core.bs.VideoSource(str(footage("clips/film_his_girl_friday_1940.mp4")))[60].std.CropAbs(320, 240, 160, 100)
    grey = core.std.ShufflePlanes(film, 0, vs.GRAY).std.SetFrameProps(_Range=vs.RANGE_FULL)
    noise = np.random.default_rng(1).normal(0, 25, (240, 320))

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        picture = np.asarray(frame[0])
        np.copyto(picture, np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8))
        return frame

    noisy = core.std.ModifyFrame(grey, grey, draw)
    made = fr.denoise(noisy, 1.0, model="dncnn")
    before, after = psnr(luma(noisy, 0), luma(grey, 0)), psnr(luma(made, 0), luma(grey, 0))
    assert after > before + 8
