"""Training of the network of denoise: what it learns from, how it begins, goes on and ends."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install vsfilmrestore[torch]")
onnxruntime = pytest.importorskip("onnxruntime", reason="networks are run by onnxruntime")

network: ModuleType = importlib.import_module("degrain.network")
exporting: ModuleType = importlib.import_module("degrain.export")
samples: ModuleType = importlib.import_module("degrain.samples")
scenes: ModuleType = importlib.import_module("degrain.scenes")
simulator: ModuleType = importlib.import_module("simulator")
training: ModuleType = importlib.import_module("degrain.training")

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_file_says_what_the_network_says(tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = network.GrainNet()
    torch.nn.init.normal_(net.head.weight, 0, 0.05)
    planes = np.random.default_rng(4).random((1, network.INPUTS, 40, 56), np.float32) + 0.01
    exporting.export(net.eval(), tmp_path / "grain.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "grain.onnx"), providers=["CPUExecutionProvider"])
    names = ("frame", *exporting.CLIPS)
    (written,) = session.run(None, {name: planes[:, n : n + 1] for n, name in enumerate(names)})
    with torch.no_grad():
        wanted = net(torch.from_numpy(planes)).numpy()
    assert np.abs(wanted - planes[:, 1:2]).max() > 1e-3  # it does something
    np.testing.assert_allclose(written, wanted, atol=1e-5)


def test_a_training_begins_with_what_was_written(tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = network.GrainNet()
    torch.nn.init.normal_(net.head.weight, 0, 0.05)
    exporting.export(net.eval(), tmp_path / "grain.onnx")
    again = exporting.begun(tmp_path / "grain.onnx")
    for name, weight in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight)
    plan = training.Plan(8, 2, 32, 1e-3, tmp_path / "grain.onnx")
    assert not training.train(plan, [_part(tmp_path)], tmp_path, 0.0, lambda _text: None)
    assert torch.equal(training.trained(tmp_path).head.weight, net.head.weight)


def test_training_goes_on_where_it_was_cut_off_and_learns(tmp_path: Path) -> None:
    part, said = _part(tmp_path), list[str]()
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    plan = training.Plan(30, 4, 32, 2e-3)
    for folder in (whole, halves):
        folder.mkdir()
    assert not training.train(plan, [part], halves, 0.0, said.append)
    for folder in (whole, halves):
        assert training.train(plan, [part], folder, 2.0, said.append)
    nets = [training.trained(folder) for folder in (whole, halves)]
    assert torch.equal(nets[0].head.weight, nets[1].head.weight)
    stack = torch.from_numpy(np.load(part).astype(np.float32) / 65535)
    untaught, taught = (training.loss_of(net, stack).item() for net in (network.GrainNet(), nets[0]))
    assert taught < 0.95 * untaught
    assert "after the network" in training.reached(nets[0], part)


def _part(folder: Path) -> Path:
    """A flat picture with noise, of which the average leaves half."""
    rng = np.random.default_rng(5)
    planes = np.full((4, samples.CHANNELS, 64, 64), 0.5, np.float32)
    sigma = 0.04
    noise = rng.standard_normal((4, 3, 64, 64)) * sigma
    planes[:, 1] += noise[:, 0] * 0.5
    planes[:, [0, 2, 3]] += noise
    planes[:, 4], planes[:, 5] = 0.5, sigma
    np.save(folder / "part.npy", np.rint(planes.clip(0, 1) * 65535).astype(np.uint16))
    return folder / "part.npy"


def test_a_sample_is_the_same_whenever_it_is_made(photograph: Callable[[Path, int], Path], tmp_path: Path) -> None:
    pictures = simulator.Pictures(photograph(tmp_path, 500))
    samples.make(pictures, tmp_path / "one.npy", 4, 2)
    samples.make(pictures, tmp_path / "two.npy", 5, 1)
    one, two = (np.load(tmp_path / name) for name in ("one.npy", "two.npy"))
    assert one.shape == (4, samples.CHANNELS, *scenes.SIZE)
    assert np.array_equal(one[2:], two)
    assert not np.array_equal(one[:2], one[2:])


def test_a_codec_leaves_less_the_harder_it_works(photograph: Callable[[Path, int], Path], tmp_path: Path) -> None:
    pictures = simulator.Pictures(photograph(tmp_path, 500))
    clip = pictures.clip(3, scenes.FRAMES, (96, 128)).numpy().mean(1)
    rough = samples.grain(clip, np.random.default_rng(2))
    wrong = [float(np.mean((scenes.coded(rough, quantiser) - rough) ** 2)) for quantiser in (10, 22, 34)]
    assert scenes.coded(rough, 10).shape == rough.shape
    assert wrong[0] < 0.5 * wrong[1] < 0.5 * wrong[2]


def test_every_fourth_scene_is_a_fast_one() -> None:
    class Brighter:
        """Each frame is a little brighter than the one before."""

        def clip(self, seed: int, frames: int, size: tuple[int, int]) -> Any:
            return (0.005 * torch.arange(frames))[:, None, None, None].expand(frames, 3, *size)

    made = [scenes.scene(Brighter(), seed, np.random.default_rng(seed)) for seed in range(12)]
    assert {plane.shape for plane in made} == {(scenes.FRAMES, *scenes.SIZE)}
    steps = np.array([abs(plane[-1].mean() - plane[0].mean()) for plane in made])
    tells = steps > 0.003  # the difference of a colour from luma has none
    fast = np.arange(12) % 4 == 3
    assert np.median(steps[fast & tells]) > 1.5 * np.median(steps[~fast & tells])
