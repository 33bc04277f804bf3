"""Tiles laid together are the whole picture."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.inference.apply import run_model
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.runtimes.base import MemoryShortError, TensorSpec
from vsfilmrestore.inference.tiles import fitting_tile, padded_size, plan_tiles
from vsfilmrestore.models.contract import Contract

from .makers import array, convolutions, doubled, halves, identity, picture


@pytest.mark.parametrize("multiple", [1, 4])
@pytest.mark.parametrize("reach", [0, 3, 9, None])
@pytest.mark.parametrize(("size", "tile"), [(200, 96), (100, 96), (640, 128), (96, 96), (96, 0)])
def test_weights_add_up_to_one_everywhere(size: int, tile: int, reach: int | None, multiple: int) -> None:
    plan = plan_tiles((size, size), (tile, tile), reach=reach, multiple=multiple)
    total = np.zeros(size)
    for span in plan.rows:
        assert span.start % multiple == 0
        total[span.start : span.start + span.size] += span.weights
    assert total == pytest.approx(np.ones(size), abs=1e-6)
    assert plan.rows[0].start == 0
    assert plan.rows[-1].start + plan.rows[-1].size == size


def test_pixels_within_reach_of_a_cut_edge_count_nothing() -> None:
    plan = plan_tiles((300, 300), (100, 100), reach=7)
    first, second = plan.columns[:2]
    assert not first.weights[-7:].any()
    assert not second.weights[:7].any()
    assert second.weights[7] > 0
    assert first.weights[0] == 1, "the edge of the picture is no cut"


def test_too_small_a_tile_is_refused() -> None:
    with pytest.raises(ValueError, match="too small for a reach of 30"):
        plan_tiles((300, 300), (60, 60), reach=30)


@pytest.mark.parametrize("tile", [(32, 32), (40, 27), (0, 24), (500, 30)])
def test_tiles_are_the_untiled_picture(tile: tuple[int, int], tmp_path: Path, models: Registry) -> None:
    path = convolutions(tmp_path / "c.onnx", layers=4)
    contract = Contract(receptive=4)
    clip = picture(150, 110, 2)
    whole = run_model(clip, path, contract, tile=(0, 0), models=models)
    parts = run_model(clip, path, contract, tile=tile, models=models)
    assert np.abs(array(whole, 1) - array(parts, 1)).max() < 2e-6
    assert np.abs(array(whole, 1) - array(clip, 1)).max() > 0.1


def test_tiles_keep_the_grid_of_the_network(tmp_path: Path, models: Registry) -> None:
    path = halves(tmp_path / "h.onnx")
    contract = Contract(receptive=2, multiple=2)
    clip = picture(101, 75, 1)
    whole = run_model(clip, path, contract, tile=(0, 0), models=models)
    parts = run_model(clip, path, contract, tile=(31, 37), models=models)
    assert np.array_equal(array(whole, 0), array(parts, 0)) or np.abs(array(whole, 0) - array(parts, 0)).max() < 1e-6


def test_tiles_of_a_larger_picture(tmp_path: Path, models: Registry) -> None:
    path = doubled(tmp_path / "d.onnx")
    clip = picture(90, 60, 1)
    result = run_model(clip, path, Contract(scale=2, receptive=1), tile=(32, 40), models=models)
    expected = array(clip, 0).repeat(2, axis=1).repeat(2, axis=2)
    assert (result.width, result.height) == (180, 120)
    assert np.abs(array(result, 0) - expected).max() < 1e-5


def test_networks_of_one_size_run_in_tiles_of_it(tmp_path: Path, models: Registry) -> None:
    path = identity(tmp_path / "i.onnx", size=(32, 48))
    for size in ((20, 20), (48, 32), (130, 70)):
        clip = picture(*size, 1)
        result = run_model(clip, path, Contract(receptive=0), models=models)
        assert np.abs(array(result, 0) - array(clip, 0)).max() < 1e-6


def test_networks_of_one_size_that_cannot_be_tiled_say_so(tmp_path: Path, models: Registry) -> None:
    path = identity(tmp_path / "i.onnx", size=(32, 48))
    result = run_model(picture(130, 70, 1), path, Contract(tiled=False), models=models)
    with pytest.raises(vs.Error, match="takes pictures of 48x32 alone"):
        result.get_frame(0)


def test_sizes() -> None:
    assert padded_size(101, 8, 64) == 104
    assert padded_size(30, 8, 60) == 64
    assert padded_size(30, 1, 1, fixed=48) == 48
    assert fitting_tile((1080, 1920), 100, 1e12) == (1080, 1920)
    height, width = fitting_tile((1080, 1920), 1000, 500e6)
    assert height * width * 1000 <= 500e6
    assert fitting_tile((1080, 1920), 1000, 500e6) == (540, 480) or height * width * 4000 > 500e6


class Cramped:
    """A session that has memory for so many pixels, and gives back what it gets."""

    inputs = (TensorSpec("x", (1, 3, None, None), np.dtype(np.float32)),)
    outputs = (TensorSpec("y", (1, 3, None, None), np.dtype(np.float32)),)
    device = "cpu"
    weights = 1
    per_pixel = 1.0
    parallel = 2

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self.runs: list[tuple[int, ...]] = []

    def run(self, arrays: Mapping[str, Any]) -> Sequence[Any]:
        x = arrays["x"]
        self.runs.append(x.shape[-2:])
        if x.shape[-1] * x.shape[-2] > self.pixels:
            raise MemoryShortError("there is not enough memory")
        return [x.copy()]

    def close(self) -> None:
        pass


def cramped(monkeypatch: pytest.MonkeyPatch, session: Cramped) -> None:
    class Crammed:
        name, suffixes = "crammed", (".onnx",)

        def devices(self) -> tuple[str, ...]:
            return ("cpu",)

        def load(self, *_: object, **__: object) -> Cramped:
            return session

    monkeypatch.setattr("vsfilmrestore.inference.registry.runtime_for", lambda _: Crammed())


def test_short_of_memory_smaller_tiles_are_tried_and_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, models: Registry
) -> None:
    session = Cramped(64 * 64)
    cramped(monkeypatch, session)
    clip = picture(160, 120, 3)
    with caplog.at_level(logging.WARNING):
        result = run_model(clip, "x.onnx", Contract(receptive=4), models=models, lanes=1)
        assert np.abs(array(result, 0) - array(clip, 0)).max() < 1e-6
    assert "trying tiles of 80x120" in caplog.text
    tries = len(session.runs)
    array(result, 1)
    assert all(h * w <= 64 * 64 for h, w in session.runs[tries:])


def test_no_memory_at_all_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, models: Registry) -> None:
    cramped(monkeypatch, Cramped(10))
    result = run_model(picture(160, 120, 1), "x.onnx", Contract(receptive=4), models=models)
    with pytest.raises(vs.Error, match=r"frame 0: there is not enough memory even for tiles of \d+x\d+ pixels"):
        result.get_frame(0)
    result = run_model(picture(160, 120, 1), "x.onnx", Contract(tiled=False), models=models)
    with pytest.raises(vs.Error, match="not enough memory for pictures of 160x120"):
        result.get_frame(0)


def test_tiles_are_chosen_by_memory(monkeypatch: pytest.MonkeyPatch, models: Registry) -> None:
    session = Cramped(1 << 30)
    session.per_pixel = 1000.0
    cramped(monkeypatch, session)
    monkeypatch.setattr("vsfilmrestore.inference.network.total_memory", lambda: 40_000_000)
    monkeypatch.setattr("vsfilmrestore.inference.network.available_memory", lambda: 40_000_000)
    run_model(picture(160, 120, 1), "x.onnx", Contract(receptive=2), models=models).get_frame(0)
    assert len(session.runs) > 1
    assert all(h * w * 1500 <= 10_000_000 for h, w in session.runs)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded by Linux' means")
def test_onnx_runtime_short_of_memory_goes_on_in_tiles(tmp_path: Path) -> None:
    convolutions(tmp_path / "m.onnx", layers=2, wide=96)
    code = """
import resource, sys
import numpy as np
import vapoursynth as vs
from vsfilmrestore.inference.apply import run_network
from vsfilmrestore.models.contract import Contract
clip = vs.core.std.BlankClip(width=2800, height=1000, format=vs.RGBS, length=1, color=[0.2, 0.5, 0.8])
contract = Contract(receptive=2)
run_network(clip[0].std.CropAbs(64, 64), sys.argv[1], contract, lanes=1).get_frame(0).close()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 900_000_000,) * 2)
frame = run_network(clip, sys.argv[1], contract, lanes=1).get_frame(0)
middle = [np.asarray(frame[p])[10:-10, 10:-10] for p in range(3)]
assert all(np.ptp(plane) < 1e-5 for plane in middle)
"""
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "m.onnx")], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert "memory is short: trying tiles of 1400x1000" in result.stderr
