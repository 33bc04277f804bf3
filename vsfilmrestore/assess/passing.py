"""The one pass over all frames: what can be told from a small picture of each frame and the one before.

A frame is read once. The same small picture is looked at for cuts, levels, the change of light, the motion of the
whole picture and of its parts, dissolves, and whether a frame is spoilt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.assess.dissolves import DissolveFinder
from vsfilmrestore.assess.passers import PasserFinder
from vsfilmrestore.assess.reading import Reading
from vsfilmrestore.assess.shots import CutFinder, picture_of
from vsfilmrestore.filters._exposure import exposure_step
from vsfilmrestore.filters._frame_faults import Look, is_rolled

__all__ = ["LEVELS", "WIDTH", "FrameFacts", "PassFacts", "Torn", "pass_over"]

core = vs.core

type Bytes = npt.NDArray[np.uint8]
type Floats = npt.NDArray[np.float32]

WIDTH: Final = 256
"""Pixels across of the small pictures."""
_PROP: Final = "VsfrSmall"
_GRID: Final = 24
_STRIDE: Final = 6
"""Pixels between places where motion is read."""
_DRAWN: Final = 12.0
"""Gradient, 8-bit levels a pixel, from which a place tells how it moves."""
_STRAY: Final = 20
"""Levels by which a frame differs from both its neighbours where it may be torn."""
_STRAYS: Final = 0.02
_HISTORY: Final = 5
_ROUNDS: Final = 2

LEVELS: Final = {
    "luma.low": "low",
    "luma.average": "average",
    "luma.high": "high",
    "chroma.u": "u",
    "chroma.v": "v",
    "saturation": "saturation",
    "ydif": "ydif",
}
"""Measures that `FrameFacts` has as they are, and what they are called there."""


@dataclass(slots=True)
class FrameFacts:
    """What one frame told; see `vocabulary` for the measures among it.

    Attributes:
        low: 10th percentile of luma, 8-bit levels; then mean and 90th percentile.
        u: Means of the colour differences, and of their distance from neutral.
        ydif: Mean difference to the frame before.
        look: The frame in three numbers, for `filters._frame_faults`.
        gain: Change of light since the frame before, in natural logarithms; its standard error; whether both show one
            scene.
        shift: Motion of the whole picture since the frame before, pixels of the small picture: right, down; degrees
            clockwise; whether it could be told.
        speed: Distance that nine tenths of the picture stay below, in small pixels, and the median.
        fresh: Mean difference to the frame before of a picture too small for grain.
        sides: How much of the picture has moved on its own.
    """

    low: float = 0.0
    average: float = 0.0
    high: float = 0.0
    u: float = 128.0
    v: float = 128.0
    saturation: float = 0.0
    ydif: float = np.nan
    look: Look = field(default_factory=lambda: Look(0, 0, 0))
    gain: float = 0.0
    gain_error: float = 9.0
    joined: bool = False
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    sure: bool = False
    speed: tuple[float, float] = (0.0, 0.0)
    fresh: float = np.nan
    own: float = 0.0


@dataclass(frozen=True, slots=True)
class Torn:
    """A frame that may be torn, or is rolled, told without knowing of cuts.

    Attributes:
        frame: Number of the frame.
        left: Frames before it that were looked at, and after it.
        right: Frames after it that were looked at.
        share: Share of the picture that strays from both sides.
        rolled: Whether the frame is rolled up or down instead.
    """

    frame: int
    left: int
    right: int
    share: float
    rolled: bool = False


@dataclass(slots=True)
class PassFacts:
    """What the pass found.

    Attributes:
        frames: Facts by number of the frame.
        cuts: First frames of new shots.
        dissolves: Middles of dissolves, each with its length.
        torn: Frames that may be torn.
        stains: Where something broad may come and go, as stains do: its first frame, and the first without it.
        scale: Pixels of the source to one of the small picture.
        width: Pixels across of the small picture.
    """

    frames: dict[int, FrameFacts] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    dissolves: list[tuple[int, int]] = field(default_factory=list)
    torn: list[Torn] = field(default_factory=list)
    stains: list[tuple[int, int]] = field(default_factory=list)
    scale: float = 1.0
    width: int = WIDTH


def pass_over(
    reading: Reading, first: int, stop: int, *, find_cuts: bool = True, watch: Callable[[int], None] | None = None
) -> PassFacts:
    """Read frames ``first`` to ``stop`` once, in order, and tell what can be told.

    Args:
        reading: The film.
        first: First frame.
        stop: Frame after the last.
        find_cuts: Whether cuts are looked for.
        watch: Called with the number of each frame that was read.

    Raises:
        MediaError: The film changes its format or size, or cannot be read.
    """
    small = _small(reading.clip[first:stop])
    finder = CutFinder(small)
    pad = finder.pad if find_cuts else 0
    eye = _Eye(PassFacts(scale=reading.clip.width / small.width, width=small.width), first)

    def build(clip: vs.VideoNode) -> vs.VideoNode:
        seen = _small(clip[first:stop])
        if not find_cuts:
            return seen
        return CutFinder(seen).pictures.std.ClipToProp(_padded(seen, pad), prop=_PROP)

    for number, frame in reading.frames(build, 0, stop - first + 2 * pad, lambda n: n - pad + first):
        with frame:
            if find_cuts:
                finder.see(picture_of(frame))
            if pad <= number < stop - first + pad:
                eye.see(first + number - pad, frame.props[_PROP] if find_cuts else frame)
                if watch:
                    watch(first + number - pad)
    facts = eye.finished()
    facts.cuts = [first + cut for cut in finder.cuts()] if find_cuts else []
    return facts


def _small(clip: vs.VideoNode) -> vs.VideoNode:
    """16 bits, at most `WIDTH` wide; grey, or luma and colour differences in full size. Levels as they are."""
    width = min(WIDTH, clip.width)
    height = max(1, round(clip.height * width / clip.width))
    clip = clip.std.SetFieldBased(0)
    if clip.format.color_family == vs.RGB:
        return clip.resize.Bilinear(width, height, format=vs.YUV444P16, matrix=vs.MATRIX_BT709, range=vs.RANGE_LIMITED)
    grey = clip.format.color_family == vs.GRAY
    return clip.resize.Bilinear(width, height, format=vs.GRAY16 if grey else vs.YUV444P16)


def _padded(clip: vs.VideoNode, pad: int) -> vs.VideoNode:
    return clip[:1] * pad + clip + clip[-1:] * pad if pad else clip


class _Eye:
    """Looks at the small pictures one by one; remembers the last few."""

    def __init__(self, facts: PassFacts, first: int) -> None:
        import cv2  # on first use: it is large, and a plan needs none of it

        self.facts = facts
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._dissolves = DissolveFinder(first)
        self._passers = PasserFinder(first)
        self._recent: deque[Bytes] = deque(maxlen=_HISTORY)
        self._words: deque[npt.NDArray[np.uint16]] = deque(maxlen=_HISTORY)
        self._last: _Picture | None = None

    def see(self, number: int, frame: Any) -> None:
        planes = [np.asarray(frame[plane]) for plane in range(frame.format.num_planes)]
        picture = _Picture.of(planes[0])
        found = FrameFacts()
        _levels(found, picture, planes[1:])
        if self._last is not None:
            self._compare(found, self._last, picture)
        found.look = Look(found.average / 255, float(picture.look.std()) / 255, _step(self._last, picture))
        self.facts.frames[number] = found
        self._recent.append(np.ascontiguousarray(picture.bytes[::2, ::2]))
        self._words.append(planes[0].copy())
        self._dissolves.see(picture.thumb)
        self._passers.see(picture.thumb)
        self._judge(number)
        self._last = picture

    def finished(self) -> PassFacts:
        self.facts.dissolves, self.facts.stains = self._dissolves.found, self._passers.found
        return self.facts

    def _compare(self, found: FrameFacts, last: _Picture, this: _Picture) -> None:
        import cv2

        found.ydif = float(cv2.absdiff(last.bytes, this.bytes).mean())
        found.fresh = float(np.abs(this.thumb - last.thumb - (this.thumb.mean() - last.thumb.mean())).mean())
        row, errors, found.joined = exposure_step(last.grid, this.grid)
        found.gain, found.gain_error = float(row[0]), float(errors[0])
        if min(this.bytes.shape) < 32:
            return
        if found.ydif == 0:
            found.shift, found.sure = (0.0, 0.0, 0.0), True
            return
        flow = self._flow.calc(last.bytes, this.bytes, np.zeros((*this.bytes.shape, 2), np.float32))
        _read_motion(found, np.asarray(flow, np.float32), this)

    def _judge(self, now: int) -> None:
        """Whether the frame in the middle of the last three, four or five may be torn, or is rolled."""
        for left, right in ((1, 1), (1, 2), (2, 1)):
            if len(self._recent) <= left + right:
                continue
            frame, before, after = self._recent[-1 - right], self._recent[-1 - right - left], self._recent[-1]
            number, share = now - right, _strays(frame, before, after)
            if share < _STRAYS or any(torn.frame == number for torn in self.facts.torn[-4:]):
                continue
            rolled = (left, right) == (1, 1) and is_rolled([self._words[-3], self._words[-2], self._words[-1]])
            self.facts.torn.append(Torn(number, left, right, share, rolled=rolled))


@dataclass(frozen=True, slots=True)
class _Picture:
    """Luma of a small picture, in the sizes it is looked at."""

    bytes: Bytes
    look: Floats
    thumb: Floats
    grid: npt.NDArray[np.float64]

    @classmethod
    def of(cls, luma: npt.NDArray[np.uint16]) -> _Picture:
        import cv2

        height, width = luma.shape
        real = luma.astype(np.float32) * np.float32(1 / 256)
        look = cv2.resize(real, _fit(160, width, height), interpolation=cv2.INTER_AREA)
        thumb = cv2.resize(look, _fit(48, width, height), interpolation=cv2.INTER_AREA)
        grid = cv2.resize(real, _fit(_GRID, width, height), interpolation=cv2.INTER_AREA).astype(np.float64)
        light = (grid - 16) / 219
        return cls((luma >> 8).astype(np.uint8), np.asarray(look, np.float32), np.asarray(thumb, np.float32), light)


def _fit(across: int, width: int, height: int) -> tuple[int, int]:
    across = min(across, width)
    return across, min(max(round(height * across / width), 1), height)


def _step(last: _Picture | None, this: _Picture) -> float:
    return 0.0 if last is None else float(np.abs(this.look - last.look).mean()) / 255


def _levels(found: FrameFacts, picture: _Picture, chroma: list[npt.NDArray[np.uint16]]) -> None:
    import cv2

    counts = cv2.calcHist([picture.bytes], [0], None, [256], [0, 256]).ravel().cumsum()
    found.low, found.high = (float(np.searchsorted(counts, share * counts[-1])) for share in (0.1, 0.9))
    found.average = float(picture.look.mean())
    if chroma:
        u, v = (plane[::4, ::4].astype(np.float32) / 256 for plane in chroma)
        found.u, found.v = float(u.mean()), float(v.mean())
        found.saturation = float(np.hypot(u - 128, v - 128).mean())


def _read_motion(found: FrameFacts, flow: Floats, picture: _Picture) -> None:
    """Shift and turn of the whole picture, by where it is drawn well enough to tell; and how fast its parts are."""
    import cv2

    height, width = picture.bytes.shape
    cut = slice(_STRIDE, None, _STRIDE)
    across = cv2.Sobel(picture.bytes, cv2.CV_32F, 1, 0, scale=0.25)
    down = cv2.Sobel(picture.bytes, cv2.CV_32F, 0, 1, scale=0.25)
    drawn = [cv2.blur(np.abs(each), (9, 9))[cut, cut] for each in (across, down)]
    vectors = flow[cut, cut]
    y, x = np.mgrid[_STRIDE:height:_STRIDE, _STRIDE:width:_STRIDE].astype(np.float32)
    x, y = x - width / 2, y - height / 2
    told = [each > min(_DRAWN, max(float(np.quantile(each, 0.7)), 1.0)) for each in drawn]
    if min(told[0].sum(), told[1].sum()) < 12:
        return
    dx, dy, turn = _rigid(vectors, x, y, told)
    rest = np.hypot(vectors[..., 0] - dx + turn * y, vectors[..., 1] - dy - turn * x)
    either = told[0] | told[1]
    size = np.hypot(vectors[..., 0], vectors[..., 1])[either]
    found.shift, found.sure = (dx, dy, float(np.degrees(turn))), found.joined or float(np.median(rest[either])) < 1
    found.speed = float(np.quantile(size, 0.9)), float(np.median(size))
    found.own = float((rest[either] > 1).mean())


def _rigid(vectors: Floats, x: Floats, y: Floats, told: list[npt.NDArray[np.bool_]]) -> tuple[float, float, float]:
    """Shift and turn that most vectors follow: medians, then weighted least squares (Cauchy weights)."""
    dx, dy = (float(np.median(vectors[..., axis][told[axis]])) for axis in (0, 1))
    turn = 0.0
    places = [(x[told[0]], y[told[0]]), (x[told[1]], y[told[1]])]
    values = [vectors[..., axis][told[axis]] for axis in (0, 1)]
    arms = -places[0][1], places[1][0]
    for _ in range(_ROUNDS):
        rests = [values[0] - dx - turn * arms[0], values[1] - dy - turn * arms[1]]
        weights = [_cauchy(rest) for rest in rests]
        turn += _slope(arms, rests, weights)
        rests = [values[0] - turn * arms[0], values[1] - turn * arms[1]]
        dx, dy = (float(np.average(rest, weights=w)) for rest, w in zip(rests, weights, strict=True))
    return dx, dy, turn


def _cauchy(rest: Floats) -> Floats:
    scale = 1.48 * float(np.median(np.abs(rest))) + 0.02
    return np.asarray(1 / (1 + (rest / (1.5 * scale)) ** 2) ** 2, np.float32)


def _slope(arms: tuple[Floats, Floats], rests: list[Floats], weights: list[Floats]) -> float:
    """Turn that the rests show, both axes together, the mean of each taken out."""
    top = bottom = 0.0
    for arm, rest, weight in zip(arms, rests, weights, strict=True):
        arm = arm - np.average(arm, weights=weight)
        top += float((weight * arm * rest).sum())
        bottom += float((weight * arm * arm).sum())
    return top / bottom if bottom else 0.0


def _strays(frame: Bytes, before: Bytes, after: Bytes) -> float:
    """Share of a frame that is far from both neighbours, while these are much nearer to each other."""
    import cv2

    if min(frame.shape) < 16:
        return 0.0
    near = cv2.blur(cv2.min(cv2.absdiff(frame, before), cv2.absdiff(frame, after)), (3, 3))
    apart = cv2.blur(cv2.absdiff(before, after), (3, 3))
    stray = (near > _STRAY) & (apart < near // 2)
    return float(stray.mean())
