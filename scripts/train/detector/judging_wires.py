"""What counts how much in judging a piece of which the network thinks that it is a wire: `_wire_judge`'s weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from simulator import Pictures, Sample

from vsfilmrestore.filters._wire_judge import pieces_of
from vsfilmrestore.filters._wire_sight import LENGTH, WIDEST, length_in, thickness_in

from .judging import Heard
from .lessons import WIRES
from .network import SpotNet
from .stacks import KEPT, clip_of, damaged_samples, kinds_of, seen_of

__all__ = ["hear_wires"]

_WIDEST_SCAN = 1600
"""Pixels; in a wider one a sample is too short for a wire."""
_RIGHT, _WRONG = 0.3, 0.05
"""Shares of a piece that are wires, in one that is right and in one that is wrong; those between teach nothing."""
_SEEN = 2.5 / 255
"""A wire that changes luma by less on the average is not there."""


def hear_wires(net: SpotNet, pictures: Pictures, overlays: Path | None, first: int, count: int) -> Heard:
    """What is known of the pieces in samples from seed ``first`` on, 1 for wires, and what a mistake weighs."""
    rows: list[Heard] = []
    for sample, _ in damaged_samples(pictures, overlays, first, count, WIRES):
        if sample.film.width <= _WIDEST_SCAN:
            rows += [_of_frame(net, sample, n, seen) for n, seen in _seen(sample)]
    x, y, w = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return x, y, w


def _seen(sample: Sample) -> list[tuple[int, np.ndarray]]:
    seen = WIRES.look(clip_of(sample.damaged), sample.film)
    return [(n, seen_of(seen, n)) for n in KEPT]


def _of_frame(net: SpotNet, sample: Sample, n: int, seen: np.ndarray) -> Heard:
    with torch.no_grad():
        sure = net(torch.from_numpy(seen)[None].float() / 255)[0, 0].numpy()
    width = sample.film.width
    labels, known = pieces_of(sure, length_in(LENGTH, width), thickness_in(WIDEST, width))
    owner, count = labels.ravel(), len(known)
    area = np.bincount(owner, minlength=count)
    kinds = kinds_of(sample, lesson=WIRES)[n].ravel()
    share = np.bincount(owner, kinds == 255, count) / np.maximum(area, 1)
    between = np.bincount(owner, kinds == 128, count) / np.maximum(area, 1)
    apart = (sample.damaged[n] - sample.clean[n]).abs().mean(0).numpy().ravel()
    seen_there = np.bincount(owner, apart, count) / np.maximum(area, 1) > _SEEN
    kept = (area > 0) & (between < _WRONG) & ((share < _WRONG) | ((share > _RIGHT) & seen_there))
    kept[0] = False
    return known[kept], (share > _RIGHT)[kept].astype(float), np.sqrt(area)[kept]
