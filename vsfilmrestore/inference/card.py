"""A chain of networks on a graphics card: each frame is uploaded once, and nothing comes back but the result.

Colours, padding, 16-bit floats, windows and all that happens between networks are done on the card, by torch. Each
frame in flight has a lane with a stream of its own: while one computes, others copy. Pictures that several frames want
stay on the card, each with an event that other streams wait for.

Run here with torch on the processor; on cards: built, not run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np

from vsfilmrestore.errors import InferenceError
from vsfilmrestore.inference.between import Between, Facts, Picture
from vsfilmrestore.inference.card_colour import Native
from vsfilmrestore.inference.chain_work import Chain, ChainFrames, ChainStep
from vsfilmrestore.inference.encoding import Encoding
from vsfilmrestore.inference.network import Network, Planes, Whole, planes_of
from vsfilmrestore.inference.results import Results
from vsfilmrestore.inference.runtimes.base import Array, MemoryShortError

__all__ = ["CardChain", "common_card"]

_KIND: Final = "cuda"


def common_card(networks: Sequence[Network]) -> str | None:
    """The card that all networks run on and take tensors of; None if there is none. Loads them.

    Raises:
        ModelError: A file cannot be used.
        InstallationError: A runtime or a device is missing.
    """
    places = set()
    for network in networks:
        with network.whole() as whole:
            tensors = hasattr(whole.session, "run_tensors")
            places.add(whole.session.device if tensors else "")
    (place, *others) = places
    return place if not others and place.startswith(_KIND) else None


@cache
def _lanes(device: str, count: int) -> Any:
    """Lanes of a device for chains, kept for the process: they hold a thread and a stream each, and no memory."""
    import torch

    from vsfilmrestore.inference.runtimes.torch_lanes import Lanes

    return Lanes(torch.device(device), 1, count)


class _Lent(ChainFrames):
    """The frames of a result, and what is to be known of its run.

    Attributes:
        lane: The lane it is computed in.
        sources: Frames of the source that were uploaded for it.
        sums: For each network that ran: its file, the frame, and the sum of what it gave.
    """

    def __init__(self, frames: ChainFrames, lane: Any) -> None:
        self.__dict__.update(frames.__dict__)
        self.lane = lane
        self.sources: dict[int, _Shared] = {}
        self.sums: list[tuple[Path, int, Any]] = []


@dataclass(frozen=True, slots=True)
class _Shared(Picture):
    """A picture that other streams may read once ``ready`` has happened; one of the source with its ``samples``."""

    samples: tuple[Any, ...] = ()
    ready: Any = None


class CardChain(Chain):
    """Computes the frames of a chain on a card; see `chain_work.Chain`.

    Args:
        card: The device, as torch names it.
        native: The source's samples.
    """

    def __init__(
        self,
        steps: Sequence[ChainStep],
        between: Between,
        length: int,
        reach: int,
        kept: Results,
        lanes: int,
        *,
        card: str,
        native: Native,
    ) -> None:
        super().__init__(steps, between, length, reach, kept, lanes)
        self._lanes_of_card = _lanes(card, lanes)
        self._native = native
        self._wide = reach > 0

    def result(self, number: int, frames: ChainFrames) -> Sequence[Array]:
        with self._lanes_of_card.take() as lane:
            result: Sequence[Array] = lane.do(lambda: self._computed(number, _Lent(frames, lane)))
        return result

    def _computed(self, number: int, frames: _Lent) -> Sequence[Array]:
        import torch

        frame, scale = frames.frame(number), prod(step.call.contract.scale for step in self.steps)
        total = self.picture(len(self.steps), number, frames).total
        source = self.pictures(0, [number], frames)[number]
        assert isinstance(source, _Shared)
        samples = [plane.to(torch.float32) for plane in source.samples]
        made = self._native.back(samples, source.seen, total, Facts.of(frame), scale)
        wanted = [plane.to(source.samples[0].dtype) for plane in made]
        found = frames.lane.download_all([*wanted, *(found for _, _, found in frames.sums)])
        picture, sums = found[: len(wanted)], found[len(wanted) :]
        for (path, at, _), value in zip(frames.sums, sums, strict=True):
            if not np.isfinite(value):
                raise InferenceError(
                    "the network gives values that are no numbers",
                    file=path,
                    frame=at,
                    hint="Take its 32-bit version, or see whether its file is damaged",
                )
        result: list[Array] = picture
        return result

    def keeps(self, place: int) -> bool:
        """Frames of the source are uploaded once, too."""
        return self._wide if place == 0 else super().keeps(place)

    def wanted(self, place: int) -> int:
        """The source is wanted by the first network of the last frame, and again for the result."""
        return 2 * self._reach + 1 if place == 0 else super().wanted(place)

    def size(self, picture: Picture) -> int:
        samples = picture.samples if isinstance(picture, _Shared) else ()
        return super().size(picture) + sum(int(plane.nbytes) for plane in samples)

    def pictures(self, place: int, numbers: Sequence[int], frames: ChainFrames) -> dict[int, Picture]:
        found = super().pictures(place, numbers, frames)
        for picture in found.values():
            if isinstance(picture, _Shared):
                self._wait(picture, frames)
        return found

    def picture(self, place: int, number: int, frames: ChainFrames) -> Picture:
        assert isinstance(frames, _Lent)
        if place == 0 and number in frames.sources:  # not kept for others, but wanted again for the result
            return frames.sources[number]
        picture = self._sourced(number, frames) if place == 0 else super().picture(place, number, frames)
        samples = picture.samples if isinstance(picture, _Shared) else ()
        ready = frames.lane.stream.record_event() if self.keeps(place) and frames.lane.stream else None
        shared = _Shared(picture.seen, picture.total, samples, ready)
        if place == 0:
            frames.sources[number] = shared
        return shared

    def _sourced(self, number: int, frames: _Lent) -> _Shared:
        import torch

        frame = frames.frame(number)
        planes = planes_of(frame)
        if frames.lane.stream is None:  # nothing is copied there, and the frame's memory is not ours to keep
            planes = [plane.copy() for plane in planes]
        samples = tuple(frames.lane.upload(plane) for plane in planes)
        seen = self._native.seen([plane.to(torch.float32) for plane in samples], Facts.of(frame))
        return _Shared(seen, seen, samples)

    def _wait(self, picture: _Shared, frames: ChainFrames) -> None:
        """Let this lane's stream read what another's wrote, and keep its memory until it has."""
        stream = frames.lane.stream  # type: ignore[attr-defined]
        if picture.ready is None:
            return
        stream.wait_event(picture.ready)
        for plane in (*picture.seen, *picture.total, *picture.samples):
            plane.record_stream(stream)

    def source(self, number: int, frames: ChainFrames, tap: int = 0) -> Planes:
        planes = np.stack(planes_of(frames.frame(number, tap)))
        return list(frames.lane.upload(planes))  # type: ignore[attr-defined]

    def run(
        self, step: ChainStep, number: int, groups: list[list[Planes]], frames: ChainFrames
    ) -> tuple[Planes, float]:
        assert isinstance(frames, _Lent)
        path, scale = step.call.model, step.call.contract.scale
        height, width = (side * scale for side in groups[0][0][0].shape)
        try:
            with step.network.whole() as whole:
                if whole.size is not None:
                    made = _run(whole, groups, list(step.clips), step)[:, :height, :width]
                    frames.sums.append((path, number, made.sum()))
                    return list(made), whole.step
        except MemoryShortError:
            pass
        return self._run_in_tiles(step, number, groups, frames)

    def _run_in_tiles(
        self, step: ChainStep, number: int, groups: list[list[Planes]], frames: _Lent
    ) -> tuple[Planes, float]:
        """By way of memory, where tiles are cut and laid together."""
        import torch

        here: list[list[Planes]] = [
            [list(frames.lane.download(torch.stack(list(planes)))) for planes in group] for group in groups
        ]
        planes, least = super().run(step, number, here, frames)
        return list(frames.lane.upload(np.stack(planes))), least


def _run(whole: Whole, groups: list[list[Planes]], names: Sequence[str], step: ChainStep) -> Any:
    """A run on tensors: ``[channels, height, width]`` of 32-bit floats, 0 to 1."""
    import torch

    assert whole.size is not None
    contract, session = step.call.contract, whole.session
    device = groups[0][0][0].device

    def zeros(shape: Sequence[int], dtype: Any) -> Any:
        # The session converts to what it computes with.
        return torch.zeros(tuple(shape), dtype=getattr(torch, np.dtype(dtype).name), device=device)

    feed = whole.binding.feed(*whole.size, zeros)
    for target, planes in zip(feed.frames, groups[0], strict=True):
        _write(target, planes, whole.encoding)
    masks = {extra.name for extra in contract.extra if extra.kind == "mask"}
    for name, group in zip(names, groups[1:], strict=True):
        for place, part in enumerate(feed.extras[name]):
            _write(part, group[min(place, len(group) - 1)], None if name in masks else whole.encoding)
    for name, value in whole.numbers.items():
        feed.extras[name][...] = value
    made = session.run_tensors(feed.arrays)[whole.binding.outputs[0]]  # type: ignore[attr-defined]
    if made.dim() == 5 and made.shape[1] == contract.window != contract.frames_out:
        made = made[:, contract.before : contract.before + 1]
    return _read(made.reshape(contract.out_channels, *made.shape[-2:]).float(), whole.encoding)


def _write(target: Any, planes: Planes, encoding: Encoding | None) -> None:
    """A picture into ``[channels, height, width]``, mirrored into what is larger."""
    height, width = planes[0].shape
    inside = target[:, :height, :width]
    if encoding is None or encoding.plain:
        for row, plane in zip(inside, planes, strict=True):
            row.copy_(plane)
    else:
        for row, weights, shift in zip(inside, encoding.matrix, encoding.offset, strict=True):
            row.copy_(_mixed(planes, weights, float(shift)))
    if target.shape[-2] > height:
        target[:, height:, :width] = target[:, _mirror(height, target.shape[-2], target), :width]
    if target.shape[-1] > width:
        target[:, :, width:] = target[:, :, _mirror(width, target.shape[-1], target)]


def _read(picture: Any, encoding: Encoding) -> Any:
    if encoding.plain_out:
        return picture
    if len(picture) != len(encoding.out_offset):
        low, high = encoding.span
        return (picture - low) / (high - low)
    import torch

    inverse = np.linalg.inv(encoding.out_matrix)
    return torch.stack([_mixed(picture, row, -float(row @ encoding.out_offset)) for row in inverse])


def _mixed(planes: Any, weights: Any, shift: float) -> Any:
    total = sum(plane * float(weight) for plane, weight in zip(planes, weights, strict=True) if weight)
    return total + shift if shift else total


def _mirror(size: int, padded: int, like: Any) -> Any:
    import torch

    swing = max(2 * size - 2, 1)
    place = np.arange(size, padded) % swing
    return torch.from_numpy(np.minimum(place, swing - place)).to(like.device)
