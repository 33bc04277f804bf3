"""What the network learns from: crops of photographs, and what a copy, a lens and a codec leave of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from vsfilmrestore.filters._crispness import crispness_of

from .kernels import HALVES, gaussian, halving

__all__ = ["BLURS", "Lesson", "Stills", "degraded", "lesson", "stills_of"]

_KINDS = (".webp", ".jpg", ".jpeg", ".png")
_HELD = 16
"""Every so many a photograph is held back."""
_SIZES = (1.0, 0.72, 0.5)
"""Photographs are soft at their own size; averaged to less they are sharp."""
BLURS = 1.8
"""Largest sigma of a blur, in pixels of the small picture."""
_RADIUS = 13
_MARGIN = 24
_CLEAN = 0.5
"""Share of the crops that were made smaller and are else as they were."""
_OWN = (0.3, 2.5)
"""Share of the crops that are soft of themselves, and the largest sigma of that, in pixels of the large picture."""

type Stills = list[np.ndarray]


@dataclass(frozen=True)
class Lesson:
    """A batch.

    Attributes:
        seen: B, 3, side, side: luma 0..1, the sigma over `BLURS` of the blur that is to go, how crisp it is (see
            `vsfilmrestore.filters._crispness`).
        large: B, 1, twice the side: what an enlargement should be.
    """

    seen: torch.Tensor
    large: torch.Tensor


def stills_of(folder: Path, *, held: bool) -> Stills:
    """Luma of the photographs of a folder in several sizes, those to learn from or those that are held back."""
    files = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in _KINDS]
    chosen = [file for n, file in enumerate(files) if (n % _HELD == _HELD // 2) == held]
    if not chosen:
        raise FileNotFoundError(f"{folder} holds too few photographs ({', '.join(_KINDS)}).")
    return [grey for file in chosen for grey in _sizes(file, (1.0,) if held else _SIZES)]


def _sizes(file: Path, sizes: Sequence[float]) -> list[np.ndarray]:
    grey = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        return []
    return [grey if s == 1 else cv2.resize(grey, None, fx=s, fy=s, interpolation=cv2.INTER_AREA) for s in sizes]


def lesson(stills: Stills, step: int, size: int, side: int) -> Lesson:
    """The batch of a step: the same whenever it is made."""
    rng = np.random.default_rng([step, 11])
    crops = torch.from_numpy(np.stack([_crop(stills, rng, 2 * side + 2 * _MARGIN) for _ in range(size)]))[:, None]
    return degraded(crops, rng)


def degraded(crops: torch.Tensor, rng: np.random.Generator) -> Lesson:
    """What a copy leaves of large pictures, B, 1, height, width, with a margin that is cut off.

    Grain stays, enlarged plainly. Many are soft of themselves, and are to stay so: a network that sees sharp pictures
    only draws every edge sharp, whatever it is told.
    """
    clean = rng.random(len(crops)) < _CLEAN
    blurs = [(0.0, 1.0) if well else _blur(rng) for well in clean]
    owns = [_own(rng) for _ in clean]
    names = [HALVES[k] for k in rng.integers(len(HALVES), size=len(crops))]
    halves = [own / 2 for own in owns]
    across, down = ([math.hypot(b * s**way, h) for (b, s), h in zip(blurs, halves, strict=True)] for way in (1, -1))
    soft = _halved(crops, names, across, down)
    noise = torch.from_numpy(np.stack([_grain(rng, p[0].numpy(), well) for p, well in zip(soft, clean, strict=True)]))
    levels = (soft[:, 0] + noise).clamp(0, 1).numpy()
    worn = [_coded(rng, picture, well) for picture, well in zip(levels, clean, strict=True)]
    planes = torch.tensor([[b / BLURS, crispness_of(p)] for (b, _), p in zip(blurs, worn, strict=True)])
    small = torch.from_numpy(np.stack(worn))[:, None]
    seen = torch.cat((small, planes[:, :, None, None].expand(-1, -1, *small.shape[-2:])), 1)
    large = torch.stack([_softer(crop, own) for crop, own in zip(crops, owns, strict=True)])
    return Lesson(seen, large + F.interpolate(noise[:, None], scale_factor=2, mode="bicubic", align_corners=False))


def _crop(stills: Stills, rng: np.random.Generator, side: int) -> np.ndarray:
    """A crop in any mirror image, with detail in it if one is found, and with the tones of some copy."""
    for _ in range(3):
        still = stills[int(rng.integers(len(stills)))]
        if min(still.shape) < side:
            still = cv2.copyMakeBorder(still, *[side // 2] * 4, cv2.BORDER_REFLECT_101)
        top, left = (int(rng.integers(full - side + 1)) for full in still.shape)
        crop = still[top : top + side, left : left + side]
        if crop[::2, ::2].std() > 12:
            break
    crop = np.rot90(crop, int(rng.integers(4)))
    crop = (crop[:, ::-1] if rng.random() < 0.5 else crop).astype(np.float32) / 255
    return _filmed(_toned(crop, rng), rng)


def _filmed(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One in four with the grain of the film in it, one in six as a codec left it: the picture, nothing to take out."""
    if rng.random() < 0.25:
        noise = cv2.GaussianBlur(rng.standard_normal(crop.shape, np.float32), (0, 0), rng.uniform(0.4, 1.3))
        crop = np.clip(crop + noise * np.float32(rng.uniform(1, 7) / 255 / noise.std()), 0, 1)
    return _coded(rng, crop, False) if rng.random() < 0.45 else crop


def _toned(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Contrast of the second generation and of faded prints: part of the picture, nothing to take out."""
    if rng.random() < 0.5:
        crop = crop ** np.float32(np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.3:
        gain = rng.uniform(0.8, 1.3)
        crop = 0.5 + np.tanh((crop - 0.5) * 2 * gain) / (2 * np.tanh(gain))
    black, white = rng.uniform(0, 0.1), rng.uniform(0.85, 1)
    return np.ascontiguousarray(black + crop * (white - black), np.float32)


def _blur(rng: np.random.Generator) -> tuple[float, float]:
    """Sigma, and the square root of how much wider than high it is."""
    sigma = 0.0 if rng.random() < 0.35 else float(rng.uniform(0.2, BLURS))
    return sigma, float(np.exp(rng.normal(0, 0.1))) if rng.random() < 0.4 else 1.0


def _own(rng: np.random.Generator) -> float:
    """Sigma of the softness of the picture itself, in its own pixels."""
    return float(rng.uniform(0.3, _OWN[1])) if rng.random() < _OWN[0] else 0.0


def _softer(crop: torch.Tensor, sigma: float) -> torch.Tensor:
    """One large picture through a Gaussian, the margin gone."""
    if sigma:
        taps = torch.from_numpy(_bell(round(sigma, 2)))
        crop = F.conv2d(F.conv2d(crop[None], taps[None, None, None]), taps[None, None, :, None])[0]
    cut = _MARGIN - _RADIUS if sigma else _MARGIN
    return crop[..., cut:-cut, cut:-cut]


@lru_cache(maxsize=1024)
def _bell(sigma: float) -> np.ndarray:
    return gaussian(sigma, _RADIUS)


def _halved(crops: torch.Tensor, names: Sequence[str], across: Sequence[float], down: Sequence[float]) -> torch.Tensor:
    """Blurred by so many small pixels on each axis, brought to half the size, the margin gone."""
    rows, columns = (
        torch.from_numpy(np.stack([_taps(name, round(2 * s, 2)) for name, s in zip(names, sigmas, strict=True)]))
        for sigmas in (down, across)
    )
    count, reach = rows.shape
    x = crops.reshape(1, count, *crops.shape[-2:])
    cut = _MARGIN - reach // 2 + 1
    x = x[..., cut:-cut, cut:-cut]
    x = F.conv2d(x, columns[:, None, None, :], stride=(1, 2), groups=count)
    x = F.conv2d(x, rows[:, None, :, None], stride=(2, 1), groups=count)
    return x.reshape(count, 1, *x.shape[-2:])


@lru_cache(maxsize=4096)
def _taps(name: str, sigma: float) -> np.ndarray:
    return np.convolve(halving(name), gaussian(sigma, _RADIUS)).astype(np.float32)


def _grain(rng: np.random.Generator, picture: np.ndarray, none: bool) -> np.ndarray:
    """Grain for a small picture, more of it in middle tones or the same in all."""
    if none or rng.random() < 0.4:
        return np.zeros_like(picture)
    sigma = float(rng.uniform(0.5, 8)) / 255
    noise = rng.standard_normal(picture.shape, np.float32)
    soft = rng.uniform(0, 0.7)
    if soft > 0.2:
        noise = cv2.GaussianBlur(noise, (0, 0), soft)
    noise *= sigma / noise.std()
    if rng.random() < 0.5:
        noise *= np.sqrt(4 * np.clip(picture, 0.02, 0.98) * (1 - np.clip(picture, 0.02, 0.98)))
    return noise


def _coded(rng: np.random.Generator, picture: np.ndarray, none: bool) -> np.ndarray:
    """In whole levels of eight bits, and one in three as a codec leaves it."""
    levels = np.rint(picture * 255).astype(np.uint8)
    if not none and rng.random() < 0.35:
        _, coded = cv2.imencode(".jpg", levels, (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(55, 96))))
        levels = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE))
    return levels.astype(np.float32) / 255
