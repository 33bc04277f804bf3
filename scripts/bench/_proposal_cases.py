"""Clips whose damage is known: what one case of `proposal` is made of, film, prints and tape."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import tape
import vapoursynth as vs
from _damage.cases import BENCH, damaged_case, to_rgb, to_yuv
from _damage.footage import CLIPS as FILES
from _damage.footage import clip_of, load, planes_of
from simulator import ageing
from simulator.chance import Dice

__all__ = ["CASES", "CLIPS", "EVERYWHERE", "TAPE", "Case", "Footage", "Planes", "dealt"]

core = vs.core

type Planes = list[list[npt.NDArray[Any]]]
type Change = Callable[[npt.NDArray[Any], int, np.random.Generator], npt.NDArray[Any]]

CLIPS = tuple(FILES)
_TOLD = {"_Matrix": 1, "_Transfer": 1, "_Primaries": 1, "_Range": vs.RANGE_LIMITED, "_ChromaLocation": 1}
_GREY = 16 + 0.45 * 219


def flicker(depth: float) -> Change:
    """Gain that trembles, in per cent rms."""

    def change(plane: npt.NDArray[Any], index: int, rng: np.random.Generator) -> npt.NDArray[Any]:
        gain = 1 + rng.normal(0, depth / 100)
        return plane if index else (plane - 16) * gain + 16

    return change


def weave(pixels: float) -> Change:
    """The frame strays by so many pixels rms."""

    def change(plane: npt.NDArray[Any], index: int, rng: np.random.Generator) -> npt.NDArray[Any]:
        x, y = rng.normal(0, pixels, 2) / (2 if index else 1)
        move = np.array([[1, 0, x], [0, 1, y]], np.float32)
        size = plane.shape[::-1]
        return cv2.warpAffine(plane, move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)

    return change


def grain(levels: float) -> Change:
    """Noise of so many 8-bit levels, about a pixel and a half wide."""

    def change(plane: npt.NDArray[Any], index: int, rng: np.random.Generator) -> npt.NDArray[Any]:
        noise = cv2.GaussianBlur(rng.normal(0, 1, plane.shape).astype(np.float32), (0, 0), 0.7)
        return plane + noise * (levels / noise.std()) * (0.5 if index else 1)

    return change


def soft(pixels: float) -> Change:
    """A Gaussian blur of so many pixels of luma."""

    def change(plane: npt.NDArray[Any], index: int, rng: np.random.Generator) -> npt.NDArray[Any]:
        return cv2.GaussianBlur(plane, (0, 0), pixels / (2 if index else 1))

    return change


def copied(times: int) -> Change:
    """Prints of prints: steeper and softer each time, with a little grain."""

    def change(plane: npt.NDArray[Any], index: int, rng: np.random.Generator) -> npt.NDArray[Any]:
        grey, own = 128 if index else _GREY, grain(2)
        for _ in range(times):
            plane = cv2.GaussianBlur(plane, (0, 0), 0.3 if index else 0.6)
            plane = own(np.clip((plane - grey) * 1.2 + grey, 16, 240 if index else 235), index, rng)
        return plane

    return change


AGED: dict[str, tuple[Change, ...]] = {
    "flicker 1.5 %": (flicker(1.5),),
    "flicker 5 %": (flicker(5),),
    "weave 0.4 px": (weave(0.4),),
    "weave 1.5 px": (weave(1.5),),
    "grain 4": (grain(4),),
    "grain 10": (grain(10),),
    "soft": (soft(1.2),),
    "copied": (copied(2),),
}
SIMULATED = {
    "dirt a": ("specks", 5),
    "dirt b": ("specks", 8),
    "scratches": ("scratch", 5),
    "stains": ("stain", 5),
    "dropouts": ("dropout", 5),
    "worn": ("mixed", 5),
}
TAPE: dict[str, Callable[[vs.VideoNode], vs.VideoNode]] = {
    "colour beside": lambda clip: tape.beside(clip, 4, 0),
    "dot crawl": lambda clip: tape.spoilt(clip, partial(tape.carrier, 1)),
    "head switching": lambda clip: tape.spoilt(clip, partial(tape.torn, 6, 7)),
}
WORN = (weave(0.8), flicker(4), grain(5))
CASES = (
    "worn", "grain 4", "dirt a", "weave 0.4 px", "flicker 1.5 %", "soft", "copied", "scratches", "grain 10",
    "weave 1.5 px", "flicker 5 %", "stains", "clean", "dirt b", "faded", "interlaced", "dropouts", *TAPE,
)  # fmt: skip
"""Their order settles which clips they are put on."""
EVERYWHERE = ("clean", "worn")
"""Cases that every clip has; see `dealt`."""
_LONGEST = 40
"""Frames of a clip in which there is no cut."""


@dataclass(frozen=True)
class Case:
    """A damaged clip, the planes of the undamaged one, and the rim that does not count, in pixels of luma."""

    damaged: vs.VideoNode
    truth: Planes
    rim: int = 8


class Footage:
    """Clips in memory, and what is made of them."""

    def __init__(self, folder: Path, frames: int, width: int) -> None:
        self._folder, self._frames, self._width = folder, frames, width
        self._held: dict[str, vs.VideoNode] = {}

    def case(self, name: str, kind: str) -> Case:
        """The same whatever was asked for before."""
        made = self._case(name, kind)
        told = made.damaged.std.SetFrameProps(**_TOLD, _FieldBased=2 if kind == "interlaced" else 0)
        return replace(made, damaged=told)

    def _case(self, name: str, kind: str) -> Case:
        clip, seed = self._clip(name), zlib.crc32(name.encode())
        if kind == "interlaced":
            return _interlaced(clip)
        clip = clip[: self._frames]
        truth = planes_of(clip)
        if kind == "clean":
            return Case(clip, truth)
        if kind in AGED:
            return Case(_changed(clip, AGED[kind], seed), truth)
        if kind in TAPE:
            return Case(TAPE[kind](clip), truth, 0 if kind == "head switching" else 8)
        if kind == "faded":
            scene = ageing.faded(Dice(BENCH.comb, seed, "fade"), [to_rgb(clip)])[0]
            return Case(clip_of(to_yuv(scene, 8), clip), truth)
        sort, number = SIMULATED[kind]
        made = damaged_case(name, clip, sort, number, self._folder / "overlays", ageing="none")
        return Case(_changed(made.damaged, WORN, seed) if kind == "worn" else made.damaged, planes_of(made.clean))

    def _clip(self, name: str) -> vs.VideoNode:
        if name not in self._held:
            file, first = FILES[name]
            clip = load(self._folder / "clips" / file, first, min(2 * self._frames, _LONGEST), self._width)
            self._held[name] = clip_of(planes_of(clip), clip)
        return self._held[name]


def dealt(clips: tuple[str, ...], kinds: tuple[str, ...], each: int) -> Iterator[tuple[str, str]]:
    """Clip and case, each case on so many of the clips in turn, `EVERYWHERE` on all."""
    for kind in kinds:
        count = len(clips) if kind in EVERYWHERE else min(each, len(clips))
        for step in range(count):
            yield clips[(3 * CASES.index(kind) + step) % len(clips)], kind


def _changed(clip: vs.VideoNode, changes: tuple[Change, ...], seed: int) -> vs.VideoNode:
    """A clip to each frame of which something happens, the same to all of its planes."""
    frames: Planes = []
    for number, planes in enumerate(planes_of(clip)):
        made = []
        for index, plane in enumerate(planes):
            picture = plane.astype(np.float32)
            for place, change in enumerate(changes):
                picture = change(picture, index, np.random.default_rng([seed, number, place]))
            made.append(np.clip(np.rint(picture), 0, 255).astype(np.uint8))
        frames.append(made)
    return clip_of(frames, clip)


def _interlaced(clip: vs.VideoNode) -> Case:
    """Fields of two frames woven, upper field first; a whole frame of the first field's moment is the truth."""
    planes = planes_of(clip)
    woven: Planes = []
    for first, second in zip(planes[::2], planes[1::2], strict=False):
        woven.append([plane.copy() for plane in first])
        for plane, later in zip(woven[-1], second, strict=True):
            plane[1::2] = later[1::2]
    return Case(clip_of(woven, clip), planes[: 2 * len(woven) : 2])
