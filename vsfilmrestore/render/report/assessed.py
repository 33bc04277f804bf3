"""What was measured of the film, brought to the frames and shots of the report; nothing where nobody assessed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vsfilmrestore.assess.results import Assessment
from vsfilmrestore.assess.stored import read_assessment
from vsfilmrestore.render.report.columns import Column
from vsfilmrestore.render.report.comparison import certain
from vsfilmrestore.render.report.outcome import Outcome

__all__ = ["Assessed", "assessed"]


@dataclass(frozen=True, slots=True)
class Assessed:
    """An assessment beside a reel.

    Attributes:
        found: What was measured.
        frames: Record frames of the reel; those that were measured are as many.
    """

    found: Assessment
    frames: int

    def column(self, name: str, factor: int = 1, outcome: Outcome | None = None, treated: Sequence[int] = ()) -> Column:
        """A measure of all output frames, or of the shots it was taken of; not a number where it tells nothing.

        Args:
            name: The measure.
            factor: Output frames for each record frame.
            outcome: Takes it of the result: of the shots that were measured, and of those that were left alone.
            treated: Shots, by index, that something was done to.
        """
        whole = np.full(self.frames, np.nan)
        single = name in self.found.frames.columns
        for index, shot in enumerate(self.found.shots):
            column: Column | None = self.found.frames[name].astype(float) if single else None
            if outcome is not None and index in treated:
                if index not in outcome.shots or (single and name not in outcome.columns):
                    continue
                shot, column = outcome.shots[index], outcome.columns[name] if single else None
            if (single or name in shot) and certain(shot.values, name):
                here = shot.frames
                whole[here] = shot[name] if column is None else column[here]
        return np.repeat(whole, factor)

    def of_shot(self, first: int, stop: int) -> dict[str, Any]:
        """Measures of the shot that most of some record frames lie in, as plain data."""
        overlaps = [(min(stop, shot.stop) - max(first, shot.first), shot) for shot in self.found.shots]
        most, shot = max(overlaps, key=lambda pair: pair[0], default=(0, None))
        if shot is None or most <= 0:
            return {}
        return dict(shot.values)


def assessed(folder: Path, frames: int) -> tuple[Assessed | None, list[str]]:
    """What is stored in a project, and a sentence where it is not of this cut.

    Args:
        folder: Project folder.
        frames: Record frames of the reel.
    """
    found = read_assessment(folder)
    if found is None:
        return None, []
    if found.source.frames != frames:
        told = f"the assessment is of {found.source.frames} frames, the cut has {frames}: it is left out; assess again"
        return None, [told]
    return Assessed(found, frames), list(found.remarks)
