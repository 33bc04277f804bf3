"""Grain measured from frames that follow one another.

What two frames differ by, where the motion between them is known, is grain; the flat parts of what they have in common
tell where to look. In Gaussian grain both are independent of one another, so looking there does not favour weak grain.

Source: noise from block statistics and a curve over brightness after A. Foi et al., "Practical Poissonian-Gaussian
noise modeling and fitting for single-image raw-data", IEEE TIP 17(10), 2008; spectrum by averaged periodograms (P.
Welch, 1967).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._grain_blocks import (
    FITTED,
    Corner,
    cut,
    flow_between,
    levels,
    pairs_of,
    places,
    quiet,
    stretch_of,
    texture,
    unmoved,
)
from vsfilmrestore.filters._grain_form import (
    BANDS,
    COUNTS,
    KINDS,
    SIDE,
    GrainSignature,
    PlaneGrain,
    band_power,
    gaussian_spectrum,
    ring_bins,
)
from vsfilmrestore.filters._noise import COPY, KNOTS, WIDTH
from vsfilmrestore.filters._noise_within import ROUNDING, Bands, noise_of

__all__ = ["GrainMeter", "GrainSignature", "PlaneGrain", "measure_grain"]

_MOST: Final = 500
"""Blocks of a pair of frames and a plane that are looked at."""
_SILENT: Final = (0.12 / 255) ** 2
"""Less variance is none: one frame is the copy of the other, there."""
_FAR: Final = 0.75
_UNHELD: Final = 0.7
"""Less of what frames differ by than one frame must hold to be told by them: motion was lost."""
_STRONG: Final = (3 / 255) ** 2
"""Weaker grain is told by what frames differ by alone: coding leaves little in one frame that looks like grain."""
_FREEDOM: Final = 0.26
"""Of the frequencies of a block, the share that is independent under the window."""
_PRIOR: Final = 4.0
"""Blocks of mean grain that every knot is credited with, so that a level with few blocks stays near the mean."""

_RADIUS, _RING, _TWICE = ring_bins()
_RINGS: Final = Bands.of(_RADIUS.ravel(), _RING.ravel() - 1, _TWICE.ravel())
"""The rings but the first, in which slow changes of brightness lie."""

type Plane = npt.NDArray[Any]
type Reals = npt.NDArray[np.float64]


def measure_grain(*groups: Sequence[Plane], kind: str = "grey") -> GrainSignature:
    """The grain of frames that follow one another.

    Args:
        groups: Each two or three neighbouring frames of one shot: H, W of luma or H, W, 3 of R'G'B'; integers of
            8 or 16 bits, or floats from 0 to 1. More groups tell more.
        kind: ``grey``, or ``rgb`` for H, W, 3.

    Raises:
        ValueError: Frames of different sizes, smaller than 64 x 64, or fewer than two.
    """
    meter = GrainMeter(kind)
    for frames in groups:
        split = [np.moveaxis(frame, 2, 0) if frame.ndim == 3 else frame[None] for frame in frames]
        meter.add([list(planes) for planes in split])
    return meter.signature()


@dataclass
class GrainMeter:
    """Gathers blocks of frames; `signature` tells what grain they have.

    Attributes:
        kind: ``grey``, ``yuv`` (planes may be subsampled) or ``rgb``.
    """

    kind: str = "grey"
    _width: int = 0
    _blocks: list[list[Reals]] = field(default_factory=lambda: [[], [], []])

    @property
    def _base(self) -> int:
        """The plane whose grain the others may share: green, or luma."""
        return 1 if self.kind == "rgb" else 0

    def add(self, frames: Sequence[Sequence[Plane]], changed: Plane | None = None) -> None:
        """Look at neighbouring frames, each a list of planes.

        Args:
            frames: Two or three.
            changed: Of the size of luma, above 0 where the middle frame was repaired: there nothing is measured.

        Raises:
            ValueError: As `measure_grain`.
        """
        base = self._base
        shapes = {tuple(plane.shape for plane in planes) for planes in frames}
        if len(frames) < 2 or len(shapes) != 1 or min(frames[0][base].shape) < 2 * SIDE:
            raise ValueError("grain is measured in two or more frames of one size, of 64 x 64 pixels or more")
        self._width = frames[0][base].shape[1]
        parts = [[levels(plane) for plane in planes] for planes in frames]
        middle = parts[len(parts) // 2]
        for n, other in enumerate(parts):
            if n != len(parts) // 2:
                flow = flow_between(middle[base], other[base])
                for p, blocks in enumerate(_compared(middle, other, flow, base, changed)):
                    self._blocks[p].append(blocks)

    def telling(self) -> list[int]:
        """Which pairs of frames tell of grain, as they were added: of the others one frame is a copy of the other."""
        return _telling(self._blocks[self._base])

    def signature(self, width: int = 0, telling: Sequence[int] | None = None) -> GrainSignature:
        """The grain of all that was added; none, where all frames were copies of one another.

        Args:
            width: Width of the whole picture, where parts of it were added.
            telling: The pairs to go by; those of `telling` when None.
        """
        base = self._base
        count = KINDS[self.kind]
        chosen = self.telling() if telling is None else telling
        planes = [np.concatenate([self._blocks[p][n] for n in chosen]) for p in range(count)]
        told = [_told(blocks, p == base, self.kind == "yuv" and p > 0) for p, blocks in enumerate(planes)]
        return GrainSignature(tuple(told), width or self._width, self.kind)


_LEVEL, _VARIANCE, _TEXTURE, _ALONG_X, _ALONG_Y, _SHARED, _BASE = range(7)
"""What is known of each block, before the power in the `BANDS` rings of what frames differ by, and of one of them."""
_KNOWN: Final = _BASE + 1 + 2 * BANDS


def _telling(pairs: Sequence[Reals]) -> list[int]:
    """Pairs of frames of which one is no copy of the other, coded once more: copies differ by far less than others."""
    usual = np.array([float(np.median(blocks[:, _VARIANCE])) if len(blocks) else 0.0 for blocks in pairs])
    return [int(n) for n in np.flatnonzero(usual >= COPY * np.quantile(usual, 0.75))]


def _compared(
    now: Sequence[npt.NDArray[np.float32]],
    other: Sequence[npt.NDArray[np.float32]],
    flow: npt.NDArray[np.float32],
    base: int,
    changed: Plane | None,
) -> list[Reals]:
    """What is known of the blocks of each plane: N, 7 + BANDS."""
    height, width = now[base].shape
    told = []
    for p, plane in enumerate(now):
        tall, wide = plane.shape
        if min(tall, wide) < SIDE:
            told.append(np.zeros((0, _KNOWN)))
            continue
        ratio = (height / tall, width / wide)
        corners = places(tall, wide, _MOST)
        corners = [at for at in corners if changed is None or not _of_luma(changed, at, ratio).any()]
        inside = pairs_of(flow, corners, (tall, wide), ratio)
        told.append(_blocks(plane, other[p], now[base], other[base], inside, p != base))
    return told


def _of_luma(changed: Plane, at: Corner, ratio: tuple[float, float]) -> Plane:
    rows, columns = (slice(int(a * r), int((a + SIDE) * r)) for a, r in zip(at, ratio, strict=True))
    return changed[rows, columns]


def _blocks(
    now: npt.NDArray[np.float32],
    other: npt.NDArray[np.float32],
    base_now: npt.NDArray[np.float32],
    base_other: npt.NDArray[np.float32],
    pairs: Sequence[tuple[Corner, Corner]],
    shares: bool,
) -> Reals:
    if not pairs:
        return np.zeros((0, _KNOWN))
    corners = [at for at, _ in pairs]
    here, there = cut(now, corners), cut(other, [to for _, to in pairs])
    both = (here + there) / 2
    apart = unmoved(here - there, both) / math.sqrt(2)
    known = [both.mean((1, 2)), (apart**2).mean((1, 2)), texture(both)]
    known += [(apart[:, :, 1:] * apart[:, :, :-1]).mean((1, 2)), (apart[:, 1:] * apart[:, :-1]).mean((1, 2))]
    if shares:
        import cv2

        size = now.shape[::-1]
        first, second = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (base_now, base_other))
        lead = unmoved(cut(first, corners) - cut(second, [to for _, to in pairs]), both) / math.sqrt(2)
        known += [(apart * lead).mean((1, 2)), (lead**2).mean((1, 2))]
    else:
        known += [np.zeros(len(pairs))] * 2
    return np.concatenate([np.stack(known, 1), *(band_power(each) / FITTED for each in (apart, _level(here)))], 1)


def _level(blocks: Reals) -> Reals:
    """Blocks without the plane that fits them best: a slow change of brightness is no grain."""
    at = np.linspace(-1, 1, SIDE)
    slopes = [(blocks * ramp).mean((1, 2), keepdims=True) / (ramp**2).mean() * ramp for ramp in (at[None], at[:, None])]
    return np.asarray(blocks - blocks.mean((1, 2), keepdims=True) - slopes[0] - slopes[1])


def _power(blocks: Reals) -> Reals:
    """Power of the grain in each band, of blocks: what frames differ by, or what is in one of them, if that is less.

    Where motion is lost frames differ by more than grain, though less so in fine detail; where the picture has detail
    it has more than grain. The flattest blocks were chosen by their coarse detail, so what is there must be less by
    far to count.
    """
    apart, there = (blocks[:, at : at + BANDS].mean(0) for at in (_BASE + 1, _BASE + 1 + BANDS))
    return np.where(there < _FAR * apart, there, apart)


def _variance(blocks: Reals) -> float:
    return float((_power(blocks) * COUNTS).sum() / COUNTS.sum())


def _told(blocks: Reals, is_base: bool, flat: bool) -> PlaneGrain:
    alive = blocks[blocks[:, _VARIANCE] > _SILENT]
    if len(alive) < max(4, 0.1 * len(blocks)):
        return PlaneGrain((0.0,) * len(KNOTS), (1.0,) * BANDS)
    good = _quiet(alive)
    variance = _variance(good)
    # Of what was measured, this share is grain.
    share = min(variance / float(good[:, _VARIANCE].mean()), 1.0)
    mix = 0.0 if is_base else float(good[:, _SHARED].sum() / max(good[:, _BASE].sum(), 1e-12))
    lone = max(1 - mix**2 * float(good[:, _BASE].sum() / good[:, _VARIANCE].sum()), 0.0)
    knots = [variance if flat else _knot(alive, knot, variance, share) for knot in KNOTS]
    spectrum = tuple(_power(good) / variance)
    held, size = _held(alive, knots) if variance > _STRONG else (1.0, 0.0)
    if held < _UNHELD:
        knots, spectrum = [v * held for v in knots], gaussian_spectrum(size)
    return PlaneGrain(
        tuple(255 * math.sqrt(v * lone) for v in knots),
        spectrum,
        stretch_of(*(good[:, n].sum() / good[:, _VARIANCE].sum() for n in (_ALONG_X, _ALONG_Y))),
        mix,
    )


def _held(blocks: Reals, knots: Sequence[float]) -> tuple[float, float]:
    """Share of the variances at the knots that one frame alone can hold, and the size of such grain."""
    usual = np.interp(blocks[:, _LEVEL], KNOTS, knots)
    there = blocks[:, _BASE + 1 + BANDS + 1 :] / usual[:, None]
    return noise_of(there, _RINGS, ROUNDING / float(np.median(usual)), _FREEDOM)


def _quiet(blocks: Reals) -> Reals:
    """Those of the blocks that show grain alone."""
    return blocks[quiet(blocks[:, _TEXTURE], blocks[:, _VARIANCE])]


def _knot(blocks: Reals, knot: float, mean: float, share: float) -> float:
    """Variance of the grain at a level."""
    near = blocks[np.abs(blocks[:, _LEVEL] - knot) < WIDTH]
    if not len(near):
        return mean
    good = _quiet(near)
    own = min(_variance(good), share * float(good[:, _VARIANCE].mean())) if share < _FAR else _variance(good)
    return (len(good) * own + _PRIOR * mean) / (len(good) + _PRIOR)
