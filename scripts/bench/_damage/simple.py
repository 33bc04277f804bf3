"""The other simulator: flat specks and plain lines, painted on Y'CbCr. It shares nothing with the large one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from .footage import Picture

__all__ = ["SHARE", "blotched", "dirtied", "lined", "shapes"]

type Alpha = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]
type Box = tuple[slice, slice]

SHAPES = ("dirt", "dots", "hair-short", "lint", "spots", "sprinkles")
SHARE = 0.004
"""Of the pixels, that lie under specks."""
_EVERY, _BLOTCHES = 3, 2
"""Frames, of which one has so many blotches."""
_LARGE = (0.05, 0.11)
"""How large they are, as shares of the width."""


def shapes(folder: Path, rng: np.random.Generator) -> list[Alpha]:
    """Opacity maps 0..1 of real dirt, or ragged ellipses where the folder is absent."""
    files = [f for name in SHAPES for f in sorted((folder / name).glob("*.png"))]
    maps = [cv2.imread(str(f), cv2.IMREAD_GRAYSCALE) for f in files]
    return [m / 255.0 for m in maps if m is not None] or [_ragged(rng) for _ in range(60)]


def _ragged(rng: np.random.Generator) -> Alpha:
    y, x = np.mgrid[-1:1:41j, -1:1:41j]
    noise = cv2.GaussianBlur(rng.normal(0, 1, x.shape), (0, 0), 4)
    radius = np.hypot(x, y * rng.uniform(1, 3)) + noise / noise.std() * 0.15
    return (radius < 0.8).astype(np.float64)


def dirtied(frames: list[list[Picture]], pool: list[Alpha], seed: int, share: float = SHARE) -> tuple[Flags, Alpha]:
    """Paint specks on frames of 8 bit, new in every frame, two in three dark, some in one colour only.

    Returns:
        Where they are, T, H, W, and their opacity.
    """
    rng = np.random.default_rng(seed)
    opacity = np.zeros((len(frames), *frames[0][0].shape))
    for n, planes in enumerate(frames):
        for box, alpha in _specks(planes[0].shape, share, pool, rng):
            tint = (rng.uniform(60, 196), rng.uniform(60, 196)) if rng.random() < 0.1 else (128, 128)
            colour = (rng.uniform(16, 50) if rng.random() < 0.67 else rng.uniform(200, 235), *tint)
            _paint(planes, box, alpha, colour)
            np.maximum(opacity[n][box], alpha, out=opacity[n][box])
    return opacity > 0, opacity


def blotched(frames: list[list[Picture]], seed: int) -> tuple[Flags, Alpha]:
    """Paint large pieces with soft rims on every third frame, dark ones and light ones; as `dirtied`."""
    rng = np.random.default_rng(seed)
    opacity = np.zeros((len(frames), *frames[0][0].shape))
    for n in range(1, len(frames), _EVERY):
        for k in range(_BLOTCHES):
            side = round(rng.uniform(*_LARGE) * opacity.shape[2])
            shape = cv2.resize(_ragged(rng), (side, side), interpolation=cv2.INTER_LINEAR)
            soft = cv2.GaussianBlur(np.pad(shape, 8), (0, 0), rng.uniform(0.6, 2.0))
            box, piece = _placed(soft, frames[n][0].shape, rng)
            alpha = np.where(piece > 0.04, piece, 0)
            _paint(frames[n], box, alpha, (rng.uniform(16, 50) if k else rng.uniform(200, 235), 128, 128))
            np.maximum(opacity[n][box], alpha, out=opacity[n][box])
    return opacity > 0, opacity


def _specks(
    size: tuple[int, ...], share: float, pool: list[Alpha], rng: np.random.Generator
) -> Iterator[tuple[Box, Alpha]]:
    """Specks of one frame, each where it is and its opacity, until they cover ``share`` of the frame."""
    covered = 0.0
    while covered < share * size[0] * size[1]:
        shape = pool[rng.integers(len(pool))]
        side = min(2.5 + rng.gamma(1.6, 2.6), 40.0)
        width, height = (max(round(n * side / max(shape.shape)), 1) for n in shape.shape[::-1])
        small = cv2.resize(shape, (width, height), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(np.pad(small, 2), (0, 0), rng.uniform(0.4, 0.7))
        box, speck = _placed(np.rot90(small, rng.integers(4)), size, rng)
        covered += float((speck > 0.1).sum())
        alpha = speck * rng.uniform(0.5, 1.0)
        yield box, np.where(alpha > 0.04, alpha, 0)  # the faintest rim is no damage, so it is not painted either


def _placed(small: Alpha, size: tuple[int, ...], rng: np.random.Generator) -> tuple[Box, Alpha]:
    """Set down anywhere, also half outside: the part inside, from even places on so that chroma fits."""
    places = [int(rng.integers(-30, length - 10)) for length in size]
    small = np.pad(
        small, [(place % 2, (place + length) % 2) for place, length in zip(places, small.shape, strict=True)]
    )
    box, part = [], []
    for place, length, whole in zip((p - p % 2 for p in places), small.shape, size, strict=True):
        first, last = min(max(place, 0), whole), min(max(place + length, 0), whole)
        box.append(slice(first, last))
        part.append(slice(first - place, last - place))
    return (box[0], box[1]), small[part[0], part[1]]


def _paint(planes: list[Picture], box: Box, alpha: Alpha, colour: tuple[float, float, float]) -> None:
    for index, (plane, value) in enumerate(zip(planes, colour, strict=True)):
        where, a = (box, alpha) if not index else (_halved(box), _mean_of_four(alpha))
        plane[where] = np.rint(plane[where] * (1 - a) + value * a)


def _halved(box: Box) -> Box:
    return slice(box[0].start // 2, box[0].stop // 2), slice(box[1].start // 2, box[1].stop // 2)


def _mean_of_four(alpha: Alpha) -> Alpha:
    return np.asarray((alpha[::2, ::2] + alpha[1::2, ::2] + alpha[::2, 1::2] + alpha[1::2, 1::2]) / 4)


def lined(frames: list[list[Picture]], seed: int) -> Flags:
    """Draw four lines that drift slowly, bright and dark, semi-transparent; one over part of the height. Where."""
    rng = np.random.default_rng(seed)
    height, width = frames[0][0].shape
    lines = [_Line.draw(width, height, rng, k) for k in range(4)]
    where = np.zeros((len(frames), height, width), bool)
    for n, planes in enumerate(frames):
        profile = sum(line.profile(n, width, height) for line in lines)
        where[n] = np.abs(profile) > 1.5
        planes[0][where[n]] = np.rint((planes[0] + profile).clip(0, 255))[where[n]]
    return where


@dataclass(frozen=True)
class _Line:
    x: float
    drift: float
    width: float
    amplitude: float
    span: tuple[int, int]
    flutter: npt.NDArray[np.float64]

    @classmethod
    def draw(cls, width: int, height: int, rng: np.random.Generator, k: int) -> _Line:
        span = (0, height) if k else (int(height * 0.1), int(height * 0.75))
        amplitude = rng.uniform(14, 45) * (1 if k % 2 else -1)
        place, drift, spread = rng.uniform(0.08, 0.92) * width, rng.normal(0, 0.25), rng.uniform(0.5, 1.1)
        return cls(place, drift, spread, amplitude, span, rng.normal(0, 0.2, 500))

    def profile(self, n: int, width: int, height: int) -> Alpha:
        centre = self.x + self.drift * n + self.flutter[n]
        row = self.amplitude * np.exp(-0.5 * ((np.arange(width) - centre) / self.width) ** 2)
        rows = (np.arange(height) >= self.span[0]) & (np.arange(height) < self.span[1])
        wear = 1 + 0.25 * np.sin(np.arange(height) / 37 + centre)
        return (rows * wear)[:, None] * row[None]
