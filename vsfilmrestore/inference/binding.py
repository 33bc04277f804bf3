"""Which tensor gets what: a model card's contract beside what the file itself declares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vsfilmrestore.errors import ModelError
from vsfilmrestore.inference.runtimes.base import Array, Session, TensorSpec
from vsfilmrestore.models.contract import Contract

__all__ = ["Binding", "Feed", "bind"]


@dataclass(frozen=True, slots=True)
class Feed:
    """The tensors of a run, and where its pictures lie in them.

    Attributes:
        arrays: Tensors by name.
        frames: View of the window: ``[window, channels, height, width]``.
        extras: Views of the other inputs by name: ``[frames, channels, height, width]``, scalars as they are.
    """

    arrays: dict[str, Array]
    frames: Array
    extras: dict[str, Array]


@dataclass(frozen=True, slots=True)
class Binding:
    """How a contract and a session fit together.

    Attributes:
        contract: The contract.
        pictures: Inputs that take the window: one, or one for each frame.
        apart: Other inputs that have a tensor of their own, by name.
        behind: Other inputs that follow the picture's channels: name and channels.
        size: Height and width the file insists on; None where any will do.
        outputs: Places of the outputs that are used: one, unless they are data.
    """

    contract: Contract
    pictures: tuple[TensorSpec, ...]
    apart: dict[str, TensorSpec]
    behind: tuple[tuple[str, int], ...]
    size: tuple[int | None, int | None]
    outputs: tuple[int, ...]

    def feed(self, height: int, width: int, zeros: Callable[[Any, Any], Any] = np.zeros) -> Feed:
        """Tensors for pictures of this size, filled with nothing yet.

        Args:
            height: Height of the tensors.
            width: Their width.
            zeros: Makes a tensor of a shape and a type, in memory or on a device.
        """
        contract = self.contract
        added = sum(channels for _, channels in self.behind)
        shape = (height, width)
        dtype = self.pictures[0].dtype
        extras: dict[str, Array] = {}
        window, channels = contract.window, contract.channels
        if len(self.pictures) > 1:
            frames = zeros((window, channels, *shape), dtype)
            arrays = {spec.name: frames[i : i + 1] for i, spec in enumerate(self.pictures)}
        else:
            name = self.pictures[0].name
            match contract.layout:
                case "BTCHW":
                    whole = zeros((1, window, channels + added, *shape), dtype)
                    frames, rest = whole[0, :, :channels], whole[0, :, channels:]
                case "stacked":
                    whole = zeros((1, channels * window + added, *shape), dtype)
                    frames = whole[0, : channels * window].reshape(window, channels, *shape)
                    rest = whole[:, channels * window :]
                case _:
                    whole = zeros((1, channels + added, *shape), dtype)
                    frames, rest = whole[:, :channels], whole[:, channels:]
            arrays = {name: whole}
            at = 0
            for extra, count in self.behind:
                extras[extra] = rest[:, at : at + count]
                at += count
        for name, spec in self.apart.items():
            arrays[name] = extras[name] = zeros(_shape_apart(self, name, spec, shape), spec.dtype)
        return Feed(arrays, frames, extras)


def bind(session: Session, contract: Contract, path: Path) -> Binding:
    """Find the tensor for everything a contract speaks of.

    An input with a name the file does not know follows the picture's channels: networks that take a noise level or a
    mask as a fourth channel have one tensor for all.

    Raises:
        ModelError: The file wants something else than the contract says.
    """
    wanted = _others(contract)
    known = {spec.name: spec for spec in session.inputs}
    apart = {name: known[name] for name in wanted if name in known}
    pictures = tuple(spec for spec in session.inputs if spec.name not in apart)
    single = {extra.name for extra in contract.extra if extra.kind == "scalar"}
    behind = tuple((name, channels) for name, channels in wanted.items() if name not in apart)
    if lost := [name for name, _ in behind if name in single]:
        raise ModelError(f"has no input '{lost[0]}', which its card speaks of", file=path)
    each = contract.layout == "BCHW" and len(pictures) == contract.window > 1
    if len(pictures) != 1 and not each:
        names = ", ".join(spec.name for spec in session.inputs)
        raise ModelError(f"has the inputs {names}, which are others than its card speaks of", file=path)
    if each and behind:
        raise ModelError(f"has no input '{behind[0][0]}', which its card speaks of", file=path)
    if contract.layout == "BCHW" and contract.window > 1 and not each:
        raise ModelError("its card says one frame (BCHW), but a window of several", file=path)
    outputs = _outputs(session, contract, path)
    binding = Binding(contract, pictures, apart, behind, _fixed_size(pictures[0]), outputs)
    for spec in pictures:
        _check(binding, spec, path)
    return binding


def _outputs(session: Session, contract: Contract, path: Path) -> tuple[int, ...]:
    known = [spec.name for spec in session.outputs]
    if lost := [name for name in contract.outputs if name not in known]:
        raise ModelError(
            f"has no output '{lost[0]}', which its card speaks of", file=path, hint=f"It has {', '.join(known)}"
        )
    if contract.outputs:
        return tuple(map(known.index, contract.outputs))
    return tuple(range(len(known))) if contract.colour == "data" else (0,)


def _others(contract: Contract) -> dict[str, int]:
    """Other inputs and the channels they take."""
    channels = {extra.name: contract.channels if extra.kind == "picture" else 1 for extra in contract.extra}
    return channels | ({contract.time: 1} if contract.time else {})


def _shape_apart(binding: Binding, name: str, spec: TensorSpec, size: tuple[int, int]) -> tuple[int, ...]:
    if len(spec.shape) < 4:  # a number: with or without dimensions of one
        return (1,) * len(spec.shape)
    channels = _others(binding.contract)[name]
    if spec.shape[-1] == spec.shape[-2] == 1:
        return (1,) * len(spec.shape)
    return (*(1 for _ in spec.shape[:-3]), channels, *size)


def _fixed_size(spec: TensorSpec) -> tuple[int | None, int | None]:
    return (spec.shape[-2], spec.shape[-1]) if len(spec.shape) >= 4 else (None, None)


def _check(binding: Binding, spec: TensorSpec, path: Path) -> None:
    contract = binding.contract
    if not np.issubdtype(spec.dtype, np.floating):
        hint = "Export it with floats"
        raise ModelError(
            f"its input '{spec.name}' takes {spec.dtype} numbers; pictures are floats", file=path, hint=hint
        )
    added = sum(channels for _, channels in binding.behind)
    each = len(binding.pictures) > 1
    window = 1 if each or contract.layout == "BCHW" else contract.window
    wanted: Sequence[int | None]
    if contract.layout == "BTCHW":
        wanted = (1, window, contract.channels + added, None, None)
    else:
        wanted = (1, contract.channels * window + added, None, None)
    fits = len(spec.shape) == len(wanted) and all(
        a is None or b is None or a == b for a, b in zip(spec.shape, wanted, strict=True)
    )
    if not fits:
        raise ModelError(
            f"its input '{spec.name}' is {_words(spec.shape)}, its card says {_words(wanted)}",
            file=path,
            hint="Correct the card's layout, channels or window",
        )


def _words(shape: Sequence[int | None]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape)
