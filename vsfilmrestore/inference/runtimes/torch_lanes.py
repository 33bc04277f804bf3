"""What a run of torch works with: a thread, a stream of the card, memory the card can fetch from by itself.

Several runs are in flight, each in a lane of its own: while one lane's stream computes, another's copies. Threads
matter on the processor too: how many cores torch uses is kept for each thread, and a team of threads hangs on each
thread that ever computed. So the cores are set once in a lane's own thread, and what the rest of the process has set
stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from queue import LifoQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from vsfilmrestore.inference.runtimes.base import Array

if TYPE_CHECKING:
    import torch

__all__ = ["Lane", "Lanes", "on_one_core"]


class Lane:
    """One run in flight.

    Args:
        device: ``cpu``, ``cuda:0``, ``mps``.
        threads: Processor threads of its runs.
    """

    def __init__(self, device: torch.device, threads: int) -> None:
        import torch

        self.device = device
        self._cuda = device.type == "cuda"
        self.stream: Any = torch.cuda.Stream(device) if self._cuda else None
        self._thread = _thread(threads)

    def do[T](self, work: Callable[[], T]) -> T:
        """Do something in the lane's thread, on its stream, and wait for the thread (not for the stream).

        Within one lane all is done in order. Gradients are off.
        """
        return self._thread.submit(self._inside, work).result()

    def _inside[T](self, work: Callable[[], T]) -> T:
        import torch

        with torch.inference_mode(), torch.cuda.stream(self.stream) if self._cuda else nullcontext():
            return work()

    def upload(self, array: Array, dtype: torch.dtype | None = None) -> torch.Tensor:
        """An array as a tensor on the device, converted there; to be called within `do`.

        On a card the copy is only begun, and the array may be changed at once. On the processor the tensor is the
        array itself: it must stay as it is until the run is over.
        """
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if self._cuda:
            if not tensor.is_pinned():
                tensor = torch.empty_like(tensor, pin_memory=True).copy_(tensor)
            tensor = tensor.to(self.device, non_blocking=True)
        elif self.device.type != "cpu":
            tensor = tensor.to(self.device)
        return tensor if dtype is None else tensor.to(dtype)

    def download(self, tensor: torch.Tensor) -> Array:
        """A tensor of the device as an array of one's own; to be called within `do`. Waits for it."""
        return self.download_all([tensor])[0]

    def download_all(self, tensors: list[torch.Tensor]) -> list[Array]:
        """Several tensors, waiting once."""
        import torch

        if self._cuda:
            here = [torch.empty(t.shape, dtype=t.dtype, pin_memory=True) for t in tensors]
            for target, tensor in zip(here, tensors, strict=True):
                target.copy_(tensor, non_blocking=True)
            self.stream.synchronize()
        else:
            here = [t.contiguous().cpu() for t in tensors]
        return [t.numpy() for t in here]

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False)


def on_one_core[T](work: Callable[[], T]) -> T:
    """Do something on one core, whoever asks and whatever is set there: shared sums are rounded otherwise."""
    thread = _thread(1)
    try:
        return thread.submit(work).result()
    finally:
        thread.shutdown(wait=False)


def _thread(threads: int) -> ThreadPoolExecutor:
    """A thread that uses so many cores; what others use stays as it was."""
    import torch

    thread = ThreadPoolExecutor(1, "vsfilmrestore-torch")
    thread.submit(_set_threads, threads).result()
    # New threads of the process start with what was set last, wherever that was.
    torch.set_num_threads(torch.get_num_threads())
    return thread


def _set_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    torch.get_num_threads()  # a thread that asks for the first time takes what was set last: ask now


class Lanes:
    """Lanes of a device, handed out one at a time.

    Args:
        device: The device.
        threads: Processor threads of each.
        count: How many there are.
    """

    def __init__(self, device: torch.device, threads: int, count: int) -> None:
        self._all = [Lane(device, threads) for _ in range(count)]
        self._free: LifoQueue[Lane] = LifoQueue()  # the one used last has its memory warm
        for lane in self._all:
            self._free.put(lane)

    def __len__(self) -> int:
        return len(self._all)

    @contextmanager
    def take(self) -> Iterator[Lane]:
        """A lane for one run; waits where all are at work."""
        lane = self._free.get()
        try:
            yield lane
        finally:
            self._free.put(lane)

    def close(self) -> None:
        """Let the threads end; no lane is used any more."""
        for lane in self._all:
            lane.close()
