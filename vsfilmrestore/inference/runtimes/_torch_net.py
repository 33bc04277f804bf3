"""From a file of weights to a network of torch that can be called: architecture found, specs told, memory measured.

Files come from strangers. They are read once, what is checked is what is run, and they are nothing but tensors:
``.safetensors``; ``.pth`` only where it is pinned by its checksum, which is how a card speaks that the user made with
``--allow-pth``, and then through `vsfilmrestore.models.pickles`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vsfilmrestore.errors import InputError, ModelError
from vsfilmrestore.models import spandrel_seam
from vsfilmrestore.models.architectures import Architecture, architecture_of
from vsfilmrestore.models.contract import Contract
from vsfilmrestore.models.safety import plain_bytes

if TYPE_CHECKING:
    import torch

__all__ = ["TorchNet", "read_net"]

PICTURE: Final = "input"
"""Name of the input that takes the window."""


@dataclass
class TorchNet:
    """A network with its weights, on the processor.

    Attributes:
        module: The network.
        call: What runs it: the module, then tensors in the order of `inputs`.
        inputs: Name and shape of each input; None where any size will do.
        out_channels: Channels that come out.
        half: Whether 16-bit floats are good enough for it.
        bfloat: Whether bfloat16 is.
        contract: What it wants and gives, as far as it tells itself.
        sixteen: Whether its file holds 16-bit numbers alone.
    """

    module: Any
    call: Callable[..., Any]
    inputs: tuple[tuple[str, tuple[int | None, ...]], ...]
    out_channels: int
    half: bool
    bfloat: bool
    contract: Contract
    sixteen: bool = False


def read_net(path: Path, sha256: str, *, allow_pth: bool) -> TorchNet:
    """Read and check a file, and build its network.

    Args:
        path: The file.
        sha256: What its bytes must add up to; '' takes them as they are.
        allow_pth: Whether a pickle may be opened though nobody told its checksum.

    Raises:
        ModelError: It is missing, damaged, refused, not the file that was meant, or of an unknown architecture.
        InstallationError: spandrel or safetensors is missing.
    """
    if path.suffix.lower() == ".pth" and not (allow_pth or sha256):
        raise ModelError(
            "is a pickle, which can run anything",
            file=path,
            hint="Take its .safetensors, or say 'vsfilmrestore models add --allow-pth', if you trust who made it",
        )
    data = _bytes_of(path, sha256)
    try:
        tensors = spandrel_seam.read_weights(path, data)
        net = _built(tensors, path)
        net.sixteen = all(each.dtype.itemsize <= 2 for each in tensors.values() if each.is_floating_point())
        return net
    except ModelError:
        raise
    except InputError as error:
        raise ModelError(error.message, file=path, hint=error.hint) from None


def _bytes_of(path: Path, sha256: str) -> bytes:
    data = plain_bytes(path)
    found = hashlib.sha256(data).hexdigest()
    if sha256 and found != sha256.lower():
        raise ModelError(
            f"is not the file that was meant: its sha256 begins with {found[:12]}, not with {sha256[:12].lower()}",
            file=path,
            hint="Fetch it again",
        )
    return data


def _built(tensors: Mapping[str, Any], path: Path) -> TorchNet:
    shapes = spandrel_seam.shapes_of(tensors)
    family = architecture_of(shapes)
    if family is not None:
        return _of_a_family(family, tensors, path)
    found = spandrel_seam.detect(tensors, path)
    contract = spandrel_seam.contract_of(found)
    planes = sum(extra.kind == "number" for extra in contract.extra)
    inputs = [(PICTURE, (1, contract.channels + planes, None, None))]
    inputs += [(extra.name, (1, 1, None, None)) for extra in contract.extra if extra.kind == "mask"]
    return TorchNet(
        module=found.model,
        call=_with_padding(spandrel_seam.plain_call(found), found.size_requirements, contract.scale),
        inputs=tuple(inputs),
        out_channels=contract.out_channels,
        half=bool(found.supports_half),
        bfloat=bool(found.supports_bfloat16),
        contract=contract,
    )


def _with_padding(call: Callable[..., Any], needs: Any, scale: int) -> Callable[..., Any]:
    """Mirrors pictures to a size the network takes, and cuts what comes out."""

    def run(module: Any, *tensors: torch.Tensor) -> Any:
        height, width = tensors[0].shape[-2:]
        right, below = needs.get_padding(width, height)
        result = call(module, *(_padded(tensor, right, below) for tensor in tensors))
        return result[..., : height * scale, : width * scale] if right or below else result

    return run


def _padded(tensor: torch.Tensor, right: int, below: int) -> torch.Tensor:
    from torch.nn.functional import pad

    if not (right or below):
        return tensor
    height, width = tensor.shape[-2:]
    mirrored = (min(right, width - 1), min(below, height - 1))
    tensor = pad(tensor, (0, mirrored[0], 0, mirrored[1]), "reflect")
    return pad(tensor, (0, right - mirrored[0], 0, below - mirrored[1]), "replicate")


def _of_a_family(family: Architecture, tensors: Mapping[str, Any], path: Path) -> TorchNet:
    shapes = spandrel_seam.shapes_of(tensors)
    try:
        contract = family.contract(shapes)
        module = family.build(shapes)
        module.load_state_dict(dict(tensors))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - code of others raises whatever it likes
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"does not fit architecture {family.name} ({reason})", file=path) from None
    return TorchNet(
        module=module,
        call=lambda net, *given: net(*given),
        inputs=_inputs_of(contract),
        out_channels=contract.out_channels,
        half=contract.half,
        bfloat=False,
        contract=contract,
    )


def _inputs_of(contract: Contract) -> tuple[tuple[str, tuple[int | None, ...]], ...]:
    """See `vsfilmrestore.models.architectures.Architecture.build`."""
    planes = {"picture": contract.channels, "number": 1, "mask": 1, "scalar": 0}
    behind = sum(planes[extra.kind] for extra in contract.extra) + bool(contract.time)
    shape: tuple[int | None, ...]
    if contract.layout == "BTCHW":
        shape = (1, contract.window, contract.channels + behind, None, None)
    else:
        shape = (1, contract.channels * contract.window + behind, None, None)
    scalars = ((extra.name, (1,)) for extra in contract.extra if extra.kind == "scalar")
    return ((PICTURE, shape), *scalars)
