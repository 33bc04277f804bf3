"""What is known of the specks that may be dirt, and how likely each of them is.

Logistic regression over nine measures of a speck and their products in pairs, fitted to simulated dirt on real films
by scripts/bench/fit_dirt.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

__all__ = ["ALONE", "FEATURES", "FINE", "REACH", "STEPS", "Specks", "likelihood", "polynomial", "specks"]

type Bytes = npt.NDArray[np.uint8]
type Reals = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]

STEPS: Final = 2
"""Differences are passed on in GRAY8 as this many steps per 8-bit level."""
FINE: Final = 4
"""Some of them in so many times more steps."""
REACH: Final = 4
"""The maps of the neighbours' evidence are so many times smaller than the picture."""

ALONE: Final = 2.5
"""Log odds a speck needs by its measures alone, before any strength."""

FEATURES: Final = ("depth", "sure", "second", "around", "crowd", "trace", "area", "length", "texture")
"""What is known of a speck, as logarithms.

depth: by how much it stands out from both neighbours, on the average. sure: the same where it stands out most, from
all that lies within a pixel in the neighbours. second: from the second neighbours too. around: how badly the neighbours
fit beside it. crowd: how much else nearby is considered. trace: the same sign of evidence near the same place in both
neighbouring frames, as something moving would leave. area and length: in pixels. texture: contrast under it.
"""

_LINEAR: Final = (0.392, 0.582, 0.492, -1.158, 0.037, -0.162, -0.053, 0.269, -0.331)
_PAIRS: Final = (
    (-0.013, -0.106, -0.261, 0.036, -0.065, -0.043, 0.285, -0.037, -0.014),
    (-0.002, -0.002, 0.012, -0.127, 0.032, 0.084, 0.064, -0.100),
    (0.490, -0.350, 0.170, 0.030, 0.040, -0.117, 0.170),
    (-0.472, 0.336, 0.173, 0.705, -1.563, 0.561),
    (-0.012, 0.089, -0.516, 0.067, -0.162),
    (-0.046, 0.163, -0.224, 0.025),
    (-0.163, -0.205, 0.131),
    (-0.193, 0.023),
    (-0.155,),
)
_CONSTANT: Final = -4.708
"""Logistic regression over `FEATURES`, their products in pairs, and 1; fitted by scripts/bench/fit_dirt.py."""


class Specks(NamedTuple):
    """What is considered in a frame.

    Attributes:
        labels: Number of the speck each pixel belongs to, 0 for none.
        features: [speck, feature], see `FEATURES`; row 0 means nothing.
        length: Longest side in pixels.
        area: Pixels.
        light: Lighter than the neighbours.
    """

    labels: npt.NDArray[np.int32]
    features: Reals
    length: Reals
    area: Reals
    light: Flags


def specks(maps: Sequence[vs.VideoFrame], marked: Bytes | None = None) -> Specks:
    """Measure what is considered in one frame, given the frames of `Evidence.maps`; or what is ``marked`` instead."""
    import cv2  # on first use: it is large, and a plan needs none of it

    hot, light, dark, sure, second, around, texture, crowd, *near = (np.asarray(m[0]) for m in maps)
    hot = hot if marked is None else marked
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(hot, connectivity=8)
    labels = np.asarray(numbers, np.int32)
    at = np.flatnonzero(hot)
    owner = labels.ravel()[at]
    area = np.maximum(np.bincount(owner, minlength=count), 1)
    in_small = (at // hot.shape[1] // REACH) * near[0].shape[1] + at % hot.shape[1] // REACH

    def mean(values: Bytes) -> Reals:
        return np.bincount(owner, values.ravel()[at], count) / area

    def peak(values: Bytes, where: npt.NDArray[np.int64] = at) -> Reals:
        top = np.zeros(count)
        np.maximum.at(top, owner, values.ravel()[where])
        return top

    is_light = mean(light) > mean(dark)
    before, after = (np.where(is_light, peak(a, in_small), peak(b, in_small)) for a, b in (near[:2], near[2:]))
    length = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]).astype(float)
    features = (
        _log_levels(mean(np.maximum(light, dark))),
        _log_levels(peak(sure)),
        _log_levels(mean(second)),
        _log_levels(mean(around) / FINE),
        np.log(mean(crowd) / 255 + 0.03),
        _log_levels(np.minimum(np.minimum(before, after), 120)),
        np.log(area + 1),
        np.log(length + 1),
        _log_levels(mean(texture)),
    )
    return Specks(labels, np.stack(features, 1), length, area.astype(float), is_light)


def _log_levels(steps: Reals) -> Reals:
    return np.log(np.maximum(steps / STEPS, 0.25))


def polynomial(features: Reals) -> Reals:
    """The features, all products of two of them, and 1."""
    i, j = np.triu_indices(features.shape[1])
    return np.hstack([features, features[:, i] * features[:, j], np.ones((len(features), 1))])


def likelihood(features: Reals) -> Reals:
    """How likely each speck is dirt, in log odds."""
    return polynomial(features) @ _weights()


@cache
def _weights() -> Reals:
    return np.array([*_LINEAR, *(w for row in _PAIRS for w in row), _CONSTANT])
