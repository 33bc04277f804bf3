"""Clean clips to damage: cut from videos, or made from photographs by a moving camera and things that pass."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from .chance import WHOLE, Dice
from .tools import field, tensor

__all__ = ["Pictures"]

_MOVIES, _STILLS = (".mp4", ".mkv", ".webm", ".mov"), (".webp", ".jpg", ".jpeg", ".png")
_MOST_FRAMES = 160
_CUT = 0.12


class Pictures:
    """Clips of a folder of photographs and videos.

    Args:
        folder: Searched with all its folders.
        device: Where clips are made.
        every: ``(k, n)``: only files whose place in the sorted list leaves k when divided by n, to hold some back.
    """

    def __init__(self, folder: Path, device: str = "cpu", every: tuple[int, int] = (0, 1)) -> None:
        files = [f for f in sorted(folder.rglob("*")) if f.suffix.lower() in _MOVIES + _STILLS]
        stills = [f for f in files if f.suffix.lower() in _STILLS]
        movies = [f for f in files if f.suffix.lower() in _MOVIES]
        self.stills, self.movies = stills[every[0] :: every[1]], movies[every[0] :: every[1]]
        if not self.stills and not self.movies:
            raise FileNotFoundError(f"{folder} holds no pictures ({', '.join(_STILLS + _MOVIES)}).")
        self.device = torch.device(device)

    def clip(self, seed: int, frames: int = 7, size: tuple[int, int] = (256, 256)) -> torch.Tensor:
        """A clip: frames, 3, height, width from 0 to 1. One in three is from a video, where there are both."""
        dice = Dice(WHOLE, seed, "pictures")
        if self.movies and (not self.stills or dice.happens(0.33)):
            found = self._from_video(dice.part("video"), frames, size)
            if found is not None:
                return found
        if not self.stills:
            raise ValueError(f"No video has {frames} frames in a row without a cut.")
        return self._from_still(dice.part("still"), frames, size)

    def _from_video(self, dice: Dice, frames: int, size: tuple[int, int]) -> torch.Tensor | None:
        held = _video(self.movies[int(dice.rng.integers(len(self.movies)))])
        stride = int(dice.rng.integers(1, 3))
        if len(held) < frames * stride:
            stride = 1
        for _ in range(4):
            first = int(dice.rng.integers(max(len(held) - (frames - 1) * stride, 1)))
            part = held[first : first + frames * stride : stride]
            if len(part) == frames and not _has_cut(part):
                return self._cropped(dice, part, size)
        return None

    def _cropped(self, dice: Dice, part: np.ndarray, size: tuple[int, int]) -> torch.Tensor:
        """A part of the frame, between half its size (averaged) and its own, in any mirror image."""
        height, width = part.shape[1:3]
        most = min(height / size[0], width / size[1])
        zoom = min(max(float(dice.between(1, max(min(most, 2), 1.0001))), 1.0), most)
        tall, wide = int(size[0] * zoom), int(size[1] * zoom)
        top, left = int(dice.rng.integers(height - tall + 1)), int(dice.rng.integers(width - wide + 1))
        cut = part[:, top : top + tall, left : left + wide, ::-1]
        clip = torch.from_numpy(np.ascontiguousarray(cut)).to(self.device).permute(0, 3, 1, 2).float() / 255
        clip = F.interpolate(clip, size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)
        return clip.flip(3) if dice.happens(0.5) else clip

    def _from_still(self, dice: Dice, frames: int, size: tuple[int, int]) -> torch.Tensor:
        back = self._still(dice)
        clip = self._travel(dice.part("camera"), back, frames, size, speed=float(dice.rng.exponential(0.008)))
        for n in range(int(dice.rng.choice(3, p=[0.35, 0.4, 0.25]))):
            own = dice.part("layer", n)
            front = self._travel(own, self._still(own), frames, size, speed=float(own.rng.exponential(0.03)))
            matte = self._matte(own.part("matte"), frames, size)
            clip = clip * (1 - matte) + front * matte
        return clip

    def _still(self, dice: Dice) -> torch.Tensor:
        held = _photograph(self.stills[int(dice.rng.integers(len(self.stills)))])
        return torch.from_numpy(held).to(self.device).permute(2, 0, 1).float()[None] / 255

    def _travel(
        self, dice: Dice, picture: torch.Tensor, frames: int, size: tuple[int, int], speed: float
    ) -> torch.Tensor:
        """A camera that pans, zooms, turns and shakes over a photograph. ``speed``: widths of the crop a frame."""
        height, width = picture.shape[-2:]
        zoom = float(dice.between(0.7, 1.3)) * np.exp(dice.rng.normal(0, 0.004) * np.arange(frames))
        angle = dice.rng.normal(0, 0.03) + dice.rng.normal(0, 0.003) * np.arange(frames)
        heading, shake = float(dice.between(0, 6.28)), float(dice.rng.exponential(0.8))
        start = [dice.between(0.25, 0.75) * width, dice.between(0.25, 0.75) * height]
        steps = np.arange(frames) * speed * size[1]
        cx = start[0] + np.cos(heading) * steps + dice.walk(frames, 0.5, shake)
        cy = start[1] + np.sin(heading) * steps + dice.walk(frames, 0.5, shake)
        y = torch.arange(size[0], device=self.device)[:, None] - (size[0] - 1) / 2
        x = torch.arange(size[1], device=self.device)[None] - (size[1] - 1) / 2
        cos, sin = (tensor(f(angle) / zoom, picture)[:, None, None] for f in (np.cos, np.sin))
        u = cos * x - sin * y + tensor(cx, picture)[:, None, None]
        v = sin * x + cos * y + tensor(cy, picture)[:, None, None]
        at = torch.stack((u * 2 / width - 1, v * 2 / height - 1), -1)
        source = picture.expand(frames, -1, -1, -1)
        return F.grid_sample(source, at, mode="bilinear", padding_mode="reflection", align_corners=False)

    def _matte(self, dice: Dice, frames: int, size: tuple[int, int]) -> torch.Tensor:
        """A ragged outline that moves through the frame on a path of its own: frames, 1, height, width."""
        noise = field(dice.noise((1, 5, 5), self.device), size)
        y = torch.linspace(-1, 1, size[0], device=self.device)[:, None]
        x = torch.linspace(-1, 1, size[1], device=self.device)[None]
        spread, place, reach = dice.rng.normal(0, 0.06, 2), dice.between(-0.8, 0.8, 2), float(dice.between(0.3, 0.8))
        mattes = []
        for n in range(frames):
            far = torch.hypot(x - place[0] - spread[0] * n, y - place[1] - spread[1] * n)
            mattes.append(((reach - far + 0.2 * noise) * size[1] / 3).clamp(0, 1))
        return torch.stack(mattes)


def _has_cut(part: np.ndarray) -> bool:
    small = part[:, ::8, ::8].astype(np.float32) / 255
    return bool(np.abs(np.diff(small, axis=0)).mean((1, 2, 3)).max(initial=0) > _CUT)


@lru_cache(maxsize=400)
def _photograph(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{path} cannot be read as a picture.")
    return np.ascontiguousarray(picture[..., ::-1])


@lru_cache(maxsize=24)
def _video(path: Path) -> np.ndarray:
    """The first frames of a video: N, height, width, 3 (blue first)."""
    reader = cv2.VideoCapture(str(path))
    frames: list[np.ndarray] = []
    while len(frames) < _MOST_FRAMES:
        there, frame = reader.read()
        if not there:
            break
        frames.append(frame)
    reader.release()
    if not frames:
        raise ValueError(f"{path} cannot be read as a video.")
    return np.stack(frames)
