"""Batches of crops: where there is something to learn, mirrored, turned, run backwards, in another light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .stacks import Stacks

__all__ = ["CELL", "Batch", "Crops", "batch_of"]

CELL = 16
"""Side of the squares of which it is told what there is to learn, in pixels."""
_DULL = 0.3
"""Share of crops that are taken from anywhere."""
_ANY = 0.4
"""How often a stack comes of which nothing is left to learn, beside one that has as much as most."""
_FAINT, _PALE = 2.5 / 255, 0.06
"""Damage that changes luma and colour by less does not count: nobody sees it."""
_ENDS = 0.06
"""Share of crops that stand for an end of a shot."""


@dataclass(frozen=True)
class Batch:
    """What the network sees (B, 6, H, W), the clean luma, 1 for damage, 1 for what counts (all B, 1, H, W)."""

    seen: torch.Tensor
    clean: torch.Tensor
    damage: torch.Tensor
    counts: torch.Tensor


class Crops:
    """Crops of stacks. A batch follows from its number alone.

    Args:
        stacks: What `stacks.make` wrote.
        side: Side of a crop, a multiple of 8.
        seed: All follows from it.
        picked: Whether stacks with more to learn from come more often.
    """

    def __init__(self, stacks: list[Stacks], side: int, seed: int, picked: bool = False) -> None:
        self._stacks, self._side, self._seed = stacks, side, seed
        self._count = np.array([len(each.pixels) for each in stacks])
        self._shares = [_shares(each.worth) for each in stacks] if picked else []

    def batch(self, number: int, size: int, device: str = "cpu") -> Batch:
        """Batch ``number`` of ``size`` crops."""
        rng = np.random.default_rng((self._seed, number))
        raw = np.stack([self._crop(rng) for _ in range(size)])
        return batch_of(torch.from_numpy(raw).to(device), rng)

    def _crop(self, rng: np.random.Generator) -> np.ndarray:
        which = int(rng.choice(len(self._stacks), p=self._count / self._count.sum()))
        part = self._stacks[which]
        n = (
            int(rng.choice(len(part.pixels), p=self._shares[which]))
            if self._shares
            else int(rng.integers(len(part.pixels)))
        )
        stack, side = part.pixels[n], self._side
        rows, columns = part.worth.shape[1:]
        if rng.random() < _DULL:
            cell = int(rng.integers(rows * columns))
        else:
            worth = part.worth[n].ravel() + 1e-3
            cell = int(rng.choice(rows * columns, p=worth / worth.sum()))
        top, left = (
            min(max(int(at * CELL + rng.integers(CELL) - side // 2), 0), whole - side)
            for at, whole in zip(divmod(cell, columns), stack.shape[1:], strict=True)
        )
        crop = np.rot90(stack[:, top : top + side, left : left + side], int(rng.integers(4)), (1, 2))
        crop = crop[:, :, ::-1] if rng.random() < 0.5 else crop
        crop = crop[[0, 4, 3, 2, 1, 5, 6, 7]] if rng.random() < 0.5 else crop
        # At the ends of a shot the neighbours of one side stand in for those of the other.
        return np.ascontiguousarray(crop[[0, 1, 2, 2, 1, 5, 6, 7]] if rng.random() < _ENDS else crop)


def _shares(worth: np.ndarray) -> np.ndarray:
    """How often each stack of a file comes."""
    mean = worth.mean((1, 2), dtype=np.float64)
    share: np.ndarray = mean + _ANY * mean.mean()
    return share / share.sum()


def batch_of(stacks: torch.Tensor, rng: np.random.Generator | None = None) -> Batch:
    """Stacks of bytes, B, CHANNELS, H, W, as a batch; in another light where ``rng`` is given."""
    pixels = stacks.float() / 255
    seen, clean, kind = pixels[:, :6], pixels[:, 6:7], pixels[:, 7:]
    faint = (kind > 0.75) & ((seen[:, :1] - clean).abs() < _FAINT) & (seen[:, 5:] < _PALE)
    counts = (((kind < 0.25) | (kind > 0.75)) & ~faint).float()
    if rng is not None:
        luma = _relit(torch.cat((seen[:, :5], clean), 1), rng)
        seen, clean = torch.cat((luma[:, :5], seen[:, 5:]), 1), luma[:, 5:]
    return Batch(seen, clean, (kind > 0.75).float(), counts)


def _relit(luma: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Another contrast, brightness or gamma for each crop, now and then a negative."""
    size = (len(luma), 1, 1, 1)
    gamma = torch.from_numpy(np.exp(rng.normal(0, 0.25, size))).to(luma)
    gain = torch.from_numpy(rng.uniform(0.6, 1.1, size)).to(luma)
    lift = torch.from_numpy(rng.uniform(0, 1, size)).to(luma)
    turned = torch.from_numpy(rng.random(size) < 0.3).to(luma.device)
    luma = torch.where(turned, 1 - luma, luma) ** gamma * gain
    return luma + lift * (1 - gain).clamp(min=0)
