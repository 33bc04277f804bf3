"""Train the network that takes out, for denoise, what averaging along motion leaves of the grain.

    python scripts/train/grain.py --pictures FOLDER --work FOLDER -o models/degrain-t1.onnx

makes samples (a second each on one core), trains in slices of --minutes and exports. Each part goes on where it was cut
off; what is in --work already is not made again. --from FILE begins with the weights of an export instead of none.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import torch
from degrain.export import export
from degrain.samples import make
from degrain.training import Plan, reached, train, trained
from learning import Defaults, add_begun, in_processes, parser_of
from shipping import stamp
from simulator import Pictures

PART = 50
"""Clips in a file."""
HELD = 12
"""Every so many pictures and videos are held back to see what was reached."""
HELD_SEED = 1_000_000
DEFAULTS: Defaults = {"samples": 600, "steps": 6000, "size": 16, "side": 64, "rate": 8e-4}


def main() -> None:
    """Command line."""
    parser = parser_of(__doc__, DEFAULTS)
    add_begun(parser)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    parts, held = sampled(options)
    if options.threads:
        torch.set_num_threads(options.threads)
    plan = Plan(options.steps, options.size, options.side, options.rate, options.begun)
    ended = any(train(plan, parts, options.work, options.minutes, _say) for _ in range(options.slices))
    net = trained(options.work)
    _say(reached(net, held))
    if ended and options.output:
        export(net, options.output)
        stamp(options.output)


def sampled(options: argparse.Namespace) -> tuple[list[Path], Path]:
    """Make what samples are missing: files to learn from, and one of pictures that are held back."""
    parts = [options.work / f"{n:03}.npy" for n in range(-(-options.samples // PART))]
    held = options.work / "held.npy"
    jobs = [*((part, n * PART, False) for n, part in enumerate(parts)), (held, HELD_SEED, True)]
    in_processes(options.processes, _make, [(options.pictures, *job) for job in jobs])
    return parts, held


def _say(text: str) -> None:
    print(text, flush=True)


def _make(pictures: Path, file: Path, first: int, held: bool) -> None:
    """Samples of one file, unless it is there."""
    if file.exists():
        return
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    clips = Pictures(pictures)
    for files in (clips.stills, clips.movies):
        files[:] = [f for n, f in enumerate(files) if (n % HELD == HELD - 1) == held]
    part = file.with_suffix(".part.npy")
    make(clips, part, first, PART)
    part.replace(file)


if __name__ == "__main__":
    main()
