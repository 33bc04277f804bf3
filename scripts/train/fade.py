"""Train the network that reads the fade of dyes for correct_fade.

    python scripts/train/fade.py --pictures FOLDER --work FOLDER -o models/fade-t1.safetensors

makes faded reels of the pictures (60 ms each on one core), trains, and tells how far reels of pictures that were held
back are off afterwards. Lessons that lie in --work are not made again, and a training that was cut off goes on. The
same command with --slices 1 --minutes 9 does one slice. --from FILE begins with the weights of an export instead of
none.
"""

from __future__ import annotations

import sys

import torch
from fading import Sights
from fading.course import train
from fading.export import export
from fading.lessons import make_lessons
from fading.results import Stock, told
from learning import Defaults, add_begun, parser_of
from shipping import stamp

HELD_BACK = 900_000
"""Seed of the first reel that is for checking."""
DEFAULTS: Defaults = {"samples": 14000, "steps": 12000, "size": 64, "rate": 1.2e-3}
CROPS = 16


def main() -> None:
    """Command line."""
    parser = parser_of(__doc__, DEFAULTS)
    add_begun(parser)
    parser.add_argument("--checked", type=int, default=100, help="reels that the result is checked with (default 100)")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.threads:
        torch.set_num_threads(options.threads)
    file = options.work / f"lessons-{options.samples}.npz"
    sights = None if file.exists() else Sights(options.pictures, crops=CROPS)
    lessons = {
        name: torch.from_numpy(values) for name, values in make_lessons(sights, options.samples, 0, file).items()
    }
    for _ in range(options.slices):
        net = train(
            lessons,
            options.work / "state.pt",
            steps=options.steps,
            rate=options.rate,
            size=options.size,
            begun=options.begun,
            minutes=options.minutes,
        )
        if net is not None:
            break
    else:
        sys.exit(0)
    for stock in Stock:
        print(told(net, Sights(options.pictures, test=True), stock, HELD_BACK, options.checked))
    if options.output:
        export(net, options.output)
        stamp(options.output)


if __name__ == "__main__":
    main()
