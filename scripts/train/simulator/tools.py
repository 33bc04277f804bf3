"""Small operations on tensors: T, C, H, W float, pictures from 0 to 1 as displayed (gamma 2.2)."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

__all__ = ["GAMMA", "blur", "field", "grid", "luma", "moved", "tensor", "to_display", "to_light", "up"]

GAMMA = 2.2
_LEAST = 0.15
"""A Gaussian narrower than this, in pixels, does nothing."""
_WEIGHTS = (0.2126, 0.7152, 0.0722)


def to_light(picture: torch.Tensor) -> torch.Tensor:
    """Linear light, which for a print is its transmittance."""
    return picture.clamp(0, 1) ** GAMMA


def to_display(light: torch.Tensor) -> torch.Tensor:
    """The reverse of `to_light`."""
    return light.clamp(0, 1) ** (1 / GAMMA)


def tensor(values: object, like: torch.Tensor) -> torch.Tensor:
    """Numbers on the device of a picture."""
    return torch.as_tensor(np.asarray(values), dtype=torch.float32).to(like.device)


def luma(picture: torch.Tensor) -> torch.Tensor:
    """T, 1, H, W."""
    return (picture * tensor(_WEIGHTS, picture)[:, None, None]).sum(1, keepdim=True)


def blur(picture: torch.Tensor, sigma: float, sigma_y: float | None = None) -> torch.Tensor:
    """Gaussian, separable, mirrored at the edges; what is exactly 0 farther than 3 sigma away stays 0."""
    sigma_y = sigma if sigma_y is None else sigma_y
    if sigma >= _LEAST:
        picture = picture @ _mixing(sigma, picture.shape[-1], picture.device).T
    return _mixing(sigma_y, picture.shape[-2], picture.device) @ picture if sigma_y >= _LEAST else picture


def _mixing(sigma: float, side: int, device: torch.device) -> torch.Tensor:
    """How much each pixel of a row gives to each: a product of matrices is faster than a convolution of one channel."""
    radius = min(math.ceil(3 * sigma), side - 1)
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    rows = np.arange(side)[:, None] + 0 * np.arange(2 * radius + 1)
    columns = np.abs(np.arange(side)[:, None] + np.arange(-radius, radius + 1))
    columns = np.where(columns >= side, 2 * (side - 1) - columns, columns)
    out = np.zeros((side, side), np.float32)
    np.add.at(out, (rows, columns), taps / taps.sum())
    return torch.from_numpy(out).to(device)


def grid(like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Coordinates y (H, 1) and x (1, W) of the centres of pixels."""
    height, width = like.shape[-2:]
    y = torch.arange(height, device=like.device, dtype=torch.float32)[:, None]
    x = torch.arange(width, device=like.device, dtype=torch.float32)[None]
    return y, x


def moved(picture: torch.Tensor, dx: np.ndarray, dy: np.ndarray, degrees: np.ndarray | None = None) -> torch.Tensor:
    """Each frame shifted by pixels (right, down) and turned about its centre; edges are mirrored."""
    height, width = picture.shape[-2:]
    y, x = grid(picture)
    angle = np.zeros(len(dx)) if degrees is None else np.radians(degrees)
    cos, sin = (tensor(f(angle), picture)[:, None, None] for f in (np.cos, np.sin))
    u = x[None] - (width - 1) / 2 - tensor(dx, picture)[:, None, None]
    v = y[None] - (height - 1) / 2 - tensor(dy, picture)[:, None, None]
    at = torch.stack(((cos * u + sin * v) * 2 / width, (cos * v - sin * u) * 2 / height), -1)
    return F.grid_sample(picture, at, mode="bilinear", padding_mode="reflection", align_corners=False)


def up(small: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A coarse field, N, C, h, w, drawn out smoothly."""
    return F.interpolate(small, size, mode="bicubic", align_corners=True)


def field(noise: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A smooth random field about 0 with a spread near 1, from coarse noise (C, h, w)."""
    return up(noise[None], size)[0]
