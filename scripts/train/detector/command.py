"""What the commands that train a detector share: samples are made once, a training goes on where it was cut off."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from learning import Defaults, in_processes, parser_of
from simulator import Pictures

from .crops import Crops
from .export import trained
from .lessons import LESSONS, Lesson
from .mining import MISTAKES, mine
from .network import SpotNet
from .stacks import Stacks, make
from .training import STATE, Plan, train

__all__ = ["HARD", "Defaults", "command", "taught", "taught_hard"]

HARD = "hard.pt"
"""Where the state of the second course is kept."""
PART = 100
"""Samples in a file."""
_HARD_SEED = 200_000


def command(text: str | None, defaults: Defaults) -> argparse.ArgumentParser:
    """The command line; ``defaults`` are those of samples, steps, size, side and rate."""
    parser = parser_of(text, defaults)
    parser.add_argument("--overlays", type=Path, help="shapes of real dirt; drawn ones where this is left out")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    return parser


def taught(options: argparse.Namespace, lesson: Lesson) -> bool:
    """Make what samples are missing and train; whether the end of the training was reached."""
    files = _made(options, lesson, options.samples, "", 0)
    plan = Plan(options.steps, options.size, options.rate, options.device)
    return _trained(options, plan, Crops(Stacks.load(files), options.side, seed=1))


def taught_hard(options: argparse.Namespace, lesson: Lesson, steps: int, rate: float, samples: tuple[int, int]) -> bool:
    """A second course for a network that was `taught`: what it mistakes, in some of its samples and in harder ones.

    Args:
        options: Of the first course.
        lesson: Of the harder samples.
        steps: Batches of this course.
        rate: Its highest learning rate.
        samples: How many of the first course's, and how many harder ones.

    Returns:
        Whether the end of the training was reached; the state lies in `HARD`.
    """
    files = [options.work / f"{n:03}.npy" for n in range(-(-samples[0] // PART))]
    files += _made(options, lesson, samples[1], "hard", _HARD_SEED)
    in_processes(options.processes, _mine, [(options.work, file) for file in files])
    crops = Crops(Stacks.load(files, MISTAKES), options.side, seed=2, picked=True)
    plan = Plan(steps, options.size, rate, options.device)
    return _trained(options, plan, crops, trained(options.work), HARD)


def _made(options: argparse.Namespace, lesson: Lesson, count: int, prefix: str, seed: int) -> list[Path]:
    """Files of so many samples from a seed on; those that are missing are made."""
    options.work.mkdir(parents=True, exist_ok=True)
    files = [options.work / f"{prefix}{n:03}.npy" for n in range(-(-count // PART))]
    told = options.pictures, options.overlays
    jobs = [(*told, file, seed + n * PART, lesson.name, lesson.hard) for n, file in enumerate(files)]
    in_processes(options.processes, _make, jobs)
    return files


def _trained(
    options: argparse.Namespace, plan: Plan, crops: Crops, start: SpotNet | None = None, name: str = STATE
) -> bool:
    if options.threads:
        torch.set_num_threads(options.threads)
    slices = (train(plan, crops, options.work, options.minutes, _say, start, name) for _ in range(options.slices))
    return any(slices)


def _mine(folder: Path, file: Path) -> None:
    torch.set_num_threads(1)
    mine(trained(folder), file)


def _say(text: str) -> None:
    print(text, flush=True)


def _make(pictures: Path, overlays: Path | None, file: Path, first: int, name: str, hard: bool) -> None:
    """Samples of one file, unless it is there; what a lesson looks with cannot be sent to another process."""
    raw = file.with_suffix(".part.npy")
    if file.exists():
        return
    torch.set_num_threads(1)
    make(Pictures(pictures), overlays, raw, first, PART, replace(LESSONS[name], hard=hard))
    raw.with_suffix(".worth.npy").replace(file.with_suffix(".worth.npy"))
    raw.replace(file)
