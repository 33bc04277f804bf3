"""The device where the user leaves it open: measured once, remembered, and a way on where it fails."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vapoursynth as vs

from vsfilmrestore.errors import InstallationError, ModelError
from vsfilmrestore.inference import choose as choose_module
from vsfilmrestore.inference import registry as registry_module
from vsfilmrestore.inference.apply import run_model
from vsfilmrestore.inference.choices import Choice, Choices, Tried
from vsfilmrestore.inference.choose import Asked, candidates, choose, probe, size_class
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.runtimes import runtime_for
from vsfilmrestore.inference.runtimes.base import Array, MemoryShortError, Session, TensorSpec
from vsfilmrestore.models.contract import Contract, ExtraInput

from .makers import affine, between, identity, picture

SPEC = (TensorSpec("x", (1, 3, None, None), np.dtype(np.float32)),)


class Clock:
    """Time that passes only where something says that it takes some: a busy machine does not count."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1e-5
        return self.now


CLOCK = Clock()


@pytest.fixture(autouse=True)
def _own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose_module, "perf_counter", CLOCK)


class FakeSession:
    """Adds a bias and takes its time."""

    def __init__(self, device: str, delay: float, bias: float, spec: tuple[TensorSpec, ...] = SPEC) -> None:
        self.inputs = self.outputs = spec
        self.device, self.weights, self.per_pixel, self.parallel = device, 100, None, 1
        self.delay, self.bias = delay, bias

    def run(self, arrays: Mapping[str, Array]) -> Sequence[Array]:
        CLOCK.now += self.delay
        return [arrays["x"] + arrays["x"].dtype.type(self.bias)]

    def close(self) -> None:
        pass


class FakeRuntime:
    """A machine with these devices: seconds of a run and what is added to the picture, or what goes wrong."""

    name = "fake"
    suffixes: tuple[str, ...] = (".onnx",)

    def __init__(self, half: bool = False, **devices: tuple[float, float] | Exception) -> None:
        self.table = devices
        self.loads: list[str] = []
        self.spec = (TensorSpec("x", (1, 3, None, None), np.dtype(np.float16 if half else np.float32)),)

    def devices(self) -> tuple[str, ...]:
        return tuple(self.table)

    def load(self, path: Path, sha256: str, *, device: str, precision: str, threads: int, parallel: int) -> Session:
        self.loads.append(device)
        told = self.table[device]
        if isinstance(told, Exception):
            raise told
        return FakeSession(device, *told, self.spec)


ASKED = Asked(Path("net.onnx"), "a" * 64, Contract(), (576, 720))


@pytest.fixture
def store(tmp_path: Path) -> Choices:
    return Choices(tmp_path / "cache" / "devices.json")


def again(store: Choices) -> Choices:
    """What another process would see."""
    return Choices(store.file)


def test_sizes_fall_into_classes() -> None:
    sizes = [(360, 640), (576, 720), (720, 1280), (1080, 1920), (1556, 2048), (2160, 3840), (3112, 4096)]
    assert [size_class(size) for size in sizes] == ["sd", "sd", "hd", "2k", "2k", "4k", "4k"]


def test_where_there_is_one_device_nothing_is_measured_or_written(store: Choices) -> None:
    runtime = FakeRuntime(cpu=(0.0, 0.0), tensorrt=(0.0, 0.0))
    assert candidates(runtime) == ("cpu",)
    assert choose(runtime, ASKED, store) == Choice("cpu", "the only one there is", ())
    assert runtime.loads == []
    assert not store.file.parent.exists()


@pytest.mark.parametrize(("gpu", "cpu", "taken"), [(0.001, 0.02, "cuda"), (0.02, 0.001, "cpu")])
def test_the_faster_device_is_taken(gpu: float, cpu: float, taken: str, store: Choices) -> None:
    choice = choose(FakeRuntime(cuda=(gpu, 0.0), cpu=(cpu, 0.0)), ASKED, store)
    assert choice.device == taken
    assert [each.device for each in choice.tried] == ["cuda", "cpu"]
    seconds = {each.device: each.seconds or 0 for each in choice.tried}
    tiles = 576 * 720 / 128**2
    assert gpu * tiles <= seconds["cuda"] <= (gpu + 0.01) * tiles
    assert set(choice.order) == {"cuda", "cpu"}
    assert choice.order[0] == taken


def test_devices_about_as_fast_are_taken_in_their_order() -> None:
    slow, fast = Tried("openvino", 1.05, 0.0, ""), Tried("cpu", 1.0, 0.0, "")
    from vsfilmrestore.inference.choose import _best

    assert _best([slow, fast]).device == "openvino"
    assert _best([Tried("openvino", 1.2, 0.0, ""), fast]).device == "cpu"


def test_the_second_run_takes_what_the_first_one_found(store: Choices) -> None:
    first = choose(FakeRuntime(cuda=(0.001, 0.0), cpu=(0.02, 0.0)), ASKED, store)
    turned = FakeRuntime(cuda=(0.02, 0.0), cpu=(0.001, 0.0))
    assert choose(turned, ASKED, again(store)) == first
    assert turned.loads == []


def test_another_network_size_precision_or_machine_is_measured_by_itself(store: Choices) -> None:
    choose(FakeRuntime(cuda=(0.001, 0.0), cpu=(0.01, 0.0)), ASKED, store)
    others = [
        Asked(ASKED.path, "b" * 64, Contract(), (576, 720)),
        Asked(ASKED.path, "a" * 64, Contract(), (1080, 1920)),
        Asked(ASKED.path, "a" * 64, Contract(), (576, 720), precision="fp16"),
    ]
    for asked in others:
        runtime = FakeRuntime(cuda=(0.001, 0.0), cpu=(0.01, 0.0))
        choose(runtime, asked, again(store))
        assert runtime.loads
    runtime = FakeRuntime(cuda=(0.001, 0.0), directml=(0.001, 0.0), cpu=(0.01, 0.0))
    choose(runtime, ASKED, again(store))
    assert runtime.loads
    assert len(list(again(store))) == 5


@pytest.mark.parametrize(("half", "bias", "taken"), [(False, 0.002, "cpu"), (True, 0.002, "cuda"), (True, 0.01, "cpu")])
def test_a_device_with_another_picture_is_out(half: bool, bias: float, taken: str, store: Choices) -> None:
    choice = choose(FakeRuntime(half, cuda=(0.0, bias), cpu=(0.01, 0.0)), ASKED, store)
    assert choice.device == taken
    cuda = choice.tried[0]
    assert cuda.difference == pytest.approx(bias, abs=6e-4)
    assert bool(cuda.why) == (taken == "cpu")
    assert taken == "cuda" or choice.order == ("cpu",)


def test_a_device_that_gives_no_numbers_is_out(store: Choices) -> None:
    choice = choose(FakeRuntime(cuda=(0.0, float("nan")), cpu=(0.01, 0.0)), ASKED, store)
    assert choice.device == "cpu"
    assert json.loads(store.file.read_text(), parse_constant=lambda word: pytest.fail(word))


def test_a_device_that_does_not_start_is_out_and_said_why(store: Choices) -> None:
    choice = choose(FakeRuntime(cuda=InstallationError("no driver"), cpu=(0.0, 0.0)), ASKED, store)
    assert choice.device == "cpu"
    assert choice.tried[0] == Tried("cuda", None, None, "no driver")
    assert choice.order == ("cpu",)
    runtime = FakeRuntime(cuda=(0.0, 0.0), cpu=(0.01, 0.0))
    assert choose(runtime, ASKED, store) == choice, "it holds for the process"
    assert choose(runtime, ASKED, again(store)).device == "cuda", "the next one tries again"


def test_a_bad_file_is_an_error_and_not_a_choice(store: Choices) -> None:
    bad = ModelError("is cut short")
    with pytest.raises(ModelError, match="is cut short"):
        choose(FakeRuntime(cuda=bad, cpu=bad), ASKED, store)
    assert not store.file.exists()


def test_measuring_is_bounded(store: Choices) -> None:
    start = CLOCK.now
    choose(FakeRuntime(cuda=(0.4, 0.0), openvino=(0.4, 0.0), cpu=(0.4, 0.0)), ASKED, store)
    assert 1 < CLOCK.now - start < 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"version": 1}',
        '{"version": 99, "choices": {}}',
        '{"version": 1, "choices": []}',
        "[" * 100_000,
        "\0\xff",
    ],
)
def test_a_broken_file_is_measured_anew_and_mended(text: str, store: Choices) -> None:
    store.file.parent.mkdir()
    store.file.write_text(text, encoding="latin-1")
    runtime = FakeRuntime(cuda=(0.0, 0.0), cpu=(0.01, 0.0))
    assert choose(runtime, ASKED, store).device == "cuda"
    assert [each.choice.device for each in again(store)] == ["cuda"]
    assert [path.name for path in store.file.parent.iterdir()] == ["devices.json"]


def test_broken_entries_are_measured_anew(store: Choices) -> None:
    choose(FakeRuntime(cuda=(0.0, 0.0), cpu=(0.01, 0.0)), ASKED, store)
    told = json.loads(store.file.read_text())
    for value in (None, 3, {"device": "cuda"}, {"device": "cuda", "tried": [{}]}):
        told["choices"] = dict.fromkeys(told["choices"], value)
        store.file.write_text(json.dumps(told))
        runtime = FakeRuntime(cuda=(0.0, 0.0), cpu=(0.01, 0.0))
        assert choose(runtime, ASKED, again(store)).device == "cuda"
        assert runtime.loads


def test_a_folder_that_cannot_be_written_to_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Choices(tmp_path / "file" / "devices.json")
    choose(FakeRuntime(cuda=(0.0, 0.0), cpu=(0.01, 0.0)), ASKED, store)
    second = FakeRuntime(cuda=(0.01, 0.0), cpu=(0.0, 0.0))
    assert choose(second, ASKED, store).device == "cuda", "it holds for the process"
    assert second.loads == []


def test_the_cache_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSFILMRESTORE_CACHE", str(tmp_path / "named"))
    assert Choices().file == tmp_path / "named" / "devices.json"


def test_the_probe_fits_what_a_network_wants(tmp_path: Path) -> None:
    contracts = {
        identity(tmp_path / "one.onnx"): Contract(multiple=96),
        between(tmp_path / "two.onnx", apart=True): Contract(after=1, time="t"),
        between(tmp_path / "stacked.onnx", apart=False): Contract(layout="stacked", after=1, time="t"),
        identity(tmp_path / "noise.onnx", channels=4): Contract(extra=(ExtraInput("sigma", "number", default=0.3),)),
        identity(tmp_path / "fixed.onnx", size=(40, 56)): Contract(multiple=32),
    }
    for path, contract in contracts.items():
        session = runtime_for(path).load(path, "", device="cpu", precision="auto", threads=1, parallel=1)
        arrays, pixels, place = probe(session, contract, path, 128)
        made = session.run(arrays)[place]
        assert pixels == {"one": 192 * 192, "fixed": 40 * 56}.get(path.stem, 128 * 128)
        assert np.isfinite(made).all()
        assert 0.05 < made[:, :3].std() < 0.3
        assert 0 <= made.min() < made.max() <= 1
        if path.stem == "noise":
            assert (made[:, 3] == np.float32(0.3)).all()


Devices = Callable[..., FakeRuntime]


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> Devices:
    def made(**table: tuple[float, float] | Exception) -> FakeRuntime:
        runtime = FakeRuntime(**table)
        monkeypatch.setattr(registry_module, "runtime_for", lambda path: runtime)
        return runtime

    return made


def shot(models: Registry, **options: str) -> vs.VideoNode:
    return run_model(picture(frames=4), "net.onnx", Contract(), sha256="a" * 64, models=models, **options)  # type: ignore[arg-type]


def test_nothing_is_measured_while_the_graph_is_built(devices: Devices, store: Choices) -> None:
    runtime = devices(cuda=(0.0, 0.0), cpu=(0.001, 0.0))
    models = Registry(choices=store)
    shots = [shot(models) for _ in range(20)]
    assert runtime.loads == []
    for clip in shots:
        clip.get_frame(0).close()
    assert runtime.loads.count("cpu") == 1
    assert runtime.loads.count("cuda") == 2, "once to measure, once to stay"
    (key,) = models.loaded
    assert key.device == "cuda"


def test_who_names_the_device_shares_the_network_with_who_leaves_it_open(devices: Devices, store: Choices) -> None:
    devices(cuda=(0.0, 0.0), cpu=(0.001, 0.0))
    models = Registry(choices=store)
    shot(models).get_frame(0)
    shot(models, device="cuda").get_frame(0)
    assert models.loads == 1


@pytest.mark.parametrize("error", [InstallationError("no driver"), MemoryShortError("the card is full")])
def test_where_a_device_fails_the_next_one_is_taken_and_told_once(
    error: Exception, devices: Devices, store: Choices, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = devices(cuda=(0.0, 0.0), directml=(0.005, 0.0), cpu=(0.01, 0.0))
    models = Registry(choices=store)
    choose(runtime, Asked(ASKED.path, ASKED.sha256, Contract(), (32, 48), "auto", 1, 1), store)
    runtime.table["cuda"] = error
    with caplog.at_level(logging.WARNING):
        first = [shot(models) for _ in range(3)]
        for clip in first:
            clip.get_frame(1).close()
    assert [key.device for key in models.loaded] == ["directml"]
    assert [record.getMessage() for record in caplog.records] == [
        f"'cuda' cannot be used ({error}); 'directml' is taken instead"
    ]
    runtime.table["cuda"] = (0.0, 0.0)
    runtime.table["directml"] = (0.0, 0.0)
    models.unload()
    first[0].get_frame(2).close()
    assert [key.device for key in models.loaded] == ["directml"], "a shot is not made on two devices"


def test_where_a_card_is_full_idle_networks_make_room(devices: Devices, store: Choices) -> None:
    runtime = devices(cuda=(0.0, 0.0), cpu=(0.01, 0.0))
    models = Registry(choices=store)
    shot(models, device="cuda").get_frame(0)
    real = runtime.load

    def load(path: Path, sha256: str, **options: Any) -> Session:
        if models.loaded:
            raise MemoryShortError("the card is full")
        return real(path, sha256, **options)

    runtime.load = load  # type: ignore[method-assign,assignment]
    other = run_model(picture(frames=4), "other.onnx", Contract(), sha256="b" * 64, models=models, device="cuda")
    other.get_frame(0)
    assert [key.file for key in models.loaded] == ["b" * 64]


def test_who_names_a_device_gets_it_or_an_error(devices: Devices, store: Choices) -> None:
    devices(cuda=InstallationError("no driver"), cpu=(0.0, 0.0))
    with pytest.raises(vs.Error, match="no driver"):
        shot(Registry(choices=store), device="cuda").get_frame(0)


def test_real_sessions_are_measured(tmp_path: Path, store: Choices) -> None:
    """Two names for the processor: the whole way with ONNX Runtime itself."""
    path = affine(tmp_path / "net.onnx", 0.5, 0.1)
    real = runtime_for(path)

    class Twice:
        name, suffixes = real.name, real.suffixes

        def devices(self) -> tuple[str, ...]:
            return ("other", "cpu")

        def load(self, path: Path, sha256: str, *, device: str, **options: object) -> Session:
            return real.load(path, sha256, device="cpu", **options)  # type: ignore[arg-type]

    choice = choose(Twice(), Asked(path, "", Contract(), (360, 640), "auto", 1, 2), store)
    assert [each.difference for each in choice.tried] == [0.0, 0.0]
    assert all(each.seconds for each in choice.tried)
    (kept,) = again(store)
    assert kept.facts["model"] != ""
    assert kept.facts["machine"]["runtime"].startswith("onnxruntime 1.")
