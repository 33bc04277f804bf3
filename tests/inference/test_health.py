"""What the machine has for networks, and what is wrong with it: a clear line for each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vsfilmrestore.cli.main import main
from vsfilmrestore.errors import InstallationError
from vsfilmrestore.inference import _machine, health
from vsfilmrestore.inference.choices import Choice, Choices, Tried
from vsfilmrestore.inference.health import Finding

CARD = _machine.Gpu("NVIDIA Card", 24576, "570.1")


class Runtime:
    def __init__(self, *devices: str) -> None:
        self._devices = devices

    def devices(self) -> tuple[str, ...]:
        if not self._devices:
            raise InstallationError("libsomething.so is missing")
        return self._devices


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with ONNX Runtime for CUDA, and a card."""
    monkeypatch.setattr(health, "RUNTIMES", {"onnxruntime": lambda: Runtime("cuda", "cpu")})
    monkeypatch.setattr(health, "gpus", lambda: (CARD,))
    monkeypatch.setattr(health, "_lost_libraries", list)
    return monkeypatch


def lines(names: dict[str, str]) -> list[Finding]:
    found = list(health.runtimes(names))
    assert all("\n" not in detail for _, _, detail in found)
    return found


def test_a_machine_that_is_well(one: pytest.MonkeyPatch) -> None:
    assert lines({"onnxruntime-gpu": "1.31"}) == [("runtime onnxruntime", "ok", "onnxruntime-gpu 1.31: cuda, cpu")]
    assert ("card cuda:0", "ok", "NVIDIA Card, 24 GB, driver 570.1") in list(health.cards())


def test_what_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "gpus", tuple)
    found = lines({})
    assert [each[:2] for each in found] == [("runtime onnxruntime", "note"), ("runtime torch", "note")]
    assert 'pip install "vsfilmrestore[onnx]"' in found[0][2]
    assert 'pip install "vsfilmrestore[torch]"' in found[1][2]
    assert ("NVIDIA cards", "note", "none found") in list(health.cards())


def test_two_builds_of_onnxruntime_are_broken(one: pytest.MonkeyPatch) -> None:
    broken, _ = lines({"onnxruntime": "1.31", "onnxruntime-gpu": "1.31", "onnxruntime-extensions": "0.1"})
    assert broken[1] == "broken"
    assert "pip uninstall -y onnxruntime onnxruntime-gpu, then install one" in broken[2]
    assert "extensions" not in broken[2]


def test_a_runtime_that_does_not_load_is_broken(one: pytest.MonkeyPatch) -> None:
    one.setattr(health, "RUNTIMES", {"onnxruntime": Runtime})
    ((_, verdict, detail),) = lines({"onnxruntime": "1.31"})
    assert verdict == "broken"
    assert "libsomething.so is missing" in detail


def test_cuda_libraries_that_are_missing_are_named(one: pytest.MonkeyPatch) -> None:
    one.setattr(health, "_lost_libraries", lambda: ["libcudnn.so.9"])
    (_, verdict, detail) = lines({"onnxruntime-gpu": "1.31"})[1]
    assert verdict == "broken"
    assert "libcudnn.so.9" in detail
    assert "pip install" in detail


def test_a_card_without_a_build_for_it_and_a_build_without_a_card(one: pytest.MonkeyPatch) -> None:
    one.setattr(health, "gpus", tuple)
    assert "no NVIDIA driver is found" in lines({"onnxruntime-gpu": "1.31"})[1][2]
    one.setattr(health, "gpus", lambda: (CARD,))
    one.setattr(health, "RUNTIMES", {"onnxruntime": lambda: Runtime("cpu"), "torch": lambda: Runtime("cpu")})
    told = {what: detail for what, _, detail in lines({"onnxruntime": "1.31", "torch": "2.15"})}
    assert told["onnxruntime on NVIDIA"].endswith(
        "does not use NVIDIA Card: install onnxruntime-gpu in place of onnxruntime"
    )
    assert told["torch on NVIDIA"].endswith("install a build of torch with CUDA")


def test_a_library_that_is_not_there_does_not_load() -> None:
    assert not health._loads("libnosuchlibrary.so.99")
    assert health._loads("libc.so.6")


def test_what_was_chosen_is_told_with_what_was_measured(tmp_path: Path) -> None:
    store = Choices(tmp_path / "devices.json")
    assert [each[1] for each in health.chosen({}, store)] == ["note"]
    tried = (
        Tried("cuda", 0.01, 2e-6, ""),
        Tried("coreml", 0.005, 0.02, "its picture differs"),
        Tried("directml", None, None, "no driver"),
        Tried("cpu", 0.5, 0.0, ""),
    )
    facts = {"model": "a" * 64, "size": "hd", "machine": {"runtime": "onnxruntime 1.31"}}
    store.keep(facts, Choice("cuda", "about 100 pictures a second", tried))
    store.keep(facts | {"model": "b" * 64}, Choice("cpu", "", tried[3:]))
    first, second = health.chosen({"a" * 64: "denoiser"}, store)
    assert first[0] == "auto: denoiser, hd"
    assert first[2].startswith("cuda (onnxruntime 1.31, 20")
    for words in (
        "cuda 100 fps, differs by 2.0e-06",
        "coreml 200 fps, out: its picture differs",
        "directml failed (no driver)",
        "cpu 2 fps",
    ):
        assert words in first[2]
    assert second[0] == f"auto: {'b' * 12}, hd"


def test_doctor_tells_of_networks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VSFILMRESTORE_CACHE", str(tmp_path))
    assert main(["doctor", "--json"]) == 0
    told = {each["what"]: each for each in json.loads(capsys.readouterr().out)}
    assert told["runtime onnxruntime"]["verdict"] == "ok"
    assert "cpu" in told["runtime onnxruntime"]["detail"]
    assert told["device='auto'"]["detail"].startswith("nothing measured yet")
    assert "plug-ins mlrt" in told
