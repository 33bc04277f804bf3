"""What `assess` measures of a clip: one number, as the command measures it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import vapoursynth as vs

from vsfilmrestore.assess.colours import tape_colour_of
from vsfilmrestore.assess.content import faces_of, motion_of
from vsfilmrestore.assess.damage import dirt_of, scratches_of, stains_of
from vsfilmrestore.assess.fields import fields_of
from vsfilmrestore.assess.frame_geometry import Borders, borders_of, frame_line
from vsfilmrestore.assess.material import material_of
from vsfilmrestore.assess.passing import FrameFacts, PassFacts, pass_over
from vsfilmrestore.assess.reading import Reading
from vsfilmrestore.assess.samples import Shot
from vsfilmrestore.assess.trembling import flicker_of, weave_of

__all__ = [
    "borders",
    "dirt",
    "faces",
    "facts_of",
    "flicker",
    "frame_lines",
    "interlaced",
    "material",
    "motion",
    "passed",
    "roll",
    "scratches",
    "shot_of",
    "stains",
    "tape",
    "weave",
]

SURE = 0.3
"""Confidence below which a measure claims nothing; such clips are counted, not ranked."""

type Measure = Callable[[vs.VideoNode], float]


def shot_of(clip: vs.VideoNode) -> Shot:
    return Shot(Reading(clip), 0, len(clip))


def passed(clip: vs.VideoNode) -> PassFacts:
    return pass_over(Reading(clip), 0, len(clip), find_cuts=False)


def facts_of(clip: vs.VideoNode) -> tuple[list[FrameFacts], float]:
    found = passed(clip)
    return [found.frames[n] for n in range(len(clip))], found.scale


def flicker(clip: vs.VideoNode) -> float:
    found = flicker_of(facts_of(clip)[0])
    return found.rms if found.confidence > SURE else np.nan


def weave(clip: vs.VideoNode) -> float:
    across, down, _ = weave_of(*facts_of(clip))
    return float(np.hypot(across.rms, down.rms)) if min(across.confidence, down.confidence) > SURE else np.nan


def roll(clip: vs.VideoNode) -> float:
    found = weave_of(*facts_of(clip))[2]
    return found.rms if found.confidence > SURE else np.nan


def dirt(name: str, factor: float = 1.0) -> Measure:
    """A measure of `dirt_of`; without dirt there is no share of white in it."""

    def measure(clip: vs.VideoNode) -> float:
        found = dirt_of(shot_of(clip))
        none = name == "dirt.sparkle" and not found.get("dirt.density")
        return np.nan if none else factor * found.get(name, 0.0)

    return measure


def scratches(clip: vs.VideoNode) -> float:
    return scratches_of(shot_of(clip))[0].get("scratches.count", 0.0)


def stains(clip: vs.VideoNode) -> float:
    return 100 * stains_of(shot_of(clip), passed(clip).stains).get("stains.share", 0.0)


def material(name: str) -> Measure:
    return lambda clip: material_of(shot_of(clip).runs, Borders()).get(name, 0.0)


def borders(clip: vs.VideoNode) -> float:
    found = borders_of(shot_of(clip).middles)
    return float(found.left + found.right + found.top + found.bottom)


def frame_lines(clip: vs.VideoNode) -> float:
    middles = shot_of(clip).middles
    return frame_line(middles, borders_of(middles))


def interlaced(clip: vs.VideoNode) -> float:
    return fields_of(shot_of(clip)).share


def tape(name: str) -> Measure:
    """A measure of `tape_colour_of`; nothing where there are no edges of colour to tell it by."""
    return lambda clip: tape_colour_of(shot_of(clip).middles).get(name, np.nan)


def faces(name: str) -> Measure:
    def measure(clip: vs.VideoNode) -> float:
        shot = shot_of(clip)
        pictures = shot.colour()
        return faces_of(pictures, clip.width / pictures[0].shape[1])[name]

    return measure


def motion(name: str) -> Measure:
    def measure(clip: vs.VideoNode) -> float:
        found = passed(clip)
        return float(motion_of([found.frames[n] for n in range(len(clip))], found.width).get(name, np.nan))

    return measure
