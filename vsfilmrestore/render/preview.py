"""A look before the long run: a sheet of frames before, after and where repairs lie, and what the run will take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.media.failure import frame_error
from vsfilmrestore.media.props import MASK_PREFIX
from vsfilmrestore.render.decide import Decision
from vsfilmrestore.render.history_watch import marks
from vsfilmrestore.render.memory import bound_cache, resident
from vsfilmrestore.render.pictures import as_rgb24, save_png
from vsfilmrestore.render.reel import Reel

__all__ = ["Estimate", "Look", "estimate", "marking_steps", "preview_sheet"]

type Picture = npt.NDArray[np.uint8]

_COLOURS: Final[Mapping[str, tuple[int, int, int]]] = {
    "remove_dirt": (255, 80, 80),
    "remove_scratches": (255, 210, 60),
    "remove_stains": (190, 120, 255),
    "repair_frames": (90, 170, 255),
    "remove_wires": (120, 230, 120),
}
_OTHER: Final = (255, 255, 255)
_DIM: Final = 0.35
"""Share of the picture that is left under its masks."""
_RUN: Final = 24
"""Frames of a run that is timed."""
_LONGEST: Final = 12.0
"""Seconds after which timing a run is over."""
_RECIPES: Final = 4
"""Recipes of a film that are timed at most; the others are taken for their mean."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a sheet shows.

    Attributes:
        path: The PNG file.
        changed: Share of the pixels each step repaired, in the mean of the frames shown; of steps that mark repairs.
    """

    path: Path
    changed: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a render will take, encoding aside.

    Attributes:
        frames: Source frames of the shot, or of the film.
        fps: Frames of the source a second, as measured.
        seconds: Time for all of them.
        memory: Bytes this process held at most while frames were made; 0 where the system does not tell.
        timed: Recipes that were timed.
        recipes: Recipes there are.
    """

    frames: int
    fps: float
    seconds: float
    memory: int
    timed: int = 1
    recipes: int = 1


def preview_sheet(
    before: vs.VideoNode,
    after: vs.VideoNode,
    frames: Sequence[int],
    labels: Sequence[str],
    path: Path,
    *,
    steps: Sequence[str] = (),
    width: int = 640,
) -> Look:
    """Write a sheet with one row a frame: source, restored, and where steps repaired it, each in a colour of its own.

    Args:
        before: The source.
        after: The restored frames; a whole multiple of the source's.
        frames: Frames of the source to show.
        labels: A short text for each.
        path: PNG file to write.
        steps: Steps that mark what they repair; without any there is no third picture.
        width: Width of each picture.

    Raises:
        RenderError: A frame could not be made.
        OutputError: The file cannot be written.
    """
    factor = max(1, after.num_frames // before.num_frames)
    rows, shares = [], dict.fromkeys(steps, 0.0)
    try:
        for number, label in zip(frames, labels, strict=True):
            source = _picture(before[number], f"source  {label}", width)
            made = after[number * factor]
            restored = _picture(made, f"restored  {label}", width)
            pictures = [source, restored]
            if steps:
                with made.get_frame(0) as frame:
                    masks = _masks(frame.props, steps)
                for step, mask in masks.items():
                    shares[step] += float((mask > 0).mean()) / len(frames)
                pictures.append(_marked(before[number], masks, label, width))
            rows.append(np.concatenate(pictures, axis=1))
    except vs.Error as error:
        raise frame_error(error) from error
    save_png(np.concatenate(rows), path)
    return Look(path, shares)


def _picture(clip: vs.VideoNode, text: str, width: int) -> Picture:
    # One frame on its own, so that nothing else of the reel is computed.
    with as_rgb24(clip, width).text.Text(text, alignment=7).get_frame(0) as frame:
        return np.stack([np.asarray(frame[p]) for p in range(3)], axis=-1)


def _masks(props: Mapping[str, Any], steps: Sequence[str]) -> dict[str, Picture]:
    found = {}
    for step in steps:
        held = props.get(MASK_PREFIX + step)
        if isinstance(held, vs.VideoFrame):
            found[step] = np.array(held[0])
    return found


def _marked(clip: vs.VideoNode, masks: Mapping[str, Picture], label: str, width: int) -> Picture:
    """The source, dim, with every repaired pixel in the colour of its step; the steps are named in these colours."""
    height = max(1, round(clip.height * width / clip.width))
    with as_rgb24(clip, width).get_frame(0) as frame:
        dim = np.stack([np.asarray(frame[p]) for p in range(3)], axis=-1)
    picture: Picture = (dim * _DIM).astype(np.uint8)
    for line, (step, mask) in enumerate(masks.items()):
        colour = _COLOURS.get(step, _OTHER)
        near = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA) > 0  # a small speck must stay seen
        picture[near] = colour
        text = f"{step} {(mask > 0).mean():.2%}"
        cv2.putText(picture, text, (8, 20 + 18 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
    if not masks:
        cv2.putText(picture, "nothing is marked", (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _OTHER, 1, cv2.LINE_AA)
    return picture


def marking_steps(decisions: Sequence[Decision]) -> list[str]:
    """Steps of some shots that mark what they repair, in order."""
    found = (step for decision in decisions for part in decision.parts for step in part.recipe)
    return list(dict.fromkeys(step.name for step in found if marks(step)))


def estimate(reel: Reel, shot: int | None = None, near: int = 0) -> Estimate:
    """Time and memory a render will take, from runs of frames made as the renderer makes them.

    Args:
        reel: The reel.
        shot: Index of a shot; None is the whole film: one shot of each recipe is timed.
        near: Of one shot: the frame to begin at.

    Raises:
        RenderError: A frame could not be made.
    """
    if shot is not None:
        fps, memory = _timed(reel, shot, near)
        frames = len(reel.cut.shots[shot].record)
        return Estimate(frames, fps, frames / fps, memory)
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, decision in enumerate(reel.decisions):
        if reel.cut.shots[index].source is not None:
            groups.setdefault(_steps(decision), []).append(index)
    lengths = {key: sum(len(reel.cut.shots[i].record) for i in group) for key, group in groups.items()}
    ordered = sorted(groups, key=lambda key: -lengths[key])[:_RECIPES]
    speeds, memory = {}, resident()
    for key in ordered:
        longest = max(groups[key], key=lambda i: len(reel.cut.shots[i].record))
        speeds[key], held = _timed(reel, longest, len(reel.cut.shots[longest].record) // 3)
        memory = max(memory, held)
    seconds = sum(lengths[key] / speeds[key] for key in ordered)
    known = sum(lengths[key] for key in ordered)
    frames = sum(lengths.values())
    if known:
        seconds *= frames / known
    return Estimate(frames, frames / seconds if seconds else 0.0, seconds, memory, len(ordered), len(groups))


def _steps(decision: Decision) -> tuple[str, ...]:
    return tuple(dict.fromkeys(step.name for part in decision.parts for step in part.recipe))


def _timed(reel: Reel, shot: int, near: int) -> tuple[float, int]:
    """Frames of the source a second, and the most memory that was held. The first frame pays for all it looks at."""
    bound_cache()
    made = reel.shots[shot].restored()
    length = len(reel.cut.shots[shot].record)
    factor = max(1, made.num_frames // length)
    first = max(0, min(near, length - _RUN)) * factor
    part = made[first : first + _RUN * factor]
    began, start, done, memory = monotonic(), 0.0, 0, resident()
    try:
        for frame in part.frames(prefetch=vs.core.num_threads, backlog=vs.core.num_threads, close=True):
            del frame
            done += 1
            memory = max(memory, resident())
            if done == 1:
                start = monotonic()
            if monotonic() - began > _LONGEST and done > 1:
                break
    except vs.Error as error:
        raise frame_error(error, shot=reel.cut.shots[shot].name) from error
    seconds = monotonic() - start if done > 1 else monotonic() - began
    return max(done - 1, 1) / factor / max(seconds, 1e-6), memory
