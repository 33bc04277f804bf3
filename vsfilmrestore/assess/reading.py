"""Reading a film to its end, whatever some of its frames say.

A frame that cannot be read is noted, the frame before it stands in its place, and reading goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import vapoursynth as vs

from vsfilmrestore.errors import MediaError, plain_text
from vsfilmrestore.media.failure import media_error_in
from vsfilmrestore.media.stand_ins import frozen

__all__ = ["Reading"]

core = vs.core

_TRIES: Final = 3
"""Times that a frame is asked for: behind a damaged place a decoder may fail once at a frame that is whole."""
_AROUND: Final = 12
"""Frames on either side of where reading failed that may be to blame: filters look ahead."""


class Reading:
    """A film whose unreadable frames are passed over.

    Attributes:
        clip: The film, with other frames in the place of those found unreadable so far.
        unreadable: Their numbers.
    """

    def __init__(self, clip: vs.VideoNode) -> None:
        self.clip = clip.std.GPUDownload() if clip.gpu_resident else clip
        self._source = self.clip
        self.unreadable: set[int] = set()

    def frames(
        self,
        build: Callable[[vs.VideoNode], vs.VideoNode],
        first: int,
        stop: int,
        place: Callable[[int], int] = lambda number: number,
    ) -> Iterator[tuple[int, vs.VideoFrame]]:
        """Frames ``first`` to ``stop`` of what is built on the film, with their numbers; closed by the caller.

        Args:
            build: Makes the graph; called anew after each frame that could not be read.
            first: First frame of what is built.
            stop: Frame after the last.
            place: Tells which frame of the film a frame of what is built is made of, roughly.

        Raises:
            MediaError: Reading fails although all frames of the film can be read.
        """
        at, failed = first, 0
        while at < stop:
            try:
                for frame in build(self.clip)[at:stop].frames():
                    yield at, frame
                    at, failed = at + 1, 0
            except vs.Error as error:
                if self._mend(min(max(place(at), 0), len(self._source) - 1)):
                    continue
                failed += 1
                if failed == _TRIES:
                    raise media_error_in(error) or MediaError(
                        f"a frame could not be read: {plain_text(error)}"
                    ) from error

    def frame(self, number: int) -> vs.VideoFrame:
        """One frame of the film.

        Raises:
            MediaError: It cannot be read, nor any other near it.
        """
        for _, frame in self.frames(lambda clip: clip, number, number + 1):
            return frame
        raise IndexError(number)

    def _mend(self, near: int) -> bool:
        """Find the unreadable frames about a place and replace them; False where there are none."""
        last = len(self._source) - 1
        new = {n for n in range(max(near - _AROUND, 0), min(near + _AROUND, last) + 1) if self._is_bad(n)}
        if not new:
            return False
        edge = max(new)
        if edge == min(near + _AROUND, last):
            new |= set(range(edge, self._good_after(edge)))
        self.unreadable |= new
        if len(self.unreadable) == len(self._source):
            raise MediaError("none of its frames can be read")
        self.clip = frozen(self._source, self.unreadable)
        return True

    def _is_bad(self, number: int) -> bool:
        if number in self.unreadable:
            return False
        try:
            self._source.get_frame(number).close()
        except vs.Error:
            return True
        return False

    def _good_after(self, bad: int) -> int:
        """First readable frame after a bad one, in leaps that grow: a film may lack its last hour."""
        step, at = 1, bad + 1
        while at < len(self._source) and self._is_bad(at):
            at, step = at + step, step * 2
        low, high = max(at - step // 2, bad), min(at, len(self._source))
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._is_bad(middle) else (low, middle)
        return high
