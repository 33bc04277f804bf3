"""Shapes of damage: opacity maps of real dirt, hair and stains, or drawn ones; several sizes of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch

from .chance import WHOLE, Dice
from .distributions import Distribution

__all__ = ["KINDS", "LEVELS", "Atlas", "Pool", "atlas_for", "pool_of"]

LEVELS = (4, 8, 16, 32, 64, 128)
KINDS = ("dust", "dirt", "hair-short", "hair-long", "stain", "mould")
_FOLDERS = {
    "dirt": ("dots", "smut"),
    "hair-short": ("hair-short", "lint"),
    "hair-long": ("hair", "lint"),
    "stain": ("stain",),
    "mould": ("smut", "sprinkles"),
}
_DUST = ("spots", "sprinkles", "dirt")
_MOST = 160


@dataclass(frozen=True)
class Pool:
    """Shapes of one kind: ``levels`` has N, L, L for each size of LEVELS, ``fill`` the share of the square covered."""

    levels: dict[int, torch.Tensor]
    fill: np.ndarray

    def __len__(self) -> int:
        return len(self.fill)


type Atlas = dict[str, Pool]


def pool_of(maps: list[np.ndarray], device: torch.device) -> Pool:
    """Opacity maps 0..1 of any size, centred in squares, in all sizes (each pixel the mean of what it covers)."""
    squares = [_square(each) for each in maps]
    levels = {
        size: torch.from_numpy(np.stack([cv2.resize(s, (size, size), interpolation=cv2.INTER_AREA) for s in squares]))
        for size in LEVELS
    }
    fill = np.array([max(float(s.mean()), 1e-3) for s in squares])
    return Pool({size: maps.float().to(device) for size, maps in levels.items()}, fill)


def _square(shape: np.ndarray) -> np.ndarray:
    side = max(max(shape.shape), 16)
    out = np.zeros((side, side), np.float32)
    top, left = (side - shape.shape[0]) // 2, (side - shape.shape[1]) // 2
    out[top : top + shape.shape[0], left : left + shape.shape[1]] = shape
    return out


def atlas_for(distribution: Distribution, overlays: Path | None = None, device: str = "cpu") -> Atlas:
    """The shapes of a distribution: its half of the overlays, or drawn shapes where it asks for them or has none."""
    return _atlas(distribution.shapes, distribution.half, overlays, device)


@lru_cache(maxsize=8)
def _atlas(style: str, half: int, overlays: Path | None, device: str) -> Atlas:
    there = style == "scans" and overlays is not None and any(overlays.glob("*/*.png"))
    if there and overlays is not None:
        maps = {kind: list(_scans(overlays, kind, half)) for kind in KINDS}
    else:
        drawn = "jagged" if style == "jagged" else "ragged"
        maps = {kind: [_drawn(kind, drawn, half, n) for n in range(48)] for kind in KINDS}
    return {kind: pool_of(each, torch.device(device)) for kind, each in maps.items()}


# --- real ones ------------------------------------------------------------------------------------------------------


def _scans(folder: Path, kind: str, half: int) -> Iterator[np.ndarray]:
    names = _DUST if kind == "dust" else _FOLDERS[kind]
    files = [f for name in names for f in sorted((folder / name).glob("*.png"))[half::2]]
    for file in files[:: max(len(files) // _MOST, 1)]:
        shape = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        if shape is None:
            continue
        if kind == "dust":
            yield from _grains(shape)
        else:
            yield _cropped(shape / np.float32(max(int(shape.max()), 1)))


def _cropped(shape: np.ndarray) -> np.ndarray:
    """Without its empty margins: in a few files they are most of the picture."""
    rows, columns = np.flatnonzero((shape > 0.1).any(1)), np.flatnonzero((shape > 0.1).any(0))
    return shape[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else shape


def _grains(shape: np.ndarray, most: int = 4) -> Iterator[np.ndarray]:
    """The largest single specks of a map that shows a cloud of them."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((shape > 100).astype(np.uint8), connectivity=8)
    order = np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:most] + 1
    for n in order:
        left, top, width, height, area = stats[n]
        if area >= 12 and max(width, height) < 5 * min(width, height):
            part = np.where(labels == n, shape, 0)[top : top + height, left : left + width] / 255
            yield np.kron(part, np.ones((4, 4))).astype(np.float32)


# --- drawn ones -----------------------------------------------------------------------------------------------------


def _drawn(kind: str, style: str, half: int, number: int) -> np.ndarray:
    """A shape: "ragged" ones have wavy outlines and smooth curves, "jagged" ones corners, splinters and kinks."""
    dice = Dice(WHOLE, number, half, kind, style)
    if kind.startswith("hair"):
        return _strand(dice, style, 2.2 if kind == "hair-short" else 1.3)
    if kind in ("stain", "mould"):
        return _cloud(dice, hard=0.25 if kind == "mould" else 0.8, fine=12 if kind == "mould" else 4)
    return _blob(dice, style)


def _blob(dice: Dice, style: str) -> np.ndarray:
    corners = 64 if style == "ragged" else int(dice.rng.integers(4, 10))
    angles = np.sort(dice.between(0, 2 * np.pi, corners)) if style == "jagged" else np.linspace(0, 2 * np.pi, corners)
    if style == "jagged":
        radius = dice.between(0.35, 1, corners)
    else:
        waves = [dice.rng.normal(0, 0.25 / k) * np.cos(k * angles + dice.between(0, 6.3)) for k in range(1, 7)]
        radius = 0.7 + np.sum(waves, axis=0)
    squeeze = dice.between(0.4, 1)
    points = np.stack((np.cos(angles), np.sin(angles) * squeeze), -1) * np.clip(radius, 0.15, 1)[:, None] * 58 + 64
    return _filled([points])


def _filled(outlines: list[np.ndarray]) -> np.ndarray:
    canvas = np.zeros((128, 128), np.uint8)
    for points in outlines:
        cv2.fillPoly(canvas, [np.rint(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return _cropped(canvas / np.float32(255))


def _strand(dice: Dice, style: str, thickness: float) -> np.ndarray:
    steps = 60
    bends = dice.rng.normal(0, 1, steps)
    if style == "ragged":
        bends = np.convolve(bends, np.ones(9) / 9, "same") * dice.between(0.1, 0.5)
    else:
        bends = np.where(dice.rng.random(steps) < 0.1, bends * 1.1, 0)
    heading = np.cumsum(bends) + dice.between(0, 6.3)
    points = np.cumsum(np.stack((np.cos(heading), np.sin(heading)), -1), 0)
    points -= points.min(0)
    points = points / max(float(points.max()), 1e-6) * 118 + 5
    canvas = np.zeros((128, 128), np.uint8)
    curve = np.rint(points * 16).astype(np.int32)
    cv2.polylines(canvas, [curve], False, 255, max(round(thickness), 1), cv2.LINE_AA, 4)
    return _cropped(canvas / np.float32(255))


def _cloud(dice: Dice, hard: float, fine: int) -> np.ndarray:
    """A patch of noise of several octaves, densest in its middle; a dried edge where ``hard`` is large."""
    y, x = np.mgrid[-1:1:128j, -1:1:128j]
    noise = np.zeros((128, 128))
    for octave in range(4):
        coarse = dice.rng.standard_normal((fine * 2**octave // 2 + 2,) * 2).astype(np.float32)
        noise += cv2.resize(coarse, (128, 128), interpolation=cv2.INTER_CUBIC) * 0.6**octave
    level = noise * 0.25 + 0.7 - np.hypot(x, y)
    body = np.clip(level * 5, 0, 1) * (0.6 + 0.4 * np.clip(noise * 0.5 + 0.5, 0, 1))
    rim = np.exp(-((level / 0.08) ** 2)) * hard
    return np.asarray(np.clip(np.maximum(body * (1 - 0.5 * hard), rim), 0, 1), np.float32)
