"""Runtimes behind one small protocol. Importing this loads none of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import InputError, ModelError
from vsfilmrestore.inference.runtimes.base import Runtime
from vsfilmrestore.models.safety import check_kind

__all__ = ["RUNTIMES", "runtime_for"]


def _onnxruntime() -> Runtime:
    from vsfilmrestore.inference.runtimes.onnx import OnnxRuntime

    return OnnxRuntime()


def _torch() -> Runtime:
    from vsfilmrestore.inference.runtimes.torch import TorchRuntime

    return TorchRuntime()


RUNTIMES: Final[dict[str, Callable[[], Runtime]]] = {"onnxruntime": _onnxruntime, "torch": _torch}
"""Every runtime by name."""


def runtime_for(path: Path) -> Runtime:
    """The runtime that takes a file of this name.

    Raises:
        ModelError: None does.
    """
    for make in RUNTIMES.values():
        runtime = make()
        if path.suffix.lower() in runtime.suffixes:
            return runtime
    known = ", ".join(suffix for make in RUNTIMES.values() for suffix in make().suffixes)
    try:
        check_kind(path.name, allow_pth=True)
    except InputError as error:
        raise ModelError(error.message, file=path, hint=f"Give one of {known}") from None
    raise ModelError("no runtime takes this kind of file", file=path, hint=f"Give one of {known}")
