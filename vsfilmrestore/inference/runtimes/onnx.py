"""ONNX Runtime.

Run here on the processor, plainly and through OpenVINO. CUDA, TensorRT, DirectML and CoreML are chosen by what the
installed build of ONNX Runtime offers: built, not run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from vsfilmrestore.errors import InferenceError, InstallationError, ModelError, VsfrError
from vsfilmrestore.inference.runtimes._onnx_file import OnnxFile, in_32_bits, read_onnx, stays_in_16_bits
from vsfilmrestore.inference.runtimes._onnx_pinned import PinnedRuns, cuda_register
from vsfilmrestore.inference.runtimes._onnx_providers import BUILDS, PROVIDERS, Shapes, engine_folder, providers, runs
from vsfilmrestore.inference.runtimes._onnx_tensors import run_on_tensors
from vsfilmrestore.inference.runtimes.base import PROCESSORS, Array, MemoryShortError, TensorSpec

__all__ = ["OnnxRuntime", "OnnxSession", "TensorrtSession", "preload"]

log = logging.getLogger(__name__)

_TYPES: Final[dict[str, np.dtype[Any]]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(double)": np.dtype(np.float64),
    "tensor(int64)": np.dtype(np.int64),
    "tensor(int32)": np.dtype(np.int32),
    "tensor(uint8)": np.dtype(np.uint8),
}
_QUIET, _USUAL = 4, 2
"""Severities of log lines: fatal errors alone, and ONNX Runtime's own default, warnings."""
_MOST_SIZES: Final = 3
"""Sizes of pictures for which TensorRT's engines stay loaded."""

_NOT_TAKEN: Final = "ONNX Runtime does not take it: "
_PREFIX: Final = re.compile(r"^\[ONNXRuntimeError\] : \d+ : (\w+) : ")
_WHERE: Final = re.compile(r"\S+\.(?:cc|cpp|cu|h):\d+ (?:[^()]*\((?:[^()]|\([^()]*\))*\) |[\w:~]+ )")
_UNKNOWN_OP: Final = (
    re.compile(r"No Op registered for (\w+) with domain_version"),
    re.compile(r"Fatal error: ([\w.]*:?\w+)\(-?\d+\) is not a registered"),
)
_NO_KERNEL: Final = re.compile(r"Could not find an implementation for (\w+)")
_TOO_NEW: Final = re.compile(r"is under development|Unsupported model IR version")
_MEMORY: Final = re.compile(
    r"failed to allocate|bad_?alloc|out of memory|CUBLAS_STATUS_ALLOC_FAILED|E_OUTOFMEMORY|8007000E", re.IGNORECASE
)


class OnnxRuntime:
    """Runs ``.onnx`` files."""

    name = "onnxruntime"
    suffixes: tuple[str, ...] = (".onnx",)

    def devices(self) -> tuple[str, ...]:
        offered = _library().get_available_providers()
        return tuple(device for device, provider in PROVIDERS.items() if provider in offered)

    def load(self, path: Path, sha256: str, *, device: str, precision: str, threads: int, parallel: int) -> OnnxSession:
        chosen, number = self._device(device)
        opener = _Opener(path, read_onnx(path, sha256), chosen, int(number or 0), precision, threads)
        place = f"{chosen}:{number}" if number else chosen
        if chosen == "tensorrt":
            return TensorrtSession(opener, place, runs(chosen, parallel))
        try:
            opener, session = opener.opened()
        except InstallationError as error:
            if device != "auto":
                raise
            log.warning("%s; networks run on the processor", error.message)
            opener, session = dataclasses.replace(opener, device="cpu", number=0).opened()
            place = chosen = "cpu"
        sparing = opener.sparing if chosen == "cpu" else None
        return OnnxSession(session, opener.file, path, place, runs(chosen, parallel), sparing)

    def _device(self, device: str) -> tuple[str, str]:
        offered = self.devices()
        if device == "auto":
            return offered[0], ""
        name, _, number = device.partition(":")
        if name not in PROVIDERS or (number and not number.isdecimal()):
            known = ", ".join(("auto", *PROVIDERS))
            raise ModelError(f"there is no device '{device}'", hint=f"Take one of {known}, with a number: cuda:1")
        if name not in offered:
            build = f"onnxruntime-{BUILDS[name]}" if name in BUILDS else "a build of onnxruntime that has it"
            raise InstallationError(
                f"the ONNX Runtime that is installed does not offer '{name}'",
                hint=f"Install {build} in place of onnxruntime, or set device='cpu'",
            )
        return name, number


@dataclass(frozen=True, slots=True)
class _Opener:
    """All that opens a session for a file that was read and checked."""

    path: Path
    file: OnnxFile
    device: str
    number: int
    precision: str
    threads: int

    def opened(self) -> tuple[_Opener, Any]:
        """A session that runs on the device, and what opened it: on processors the network in 32 bits, if it goes.

        Raises:
            ModelError: See `open`.
            MemoryShortError: See `open`.
            InstallationError: See `open`.
        """
        wide = in_32_bits(self.file, self.path) if self.device in PROCESSORS else None
        if wide is None:
            return self, self.open()
        if self.precision not in ("auto", "fp32"):
            log.info("%s: runs in 32 bits on the processor, whatever is asked for", self.path)
        opener = dataclasses.replace(self, file=wide)
        try:
            return opener, opener.open()
        except ModelError as error:
            session = self.open()  # what is wrong with the file itself is told by it
            stays_in_16_bits(self.path, error.message)
            return self, session

    def open(self, engines: Path | None = None, sizes: Shapes | None = None) -> Any:
        """A session that runs on the device.

        Raises:
            ModelError: ONNX Runtime does not take the file.
            MemoryShortError: There is no room for it.
            InstallationError: ONNX Runtime fell back from the device to another one.
        """
        if _on_nvidia(self.device):
            preload()
        chain = providers(self.device, self.number, self.precision, self.threads, engines, sizes)
        with _silence(self.device):
            try:
                session = self._session(chain)
            except ModelError as error:
                if self.device == "cpu":
                    raise
                self.glance()  # raises where the file is to blame
                raise self._not_started(error.message.removeprefix(_NOT_TAKEN)) from None
        if session.get_providers()[0] != PROVIDERS[self.device]:
            raise self._not_started()
        return session

    def _not_started(self, why: str = "") -> InstallationError:
        return InstallationError(
            f"ONNX Runtime could not start '{self.device}' on this machine{f' ({why})' if why else ''}",
            hint="Check its driver and libraries ('vsfilmrestore doctor'), or set device='cpu'",
        )

    def sparing(self) -> Any:
        """A session on the processor that hands back what each run took; others keep it for the next one."""
        return self._session([PROVIDERS["cpu"]], pool=False)

    def glance(self) -> Any:
        """A session on the processor, only to see what the network wants and gives."""
        return self._session([PROVIDERS["cpu"]], plain=True)

    def _session(self, chain: list[Any], *, plain: bool = False, pool: bool = True) -> Any:
        ort = _library()
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        options.enable_cpu_mem_arena = pool
        if plain:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        if self.device == "directml":
            options.enable_mem_pattern = False  # it takes no plan of memory made beforehand
        # The file alone where weights lie beside it: ONNX Runtime looks for them from the file's place.
        source = str(self.path) if self.file.external else self.file.data
        try:
            # Left to itself it prints, and goes on without the device.
            return ort.InferenceSession(source, options, providers=chain, enable_fallback=0)
        except Exception as error:  # noqa: BLE001 - its errors share no class but Exception
            raise _why_not_loaded(error, self.path) from None


@contextmanager
def _silence(device: str) -> Iterator[None]:
    """Devices that do not start are told by us, in one line; ONNX Runtime would print a page."""
    ort = _library()
    if device != "cpu":
        ort.set_default_logger_severity(_QUIET)
    try:
        yield
    finally:
        if device != "cpu":
            ort.set_default_logger_severity(_USUAL)


@cache
def preload() -> None:
    """Have ONNX Runtime find the CUDA libraries that lie in packages of their own. Built, not run with a card."""
    load = getattr(_library(), "preload_dlls", None)
    said = io.StringIO()
    with suppress(Exception), redirect_stdout(said):  # what it has to say is no output of ours
        if load is not None:
            load(directory="")
    if said.getvalue():
        log.info("CUDA libraries: %s", " ".join(said.getvalue().split()))


def _library() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise InstallationError(
            "networks need the packages onnx and onnxruntime", hint='Install them: pip install "vsfilmrestore[onnx]"'
        ) from None
    return onnxruntime


class OnnxSession:
    """A network loaded by ONNX Runtime; see `runtimes.base.Session`."""

    def __init__(
        self,
        session: Any,
        file: OnnxFile,
        path: Path,
        device: str,
        parallel: int,
        sparing: Callable[[], Any] | None = None,
    ) -> None:
        self._session = session
        self._reopen = sparing
        self._spares = False
        self._path = path
        self.inputs = tuple(_spec(value, path) for value in session.get_inputs())
        self.outputs = tuple(_spec(value, path) for value in session.get_outputs())
        self.device = device
        self.weights = file.weights
        self.per_pixel = file.per_pixel
        self.parallel = parallel
        self._options: Any = None
        self._bound = PinnedRuns(session, self.outputs, cuda_register()) if _on_nvidia(device) else None

    def run(self, arrays: Mapping[str, Array]) -> Sequence[Array]:
        return self._told(lambda: self._run(arrays))

    def run_tensors(self, tensors: Mapping[str, Any]) -> list[Any]:
        """Run it on torch's tensors of its device, of the types of `inputs`; what comes out stays there.

        Raises:
            MemoryShortError: Smaller pictures may do.
            InferenceError: The run failed.
        """
        names = [spec.name for spec in self.outputs]
        return self._told(lambda: run_on_tensors(self._session, tensors, names, self._options))

    def _told[T](self, run: Callable[[], T]) -> T:
        """What a run gives; its failure in one line."""
        try:
            return run()
        except VsfrError:
            raise
        except Exception as error:  # noqa: BLE001 - its errors share no class but Exception
            reason = _why_not_run(error, self._path)
            if isinstance(reason, MemoryShortError):
                self._spare()
            raise reason from None

    def _run(self, arrays: Mapping[str, Array]) -> Sequence[Array]:
        if self._bound is not None:
            return self._bound.run(arrays, self._options)
        results: Sequence[Array] = self._session.run(None, dict(arrays), self._options)
        return results

    def _spare(self) -> None:
        """From now on runs hand back what they took: the pool of intermediate results else keeps it for ever."""
        if self._spares:
            return
        self._spares = True
        if self._reopen is None:
            self._options = self._shrinking()
            return
        with suppress(VsfrError):  # no room even for that: it goes on as it is
            self._session = self._reopen()  # runs that are under way keep the one they have until they are done

    def _shrinking(self) -> Any:
        options = _library().RunOptions()
        kind, _, number = self.device.partition(":")
        place = kind if kind == "cpu" else "gpu"
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", f"{place}:{number or 0}")
        return options

    def close(self) -> None:
        self._session = self._bound = None


class TensorrtSession(OnnxSession):
    """TensorRT builds an engine for each size of picture, and keeps it in the cache folder; a few stay loaded.

    Left to itself it would widen one engine to every size it meets, and build it again each time.
    """

    def __init__(self, opener: _Opener, device: str, parallel: int) -> None:
        super().__init__(opener.glance(), opener.file, opener.path, device, parallel)
        self._session = self._bound = None
        self._opener = opener
        self._sizes: dict[tuple[object, ...], PinnedRuns] = {}
        self._lock = threading.Lock()

    def _run(self, arrays: Mapping[str, Array]) -> Sequence[Array]:
        sizes = {name: array.shape for name, array in arrays.items()}
        key = tuple(sizes.items())
        with self._lock:
            runner = self._sizes.pop(key, None) or self._built(sizes)
            self._sizes[key] = runner  # the last in the row was used last
            while len(self._sizes) > _MOST_SIZES:
                del self._sizes[next(iter(self._sizes))]
        return runner.run(arrays, self._options)

    def _built(self, sizes: Shapes) -> PinnedRuns:
        opener = self._opener
        digest = hashlib.sha256(opener.file.data).hexdigest()
        folder = engine_folder(digest, _library().__version__, sizes, opener.precision)
        if not any(folder.iterdir()):
            log.warning("TensorRT has no engine for %s yet; building one takes minutes, once", opener.path.name)
        return PinnedRuns(opener.open(folder, sizes), self.outputs, cuda_register())

    def close(self) -> None:
        super().close()
        self._sizes.clear()


def _on_nvidia(device: str) -> bool:
    return device.partition(":")[0] in ("cuda", "tensorrt")


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
    if match := _NO_KERNEL.search(text):
        return ModelError(
            f"has the operator '{match[1]}' for numbers that this ONNX Runtime cannot compute it with",
            file=path,
            hint="Take its 32-bit version, or update onnxruntime",
        )
    if _TOO_NEW.search(text):
        hint = "Update onnxruntime, or export the network with an older opset"
        return ModelError("was written for a newer ONNX than this ONNX Runtime knows", file=path, hint=hint)
    if _MEMORY.search(text) or isinstance(error, MemoryError):
        return MemoryShortError("there is not enough memory to load it", file=path)
    return ModelError(f"{_NOT_TAKEN}{_first_line(text)}", file=path)


def _why_not_run(error: Exception, path: Path) -> InferenceError:
    text = str(error)
    if isinstance(error, MemoryError) or _MEMORY.search(text):
        return MemoryShortError("there is not enough memory", file=path)
    return InferenceError(f"ONNX Runtime could not run it: {_first_line(text)}", file=path)


def _first_line(text: str) -> str:
    return " ".join(_WHERE.sub("", _PREFIX.sub("", text)).split())[:300]
