"""What grain looks like: how strong at which brightness, its spectrum, how colours go together; as one line of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from vsfilmrestore.errors import UsageError
from vsfilmrestore.filters._noise import KNOTS

__all__ = [
    "BANDS", "CENTRES", "COUNTS", "KINDS", "SIDE", "WINDOW", "GrainSignature", "PlaneGrain", "band_power", "corrected",
    "equal_size", "gaussian_spectrum", "ring_bins", "without",
]  # fmt: skip

BANDS: Final = 10
"""Rings of frequencies a spectrum is told in, each 0.05 cycles a sample wide; the last one holds the corners too."""
SIDE: Final = 32
"""Side of the blocks a spectrum is measured in."""
KINDS: Final = {"grey": 1, "yuv": 3, "rgb": 3}
"""Kinds of pictures and their planes."""
_MARK: Final = "g1"

type Reals = npt.NDArray[np.float64]


def ring_bins() -> tuple[Reals, npt.NDArray[np.intp], Reals]:
    """Of each bin of a block's transform: frequency in cycles a sample, ring (-1: the mean), how often it counts."""
    v, u = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None]
    radius = np.hypot(u, v)
    ring = np.minimum((radius / (0.5 / BANDS)).astype(np.intp), BANDS - 1)
    ring[0, 0] = -1
    return radius, ring, np.where((u > 0) & (u < 0.5), 2.0, 1.0) * np.ones_like(v)


def _rings() -> tuple[npt.NDArray[np.intp], Reals, Reals]:
    """The ring of each bin, bins in each ring, mean frequency of each."""
    radius, ring, twice = ring_bins()
    counts = np.bincount(ring.ravel() + 1, twice.ravel(), BANDS + 1)[1:]
    centres = np.bincount(ring.ravel() + 1, (twice * radius).ravel(), BANDS + 1)[1:] / counts
    return ring, counts, centres


_RING, _BINS, CENTRES = _rings()
COUNTS: Final = _BINS + np.eye(BANDS)[0]
"""Frequencies in each band; the mean of a block, which cannot be measured, is as strong as the first one's.

``CENTRES``: their mean in cycles a sample.
"""
_HALF: Final = np.where((np.fft.rfftfreq(SIDE) > 0) & (np.fft.rfftfreq(SIDE) < 0.5), 2.0, 1.0)
WINDOW: Final = np.hanning(SIDE + 2)[1:-1]
"""What blocks are seen through, along each side."""
_WINDOW: Final = np.outer(WINDOW, WINDOW)


@dataclass(frozen=True, slots=True)
class PlaneGrain:
    """Grain of one plane.

    Attributes:
        curve: Standard deviation in 8-bit levels at the levels `KNOTS`, without what it shares with the base plane.
        spectrum: Power in each of `BANDS` rings; white grain has 1 in all.
        stretch: Its extent along x over that along y.
        mix: Share of the base plane's grain that shows in this plane, of either sign; 0 for the base plane.
    """

    curve: tuple[float, ...]
    spectrum: tuple[float, ...]
    stretch: float = 1.0
    mix: float = 0.0

    @property
    def size(self) -> float:
        """Standard deviation, in samples, of the Gaussian that makes such grain of white noise."""
        return equal_size(self.spectrum)


@dataclass(frozen=True, slots=True)
class GrainSignature:
    """Grain of a shot.

    Attributes:
        planes: Grain of each plane.
        width: Width of the picture it was measured in.
        kind: ``grey``, ``yuv`` or ``rgb``.
    """

    planes: tuple[PlaneGrain, ...]
    width: int
    kind: str = "grey"

    @property
    def base(self) -> PlaneGrain:
        """Grain of luma, or of green."""
        return self.planes[1 if self.kind == "rgb" else 0]

    @property
    def curve(self) -> tuple[float, ...]:
        """Standard deviation in 8-bit levels at the levels `KNOTS`, of luma or green."""
        return self.base.curve

    @property
    def sigma(self) -> float:
        """Standard deviation at mid-tones in 8-bit levels, of luma or green."""
        return float(np.interp(0.5, KNOTS, self.curve))

    @property
    def size(self) -> float:
        """Size of the grain in pixels, of luma or green; 0 is white noise."""
        return self.base.size

    def to_text(self) -> str:
        """One line without blanks, for a project or a setting; `from_text` reads it."""
        return ":".join([_MARK, self.kind, str(self.width), *map(_plane_text, self.planes)])

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `to_text` wrote.

        Raises:
            UsageError: It is no such text.
        """
        parts = text.strip().split(":")
        try:
            mark, kind, width, *planes = parts
            if mark != _MARK or len(planes) != KINDS[kind] or not 0 < int(width) < 1 << 20:
                raise ValueError
            return cls(tuple(map(_plane_of, planes)), int(width), kind)
        except (ValueError, KeyError):
            raise UsageError(
                f"is no signature of grain: '{text[:40]}'", hint="`vsfilmrestore grain INPUT` measures and prints one"
            ) from None


def _plane_text(plane: PlaneGrain) -> str:
    curve, spectrum = (",".join(f"{value:.3g}" for value in part) for part in (plane.curve, plane.spectrum))
    return f"{curve}/{spectrum}/{plane.stretch:.3g}/{plane.mix:.3g}"


def _plane_of(text: str) -> PlaneGrain:
    curve, spectrum, stretch, mix = (tuple(map(float, part.split(","))) for part in text.split("/"))
    fine = all(0 <= value < 1e3 for value in (*curve, *spectrum)) and 0.1 <= stretch[0] <= 10 and abs(mix[0]) < 100
    if (len(curve), len(spectrum), len(stretch), len(mix)) != (len(KNOTS), BANDS, 1, 1) or not fine:
        raise ValueError
    return PlaneGrain(curve, spectrum, stretch[0], mix[0])


def equal_size(spectrum: Sequence[float]) -> float:
    """Standard deviation, in samples, of the Gaussian that makes grain of about this spectrum from white noise."""
    power = np.asarray(spectrum, np.float64)
    if power.sum() <= 0:
        return 0.0
    sizes = np.linspace(0, 3, 151)
    shapes = np.exp(-4 * np.pi**2 * np.outer(sizes**2, CENTRES**2))
    gains = (shapes * power * COUNTS).sum(1) / (shapes**2 * COUNTS).sum(1)
    wrong = ((gains[:, None] * shapes - power) ** 2 * COUNTS).sum(1)
    return float(sizes[int(wrong.argmin())])


def without(wanted: GrainSignature, there: GrainSignature) -> GrainSignature:
    """The grain that is missing: both signatures are of the same kind, but may be of pictures of different sizes."""
    scale = there.width / wanted.width
    planes = [_lacking(*pair, scale) for pair in zip(wanted.planes, there.planes, strict=True)]
    return replace(wanted, planes=tuple(planes))


def _lacking(wanted: PlaneGrain, there: PlaneGrain, scale: float) -> PlaneGrain:
    curves = [np.asarray(each.curve, np.float64) ** 2 for each in (wanted, there)]
    lack = np.maximum(curves[0] - curves[1], 0)
    # The picture's frequencies as those of the picture the signature is of.
    seen = np.interp(CENTRES / scale, CENTRES, there.spectrum, right=0.0) / scale**2
    power = np.asarray(wanted.spectrum) * curves[0].mean() - seen * curves[1].mean()
    spectrum = np.maximum(power, 0.01 * np.asarray(wanted.spectrum) * curves[0].mean())
    total = float((spectrum * COUNTS).sum() / COUNTS.sum())
    if total <= 0 or lack.mean() <= 0:
        return replace(wanted, curve=(0.0,) * len(KNOTS))
    curve = np.sqrt(lack * min(total / lack.mean(), 2.0))
    return replace(wanted, curve=tuple(map(float, curve)), spectrum=tuple(map(float, spectrum / total)))


def corrected(
    given: GrainSignature, wanted: GrainSignature, there: GrainSignature, after: GrainSignature
) -> GrainSignature:
    """The grain to give where ``given`` was tried: more at levels and in rings that it left short, else less.

    Args:
        given: What was added.
        wanted: What there shall be.
        there: What there was before.
        after: What there was with ``given``.
    """
    # Rings are other ones in a picture of another size.
    same = abs(there.width / wanted.width - 1) < 0.02
    planes = zip(given.planes, wanted.planes, there.planes, after.planes, strict=True)
    return replace(given, planes=tuple(_corrected(*each, same) for each in planes))


def _corrected(given: PlaneGrain, wanted: PlaneGrain, there: PlaneGrain, after: PlaneGrain, same: bool) -> PlaneGrain:
    variances = [np.asarray(each.curve, np.float64) ** 2 for each in (wanted, there, after)]
    power = [np.asarray(e.spectrum) * v.mean() for e, v in zip((wanted, there, after), variances, strict=True)]
    curve = np.asarray(given.curve) * np.sqrt(_short(*variances))
    spectrum = np.asarray(given.spectrum, np.float64) * (_short(*power) if same else 1.0)
    total = float((spectrum * COUNTS).sum() / COUNTS.sum())
    if total <= 0:
        return given
    return replace(given, curve=tuple(map(float, curve)), spectrum=tuple(map(float, spectrum / total)))


def _short(wanted: Reals, there: Reals, after: Reals) -> Reals:
    """By how much more was asked for than was given, at most twice and at least half."""
    return np.asarray(np.clip(np.maximum(wanted - there, 0) / np.maximum(after - there, 1e-9), 0.5, 2))


def gaussian_spectrum(size: float) -> tuple[float, ...]:
    """Spectrum of white noise after a Gaussian of that standard deviation in samples."""
    power = np.exp(-4 * np.pi**2 * size**2 * CENTRES**2)
    return tuple(float(each) for each in power / (power * COUNTS).sum() * COUNTS.sum())


def band_power(blocks: Reals) -> Reals:
    """Power of blocks, N, SIDE, SIDE, in each ring: N, BANDS; white noise has its variance in all."""
    waves = np.fft.rfft2(blocks * _WINDOW)
    power = (waves.real**2 + waves.imag**2) * _HALF / float((_WINDOW**2).sum())
    flat, rings = power.reshape(len(blocks), -1), _RING.ravel()
    return np.stack([flat[:, rings == ring].sum(1) for ring in range(BANDS)], 1) / _BINS
