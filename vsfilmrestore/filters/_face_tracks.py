"""Faces followed from frame to frame, and what each has left to show.

All of a frame is decided by the frames within a stated distance of it, whatever was asked for before. Places, landmarks
and quality of a face are averaged over the frames that have it, those that lie as far before as behind alike, so that
even movement stays what it is and detectors' trembling does not reach the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import vapoursynth as vs

from vsfilmrestore.filters._face_finder import face_blur, inside
from vsfilmrestore.inference.colour import show
from vsfilmrestore.inference.data import TINY, tiny
from vsfilmrestore.inference.network import planes_of
from vsfilmrestore.inference.regions import (
    REGION_PROPS,
    Region,
    as_props,
    calmed,
    overlap,
    regions_of,
    with_regions,
)
from vsfilmrestore.inference.runtimes.base import Array
from vsfilmrestore.inference.windows import Tap, Windows, windowed

__all__ = ["Face", "eye_distance", "face_noise", "faces_of", "found_by", "measured", "same_face", "tracked"]

core = vs.core

_QUALITY: Final = "_VsfrFaceQuality"
"""Blur and noise of each face, one after the other."""
_SAME: Final = 0.3
"""Overlap from which a face is the one that was measured."""
_EYES: Final = 0.45
"""Distance of the eyes over the width of a box, for faces without landmarks."""
_FLATTEST: Final = 0.5
"""Eyes of a head that is turned away lie close together: no closer than so much of that."""
_LAPLACE: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6


@dataclass(frozen=True, slots=True)
class Face:
    """A face of a frame, as its track knows it.

    Attributes:
        region: Its box and landmarks, calmed.
        blur: Sigma of the blur of its edges, in pixels.
        noise: Standard deviation of its noise, 0..1.
    """

    region: Region
    blur: float
    noise: float

    @property
    def size(self) -> float:
        """The longer side of its box, in pixels."""
        return max(self.region.width, self.region.height)

    @property
    def fineness(self) -> float:
        """How many spots could be told apart along it: its size over the width of a blurred spot, at half its height.

        A face of 70 pixels copied softly has 18, one of 90 sharp pixels has 35, a close-up in HD more than 120.
        """
        return self.size / (2.355 * max(self.blur, 0.425))


def eye_distance(region: Region) -> float:
    """Distance of the eyes in pixels; by the box where there are no landmarks, or where the head is turned away."""
    usual = _EYES * region.width
    if len(region.points) < 2:
        return usual
    (ax, ay), (bx, by) = region.points[:2]
    return max(float(np.hypot(bx - ax, by - ay)), _FLATTEST * usual)


def face_noise(luma: Array, region: Region) -> float:
    """Standard deviation of the noise on a face, 0..1, where it is flattest.

    Source: J. Immerkaer, "Fast noise variance estimation", CVIU 64(2), 1996; the median in place of the mean.
    """
    part = inside(luma, region)
    if min(part.shape, default=0) < 8:
        return 0.0
    part = np.ascontiguousarray(part, np.float32)
    rough = np.abs(cv2.filter2D(part, cv2.CV_32F, _LAPLACE))
    soft = cv2.GaussianBlur(part, (0, 0), 1.5)
    steep = np.hypot(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1))
    return float(np.median(rough[steep <= np.median(steep)]) / 0.6745)


def found_by(clip: vs.VideoNode, finder: Callable[[Array, float], Sequence[Region]], smallest: float) -> vs.VideoNode:
    """The clip with the faces that something finds in each frame; it is run when a frame is asked for."""
    picture = np.zeros((1, 1, TINY, TINY), np.float32)

    def work(_number: int, groups: list[list[vs.VideoFrame]]) -> tuple[Array, dict[str, Any]]:
        return picture, as_props(list(finder(np.stack(planes_of(groups[0][0])), smallest)))

    return with_regions(clip, windowed([Tap(show(clip, "rgb").clip)], Windows(), tiny(clip.num_frames), work))


def tracked(faces: vs.VideoNode, radius: int) -> vs.VideoNode:
    """Tiny frames that tell of calmed faces and their quality (`faces_of`).

    Args:
        faces: Tiny frames that tell of those of each frame by itself, from `measured`.
        radius: Frames to each side that a frame's faces depend on.
    """
    frames = faces.num_frames
    picture = np.zeros((1, 1, TINY, TINY), np.float32)

    def work(number: int, groups: list[list[vs.VideoFrame]]) -> tuple[Array, dict[str, Any]]:
        there = [0 <= number + step < frames for step in range(-radius, radius + 1)]
        window = [faces_of(frame) if known else () for frame, known in zip(groups[0], there, strict=True)]
        found = calmed([[face.region for face in each] for each in window])
        return picture, _told([_averaged(region, window) for region in found])

    return windowed([Tap(faces)], Windows(radius, 1, radius), tiny(frames), work)


def measured(clip: vs.VideoNode, faces: vs.VideoNode) -> vs.VideoNode:
    """Tiny frames that tell of each frame's faces and their quality; without faces no picture is looked at.

    Args:
        clip: The shot.
        faces: The same, its frames with the faces found in each.
    """
    frames = clip.num_frames
    told = core.std.CopyFrameProps(tiny(frames), faces, props=REGION_PROPS)
    luma = show(clip, "luma").clip
    picture = np.zeros((1, 1, TINY, TINY), np.float32)

    def work(_number: int, groups: list[list[vs.VideoFrame]]) -> tuple[Array, dict[str, Any]]:
        plane = planes_of(groups[0][0])[0]
        found = regions_of(groups[1][0].props)
        return picture, _told([Face(each, face_blur(plane, each), face_noise(plane, each)) for each in found])

    looked = windowed([Tap(luma), Tap(told)], Windows(), tiny(frames), work)
    return core.akarin.Select([told, looked], told, f"x.{REGION_PROPS[0]} 0 > 1 0 ?")


def _told(faces: Sequence[Face]) -> dict[str, Any]:
    quality = {_QUALITY: [float(each) for face in faces for each in (face.blur, face.noise)]} if faces else {}
    return {**as_props([face.region for face in faces]), **quality}


def faces_of(frame: vs.VideoFrame) -> tuple[Face, ...]:
    """The faces that a frame of `tracked` tells of."""
    regions = regions_of(frame.props)
    if not regions:
        return ()
    quality: Any = frame.props[_QUALITY]
    numbers = [float(each) for each in quality]
    return tuple(Face(region, *numbers[2 * i : 2 * i + 2]) for i, region in enumerate(regions))


def _averaged(region: Region, window: Sequence[Sequence[Face]]) -> Face:
    """A calmed face, and what the frames around it show of it."""
    mine = [faces[place] for faces in window if (place := same_face(region, faces)) is not None]
    if not mine:
        return Face(region, np.inf, 0.0)
    return Face(region, float(np.mean([face.blur for face in mine])), float(np.mean([face.noise for face in mine])))


def same_face(region: Region, faces: Sequence[Face]) -> int | None:
    """Which of the faces of a frame near by a face is; None for none of them."""
    best = max(range(len(faces)), key=lambda place: overlap(region, faces[place].region), default=None)
    return best if best is not None and overlap(region, faces[best].region) >= _SAME else None
