"""Train the network of upscale.

    python scripts/train/enlarge.py --pictures FOLDER --work FOLDER -o models/film2x-t1.onnx

trains in slices of --minutes (of one processor) and exports what makes pictures larger. Crops are made as they are
needed; each slice goes on where the last was cut off. The same command with --slices 1 --minutes 9 does one slice.
--from FILE begins with the weights of an export instead of none.
"""

from __future__ import annotations

import cv2
import torch
from larger.export import export
from larger.samples import stills_of
from larger.training import Plan, reached, train, trained
from learning import Defaults, add_begun, parser_of
from shipping import stamp

DEFAULTS: Defaults = {"steps": 10000, "size": 7, "side": 64, "rate": 8e-4}


def main() -> None:
    """Command line."""
    parser = parser_of(__doc__, DEFAULTS)
    add_begun(parser)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads or 1)
    plan = Plan(options.steps, options.size, options.side, options.rate, options.begun)
    stills = stills_of(options.pictures, held=False)
    ended = any(train(plan, stills, options.work, options.minutes, _say) for _ in range(options.slices))
    net = trained(options.work)
    _say(reached(net, stills_of(options.pictures, held=True)))
    if ended and options.output:
        export(net, options.output)
        stamp(options.output)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
