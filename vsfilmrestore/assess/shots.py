"""Where the cuts are, when no cut list tells.

PySceneDetect's detectors look at small pictures that were made fit for them first, natively: a temporal median takes
out what lasts one or two frames (a flash, a torn or black frame, dirt, a splice), and every frame is brought to one
mean and one contrast, so flicker and fades are no cuts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from scenedetect.common import FrameTimecode
from scenedetect.detector import SceneDetector
from scenedetect.detectors import AdaptiveDetector, ContentDetector, HashDetector, HistogramDetector

from vsfilmrestore.errors import MediaError, SettingError
from vsfilmrestore.filters.schema import nearest

__all__ = ["DETECTORS", "CutFinder", "Detector", "detect_shots", "picture_of"]

core = vs.core

type Detector = Literal["adaptive", "content", "histogram", "hash"]

DETECTORS: Final = ("adaptive", "content", "histogram", "hash")
"""Names of the detectors, most trusted first."""

_WIDTH: Final = 256
_REPORT_EVERY: Final = 25
_LASTING: Final = 2
"""Longest defect, in frames, that a cut may not be made of."""
_PAD: Final = 4
_SENSITIVE: Final = 2.0
"""Threshold of the adaptive detector where what it finds is checked afterwards."""
_SAME: Final = 0.79
"""Correlation of the two sides above which there was no cut. The hardest true cut of the benchmark reaches 0.72, large
things that fly past fall to 0.84."""
_FAINT: Final = 0.11
"""Spread of a difference too faint for a cut: the last frames of a fade to black."""
_BLANK: Final = 0.02
"""Rows and columns of less spread are the bars around the picture."""
_MEAN, _SPREAD = 0.45, 0.22
_FLATTEST: Final = 0.06
"""Least spread that is stretched to the common contrast: the noise of a black frame must stay small."""


def detect_shots(
    clip: vs.VideoNode,
    *,
    detector: Detector = "adaptive",
    threshold: float | None = None,
    min_length: int = 8,
    level: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> list[int]:
    """First frames of all shots but the first, ascending.

    Every frame is read once, in order; memory stays bounded whatever the length.

    Args:
        clip: Any constant format, grey or colour, 8 to 32 bits.
        detector: ``adaptive`` (a change that stands out from its surroundings, best with camera moves), ``content``
            (any large change), ``histogram`` or ``hash`` of PySceneDetect.
        threshold: The detector's own; smaller finds more. None: 2.0 (3.0 without ``level``), 27.0, 0.2 and 0.35 in that
            order.
        min_length: Frames between two cuts at least; of two closer ones the second is dropped. The first and last
            shot may be shorter, as a clip may start anywhere.
        level: Take out flicker and what lasts one or two frames before comparing, and drop cuts whose two sides look
            alike. False shows the detector the pictures as they are and believes it.
        progress: Called now and then with frames done and frames in all.

    Raises:
        SettingError: Unknown detector, or a threshold or length out of range.
        MediaError: The clip changes its format or size, or a frame cannot be read.
    """
    finder = CutFinder(clip, detector=detector, threshold=threshold, min_length=min_length, level=level)
    for number, picture in enumerate(_stream(finder.pictures)):
        finder.see(picture)
        done = number - finder.pad + 1
        if progress and 0 < done < len(clip) and done % _REPORT_EVERY == 0:
            progress(done, len(clip))
    if progress:
        progress(len(clip), len(clip))
    return finder.cuts()


class CutFinder:
    """Finds cuts in pictures that somebody else reads; arguments and errors as of `detect_shots`.

    Attributes:
        pictures: What is to be seen, one after the other from the first on: small RGB24.
        pad: By how many pictures they begin before the clip; they end as many after it.
    """

    def __init__(
        self,
        clip: vs.VideoNode,
        *,
        detector: Detector = "adaptive",
        threshold: float | None = None,
        min_length: int = 8,
        level: bool = True,
    ) -> None:
        _check(clip, detector, threshold, min_length)
        self.pictures = _prepared(clip, level)
        self.pad = (len(self.pictures) - len(clip)) // 2
        if threshold is None and detector == "adaptive" and level:
            threshold = _SENSITIVE
        self._judge = _judge(detector, threshold, grey=clip.format.color_family == vs.GRAY)
        self._level, self._length, self._min_length = level, len(clip), min_length
        self._rate = Fraction(self.pictures.fps_num or 24, self.pictures.fps_den or 1)
        self._recent: deque[npt.NDArray[np.float64]] = deque(maxlen=self._judge.event_buffer_length + 2)
        self._number = 0
        self._found: list[int] = []

    def see(self, picture: npt.NDArray[np.uint8]) -> None:
        """The next picture, ``[row, column, blue green red]``."""
        self._recent.append(_thumb(picture))
        cuts = [int(cut.frame_num) for cut in self._judge.process_frame(self._at(self._number), picture)]
        sure = [cut for cut in cuts if not self._level or not _alike(self._recent, self._number - cut)]
        self._found += [cut - self.pad for cut in sure[-1:]]
        self._number += 1

    def cuts(self) -> list[int]:
        """First frames of all shots but the first, ascending; to be asked once, after the last picture."""
        late = self._judge.post_process(self._at(max(self._number - 1, 0)))
        found = {*self._found, *(int(cut.frame_num) - self.pad for cut in late)}
        return _spaced(sorted(cut for cut in found if 0 < cut < self._length), self._min_length)

    def _at(self, number: int) -> FrameTimecode:
        return FrameTimecode(number, self._rate)


def _thumb(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Green plane at half size."""
    rows, columns = (size // 2 * 2 for size in picture.shape[:2])
    if not rows or not columns:
        return np.zeros((1, 1))
    green = picture[:rows, :columns, 1].astype(np.float64)
    return np.asarray(green.reshape(rows // 2, 2, columns // 2, 2).mean((1, 3)) / 255)


def _alike(recent: Sequence[npt.NDArray[np.float64]], age: int) -> bool:
    """Whether the pictures before and after a cut ``age`` pictures ago show the same, but for what moved."""
    if age + 2 > len(recent):
        return False
    before, after = recent[-age - 2], recent[-age - 1]
    rows = (before.std(axis=1) > _BLANK) | (after.std(axis=1) > _BLANK)
    columns = (before.std(axis=0) > _BLANK) | (after.std(axis=0) > _BLANK)
    if not rows.any() or not columns.any():
        return False
    a, b = (side[rows][:, columns] - side[rows][:, columns].mean() for side in (before, after))
    return bool((a * b).sum() > _SAME * np.sqrt((a * a).sum() * (b * b).sum()) or np.std(a - b) < _FAINT)


def _check(clip: vs.VideoNode, detector: str, threshold: float | None, min_length: int) -> None:
    if clip.format is None or clip.format.id == 0 or not clip.width or not clip.height:
        raise MediaError("the clip changes its format or size", hint="Convert it to one with resize first")
    if detector not in DETECTORS:
        raise SettingError(f"there is no shot detector {detector!r}{nearest(detector, DETECTORS)}")
    if threshold is not None and not threshold > 0:
        raise SettingError(f"threshold must be above 0, not {threshold}")
    if min_length < 1:
        raise SettingError(f"min_length must be 1 or more, not {min_length}")


def _judge(detector: str, threshold: float | None, *, grey: bool) -> SceneDetector:
    """PySceneDetect's detector; spacing of the cuts is ours, since it would also bar a cut near the clip's start."""
    given: dict[str, Any] = {"min_scene_len": 0}
    match detector:
        case "adaptive":
            given |= {} if threshold is None else {"adaptive_threshold": threshold}
            return AdaptiveDetector(luma_only=grey, **given)
        case "content":
            given |= {} if threshold is None else {"threshold": threshold}
            return ContentDetector(luma_only=grey, **given)
        case "histogram":
            return HistogramDetector(**given | ({} if threshold is None else {"threshold": threshold}))
        case _:
            return HashDetector(**given | ({} if threshold is None else {"threshold": threshold}))


def _spaced(cuts: list[int], min_length: int) -> list[int]:
    kept: list[int] = []
    for cut in cuts:
        if not kept or cut - kept[-1] >= min_length:
            kept.append(cut)
    return kept


def _prepared(clip: vs.VideoNode, level: bool) -> vs.VideoNode:
    """Small RGB24 pictures, padded at both ends with mirrored frames for the windows of median and detector."""
    small = _padded(_small(clip.std.GPUDownload() if clip.gpu_resident else clip))
    if level:
        small = _levelled(small.zsmooth.TemporalMedian(radius=_LASTING))
    return small.resize.Point(format=vs.RGB24)


def _small(clip: vs.VideoNode) -> vs.VideoNode:
    """RGBS, at most `_WIDTH` wide. Comparing needs some matrix, not the right one, and no fields."""
    width = min(_WIDTH, clip.width)
    height = max(1, round(clip.height * width / clip.width))
    clip = clip.std.SetFieldBased(0)
    if clip.format.color_family == vs.YUV:
        clip = clip.std.SetFrameProps(_Matrix=vs.MATRIX_BT709)
    if clip.format.color_family == vs.GRAY:
        grey = clip.resize.Bilinear(width, height, format=vs.GRAYS).std.RemoveFrameProps("_Matrix")
        return core.std.ShufflePlanes([grey, grey, grey], [0, 0, 0], vs.RGB)
    return clip.resize.Bilinear(width, height, format=vs.RGBS)


def _padded(clip: vs.VideoNode) -> vs.VideoNode:
    """`_PAD` mirrored frames at both ends, or as many as there are."""
    pad = min(_PAD, len(clip) - 1)
    if pad == 0:
        return clip
    return clip[1 : pad + 1].std.Reverse() + clip + clip[-pad - 1 : -1].std.Reverse()


def _levelled(clip: vs.VideoNode) -> vs.VideoNode:
    """Every frame at one mean and one contrast, by its green plane."""
    clip = clip.std.PlaneStats(plane=1, prop="Level")
    squares = core.akarin.Expr(clip, ["", "x x.LevelAverage - dup *", ""]).std.PlaneStats(plane=1, prop="Square")
    stretch = f"x x.LevelAverage - y.SquareAverage sqrt {_FLATTEST} max / {_SPREAD} * {_MEAN} + 0 1 clip"
    return core.akarin.Expr([clip, squares], stretch)


def _stream(pictures: vs.VideoNode) -> Iterator[npt.NDArray[np.uint8]]:
    """The pictures as arrays ``[row, column, blue green red]``, one after the other."""
    try:
        for frame in pictures.frames(close=True):
            yield picture_of(frame)
    except vs.Error as error:
        raise MediaError(f"a frame could not be read: {error}") from error


def picture_of(frame: vs.VideoFrame) -> npt.NDArray[np.uint8]:
    """A frame of `CutFinder.pictures` as it wants to see it."""
    return np.stack([np.asarray(frame[plane]) for plane in (2, 1, 0)], axis=-1)
