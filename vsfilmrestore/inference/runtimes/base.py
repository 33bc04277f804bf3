"""What every runtime offers: a file goes in, a session that can be called from several threads comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from vsfilmrestore.errors import InferenceError

__all__ = ["PROCESSORS", "Array", "MemoryShortError", "Runtime", "Session", "TensorSpec", "run_in"]

type Array = npt.NDArray[Any]

PROCESSORS: Final = frozenset({"cpu", "openvino", "mlrt:cpu", "mlrt:openvino"})
"""Devices that are the processor. ONNX networks run in 32 bits there, whatever their file holds: 16 bits are emulated,
by each runtime in its own way."""


def run_in(runtime: str, device: str, precision: str) -> str:
    """The precision that a network is run in, where so much is asked for.

    Args:
        runtime: Name of the runtime.
        device: ``cpu``, ``cuda:1`` …
        precision: ``auto``, ``fp32``, ``fp16`` or ``bf16``.
    """
    return "fp32" if runtime == "onnxruntime" and device in PROCESSORS else precision


class MemoryShortError(InferenceError):
    """A run did not find the memory it wanted; smaller tiles may do."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of a network.

    Attributes:
        name: Its name in the file.
        shape: Its size; None where any size will do.
        dtype: Type of its values.
        coarse: Half a step of the numbers it is computed with, just below 1, where they are coarser than ``dtype``.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]
    coarse: float = 0.0


class Session(Protocol):
    """A loaded network. `run` may be called from several threads at a time.

    Attributes:
        inputs: What it wants.
        outputs: What it gives.
        device: Where it runs: ``cpu``, ``cuda:0`` …
        weights: Bytes its weights take.
        per_pixel: Bytes it needs while it runs, per pixel of the picture that goes in; None where that is not known.
        parallel: Runs that may go on at a time.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    device: str
    weights: int
    per_pixel: float | None
    parallel: int

    def run(self, arrays: Mapping[str, Array]) -> Sequence[Array]:
        """The outputs, in their order.

        Raises:
            MemoryShortError: Smaller pictures may do.
            InferenceError: The run failed.
        """
        ...

    def close(self) -> None:
        """Let go of the weights; the session is not used any more."""
        ...


class Runtime(Protocol):
    """Runs networks of one kind of file.

    Attributes:
        name: ``onnxruntime`` …
        suffixes: File suffixes it takes.
    """

    name: str
    suffixes: tuple[str, ...]

    def devices(self) -> tuple[str, ...]:
        """Devices that can be asked for on this machine, the best first.

        Raises:
            InstallationError: The runtime is not installed.
        """
        ...

    def load(self, path: Path, sha256: str, *, device: str, precision: str, threads: int, parallel: int) -> Session:
        """Load a network.

        Args:
            path: Its file.
            sha256: What its bytes must add up to; '' takes them as they are.
            device: One of `devices`, or ``auto``.
            precision: ``auto``, ``fp32``, ``fp16`` or ``bf16``.
            threads: Processor threads of one run.
            parallel: Runs that will go on at a time.

        Raises:
            ModelError: The file is damaged, not the one that was meant, or asks for what the runtime cannot do.
            InstallationError: The runtime or the device is missing.
        """
        ...
