"""Training of the network that enlarges: what it learns from, how it begins, goes on, ends."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install vsfilmrestore[torch]")

kernels: ModuleType = importlib.import_module("larger.kernels")
samples: ModuleType = importlib.import_module("larger.samples")
network: ModuleType = importlib.import_module("larger.network")
optimiser: ModuleType = importlib.import_module("optimiser")
training: ModuleType = importlib.import_module("larger.training")
exporting: ModuleType = importlib.import_module("larger.export")
command: ModuleType = importlib.import_module("enlarge")

pytestmark = pytest.mark.usefixtures("one_thread")


def _halved(large: Any, name: str) -> Any:
    """Half the size, but for three pixels at each edge, for which the kernel would need what lies beyond."""
    taps, inner = torch.from_numpy(kernels.halving(name)), large[..., 1:-1, 1:-1]
    across = torch.nn.functional.conv2d(inner, taps[None, None, None], stride=(1, 2))
    return torch.nn.functional.conv2d(across, taps[None, None, :, None], stride=(2, 1))


@pytest.fixture(scope="module")
def stills() -> list[np.ndarray]:
    """Noise of several sizes: detail at all scales."""
    rng = np.random.default_rng(1)
    levels = [
        cv2.resize(rng.random((n, n), np.float32), (320, 320), interpolation=cv2.INTER_LINEAR) for n in (6, 25, 90)
    ]
    return [np.rint(np.clip(sum(levels) / 3 * 400 - 70, 0, 255)).astype(np.uint8)]


@pytest.mark.parametrize("name", kernels.HALVES)
def test_kernels_that_halve_keep_brightness_and_place(name: str) -> None:
    taps = kernels.halving(name)
    assert taps.sum() == pytest.approx(1, abs=1e-6)
    assert np.allclose(taps, taps[::-1], atol=1e-7)


def test_the_plain_enlargement_is_in_its_place() -> None:
    ramp = torch.linspace(0.2, 0.8, 24).repeat(1, 1, 24, 1)
    large = network.LargerNet().enlarged(ramp)[0, 0, 12, 12:36]
    step = (0.8 - 0.2) / 23
    assert torch.allclose(large.diff(), torch.full((23,), step / 2), atol=step / 20)
    assert large.mean().item() == pytest.approx(ramp[0, 0, 0, 6:18].mean().item(), abs=step / 20)


def test_a_lesson_is_the_same_whenever_it_is_made_and_tells_what_was_done(stills: list[np.ndarray]) -> None:
    first, again, other = (samples.lesson(stills, step, 12, 24) for step in (3, 3, 4))
    assert torch.equal(first.seen, again.seen)
    assert torch.equal(first.large, again.large)
    assert not torch.equal(first.seen, other.seen)
    assert first.seen.shape == (12, 3, 24, 24)
    assert first.large.shape == (12, 1, 48, 48)
    many = samples.lesson(stills, 1, 60, 24)
    blur = many.seen[:, 1, 0, 0]
    apart = torch.stack([(many.seen[:, :1, 3:-3, 3:-3] - _halved(many.large, name)).square().mean((1, 2, 3)).sqrt()
                         for name in kernels.HALVES]).amin(0)  # fmt: skip
    assert apart[blur > 0.6].mean() > 3 * apart[blur == 0].mean()
    untouched = (blur == 0) & (apart < 1 / 255)
    assert 0.45 < untouched.float().mean() < 0.65


@pytest.mark.parametrize("shape", [(48, 432), (4, 432)])
def test_wide_kernels_move_along_an_orthogonal_matrix(shape: tuple[int, int]) -> None:
    torch.manual_seed(2)
    given = torch.randn(shape) * torch.logspace(0, -1, shape[0])[:, None]
    left, _, right = torch.linalg.svd(given, full_matrices=False)
    found = left.T @ optimiser.orthogonal(given) @ right.T
    assert ((found.diag() > 0.6) & (found.diag() < 1.3)).all()
    assert (found - torch.diag(found.diag())).abs().max() < 1e-3


def test_what_the_optimiser_knows_can_be_kept() -> None:
    def moved(cut_off: bool) -> Any:
        torch.manual_seed(2)
        net = network.LargerNet(16, 1)
        ours = optimiser.Optimiser(net.parameters(), {"lr": 1e-3})
        for step in range(4):
            if cut_off and step == 2:
                known = ours.state_dict()
                ours = optimiser.Optimiser(net.parameters(), {"lr": 1e-3})
                ours.load_state_dict(known)
            ours.zero_grad()
            net(torch.rand(1, 3, 16, 16)).square().mean().backward()
            ours.step()
        return torch.cat([weight.detach().flatten() for weight in net.parameters()])

    assert torch.equal(moved(False), moved(True))


def test_training_goes_on_where_it_was_cut_off_and_learns(stills: list[np.ndarray], tmp_path: Path) -> None:
    said: list[str] = []
    plan = training.Plan(48, 6, 24, 5e-5)
    assert not training.train(plan, stills, tmp_path, 0.0, said.append)
    assert training.train(plan, stills, tmp_path, 2.0, said.append)
    net = training.trained(tmp_path)
    torch.manual_seed(0)
    batch = samples.lesson(stills, 5000, 40, 24)
    untaught, taught = (training.left_of(each, batch).mean().item() for each in (network.LargerNet(), net))
    assert taught < 0.985 * untaught
    assert "bicubic" in training.reached(net, stills)


@pytest.mark.parametrize("shape", [(9, 14), (33, 20)])
def test_what_is_shipped_gives_what_was_trained(tmp_path: Path, shape: tuple[int, int]) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install vsfilmrestore[onnx]")
    torch.manual_seed(3)
    net = network.LargerNet().eval()
    torch.nn.init.normal_(net.large.weight, 0, 0.05)
    torch.nn.init.uniform_(net.gain, 0.2, 0.7)
    seen = np.random.default_rng(4).random((3, *shape)).astype(np.float32)
    given = {name: plane[None, None] for name, plane in zip(exporting.NAMES, seen, strict=True)}
    with torch.no_grad():
        wanted = net(torch.from_numpy(seen)[None])
    file = tmp_path / "large.onnx"
    exporting.export(net, file)
    made = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"]).run(None, given)[0]
    assert made.shape == wanted.shape
    assert np.abs(made - wanted.numpy()).max() < 1e-5
    with torch.no_grad():
        assert torch.equal(exporting.begun(file)(torch.from_numpy(seen)[None]), wanted)


def test_a_training_may_begin_with_what_was_exported(stills: list[np.ndarray], tmp_path: Path) -> None:
    torch.manual_seed(5)
    net, file, work = network.LargerNet(), tmp_path / "begun.onnx", tmp_path / "work"
    exporting.export(net, file)
    work.mkdir()
    plan = training.Plan(2, 2, 24, 1e-3, file)
    assert not training.train(plan, stills, work, 0.0, print)
    kept = training.trained(work).state_dict()
    assert all(torch.equal(value, kept[name]) for name, value in net.state_dict().items())
    assert training.train(plan, stills, work, 2.0, print)
    other = tmp_path / "other.onnx"
    exporting.export(network.LargerNet(), other)
    assert training.train(training.Plan(2, 2, 24, 1e-3, other), stills, work, 2.0, print)
    assert (training.trained(work).layers[0].weight - net.layers[0].weight).abs().max() < 0.01


@pytest.mark.slow
def test_the_command_goes_from_pictures_to_networks(
    tmp_path: Path, photograph: Callable[[Path, int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    photograph(pictures, 620)
    for n in range(16):
        (pictures / f"{n:02}.png").write_bytes((pictures / "still.png").read_bytes())
    made = tmp_path / "film2x.onnx"
    numbers = ["--steps", "3", "--size", "2", "--side", "24"]
    argv = ["enlarge.py", "--pictures", str(pictures), "--work", str(tmp_path / "work"), "-o", str(made), *numbers]
    monkeypatch.setattr("sys.argv", argv)
    command.main()
    assert made.stat().st_size > 400_000
    again = tmp_path / "again.onnx"
    argv = ["enlarge.py", "--pictures", str(pictures), "--work", str(tmp_path / "more"), "-o", str(again), *numbers]
    monkeypatch.setattr("sys.argv", [*argv, "--from", str(made)])
    command.main()
    assert again.read_bytes() != made.read_bytes()
