"""Loaded networks, one copy of each however many shots use it.

A filter asks for a `Handle` while the graph is built, which costs nothing: the file is neither opened nor looked for.
The first frame that needs it loads the network, on the device that was asked for or that `choose` finds; a shot keeps
its device, whatever becomes of it later. A network stays until nobody holds a handle and memory is wanted for another,
or until it is idle and the budget is spent; a network that is at work is never unloaded.

Nothing of VapourSynth is kept here: sessions outlive a core, clips do not.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from vsfilmrestore.errors import InstallationError
from vsfilmrestore.inference._machine import cores, total_memory
from vsfilmrestore.inference.choices import Choices
from vsfilmrestore.inference.choose import Asked, candidates, choose
from vsfilmrestore.inference.runtimes import runtime_for
from vsfilmrestore.inference.runtimes.base import MemoryShortError, Session, run_in
from vsfilmrestore.models.contract import Contract

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
        device: Device asked for, or found for those who leave it open.
        precision: What it runs in as far as that was asked for or is known: ``auto`` is the file's own. ONNX networks
            run in ``fp32`` on processors, whoever asks for what.
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
                self._spare.setdefault(key, []).append(thing)


class Handle:
    """The right to use a network; held by the filters of a shot, and ends with them."""

    def __init__(self, owner: Registry, make_keys: Callable[[], Sequence[Key]], load: Callable[[Key], Session]) -> None:
        self._owner = owner
        self._make_keys = make_keys
        self._load = load
        self._key: Key | None = None
        self._lock = threading.Lock()

    @contextmanager
    def use(self) -> Iterator[Loaded]:
        """The loaded network, for a run; waits where as many as may are at work.

        Raises:
            ModelError: The file cannot be used.
            InstallationError: The runtime or the device is missing.
            MemoryShortError: There is not enough memory to load it.
        """
        with self._lock:
            loaded = self._first() if self._key is None else None
        if loaded is None:
            assert self._key is not None
            loaded = self._owner._take(self._key, partial(self._load, self._key))
        try:
            with loaded.slots:
                yield loaded
        finally:
            self._owner._give_back(loaded)

    def _first(self) -> Loaded:
        """Load it on the first device that takes it, and stay with that: a shot is not made on two devices."""
        key, loaded = self._owner._take_first(self._make_keys(), self._load)
        self._key = key
        self._owner._hold(key)
        weakref.finalize(self, self._owner._let_go, key)
        return loaded


class Registry:
    """Sessions by `Key`.

    Args:
        budget: Bytes of weights that may stay loaded; a quarter of the machine's memory if not given. What is at work
            is kept even where it takes more.
        choices: What was chosen for whom leaves the device open; those of the user's cache folder if not given.
    """

    def __init__(self, budget: int | None = None, choices: Choices | None = None) -> None:
        self.budget = total_memory() // _BUDGET_SHARE if budget is None else budget
        self.choices = Choices() if choices is None else choices
        self._failed: set[object] = set()
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
        contract: Contract | None = None,
        size: tuple[int, int] = (0, 0),
    ) -> Handle:
        """The right to use the network of a file. Nothing is read.

        Args:
            path: The file.
            sha256: What its bytes must add up to; '' takes them as they are.
            device: ``auto``, ``cpu``, ``cuda:1`` …
            precision: ``auto``, ``fp32`` or ``fp16``.
            lanes: Runs that will go on at a time; the processor's cores are shared among them.
            tile: Size of tiles asked for, part of the key.
            contract: What it wants and gives. Without it ``auto`` takes the first device and measures nothing.
            size: Height and width of the pictures.

        Raises:
            ModelError: No runtime takes this kind of file.
        """
        runtime = runtime_for(path)
        threads = max(1, cores() // lanes)

        def devices() -> Sequence[str]:
            if device != "auto":
                return (device,)
            if contract is None:
                return candidates(runtime)
            asked = Asked(path, sha256, contract, size, precision, threads, lanes)
            return choose(runtime, asked, self.choices).order

        def keys() -> list[Key]:
            file = sha256.lower() or _which(path)
            return [
                Key(file, runtime.name, each, run_in(runtime.name, each, precision), lanes, tile) for each in devices()
            ]

        def load(key: Key) -> Session:
            return runtime.load(path, sha256, device=key.device, precision=precision, threads=threads, parallel=lanes)

        return Handle(self, keys, load)

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
            session = self._load(load)
            with self._lock:
                self.loads += 1
                self._loaded[key] = Loaded(session, threading.Semaphore(session.parallel))
                self._loading.pop(key, None)
                taken = self._touch(key)
                assert taken is not None
                self._keep_to_budget()
            log.debug("loaded %s on %s", key.file[:12], session.device)
            return taken

    def _load(self, load: Callable[[], Session]) -> Session:
        """Load; where there is no room, what is idle makes some first."""
        try:
            return load()
        except MemoryShortError:
            loaded = len(self)
            self.unload()
            if len(self) == loaded:
                raise
        log.info("memory is short: idle networks were unloaded")
        return load()

    def _take_first(self, keys: Sequence[Key], load: Callable[[Key], Session]) -> tuple[Key, Loaded]:
        """The network on the first device that can be had; one that failed is not tried again."""
        able = [key for key in keys if not {key, _device(key)} & self._failed] or keys[-1:]
        for key, following in zip(able, (*able[1:], None), strict=True):
            try:
                return key, self._take(key, partial(load, key))
            except (InstallationError, MemoryShortError) as error:
                if following is None:
                    raise
                self._tell(key, error, following.device)
        raise AssertionError("no device was given")

    def _tell(self, key: Key, error: InstallationError | MemoryShortError, following: str) -> None:
        """Say once that a device, or a device for a network, is out."""
        out = key if isinstance(error, MemoryShortError) else _device(key)
        with self._lock:
            told = out in self._failed
            self._failed.add(out)
        if not told:
            log.warning("'%s' cannot be used (%s); '%s' is taken instead", key.device, error.message, following)

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


def _device(key: Key) -> tuple[str, str]:
    return key.runtime, key.device


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
