"""Samples of a shot in full size: where they are taken, and the pictures as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.assess.reading import Reading

__all__ = ["Sample", "Shot", "middle_of"]

core = vs.core

type Floats = npt.NDArray[np.float32]

RUN: Final = 3
"""Neighbouring frames that are read together."""
_MARGIN: Final = 2
"""Frames at either end of a shot that are spared where it is long: there are splices and ends of dissolves."""
_MOST_PIXELS: Final = 1_300_000
"""Where a picture has more, its middle is looked at."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame.

    Attributes:
        number: Its number.
        luma: Full size, black 0 and white 1.
        raw: Planes as they are, in 8-bit levels; of RGB clips converted to YUV.
    """

    number: int
    luma: Floats
    raw: tuple[Floats, ...]


class Shot:
    """A shot that samples are taken of; a clip of its own, so that nothing looks across its cuts."""

    def __init__(self, reading: Reading, first: int, stop: int) -> None:
        self.first, self.stop = first, stop
        self._reading = reading

    def __len__(self) -> int:
        return self.stop - self.first

    @property
    def clip(self) -> vs.VideoNode:
        """Its frames, as far as they can be read."""
        return self._reading.clip[self.first : self.stop]

    @property
    def grey(self) -> bool:
        return self._reading.clip.format.color_family == vs.GRAY

    def places(self, count: int) -> list[int]:
        """Up to so many frames spread over the shot, counted from its first."""
        margin = _MARGIN if len(self) > 6 * _MARGIN else 0
        inner = len(self) - 2 * margin
        count = min(count, inner)
        return [margin + int((n + 0.5) * inner / count) for n in range(count)]

    def starts(self, count: int, run: int = RUN) -> list[int]:
        """First frames of up to so many runs, none of which overlap."""
        count = max(min(count, len(self) // run), 1)
        return sorted({max(min(place - run // 2, len(self) - run), 0) for place in self.places(count)})

    def frames(self, build: Callable[[vs.VideoNode], vs.VideoNode], wanted: Sequence[int]) -> list[vs.VideoFrame]:
        """Single frames of what is built on the shot; neighbours among them share their work."""
        if not wanted:
            return []

        def chosen(clip: vs.VideoNode) -> vs.VideoNode:
            built = build(clip[self.first : self.stop])
            return core.std.Splice([built[n : n + 1] for n in wanted])

        found = self._reading.frames(chosen, 0, len(wanted), lambda n: self.first + wanted[n])
        return [frame for _, frame in found]

    @cached_property
    def runs(self) -> list[list[Sample]]:
        """Runs of neighbouring frames: one of a short shot, up to four of a long one."""
        count = 1 if len(self) < 24 else 2 if len(self) < 72 else 3 if len(self) < 240 else 4
        return [self.run(start, min(RUN, len(self))) for start in self.starts(count)]

    @property
    def middles(self) -> list[Sample]:
        """The middle frame of each run."""
        return [run[len(run) // 2] for run in self.runs]

    def run(self, start: int, count: int) -> list[Sample]:
        """Neighbouring frames."""
        wanted = range(start, min(start + count, len(self)))
        pairs = zip(wanted, self.frames(_whole, wanted), strict=True)
        return [_sample(self.first + n, frame) for n, frame in pairs]

    def colour(self, most: int = 640) -> list[Floats]:
        """R'G'B' of the middle frames, ``[row, column, red green blue]`` 0..1, the longer side ``most`` at the most."""
        wanted = [sample.number - self.first for sample in self.middles]
        return [_stacked(frame) for frame in self.frames(lambda clip: _display(clip, most), wanted)]


def _whole(clip: vs.VideoNode) -> vs.VideoNode:
    """YUV or grey with 16 bits, its planes in their own sizes."""
    fmt = clip.format
    clip = clip.std.SetFieldBased(0)
    if fmt.color_family == vs.RGB:
        return clip.resize.Point(format=vs.YUV444P16, matrix=vs.MATRIX_BT709, range=vs.RANGE_LIMITED)
    wanted = core.query_video_format(fmt.color_family, vs.INTEGER, 16, fmt.subsampling_w, fmt.subsampling_h)
    return clip if fmt.id == wanted.id else clip.resize.Point(format=wanted.id)


def _display(clip: vs.VideoNode, most: int) -> vs.VideoNode:
    scale = min(1.0, most / max(clip.width, clip.height))
    width, height = (max(round(side * scale), 1) for side in (clip.width, clip.height))
    clip = clip.std.SetFieldBased(0)
    match clip.format.color_family:
        case vs.GRAY:
            grey = clip.resize.Bilinear(width, height, format=vs.GRAYS).std.RemoveFrameProps("_Matrix")
            return core.std.ShufflePlanes([grey, grey, grey], [0, 0, 0], vs.RGB)
        case vs.YUV:
            return clip.resize.Bilinear(width, height, format=vs.RGBS, matrix_in=_matrix(clip))
        case _:
            return clip.resize.Bilinear(width, height, format=vs.RGBS)


def _matrix(clip: vs.VideoNode) -> int:
    return int(vs.MATRIX_BT709 if clip.height > 576 else vs.MATRIX_ST170_M)


def _sample(number: int, frame: vs.VideoFrame) -> Sample:
    with frame:
        planes = tuple(
            np.asarray(frame[p]).astype(np.float32) / np.float32(256) for p in range(frame.format.num_planes)
        )
        full = frame.props.get("_Range", vs.RANGE_LIMITED) == vs.RANGE_FULL
        if frame.format.color_family == vs.GRAY and "_Range" not in frame.props:
            full = False
    luma = planes[0] / np.float32(255) if full else (planes[0] - 16) / np.float32(219)
    return Sample(number, np.ascontiguousarray(luma), planes)


def _stacked(frame: vs.VideoFrame) -> Floats:
    with frame:
        planes = np.stack([np.asarray(frame[p]) for p in range(3)], axis=-1)
    return np.asarray(planes.clip(0, 1), np.float32)


def middle_of(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The middle of a large plane, in whole."""
    height, width = plane.shape
    share = (_MOST_PIXELS / (height * width)) ** 0.5
    if share >= 1:
        return plane
    top, left = (int(side * (1 - share) / 2) for side in (height, width))
    return np.ascontiguousarray(plane[top : height - top, left : width - left])
