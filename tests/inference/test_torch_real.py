"""A real denoiser in torch, on real film."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.models.add import add
from vsfilmrestore.models.zoo import Zoo

from .makers import planes
from .torch_makers import torch

pytestmark = pytest.mark.footage

core = vs.core


def test_noise_is_taken_out_of_film(footage: Callable[[str], Path], tmp_path: Path) -> None:
    from safetensors.torch import save_file

    # A legacy pickle, which is refused: what its owner would do on a machine he can spare.
    state = torch.load(footage("weights/dncnn_25.pth"), map_location="cpu", weights_only=True)
    save_file({name: value.contiguous() for name, value in state.items()}, tmp_path / "dncnn.safetensors")
    zoo = Zoo([], [tmp_path / "zoo"], tmp_path / "zoo")
    card = add(tmp_path / "dncnn.safetensors", zoo)
    assert (card.architecture, card.task) == ("DnCNN", "denoise")
    assert (card.contract.colour, card.contract.receptive, card.contract.half) == ("luma", 17, False)

    film = core.bs.VideoSource(str(footage("clips/film_his_girl_friday_1940.mp4")), cachemode=0)
    clean = film[10].resize.Bicubic(160, 120, format=vs.YUV420P16)
    grain = np.random.default_rng(0).normal(scale=25 * 256, size=(120, 160))

    def noisy(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        luma = np.asarray(frame[0])
        luma[...] = np.clip(luma + grain, 0, 65535).astype(np.uint16)
        return frame

    clip = clean.std.ModifyFrame(clean, noisy)
    found = zoo.find(card.name)
    result = ModelCall(found.path, card.contract, found.file.sha256, device="cpu").on(clip)
    wanted, before, after = (planes(each, 0) for each in (clean, clip, result))
    error = [float(np.std(each[0].astype(float) - wanted[0])) for each in (before, after)]
    assert error[1] < error[0] / 2.5
    assert all(np.array_equal(a, b) for a, b in zip(before[1:], after[1:], strict=True)), "chroma is left alone"
