"""Extra inputs, sizes, settings that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs
from onnx import helper

from vsfilmrestore.inference.apply import run_model, run_network
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.models.contract import Contract, ExtraInput

from .makers import affine, array, convolutions, halves, identity, picture, save

core = vs.core

PICTURE = (1, 3, "h", "w")
NOISE = ExtraInput("noise", "number", default=0.1, high=0.5)


def mixed(path: Path, name: str, shape: tuple[Any, ...]) -> Path:
    """y = x + the other input."""
    node = helper.make_node("Add", ["x", name], ["y"])
    return save(path, [node], {"x": PICTURE, name: shape}, {"y": PICTURE})


@pytest.mark.parametrize("shape", [(1, 1, "h", "w"), (1, 1, 1, 1), (1,), ()])
def test_numbers_fill_their_tensor(shape: tuple[Any, ...], tmp_path: Path, models: Registry) -> None:
    path = mixed(tmp_path / "m.onnx", "noise", shape)
    clip = picture()
    contract = Contract(extra=(NOISE,))
    for numbers, value in ((None, 0.1), ({"noise": 0.3}, 0.3)):
        result = run_model(clip, path, contract, numbers=numbers, models=models)
        assert np.abs(array(result, 3) - array(clip, 3) - value).max() < 1e-6
    assert models.loads == 1


def test_numbers_without_a_tensor_follow_the_picture_as_a_channel(tmp_path: Path, models: Registry) -> None:
    weight = np.zeros((3, 4, 1, 1), np.float32)
    for i in range(3):
        weight[i, i] = weight[i, 3] = 1
    path = save(tmp_path / "m.onnx", [helper.make_node("Conv", ["x", "w"], ["y"])], {"x": (1, 4, "h", "w")},
                {"y": PICTURE}, {"w": weight})  # fmt: skip
    clip = picture()
    result = run_model(clip, path, Contract(extra=(NOISE,)), numbers={"noise": 0.2}, models=models)
    assert np.abs(array(result, 3) - array(clip, 3) - 0.2).max() < 1e-6


def test_masks_come_frame_by_frame(tmp_path: Path, models: Registry) -> None:
    path = mixed(tmp_path / "m.onnx", "mask", (1, 1, "h", "w"))
    clip = picture()
    mask = core.std.BlankClip(width=48, height=32, format=vs.GRAY8, length=12, keep=True)
    mask = core.akarin.Expr(mask, "X N 4 * < 255 0 ?")
    contract = Contract(extra=(ExtraInput("mask", "mask"),), receptive=0)
    result = run_model(clip, path, contract, clips={"mask": mask}, models=models, tile=(20, 24))
    assert np.abs(array(result, 5) - array(clip, 5) - (array(mask, 5) > 0)).max() < 1e-6


def test_networks_that_find_give_a_mask(tmp_path: Path, models: Registry) -> None:
    node = helper.make_node("ReduceMean", ["x"], ["y"], axes=[1])
    path = save(tmp_path / "m.onnx", [node], {"x": PICTURE}, {"y": (1, 1, "h", "w")})
    clip = picture()
    contract = Contract(out_channels=1)
    mask = run_network(clip, path, contract, models=models)
    assert mask.format.id == vs.GRAYS
    assert np.abs(array(mask, 2)[0] - array(clip, 2).mean(axis=0)).max() < 1e-6
    with pytest.raises(vs.Error, match="use run_network"):
        run_model(clip, path, contract, models=models)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 255.0)])
def test_the_range_of_the_network_is_kept_to(low: float, high: float, tmp_path: Path, models: Registry) -> None:
    path = affine(tmp_path / "m.onnx", 1, 0.1 * (high - low))
    clip = picture()
    result = run_model(clip, path, Contract(low=low, high=high), models=models)
    assert np.abs(array(result, 2) - array(clip, 2) - 0.1).max() < 2e-6


@pytest.mark.parametrize("size", [(33, 17), (1, 1), (7, 90), (64, 64)])
def test_odd_sizes_are_mirrored_to_what_the_network_takes(
    size: tuple[int, int], tmp_path: Path, models: Registry
) -> None:
    path = halves(tmp_path / "m.onnx")
    clip = picture(*size, 2)
    result = run_model(clip, path, Contract(multiple=4, minimum=16), models=models)
    padded = np.pad(array(clip, 1), ((0, 0), (0, 120), (0, 120)), mode="reflect")[:, : size[1] + 1, : size[0] + 1]
    even = padded[:, : size[1] + size[1] % 2, : size[0] + size[0] % 2]
    blocks = even.reshape(3, even.shape[1] // 2, 2, even.shape[2] // 2, 2).mean(axis=(2, 4))
    wanted = blocks.repeat(2, axis=1).repeat(2, axis=2)[:, : size[1], : size[0]]
    assert np.abs(array(result, 1) - wanted).max() < 1e-6


@pytest.mark.parametrize(
    ("contract", "options", "words"),
    [
        (Contract(extra=(NOISE,)), {"numbers": {"nois": 1}}, "no number 'nois'; it has noise"),
        (Contract(extra=(NOISE,)), {"numbers": {"noise": 2}}, r"noise must be 0..0.5, not 2"),
        (Contract(extra=(ExtraInput("mask", "mask"),)), {}, "wants these clips: mask; given: none"),
        (Contract(), {"clips": {"mask": picture()}}, "wants these clips: none; given: mask"),
        (
            Contract(extra=(ExtraInput("mask", "mask"),)),
            {"clips": {"mask": picture(frames=3)}},
            "must have the clip's size and length",
        ),
        (Contract(), {"time": 0.5}, "time is given to models that make a frame between"),
        (Contract(after=1, time="t"), {}, "time is given to models that make a frame between"),
        (Contract(after=1, time="t"), {"time": 1.0}, "time must lie between 0 and 1"),
        (Contract(colour="data"), {}, "what it gives is no picture; use run_data"),
        (Contract(mean=(0.5,)), {}, "mean and std must have a number for each of the 3 channels"),
        (Contract(channels=4, out_channels=4), {}, "rgb has 3 channels"),
        (Contract(), {"crossfade": 1}, "do not fit together"),
    ],
)
def test_settings_that_do_not_fit_are_told_before_anything_runs(
    contract: Contract, options: dict[str, Any], words: str, tmp_path: Path, models: Registry
) -> None:
    with pytest.raises(vs.Error, match=rf"run_model: .*{words}"):
        run_model(picture(), tmp_path / "none.onnx", contract, models=models, **options)


def test_a_missing_file_is_told_when_a_frame_is_wanted(tmp_path: Path, models: Registry) -> None:
    result = run_model(picture(), tmp_path / "none.onnx", Contract(), models=models)
    with pytest.raises(vs.Error, match=r"none.onnx: cannot be read \(No such file"):
        result.get_frame(0)


def test_memory_stays_flat_over_frames_and_shots(tmp_path: Path, models: Registry) -> None:
    path = convolutions(tmp_path / "m.onnx", layers=1)
    clip = picture(64, 48, 10).std.Loop(60)
    used = []
    for part in range(6):
        shots = [run_model(clip[10 * i : 10 * i + 10], path, Contract(), models=models) for i in range(10)]
        if part % 2:
            shots = [run_model(clip, path, Contract(), models=models)]
        for frame in core.std.Splice(shots).frames(close=True):
            frame.close()
        del shots, frame
        core.clear_cache()
        used.append(core.used_cache_size)
    assert max(used[2:]) <= used[1] + 1_000_000
    assert len(models) == models.loads == 1


def test_interlaced_marks_do_not_disturb(tmp_path: Path, models: Registry) -> None:
    path = identity(tmp_path / "m.onnx")
    clip = picture(48, 34, 2, fmt=vs.YUV420P8, _Matrix=6).std.SetFieldBased(1)
    result = run_model(clip, path, Contract(), models=models)
    with clip.get_frame(0) as before, result.get_frame(0) as after:
        assert all(np.array_equal(np.asarray(before[i]), np.asarray(after[i])) for i in range(3))
        assert after.props["_FieldBased"] == 1
