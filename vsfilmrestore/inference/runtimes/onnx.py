"""ONNX Runtime.

Run here on the processor. CUDA, TensorRT, DirectML, CoreML and OpenVINO are chosen by what the installed build of ONNX
Runtime offers: built, not run.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from vsfilmrestore.errors import InferenceError, InstallationError, ModelError, VsfrError
from vsfilmrestore.inference.runtimes._onnx_file import OnnxFile, read_onnx
from vsfilmrestore.inference.runtimes.base import Array, MemoryShortError, TensorSpec

__all__ = ["OnnxRuntime", "OnnxSession"]

log = logging.getLogger(__name__)

_PROVIDERS: Final = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
"""Devices in the order ``auto`` looks for them; what stands behind ``cpu`` must be asked for: TensorRT builds for
minutes before its first frame."""
_BUILDS: Final = {"cuda": "gpu", "tensorrt": "gpu", "directml": "directml", "openvino": "openvino"}
_TYPES: Final[dict[str, np.dtype[Any]]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(double)": np.dtype(np.float64),
    "tensor(int64)": np.dtype(np.int64),
    "tensor(int32)": np.dtype(np.int32),
    "tensor(uint8)": np.dtype(np.uint8),
}
_QUIET: Final = 4
_GPU_RUNS: Final = 2

_PREFIX: Final = re.compile(r"^\[ONNXRuntimeError\] : \d+ : (\w+) : ")
_UNKNOWN_OP: Final = (
    re.compile(r"No Op registered for (\w+) with domain_version"),
    re.compile(r"Fatal error: ([\w.]*:?\w+)\(-?\d+\) is not a registered"),
    re.compile(r"Could not find an implementation for (\w+)"),
)
_MEMORY: Final = re.compile(
    r"failed to allocate|bad_?alloc|out of memory|CUBLAS_STATUS_ALLOC_FAILED|E_OUTOFMEMORY|8007000E", re.IGNORECASE
)


class OnnxRuntime:
    """Runs ``.onnx`` files."""

    name = "onnxruntime"
    suffixes: tuple[str, ...] = (".onnx",)

    def devices(self) -> tuple[str, ...]:
        offered = _library().get_available_providers()
        return tuple(device for device, provider in _PROVIDERS.items() if provider in offered)

    def load(self, path: Path, sha256: str, *, device: str, precision: str, threads: int, parallel: int) -> OnnxSession:
        ort = _library()
        chosen, number = self._device(device)
        file = read_onnx(path, sha256)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        # The file alone where weights lie beside it: ONNX Runtime looks for them from the file's place.
        source = str(path) if file.external else file.data
        try:
            session = ort.InferenceSession(source, options, providers=_providers(chosen, number, precision))
        except Exception as error:  # noqa: BLE001 - its errors share no class but Exception
            raise _why_not_loaded(error, path) from None
        started = session.get_providers()[0]
        if started != _PROVIDERS[chosen]:
            if device != "auto":
                raise InstallationError(
                    f"ONNX Runtime could not start '{chosen}' on this machine",
                    hint="Check its driver and libraries, or set device='cpu'",
                )
            log.warning("ONNX Runtime could not start '%s'; networks run on the processor", chosen)
            chosen, number = "cpu", ""
        runs = parallel if chosen == "cpu" else _GPU_RUNS
        return OnnxSession(session, file, path, f"{chosen}:{number}" if number else chosen, runs)

    def _device(self, device: str) -> tuple[str, str]:
        offered = self.devices()
        if device == "auto":
            return offered[0], ""
        name, _, number = device.partition(":")
        if name not in _PROVIDERS or (number and not number.isdecimal()):
            known = ", ".join(("auto", *_PROVIDERS))
            raise ModelError(f"there is no device '{device}'", hint=f"Take one of {known}, with a number: cuda:1")
        if name not in offered:
            build = f"onnxruntime-{_BUILDS[name]}" if name in _BUILDS else "a build of onnxruntime that has it"
            raise InstallationError(
                f"the ONNX Runtime that is installed does not offer '{name}'",
                hint=f"Install {build} in place of onnxruntime, or set device='cpu'",
            )
        return name, number


def _library() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise InstallationError(
            "networks need the packages onnx and onnxruntime", hint='Install them: pip install "vsfilmrestore[onnx]"'
        ) from None
    return onnxruntime


def _providers(device: str, number: str, precision: str) -> list[Any]:
    options: dict[str, Any] = {}
    if device in ("cuda", "tensorrt", "directml"):
        options["device_id"] = int(number or 0)
    if device == "tensorrt":
        options |= {"trt_fp16_enable": precision == "fp16", "trt_engine_cache_enable": True}
    if device == "cuda":
        # Exhaustive search tries every algorithm anew for each size, and may take another one each time.
        options |= {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"}
    chain: list[Any] = [(_PROVIDERS[device], options)]
    if device == "tensorrt":
        chain.append((_PROVIDERS["cuda"], {"device_id": options["device_id"]}))
    if device != "cpu":
        chain.append(_PROVIDERS["cpu"])
    return chain


class OnnxSession:
    """A network loaded by ONNX Runtime; see `runtimes.base.Session`."""

    def __init__(self, session: Any, file: OnnxFile, path: Path, device: str, parallel: int) -> None:
        self._session = session
        self._path = path
        self.inputs = tuple(_spec(value, path) for value in session.get_inputs())
        self.outputs = tuple(_spec(value, path) for value in session.get_outputs())
        self.device = device
        self.weights = file.weights
        self.per_pixel = file.per_pixel
        self.parallel = parallel
        self._options: Any = None

    def run(self, arrays: Mapping[str, Array]) -> Sequence[Array]:
        try:
            results: Sequence[Array] = self._session.run(None, dict(arrays), self._options)
        except Exception as error:  # noqa: BLE001 - its errors share no class but Exception
            reason = _why_not_run(error, self._path)
            if isinstance(reason, MemoryShortError):
                self._options = self._sparing()
            raise reason from None
        return results

    def _sparing(self) -> Any:
        """From now on runs hand back what they took: the pool of intermediate results else keeps it for ever."""
        options = _library().RunOptions()
        kind, _, number = self.device.partition(":")
        place = kind if kind == "cpu" else "gpu"
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", f"{place}:{number or 0}")
        return options

    def close(self) -> None:
        self._session = None


def _spec(value: Any, path: Path) -> TensorSpec:
    if value.type not in _TYPES:
        raise ModelError(f"its tensor '{value.name}' is of the type {value.type}, which is not offered", file=path)
    shape = tuple(size if isinstance(size, int) and size > 0 else None for size in value.shape)
    return TensorSpec(value.name, shape, _TYPES[value.type])


def _why_not_loaded(error: Exception, path: Path) -> VsfrError:
    text = str(error)
    for pattern in _UNKNOWN_OP:
        if match := pattern.search(text):
            return ModelError(
                f"has the operator '{match[1]}', which this ONNX Runtime does not know",
                file=path,
                hint="Update onnxruntime, or export the network with standard operators",
            )
    if _MEMORY.search(text) or isinstance(error, MemoryError):
        return MemoryShortError("there is not enough memory to load it", file=path)
    return ModelError(f"ONNX Runtime does not take it: {_first_line(text)}", file=path)


def _why_not_run(error: Exception, path: Path) -> InferenceError:
    text = str(error)
    if isinstance(error, MemoryError) or _MEMORY.search(text):
        return MemoryShortError("there is not enough memory", file=path)
    return InferenceError(f"ONNX Runtime could not run it: {_first_line(text)}", file=path)


def _first_line(text: str) -> str:
    return " ".join(_PREFIX.sub("", text).split())[:300]
