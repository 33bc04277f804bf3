"""Copies to and from a graphics card without a detour: memory that the card may read and write itself.

Run here with a stand-in for the driver; with CUDA: built, not run.

Inputs are the engine's own tensors, used again and again: each is registered with the driver once, for as long as it
lives. Outputs come from a pool: an array goes back to it when nobody looks at it any more.
"""

from __future__ import annotations

import ctypes
import logging
import math
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, Final, Protocol

import numpy as np

from vsfilmrestore.inference.runtimes.base import Array, TensorSpec

__all__ = ["Driver", "PinnedRuns", "Register", "cuda_register"]

log = logging.getLogger(__name__)

_LEAST: Final = 1 << 20
"""Bytes below which registering does not pay."""
_SPARE: Final = 4
"""Free outputs of a size that are kept."""
_PORTABLE: Final = 1
"""``cudaHostRegisterPortable``: pinned for every context of the process."""


class Driver(Protocol):
    """Registers memory with a card's driver."""

    def register(self, address: int, size: int) -> bool:
        """Whether it could be registered."""
        ...

    def release(self, address: int) -> None:
        """Give it back; it must still be there."""
        ...


class _Cuda:
    def __init__(self, library: Any) -> None:
        self._register, self._release = library.cudaHostRegister, library.cudaHostUnregister
        self._register.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint]
        self._release.argtypes = [ctypes.c_void_p]

    def register(self, address: int, size: int) -> bool:
        return int(self._register(address, size, _PORTABLE)) == 0

    def release(self, address: int) -> None:
        self._release(address)


class Register:
    """What is registered with a driver, each piece of memory once and until it ends.

    Args:
        driver: The driver; None leaves all memory as it is.
    """

    def __init__(self, driver: Driver | None) -> None:
        self._driver = driver
        self._here: set[int] = set()
        self._lock = threading.RLock()  # finalisers run in the middle of any line

    def hold(self, tensor: Array) -> None:
        """Register the memory that a tensor is a part of, if it is numpy's own and large enough."""
        owner = tensor
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if self._driver is None or owner.nbytes < _LEAST or owner.base is not None or not owner.flags.c_contiguous:
            return
        address = owner.ctypes.data
        with self._lock:
            if address in self._here or not self._driver.register(address, owner.nbytes):
                return
            self._here.add(address)
        # At the end of the process the driver may be gone before us; its memory goes with it.
        weakref.finalize(owner, self._release, address).atexit = False

    def _release(self, address: int) -> None:
        with self._lock:
            if address in self._here and self._driver is not None:
                self._here.discard(address)
                self._driver.release(address)


@cache
def cuda_register() -> Register:
    """That of the CUDA runtime which ONNX Runtime has loaded; where there is none, copies take their detour."""
    windows = sys.platform == "win32"
    for name in ("cudart64_13.dll", "cudart64_12.dll") if windows else ("libcudart.so.13", "libcudart.so.12"):
        with suppress(OSError, AttributeError):
            return Register(_Cuda(ctypes.CDLL(name)))
    log.info("no CUDA runtime was found to register memory with; copies take a detour")
    return Register(None)


class _Lease:
    """Memory of an output, as numpy sees it; the array made of it keeps it alive, and so do all its views."""

    def __init__(self, memory: Array) -> None:
        self.__array_interface__ = memory.__array_interface__


class PinnedRuns:
    """Runs a session with tensors bound to pinned memory; one for each session, from several threads at a time.

    Args:
        session: The session of ONNX Runtime.
        outputs: What it gives.
        register: Where memory is registered.
    """

    def __init__(self, session: Any, outputs: Sequence[TensorSpec], register: Register) -> None:
        self._session = session
        self._outputs = outputs
        self._register = register
        self._known: dict[tuple[object, ...], list[tuple[int, ...]]] = {}
        self._free: dict[tuple[tuple[int, ...], str], list[Array]] = {}
        self._lock = threading.RLock()  # finalisers run in the middle of any line

    def run(self, arrays: Mapping[str, Array], options: Any = None) -> list[Array]:
        """The outputs, in their order; each is the caller's as long as he holds it."""
        key = tuple((name, array.shape) for name, array in arrays.items())
        shapes = self._known.get(key)
        binding = self._session.io_binding()
        for name, array in arrays.items():
            tensor = np.ascontiguousarray(array)
            self._register.hold(tensor)
            binding.bind_cpu_input(name, tensor)
        made = [self._lend(shape, spec.dtype) for shape, spec in zip(shapes or (), self._outputs, strict=bool(shapes))]
        if made:
            for spec, array in zip(self._outputs, made, strict=True):
                binding.bind_output(spec.name, "cpu", 0, spec.dtype.type, array.shape, array.ctypes.data)
        else:
            for spec in self._outputs:
                binding.bind_output(spec.name)
        self._session.run_with_iobinding(binding, options)
        results = made or list(binding.copy_outputs_to_cpu())
        if shapes is None:
            self._known[key] = [array.shape for array in results]
        return results

    def _lend(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        key = (shape, dtype.str)
        with self._lock:
            spare = self._free.setdefault(key, [])
            memory = spare.pop() if spare else self._made(shape, dtype)
        lease = _Lease(memory)
        weakref.finalize(lease, self._take_back, key, memory).atexit = False
        return np.asarray(lease)

    def _made(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        memory = np.empty(math.prod(shape), dtype).reshape(shape)
        self._register.hold(memory)
        return memory

    def _take_back(self, key: tuple[tuple[int, ...], str], memory: Array) -> None:
        with self._lock:
            if len(self._free) > 1:  # pictures of another size have had their time
                self._free = {key: self._free.get(key, [])}
            spare = self._free.setdefault(key, [])
            if len(spare) < _SPARE:
                spare.append(memory)
