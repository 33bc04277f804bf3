"""ONNX Runtime on devices that are not here: what it is asked for, and memory that a card shares.

Runs bound to memory are tried with ONNX Runtime itself on the processor, and a stand-in for the driver of a card.
"""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from vsfilmrestore.errors import InferenceError, InstallationError, ModelError
from vsfilmrestore.inference import _machine
from vsfilmrestore.inference.runtimes import _onnx_providers
from vsfilmrestore.inference.runtimes import onnx as onnx_runtime
from vsfilmrestore.inference.runtimes._onnx_pinned import PinnedRuns, Register
from vsfilmrestore.inference.runtimes._onnx_providers import PROVIDERS, engine_folder, providers, runs
from vsfilmrestore.inference.runtimes.base import MemoryShortError, TensorSpec
from vsfilmrestore.inference.runtimes.onnx import OnnxRuntime

from .makers import affine, doubled, save, sha256

BIG = (1, 3, 400, 400)
"""Enough to be worth registering: 1.9 MB."""


class Driver:
    """Keeps book of what is registered."""

    def __init__(self) -> None:
        self.here: dict[int, int] = {}
        self.times = 0

    def register(self, address: int, size: int) -> bool:
        assert address not in self.here, "registered twice"
        self.here[address] = size
        self.times += 1
        return True

    def release(self, address: int) -> None:
        del self.here[address]


def bound(path: Path, driver: Driver | None) -> PinnedRuns:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = [TensorSpec(value.name, (), np.dtype(np.float32)) for value in session.get_outputs()]
    return PinnedRuns(session, outputs, Register(driver))


def test_bound_runs_give_what_plain_runs_give(tmp_path: Path) -> None:
    runner = bound(doubled(tmp_path / "m.onnx"), Driver())
    values = np.random.default_rng(0)
    for shape in (BIG, BIG, (1, 3, 5, 7), BIG, (1, 3, 5, 7)):
        x = values.random(shape, np.float32)
        (made,) = runner.run({"x": x})
        assert np.array_equal(made, x.repeat(2, 2).repeat(2, 3))


def test_an_output_is_its_callers_as_long_as_he_holds_a_view_of_it(tmp_path: Path) -> None:
    runner = bound(affine(tmp_path / "m.onnx", 1, 1), Driver())
    x = np.zeros(BIG, np.float32)
    held = []
    for i in range(6):
        x[...] = i
        held.append(runner.run({"x": x})[0].reshape(3, 400, 400)[1:, ::2])
    assert [part.min() for part in held] == [part.max() for part in held] == [i + 1.0 for i in range(6)]


def test_memory_is_registered_once_and_used_again(tmp_path: Path) -> None:
    driver = Driver()
    runner = bound(affine(tmp_path / "m.onnx", 1, 1), driver)
    x = np.zeros(BIG, np.float32)
    for _ in range(20):
        runner.run({"x": x[:]})
    assert driver.times == 2, "one input and one output"
    assert x.ctypes.data in driver.here
    del x
    gc.collect()
    assert len(driver.here) == 1
    del runner
    gc.collect()
    assert driver.here == {}


def test_small_tensors_and_memory_of_others_are_left_alone(tmp_path: Path) -> None:
    driver = Driver()
    runner = bound(affine(tmp_path / "m.onnx", 1, 1), driver)
    runner.run({"x": np.zeros((1, 3, 8, 8), np.float32)})
    runner.run({"x": np.frombuffer(bytearray(480_000 * 4), np.float32).reshape(BIG)})
    assert driver.here == {}


def test_outputs_of_another_size_do_not_pile_up(tmp_path: Path) -> None:
    driver = Driver()
    runner = bound(affine(tmp_path / "m.onnx", 1, 1), driver)
    for side in range(400, 440, 4):
        x = np.zeros((1, 3, side, side), np.float32)
        for _ in range(3):
            runner.run({"x": x})
    del x
    gc.collect()
    assert len(driver.here) <= 2


def test_a_driver_that_refuses_is_no_error(tmp_path: Path) -> None:
    class Refusing(Driver):
        def register(self, address: int, size: int) -> bool:
            return False

    for driver in (Refusing(), None):
        runner = bound(affine(tmp_path / "m.onnx", 1, 1), driver)
        for _ in range(3):
            assert (runner.run({"x": np.zeros(BIG, np.float32)})[0] == 1).all()


def test_bound_runs_beside_one_another(tmp_path: Path) -> None:
    runner = bound(affine(tmp_path / "m.onnx", 1, 1), Driver())
    wrong = []

    def work(value: int) -> None:
        x = np.full(BIG, value, np.float32)
        wrong.extend(i for i in range(10) if not (runner.run({"x": x})[0] == value + 1).all())

    threads = [threading.Thread(target=work, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_no_device_takes_fewer_bits_unless_asked() -> None:
    cuda, cpu = providers("cuda", 1, "auto", 4)
    assert cuda == (PROVIDERS["cuda"], cuda[1])
    assert (cuda[1]["device_id"], cuda[1]["use_tf32"], cpu) == (1, 0, PROVIDERS["cpu"])
    assert providers("coreml", 0, "auto", 4)[0][1]["MLComputeUnits"] == "CPUAndGPU"
    assert '"f32"' in providers("openvino", 0, "auto", 4)[0][1]["load_config"]
    for precision in ("auto", "fp32", "fp16"):
        chain = providers("tensorrt", 0, precision, 4)
        assert [each[0] if isinstance(each, tuple) else each for each in chain] == [
            PROVIDERS["tensorrt"],
            PROVIDERS["cuda"],
            PROVIDERS["cpu"],
        ]
        assert chain[0][1]["trt_fp16_enable"] == (precision == "fp16")


def test_a_card_is_not_filled_to_the_brim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_onnx_providers, "gpus", lambda: (_machine.Gpu("Card", 1000, "1"),))
    assert providers("cuda", 0, "auto", 1)[0][1]["gpu_mem_limit"] == 800 << 20
    assert "gpu_mem_limit" not in providers("cuda", 1, "auto", 1)[0][1]


def test_lines_of_the_drivers_tool() -> None:
    assert _machine._gpu("NVIDIA Big, small card, 81559, 570.1") == _machine.Gpu(
        "NVIDIA Big, small card", 81559, "570.1"
    )
    assert _machine._gpu("Odd, [N/A], 1") == _machine.Gpu("Odd", 0, "1")
    assert _machine._gpu("") is None


def test_runs_at_a_time() -> None:
    assert [runs(device, 4) for device in ("cpu", "cuda", "directml")] == [4, 2, 1]
    assert runs("cuda", 1) == 1


def test_engines_lie_apart_by_file_size_precision_and_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSFILMRESTORE_CACHE", str(tmp_path))
    one = engine_folder("a" * 64, "1.2", {"x": (1, 3, 8, 8)}, "auto")
    assert one == tmp_path / "tensorrt" / ("a" * 32) / "ort1.2-fp32-1x3x8x8"
    others = [
        engine_folder("b" * 64, "1.2", {"x": (1, 3, 8, 8)}, "auto"),
        engine_folder("a" * 64, "1.2", {"x": (1, 3, 8, 16)}, "auto"),
        engine_folder("a" * 64, "1.2", {"x": (1, 3, 8, 8)}, "fp16"),
        engine_folder("a" * 64, "1.3", {"x": (1, 3, 8, 8)}, "auto"),
    ]
    assert len({one, *others}) == 5
    assert all(folder.is_dir() for folder in others)


class Library:
    """ONNX Runtime as if it had a card: sessions run on the processor and say otherwise."""

    __version__ = "9.9"

    def __init__(self, *offered: str, starts: bool = True, refuses: str = "") -> None:
        self.offered = [PROVIDERS[name] for name in offered]
        self.starts, self.refuses = starts, refuses
        self.severities: list[int] = []
        self.asked: list[list[Any]] = []
        self.SessionOptions = onnxruntime.SessionOptions
        self.RunOptions = onnxruntime.RunOptions
        self.GraphOptimizationLevel = onnxruntime.GraphOptimizationLevel

    def get_available_providers(self) -> list[str]:
        return self.offered

    def set_default_logger_severity(self, severity: int) -> None:
        self.severities.append(severity)

    def InferenceSession(  # noqa: N802 - its name there
        self, source: Any, options: Any, providers: list[Any], enable_fallback: int
    ) -> Any:
        self.asked.append(providers)
        if self.refuses and providers[0] != PROVIDERS["cpu"] and providers[0][0] != PROVIDERS["cpu"]:
            raise RuntimeError(self.refuses)
        real = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        first = providers[0][0] if isinstance(providers[0], tuple) else providers[0]
        return SimpleNamespace(
            get_inputs=real.get_inputs,
            get_outputs=real.get_outputs,
            run=real.run,
            io_binding=real.io_binding,
            run_with_iobinding=real.run_with_iobinding,
            get_providers=lambda: [first] if self.starts else [PROVIDERS["cpu"]],
        )


def pretend(monkeypatch: pytest.MonkeyPatch, library: Library) -> Library:
    monkeypatch.setattr(onnx_runtime, "_library", lambda: library)
    return library


def load(path: Path, device: str) -> onnx_runtime.OnnxSession:
    return OnnxRuntime().load(path, sha256(path), device=device, precision="auto", threads=1, parallel=4)


def test_a_card_is_asked_for_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = pretend(monkeypatch, Library("cuda", "cpu"))
    session = load(affine(tmp_path / "m.onnx", 2, 0), "cuda:1")
    assert (session.device, session.parallel) == ("cuda:1", 2)
    assert library.asked[0][0][1]["device_id"] == 1
    assert (session.run({"x": np.ones(BIG, np.float32)})[0] == 2).all()
    with pytest.raises(InferenceError):
        session.run({"x": np.ones((1, 3, 4), np.float32)})


def test_a_card_that_does_not_start_is_an_error_or_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, Library("cuda", "cpu", starts=False))
    path = affine(tmp_path / "m.onnx", 2, 0)
    with pytest.raises(InstallationError, match=r"could not start 'cuda'.*doctor"):
        load(path, "cuda")
    session = load(path, "auto")
    assert (session.device, session.parallel) == ("cpu", 4)


def test_tensorrt_has_an_engine_for_each_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSFILMRESTORE_CACHE", str(tmp_path / "cache"))
    library = pretend(monkeypatch, Library("cpu", "tensorrt"))
    path = affine(tmp_path / "m.onnx", 2, 0)
    session = load(path, "tensorrt")
    assert session.inputs[0].shape == (1, 3, None, None)
    assert len(library.asked) == 1, "only looked at"
    for side in (8, 8, 16, 8, 24, 32, 16):
        assert (session.run({"x": np.ones((1, 3, side, side), np.float32)})[0] == 2).all()
    told = [asked[0][1]["trt_profile_opt_shapes"] for asked in library.asked[1:]]
    assert told == [f"x:1x3x{n}x{n}" for n in (8, 16, 24, 32, 16)], "three sizes stay"
    folders = {asked[0][1]["trt_engine_cache_path"] for asked in library.asked[1:]}
    assert len(folders) == 4
    assert all(Path(folder).is_relative_to(tmp_path / "cache" / "tensorrt" / sha256(path)[:32]) for folder in folders)
    session.close()


def test_tensorrt_that_does_not_start_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSFILMRESTORE_CACHE", str(tmp_path / "cache"))
    pretend(monkeypatch, Library("cpu", "tensorrt", starts=False))
    session = load(affine(tmp_path / "m.onnx", 2, 0), "tensorrt")
    with pytest.raises(InstallationError, match="could not start 'tensorrt'"):
        session.run({"x": np.ones(BIG, np.float32)})


def test_whether_the_device_or_the_file_is_to_blame_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = pretend(monkeypatch, Library("cuda", "cpu", refuses="cudaErrorNoDevice: no card"))
    path = affine(tmp_path / "m.onnx", 2, 0)
    with pytest.raises(InstallationError, match=r"could not start 'cuda' .*no card.*doctor"):
        load(path, "cuda")
    assert library.severities == [4, 2], "it is as talkative as before"
    node = helper.make_node("Sparkle", ["x"], ["y"])
    bad = save(tmp_path / "bad.onnx", [node], {"x": (1, 3, "h", "w")}, {"y": (1, 3, "h", "w")})
    with pytest.raises(ModelError, match="has the operator 'Sparkle'"):
        load(bad, "cuda")
    library.refuses = "BFCArena: Failed to allocate memory"
    with pytest.raises(MemoryShortError, match="not enough memory to load it"):
        load(path, "cuda")
