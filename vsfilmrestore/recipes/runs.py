"""Steps of a recipe that are run as one: neighbours that are networks, and nothing but networks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import vapoursynth as vs

from vsfilmrestore.filters.fused import Call, as_one, network_of

if TYPE_CHECKING:
    from vsfilmrestore.recipes.recipe import Step

__all__ = ["Run", "runs"]


@dataclass(frozen=True, slots=True)
class Run:
    """One step as it is, or several that are run as one.

    Attributes:
        steps: The steps.
        calls: Their networks, one for each; () where it is a step that has none of its own.
    """

    steps: tuple[Step, ...]
    calls: tuple[Call, ...] = ()

    @property
    def fused(self) -> bool:
        """Whether several steps are run as one. Such a run sees its clip mirrored at the ends by itself."""
        return len(self.steps) > 1

    @property
    def reach(self) -> int:
        """Frames on each side that a frame of the result may depend on."""
        return sum(step.reach for step in self.steps)

    def apply(self, clip: vs.VideoNode) -> vs.VideoNode:
        """What the steps make of a clip that holds one shot."""
        if not self.fused:
            return self.steps[0].apply(clip)
        return as_one(clip, [step.name for step in self.steps], self.calls)


def runs(steps: Iterable[Step]) -> list[Run]:
    """The steps in their order, neighbours together where they can be run as one. Nothing is loaded or run."""
    found: list[Run] = []
    for step in steps:
        call = network_of(step.filter, step.settings)
        calls = () if call is None else (call,)
        if calls and found and found[-1].calls:
            found[-1] = Run((*found[-1].steps, step), found[-1].calls + calls)
        else:
            found.append(Run((step,), calls))
    return found
