"""Run a network on regions of a clip, such as faces, and leave the rest of the picture alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import cv2
import numpy as np
import vapoursynth as vs

from vsfilmrestore.inference.alignment import FFHQ, Placed, feathered, place
from vsfilmrestore.inference.apply import check_contract, checked_numbers, tell_guess
from vsfilmrestore.inference.call import ModelCall
from vsfilmrestore.inference.colour import STEP, show
from vsfilmrestore.inference.data import tiny
from vsfilmrestore.inference.network import Network, Planes, planes_of
from vsfilmrestore.inference.regions import Region, as_props, regions_of
from vsfilmrestore.inference.registry import Registry, registry, usual_lanes
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.inference.windows import Tap, Windows, windowed
from vsfilmrestore.media import props

__all__ = ["run_on_regions"]

core = vs.core

_NAME: Final = "run_on_regions"
_SIDE: Final = 512


def run_on_regions(
    clip: vs.VideoNode,
    call: ModelCall,
    regions: vs.VideoNode | Sequence[Region],
    *,
    side: int | None = None,
    points: Sequence[tuple[float, float]] = FFHQ,
    enlarge: float = 1.5,
    feather: float = 0.25,
    most: int = 8,
    lanes: int | None = None,
    models: Registry | None = None,
) -> vs.VideoNode:
    """What a network makes of regions of a clip.

    Each region is cut out upright as a square, run, and what the network *changed* is laid back through a mask with
    soft edges, in the clip's own code values: pixels beyond keep their bits, and so do those the network left alone.
    Frames without regions are handed on; nothing is run for them.

    Args:
        clip: Any constant format of 8 to 16 bits or float, on the CPU or a graphics card.
        call: The network: one frame in, one out, without masks, pictures or time.
        regions: A clip of the same length whose frames carry regions (`find_faces`, `steady`), or regions that all
            frames share.
        side: Side of the square the network gets; None takes what the contract insists on, else 512.
        points: Where the network expects the landmarks, in shares of the side; () goes by boxes alone.
        enlarge: Side of the square over the longer side of the box, for regions without landmarks.
        feather: Share of the square's side over which its edges are soft, 0..0.5.
        most: Regions of a frame that are run, the largest ones.
        lanes: Frames that are worked on at a time; None for as many as the cores are good for.
        models: Where loaded models are kept; the process's own registry if not given.

    Returns:
        Format, size, length and properties of the clip.

    Raises:
        vs.Error: The clip, the contract, the regions and the settings do not fit together.
        ModelError: No runtime takes the file.
    """
    side = _checked(clip, call, regions, side, feather, most)
    shown = show(clip, "luma" if call.contract.colour == "luma" else "rgb")
    lanes = usual_lanes(1) if lanes is None else max(1, lanes)
    run = _Runner(_network(call, side, lanes, models), call, side, points, enlarge, feather)

    def work(number: int, groups: list[list[vs.VideoFrame]]) -> tuple[Array, dict[str, Any]]:
        frame = groups[0][0]
        tell_guess(frame)
        found = regions_of(groups[1][0].props) if len(groups) > 1 else regions
        assert not isinstance(found, vs.VideoNode)
        largest = sorted(found, key=lambda region: -region.width * region.height)[:most]
        return run(number, planes_of(frame), largest)[None], {STEP: 0.0}

    like = core.std.BlankClip(shown.clip, keep=True)
    if isinstance(regions, vs.VideoNode):
        told = _told(regions)
        made = windowed([Tap(shown.clip), Tap(told)], Windows(), like, work, lanes=lanes)
        done = shown.back(made, strength=call.strength)
        result = core.akarin.Select([shown.source, done], told, f"x.{props.REGIONS} 0 > 1 0 ?")
    elif regions:
        result = shown.back(windowed([Tap(shown.clip)], Windows(), like, work, lanes=lanes), strength=call.strength)
    else:
        result = shown.source
    return result.std.GPUUpload() if clip.gpu_resident else result


def _told(regions: vs.VideoNode) -> vs.VideoNode:
    """The regions alone; frames that nobody looked at are an error, not frames without regions."""

    def read(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        frame.props.update(as_props(regions_of(f[1].props)))
        return frame

    carrier = tiny(regions.num_frames)
    source = regions.std.GPUDownload() if regions.gpu_resident else regions
    return core.std.ModifyFrame(carrier, [carrier, source], read)


def _checked(
    clip: vs.VideoNode,
    call: ModelCall,
    regions: vs.VideoNode | Sequence[Region],
    side: int | None,
    feather: float,
    most: int,
) -> int:
    """The side of the square."""
    contract = call.contract
    check_contract(contract)
    if contract.colour == "data" or contract.out_channels != contract.channels or contract.window != 1:
        raise vs.Error(f"{_NAME}: the network must take one picture and give one like it")
    if call.clips or call.time is not None or any(extra.kind in ("mask", "picture") for extra in contract.extra):
        raise vs.Error(f"{_NAME}: the network may have no masks, pictures or time beside the region")
    if isinstance(regions, vs.VideoNode) and regions.num_frames != clip.num_frames:
        raise vs.Error(f"{_NAME}: regions of {regions.num_frames} frames were given for {clip.num_frames} frames")
    if not 0 <= feather <= 0.5 or most < 1 or (side is not None and not 16 <= side <= 4096):
        raise vs.Error(f"{_NAME}: feather must be 0..0.5, most at least 1, side 16..4096")
    insisted = {each for each in contract.size if each}
    if len(insisted) > 1 or (insisted and side not in (None, *insisted)):
        width, height = contract.size
        raise vs.Error(f"{_NAME}: the network takes {width}x{height} alone; regions are squares of one side")
    return side or next(iter(insisted), _SIDE)


def _network(call: ModelCall, side: int, lanes: int, models: Registry | None) -> Network:
    handle = (registry() if models is None else models).handle(
        call.model,
        call.sha256,
        device=call.device,
        precision=call.precision,
        lanes=lanes,
        tile=call.tile or (0, 0),
        contract=call.contract,
        size=(side, side),
    )
    numbers = checked_numbers(call.contract, call.numbers)
    return Network(handle, call.contract, call.model, (side, side), tile=call.tile, numbers=numbers)


class _Runner:
    """Regions of one picture after the other."""

    def __init__(
        self,
        network: Network,
        call: ModelCall,
        side: int,
        points: Sequence[tuple[float, float]],
        enlarge: float,
        feather: float,
    ) -> None:
        self._network = network
        self._scale = call.contract.scale
        self._side = side
        self._points = tuple(points)
        self._enlarge = enlarge
        self._mask = feathered(side * self._scale, feather)

    def __call__(self, number: int, planes: Planes, regions: Sequence[Region]) -> Array:
        """The picture with its regions as the network would have them: ``[planes, height, width]``."""
        picture = np.stack(planes)
        laid = list(self._laid(number, planes, regions))
        if laid:
            rows, columns = (_around([where[side] for where, _ in laid]) for side in (0, 1))
            change = np.zeros((len(planes) + 1, rows.stop - rows.start, columns.stop - columns.start), np.float32)
            for (down, across), parts in laid:
                change[:, _within(down, rows), _within(across, columns)] += parts
            # Where regions overlap, each counts as much as its mask does; the order does not matter.
            picture[:, rows, columns] += change[:-1] / np.maximum(change[-1], 1)
        return picture

    def _laid(
        self, number: int, planes: Planes, regions: Sequence[Region]
    ) -> Iterator[tuple[tuple[slice, slice], Array]]:
        """Where each region lies, and what changes there; the last plane is the mask."""
        height, width = planes[0].shape
        for region in regions:
            placed = place(region, self._side, points=self._points, enlarge=self._enlarge)
            where = placed.bounds(height, width) if placed is not None else (slice(0), slice(0))
            if placed is not None and all(part.stop > part.start for part in where):
                parts = placed.lay(self._changed(number, placed, planes), (height, width))
                parts[-1] = np.clip(parts[-1], 0, 1)
                yield where, parts

    def _changed(self, number: int, placed: Placed, planes: Planes) -> Array:
        """What the network changes in a square, through the mask; the mask itself is the last plane."""
        seen = placed.cut(planes)
        made, step = self._network.pictures(number, [[list(seen)]])
        side = self._side * self._scale
        if self._scale > 1:
            seen = np.stack([cv2.resize(plane, (side, side), interpolation=cv2.INTER_CUBIC) for plane in seen])
        change = made[0, :, :side, :side].astype(np.float32) - seen
        # Above white steps grow with the value.
        change[np.abs(change) <= step * np.where(np.abs(seen) > 1, 2 * np.abs(seen), 1)] = 0
        return np.concatenate([change * self._mask, self._mask[None]])


def _around(parts: Sequence[slice]) -> slice:
    return slice(min(part.start for part in parts), max(part.stop for part in parts))


def _within(part: slice, whole: slice) -> slice:
    return slice(part.start - whole.start, part.stop - whole.start)
