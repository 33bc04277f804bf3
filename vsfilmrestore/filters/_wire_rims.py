"""How far wires reach: along their own course, as far as anything speaks for them, and across, until nothing is seen.

Across, the picture is laid straight along the wire and averaged along it: grain sinks, and the rim of a wide wire, far
fainter than its middle, stands out from what lies on both sides. Only the wire's own course is taken: a rail that it
crosses is averaged away.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._wire_strands import Strand, course, strip
from vsfilmrestore.filters._wire_working import laid_over

__all__ = ["drawn", "filled_between", "lengthened", "middle_of", "reach_across", "rims_of"]

type Reals = npt.NDArray[np.float32]
type Bytes = npt.NDArray[np.uint8]

_BEYOND: Final = 0.6
"""A wire is looked for beyond its ends by so much of its length."""
_COST: Final = 0.08
"""And goes on while the network says more than this on the average."""
_ALONG: Final = 21
"""Pixels along a wire over which it is averaged."""
_SIDE: Final = 3
"""Pixels on both sides that are the background."""
_SHARE: Final = 0.12
"""A rim is what stands out by more than this share of the middle,"""
_SIGMAS: Final = 3.0
"""and by more standard deviations than this of what chance gives;"""
_HALF: Final = 0.5
"""but whatever is more than this share of the middle is wire."""
_SAME: Final = 101
"""Pixels along a wire over which it is told whether it is dark or bright."""
_ROOM: Final = 3.0
"""Pixels by which blur may make a wire wider than its greatest width, on each side."""
_GROWN: Final = 0.7
"""Pixels by which what is found is made wider, on each side."""
_OFF: Final = 3
"""Pixels that the middle of a wire may lie off its curve."""
_STEADY: Final = 41
"""Pixels along a wire over which its middle is averaged."""
_GAP: Final = 13
"""Pixels along a wire over which it is told whether anything is seen of it."""


def drawn(strands: list[Strand], luma: Reals, sure: Reals, thickness: float, least: float) -> Bytes:
    """A mask of wires, 255 from rim to rim.

    Args:
        strands: The wires of a frame.
        luma: The frame, H x W, in levels of 8 bits.
        sure: How likely each pixel is part of a wire, 0..1; the strands are in its pixels, which may be larger ones.
        thickness: Greatest width in pixels of the frame.
        least: Where the network says less on the average nothing is seen of a wire, and nothing is to be done.
    """
    import cv2  # on first use: it is large, and a plan needs none of it

    mask, scale, reach = np.zeros(luma.shape, np.uint8), luma.shape[1] / sure.shape[1], reach_across(thickness)
    for strand in strands:
        longer = lengthened(strand, sure)
        told, said = course(longer, sure)
        if len(told) < _GAP:
            continue
        longer = longer._replace(start=float(told[0]), end=float(told[-1]))
        middle, there = middle_of(longer, sure), cv2.blur(said.reshape(1, -1), (_GAP, 1))[0]
        longer, along, (middle, there) = laid_over(longer, told, (middle, there), scale)
        middle = scale * middle
        off = math.ceil(scale * _OFF)
        low, high = rims_of(_straightened(strip(longer, luma, reach + off), middle, reach), thickness)
        for start, end in _runs(there > least):
            part, aside = along[start:end], middle[start:end]
            filled_between(mask, _beside(longer, part, aside - low), _beside(longer, part, aside + high))
    return mask


def _beside(strand: Strand, along: Reals, aside: Reals) -> tuple[Reals, Reals]:
    x, y = strand.points(along)
    return x - aside * math.sin(strand.turn), y + aside * math.cos(strand.turn)


def lengthened(strand: Strand, sure: Reals) -> Strand:
    """A strand as far as what a network says speaks for it, beyond both ends."""
    more = _BEYOND * strand.length
    along, said = course(strand._replace(start=strand.start - more, end=strand.end + more), sure)
    gain = said - _COST
    before, after = gain[along < strand.start][::-1], gain[along > strand.end]
    return strand._replace(start=strand.start - _reach(before), end=strand.end + _reach(after))


def _reach(gain: Reals) -> float:
    """How many pixels from the first on have the largest sum."""
    sums = np.cumsum(gain)
    return float(sums.argmax() + 1) if len(sums) and sums.max() > 0 else 0.0


def middle_of(strand: Strand, sure: Reals) -> Reals:
    """How far beside a strand the middle of what a network says lies, for each pixel along."""
    import cv2  # on first use: it is large, and a plan needs none of it

    here = strip(strand, sure, _OFF)
    weight, aside = here.sum(1), (here * np.arange(-_OFF, _OFF + 1, dtype=np.float32)).sum(1)
    size = (min(_STEADY, len(here)), 1)
    weight, aside = (cv2.blur(each.reshape(1, -1), size)[0] for each in (weight, aside))
    return np.asarray(aside / np.maximum(weight, 1e-3))


def reach_across(thickness: float) -> int:
    """Pixels to both sides of a wire's middle that tell how wide it is."""
    return _most(thickness) + _SIDE


def _most(thickness: float) -> int:
    return math.ceil(thickness / 2 + _ROOM)


def rims_of(here: Reals, thickness: float) -> tuple[float, float]:
    """How many pixels a wire reaches to both sides of its middle: the same all along.

    Args:
        here: Luma laid straight along the wire, `reach_across` to both sides, in levels of 8 bits.
        thickness: Greatest width in pixels.
    """
    import cv2  # on first use: it is large, and a plan needs none of it

    most, reach = _most(thickness), reach_across(thickness)
    left, right = here[:, :_SIDE].mean(1, keepdims=True), here[:, -_SIDE:].mean(1, keepdims=True)
    aside = np.linspace(0, 1, here.shape[1], dtype=np.float32)[None]
    apart = here - left * (1 - aside) - right * aside
    core = cv2.blur(apart[:, reach - 1 : reach + 2].mean(1).reshape(1, -1), (min(_SAME, len(apart)), 1))[0]
    # Of a wire that is dark before the sky and bright before a coat both halves say how wide it is.
    signed = apart * np.sign(core)[:, None]
    profile, middle = np.median(signed, axis=0), float(np.median(signed, axis=0)[reach - 1 : reach + 2].max())
    # Detail of the scene goes on along the wire and does not sink as grain does: what pieces differ by says how far.
    pieces = cv2.blur(signed, (1, min(_ALONG, len(signed)))).reshape(signed.shape)
    spread = 1.4826 * np.median(np.abs(pieces - np.median(pieces, axis=0)), axis=0)
    doubt = _SIGMAS * 1.25 * float(spread.mean()) * math.sqrt(min(_ALONG / len(here), 1.0))
    floor = max(_SHARE * middle, min(doubt, _HALF * middle))
    low, high = (_reached(profile[reach::step][1 : most + 1], floor) for step in (-1, 1))
    return low + _GROWN, high + _GROWN


def _straightened(here: Reals, middle: Reals, reach: int) -> Reals:
    """A strip with the middle of the wire in its middle."""
    import cv2  # on first use: it is large, and a plan needs none of it

    off = here.shape[1] // 2 - reach
    x = np.arange(2 * reach + 1, dtype=np.float32)[None] + middle[:, None] + off
    y = np.broadcast_to(np.arange(len(here), dtype=np.float32)[:, None], x.shape)
    # The library's maps end at 32,767, and no strip is so long.
    return np.asarray(cv2.remap(here, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR))


def _reached(profile: Reals, floor: float) -> int:
    """How many values from the first on are above a floor."""
    below = np.flatnonzero(profile <= floor)
    return int(below[0]) if len(below) else len(profile)


def _runs(there: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    steps = np.flatnonzero(np.diff(np.concatenate(([0], there.astype(np.int8), [0]))))
    return [(int(start), int(end)) for start, end in zip(steps[::2], steps[1::2], strict=True) if end - start > 3]


def filled_between(mask: Bytes, one: tuple[Reals, Reals], other: tuple[Reals, Reals]) -> None:
    """The pixels from one line to another; each is x and y of its points."""
    import cv2  # on first use: it is large, and a plan needs none of it

    outline = np.concatenate((np.stack(one, 1), np.stack(other, 1)[::-1]))
    cv2.fillPoly(mask, [np.rint(outline * 16).astype(np.int32)], 255, shift=4)
