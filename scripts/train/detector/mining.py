"""Where a network that was trained still errs: what is left to learn from each sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from .crops import CELL, batch_of
from .network import SpotNet
from .training import weight_of

__all__ = ["MISTAKES", "mine"]

MISTAKES = ".mistakes.npy"
"""How badly the network errs in each square of a stack, in a file beside it."""
_AT_ONCE = 6


def mine(net: SpotNet, file: Path) -> None:
    """Write where ``net`` errs on what `stacks.make` wrote, unless that is there."""
    told = file.with_suffix(MISTAKES)
    if told.exists():
        return
    net = net.to(memory_format=torch.channels_last)
    pixels = np.load(file, mmap_mode="r")
    rows = [_mistakes(net, pixels[n : n + _AT_ONCE]) for n in range(0, len(pixels), _AT_ONCE)]
    part = told.with_suffix(".part.npy")
    np.save(part, np.concatenate(rows))
    part.replace(told)


def _mistakes(net: SpotNet, pixels: np.ndarray) -> np.ndarray:
    """N, H / CELL, W / CELL of what mistakes cost by `training.weight_of`."""
    with torch.no_grad():
        batch = batch_of(torch.from_numpy(np.array(pixels)))
        with torch.autocast("cpu", torch.bfloat16):
            logits = net.logits(batch.seen.contiguous(memory_format=torch.channels_last))
        wrong = (torch.sigmoid(logits[:, :1].float()) - batch.damage).abs() * weight_of(batch)
        return F.avg_pool2d(wrong, CELL)[:, 0].numpy().astype(np.float32)
