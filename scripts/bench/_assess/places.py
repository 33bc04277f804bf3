"""Frames that are spoilt: how many of them are found, and how many others are told instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import vapoursynth as vs
from _damage.footage import CLIPS, load
from simulator import breaks

from vsfilmrestore.assess.one_shot import ShotLook, _from_pass, _torn
from vsfilmrestore.assess.results import ShotMeasures

from . import told
from .scenes import SMALL, clip_of, dice, scene_of

__all__ = ["spoilt_frames", "table"]

core = vs.core

NAMES = ("london", "friday", "sister", "bunny", "juggle", "fight")
STEADY = ("london", "sister", "bunny", "juggle")
"""Clips in which something moves all the time: nobody could tell that a frame is missing where nothing does."""
FRAMES = 32
SEEDS = 3

type Spoilt = tuple[torch.Tensor, list[int]]


def broken(kind: str, called: str) -> Callable[[torch.Tensor, int], Spoilt]:
    """The simulator's break, until it is one of that kind with five sound frames at least on either side."""

    def make(scene: torch.Tensor, seed: int) -> Spoilt:
        for turn in range(200):
            made, _, words = breaks.broken(dice(1000 * seed + turn, "breaks"), SMALL, scene, {kind})
            at = [n for n, word in enumerate(words) if word == called]
            if at and at[0] >= 5 and at[-1] < len(scene) - 5:
                return made, at
        raise ValueError(f"no {called} frame came of 200 seeds")

    return make


def flashed(scene: torch.Tensor, seed: int) -> Spoilt:
    """One frame that is half as bright again, and a little more."""
    at = int(dice(seed, "flash").rng.integers(6, len(scene) - 6))
    out = scene.clone()
    out[at] = (out[at] * 1.4 + 0.12).clamp(0, 1)
    return out, [at]


def cut_out(scene: torch.Tensor, seed: int) -> Spoilt:
    """One frame, or two, are gone."""
    own = dice(seed, "lost")
    at, count = int(own.rng.integers(10, len(scene) - 12)), int(own.rng.integers(1, 3))
    return torch.cat((scene[:at], scene[at + count :])), [at]


KINDS: dict[str, tuple[str, Callable[[torch.Tensor, int], Spoilt], tuple[str, ...]]] = {
    "frames.torn": ("torn by the simulator", broken("tear", "torn"), NAMES),
    "frames.ruined": ("empty, by the simulator", broken("missing", "absent"), NAMES),
    "frames.double": ("frozen, by the simulator", broken("missing", "frozen"), NAMES),
    "frames.splices": ("jumped at a splice, by the simulator", broken("splice", "splice"), NAMES),
    "frames.missing": ("one or two frames cut out", cut_out, STEADY),
    "flashes": ("a frame lit", flashed, NAMES),
}


def spoilt_frames(clip: vs.VideoNode) -> dict[str, list[int]]:
    """Frames by measure, as `assess` finds them in a shot."""
    found = told.passed(clip)
    look = ShotLook(ShotMeasures(0, len(clip)))
    lists: dict[str, tuple[float, ...]] = {}
    known = [found.frames[n] for n in range(len(clip))]
    _from_pass(look, {}, lists, known, np.arange(len(clip)), found, set())
    _torn({}, lists, told.shot_of(clip))
    return {name: [int(n) for n in lists.get(_list(name), ())] for name in KINDS}


def _list(name: str) -> str:
    return "flashes.at" if name == "flashes" else f"{name}_at"


def table(footage: Path, width: int) -> list[str]:
    """Found and missed, frame by frame, and what else was told of the same clips."""
    lines = [
        "| measure | what was done | frames | found | told wrongly there | otherwise told | clean clips |",
        "|---|---|---|---|---|---|---|",
    ]
    scenes = {name: _scene(footage, name, width) for name in NAMES}
    clean = {name: spoilt_frames(clip_of(scene)) for name, scene in scenes.items()}
    details = []
    for measure, (what, make, names) in KINDS.items():
        want = hit = wrong = other = 0
        for at, name in enumerate(names):
            for seed in range(SEEDS):
                made, true = make(scenes[name], 10 * at + seed)
                found = spoilt_frames(clip_of(made))
                right = set(true) & set(found[measure])
                beyond = set(found[measure]) - set(true) - set(clean[name][measure])
                want, hit, wrong = want + len(true), hit + len(right), wrong + len(beyond)
                known = {n + d for n in true for d in (0, 1)}
                other += sum(bool(known & set(found[each])) for each in KINDS if each != measure) if not right else 0
                details.append(f"    {measure} {name} {seed}: {true} -> " + _said(found))
        silent = sum(len(each[measure]) for each in clean.values())
        lines.append(f"| `{measure}` | {what} | {want} | {hit} | {wrong} | {other} | {silent} |")
    details += [f"    clean {name}: {_said(found)}" for name, found in clean.items()]
    return [*lines, *details]


def _scene(footage: Path, name: str, width: int) -> torch.Tensor:
    file, first = CLIPS[name]
    return scene_of(load(footage / "clips" / file, first, FRAMES, min(width, 320)))


def _said(found: dict[str, list[int]]) -> str:
    return ", ".join(f"{name} {at}" for name, at in found.items() if at) or "nothing"
