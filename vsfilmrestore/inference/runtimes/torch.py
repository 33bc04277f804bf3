"""torch: networks in ``.safetensors`` (and allowed ``.pth``), through spandrel or an `Architecture` of a package.

Run here on the processor. CUDA and Metal are written from torch's documentation: built, not run.

What it sets for the whole process, once a network is loaded onto an NVIDIA card: cuDNN and cuBLAS take no shortcuts (no
TF32, no choosing of algorithms by the clock, none that add up in another order each time), so that 32-bit floats are
32-bit floats and a frame is the same every time. On the processor nothing of the process is changed, see `torch_lanes`.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vsfilmrestore.errors import InferenceError, InstallationError, ModelError, VsfrError
from vsfilmrestore.inference.runtimes._torch_graphs import Replays
from vsfilmrestore.inference.runtimes._torch_net import TorchNet, read_net
from vsfilmrestore.inference.runtimes._torch_probe import Probed, probe, settle
from vsfilmrestore.inference.runtimes.base import Array, MemoryShortError, TensorSpec
from vsfilmrestore.inference.runtimes.torch_lanes import Lane, Lanes, on_one_core

if TYPE_CHECKING:
    import torch

__all__ = ["TorchRuntime", "TorchSession"]

log = logging.getLogger(__name__)

_KINDS: Final = ("cuda", "mps", "cpu")
"""Devices in the order ``auto`` looks for them."""
_GPU_LANES: Final = 3
"""One that brings, one that computes, one that takes away."""
_BFLOAT_STEP: Final = 2.0**-9
_MEMORY: Final = re.compile(
    r"out of memory|can't allocate memory|not enough memory|bad_?alloc|(?:CUBLAS|CUDNN)_STATUS_ALLOC_FAILED|"
    r"cudaErrorMemoryAllocation|Cannot allocate memory|could not allocate",
    re.IGNORECASE,
)
_OPTIONS: Final = "VSFILMRESTORE_TORCH"


class TorchRuntime:
    """Runs ``.safetensors`` and ``.pth``.

    Args:
        compiled: Whether networks are compiled by ``torch.compile``: minutes at the first frame of each size, and a
            C compiler or Triton must be there.
        graphs: Whether runs on NVIDIA cards are recorded as CUDA graphs and played back, one for each lane and size:
            pays for small pictures, where launching takes longer than computing; takes memory.
        allow_pth: Whether pickles may be opened though nobody told their checksum.

    Where ``compiled`` and ``graphs`` are None, they are taken if the environment variable ``VSFILMRESTORE_TORCH``
    names them: ``compile``, ``graphs`` or ``compile,graphs``.
    """

    name = "torch"
    suffixes: tuple[str, ...] = (".safetensors", ".pth")

    def __init__(self, *, compiled: bool | None = None, graphs: bool | None = None, allow_pth: bool = False) -> None:
        wanted = {word.strip() for word in os.environ.get(_OPTIONS, "").split(",")}
        self._compiled = "compile" in wanted if compiled is None else compiled
        self._graphs = "graphs" in wanted if graphs is None else graphs
        self._allow_pth = allow_pth

    def devices(self) -> tuple[str, ...]:
        torch = _library()
        there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
        return tuple(kind for kind in _KINDS if there[kind])

    def load(
        self, path: Path, sha256: str, *, device: str, precision: str, threads: int, parallel: int
    ) -> TorchSession:
        torch = _library()
        place = self._place(device)
        net = read_net(path, sha256, allow_pth=self._allow_pth)
        dtype = _dtype(net, place, precision, path)
        if place.type == "cuda":
            _exact()
        try:
            net.module.eval().requires_grad_(False)
            # Weights that are merged here must not depend on how many cores the first shot's thread happens to use.
            probed = on_one_core(lambda: _settled(net))
            layout = _layout(net, place, dtype)
            net.module.to(device=place, dtype=dtype, memory_format=layout)
            if self._compiled:
                net.module = torch.compile(net.module, dynamic=False)
            lanes = _lanes(place, probed, threads, parallel)
        except Exception as error:  # noqa: BLE001 - networks raise whatever they like
            reason = _why_not_loaded(error, path)
        else:
            if not probed.steady:
                lanes.close()
                raise ModelError("gives another picture each time it is run on the same one", file=path)
            graphs = self._graphs and place.type == "cuda" and not probed.alone
            return TorchSession(net, path, place, dtype, layout, lanes, probed, graphs=graphs)
        raise reason  # out here the error, and with it all that was allocated, is gone

    def _place(self, device: str) -> torch.device:
        torch = _library()
        offered = self.devices()
        name, _, number = (offered[0] if device == "auto" else device).partition(":")
        if name not in _KINDS or (number and (not number.isdecimal() or name != "cuda")):
            known = ", ".join(("auto", *_KINDS))
            raise ModelError(f"torch has no device '{device}'", hint=f"Take one of {known}, with a number: cuda:1")
        if name not in offered:
            raise InstallationError(
                f"the torch that is installed finds no '{name}' on this machine",
                hint="Install a torch that is built for it, check its driver, or set device='cpu'",
            )
        if name != "cuda":
            return torch.device(name)
        index = int(number or 0)
        if index >= torch.cuda.device_count():
            raise InstallationError(
                f"there is no 'cuda:{index}' on this machine, it has {torch.cuda.device_count()}",
                hint="Take cuda:0, or set device='cpu'",
            )
        return torch.device("cuda", index)


def _settled(net: TorchNet) -> Probed:
    settle(net.module)
    return probe(net)


def _library() -> Any:
    try:
        import torch
    except ImportError:
        hint = 'Install them: pip install "vsfilmrestore[torch]"'
        raise InstallationError("networks in .safetensors need torch, spandrel and safetensors", hint=hint) from None
    return torch


def _exact() -> None:
    torch = _library()
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    for part in (getattr(torch.backends.cudnn, "conv", None), torch.backends.cuda.matmul):
        if part is not None and hasattr(
            part, "fp32_precision"
        ):  # since torch 2.9, where "none" may be overruled from above
            part.fp32_precision = "ieee"
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def _dtype(net: TorchNet, place: torch.device, precision: str, path: Path) -> torch.dtype:
    """What is computed with. ``auto`` is 32 bits, but on NVIDIA cards 16 for files that hold no more."""
    if precision == "auto":
        precision = "fp16" if place.type == "cuda" and net.half and net.sixteen else "fp32"
    fine = {"fp32": True, "fp16": net.half, "bf16": net.bfloat}
    if precision not in fine:
        raise ModelError(f"there is no precision '{precision}'", hint="Take one of auto, fp32, fp16, bf16")
    if not fine[precision]:
        raise ModelError(
            f"is not known to give good pictures in {precision}", file=path, hint="Set precision='fp32', or 'auto'"
        )
    names = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
    dtype: torch.dtype = getattr(_library(), names[precision])
    return dtype


def _lanes(place: torch.device, probed: Probed, threads: int, parallel: int) -> Lanes:
    """As many runs at a time as were asked for; a network that must run alone has the threads of all of them."""
    if probed.alone:
        return Lanes(place, threads * parallel, 1)
    return Lanes(place, threads, parallel if place.type == "cpu" else min(parallel, _GPU_LANES))


def _layout(net: TorchNet, place: torch.device, dtype: torch.dtype) -> Any:
    """Channels last where convolutions are faster so: on the processor, and in 16 bits on NVIDIA's cards.

    Weights of five dimensions (StyleGAN's modulated convolutions, so GFPGAN's) cannot be laid out so.
    """
    torch = _library()
    flat = any(isinstance(part, torch.nn.Conv2d) for part in net.module.modules())
    flat = flat and all(weight.dim() < 5 for weight in net.module.state_dict().values())
    pays = place.type == "cpu" or (place.type == "cuda" and dtype != torch.float32)
    return torch.channels_last if flat and pays else torch.preserve_format


class TorchSession:
    """A network loaded by torch; see `runtimes.base.Session`. Beside arrays it takes tensors of its device."""

    def __init__(
        self,
        net: TorchNet,
        path: Path,
        place: torch.device,
        dtype: torch.dtype,
        layout: Any,
        lanes: Lanes,
        probed: Probed,
        *,
        graphs: bool = False,
    ) -> None:
        torch = _library()
        self._net = net
        self._path = path
        self._layout = layout
        self._lanes = lanes
        self._go = Replays(self._plainly) if graphs else self._alone if probed.alone else self._plainly
        self._chance = probed.chance
        self._lock = threading.Lock()
        self.place = place
        self.dtype = dtype
        self.contract = net.contract
        kind = np.dtype(np.float16 if dtype == torch.float16 else np.float32)
        step = _BFLOAT_STEP if dtype == torch.bfloat16 else 0.0
        self.inputs = tuple(TensorSpec(name, shape, kind, step) for name, shape in net.inputs)
        self.outputs: tuple[TensorSpec, ...] = (TensorSpec("output", (1, net.out_channels, None, None), kind, step),)
        self.device = str(place)
        self.weights = _weights(net.module)
        self.per_pixel = probed.per_pixel and probed.per_pixel * dtype.itemsize / 4
        self.parallel = len(lanes)

    def lane(self) -> AbstractContextManager[Lane]:
        """A lane for a run in flight; waits where all are at work.

        Several networks may be run in one lane, one after the other, and nothing leaves the device between them::

            with first.lane() as lane:
                def work():
                    x = lane.upload(array)
                    y, *_ = first.run_tensors({"input": x})
                    z, *_ = second.run_tensors({"input": y})
                    return lane.download(z)
                result = lane.do(work)
        """
        return self._lanes.take()

    def run_tensors(self, tensors: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        """Run it on tensors that lie on its device already; what comes out stays there.

        It is run in the calling thread on that thread's current stream, and is not waited for. Inside `Lane.do` both
        are the lane's.

        Args:
            tensors: By the names of `inputs`, with their shapes (BCHW, BTCHW; one picture at a time, any height and
                width), on the device `place`, of any floating type; they are converted to `dtype`. They are not
                changed.

        Returns:
            Tensors on `place` of the type `dtype`, in the order of `outputs`, values as they come: not cut off at
            the ends of the range. A tensor may be one that was given. Detached from any graph of gradients.

        Raises:
            MemoryShortError: Smaller pictures may do.
            InferenceError: The run failed.
        """
        torch = _library()
        try:
            with torch.inference_mode():
                return self._go([self._given(tensors[name]) for name, _ in self._net.inputs])
        except Exception as error:  # noqa: BLE001 - networks raise whatever they like
            reason = _why_not_run(error, self._path)
        raise reason  # out here the error, and with it all that was allocated, is gone

    def run(self, arrays: Mapping[str, Array]) -> Sequence[Array]:
        with self.lane() as lane:
            return lane.do(lambda: self._run(lane, arrays))

    def _run(self, lane: Lane, arrays: Mapping[str, Array]) -> list[Array]:
        torch = _library()
        try:
            given = {name: lane.upload(arrays[name], self.dtype) for name, _ in self._net.inputs}
            made = self.run_tensors(given)
            if self.dtype == torch.bfloat16:
                made = [tensor.float() for tensor in made]
            results = lane.download_all(made)
        except VsfrError:
            raise
        except Exception as error:  # noqa: BLE001 - copies fail with the same errors as runs
            reason = _why_not_run(error, self._path)
        else:
            # On the processor a network that changes nothing hands on what it was given, which is used again.
            return [_own(result, arrays) for result in results]
        raise reason

    def _given(self, tensor: torch.Tensor) -> torch.Tensor:
        tensor = tensor.to(self.dtype)
        return tensor.contiguous(memory_format=self._layout) if tensor.dim() == 4 and self._flat else tensor

    @property
    def _flat(self) -> bool:
        return bool(self._layout == _library().channels_last)

    def _plainly(self, given: list[torch.Tensor]) -> list[torch.Tensor]:
        result = self._net.call(self._net.module, *given)
        return list(result) if isinstance(result, (tuple, list)) else [result]

    def _alone(self, given: list[torch.Tensor]) -> list[torch.Tensor]:
        """For networks that change themselves or draw random numbers: the same ones each time."""
        torch = _library()
        cards = [self.place] if self.place.type == "cuda" else []
        with self._lock, torch.random.fork_rng(cards, enabled=self._chance):
            if self._chance:
                torch.manual_seed(0)
            made = self._plainly(given)
            if cards:
                torch.cuda.current_stream(self.place).synchronize()
            return made

    def close(self) -> None:
        self._lanes.close()
        self._net.module = None
        self._go = self._plainly  # recorded runs hold memory of their own
        if self.place.type == "cuda":
            _library().cuda.empty_cache()  # what torch keeps for itself others cannot have


def _own(result: Array, arrays: Mapping[str, Array]) -> Array:
    return result.copy() if any(np.may_share_memory(result, array) for array in arrays.values()) else result


def _weights(module: Any) -> int:
    return sum(each.nbytes for each in (*module.parameters(), *module.buffers()))


def _why_not_loaded(error: Exception, path: Path) -> VsfrError:
    if isinstance(error, VsfrError):
        return error
    if _is_short_of_memory(error):
        return MemoryShortError("there is not enough memory to load it", file=path)
    return ModelError(f"torch does not take it: {_first_line(error)}", file=path)


def _why_not_run(error: Exception, path: Path) -> VsfrError:
    if isinstance(error, VsfrError):
        return error
    if _is_short_of_memory(error):
        return MemoryShortError("there is not enough memory", file=path)
    return InferenceError(f"torch could not run it: {_first_line(error)}", file=path)


def _is_short_of_memory(error: Exception) -> bool:
    return isinstance(error, (MemoryError, _library().OutOfMemoryError)) or bool(_MEMORY.search(str(error)))


def _first_line(error: Exception) -> str:
    return " ".join((str(error).splitlines() or [type(error).__name__])[0].split())[:300]
