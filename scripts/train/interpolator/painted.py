"""Large motion that no video has: photographs with layers that move far, turn about a joint and are blurred by it.

Layers are ragged pieces, balls and thin limbs of two links, textured with other photographs. Their way is affine with
a little acceleration; a frame is the mean of a few moments within its shutter's opening.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["painted"]

type Plane = npt.NDArray[np.float32]

_MARGIN = 1.5
"""Photographs are this much larger than what is seen of them."""
_MOMENTS = 5
_FARTHEST = 0.25
"""Width of the picture that a layer may cross between two frames that are kept."""
_SHAKEN = 0.4
"""Share of scenes whose camera moves, and all layers with it."""


@dataclass(frozen=True)
class _Layer:
    texture: Plane
    matte: Plane
    speed: npt.NDArray[np.float64]
    turn: float
    zoom: float
    bend: npt.NDArray[np.float64]
    pivot: tuple[float, float]

    def at(self, time: float, size: tuple[int, int]) -> npt.NDArray[np.float64]:
        """Where the layer lies at a time: 2x3 matrix from the layer to the picture."""
        height, width = size
        shift = self.speed * time + self.bend * time * time
        matrix = cv2.getRotationMatrix2D(self.pivot, self.turn * time, float(np.exp(self.zoom * time)))
        away = np.array([self.texture.shape[1] - width, self.texture.shape[0] - height]) / 2
        matrix[:, 2] += shift - away
        return np.asarray(matrix)


def painted(
    stills: Sequence[Path], rng: np.random.Generator, times: Sequence[float], size: tuple[int, int]
) -> list[npt.NDArray[np.uint8]]:
    """Pictures of one scene at some times, in units of the gap between two frames that are kept."""
    camera = _heading(rng, 0.08, size) if rng.random() < _SHAKEN else np.zeros(2)
    layers = [_layer(stills, rng, size, camera, back=True)]
    layers += [_layer(stills, rng, size, camera, back=False) for _ in range(int(rng.integers(1, 5)))]
    shutter = float(rng.choice([0.0, rng.uniform(0.1, 0.35)]))
    noise = float(rng.choice([0.0, rng.uniform(1, 5)]))
    made = []
    for time in times:
        moments = np.linspace(-shutter / 2, shutter / 2, _MOMENTS) if shutter else [0.0]
        picture = np.mean([_drawn(layers, time + each, size) for each in moments], axis=0)
        picture = picture + rng.normal(0, noise, picture.shape) if noise else picture
        made.append(np.rint(np.clip(picture, 0, 255)).astype(np.uint8))
    return made


def _drawn(layers: Sequence[_Layer], time: float, size: tuple[int, int]) -> Plane:
    across = (size[1], size[0])
    picture = np.zeros(size, np.float32)
    for layer in layers:
        matrix = layer.at(time, size)
        texture = cv2.warpAffine(layer.texture, matrix, across, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        matte = cv2.warpAffine(layer.matte, matrix, across, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        picture += matte * (texture - picture) if layer is not layers[0] else texture
    return np.asarray(picture, dtype=np.float32)


def _heading(rng: np.random.Generator, usual: float, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """A speed; ``usual`` is the share of the width that it crosses."""
    heading = rng.uniform(0, 2 * np.pi)
    return min(rng.exponential(usual), _FARTHEST) * size[1] * np.array([np.cos(heading), np.sin(heading)])


def _layer(
    stills: Sequence[Path],
    rng: np.random.Generator,
    size: tuple[int, int],
    camera: npt.NDArray[np.float64],
    *,
    back: bool,
) -> _Layer:
    texture = _texture(stills[int(rng.integers(len(stills)))], rng, size)
    height, width = texture.shape
    speed = _heading(rng, 0.03 if back else 0.09, size)
    bend = rng.normal(0, 0.15, 2) * float(np.hypot(*speed)) * 0.3
    speed = speed + camera
    if back:
        matte, pivot = np.ones_like(texture), (width / 2, height / 2)
        turn, zoom = rng.normal(0, 0.7), rng.normal(0, 0.01)
    else:
        matte, pivot = _matte(rng, texture.shape, size)
        turn, zoom = rng.normal(0, 9.0), rng.normal(0, 0.03)
    return _Layer(texture, matte, speed, float(turn), float(zoom), bend, pivot)


def _texture(path: Path, rng: np.random.Generator, size: tuple[int, int]) -> Plane:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError(f"{path} cannot be read as a picture.")
    tall, wide = (int(side * _MARGIN) for side in size)
    scale = max(tall / picture.shape[0], wide / picture.shape[1]) * float(rng.uniform(1, 1.4))
    picture = cv2.resize(
        picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    top, left = (int(rng.integers(a - b + 1)) for a, b in zip(picture.shape, (tall, wide), strict=True))
    cut = picture[top : top + tall, left : left + wide].astype(np.float32)
    if rng.random() < 0.3:
        cut = cv2.GaussianBlur(cut, (0, 0), float(rng.uniform(0.5, 2.5)))
    return np.asarray((cut - 128) * np.float32(rng.uniform(0.5, 1.1)) + 128 + np.float32(rng.uniform(-25, 25)))


def _matte(
    rng: np.random.Generator, shape: tuple[int, ...], size: tuple[int, int]
) -> tuple[Plane, tuple[float, float]]:
    """A ball, a ragged piece or a limb, somewhere in what is seen; and the point it turns about."""
    matte = np.zeros(shape, np.float32)
    place = np.array([rng.uniform(0.1, 0.9) * size[1], rng.uniform(0.1, 0.9) * size[0]])
    place += (np.array([shape[1], shape[0]]) - np.array([size[1], size[0]])) / 2
    unit = float(size[0])
    kind = rng.random()
    if kind < 0.5:
        _limb(rng, matte, place, unit)
    elif kind < 0.65:
        cv2.circle(matte, _whole(place), int(unit * rng.uniform(0.02, 0.1)), 1.0, -1, cv2.LINE_AA)
    else:
        corners = int(rng.integers(4, 10))
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
        radii = unit * rng.uniform(0.06, 0.35) * rng.uniform(0.5, 1, corners)
        points = place + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
        cv2.fillPoly(matte, [points.astype(np.int32)], 1.0, cv2.LINE_AA)
    soft = float(rng.uniform(0.4, 1.5))
    return np.asarray(cv2.GaussianBlur(matte, (0, 0), soft)), (float(place[0]), float(place[1]))


def _limb(rng: np.random.Generator, matte: Plane, place: npt.NDArray[np.float64], unit: float) -> None:
    """Two links at an angle, thinner towards the end."""
    angle, thick = rng.uniform(0, 2 * np.pi), unit * rng.uniform(0.012, 0.06)
    point = place
    for link in range(2):
        angle += rng.normal(0, 0.7) if link else 0.0
        ahead = point + unit * rng.uniform(0.1, 0.3) * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(matte, _whole(point), _whole(ahead), 1.0, max(int(thick * (1 - 0.3 * link)), 1), cv2.LINE_AA)
        point = ahead


def _whole(point: npt.NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])
