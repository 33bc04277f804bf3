"""The way to tape or file, and the scanner: what comes after all damage to film. Done alike to clean and damaged."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from .chance import Dice
from .distributions import RANGES
from .tools import GAMMA, blur, tensor

__all__ = ["BLOCK", "combed", "compressed", "dropouts", "scanned"]

BLOCK = 8
_TO_YCC = np.array([[0.2126, 0.7152, 0.0722], [-0.1146, -0.3854, 0.5], [0.5, -0.4542, -0.0458]])


def combed(stack: torch.Tensor, blend: bool) -> torch.Tensor:
    """Every other row from the next frame (fields of two frames woven), or both blended, in one frame of three."""
    later = torch.cat((stack[1:], stack[-1:]))
    hit = (torch.arange(len(stack), device=stack.device) % 3 == 2)[:, None, None, None]
    if blend:
        return torch.where(hit, (stack + later) / 2, stack)
    rows = (torch.arange(stack.shape[-2], device=stack.device) % 2 == 1)[:, None]
    return torch.where(hit & rows, later, stack)


def dropouts(dice: Dice, size: tuple[int, int, int], device: torch.device) -> torch.Tensor:
    """Opacity of streaks one or two rows high where tape gave no signal: T, H, W."""
    alpha = np.zeros(size, np.float32)
    for frame in range(size[0]):
        for _ in range(int(dice.rng.poisson(0.7)) + (frame == size[0] // 2)):
            top, left = int(dice.rng.integers(size[1])), int(dice.rng.integers(-8, size[2] - 4))
            length = int(dice.between(6, max(size[2] * 0.6, 8)))
            fall = np.linspace(1, float(dice.between(0.2, 1)), length)
            part = alpha[frame, top : top + int(dice.rng.integers(1, 3)), max(left, 0) : left + length]
            part[:] = np.maximum(part, fall[-part.shape[1] :] if part.shape[1] else 0)
    return torch.from_numpy(alpha).to(device)


def compressed(dice: Dice, picture: torch.Tensor, chroma: float, coarse: float) -> torch.Tensor:
    """Narrow chroma and the quantised 8 x 8 cosine transform that all MPEG codecs share (intra frames alone)."""
    height, width = picture.shape[-2:]
    pad = (0, -width % BLOCK, 0, -height % BLOCK)
    ycc = torch.einsum("ij,tjhw->tihw", tensor(_TO_YCC, picture), F.pad(picture, pad, mode="replicate"))
    ycc = torch.cat((ycc[:, :1], blur(ycc[:, 1:], chroma, chroma / 2)), 1)
    frames, _, tall, wide = ycc.shape
    blocks = ycc.view(frames, 3, tall // BLOCK, BLOCK, wide // BLOCK, BLOCK).transpose(3, 4)
    base = tensor(_cosines(), picture)
    steps = tensor(_steps(), picture) * coarse / 255
    steps = torch.stack((steps, steps * 1.6, steps * 1.6))[:, None, None]
    waves = base @ blocks @ base.T
    waves = (waves / steps).round() * steps
    ycc = (base.T @ waves @ base).transpose(3, 4).reshape(frames, 3, tall, wide)
    back = tensor(np.linalg.inv(_TO_YCC), picture)
    return torch.einsum("ij,tjhw->tihw", back, ycc)[..., :height, :width].clamp(0, 1)


def _cosines() -> np.ndarray:
    n = np.arange(BLOCK)
    base = np.cos((2 * n[None] + 1) * n[:, None] * math.pi / (2 * BLOCK)) * math.sqrt(2 / BLOCK)
    base[0] /= math.sqrt(2)
    return base


def _steps() -> np.ndarray:
    """Coarser for finer waves, as the default intra matrix of MPEG-2 is: from 8 to 83, in 8-bit levels."""
    n = np.arange(BLOCK)
    return 8 + (n[:, None] + n[None]) * 5.4


def scanned(picture: torch.Tensor, depth: str) -> torch.Tensor:
    """Quantised as the scan is: "8 bit", "10 bit" or "10 bit log" (0.002 of density to a code, as in Cineon)."""
    if depth == "10 bit log":
        codes = (685 + torch.log10(picture.clamp(min=1e-4) ** GAMMA) * 300).clamp(0, 1023).round()
        return (10 ** ((codes - 685) / 300)).clamp(0, 1) ** (1 / GAMMA)
    top = 255 if depth == "8 bit" else 1023
    return (picture * top).round() / top


def video_ranges(dice: Dice) -> tuple[float, float]:
    """How narrow chroma is, and how coarse the compression."""
    return dice.draw(RANGES["chroma width"]), dice.draw(RANGES["compression"])
