"""How far a network of torch looks: seen by putting a value that is no number into one pixel.

Whatever depends on that pixel comes out as no number too; what does not, does not. So a network is asked itself, be it
convolutions of any kind, attention in windows, or means of the whole picture.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any, Final

from vsfilmrestore.models.contract import Contract

__all__ = ["reach_of"]

_SIDES: Final = (64, 160)
_SECONDS: Final = 10.0


def reach_of(run: Callable[..., Any], shapes: Sequence[int], contract: Contract) -> int | None:
    """Pixels around a pixel on which its result depends.

    Args:
        run: Runs the network on the processor, on tensors of BCHW.
        shapes: Channels of each tensor it takes.
        contract: Its scale, and which sizes it takes.

    Returns:
        The largest distance along a side; None if it depends on the whole picture, or on more than 80 pixels, or if
        it would take long to find out.
    """
    torch: Any = importlib.import_module("torch")
    start, before, found = monotonic(), 0, None
    with torch.inference_mode():
        for side in _usable(contract):  # the larger one has the last word: what skips pixels may skip a small picture
            if before and (monotonic() - start) * (side / before) ** 2 > _SECONDS:
                break
            found, before = _found(torch, run, shapes, contract, side), side
    return found


def _usable(contract: Contract) -> Iterator[int]:
    if contract.minimum > _SIDES[-1]:
        return
    for side in _SIDES:
        yield -(-max(side, contract.minimum) // contract.multiple) * contract.multiple


def _found(torch: Any, run: Callable[..., Any], shapes: Sequence[int], contract: Contract, side: int) -> int | None:
    """None where it reaches the edge of a picture of that size."""
    middle = side // 2 // contract.multiple * contract.multiple
    farthest = 0
    for place in {middle, middle + contract.multiple - 1}:  # both ends of a cell of the network's own grid
        given = [torch.full((1, channels, side, side), 0.5) for channels in shapes]
        for tensor in given:
            tensor[:, :, place, place] = float("nan")
        touched = torch.isnan(run(*given)).any(1)[0]
        for line in (touched.any(0), touched.any(1)):
            hit = torch.nonzero(line).flatten() // contract.scale
            first, last = (int(hit[0]), int(hit[-1])) if len(hit) else (place, place)
            if first == 0 or last == side - 1:
                return None
            farthest = max(farthest, place - first, last - place)
    return farthest
