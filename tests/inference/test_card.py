"""Chains whose pictures stay on a device give what those in memory give; the device is the processor here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.inference import card
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.chain import run_calls
from vsfilmrestore.inference.network import Network
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.results import Results
from vsfilmrestore.inference.runtimes.base import MemoryShortError
from vsfilmrestore.inference.runtimes.onnx import OnnxSession
from vsfilmrestore.media.props import LOG
from vsfilmrestore.models.contract import Contract, ExtraInput

from . import chains, makers
from .makers import array, hashes, orders, picture, streamed
from .test_chain import CHAINS, FRAMES, LARGER, furthest, one_by_one, soft

torch = pytest.importorskip("torch")
core = vs.core


class Uses:
    """What went through memory, and what did not."""

    def __init__(self) -> None:
        self.uploads = 0
        self.downloads = 0
        self.on_tensors: Counter[str] = Counter()
        self.in_memory = 0


@pytest.fixture(autouse=True)
def uses(monkeypatch: pytest.MonkeyPatch) -> Uses:
    """Chains take the processor for a card."""
    from vsfilmrestore.inference.runtimes.torch_lanes import Lane

    found = Uses()
    upload, download, run, memory = Lane.upload, Lane.download_all, OnnxSession.run_tensors, Network.pictures

    def uploaded(lane: Lane, *rest: Any) -> Any:
        found.uploads += 1
        return upload(lane, *rest)

    def downloaded(lane: Lane, *rest: Any) -> Any:
        found.downloads += 1
        return download(lane, *rest)

    def ran(session: OnnxSession, tensors: Mapping[str, Any]) -> Any:
        found.on_tensors[session._path.stem] += 1
        return run(session, tensors)

    def in_memory(network: Network, *rest: Any) -> Any:
        found.in_memory += 1
        return memory(network, *rest)

    monkeypatch.setattr(card, "_KIND", "cpu")
    monkeypatch.setattr(Lane, "upload", uploaded)
    monkeypatch.setattr(Lane, "download_all", downloaded)
    monkeypatch.setattr(OnnxSession, "run_tensors", ran)
    monkeypatch.setattr(Network, "pictures", in_memory)
    return found


@pytest.mark.parametrize("fmt", [vs.RGBS, vs.YUV420P8, vs.YUV422P10, vs.YUV444PS, vs.RGB48, vs.GRAY16, vs.RGBH])
@pytest.mark.parametrize("name", [*CHAINS, *LARGER])
def test_results_are_those_of_separate_steps(name: str, fmt: int, uses: Uses, tmp_path: Path, models: Registry) -> None:
    calls, clip = (CHAINS | LARGER)[name](tmp_path), soft(fmt)
    result = run_calls(clip, calls, models=models)
    most = 3 if clip.format.sample_type == vs.INTEGER else 1 / 1023 if fmt == vs.RGBH else 1e-5
    hashes(result, range(FRAMES))
    assert sum(uses.on_tensors.values()) > 0
    assert furthest(result, one_by_one(clip, calls, models)) <= most


@pytest.mark.parametrize("fmt", [vs.RGB24, vs.YUV420P10, vs.RGBS, vs.YUV422PS, vs.GRAYH, vs.YUV411P8])
@pytest.mark.parametrize("props", [{}, {"_Range": int(vs.RANGE_FULL)}, {LOG: 1}, {"_ChromaLocation": 2}])
def test_untouched_pixels_keep_their_bits(
    fmt: int, props: dict[str, int], uses: Uses, tmp_path: Path, models: Registry
) -> None:
    same = ModelCall(makers.identity(tmp_path / "same.onnx"), Contract(), strength=0.7)
    half = ModelCall(makers.identity(tmp_path / "half.onnx", kind=makers.HALF), Contract(half=True))
    clip = soft(fmt).std.SetFrameProps(**props)
    result = run_calls(clip, [half, same, half], models=models)
    assert hashes(result, range(FRAMES)) == hashes(clip, range(FRAMES))
    assert [dict(frame.props) for frame in result.frames()] == [dict(frame.props) for frame in clip.frames()]
    assert uses.downloads == FRAMES


def test_what_comes_out_may_have_a_range_of_its_own(uses: Uses, tmp_path: Path, models: Registry) -> None:
    wide = ModelCall(makers.affine(tmp_path / "a.onnx", 200.0, 5.0), Contract(out_high=255.0))
    signed = ModelCall(makers.affine(tmp_path / "b.onnx", 1.5, -0.7), Contract(order="bgr", out_low=-1.0))
    same = ModelCall(makers.affine(tmp_path / "c.onnx", 255.0, 0.0), Contract(out_high=255.0))
    clip = soft(vs.RGBS)
    result = run_calls(clip, [wide, signed], models=models)
    assert furthest(result, one_by_one(clip, [wide, signed], models)) < 1e-5
    assert uses.on_tensors == {"a": FRAMES, "b": FRAMES}
    found = ((array(clip, 3) * 200 + 5) / 255 * 1.5 + 0.3) / 2
    assert np.abs(array(result, 3) - found).max() < 1e-5
    assert hashes(run_calls(clip, [same, same], models=models), range(FRAMES)) == hashes(clip, range(FRAMES))


@pytest.mark.parametrize("full", [vs.RANGE_FULL, vs.RANGE_LIMITED])
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_ranges_and_matrices_are_those_of_the_source(full: int, matrix: int, tmp_path: Path, models: Registry) -> None:
    clip = soft(vs.YUV420P8).std.SetFrameProps(_Range=int(full), _Matrix=matrix)
    calls = CHAINS["two"](tmp_path)
    assert furthest(run_calls(clip, calls, models=models), one_by_one(clip, calls, models)) <= 1


def test_log_scans_too(tmp_path: Path, models: Registry) -> None:
    clip = core.akarin.Expr(soft(vs.RGBS), "x 0.7 * 0.15 +").std.SetFrameProps(**{LOG: 1})
    calls = CHAINS["luma beside rgb"](tmp_path)
    assert furthest(run_calls(clip, calls, models=models), one_by_one(clip, calls, models)) < 1 / 1023


@pytest.mark.alone
def test_each_frame_goes_up_once_and_its_result_comes_down_once(uses: Uses, tmp_path: Path, models: Registry) -> None:
    clip = soft(vs.RGBS, 12)
    calls = [chains.spatial(tmp_path, 1), chains.temporal(tmp_path, 3, 3), chains.spatial(tmp_path, 2)]
    result = run_calls(clip, calls, models=models, kept=Results(0))
    streamed(result)
    assert (uses.uploads, uses.downloads, uses.in_memory) == (12 * clip.format.num_planes, 12, 0)
    assert dict(uses.on_tensors) == {call.model.stem: 12 for call in calls}


@pytest.mark.alone
@pytest.mark.parametrize("held_up", [0, 1, 2])
def test_who_was_held_up_does_not_stay_behind(
    held_up: int, threads: int, uses: Uses, tmp_path: Path, models: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames that others are far ahead of would find nothing kept any more, and all would be made twice from there."""
    clip = soft(vs.RGBS, 48)
    calls = [chains.spatial(tmp_path, 1), chains.temporal(tmp_path, 3, 3), chains.spatial(tmp_path, 2)]
    run, slow = OnnxSession.run_tensors, calls[held_up].model.stem

    def ran(session: OnnxSession, tensors: Mapping[str, Any]) -> Any:
        if session._path.stem == slow and uses.on_tensors[slow] == 10:
            sleep(0.5)
        return run(session, tensors)

    monkeypatch.setattr(OnnxSession, "run_tensors", ran)
    streamed(run_calls(clip, calls, models=models, kept=Results(0)))
    assert uses.uploads == 48 * clip.format.num_planes
    assert dict(uses.on_tensors) == {call.model.stem: 48 for call in calls}


@pytest.mark.parametrize("name", ["windows", "window in between", "two"])
def test_any_order_gives_the_same_frames(name: str, threads: int, tmp_path: Path, models: Registry) -> None:
    calls = CHAINS[name](tmp_path)
    found = {tuple(streamed(run_calls(soft(vs.YUV420P8), calls, models=models, kept=Results())))}
    for order in orders(FRAMES).values():
        found.add(tuple(hashes(run_calls(soft(vs.YUV420P8), calls, models=models, kept=Results()), order)))
    assert len(found) == 1


def test_padding_ranges_masks_and_numbers(uses: Uses, tmp_path: Path, models: Registry) -> None:
    clip = picture(61, 45, 5).std.BoxBlur(hradius=1, vradius=1)
    mask = picture(61, 45, 5, fmt=vs.GRAY8, seed=4)
    halves = ModelCall(makers.halves(tmp_path / "halves.onnx"), Contract(multiple=8, low=-1.0), strength=0.5)
    bgr = Contract(order="bgr", mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    coloured = ModelCall(chains.bent(tmp_path / "bgr.onnx", 5), bgr)
    contract = Contract(extra=(ExtraInput("mask", "mask"),))
    masked = ModelCall(chains.masking(tmp_path / "m.onnx"), contract, clips={"mask": mask})
    half = ModelCall(makers.identity(tmp_path / "half.onnx", kind=makers.HALF), Contract(half=True))
    calls = [halves, coloured, masked, chains.numbered(tmp_path, 0.3), half]
    result = run_calls(clip, calls, models=models)
    assert furthest(result, one_by_one(clip, calls, models)) < 1e-3
    assert len(uses.on_tensors) == len(calls)


def test_tiles_and_a_lack_of_memory_go_by_way_of_memory(
    uses: Uses, tmp_path: Path, models: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = soft(vs.RGBS, 3)
    tiled = ModelCall(makers.convolutions(tmp_path / "tiled.onnx"), Contract(receptive=3), tile=(24, 24))
    calls = [chains.spatial(tmp_path, 1), tiled]
    separate = one_by_one(clip, calls, models)
    wanted = [makers.array(separate, n) for n in range(3)]
    assert all(
        np.abs(makers.array(run_calls(clip, calls, models=models), n) - wanted[n]).max() < 1e-5 for n in range(3)
    )
    assert "tiled" not in uses.on_tensors
    assert uses.in_memory > 3

    def short(*_rest: Any) -> Any:
        raise MemoryShortError("there is not enough memory")

    monkeypatch.setattr(OnnxSession, "run_tensors", short)
    again = run_calls(clip, calls, models=models, kept=Results())
    assert all(np.abs(makers.array(again, n) - wanted[n]).max() < 1e-5 for n in range(3))


def test_values_that_are_no_numbers_are_told(tmp_path: Path, models: Registry) -> None:
    broken = ModelCall(makers.affine(tmp_path / "broken.onnx", float("inf"), 0.0), Contract())
    result = run_calls(soft(vs.RGBS), [chains.spatial(tmp_path), broken], models=models)
    with pytest.raises(vs.Error, match=r"broken\.onnx.*no numbers"):
        result.get_frame(2)


def test_torch_and_onnx_runtime_hand_tensors_to_one_another(uses: Uses, tmp_path: Path, models: Registry) -> None:
    pytest.importorskip("spandrel")
    from .torch_makers import compact

    clip = soft(vs.RGBS)
    first = ModelCall(compact(tmp_path / "first.safetensors", seed=1)[0], Contract(), strength=0.3)
    larger = ModelCall(compact(tmp_path / "larger.safetensors", scale=2, seed=2)[0], Contract(scale=2))
    calls = [first, chains.temporal(tmp_path), larger]
    result = run_calls(clip, calls, models=models)
    assert furthest(result, one_by_one(clip, calls, models)) < 1e-5
    assert uses.on_tensors["weighted31"] == FRAMES
