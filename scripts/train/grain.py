"""Train the network that takes out, for denoise, what averaging along motion leaves of the grain.

    python scripts/train/grain.py --pictures FOLDER --work FOLDER -o models/degrain-t1.onnx

makes samples (half a second each on one core), trains in slices of --minutes and exports. With --later, a second course
follows, half of it samples that move so fast that their motion is often lost. Each part goes on where it was cut off;
what is in --work already is not made again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import torch
from degrain.export import export
from degrain.samples import make
from degrain.training import Plan, reached, train, trained
from learning import Defaults, in_processes, parser_of
from shipping import stamp
from simulator import Pictures

PART = 50
"""Clips in a file."""
HELD = 12
"""Every so many pictures and videos are held back to see what was reached."""
FAST_SEED, HELD_SEED = 500_000, 1_000_000
FIRST, SECOND = "state", "fast"
"""Names of the courses."""
DEFAULTS: Defaults = {"samples": 600, "steps": 2800, "size": 16, "side": 64, "rate": 2e-3}


def main() -> None:
    """Command line."""
    parser = parser_of(__doc__, DEFAULTS)
    parser.add_argument("--fast", type=int, default=200, help="clips that move fast (default 200)")
    parser.add_argument("--later", type=int, default=0, help="batches of a second course (default 0)")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    usual, fast, held = sampled(options)
    if options.threads:
        torch.set_num_threads(options.threads)
    if not any(_slice(options, usual, fast) for _ in range(options.slices)):
        return
    net = trained(options.work, SECOND if options.later else FIRST)
    for part in held:
        _say(f"{part.stem}: {reached(net, part)}")
    if options.output:
        export(net, options.output)
        stamp(options.output)


def _slice(options: argparse.Namespace, usual: list[Path], fast: list[Path]) -> bool:
    """Some minutes of each course that has not ended; whether both have."""
    first = Plan(FIRST, options.steps, options.size, options.side, options.rate)
    second = Plan(SECOND, options.later, options.size, options.side, options.rate * 0.75)
    if not train(first, usual, options.work, options.minutes, _say):
        return False
    if not options.later:
        return True
    # Half of what is learned from moves fast.
    both = usual + fast * max(1, len(usual) // max(len(fast), 1))
    return train(second, both, options.work, options.minutes, _say, FIRST)


def sampled(options: argparse.Namespace) -> tuple[list[Path], list[Path], list[Path]]:
    """Make what samples are missing: usual ones and fast ones, and both of pictures that are held back."""
    usual = [options.work / f"{n:03}.npy" for n in range(-(-options.samples // PART))]
    fast = [options.work / f"fast{n:03}.npy" for n in range(-(-options.fast // PART) if options.later else 0)]
    held = [options.work / "held.npy", options.work / "heldfast.npy"]
    jobs = [(part, n * PART, False, False) for n, part in enumerate(usual)]
    jobs += [(part, FAST_SEED + n * PART, False, True) for n, part in enumerate(fast)]
    jobs += [(part, HELD_SEED, True, n == 1) for n, part in enumerate(held)]
    in_processes(options.processes, _make, [(options.pictures, *job) for job in jobs])
    return usual, fast, held


def _say(text: str) -> None:
    print(text, flush=True)


def _make(pictures: Path, file: Path, first: int, held: bool, fast: bool) -> None:
    """Samples of one file, unless it is there."""
    if file.exists():
        return
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    clips = Pictures(pictures)
    for files in (clips.stills, clips.movies):
        files[:] = [f for n, f in enumerate(files) if (n % HELD == HELD - 1) == held]
    part = file.with_suffix(".part.npy")
    make(clips, part, first, PART, fast)
    part.replace(file)


if __name__ == "__main__":
    main()
