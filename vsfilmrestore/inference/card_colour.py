"""From a source's own samples to what networks see and back, on a card: what `colour` does with clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import vapoursynth as vs

from vsfilmrestore.inference.between import Between, Facts
from vsfilmrestore.inference.colour import luma_shares
from vsfilmrestore.inference.network import Planes
from vsfilmrestore.inference.resampling import Chroma, enlarged

__all__ = ["Native"]

_STEP: Final = 2.0**-22
"""Changes up to this size are none: each network may round 32-bit floats."""


@dataclass(frozen=True, slots=True)
class Native:
    """The samples of a format, as tensors on a device.

    Attributes:
        between: How pictures go through the chain.
        subsampling: Powers of two by which chroma is subsampled along width and height.
        half: Whether samples are 16-bit floats.
    """

    between: Between
    subsampling: tuple[int, int]
    half: bool = False

    @classmethod
    def of(cls, between: Between, fmt: vs.VideoFormat) -> Native:
        """For a format."""
        half = fmt.sample_type == vs.FLOAT and fmt.bits_per_sample == 16
        return cls(between, (fmt.subsampling_w, fmt.subsampling_h), half)

    def seen(self, samples: Sequence[Any], facts: Facts) -> Planes:
        """What the first network sees of samples, 32-bit floats of code values."""
        scaled = [self._unit(plane, i, facts) for i, plane in enumerate(samples[: self.between.planes])]
        if self._is_yuv:
            scaled = self._rgb(scaled, facts)
        return [self.between.shown(plane, facts) for plane in scaled]

    def back(self, samples: Sequence[Any], first: Planes, total: Planes, facts: Facts, scale: int) -> list[Any]:
        """Samples with what networks changed, as whole numbers where the format has them, in 32-bit floats.

        Args:
            samples: The source's.
            first: What the first network saw of them.
            total: What the chain made, ``scale`` times the size.
            facts: Those of the frame.
            scale: Size of the result over that of the source.
        """
        change = self._change(first, total, facts, scale)
        if self._is_yuv:
            change = self._yuv(change, facts)
        result = []
        for place, plane in enumerate(samples):
            base = self._enlarged(plane, place, facts, scale)
            if place < len(change):
                base = base + change[place] * self._span(place, facts)
            result.append(self._stored(base))
        return result

    @property
    def _is_yuv(self) -> bool:
        return self.between.family == vs.YUV and self.between.planes == 3

    def _chroma(self, facts: Facts) -> Chroma:
        return Chroma(*self.subsampling, facts.place)

    def _offset(self, place: int, facts: Facts) -> int:
        bits = self.between.bits
        if not bits:
            return 0
        if self.between.family == vs.YUV and place:
            return 1 << (bits - 1)
        return 0 if facts.full else 16 << (bits - 8)

    def _span(self, place: int, facts: Facts) -> int:
        """Code values from 0 to 1."""
        bits = self.between.bits
        if not bits:
            return 1
        if facts.full:
            return (1 << bits) - 1
        return (224 if self.between.family == vs.YUV and place else 219) << (bits - 8)

    def _unit(self, plane: Any, place: int, facts: Facts) -> Any:
        return (plane - self._offset(place, facts)) / self._span(place, facts) if self.between.bits else plane

    def _rgb(self, yuv: Sequence[Any], facts: Facts) -> list[Any]:
        luma, *few = yuv
        blue_off, red_off = (self._chroma(facts).full(self.between.ops, plane) for plane in few)
        red, blue = luma_shares(facts.matrix)
        apart = red_off * (2 * (1 - red)), blue_off * (2 * (1 - blue))
        green = luma - (apart[0] * red + apart[1] * blue) / (1 - red - blue)
        return [luma + apart[0], green, luma + apart[1]]

    def _yuv(self, change: Sequence[Any], facts: Facts) -> list[Any]:
        red, blue = luma_shares(facts.matrix)
        luma = self.between.luma(change, facts)
        full = (change[2] - luma) / (2 * (1 - blue)), (change[0] - luma) / (2 * (1 - red))
        return [luma, *(self._chroma(facts).few(self.between.ops, plane) for plane in full)]

    def _change(self, first: Planes, total: Planes, facts: Facts, scale: int) -> list[Any]:
        """In code values from 0 to 1, exactly 0 where it is less than can be told."""
        ops, found = self.between.ops, []
        for before, after in zip(first, total, strict=True):
            old = enlarged(ops, before, scale) if scale > 1 else before
            size = abs(old)
            same = abs(after - old) <= ops.where(size > 1, 2 * size, 1.0) * _STEP
            change = self.between.coded(after, facts) - self.between.coded(old, facts)
            found.append(ops.where(same, change * 0, change))
        return found

    def _enlarged(self, plane: Any, place: int, facts: Facts, scale: int) -> Any:
        if scale == 1:
            return plane
        if place and self.between.family == vs.YUV:
            return self._chroma(facts).larger(self.between.ops, plane, scale)
        return enlarged(self.between.ops, plane, scale)

    def _stored(self, plane: Any) -> Any:
        bits = self.between.bits
        return self.between.ops.clip(plane.round(), 0, (1 << bits) - 1) if bits else plane
