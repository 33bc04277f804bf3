"""What the fits of a filter's weights share: options, clips that are left out, and what becomes of the weights."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

type Reals = npt.NDArray[np.float64]
type Sample = tuple[Reals, Reals, Reals]
"""What the weights are for, 1 for damage, cost of a mistake."""


def joined(rows: Sequence[Sample]) -> Sample:
    """Rows of several samples."""
    x, y, w = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return x, y, w


def reached(score: Reals, rows: Sample, thresholds: Sequence[float]) -> str:
    """Recall and false finds against damage at several thresholds, both by the cost of a mistake."""
    _, y, w = rows
    there = max(float((w * y).sum()), 1e-9)
    right = [float((w * y * (score > t)).sum()) / there for t in thresholds]
    wrong = [float((w * (1 - y) * (score > t)).sum()) / there for t in thresholds]
    return "  ".join(f"{a:.2f}/{b:.3f}" for a, b in zip(right, wrong, strict=True))


def command(
    page: str | None,
    gather: Callable[[Path, int], dict[str, Sample]],
    fitted: Callable[[Sample], Reals],
    judge: Callable[[Reals, Sample], str],
    heading: str,
) -> None:
    """The command line of a fit: tells what is reached on clips left out, then writes or prints the weights of all."""
    parser = argparse.ArgumentParser(description=page, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="write the weights here instead of printing them")
    parser.add_argument("--folds", type=int, default=3, help="parts the clips are left out in (default 3)")
    parser.add_argument("--seed", type=int, default=100)
    options = parser.parse_args()
    clips = gather(options.footage, options.seed)
    names = list(clips)
    print(f"\nleft out: {heading}")
    for part in range(options.folds):
        out = names[part :: options.folds]
        weights = fitted(joined([clips[n] for n in names if n not in out]))
        for name in out:
            print(f"{name:14} {judge(weights, clips[name])}", flush=True)
    weights = fitted(joined(list(clips.values())))
    if options.out:
        np.save(options.out, weights)
    else:
        print(np.array2string(weights, precision=3, separator=", ", suppress_small=True))
