"""Train the network that finds stunt wires for remove_wires.

    python scripts/train/wires.py --pictures FOLDER --overlays FOLDER --work FOLDER -o models/wires-t1.onnx

makes samples (0.5 s each on one core), trains in slices of --minutes, and exports. Each part goes on where it was cut
off; what is in --work already is not made again. The same command with --slices 1 --minutes 9 does one slice.
"""

from __future__ import annotations

from detector.command import Defaults, command, taught
from detector.export import export, stamp, trained
from detector.lessons import WIRES

DEFAULTS: Defaults = {"samples": 1500, "steps": 12000, "size": 8, "side": 128, "rate": 3e-3}


def main() -> None:
    """Command line."""
    options = command(__doc__, DEFAULTS).parse_args()
    if taught(options, WIRES) and options.output:
        export(trained(options.work), options.output)
        stamp(options.output)


if __name__ == "__main__":
    main()
