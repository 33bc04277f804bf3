"""What there is to run networks on this machine, what is missing or broken, and what was chosen for which network."""

from __future__ import annotations

import ctypes
import platform
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.metadata import distributions
from typing import Final, Literal

from vsfilmrestore.errors import VsfrError
from vsfilmrestore.inference._machine import cores, gpus, total_memory
from vsfilmrestore.inference.choices import Choices, Remembered, Tried
from vsfilmrestore.inference.mlrt import offered
from vsfilmrestore.inference.runtimes import RUNTIMES

__all__ = ["Finding", "cards", "chosen", "plugins", "runtimes"]

type Finding = tuple[str, Literal["ok", "note", "broken"], str]
"""What it is about, a verdict, and a line."""

_EXTRAS: Final = {"onnxruntime": "onnx", "torch": "torch"}
_BUILD: Final = re.compile(r"onnxruntime(?:-gpu|-directml|-openvino|-silicon|-rocm|-migraphx|-qnn)?")
_CUDA_MAJOR: Final = re.compile(r"(\d+)\.")
_CUDNN: Final = 9


def runtimes(names: dict[str, str] | None = None) -> Iterator[Finding]:
    """A line for each runtime, and one for each way in which it is broken.

    Args:
        names: Installed packages and their versions; those of this Python if not given.
    """
    known = _installed() if names is None else names
    for name, make in RUNTIMES.items():
        extra = _EXTRAS.get(name, name)
        builds = sorted(each for each in known if each == name or (name == "onnxruntime" and _BUILD.fullmatch(each)))
        if not builds:
            yield f"runtime {name}", "note", f'not installed; get it with pip install "vsfilmrestore[{extra}]"'
            continue
        told = ", ".join(f"{build} {known[build]}" for build in builds)
        if len(builds) > 1:
            hint = f"pip uninstall -y {' '.join(builds)}, then install one of them"
            yield f"runtime {name}", "broken", f"{told} overwrite one another's files: {hint}"
        try:
            devices = make().devices()
        except (VsfrError, ImportError, OSError) as error:
            yield f"runtime {name}", "broken", f"{told} cannot be loaded ({_line(error)}); install it again"
            continue
        yield f"runtime {name}", "ok", f"{told}: {', '.join(devices)}"
        yield from _cuda(name, devices)


def _installed() -> dict[str, str]:
    return {str(each.metadata["Name"]).lower().replace("_", "-"): each.version for each in distributions()}


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _cuda(name: str, devices: tuple[str, ...]) -> Iterator[Finding]:
    """What stands between a runtime and the NVIDIA cards. Built, not run with a card."""
    offers = "cuda" in devices
    if not offers and gpus():
        build = "onnxruntime-gpu in place of onnxruntime" if name == "onnxruntime" else "a build of torch with CUDA"
        yield f"{name} on NVIDIA", "note", f"this build does not use {gpus()[0].name}: install {build}"
    if offers and not gpus():
        yield f"{name} on NVIDIA", "note", "it could use CUDA, but no NVIDIA driver is found; networks run elsewhere"
    if offers and gpus() and name == "onnxruntime":
        lost = _lost_libraries()
        if lost:
            hint = 'pip install "onnxruntime-gpu[cuda,cudnn]", or take those of your system onto the library path'
            yield f"{name} on NVIDIA", "broken", f"CUDA libraries are missing: {', '.join(lost)}; {hint}"


def _lost_libraries() -> list[str]:
    """CUDA libraries that the installed ONNX Runtime wants and the loader does not find."""
    from vsfilmrestore.inference.runtimes.onnx import preload

    preload()
    version = ""
    with suppress(ImportError, AttributeError):
        version = str(import_module("onnxruntime.capi.build_and_package_info").cuda_version)
    match = _CUDA_MAJOR.match(version)
    if match is None:
        return []
    major = match[1]
    if platform.system() == "Windows":
        wanted = [f"cudart64_{major}.dll", f"cublasLt64_{major}.dll", "curand64_10.dll", f"cudnn64_{_CUDNN}.dll"]
    else:
        wanted = [f"libcudart.so.{major}", f"libcublasLt.so.{major}", "libcurand.so.10", f"libcudnn.so.{_CUDNN}"]
    return [library for library in wanted if not _loads(library)]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def plugins() -> Iterator[Finding]:
    """VapourSynth's own plug-ins that run networks."""
    found = offered()
    told = f"{', '.join(found)}; taken where they are named" if found else "none; not needed (vapoursynth-mlrt-ort …)"
    yield "plug-ins mlrt", "note", told


def cards() -> Iterator[Finding]:
    """What networks can run on."""
    yield "networks' processor", "ok", f"{cores()} cores, {total_memory() / 1e9:.0f} GB of memory"
    for number, card in enumerate(gpus()):
        yield f"card cuda:{number}", "ok", f"{card.name}, {card.memory / 1024:.0f} GB, driver {card.driver}"
    if not gpus():
        yield "NVIDIA cards", "note", "none found"


def chosen(models: dict[str, str], choices: Choices | None = None) -> Iterator[Finding]:
    """What ``device="auto"`` has chosen for whom, and why.

    Args:
        models: Names of networks by sha256.
        choices: What is remembered; what the user's cache folder holds if not given.
    """
    store = Choices() if choices is None else choices
    found = sorted(store, key=lambda each: each.date)
    if not found:
        yield "device='auto'", "note", "nothing measured yet; it is where a network could run on more than one device"
    for each in found:
        yield f"auto: {_name(each, models)}", "ok", _why(each)


def _name(each: Remembered, models: dict[str, str]) -> str:
    sha256 = str(each.facts.get("model", ""))
    return f"{models.get(sha256, sha256[:12])}, {each.facts.get('size', '?')}"


def _why(each: Remembered) -> str:
    measured = "; ".join(_measured(tried) for tried in each.choice.tried)
    library = each.facts.get("machine", {}).get("runtime", "?")
    return f"{each.choice.device} ({library}, {each.date[:10]}): {measured}"


def _measured(tried: Tried) -> str:
    if tried.seconds is None:
        return f"{tried.device} failed ({tried.why})"
    speed = f"{tried.device} {1 / max(tried.seconds, 1e-9):.3g} fps"
    return f"{speed}, out: {tried.why}" if tried.why else f"{speed}, differs by {tried.difference or 0:.1e}"
