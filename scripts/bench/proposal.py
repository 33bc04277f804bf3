"""Measure what a proposal gains over every preset, on clips whose damage is known.

    python scripts/bench/proposal.py --footage FOLDER [--clips NAME ...] [--cases NAME ...] [--out FILE.json]

FOLDER holds ``clips/`` (names in `_damage.footage.CLIPS`) and, for the shapes of real dirt, ``overlays/``. Each clip is
damaged in several ways and degrees, and once not at all; then it is restored by each preset, and by what is proposed
for it: the clip is measured as ``vsfilmrestore assess`` does, and the diagnosis table says what to do.

PSNR counts grain that is given back as an error, as most presets give none back: the proposal is also measured without.

The gain of a method on a case is its PSNR against the undamaged clip, less that of doing nothing; luma, without a rim
of 8 pixels, at most --cap dB: what differs by less is not seen. Best is the preset with the highest mean gain.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
import vapoursynth as vs
from _damage.cases import damaged_case
from _damage.footage import CLIPS, clip_of, loaded, planes_of

from vsfilmrestore.assess.diagnosis import Diagnosis, diagnose
from vsfilmrestore.assess.diagnosis_table import Table
from vsfilmrestore.assess.measure import assess_clip
from vsfilmrestore.assess.results import ShotMeasures, shot_facts
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.presets import names
from vsfilmrestore.render.proposal import recipe_of

type Planes = list[list[npt.NDArray[Any]]]
type Change = Callable[[npt.NDArray[Any], int, np.random.Generator], npt.NDArray[Any]]

RIM = 8
_FULL = "remaster"


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


AGED: dict[str, tuple[Change, ...]] = {
    "flicker 1.5 %": (flicker(1.5),),
    "flicker 5 %": (flicker(5),),
    "weave 0.4 px": (weave(0.4),),
    "weave 1.5 px": (weave(1.5),),
    "grain 4": (grain(4),),
    "grain 10": (grain(10),),
}
SIMULATED = {"dirt a": ("specks", 5), "dirt b": ("specks", 8), "scratches": ("scratch", 5), "stains": ("stain", 5)}
WORN = (weave(0.8), flicker(4), grain(5))
CASES = ("clean", *SIMULATED, *AGED, "worn")


def changed(clip: vs.VideoNode, changes: tuple[Change, ...], seed: int) -> vs.VideoNode:
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


def cases(clip: vs.VideoNode, name: str, footage: Path, wanted: list[str]) -> Iterator[tuple[str, vs.VideoNode, Any]]:
    """Name of each case, the damaged clip, and the planes of the undamaged one."""
    seed = zlib.crc32(name.encode())
    for kind in wanted:
        if kind == "clean":
            yield kind, clip, planes_of(clip)
        elif kind in AGED:
            yield kind, changed(clip, AGED[kind], seed), planes_of(clip)
        else:
            sort, number = SIMULATED.get(kind, ("mixed", 5))
            case = damaged_case(name, clip, sort, number, footage / "overlays", ageing="none")
            damaged = changed(case.damaged, WORN, seed) if kind == "worn" else case.damaged
            yield kind, damaged, planes_of(case.clean)


def psnr(made: Planes, truth: Planes, cap: float) -> float:
    """Of luma within the rim, in dB."""
    inner = slice(RIM, -RIM)
    errors = [
        np.mean((a[0][inner, inner].astype(np.float64) - b[0][inner, inner]) ** 2)
        for a, b in zip(made, truth, strict=True)
    ]
    error = max(float(np.mean(errors)), 255**2 / 10 ** (cap / 10))
    return 10 * np.log10(255**2 / error)


class Known:
    """What was measured and made before, in a file; another table needs only what it does otherwise."""

    def __init__(self, path: Path | None, ground: str) -> None:
        self._path, self._ground = path, ground
        self._held: dict[str, Any] = {}
        if path and path.is_file():
            held = json.loads(path.read_text("utf-8"))
            self._held = held["known"] if held["ground"] == ground else {}

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._held:
            self._held[key] = make()
        return self._held[key]

    def write(self, records: list[dict[str, Any]]) -> None:
        if self._path:
            facts = {"ground": self._ground, "records": records, "known": self._held}
            self._path.write_text(json.dumps(facts, indent=1), encoding="utf-8")


def proposals(found: dict[str, Any], table: Table) -> dict[str, Diagnosis]:
    """What is proposed for a shot that was measured, by aim."""
    shot = ShotMeasures(
        found["first"], found["stop"], found["values"], {name: tuple(each) for name, each in found["lists"].items()}
    )
    return {aim: diagnose(shot, table, table.aim(aim)) for aim in table.aims}


def run(given: argparse.Namespace) -> list[dict[str, Any]]:
    """One record for each clip, case and method."""
    table = Table.read(given.table) if given.table else Table.standard()
    known = Known(given.out, f"{given.frames} {given.width} {given.cap}")
    began, records = time.monotonic(), list[dict[str, Any]]()
    clips = loaded(given.footage, given.clips, given.frames, given.width)
    for name, clip in clips.items():
        for kind, damaged, truth in cases(clip, name, given.footage, given.cases):
            before = psnr(planes_of(damaged), truth, given.cap)
            place = f"{name}/{kind}"
            measured = known.get(place, partial(_measured, damaged))
            found = proposals(measured, table)
            methods = {f"proposed, {aim}": recipe_of(each) for aim, each in found.items()}
            bare = recipe_of(found[_FULL]).with_steps({"regrain": False})
            methods[f"proposed, {_FULL}, no grain given back"] = bare
            methods |= {preset: Recipe.preset(preset) for preset in given.presets or names()}
            for method, recipe in methods.items():
                after = known.get(f"{place}/{recipe.key()}", partial(_restored, damaged, recipe, truth, given.cap))
                record = {"clip": name, "case": kind, "method": method, "input": before, "psnr": after}
                record["gain"] = after - before
                aim = method.removeprefix("proposed, ")
                if aim in found:
                    record["steps"] = {step.step: step.strength for step in found[aim].steps.values()}
                records.append(record)
            known.write(records)
            print(f"{time.monotonic() - began:5.0f} s  {name}, {kind}", file=sys.stderr, flush=True)
    return records


def _measured(clip: vs.VideoNode) -> dict[str, Any]:
    return shot_facts(assess_clip(clip, cuts=[]).shots[0])


def _restored(clip: vs.VideoNode, recipe: Recipe, truth: Planes, cap: float) -> float:
    clip = clip.std.SetFieldBased(0)
    return psnr(planes_of(recipe.apply(clip)) if recipe else planes_of(clip), truth, cap)


def tables(records: list[dict[str, Any]]) -> str:
    """Mean gain and worst loss of each method; gains by case of the proposals and the best preset."""
    by_method: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        by_method.setdefault(record["method"], []).append(record)
    lines = ["| method | mean gain, dB | on damage alone | worst |", "|---|---|---|---|"]
    means = {method: float(np.mean([each["gain"] for each in found])) for method, found in by_method.items()}
    for method in sorted(means, key=lambda each: -means[each]):
        found = by_method[method]
        hurt = [each["gain"] for each in found if each["case"] != "clean"]
        worst = min(found, key=lambda each: each["gain"])
        place = f"{worst['gain']:+.1f} ({worst['clip']}, {worst['case']})"
        lines.append(f"| {method} | {means[method]:+.2f} | {float(np.mean(hurt or [0])):+.2f} | {place} |")
    presets = [method for method in means if not method.startswith("proposed")]
    best = max(presets, key=lambda each: means[each])
    shown = [*(method for method in means if method.startswith("proposed")), best]
    lines += ["", f"Best single preset: {best}.", "", f"| case | {' | '.join(shown)} | proposed |"]
    lines.append("|---" * (len(shown) + 2) + "|")
    for kind in dict.fromkeys(record["case"] for record in records):
        cells = [np.mean([each["gain"] for each in by_method[method] if each["case"] == kind]) for method in shown]
        steps: dict[str, int] = {}
        for each in by_method[f"proposed, {_FULL}"]:
            if each["case"] == kind:
                for step in each.get("steps", {}):
                    steps[step] = steps.get(step, 0) + 1
        said = ", ".join(f"{step} {count}" for step, count in steps.items())
        lines.append(f"| {kind} | {' | '.join(f'{cell:+.2f}' for cell in cells)} | {said} |")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, required=True, help="folder with clips/ and overlays/")
    parser.add_argument("--clips", nargs="+", choices=CLIPS, default=["london", "friday", "juggle", "pigs"])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--presets", nargs="+", choices=names(), help="all when not given")
    parser.add_argument("--frames", type=int, default=18)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--cap", type=float, default=50.0, help="PSNR from which nothing is seen")
    parser.add_argument("--table", type=Path, help="a diagnosis table of your own")
    parser.add_argument("--out", type=Path, help="file for all numbers; what stands in it is not made again")
    given = parser.parse_args()
    vs.core.max_cache_size = 512
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print(tables(run(given)))


if __name__ == "__main__":
    main()
