"""What shows when a network of torch is run on small pictures: the memory it needs, and whether it keeps to itself.

Some networks change themselves while they run, or draw random numbers. Two runs of such a network beside one another
would disturb each other, and pictures would depend on who came first.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from vsfilmrestore.inference.runtimes._torch_net import TorchNet

__all__ = ["Probed", "probe", "settle"]

_SIDE: Final = 64
_SMALL_SIDE: Final = 32
_LARGE: Final = 8_000_000


@dataclass(frozen=True, slots=True)
class Probed:
    """What showed.

    Attributes:
        per_pixel: Most bytes of 32-bit tensors that are alive at a time, per pixel of the picture that goes in; it is
            counted, operators' own scratch is not. None where the network could not be run on small pictures.
        alone: Whether only one run may go on at a time.
        chance: Whether it draws random numbers.
        steady: Whether the same picture came out twice.
    """

    per_pixel: float | None = None
    alone: bool = True
    chance: bool = False
    steady: bool = True


def settle(module: Any) -> None:
    """Have networks that merge their weights anew in every run (SPAN's) do so once."""
    for part in module.modules():
        if callable(getattr(part, "update_params", None)):
            part.update_params()
            part.update_params = _nothing


def _nothing() -> None:
    """Nothing is left to do."""


def probe(net: TorchNet) -> Probed:
    """Run a network three times, on the processor, in 32 bits.

    Raises:
        MemoryError: Or torch's own; there is not even enough memory for that.
    """
    import torch

    side = _SMALL_SIDE if sum(each.numel() for each in net.module.parameters()) > _LARGE else _SIDE
    before, chances = _state(net.module), torch.get_rng_state()
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            small, few, _ = _ran(net, side // 2)
            large, many, first = _ran(net, side)
            *_, second = _ran(net, side)
            chance = not torch.equal(chances, torch.get_rng_state())
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception:  # noqa: BLE001 - what is wrong with the network is told when it is run
        return Probed()
    per_pixel = (many - few) / (large - small) if large > small else many / large
    alone = chance or _state(net.module) != before
    return Probed(max(per_pixel, 0.0) or None, alone, chance, chance or _same(first, second))


def _same(first: Any, second: Any) -> bool:
    import torch

    return bool(first.shape == second.shape and torch.allclose(first, second, rtol=0, atol=0, equal_nan=True))


def _ran(net: TorchNet, side: int) -> tuple[int, int, Any]:
    """Pixels of the picture, most bytes alive, and what came out."""
    import torch

    multiple = net.contract.multiple
    side = -(-max(side, net.contract.minimum) // multiple) * multiple
    ramp = torch.linspace(0.1, 0.9, side)
    given = [ramp.expand([s or side for s in shape]).contiguous() for _, shape in net.inputs]
    with _watched() as watch:
        made = net.call(net.module, *given)
    known = sum(tensor.nbytes for tensor in given)
    return side**2, known + watch.most, (made[0] if isinstance(made, (tuple, list)) else made).clone()


def _state(module: Any) -> dict[tuple[str, str], int]:
    """Names what a network holds: other numbers where something was put in another's place."""
    found: dict[tuple[str, str], int] = {}
    for place, part in module.named_modules():
        found |= {(place, name): id(value) for name, value in vars(part).items()}
        found |= {(place, name): value.data_ptr() for name, value in part.named_parameters(recurse=False)}
        found |= {(place, name): value._version for name, value in part.named_buffers(recurse=False)}
    return found


class _Watch:
    """Bytes of tensors that came and have not gone, now and at most."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._known: set[int] = set()

    def see(self, storage: Any) -> None:
        place, size = int(storage.data_ptr()), int(storage.nbytes())
        if not size or place in self._known:
            return
        self._known.add(place)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, place, size)

    def _gone(self, place: int, size: int) -> None:
        self._known.discard(place)
        self.now -= size


@contextmanager
def _watched() -> Iterator[_Watch]:
    """Sees every tensor that operators make within."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    watch = _Watch()

    class Mode(TorchDispatchMode):  # type: ignore[misc] # its base is of a package without types
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            for leaf in tree_leaves(result):
                if hasattr(leaf, "untyped_storage"):
                    watch.see(leaf.untyped_storage())
            return result

    with Mode():
        yield watch
