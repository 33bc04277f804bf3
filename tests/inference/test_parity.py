"""One network, two runtimes: the same picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.inference.apply import run_model, run_network
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.models.contract import Contract

from .makers import array, picture, planes
from .torch_makers import compact, exported, save_net, span, torch


def lively(module: Any, last: Any, gain: float) -> None:
    """Makes what the network changes large enough to see."""
    with torch.no_grad():
        last.weight *= gain
        last.bias *= gain


@pytest.mark.parametrize(("make", "scale"), [(compact, 2), (compact, 1), (span, 1)])
def test_torch_and_onnx_runtime_agree(
    make: Callable[..., tuple[Path, Any]], scale: int, tmp_path: Path, models: Registry
) -> None:
    path, module = make(tmp_path / "m.safetensors", scale=scale)
    lively(module, module.body[-1] if make is compact else module.upsampler[0], 20 if make is compact else 0.01)
    save_net(path, module)
    other = exported(tmp_path / "m.onnx", module)
    clip, contract = picture(), Contract(scale=scale, half=True)
    ours, theirs = (array(run_network(clip, each, contract, models=models), 5) for each in (path, other))
    nothing = array(clip.resize.Point(clip.width * scale, clip.height * scale), 5)
    assert np.abs(theirs - nothing).mean() > 0.02
    assert np.abs(ours - theirs).max() < 1 / 1023
    half = array(run_network(clip, path, contract, precision="fp16", device="cpu", models=models), 5)
    assert 0 < np.abs(half - theirs).max() < 1 / 255 * max(1, np.abs(theirs).max())
    assert sorted(key.runtime for key in models.loaded) == ["onnxruntime", "torch", "torch"]


@pytest.mark.parametrize("contract", [Contract(out_low=-1.0), Contract(low=-1.0, out_low=0.0, out_high=255.0)])
def test_torch_and_onnx_runtime_agree_on_a_range_of_its_own(
    contract: Contract, tmp_path: Path, models: Registry
) -> None:
    path, module = compact(tmp_path / "m.safetensors")
    lively(module, module.body[-1], 20)
    save_net(path, module)
    other, clip = exported(tmp_path / "m.onnx", module), picture()
    ours, theirs = (array(run_network(clip, each, contract, models=models), 5) for each in (path, other))
    low, high = contract.out_range
    seen = array(clip, 5) * (contract.high - contract.low) + contract.low
    with torch.no_grad():
        wanted = (module(torch.from_numpy(seen.astype(np.float32))[None]).numpy()[0] - low) / (high - low)
    assert np.abs(ours - theirs).max() < 1 / 1023
    assert np.abs(ours - wanted).max() < 1e-5


def test_whole_filters_agree_to_a_code_value(tmp_path: Path, models: Registry) -> None:
    path, module = compact(tmp_path / "m.safetensors")
    lively(module, module.body[-1], 20)
    save_net(path, module)
    other = exported(tmp_path / "m.onnx", module)
    clip = picture(fmt=vs.YUV420P10)
    ours, theirs = (planes(run_model(clip, each, Contract(), models=models), 3) for each in (path, other))
    assert any((a != b).any() for a, b in zip(ours, planes(clip, 3), strict=True))
    assert all(np.abs(a.astype(int) - b.astype(int)).max() <= 1 for a, b in zip(ours, theirs, strict=True))
