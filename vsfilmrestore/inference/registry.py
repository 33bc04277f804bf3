"""Loaded networks, one copy of each however many shots use it.

A filter asks for a `Handle` while the graph is built, which costs nothing: the file is neither opened nor looked for.
The first frame that needs it loads the network. It stays until nobody holds a handle and memory is wanted for another,
or until it is idle and the budget is spent; a network that is at work is never unloaded.

Nothing of VapourSynth is kept here: sessions outlive a core, clips do not.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.inference._machine import cores, total_memory
from vsfilmrestore.inference.runtimes import runtime_for
from vsfilmrestore.inference.runtimes.base import Session

__all__ = ["Handle", "Key", "Loaded", "Registry", "registry", "usual_lanes"]

log = logging.getLogger(__name__)

_BUDGET_SHARE: Final = 4
_MOST_LANES: Final = 4


@dataclass(frozen=True, slots=True)
class Key:
    """What makes two sessions the same.

    Attributes:
        file: sha256 of the file, or where and which it is if nobody told what it should be.
        runtime: Name of the runtime.
        device: Device asked for.
        precision: ``auto``, ``fp32`` or ``fp16``.
        lanes: Runs that go on at a time.
        tile: Size of tiles asked for; (0, 0) lets the engine choose.
    """

    file: str
    runtime: str
    device: str
    precision: str
    lanes: int
    tile: tuple[int, int] = (0, 0)


@dataclass
class Loaded:
    """A session with what belongs to it.

    Attributes:
        session: The session.
        slots: Bounds the runs that go on at a time.
        users: Runs that go on.
        tick: When it was used last, counted.
    """

    session: Session
    slots: threading.Semaphore
    users: int = 0
    tick: int = 0
    _spare: dict[object, list[Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def scratch[T](self, key: object, make: Callable[[], T]) -> Iterator[T]:
        """Something to work in, made once and handed on: at most as many as are used at a time."""
        with self._lock:
            spare = self._spare.setdefault(key, [])
            thing = spare.pop() if spare else None
        if thing is None:
            thing = make()
        try:
            yield thing
        finally:
            with self._lock:
                if len(self._spare) > 1:  # pictures of another size have had their time
                    self._spare = {key: self._spare.get(key, [])}
                self._spare[key].append(thing)


class Handle:
    """The right to use a network; held by the filters of a shot, and ends with them."""

    def __init__(self, owner: Registry, make_key: Callable[[], Key], load: Callable[[], Session]) -> None:
        self._owner = owner
        self._make_key = make_key
        self._load = load
        self._key: Key | None = None
        self._lock = threading.Lock()

    @contextmanager
    def use(self) -> Iterator[Loaded]:
        """The loaded network, for a run; waits where as many as may are at work.

        Raises:
            ModelError: The file cannot be used.
            InstallationError: The runtime or the device is missing.
        """
        with self._lock:
            if self._key is None:
                self._key = self._make_key()
                self._owner._hold(self._key)
                weakref.finalize(self, self._owner._let_go, self._key)
        loaded = self._owner._take(self._key, self._load)
        try:
            with loaded.slots:
                yield loaded
        finally:
            self._owner._give_back(loaded)


class Registry:
    """Sessions by `Key`.

    Args:
        budget: Bytes of weights that may stay loaded; a quarter of the machine's memory if not given. What is at work
            is kept even where it takes more.
    """

    def __init__(self, budget: int | None = None) -> None:
        self.budget = total_memory() // _BUDGET_SHARE if budget is None else budget
        self.loads = 0
        self._loaded: dict[Key, Loaded] = {}
        self._holders: dict[Key, int] = {}
        # Let go of by finalisers, which may run in the middle of any line of the thread that holds the lock.
        self._lock = threading.RLock()
        self._loading: dict[Key, threading.Lock] = {}
        self._clock = 0

    def __len__(self) -> int:
        return len(self._loaded)

    @property
    def weights(self) -> int:
        """Bytes of weights that are loaded."""
        with self._lock:
            return sum(loaded.session.weights for loaded in self._loaded.values())

    def holders(self, key: Key) -> int:
        """Handles that have used a network and still live."""
        return self._holders.get(key, 0)

    @property
    def loaded(self) -> tuple[Key, ...]:
        """What is loaded, in the order it came."""
        with self._lock:
            return tuple(self._loaded)

    def handle(
        self,
        path: Path,
        sha256: str = "",
        *,
        device: str = "auto",
        precision: str = "auto",
        lanes: int = 1,
        tile: tuple[int, int] = (0, 0),
    ) -> Handle:
        """The right to use the network of a file. Nothing is read.

        Args:
            path: The file.
            sha256: What its bytes must add up to; '' takes them as they are.
            device: ``auto``, ``cpu``, ``cuda:1`` …
            precision: ``auto``, ``fp32`` or ``fp16``.
            lanes: Runs that will go on at a time; the processor's cores are shared among them.
            tile: Size of tiles asked for, part of the key.

        Raises:
            ModelError: No runtime takes this kind of file.
        """
        runtime = runtime_for(path)
        threads = max(1, cores() // lanes)

        def key() -> Key:
            return Key(sha256.lower() or _which(path), runtime.name, device, precision, lanes, tile)

        def load() -> Session:
            return runtime.load(path, sha256, device=device, precision=precision, threads=threads, parallel=lanes)

        return Handle(self, key, load)

    def unload(self) -> None:
        """Unload every network that is not at work."""
        with self._lock:
            for key in [key for key, loaded in self._loaded.items() if not loaded.users]:
                self._unload(key)

    def _hold(self, key: Key) -> None:
        with self._lock:
            self._holders[key] = self._holders.get(key, 0) + 1

    def _let_go(self, key: Key) -> None:
        with self._lock:
            left = self._holders.get(key, 0) - 1
            if left > 0:
                self._holders[key] = left
            else:
                self._holders.pop(key, None)

    def _take(self, key: Key, load: Callable[[], Session]) -> Loaded:
        with self._lock:
            loaded = self._touch(key)
            if loaded is not None:
                return loaded
            loading = self._loading.setdefault(key, threading.Lock())
        with loading:
            with self._lock:
                loaded = self._touch(key)
            if loaded is not None:
                return loaded
            session = load()
            with self._lock:
                self.loads += 1
                self._loaded[key] = Loaded(session, threading.Semaphore(session.parallel))
                self._loading.pop(key, None)
                taken = self._touch(key)
                assert taken is not None
                self._keep_to_budget()
            log.debug("loaded %s on %s", key.file[:12], session.device)
            return taken

    def _touch(self, key: Key) -> Loaded | None:
        loaded = self._loaded.get(key)
        if loaded is not None:
            self._clock += 1
            loaded.tick = self._clock
            loaded.users += 1
        return loaded

    def _give_back(self, loaded: Loaded) -> None:
        with self._lock:
            loaded.users -= 1
            self._keep_to_budget()

    def _keep_to_budget(self) -> None:
        """Unload what is idle: first what nobody holds, then what was used longest ago."""
        spent = sum(loaded.session.weights for loaded in self._loaded.values())
        if spent <= self.budget:
            return
        idle = [key for key, loaded in self._loaded.items() if not loaded.users]
        for key in sorted(idle, key=lambda key: (self.holders(key) > 0, self._loaded[key].tick)):
            if spent <= self.budget:
                return
            spent -= self._loaded[key].session.weights
            self._unload(key)

    def _unload(self, key: Key) -> None:
        self._loaded.pop(key).session.close()
        log.debug("unloaded %s", key.file[:12])


def _which(path: Path) -> str:
    """A name for a file nobody told the sha256 of: another one when the file changes."""
    try:
        facts = path.stat()
    except OSError:
        return str(path.absolute())
    return f"{path.absolute()}:{facts.st_size}:{facts.st_mtime_ns}"


@cache
def registry() -> Registry:
    """The registry of this process, made when it is first asked for."""
    return Registry()


def usual_lanes(frames: int) -> int:
    """Runs that go on at a time for a network that gives so many frames per run.

    Runs beside one another use cores better than threads within a run do; but each has its own intermediate results,
    and those of long windows are large.
    """
    return min(cores(), _MOST_LANES if frames == 1 else 2)
