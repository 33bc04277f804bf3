"""Fit what judges strands for remove_wires (`_wire_tracks`) to the network that finds wires, and print the weights.

    python scripts/train/strands.py --footage FOLDER [--seeds 1 2 3 11] [--frames 8] [--width 480]

Strands are taken from the clips of the benchmark of damage: with wires, and with props that look like them and without
anything. One that runs along a true wire is right, one that does not is wrong; a wrong one counts three times.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))

from _damage.cases import Case, cases
from detector.judging import fit

from vsfilmrestore.filters._motion import analysis_luma, mirrored
from vsfilmrestore.filters._wire_learned import looked_at, strands_in, sure_of
from vsfilmrestore.filters._wire_measured import Looked
from vsfilmrestore.filters._wire_sight import LENGTH, WIDEST, length_in, motion_behind, thickness_in, wire_sight
from vsfilmrestore.filters._wire_strands import Strand, course
from vsfilmrestore.filters._wire_tracks import FAR, MOVING, Judged, odds_of, tracked

type Reals = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]

HARD = (("hard ropes", 1), ("hard hair", 1), ("hard rain", 1), ("hard letters", 2), ("clean", 2))
"""Kinds of cases without wires, and their seeds."""
RIGHT, WRONG = 0.6, 0.25
"""Shares of a strand that run along a wire, in one that is right and in one that is wrong; between, it says nothing."""
COST = 3.0


class Heard(NamedTuple):
    """A strand of a frame: what is known of it, and whether it is right (1), wrong (0) or neither (-1)."""

    strand: Strand
    known: Reals
    right: float


def heard(case: Case, model: str) -> list[list[Heard]]:
    """Strands of each frame of a case, and of `FAR` mirrored frames at both ends."""
    clip = mirrored(case.damaged, 2 * FAR)
    thickness = thickness_in(WIDEST, clip.width)
    looked = Looked(clip, motion_behind(analysis_luma(clip), thickness), thickness, length_in(LENGTH, clip.width), 0.0)
    seen = wire_sight(clip, looked.motion)
    clips = looked_at(sure_of(model, seen), seen)
    out = []
    for n in range(clip.num_frames):
        frame = n - 2 * FAR
        if -FAR <= frame < case.damaged.num_frames + FAR:
            true = case.strands[:, frame] if 0 <= frame < case.damaged.num_frames else None
            found = strands_in([np.asarray(each.get_frame(n)[0]) for each in clips], looked)
            out.append([Heard(strand, known, _right(strand, true)) for strand, known in found])
    return out


def _right(strand: Strand, wires: Flags | None) -> float:
    import cv2

    if wires is None:
        return -1.0
    near = [cv2.dilate(wire.astype(np.float32), np.ones((3, 3), np.uint8)) for wire in wires]
    share = max((float(course(strand, each)[1].mean()) for each in near), default=0.0)
    return 1.0 if share >= RIGHT else 0.0 if share <= WRONG else -1.0


def weighed(rows: list[tuple[Reals, float]]) -> Reals:
    """Weights of a logistic regression, the constant last."""
    known, right = np.array([row for row, _ in rows]), np.array([kind for _, kind in rows])
    terms = np.hstack([known, np.ones((len(known), 1))])
    return fit(terms, right, np.where(right > 0, 1.0, COST), ridge=5e-4)


def of_tracks(clips: list[tuple[int, list[list[Heard]]]], weights: Reals) -> Iterator[tuple[Reals, float]]:
    """What is known of each strand by the frames around, by those weights of the frames themselves."""
    for width, frames in clips:
        judged = [[_judged(h, weights) for h in each] for each in frames]
        for n in range(FAR, len(frames) - FAR):
            around = judged[n - FAR : n + FAR + 1]
            yield from ((tracked(around, each, width), h.right) for each, h in zip(judged[n], frames[n], strict=True))


def _judged(strand: Heard, weights: Reals) -> Judged:
    return Judged(strand.strand, odds_of(strand.known, weights.tolist()), float(strand.known[MOVING]))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, required=True, help="folder with clips/ and overlays/")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 11], help="of the cases with wires")
    parser.add_argument("--clips", nargs="+", default=[], help="all when not given")
    parser.add_argument("--frames", type=int, default=8, help="of each clip (8)")
    parser.add_argument("--width", type=int, default=480, help="clips are scaled down to it (480)")
    parser.add_argument("--model", default="wires-t1", help="the network (wires-t1)")
    options = parser.parse_args()
    vs.core.max_cache_size = 1024
    clips = []
    for kind, seed in [*(("wire", seed) for seed in options.seeds), *HARD]:
        for case in cases(options.footage, kind, options.clips, options.frames, seed, width=options.width):
            clips.append((case.damaged.width, heard(case, options.model)))
            print(kind, seed, case.name, sum(map(len, clips[-1][1])), flush=True)
    first = weighed([(h.known, h.right) for _, frames in clips for each in frames for h in each if h.right >= 0])
    second = weighed([row for row in of_tracks(clips, first) if row[1] >= 0])
    for name, weights in (("_WEIGHTS", first), ("_TRACK_WEIGHTS", second)):
        print(name, np.array2string(weights, precision=3, separator=", "), "the constant last")


if __name__ == "__main__":
    main()
