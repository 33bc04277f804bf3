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

type Floats = npt.NDArray[np.floating]


def held_back(file: Path) -> bool:
    """Whether a file is for tests: one in four, by its name's bytes."""
    return sum(file.stem.encode()) % 4 == 1


class Sights:
    """Small unfaded frames of a folder of pictures and videos; drawings are left out.

    Args:
        folder: Searched with all its folders.
        test: Only what `held_back` keeps for tests, else only the rest.
        crops: Pieces taken of each picture, each at least half of it.
    """

    def __init__(self, folder: Path, *, test: bool = False, crops: int = 6) -> None:
        self.sources: list[Floats] = []
        for file in sorted(folder.rglob("*")):
            if held_back(file) != test or file.stem.startswith("art"):
                continue
            for picture in _pictures(file):
                self.sources.append(np.stack([_crop(picture, i) for i in range(crops)]))
        if not self.sources:
            raise FileNotFoundError(f"{folder} holds no pictures.")

    def reel(self, rng: np.random.Generator, frames: int) -> Floats:
        """Frames of one reel, (frames, height, width, 3): some scenes, several frames of each."""
        scenes = frames if rng.random() < 0.5 else int(rng.integers(4, frames + 1)) if frames > 4 else frames
        chosen = rng.choice(len(self.sources), scenes, replace=scenes > len(self.sources))
        which = [chosen[i % scenes] for i in range(frames)]
        return np.stack([self.sources[i][rng.integers(len(self.sources[i]))] for i in which])


def frames_of(movie: Path, count: int) -> Floats:
    """Frames spread over a movie, the middle of each, as `Sights` holds them.

    Raises:
        FileNotFoundError: It cannot be read.
    """
    found = _pictures(movie, count)
    if not found:
        raise FileNotFoundError(movie)
    return np.stack([_crop(picture, 0) for picture in found])


def looked(rng: np.random.Generator, reel: Floats) -> Floats:
    """Frames as their makers may have wanted them: each its exposure and warmth, the whole film a taste of its own."""
    count = len(reel)
    light = np.clip(reel, 0, 1) ** 2.2
    warm = rng.normal(0, 0.03, (count, 1)) + rng.normal(0, 0.02)
    gain = np.exp(rng.normal(0, 0.15, (count, 1)) + np.concatenate([warm, 0 * warm, -warm], 1)).astype(np.float32)
    picture = np.clip(light * gain[:, None, None], 0, 1) ** (1 / 2.2)
    grey = picture.mean(-1, keepdims=True)
    return np.clip(grey + (picture - grey) * float(np.exp(rng.normal(-0.1, 0.2))), 0, 1)


def thumb(frames: Floats) -> Floats:
    """Half the size: means of four."""
    return (frames[:, ::2, ::2] + frames[:, 1::2, ::2] + frames[:, ::2, 1::2] + frames[:, 1::2, 1::2]) / 4


def _crop(picture: npt.NDArray[np.uint8], seed: int) -> Floats:
    rng = np.random.default_rng([seed, 7])
    height, width = picture.shape[:2]
    share = rng.uniform(0.6, 1.0) if seed else 1.0
    across = min(width, height * 4 / 3) * share
    down = across * 3 / 4
    left, top = rng.uniform(0, width - across), rng.uniform(0, height - down)
    piece = picture[int(top) : int(top + down), int(left) : int(left + across)]
    small = cv2.resize(piece, SIDES, interpolation=cv2.INTER_AREA)
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
