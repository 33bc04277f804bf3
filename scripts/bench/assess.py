"""Whether the measures of `assess` follow the true amount of simulated damage, and are silent where there is none.

    python scripts/bench/assess.py FOLDER [MEASURE ...] [--frames 28] [--width 480] [--out tables.md]

FOLDER holds ``clips/`` (the undamaged clips of `_damage.footage.CLIPS`). Each clip is damaged by one stage of the
simulator (scripts/train/simulator) at several amounts, 0 among them, and measured as `assess` measures it. Printed are
Spearman's rank correlation over all clips and amounts together, the mean of those of each clip alone, and what is
measured where nothing was done. Fade is told by a reel: looks of several clips, faded alike.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import vapoursynth as vs

sys.path.insert(0, str(Path(__file__).parents[1] / "train"))

from _damage.footage import CLIPS, load
from simulator import Film, ageing, atlas_for, distributions, lines, simulate
from simulator.chance import WHOLE, Dice, Range
from simulator.layers import composed
from simulator.tools import blur

from vsfilmrestore.assess.colours import fade_of, looks_of
from vsfilmrestore.assess.damage import dirt_of, scratches_of
from vsfilmrestore.assess.frame_geometry import Borders
from vsfilmrestore.assess.material import material_of
from vsfilmrestore.assess.passing import pass_over
from vsfilmrestore.assess.reading import Reading
from vsfilmrestore.assess.samples import Shot
from vsfilmrestore.assess.trembling import flicker_of, weave_of

core = vs.core

SURE = 0.3
"""Confidence below which a measure claims nothing; such clips are counted, not ranked."""
LASTS = 0.5
"""Share of the shot, and of the height, of a scratch that is counted."""
FILM = Film("35mm", 2048.0)
"""Sizes in pixels are those of the simulator's own scale."""


@contextmanager
def amounts(**values: float) -> Iterator[None]:
    """The simulator draws exactly these."""
    names = {name.replace("_", " "): value for name, value in values.items()}
    before = {name: distributions.RANGES[name] for name in names}
    distributions.RANGES.update({name: Range(value, value) for name, value in names.items()})
    try:
        yield
    finally:
        distributions.RANGES.update(before)


def scene_of(clip: vs.VideoNode) -> torch.Tensor:
    """T, 3, H, W from 0 to 1."""
    shown = clip.resize.Bicubic(format=vs.RGBS, matrix_in=vs.MATRIX_BT709)
    frames = [np.stack([np.asarray(frame[p]) for p in range(3)]) for frame in shown.frames(close=True)]
    return torch.from_numpy(np.stack(frames)).clamp(0, 1)


def clip_of(scene: torch.Tensor) -> vs.VideoNode:
    """YUV420P8."""
    count, _, height, width = scene.shape
    blank = core.std.BlankClip(None, width, height, vs.RGBS, count, 24, 1, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        out = f.copy()
        for p in range(3):
            np.copyto(np.asarray(out[p]), scene[n, p].numpy())
        return out

    return core.std.ModifyFrame(blank, blank, fill).resize.Bicubic(format=vs.YUV420P8, matrix=vs.MATRIX_BT709)


# --- damage: scene, amount, seed -> damaged scene and the true amount ------------------------------------------------

type Damaged = tuple[torch.Tensor, float]


def dice(seed: int, name: str) -> Dice:
    return Dice(WHOLE, seed, name)


def flickered(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    if not amount:
        return scene, 0.0
    with amounts(flicker=amount, flicker_gamma=amount / 3, flicker_field=0.0, vignette=0.0):
        own = dice(seed, "flicker")  # the simulator draws its path of gains first
        gains = own.walk(len(scene), 0.6, own.draw(distributions.RANGES["flicker"]))
        return ageing.flickering(dice(seed, "flicker"), [scene])[0], 100 * float(gains.std())


def woven(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    if not amount:
        return scene, 0.0
    with amounts(weave=amount, roll=0.05 * amount):
        own = dice(seed, "weave")  # the simulator draws its paths first; a jump, if any, comes after
        spread = own.draw(distributions.RANGES["weave"]) * FILM.scale
        paths = own.walk(len(scene), 0.7, spread), own.walk(len(scene), 0.7, 0.8 * spread)
        return ageing.weaving(dice(seed, "weave"), FILM, scene), float(np.hypot(*(path.std() for path in paths)))


def dirty(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    if not amount:
        return scene, 0.0
    atlas = atlas_for(distributions.BENCH, None)
    with amounts(severity=amount, dirt_size=1.2, dirt_depth=0.8):
        film = Film("35mm", float(scene.shape[-1]) * 1.5)
        found = simulate(scene, seed, atlas=atlas, classes=("dirt",), stages=("dirt",), hard=(), film=film)
    import cv2

    masks = found.masks[0].numpy().astype(np.uint8)
    return found.damaged, float(np.mean([cv2.connectedComponents(mask)[0] - 1 for mask in masks]))


def scratched(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    scene, _ = woven(scene, 0.4, seed)  # a scratch stays with the film; where nothing moves nobody could tell
    size, own = (len(scene), *scene.shape[-2:]), dice(seed, "scratch")
    layers, part = [], 0
    while len(layers) < amount:  # lines that last: what crosses a few frames or a few rows counts as none
        layer, part = lines._scratch(own.part(part), FILM, size, scene, (2.0, 0.2, 0.6)), part + 1
        life = float((layer.alpha.amax((1, 2)) > 0.2).float().mean())
        if life >= LASTS and _height(layer.alpha) >= LASTS:
            layers.append(layer)
    return composed(scene, layers), amount


def _height(alpha: torch.Tensor) -> float:
    """Share of the height that a line has, where it has one."""
    there = alpha.amax(2) > 0.2
    return float(there.float().mean(1)[there.any(1)].mean()) if bool(there.any()) else 0.0


def grained(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    if not amount:
        return scene, 0.0
    with amounts(grain=amount / 255, grain_size=0.6):
        return ageing.grainy(dice(seed, "grain"), FILM, [scene], mono=False)[0], amount


def blurred(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    return blur(scene, amount), amount


def faded(scene: torch.Tensor, amount: float, seed: int) -> Damaged:
    """``amount`` is the share of the cyan dye that is lost; the others lose less."""
    if not amount:
        return scene, 0.0
    kept = {"fade_red": 1 - amount, "fade_green": 1 - 0.25 * amount, "fade_blue": 1 - 0.5 * amount}
    with amounts(**kept, fade_crosstalk=0.08):
        made = ageing.faded(Dice(WHOLE, seed, "fade"), [scene])[0]
    return made, amount


# --- measures of a damaged clip ---------------------------------------------------------------------------------------


def shot_of(clip: vs.VideoNode) -> Shot:
    return Shot(Reading(clip), 0, len(clip))


def facts_of(clip: vs.VideoNode):
    found = pass_over(Reading(clip), 0, len(clip), find_cuts=False)
    return [found.frames[n] for n in range(len(clip))], found.scale


def flicker(clip: vs.VideoNode) -> float:
    found = flicker_of(facts_of(clip)[0])
    return found.rms if found.confidence > SURE else np.nan


def weave(clip: vs.VideoNode) -> float:
    across, down, _ = weave_of(*facts_of(clip))
    return float(np.hypot(across.rms, down.rms)) if min(across.confidence, down.confidence) > SURE else np.nan


def dirt(clip: vs.VideoNode) -> float:
    return dirt_of(shot_of(clip)).get("dirt.density", 0.0)


def scratches(clip: vs.VideoNode) -> float:
    return scratches_of(shot_of(clip))[0].get("scratches.count", 0.0)


def grain(clip: vs.VideoNode) -> float:
    return material_of(shot_of(clip).runs, Borders()).get("grain.sigma", 0.0)


def softness(clip: vs.VideoNode) -> float:
    return material_of(shot_of(clip).runs, Borders()).get("blur.sigma", 0.0)


@dataclass(frozen=True)
class Case:
    """One measure: how it is spoilt, by how much, how it is measured, and on which clips."""

    damage: Callable[[torch.Tensor, float, int], Damaged]
    amounts: tuple[float, ...]
    measure: Callable[[vs.VideoNode], float]
    clips: tuple[str, ...]
    unit: str


MOVING = ("london", "friday", "sister", "bunny", "juggle")
SHARP = ("london", "sister", "bunny", "juggle", "fight")
"""The print of friday is soft by itself (1 px): amounts that are added to it are not comparable."""
CASES = {
    "flicker": Case(flickered, (0, 0.01, 0.02, 0.035, 0.06), flicker, (*MOVING, "fight"), "%"),
    "weave": Case(woven, (0, 0.3, 0.6, 1.0, 1.5), weave, MOVING, "px"),
    "dirt": Case(dirty, (0, 0.05, 0.15, 0.4, 1.0), dirt, MOVING, "pieces per frame"),
    "scratches": Case(scratched, (0, 1, 2, 3, 5), scratches, MOVING, "lines"),
    "grain": Case(grained, (0, 2, 4, 8, 16), grain, MOVING, "8 bit"),
    "blur": Case(blurred, (0, 0.6, 1.0, 1.5, 2.2), softness, SHARP, "px"),
}
FADES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75)
REELS = 3


@dataclass(frozen=True)
class Row:
    """One measured clip."""

    clip: str
    true: float
    found: float


def run(case: Case, footage: Path, frames: int, width: int) -> list[Row]:
    rows = []
    for at, name in enumerate(case.clips):
        file, first = CLIPS[name]
        scene = scene_of(load(footage / "clips" / file, first, frames, width))
        for level, amount in enumerate(case.amounts):
            damaged, true = case.damage(scene, amount, 100 * at + level)
            rows.append(Row(name, true, case.measure(clip_of(damaged))))
            core.clear_cache()
    return rows


def run_fade(footage: Path, width: int) -> list[Row]:
    """Reels of looks from all clips in colour: one lot of chance each."""
    names = ("london", "sister", "bunny", "pigs", "juggle", "fight")
    scenes = []
    for name in names:
        file, first = CLIPS[name]
        clip = load(footage / "clips" / file, 0, 400, min(width, 320))
        every = max(len(clip) // 5, 1)
        scenes.append(scene_of(clip[first::every] if every < 4 else clip[first::every][:4]))
    rows = []
    for reel in range(REELS):
        for amount in FADES:
            pictures = [faded(scene, amount, 10 * reel + 1)[0] for scene in scenes]
            looks = looks_of([frame.permute(1, 2, 0).numpy() for scene in pictures for frame in scene])
            told = fade_of(looks)
            lost = 1 - min(float(told[f"fade.{colour}"]) for colour in ("red", "green", "blue"))
            rows.append(Row(f"reel {reel}", amount, lost))
    return rows


def ranks(values: list[float]) -> np.ndarray:
    """Ranks; equal values share their mean."""
    array = np.asarray(values, float)
    return np.array([(array < value).sum() + ((array == value).sum() - 1) / 2 for value in array])


def spearman(rows: list[Row]) -> float:
    a, b = ranks([row.true for row in rows]), ranks([row.found for row in rows])
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def told(name: str, unit: str, rows: list[Row]) -> list[str]:
    unsure = sum(not np.isfinite(row.found) for row in rows)
    rows = [row for row in rows if np.isfinite(row.found)]
    clips = list(dict.fromkeys(row.clip for row in rows))
    each = [spearman([row for row in rows if row.clip == clip]) for clip in clips]
    clean = [row.found for row in rows if row.true == 0]
    most = max(rows, key=lambda row: row.true)
    line = (
        f"| {name} | {unit} | {len(rows)} | {unsure} | {spearman(rows):.3f} | {np.mean(each):.3f} | "
        f"{np.median(clean):.2f} | {max(clean):.2f} | {most.true:.2f} -> {most.found:.2f} |"
    )
    detail = [
        f"    {clip}: " + ", ".join(f"{r.true:.2f}>{r.found:.2f}" for r in rows if r.clip == clip) for clip in clips
    ]
    return [line, *detail]


HEAD = (
    "| measure | unit | points | not sure | rank correlation | of each clip | clean, median | clean, worst | most |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("measures", nargs="*", help=f"of {', '.join([*CASES, 'fade'])}; all if none is named")
    parser.add_argument("--frames", type=int, default=28)
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines_told = [HEAD]
    print(HEAD, flush=True)
    for name in options.measures or [*CASES, "fade"]:
        began = time.perf_counter()
        if name == "fade":
            rows, unit = run_fade(options.folder, options.width), "share lost"
        else:
            rows, unit = run(CASES[name], options.folder, options.frames, options.width), CASES[name].unit
        line, *detail = told(name, unit, rows)
        lines_told.append(line)
        print(line, *detail, f"    {time.perf_counter() - began:.0f} s", sep="\n", flush=True)
    if options.out:
        options.out.write_text("\n".join(lines_told) + "\n", "utf-8")


if __name__ == "__main__":
    main()
