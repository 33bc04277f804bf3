"""Many small shapes set down on a clip at once, by gathers and one scatter: fit for a GPU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from .shapes import LEVELS, Pool

__all__ = ["Stamps", "stamped"]

_AT_ONCE = 64


@dataclass(frozen=True)
class Stamps:
    """K shapes: frame, place (pixels), side of the square that holds the shape (pixels), turn, opacity, which shape."""

    frame: np.ndarray
    x: np.ndarray
    y: np.ndarray
    side: np.ndarray
    angle: np.ndarray
    opacity: np.ndarray
    which: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)

    def chosen(self, index: np.ndarray) -> Stamps:
        """Some of them, also several times."""
        return Stamps(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def at(self, frame: np.ndarray, dx: np.ndarray | float = 0.0, dy: np.ndarray | float = 0.0) -> Stamps:
        """The same in other frames, shifted."""
        return Stamps(frame, self.x + dx, self.y + dy, self.side, self.angle, self.opacity, self.which)


def stamped(pool: Pool, stamps: Stamps, size: tuple[int, int, int], device: torch.device) -> torch.Tensor:
    """Opacity T, H, W of all stamps together; where they overlap the denser one counts."""
    canvas = torch.zeros(size[0] * size[1] * size[2], device=device)
    levels = np.array(LEVELS)
    level = levels[np.minimum(np.searchsorted(levels, stamps.side), len(levels) - 1)]
    for each in np.unique(level):
        index = np.flatnonzero(level == each)
        for part in np.split(index, range(_AT_ONCE, len(index), _AT_ONCE)):
            _press(canvas, pool.levels[int(each)], stamps.chosen(part), size)
    return canvas.view(size)


def _press(canvas: torch.Tensor, maps: torch.Tensor, stamps: Stamps, size: tuple[int, int, int]) -> None:
    device = canvas.device
    reach = min(int(np.ceil(max(float(stamps.side.max()), 2) * 0.75)) + 2, max(size[1:]) + 2)

    def column(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.asarray(values, np.float32)).to(device)[:, None, None]

    span = torch.arange(-reach, reach + 1, device=device)
    x, y = column(stamps.x), column(stamps.y)
    columns, rows = x.round().long() + span[None, None, :], y.round().long() + span[None, :, None]
    u, v = columns - x, rows - y
    # Never squeezed below two pixels: what is smaller is set down two wide and thinner instead.
    side = np.maximum(stamps.side, 2.0)
    cos, sin, half = column(np.cos(stamps.angle)), column(np.sin(stamps.angle)), column(side / 2)
    at = torch.stack(((cos * u + sin * v) / half, (cos * v - sin * u) / half), -1)
    source = maps[torch.from_numpy(np.asarray(stamps.which, np.int64)).to(device)][:, None]
    alpha = F.grid_sample(source, at, mode="bilinear", padding_mode="zeros", align_corners=False)[:, 0]
    alpha = alpha * column(stamps.opacity * np.minimum(stamps.side / side, 1) ** 2)
    inside = (columns >= 0) & (columns < size[2]) & (rows >= 0) & (rows < size[1])
    frames = torch.from_numpy(np.asarray(stamps.frame, np.int64)).to(device)[:, None, None]
    place = (frames * size[1] + rows) * size[2] + columns
    canvas.scatter_reduce_(0, place[inside], alpha[inside], "amax")
