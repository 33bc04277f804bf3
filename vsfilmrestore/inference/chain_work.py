"""The work of a chain of networks: one result after the other, whatever they are made of."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import vapoursynth as vs

from vsfilmrestore.inference.apply import tell_guess
from vsfilmrestore.inference.between import FINE, Between, Facts, Picture
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.colour import STEP
from vsfilmrestore.inference.network import Network, Planes, planes_of
from vsfilmrestore.inference.results import InStep, Results
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.inference.windows import Pictures

__all__ = ["Chain", "ChainFrames", "ChainStep"]

_STEP: Final = 2.0**-22
"""Changes up to this size are none: each network may round 32-bit floats."""


@dataclass(frozen=True, slots=True)
class ChainStep:
    """A network of a chain.

    Attributes:
        call: What was asked for.
        network: The network.
        clips: Names of its masks and pictures, and their places among the taps.
        kept: Whether what it makes is wanted for several frames.
    """

    call: ModelCall
    network: Network
    clips: Mapping[str, int]
    kept: bool

    @property
    def span(self) -> tuple[int, int]:
        return self.call.contract.before, self.call.contract.after


def mirror(number: int, length: int) -> int:
    """Which frame of a shot stands at a place that may lie beyond its ends; see `media.ends`."""
    swing = max(2 * length - 2, 1)
    place = number % swing
    return min(place, swing - place)


class ChainFrames:
    """The frames that VapourSynth fetched for a result.

    Args:
        number: Which frame of the shot the result is.
        groups: For each tap the frames around it, or that one alone.
        length: Frames of the shot.
        reach: Frames on each side.
    """

    def __init__(self, number: int, groups: list[list[vs.VideoFrame]], length: int, reach: int) -> None:
        self._groups = groups
        self._wide = {mirror(number - reach + i, length): i for i in range(2 * reach + 1)}

    def frame(self, number: int, tap: int = 0) -> vs.VideoFrame:
        """A frame of a tap, by its number in the shot."""
        group = self._groups[tap]
        return group[self._wide[number]] if len(group) > 1 else group[0]


class Chain:
    """Computes the frames of a chain; what `windows.windowed` calls.

    Args:
        steps: The networks in their order.
        between: What happens between them.
        length: Frames of the shot.
        reach: Frames on each side that a result may need.
        kept: Where intermediate results are kept.
        lanes: Frames that are worked on at a time.
    """

    def __init__(
        self, steps: Sequence[ChainStep], between: Between, length: int, reach: int, kept: Results, lanes: int
    ) -> None:
        self.steps = steps
        self.between = between
        self._length = length
        self._reach = reach
        self._kept = kept
        self._lanes = lanes
        self._in_step = InStep(2 * lanes)  # twice what a chain needs is kept
        self._largest = 0
        self._least: dict[int, float] = {}
        self._owner = kept.owner()
        weakref.finalize(self, kept.forget, self._owner)

    def __call__(self, number: int, groups: list[list[vs.VideoFrame]]) -> tuple[Pictures, dict[str, float]]:
        frames = ChainFrames(number, groups, self._length, self._reach)
        tell_guess(frames.frame(number))
        with self._in_step.turn(number):
            pictures = self.result(number, frames)
        fine = sum(step for step in self._least.values() if step < FINE)
        return [pictures], {STEP: max(fine, _STEP)}

    def result(self, number: int, frames: ChainFrames) -> Sequence[Array]:
        """The planes of the last picture of a frame."""
        return self.picture(len(self.steps), number, frames).total

    def pictures(self, place: int, numbers: Sequence[int], frames: ChainFrames) -> dict[int, Picture]:
        """Pictures as they are before the step at that place, by frame."""
        if not self.keeps(place):
            return {number: self.picture(place, number, frames) for number in dict.fromkeys(numbers)}
        found = self._kept.get(
            [(self._owner, place, number) for number in numbers],
            lambda key: self.picture(place, key[2], frames),
            self._measured,
        )
        return {number: picture for (_, _, number), picture in found.items()}

    def keeps(self, place: int) -> bool:
        """Whether pictures before that step are kept for other frames. Those in memory stay where they are."""
        return place > 0 and self.steps[place - 1].kept

    def picture(self, place: int, number: int, frames: ChainFrames) -> Picture:
        """The picture of a frame before the step at that place."""
        if place == 0:
            planes = self.source(number, frames)
            return Picture(planes, planes)
        step, between = self.steps[place - 1], self.between
        contract = step.call.contract
        window = [mirror(number + i, self._length) for i in range(-contract.before, contract.after + 1)]
        before = self.pictures(place - 1, [*window, number], frames)
        given = {n: between.given(p.seen, contract.channels, Facts.of(frames.frame(n))) for n, p in before.items()}
        groups = [[given[n] for n in window], *self._extras(step, window, number, frames)]
        made, self._least[place] = self.run(step, number, groups, frames)
        larger = contract.scale > 1
        return between.after(
            before[number],
            given[number],
            made,
            Facts.of(frames.frame(number)),
            strength=step.call.strength,
            step=self._least[place],
            scale=contract.scale,
            last=place == len(self.steps),
            first=self.pictures(0, [number], frames)[number].seen if larger else (),
        )

    def source(self, number: int, frames: ChainFrames, tap: int = 0) -> Planes:
        """What networks see of a frame of a tap."""
        return planes_of(frames.frame(number, tap))

    def run(
        self, step: ChainStep, number: int, groups: list[list[Planes]], frames: ChainFrames
    ) -> tuple[Planes, float]:
        """What a network makes of a window, and the least change that it can tell."""
        pictures, least = step.network.pictures(number, groups, list(step.clips))
        height, width = (side * step.call.contract.scale for side in groups[0][0][0].shape)
        return list(pictures[0, :, :height, :width]), least

    def _extras(self, step: ChainStep, window: list[int], number: int, frames: ChainFrames) -> list[list[Planes]]:
        numbers = window if step.call.contract.layout == "BTCHW" else [number]
        return [[self.source(n, frames, tap) for n in numbers] for tap in step.clips.values()]

    def wanted(self, place: int) -> int:
        """For how many frames pictures before that step are wanted at a time, by one result."""
        return self.steps[place].call.contract.window

    def size(self, picture: Picture) -> int:
        """Bytes of a picture."""
        apart = () if picture.total is picture.seen else picture.total
        return sum(int(plane.nbytes) for plane in (*picture.seen, *apart))

    def _measured(self, picture: Picture) -> int:
        """Bytes of a picture; the largest one tells how much a run straight through needs."""
        size = self.size(picture)
        self._largest = max(self._largest, size)
        kept = [place for place in range(len(self.steps)) if self.keeps(place)]
        frames = sum(self.wanted(place) + self._lanes + 1 for place in kept)
        self._kept.reserve(self._owner, frames * self._largest)
        return size
