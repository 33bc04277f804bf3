"""Whether the measures of `assess` follow the true amount of simulated damage, and are silent where there is none.

    python scripts/bench/assess.py FOLDER [MEASURE ...] [--frames 28] [--width 480] [--out tables.md]

FOLDER holds ``clips/`` (the undamaged clips of `_damage.footage.CLIPS`). Each clip is damaged by one stage of the
simulator (scripts/train/simulator), or changed by a construction that is known exactly, at several amounts, none among
them, and measured as `assess` measures it. Printed are Spearman's rank correlation over all clips and amounts together,
the mean of those of each clip alone, and what is measured where nothing was done. Fade is told by a reel: looks of
several clips, faded alike. Measures that are words (``cadence``, ``telecine`` ...) are told of clips of known kinds;
``places`` tells which of the frames that were spoilt are found, and ``clean`` what is told of whole clips that nothing
was done to.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from _assess import amounts, classes, clean, places

OTHERS: dict[str, Callable[[Path, int], list[str]]] = {
    **{name: partial(classes.table, name) for name in classes.CHECKS},
    "places": places.table,
    "clean": clean.table,
}
ALL = [*amounts.CASES, "fade", *OTHERS]


def measured(name: str, options: argparse.Namespace) -> list[str]:
    """Lines of a table, and what stands behind them."""
    if name == "fade":
        return amounts.row_of(name, "share lost", amounts.run_fade(options.folder, options.width))
    case = amounts.CASES[name]
    return amounts.row_of(name, case.unit, amounts.run(case, options.folder, options.frames, options.width))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("measures", nargs="*", help=f"of {', '.join(ALL)}; all if none is named")
    parser.add_argument("--frames", type=int, default=28)
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    wanted = options.measures or ALL
    lines = [amounts.HEAD]
    print(amounts.HEAD, flush=True)
    for name in wanted:
        began = time.perf_counter()
        if name in OTHERS:
            found = OTHERS[name](options.folder, options.width)
            lines += ["", *found]
        else:
            found = measured(name, options)
            lines.append(found[0])
        print(*found, f"    {time.perf_counter() - began:.0f} s", sep="\n", flush=True)
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
