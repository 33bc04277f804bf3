"""The header of a ``.safetensors`` file, read within bounds.

Format: 8 bytes little endian with the length of a JSON header, the header, then the tensors one after the other.
https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.errors import InputError

__all__ = ["Tensor", "read_header", "read_tensors"]

_LONGEST: Final = 32 << 20
_MOST_TENSORS: Final = 200_000
_BITS: Final = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """Type (``F32``, ``F16`` ...) and shape."""

    kind: str
    shape: tuple[int, ...]


def read_header(path: Path) -> dict[str, Tensor]:
    """Name, type and shape of every tensor; no tensor is read.

    Raises:
        InputError: It is no such file, it is truncated, or its header contradicts itself.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > size - 8:
                raise _bad(path, "is truncated, or no safetensors file")
            if length > _LONGEST:
                raise _bad(path, f"has a header of {length} bytes, more than any network needs")
            text = file.read(length)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from None
    entries = _parse(path, text)
    _check_places(path, entries, size - 8 - length)
    return {name: Tensor(kind, shape) for name, (kind, shape, _, _) in entries.items()}


def read_tensors(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """All tensors of a small file of 32-bit floats, for networks that numpy runs.

    Raises:
        InputError: As `read_header`; or a tensor is of another type.
    """
    header = read_header(path)
    if other := next((name for name, tensor in header.items() if tensor.kind != "F32"), None):
        raise InputError(f"has tensor '{other[:80]}' of {header[other].kind}, not F32", file=path)
    data = path.read_bytes()
    first = 8 + int.from_bytes(data[:8], "little")
    entries = _parse(path, data[8:first])
    flat = {
        name: np.frombuffer(data[first + start : first + stop], "<f4") for name, (_, _, start, stop) in entries.items()
    }
    return {name: values.reshape(header[name].shape).astype(np.float32) for name, values in flat.items()}


type _Entry = tuple[str, tuple[int, ...], int, int]


def _parse(path: Path, text: bytes) -> dict[str, _Entry]:
    try:
        data = json.loads(text.decode("utf-8"), object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        raise _bad(path, "has a header that is no JSON, or names something twice") from None
    if not isinstance(data, dict):
        raise _bad(path, "has a header that is no table")
    data.pop("__metadata__", None)
    if not data:
        raise _bad(path, "holds no tensors")
    if len(data) > _MOST_TENSORS:
        raise _bad(path, f"holds {len(data)} tensors, more than any network needs")
    return {name: _entry(path, name, value) for name, value in data.items()}


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _entry(path: Path, name: str, value: Any) -> _Entry:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise _bad(path, f"describes tensor '{name[:80]}' wrongly")
    kind, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(kind, str) or kind not in _BITS:
        raise _bad(path, f"has tensor '{name[:80]}' of unknown type")
    if not _whole(shape) or len(shape) > 16 or not _whole(offsets) or len(offsets) != 2:
        raise _bad(path, f"describes tensor '{name[:80]}' wrongly")
    start, stop = offsets
    if stop - start != math.prod(shape) * _BITS[kind] // 8:
        raise _bad(path, f"has tensor '{name[:80]}' whose size does not fit its shape")
    return kind, tuple(shape), start, stop


def _whole(values: Any) -> bool:
    return isinstance(values, list) and all(type(each) is int and 0 <= each < 1 << 48 for each in values)


def _check_places(path: Path, entries: dict[str, _Entry], room: int) -> None:
    """Tensors lie one after the other from 0 to the end, as the format demands."""
    reached = 0
    for name, (_, _, start, stop) in sorted(entries.items(), key=lambda each: each[1][2:]):
        if stop > room:
            raise _bad(path, f"is truncated: tensor '{name[:80]}' ends {stop - room} bytes after the file")
        if start != reached:
            raise _bad(path, f"has tensor '{name[:80]}' where another one, or nothing, should be")
        reached = stop
    if reached != room:
        raise _bad(path, f"has {room - reached} bytes after its last tensor")


def _bad(path: Path, message: str) -> InputError:
    return InputError(message, file=path, hint="Fetch it again from where it came")
