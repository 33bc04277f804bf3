"""Training of the network that tells scratches: what it learns from, going on after an interruption, what comes out."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install vsfilmrestore[torch]")

network: ModuleType = importlib.import_module("scratch.network")
samples: ModuleType = importlib.import_module("scratch.samples")
plain: ModuleType = importlib.import_module("scratch.plain")
training: ModuleType = importlib.import_module("scratch.training")
exporting: ModuleType = importlib.import_module("scratch.export")
judging: ModuleType = importlib.import_module("scratch.judging")
command: ModuleType = importlib.import_module("lines")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory, photograph: Callable[[Path, int], Path]) -> Path:
    """Stacks of three clips of a drawn photograph, and some of them with plain lines."""
    folder = tmp_path_factory.mktemp("lines")
    photograph(folder, 620)
    file = folder / "000.npy"
    samples.make(samples.Posts(folder), file, 0, 3)
    plain.make_plain(file, 0)
    return file


def stacks(file: Path, size: int) -> np.ndarray:
    return np.load(file.with_name(f"{file.stem}.{size}.npy"))


def test_a_stack_holds_a_frame_its_neighbours_twice_and_what_lines_add(part: Path) -> None:
    for size, (height, width) in enumerate(samples.SIZES):
        found = stacks(part, size)
        assert found.shape[1:] == (network.INPUTS + 1, height // 12, width)
    found = stacks(part, 0)
    frame, lying, moved, added = found[:, 0], found[:, 1:9], found[:, 9:17], found[:, 17]
    assert np.abs(added).max() > 3
    assert (np.abs(added) < 0.05).mean() > 0.5
    apart = [np.abs(each - frame[:, None])[:, :, :, 10:-10].mean() for each in (lying, moved)]
    assert apart[1] <= apart[0] + 0.2  # the scene is followed, never lost


def test_plain_lines_are_added_to_all_frames_and_told(part: Path) -> None:
    before, after = stacks(part, 0)[:: plain.SHARE], stacks(plain.plain_name(part), 0)
    assert np.allclose(after[:, 0] - before[:, 0], after[:, 17] - before[:, 17], atol=1e-3)
    assert (np.abs(after[:, 1:9] - before[:, 1:9]).max((2, 3)) > 1).all()


def test_the_hard_lesson_has_more_of_what_looks_like_lines(
    tmp_path: Path, photograph: Callable[[Path, int], Path]
) -> None:
    photograph(tmp_path, 620)
    usual, hard = (samples.Posts(tmp_path, lesson) for lesson in (samples.LINES, samples.HARD))
    upright = []
    for pictures in (usual, hard):
        stills = [pictures._still(pictures_dice(n)) for n in range(8)]
        upright.append(np.mean([still.mean(2).diff(dim=-1).abs().mean().item() for still in stills]))
    assert upright[1] > 1.5 * upright[0]
    without = [np.array_equal(before, after) for n in range(4) for before, after in samples.clips_of(hard, n, (96, 96))]
    assert 0 < sum(without) < len(without)


def pictures_dice(seed: int) -> object:
    return importlib.import_module("simulator.chance").Dice(samples.TRAIN.comb, seed, "still")


def test_the_judge_learns_which_lines_are_right() -> None:
    rng = np.random.default_rng(4)
    right = np.arange(300) % 3 == 0
    terms = rng.normal(0, 1, (300, 4)) + np.outer(right, [2.5, 0, -2.5, 0])
    weights, told = judging.judge((terms, right.astype(float), np.ones(300)))
    odds = terms @ weights[:-1] + weights[-1]
    assert (odds[right] > 0).mean() > 0.9
    assert (odds[~right] > 0).mean() < 0.1
    assert "scratches taken" in told
    with pytest.raises(ValueError, match="too few to fit a judge to"):
        judging.judge((terms[:20], right[:20].astype(float), np.ones(20)))


def test_lines_are_heard_with_the_truth(
    tmp_path: Path, photograph: Callable[[Path, int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph(tmp_path, 620)
    net = network.LineNet().eval()

    def surely(x: object) -> object:
        """What stands out from its sides, and that it surely is a line."""
        high = network.prepared(x)[0][:, :1] * network.prepared(x)[1]
        return torch.cat((high, (high.abs() > 3 / 255).float(), torch.ones_like(high)), 1)

    monkeypatch.setattr(net, "forward", surely)
    terms, right, cost = judging.hear_lines(net, [samples.Posts(tmp_path)], 0, 2)
    assert terms.shape == (len(right), 28)
    assert set(right) <= {0.0, 1.0}
    assert right.any()
    assert (cost >= 1).all()


@pytest.mark.slow
def test_the_command_goes_from_pictures_to_a_network(
    tmp_path: Path,
    photograph: Callable[[Path, int], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    work, made = tmp_path / "work", tmp_path / "lines.onnx"
    numbers = {"samples": 3, "hard": 3, "steps": 3, "more": 2, "last": 2, "size": 4, "judged": 1, "processes": 1}
    given = [word for name, value in numbers.items() for word in (f"--{name}", str(value))]
    (tmp_path / "pictures").mkdir()
    pictures = photograph(tmp_path / "pictures", 620)
    monkeypatch.setattr(command, "PART", 3)
    argv = ["lines.py", "--pictures", str(pictures), "--work", str(work), "-o", str(made), *given]
    monkeypatch.setattr("sys.argv", argv)
    command.main()
    assert made.stat().st_size > 200_000
    assert {file.name for file in work.glob("*.pt")} == {"first.pt", "second.pt", "third.pt"}
    said = capsys.readouterr().out
    assert "blocks of lines found" in said
    written = {file: file.stat().st_mtime_ns for file in work.glob("*.npy")}
    assert len(written) == 8
    command.main()  # nothing is made again
    assert {file: file.stat().st_mtime_ns for file in work.glob("*.npy")} == written


def test_training_goes_on_and_learns(part: Path, tmp_path: Path) -> None:
    said: list[str] = []
    plan = training.Plan("first", 24, 4, 3e-3)
    assert not training.train(plan, [part], tmp_path, 0.0, said.append)
    assert training.train(plan, [part], tmp_path, 5.0, said.append)
    assert training.train(training.Plan("second", 2, 4, 1e-3), [part], tmp_path, 5.0, said.append, "first")
    batch = torch.from_numpy(stacks(part, 0)) / 255
    torch.manual_seed(0)
    untaught, taught = (
        training.loss_of(net, batch)[0].item() for net in (network.LineNet(), training.trained(tmp_path, "second"))
    )
    assert taught < 0.8 * untaught
    assert "left of the lines' energy" in training.reached(training.trained(tmp_path, "second"), part)


@pytest.mark.parametrize("shape", [(4, 48), (19, 160)])
def test_what_is_shipped_gives_what_was_trained(tmp_path: Path, shape: tuple[int, int]) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install vsfilmrestore[onnx]")
    torch.manual_seed(2)
    net = network.LineNet().eval()
    exporting.export(net, tmp_path / "lines.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "lines.onnx"), providers=["CPUExecutionProvider"])
    seen = np.random.default_rng(3).random((network.INPUTS, *shape)).astype(np.float32)
    made = session.run(None, {name: plane[None, None] for name, plane in zip(exporting.NAMES, seen, strict=True)})[0]
    with torch.no_grad():
        true = net(torch.from_numpy(seen)[None]).numpy()
    assert np.abs(made - true).max() < 1e-5
