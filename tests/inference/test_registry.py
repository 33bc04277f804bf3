"""One copy of each network, loaded late, unloaded when memory is wanted."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import vapoursynth as vs

from vsfilmrestore.errors import ModelError
from vsfilmrestore.inference.apply import run_model
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.models.contract import Contract

from .makers import affine, convolutions, identity, picture, sha256


def test_two_hundred_shots_share_one_network(tmp_path: Path, models: Registry) -> None:
    path = convolutions(tmp_path / "m.onnx")
    clip = picture(frames=400)
    shots = [
        run_model(clip[2 * i : 2 * i + 2], path, Contract(), sha256=sha256(path), models=models) for i in range(200)
    ]
    reel = vs.core.std.Splice(shots)
    assert len(models) == models.loads == 0
    for frame in reel.frames(close=True):
        frame.close()
    assert len(models) == models.loads == 1
    (key,) = models.loaded
    assert models.holders(key) == 200
    del shots, reel, frame
    gc.collect()
    assert models.holders(key) == 0


def test_2000_frames_hold_one_copy_and_no_more_memory(tmp_path: Path, models: Registry) -> None:
    path = convolutions(tmp_path / "m.onnx")
    source = vs.core.std.BlankClip(width=160, height=120, format=vs.YUV420P8, length=2000, keep=True)
    clip = run_model(source.std.SetFrameProps(_Matrix=1), path, Contract(), sha256=sha256(path), models=models)
    vs.core.clear_cache()
    used, weights = [], []
    for n, frame in enumerate(clip.frames(close=True)):
        frame.close()
        if n % 100 == 99:
            used.append(vs.core.used_cache_size)
            weights.append(models.weights)
    assert len(models) == models.loads == 1
    assert len(used) == 20
    assert max(used[1:]) <= 1.5 * used[0]
    assert len(set(weights)) == 1


def test_many_threads_load_once(tmp_path: Path, models: Registry) -> None:
    path = identity(tmp_path / "m.onnx")
    handles = [models.handle(path) for _ in range(8)]
    start = threading.Barrier(8)

    def use(i: int) -> None:
        start.wait()
        with handles[i].use() as loaded:
            assert loaded.session.inputs[0].name == "x"

    threads = [threading.Thread(target=use, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert models.loads == 1


def test_what_is_set_otherwise_is_another_session(tmp_path: Path, models: Registry) -> None:
    path = identity(tmp_path / "m.onnx")
    for options in ({}, {"lanes": 2}, {"device": "cpu"}, {"tile": (64, 64)}):
        with models.handle(path, **options).use():  # type: ignore[arg-type]
            pass
    assert len(models) == 3, "where the device is left open it is the one that is found"


def test_over_the_budget_the_longest_unused_goes_first(tmp_path: Path) -> None:
    paths = [affine(tmp_path / f"{i}.onnx", 1, i) for i in range(3)]
    size = paths[0].stat().st_size
    models = Registry(budget=2 * size + size // 2)
    handles = [models.handle(path, sha256(path)) for path in paths]
    for i in (0, 1, 0, 2):
        with handles[i].use():
            pass
    assert [key.file for key in models.loaded] == [sha256(paths[0]), sha256(paths[2])]
    assert models.weights <= models.budget
    with handles[1].use():
        pass
    assert models.loads == 4, "it is loaded again when it is wanted again"


def test_what_nobody_holds_goes_before_what_somebody_holds(tmp_path: Path) -> None:
    paths = [affine(tmp_path / f"{i}.onnx", 1, i) for i in range(3)]
    models = Registry(budget=int(paths[0].stat().st_size * 2.5))
    kept = models.handle(paths[0], sha256(paths[0]))
    with kept.use():
        pass
    with models.handle(paths[1], sha256(paths[1])).use():
        pass
    gc.collect()
    with models.handle(paths[2], sha256(paths[2])).use():
        pass
    assert sha256(paths[0]) in [key.file for key in models.loaded]
    assert sha256(paths[1]) not in [key.file for key in models.loaded]


def test_what_is_at_work_is_never_unloaded(tmp_path: Path) -> None:
    models = Registry(budget=0)
    path = identity(tmp_path / "m.onnx")
    with models.handle(path).use() as loaded:
        models.unload()
        assert len(models) == 1
        assert loaded.session.inputs
    assert len(models) == 0


def test_runs_at_a_time_are_bounded(tmp_path: Path, models: Registry) -> None:
    handle = models.handle(identity(tmp_path / "m.onnx"), lanes=1)
    with handle.use() as loaded:
        assert not loaded.slots.acquire(blocking=False)
    assert loaded.slots.acquire(blocking=False)


def test_a_changed_file_is_another_network(tmp_path: Path, models: Registry) -> None:
    clip = picture(frames=1)
    path = affine(tmp_path / "m.onnx", 1, 0)
    run_model(clip, path, Contract(), models=models).get_frame(0)
    affine(path, 1, 0.25)
    changed = run_model(clip, path, Contract(), models=models)
    changed.get_frame(0)
    assert models.loads == 2


def test_a_network_that_does_not_load_is_tried_again(tmp_path: Path, models: Registry) -> None:
    path = tmp_path / "m.onnx"
    handle = models.handle(path)
    with pytest.raises(ModelError, match="cannot be read"), handle.use():
        pass
    identity(path)
    with handle.use():
        pass
    assert models.loads == 1


def test_importing_loads_no_runtime() -> None:
    code = (
        "import sys, vsfilmrestore.inference.apply as a, vsfilmrestore.inference.registry as r;"
        "assert 'onnxruntime' not in sys.modules and 'onnx' not in sys.modules and 'torch' not in sys.modules;"
        "assert r.registry.cache_info().currsize == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_errors_of_networks_are_errors_of_the_filter_that_uses_them() -> None:
    code = """
import vapoursynth as vs
from typing import Annotated
from vsfilmrestore.filters.schema import Strength, restoration_filter
from vsfilmrestore.inference.apply import run_model
from vsfilmrestore.models.contract import Contract

@restoration_filter(short="odd", order=1)
def odd_filter(clip: vs.VideoNode, strength: Strength = 0.5) -> vs.VideoNode:
    return run_model(clip, "model.zip", Contract())

try:
    odd_filter(vs.core.std.BlankClip())
except vs.Error as error:
    assert str(error).startswith("odd_filter: model.zip: is no kind of model we know"), error
else:
    raise SystemExit(1)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
