"""What spandrel knows of a file of weights: architecture, scale, channels, sizes. Built, not run.

https://github.com/chaiNNer-org/spandrel
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.errors import InputError
from vsfilmrestore.models.contract import Contract
from vsfilmrestore.models.pickles import load_pth

__all__ = ["Described", "describe", "is_here"]

_TASKS: Final = {"SR": "upscale", "FaceSR": "faces", "Inpainting": "inpaint", "Restoration": "denoise"}


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


def describe(path: Path) -> Described:
    """Ask spandrel.

    Raises:
        InputError: It does not know this network.
    """
    spandrel: Any = importlib.import_module("spandrel")
    loader = spandrel.ModelLoader(device="cpu")
    try:
        if path.suffix.lower() == ".pth":
            found = loader.load_from_state_dict(load_pth(path))
        else:
            found = loader.load_from_file(str(path))
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - the library raises whatever it likes
        reason = " ".join(str(error).split())[:200]
        hint = "Tell --architecture and --scale, if another runtime knows it"
        raise InputError(f"is of no architecture spandrel knows ({reason})", file=path, hint=hint) from None
    return Described(str(found.architecture.name), _TASKS.get(str(found.purpose), "other"), _contract(found))


def _contract(found: Any) -> Contract:
    needs = found.size_requirements
    channels, out = int(found.input_channels), int(found.output_channels)
    tiled = getattr(found.tiling, "name", "SUPPORTED") == "SUPPORTED"
    return Contract(
        channels=channels,
        out_channels=out,
        colour="luma" if channels == 1 else "rgb",
        scale=int(found.scale),
        multiple=max(int(needs.multiple_of), 1),
        minimum=max(int(needs.minimum), 1),
        half=bool(found.supports_half),
        tiled=tiled,
    )
