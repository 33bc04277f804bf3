"""Training of the network that finds dirt: what it learns from, going on after an interruption, what comes out."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install vsfilmrestore[torch]")

sim: ModuleType = importlib.import_module("simulator")
network: ModuleType = importlib.import_module("detector.network")
painted: ModuleType = importlib.import_module("detector.painted")
stacks: ModuleType = importlib.import_module("detector.stacks")
crops: ModuleType = importlib.import_module("detector.crops")
lessons: ModuleType = importlib.import_module("detector.lessons")
mining: ModuleType = importlib.import_module("detector.mining")
training: ModuleType = importlib.import_module("detector.training")
exporting: ModuleType = importlib.import_module("detector.export")
shipping: ModuleType = importlib.import_module("shipping")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory, photograph: Callable[[Path, int], Path]) -> Any:
    """Stacks of two samples of a drawn photograph."""
    folder = tmp_path_factory.mktemp("dirt")
    photograph(folder, 420)
    stacks.make(sim.Pictures(folder), None, folder / "000.npy", 0, 2)
    return stacks.Stacks.load([folder / "000.npy"])


def test_a_stack_holds_what_the_filter_sees_and_what_is_true(samples: Any) -> None:
    pixels = samples[0].pixels
    assert pixels.shape == (6, stacks.CHANNELS, *stacks.SIZE)
    kind, apart = pixels[:, 7], np.abs(pixels[:, 0].astype(int) - pixels[:, 6])
    assert set(np.unique(kind)) <= {0, 128, 255}
    assert (kind == 255).any()
    assert apart[kind == 0].max() <= 1  # luma may differ by the rounding of what only colour tells
    assert apart[kind == 255].mean() > 5


def test_neighbours_show_what_is_beneath_damage(samples: Any) -> None:
    pixels = samples[0].pixels.astype(int)
    damage = pixels[:, 7] == 255
    before = np.abs(pixels[:, 2] - pixels[:, 6])[damage].mean()
    assert before < 0.5 * np.abs(pixels[:, 0] - pixels[:, 6])[damage].mean()


def test_painting_tells_where_it_painted() -> None:
    clip = torch.full((5, 3, 96, 96), 0.5)
    atlas = sim.atlas_for(sim.TRAIN, None)
    out, changed = painted.paint(clip, atlas, (1, 3), seed=4)
    again, _ = painted.paint(clip, atlas, (1, 3), seed=4)
    assert torch.equal(out, again)
    assert changed[[1, 3]].flatten(1).any(1).all()
    assert not changed[[0, 2, 4]].any()
    assert torch.equal(out.amax(1)[~changed], clip.amax(1)[~changed])
    assert out.min() >= 0
    assert out.max() <= 1


def test_some_hard_specks_lie_on_two_frames_and_are_told_there() -> None:
    clip = torch.full((5, 3, 96, 96), 0.5)
    atlas = sim.atlas_for(sim.TRAIN, None)
    shared = 0.0
    for seed in range(6):
        out, changed = painted.paint(clip, atlas, (2,), seed, hard=True)
        assert not changed[[0, 1, 4]].any()
        assert torch.equal(out.amax(1)[~changed], clip.amax(1)[~changed])
        shared += float((changed[2] & changed[3]).float().sum() / changed[2].float().sum())
    assert 0.1 < shared / 6 < 0.7


def test_where_a_network_errs_is_where_it_is_sent_again(samples: Any, tmp_path: Path) -> None:
    stack = np.array(samples[0].pixels[:2])
    stack[0, 7] = 0  # nothing to find, and a network that finds everything
    np.save(tmp_path / "000.npy", stack)

    class Eager(torch.nn.Module):  # type: ignore[misc, name-defined]
        def logits(self, seen: Any) -> Any:
            return torch.full((len(seen), 3, *seen.shape[2:]), 9.0)

    mining.mine(Eager(), tmp_path / "000.npy")
    (found,) = stacks.Stacks.load([tmp_path / "000.npy"], mining.MISTAKES)
    assert found.worth.shape == (2, 16, 16)
    assert found.worth[0].min() > 0.2
    damage = (stack[1, 7] == 255).reshape(16, 16, 16, 16).mean((1, 3))
    assert (found.worth[1] <= found.worth[1].max()).all()
    assert found.worth[1][damage == 0].mean() > found.worth[1][damage == damage.max()].mean()
    picked = crops.Crops([found], 64, 1, picked=True).batch(3, 4)
    assert picked.seen.shape == (4, network.INPUTS, 64, 64)


def test_a_second_course_begins_with_the_first(samples: Any, tmp_path: Path) -> None:
    plan, source = training.Plan(steps=2, size=2, rate=0.0), crops.Crops(samples, 32, 1)
    told: list[str] = []
    torch.manual_seed(5)
    first = network.SpotNet()
    assert training.train(plan, source, tmp_path, 5, told.append, first, "second.pt")
    again, wanted = exporting.trained(tmp_path, "second.pt"), first.state_dict()
    assert not (tmp_path / training.STATE).exists()
    assert torch.allclose(again.state_dict()["head.weight"], wanted["head.weight"], atol=1e-4)


def test_halfway_between_two_networks() -> None:
    one, two = network.SpotNet(), network.SpotNet()
    with torch.no_grad():
        one.head.bias.fill_(1.0)
        two.head.bias.fill_(4.0)
    assert torch.equal(exporting.between(one, two).head.bias, torch.full((12,), 2.5))
    assert one.head.bias[0] == 1


def test_hard_samples_are_of_the_same_task() -> None:
    assert lessons.HARD_DIRT.hard
    assert lessons.HARD_DIRT.name in lessons.LESSONS
    assert not any(lesson.hard for lesson in lessons.LESSONS.values())


def test_batches_follow_from_their_number(samples: Any) -> None:
    one, two = crops.Crops(samples, 64, 1), crops.Crops(samples, 64, 1)
    one.batch(0, 3)
    first, second = one.batch(7, 3), two.batch(7, 3)
    assert torch.equal(first.seen, second.seen)
    assert first.seen.shape == (3, network.INPUTS, 64, 64)
    assert not torch.equal(first.seen, one.batch(8, 3).seen)
    assert first.seen.min() >= 0
    assert first.seen.max() <= 1


def test_shares_of_neighbours_are_a_whole() -> None:
    maps = torch.rand(2, 2, 5, 4)
    assert torch.allclose(network.weights_of(maps).sum(1), torch.ones(2, 5, 4))
    seen = torch.rand(2, 6, 5, 4)
    only = torch.tensor([1.0, 1.0])[None, :, None, None].expand(2, 2, 5, 4)
    made = network.fill(seen, torch.cat((maps[:, :1], only), 1))
    assert torch.equal(made[:, 0], seen[:, 2])  # all of the nearer frame before


def test_finding_damage_costs_less_than_missing_it(samples: Any) -> None:
    source = crops.Crops(samples, 64, 1)
    batch = next(batch for batch in (source.batch(n, 4) for n in range(30)) if batch.damage.any())
    right = torch.zeros(4, 3, 64, 64)
    right[:, :1] = 16 * batch.damage - 8
    cost = [float(training.loss_of(logits, batch)[0]) for logits in (right, torch.zeros_like(right), -right)]
    assert cost == sorted(cost)
    assert cost[0] < 0.5 * cost[1]


def test_training_goes_on_where_it_was_cut_off(samples: Any, tmp_path: Path) -> None:
    plan = training.Plan(steps=4, size=2, rate=1e-3)
    told: list[str] = []
    assert training.train(plan, crops.Crops(samples, 32, 1), tmp_path / "whole", 5, told.append)
    assert not training.train(plan, crops.Crops(samples, 32, 1), tmp_path / "parts", 0, told.append)
    assert training.train(plan, crops.Crops(samples, 32, 1), tmp_path / "parts", 5, told.append)
    whole, parts = (exporting.trained(tmp_path / name).state_dict() for name in ("whole", "parts"))
    assert all(torch.allclose(whole[name], parts[name], atol=1e-6) for name in whole)
    fresh = network.SpotNet().state_dict()
    assert any(not torch.equal(whole[name], fresh[name]) for name in whole)


def test_what_is_exported_gives_the_same(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(3)
    net = network.SpotNet()
    net(torch.rand(4, 6, 40, 56))  # means and spreads of its own
    net.eval()
    exporting.export(net, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    seen = torch.rand(1, 6, 40, 56)
    given = {each.name: seen[:, n : n + 1].numpy() for n, each in enumerate(session.get_inputs())}
    with torch.no_grad():
        wanted = net(seen)[:, :1]
    assert [each.name for each in session.get_inputs()] == ["frame", *exporting.EXTRA]
    assert np.abs(session.run(None, given)[0] - wanted.numpy()).max() < 1e-4
    assert not list(tmp_path.glob("*.part*"))


def test_the_card_beside_it_is_stamped(tmp_path: Path) -> None:
    card = (
        'name = "net"\n[[files]]\nsize = 0\nsha256 = "' + "0" * 64 + '"\n[contract]\nsize = { width = 1, height = 1 }\n'
    )
    (tmp_path / "net.toml").write_text(card, "utf-8")
    (tmp_path / "net.onnx").write_bytes(b"abc")
    shipping.stamp(tmp_path / "net.onnx")
    text = (tmp_path / "net.toml").read_text("utf-8")
    assert "size = 3\n" in text
    assert "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" in text
    assert "size = { width = 1, height = 1 }" in text
