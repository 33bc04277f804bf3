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

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import vapoursynth as vs

from vsfilmrestore.inference.apply import check_contract, checked_numbers
from vsfilmrestore.inference.between import Between, tell_facts
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.card import CardChain, common_card
from vsfilmrestore.inference.card_colour import Native
from vsfilmrestore.inference.chain_work import Chain, ChainStep
from vsfilmrestore.inference.colour import as_mask, show
from vsfilmrestore.inference.network import Network
from vsfilmrestore.inference.ops import NUMPY, TorchOps
from vsfilmrestore.inference.registry import Registry, registry, usual_lanes
from vsfilmrestore.inference.results import Results, results
from vsfilmrestore.inference.windows import Tap, Windows, windowed

__all__ = ["can_be_fused", "run_calls"]

core = vs.core

_NAME: Final = "run_calls"


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
    length, size = clip.num_frames, _size(clip, calls)
    seen = replace(shown, clip=tell_facts(shown.clip, shown.told))
    taps = [Tap(seen.clip)]
    steps = _steps(clip, calls, taps, lanes, models)
    reach = sum(max(step.span) for step in steps)
    windows = Windows(reach, 1, reach)
    work = Chain(steps, Between.for_clip(NUMPY, shown, luma=luma), length, reach, kept, lanes)
    # A frame of the source is in as many windows as these have frames: it is shown once, however many are in flight.
    ahead = max(lanes, core.num_threads)
    seen.clip.std.SetVideoCache(mode=1, maxsize=2 * reach + ahead + 2, maxhistory=0)
    like = core.std.BlankClip(seen.clip, size[1], size[0])
    host = seen.back(windowed(taps, windows, like, work, lanes=lanes))

    def on_card(card: str) -> vs.VideoNode:
        source = tell_facts(shown.source, shown.told)
        between = Between.for_clip(TorchOps(), shown, luma=luma)
        native = Native.of(between, source.format)
        work = CardChain(steps, between, length, reach, kept, lanes, card=card, native=native)
        blank = core.std.BlankClip(source, size[1], size[0])
        return windowed([Tap(source), *taps[1:]], windows, blank, work, lanes=lanes).std.CopyFrameProps(shown.source)

    result = host if all(call.device == "cpu" for call in calls) else _chosen(host, on_card, steps)
    return result.std.GPUUpload() if clip.gpu_resident else result


def _chosen(host: vs.VideoNode, on_card: Callable[[str], vs.VideoNode], steps: Sequence[ChainStep]) -> vs.VideoNode:
    """On a card if that is where all networks run, which is known once they are loaded, with the first frame."""
    lock, found = threading.Lock(), list[vs.VideoNode]()

    def choose(n: int) -> vs.VideoNode:
        with lock:
            if not found:
                card = common_card([step.network for step in steps])
                found.append(host if card is None else on_card(card))
        return found[0]

    return core.std.FrameEval(core.std.BlankClip(host), choose)


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
