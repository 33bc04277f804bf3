"""Hard negatives: things in front of the camera that look like damage. They are in the clean clip too, in no mask."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
import torch

from .chance import WHOLE, Dice
from .film import Film
from .layers import Layer, composed
from .lines import strung
from .shapes import Pool, pool_of
from .stamp import Stamps, stamped
from .tools import blur

__all__ = ["PROPS", "staged"]

type Size = tuple[int, int, int]
type Staging = Callable[[Dice, Film, Size, torch.Tensor], list[Layer]]


# --- shapes ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def _pool(name: str, device: torch.device) -> Pool:
    return pool_of([_DRAWN[name](Dice(WHOLE, n, name)) for n in range(16)], device)


def _canvas() -> np.ndarray:
    return np.zeros((128, 128), np.uint8)


def _disc(dice: Dice) -> np.ndarray:
    canvas = _canvas()
    axes = (56, int(dice.between(40, 57)))
    cv2.ellipse(canvas, (64, 64), axes, float(dice.between(0, 180)), 0, 360, 255, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(canvas, (0, 0), float(dice.between(2, 12))) / np.float32(255)


def _streak(dice: Dice) -> np.ndarray:
    canvas = _canvas()
    cv2.line(canvas, (64, 6), (64, 122), 255, int(dice.rng.integers(3, 8)), cv2.LINE_AA)
    return cv2.GaussianBlur(canvas, (0, 0), 2) / np.float32(255)


def _bird(dice: Dice) -> np.ndarray:
    canvas = _canvas()
    lift, droop = dice.between(-45, 35), dice.between(5, 30)
    wing = np.array([[4, 64 - lift + droop], [34, 64 - lift], [64, 64], [94, 64 - lift], [124, 64 - lift + droop]])
    cv2.polylines(canvas, [np.rint(wing).astype(np.int32)], False, 255, 7, cv2.LINE_AA)
    cv2.ellipse(canvas, (64, 66), (13, 8), 0, 0, 360, 255, -1, cv2.LINE_AA)
    return canvas / np.float32(255)


def _star(dice: Dice) -> np.ndarray:
    y, x = np.mgrid[-1:1:128j, -1:1:128j]
    rays = np.exp(-np.abs(x) * 5 - np.abs(y) * 60) + np.exp(-np.abs(y) * 5 - np.abs(x) * 60)
    fall = np.exp(-(x**2 + y**2) * float(dice.between(15, 60)))
    return np.asarray(np.clip(fall * 1.5 + rays, 0, 1) * (np.hypot(x, y) < 1), np.float32)


def _letter(dice: Dice) -> np.ndarray:
    canvas = _canvas()
    text = "".join(dice.rng.choice(list("ABCDEFGHIKLMNOPRSTUVWabcdefghiklmnoprstuvw.,:;!'-"), 3))
    font = int(dice.rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_COMPLEX]))
    cv2.putText(canvas, text, (4, 80), font, 1.7, 255, int(dice.rng.integers(2, 5)), cv2.LINE_AA)
    return canvas / np.float32(255)


def _eye(_: Dice) -> np.ndarray:
    canvas = _canvas()
    cv2.ellipse(canvas, (64, 64), (60, 26), 0, 0, 360, 255, -1, cv2.LINE_AA)
    return canvas / np.float32(255)


def _lock(dice: Dice) -> np.ndarray:
    """A lock of hair: strands side by side that bend alike."""
    canvas = _canvas()
    bend, rows = dice.rng.normal(0, 25, 2), np.linspace(4, 124, 24)
    for _ in range(int(dice.rng.integers(2, 9))):
        start, spread = dice.between(45, 80), dice.between(-14, 14)
        t = (rows - 4) / 120
        columns = start + bend[0] * np.sin(3 * t) + bend[1] * t**2 + spread * t
        curve = np.rint(np.stack((columns, rows), -1) * 16).astype(np.int32)
        cv2.polylines(canvas, [curve], False, 255, 1, cv2.LINE_AA, 4)
    return canvas / np.float32(255)


_DRAWN = {
    "disc": _disc, "streak": _streak, "bird": _bird, "star": _star, "letter": _letter, "eye": _eye, "lock": _lock,
}  # fmt: skip


# --- what happens ---------------------------------------------------------------------------------------------------


def _flight(dice: Dice, count: int, size: Size, speed: tuple[float, float], spread: float, reach: float) -> Stamps:
    """``count`` things in straight flight over all frames; they come in at one side and leave at the other."""
    frames = size[0]
    frame = np.repeat(np.arange(frames), count)
    vx, vy = (np.tile(s + dice.rng.normal(0, spread, count), frames) for s in speed)
    x = np.tile(dice.between(0, size[2] + 2 * reach, count), frames) + vx * frame
    y = np.tile(dice.between(0, size[1] + 2 * reach, count), frames) + vy * frame
    x, y = x % (size[2] + 2 * reach) - reach, y % (size[1] + 2 * reach) - reach
    once = np.ones(count * frames)
    angle, opacity = np.tile(dice.between(0, 6.28, count), frames), np.tile(dice.between(0.5, 1, count), frames)
    return Stamps(frame, x, y, once * 4, angle, opacity, np.tile(dice.rng.integers(16, size=count), frames))


def _with(stamps: Stamps, **values: np.ndarray) -> Stamps:
    return Stamps(**{name: values.get(name, getattr(stamps, name)) for name in stamps.__dataclass_fields__})


def _count(dice: Dice, size: Size, low: float, high: float) -> int:
    """So many in a picture of 256 x 256, but never none."""
    return max(round(float(dice.between(low, high)) * size[1] * size[2] / 65536), 2)


def _layer(name: str, stamps: Stamps, size: Size, like: torch.Tensor, colour: float | tuple[float, float, float],
           soft: float = 0.4) -> Layer:  # fmt: skip
    alpha = blur(stamped(_pool(name, like.device), stamps, size, like.device)[None], soft)[0]
    rgb = (colour, colour, colour) if isinstance(colour, float) else colour
    return Layer(name, alpha, rgb, mode="covers")


def _snow(dice: Dice, film: Film, size: Size, like: torch.Tensor) -> list[Layer]:
    count = _count(dice, size, 10, 60)
    stamps = _flight(dice, count, size, (float(dice.rng.normal(0, 2)), float(dice.between(1.5, 7))), 1.0, 10)
    side = np.tile(dice.rng.gamma(3, 1.3, count) + 1.5, size[0])
    return [_layer("disc", _with(stamps, side=side), size, like, 0.9)]


def _rain(dice: Dice, film: Film, size: Size, like: torch.Tensor) -> list[Layer]:
    count = _count(dice, size, 15, 80) * size[0]
    slant = float(dice.rng.normal(0, 0.15))
    x, y = dice.between(-10, size[2] + 10, count), dice.between(-10, size[1] + 10, count)
    frame, which = dice.rng.integers(size[0], size=count), dice.rng.integers(16, size=count)
    angle = slant + dice.rng.normal(0, 0.02, count)
    rain = Stamps(frame, x, y, dice.between(12, 60, count), angle, dice.between(0.1, 0.5, count), which)
    return [_layer("streak", rain, size, like, 0.8)]


def _sparks(dice: Dice, film: Film, size: Size, like: torch.Tensor) -> list[Layer]:
    """Bright points from one source that fall in arcs, each for a few frames."""
    count, frames = _count(dice, size, 10, 40), size[0]
    frame = np.repeat(np.arange(frames), count)
    age = frame - np.tile(dice.rng.integers(-3, frames, count), frames)
    source = dice.between(0.15, 0.85, 2)
    vx, vy = np.tile(dice.rng.normal(0, 7, count), frames), np.tile(dice.rng.normal(-5, 5, count), frames)
    x, y = source[0] * size[2] + vx * age, source[1] * size[1] + vy * age + 0.9 * age**2
    life = np.tile(dice.rng.integers(1, 6, count), frames)
    opacity = np.where((age >= 0) & (age < life), 1 - age / (life + 1), 0)
    angle = np.arctan2(vy + 1.8 * age, vx) + np.pi / 2
    side, which = np.tile(dice.between(4, 14, count), frames), np.tile(dice.rng.integers(16, size=count), frames)
    sparks = Stamps(frame, x, y, side, angle, opacity, which).chosen(np.flatnonzero(opacity > 0))
    return [_layer("streak", sparks, size, like, (1.0, 0.8, 0.45), 0.5)]


def _birds(dice: Dice, film: Film, size: Size, like: torch.Tensor) -> list[Layer]:
    count = int(dice.rng.integers(1, 9))
    speed = (float(dice.rng.choice([-1, 1]) * dice.between(1, 9)), float(dice.rng.normal(0, 1.5)))
    stamps = _flight(dice, count, size, speed, 0.6, 12)
    flap = dice.rng.integers(16, size=len(stamps))
    side = np.tile(dice.between(5, 16, count), size[0])
    return [_layer("bird", _with(stamps, which=flap, side=side, angle=stamps.angle * 0.05), size, like, 0.02)]


def _drifting(dice: Dice, size: Size, count: int, speed: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames and places of things that move together, slowly; count innermost."""
    frame = np.repeat(np.arange(size[0]), count)
    dx, dy = (float(dice.rng.normal(0, speed)) for _ in range(2))
    x, y = dice.between(0.1, 0.9, count) * size[2], dice.between(0.1, 0.9, count) * size[1]
    return frame, np.tile(x, size[0]) + dx * frame, np.tile(y, size[0]) + dy * frame


def _blink(dice: Dice, film: Film, size: Size, like: torch.Tensor) -> list[Layer]:
    """A pair of eyes that shut for one or two frames."""
    frame, x, y = _drifting(dice, size, 1, 0.8)
    width = float(dice.between(5, max(min(size[1:]) / 6, 6)))
    shut = int(dice.rng.integers(size[0]))
    lid = (frame >= shut) & (frame < shut + int(dice.rng.integers(1, 3)))
    skin = tuple(float(v) for v in np.array([0.62, 0.4, 0.3]) * dice.between(0.3, 1.1))
    once, nothing = np.ones(len(frame)), np.zeros(len(frame), int)
    layers = []
    for offset in (-width, width):
        white = Stamps(frame, x + offset, y, once * width, once * 0, once, nothing)
        iris = _with(white, side=once * width * 0.42)
        layers.append(_layer("eye", white, size, like, 0.75))
        layers.append(_layer("disc", iris, size, like, 0.02))
        layers.append(_layer("eye", white.chosen(np.flatnonzero(lid)), size, like, (skin[0], skin[1], skin[2]), 0.6))
    return layers


def _shiny(dice: Dice, film: Film, size: Size, like: torch.Tensor) -> list[Layer]:
    """Glints on moving metal and water: one to three frames each."""
    count = int(dice.rng.integers(3, 16))
    frame, x, y = _drifting(dice, size, count, 2.0)
    first = np.tile(dice.rng.integers(-1, size[0], count), size[0])
    length = np.tile(dice.rng.integers(1, 4, count), size[0])
    lit = np.flatnonzero((frame >= first) & (frame < first + length))
    side, which = np.tile(dice.between(4, 26, count), size[0]), np.tile(dice.rng.integers(16, size=count), size[0])
    glints = Stamps(frame, x, y, side, np.zeros(len(frame)), dice.between(0.6, 1, len(frame)), which)
    return [_layer("star", glints.chosen(lit), size, like, 1.0, 0.3)]


def _letters(dice: Dice, film: Film, size: Size, like: torch.Tensor) -> list[Layer]:
    """Rows of letters, still or rolling, that may come or go with a cut of their own."""
    side = float(dice.between(14, 60))
    columns, rows = int(size[2] / side) + 1, int(dice.rng.integers(1, 4))
    count = columns * rows
    frame = np.repeat(np.arange(size[0]), count)
    roll = float(dice.rng.choice([0.0, 0.0, dice.rng.normal(0, 2)]))
    x = np.tile(np.tile(np.arange(columns) * side, rows), size[0]) + side / 2
    y = np.tile(np.repeat(np.arange(rows) * side * 0.5, columns), size[0]) + dice.between(0.2, 0.7) * size[1]
    which = np.tile(dice.rng.integers(16, size=count), size[0])
    once = np.ones(len(frame))
    stamps = Stamps(frame, x, y + roll * frame, once * side, once * 0, once, which)
    first = int(dice.rng.integers(-4, size[0] // 2 + 1))
    return [_layer("letter", stamps.chosen(np.flatnonzero(frame >= first)), size, like,
                   float(dice.rng.choice([0.95, 0.02])))]  # fmt: skip


def _locks(dice: Dice, film: Film, size: Size, like: torch.Tensor) -> list[Layer]:
    """Strands of hair that stir with a moving head."""
    count = int(dice.rng.integers(2, 9))
    frame, x, y = _drifting(dice, size, count, 1.5)
    sway = np.tile(dice.between(0, 6.28, count), size[0]) + np.repeat(dice.walk(size[0], 0.8, 0.12), count)
    side, which = np.tile(dice.between(20, 110, count), size[0]), np.tile(dice.rng.integers(16, size=count), size[0])
    stamps = Stamps(frame, x, y, side, sway, np.ones(len(frame)), which)
    return [_layer("lock", stamps, size, like, float(dice.rng.choice([0.02, 0.02, 0.5])))]


def _ropes(dice: Dice, film: Film, size: Size, like: torch.Tensor) -> list[Layer]:
    """Rigging, cables and poles that stand or sway with the scene."""
    dark = float(dice.rng.choice([0.01, 0.05, 0.4]))
    count = int(dice.rng.integers(1, 5))
    ropes = [
        strung(dice.part(n), film, size, like, float(dice.part(n, "width").between(0.8, 7)), moving=0.004)
        for n in range(count)
    ]
    return [Layer("rope", blur(rope[None], 0.4)[0], (dark, dark, dark), mode="covers") for rope in ropes]


PROPS: dict[str, Staging] = {
    "sparks": _sparks,
    "rain": _rain,
    "snow": _snow,
    "birds": _birds,
    "blink": _blink,
    "shiny": _shiny,
    "letters": _letters,
    "hair": _locks,
    "ropes": _ropes,
}


def staged(dice: Dice, film: Film, scene: torch.Tensor, names: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """The scene with props in it, and where they are: T, H, W, bool."""
    size = (scene.shape[0], scene.shape[2], scene.shape[3])
    where = torch.zeros(size, dtype=torch.bool, device=scene.device)
    for name in names:
        layers = PROPS[name](dice.part(name), film, size, scene)
        scene = composed(scene, layers)
        for layer in layers:
            where |= layer.alpha > 0.02
    return scene, where
