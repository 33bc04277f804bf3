"""Train the network that finds dirt for remove_dirt.

    python scripts/train/dirt.py --pictures FOLDER --overlays FOLDER --work FOLDER -o models/dirt-t1.onnx

makes samples (0.4 s each on one core), trains in slices of --minutes, and exports. Each part goes on where it was cut
off; what is in --work already is not made again. The same command with --slices 1 --minutes 9 does one slice.
"""

from __future__ import annotations

import numpy as np
from detector.command import Defaults, command, taught
from detector.export import export, trained
from detector.judging import hear, judge_fully
from detector.lessons import DIRT
from shipping import stamp
from simulator import Pictures

JUDGED = 500_000
"""Seed of the first sample the judge is fitted to: the network never saw them."""
DEFAULTS: Defaults = {"samples": 2400, "steps": 6000, "size": 16, "side": 96, "rate": 3e-3}


def main() -> None:
    """Command line."""
    parser = command(__doc__, DEFAULTS)
    parser.add_argument("--judged", type=int, default=300, help="samples that the judge is fitted to (default 300)")
    options = parser.parse_args()
    if not taught(options, DIRT):
        return
    heard = hear(trained(options.work), Pictures(options.pictures), options.overlays, JUDGED, options.judged)
    (weights, full), reached = judge_fully(heard)
    print(f"judged by (_dirt_judge._WEIGHTS, _CONSTANT): {np.array2string(weights, precision=3)}; {reached}")
    print(f"(_FULL, _FULL_CONSTANT): {np.array2string(full, precision=3)}")
    if options.output:
        export(trained(options.work), options.output)
        stamp(options.output)


if __name__ == "__main__":
    main()
