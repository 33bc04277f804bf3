"""A network with all that is needed to run it, as a value: what a filter hands to whatever runs it.

Filters describe what they want run as `ModelCall`; neighbouring ones can then be run as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import vapoursynth as vs

from vsfilmrestore.inference.apply import run_model
from vsfilmrestore.inference.registry import Registry
from vsfilmrestore.models.contract import Contract

__all__ = ["ModelCall"]


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A run of a network over a shot.

    Attributes:
        whole: Whether the run is all that the filter does; only then may neighbours be run as one with it.

    All other fields are the arguments of `vsfilmrestore.inference.apply.run_model`.
    """

    model: Path
    contract: Contract
    sha256: str = ""
    strength: float = 1.0
    numbers: Mapping[str, float] = field(default_factory=dict)
    clips: Mapping[str, vs.VideoNode] = field(default_factory=dict)
    time: float | None = None
    crossfade: int | None = None
    tile: tuple[int, int] | None = None
    device: str = "auto"
    precision: str = "auto"
    whole: bool = True

    def on(self, clip: vs.VideoNode, *, lanes: int | None = None, models: Registry | None = None) -> vs.VideoNode:
        """What the network makes of a shot, see `run_model`."""
        return run_model(
            clip,
            self.model,
            self.contract,
            sha256=self.sha256,
            strength=self.strength,
            numbers=self.numbers,
            clips=self.clips,
            time=self.time,
            crossfade=self.crossfade,
            tile=self.tile,
            device=self.device,
            precision=self.precision,
            lanes=lanes,
            models=models,
        )
