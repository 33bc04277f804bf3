"""How ONNX Runtime is asked for a device. All but the processor and OpenVINO on it: built, not run.

Source: the pages "Execution Providers" of ONNX Runtime's documentation, for the releases from 1.20 on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.inference._machine import gpus
from vsfilmrestore.media.cache import cache_folder

__all__ = ["BUILDS", "PROVIDERS", "Shapes", "engine_folder", "providers", "runs"]

type Shapes = Mapping[str, tuple[int, ...]]

PROVIDERS: Final = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
"""Devices in the order ``auto`` looks for them; what stands behind ``cpu`` must be asked for: TensorRT builds for
minutes before its first frame."""
BUILDS: Final = {"cuda": "gpu", "tensorrt": "gpu", "directml": "directml", "openvino": "openvino"}
"""Builds of onnxruntime that offer a device."""

_CARD_SHARE: Final = 0.8
_RUNS: Final = {"cuda": 2, "tensorrt": 2, "coreml": 2, "directml": 1}
"""Runs at a time: one computes while the other copies. DirectML's sessions must not be run from two threads."""


def runs(device: str, parallel: int) -> int:
    """Runs at a time that are good for a device, where so many are wanted."""
    return min(parallel, _RUNS.get(device, parallel))


def providers(
    device: str, number: int, precision: str, threads: int, engines: Path | None = None, sizes: Shapes | None = None
) -> list[Any]:
    """What to hand to a session, the device first, then what takes the operators that the device does not know.

    Args:
        device: One of `PROVIDERS`.
        number: Which card.
        precision: ``auto``, ``fp32`` or ``fp16``. Nothing but ``fp16`` makes a network run in fewer bits than its file
            has: no TF32, no bfloat16, no neural engine. Processors always have 32 bits.
        threads: Processor threads of one run.
        engines: Where TensorRT keeps what it builds.
        sizes: Sizes of the inputs it builds for.
    """
    half = precision == "fp16"
    options: dict[str, Any]
    match device:
        case "cuda":
            options = _cuda(number)
        case "tensorrt":
            options = {"device_id": number, "trt_fp16_enable": half} | _engines(engines, sizes or {})
        case "directml":
            options = {"device_id": number}
        case "coreml":
            options = {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL" if half else "CPUAndGPU"}
        case "openvino":
            options = _openvino(threads)
        case _:
            options = {}
    chain: list[Any] = [(PROVIDERS[device], options)]
    if device == "tensorrt":
        chain.append((PROVIDERS["cuda"], _cuda(number)))
    if device != "cpu":
        chain.append(PROVIDERS["cpu"])
    return chain


def _cuda(number: int) -> dict[str, Any]:
    # Exhaustive search tries every algorithm anew for each size, and may take another one each time.
    options: dict[str, Any] = {
        "device_id": number,
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
        "use_tf32": 0,
    }
    cards = gpus()
    if number < len(cards) and cards[number].memory:
        options["gpu_mem_limit"] = int(cards[number].memory * _CARD_SHARE) << 20
    return options


def _engines(folder: Path | None, sizes: Shapes) -> dict[str, Any]:
    if folder is None:
        return {}
    told = ",".join(f"{name}:{'x'.join(map(str, shape))}" for name, shape in sizes.items())
    return {
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": str(folder),
        **{f"trt_profile_{which}_shapes": told for which in ("min", "opt", "max")},
    }


def _openvino(threads: int) -> dict[str, Any]:
    # Left to itself it takes bfloat16 on processors that have it.
    hint = {"INFERENCE_PRECISION_HINT": "f32"}
    return {"device_type": "CPU", "num_of_threads": str(threads), "load_config": json.dumps({"CPU": hint})}


def engine_folder(sha256: str, version: str, sizes: Shapes, precision: str) -> Path:
    """Where what TensorRT builds for a network is kept: a folder for each file, size, precision and ONNX Runtime.

    An engine is a program for one card; the folder is the user's own, and nobody else's.
    """
    words = "_".join("x".join(map(str, sizes[name])) for name in sorted(sizes))
    kind = "fp16" if precision == "fp16" else "fp32"
    folder = cache_folder() / "tensorrt" / sha256[:32] / f"ort{version}-{kind}-{words[:120]}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
