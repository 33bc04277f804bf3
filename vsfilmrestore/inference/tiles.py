"""Pictures in tiles: cut with overlap, run one by one, laid together with soft edges.

Of each tile as much is thrown away at its edges as a pixel's surroundings reach (the receptive field); what is left of
two neighbours is the same, and is faded from one to the other. Along one side of the picture::

    tile 0   |=========\\-----|
    tile 1         |-----/=======\\-----|
    tile 2                     |-----/=========|

So tiles differ from the whole picture by rounding alone where the receptive field is known. Tiles begin at multiples
of what the network wants its size to be a multiple of: it puts its own grids at the same places as in the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from vsfilmrestore.inference.runtimes.base import Array

__all__ = ["Span", "TilePlan", "fitting_tile", "padded_size", "plan_tiles", "run_tiled", "smaller"]

_UNKNOWN_REACH: Final = 32
_FADE: Final = 16

type Weights = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Span:
    """Where a tile lies along one side.

    Attributes:
        start: Its first pixel.
        size: Its pixels.
        weights: How much each counts; those of all tiles at a pixel add up to 1.
    """

    start: int
    size: int
    weights: Weights

    @property
    def counting(self) -> slice:
        """Its pixels that count at all."""
        inside = np.flatnonzero(self.weights)
        return slice(int(inside[0]), int(inside[-1]) + 1)


@dataclass(frozen=True, slots=True)
class TilePlan:
    """Tiles of a picture.

    Attributes:
        rows: Along the height.
        columns: Along the width.
        tile: Height and width of a tile.
    """

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]
    tile: tuple[int, int]

    @property
    def whole(self) -> bool:
        """Whether one tile is the whole picture."""
        return len(self.rows) == len(self.columns) == 1


def padded_size(size: int, multiple: int, minimum: int, fixed: int | None = None) -> int:
    """The side a network takes that is as long as the picture's, or longer."""
    wanted = max(size, minimum, fixed or 0)
    return -(-wanted // multiple) * multiple


def plan_tiles(size: tuple[int, int], tile: tuple[int, int], *, reach: int | None, multiple: int = 1) -> TilePlan:
    """Lay tiles over a picture.

    Args:
        size: Height and width of the picture, multiples of ``multiple``.
        tile: Height and width of a tile; 0, or more than the picture's, is the picture's. Brought to a multiple.
        reach: The receptive field, in pixels to each side; 32 where it is unknown.
        multiple: What tiles begin at multiples of.

    Raises:
        ValueError: The tile is so small that nothing of it would count.
    """
    reach = _UNKNOWN_REACH if reach is None else reach
    rows, columns = (_spans(n, t, reach, multiple) for n, t in zip(size, tile, strict=True))
    return TilePlan(rows, columns, (rows[0].size, columns[0].size))


def _spans(size: int, tile: int, reach: int, multiple: int) -> tuple[Span, ...]:
    if not 0 < tile < size:
        return (Span(0, size, np.ones(size, np.float32)),)
    tile = max(tile // multiple, 1) * multiple
    fade = min(_FADE, max(tile - 2 * reach, 0) // 4)
    step = (tile - 2 * reach - fade) // multiple * multiple
    if step <= 0:
        raise ValueError(f"tiles of {tile} pixels are too small for a reach of {reach}")
    count = -(-(size - tile) // step) + 1
    last = size - tile
    starts = [round(last * i / (count - 1) / multiple) * multiple for i in range(count)]
    raw = [_raw_weights(start, tile, size, reach, fade) for start in starts]
    total = np.zeros(size, np.float64)
    for start, weights in zip(starts, raw, strict=True):
        total[start : start + tile] += weights
    return tuple(
        Span(start, tile, (weights / total[start : start + tile]).astype(np.float32))
        for start, weights in zip(starts, raw, strict=True)
    )


def _raw_weights(start: int, tile: int, size: int, reach: int, fade: int) -> npt.NDArray[np.float64]:
    """Rising from the first pixel that counts; at the edge of the picture all count."""
    place = np.arange(tile, dtype=np.float64)
    weights = np.ones(tile)
    if start > 0:
        weights = np.minimum(weights, np.clip((place - reach + 1) / (fade + 1), 0, 1))
    if start + tile < size:
        weights = np.minimum(weights, np.clip((tile - reach - place) / (fade + 1), 0, 1))
    return weights


def run_tiled(
    plan: TilePlan, pictures: Mapping[str, Array], scale: int, run: Callable[[Mapping[str, Array]], Array]
) -> Array:
    """Run tile by tile.

    Args:
        plan: The tiles.
        pictures: Tensors whose last two dimensions are height and width; others are handed on as they are.
        scale: Size out over size in.
        run: Gives the picture of a tile, its last two dimensions being height and width.

    Returns:
        The picture; what ``run`` gave itself where one tile is the whole.
    """
    if plan.whole:
        return run(pictures)
    height, width = plan.rows[-1].start + plan.rows[-1].size, plan.columns[-1].start + plan.columns[-1].size
    total: Array | None = None
    for row, column in product(plan.rows, plan.columns):
        part = run({name: _cut(tensor, row, column, (height, width)) for name, tensor in pictures.items()})
        if total is None:
            total = np.zeros((*part.shape[:-2], height * scale, width * scale), np.float32)
        _lay(total, part, row, column, scale)
    assert total is not None
    return total


def _cut(tensor: Array, row: Span, column: Span, size: tuple[int, int]) -> Array:
    if tensor.ndim < 4 or tensor.shape[-2:] != size:
        return tensor
    tile = tensor[..., row.start : row.start + row.size, column.start : column.start + column.size]
    return np.ascontiguousarray(tile)


def _lay(total: Array, part: Array, row: Span, column: Span, scale: int) -> None:
    down, across = (slice(s.counting.start * scale, s.counting.stop * scale) for s in (row, column))
    weights = np.outer(np.repeat(row.weights, scale)[down], np.repeat(column.weights, scale)[across])
    top, left = row.start * scale, column.start * scale
    place = total[..., top + down.start : top + down.stop, left + across.start : left + across.stop]
    place += part[..., down, across].astype(np.float32, copy=False) * weights


def fitting_tile(size: tuple[int, int], per_pixel: float, budget: float) -> tuple[int, int]:
    """The picture's size, its longer side halved until a run fits the budget of bytes."""
    while size[0] * size[1] * per_pixel > budget and max(size) > 1:
        size = smaller(size)
    return size


def smaller(tile: Sequence[int]) -> tuple[int, int]:
    """A tile of half the pixels: the longer side is halved."""
    height, width = tile
    return (height, -(-width // 2)) if width >= height else (-(-height // 2), width)
