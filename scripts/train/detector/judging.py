"""How much the word of the network counts beside the measures of a speck: `_dirt_judge`'s weights.

Specks of damaged samples are heard as the filter hears them and labelled by the truth; logistic regressions are fitted
in which a mistake weighs area times depth, the squared error it costs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from simulator import Pictures, Sample

from vsfilmrestore.filters._dirt_judge import heard, verdict, with_measures
from vsfilmrestore.filters._dirt_measured import evidence
from vsfilmrestore.filters._dirt_sight import sight
from vsfilmrestore.filters._dirt_specks import FEATURES, specks

from .network import SpotNet
from .stacks import KEPT, clip_of, damaged_samples, kinds_of, seen_of

__all__ = ["Heard", "fit", "hear", "judge", "judge_fully"]

type Reals = npt.NDArray[np.float64]
type Heard = tuple[Reals, Reals, Reals]
"""What is heard of each speck, 1 for dirt, cost of a mistake."""

CLEAN = 2.0
"""A repair of a clip without damage is worse than a speck left."""
_WORTH = -1.7
"""Log odds below which nothing is taken for dirt, however much strength."""
_DIRT = 0.35
"""Share of a speck that must be damaged."""


def hear(net: SpotNet, pictures: Pictures, overlays: Path | None, first: int, count: int) -> Heard:
    """Specks of ``count`` samples from seed ``first`` on: their measures, and what the network says of them."""
    rows: list[Heard] = []
    for sample, painted in damaged_samples(pictures, overlays, first, count):
        rows += list(_of_sample(net, sample, painted))
    x, y, w = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return x, y, w


def _of_sample(net: SpotNet, sample: Sample, painted: tuple[torch.Tensor, torch.Tensor] | None) -> list[Heard]:
    damaged = painted[0] if painted else sample.damaged
    seen = sight(clip_of(damaged))
    maps = evidence(seen).maps
    kinds = kinds_of(sample, painted)
    clean = 1.0 if (kinds == 255).any() else CLEAN
    rows = []
    for n in KEPT:
        with torch.no_grad():
            sure = net(torch.from_numpy(seen_of(seen, n))[None].float() / 255)[0, 0].numpy()
        found = specks([each.get_frame(n) for each in maps])
        owner, count = found.labels.ravel(), len(found.features)
        share = np.bincount(owner, (kinds[n] == 255).ravel(), count) / np.maximum(found.area, 1)
        other = np.bincount(owner, (kinds[n] == 128).ravel(), count) > 0
        cost = np.minimum(found.area, 60) * np.minimum(np.exp(found.features[:, 0]), 60) * clean
        kept = ~other & (np.arange(count) > 0)
        known = with_measures(found, heard(found, sure))
        rows.append((known[kept], (share > _DIRT)[kept].astype(float), cost[kept]))
    return rows


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


def judge_fully(rows: Heard) -> tuple[tuple[Reals, Reals], str]:
    """Weights of both regressions of `_dirt_judge`, of specks as `hear` hears them, and what they reach.

    The first is over measures and network in three numbers. The second is over all measures too, and fitted to what
    might be taken for dirt at all.
    """
    x, y, w = rows
    few = x[:, len(FEATURES) :]
    worth = (verdict(few) > _WORTH) | (few[:, 0] > 2 * _WORTH)
    weights, told = judge((few, y, w))
    full = fit(np.hstack([x, np.ones((len(x), 1))])[worth], y[worth], w[worth], ridge=1e-3)
    return (weights, full), told


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
