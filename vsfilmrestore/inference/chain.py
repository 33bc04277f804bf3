"""Networks that follow one another, run as one.

Separate filters hand clips to one another: each result is stored in the source's format, and shown to the next network
again. `run_calls` makes neighbours one node: a frame is shown to the first network, what it makes goes to the next as
it is, and the difference of the last to the source goes back into the source's own code values.

::

    source frames  n-3 ... n+3      shown once each, by the resizer
    denoise        n-3 ... n+3      once each, whatever window wants them
    clean-up           n            a window of 7
    sharpen            n
    result             n            the difference, once

A result is a function of source frames alone, whatever was asked for before and however many threads there are. Each
network sees the shot mirrored at its ends as in `windows`, at its own place in the chain.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import vapoursynth as vs

from vsfilmrestore.inference.apply import check_contract, checked_numbers, tell_guess
from vsfilmrestore.inference.between import FINE, Between, Facts, Picture, tell_facts
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.colour import STEP, as_mask, show
from vsfilmrestore.inference.network import Network, Planes, planes_of
from vsfilmrestore.inference.ops import NUMPY
from vsfilmrestore.inference.registry import Registry, registry, usual_lanes
from vsfilmrestore.inference.results import Results, results
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.inference.windows import Tap, Windows, windowed

__all__ = ["can_be_fused", "run_calls"]

core = vs.core

_NAME: Final = "run_calls"
_STEP: Final = 2.0**-22
"""Changes up to this size are none: each network may round 32-bit floats."""


def can_be_fused(call: ModelCall) -> bool:
    """Whether a run can be made one with its neighbours.

    It must give one frame at a time, at the place of a frame of its clip: sequences and frames between others stand
    alone, and so does what a plug-in of VapourSynth runs.
    """
    contract = call.contract
    alone = contract.frames_out > 1 or call.time is not None or contract.time or call.crossfade
    alone = alone or call.device.startswith("mlrt:")
    return not alone and contract.colour != "data" and contract.channels == contract.out_channels


def run_calls(
    clip: vs.VideoNode,
    calls: Sequence[ModelCall],
    *,
    lanes: int | None = None,
    models: Registry | None = None,
    kept: Results | None = None,
) -> vs.VideoNode:
    """What networks make of a clip, one after the other, in the clip's own format.

    Neighbours are run as one where they can be (`can_be_fused`; at most one of them may make the picture larger, the
    last one if chroma is subsampled). A call that stands alone is what `ModelCall.on` makes of it. The clip is taken
    as one shot.

    Args:
        clip: Any constant format of 8 to 16 bits or float, on the CPU or a graphics card.
        calls: The runs; masks and pictures of each have the size of the picture that it gets.
        lanes: Frames that are worked on at a time; None for as many as the cores are good for.
        models: Where loaded models are kept; the process's own registry if not given.
        kept: Where intermediate results are kept; the process's own if not given.

    Returns:
        Format, length and properties of the clip; its size times all scales. Where n calls were made one, it differs
        from what they give one by one by what those round n - 1 times.

    Raises:
        vs.Error: A call does not fit the clip.
        ModelError: No runtime takes a file.
    """
    for group in _groups(calls, clip.format):
        if len(group) == 1:
            clip = group[0].on(clip, lanes=lanes, models=models)
        else:
            clip = _fused(clip, group, lanes, registry() if models is None else models, kept)
    return clip


def _groups(calls: Sequence[ModelCall], fmt: vs.VideoFormat) -> list[list[ModelCall]]:
    groups: list[list[ModelCall]] = []
    for call in calls:
        if groups and _goes_on(groups[-1], call, fmt):
            groups[-1].append(call)
        else:
            groups.append([call])
    return groups


def _goes_on(group: list[ModelCall], call: ModelCall, fmt: vs.VideoFormat) -> bool:
    if any(other.contract.scale > 1 for other in group):
        # Samples of chroma are enlarged by themselves, which is not the same as what pixels of RGB would give.
        few = fmt.subsampling_w or fmt.subsampling_h
        if few or call.contract.scale > 1:
            return False
    return can_be_fused(group[-1]) and can_be_fused(call)


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


def _fused(
    clip: vs.VideoNode, calls: Sequence[ModelCall], lanes: int | None, models: Registry, kept: Results | None
) -> vs.VideoNode:
    for call in calls:
        check_contract(call.contract)
    kept = results() if kept is None else kept
    lanes = usual_lanes(1) if lanes is None else max(1, lanes)
    luma = all(call.contract.channels == 1 for call in calls)
    grey = clip.format.color_family == vs.GRAY or (luma and clip.format.color_family == vs.YUV)
    shown = show(clip, "luma" if grey else "rgb")
    shown = replace(shown, clip=tell_facts(shown.clip, shown.told))
    taps = [Tap(shown.clip)]
    steps = _steps(clip, calls, taps, lanes, models)
    reach = sum(max(step.span) for step in steps)
    # A frame of the source is in as many windows as these have frames: it is shown once.
    shown.clip.std.SetVideoCache(mode=1, maxsize=2 * reach + lanes + 2, maxhistory=0)
    chain = Chain(steps, Between.for_clip(NUMPY, shown, luma=luma), clip.num_frames, reach, kept, lanes)
    size = _size(clip, calls)
    like = core.std.BlankClip(shown.clip, size[1], size[0])
    made = windowed(taps, Windows(reach, 1, reach), like, chain, lanes=lanes)
    result = shown.back(made)
    return result.std.GPUUpload() if clip.gpu_resident else result


def _steps(
    clip: vs.VideoNode, calls: Sequence[ModelCall], taps: list[Tap], lanes: int, models: Registry
) -> list[ChainStep]:
    """The networks; their masks and pictures become taps."""
    steps = []
    for place, call in enumerate(calls):
        contract = call.contract
        size = _size(clip, calls[:place])
        handle = models.handle(
            call.model,
            call.sha256,
            device=call.device,
            precision=call.precision,
            lanes=lanes,
            tile=call.tile or (0, 0),
            contract=contract,
            size=size,
        )
        network = Network(
            handle, contract, call.model, size, tile=call.tile, numbers=checked_numbers(contract, call.numbers)
        )
        later = any(_window(other) for other in calls[place + 1 :])
        first = len(taps)
        names = _add_taps(call, taps, size, clip.num_frames, later or (contract.layout == "BTCHW" and _window(call)))
        steps.append(ChainStep(call, network, {name: first + i for i, name in enumerate(names)}, later))
    return steps


def _size(clip: vs.VideoNode, calls: Sequence[ModelCall]) -> tuple[int, int]:
    """Height and width after some calls."""
    height, width = clip.height, clip.width
    for call in calls:
        height, width = height * call.contract.scale, width * call.contract.scale
    return height, width


def _window(call: ModelCall) -> bool:
    return call.contract.window > 1


def _add_taps(call: ModelCall, taps: list[Tap], size: tuple[int, int], length: int, context: bool) -> list[str]:
    wanted = {extra.name: extra.kind for extra in call.contract.extra if extra.kind in ("mask", "picture")}
    if set(call.clips) != set(wanted):
        words = ", ".join(wanted) or "none"
        raise vs.Error(f"{_NAME}: the model wants these clips: {words}; given: {', '.join(call.clips) or 'none'}")
    for name, kind in wanted.items():
        clip = call.clips[name]
        if (clip.height, clip.width, clip.num_frames) != (*size, length):
            raise vs.Error(f"{_NAME}: masks and pictures must have the size and length of the clip that goes in")
        colour = "luma" if call.contract.channels == 1 else "rgb"
        taps.append(Tap(as_mask(clip) if kind == "mask" else show(clip, colour).clip, context=context))  # type: ignore[arg-type]
    return list(wanted)


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
        self._least: dict[int, float] = {}
        self._owner = kept.owner()
        weakref.finalize(self, kept.forget, self._owner)

    def __call__(self, number: int, groups: list[list[vs.VideoFrame]]) -> tuple[Array, dict[str, float]]:
        frames = ChainFrames(number, groups, self._length, self._reach)
        tell_guess(frames.frame(number))
        pictures = self.result(number, frames)
        fine = sum(step for step in self._least.values() if step < FINE)
        return pictures[None], {STEP: max(fine, _STEP)}

    def result(self, number: int, frames: ChainFrames) -> Array:
        """The last picture of a frame, ``[planes, height, width]``."""
        total = self.picture(len(self.steps), number, frames).total
        return total if isinstance(total, np.ndarray) else np.stack(total)

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
            planes = self.source(frames.frame(number), frames)
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

    def source(self, frame: vs.VideoFrame, frames: ChainFrames) -> Planes:
        """Planes of a frame that VapourSynth fetched."""
        return planes_of(frame)

    def run(
        self, step: ChainStep, number: int, groups: list[list[Planes]], frames: ChainFrames
    ) -> tuple[Planes, float]:
        """What a network makes of a window, and the least change that it can tell."""
        pictures, least = step.network.pictures(number, groups, list(step.clips))
        height, width = (side * step.call.contract.scale for side in groups[0][0][0].shape)
        return list(pictures[0, :, :height, :width]), least

    def _extras(self, step: ChainStep, window: list[int], number: int, frames: ChainFrames) -> list[list[Planes]]:
        numbers = window if step.call.contract.layout == "BTCHW" else [number]
        return [[self.source(frames.frame(n, tap), frames) for n in numbers] for tap in step.clips.values()]

    def _measured(self, picture: Picture) -> int:
        """Bytes of a picture; the first one tells how much a run straight through needs."""
        size = sum(plane.nbytes for plane in picture.seen)
        if picture.total is not picture.seen:
            size += sum(plane.nbytes for plane in picture.total)
        frames = sum(other.call.contract.window + self._lanes + 1 for other in self.steps if _window(other.call))
        self._kept.reserve(self._owner, frames * size)
        return size
