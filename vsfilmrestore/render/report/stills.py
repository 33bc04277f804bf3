"""Pictures of a report: frames before and after with the mask of what was repaired, and a thumbnail of each shot.

They are part of one page that opens from a USB stick, so each has a bound in bytes: it is packed harder, then made
smaller, until it fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.errors import VsfrError, plain_text
from vsfilmrestore.render.history import History
from vsfilmrestore.render.history_shots import Choice
from vsfilmrestore.render.pictures import as_rgb24
from vsfilmrestore.render.project import Project
from vsfilmrestore.render.reel import Reel
from vsfilmrestore.render.reel_shot import ReelShot
from vsfilmrestore.render.report.choice import Chosen
from vsfilmrestore.render.report.latest import Latest, Made
from vsfilmrestore.render.report.written import Written

__all__ = ["COLOURS", "Pictures", "Still", "Theatre"]

type Picture = npt.NDArray[np.uint8]

WIDTH: Final = 960
"""Width of a still at most; none is made larger than its frame."""
_THUMB: Final = 176
_LEAST: Final = 64
_QUALITIES: Final = (88, 80, 72, 64, 54)
COLOURS: Final = ("#e4572e", "#2f7fd0", "#f2b134", "#9b5de5", "#17a398", "#e05299")
"""Of masks, by kind of repair; told apart with any kind of sight."""


@dataclass(frozen=True, slots=True)
class Still:
    """A frame to look at.

    Attributes:
        chosen: Which frame, and why.
        before: JPEG of the source.
        after: JPEG of the result.
        mask: PNG with transparency of what was repaired; None where nothing was, or no history was kept.
        width: Of the pictures.
        height: Of the pictures.
        kinds: Filters in the mask.
    """

    chosen: Chosen
    before: bytes
    after: bytes
    mask: bytes | None
    width: int
    height: int
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pictures:
    """All pictures of a page; thumbnails by index of the shot."""

    stills: tuple[Still, ...] = ()
    thumbnails: dict[int, bytes] = field(default_factory=dict)


class Theatre:
    """Shows frames of a reel before and after it was restored.

    Attributes:
        remarks: What could not be shown, a sentence each.
    """

    def __init__(self, reel: Reel, project: Project, latest: Latest | None) -> None:
        self._reel, self._project = reel, project
        self._pieces = [] if latest is None else list(latest.pieces)
        self._written = Written(project, latest)
        self._history = self._kept()
        self.remarks: dict[str, None] = {}

    def _kept(self) -> History | None:
        try:
            return History.open(self._project)
        except VsfrError:
            return None

    def still(self, chosen: Chosen, most: int, colours: dict[str, str]) -> Still | None:
        """A frame before and after, in about ``most`` bytes; None, and a remark, where it cannot be shown."""
        made = next((each for each in self._pieces if each.piece.first <= chosen.frame < each.piece.stop), None)
        if made is None or made.done is None:
            return None
        index, at = made.piece.index, self._record(made, chosen.frame)
        before = self._shown(lambda: self._source(index, at), WIDTH)
        after = self._shown(lambda: self._result(made, chosen.frame), WIDTH)
        if before is None or after is None:
            return None
        marked, kinds = self._mask(index, at, before.shape[:2], colours)
        mask = None if marked is None else png(marked)
        each = (most - min(len(mask or b""), most // 4)) // 2
        small = jpeg(before, each), jpeg(after, each)
        return Still(chosen, *small, mask, before.shape[1], before.shape[0], kinds)

    def pair(self, frame: int) -> tuple[vs.VideoNode, vs.VideoNode]:
        """A frame of the output as it was and as it was written, each a clip of one frame.

        Raises:
            VsfrError: It cannot be made.
        """
        made = next(each for each in self._pieces if each.piece.first <= frame < each.piece.stop)
        return self._source(made.piece.index, self._record(made, frame)), self._result(made, frame)

    def thumbnail(self, index: int, most: int) -> bytes | None:
        """The middle frame of a shot as it was before, in at most ``most`` bytes where that can be done."""
        if self._reel.bound[index].medium is None:
            return None
        middle = len(self._reel.cut.shots[index].record) // 2
        picture = self._shown(lambda: self._source(index, middle), _THUMB)
        return None if picture is None else jpeg(picture, most, _LEAST)

    def _record(self, made: Made, frame: int) -> int:
        """Record frame of its shot."""
        return frame // made.piece.factor - self._reel.cut.shots[made.piece.index].record.start

    def _source(self, index: int, at: int) -> vs.VideoNode:
        return ReelShot(self._reel, index).source()[at]

    def _result(self, made: Made, frame: int) -> vs.VideoNode:
        """The frame as it was written, else made again."""
        written = self._written.clip(made)
        return self._reel.restored()[frame] if written is None else written[frame - made.piece.first]

    def _shown(self, take: Callable[[], vs.VideoNode], width: int) -> Picture | None:
        try:
            clip = take()
            with as_rgb24(clip, min(width, clip.width)).get_frame(0) as frame:
                return np.stack([np.asarray(frame[plane]) for plane in range(3)], axis=-1)
        except (vs.Error, VsfrError) as error:
            self.remarks[f"a picture cannot be shown: {plain_text(error)}"] = None
            return None

    def _mask(
        self, index: int, at: int, size: Sequence[int], colours: dict[str, str]
    ) -> tuple[Picture | None, tuple[str, ...]]:
        """What was repaired, drawn in the size of the still; a kind's colour is told in ``colours``."""
        if self._history is None:
            return None, ()
        drawn: Picture | None = None
        kinds: dict[str, None] = {}
        try:
            for frame in self._history.frames(Choice((index,), ((at, at),))):
                drawn = np.zeros((*size, 4), np.uint8) if drawn is None else drawn
                kinds[frame.kind] = None
                colour = colours.setdefault(frame.kind, COLOURS[len(colours) % len(COLOURS)])
                drawn[_seen(frame.read().mask, size)] = [*bytes.fromhex(colour[1:]), 230]
        except VsfrError as error:
            self.remarks[str(error)] = None
        return drawn, tuple(kinds)


def _seen(mask: npt.NDArray[np.bool_], size: Sequence[int]) -> npt.NDArray[np.bool_]:
    """A mask in the size of a still, a pixel wider on each side: a speck of one pixel is seen, too."""
    import cv2

    height, width = size
    small = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.dilate((small > 0).astype(np.uint8), np.ones((3, 3), np.uint8))) > 0


def jpeg(picture: Picture, most: int, least: int = 240) -> bytes:
    """A JPEG of an RGB picture: of lower quality, then smaller, until it has at most ``most`` bytes.

    Args:
        picture: Rows, columns, red green blue.
        most: Bytes at most.
        least: Width below which it is left as it is, whatever it weighs.
    """
    import cv2

    shown: Any = picture
    while True:
        for quality in _QUALITIES:
            words = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
            _, packed = cv2.imencode(".jpg", cv2.cvtColor(shown, cv2.COLOR_RGB2BGR), words)
            if len(packed) <= most:
                return bytes(packed)
        width = int(shown.shape[1] * 0.8)
        if width < least:
            return bytes(packed)
        shown = cv2.resize(shown, (width, max(1, shown.shape[0] * width // shown.shape[1])), interpolation=3)


def png(picture: Picture) -> bytes:
    """A PNG of an RGBA picture."""
    import cv2

    _, packed = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return bytes(packed)
