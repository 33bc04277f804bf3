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


_SOFT, _TWICE, _WHERE_IT_MOVES = 0.3, 0.3, 0.5
"""Of hard specks, shares that are out of focus, that lie on the next frame too, and that lie where something moves."""
_CELL = 8


def paint(
    damaged: torch.Tensor, atlas: Atlas, frames: tuple[int, ...], seed: int, hard: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Paint specks on some frames of a clip.

    Args:
        damaged: T, 3, H, W from 0 to 1.
        atlas: Shapes.
        frames: Frames that get specks of their own.
        seed: All follows from it.
        hard: Some are out of focus, some lie on the next frame too, many where something moves.

    Returns:
        The clip, and where it changed by more than one level of 8 bits: T, H, W, bool.
    """
    rng = np.random.default_rng((seed, 77))
    out = damaged.clone()
    middle = float(rng.uniform(2, 9))
    for n in frames:
        moves = _moves(damaged, n) if hard else None
        for _ in range(rng.poisson(7)):
            side = min(2 + rng.gamma(1.5, middle), 60.0)
            if moves is None:
                _speck(out[n], atlas, side, rng)
            else:
                _hard_speck(out[n : n + 2], atlas, side, rng, moves)
    changed = (out - damaged).abs().amax(1) > _STEP
    return torch.where(changed[:, None], out, damaged), changed


def _moves(clip: torch.Tensor, n: int) -> np.ndarray:
    """How likely a speck is to be laid in each square of `_CELL` pixels: where the frame before differs."""
    before = clip[n - 1] if n else clip[n + 1]
    differ = F.avg_pool2d((clip[n] - before).abs().mean(0)[None, None], _CELL)[0, 0].numpy().astype(np.float64) + 1e-4
    return np.asarray(differ / differ.sum())


def _speck(frame: torch.Tensor, atlas: Atlas, side: float, rng: np.random.Generator) -> None:
    """One speck: a flat colour through a shape, or the picture made darker or brighter through it."""
    shape = _shape(atlas, side, rng)
    alpha = _softened(F.pad(shape, (3, 3, 3, 3)), float(rng.uniform(0.35, 1.1)))
    size = alpha.shape[0]
    top, left = (int(rng.integers(-size // 2, side - size // 2)) for side in frame.shape[1:])
    _lay(frame, alpha, top, left, rng)


def _hard_speck(frames: torch.Tensor, atlas: Atlas, side: float, rng: np.random.Generator, moves: np.ndarray) -> None:
    """The same, on one or two frames, sharp or soft; ``moves`` as `_moves` gives it."""
    sigma = float(rng.uniform(0.8, 1 + 0.18 * side) if rng.random() < _SOFT else rng.uniform(0.35, 1.1))
    margin = _reach(sigma)
    alpha = _softened(F.pad(_shape(atlas, side, rng), (margin,) * 4), sigma)
    alpha = alpha / alpha.max().clamp(min=0.3)
    size = alpha.shape[0]
    if rng.random() < _WHERE_IT_MOVES:
        cells = np.divmod(rng.choice(moves.size, p=moves.ravel()), moves.shape[1])
        top, left = (int(at) * _CELL + int(rng.integers(_CELL)) - size // 2 for at in cells)
    else:
        top, left = (int(rng.integers(-size // 2, whole - size // 2)) for whole in frames.shape[2:])
    kind = rng.bit_generator.state
    _lay(frames[0], alpha, top, left, rng)
    if len(frames) > 1 and rng.random() < _TWICE:
        again = np.random.default_rng()
        again.bit_generator.state = kind  # the same once more: it was copied with the film
        step = rng.integers(-1, 2, 2) if rng.random() < 0.5 else (0, 0)
        _lay(frames[1], alpha, top + int(step[0]), left + int(step[1]), again)


def _shape(atlas: Atlas, side: float, rng: np.random.Generator) -> torch.Tensor:
    pool = atlas[_KINDS[rng.integers(len(_KINDS))]]
    level = min((size for size in pool.levels if size >= side), default=max(pool.levels))
    shape = torch.rot90(pool.levels[level][rng.integers(len(pool))], int(rng.integers(4)))
    size = max(round(side), 2)
    return F.interpolate(shape[None, None], (size, size), mode="bilinear", antialias=True)[0, 0]


def _lay(frame: torch.Tensor, alpha: torch.Tensor, top: int, left: int, rng: np.random.Generator) -> None:
    size = alpha.shape[0]
    box = (slice(max(top, 0), max(top + size, 0)), slice(max(left, 0), max(left + size, 0)))
    part = frame[:, box[0], box[1]]
    alpha = alpha[max(-top, 0) :, max(-left, 0) :][: part.shape[1], : part.shape[2]] * float(rng.uniform(0.35, 1))
    if alpha.numel() == 0:
        return
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


def _reach(sigma: float) -> int:
    return max(3, int(np.ceil(2.5 * sigma)))


def _softened(alpha: torch.Tensor, sigma: float) -> torch.Tensor:
    most = _reach(sigma)
    reach = torch.arange(-most, most + 1, dtype=alpha.dtype)
    kernel = torch.exp(-0.5 * (reach / sigma) ** 2)
    kernel = kernel / kernel.sum()
    alpha = F.conv2d(alpha[None, None], kernel[None, None, None], padding=(0, most))
    return F.conv2d(alpha, kernel[None, None, :, None], padding=(most, 0))[0, 0]
