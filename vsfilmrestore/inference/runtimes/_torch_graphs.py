"""Runs on NVIDIA cards, recorded once and played back: CUDA graphs. Built, not run.

Launching a small network's hundreds of kernels takes longer than they do; played back, they are launched as one.
A record belongs to a stream and a size, and keeps its own memory.

https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch

__all__ = ["Replays"]

log = logging.getLogger(__name__)

_WARM_UP: Final = 2
_MOST: Final = 8

type _Run = Callable[[list["torch.Tensor"]], list["torch.Tensor"]]


@dataclass
class _Record:
    graph: Any
    given: list[torch.Tensor]
    made: list[torch.Tensor]


class Replays:
    """Runs a network through records of it.

    Args:
        run: Runs it plainly, on the current stream.
    """

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._records: dict[Any, _Record | None] = {}
        self._lock = threading.Lock()

    def __call__(self, given: list[torch.Tensor]) -> list[torch.Tensor]:
        """What the network makes of tensors; recorded if streams or sizes are new.

        Where it cannot be recorded it is run plainly, and that is logged.
        """
        import torch

        key = (torch.cuda.current_stream().cuda_stream, tuple(tensor.shape for tensor in given))
        if key not in self._records:
            with self._lock:
                self._make_room()
                self._records[key] = self._recorded(given)
        record = self._records.get(key)
        if record is None:
            return self._run(given)
        for target, tensor in zip(record.given, given, strict=True):
            target.copy_(tensor, non_blocking=True)
        record.graph.replay()
        return [tensor.clone() for tensor in record.made]

    def _make_room(self) -> None:
        """Sizes that are used no more give their memory back: the oldest goes."""
        while len(self._records) >= _MOST:
            import torch

            torch.cuda.synchronize()
            self._records.pop(next(iter(self._records)))

    def _recorded(self, given: list[torch.Tensor]) -> _Record | None:
        import torch

        stream = torch.cuda.current_stream()
        mine = [tensor.clone() for tensor in given]
        try:
            beside = torch.cuda.Stream()
            beside.wait_stream(stream)
            with torch.cuda.stream(beside):
                for _ in range(_WARM_UP):
                    self._run(mine)
            stream.wait_stream(beside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                made = self._run(mine)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            log.warning("a network cannot be recorded and is run plainly (%s)", " ".join(str(error).split())[:200])
            return None
        return _Record(graph, mine, made)
