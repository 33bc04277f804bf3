"""Frames of a clip for many who ask at once: each rendered once, the last ones kept, the next ones rendered ahead.

::

    get(7) ---> at hand?  yes: done at once
                being made or waiting?  yes: wait along with who asked before
                no: the queue of what is asked for -> as many at once as there are workers
    get(8), get(9) of one reader ---> 10, 11, 12 ... are rendered ahead whenever a worker has nothing else to do

What nobody waits for any more is dropped as long as it has not begun; a frame that has begun is finished and kept, as
VapourSynth cannot stop in the middle of one. Frames are shared by all who ask: nobody closes them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import vapoursynth as vs

from vsfilmrestore.errors import MediaError, RenderError
from vsfilmrestore.media.failure import frame_error
from vsfilmrestore.render.memory import give_back

__all__ = ["CACHE_BYTES", "Counts", "Frames", "frame_bytes"]

CACHE_BYTES: Final = 512 << 20
"""What is kept where nothing else is said."""

_AHEAD: Final = 8
_GIVE_BACK: Final = 24
"""Frames after which unused memory is handed back."""
_WATCHED: Final = 8
"""Requests of a reader from which the way it plays is told: several threads of a host ask out of order."""
_STEP: Final = 4
"""Frames from one request of a player to the next, at most and on average; who jumps asks further apart."""
_READERS: Final = 256


@dataclass(frozen=True, slots=True)
class Counts:
    """What was done and what is going on.

    Attributes:
        rendered: Frames rendered.
        hits: Requests answered with a frame that was at hand.
        joined: Requests that waited along with an equal one.
        dropped: Frames that were asked for, and dropped before they began.
        failed: Frames that could not be made.
        waiting: Frames that are asked for and have not begun.
        running: Frames being made.
        ahead: Frames to be rendered ahead that have not begun.
        kept: Frames at hand.
        kept_bytes: Their size.
    """

    rendered: int = 0
    hits: int = 0
    joined: int = 0
    dropped: int = 0
    failed: int = 0
    waiting: int = 0
    running: int = 0
    ahead: int = 0
    kept: int = 0
    kept_bytes: int = 0


def frame_bytes(frame: vs.VideoFrame) -> int:
    """Memory a frame takes, with the masks it carries."""
    own = sum(frame.get_stride(plane) * frame[plane].shape[0] for plane in range(frame.format.num_planes))
    return own + sum(frame_bytes(value) for value in frame.props.values() if isinstance(value, vs.VideoFrame))


def _bytes_of_format(node: vs.VideoNode) -> int:
    """What a frame of a clip takes at least."""
    fmt = node.format
    chroma = (fmt.num_planes - 1) / (1 << (fmt.subsampling_w + fmt.subsampling_h))
    return int(node.width * node.height * fmt.bytes_per_sample * (1 + chroma))


@dataclass(slots=True, eq=False)
class _Job:
    number: int
    futures: list[Future[vs.VideoFrame]] = field(default_factory=list)
    readers: set[object] = field(default_factory=set)
    """For whom it is rendered ahead."""


class Frames:
    """The frames of a clip. Safe to be called from any thread; callbacks of its futures must not block.

    >>> frames = Frames(reel.node, cache_bytes=1 << 30)
    >>> frames.get(12).result(timeout=300)
    """

    def __init__(
        self,
        node: vs.VideoNode,
        *,
        cache_bytes: int = CACHE_BYTES,
        workers: int | None = None,
        ahead: int = _AHEAD,
        shot_of: Callable[[int], str] | None = None,
    ) -> None:
        """
        Args:
            node: A clip of constant format and size.
            cache_bytes: Most bytes of finished frames that are kept; 0 keeps none.
            workers: Most frames made at once; VapourSynth's number of threads if not given.
            ahead: Most frames rendered ahead for each reader; fewer where the cache holds fewer.
            shot_of: Names the shot of a frame, for error messages.
        """
        self.node = node
        self._most_bytes, self._most_ahead = max(0, cache_bytes), max(0, ahead)
        self._workers = max(1, vs.core.num_threads if workers is None else workers)
        self._shot_of = shot_of
        self._lock = threading.Condition()
        self._asked: OrderedDict[int, _Job] = OrderedDict()
        self._later: OrderedDict[int, _Job] = OrderedDict()
        self._running: dict[int, _Job] = {}
        self._kept: OrderedDict[int, tuple[vs.VideoFrame, int]] = OrderedDict()
        self._kept_bytes, self._largest = 0, _bytes_of_format(node)
        self._heads: OrderedDict[object, deque[int]] = OrderedDict()
        self._closed = False
        self._rendered = self._hits = self._joined = self._dropped = self._failed = 0

    def __len__(self) -> int:
        return self.node.num_frames

    @property
    def counts(self) -> Counts:
        with self._lock:
            done = (self._rendered, self._hits, self._joined, self._dropped, self._failed)
            now = (len(self._asked), len(self._running), len(self._later), len(self._kept), self._kept_bytes)
            return Counts(*done, *now)

    def get(self, number: int, *, reader: object = None) -> Future[vs.VideoFrame]:
        """Ask for a frame.

        Cancel the future when the frame is not wanted any more; the frame is dropped if it has not begun and nobody
        else wants it.

        Args:
            number: The frame.
            reader: Who asks, any hashable value: frames are rendered ahead in the direction it plays. None: nobody
                who plays.

        Returns:
            The frame; its exception is a `VsfrError` that names shot and frame.

        Raises:
            RenderError: There is no such frame, or this is closed.
        """
        if not 0 <= number < len(self):
            raise RenderError(f"there are frames 0 to {len(self) - 1}", frame=number)
        future: Future[vs.VideoFrame] = Future()
        with self._lock:
            if self._closed:
                raise RenderError("serving has ended", frame=number)
            frame = self._at_hand(number)
            if frame is None:
                self._ask(number, future)
            else:
                self._hits += 1
            if reader is not None:
                self._look_ahead(number, reader)
        if frame is not None:
            future.set_result(frame)
        else:
            future.add_done_callback(lambda done: self._let_go(number, done))
        self._pump()
        return future

    def at_hand(self, number: int) -> vs.VideoFrame | None:
        """The frame if it is kept; asks for nothing."""
        with self._lock:
            return self._at_hand(number)

    def forget(self, reader: object) -> None:
        """A reader is gone: nothing more is rendered ahead for it."""
        with self._lock:
            self._heads.pop(reader, None)
            self._drop_ahead(reader, set())

    def clear(self) -> None:
        """Let go of all frames at hand."""
        with self._lock:
            self._kept.clear()
            self._kept_bytes = 0
        give_back()

    def close(self, timeout: float = 30.0) -> bool:
        """Cancel what has not begun and wait for what has.

        Returns:
            Whether all of it ended within the time.
        """
        with self._lock:
            self._closed = True
            waiting = [future for job in self._asked.values() for future in job.futures]
            self._asked.clear()
            self._later.clear()
        for future in waiting:
            future.cancel()
        end = monotonic() + timeout
        with self._lock:
            while self._running and (left := end - monotonic()) > 0:
                self._lock.wait(left)
            calm = not self._running
        self.clear()
        return calm

    def _at_hand(self, number: int) -> vs.VideoFrame | None:
        """With the lock held."""
        known = self._kept.get(number)
        if known is None:
            return None
        self._kept.move_to_end(number)
        return known[0]

    def _ask(self, number: int, future: Future[vs.VideoFrame]) -> None:
        """With the lock held."""
        job = self._running.get(number) or self._asked.get(number)
        if job is None:
            job = self._later.pop(number, None) or _Job(number)
            self._asked[number] = job
        else:
            self._joined += 1
        job.futures.append(future)

    def _let_go(self, number: int, future: Future[vs.VideoFrame]) -> None:
        """A future is done; if it was cancelled, nobody may want its frame any more."""
        if not future.cancelled():
            return
        with self._lock:
            job = self._running.get(number) or self._asked.get(number)
            if job is None or future not in job.futures:
                return
            job.futures.remove(future)
            if not job.futures and self._asked.pop(number, None) is not None:
                self._dropped += 1

    def _look_ahead(self, number: int, reader: object) -> None:
        """With the lock held: render ahead in the direction a reader plays."""
        recent = self._heads.setdefault(reader, deque(maxlen=_WATCHED))
        self._heads.move_to_end(reader)
        if len(self._heads) > _READERS:
            old, _ = self._heads.popitem(last=False)
            self._drop_ahead(old, set())
        if recent and abs(number - recent[-1]) > _STEP * _WATCHED:
            recent.clear()
        recent.append(number)
        wanted = [n for n in self._next(recent) if n not in self._kept]
        self._drop_ahead(reader, set(wanted))
        for n in wanted:
            if n not in self._running and n not in self._asked:
                self._later.setdefault(n, _Job(n)).readers.add(reader)

    def _next(self, recent: deque[int]) -> range:
        """The frames a reader will probably ask for, the next one first."""
        numbers = list(recent)
        half = len(numbers) // 2
        if half < 1 or max(numbers) - min(numbers) > _STEP * len(numbers):
            return range(0)
        turn = sum(numbers[-half:]) - sum(numbers[:half])
        count = min(self._most_ahead, self._most_bytes // (2 * self._largest))
        if turn > 0:
            return range(max(numbers) + 1, min(max(numbers) + 1 + count, len(self)))
        if turn < 0:
            return range(min(numbers) - 1, max(min(numbers) - 1 - count, -1), -1)
        return range(0)

    def _drop_ahead(self, reader: object, wanted: set[int]) -> None:
        """With the lock held: what is rendered ahead for a reader is these frames and no others."""
        for n in [n for n, job in self._later.items() if reader in job.readers and n not in wanted]:
            job = self._later[n]
            job.readers.discard(reader)
            if not job.readers:
                del self._later[n]

    def _pump(self) -> None:
        while (job := self._begin()) is not None:
            number = job.number
            try:
                self.node.get_frame_async(number, lambda frame, error, n=number: self._made(n, frame, error))  # type: ignore[misc]
            except vs.Error as error:
                self._ended(number, None, str(error))

    def _begin(self) -> _Job | None:
        """Take the next job, if a worker is free for it."""
        with self._lock:
            if self._closed or len(self._running) >= self._workers:
                return None
            if self._asked:
                _, job = self._asked.popitem(last=False)
            elif self._later and len(self._running) < max(1, self._workers - 1):
                _, job = self._later.popitem(last=False)
            else:
                return None
            self._running[job.number] = job
            return job

    def _made(self, number: int, frame: vs.VideoFrame | None, error: object) -> None:
        """On a thread of VapourSynth."""
        self._ended(number, frame, str(error))
        self._pump()

    def _ended(self, number: int, frame: vs.VideoFrame | None, error: str) -> None:
        with self._lock:
            job = self._running.pop(number)
            if frame is not None:
                self._rendered += 1
                self._keep(number, frame)
            else:
                self._failed += 1
            trim = self._rendered % _GIVE_BACK == 0
            futures = list(job.futures)
            self._lock.notify_all()
        failure = None if frame is not None else self._failure(number, error)
        for future in futures:
            if future.set_running_or_notify_cancel():
                future.set_result(frame) if failure is None else future.set_exception(failure)  # type: ignore[arg-type]
        if trim:
            give_back()

    def _failure(self, number: int, text: str) -> Exception:
        shot = None
        if self._shot_of is not None:
            with suppress(Exception):
                shot = self._shot_of(number)
        found = frame_error(vs.Error(text), shot=shot, frame=number)
        return MediaError(found.message, shot=shot, frame=number) if isinstance(found, MediaError) else found

    def _keep(self, number: int, frame: vs.VideoFrame) -> None:
        """With the lock held."""
        size = frame_bytes(frame)
        self._largest = max(self._largest, size)
        if size > self._most_bytes or self._closed:
            return
        self._kept[number] = frame, size
        self._kept_bytes += size
        while self._kept_bytes > self._most_bytes:
            _, (_, freed) = self._kept.popitem(last=False)
            self._kept_bytes -= freed
