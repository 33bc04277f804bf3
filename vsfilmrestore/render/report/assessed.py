"""What was measured of the film, brought to the frames and shots of the report; nothing where nobody assessed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from vsfilmrestore.assess.results import Assessment
from vsfilmrestore.assess.stored import read_assessment
from vsfilmrestore.assess.vocabulary import NAMES
from vsfilmrestore.render.report.columns import Column

__all__ = ["SHOWN", "Assessed", "assessed"]

SHOWN: Final = (
    "flicker",
    "weave.x",
    "weave.y",
    "dirt.density",
    "scratches.count",
    "stains.share",
    "grain.sigma",
    "blur.sigma",
    "fade.red",
    "fade.green",
    "fade.blue",
    "luma.low",
    "luma.high",
)
"""Measures that the table of a shot tells, where they were taken."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """An assessment beside a reel.

    Attributes:
        found: What was measured.
        frames: Record frames of the reel; those that were measured are as many.
    """

    found: Assessment
    frames: int

    def column(self, name: str, factor: int = 1) -> Column | None:
        """A measure of all output frames, or of the shots it was taken of; None where it was not."""
        whole = np.full(self.frames, np.nan)
        if name in self.found.frames.columns:
            whole = self.found.frames[name].astype(float)
        else:
            for shot in self.found.shots:
                if name in shot:
                    whole[shot.first : shot.stop] = shot[name]
        return np.repeat(whole, factor) if np.isfinite(whole).any() else None

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


def measured_words(values: dict[str, Any], names: Sequence[str] = SHOWN) -> list[dict[str, str]]:
    """Measures of a shot for people: name, value with unit, and the archives' term; what is 0 is left out."""
    words = []
    for name in names:
        value = values.get(name)
        if isinstance(value, int | float) and value:
            measure = NAMES[name]
            words.append({"name": name, "value": f"{value:.3g} {measure.unit}".strip(), "term": measure.term})
    return words
