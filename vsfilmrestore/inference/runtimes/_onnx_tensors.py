"""Runs of ONNX Runtime on torch's tensors, where they lie: nothing is copied to memory and back.

Run here on the processor; on cards: built, not run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

__all__ = ["run_on_tensors"]


def run_on_tensors(
    session: Any, tensors: Mapping[str, torch.Tensor], outputs: Sequence[str], options: Any = None
) -> list[torch.Tensor]:
    """What a session gives for tensors of its own device, in the order of ``outputs``; it stays there.

    The current stream is waited for, and so is the run: ONNX Runtime computes on a stream of its own.

    Args:
        session: The session.
        tensors: By the names of its inputs, of their types.
        outputs: Names of its outputs.
        options: Options of the run.
    """
    import torch

    binding = session.io_binding()
    given = {name: tensor.contiguous() for name, tensor in tensors.items()}
    place = next(iter(given.values())).device
    index = place.index or 0
    for name, tensor in given.items():
        kind = np.dtype(str(tensor.dtype).removeprefix("torch."))
        binding.bind_input(name, place.type, index, kind.type, tuple(tensor.shape), tensor.data_ptr())
    for name in outputs:
        binding.bind_output(name, place.type, index)
    if place.type == "cuda":
        torch.cuda.current_stream(place).synchronize()
    session.run_with_iobinding(binding, options)
    binding.synchronize_outputs()
    return [torch.from_dlpack(value._ortvalue) for value in binding.get_outputs()]
