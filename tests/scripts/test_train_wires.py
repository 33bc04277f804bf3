"""Training of the network that finds wires: what it learns from, and what judges its word."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install vsfilmrestore[torch]")

sim: ModuleType = importlib.import_module("simulator")
lessons: ModuleType = importlib.import_module("detector.lessons")
stacks: ModuleType = importlib.import_module("detector.stacks")
judging: ModuleType = importlib.import_module("detector.judging_wires")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, photograph: Callable[[Path, int], Path]) -> Path:
    return photograph(tmp_path_factory.mktemp("wires"), 420)


def test_only_wires_are_to_be_found(pictures: Path) -> None:
    samples = list(stacks.damaged_samples(sim.Pictures(pictures), None, 0, 4, lessons.WIRES))
    wire = sim.CLASSES.index("wire")
    for sample, painted in samples:
        assert painted is None
        assert sample.film.gauge == "35mm"
        np.testing.assert_array_equal(stacks.kinds_of(sample, lesson=lessons.WIRES) == 255, sample.masks[wire].numpy())
    assert any(sample.masks[wire].any() for sample, _ in samples)


def test_lessons_go_by_the_task_of_their_network() -> None:
    assert {name: lesson.name for name, lesson in lessons.LESSONS.items()} == {"dirt": "dirt", "wires": "wires"}
    for lesson in lessons.LESSONS.values():
        assert not set(lesson.found) & set(lesson.between)
        assert len(lesson.chances) == len(sim.CLASSES)


class Knowing(torch.nn.Module):  # type: ignore[misc, name-defined]
    """A network that thinks wherever the frame lies apart from all its neighbours it is a wire."""

    def forward(self, seen: torch.Tensor) -> torch.Tensor:  # type: ignore[name-defined]
        apart = (seen[:, :1] - seen[:, 1:5].sort(1).values[:, 1:3].mean(1, keepdim=True)).abs()
        return (apart * 12).clamp(0, 1)


def test_pieces_are_heard_with_what_they_are(pictures: Path) -> None:
    known, right, weight = judging.hear_wires(Knowing(), sim.Pictures(pictures), None, 24, 8)
    assert known.shape == (len(right), 5)
    assert set(np.unique(right)) == {0.0, 1.0}
    assert weight.min() > 0
    assert np.isfinite(known).all()
