"""The same frames whatever the order they are asked for in and however many threads, for every shape of network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.inference.apply import run_model
from vsfilmrestore.inference.chain import run_calls
from vsfilmrestore.inference.data import run_data
from vsfilmrestore.inference.on_regions import run_on_regions
from vsfilmrestore.inference.regions import Region, as_props, steady
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.results import Results
from vsfilmrestore.models.contract import Contract, ExtraInput

from . import chains, makers
from .makers import array, hashes, orders, picture, streamed

FRAMES = 13

core = vs.core

type Build = Callable[[Path, Registry], vs.VideoNode]


def one_frame(folder: Path, models: Registry) -> vs.VideoNode:
    path = makers.convolutions(folder / "m.onnx")
    return run_model(picture(frames=FRAMES), path, Contract(), models=models)


def tiled(folder: Path, models: Registry) -> vs.VideoNode:
    path = makers.convolutions(folder / "m.onnx")
    return run_model(picture(frames=FRAMES), path, Contract(receptive=3), tile=(16, 20), models=models)


def twice_the_size(folder: Path, models: Registry) -> vs.VideoNode:
    path = makers.doubled(folder / "m.onnx")
    return run_model(picture(frames=FRAMES, fmt=vs.YUV420P10), path, Contract(scale=2), models=models)


def stacked(folder: Path, models: Registry) -> vs.VideoNode:
    path = makers.mean_of_stacked(folder / "m.onnx", 5)
    return run_model(picture(frames=FRAMES), path, Contract(layout="stacked", before=2, after=2), models=models)


def window(folder: Path, models: Registry) -> vs.VideoNode:
    path = makers.mean_of_window(folder / "m.onnx", 4)
    return run_model(picture(frames=FRAMES), path, Contract(layout="BTCHW", before=2, after=1), models=models)


def pair(folder: Path, models: Registry) -> vs.VideoNode:
    path = makers.between(folder / "m.onnx", apart=False)
    contract = Contract(layout="stacked", after=1, time="t")
    return run_model(picture(frames=FRAMES), path, contract, time=0.25, models=models)


def sequence(folder: Path, models: Registry) -> vs.VideoNode:
    path = makers.running_sum(folder / "m.onnx", 0.1)
    contract = Contract(layout="BTCHW", before=2, frames_out=4, after=1)
    return run_model(picture(frames=FRAMES), path, contract, models=models)


def faded_sequence(folder: Path, models: Registry) -> vs.VideoNode:
    path = makers.running_sum(folder / "m.onnx", 0.1)
    contract = Contract(layout="BTCHW", frames_out=6)
    return run_model(picture(frames=FRAMES), path, contract, crossfade=2, models=models)


def with_clips(folder: Path, models: Registry) -> vs.VideoNode:
    path = makers.mean_of_stacked(folder / "m.onnx", 2)
    contract = Contract(layout="stacked", extra=(ExtraInput("other", "picture"),))
    clip = picture(frames=FRAMES)
    return run_model(clip, path, contract, clips={"other": clip.std.Reverse()}, models=models)


def one_sided_window(folder: Path, models: Registry) -> vs.VideoNode:
    return chains.temporal(folder, 3, 0).on(picture(frames=FRAMES, fmt=vs.YUV422P10), models=models)


def pair_apart(folder: Path, models: Registry) -> vs.VideoNode:
    path = makers.between(folder / "m.onnx", apart=True)
    return run_model(picture(frames=FRAMES), path, Contract(after=1, time="t"), time=0.75, models=models)


def faded_sequence_with_context(folder: Path, models: Registry) -> vs.VideoNode:
    path = makers.running_sum(folder / "m.onnx", 0.1)
    contract = Contract(layout="BTCHW", before=1, frames_out=5, after=2)
    return run_model(picture(frames=FRAMES), path, contract, crossfade=1, models=models)


def with_a_number(folder: Path, models: Registry) -> vs.VideoNode:
    return chains.numbered(folder, 0.4).on(picture(frames=FRAMES), models=models)


def with_a_mask(folder: Path, models: Registry) -> vs.VideoNode:
    contract = Contract(extra=(ExtraInput("mask", "mask"),))
    mask = picture(frames=FRAMES, fmt=vs.GRAY8, seed=2)
    path = chains.masking(folder / "m.onnx")
    return run_model(picture(frames=FRAMES), path, contract, clips={"mask": mask}, models=models)


def regions(folder: Path, models: Registry) -> vs.VideoNode:
    """Another place in every frame, calmed over its neighbours."""
    clip = picture(frames=FRAMES, fmt=vs.YUV420P8)
    here = clip.std.GPUDownload() if clip.gpu_resident else clip

    def write(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        frame.props.update(as_props([Region(4 + n, 6, 16 + n / 2, 18)] if n != 4 else []))
        return frame

    marked = core.std.ModifyFrame(here, here, write)
    return run_on_regions(clip, chains.spatial(folder), steady(marked), side=32, models=models)


def data(folder: Path, models: Registry) -> vs.VideoNode:
    """What was read is what a filter behind it goes by."""
    clip = picture(frames=FRAMES)

    def read(found: dict[str, Any], size: tuple[int, int], number: int) -> dict[str, float]:
        return {"Mean": float(np.mean(found["y"], dtype=np.float64)) + number}

    path = makers.convolutions(folder / "m.onnx")
    told = run_data(clip, path, Contract(colour="data"), read, models=models)
    told = told.std.GPUDownload() if told.gpu_resident else told
    here = clip.std.GPUDownload() if clip.gpu_resident else clip
    made = core.akarin.Expr(here.std.CopyFrameProps(told, props=["Mean"]), "x x.Mean +")
    return made.std.GPUUpload() if clip.gpu_resident else made


def fused(folder: Path, models: Registry) -> vs.VideoNode:
    calls = [chains.spatial(folder, 1), chains.luma(folder, 2), chains.spatial(folder, 3, 0.5)]
    return run_calls(picture(frames=FRAMES, fmt=vs.YUV420P8), calls, models=models, kept=Results())


def fused_windows(folder: Path, models: Registry) -> vs.VideoNode:
    calls = [
        chains.spatial(folder),
        chains.temporal(folder, 3, 3),
        chains.windowed(folder),
        chains.temporal(folder, 0, 2),
    ]
    return run_calls(picture(frames=FRAMES, fmt=vs.RGB48), calls, models=models, kept=Results())


def fused_short_of_memory(folder: Path, models: Registry) -> vs.VideoNode:
    """What is thrown away too early is computed again."""
    calls = [chains.spatial(folder), chains.temporal(folder, 2, 2), chains.larger(folder), chains.spatial(folder, 2)]
    return run_calls(picture(frames=FRAMES), calls, models=models, kept=Forgetful())


class Forgetful(Results):
    """Keeps one picture."""

    def __init__(self) -> None:
        super().__init__(0)

    def reserve(self, owner: int, size: int) -> None:
        super().reserve(owner, 0)


BUILDS: list[Build] = [
    one_frame, tiled, twice_the_size, stacked, window, one_sided_window, pair, pair_apart, sequence, faded_sequence,
    faded_sequence_with_context, with_clips, with_a_number, with_a_mask, regions, data,
    fused, fused_windows, fused_short_of_memory,
]  # fmt: skip


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
def test_any_order_gives_the_same_frames(build: Build, tmp_path: Path, models: Registry) -> None:
    found = {}
    before = vs.core.num_threads
    try:
        for threads in (1, 8):
            vs.core.num_threads = threads
            for name, order in orders(FRAMES).items():
                clip = build(tmp_path, models)
                found[name, threads] = tuple(hashes(clip, order))
            found["streamed", threads] = tuple(streamed(build(tmp_path, models)))
    finally:
        vs.core.num_threads = before
    assert len(set(found.values())) == 1
    assert len(set(found["forwards", 1])) > FRAMES // 2, "the frames are not all alike"


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
def test_nothing_is_read_or_run_while_the_graph_is_built(build: Build, tmp_path: Path, models: Registry) -> None:
    clip = build(tmp_path, models)
    assert len(models) == 0
    clip.get_frame(FRAMES // 2).close()
    assert models.loads == len(list(tmp_path.glob("*.onnx")))


def test_what_comes_out_is_what_the_network_computes(tmp_path: Path, models: Registry) -> None:
    clip = picture(frames=FRAMES)
    frames = [array(clip, n) for n in range(FRAMES)]
    mean = np.mean([frames[n] for n in (3, 4, 5, 6, 7)], axis=0)
    assert np.abs(array(stacked(tmp_path, models), 5) - mean).max() < 1e-6
    mean = np.mean([frames[n] for n in (3, 4, 5, 6)], axis=0)
    assert np.abs(array(window(tmp_path, models), 5) - mean).max() < 1e-6
    mirrored = np.mean([frames[n] for n in (2, 1, 0, 1)], axis=0)
    assert np.abs(array(window(tmp_path, models), 0) - mirrored).max() < 1e-6
    mixed = 0.75 * frames[5] + 0.25 * frames[6]
    assert np.abs(array(pair(tmp_path, models), 5) - mixed).max() < 1e-6
    assert np.array_equal(array(pair(tmp_path, models), FRAMES - 1), frames[-1])
    # The second window gives frames 4 to 7 and begins with the context 2 and 3.
    total = 0.1 * np.sum([frames[n] for n in (2, 3, 4, 5)], axis=0)
    assert np.abs(array(sequence(tmp_path, models), 5) - total).max() < 1e-6
    other = 0.5 * frames[5] + 0.5 * frames[FRAMES - 1 - 5]
    assert np.abs(array(with_clips(tmp_path, models), 5) - other).max() < 1e-6


@pytest.mark.parametrize("apart", [False, True])
def test_time_and_pictures_may_have_tensors_of_their_own(apart: bool, tmp_path: Path, models: Registry) -> None:
    path = makers.between(tmp_path / "m.onnx", apart)
    contract = Contract(layout="BCHW" if apart else "stacked", after=1, time="t")
    clip = picture(frames=4)
    result = run_model(clip, path, contract, time=0.5, models=models)
    assert np.abs(array(result, 1) - (array(clip, 1) + array(clip, 2)) / 2).max() < 1e-6
    assert [frame.props["Number"] for frame in result.frames()] == [0, 1, 2, 3]
