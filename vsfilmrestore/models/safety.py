"""The gate every file of weights passes before anything opens it."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Final

from vsfilmrestore.errors import InputError, ModelError
from vsfilmrestore.models.card import WeightFile
from vsfilmrestore.models.onnx_graph import read_graph
from vsfilmrestore.models.pickles import check_pth
from vsfilmrestore.models.safetensors import read_header

__all__ = ["check_content", "check_kind", "check_pinned", "check_place", "check_start", "plain_bytes", "sha256_of"]

_FLAG: Final = "Take its .safetensors or .onnx; or allow it with --allow-pth, if you trust who made it"
_PROGRAMS: Final = {
    ".pt": "may hold a program (TorchScript); such files are never opened",
    ".ts": "may hold a program (TorchScript); such files are never opened",
    ".torchscript": "may hold a program (TorchScript); such files are never opened",
    ".ckpt": "is a training state in a pickle; such files are never opened",
    ".pkl": "is a pickle, which can run anything; such files are never opened",
    ".pickle": "is a pickle, which can run anything; such files are never opened",
    ".bin": "may be a pickle, which can run anything; such files are never opened",
    ".npy": "may hold a pickle; such files are never opened",
    ".npz": "may hold a pickle; such files are never opened",
    ".h5": "may hold a program; such files are never opened",
    ".engine": "was built for one machine by a program we do not know; such files are never opened",
}
_LARGEST: Final = 64 << 30
_BLOCK: Final = 1 << 20


def check_kind(name: str, *, allow_pth: bool = False) -> None:
    """Refuse kinds of files by their suffix.

    Raises:
        InputError: Neither ``.safetensors`` nor ``.onnx``, nor ``.pth`` where it was allowed.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in (".onnx", ".safetensors") or (suffix == ".pth" and allow_pth):
        return
    if suffix == ".pth":
        raise InputError("is a pickle, which can run anything", file=name, hint=_FLAG)
    reason = _PROGRAMS.get(suffix, "is no kind of model we know")
    raise InputError(reason, file=name, hint="Use a .safetensors or .onnx file")


def check_place(path: Path) -> int:
    """Bytes of a plain file of sensible size.

    Raises:
        InputError: Missing, a link, a folder or a device, empty or enormous.
    """
    try:
        facts = path.lstat()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from None
    if stat.S_ISLNK(facts.st_mode):
        raise InputError("is a link; models are opened only where they lie", file=path, hint="Put the file itself here")
    if not stat.S_ISREG(facts.st_mode):
        raise InputError("is no file", file=path)
    if not 0 < facts.st_size <= _LARGEST:
        raise InputError("is empty" if not facts.st_size else "is larger than any network", file=path)
    return facts.st_size


def plain_bytes(path: Path) -> bytes:
    """All of a file that is nothing but a file; pipes and devices, which may have no end, are not opened.

    Raises:
        ModelError: Missing, a folder, a pipe, a device, empty or enormous; or see `check_start`.
    """
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise ModelError("is no file", file=path)
        if not 0 < facts.st_size <= _LARGEST:
            raise ModelError("is empty" if not facts.st_size else "is larger than any network", file=path)
        data = path.read_bytes()
        check_start(path, data[:64])
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror or error})", file=path) from None
    except MemoryError:
        raise ModelError("is larger than the memory of this machine", file=path) from None
    except InputError as error:
        raise ModelError(error.message, file=path, hint=error.hint) from None
    return data


def sha256_of(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """Checksum of a file. ``progress`` is told the bytes read so far.

    Raises:
        InputError: It cannot be read.
    """
    digest, done = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                done += len(block)
                if progress is not None:
                    progress(done)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from None
    return digest.hexdigest()


def check_pinned(path: Path, file: WeightFile) -> None:
    """Refuse a file that is not, byte for byte, the one a card speaks of.

    Raises:
        InputError: See `check_place`; or size or checksum differ.
    """
    size = check_place(path)
    hint = "Fetch it again"
    if size != file.size:
        state = "is truncated" if size < file.size else "is too long"
        raise InputError(f"{state}: {size} bytes instead of {file.size}", file=path, hint=hint)
    found = _known_sha256(path)
    if found != file.sha256:
        message = f"is not the file its card speaks of (sha256 {found[:12]}… instead of {file.sha256[:12]}…)"
        raise InputError(message, file=path, hint=hint)


def _known_sha256(path: Path) -> str:
    facts = path.stat()
    return _remembered(path, facts.st_size, facts.st_mtime_ns, facts.st_ino)


@lru_cache(256)
def _remembered(path: Path, size: int, time: int, inode: int) -> str:
    return sha256_of(path)


def check_content(path: Path, *, allow_pth: bool = False) -> tuple[str, ...]:
    """Look into a file without running anything; names of files with tensors beside it.

    Raises:
        InputError: It is refused, damaged, or not what its name says.
        InstallationError: A package is needed to look into it.
    """
    check_kind(path.name, allow_pth=allow_pth)
    check_place(path)
    check_start(path, _start_of(path))
    match path.suffix.lower():
        case ".onnx":
            return read_graph(path).external
        case ".safetensors":
            read_header(path)
        case _:
            check_pth(path)
    return ()


def _start_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from None


def check_start(path: Path, start: bytes) -> None:
    """Refuse by its first bytes what lies under the name of a model more often than one thinks.

    Raises:
        InputError: A web page, a Git LFS pointer, or a pickle under another name.
    """
    if start.startswith(b"version https://git-lfs"):
        raise InputError("is a Git LFS pointer, not the model", file=path, hint="Fetch it with git lfs pull")
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InputError("is a web page, not the model", file=path, hint="Fetch it again")
    suffix = path.suffix.lower()  # the first byte of a safetensors file may well be that of a pickle
    if (suffix != ".pth" and start.startswith(b"PK\x03\x04")) or (suffix == ".onnx" and start[:1] == b"\x80"):
        raise InputError("is a pickle under another name; it is not opened", file=path)
