"""What ``signalstats`` tells of single frames, on full-size samples: TOUT, VREP and BRNG.

Source: FFmpeg, libavfilter/vf_signalstats.c, which QCTools shows; its definitions are followed.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.assess.samples import Sample

__all__ = ["brng_of", "tout_of", "vrep_of"]

type Plane = npt.NDArray[Any]

_OUT: Final = 4.0
_REPEAT: Final = 4


def tout_of(sample: Sample) -> float:
    """Share of pixels that, with both beside them, stand out from the rows one and two above and below."""
    luma = np.rint(sample.raw[0]).astype(np.int16)
    if min(luma.shape) < 6:
        return 0.0
    out = _outliers(luma, 1) & _outliers(luma, 2)
    three = out[:, :-2] & out[:, 1:-1] & out[:, 2:]
    return float(three.sum()) / luma.size


def _outliers(luma: Plane, reach: int) -> Plane:
    above, here, below = luma[2 - reach : -2 - reach], luma[2:-2], luma[2 + reach : len(luma) - 2 + reach]
    return np.asarray((np.abs(above - here) + np.abs(below - here)) / 2 - np.abs(below - above) > _OUT)


def vrep_of(sample: Sample) -> float:
    """Share of lines that are the line four above again, to less than one level a pixel."""
    luma = sample.raw[0]
    if len(luma) <= _REPEAT:
        return 0.0
    apart = np.abs(luma[_REPEAT:] - luma[:-_REPEAT]).mean(axis=1)
    return float((apart < 1).sum()) / len(luma)


def brng_of(sample: Sample) -> float:
    """Share of pixels beyond the limits of broadcast range."""
    luma, *chroma = sample.raw
    if not chroma:
        return float(((luma < 16) | (luma >= 236)).mean())
    out = (luma < 16) | (luma >= 236)
    for plane in chroma:
        bad = (plane < 16) | (plane >= 241)
        rows, columns = (-(-a // b) for a, b in zip(luma.shape, bad.shape, strict=True))
        out |= bad.repeat(rows, 0).repeat(columns, 1)[: luma.shape[0], : luma.shape[1]]
    return float(out.mean())
