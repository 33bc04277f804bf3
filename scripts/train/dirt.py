"""Train the network that finds dirt for remove_dirt.

    python scripts/train/dirt.py --pictures FOLDER --overlays FOLDER --work FOLDER -o models/dirt-t1.onnx

makes samples (0.4 s each on one core), trains in slices of --minutes, trains again on what the network still mistakes,
in some of those samples and in harder ones, and exports what lies halfway between both. Each part goes on where it was
cut off; what is in --work already is not made again. The same command with --slices 1 --minutes 9 does one slice.
"""

from __future__ import annotations

import numpy as np
from detector.command import HARD, Defaults, command, taught, taught_hard
from detector.export import between, export, trained
from detector.judging import hear, judge_fully
from detector.lessons import DIRT, HARD_DIRT
from shipping import stamp
from simulator import Pictures

JUDGED = 500_000
"""Seed of the first sample the judge is fitted to: the network never saw them."""
DEFAULTS: Defaults = {"samples": 2400, "steps": 6000, "size": 16, "side": 96, "rate": 3e-3}


def main() -> None:
    """Command line."""
    parser = command(__doc__, DEFAULTS)
    parser.add_argument("--judged", type=int, default=200, help="samples that the judge is fitted to (default 200)")
    parser.add_argument("--again", type=int, default=1200, help="samples that are looked at again (default 1200)")
    parser.add_argument("--hard-samples", type=int, default=800, help="harder samples (default 800)")
    parser.add_argument("--hard-steps", type=int, default=17_000, help="batches of the second course (default 17000)")
    parser.add_argument("--hard-rate", type=float, default=1e-3, help="its highest learning rate (default 1e-3)")
    options = parser.parse_args()
    if not taught(options, DIRT):
        return
    if not taught_hard(
        options, HARD_DIRT, options.hard_steps, options.hard_rate, (options.again, options.hard_samples)
    ):
        return
    net = between(trained(options.work), trained(options.work, HARD))
    weights, reached = judge_fully(*hear(net, Pictures(options.pictures), options.overlays, JUDGED, options.judged))
    print(f"specks, as _dirt_judge judges them by what is heard: {reached}")
    for name, each in weights.items():
        print(f"{name} and its constant: {np.array2string(each, precision=3, separator=', ', max_line_width=110)}")
    if options.output:
        export(net, options.output)
        stamp(options.output)


if __name__ == "__main__":
    main()
