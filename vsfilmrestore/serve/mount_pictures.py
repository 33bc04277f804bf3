"""Pixels of mounted stills: frames rendered once however many read them, laid out as files, the last ones kept.

::

    read ---> pixels at hand? copy of the stretch that was asked for
              no: the frame from `Frames` (one rendering for all who wait) ---> laid out once ---> kept, by bytes

Who stops waiting (the program that reads was stopped) lets the others go on, and a frame that nobody waits for any more
is not begun.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from errno import EINTR, EIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

from vsfilmrestore.serve.frames import Frames
from vsfilmrestore.serve.mount_stills import StillLayout

__all__ = ["Pictures"]

type Bytes = npt.NDArray[np.uint8]
type Interrupted = Callable[[], bool]

_LOOK: Final = 0.2
"""Seconds after which somebody who waits for a frame is looked at: does he still want it?"""
_LEAST: Final = 2
"""Pictures kept, however large they are."""


class Pictures:
    """The pixels of all frames of a mount. Safe to be called from any thread.

    Attributes:
        layout: How they lie in a file.
        frames: Where they come from.
    """

    def __init__(self, frames: Frames, layout: StillLayout, keep_bytes: int) -> None:
        """
        Args:
            frames: Frames prepared for the layout's profile.
            layout: How they lie in a file.
            keep_bytes: Most bytes of pictures that are kept; two are kept in any case.
        """
        self.frames, self.layout = frames, layout
        self._most = max(_LEAST, keep_bytes // (layout.size - layout.head))
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Bytes] = OrderedDict()
        self._laying: dict[int, Future[Bytes]] = {}
        self._closed = False

    def get(self, number: int, *, reader: object = None, interrupted: Interrupted = lambda: False) -> Bytes:
        """The pixels of a frame, as they follow the header in its file. Not to be written to.

        Args:
            number: The frame.
            reader: Who asks, see `Frames.get`.
            interrupted: Asked now and then while waiting whether the frame is still wanted.

        Raises:
            VsfrError: The frame cannot be made; its text names shot and frame.
            OSError: ``EINTR`` if interrupted, ``EIO`` once closed.
        """
        known = self._at_hand(number)
        if known is not None:
            return known
        if self._closed:
            raise OSError(EIO, "serving has ended")
        frame: vs.VideoFrame = self._wait(self.frames.get(number, reader=reader), interrupted)
        return self._laid_out(number, frame)

    def close(self) -> None:
        """End all waiting with ``EIO`` and let go of what is kept."""
        self._closed = True
        with self._lock:
            self._kept.clear()

    def _at_hand(self, number: int) -> Bytes | None:
        with self._lock:
            known = self._kept.get(number)
            if known is not None:
                self._kept.move_to_end(number)
            return known

    def _wait(self, future: Future[Any], interrupted: Interrupted) -> Any:
        while True:
            try:
                return future.result(timeout=_LOOK)
            except CancelledError:
                raise OSError(EIO, "serving has ended") from None
            except TimeoutError as error:
                if future.done():  # it may have come just now
                    if not future.cancelled() and future.exception() is error:
                        raise
                    continue
                if self._closed or interrupted():
                    future.cancel()
                    raise OSError(*((EIO, "serving has ended") if self._closed else (EINTR, "interrupted"))) from None

    def _laid_out(self, number: int, frame: vs.VideoFrame) -> Bytes:
        with self._lock:
            known, work = self._kept.get(number), self._laying.get(number)
            mine = known is None and work is None
            if mine:
                work = self._laying[number] = Future()
        if known is not None:
            return known
        assert work is not None
        if not mine:
            return work.result()
        try:
            pixels = self.layout.pixels(frame)
        except BaseException as error:
            with self._lock:
                del self._laying[number]
            work.set_exception(error)
            raise
        self._keep(number, pixels)
        work.set_result(pixels)
        return pixels

    def _keep(self, number: int, pixels: Bytes) -> None:
        with self._lock:
            del self._laying[number]
            if self._closed:
                return
            self._kept[number] = pixels
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
