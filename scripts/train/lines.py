"""Train the network that tells scratches for remove_scratches.

    python scripts/train/lines.py --pictures FOLDER --work FOLDER -o models/lines-t1.onnx

makes samples (two seconds each on one core), trains in slices of --minutes, fits the judge and exports. Each part goes
on where it was cut off; what is in --work already is not made again. The same command with --slices 1 --minutes 9 does
one slice.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from learning import Defaults, in_processes, parser_of
from scratch.export import export
from scratch.judging import hear_lines, judge
from scratch.plain import make_plain, plain_name
from scratch.samples import HARD, LINES, SIZES, Lesson, Posts, make
from scratch.training import Plan, reached, train, trained
from shipping import stamp

PART = 30
"""Clips in a file."""
HELD, JUDGED = 1_000_000, 500_000
"""First seeds of the samples that are held back to see what was reached, and of those that the judge is fitted to."""
DEFAULTS: Defaults = {
    "samples": 600, "hard": 360, "steps": 3000, "more": 1100, "last": 1800, "size": 12, "rate": 3e-3, "judged": 160,
}  # fmt: skip


def main() -> None:
    """Command line."""
    options = parser_of(__doc__, DEFAULTS).parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    usual, hard = sampled(options)
    if options.threads:
        torch.set_num_threads(options.threads)
    last = taught(options, usual, hard)
    if not last:
        return
    net = trained(options.work, last)
    print(reached(net, options.work / "held.npy"), flush=True)
    lessons = [Posts(options.pictures, lesson) for lesson in (LINES, HARD)]
    try:
        weights, told = judge(hear_lines(net, lessons, JUDGED, options.judged))
        print(f"judged by (_scratch_judge._WEIGHTS, _CONSTANT): {np.array2string(weights, precision=3)}; {told}")
    except ValueError as few:
        print(few)
    if options.output:
        export(net, options.output)
        stamp(options.output)


def sampled(options: argparse.Namespace) -> tuple[list[Path], list[Path]]:
    """Make what samples are missing: the files of both lessons."""
    usual = [options.work / f"{n:03}.npy" for n in range(-(-options.samples // PART))]
    hard = [options.work / f"hard-{n:03}.npy" for n in range(-(-options.hard // PART))]
    jobs = [(file, n * PART, LINES) for n, file in enumerate(usual)]
    jobs += [(file, HARD.seed + n * PART, HARD) for n, file in enumerate(hard)]
    jobs += [(options.work / "held.npy", HELD, LINES)]
    in_processes(options.processes, _make, [(options.pictures, PART, *job) for job in jobs])
    for n, file in enumerate(usual):
        if not _there(plain_name(file)):
            make_plain(file, n)
    return usual, hard


def taught(options: argparse.Namespace, usual: list[Path], hard: list[Path]) -> str:
    """Go on training; the name of the last lesson, or '' where there was no time to end it."""
    both = [*usual, *map(plain_name, usual)]
    after = options.rate * 2 / 3
    lessons = [
        (Plan("first", options.steps, options.size, options.rate), usual),
        (Plan("second", options.more, options.size, after), both),
        (Plan("third", options.last, options.size, after), both + hard),
    ]
    for _ in range(options.slices):
        if _slice(lessons, options):
            return lessons[-1][0].name
    return ""


def _slice(lessons: Iterable[tuple[Plan, list[Path]]], options: argparse.Namespace) -> bool:
    """Every lesson for some minutes, up to the first that has not ended."""
    before = ""
    for plan, files in lessons:
        if not train(plan, files, options.work, options.minutes, _say, before):
            return False
        before = plan.name
    return True


def _say(text: str) -> None:
    print(text, flush=True)


def _there(file: Path) -> bool:
    return all(file.with_name(f"{file.stem}.{k}.npy").exists() for k in range(len(SIZES)))


def _make(pictures: Path, count: int, file: Path, first: int, lesson: Lesson) -> None:
    """Samples of one file, unless they are there."""
    if _there(file):
        return
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    raw = file.with_name(f"part-{file.name}")
    make(Posts(pictures, lesson), raw, first, count)
    for k in range(len(SIZES)):
        raw.with_name(f"{raw.stem}.{k}.npy").replace(file.with_name(f"{file.stem}.{k}.npy"))


if __name__ == "__main__":
    main()
