"""Networks of our own that tell for each pixel how likely it is damage: which one is taken, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import vapoursynth as vs

from vsfilmrestore.filters._dirt_sight import Sight
from vsfilmrestore.filters._model import can_run, network_named, weights_of
from vsfilmrestore.inference.apply import run_network

__all__ = ["AUTO", "Detector"]

AUTO: Final = "auto"
_CLIPS: Final = ("before2", "before1", "after1", "after2", "colour")


@dataclass(frozen=True, slots=True)
class Detector:
    """What a filter with the settings ``strength`` and ``model`` may find damage with.

    Attributes:
        task: Task of its models.
        own: The model that ``auto`` takes where networks can be run.
    """

    task: str
    own: str

    def chosen(self, model: str) -> str:
        """The model that is taken; '' for none."""
        if model != AUTO:
            return model
        return self.own if can_run(self.own) else ""

    def weights(self, settings: Mapping[str, Any]) -> str:
        """`FilterSpec.weights`."""
        return weights_of(self.task)({**settings, "model": self.chosen(settings["model"])})

    def require(self, settings: Mapping[str, Any]) -> None:
        """`FilterSpec.network`: the network is not all of the filter, but one that is named must be here.

        Raises:
            VsfrError: There is no such model, or it cannot be run.
        """
        name = self.chosen(settings["model"])
        if name and settings["strength"]:
            network_named(name, self.task)

    def told(self, model: str, frame: vs.VideoNode, clips: Mapping[str, vs.VideoNode]) -> vs.VideoNode:
        """What a model that was `chosen` says of a clip and of the clips it gets besides.

        Raises:
            VsfrError: There is no such model, or it cannot be run.
        """
        found, contract = network_named(model, self.task)
        return run_network(frame, found.path, contract, sha256=found.file.sha256, clips=dict(clips))

    def damage(self, model: str, seen: Sight) -> vs.VideoNode:
        """GRAYS: how likely each pixel is damage, for a model that gets a frame and its neighbours moved onto it.

        Raises:
            VsfrError: As `told`.
        """
        frame, *moved = (_as_shown(clip, seen.work) for clip in seen.lumas)
        return self.told(model, frame, dict(zip(_CLIPS, (*moved, seen.colour), strict=True)))


def _as_shown(luma: vs.VideoNode, work: vs.VideoNode) -> vs.VideoNode:
    """Luma of RGB is full range, and what the frames tell of the range is about RGB."""
    if work.format.color_family != vs.RGB:
        return luma
    return luma.std.SetFrameProps(_Range=vs.RANGE_FULL).std.RemoveFrameProps("_Matrix")
