"""What all trainings do alike: their options, a rate that rises and falls, weights that follow, a state that stays."""

from __future__ import annotations

import argparse
import math
import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import nn

__all__ = ["Defaults", "Weights", "add_begun", "follow", "in_processes", "parser_of", "rate", "save"]

type Defaults = dict[str, int | float]
type Weights = dict[str, torch.Tensor]

TOLD = {
    "samples": "damaged clips to learn from",
    "hard": "clips full of what looks like lines",
    "steps": "batches",
    "more": "batches with plain lines after these",
    "last": "batches with what looks like lines after these",
    "size": "samples in a batch",
    "side": "side of a crop in pixels",
    "rate": "highest learning rate",
    "judged": "clips that the judge is fitted to",
}
"""What the numbers mean that a training may be given."""


def parser_of(text: str | None, defaults: Defaults) -> argparse.ArgumentParser:
    """The options of a training; ``defaults`` names the numbers of `TOLD` that it may be given."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="photographs and videos without damage")
    parser.add_argument("--work", type=Path, required=True, help="where samples and the state of the training lie")
    parser.add_argument("-o", "--output", type=Path, help="write the network here when the training has ended")
    for name, usual in defaults.items():
        parser.add_argument(f"--{name}", type=type(usual), default=usual, help=f"{TOLD[name]} (default {usual})")
    parser.add_argument("--minutes", type=float, default=9, help="length of a slice (default 9)")
    parser.add_argument("--slices", type=int, default=10_000, help="slices to do now; all by default")
    parser.add_argument("--processes", type=int, default=2, help="processes that make samples (default 2)")
    parser.add_argument("--threads", type=int, default=0, help="threads that train; 0 leaves it to torch")
    return parser


def add_begun(parser: argparse.ArgumentParser) -> None:
    """The option of trainings that may begin with what they wrote before."""
    parser.add_argument("--from", type=Path, dest="begun", help="a network that this wrote, to begin with")


def in_processes(count: int, work: Callable[..., object], jobs: Iterable[tuple[Any, ...]]) -> None:
    """Do jobs, each told by its arguments, in so many processes.

    They are begun anew and not forked: what is forked while threads of torch or OpenCV work may wait for them forever.

    Raises:
        Exception: What a job raised.
    """
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
        for job in [pool.submit(work, *each) for each in jobs]:
            job.result()


def rate(highest: float, step: int, steps: int, rise: float) -> float:
    """The learning rate of a step: it rises for a share of the steps and falls to nothing along a cosine."""
    risen = min(1.0, (step + 1) / (rise * steps))
    return highest * risen * (0.5 + 0.5 * math.cos(math.pi * step / steps)) + 1e-6


def follow(kept: Weights, net: nn.Module, share: float) -> None:
    """Move the weights that are kept towards those that learn; ``share`` of them stays."""
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                kept[name].lerp_(value, 1 - share)


def save(file: Path, net: nn.Module, optimiser: torch.optim.Optimizer, kept: Weights, step: int) -> None:
    """Write the state of a training, whole or not at all."""
    part = file.with_suffix(".part")
    torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "kept": kept, "step": step}, part)
    part.replace(file)
