"""Fit the weights with which remove_stains tells stains of which it sees one end from what else comes and goes.

    python scripts/bench/fit_stains.py --footage FOLDER [--out weights.npy]

FOLDER holds ``train/video/*.mp4`` (undamaged) and ``overlays/``; none of the clips of damage.py is used, and of the
shapes and of all ranges of the simulator only what is for training. Each clip is aged; stains that come or go are laid
on it, again and again, and so are even lights and shadows that are switched, pass or stay, which are none. The steps
that remove_stains would consider are labelled by the truth, and a logistic regression on their traits is fitted. A
mistake weighs by area and depth. Prints recall and false finds for clips left out of the fit, then writes or prints
the weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from _damage.cases import damaged_case
from _damage.footage import load
from _fitting import Reals, Sample, command, joined, reached
from detector.judging import fit
from simulator import TRAIN, Atlas, atlas_for
from simulator.chance import Dice
from simulator.distributions import RANGES

from vsfilmrestore.filters._motion import estimate
from vsfilmrestore.filters._stain_light import GAMMA
from vsfilmrestore.filters._stain_match import Looks
from vsfilmrestore.filters._stain_onset import TRAITS, onsets_at, terms
from vsfilmrestore.filters._stain_sight import analysis, flat
from vsfilmrestore.filters._stain_steps import CELL, cells_of, measure_step, picture_of

type Plane = npt.NDArray[np.float32]

SPEEDS = (1, 2)
THRESHOLDS = (0, 1.5, 3)
FRAMES = 7
LONGEST = 12
LAID = 6
"""Times that stains are laid on a clip, and half as many times lights."""
WEIGHTS = {"stain": 6.0, "clean": 2.0, "light": 0.5, "beside": 0.5}
"""What mistakes cost. Harm is worse than a stain left; real scenes have fewer lights; beside a stain lies the opposite
one on the other side of its step, which `_stain_onset.rules_out` tells from it."""
_PART = 0.6
"""Share of a find's area that must be stained; less than half of it is none, and what lies between does not count."""


class Scene(NamedTuple):
    """Luma of the frames of a clip, and for each frame that of both neighbours moved onto it."""

    frames: list[Plane]
    before: list[Plane]
    after: list[Plane]


def scene_of(clip: vs.VideoNode) -> Scene:
    """A clip as remove_stains looks at it, without colour."""
    small = analysis(clip)
    luma = small.std.ShufflePlanes(0, vs.GRAY)
    motion = estimate(flat(small), (-1, 1), refine=True, cut_error=255, cut_share=100)
    clips = luma, *motion.compensate(luma).values()
    return Scene(*([picture_of(frame)[0].copy() for frame in each.frames()] for each in clips))


# --- what is laid on it ---------------------------------------------------------------------------------------------


class Veil(NamedTuple):
    """What a stain or a light does: a gain of light, and how much of white covers it; T, H, W."""

    gain: Plane
    cover: Plane

    def over(self, luma: Plane, n: int, shift: tuple[float, float] = (0.0, 0.0)) -> Plane:
        """The picture of frame ``n`` under it; ``shift``: as motion would carry it along."""
        gain, cover = self.gain[n], self.cover[n]
        if shift != (0.0, 0.0):
            move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
            size = gain.shape[1], gain.shape[0]
            gain, cover = (cv2.warpAffine(p, move, size, borderMode=cv2.BORDER_REPLICATE) for p in (gain, cover))
        light = np.clip(luma, 0, 1) ** GAMMA * gain
        return np.asarray((light * (1 - cover) + cover * np.float32(0.95)) ** (1 / GAMMA), np.float32)

    def differs(self, luma: Plane, n: int) -> Plane:
        """By how many levels it changes a frame."""
        return (self.over(luma, n) - luma) * np.float32(255)


def stain(dice: Dice, atlas: Atlas, shape: tuple[int, int, int]) -> tuple[Veil, int, bool]:
    """A stain that comes at a frame and lasts, or goes after it: the frame, and whether it goes."""
    frames, height, width = shape
    rng = dice.rng
    pool = atlas["stain" if dice.happens(0.6) else "mould"].levels[128]
    alpha = _laid(np.asarray(pool[int(rng.integers(len(pool)))]), dice, height, width)
    ends, at = dice.happens(0.5), int(rng.integers(1, frames - 1))
    there = np.zeros(frames, np.float32)
    there[: at + 1 if ends else None] = 1
    there[: 0 if ends else at] = 0
    depth = dice.draw(RANGES["stain depth"]) * float(rng.uniform(0.6, 1))
    strength = there * np.clip(1 + dice.walk(frames, 0.8, 0.15), 0.1, 1.4).astype(np.float32) * np.float32(depth)
    opacity = strength[:, None, None] * alpha
    none = np.zeros_like(opacity)
    veil = Veil(1 + none, opacity) if dice.happens(0.35) else Veil(1 - opacity * np.float32(rng.uniform(0.6, 1)), none)
    return veil, at, ends


def _laid(form: npt.NDArray[np.floating], dice: Dice, height: int, width: int) -> Plane:
    """A shape of 128 x 128 somewhere in the picture, as large as stains are; opacity from 0 to 1."""
    extent = dice.draw(RANGES["stain size"]) * width * float(dice.between(1.0, 2.2))
    angle, scale = float(dice.between(0, 6.28)), extent / 128
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    x, y = dice.between(0.1, 0.9, 2) * (width, height)
    move = np.array([[cos, -sin, x - 64 * (cos - sin)], [sin, cos, y - 64 * (sin + cos)]])
    alpha = cv2.warpAffine(np.asarray(form, np.float32), move, (width, height), flags=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), 0.004 * extent + 0.4).clip(0, 1), np.float32)


def light(dice: Dice, shape: tuple[int, int, int]) -> Veil:
    """A shadow or a light, even within its outline: it is switched, passes, or is switched and passes."""
    frames, height, width = shape
    rng = dice.rng
    gain = float(np.exp(rng.choice([-1, 1]) * rng.uniform(0.06, 0.6) * GAMMA))
    speed = float(np.exp(rng.uniform(0, np.log(40)))) if dice.happens(0.5) else 0.0
    heading, place, edge = rng.uniform(0, 6.28), rng.uniform(0.1, 0.9, 2) * (width, height), rng.uniform(0.6, 8)
    first, last = 0, frames
    if not speed or dice.happens(0.4):
        cut = int(rng.integers(1, frames))
        first, last = (cut, frames) if dice.happens(0.5) else (0, cut)
    outline, scale = _outline(dice), float(rng.uniform(0.2, 1.2)) * width / 400
    out = np.ones(shape, np.float32)
    for n in range(first, last):
        x, y = place + speed * (n - (first + last) / 2) * np.array([np.cos(heading), np.sin(heading)])
        move = np.array([[scale, 0, x - 64 * scale], [0, scale, y - 64 * scale]])
        out[n] = gain ** cv2.GaussianBlur(cv2.warpAffine(outline, move, (width, height)), (0, 0), edge)
    return Veil(out, np.zeros_like(out))


def _outline(dice: Dice) -> Plane:
    """A wavy disc or a rectangle, 128 x 128."""
    canvas = np.zeros((128, 128), np.uint8)
    if dice.happens(0.3):
        top, bottom, left, right = (int(v) for v in dice.between(8, 56, 4))
        canvas[top : 128 - bottom, left : 128 - right] = 255
    else:
        angles = np.linspace(0, 2 * np.pi, 96)
        waves = [dice.rng.normal(0, 0.15 / k) * np.cos(k * angles + dice.between(0, 6.3)) for k in range(1, 4)]
        radius = np.clip(0.7 + np.sum(waves, axis=0), 0.2, 1) * 58
        points = np.stack((np.cos(angles), np.sin(angles) * float(dice.between(0.5, 1))), -1) * radius[:, None] + 64
        cv2.fillPoly(canvas, [np.rint(points).astype(np.int32)], 255)
    return np.asarray(canvas / np.float32(255), np.float32)


# --- what is found --------------------------------------------------------------------------------------------------


def looks_of(scene: Scene, veil: Veil | None) -> tuple[list[Looks], list[Plane], list[tuple[Plane, Plane]]]:
    """What remove_stains looks at: the looks, the frames, and their neighbours moved onto them."""
    count = len(scene.frames)
    frames = [veil.over(luma, n) if veil else luma for n, luma in enumerate(scene.frames)]
    looks, others = [], []
    for n, here in enumerate(frames):
        moved, ways = [], []
        for other, m in ((scene.before[n], n - 1), (scene.after[n], n + 1)):
            inside = veil is not None and 0 <= m < count
            # The neighbour was moved before the veil was laid on it: motion carries the veil along.
            shift = cv2.phaseCorrelate(scene.frames[m], scene.frames[n])[0] if inside else (0.0, 0.0)
            shift = shift if max(map(abs, shift)) < CELL * 4 else (0.0, 0.0)
            moved.append(veil.over(other, m if inside else n, (shift[0], shift[1])) if veil else other)
            ways.append(shift)
        steps = [measure_step(here[None], other[None], False) for other in moved]
        joined = steps[0].joined and n > 0, steps[1].joined and n < count - 1
        misfit = np.stack([step.misfit for step in steps])
        own = np.zeros((2, 2, *steps[0].change.shape), np.float32)
        own -= np.array(ways, np.float32)[:, :, None, None] / CELL
        looks.append(Looks(steps[0].change, steps[1].change, misfit, cells_of(here) * 255, own, joined))
        others.append((moved[0], moved[1]))
    return looks, frames, others


def finds(scene: Scene, veil: Veil | None, at: int | None = None, ends: bool = False) -> Iterator[Sample]:
    """Steps that would be considered, each as one row: those of one stain, or all, none of which is a stain."""
    looks, frames, others = looks_of(scene, veil)
    for n in range(len(looks)) if at is None else (at, at - 1 if not ends else at + 1):
        for way in (1, -1):
            places = range(n - way, n + way * (LONGEST + 1), way)
            window = [looks[m] if 0 <= m < len(looks) else None for m in places]
            if window[0] is None:
                continue
            pictures = frames[n], others[n][int(way < 0)]
            wide = 0.9 * looks[0].come.shape[1]
            for onset in onsets_at(window, lambda p=pictures: p, wide, way < 0):
                true = 0.0
                if veil is not None and at == n and ends == (way < 0):
                    sign = 1 if onset.pair.bright else -1
                    top, left, bottom, right = onset.pair.box
                    deep = cells_of(veil.differs(scene.frames[n], n))[top:bottom, left:right] * sign
                    true = float((deep > 1.2)[onset.pair.cells].mean())
                if true > _PART or true < 0.25:
                    kind = "stain" if true > _PART else "clean" if veil is None else "light" if at is None else "beside"
                    yield _row(onset.traits, kind)


def _row(traits: Sequence[float], kind: str) -> Sample:
    cost = np.sqrt(min(np.exp(traits[0]), 1500.0)) * min(np.exp(traits[1]), 40.0) * WEIGHTS[kind]
    return terms(traits)[None], np.array([float(kind == "stain")]), np.array([cost])


def samples(scene: Scene, atlas: Atlas, key: str) -> Sample:
    """What is found in a scene as it is, under lights and under stains."""
    shape = len(scene.frames), *scene.frames[0].shape
    none = np.zeros((0, len(TRAITS) + 1)), np.zeros(0), np.zeros(0)
    rows = list(finds(scene, None))
    for n in range(LAID // 2):
        rows += finds(scene, light(Dice(TRAIN.comb, key, "light", n), shape))
    for n in range(LAID):
        rows += finds(scene, *stain(Dice(TRAIN.comb, key, "stain", n), atlas, shape))
    return joined([*rows, none])


def gather(footage: Path, seed: int) -> dict[str, Sample]:
    """Samples of every clip at every speed."""
    overlays = footage / "overlays"
    atlas, result = atlas_for(TRAIN, overlays if overlays.exists() else None), {}
    for path in sorted((footage / "train" / "video").glob("*.mp4")):
        parts = []
        for speed in SPEEDS:
            clip = load(path, 2, FRAMES * speed)[::speed]
            case = damaged_case(path.stem, clip, "clean", seed + speed, overlays, TRAIN)
            parts.append(samples(scene_of(case.clean), atlas, f"{path.stem} {speed} {seed}"))
        result[path.stem] = joined(parts)
        print(path.stem, len(result[path.stem][1]), int(result[path.stem][1].sum()), flush=True)
    return result


def fitted(rows: Sample) -> Reals:
    """Weights."""
    return fit(rows[0], rows[1], rows[2], ridge=3e-3)


def judge(weights: Reals, rows: Sample) -> str:
    """Recall and false finds against stains at several thresholds, both by the cost of a mistake."""
    return reached(rows[0] @ weights, rows, THRESHOLDS)


if __name__ == "__main__":
    command(__doc__, gather, fitted, judge, f"recall/false finds at thresholds {', '.join(map(str, THRESHOLDS))}")
