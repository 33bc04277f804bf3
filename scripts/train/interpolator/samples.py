"""Samples to learn from: four pictures, the truth between the middle two, and the motion as the filter tells it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from vsfilmrestore.filters._between_motion import GUESSES, motions_between
from vsfilmrestore.filters._lost_frame import Beside

from .painted import painted

__all__ = ["FIELDS", "SIZE", "Samples", "make"]

SIZE = (256, 352)
"""Rows and columns of a sample."""
FIELDS = {"pictures": (3, *SIZE), "flows": (GUESSES, SIZE[0] // 2, SIZE[1] // 2, 2),
          "covers": (GUESSES, SIZE[0] // 2, SIZE[1] // 2, 2), "time": ()}  # fmt: skip
"""Left, right and truth; motions; what is laid down; the time."""
_KINDS = {"pictures": np.uint8, "flows": np.float16, "covers": np.uint8, "time": np.float32}
_CUT = 32.0
_STILL = 0.6
_TRIES = 30
_SHAKEN = 0.35
"""Share of pieces of video that a camera is made to shake."""
_MOVIES, _STILLS = (".mp4", ".mkv", ".webm", ".mov"), (".webp", ".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class _Spacing:
    """Frames from the first on: far left, left, truth, right, far right."""

    frames: tuple[int, int, int, int, int]
    time: float
    stretch: float


_SPACINGS = (
    _Spacing((0, 2, 3, 4, 6), 0.5, 1.0),
    _Spacing((1, 2, 3, 4, 5), 0.5, 2.0),
    _Spacing((0, 3, 4, 6, 9), 1 / 3, 1.0),
    _Spacing((0, 3, 5, 6, 9), 2 / 3, 1.0),
)
_ODDS = (0.5, 0.2, 0.15, 0.15)


class Samples:
    """Samples that lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self.fields = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in FIELDS}

    def __len__(self) -> int:
        return len(self.fields["time"])


def make(pictures: Path, folder: Path, count: int, seed: int, films: float = 0.65) -> None:
    """Make samples of the videos and photographs of a folder, unless they are there.

    Args:
        pictures: Searched with all its folders.
        folder: Where the samples go.
        count: How many.
        seed: Of all that is drawn.
        films: Share from videos.
    """
    if (folder / "time.npy").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    files = sorted(pictures.rglob("*"))
    movies = [f for f in files if f.suffix.lower() in _MOVIES]
    stills = [f for f in files if f.suffix.lower() in _STILLS]
    parts = {name: np.lib.format.open_memmap(folder / f"{name}.part", "w+", _KINDS[name], (count, *shape))
             for name, shape in FIELDS.items()}  # fmt: skip
    for n in range(count):
        rng = np.random.default_rng((seed, n))
        spacing = _SPACINGS[int(rng.choice(len(_SPACINGS), p=_ODDS))]
        five = _filmed(movies, rng, spacing) if rng.random() < films else _drawn(stills, rng, spacing)
        for name, value in _told(five, rng, spacing).items():
            parts[name][n] = value
    for name in FIELDS:
        parts[name].flush()
        (folder / f"{name}.part").replace(folder / f"{name}.npy")


def _told(five: list[npt.NDArray[np.uint8]], rng: np.random.Generator, spacing: _Spacing) -> dict[str, npt.ArrayLike]:
    """The whole frames are followed, as the filter does; a piece of them is kept."""
    far_left, left, truth, right, far_right = five
    beyond = rng.random() > 0.15
    before = Beside(left, far_left if beyond else None)
    found = motions_between(before, Beside(right, far_right if beyond else None), spacing.time, spacing.stretch)
    top, first = (int(rng.integers(0, (have - want) // 2 + 1)) * 2
                  for have, want in zip(left.shape, SIZE, strict=True))  # fmt: skip
    rows, columns = slice(top, top + SIZE[0]), slice(first, first + SIZE[1])
    small = slice(top // 2, (top + SIZE[0]) // 2), slice(first // 2, (first + SIZE[1]) // 2)
    return {
        "pictures": np.stack([each[rows, columns] for each in (left, right, truth)]),
        "flows": np.stack([flow[small] for flow in found.flows]),
        "covers": np.rint(np.stack([cover[small] for cover in found.covers]) * 255),
        "time": spacing.time,
    }


def _filmed(movies: list[Path], rng: np.random.Generator, spacing: _Spacing) -> list[npt.NDArray[np.uint8]]:
    """Five frames of a video in which something moves and nothing is cut, more often such that move much."""
    best: tuple[float, list[npt.NDArray[np.uint8]]] | None = None
    wanted = int(rng.choice([1, 4]))
    for _ in range(_TRIES):
        film = _film(movies[int(rng.integers(len(movies)))])
        step = int(rng.choice([1, 1, 2, 3]))
        reach = spacing.frames[-1] * step
        if len(film) <= reach:
            continue
        first = int(rng.integers(len(film) - reach))
        five = [film[first + step * number] for number in spacing.frames]
        moves = [float(np.abs(a[::4, ::4].astype(np.float32) - b[::4, ::4]).mean()) for a, b in pairwise(five)]
        if max(moves) > _CUT * 1.4 or min(moves) < _STILL:
            continue
        wanted -= 1
        if best is None or max(moves) > best[0]:
            best = max(moves), five
        if wanted <= 0:
            break
    if best is None:
        raise ValueError("the videos hold no frames in a row that move")
    five = best[1]
    if rng.random() < 0.5:
        five = [cv2.flip(each, 1) for each in five]
    return _as_large(_shaken(five, rng, spacing) if rng.random() < _SHAKEN else five, rng)


def _shaken(
    five: list[npt.NDArray[np.uint8]], rng: np.random.Generator, spacing: _Spacing
) -> list[npt.NDArray[np.uint8]]:
    """The same by a camera that is moved and turned, evenly but for a little."""
    height, width = five[0].shape
    heading, far = rng.uniform(0, 2 * np.pi), min(rng.exponential(0.08), 0.2) * width
    speed, bend = far * np.array([np.cos(heading), np.sin(heading)]), rng.normal(0, 0.04, 2) * far
    turn, size, made = rng.normal(0, 2.0), rng.uniform(1.1, 1.3), []
    for picture, number in zip(five, spacing.frames, strict=True):
        time = (number - spacing.frames[2]) / (spacing.frames[3] - spacing.frames[1])
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn * time, size)
        matrix[:, 2] += speed * time + bend * time * time
        across = (width, height)
        made.append(cv2.warpAffine(picture, matrix, across, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))
    return [np.asarray(each, dtype=np.uint8) for each in made]


def _as_large(five: list[npt.NDArray[np.uint8]], rng: np.random.Generator) -> list[npt.NDArray[np.uint8]]:
    """Between the least size that holds a sample and the frames' own; sides are multiples of 16."""
    height, width = five[0].shape
    least = max(SIZE[0] / height, SIZE[1] / width)
    scale = least * float(np.exp(rng.uniform(0, max(np.log(1 / least), 0.0))))
    size = tuple(max(-(-round(side * scale) // 16) * 16, want) for side, want in ((width, SIZE[1]), (height, SIZE[0])))
    return [np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA)) for each in five]


def _drawn(stills: list[Path], rng: np.random.Generator, spacing: _Spacing) -> list[npt.NDArray[np.uint8]]:
    gap = spacing.frames[3] - spacing.frames[1]
    times = [(number - spacing.frames[1]) / gap for number in spacing.frames]
    return painted(stills, rng, times, SIZE)


@lru_cache(maxsize=32)
def _film(path: Path) -> npt.NDArray[np.uint8]:
    """Luma of all frames of a video."""
    reader, frames = cv2.VideoCapture(str(path)), []
    while True:
        there, frame = reader.read()
        if not there:
            break
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY))
    reader.release()
    return np.stack(frames)
