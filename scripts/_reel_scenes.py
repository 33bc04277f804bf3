"""The undamaged pictures of the demo reel: photographs, camera moves over them, and a title card.

A camera move is a window that glides over a photograph; each frame resamples the window at its exact, sub-pixel place.
Pictures are float32 arrays of height, width, 3 with 0 for black and 1 for white, coded for display.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import sparse
from skimage import data

__all__ = ["Move", "Picture", "photograph", "shifted", "title_card", "view"]

type Picture = npt.NDArray[np.float32]
type Window = tuple[float, float, float]
"""Centre x, centre y and width, in pixels of the photograph."""


@dataclass(frozen=True, slots=True)
class Move:
    """A camera move from one window to another, eased in and out.

    Attributes:
        first: Window of the first frame.
        last: Window of the last frame.
    """

    first: Window
    last: Window

    def at(self, moment: float) -> Window:
        """Window at a moment from 0 to 1; outside, the camera rests."""
        t = min(max(moment, 0.0), 1.0)
        eased = t * t * (3.0 - 2.0 * t)
        x, y, width = (a + (b - a) * eased for a, b in zip(self.first, self.last, strict=True))
        return x, y, width


@cache
def photograph(name: str) -> Picture:
    """A photograph that scikit-image carries, by the name of its function in ``skimage.data``; a pair's left one."""
    found = getattr(data, name)()
    return np.asarray((found[0] if isinstance(found, tuple) else found)[..., :3] / 255, np.float32)


def _cubic(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The Catmull-Rom kernel."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _axis(inside: int, outside: int, start: float, length: float) -> sparse.csr_array:
    """Weights that resample one axis: ``outside`` samples over ``length`` source pixels from ``start`` on.

    The kernel widens with the reduction, so nothing aliases; past an edge its last pixel repeats.
    """
    step = length / outside
    stretch = max(1.0, step)
    centres = start + (np.arange(outside) + 0.5) * step - 0.5
    reach = int(np.ceil(2 * stretch))
    taps = np.floor(centres).astype(np.int64)[:, None] + np.arange(1 - reach, reach + 1)
    weights = _cubic((taps - centres[:, None]) / stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(outside), taps.shape[1])
    columns = np.clip(taps, 0, inside - 1).ravel()
    return sparse.csr_array((weights.ravel().astype(np.float32), (rows, columns)), shape=(outside, inside))


def view(picture: Picture, window: Window, size: tuple[int, int], shift: tuple[float, float] = (0.0, 0.0)) -> Picture:
    """What the camera sees of a photograph.

    Args:
        picture: The photograph.
        window: Its part in view; the height follows from the shape of ``size``.
        size: Width and height of the frame in pixels.
        shift: How far the film sits off its place in the gate, in pixels of the frame, right and down.
    """
    (width, height), (x, y, wide) = size, window
    scale = wide / width
    part = (x - wide / 2 - shift[0] * scale, y - height * scale / 2 - shift[1] * scale, wide, height * scale)
    return np.clip(_resampled(picture, part, size), 0, 1)


def shifted(picture: Picture, shift: tuple[float, float]) -> Picture:
    """A picture moved to the right and down by any part of a pixel; values outside 0..1 stay as they are."""
    height, width = picture.shape[:2]
    return _resampled(picture, (-shift[0], -shift[1], width, height), (width, height))


def _resampled(picture: Picture, part: tuple[float, float, float, float], size: tuple[int, int]) -> Picture:
    """A part of a picture (left, top, width, height) at another size."""
    (width, height), (left, top, wide, high) = size, part
    down = _axis(picture.shape[0], height, top, high)
    across = _axis(picture.shape[1], width, left, wide)
    rows = (down @ picture.reshape(picture.shape[0], -1)).reshape(height, picture.shape[1], 3)
    turned = np.ascontiguousarray(rows.transpose(1, 0, 2)).reshape(picture.shape[1], -1)
    seen = (across @ turned).reshape(width, height, 3).transpose(1, 0, 2)
    return np.ascontiguousarray(seen, np.float32)


@cache
def title_card(size: tuple[int, int]) -> Picture:
    """A still card with letters, thin lines and small dots: all that a dirt filter would like to take away."""
    width, height = size
    card = Image.new("RGB", size, (26, 27, 34))
    pen = ImageDraw.Draw(card)
    ink, edge = (232, 226, 208), width // 20
    pen.rectangle((edge, edge, width - edge - 1, height - edge - 1), outline=ink, width=max(1, width // 320))
    for text, line, points in (
        ("THE SEVENTH SHOT", 0.34, 0.072),
        ("a reel of seven shots, damaged by arithmetic", 0.50, 0.036),
        (". . . i, j: 35 mm; 24 fps; reel A001 . . .", 0.64, 0.024),
    ):
        pen.text((width / 2, height * line), text, fill=ink, font=ImageFont.load_default(width * points), anchor="mm")
    for k in range(9):
        x, y, r = width * (0.3 + 0.05 * k), height * 0.78, (1 + k % 3) * width / 900
        pen.ellipse((x - r, y - r, x + r, y + r), fill=ink)
    return np.asarray(card, np.float32) / np.float32(255)
