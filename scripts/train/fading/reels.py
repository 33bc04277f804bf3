"""Reels to fade: frames of unfaded pictures as a recipe's estimate sees them, small, and those of one reel together."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Sights", "frames_of", "held_back", "looked", "thumb"]

SIDES = (56, 42)
"""Width and height of the frames that are faded; half of it is looked at."""
_STILLS, _MOVIES = (".webp", ".jpg", ".jpeg", ".png"), (".mp4", ".mkv", ".webm", ".mov", ".gif")
_PER_MOVIE = 4

_JOINED = 0.3
"""Share of the scenes that are made of two pictures."""

type Floats = npt.NDArray[np.floating]
type Numbers = npt.NDArray[np.integer]


def held_back(file: Path) -> bool:
    """Whether a file is for tests: one in four, by its name's bytes."""
    return sum(file.stem.encode()) % 4 == 1


class Sights:
    """Small unfaded frames of a folder of pictures and videos; drawings are left out.

    Args:
        folder: Searched with all its folders.
        test: Only what `held_back` keeps for tests, else only the rest.
        crops: Pieces taken of each picture, the first one all of it.
        closest: Share of the width that a piece has at least.
    """

    def __init__(self, folder: Path, *, test: bool = False, crops: int = 6, closest: float = 0.6) -> None:
        self.sources: list[Floats] = []
        for file in sorted(folder.rglob("*")):
            if held_back(file) != test or file.stem.startswith("art"):
                continue
            for picture in _pictures(file):
                self.sources.append(np.stack([_crop(picture, i, closest=closest) for i in range(crops)]))
        if not self.sources:
            raise FileNotFoundError(f"{folder} holds no pictures.")

    def reel(self, rng: np.random.Generator, frames: int) -> tuple[Floats, Numbers]:
        """Frames of one reel, (frames, height, width, 3), several of each scene if there are few, and their scenes."""
        scenes = frames if rng.random() < 0.5 else int(np.exp(rng.uniform(0, np.log(frames + 1))))
        chosen = rng.choice(len(self.sources), (2, scenes), replace=2 * scenes > len(self.sources))
        joins = [_join(rng) if rng.random() < _JOINED else None for _ in range(scenes)]
        which = np.arange(frames) % scenes
        return np.stack([self._frame(rng, chosen[:, i], joins[i]) for i in which]), which

    def _frame(self, rng: np.random.Generator, two: Numbers, join: npt.NDArray[np.bool_] | None) -> Floats:
        one, other = (self.sources[i][rng.integers(len(self.sources[i]))] for i in two)
        return one if join is None else np.where(join[..., None], one, other)

    def colours(self, rng: np.random.Generator, count: int) -> Floats:
        """Colours of any pictures, and as many greys again: (2, count, 3)."""
        places = [(rng.choice(len(self.sources)), rng.integers(SIDES[1]), rng.integers(SIDES[0])) for _ in range(count)]
        found = [self.sources[i][rng.integers(len(self.sources[i])), y, x] for i, y, x in places]
        greys = np.repeat(np.linspace(0.04, 0.96, count, dtype=np.float32)[:, None], 3, 1)
        return np.stack([np.stack(found), greys])


def frames_of(movie: Path, count: int, sides: tuple[int, int] = SIDES) -> Floats:
    """Frames spread over a movie, the middle of each, as `Sights` holds them.

    Raises:
        FileNotFoundError: It cannot be read.
    """
    found = _pictures(movie, count)
    if not found:
        raise FileNotFoundError(movie)
    return np.stack([_crop(picture, 0, sides) for picture in found])


def looked(rng: np.random.Generator, reel: Floats, scene: Numbers) -> Floats:
    """Frames as their makers may have wanted them: each scene its light, the whole film a taste of its own."""

    def drawn(of_scenes: float, of_frames: float = 0.0) -> Floats:
        each = rng.normal(0, of_scenes, int(scene.max()) + 1)[scene]
        return np.asarray((each + rng.normal(0, of_frames, len(scene)))[:, None], np.float32)

    warm, tint = drawn(0.03, 0.005) + np.float32(rng.normal(0, 0.02)), drawn(0.01)
    gain = np.exp(drawn(0.15, 0.04) + np.concatenate([warm - tint, tint, -warm - tint], 1))[:, None, None]
    contrast = np.exp(drawn(0.06))[:, None, None] / np.float32(2.2)
    picture = np.clip(np.clip(reel, 0, 1) ** 2.2 * gain, 0, 1) ** contrast
    grey = picture.mean(-1, keepdims=True)
    vivid = np.exp(drawn(0.1) + np.float32(rng.normal(-0.1, 0.2)))[:, None, None]
    return np.asarray(np.clip(grey + (picture - grey) * vivid, 0, 1))


def thumb(frames: Floats) -> Floats:
    """Half the size: means of four."""
    return (frames[:, ::2, ::2] + frames[:, 1::2, ::2] + frames[:, ::2, 1::2] + frames[:, 1::2, 1::2]) / 4


def _join(rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which part of a frame is of the first of two pictures."""
    turn, place = rng.uniform(0, 2 * np.pi), rng.uniform(-0.5, 0.5)
    y, x = np.linspace(-1, 1, SIDES[1])[:, None], np.linspace(-1, 1, SIDES[0])[None]
    return np.asarray(np.cos(turn) * x + np.sin(turn) * y > place)


def _crop(picture: npt.NDArray[np.uint8], seed: int, sides: tuple[int, int] = SIDES, *, closest: float = 1.0) -> Floats:
    rng = np.random.default_rng([seed, 7])
    height, width = picture.shape[:2]
    share = rng.uniform(closest, 1.0) if seed else 1.0
    across = min(width, height * 4 / 3) * share
    down = across * 3 / 4
    left, top = rng.uniform(0, width - across), rng.uniform(0, height - down)
    piece = picture[int(top) : int(top + down), int(left) : int(left + across)]
    small = cv2.resize(piece, sides, interpolation=cv2.INTER_AREA)
    return np.asarray(small[..., ::-1], np.float32) / np.float32(255)


def _pictures(file: Path, count: int = _PER_MOVIE) -> list[npt.NDArray[np.uint8]]:
    if file.suffix.lower() in _STILLS:
        picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
        return [] if picture is None else [np.asarray(picture, np.uint8)]
    if file.suffix.lower() not in _MOVIES:
        return []
    movie = cv2.VideoCapture(str(file))
    total = int(movie.get(cv2.CAP_PROP_FRAME_COUNT))
    wanted = {int((i + 0.5) * total / count) for i in range(count)}
    found, place = [], 0
    while True:
        there, frame = movie.read()
        if not there:
            return found
        if place in wanted:
            found.append(np.asarray(frame, np.uint8))
        place += 1
