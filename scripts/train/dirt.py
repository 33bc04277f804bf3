"""Train the network that finds dirt for remove_dirt.

    python scripts/train/dirt.py --pictures FOLDER --overlays FOLDER --work FOLDER -o models/dirt-t1.onnx

makes samples (0.4 s each on one core), trains in slices of --minutes, and exports. Each part goes on where it was cut
off; what is in --work already is not made again. The same command with --slices 1 --minutes 9 does one slice.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from detector.crops import Crops
from detector.export import export, stamp, trained
from detector.judging import hear, judge
from detector.stacks import Stacks, make
from detector.training import Plan, train
from simulator import Pictures

JUDGED = 500_000
"""Seed of the first sample the judge is fitted to: the network never saw them."""
PART = 100
"""Samples in a file."""


def make_part(job: tuple[Path, Path | None, Path, int]) -> None:
    """Samples of one file, unless it is there: pictures, overlays, folder, number of the file."""
    pictures, overlays, folder, part = job
    file, raw = folder / f"{part:03}.npy", folder / f"{part:03}.part.npy"
    if file.exists():
        return
    torch.set_num_threads(1)
    make(Pictures(pictures), overlays, raw, part * PART, PART)
    raw.with_suffix(".worth.npy").replace(file.with_suffix(".worth.npy"))
    raw.replace(file)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="photographs and videos without damage")
    parser.add_argument("--overlays", type=Path, help="shapes of real dirt; drawn ones where this is left out")
    parser.add_argument("--work", type=Path, required=True, help="where samples and the state of the training lie")
    parser.add_argument("-o", "--output", type=Path, help="write the network here when the training has ended")
    parser.add_argument("--samples", type=int, default=2400, help="default 2400")
    parser.add_argument("--steps", type=int, default=6000, help="batches (default 6000)")
    parser.add_argument("--size", type=int, default=16, help="crops in a batch (default 16)")
    parser.add_argument("--side", type=int, default=96, help="side of a crop in pixels (default 96)")
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate (default 0.003)")
    parser.add_argument("--minutes", type=float, default=9, help="length of a slice (default 9)")
    parser.add_argument("--slices", type=int, default=10_000, help="slices to do now; all by default")
    parser.add_argument("--processes", type=int, default=2, help="processes that make samples (default 2)")
    parser.add_argument("--threads", type=int, default=0, help="threads that train; 0 leaves it to torch")
    parser.add_argument("--judged", type=int, default=300, help="samples that the judge is fitted to (default 300)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.processes) as pool:
        parts = range(-(-options.samples // PART))
        list(pool.map(make_part, [(options.pictures, options.overlays, options.work, n) for n in parts]))
    if options.threads:
        torch.set_num_threads(options.threads)
    plan = Plan(options.steps, options.size, options.rate, options.device)
    crops = Crops(Stacks.load([options.work / f"{n:03}.npy" for n in parts]), options.side, seed=1)
    for _ in range(options.slices):
        if train(plan, crops, options.work, options.minutes, lambda text: print(text, flush=True)):
            break
    else:
        return
    heard = hear(trained(options.work), Pictures(options.pictures), options.overlays, JUDGED, options.judged)
    weights, reached = judge(heard)
    print(f"judged by (_dirt_judge._WEIGHTS, _CONSTANT): {np.array2string(weights, precision=3)}; {reached}")
    if options.output:
        export(trained(options.work), options.output)
        stamp(options.output)


if __name__ == "__main__":
    main()
