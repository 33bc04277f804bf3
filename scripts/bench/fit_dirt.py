"""Fit the weights with which remove_dirt tells dirt from picture.

    python scripts/bench/fit_dirt.py --footage FOLDER [--out weights.npy]

FOLDER holds ``train/video/*.mp4`` (undamaged) and ``overlays/``; none of the clips of damage.py is used, and of the
shapes only every second one. Each clip is damaged in several ways (grain, flicker, weave, double and triple speed),
the specks that remove_dirt would consider are labelled by the true mask, and a logistic regression on
`remove_dirt.polynomial` of their features is fitted. A mistake weighs area times depth: the squared error it costs.
Prints the recall and the false area for clips left out of the fit, then writes or prints the weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from damage import Case, Picture, clip_of, load, planes_of, shapes, with_dirt

from vsfilmrestore.filters._dirt_measured import evidence
from vsfilmrestore.filters._dirt_sight import sight
from vsfilmrestore.filters._dirt_specks import polynomial, specks
from vsfilmrestore.filters._motion import mirrored

core = vs.core

type Reals = npt.NDArray[np.float64]
type Sample = tuple[Reals, Reals, Reals]
"""Features, 1 for dirt, cost of a mistake."""

VARIANTS = ((1, 0.0, 0.0, 0.0, 0.004), (2, 0.0, 0.0, 0.0, 0.003), (3, 0.0, 0.0, 0.0, 0.004),
            (1, 5.0, 0.02, 0.4, 0.002), (2, 10.0, 0.04, 0.8, 0.006))  # fmt: skip
"""Speed, grain, flicker, weave, share of dirt."""
FRAMES = 6
CLEAN_WEIGHT = 2.0
"""A repair of a clip without damage is worse than a speck left."""


def aged(clip: vs.VideoNode, grain: float, flicker: float, weave: float, seed: int) -> vs.VideoNode:
    """The clip with grain (sigma in 8-bit levels), flicker (share) and weave (pixels)."""
    rng = np.random.default_rng(seed)
    return clip_of([_aged_frame(planes, grain, flicker, weave, rng) for planes in planes_of(clip)], _blank(clip))


def _aged_frame(
    planes: list[Picture], grain: float, flicker: float, weave: float, rng: np.random.Generator
) -> list[Picture]:
    gain, shift = 1 + rng.normal(0, flicker), rng.normal(0, weave, 2)
    out: list[Picture] = []
    for index, plane in enumerate(planes):
        dx, dy = shift / (2 if index else 1)
        move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        moved = cv2.warpAffine(
            plane.astype(np.float32), move, plane.shape[::-1], None, cv2.INTER_CUBIC, cv2.BORDER_REFLECT
        )
        noise = cv2.GaussianBlur(rng.normal(0, 1, plane.shape), (0, 0), 0.7)
        noise *= grain / noise.std() * (0.3 if index else 1)
        if index == 0:
            tone = (moved / 255).clip(0, 1)
            moved, noise = moved * gain, noise * (0.4 + 1.2 * np.sqrt(tone * (1 - tone)))
        out.append(np.rint((moved + noise).clip(0, 255)).astype(np.uint8))
    return out


def _blank(clip: vs.VideoNode) -> vs.VideoNode:
    return core.std.BlankClip(clip, keep=True)


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
    return _joined(rows)


def _joined(rows: list[Sample]) -> Sample:
    x, y, w = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return x, y, w


def gather(footage: Path, seed: int) -> dict[str, Sample]:
    """Samples of every clip and variant."""
    pool = shapes(footage / "overlays", np.random.default_rng(seed))[::2]
    result = {}
    for number, path in enumerate(sorted((footage / "train" / "video").glob("*.mp4"))):
        parts = []
        for kind, (speed, grain, flicker, weave, share) in enumerate(VARIANTS):
            clip = load(path, 2, FRAMES * speed)[::speed]
            clean = aged(clip, grain, flicker, weave, seed + kind) if grain else clip_of(planes_of(clip), _blank(clip))
            case = with_dirt(path.stem, clean, share, pool, seed + 10 * number + kind)
            parts += [sample(case.damaged, case), sample(clean, None)]
        result[path.stem] = _joined(parts)
        print(path.stem, len(result[path.stem][0]), flush=True)
    return result


def fit(x: Reals, y: Reals, w: Reals, ridge: float = 3e-4, rounds: int = 40) -> Reals:
    """Weighted logistic regression on the polynomial of ``x``, by Newton steps on standardised terms."""
    terms = polynomial(x)
    mean, spread = terms.mean(0), terms.std(0) + 1e-6
    mean[-1], spread[-1] = 0, 1
    z, w = (terms - mean) / spread, w / w.sum()
    penalty = np.full(z.shape[1], 2 * ridge)
    penalty[-1] = 1e-9
    beta = np.zeros(z.shape[1])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-(z @ beta).clip(-30, 30)))
        slope = z.T @ (w * (p - y)) + penalty * beta
        bend = (z * (w * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ z + np.diag(penalty)
        step = np.linalg.solve(bend, slope)
        beta -= step * min(1.0, 3.0 / (np.abs(step).max() + 1e-12))
    weights = beta / spread
    weights[-1] = beta[-1] - (beta[:-1] * mean[:-1] / spread[:-1]).sum()
    return weights


def judge(weights: Reals, samples: Sample) -> str:
    """Recall and false area at several thresholds, both by the cost of a mistake."""
    x, y, w = samples
    score, dirt = polynomial(x) @ weights, (w * y).sum()
    cells = (
        [(w * y * (score > t)).sum() / dirt for t in (0, 2, 4)],
        [(w * (1 - y) * (score > t)).sum() / dirt for t in (0, 2, 4)],
    )
    return "  ".join(f"{right:.2f}/{wrong:.3f}" for right, wrong in zip(*cells, strict=True))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="write the weights here instead of printing them")
    parser.add_argument("--folds", type=int, default=3, help="parts the clips are left out in (default 3)")
    parser.add_argument("--seed", type=int, default=100)
    options = parser.parse_args()
    clips = gather(options.footage, options.seed)
    names = list(clips)
    print("\nleft out: recall/false area at thresholds 0, 2, 4")
    for part in range(options.folds):
        out = names[part :: options.folds]
        weights = fit(*_joined([clips[n] for n in names if n not in out]))
        for name in out:
            print(f"{name:14} {judge(weights, clips[name])}", flush=True)
    weights = fit(*_joined(list(clips.values())))
    if options.out:
        np.save(options.out, weights)
    else:
        print(np.array2string(weights, precision=3, separator=", ", suppress_small=True))


if __name__ == "__main__":
    main()
