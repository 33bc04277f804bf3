"""Measure what a proposal gains over every preset, on clips whose damage is known.

    python scripts/bench/proposal.py --footage FOLDER --out FILE.json [--clips NAME ...] [--cases NAME ...] [--each N]
    python scripts/bench/proposal.py --out FILE.json --tables [--clips NAME ...] [--cases NAME ...]

FOLDER holds ``clips/`` (names in `_damage.footage.CLIPS`) and, for the shapes of real dirt, ``overlays/``. Each clip is
damaged in several ways and degrees, and once not at all; then it is restored by each preset, and by what is proposed
for it: the clip is measured as ``vsfilmrestore assess`` does, and the diagnosis table says what to do.

All that is measured is added to FILE at once: a run that was cut off goes on, another table needs only what it does
otherwise, and ``--tables`` draws the tables of what stands there with the rules as they are, and measures nothing.

PSNR counts grain that is given back as an error, as most presets give none back: the proposal is also measured without.

A shot is measured and restored in whole, its middle is compared: --frames of it are known, --compared count.

The gain of a method on a case is its PSNR against the undamaged clip, less that of doing nothing; of all planes, each
sample counting alike, and of luma alone; without a rim of 8 pixels, at most --cap dB: what differs by less is not seen.
Best is the preset with the highest mean gain.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import vapoursynth as vs
from _damage.footage import planes_of
from _proposal_cases import CASES, CLIPS, Case, Footage, dealt

from vsfilmrestore.assess.diagnosis import Diagnosis, diagnose
from vsfilmrestore.assess.diagnosis_table import Table
from vsfilmrestore.assess.measure import assess_clip
from vsfilmrestore.assess.results import ShotMeasures, shot_facts
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.presets import names
from vsfilmrestore.render.proposal import recipe_of

type Record = dict[str, Any]

FULL = "remaster"
PROPOSED = f"proposed, {FULL}"
BARE = f"{PROPOSED}, no grain given back"


def psnr(clip: vs.VideoNode, case: Case, most: int, cap: float) -> tuple[float, float]:
    """Of all planes, and of luma, of so many frames in the middle, within the rim, in dB."""
    start = max((len(case.truth) - most) // 2, 0)
    middle = slice(start, start + most)
    errors = np.zeros(3)
    for made, true in zip(planes_of(clip[middle]), case.truth[middle], strict=True):
        for plane, (a, b) in enumerate(zip(made, true, strict=True)):
            rim = case.rim // (2 if plane else 1)
            inner = tuple(slice(rim, side - rim) for side in b.shape)
            errors[plane] += np.mean((a[inner].astype(np.float64) - b[inner]) ** 2)
    errors /= len(case.truth[middle])
    least = 255**2 / 10 ** (cap / 10)
    all_planes, luma = (10 * np.log10(255**2 / max(each, least)) for each in (errors @ (4, 1, 1) / 6, errors[0]))
    return float(all_planes), float(luma)


class Known:
    """What was measured and made before, in a file."""

    def __init__(self, path: Path | None, ground: str) -> None:
        self._path, self._ground = path, ground
        self._held: dict[str, Any] = {}
        self._read()

    def _read(self) -> None:
        """What others added in the meantime."""
        if not self._path or not self._path.is_file():
            return
        held = json.loads(self._path.read_text("utf-8"))
        if held["ground"] != self._ground:
            sys.exit(f"{self._path} was measured with {held['ground']!r}, not {self._ground!r}: name another file.")
        self._held = held["known"] | self._held

    def __contains__(self, key: str) -> bool:
        return key in self._held

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._held:
            self._held[key] = make()
            if self._path:
                self._read()
                facts = {"ground": self._ground, "known": self._held}
                # A name of its own: parts that run at once write the same file.
                draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
                draft.write_text(json.dumps(facts, indent=1), encoding="utf-8")
                draft.replace(self._path)
        return self._held[key]


def proposals(found: dict[str, Any], table: Table, aims: list[str]) -> dict[str, Diagnosis]:
    """What is proposed for a shot that was measured, by aim."""
    shot = ShotMeasures(
        found["first"], found["stop"], found["values"], {name: tuple(each) for name, each in found["lists"].items()}
    )
    return {aim: diagnose(shot, table, table.aim(aim)) for aim in aims}


def methods_of(found: dict[str, Diagnosis], presets: list[str]) -> dict[str, Recipe]:
    """What is done by each method."""
    methods = {f"proposed, {aim}": recipe_of(each) for aim, each in found.items()}
    if FULL in found:
        methods[BARE] = recipe_of(found[FULL]).with_steps({"regrain": False})
    return methods | {preset: Recipe.preset(preset) for preset in presets}


def run(given: argparse.Namespace) -> Iterator[Record]:
    """One record for each clip, case and method."""
    table = Table.read(given.table) if given.table else Table.standard()
    known = Known(given.out, f"{given.compared} of {given.frames} frames, {given.width} wide, at most {given.cap:g} dB")
    began = time.monotonic()
    footage = Footage(given.footage, given.frames, given.width) if given.footage else None
    own, of = (int(each) for each in given.part.split("/"))
    for number, (name, kind) in enumerate(dealt(tuple(given.clips), tuple(given.cases), given.each)):
        if number % of != own - 1 or name not in given.only:
            continue
        place = f"{name}/{kind}"
        if footage and not given.tables:
            yield from of_case(known, place, lazily(partial(footage.case, name, kind)), table, given)
            print(f"{time.monotonic() - began:5.0f} s  {name}, {kind}", file=sys.stderr, flush=True)
        elif place in known and f"{place}/" in known:
            methods = methods_of(proposals(known.get(place, dict), table, given.aims), given.presets)
            if all(_key(place, recipe) in known for recipe in methods.values()):
                yield from of_case(known, place, lazily(_unmade), table, given)


def _unmade() -> Case:
    raise RuntimeError("tables are drawn of what is there")


def lazily(make: Callable[[], Case]) -> Callable[[], Case]:
    """Made when it is asked for, and once."""
    made: list[Case] = []

    def case() -> Case:
        if not made:
            made.append(make())
        return made[0]

    return case


def of_case(
    known: Known, place: str, case: Callable[[], Case], table: Table, given: argparse.Namespace
) -> list[Record]:
    """Records of one clip and case."""
    measured = known.get(place, lambda: _measured(case().damaged))
    before = known.get(f"{place}/", lambda: psnr(case().damaged, case(), given.compared, given.cap))
    found = proposals(measured, table, given.aims)
    clip, kind = place.split("/")
    records = []
    for method, recipe in methods_of(found, given.presets).items():
        after = known.get(_key(place, recipe), partial(_restored, case, recipe, given))
        record = {"clip": clip, "case": kind, "method": method, "gain": after[0] - before[0]}
        record["luma"] = after[1] - before[1]
        aim = method.removeprefix("proposed, ")
        if aim in found:
            record["steps"] = {step.step: step.strength for step in found[aim].steps.values()}
        records.append(record)
    return records


def _key(place: str, recipe: Recipe) -> str:
    return f"{place}/{recipe.key() if recipe else ''}"


def _measured(clip: vs.VideoNode) -> dict[str, Any]:
    return shot_facts(assess_clip(clip, cuts=[]).shots[0])


def _restored(case: Callable[[], Case], recipe: Recipe, given: argparse.Namespace) -> tuple[float, float]:
    return psnr(recipe.apply(case().damaged), case(), given.compared, given.cap)


def tables(records: list[Record], each_case: bool = False) -> str:
    """Mean gain and worst loss of each method; gains by case of the proposals and the best preset."""
    by_method: dict[str, list[Record]] = {}
    for record in records:
        by_method.setdefault(record["method"], []).append(record)
    places = len({(record["clip"], record["case"]) for record in records})
    lines = [
        f"{places} cases.",
        "",
        "| method | mean gain, dB | on damage alone | of luma | worst |",
        "|---|---|---|---|---|",
    ]
    means = {method: _mean(found) for method, found in by_method.items()}
    for method in sorted(means, key=lambda each: -means[each]):
        found = by_method[method]
        hurt = [each for each in found if each["case"] != "clean"]
        worst = min(found, key=lambda each: each["gain"])
        told = f"{worst['gain']:+.2f} ({worst['clip']}, {worst['case']})"
        lines.append(f"| {method} | {means[method]:+.2f} | {_mean(hurt):+.2f} | {_mean(found, 'luma'):+.2f} | {told} |")
    presets = [method for method in means if not method.startswith("proposed")]
    best = max(presets, key=lambda each: means[each])
    shown = [*(method for method in means if method.startswith("proposed")), best]
    lines += ["", f"Best single preset: {best}.", "", f"| case | {' | '.join(shown)} | proposed |"]
    lines.append("|---" * (len(shown) + 2) + "|")
    for label, wanted in _groups(records, each_case):
        cells = [_mean([each for each in by_method[method] if wanted(each)]) for method in shown]
        said = _said([each for each in by_method[PROPOSED] if wanted(each)])
        lines.append(f"| {label} | {' | '.join(f'{cell:+.2f}' for cell in cells)} | {said} |")
    return "\n".join(lines)


def _mean(records: list[Record], what: str = "gain") -> float:
    return float(np.mean([each[what] for each in records] or [0]))


def _groups(records: list[Record], each_case: bool) -> Iterator[tuple[str, Callable[[Record], bool]]]:
    keys = ("case", "clip") if each_case else ("case",)
    for values in dict.fromkeys(tuple(record[key] for key in keys) for record in records):
        yield ", ".join(values), lambda each, values=values: tuple(each[key] for key in keys) == values


def _said(records: list[Record]) -> str:
    """Steps that were proposed: how strong in one case, in how many of several."""
    if len(records) == 1:
        return ", ".join(
            f"{step} {dose if dose is not None else ''}".strip() for step, dose in records[0]["steps"].items()
        )
    steps: dict[str, int] = {}
    for each in records:
        for step in each["steps"]:
            steps[step] = steps.get(step, 0) + 1
    return ", ".join(f"{step} {count}" for step, count in steps.items())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, help="folder with clips/ and overlays/")
    parser.add_argument("--clips", nargs="+", choices=CLIPS, default=list(CLIPS))
    parser.add_argument("--only", nargs="+", choices=CLIPS, default=list(CLIPS), help="of the clips dealt to, these")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument(
        "--each", type=int, default=len(CLIPS), help="clips that each case but clean and worn is put on"
    )
    parser.add_argument("--part", default="1/1", help="2/3: the second, fifth … case; parts may run at once")
    parser.add_argument("--presets", nargs="+", choices=names(), default=[each for each in names() if each != "none"])
    parser.add_argument("--aims", nargs="+", default=["remaster", "archive"])
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--compared", type=int, default=10, help="frames in the middle that are compared")
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--cap", type=float, default=50.0, help="PSNR from which nothing is seen")
    parser.add_argument("--table", type=Path, help="a diagnosis table of your own")
    parser.add_argument("--out", type=Path, help="file for all numbers; what stands in it is not made again")
    parser.add_argument("--tables", action="store_true", help="of what stands in --out; measure nothing")
    parser.add_argument("--each-case", action="store_true", help="a row for each clip, with doses")
    given = parser.parse_args()
    if not given.footage and not given.tables:
        parser.error("name the footage, or --tables for what was measured")
    vs.core.max_cache_size = 512
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print(tables(list(run(given)), given.each_case))


if __name__ == "__main__":
    main()
