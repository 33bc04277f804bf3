"""Fit the weights with which remove_dirt tells dirt from picture.

    python scripts/bench/fit_dirt.py --footage FOLDER [--out weights.npy]

FOLDER holds ``train/video/*.mp4`` (undamaged) and ``overlays/``; none of the clips of damage.py is used, and of the
shapes and of all ranges of the simulator only what is for training. Each clip is aged and damaged at one, two and three
times its speed, the specks that remove_dirt would consider are labelled by the true mask, and a logistic regression on
`remove_dirt.polynomial` of their features is fitted. A mistake weighs area times depth: the squared error it costs.
Prints the recall and the false area for clips left out of the fit, then writes or prints the weights.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import vapoursynth as vs
from _damage.cases import Case, damaged_case
from _damage.footage import load
from _fitting import Reals, Sample, command, joined, reached
from detector.judging import fit
from simulator import TRAIN

from vsfilmrestore.filters._dirt_measured import evidence
from vsfilmrestore.filters._dirt_sight import sight
from vsfilmrestore.filters._dirt_specks import polynomial, specks
from vsfilmrestore.filters._motion import mirrored

SPEEDS = (1, 2, 3)
THRESHOLDS = (0, 2, 4)
FRAMES = 6
CLEAN_WEIGHT = 2.0
"""A repair of a clip without damage is worse than a speck left."""


def sample(clip: vs.VideoNode, case: Case | None) -> Sample:
    """The specks of a clip; ``case`` gives the true masks, None says that nothing is dirt."""
    proof = evidence(sight(mirrored(clip, 2)))
    rows: list[Sample] = []
    for n, frames in enumerate(zip(*(m.frames() for m in proof.maps), strict=True)):
        if not 2 <= n < clip.num_frames + 2:
            continue
        found = specks(list(frames))
        count = len(found.features)
        area = np.bincount(found.labels.ravel(), minlength=count)
        truth = np.zeros(count)
        if case:
            truth = np.bincount(found.labels.ravel(), case.masks[n - 2].ravel().astype(float), count) / area
        cost = np.minimum(area, 60) * np.minimum(np.exp(found.features[:, 0]), 60) * (1 if case else CLEAN_WEIGHT)
        rows.append((found.features[1:], (truth > 0.35)[1:].astype(float), cost[1:]))
    return joined(rows)


def gather(footage: Path, seed: int) -> dict[str, Sample]:
    """Samples of every clip at every speed."""
    result = {}
    for path in sorted((footage / "train" / "video").glob("*.mp4")):
        parts = []
        for speed in SPEEDS:
            clip = load(path, 2, FRAMES * speed)[::speed]
            case = damaged_case(path.stem, clip, "specks", seed + speed, footage / "overlays", TRAIN)
            parts += [sample(case.damaged, case), sample(case.clean, None)]
        result[path.stem] = joined(parts)
        print(path.stem, len(result[path.stem][0]), flush=True)
    return result


def _fitted(samples: Sample) -> Reals:
    x, y, w = samples
    return fit(polynomial(x), y, w)


def judge(weights: Reals, samples: Sample) -> str:
    """Recall and false area at several thresholds, both by the cost of a mistake."""
    return reached(polynomial(samples[0]) @ weights, samples, THRESHOLDS)


if __name__ == "__main__":
    command(__doc__, gather, _fitted, judge, f"recall/false area at thresholds {', '.join(map(str, THRESHOLDS))}")
