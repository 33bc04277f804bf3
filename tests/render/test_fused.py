"""Steps of a recipe that are networks are run as one, and give what they give one by one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import vapoursynth as vs

from tests.inference import chains, makers
from vsfilmrestore.errors import ModelError
from vsfilmrestore.filters.schema import FILTERS, Setting, Strength, restoration_filter
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.registry import registry
from vsfilmrestore.inference.results import results
from vsfilmrestore.models.contract import Contract
from vsfilmrestore.recipes import Recipe, Step
from vsfilmrestore.recipes.runs import runs
from vsfilmrestore.render.graph import GraphShot, restored_node
from vsfilmrestore.render.walls import behind_walls

core = vs.core

Seed = Annotated[int, Setting("which network", 0, 9)]


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Step]]:
    """Makes steps of filters that are networks; the filters are gone after the test."""
    for name in FILTERS:
        monkeypatch.setitem(FILTERS, name, FILTERS[name])
    before = dict(FILTERS)

    files = {seed: chains.spatial(tmp_path, seed) for seed in (1, 2)}
    window = chains.temporal(tmp_path, 2, 1)

    def spatial(settings: Mapping[str, Any]) -> ModelCall:
        return replace(files[settings["seed"]], strength=settings["strength"])

    def temporal(settings: Mapping[str, Any]) -> ModelCall:
        return replace(window, strength=settings["strength"])

    def masked(settings: Mapping[str, Any]) -> ModelCall:
        return ModelCall(makers.affine(tmp_path / "masked.onnx", 0.9, 0.0), Contract(), whole=False)

    def absent(settings: Mapping[str, Any]) -> ModelCall:
        raise ModelError("is not here", file=tmp_path / "absent.onnx")

    @restoration_filter(short="a", order=50, network=spatial)
    def net_spatial(clip: vs.VideoNode, strength: Strength = 1.0, *, seed: Seed = 1) -> vs.VideoNode:
        """A network for single frames."""
        return spatial({"seed": seed, "strength": strength}).on(clip)

    @restoration_filter(short="b", order=51, radius=2, one_sided=True, network=temporal)
    def net_temporal(clip: vs.VideoNode, strength: Strength = 1.0) -> vs.VideoNode:
        """A network for windows, other frames before than after."""
        return temporal({"strength": strength}).on(clip)

    @restoration_filter(short="c", order=52, network=masked)
    def net_masked(clip: vs.VideoNode, strength: Strength = 1.0) -> vs.VideoNode:
        """A network that is not all there is."""
        return masked({}).on(clip)

    @restoration_filter(short="d", order=53, network=absent)
    def net_absent(clip: vs.VideoNode, strength: Strength = 1.0) -> vs.VideoNode:
        """A network that is not there."""
        raise ModelError("is not here", file=tmp_path / "absent.onnx")

    yield lambda name, **settings: Step(FILTERS[f"net_{name}"], settings)
    FILTERS.clear()
    FILTERS.update(before)


def film(length: int, seed: int = 1) -> vs.VideoNode:
    return makers.picture(64, 48, length, fmt=vs.YUV420P8, seed=seed, _Matrix=1).std.BoxBlur(hradius=1, vradius=1)


def furthest(a: vs.VideoNode, b: vs.VideoNode) -> float:
    assert a.num_frames == b.num_frames
    return max(
        float(np.abs(x.astype(int) - y).max())
        for n in range(a.num_frames)
        for x, y in zip(makers.planes(a, n), makers.planes(b, n), strict=True)
    )


def test_neighbours_that_are_networks_are_one_run(steps: Callable[..., Step]) -> None:
    plain = Step(FILTERS["denoise"], {})
    recipe = [
        plain, steps("spatial"), steps("temporal"), steps("spatial", seed=2), steps("masked"), steps("spatial"),
        plain, steps("temporal"), steps("absent"), steps("spatial"),
    ]  # fmt: skip
    found = runs(recipe)
    assert [len(run.steps) for run in found] == [1, 3, 1, 1, 1, 1, 1, 1]
    assert [step for run in found for step in run.steps] == recipe
    assert [run.fused for run in found].count(True) == 1
    assert found[1].reach == 2


def test_a_recipe_gives_what_its_steps_give_one_by_one(steps: Callable[..., Step]) -> None:
    recipe = Recipe((steps("spatial"), steps("temporal"), steps("spatial", seed=2, strength=0.5)))
    clip = film(9)
    separate = clip
    for step in recipe:
        separate = step.apply(separate)
    result = recipe.apply(clip)
    assert furthest(result, separate) <= 2
    assert furthest(result, clip) > 8
    interlaced = recipe.apply(clip.std.SetFieldBased(2))
    assert furthest(interlaced, result) == 0
    assert interlaced.get_frame(0).props["_FieldBased"] == 2


def test_an_absent_network_is_told_by_its_own_filter(steps: Callable[..., Step]) -> None:
    with pytest.raises(vs.Error, match=r"net_absent: .*is not here"):
        Recipe((steps("spatial"), steps("absent"))).apply(film(3))


@pytest.mark.parametrize("handles", [(0, 0), (1, 2), (9, 9)])
def test_walls_hold_around_a_run(handles: tuple[int, int], steps: Callable[..., Step]) -> None:
    """In a reel the run sees the handles of its take, then its own frames mirrored, as separate steps do."""
    from vsfilmrestore.render.graph import _walled_step

    recipe = [steps("temporal"), steps("spatial"), steps("temporal", strength=0.8)]
    front, back = handles
    take = film(6 + front + back)
    one = behind_walls(take, handles, [_walled_step(run) for run in runs(recipe)])
    each = behind_walls(take, handles, [_walled_step(run) for step in recipe for run in runs([step])])
    assert one.num_frames == each.num_frames == 6
    assert furthest(one, each) <= 2
    cold = behind_walls(take[front : front + 6], (0, 0), [_walled_step(run) for run in runs(recipe)])
    assert (furthest(one, cold) == 0) == (handles == (0, 0)), "handles are looked at where there are some"


def test_no_other_shot_is_seen(steps: Callable[..., Step]) -> None:
    recipe = Recipe((steps("spatial"), steps("temporal"), steps("spatial", seed=2)))
    first, second = film(7), film(8, seed=9)
    shots = [
        GraphShot(name, clip, (0, 0), range(clip.num_frames), recipe) for name, clip in (("a", first), ("b", second))
    ]
    reel = restored_node(shots, Fraction(24))
    assert furthest(reel[:7], recipe.apply(first)) == 0
    assert furthest(reel[7:], recipe.apply(second)) == 0


def test_200_shots_hold_one_copy_of_each_network_and_little_memory(steps: Callable[..., Step]) -> None:
    recipe = Recipe((steps("spatial"), steps("temporal"), steps("spatial", seed=2)))
    source = film(800)
    shots = [GraphShot(str(i), source[4 * i : 4 * i + 4], (0, 0), range(4), recipe) for i in range(200)]
    loads, loaded = registry().loads, len(registry())
    core.clear_cache()
    reel = restored_node(shots, Fraction(24))
    used, held = [], []
    for n, frame in enumerate(reel.frames(close=True)):
        frame.close()
        if n % 100 == 99:
            used.append(core.used_cache_size)
            held.append(results().held)
    assert registry().loads - loads == len(registry()) - loaded == 3
    assert max(used[1:]) < 2 * used[0]
    assert max(held) < 40 * 64 * 48 * 3 * 4
    del reel, shots
    gc.collect()
    assert results().held == 0
