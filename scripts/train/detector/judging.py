"""How much the word of the network counts beside the measures of a speck: `_dirt_judge`'s weights.

Specks, and pieces that the network marks, of damaged samples are heard as the filter hears them and labelled by the
truth; logistic regressions are fitted in which a mistake weighs area times depth, the squared error it costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from simulator import Pictures, Sample

from vsfilmrestore.filters._dirt_judge import heard, stands_apart, with_measures
from vsfilmrestore.filters._dirt_learned import EDGE
from vsfilmrestore.filters._dirt_measured import evidence
from vsfilmrestore.filters._dirt_sight import sight
from vsfilmrestore.filters._dirt_specks import FEATURES, Specks, specks

from .network import SpotNet
from .stacks import KEPT, clip_of, damaged_samples, kinds_of, seen_of

__all__ = ["Heard", "fit", "hear", "judge", "judge_fully"]

type Reals = npt.NDArray[np.float64]
type Heard = tuple[Reals, Reals, Reals]
"""What is heard of each speck, 1 for dirt, cost of a mistake."""

CLEAN = 2.0
"""A repair of a clip without damage is worse than a speck left."""
_WORTH = -3.5
"""Log odds below which, by the network's surest pixel, nothing is taken for dirt; the same 0.5 above by measures."""
_WHOLE = len(FEATURES) + 4
"""Where in what is known stands how far a speck is from the middle of its neighbours."""
_DIRT = 0.35
"""Share of a speck that must be damaged."""


def hear(net: SpotNet, pictures: Pictures, overlays: Path | None, first: int, count: int) -> tuple[Heard, Heard]:
    """Specks, and pieces of the network's, of ``count`` samples from seed ``first`` on, and what is known of them."""
    rows: tuple[list[Heard], list[Heard]] = ([], [])
    for sample, painted in damaged_samples(pictures, overlays, first, count):
        for specks_of, pieces_of in _of_sample(net, sample, painted):
            rows[0].append(specks_of)
            rows[1].append(pieces_of)
    return _joined(rows[0]), _joined(rows[1])


def _joined(rows: list[Heard]) -> Heard:
    x, y, w = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return x, y, w


def _of_sample(
    net: SpotNet, sample: Sample, painted: tuple[torch.Tensor, torch.Tensor] | None
) -> Iterator[tuple[Heard, Heard]]:
    """What is known of the specks and pieces of each frame that is kept."""
    damaged = painted[0] if painted else sample.damaged
    seen = sight(clip_of(damaged))
    maps, lumas = evidence(seen).maps, seen.lumas
    kinds = kinds_of(sample, painted)
    clean = 1.0 if (kinds == 255).any() else CLEAN
    for n in KEPT:
        with torch.no_grad():
            sure = net(torch.from_numpy(seen_of(seen, n))[None].float() / 255)[0, 0].numpy()
        now, *moved = (np.asarray(clip.get_frame(n)[0]) for clip in lumas)
        marked, apart = sure >= EDGE, stands_apart(now, moved)
        frames = [each.get_frame(n) for each in maps]
        found, pieces = specks(frames), specks(frames, marked.astype(np.uint8))
        known = [
            with_measures(found, heard(found, sure), apart, marked),
            with_measures(pieces, heard(pieces, sure), apart, found.labels > 0),
        ]
        yield _labelled(found, known[0], kinds[n], clean), _labelled(pieces, known[1], kinds[n], clean)


def _labelled(found: Specks, known: Reals, kinds: npt.NDArray[np.uint8], clean: float) -> Heard:
    """What is known of each speck with the truth; ``kinds`` of pixels as `kinds_of` gives them."""
    owner, count = found.labels.ravel(), len(found.features)
    share = np.bincount(owner, (kinds == 255).ravel(), count) / np.maximum(found.area, 1)
    other = np.bincount(owner, (kinds == 128).ravel(), count) > 0
    depth = np.exp(np.maximum(found.features[:, 0], known[:, _WHOLE]))
    cost = np.minimum(found.area, 60) * np.minimum(depth + 1, 60) * clean
    kept = ~other & (np.arange(count) > 0)
    return known[kept], (share > _DIRT)[kept].astype(float), cost[kept]


def fit(terms: Reals, y: Reals, w: Reals, ridge: float = 3e-4, rounds: int = 40) -> Reals:
    """Weights of a logistic regression, by Newton steps on standardised terms; the last term is 1."""
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
    weights: Reals = beta / spread
    weights[-1] = beta[-1] - (beta[:-1] * mean[:-1] / spread[:-1]).sum()
    return weights


def judge_fully(specks_of: Heard, pieces_of: Heard) -> tuple[dict[str, Reals], str]:
    """Weights of all regressions of `_dirt_judge`, constants last, and what those of specks reach.

    They are fitted to what might be taken for dirt at all.
    """
    first = len(FEATURES)
    few, told = judge((specks_of[0][:, first : first + 3], *specks_of[1:]))
    weights = {"_WEIGHTS": few}
    for name, (x, y, w) in (("_SPECK", specks_of), ("_PIECE", pieces_of)):
        worth = (x[:, first + 1] > _WORTH) | (x[:, first] > _WORTH + 0.5)
        weights[name] = fit(np.hstack([x, np.ones((len(x), 1))])[worth], y[worth], w[worth], ridge=1e-3)
    return weights, told


def judge(rows: Heard) -> tuple[Reals, str]:
    """Weights, and what they reach on the last third, which they were not fitted to in that judgement."""
    x, y, w = rows
    terms = np.hstack([x, np.ones((len(x), 1))])
    cut = len(x) * 2 // 3
    trial = terms[cut:] @ fit(terms[:cut], y[:cut], w[:cut])
    alone = x[cut:, 0]
    told = [f"{name}: {_reached(score, y[cut:], w[cut:])}" for name, score in (("both", trial), ("measures", alone))]
    return fit(terms, y, w), "; ".join(told)


def _reached(score: Reals, y: Reals, w: Reals) -> str:
    """Share of the damage found (by cost) and false cost beside it, at log odds 0, 1, 2."""
    dirt = (w * y).sum()
    cells = [((w * y * (score > t)).sum() / dirt, (w * (1 - y) * (score > t)).sum() / dirt) for t in (0, 1, 2)]
    return " ".join(f"{right:.2f}/{wrong:.3f}" for right, wrong in cells)
