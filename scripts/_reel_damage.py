"""What time does to film, simulated: each kind of damage is a function from picture to picture.

Sizes are in thousandths of the film's width, so a reel of any size is damaged alike. All chance comes from
`chance`, which is keyed by shot and frame: any frame can be made alone and is always the same.
Pictures are as in the scenes' module: float32, height, width, 3, from 0 to 1.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from _reel_scenes import Picture, shifted

__all__ = [
    "Scratch",
    "chance",
    "dirty",
    "faded",
    "flicker_path",
    "flickering",
    "grainy",
    "scratched",
    "torn",
    "weave_path",
]

type Map = npt.NDArray[np.float32]


def chance(*key: int | str) -> np.random.Generator:
    """Random numbers that depend on the key alone."""
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in key]
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(words)))


# --- paths over a shot -----------------------------------------------------------------------------------------------


def _wander(dice: np.random.Generator, frames: int, slowness: float, spread: float) -> npt.NDArray[np.float64]:
    """A smooth random path around 0 with a standard deviation of ``spread``."""
    path = ndimage.gaussian_filter1d(dice.standard_normal(frames + 64), slowness)[32 : frames + 32]
    path -= path.mean()
    return np.asarray(path * (spread / max(float(path.std()), 1e-9)), np.float64)


def weave_path(shot: str, frames: int, thousandths: float) -> list[tuple[float, float]]:
    """Gate weave: where the film sits in each frame, in thousandths of the width, right and down.

    Each frame is gripped by perforations of its own, so one tells next to nothing of the next: a rough path, unlike
    the smooth one of a hand that holds a camera.
    """
    x = _wander(chance(shot, "weave x"), frames, 0.4, thousandths)
    y = _wander(chance(shot, "weave y"), frames, 0.35, thousandths * 0.7)
    return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]


def flicker_path(shot: str, frames: int, depth: float) -> list[tuple[float, float]]:
    """Exposure flicker: gain of each frame, and how much more of it the lower edge gets than the upper one."""
    whole = _wander(chance(shot, "flicker"), frames, 0.7, depth)
    tilt = _wander(chance(shot, "flicker tilt"), frames, 0.7, depth * 0.5)
    return [(1.0 + float(a), float(b)) for a, b in zip(whole, tilt, strict=True)]


# --- on the whole picture --------------------------------------------------------------------------------------------


def grainy(picture: Picture, strength: float, shift: tuple[float, float], shot: str, frame: int) -> Picture:
    """Silver grain: strongest in the middle tones, soft-edged, a little of it in each dye alone.

    It lies on the film, so it sits off its place in the gate by the same ``shift`` as the picture, in pixels.
    """
    height, width = picture.shape[:2]
    dice = chance(shot, frame, "grain")
    common = dice.standard_normal((height, width, 1), np.float32)
    own = dice.standard_normal((height, width, 3), np.float32)
    blur = 0.9 * width / 1000
    grain = ndimage.gaussian_filter(common + np.float32(0.5) * own, (blur, blur, 0))
    grain = shifted(grain * np.float32(strength / float(grain.std())), shift)
    tone = picture.mean(axis=2, keepdims=True)
    return np.asarray(picture + grain * (0.35 + 2.6 * tone * (1 - tone)), np.float32)


def flickering(picture: Picture, gain: float, tilt: float) -> Picture:
    """A frame exposed too much or too little, unevenly from top to bottom."""
    slope = np.linspace(-tilt, tilt, picture.shape[0], dtype=np.float32)[:, None, None]
    return np.asarray(picture * (np.float32(gain) + slope), np.float32)


def faded(picture: Picture) -> Picture:
    """Dyes that went: weak cyan and yellow, lifted blacks, a pink cast."""
    return np.asarray(
        picture * np.array((0.86, 0.72, 0.77), np.float32) + np.array((0.11, 0.08, 0.10), np.float32), np.float32
    )


# --- dirt ------------------------------------------------------------------------------------------------------------


def _stain(picture: Picture, alpha: Map, left: int, top: int, tone: float) -> None:
    """Lay a stain over the picture, cut off at the edges."""
    height, width = picture.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + alpha.shape[1], width), min(top + alpha.shape[0], height)
    if x0 < x1 and y0 < y1:
        part = alpha[y0 - top : y1 - top, x0 - left : x1 - left, None]
        picture[y0:y1, x0:x1] += part * (np.float32(tone) - picture[y0:y1, x0:x1])


def _speck(dice: np.random.Generator, radius: float) -> Map:
    """A speck of irregular outline: its opacity, soft over one pixel at the rim."""
    reach = int(np.ceil(radius * 1.8)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    x, y = x + dice.uniform(-0.5, 0.5), (y + dice.uniform(-0.5, 0.5)) * dice.uniform(0.8, 1.6)
    angle = np.arctan2(y, x)
    rim = sum(dice.uniform(0, 0.3) / k * np.cos(k * angle + dice.uniform(0, 2 * np.pi)) for k in range(1, 6))
    inside = np.clip(radius * (1 + rim) - np.hypot(x, y) + 0.5, 0, 1)
    return np.asarray(inside * dice.uniform(0.75, 1.0), np.float32)


def _hair(dice: np.random.Generator, length: float, thick: float) -> Map:
    """A bent fibre: its opacity over the box it lies in."""
    ends = dice.uniform(0, length, (3, 2))
    t = np.linspace(0, 1, int(length) * 2)[:, None]
    curve = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * ends[1] + t**2 * ends[2]
    side = int(length) + 4
    y, x = np.mgrid[0:side, 0:side]
    near = np.full((side, side), np.inf)
    for px, py in curve:  # a few dozen points, each over a box of a few dozen pixels
        near = np.minimum(near, np.hypot(x - px - 1, y - py - 1))
    return np.asarray(np.clip(thick / 2 - near + 0.5, 0, 1) * 0.9, np.float32)


def dirty(picture: Picture, amount: float, shot: str, frame: int) -> Picture:
    """Dust, sparkle and now and then a hair, on this frame alone.

    Args:
        picture: The frame.
        amount: Mean number of pieces of dust; of sparkle come half as many, a hair in one frame of ten at 5.
        shot: Name of the shot.
        frame: Number of the frame in it.
    """
    height, width = picture.shape[:2]
    dice, out = chance(shot, frame, "dirt"), picture.copy()
    unit = width / 1000
    for _ in range(dice.poisson(amount)):
        alpha = _speck(dice, float(dice.lognormal(1.3, 0.5)) * unit)
        _stain(
            out, alpha, int(dice.integers(-4, width)), int(dice.integers(-4, height)), dice.choice((0.03, 0.05, 0.97))
        )
    for _ in range(dice.poisson(amount / 2)):
        alpha = _speck(dice, float(dice.uniform(1.2, 2.4)) * unit)
        _stain(out, alpha, int(dice.integers(width)), int(dice.integers(height)), 1.0)
    if dice.random() < amount / 50:
        alpha = _hair(dice, float(dice.uniform(70, 150)) * unit, max(1.2, 2.6 * unit))
        _stain(out, alpha, int(dice.integers(width * 3 // 4)), int(dice.integers(height * 3 // 4)), 0.06)
    return out


# --- scratches and tears ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scratch:
    """A vertical scratch that runs through many frames.

    Attributes:
        place: Where it stands, as a share of the width.
        tone: Its own tone: near 1 for print scratches, near 0 for dark ones.
        opacity: How much of the picture it hides, at most.
        width: In thousandths of the film's width.
        first: First frame of the shot that has it.
        last: Last one.
    """

    place: float
    tone: float = 0.95
    opacity: float = 0.5
    width: float = 1.6
    first: int = 0
    last: int = 100_000


def scratched(picture: Picture, scratches: tuple[Scratch, ...], shot: str, frame: int, frames: int) -> Picture:
    """Scratches that drift from frame to frame; the picture shines through."""
    out = picture.copy()
    for number, scratch in enumerate(scratches):
        if scratch.first <= frame <= scratch.last:
            _scratch(out, scratch, f"{shot} scratch {number}", frame, frames)
    return out


def _scratch(picture: Picture, scratch: Scratch, key: str, frame: int, frames: int) -> None:
    height, width = picture.shape[:2]
    drift = _wander(chance(key, "drift"), frames, 6.0, 4.0)[frame] * width / 1000
    centre = scratch.place * width + drift
    strip = ndimage.gaussian_filter1d(chance(key, "wear").standard_normal(2048 + 97 * frames), 40)
    wear = strip[97 * frame : 97 * frame + 2048] / float(strip.std())
    along = np.clip(0.75 + 0.3 * np.interp(np.linspace(0, 2047, height), np.arange(2048), wear), 0.1, 1)
    left, right = max(int(centre) - 6, 0), min(int(centre) + 7, width)
    half = scratch.width * width / 2000
    across = np.clip(half - np.abs(np.arange(left, right) - centre) + 0.5, 0, 1)
    _stain(picture, np.asarray(scratch.opacity * along[:, None] * across, np.float32), left, 0, scratch.tone)


def torn(picture: Picture, shot: str, frame: int) -> Picture:
    """A tear from the left edge: what lies below has slipped, and light falls through the gap."""
    height, width = picture.shape[:2]
    dice = chance(shot, frame, "tear")
    x = np.arange(width)
    rough = (
        ndimage.gaussian_filter1d(dice.standard_normal(width), 4) * 14 + np.cumsum(dice.standard_normal(width)) * 0.6
    )
    edge = height * 0.42 + 0.12 * x + rough * width / 1000
    gap = np.clip(1 - x / (0.85 * width), 0, 1) * 0.15 * height
    below = np.clip(np.arange(height)[:, None] - edge, 0, None)
    slip = np.exp(-below / (0.5 * height)) * (below > 0) * np.clip(1 - x / (0.85 * width), 0, 1)
    y, across = np.mgrid[0:height, 0:width].astype(np.float64)
    places = (y - slip * 0.035 * height, across - slip * 0.03 * width)
    slipped = [ndimage.map_coordinates(picture[..., c], places, order=1, mode="nearest") for c in range(3)]
    out = np.stack(slipped, axis=2).astype(np.float32)
    light = np.clip(gap / 2 - np.abs(np.arange(height)[:, None] - edge - gap / 2) + 0.5, 0, 1)
    _stain(out, np.asarray(light, np.float32), 0, 0, 0.98)
    return out
