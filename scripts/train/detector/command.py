"""What the commands that train a detector share: samples are made once, a training goes on where it was cut off."""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from simulator import Pictures

from .crops import Crops
from .lessons import LESSONS, Lesson
from .stacks import Stacks, make
from .training import Plan, train

__all__ = ["Defaults", "command", "taught"]

PART = 100
"""Samples in a file."""

type Defaults = dict[str, int | float]


def command(text: str | None, defaults: Defaults) -> argparse.ArgumentParser:
    """The command line; ``defaults`` are those of samples, steps, size, side and rate."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="photographs and videos without damage")
    parser.add_argument("--overlays", type=Path, help="shapes of real dirt; drawn ones where this is left out")
    parser.add_argument("--work", type=Path, required=True, help="where samples and the state of the training lie")
    parser.add_argument("-o", "--output", type=Path, help="write the network here when the training has ended")
    for name, told in (
        ("samples", "damaged clips to learn from"),
        ("steps", "batches"),
        ("size", "crops in a batch"),
        ("side", "side of a crop in pixels"),
        ("rate", "highest learning rate"),
    ):
        usual = defaults[name]
        parser.add_argument(f"--{name}", type=type(usual), default=usual, help=f"{told} (default {usual})")
    parser.add_argument("--minutes", type=float, default=9, help="length of a slice (default 9)")
    parser.add_argument("--slices", type=int, default=10_000, help="slices to do now; all by default")
    parser.add_argument("--processes", type=int, default=2, help="processes that make samples (default 2)")
    parser.add_argument("--threads", type=int, default=0, help="threads that train; 0 leaves it to torch")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    return parser


def taught(options: argparse.Namespace, lesson: Lesson) -> bool:
    """Make what samples are missing and train; whether the end of the training was reached."""
    options.work.mkdir(parents=True, exist_ok=True)
    parts = range(-(-options.samples // PART))
    with ProcessPoolExecutor(options.processes) as pool:
        jobs = [pool.submit(_make, options.pictures, options.overlays, options.work, n, lesson.name) for n in parts]
        for job in jobs:
            job.result()
    if options.threads:
        torch.set_num_threads(options.threads)
    plan = Plan(options.steps, options.size, options.rate, options.device)
    crops = Crops(Stacks.load([options.work / f"{n:03}.npy" for n in parts]), options.side, seed=1)
    slices = (train(plan, crops, options.work, options.minutes, _say) for _ in range(options.slices))
    return any(slices)


def _say(text: str) -> None:
    print(text, flush=True)


def _make(pictures: Path, overlays: Path | None, folder: Path, part: int, name: str) -> None:
    """Samples of one file, unless it is there; what a lesson looks with cannot be sent to another process."""
    file, raw = folder / f"{part:03}.npy", folder / f"{part:03}.part.npy"
    if file.exists():
        return
    torch.set_num_threads(1)
    make(Pictures(pictures), overlays, raw, part * PART, PART, LESSONS[name])
    raw.with_suffix(".worth.npy").replace(file.with_suffix(".worth.npy"))
    raw.replace(file)
