"""What spandrel knows of a file of weights: architecture, scale, channels, sizes.

https://github.com/chaiNNer-org/spandrel
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.errors import InputError, InstallationError, VsfrError
from vsfilmrestore.models.architectures import Shapes, architecture_of
from vsfilmrestore.models.contract import Contract, ExtraInput
from vsfilmrestore.models.pickles import load_pth
from vsfilmrestore.models.reach import reach_of
from vsfilmrestore.models.safetensors import read_header

__all__ = [
    "MASK",
    "NOISE",
    "Described",
    "contract_of",
    "describe",
    "detect",
    "is_here",
    "plain_call",
    "read_weights",
    "shapes_of",
    "task_of",
]

MASK: Final = "mask"
"""The input of inpainting networks beside the picture: 1 where it is to be filled."""

NOISE: Final = "noise"
"""Standard deviation of the noise, white being 1; its default is that of the networks' authors."""

_TASKS: Final = {"FaceSR": "faces", "Inpainting": "inpaint"}
_RESTORES: Final = {"DnCNN": "denoise", "DRUNet": "denoise", "SCUNet": "denoise", "FFTformer": "deblur"}
"""What an architecture was made for, where its networks are all for the same. NAFNet's, Uformer's and those that keep
the size of an architecture for larger pictures may be for anything."""


@dataclass(frozen=True, slots=True)
class Described:
    """Architecture and task in our words, and the tensors."""

    architecture: str
    task: str
    contract: Contract


def is_here() -> bool:
    """Whether spandrel and torch are installed."""
    try:
        importlib.import_module("torch")
        importlib.import_module("spandrel")
    except ImportError:
        return False
    return True


def read_weights(path: Path, data: bytes | None = None) -> dict[str, Any]:
    """The tensors of a file by name. Nothing of it is run.

    Args:
        path: ``.safetensors``, or ``.pth`` where the user allowed it.
        data: Bytes of a ``.safetensors`` that were read already.

    Raises:
        InputError: The file is damaged, or a pickle that is refused.
        InstallationError: torch or safetensors is not installed.
    """
    if path.suffix.lower() == ".pth":
        return load_pth(path)
    read_header(path)
    try:
        library: Any = importlib.import_module("safetensors.torch")
    except ImportError:
        hint = 'Install them: pip install "vsfilmrestore[torch]"'
        raise InstallationError("networks in .safetensors need torch, spandrel and safetensors", hint=hint) from None
    try:
        tensors: dict[str, Any] = library.load(path.read_bytes() if data is None else data)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=path) from None
    except Exception as error:  # noqa: BLE001 - the library's own errors, and those of torch for types it lacks
        raise InputError(f"is damaged ({_line(error)})", file=path, hint="Fetch it again") from None
    return tensors


def shapes_of(tensors: Mapping[str, Any]) -> Shapes:
    """Shapes by name."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def describe(path: Path) -> Described:
    """What a file of weights is: of one of our architectures or of other packages', else what spandrel says.

    Raises:
        InputError: Nobody knows this network.
    """
    tensors = read_weights(path)
    shapes = shapes_of(tensors)
    ours = architecture_of(shapes)
    if ours is not None:
        return Described(ours.name, ours.task, ours.contract(shapes))
    found = detect(tensors, path)
    contract = contract_of(found)
    contract = replace(contract, receptive=_reach(found, contract))
    return Described(str(found.architecture.name), task_of(found), contract)


def task_of(found: Any) -> str:
    """What a network is for, by its descriptor; ``other`` where that does not tell."""
    purpose = str(found.purpose)
    if purpose == "SR":
        return "upscale" if int(found.scale) > 1 else "other"
    if purpose == "Restoration":
        return _RESTORES.get(str(found.architecture.name), "other")
    return _TASKS.get(purpose, "other")


def detect(tensors: Mapping[str, Any], path: Path) -> Any:
    """Spandrel's descriptor of a network with these tensors in it, on the processor.

    Raises:
        InputError: It does not know this network.
        InstallationError: It is not installed.
    """
    try:
        spandrel: Any = importlib.import_module("spandrel")
    except ImportError:
        hint = 'Install it: pip install "vsfilmrestore[torch]"'
        raise InstallationError("networks in .safetensors and .pth need spandrel and torch", hint=hint) from None
    try:
        return spandrel.ModelLoader(device="cpu").load_from_state_dict(dict(tensors))
    except VsfrError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the library raises whatever it likes
        hint = "Tell --architecture and --scale, if another runtime knows it"
        raise InputError(f"is of no architecture spandrel knows ({_line(error)})", file=path, hint=hint) from None


def plain_call(found: Any) -> Callable[..., Any]:
    """What runs a descriptor's network: ``call(module, *tensors)``.

    Values that come out are not cut off at 0 and 1, as the descriptor itself does: in float clips they may lie beyond.
    Where the network has noise planes among its inputs, they are given; the descriptor itself would fill them.
    """
    call: Callable[..., Any] | None = getattr(found, "_call_fn", None)
    if call is None or _takes_noise(found):
        return lambda module, *tensors: module(*tensors)
    return call


def _takes_noise(found: Any) -> bool:
    """Whether a plane with the noise's level follows the picture's channels: DRUNet, and DnCNN's flexible sister."""
    name = str(found.architecture.name)
    return name == "DRUNet" or (name == "DnCNN" and getattr(found.model, "mode", "") == "FDnCNN")


def _reach(found: Any, contract: Contract) -> int | None:
    """How far it looks; unknown where it does not run as expected."""
    planes = sum(extra.kind == "number" for extra in contract.extra)
    masks = [1 for extra in contract.extra if extra.kind == "mask"]
    call = plain_call(found)
    try:
        module = found.model.eval()
        return reach_of(lambda *given: call(module, *given), [contract.channels + planes, *masks], contract)
    except Exception:  # noqa: BLE001 - networks raise whatever they like; it will be told when the network is used
        return None


def contract_of(found: Any) -> Contract:
    """What a network wants and gives, by its descriptor. How far it looks is not told by that."""
    needs = found.size_requirements
    channels, out = int(found.input_channels), int(found.output_channels)
    face = str(found.purpose) == "FaceSR"
    # Faces are seen whole or not at all. GFPGAN's decoder has one size, and the library leaves its range to the caller:
    # https://github.com/TencentARC/GFPGAN/blob/master/gfpgan/utils.py has black at -1.
    gfpgan = str(found.architecture.name) == "GFPGAN"
    tiled = not face and getattr(found.tiling, "name", "SUPPORTED") == "SUPPORTED"
    return Contract(
        channels=channels,
        out_channels=out,
        colour="luma" if channels == 1 else "rgb",
        low=-1.0 if gfpgan else 0.0,
        scale=int(found.scale),
        multiple=max(int(needs.multiple_of), 1),
        minimum=max(int(needs.minimum), 1),
        half=bool(found.supports_half),
        tiled=tiled,
        size=(512, 512) if gfpgan else (0, 0),
        extra=_extra(found),
    )


def _extra(found: Any) -> tuple[ExtraInput, ...]:
    if _takes_noise(found):
        return (ExtraInput(NOISE, "number", default=15 / 255, high=75 / 255),)
    return (ExtraInput(MASK, "mask"),) if str(found.purpose) == "Inpainting" else ()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
