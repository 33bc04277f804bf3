"""Chance that is keyed by a seed and a name, and ranges whose values two distributions never share."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import torch

__all__ = ["EVEN", "ODD", "WHOLE", "Comb", "Dice", "Range"]

TEETH = 6


@dataclass(frozen=True)
class Comb:
    """Which part of each of the equal cells of a range is drawn from."""

    start: float
    stop: float

    def place(self, u: float) -> float:
        """Carry 0..1 to the teeth of this comb, still within 0..1."""
        cell, within = divmod(u * TEETH, 1.0)
        return (min(cell, TEETH - 1) + self.start + within * (self.stop - self.start)) / TEETH

    def holds(self, u: float) -> bool:
        """Whether a place of 0..1 lies on a tooth."""
        return self.start <= u * TEETH % 1.0 <= self.stop


EVEN, ODD, WHOLE = Comb(0.0, 0.45), Comb(0.55, 1.0), Comb(0.0, 1.0)


@dataclass(frozen=True)
class Range:
    """Values from ``low`` to ``high``, evenly, or evenly in their logarithm."""

    low: float
    high: float
    log: bool = False

    def at(self, u: float) -> float:
        """The value at a place from 0 to 1."""
        if self.log:
            return float(self.low * (self.high / self.low) ** u)
        return self.low + u * (self.high - self.low)

    def place(self, value: float) -> float:
        """The reverse of `at`."""
        if self.log:
            return float(np.log(value / self.low) / np.log(self.high / self.low))
        return (value - self.low) / (self.high - self.low)


class Dice:
    """Random numbers that depend on the key alone: the same on every machine, whatever else was drawn before.

    Args:
        comb: Which values of a `Range` may come; places, angles and noise are not bound by it.
        key: A seed and words.
    """

    def __init__(self, comb: Comb, *key: int | str) -> None:
        self.comb, self.key = comb, key
        words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in key]
        self.rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(words)))

    def part(self, *name: int | str) -> Dice:
        """Dice of their own for a part: a part that is left out does not change the others."""
        return Dice(self.comb, *self.key, *name)

    def draw(self, values: Range) -> float:
        """A value of a range, on the teeth of the comb."""
        return values.at(self.comb.place(float(self.rng.random())))

    def happens(self, probability: float) -> bool:
        """True with that probability."""
        return bool(self.rng.random() < probability)

    def between(self, low: float, high: float, size: int | None = None) -> np.ndarray:
        """Free places: positions, angles, phases."""
        return np.asarray(self.rng.uniform(low, high, size))

    def walk(self, frames: int, slowness: float, spread: float) -> np.ndarray:
        """AR(1) path with a standard deviation of ``spread``; ``slowness`` is its correlation from frame to frame."""
        steps = self.rng.standard_normal(frames)
        path = np.empty(frames)
        path[0] = steps[0]
        for n in range(1, frames):
            path[n] = slowness * path[n - 1] + np.sqrt(1 - slowness**2) * steps[n]
        return path * spread

    def noise(self, shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
        """Gaussian noise, drawn on the device: equal on each kind of device, not between kinds."""
        generator = torch.Generator(device=device).manual_seed(int(self.rng.integers(2**62)))
        return torch.randn(shape, generator=generator, device=device)
