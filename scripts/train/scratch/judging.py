"""How much of what is known of a line counts in judging it: `_scratch_judge`'s weights.

Lines that the network tells in samples are heard as the filter hears them and labelled by the truth; a logistic
regression is fitted in which a mistake weighs as the root of the squared error it costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from detector.judging import Heard, fit

from vsfilmrestore.filters._scratch_evidence import Evidence, Known, far_from_scene
from vsfilmrestore.filters._scratch_judge import terms_of
from vsfilmrestore.filters._scratch_learned import Told
from vsfilmrestore.filters._scratch_search import Maps, blocks_of, maps_of, unpacked
from vsfilmrestore.filters._scratch_sight import moved_onto

from .network import LineNet
from .samples import AROUND, KEPT, Posts, clips_of

__all__ = ["hear_lines", "judge"]

type Reals = npt.NDArray[np.float32]

SIZE = (252, 400)
"""Height and width of the clips."""
_REACHES = (3, 8)
_WIDEST = 9
"""Columns on either side that belong to a line."""
_PERHAPS = 0.3
"""Blocks of a line are as sure as that."""
_WORTH = {"length": 0.35, "known": 0.5, "height": 0.0, "score": 0.25}
"""What lines of which less is known are left by the filter anyhow."""
_APART = 0.08
_ADDS = 0.3
"""A block of a line adds so many levels."""
_RIGHT, _WRONG = 0.5, 0.15
"""Shares of the blocks that are of a line, in what is right and in what is wrong; what lies between teaches nothing."""
_LEAST = 40
_MOST = 4000.0
_RIDGE = 3e-3


def hear_lines(net: LineNet, pictures: Sequence[Posts], first: int, count: int) -> Heard:
    """What is known of lines in ``count`` clips from seed ``first`` on, 1 for scratches, and what a mistake weighs.

    The lessons take turns.
    """
    rows: list[tuple[Reals, float, float]] = []
    for n in range(count):
        for before, after in clips_of(pictures[n % len(pictures)], first + n, SIZE):
            maps = [unpacked(maps_of(frame, _REACHES), SIZE[0]) for frame in after]
            for frame in KEPT:
                around = [maps[frame + d] for d in range(-AROUND, AROUND + 1) if d]
                rows += _of_frame(net, maps[frame], around, after[frame] - before[frame])
    x, y, w = (np.array([row[k] for row in rows], np.float64) for k in range(3))
    return x, y, w


def _of_frame(net: LineNet, maps: Maps, around: Sequence[Maps], added: Reals) -> Iterator[tuple[Reals, float, float]]:
    told, evidence = _told(net, maps, around), Evidence(maps, around)
    true = cv2.resize(added, (added.shape[1], blocks_of(len(added))), interpolation=cv2.INTER_AREA)
    columns = np.arange(-_WIDEST, _WIDEST + 1)
    for run in told.runs(_PERHAPS, (True, False)):
        shape, truth = (run.strip(each, columns) for each in (told.of(run, _WIDEST), true))
        known = evidence.of(run, shape)
        if not _worth_judging(known):
            continue
        near = truth[:, _WIDEST - 2 : _WIDEST + 3] * (1 if run.bright else -1)
        tallest = np.take_along_axis(near, np.abs(near).argmax(1)[:, None], 1)
        share = float((tallest > _ADDS).mean())
        gain = float((truth**2).sum() - ((truth - shape) ** 2).sum())
        right = share > _RIGHT and gain > 0
        if right or share < _WRONG:
            cost = np.sqrt(np.clip(gain if right else (shape**2).sum(), 1, _MOST))
            yield terms_of(known, told.sureness(run)), float(right), float(cost)


def _worth_judging(known: Known) -> bool:
    return all(known[name] >= least for name, least in _WORTH.items()) and far_from_scene(known) > _APART


def _told(net: LineNet, maps: Maps, around: Sequence[Maps]) -> Told:
    others = [each.mean for each in around]
    seen = np.stack([maps.mean, *others, *moved_onto(maps.mean, others)]).astype(np.float32) / 255
    with torch.no_grad():
        added, sure, _ = net(torch.from_numpy(seen)[None])[0].numpy()
    return Told(255 * added, sure.copy())


def judge(rows: Heard) -> tuple[npt.NDArray[np.float64], str]:
    """Weights, the last of them the constant; what they reach on the last third, which they were not fitted to then.

    Raises:
        ValueError: There are too few lines of either kind.
    """
    x, y, w = rows
    if min(y.sum(), len(y) - y.sum()) < _LEAST:
        raise ValueError(f"{int(y.sum())} scratches and {int(len(y) - y.sum())} others are too few to fit a judge to.")
    terms = np.hstack([x, np.ones((len(x), 1))])
    cut = len(x) * 2 // 3
    odds = terms[cut:] @ fit(terms[:cut], y[:cut], w[:cut], ridge=_RIDGE)
    right, wrong = y[cut:] > 0, y[cut:] == 0
    cells = [f"{(odds[right] > t).mean():.2f}/{(odds[wrong] > t).mean():.3f}" for t in (0, 1.5, 3)]
    told = f"scratches taken / others taken at log odds 0, 1.5, 3: {' '.join(cells)}"
    return fit(terms, y, w, ridge=_RIDGE), told
