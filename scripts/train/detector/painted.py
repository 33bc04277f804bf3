"""More specks than film has, painted flat on single frames: a second, cruder kind of dirt to learn from.

The simulator draws dirt as film gathers it, so that most of a sample is clean and most specks are alike. Whoever learns
from it alone knows one simulator rather than dirt.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from simulator import Atlas

__all__ = ["paint"]

_STEP = 1.01 / 255
_KINDS = ("dust", "dirt", "dirt", "hair-short", "hair-long")


def paint(damaged: torch.Tensor, atlas: Atlas, frames: tuple[int, ...], seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Paint specks on some frames of a clip.

    Args:
        damaged: T, 3, H, W from 0 to 1.
        atlas: Shapes.
        frames: Frames that get specks of their own.
        seed: All follows from it.

    Returns:
        The clip, and where it changed by more than one level of 8 bits: T, H, W, bool.
    """
    rng = np.random.default_rng((seed, 77))
    out = damaged.clone()
    middle = float(rng.uniform(2, 9))
    for n in frames:
        for _ in range(rng.poisson(7)):
            _speck(out[n], atlas, min(2 + rng.gamma(1.5, middle), 60.0), rng)
    changed = (out - damaged).abs().amax(1) > _STEP
    return torch.where(changed[:, None], out, damaged), changed


def _speck(frame: torch.Tensor, atlas: Atlas, side: float, rng: np.random.Generator) -> None:
    """One speck: a flat colour through a shape, or the picture made darker or brighter through it."""
    pool = atlas[_KINDS[rng.integers(len(_KINDS))]]
    level = min((size for size in pool.levels if size >= side), default=max(pool.levels))
    shape = torch.rot90(pool.levels[level][rng.integers(len(pool))], int(rng.integers(4)))
    size = max(round(side), 2)
    alpha = F.interpolate(shape[None, None], (size, size), mode="bilinear", antialias=True)[0, 0]
    alpha = _softened(F.pad(alpha, (3, 3, 3, 3)), float(rng.uniform(0.35, 1.1)))
    size = alpha.shape[0]
    top, left = (int(rng.integers(-size // 2, side - size // 2)) for side in frame.shape[1:])
    box = (slice(max(top, 0), top + size), slice(max(left, 0), left + size))
    part = frame[:, box[0], box[1]]
    alpha = alpha[max(-top, 0) :, max(-left, 0) :][: part.shape[1], : part.shape[2]] * float(rng.uniform(0.35, 1))
    part += alpha * (_colour(part, alpha, rng) - part)
    part.clamp_(0, 1)


def _colour(part: torch.Tensor, alpha: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """What shows where a speck is opaque, 3, H, W or 3, 1, 1."""
    kind = rng.random()
    if kind < 0.15:  # some levels darker or brighter than what it lies on
        here = (part * alpha).sum((1, 2), keepdim=True) / alpha.sum().clamp(min=1e-3)
        return here + float(rng.choice((-1, 1)) * rng.uniform(0.06, 0.3))
    level = rng.beta(0.5, 0.5)
    tint = rng.normal(0, 0.3, 3) if kind < 0.25 else np.zeros(3)
    return torch.from_numpy(np.clip(level + tint, 0, 1)).to(part)[:, None, None]


def _softened(alpha: torch.Tensor, sigma: float) -> torch.Tensor:
    reach = torch.arange(-3, 4, dtype=alpha.dtype)
    kernel = torch.exp(-0.5 * (reach / sigma) ** 2)
    kernel = kernel / kernel.sum()
    alpha = F.conv2d(alpha[None, None], kernel[None, None, None], padding=(0, 3))
    return F.conv2d(alpha, kernel[None, None, :, None], padding=(3, 0))[0, 0]
