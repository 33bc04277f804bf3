"""Train the network that finds stunt wires for remove_wires.

    python scripts/train/wires.py --pictures FOLDER --overlays FOLDER --work FOLDER -o models/wires-t1.onnx

makes samples (0.5 s each on one core), trains in slices of --minutes, and exports. Each part goes on where it was cut
off; what is in --work already is not made again. The same command with --slices 1 --minutes 9 does one slice.
"""

from __future__ import annotations

import numpy as np
from detector.command import Defaults, command, taught
from detector.export import export, trained
from detector.judging import judge
from detector.judging_wires import hear_wires
from detector.lessons import WIRES
from shipping import stamp
from simulator import Pictures

JUDGED = 500_000
"""Seed of the first sample the judge is fitted to: the network never saw them."""
DEFAULTS: Defaults = {"samples": 1500, "steps": 12000, "size": 8, "side": 128, "rate": 3e-3}


def main() -> None:
    """Command line."""
    parser = command(__doc__, DEFAULTS)
    parser.add_argument("--judged", type=int, default=500, help="samples that the judge is fitted to (default 500)")
    options = parser.parse_args()
    if not taught(options, WIRES):
        return
    heard = hear_wires(trained(options.work), Pictures(options.pictures), options.overlays, JUDGED, options.judged)
    weights, reached = judge(heard)
    print(f"judged by (_wire_judge._WEIGHTS, _CONSTANT): {np.array2string(weights, precision=3)}; {reached}")
    if options.output:
        export(trained(options.work), options.output)
        stamp(options.output)


if __name__ == "__main__":
    main()
