"""Train the network that tells scratches for remove_scratches.

    python scripts/train/lines.py --pictures FOLDER --work FOLDER -o models/lines-t1.onnx

makes samples (a second each on one core), trains in slices of --minutes, and exports. Each part goes on where it was
cut off; what is in --work already is not made again. The same command with --slices 1 --minutes 9 does one slice.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import torch
from scratch.export import export
from scratch.plain import make_plain, plain_name
from scratch.samples import SIZES, Posts, make
from scratch.training import Plan, reached, train, trained
from shipping import stamp

PART = 30
"""Clips in a file."""
HELD = 1_000_000
"""First seed of the samples that are held back to see what was reached."""


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="photographs and videos without damage")
    parser.add_argument("--work", type=Path, required=True, help="where samples and the state of the training lie")
    parser.add_argument("-o", "--output", type=Path, help="write the network here when the training has ended")
    parser.add_argument("--samples", type=int, default=600, help="clips to learn from (default 600)")
    parser.add_argument("--steps", type=int, default=3000, help="batches (default 3000)")
    parser.add_argument("--more", type=int, default=1100, help="batches with plain lines after these (default 1100)")
    parser.add_argument("--size", type=int, default=12, help="stacks in a batch (default 12)")
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate (default 0.003)")
    parser.add_argument("--minutes", type=float, default=9, help="length of a slice (default 9)")
    parser.add_argument("--slices", type=int, default=10_000, help="slices to do now; all by default")
    parser.add_argument("--processes", type=int, default=2, help="processes that make samples (default 2)")
    parser.add_argument("--threads", type=int, default=0, help="threads that train; 0 leaves it to torch")
    return parser


def main() -> None:
    """Command line."""
    options = arguments().parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    parts = [(options.work / f"{n:03}.npy", n * PART) for n in range(-(-options.samples // PART))]
    held = options.work / "held.npy", HELD
    with ProcessPoolExecutor(options.processes) as pool:
        jobs = [pool.submit(_make, options.pictures, *part) for part in (*parts, held)]
        for job in jobs:
            job.result()
    for n, (file, _) in enumerate(parts):
        if not plain_name(file).with_name(f"{plain_name(file).stem}.{len(SIZES) - 1}.npy").exists():
            make_plain(file, n)
    if options.threads:
        torch.set_num_threads(options.threads)
    files = [file for file, _ in parts]
    more = [plain_name(file) for file in files]
    first = Plan("first", options.steps, options.size, options.rate)
    second = Plan("second", options.more, options.size, options.rate * 2 / 3)
    for _ in range(options.slices):
        if train(first, files, options.work, options.minutes, _say) and train(
            second, files + more, options.work, options.minutes, _say, first.name
        ):
            break
    else:
        return
    net = trained(options.work, second.name)
    _say(reached(net, held[0]))
    if options.output:
        export(net, options.output)
        stamp(options.output)


def _say(text: str) -> None:
    print(text, flush=True)


def _make(pictures: Path, file: Path, first: int) -> None:
    """Samples of one file, unless they are there."""
    kinds = [file.with_name(f"{file.stem}.{k}.npy") for k in range(len(SIZES))]
    if all(each.exists() for each in kinds):
        return
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    raw = file.with_name(f"part-{file.name}")
    make(Posts(pictures), raw, first, PART)
    for k, each in enumerate(kinds):
        raw.with_name(f"{raw.stem}.{k}.npy").replace(each)


if __name__ == "__main__":
    main()
