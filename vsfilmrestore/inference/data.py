"""Networks whose outputs are no pictures: detectors, classifiers, measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.inference.apply import Terms, prepare, tell_guess
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.inference.windows import windowed
from vsfilmrestore.models.contract import Contract

__all__ = ["TINY", "Reader", "run_data", "tiny"]

core = vs.core

TINY: Final = 16
"""Width and height of frames that carry nothing but properties."""
_KEPT: Final = 512

type Reader = Callable[[dict[str, Array], tuple[int, int], int], Mapping[str, Any]]
"""What came out of the network by name, height and width of what went in (the picture lies at its upper left), and
the frame's number; gives properties."""


def run_data(
    clip: vs.VideoNode,
    model: Path | str,
    contract: Contract,
    read: Reader,
    *,
    sha256: str = "",
    numbers: Mapping[str, float] | None = None,
    clips: Mapping[str, vs.VideoNode] | None = None,
    device: str = "auto",
    precision: str = "auto",
    lanes: int | None = None,
    models: Registry | None = None,
) -> vs.VideoNode:
    """Run a network once for each frame, and keep what is read from its outputs as properties.

    Args:
        clip: See `run_model`.
        model: The model's file.
        contract: What it wants and gives: ``colour="data"``, one frame out.
        read: Makes properties of what came out; the same of the same.
        sha256: As all others: see `run_model`.

    Returns:
        Frames of 16x16 pixels with the properties of the clip as the network saw it and those that ``read`` gave. Bring
        them to the clip with ``clip.std.CopyFrameProps(data, props=[…])``.

    Raises:
        vs.Error: The clip, the contract and the settings do not fit together.
        ModelError: No runtime takes the file.
    """
    if contract.colour != "data" or contract.frames_out != 1:
        raise vs.Error(
            "run_data: the network must give data (colour='data') of one frame; use run_model or run_network"
        )
    terms = Terms(
        sha256=sha256, numbers=numbers, clips=clips, crossfade=0, tile=(0, 0), device=device, precision=precision,
        lanes=lanes, models=models,
    )  # fmt: skip
    ready = prepare(clip, model, contract, terms)
    picture = np.zeros((1, 1, TINY, TINY), np.float32)

    def work(number: int, frames: list[list[vs.VideoFrame]]) -> tuple[Array, dict[str, Any]]:
        tell_guess(frames[0][contract.before])
        found, size = ready.network.data(number, frames, ready.names)
        return picture, dict(read(found, size, number))

    found = windowed(ready.taps, ready.windows, tiny(clip.num_frames), work, lanes=ready.lanes)
    # Small as they are, all that anybody looks at again soon can be kept.
    found.std.SetVideoCache(mode=1, fixedsize=1, maxsize=_KEPT, maxhistory=0)
    return found


def tiny(frames: int) -> vs.VideoNode:
    """So many frames that carry nothing but properties."""
    return core.std.BlankClip(width=TINY, height=TINY, format=vs.GRAYS, length=frames, keep=True)
