"""Regions of pictures, such as faces: found, carried by frames as properties, and calmed over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.errors import InferenceError
from vsfilmrestore.inference.data import TINY, tiny
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.inference.windows import Tap, Windows, windowed
from vsfilmrestore.media import props

__all__ = ["REGION_PROPS", "Region", "as_props", "calmed", "overlap", "regions_of", "steady", "with_regions"]

core = vs.core

REGION_PROPS: Final = [props.REGIONS, props.REGION_BOXES, props.REGION_POINTS, props.REGION_SCORES]
_SAME: Final = 0.3
"""Overlap from which two regions of neighbouring frames are one and the same."""

type Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of a picture, in pixels; it may lie partly outside.

    Attributes:
        left: Its left edge; the picture's is 0.
        top: Its upper edge.
        width: Its width.
        height: Its height.
        points: Landmarks: eyes, tip of the nose, corners of the mouth, in pairs those on the picture's left first; or
            none.
        score: How sure it is, 0..1.
    """

    left: float
    top: float
    width: float
    height: float
    points: Points = ()
    score: float = 1.0

    @property
    def numbers(self) -> npt.NDArray[np.float64]:
        """Left, top, width, height and the points, one after the other."""
        return np.array(
            [self.left, self.top, self.width, self.height, *(each for pair in self.points for each in pair)]
        )

    def moved(self, numbers: Iterable[float]) -> Region:
        """The same region with other `numbers`."""
        left, top, width, height, *rest = map(float, numbers)
        return Region(left, top, width, height, _pairs(rest), self.score)


def overlap(one: Region, other: Region) -> float:
    """Area that two have in common over the area of both together, 0..1."""
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    common = max(across, 0.0) * max(down, 0.0)
    both = one.width * one.height + other.width * other.height - common
    return common / both if both > 0 else 0.0


def as_props(regions: Sequence[Region]) -> dict[str, Any]:
    """Regions as frame properties."""
    found: dict[str, Any] = {props.REGIONS: len(regions)}
    if regions:
        found[props.REGION_BOXES] = [float(each) for region in regions for each in region.numbers[:4]]
        found[props.REGION_SCORES] = [float(region.score) for region in regions]
        found[props.REGION_POINTS] = [
            float(each) for region in regions for each in (region.numbers[4:] if region.points else [float("nan")] * 10)
        ]
    return found


def regions_of(told: Mapping[str, Any]) -> tuple[Region, ...]:
    """The regions that frame properties tell.

    Raises:
        InferenceError: There are none of them, or they contradict themselves.
    """
    count = told.get(props.REGIONS)
    if not isinstance(count, int) or count < 0:
        raise InferenceError(f"the frames tell of no regions ({props.REGIONS})", hint="Look for them first: find_faces")
    boxes, points, scores = (_values(told.get(name)) for name in REGION_PROPS[1:])
    if (len(boxes), len(points), len(scores)) != (4 * count, 10 * count, count) or not np.isfinite(boxes).all():
        raise InferenceError(f"the properties of {count} regions contradict themselves")
    places = np.concatenate([np.reshape(boxes, (count, 4)), np.reshape(points, (count, 10))], axis=1)
    plain = [Region(0, 0, 0, 0, score=score) for score in scores]
    return tuple(
        region.moved(place if np.isfinite(place).all() else place[:4])
        for region, place in zip(plain, places, strict=True)
    )


def _values(value: Any) -> list[float]:
    if value is None:
        return []
    return [float(value)] if isinstance(value, int | float) else [float(each) for each in value]


def _pairs(numbers: Sequence[float]) -> Points:
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def with_regions(clip: vs.VideoNode, regions: vs.VideoNode) -> vs.VideoNode:
    """A clip whose frames carry the regions that the frames of another tell."""
    told = core.std.CopyFrameProps(_on_cpu(clip), regions, props=REGION_PROPS)
    return told.std.GPUUpload() if clip.gpu_resident else told


def _on_cpu(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.std.GPUDownload() if clip.gpu_resident else clip


def steady(clip: vs.VideoNode, radius: int = 2) -> vs.VideoNode:
    """Calm the regions that frames carry: those of a frame depend on those of its neighbours alone.

    See `calmed`. Neighbours beyond the ends of the clip, which is a shot, are none.

    Args:
        clip: Frames that carry regions.
        radius: Frames to each side; 0 changes nothing.
    """
    if radius <= 0:
        return clip
    frames = clip.num_frames
    carriers = core.std.CopyFrameProps(tiny(frames), _on_cpu(clip), props=REGION_PROPS)
    picture = np.zeros((1, 1, TINY, TINY), np.float32)

    def work(number: int, groups: list[list[vs.VideoFrame]]) -> tuple[Array, dict[str, Any]]:
        inside = [0 <= number + step < frames for step in range(-radius, radius + 1)]
        window = [regions_of(f.props) if there else () for f, there in zip(groups[0], inside, strict=True)]
        return picture, as_props(calmed(window))

    return with_regions(clip, windowed([Tap(carriers)], Windows(radius, 1, radius), tiny(frames), work))


def calmed(window: Sequence[Sequence[Region]]) -> tuple[Region, ...]:
    """The regions of the middle frame of a window, as the frames around it see them.

    Each region is followed outwards from frame to frame by its overlap, and averaged with what it is in frames that
    lie as far before as behind, so that even movement stays what it is. A region that frames on both sides have and
    the middle one has not was overlooked: it stands on the way from one to the other.
    """
    middle = len(window) // 2
    found = [_average(region, window, middle) for region in window[middle]]
    for back in range(1, middle + 1):
        for before in window[middle - back]:
            between = _on_the_way(before, back, window[middle + 1 :])
            if between is not None and all(overlap(between, each) < _SAME for each in found):
                found.append(between)
    return tuple(found)


def _on_the_way(before: Region, back: int, following: Sequence[Sequence[Region]]) -> Region | None:
    for ahead, regions in enumerate(following, 1):
        after = _same(before, regions)
        if after is not None:
            return before.moved((ahead * before.numbers + back * after.numbers) / (back + ahead))
    return None


def _average(region: Region, window: Sequence[Sequence[Region]], middle: int) -> Region:
    total, weights = region.numbers * (middle + 1), float(middle + 1)
    behind = ahead = region
    for step in range(1, middle + 1):
        before, after = _same(behind, window[middle - step]), _same(ahead, window[middle + step])
        if before is None or after is None:
            break
        behind, ahead = before, after
        weight = middle + 1 - step
        total += weight * (behind.numbers + ahead.numbers)
        weights += 2 * weight
    return region.moved(total / weights)


def _same(region: Region, others: Sequence[Region]) -> Region | None:
    """The one of others that overlaps most, if it does enough and has as many points."""
    alike = [other for other in others if len(other.points) == len(region.points)]
    best = max(alike, key=lambda other: overlap(region, other), default=None)
    return best if best is not None and overlap(region, best) >= _SAME else None
