"""Whether a face that was made is still the one that was filmed.

Whatever made it, the low frequencies are the filmed face's: what was changed there is taken out again. What is left
must lie within bounds, or the face stays as it was filmed. Faces are told apart by 8 to 16 cycles across a face; what
is coarser than 5 hardly changes here, and what lies above is judged by likeness.

Sources: Z. Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 13(4),
2004; R. Näsänen, "Spatial frequency bandwidth used in the recognition of facial images", Vision Research 39(23), 1999.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from vsfilmrestore.filters._face_tracks import eye_distance
from vsfilmrestore.inference.regions import Region
from vsfilmrestore.inference.runtimes.base import Array

__all__ = ["ALIKE", "COLOUR", "DRIFT", "ROUGH", "SHAPE", "Likeness", "around", "likeness_of", "locked"]

SHAPE: Final = 0.9
"""The low frequencies of what was made, before they are locked, resemble those of the filmed face at least so much:
perfect repairs of soft faces have 0.98 and more, another person's face laid on the same eyes and mouth has 0.5."""
DRIFT: Final = 0.02
"""Landmarks may move so far on an average, in distances of the eyes."""
COLOUR: Final = 2.0
"""The low frequencies of a face may differ by so much (CIE76 ΔE, nine pixels of ten)."""
ALIKE: Final = 0.97
"""Structural similarity at a quarter of the size that face networks work in, at least."""
ROUGH: Final = 0.035
"""Root mean square of the detail that is put in, at most: perfect repairs of soft faces have up to 0.03. What is finer
than the filmed face shows is judged by nothing else."""

_LOW: Final = 0.08
"""Sigma of what counts as low frequencies, in distances of the eyes: half is left at 5 cycles across a face."""
_QUARTER: Final = 80
"""The longer side of a face's box at a quarter of the usual 512 pixels; smaller faces are judged as they are."""
_AROUND: Final = 0.6
"""A detector of landmarks sees so much around the box on each side, in sides of the box."""
_VIEWS: Final = tuple(
    (size, off, flip) for size, off in ((56, 0), (72, 3), (92, 1.5), (112, 5)) for flip in (False, True)
)
"""Longer side of the box in pixels, place of the picture, and whether it is mirrored, each time that it is asked."""
_SPARE: Final = 8
_NEAR: Final = 0.4
"""The middle of the landmarks lies no farther from that of the box, in its longer sides."""
_MIRRORED: Final = [1, 0, 2, 4, 3]

type Finder = Callable[[Array], Sequence[Region]]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How far a made face is from the filmed one.

    Attributes:
        shape: Correlation of the low frequencies of luma, before they are locked: light and shade of the face.
        drift: Mean way of the landmarks in distances of the eyes; NaN where nothing finds landmarks, infinite where the
            filmed face has them and the made one has not.
        colour: Difference of the low frequencies, CIE76.
        alike: Structural similarity, at most 1.
        rough: Root mean square of what is changed, 0..1.
    """

    shape: float
    drift: float
    colour: float
    alike: float
    rough: float

    @property
    def fault(self) -> str:
        """What is wrong with it: ``shape``, ``landmarks``, ``colour``, ``likeness``, ``roughness``; '' for nothing."""
        if not self.shape >= SHAPE:
            return "shape"
        if not np.isnan(self.drift) and not self.drift <= DRIFT:
            return "landmarks"
        if not self.colour <= COLOUR:
            return "colour"
        if not self.alike >= ALIKE:
            return "likeness"
        return "" if self.rough <= ROUGH else "roughness"


def locked(change: Array, eyes: float) -> Array:
    """A change without what it does to the low frequencies.

    Args:
        change: ``[planes, height, width]``.
        eyes: Distance of the eyes in pixels.
    """
    sigma = max(_LOW * eyes, 0.5)
    left = change
    for _ in range(2):  # once leaves half of what lies at the limit, twice a quarter
        left = left - np.stack([_low(plane, sigma) for plane in left])
    return left


def _low(plane: Array, sigma: float) -> Array:
    return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(plane, np.float32), (0, 0), sigma))


def likeness_of(
    seen: Array, change: Array, mask: Array, region: Region, blur: float, landmarks: Finder | None
) -> Likeness:
    """Compare a face that was made with the filmed one: what was made itself, and what is left of it when locked.

    What the filmed face is too soft to show cannot be held against a sharper one: landmarks and similarity are looked
    at in both as soft as the filmed face is.

    Args:
        seen: The filmed picture around the face, ``[3, height, width]``, 0..1, red first.
        change: What was changed, alike, not locked.
        mask: How much of each pixel is the face's, ``[height, width]``.
        region: The face, in pixels of these pictures.
        blur: Sigma of its blur in pixels.
        landmarks: Finds faces with landmarks in such pictures; None where there is no such thing.
    """
    face = mask > 0.5
    if not face.any() or not np.isfinite(change).all():
        return Likeness(0.0, np.nan, np.inf, 0.0, np.inf)
    eyes = eye_distance(region)
    made = seen + locked(change, eyes)
    soft, other = (np.stack([_low(plane, max(blur, 0.3)) for plane in picture]) for picture in (seen, made))
    return Likeness(
        shape=_shape(_luma(seen), _luma(seen + change), face, eyes),
        drift=np.nan if landmarks is None else _drift(soft, other, region, landmarks),
        colour=_colour(seen, made, face, eyes),
        alike=_alike(soft, other, mask, region),
        rough=float(np.sqrt(np.mean((_luma(made) - _luma(seen))[face] ** 2))),
    )


def _shape(seen: Array, made: Array, face: Array, eyes: float) -> float:
    one, two = (_low(luma, max(_LOW * eyes, 0.5))[face] for luma in (seen, made))
    one, two = one - one.mean(), two - two.mean()
    spread = float(np.sqrt((one * one).sum() * (two * two).sum()))
    return float((one * two).sum() / spread) if spread > 1e-9 else float(np.allclose(one, two, atol=1e-4))


def _colour(seen: Array, made: Array, face: Array, eyes: float) -> float:
    sigma = max(_LOW * eyes, 0.5)
    labs = []
    for picture in (seen, made):
        low = np.stack([_low(plane, sigma) for plane in picture], axis=-1)
        labs.append(cv2.cvtColor(np.clip(low, 0, 1), cv2.COLOR_RGB2LAB))
    return float(np.quantile(np.linalg.norm(labs[0] - labs[1], axis=-1)[face], 0.9))


def _alike(seen: Array, made: Array, mask: Array, region: Region) -> float:
    scale = min(1.0, _QUARTER / max(region.width, region.height, 1.0))
    size = max(8, round(mask.shape[1] * scale)), max(8, round(mask.shape[0] * scale))
    a, b = (cv2.resize(_luma(picture), size, interpolation=cv2.INTER_AREA) for picture in (seen, made))
    face = cv2.resize(np.asarray(mask, np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    return float(_ssim(a, b)[face].mean()) if face.any() else 0.0


def _luma(picture: Array) -> Array:
    return np.ascontiguousarray(0.299 * picture[0] + 0.587 * picture[1] + 0.114 * picture[2], np.float32)


def _ssim(a: Array, b: Array) -> Array:
    """Structural similarity of each pixel, with the paper's window and constants."""

    def mean(plane: Array) -> Array:
        return np.asarray(cv2.GaussianBlur(plane, (11, 11), 1.5))

    one, two = mean(a), mean(b)
    spread = mean(a * a) - one * one, mean(b * b) - two * two
    common = mean(a * b) - one * two
    light = (2 * one * two + 1e-4) / (one * one + two * two + 1e-4)
    return np.asarray(light * (2 * common + 9e-4) / (spread[0] + spread[1] + 9e-4))


def _drift(seen: Array, made: Array, region: Region, landmarks: Finder) -> float:
    """A detector's landmarks tremble by some per cent between pictures that look the same: several views are asked."""
    before = [_landmarks(seen, region, landmarks, *view) for view in _VIEWS]
    if all(points is None for points in before):
        return float("nan")
    after = [_landmarks(made, region, landmarks, *view) for view in _VIEWS]
    ways = [b - a for a, b in zip(before, after, strict=True) if a is not None and b is not None]
    if not ways:
        return float("inf")
    return float(np.hypot(*np.median(ways, axis=0).T).mean() / eye_distance(region))


def _landmarks(picture: Array, region: Region, landmarks: Finder, size: int, off: float, flip: bool) -> Array | None:
    """Landmarks of the face that lies where it should, ``[5, 2]`` in pixels, seen at another size, place and hand."""
    scale = size / max(region.width, region.height)
    height, width = picture.shape[1:]
    shape = max(16, round(width * scale) + _SPARE), max(16, round(height * scale) + _SPARE)
    matrix = np.array([[scale, 0, off], [0, scale, off / 2]])
    view = np.stack([_scaled(plane, matrix, shape, scale) for plane in picture])
    best, nearest = None, _NEAR * max(region.width, region.height)
    middle = np.array([region.left + region.width / 2, region.top + region.height / 2])
    for face in landmarks(view[:, :, ::-1] if flip else view):
        points = np.array(face.points)
        if len(points) != 5:
            continue
        if flip:
            points = np.stack([shape[0] - 1 - points[:, 0], points[:, 1]], axis=1)[_MIRRORED]
        points = (points - matrix[:, 2]) / scale
        away = float(np.linalg.norm(points.mean(axis=0) - middle))
        if away < nearest:
            best, nearest = points, away
    return best


def _scaled(plane: Array, matrix: Array, shape: tuple[int, int], scale: float) -> Array:
    plane = np.ascontiguousarray(plane, np.float32)
    if scale < 1:
        plane = cv2.GaussianBlur(plane, (0, 0), 0.5 * np.sqrt(1 / (scale * scale) - 1))
    return np.asarray(cv2.warpAffine(plane, matrix, shape, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101))


def around(region: Region, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns of a picture around a face, as far as anything here looks; empty where it lies outside."""
    reach = _AROUND * max(region.width, region.height)
    rows = _within(region.top - reach, region.top + region.height + reach, height)
    return rows, _within(region.left - reach, region.left + region.width + reach, width)


def _within(start: float, stop: float, length: int) -> slice:
    first = int(np.clip(np.floor(start), 0, length))
    return slice(first, int(np.clip(np.ceil(stop), first, length)))
