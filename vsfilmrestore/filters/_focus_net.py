"""Our own networks for size and sharpness: which one is taken, and how it is told what is to go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import vapoursynth as vs

from vsfilmrestore.filters._blur import BLUR
from vsfilmrestore.filters._crispness import CRISP, with_crispness
from vsfilmrestore.filters._model import can_run, dependence, network_for, network_named, weights_of
from vsfilmrestore.inference.apply import run_network
from vsfilmrestore.inference.call import ModelCall

__all__ = ["AUTO", "MOST", "NONE", "Own"]

core = vs.core

AUTO, NONE = "auto", "none"
"""Our own network where networks can be run; no network."""
MOST: Final = 1.8
"""Largest sigma of a softness that the networks know, in pixels; they are told the share of it."""
_EDGE: Final = 16
"""Pixels of the mirrored rim: as far as the networks see but for a trace."""
_TOLD: Final = {"blur": f"x.{BLUR} {MOST} / 1 min 0 max", "crisp": f"x.{CRISP}", "noise": "0"}
"""What the networks are told beside luma, by the names of their inputs."""

type Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Own:
    """What a filter with the settings ``strength`` and ``model`` has of its own.

    Attributes:
        task: Task of its models.
        name: Our own model.
        whole: Whether a run of another model is all that the filter does.
        measures: Whether it looks at the whole shot, given its settings.
    """

    task: str
    name: str
    whole: Callable[[Settings], bool]
    measures: Callable[[Settings], bool]

    def runs(self, model: str) -> bool:
        """Whether our own network is what is run."""
        return model == self.name or (model == AUTO and can_run(self.name))

    def network(self, settings: Settings) -> ModelCall | None:
        """`FilterSpec.network`: ours is never all of the filter, but one that is named must be here."""
        if settings["model"] in (AUTO, NONE):
            return None
        if settings["model"] == self.name:
            if settings["strength"]:
                network_named(self.name, self.task)
            return None
        return network_for(self.task, self.whole)(settings)

    def weights(self, settings: Settings) -> str:
        """`FilterSpec.weights`."""
        model = self.name if self.runs(settings["model"]) else settings["model"]
        return "" if model in (AUTO, NONE) else weights_of(self.task)({**settings, "model": model})

    def depends(self, settings: Settings) -> Any:
        """`FilterSpec.depends`."""
        named = settings["model"] not in (AUTO, NONE, self.name)
        if self.measures(settings) and settings["strength"]:
            return "clip"
        return dependence(settings) if named else "window"

    def made(self, luma: vs.VideoNode) -> vs.VideoNode:
        """GRAYS: what it makes of luma from 0 to 1 that carries its softness (see `_blur.with_softness`).

        Raises:
            VsfrError: It cannot be run.
        """
        found, contract = network_named(self.name, self.task)
        wide = _with_edges(luma)
        blank = core.std.BlankClip(wide, keep=True).std.CopyFrameProps(with_crispness(luma))
        clips = {extra.name: core.akarin.Expr([blank], _TOLD[extra.name]) for extra in contract.extra}
        made = run_network(wide, found.path, contract, sha256=found.file.sha256, clips=clips)
        across, down = (
            made_side * (wide_side - side) // (2 * wide_side)
            for made_side, wide_side, side in (
                (made.width, wide.width, luma.width),
                (made.height, wide.height, luma.height),
            )
        )
        return made.std.Crop(across, across, down, down)


def _with_edges(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip, mirrored at its edges: a network takes what lies beyond for black, and draws a line there."""
    edge = min(_EDGE, clip.width)
    left, right = clip.std.Crop(right=clip.width - edge), clip.std.Crop(left=clip.width - edge)
    clip = core.std.StackHorizontal([left.std.FlipHorizontal(), clip, right.std.FlipHorizontal()])
    edge = min(_EDGE, clip.height)
    top, bottom = clip.std.Crop(bottom=clip.height - edge), clip.std.Crop(top=clip.height - edge)
    return core.std.StackVertical([top.std.FlipVertical(), clip, bottom.std.FlipVertical()])
