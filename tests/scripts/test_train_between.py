"""Training of the network for frames between frames: from pictures to a file, on from there, the file says the same."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install vsfilmrestore[torch]")
onnxruntime = pytest.importorskip("onnxruntime", reason="networks are run by onnxruntime")

network: ModuleType = importlib.import_module("interpolator.network")
samples: ModuleType = importlib.import_module("interpolator.samples")
training: ModuleType = importlib.import_module("interpolator.training")
exporting: ModuleType = importlib.import_module("interpolator.export")

COMMAND = Path(network.__file__).resolve().parents[1] / "between.py"
"""Loaded from its path: a benchmark has the same name."""

pytestmark = pytest.mark.usefixtures("one_thread")


def crops() -> Any:
    """Crops of which the brighter side is right, wherever that may be."""
    rng = np.random.default_rng(1)
    sides = [cv2.GaussianBlur(rng.normal(128, 400, samples.SIZE), (0, 0), 3).clip(0, 255) for _ in range(2)]
    shape = samples.FIELDS["flows"]
    fields = {"pictures": np.stack([*sides, np.maximum(*sides)])[None].astype(np.uint8), "time": np.full(1, 0.5),
              "flows": np.zeros((1, *shape)), "covers": np.zeros((1, *shape))}  # fmt: skip
    return training.Crops(_Held(fields), 48, seed=1)


@dataclass(frozen=True)
class _Held:
    """Samples that lie in no folder."""

    fields: dict[str, Any]

    def __len__(self) -> int:
        return len(self.fields["time"])


def shaken() -> Any:
    """A network that says something, its normalisation not being 1."""
    torch.manual_seed(3)
    net = network.BlendNet()
    torch.nn.init.normal_(net.head.weight, 0, 0.05)
    for name, value in net.state_dict().items():
        if name.endswith("running_mean"):
            value.copy_(0.1 * torch.randn_like(value))
        if name.endswith("running_var"):
            value.copy_(0.05 + 0.1 * torch.rand_like(value))
    return net.eval()


def asked(file: Path, views: Any, small: Any, time: float) -> np.ndarray:
    """What a file answers."""
    motions = torch.nn.functional.pixel_shuffle(small, 2)
    planes = [*views.split(1, 1), *motions.split(1, 1), torch.full_like(views[:, :1], time)]
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    given = {name: plane.numpy() for name, plane in zip(exporting.INPUTS, planes, strict=True)}
    answer: np.ndarray = session.run(None, given)[0]
    return answer


def test_the_file_says_what_the_network_says_and_so_does_one_begun_with_it(tmp_path: Path) -> None:
    net = shaken()
    views, small = torch.rand(1, network.VIEWS, 32, 48), torch.rand(1, network.SMALL, 16, 24) - 0.5
    time = torch.tensor([0.3])
    with torch.no_grad():
        out = net(views, small, time)
        weights = torch.softmax(out[:, : network.VIEWS] + network.prior(time), 1)
        nothing = torch.zeros(1, network.MAPS - network.OUT, 32, 48)
        maps = torch.cat([weights, out[:, network.VIEWS :], nothing], 1)
    wanted = torch.nn.functional.pixel_shuffle(maps, 4).numpy()
    assert np.std(weights.numpy(), axis=(0, 2, 3)).max() > 1e-3  # it chooses otherwise from place to place
    first, again = tmp_path / "first.onnx", tmp_path / "again.onnx"
    exporting.export(net, first)
    np.testing.assert_allclose(asked(first, views, small, 0.3), wanted, atol=2e-5)
    exporting.export(network.BlendNet.begun(first), again)
    np.testing.assert_array_equal(asked(again, views, small, 0.3), asked(first, views, small, 0.3))


def test_a_training_learns_and_goes_on(tmp_path: Path) -> None:
    lessons = crops()
    batch = lessons.batch(1000, 8)

    def left(net: Any) -> float:
        with torch.no_grad():
            return float(training.loss_of(training.made(net.eval(), batch, half=False), batch)[1])

    begun = tmp_path / "begun.onnx"
    exporting.export(shaken(), begun)
    plan = training.Plan(60, 4, 2e-3, begun)
    assert not training.train(plan, lessons, tmp_path, 0.0, print)
    assert training.train(plan, lessons, tmp_path, 5.0, print)
    assert left(exporting.trained(tmp_path)) < 0.8 * left(network.BlendNet.begun(begun))


def test_the_command_goes_from_pictures_to_a_network(
    photograph: Callable[[Path, int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("train_between", COMMAND)
    assert spec is not None
    assert spec.loader is not None
    command = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(command)
    monkeypatch.setattr(command, "make", partial(samples.make, films=0.0))
    made = tmp_path / "between.onnx"
    numbers = [text for name, value in {"samples": 2, "steps": 2, "size": 2, "side": 32, "threads": 1}.items()
               for text in (f"--{name}", str(value))]  # fmt: skip
    pictures = photograph(tmp_path, 400)
    argv = ["between.py", "--pictures", str(pictures), "--work", str(tmp_path / "work"), "-o", str(made), *numbers]
    monkeypatch.setattr(sys, "argv", argv)
    command.main()
    assert made.stat().st_size > 900_000
