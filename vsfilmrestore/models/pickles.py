"""``.pth`` files: pickles, which can run anything. They are looked at without being opened, then opened with care.

Three gates stand one behind the other: the user's flag; a look at the opcodes, which run nothing, for names that a
network's weights do not need; and ``torch.load(weights_only=True)``. The names are those spandrel's own restricted
unpickler knows.
"""

from __future__ import annotations

import importlib
import pickletools
import struct
import zipfile
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.errors import InputError, InstallationError

__all__ = ["as_safetensors", "check_pth", "load_pth"]

_KNOWN: Final = frozenset(
    {"collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"}
    | {f"torch {kind}Storage" for kind in ("BFloat16", "Bool", "Byte", "Char", "Double", "Float", "Half", "Int")}
    | {f"torch {kind}Storage" for kind in ("Long", "Short")}
)
_REFUSED: Final = frozenset({"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "STACK_GLOBAL", "PERSID"})
_LONGEST: Final = 64 << 20
_MOST_MEMBERS: Final = 100_000
_DAMAGED: Final = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    LookupError,
    struct.error,
)
_CONVERT: Final = "Convert it to .safetensors on a machine you can spare, and add that"


def check_pth(path: Path) -> None:
    """Refuse a pickle that is anything but plain weights. Nothing in it is run.

    Raises:
        InputError: Legacy pickle, TorchScript, truncated, packed, or naming what weights do not need.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start[:2] != b"PK":
            kind = "a legacy pickle, which no loader opens safely" if start[:1] == b"\x80" else "no PyTorch file"
            raise InputError(f"is {kind}", file=path, hint=_CONVERT)
        with zipfile.ZipFile(path) as box:
            _check_names(path, _pickle_of(path, box))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=path) from None
    except _DAMAGED:
        raise InputError("is truncated or damaged", file=path, hint="Fetch it again from where it came") from None


def _pickle_of(path: Path, box: zipfile.ZipFile) -> bytes:
    members = box.infolist()
    names = [member.filename for member in members]
    if len(members) > _MOST_MEMBERS:
        raise InputError(f"holds {len(members)} files, more than any network needs", file=path)
    if any(name.endswith("/constants.pkl") or "/code/" in name for name in names):
        raise InputError("is TorchScript, which is a program; programs are never run", file=path, hint=_CONVERT)
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise InputError("is packed, which PyTorch never does", file=path)
    found = [member for member in members if member.filename.endswith("/data.pkl")]
    if len(found) != 1 or len([name for name in names if name.endswith(".pkl")]) != 1:
        raise InputError("is no PyTorch file of weights", file=path)
    if found[0].file_size > _LONGEST:
        raise InputError("has an index larger than any network needs", file=path)
    return box.read(found[0])


def _check_names(path: Path, text: bytes) -> None:
    for opcode, argument, _ in pickletools.genops(text):
        refused = opcode.name in _REFUSED or (opcode.name == "GLOBAL" and argument not in _KNOWN)
        if refused:
            what = str(argument).replace(" ", ".")[:80] if opcode.name == "GLOBAL" else opcode.name
            raise InputError(f"wants to run {what}, which weights do not need", file=path, hint="Do not use this file")


def load_pth(path: Path) -> dict[str, Any]:
    """The tensors of a ``.pth`` file that `check_pth` let pass.

    Raises:
        InputError: See `check_pth`; or it does not hold tensors by name.
        InstallationError: torch is not installed.
    """
    check_pth(path)
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        hint = "Install torch, or use the model's .safetensors or .onnx"
        raise InstallationError("torch is needed to read .pth files", hint=hint) from None
    state = torch.load(str(path), map_location="cpu", weights_only=True)
    for key in ("params_ema", "params", "state_dict"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not all(hasattr(each, "shape") for each in state.values()):
        raise InputError("does not hold tensors by name", file=path, hint=_CONVERT)
    return state


def as_safetensors(path: Path) -> Path:
    """A ``.pth`` file's tensors in a ``.safetensors`` beside it; the pickle is deleted.

    Raises:
        InputError: See `load_pth`.
        InstallationError: torch or safetensors is not installed.
        OSError: It cannot be written.
    """
    tensors = load_pth(path)
    try:
        library: Any = importlib.import_module("safetensors.torch")
    except ImportError:
        hint = 'Install it: pip install "vsfilmrestore[torch]"'
        raise InstallationError("safetensors is needed to keep .pth files", hint=hint) from None
    # Each with memory of its own: the format knows no tensors that share it.
    data: bytes = library.save({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()})
    place = path.with_suffix(".safetensors")
    place.write_bytes(data)
    path.unlink()
    return place
