"""What happens between two networks that are run as one: what the separate filters do, without rounding.

Of every picture two versions are kept. *Seen* is what the next network gets: separate filters would have stored the
picture in the source's format, so chroma goes through its fewer samples, and what the format's integers cannot hold is
cut off. *Total* adds up the changes as they are; the difference of the last one to the source is what goes back. Where
chroma is not subsampled the two are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import vapoursynth as vs

from vsfilmrestore.inference.colour import GUESSED, Shown, luma_shares
from vsfilmrestore.inference.network import Planes
from vsfilmrestore.inference.ops import Ops
from vsfilmrestore.inference.resampling import Chroma, enlarged
from vsfilmrestore.media import props
from vsfilmrestore.media.colour import LOG_BLACK, LOG_WHITE

__all__ = ["FINE", "Between", "Facts", "Picture", "tell_facts"]

core = vs.core

_LOG: Final = "_VsfrSeenLog"
_MATRIX: Final = "_VsfrSeenMatrix"
_FULL: Final = "_VsfrSeenFull"
_PLACE: Final = "_VsfrSeenPlace"
_CODES_PER_DECADE: Final = 300.0
_MARGIN: Final = 8
"""Samples of chroma on each side that a sample depends on once it went to and fro, and more."""
FINE: Final = 1e-6
"""Steps below which a network's changes are held against the source at the end of the chain alone."""
_HEADROOM: Final = 1e-6
"""Roundings of the way to floats are not cut off."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a frame tells of its code values.

    Attributes:
        log: Whether they are logarithmic; networks see them on a display-like curve.
        matrix: H.273 matrix.
        full: Whether they use the full range.
        place: H.273 chroma location.
    """

    log: bool = False
    matrix: int = 1
    full: bool = False
    place: int = 0

    @classmethod
    def of(cls, frame: vs.VideoFrame) -> Facts:
        """Those of a frame of a clip that went through `tell_facts`."""
        values: list[Any] = [frame.props[name] for name in (_LOG, _MATRIX, _FULL, _PLACE)]
        log, matrix, full, place = map(int, values)
        return cls(bool(log), matrix, bool(full), place)


def tell_facts(clip: vs.VideoNode, told: vs.VideoNode) -> vs.VideoNode:
    """Write onto a shown clip what its source told."""
    known = {
        _LOG: f"y.{props.LOG} 1 = 1 0 ?",
        _MATRIX: " ".join(f"y._Matrix {n} = {n}" for n in (1, 4, 7, 9)) + " 5 ? ? ? ?",
        _FULL: f"y._Range {int(vs.RANGE_FULL)} = 1 0 ?",
        _PLACE: " ".join(f"y._ChromaLocation {n} = {n}" for n in range(1, 6)) + " 0" + " ?" * 5,
    }
    known[GUESSED] = f"y.{GUESSED} 0 > y.{GUESSED} 0 ?"
    return core.akarin.PropExpr([clip, told], lambda: known)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture between two networks: planes of 0 to 1, one (luma) or three (RGB).

    Attributes:
        seen: What the next network gets.
        total: The source and all changes.
    """

    seen: Planes
    total: Planes


@dataclass(frozen=True, slots=True)
class Between:
    """How pictures go from network to network within a chain.

    Attributes:
        ops: What they are made of.
        family: The source's family of colours.
        bits: Bits of the source's integers, 0 for floats.
        chroma: Powers of two by which the source's chroma is subsampled along width and height.
        planes: 1 where all that can change is luma, else 3.
    """

    ops: Ops
    family: vs.ColorFamily
    bits: int
    chroma: tuple[int, int]
    planes: int

    @classmethod
    def for_clip(cls, ops: Ops, shown: Shown, *, luma: bool) -> Between:
        """For a clip; ``luma`` tells whether all networks of the chain are luma networks."""
        fmt = shown.source.format
        bits = fmt.bits_per_sample if fmt.sample_type == vs.INTEGER else 0
        grey = fmt.color_family == vs.GRAY or (luma and fmt.color_family == vs.YUV)
        chroma = (0, 0) if grey or fmt.color_family != vs.YUV else (fmt.subsampling_w, fmt.subsampling_h)
        return cls(ops, fmt.color_family, bits, chroma, 1 if grey else 3)

    def given(self, seen: Planes, channels: int, facts: Facts) -> Planes:
        """What a network of so many channels gets."""
        if len(seen) == channels:
            return seen
        if channels == 3:
            return [seen[0]] * 3
        grey = self.luma([self.coded(plane, facts) for plane in seen], facts)
        return [self.shown(grey, facts)]

    def after(
        self,
        before: Picture,
        given: Planes,
        made: Planes,
        facts: Facts,
        *,
        strength: float = 1.0,
        step: float = 0.0,
        scale: int = 1,
        last: bool = False,
        first: Planes = (),
    ) -> Picture:
        """The picture after a network.

        Args:
            before: The picture before it.
            given: What the network got.
            made: What it made of it, ``scale`` times the size.
            facts: Those of the frame.
            strength: Share of the change that is taken.
            step: Changes up to this size are none.
            scale: Size after over size before.
            last: Whether no network comes after it: only ``total`` counts.
            first: The frame as the first network saw it, where ``scale`` is not 1.
        """
        own = len(given) == len(before.seen)
        apart = before.total is not before.seen or (facts.log and scale > 1) or any(self.chroma)
        if own and not apart and not facts.log and (scale == 1 or strength == 1.0):
            return self._plain(before.seen, made, facts, strength, step, last)
        got = self._enlarged(given, scale)
        seen = got if own and given is before.seen else self._enlarged(before.seen, scale)
        kept = self._kept(got, self.ops.own(made), step)
        if own and strength == 1.0 and not (facts.log and scale > 1):
            new = kept
        elif facts.log:
            new = self._changed_log(before.seen, seen, got, kept, facts, strength, scale)
        else:
            new = self._blended(got, kept, strength) if own else self._added(seen, got, kept, facts, strength)
        if not apart:
            total = new
        elif scale > 1:
            total = self._larger_total(before, new, first, facts, scale)
        else:
            total = self._total(before, seen, new, facts, last)
        return self._held(Picture(new, total), seen, facts, last)

    def _added(self, seen: Planes, got: Planes, kept: Planes, facts: Facts, strength: float) -> Planes:
        """A change of luma in RGB, or of RGB in luma."""
        change = self._fitting([(a - b) * strength for a, b in zip(kept, got, strict=True)], facts)
        return [a + b for a, b in zip(seen, change, strict=True)]

    def _plain(self, seen: Planes, made: Planes, facts: Facts, strength: float, step: float, last: bool) -> Picture:
        """The usual case, in the memory that the network gave its result in."""
        new: Planes = self.ops.own(made)
        if made[0].shape == seen[0].shape:
            new = self._kept(seen, new, step)
        if strength != 1.0:
            new = self._blended(seen, new, strength)
        return self._held(Picture(new, new), new, facts, last)

    def _blended(self, seen: Planes, made: Planes, strength: float) -> Planes:
        for plane, old in zip(made, seen, strict=True):
            for rows in self.ops.rows(plane):
                part = plane[rows]
                part -= old[rows]
                part *= strength
                part += old[rows]
        return made

    def _kept(self, seen: Planes, made: Planes, step: float) -> Planes:
        """What was made, and what was seen where the two differ by less than the network can tell.

        Steps of 32-bit floats are left: all that is changed is held against the source at the end.
        """
        if step < FINE:
            return made
        ops = self.ops
        for target, a in zip(made, seen, strict=True):
            for rows in ops.rows(target):
                old, new = a[rows], target[rows]
                size = abs(old)
                # Above white steps grow with the value.
                least = ops.where(size > 1, 2 * size, 1.0) * step
                target[rows] = ops.where(abs(old - new) <= least, old, new)
        return made

    def _changed_log(
        self, before: Planes, seen: Planes, got: Planes, kept: Planes, facts: Facts, strength: float, scale: int
    ) -> Planes:
        """Differences of log pictures are those of their code values."""
        change = [(self.coded(a, facts) - self.coded(b, facts)) * strength for a, b in zip(kept, got, strict=True)]
        new = []
        for plane, old, add in zip(before, seen, self._fitting(change, facts), strict=True):
            base = self.coded(plane, facts)
            base = enlarged(self.ops, base, scale) if scale > 1 else base
            sum_ = self.shown(base + add, facts)
            new.append(sum_ if scale > 1 else self.ops.where(add == 0, old, sum_))
        return new

    def _total(self, before: Picture, seen: Planes, new: Planes, facts: Facts, last: bool) -> Planes:
        if before.total is before.seen:
            return new
        if not facts.log:
            return self._summed(before.total, new, seen, last)
        total = []
        for old, was, now in zip(before.total, seen, new, strict=True):
            code = self.coded(old, facts) + (self.coded(now, facts) - self.coded(was, facts))
            total.append(self.ops.where(now == was, old, self.shown(code, facts)))
        return total

    def _summed(self, total: Planes, new: Planes, seen: Planes, last: bool) -> Planes:
        result: Planes = new if last else self.ops.empty((len(new), *new[0].shape), new[0])
        for target, a, b, c in zip(result, total, new, seen, strict=True):
            for rows in self.ops.rows(target):
                change = b[rows] - c[rows]
                change += a[rows]
                target[rows] = change
        return result

    def _larger_total(self, before: Picture, new: Planes, first: Planes, facts: Facts, scale: int) -> Planes:
        """Makes up for the way back, which enlarges the source, and separate filters what they have made of it."""
        if facts.log:
            return [self._larger_log(a, b, facts, scale) for a, b in zip(new, first, strict=True)]
        return self._with_chroma_enlarged(before, new, first, facts, scale) if any(self.chroma) else new

    def _larger_log(self, new: Any, first: Any, facts: Facts, scale: int) -> Any:
        """The code values of the enlarged source are not its enlarged code values."""
        code = self.coded(enlarged(self.ops, first, scale), facts) + self.coded(new, facts)
        return self.shown(code - enlarged(self.ops, self.coded(first, facts), scale), facts)

    def _with_chroma_enlarged(self, before: Picture, new: Planes, first: Planes, facts: Facts, scale: int) -> Planes:
        """Samples of chroma are enlarged by themselves, those of the source and of what was changed so far."""
        ops, chroma = self.ops, Chroma(*self.chroma, facts.place)
        change = [a - b for a, b in zip(before.total, first, strict=True)]
        luma = self.luma(change, facts)
        missing = []
        for place in (0, 2):
            few = chroma.few(ops, change[place] - luma)
            off = chroma.larger(ops, few, scale) - chroma.few(ops, enlarged(ops, chroma.full(ops, few), scale))
            # Some of what goes back is lost on the way: it is given that, too.
            off = off + (off - chroma.few(ops, chroma.full(ops, off)))
            missing.append(chroma.full(ops, off))
        return self._with_apart(new, missing, facts)

    def _enlarged(self, planes: Planes, scale: int) -> Planes:
        return planes if scale == 1 else [enlarged(self.ops, plane, scale) for plane in planes]

    def _fitting(self, change: list[Any], facts: Facts) -> list[Any]:
        """A change of RGB or luma as one of as many planes as the pictures have."""
        if len(change) == self.planes:
            return change
        return change * 3 if self.planes == 3 else [self.luma(change, facts)]

    def luma(self, planes: Sequence[Any], facts: Facts) -> Any:
        """Luma of RGB, by the source's matrix."""
        red, blue = luma_shares(facts.matrix if self.family == vs.YUV else 1)
        return planes[0] * red + planes[1] * (1 - red - blue) + planes[2] * blue

    def _held(self, picture: Picture, before: Planes, facts: Facts, last: bool) -> Picture:
        """What the source's format can hold of it, but for rounding."""
        if last:
            return picture
        if self.bits:
            picture = self._cut_off(picture, facts)
        if not any(self.chroma):
            return picture
        return Picture(self._with_few_chroma(picture.seen, before, facts), picture.total)

    def _cut_off(self, picture: Picture, facts: Facts) -> Picture:
        """Pictures without what integers cannot hold; most have none of it."""
        yuv = self.planes == 3 and self.family == vs.YUV
        spans = [self.ops.ends(plane) for plane in picture.seen]
        known = [span for span in spans if span is not None]
        if len(known) == len(spans):
            low, high = min(span[0] for span in known), max(span[1] for span in known)
            least, most = (self._shown_value(end, facts) for end in self._ends(facts))
            # Luma lies between the least and the largest of RGB, chroma within half their distance.
            if (
                least <= low
                and high <= most
                and (not yuv or (high - low <= 2 * self._chroma_end(facts) and not facts.log))
            ):
                return picture
        seen = self._cut_off_yuv(picture.seen, facts) if yuv else self._cut_off_plain(picture.seen, facts)
        if picture.total is picture.seen:
            return Picture(seen, seen)
        total = [a + (b - c) for a, b, c in zip(picture.total, seen, picture.seen, strict=True)]
        return Picture(seen, total)

    def _cut_off_plain(self, planes: Planes, facts: Facts) -> Planes:
        low, high = (self._shown_value(end, facts) for end in self._ends(facts))
        return [self.ops.clip(plane, low, high) for plane in planes]

    def _cut_off_yuv(self, planes: Planes, facts: Facts) -> Planes:
        """Luma and chroma are held, and each has ends of its own."""
        result: Planes = self.ops.empty((3, *planes[0].shape), planes[0])
        for rows in self.ops.rows(planes[0]):
            part = [plane[rows] for plane in planes]
            codes = [self.coded(plane, facts) for plane in part]
            held = self._within_yuv(codes, facts)
            for target, plane, old, new in zip(result, part, codes, held, strict=True):
                target[rows] = self.ops.where(abs(new - old) <= _HEADROOM, plane, self.shown(new, facts))
        return result

    def _within_yuv(self, planes: Planes, facts: Facts) -> list[Any]:
        red, blue = luma_shares(facts.matrix)
        half = self._chroma_end(facts)
        luma = self.luma(planes, facts)
        held = self.ops.clip(luma, *self._ends(facts))
        apart = []
        for place, share in ((0, red), (2, blue)):
            most = half * 2 * (1 - share)
            apart.append(self.ops.clip(planes[place] - luma, -most, most))
        green = held - (apart[0] * red + apart[1] * blue) / (1 - red - blue)
        return [held + apart[0], green, held + apart[1]]

    def _chroma_end(self, facts: Facts) -> float:
        """The largest value of chroma that the source's integers hold."""
        return (1 << self.bits >> 1) / ((1 << self.bits) - 1 if facts.full else 224 << (self.bits - 8))

    def _ends(self, facts: Facts) -> tuple[float, float]:
        """Least and largest value that the source's integers hold, in luma and RGB."""
        if facts.full:
            return -_HEADROOM, 1 + _HEADROOM
        one = 1 << (self.bits - 8)
        return -16 / 219 - _HEADROOM, ((1 << self.bits) - 1 - 16 * one) / (219 * one) + _HEADROOM

    def _with_few_chroma(self, new: Planes, before: Planes, facts: Facts) -> Planes:
        """The change's chroma goes through the source's samples; luma stays."""
        chroma, height = Chroma(*self.chroma, facts.place), new[0].shape[0]
        result: Planes = self.ops.empty((3, *new[0].shape), new[0])
        margin = _MARGIN << self.chroma[1]
        for rows in self.ops.rows(new[0], 1 << self.chroma[1]):
            top, stop = max(0, rows.start - margin), min(height, rows.stop + margin)
            part = [plane[top:stop] for plane in new]
            change = [a - b[top:stop] for a, b in zip(part, before, strict=True)]
            luma = self.luma(change, facts)
            lost = [self._lost(chroma, change[i] - luma) for i in (0, 2)]
            inside = slice(rows.start - top, rows.stop - top)
            held = self._with_apart([p[inside] for p in part], [p[inside] for p in lost], facts)
            for target, plane in zip(result, held, strict=True):
                target[rows] = plane
        return result

    def _with_apart(self, planes: Planes, apart: list[Any], facts: Facts) -> Planes:
        """RGB with red and blue so much further from luma, which stays."""
        red, blue = luma_shares(facts.matrix)
        green = (apart[0] * red + apart[1] * blue) / (1 - red - blue)
        return [planes[0] + apart[0], planes[1] - green, planes[2] + apart[1]]

    def _lost(self, chroma: Chroma, plane: Any) -> Any:
        return chroma.held(self.ops, plane) - plane

    def coded(self, plane: Any, facts: Facts) -> Any:
        """Code values of a shown plane; see `media.colour.display_to_log`."""
        if not facts.log:
            return plane
        ops, offset = self.ops, _offset()
        light = ops.where(plane <= 0.04045, plane / 12.92, ((ops.clip(plane, 0.04045, None) + 0.055) / 1.055) ** 2.4)
        return (ops.log10(ops.clip(light * (1 - offset) + offset, 1e-6, None)) * _CODES_PER_DECADE + LOG_WHITE) / 1023

    def shown(self, plane: Any, facts: Facts) -> Any:
        """Code values on the curve networks see; see `media.colour.log_to_display`."""
        if not facts.log:
            return plane
        ops, offset = self.ops, _offset()
        light = (10.0 ** ((plane * 1023 - LOG_WHITE) / _CODES_PER_DECADE) - offset) / (1 - offset)
        bright = ops.clip(light, 0.0031308, None) ** (1 / 2.4) * 1.055 - 0.055
        return ops.where(light <= 0.0031308, light * 12.92, bright)

    def _shown_value(self, code: float, facts: Facts) -> float:
        if not facts.log:
            return code
        light = (10.0 ** ((code * 1023 - LOG_WHITE) / _CODES_PER_DECADE) - _offset()) / (1 - _offset())
        return float(12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


def _offset() -> float:
    return float(10 ** ((LOG_BLACK - LOG_WHITE) / _CODES_PER_DECADE))
