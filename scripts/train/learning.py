"""What all trainings do alike: their options, and learning in slices that begin where the last one ended."""

from __future__ import annotations

import argparse
import math
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

__all__ = [
    "Course",
    "Defaults",
    "Weights",
    "add_begun",
    "ahead",
    "in_processes",
    "kept_in",
    "learn",
    "parser_of",
    "rate",
]

type Defaults = dict[str, int | float]
type Weights = dict[str, torch.Tensor]
type Cost = tuple[torch.Tensor, Mapping[str, float]]
"""What the mistakes of a batch cost, and what is told of them, by name."""

_SOON = 0.02
"""How fast what is told of mistakes follows the last batch."""
_KEPT = 5
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


@dataclass(frozen=True, kw_only=True)
class Course:
    """How fast and how long to learn.

    Attributes:
        steps: Batches in all.
        rate: Highest learning rate; it rises and falls, see `rate`.
        rise: Share of the steps it rises for.
        keep: How slowly the weights that are kept follow those that learn.
        steep: Gradients longer than this are shortened to it.
        told: Batches after which it is told how it goes; the state is kept after `_KEPT` such tellings.
    """

    steps: int
    rate: float
    rise: float = 0.03
    keep: float = 0.998
    steep: float = 1.0
    told: int = 100


def learn(
    net: nn.Module,
    optimiser: torch.optim.Optimizer,
    course: Course,
    file: Path,
    minutes: float,
    cost: Callable[[int], Cost],
    say: Callable[[str], None],
) -> bool:
    """Go on for so many minutes, or to the end of the course; whether the end was reached.

    Args:
        net: The network, as a training begins with it.
        optimiser: Moves its weights.
        course: How fast and how long.
        file: Where the state of the training lies between slices; its folder is made.
        minutes: Length of this slice.
        cost: Of the batch of a step, which follows from the number of the step alone.
        say: Told how it goes, line by line.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    step = 0
    if file.exists():
        state = torch.load(file, map_location=next(net.parameters()).device, weights_only=True)
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        kept, step = state["kept"], state["step"]
    started = time.monotonic()
    told: dict[str, float] = {}
    while step < course.steps and time.monotonic() - started < minutes * 60:
        for group in optimiser.param_groups:
            group["lr"] = rate(course.rate, step, course.steps, course.rise)
        loss, parts = cost(step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), course.steep)
        optimiser.step()
        step += 1
        _follow(kept, net, min(course.keep, 1 - 9 / (step + 9)))
        told = {name: told.get(name, value) * (1 - _SOON) + value * _SOON for name, value in parts.items()}
        if step % course.told == 0:
            means = " ".join(f"{name} {value:.5f}" for name, value in told.items())
            say(f"{step}/{course.steps} {means} {(time.monotonic() - started) / 60:.1f} min")
        if step % (course.told * _KEPT) == 0:
            _save(file, net, optimiser, kept, step)
    _save(file, net, optimiser, kept, step)
    return step >= course.steps


@contextmanager
def ahead[Batch](make: Callable[[int], Batch]) -> Iterator[Callable[[int], Batch]]:
    """Batches by their step; while one is learned from, the next is made."""
    coming: dict[int, Future[Batch]] = {}
    with ThreadPoolExecutor(1) as pool:

        def batch(step: int) -> Batch:
            made = coming.pop(step) if step in coming else pool.submit(make, step)
            coming[step + 1] = pool.submit(make, step + 1)
            return made.result()

        yield batch


def kept_in(file: Path) -> Weights:
    """The weights that are kept of a training."""
    weights: Weights = torch.load(file, map_location="cpu", weights_only=True)["kept"]
    return weights


def _follow(kept: Weights, net: nn.Module, share: float) -> None:
    """Move the weights that are kept towards those that learn; ``share`` of them stays."""
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                kept[name].lerp_(value, 1 - share)


def _save(file: Path, net: nn.Module, optimiser: torch.optim.Optimizer, kept: Weights, step: int) -> None:
    """Write the state of a training, whole or not at all."""
    part = file.with_suffix(".part")
    torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "kept": kept, "step": step}, part)
    part.replace(file)
