"""Train the network that makes frames between frames, for interpolate and repair_frames.

    python scripts/train/between.py --pictures FOLDER --work FOLDER -o models/between-t1.onnx

makes samples (0.2 s each on one core), trains in slices of --minutes and exports. Each part goes on where it was cut
off; what is in --work already is not made again. The same command with --slices 1 --minutes 9 does one slice.
--from FILE begins with the weights of an export instead of none.
"""

from __future__ import annotations

import cv2
import torch
from interpolator.export import export, trained
from interpolator.samples import Samples, make
from interpolator.training import Crops, Plan, train
from learning import Defaults, add_begun, parser_of
from shipping import stamp

DEFAULTS: Defaults = {"samples": 1100, "steps": 3000, "size": 12, "side": 96, "rate": 2e-3}


def main() -> None:
    """Command line."""
    parser = parser_of(__doc__, DEFAULTS)
    add_begun(parser)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads or 1)
    make(options.pictures, options.work / "samples", options.samples, seed=1)
    plan = Plan(options.steps, options.size, options.rate, options.begun)
    crops = Crops(Samples(options.work / "samples"), options.side, seed=1)
    slices = (train(plan, crops, options.work, options.minutes, _say) for _ in range(options.slices))
    if any(slices) and options.output:
        export(trained(options.work), options.output)
        stamp(options.output)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
