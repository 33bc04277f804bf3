"""A network that is run on windows of frames: numpy in, numpy out."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.errors import InferenceError, ModelError
from vsfilmrestore.inference._machine import available_memory, total_memory
from vsfilmrestore.inference.binding import Binding, Feed, bind
from vsfilmrestore.inference.encoding import Encoding, encoding_of
from vsfilmrestore.inference.registry import Handle, Loaded
from vsfilmrestore.inference.runtimes.base import PROCESSORS, Array, MemoryShortError, Session
from vsfilmrestore.inference.tiles import TilePlan, fitting_tile, padded_size, plan_tiles, run_tiled, smaller
from vsfilmrestore.models.contract import Contract

__all__ = ["Network", "Planes", "Whole", "planes_of"]

log = logging.getLogger(__name__)

_WORKSPACE: Final = 1.5
"""Operators' own scratch, over what the graph tells."""
_UNTOLD: Final = 1024.0
"""Bytes per pixel where the graph tells nothing: 64 channels of 32-bit floats, four of them alive."""


type Planes = Sequence[Array]
"""A picture: its planes, ``[height, width]`` each, black 0 and white 1."""


@dataclass(frozen=True, slots=True)
class _Plan:
    binding: Binding
    size: tuple[int, int]
    tiles: TilePlan


@dataclass(frozen=True, slots=True)
class Whole:
    """All that a run on whole pictures needs which lie elsewhere than in memory.

    Attributes:
        session: The session.
        binding: Which tensor gets what.
        size: Height and width of the tensors; None where pictures are to be run in tiles.
        encoding: How pictures are written and read.
        numbers: Values of numbers and scalars by name.
        step: Changes up to this size are roundings.
    """

    session: Session
    binding: Binding
    size: tuple[int, int] | None
    encoding: Encoding
    numbers: Mapping[str, float]
    step: float


class Network:
    """A network and the size of the pictures it is run on.

    Args:
        handle: The right to use it.
        contract: What it wants and gives.
        path: Its file, for messages.
        size: Height and width of the pictures.
        tile: Height and width of tiles; 0 takes the whole side, None chooses by memory.
        numbers: Values of numbers, scalars and the time, by name.
    """

    def __init__(
        self,
        handle: Handle,
        contract: Contract,
        path: Path,
        size: tuple[int, int],
        *,
        tile: tuple[int, int] | None = None,
        numbers: Mapping[str, float] | None = None,
    ) -> None:
        self._handle = handle
        self._contract = contract
        self._path = path
        self._size = size
        self._tile = tile
        self._encoding = encoding_of(contract)
        self._numbers = dict(numbers or {})
        self._plan: _Plan | None = None
        self._planned_for: Session | None = None

    def __call__(self, number: int, frames: list[list[vs.VideoFrame]], names: Sequence[str]) -> tuple[Array, float]:
        """Run it once.

        Args:
            number: Number of the first frame that comes out, for messages.
            frames: The window, then the frames of each clip in ``names``.
            names: Inputs that are clips.

        Returns:
            ``[frames_out, channels, height, width]``, the size perhaps padded on the right and below; black is 0 and
            white 1. And half a step of its numbers just below white: no change is smaller.

        Raises:
            InferenceError: Short of memory, or the values are no numbers.
            ModelError: The file does not fit its card.
        """
        return self.pictures(number, [[planes_of(frame) for frame in group] for group in frames], names)

    def pictures(self, number: int, groups: list[list[Planes]], names: Sequence[str] = ()) -> tuple[Array, float]:
        """Run it once on pictures that lie in memory; all else is as when it is called."""
        with self._handle.use() as loaded:
            while True:
                plan = self._planned(loaded.session)
                try:
                    return self._run(loaded, plan, number, groups, names), self._step(plan)
                except (MemoryShortError, MemoryError):
                    self._tile = self._next_smaller(plan, number)
                    self._plan = None
                except InferenceError as error:
                    raise _on_frame(error, number) from None

    @contextmanager
    def whole(self) -> Iterator[Whole]:
        """The loaded network, for a run on whole pictures that the caller makes himself.

        Raises:
            ModelError: The file does not fit its card.
        """
        with self._handle.use() as loaded:
            plan = self._planned(loaded.session)
            size = plan.size if plan.tiles.whole else None
            yield Whole(loaded.session, plan.binding, size, self._encoding, self._numbers, self._step(plan))

    def data(
        self, number: int, frames: list[list[vs.VideoFrame]], names: Sequence[str] = ()
    ) -> tuple[dict[str, Array], tuple[int, int]]:
        """Run it once on whole pictures: what comes out by name, as it stands, and the padded height and width.

        Raises:
            InferenceError: Short of memory, or the values are no numbers.
            ModelError: The file does not fit its card.
        """
        groups = [[planes_of(frame) for frame in group] for group in frames]
        with self._handle.use() as loaded:
            plan = self._planned(loaded.session)
            try:
                with self._filled(loaded, plan, groups, names) as feed:
                    results = loaded.session.run(feed.arrays)
            except (MemoryShortError, MemoryError):
                raise self._no_room(plan, number) from None
            except InferenceError as error:
                raise _on_frame(error, number) from None
        found = {loaded.session.outputs[place].name: results[place] for place in plan.binding.outputs}
        for result in found.values():
            self._check_numbers(result.reshape(1, 1, -1), number)
        return found, plan.size

    def _run(self, loaded: Loaded, plan: _Plan, number: int, groups: list[list[Planes]], names: Sequence[str]) -> Array:
        (output,) = plan.binding.outputs
        with self._filled(loaded, plan, groups, names) as feed:
            result = run_tiled(
                plan.tiles, feed.arrays, self._contract.scale, lambda arrays: loaded.session.run(arrays)[output]
            )
            return self._pictures(result, plan, number)

    @contextmanager
    def _filled(self, loaded: Loaded, plan: _Plan, groups: list[list[Planes]], names: Sequence[str]) -> Iterator[Feed]:
        key = (plan.size, self._contract, *plan.binding.apart, *plan.binding.behind)
        with loaded.scratch(key, lambda: plan.binding.feed(*plan.size)) as feed:
            self._fill(feed, groups, names)
            yield feed

    def _fill(self, feed: Feed, groups: list[list[Planes]], names: Sequence[str]) -> None:
        for place, planes in enumerate(groups[0]):
            _fill(feed.frames[place], planes, self._encoding)
        masks = {extra.name for extra in self._contract.extra if extra.kind == "mask"}
        for name, group in zip(names, groups[1:], strict=True):
            target = feed.extras[name]
            for place in range(target.shape[0]):
                encoding = None if name in masks else self._encoding
                _fill(target[place], group[min(place, len(group) - 1)], encoding)
        for name, value in self._numbers.items():
            feed.extras[name][...] = value

    def _pictures(self, result: Array, plan: _Plan, number: int) -> Array:
        """What came out as ``[frames_out, channels, height, width]``, checked, black 0 and white 1."""
        contract = self._contract
        height, width = (side * contract.scale for side in plan.size)
        shape = (contract.frames_out, contract.out_channels, height, width)
        if result.ndim == 5 and result.shape[1] == contract.window != contract.frames_out:
            result = result[:, contract.before : contract.before + contract.frames_out]
        if result.shape[-2:] != shape[-2:] or result.size != math.prod(shape):
            raise ModelError(
                f"gives {'x'.join(map(str, result.shape))} for a picture of {plan.size[1]}x{plan.size[0]}, "
                f"its card says {'x'.join(map(str, shape))}",
                file=self._path,
                hint="Correct the card's scale, channels or frames",
            )
        pictures = self._encoding.read(result.reshape(shape))
        self._check_numbers(pictures, number)
        return pictures

    def _check_numbers(self, pictures: Array, number: int) -> None:
        with np.errstate(all="ignore"):
            fine = all(math.isfinite(float(plane.sum(dtype=np.float32))) for frame in pictures for plane in frame)
        if not fine:
            half = self._plan is not None and self._plan.binding.pictures[0].dtype == np.float16
            half = half and self._planned_for is not None and self._planned_for.device not in PROCESSORS
            raise InferenceError(
                "the network gives values that are no numbers",
                file=self._path,
                frame=number,
                hint="Take its 32-bit version"
                if half
                else "Its file may be damaged, or the picture is none it can take",
            )

    def _planned(self, session: Session) -> _Plan:
        plan = self._plan
        if plan is None or self._planned_for is not session:
            plan = self._make_plan(session)
            self._plan, self._planned_for = plan, session
        return plan

    def _make_plan(self, session: Session) -> _Plan:
        contract = self._contract
        binding = bind(session, contract, self._path)
        fixed = binding.size
        height, width = (
            padded_size(side, contract.multiple, contract.minimum, insisted)
            for side, insisted in zip(self._size, fixed, strict=True)
        )
        tile = self._tile or self._roomy_tile(session, (height, width))
        tile = (fixed[0] or tile[0], fixed[1] or tile[1])
        if not contract.tiled and (0 < tile[0] < height or 0 < tile[1] < width):
            if None not in fixed:
                raise ModelError(
                    f"takes pictures of {fixed[1]}x{fixed[0]} alone and cannot be run in tiles", file=self._path
                )
            tile = (0, 0)
        least = max(contract.minimum, contract.multiple)
        tile = (tile[0] and max(tile[0], least), tile[1] and max(tile[1], least))
        try:
            tiles = plan_tiles((height, width), tile, reach=contract.receptive, multiple=contract.multiple)
        except ValueError as error:
            if not self._tile:
                raise InferenceError(
                    f"there is not enough memory for pictures of {width}x{height}, nor for tiles of them",
                    file=self._path,
                    hint="Close other programs, run fewer at a time, or take a smaller network",
                ) from None
            raise ModelError(str(error), file=self._path, hint="Take larger tiles, or none") from None
        return _Plan(binding, (height, width), tiles)

    def _step(self, plan: _Plan) -> float:
        """Changes up to this size are roundings."""
        spec = plan.binding.pictures[0]
        half_step = max(float(np.finfo(spec.dtype).epsneg) / 2, spec.coarse) * self._encoding.gain
        # Laying tiles together rounds again, and so do sums of channels.
        rounded = not (plan.tiles.whole and self._encoding.plain and self._encoding.plain_out)
        return max(half_step, 4 * float(np.finfo(np.float32).epsneg) * self._encoding.gain) if rounded else half_step

    def _roomy_tile(self, session: Session, size: tuple[int, int]) -> tuple[int, int]:
        """The largest tile that memory has room for.

        Chosen by the memory the machine has, so that a picture comes out the same on every day; only where less than
        that is free, tiles are smaller.
        """
        if session.device not in ("cpu", "openvino"):
            return size  # a card's memory is not known here: too large a picture comes back as MemoryShortError
        per_pixel = (_UNTOLD if session.per_pixel is None else session.per_pixel) * _WORKSPACE
        usual = fitting_tile(size, per_pixel, total_memory() / 2 / session.parallel)
        now = fitting_tile(usual, per_pixel, available_memory() * 0.8 / session.parallel)
        if now != usual:
            log.warning("memory is short: tiles of %dx%d instead of %dx%d", now[1], now[0], usual[1], usual[0])
        return now

    def _no_room(self, plan: _Plan, number: int) -> InferenceError:
        return InferenceError(
            f"there is not enough memory even for tiles of {plan.tiles.tile[1]}x{plan.tiles.tile[0]} pixels"
            if self._contract.tiled and not plan.tiles.whole
            else f"there is not enough memory for pictures of {plan.size[1]}x{plan.size[0]}",
            file=self._path,
            frame=number,
            hint="Close other programs, run fewer at a time, or take a smaller network",
        )

    def _next_smaller(self, plan: _Plan, number: int) -> tuple[int, int]:
        tile = smaller(plan.tiles.tile)
        contract = self._contract
        reach = 32 if contract.receptive is None else contract.receptive
        fixed = any(side is not None for side in plan.binding.size)
        if fixed or not contract.tiled or min(tile) < max(contract.minimum, 2 * reach + 2 * contract.multiple):
            raise self._no_room(plan, number) from None
        log.warning("memory is short: trying tiles of %dx%d", tile[1], tile[0])
        return tile


def _on_frame(error: InferenceError, number: int) -> InferenceError:
    if error.frame is not None:
        return error
    return InferenceError(error.message, file=error.file, frame=number, hint=error.hint, details=error.details)


def planes_of(frame: vs.VideoFrame) -> Planes:
    """The planes of a frame, without copying them."""
    return [np.asarray(frame[plane]) for plane in range(frame.format.num_planes)]


def _fill(target: Array, planes: Planes, encoding: Encoding | None) -> None:
    """A picture into ``[channels, height, width]``, brought to the network's range, mirrored into the rest."""
    height, width = planes[0].shape
    if encoding is None:
        np.copyto(target[0, :height, :width], planes[0], casting="same_kind")
    else:
        encoding.write(planes, target[:, :height, :width])
    if target.shape[-2] > height:
        target[:, height:, :width] = target[:, _mirror(height, target.shape[-2]), :width]
    if target.shape[-1] > width:
        target[:, :, width:] = target[:, :, _mirror(width, target.shape[-1])]


def _mirror(size: int, padded: int) -> npt.NDArray[np.intp]:
    """Which pixels stand beyond the end of a side."""
    swing = max(2 * size - 2, 1)
    place = np.arange(size, padded) % swing
    return np.minimum(place, swing - place)
